"""The migrations of import_export."""
