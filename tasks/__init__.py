"""The Celery tasks: ids in, one call of a service, a small dict out. Other applications enqueue them by name (docs/enqueue.md)."""
