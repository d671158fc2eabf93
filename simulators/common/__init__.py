"""What both simulated remotes share: the HTTP server, the journal, faults on demand and the admin endpoints."""
