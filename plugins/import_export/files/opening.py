"""Which kind of file it is, by what stands in it rather than by its name."""

from __future__ import annotations

import re
import zipfile
from contextlib import suppress
from typing import BinaryIO

from plugins.import_export.files.book import Book, Reading, from_start, unreadable
from plugins.import_export.files.delimited import open_delimited
from plugins.import_export.files.encodings import decide
from plugins.import_export.files.lines import is_lines, open_lines
from plugins.import_export.files.spreadsheets import open_spreadsheet
from plugins.import_export.files.vcards import open_vcards
from sdk import Refusal, _

NOTHING_SAID = Reading()
_PACKED = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""Archives; a heading may be called PK, too."""
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How files of Office began before 2007; those with a password still do."""
_OTHERS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"SQLite format 3", b"\x7fELF", b"MZ\x90")
"""Papers, pictures, archives and programs."""
_MARKUP = re.compile(rb"\s*<(!doctype html|!--|html|head|meta|style|body|\?xml|table|\w+:workbook|workbook)\b", re.IGNORECASE)
_BOOK = re.compile(rb"<(\w+:)?workbook\b", re.IGNORECASE)
_DECLARED = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_JSON = re.compile(rb"\s*(?:\[\s*[\[{]|\{\s*\")")
_NAMED = ((b"mime-version:", "MHTML"), (b"id;p", "SYLK"))
"""Formats that programs call a spreadsheet and that are read here by nobody."""
_HEAD = 4096


def open_book(source: BinaryIO, file_name: str, reading: Reading = NOTHING_SAID) -> Book:
    """Read what a file is and its headings; raises Invalid, code `undecided` where a person is to name the encoding."""
    head = from_start(source).read(_HEAD)
    if head.startswith(_PACKED):
        return open_spreadsheet(source, _packed_kind(source), reading)
    if head.startswith(_COMPOUND):
        return open_spreadsheet(source, "xls", reading)
    if is_lines(source):
        return open_lines(source)
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        return open_spreadsheet(source, "xml" if _BOOK.search(head) else "html", reading, _encoding_of_markup(source, head, reading))
    if _JSON.match(head.removeprefix(b"\xef\xbb\xbf")):
        raise unreadable(_("is a JSON list, not a table; write one record per line (JSON Lines), or save it as CSV"))
    for mark, kind in _NAMED:
        if head[: len(mark)].lower() == mark:
            raise unreadable(_("is actually {kind}; open it in a spreadsheet and save it as XLSX"), kind=kind)
    if head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:11].upper() == b"BEGIN:VCARD":
        return open_vcards(source, file_name, reading)
    if head.startswith(_OTHERS):
        raise unreadable(_("is neither text nor a spreadsheet; save it as CSV in UTF-8, or as XLSX"))
    return open_delimited(source, file_name, reading)


def _encoding_of_markup(source: BinaryIO, head: bytes, reading: Reading) -> str:
    """That which was said, or which it declares and is in, or which is found out."""
    declared = _DECLARED.search(head)
    if not reading.encoding and declared is not None:
        with suppress(Refusal):  # not one that we know, or not that of its text
            return decide(source, declared[1].decode())[0]
    return decide(source, reading.encoding)[0]


def _packed_kind(source: BinaryIO) -> str:
    source.seek(0)
    try:
        with zipfile.ZipFile(source) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" in names:
                return "xlsx"
            if "xl/workbook.bin" in names:
                return "xlsb"
            if "mimetype" in names and b"opendocument.spreadsheet" in archive.open("mimetype").read(200):
                return "ods"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as failure:
        raise unreadable(_("is a damaged archive; save or send it again")) from failure
    raise unreadable(_("is an archive without a spreadsheet; unpack it and send the file inside"))
