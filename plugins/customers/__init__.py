"""Customers: the companies we sell to and the people there."""
