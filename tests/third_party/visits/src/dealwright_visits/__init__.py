"""Visits to customers."""
