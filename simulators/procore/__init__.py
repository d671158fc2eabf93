"""A stand-in for Procore over HTTP: the documented endpoints that the integration uses, over an in-memory company."""
