"""How a file with the same headings was mapped the last time: what people have settled once, they are not asked again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plugins.import_export.mapping.words import LOCALES
from sdk import Context, _, where
from sdk.context import id_of

MAPPING = "import_export.mapping"
KEPT = (
    "mode",
    "match",
    "map",
    "value",
    "set",
    "collision",
    "join",
    "split",
    "transform",
    "system",
    "dates",
    "numbers",
    "years",
    "duplicates",
    "totals",
    "nothing",
)
REASON = _("Import error")
"""The heading of the last column of a file of failed rows."""
_LOOKED_AT = 200
"""Earlier mappings."""


@dataclass(frozen=True)
class Saved:
    """A mapping as it was asked for, by the names of the request."""

    name: str
    wish: Mapping[str, object]

    def words(self, name: str) -> tuple[str, ...]:
        """One of its lists."""
        listed = self.wish.get(name, ())
        return tuple(map(str, listed)) if isinstance(listed, list | tuple) else ()


def digest_of(ctx: Context, headings: Sequence[str]) -> str:
    """The same for the same headings in any order, and for a file of rows of theirs that failed."""
    told = {ctx.speaking(locale).say(REASON) for locale in LOCALES}
    own = headings[:-1] if headings and headings[-1].rstrip("+") in told else headings
    return hashlib.sha256(json.dumps(sorted(own)).encode()).hexdigest()


def saved_for(ctx: Context, entity: str, headings: Sequence[str]) -> Saved | None:
    """The mapping of the last import of such a file, if there was one."""
    rows = ctx.as_system().records(MAPPING).find(where(entity=entity, digest=digest_of(ctx, headings)), 1)
    return Saved(str(rows[0]["name"]), json.loads(str(rows[0]["wish"]))) if rows else None


def nearest(ctx: Context, entity: str, headings: Sequence[str]) -> Saved | None:
    """The mapping of an earlier file that shares most of these headings, two thirds at the least: what its columns are is likely to be the same."""
    found, most = None, max(2, -(-2 * len(headings) // 3))
    for row in ctx.as_system().records(MAPPING).find(where(entity=entity), _LOOKED_AT):
        one = Saved(str(row["name"]), json.loads(str(row["wish"])))
        shared = len({word.rpartition("=")[0] for word in one.words("map")} & {*headings})
        if shared >= most:
            found, most = one, shared
    return found


def save(ctx: Context, entity: str, name: str, headings: Sequence[str], wish: Mapping[str, object]) -> None:
    """Keep what was asked for, for the next file with these headings; the last one counts."""
    records, digest = ctx.as_system().records(MAPPING), digest_of(ctx, headings)
    values = {"name": name, "wish": json.dumps({key: wish[key] for key in KEPT if key in wish})}
    with ctx.transaction(write=True):
        ctx.lock(f"{MAPPING}:{entity}:{digest}")
        rows = records.find(where(entity=entity, digest=digest), 1)
        if rows:
            records.update(id_of(rows[0]), values)
        else:
            records.create({"entity": entity, "digest": digest, **values})
