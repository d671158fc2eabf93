"""Compares what should be with what is: plans, applying them, verification, and forgetting old records."""
