"""Plugins: found, ordered, called one by one, and switched per tenant. Only this package knows pluggy."""
