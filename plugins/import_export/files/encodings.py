"""In which encoding a text file is written: found out where that is certain, otherwise asked for, never guessed."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from plugins.import_export.files.book import BLOCK, Note, from_start, unreadable
from sdk import BadRequest, _

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decide(source: BinaryIO, asked: str) -> tuple[str, list[Note]]:
    """The codec by which the whole file can be decoded; raises Invalid where it cannot, or where two are as likely."""
    encoding = _codec(asked) if asked else _marked(source) or "utf-8"
    place = undecodable(source, encoding)
    if place is not None:
        text = _("is not {encoding} text (byte {position}); save it as UTF-8")
        raise unreadable(text, encoding=encoding.removesuffix("-sig").upper(), position=place)
    return encoding, []


def _codec(name: str) -> str:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError) as failure:
        raise BadRequest(
            _("unknown encoding {name!r}; there are {names}"), name=name[:40], names="utf-8, utf-16, gb18030, big5, cp1252"
        ) from failure
    return found.name


def _marked(source: BinaryIO) -> str:
    head = from_start(source).read(4)
    return next((name for mark, name in _BOMS if head.startswith(mark)), "")


def undecodable(source: BinaryIO, encoding: str) -> int | None:
    """The first byte of the whole file that is not in this encoding; None where all are."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    file = from_start(source)
    read, block = 0, b"-"
    while block:
        block = file.read(BLOCK)
        read += len(block)
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as failure:
            return read - len(failure.object) + failure.start  # what was decoded ends where we have read to
    return None
