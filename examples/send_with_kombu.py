"""Start a scan of some projects (none named = all). Needs `pip install 'kombu[redis]'` and no Celery.

REDIS_URL=redis://... python send_with_kombu.py [PROJECT_ID ...]
"""

import os
import sys
import uuid

from kombu import Connection

task_id = str(uuid.uuid4())
arguments = {"trigger": "the portal", "project_ids": [int(each) for each in sys.argv[1:]]}
options = {"global_keyprefix": os.environ.get("REDIS_KEY_PREFIX", "wbs:")}
with Connection(os.environ["REDIS_URL"], transport_options=options) as connection:
    connection.Producer(serializer="json").publish(
        [[], arguments, None],
        routing_key="scans",
        headers={"task": "wbs.scan_projects", "id": task_id, "lang": "py"},
        correlation_id=task_id,
    )
print(task_id)
