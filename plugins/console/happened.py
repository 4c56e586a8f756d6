"""What happened around a record, and who changed what of it, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from plugins.console.cells import Cell, Titles, cell, titles_of
from plugins.console.registry import Kind, kind_of
from plugins.console.words import ACTIONS, SYSTEM
from sdk import Context, Text, _
from sdk.context import Row
from sdk.fields import TextField

_ICONS: Mapping[str, str] = {
    "call": "phone", "mail": "mail", "meeting": "users", "visit": "building", "note": "edit", "task": "task", "comment": "comment",
    "file": "clip", "stage_change": "right", "touch": "flag", "document": "file", "invoice": "receipt", "order": "cart", "quote": "file", "payment": "check",
}  # fmt: skip
_BEGINNING, _LONG = 240, 400
"""Signs that are shown of a text that is longer than so many."""
_MENTION = re.compile(r"(?<!\\)@\[([^\[\]\r\n]{1,255})\]")
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
CHANNELS: Mapping[str, Text] = {
    "api": _("through the API"), "page": _("on a page"), "import": _("by an import"), "rule": _("by a rule"), "plugin": _("by a plugin"),
    "cli": _("by a command"), "form": _("by a web form"),
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """Something that happened: what it is called, whose record it is, where it leads."""

    at: str
    icon: str
    what: str
    title: str
    body: str
    begins: str
    """What stands for a body that is too long to stand among others as a whole; "" for any other."""
    who: str
    href: str


@dataclass(frozen=True)
class Alteration:
    """What a field was and what it became."""

    name: str
    label: str
    before: Cell
    after: Cell


@dataclass(frozen=True)
class Event:
    """One act of somebody on a record."""

    at: str
    who: str
    instead_of: str
    """Who really did it, where somebody acted as another person."""
    channel: str
    action: str
    changes: Sequence[Alteration]


def entries(ctx: Context, found: Sequence[Row], of: str) -> list[Entry]:
    """Entries of the timeline of the record called `of`, which says that name once, above them."""
    kinds: dict[str, Kind] = {}
    bodies = _of_keys(ctx, found)
    shown = []
    for row in found:
        name = str(row["entity"])
        kind = kinds.get(name) or kinds.setdefault(name, kind_of(ctx, name))
        word, actor = str(row["kind"]), row.get("actor")
        title, body = (
            said(row.get("title")),
            bodies.get((name, str(row.get("body")))) or (said(row.get("body")) if row.get("body") != of else ""),
        )
        begins = _beginning(body)
        if (cut := _beginning(title)) and not body:  # a comment is its own title
            title, body, begins = cut, title, ctx.say(_("Show all"))
        shown.append(
            Entry(
                str(row["at"]),
                _ICONS.get(word, _ICONS.get(kind.entity.name, "dot")),
                _called(kind, word),
                title,
                body,
                begins,
                str(cast("Row", actor).get("name") or "") if actor else "",
                kind.at(row["id"]),
            )
        )
    return shown


def _beginning(text: str) -> str:
    """How a text begins that is too long to stand among others as a whole; "" for any other."""
    return f"{text[:_BEGINNING].rstrip()} …" if len(text) > _LONG else ""


def _of_keys(ctx: Context, found: Sequence[Row]) -> Mapping[tuple[str, str], str]:
    """What the records are called by whose keys entries are told, by entity and key: the source of a touch."""
    called: dict[tuple[str, str], str] = {}
    for name in {str(row["entity"]) for row in found if row.get("body")}:
        kind = kind_of(ctx, name)
        fields = [one for one, field in kind.fields.items() if isinstance(field, TextField) and field.of]
        words = {str(row["body"]) for row in found if row["entity"] == name and row.get("body")}
        titles = titles_of(kind, [{one: word} for word in words for one in fields], fields) if fields else Titles({})
        called |= {(name, key): title for (_entity, key), title in titles.found.items() if key in words}
    return called


def _called(kind: Kind, word: str) -> str:
    """An entry's kind in words: an option of one of its choices, or the entity."""
    for field in kind.fields.values():
        options = getattr(field, "options", None)
        if isinstance(options, Mapping) and word in options:
            return kind.ctx.say(options[word])
    return kind.label


def said(text: object) -> str:
    """A text without the brackets of its mentions."""
    return _MENTION.sub(r"@\1", str(text or ""))


def events(kind: Kind, found: Sequence[Row]) -> list[Event]:
    """The history of a record in words: labels, options, titles of what links name."""
    ctx = kind.ctx
    olds, news = [_side(row, 0) for row in found], [_side(row, 1) for row in found]
    names = sorted({name for row in (*olds, *news) for name in row if name in kind.fields})
    titles = titles_of(kind, [*olds, *news], names)
    real = _names(ctx, {str(row["impersonator_id"]) for row in found if row.get("impersonator_id")})
    return [
        Event(
            str(row["at"]),
            ctx.say(SYSTEM) if row["actor"] == "system" and not (row.get("actor_id") or row.get("user")) else str(row["actor"]),
            real.get(str(row.get("impersonator_id")), ""),
            ctx.say(CHANNELS[str(row["channel"])]) if row["channel"] in CHANNELS else str(row["channel"]),
            ctx.say(ACTIONS[str(row["action"])]) if row["action"] in ACTIONS else str(row["action"]),
            [_alteration(kind, name, old, new, titles) for name in _in_order(kind, new)],
        )
        for row, old, new in zip(found, olds, news, strict=True)
    ]


def _in_order(kind: Kind, new: Row) -> list[str]:
    """The fields that people read, and then those whose text tells programs apart what it names by an id."""
    return sorted(
        (name for name in new if name in kind.fields), key=lambda one: kind.fields[one].kind == "text" and bool(_ID.search(str(new[one])))
    )


def _side(row: Row, side: int) -> dict[str, object]:
    changes = cast("Mapping[str, Sequence[object]]", row["changes"])
    return {name: pair[side] for name, pair in changes.items()}


def _alteration(kind: Kind, name: str, old: Row, new: Row, titles: Titles) -> Alteration:
    return Alteration(name, kind.ctx.say(kind.fields[name].label), *(cell(kind, name, side, titles, now=False) for side in (old, new)))


def _names(ctx: Context, ids: set[str]) -> Mapping[str, str]:
    if not ids or not ctx.can("core.user.read"):
        return {}
    return {str(id): name for id, name in ctx.records("core.user").titles(map(UUID, ids)).items()}
