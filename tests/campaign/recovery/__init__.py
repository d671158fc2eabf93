"""Recovery, shown on a large company: Redis lost, workers killed, a thousand codes blocked and fixed; real processes throughout."""
