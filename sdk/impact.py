"""What is said before a plugin leaves: who would miss it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus
from uuid import UUID

from sdk.context import Query, Row
from sdk.filters import Condition

if TYPE_CHECKING:
    from sdk.context import Context

_PAGE = 200
MOST = 1000
"""Records of an entity that are named; of more it is only told that there are."""
MOST_READ = 10_000
"""Records that are read where the database cannot look into their fields; of those behind them it is told that there may be more."""


@dataclass(frozen=True, slots=True)
class Use:
    """Records of one entity of the asked plugin that would no longer work as they do without another: their titles.

    `unread`: none was found, and not all were looked at.
    """

    entity: str
    titles: Sequence[str]
    unread: bool = False


def naming(ctx: Context, plugin: str, words: Mapping[str, Sequence[str]], parents: Mapping[str, str] | None = None) -> Sequence[Use]:
    """The records in whose fields something of the plugin is named: `naming(ctx, plugin, {"automation.webhook": ("entity", "where")})`.

    `parents` has the links to what is told in place of a record that is a part of it: `{"reports.tile": "dashboard"}`.
    """
    named = re.compile(rf"(?<!\w){re.escape(plugin)}\.(?=[a-z])")
    found = []
    for entity, fields in words.items():
        link = (parents or {}).get(entity)
        ids, cut = dict[UUID, None](), False
        for number, row in enumerate(_rows(ctx, entity, plugin, fields, link), 1):
            if any(named.search(_text(row[one])) for one in fields if row.get(one)):
                ids[UUID(str(row[link or "id"]))] = None
            if cut := len(ids) > MOST or number > MOST_READ:
                break
        whose = ctx.target(entity, link) if link else entity
        titles = ctx.records(whose).titles(list(ids)[:MOST])
        if cut and not titles:
            found.append(Use(whose, (), unread=True))
        elif titles and ctx.entity(whose).private:  # which are nobody's business: how many there are is told
            found.append(Use(whose, (f"{len(titles)}{'+' if cut else ''}",)))
        elif titles:
            found.append(Use(whose, [*sorted(titles.values()), *(("…",) if cut else ())]))
    return found


def _rows(ctx: Context, entity: str, plugin: str, fields: Sequence[str], link: str | None) -> Iterator[Row]:
    """The records that may name it: where all of these fields can be looked into by the database, those alone in which it finds the word, as there
    may be very many, such as everybody's views; else all."""
    known, shown = ctx.records(entity).fields(), ("id", *fields, *((link,) if link else ()))
    looked = [name for name in fields if name in known]
    wheres: list[tuple[Condition, ...]] = [(Condition(name, "contains", (plugin,)),) for name in looked]
    if not all("contains" in known[name].operators for name in looked):
        wheres = [()]
    for where in wheres:
        cursor: str | None = ""
        while cursor is not None:
            page = ctx.records(entity).query(Query(where, fields=shown, limit=_PAGE, cursor=cursor))
            yield from page.data
            cursor = page.next


def _text(value: object) -> str:
    """A cell as one text; what is kept as the words of an address is read as it was meant."""
    return unquote_plus(value if isinstance(value, str) else json.dumps(value, default=str))
