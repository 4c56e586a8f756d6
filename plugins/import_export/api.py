"""What importers may import from import_export."""

from plugins.import_export.migrating.cells import first_line, number, plain_text, web_address

__all__ = ["first_line", "number", "plain_text", "web_address"]
