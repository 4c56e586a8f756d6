"""Finding: records of all kinds, and commands, by words, parts of Chinese names, pinyin, and digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl, quote

from plugins.console.cells import Cell, cells
from plugins.console.frame import PINNED, address, entries
from plugins.console.registry import PREFIX, Kind, kind_of, query_of, stands_alone
from sdk import SIGNED_IN, Condition, Context, MenuEntry, PageRequest, PageRoute, Query, Rendering, Report, Text, _

FEW, MANY, MOST = 5, 10, 50
"""Records of each kind in the palette, on the page, and on the page where it is about one kind."""
SEARCH = "/api/v1/search"
OWN_REPORT, RUN_REPORTS = "reports.own_report", "reports.report.run"
"""What people ask for themselves, and the right to ask, where the tenant has reports."""
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
    groups = [*_beginnings(ctx, words), *_records(ctx, words, FEW)]
    return Rendering("console/palette.html", {"groups": groups, "words": words, "all": f"{PREFIX}/find"})


def page(ctx: Context, request: PageRequest) -> Rendering:
    """The same as a page of its own; of one kind alone where `in` names its entity."""
    words, only = request.asked("q").strip(), request.asked("in")
    groups = [*(_beginnings(ctx, words) if words and not only else ()), *_records(ctx, words, MOST if only else MANY, only)]
    return Rendering(
        "console/find.html", {"groups": groups, "words": words, "only": only, "all": f"{PREFIX}/find" + query_of([("q", words)])}
    )


def _beginnings(ctx: Context, words: str) -> Iterator[Group]:
    """What is found by how its name begins."""
    yield from _commands(ctx, words)
    yield from _reports(ctx, words)


def _commands(ctx: Context, words: str) -> Iterator[Group]:
    sought = words.casefold()
    found = [
        Found([(label, False)], address(ctx, entry), entry.icon or "right")
        for entry in entries(ctx)
        if (label := _said(ctx, sought, entry.label))
    ]
    new = list[Found]()
    for name, entry in _kinds(ctx).items() if sought else ():
        kind = kind_of(ctx, name)
        if entry is None and (label := _said(ctx, sought, kind.entity.plural_label)):
            found.append(Found([(label, False)], kind.path, "right"))
        label = ctx.say(_("New {label}"), {"label": kind.one})
        if kind.can("create") and (begins(sought, label) or begins(sought, f"new {kind.entity.label}")):
            new.append(Found([(label, False)], f"{kind.path}/new", "plus"))
    if found:
        yield Group(ctx.say(_("Go to")), found)
    if new:
        yield Group(ctx.say(_("Actions")), new)


def _reports(ctx: Context, words: str) -> Iterator[Group]:
    """Reports by words of their names: those that plugins have made ready, and those that people keep, as far as the actor sees them."""
    at = f"{PREFIX}/reports"
    if not words or not ctx.offers(OWN_REPORT) or not ctx.can(RUN_REPORTS):
        return
    there = [one for one in ctx.declared(Report) if ctx.offers(one.entity) and ctx.can(f"{one.entity}.read")]
    found = [
        Found([(label, False)], f"{at}/reports/{one.full_key}", "chart")
        for one in there
        if (label := _said(ctx, words.casefold(), one.label))
    ]
    kept = Query(sort=("name",), fields=("name", "question"), q=words, limit=MANY)
    for row in ctx.records(OWN_REPORT).query(kept).data if ctx.can(f"{OWN_REPORT}.read") else ():
        question = str(row["question"])
        if ctx.offers(dict(parse_qsl(question)).get("entity", "")):
            found.append(Found([(str(row["name"]), False)], f"{at}/query?{question}", "star"))
    if found:
        yield Group(ctx.say(_("Reports")), found)


def _said(ctx: Context, sought: str, label: Text) -> str:
    """The label in the reader's language, where what is sought begins it there or in English; else ""."""
    said = ctx.say(label)
    return said if begins(sought, said) or begins(sought, str(label)) else ""


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
    """Each kind of record as far as its reader may see it, the best first; what the menu leads to comes first, what is only administered last."""
    told = OWN_REPORT if ctx.can(RUN_REPORTS) else ""  # as reports, which one asks rather than reads
    kinds = {name: entry for name, entry in _kinds(ctx).items() if only in ("", name) and (only or name != told)}
    if not words or not kinds:
        return
    answer = cast("Mapping[str, Any]", ctx.api("GET", f"{SEARCH}?q={quote(words[:200])}&limit={most}&entities={','.join(kinds)}"))
    for group in sorted(answer["data"], key=lambda one: _rank(kinds[one["entity"]])):
        name = group["entity"]
        kind, entry = kind_of(ctx, name), kinds[name]
        icon = entry.icon if entry is not None and entry.icon else "file"
        near = _beside(kind, [str(record["id"]) for record in group["records"]])
        items = [_found(record, kind.title, kind.at(record["id"]), icon, near) for record in group["records"]]
        more = f"{PREFIX}/find{query_of([('q', words), ('in', name)])}" if group["more"] and not only else ""
        yield Group(kind.plural_label, items, more)


def _rank(entry: MenuEntry | None) -> int:
    return 1 if entry is None else 2 if entry.section == PINNED else 0


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


def _kinds(ctx: Context) -> dict[str, MenuEntry | None]:
    """Each entity whose records stand on their own, with the first entry of the menu that leads to it; those of the menu come first."""
    found: dict[str, MenuEntry | None] = {}
    for entry in entries(ctx):
        if entry.entity:
            found.setdefault(entry.entity, entry)
    return found | {name: found.get(name) for name in ctx.entities() if stands_alone(ctx.entity(name))}


PAGES = (
    PageRoute("palette", path="/palette", title=_("Search"), permission=SIGNED_IN, view=palette),
    PageRoute("find", path="/find", title=_("Search"), permission=SIGNED_IN, view=page),
)
