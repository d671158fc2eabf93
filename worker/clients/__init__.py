"""Procore and NetSuite over HTTP: authentication, wire models, error tables. Neither client imports the other."""
