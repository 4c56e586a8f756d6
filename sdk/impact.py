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

if TYPE_CHECKING:
    from sdk.context import Context

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Use:
    """Records of one entity of the asked plugin that would no longer work as they do without another: their titles."""

    entity: str
    titles: Sequence[str]


def naming(ctx: Context, plugin: str, words: Mapping[str, Sequence[str]], parents: Mapping[str, str] | None = None) -> Sequence[Use]:
    """The records in whose fields something of the plugin is named: `naming(ctx, plugin, {"automation.webhook": ("entity", "where")})`.

    `parents` has the links to what is told in place of a record that is a part of it: `{"reports.tile": "dashboard"}`.
    """
    named = re.compile(rf"(?<!\w){re.escape(plugin)}\.(?=[a-z])")
    found = []
    for entity, fields in words.items():
        link = (parents or {}).get(entity)
        ids = {
            UUID(str(row[link or "id"])): None
            for row in _rows(ctx, entity, ("id", *fields, *((link,) if link else ())))
            if any(named.search(_text(row[one])) for one in fields if row.get(one))
        }
        whose = ctx.target(entity, link) if link else entity
        titles = ctx.records(whose).titles(ids)
        if titles and ctx.entity(whose).private:  # which are nobody's business: how many there are is told
            found.append(Use(whose, (str(len(titles)),)))
        elif titles:
            found.append(Use(whose, sorted(titles.values())))
    return found


def _rows(ctx: Context, entity: str, fields: tuple[str, ...]) -> Iterator[Row]:
    cursor: str | None = ""
    while cursor is not None:
        page = ctx.records(entity).query(Query(fields=fields, limit=_PAGE, cursor=cursor))
        yield from page.data
        cursor = page.next


def _text(value: object) -> str:
    """A cell as one text; what is kept as the words of an address is read as it was meant."""
    return unquote_plus(value if isinstance(value, str) else json.dumps(value, default=str))
