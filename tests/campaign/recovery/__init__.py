"""Recovery, shown on a large company: Redis lost, workers killed, a thousand codes blocked and mended; real processes throughout."""
