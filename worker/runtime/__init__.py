"""What runs inside each process: the broker transport, thread pool, events, heartbeat and clean endings."""
