"""A simulated Procore: the documented endpoints that the integration uses, for a company in memory."""
