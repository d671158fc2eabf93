"""Procore's REST API: what wbs-sync reads, and the one field it writes back."""
