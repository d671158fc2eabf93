"""Fault campaigns: the real services under a seeded scheduler with virtual time, and questions asked of what they left."""
