"""The migrations of company."""
