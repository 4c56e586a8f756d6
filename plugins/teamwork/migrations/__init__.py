"""The migrations of leads."""
