"""How work is done: what is created in NetSuite is created once, and stops where NetSuite changes every record."""
