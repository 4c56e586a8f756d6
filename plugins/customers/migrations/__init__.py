"""The migrations of customers."""
