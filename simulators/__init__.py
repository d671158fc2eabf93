"""Simulators of Procore and NetSuite: HTTP servers with their state in memory and faults on demand. They share no code with the product."""
