"""Files as people save them, whatever their format: sheets with headings and rows of text."""

from plugins.import_export.files.book import Book, Note, Reading, Sheet
from plugins.import_export.files.opening import open_book

__all__ = ["Book", "Note", "Reading", "Sheet", "open_book"]
