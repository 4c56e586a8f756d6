"""The files of an archive, unpacked one beside the other for as long as they are read."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import BinaryIO

from plugins.import_export.files import Book, Reading, open_book
from plugins.import_export.files.book import unreadable
from sdk import Conflict, Refusal, _

MOST_FILES, MOST_BYTES = 200, 4 << 30
READ = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".xlsb", ".ods")
_BEGINS = (b"PK\x03\x04", b"PK\x05\x06")
_WORKBOOKS = ("xl/workbook.xml", "xl/workbook.bin", "mimetype")
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError)


@contextmanager
def opened(source: BinaryIO, file_name: str, reading: Reading) -> Iterator[tuple[list[tuple[str, Book]], dict[str, Refusal]]]:
    """The files of a zip, or the one file that it is, by name as books; and why others could not be read. Raises Invalid for a broken archive."""
    with TemporaryDirectory() as folder, ExitStack() as files:
        books: list[tuple[str, Book]] = []
        unread: dict[str, Refusal] = {}
        members = list(_unpacked(source, Path(folder))) if is_archive(source) else [(file_name, None)]
        for name, path in members:
            stream = source if path is None else files.enter_context(path.open("rb"))
            try:
                books.append((name, open_book(stream, name, reading)))
            except Conflict:  # it could be read at another time: nothing is to be left out for that
                raise
            except Refusal as refusal:
                unread[name] = refusal
        yield books, unread


def is_archive(source: BinaryIO) -> bool:
    """Whether it is a zip of files, and no workbook: the new ones are a zip themselves, the old ones may have one within them."""
    source.seek(0)
    begins = source.read(4)
    source.seek(0)
    if begins not in _BEGINS or not zipfile.is_zipfile(source):
        return False
    try:
        with zipfile.ZipFile(source) as archive:
            return not set(archive.namelist()) & set(_WORKBOOKS)
    except _BROKEN as failure:
        raise unreadable(_("is a damaged archive; save or send it again")) from failure


def _unpacked(source: BinaryIO, folder: Path) -> Iterator[tuple[str, Path]]:
    try:
        with zipfile.ZipFile(source) as archive:
            members = [one for one in archive.infolist() if _is_read(one)]
            if len(members) > MOST_FILES or sum(one.file_size for one in members) > MOST_BYTES:
                raise unreadable(_("is an archive with too many or too large files; send it in parts"))
            for number, member in enumerate(members):
                path = folder / str(number)  # never by its own name, which may lead out of the folder
                with archive.open(member) as packed, path.open("wb") as plain:
                    shutil.copyfileobj(packed, plain, 1 << 20)
                yield PurePosixPath(member.filename).name, path
    except _BROKEN as failure:
        raise unreadable(_("is a damaged archive; save or send it again")) from failure


def _is_read(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return not member.is_dir() and not hidden and path.suffix.lower() in READ
