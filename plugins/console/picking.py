"""Choosing a record for a link: a few that fit what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from plugins.console.finding import SEARCH
from plugins.console.registry import Kind, kind_at
from sdk import SIGNED_IN, Condition, Context, PageRequest, PageRoute, Query, Rendering, _
from sdk.fields import BooleanField

MOST = 12
_SHORT = 100
_OWN_FIRST = 4
"""Of the actor's own records so many come first, as long as nothing is typed."""


def pick(ctx: Context, request: PageRequest) -> Rendering:
    """Options for a field: what was typed in their titles or wherever the entity is searched; with nothing typed the actor's own and
    others, the newest first. `id` asks for one record."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    words = request.asked("q").strip()[:200]
    key = ""
    if id := request.asked("id"):
        found = _asked(kind, (Condition("id", "eq", (id,)),), 1)
        key = key_of(kind, id)
    elif words:
        found = _searched(kind, words)
    else:
        found = _newest(kind)
    return Rendering("console/options.html", {"kind": kind, "rows": list(found.items()), "q": words, "key": key})


def key_of(kind: Kind, id: str) -> str:
    """By which key other records name this one; "" where there is none."""
    if "key" not in kind.fields:
        return ""
    rows = kind.ctx.records(kind.name).query(Query(filter=(Condition("id", "eq", (id,)),), fields=("id", "key"), limit=1)).data
    return str(rows[0]["key"]) if rows else ""


def named(kind: Kind, words: str) -> str:
    """The id of the one record that is called so, whatever the case of its letters; "" where there is none, or more than one."""
    title = kind.fields[kind.title]
    exact = _asked(kind, (Condition(kind.title, "eq", (words,)),), 2) if "eq" in title.operators else {}
    same = {id for id, called in (exact | _searched(kind, words)).items() if called.casefold() == words.casefold()}
    return same.pop() if len(same) == 1 else ""


def _searched(kind: Kind, words: str) -> dict[str, str]:
    """What the search finds, by pinyin too, then whatever has the words in its texts; where nothing of it is searched, in its title."""
    if any(field.search for field in kind.fields.values()):
        return dict(list((_found(kind, words) | _asked(kind, (), MOST, q=words)).items())[:MOST]) or _as_told(kind, words)
    title = kind.fields[kind.title]
    if "contains" not in title.operators:
        return _newest(kind)
    return _asked(kind, (Condition(kind.title, "contains", (words,)),), MOST) or _as_told(kind, words)


def _as_told(kind: Kind, words: str) -> dict[str, str]:
    """Those of a short list that read so here: what set-up has named is stored in the language of the company, and told in the reader's."""
    rows = _asked(kind, (), _SHORT)
    return dict([(id, called) for id, called in rows.items() if words.casefold() in called.casefold()][:MOST]) if len(rows) < _SHORT else {}


def _found(kind: Kind, words: str) -> dict[str, str]:
    answer = cast("Mapping[str, Any]", kind.ctx.api("GET", f"{SEARCH}?q={quote(words)}&limit={MOST}&entities={kind.name}"))
    ids = [str(record["id"]) for group in answer["data"] for record in group["records"]]
    rows = _asked(kind, (Condition("id", "in", tuple(ids)),), MOST) if ids else {}
    return {id: rows[id] for id in ids if id in rows}


def _newest(kind: Kind) -> dict[str, str]:
    me = kind.ctx.actor.user_id
    own = _asked(kind, (Condition("owner", "eq", (str(me),)),), _OWN_FIRST) if me is not None and "owner" in kind.fields else {}
    return dict(list((own | _asked(kind, (), MOST)).items())[:MOST])


def _asked(kind: Kind, filter: tuple[Condition, ...], most: int, q: str = "") -> dict[str, str]:
    offered = isinstance(kind.fields.get("active"), BooleanField) and most > 1  # who has left, and what is no longer chosen
    active = (Condition("active", "eq", ("true",)),) if offered else ()
    order = ("position",) if "position" in kind.fields and not q else ()  # stages as a deal goes through them
    asked = Query(filter=(*filter, *active), fields=("id", kind.title), sort=order, limit=most, q=q)
    return {str(row["id"]): str(row.get(kind.title) or "—") for row in kind.ctx.records(kind.name).query(asked).data}


PAGES = (PageRoute("pick", path="/pick/{plugin}/{plural}", title=_("Choose"), permission=SIGNED_IN, view=pick),)
