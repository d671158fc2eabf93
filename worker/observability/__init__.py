"""Correlation ids, trace spans and the redaction of secrets. Imported by every layer; imports none."""
