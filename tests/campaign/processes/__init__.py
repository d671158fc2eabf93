"""Rounds with real processes: an embedded server, both remotes over HTTP, workers and beat under the product's supervisor."""
