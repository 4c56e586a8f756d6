"""Leads: people who may become customers, and the campaigns that brought them."""
