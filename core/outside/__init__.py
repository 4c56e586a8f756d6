"""Calls to systems outside the house."""
