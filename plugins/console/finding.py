"""Finding: records of what the menu leads to, and commands, by some letters of their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plugins.console.frame import address, entries
from plugins.console.registry import PREFIX, Kind, kind_of, query_of
from sdk import SIGNED_IN, Context, MenuEntry, PageRequest, PageRoute, Query, Rendering, _

FEW, MANY = 5, 25
"""Records of each kind in the palette, and on the page."""
LEAST = 1


@dataclass(frozen=True)
class Found:
    """One thing to go to."""

    title: str
    href: str
    icon: str
    about: str = ""


@dataclass(frozen=True)
class Group:
    """Things of one kind; `more` leads to all of them."""

    label: str
    items: Sequence[Found]
    more: str = ""


def palette(ctx: Context, request: PageRequest) -> Rendering:
    """What the palette shows for some words; without any, all commands."""
    words = request.asked("q").strip()
    groups = [*_commands(ctx, words), *_records(ctx, words, FEW)]
    return Rendering("console/palette.html", {"groups": groups, "words": words, "all": f"{PREFIX}/find"})


def page(ctx: Context, request: PageRequest) -> Rendering:
    """The same as a page of its own."""
    words = request.asked("q").strip()
    return Rendering("console/find.html", {"groups": list(_records(ctx, words, MANY)), "words": words})


def _commands(ctx: Context, words: str) -> Iterator[Group]:
    sought, found, new = words.casefold(), list[Found](), list[Found]()
    for entry in entries(ctx):
        label = ctx.say(entry.label)
        if sought in label.casefold() or sought in str(entry.label).casefold():
            found.append(Found(label, address(ctx, entry), entry.icon or "right"))
        if entry.entity and not entry.path and (kind := kind_of(ctx, entry.entity)).can("create"):
            label = ctx.say(_("New: {label}"), {"label": kind.label})
            if sought and (sought in label.casefold() or sought in f"new {kind.entity.label}".casefold()):
                new.append(Found(label, f"{kind.path}/new", "plus"))
    if found:
        yield Group(ctx.say(_("Go to")), found)
    if new:
        yield Group(ctx.say(_("Do")), new)


def _records(ctx: Context, words: str, most: int) -> Iterator[Group]:
    """Each kind that the menu leads to and that has words to look in, as far as its reader may see them."""
    if len(words) < LEAST:
        return
    for entry in _leading(ctx):
        kind = kind_of(ctx, entry.entity)
        rows = _asked(kind, words, most)
        if rows:
            items = [Found(str(row.get(kind.title) or "—"), kind.at(row["id"]), entry.icon or "file", kind.label) for row in rows[:most]]
            yield Group(kind.plural_label, items, kind.path + query_of([("q", words)]) if len(rows) > most else "")


def _asked(kind: Kind, words: str, most: int) -> Sequence[dict[str, object]]:
    if not any(field.search for field in kind.fields.values()):
        return []
    asked = Query(q=words, fields=("id", kind.title) if kind.title != "id" else ("id",), limit=most + 1)
    return [dict(row) for row in kind.ctx.records(kind.name).query(asked).data]


def _leading(ctx: Context) -> list[MenuEntry]:
    """One entry for each entity of the menu."""
    found: dict[str, MenuEntry] = {}
    for entry in entries(ctx):
        if entry.entity:
            found.setdefault(entry.entity, entry)
    return list(found.values())


PAGES = (
    PageRoute("palette", path="/palette", title=_("Search"), permission=SIGNED_IN, view=palette),
    PageRoute("find", path="/find", title=_("Search"), permission=SIGNED_IN, view=page),
)
