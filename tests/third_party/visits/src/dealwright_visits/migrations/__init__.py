"""The migrations of visits."""
