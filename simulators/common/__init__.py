"""Parts of both simulators: the HTTP server, the journal, faults on demand and the admin endpoints."""
