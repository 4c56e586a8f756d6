"""The migrations of pipeline."""
