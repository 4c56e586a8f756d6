"""Which kind of file it is, by what stands in it rather than by its name."""

from __future__ import annotations

from typing import BinaryIO

from plugins.import_export.files.book import Book, Reading
from plugins.import_export.files.delimited import open_delimited

NOTHING_SAID = Reading()


def open_book(source: BinaryIO, file_name: str, reading: Reading = NOTHING_SAID) -> Book:
    """Read what a file is and its headings; raises Invalid, code `undecided` where a person is to name the encoding."""
    return open_delimited(source, file_name, reading)
