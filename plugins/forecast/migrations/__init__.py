"""The migrations of forecast."""
