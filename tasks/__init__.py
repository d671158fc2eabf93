"""The Celery face: ids in, one service call, a small dict out. Other apps enqueue these by name (docs/enqueue.md)."""
