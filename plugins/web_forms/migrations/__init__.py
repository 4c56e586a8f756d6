"""The migrations of web_forms."""
