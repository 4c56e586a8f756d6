"""The migrations of automation."""
