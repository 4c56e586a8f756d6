"""Finding: records of what the menu leads to, and commands, by words, parts of Chinese names, pinyin, and digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from plugins.console.cells import Cell, cells
from plugins.console.frame import PINNED, address, entries
from plugins.console.registry import PREFIX, Kind, kind_of, query_of
from sdk import SIGNED_IN, Condition, Context, MenuEntry, PageRequest, PageRoute, Query, Rendering, _

FEW, MANY, MOST = 5, 10, 50
"""Records of each kind in the palette, on the page, and on the page where it is about one kind."""
SEARCH = "/api/v1/search"
_BESIDE = 3
_PLAIN, _MEASURED = ("link", "choice", "text", "email", "phone"), ("money", "date")
type_parts = Sequence[tuple[str, bool]]
"""A text in pieces, each with whether it is meant."""


@dataclass(frozen=True)
class Found:
    """One thing to go to; `why`: the fields beside its title that have the words, each with its label."""

    title: type_parts
    href: str
    icon: str
    why: Sequence[tuple[str, type_parts]] = ()
    beside: Sequence[Cell] = ()
    """What tells it from others of the same name."""


@dataclass(frozen=True)
class Group:
    """Things of one kind; `more` leads to all of them."""

    label: str
    items: Sequence[Found]
    more: str = ""


_APART = re.compile(r"[^\w&]|[\u3400-\u9fff]")
"""What stands between words of letters; Chinese beside them does, too."""


def palette(ctx: Context, request: PageRequest) -> Rendering:
    """What the palette shows for some words; without any, all commands."""
    words = request.asked("q").strip()
    groups = [*_commands(ctx, words), *_records(ctx, words, FEW)]
    return Rendering("console/palette.html", {"groups": groups, "words": words, "all": f"{PREFIX}/find"})


def page(ctx: Context, request: PageRequest) -> Rendering:
    """The same as a page of its own; of one kind alone where `in` names its entity."""
    words, only = request.asked("q").strip(), request.asked("in")
    groups = list(_records(ctx, words, MOST if only else MANY, only))
    return Rendering(
        "console/find.html", {"groups": groups, "words": words, "only": only, "all": f"{PREFIX}/find" + query_of([("q", words)])}
    )


def _commands(ctx: Context, words: str) -> Iterator[Group]:
    sought, found, new = words.casefold(), list[Found](), list[Found]()
    for entry in entries(ctx):
        label = ctx.say(entry.label)
        if begins(sought, label) or begins(sought, str(entry.label)):
            found.append(Found([(label, False)], address(ctx, entry), entry.icon or "right"))
        if entry.entity and not entry.path and (kind := kind_of(ctx, entry.entity)).can("create"):
            label = ctx.say(_("New {label}"), {"label": kind.label})
            if sought and (begins(sought, label) or begins(sought, f"new {kind.entity.label}")):
                new.append(Found([(label, False)], f"{kind.path}/new", "plus"))
    if found:
        yield Group(ctx.say(_("Go to")), found)
    if new:
        yield Group(ctx.say(_("Actions")), new)


def begins(sought: str, label: str) -> bool:
    """Whether a word of the label begins so: letters amid a word are rather the initials of a record. Chinese has no such beginnings."""
    said = label.casefold()
    if not sought.isascii():
        return "".join(sought.split()) in "".join(said.split())
    return f" {_words(sought)}" in f" {_words(said)}" if _words(sought) or not sought else False


def _words(text: str) -> str:
    """Words with one space between them."""
    return " ".join(_APART.sub(" ", text).split())


def _records(ctx: Context, words: str, most: int, only: str = "") -> Iterator[Group]:
    """Each kind that the menu leads to, as far as its reader may see it, the best first; what is only administered comes last."""
    leading = {name: entry for name, entry in _leading(ctx).items() if only in ("", name)}
    if not words or not leading:
        return
    answer = cast("Mapping[str, Any]", ctx.api("GET", f"{SEARCH}?q={quote(words[:200])}&limit={most}&entities={','.join(leading)}"))
    for group in sorted(answer["data"], key=lambda one: leading[one["entity"]].section == PINNED):
        name = group["entity"]
        kind, icon = kind_of(ctx, name), leading[name].icon or "file"
        told = _beside(kind, [str(record["id"]) for record in group["records"]])
        items = [_found(record, kind.title, kind.at(record["id"]), icon, told) for record in group["records"]]
        more = f"{PREFIX}/find{query_of([('q', words), ('in', name)])}" if group["more"] and not only else ""
        yield Group(kind.plural_label, items, more)


def _beside(kind: Kind, ids: Sequence[str]) -> Mapping[str, Sequence[Cell]]:
    """By record the first of what a list shows beside its title, as far as the reader sees it."""
    names = [name for name in kind.columns() if name not in (kind.title, "updated_at")]
    asked = Query(filter=(Condition("id", "in", tuple(ids)),), fields=("id", *names), limit=len(ids))
    rows = kind.ctx.records(kind.name).query(asked).data if ids else ()
    shown = zip(rows, cells(kind, names, rows), strict=True)
    return {str(row["id"]): [one for one in found if _tells(one)][:_BESIDE] for row, found in shown}


def _tells(one: Cell) -> bool:
    return bool(one.text) if one.kind in _PLAIN else one.kind in _MEASURED and not one.empty


def _found(record: Mapping[str, Any], title: str, href: str, icon: str, told: Mapping[str, Sequence[Cell]]) -> Found:
    matches = {match["field"]: match for match in record["matches"]}
    called = matches.pop(title, None)
    named = parts(called["value"], called["marks"]) if called else [(record["title"] or "—", False)]
    why = [(match["label"], parts(match["value"], match["marks"])) for match in matches.values()]
    beside = [one for one in told.get(str(record["id"]), ()) if one.name not in matches]
    return Found(named, href, icon, why, beside)


def parts(value: str, marks: Sequence[Sequence[int]]) -> type_parts:
    """A value in pieces."""
    found, at = list[tuple[str, bool]](), 0
    for start, end in marks:
        found += [(value[at:start], False), (value[start:end], True)]
        at = end
    return [piece for piece in (*found, (value[at:], False)) if piece[0]]


def _leading(ctx: Context) -> dict[str, MenuEntry]:
    """One entry for each entity of the menu."""
    found: dict[str, MenuEntry] = {}
    for entry in entries(ctx):
        if entry.entity:
            found.setdefault(entry.entity, entry)
    return found


PAGES = (
    PageRoute("palette", path="/palette", title=_("Search"), permission=SIGNED_IN, view=palette),
    PageRoute("find", path="/find", title=_("Search"), permission=SIGNED_IN, view=page),
)
