"""Files that a plugin keeps: names that mislead nobody, and no file left behind by a write that failed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from sdk.filters import Condition

if TYPE_CHECKING:
    from sdk.context import Context

_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069<>:\"|?*\\/]")
_LONGEST = 180
_ALL = 100_000_000


def clean_name(name: str, otherwise: str = "file") -> str:
    """A file's name without what a file system or a reader could be misled by; `otherwise` where nothing is left."""
    return _UNFIT.sub("", name).strip(" .")[:_LONGEST].rstrip(" .") or otherwise


def last_name(path: str, otherwise: str = "file") -> str:
    """The name of an uploaded file, clean: some clients send the whole path."""
    return clean_name(re.split(r"[\\/]", path)[-1], otherwise)


@contextmanager
def saved(ctx: Context, source: BinaryIO) -> Iterator[str]:
    """Keep a file for the record that is written in the block, under this key; when the block fails the file is removed again."""
    key = ctx.files.save(source)
    try:
        yield key
    except BaseException:
        ctx.files.remove(key)
        raise


def take_away(ctx: Context, entity: str, field: str) -> None:
    """Remove every file that a field of an entity's records names, those in the recycle bin too: what `tenant_purged` does with them."""
    records, named = ctx.as_system().records(entity), (Condition(field, "empty", ("false",)),)
    for deleted in (False, True):
        for row in records.find(named, _ALL, deleted=deleted):
            ctx.files.remove(str(row[field]))
