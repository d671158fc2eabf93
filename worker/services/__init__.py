"""The use cases: scan, make Items, export, resume, verify, check. They know no Celery; tasks and commands call them."""
