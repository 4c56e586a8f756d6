"""Files about records: taken with a limit, kept by content, given back as they came."""

from __future__ import annotations

import hashlib
import mimetypes
from uuid import UUID

from sdk import Batch, Context, Download, NotFound, TooLarge, Upload, _
from sdk.context import Row, shown
from sdk.files import last_name, saved

FILE, ACT = "teamwork.file", "upload"
MOST_BYTES = 25 * 1024 * 1024
_STEP = 1 << 20


def upload(ctx: Context, about: str, upload: Upload) -> Row:
    """Keep a file with the record `about` ("plugin.entity:id"). Raises TooLarge, Invalid, Forbidden."""
    digest, size = hashlib.sha256(), 0
    while part := upload.stream.read(_STEP):
        digest.update(part)
        size += len(part)
        if size > MOST_BYTES:
            raise TooLarge(_("a file can be at most {most} MB"), most=MOST_BYTES >> 20)
    upload.stream.seek(0)
    name = last_name(upload.filename)
    with saved(ctx, upload.stream) as key:
        values = {
            "about": about, "name": name, "media_type": (mimetypes.guess_type(name)[0] or "application/octet-stream")[:100],
            "size": size, "sha256": digest.hexdigest(), "content": key,
        }  # fmt: skip
        return ctx.records(FILE).create(values, act=ACT)


def download(ctx: Context, id: UUID) -> Download:
    """The file as it came; raises NotFound, also for what one may not see."""
    row = ctx.records(FILE).values([id]).get(id)
    if row is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=FILE, id=str(id))
    content, media_type, name = (str(shown(row, field)) for field in ("content", "media_type", "name"))
    with ctx.files.open(content) as source:
        return Download(source.read(), media_type, name)


def prepare_files(_ctx: Context, batch: Batch) -> None:
    """A file comes with its content, and stays with its record."""
    for change in batch.standing():
        if change.verb == "create" and change.act != ACT:
            change.forbid("no_content", _("send the file to POST /teamwork/uploads"))
        elif change.before is not None and change.changes("about"):
            change.forbid("file_moved", _("a file can’t be moved to another record; upload it there"))
