"""The migrations of loyalty."""
