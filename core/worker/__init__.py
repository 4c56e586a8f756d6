"""Delivery of what waits in the outbox."""
