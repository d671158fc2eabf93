"""Export one invoice and wait for its bill. Needs `pip install 'celery[redis]'` and no part of wbs-sync.

REDIS_URL=redis://... python send_with_celery.py PROJECT_ID INVOICE_ID
"""

import os
import sys

from celery import Celery

project_id, invoice_id = (int(each) for each in sys.argv[1:])
url, prefix = os.environ["REDIS_URL"], os.environ.get("REDIS_KEY_PREFIX", "wbs:")
app = Celery(broker=url, backend=url)
app.conf.broker_transport_options = {"global_keyprefix": prefix}
app.conf.result_backend_transport_options = {"global_keyprefix": prefix}

arguments = {"project_id": project_id, "invoice_id": invoice_id}
sent = app.send_task("invoices.export", kwargs=arguments, queue="exports")
print(sent.id)
# If a user is waiting for your response, do not wait here: save the id and query it later.
print(sent.get(timeout=60))
