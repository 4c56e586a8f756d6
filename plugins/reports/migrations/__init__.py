"""The migrations of reports."""
