"""Values only: settings, names of tasks and queues, Celery options, beat schedule, logging."""
