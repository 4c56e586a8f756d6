"""The text of typst templates: taken out of what was uploaded, and put back into it. Word files have none to edit here."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from plugins.documents.offers import MAIN

SUFFIX = ".typ"
MOST_TEXT = 200_000
_ARCHIVE = b"PK\x03\x04"


def texts(content: bytes) -> dict[str, str]:
    """The sources by name, the main one first. What was taken by an upload has been unpacked under limits already."""
    if not content.startswith(_ARCHIVE):
        return {MAIN: content.decode(errors="replace")}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = sorted((name for name in archive.namelist() if name.endswith(SUFFIX)), key=lambda name: (name != MAIN, name))
        return {name: archive.read(name).decode(errors="replace") for name in names}


def changed(content: bytes, typed: Mapping[str, str]) -> bytes:
    """The same template with other texts; what else is in it stays. Lines end as sources end them."""
    plain = {name: text.replace("\r\n", "\n").encode() for name, text in typed.items()}
    if not content.startswith(_ARCHIVE):
        return plain.get(MAIN, content)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as sink:
        for name in source.namelist():
            sink.writestr(name, plain.get(name, source.read(name)))
    return made.getvalue()
