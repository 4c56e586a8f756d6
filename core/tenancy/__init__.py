"""Tenants: the companies that share an installation and see nothing of each other."""
