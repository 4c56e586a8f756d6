"""Catalog: what we sell."""
