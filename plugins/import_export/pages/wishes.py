"""What was asked for travels from page to page as the wish of an import: a rehearsal remembers it for the import itself."""

from __future__ import annotations

import json
from uuid import UUID

from plugins.import_export import imports
from plugins.import_export.plan import Wish
from plugins.import_export.staging import files
from plugins.import_export.staging.corrections import CORRECTION, MOST
from sdk import Context, where
from sdk.context import Row, id_of


def wish_of(record: Row) -> Wish:
    """What an import was asked with."""
    return imports.read_wish(json.loads(str(record["wish"])))


def start(ctx: Context, wish: Wish) -> Row:
    """Begin an import of a staged file, or a rehearsal of one, in the background."""
    record = imports.begin(ctx, wish)
    files.touch(ctx, files.kept(ctx, UUID(wish.file)))
    ctx.enqueue("import_export.run_import", imports.arguments(record, wish))
    return record


def mended(ctx: Context, file: Row) -> int:
    """How often something was mended in a file: what was rehearsed before the last time is out of date."""
    rows = ctx.as_system().records(CORRECTION).find(where(file=id_of(file)), MOST)
    return sum(int(str(row["version"])) for row in rows)
