"""Procore and NetSuite as HTTP servers over in-memory state, with faults on demand. They share no code with the product."""
