"""Procore and NetSuite over HTTP: authentication, wire models, error tables. The two do not know each other."""
