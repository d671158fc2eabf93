"""Flower with this product's login, pages and process settings."""
