"""The files of another system, kept as one archive for the check before a migration and for the migration itself."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from plugins.import_export.staging.corrections import FILE, counted
from plugins.import_export.staging.files import KEPT, MOST_BYTES, MOST_FILES
from sdk import Conflict, Context, Invalid, Problem, TooLarge, Upload, _, where
from sdk.context import Row
from sdk.files import last_name, saved


def keep(ctx: Context, uploads: Sequence[Upload]) -> Row:
    """Keep one file as it is, several as an archive of them. Raises Invalid for none, TooLarge, Conflict where one keeps too many."""
    files = ctx.as_system().records(FILE)
    if not uploads:
        raise Invalid(_("some values are invalid"), problems=[Problem("file", "required", _("choose a file first"))])
    if counted(files, where(owner=ctx.actor.user_id)) >= MOST_FILES:
        raise Conflict(_("you already have {most} files waiting; remove some"), code="too_many_files", most=MOST_FILES)
    size = sum(map(_size, uploads))
    if size > MOST_BYTES:
        raise TooLarge(_("a file can be at most {most} MB"), most=MOST_BYTES >> 20)
    with _one(uploads) as (name, source), saved(ctx, source) as key:
        return files.create({"file_name": name, "content": key, "size": size, "expires_at": ctx.now() + KEPT}, act="stage")


def _size(upload: Upload) -> int:
    size = upload.stream.seek(0, 2)
    upload.stream.seek(0)
    return size


@contextmanager
def _one(uploads: Sequence[Upload]) -> Iterator[tuple[str, BinaryIO]]:
    if len(uploads) == 1:
        yield last_name(uploads[0].filename), uploads[0].stream
        return
    names = [last_name(upload.filename) for upload in uploads]
    with TemporaryFile() as sink:
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for place, upload in enumerate(uploads):
                name = names[place] if names.index(names[place]) == place else f"{place + 1} {names[place]}"
                with archive.open(name, "w", force_zip64=True) as packed:
                    shutil.copyfileobj(upload.stream, packed, 1 << 20)
        sink.seek(0)
        yield ", ".join(names)[:200], cast("BinaryIO", sink)
