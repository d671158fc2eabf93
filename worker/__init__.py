"""The application: what Celery runs and the operator's commands, over services, clients, store and domain."""
