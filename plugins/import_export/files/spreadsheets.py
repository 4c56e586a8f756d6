"""XLSX, XLS, XLSB, ODS and markup: read in a process of their own into rows of text on the disk, from where they come as a stream."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import IO, BinaryIO

from plugins.import_export.files.book import BLOCK, Book, Note, Reading, Rows, Sheet, blank, bounded, from_start, named, unreadable
from plugins.import_export.files.headings import SAMPLED, headings_row, note_above, unit_above
from sdk import Conflict, Text, _

_UNPACK, _UNMARK = (Path(__file__).with_name(name) for name in ("unpack.py", "unmark.py"))
_ROOT = Path(__file__).parents[3]
_RUN = "import runpy, sys; sys.path.append(sys.argv[1]); sys.argv = sys.argv[2:]; runpy.run_path(sys.argv[0], run_name='__main__')"
"""Nothing of the environment counts, and the house comes last of all that can be imported."""
MARKUP = ("html", "xml")
_SECONDS = 120
_FILES_KEPT, _MOST_KEPT = 4, 256 << 20
_REASONS: Mapping[str, Text] = {
    "broken": _("is damaged or not a spreadsheet; open it in the program that created it and save it again"),
    "password": _("is password-protected; save it without a password"),
    "large": _("needs more memory than is available for a spreadsheet; save it as CSV, which can be any size"),
    "bomb": _("unpacks to more than is allowed for a spreadsheet; save it as CSV, which can be any size"),
    "markup": _("is a web page or XML without a table, despite its name; open it in a spreadsheet program and save it as XLSX"),
    "late": _("takes too long to read; save it as CSV, which can be any size"),
}


@dataclass(frozen=True)
class Unpacked:
    """Rows on the disk, in a file without a name."""

    file: IO[bytes]
    lock: threading.Lock = field(default_factory=threading.Lock)


_KEPT: OrderedDict[str, Unpacked] = OrderedDict()
_AT_WORK = threading.Lock()
_ROOM = threading.BoundedSemaphore(2)
"""Each reading takes the memory of a process of its own."""


def open_spreadsheet(source: BinaryIO, kind: str, reading: Reading, encoding: str = "") -> Book:
    """Unpack it once; raises Invalid for what is broken, protected or too large. `encoding` is that of markup."""
    rows = _kept(source, kind, encoding)
    sheets: list[Sheet] = []
    notes: list[Note] = []
    for about, place in _index(rows):
        name = str(about["name"])
        if not about["visible"]:
            notes.append(Note("sheet_hidden", _("the sheet {sheet!r} is hidden and skipped"), {"sheet": name}))
            continue
        sample = list(islice(_cells(rows, place), SAMPLED))
        if all(map(blank, sample)):
            continue
        if about.get("hidden"):
            text = _("hidden rows of the sheet {sheet!r} ({count}), by hand or by a filter, are read as well")
            notes.append(Note("rows_hidden", text, {"count": about["hidden"], "sheet": name}))
        # What is said of the headings is said of the first sheet; others have theirs where they are found.
        at = headings_row(sample, Reading() if sheets else reading)
        width = max(len(sample[at]), min(int(str(about["width"])), len(sample[at]) + BLOCK))
        headings, told = named(bounded(sample[at] + [""] * (width - len(sample[at]))))
        notes += [*note_above(sample, at), *told]
        sheets.append(
            Sheet(
                name,
                headings,
                exact=kind != "html",
                read=partial(_numbered, rows, place, at),
                since=str(about.get("since", "")),
                unit=unit_above(sample, at),
            )
        )
    if not sheets:
        raise unreadable(_("is empty: the first line must contain the headings"))
    return Book(kind, encoding, "", tuple(sheets), tuple(notes))


def _numbered(rows: Unpacked, place: int, at: int) -> Rows:
    for number, row in enumerate(islice(_cells(rows, place), at + 1, None), 1):
        if not blank(row):
            yield number, row


def _cells(rows: Unpacked, place: int) -> Iterator[list[str]]:
    for line in from_start(rows.file, place, rows.lock):
        if line.startswith(b"{"):
            return
        row = json.loads(line)
        yield from repeat([], row) if isinstance(row, int) else (row,)


def _index(rows: Unpacked) -> Iterator[tuple[dict[str, object], int]]:
    """What is said of each sheet, and where its rows begin."""
    place = 0
    for line in from_start(rows.file, 0, rows.lock):
        place += len(line)
        if line.startswith(b"{"):
            yield json.loads(line), place


def _kept(source: BinaryIO, kind: str, encoding: str) -> Unpacked:
    """The rows of this very content, from the last time if that is not long ago: who looks at a file page by page does so often."""
    key = f"{kind}:{encoding}:{hashlib.file_digest(from_start(source), 'sha256').hexdigest()}"
    with _AT_WORK:
        if (found := _KEPT.get(key)) is not None:
            _KEPT.move_to_end(key)
            return found
    made = Unpacked(unpacked(source, kind, encoding))
    with _AT_WORK:
        if made.file.seek(0, io.SEEK_END) <= _MOST_KEPT:
            _KEPT[key] = made
        while len(_KEPT) > _FILES_KEPT:
            _KEPT.popitem(last=False)  # the file goes with the last sheet that reads it
    return made


def unpacked(source: BinaryIO, kind: str, encoding: str = "") -> IO[bytes]:
    """The rows of a spreadsheet as its process writes them; raises Invalid with why it cannot."""
    rows = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the sheets that read it)
    with tempfile.NamedTemporaryFile(suffix=f".{kind}") as file:
        shutil.copyfileobj(from_start(source), file)
        file.flush()
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "SYSTEMROOT") if name in os.environ}
        said_of_it = (str(_UNMARK), encoding) if kind in MARKUP else (str(_UNPACK), kind)
        command = [sys.executable, "-I", "-X", "utf8", "-c", _RUN, str(_ROOT), *said_of_it, file.name]
        if not _ROOM.acquire(timeout=_SECONDS):
            rows.close()
            raise Conflict(_("other spreadsheets are being read; try again in a minute"), code="busy")
        try:
            done = subprocess.run(  # noqa: S603 (our own interpreter and program)
                command, stdout=rows, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False,
                env=kept,
            )  # fmt: skip
            said = done.stderr.decode("utf-8", "replace").strip()
        except subprocess.TimeoutExpired:
            done, said = None, "late"
        finally:
            _ROOM.release()
    if done is None or done.returncode:
        rows.close()
        # Killed, or the library gave up for want of memory: then it says nothing that we know.
        raise unreadable(_REASONS.get(said) or _REASONS["large" if done is not None and done.returncode < 0 else "broken"])
    return rows
