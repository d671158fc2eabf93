"""Requests that only the probe sends: through the product's clients, gate and limits, with the same errors."""
