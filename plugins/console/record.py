"""The page of a record: its fields, what belongs to it, what happened around it, and the parts that other plugins bring."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from plugins.console.back import then
from plugins.console.cells import Cell, cell, titles_of
from plugins.console.frame import page_of
from plugins.console.happened import entries, events
from plugins.console.registry import Kind, kind_at, query_of
from plugins.console.related import additions, lines, related
from plugins.console.ticking import ticks
from sdk import SIGNED_IN, Context, NotFound, PageRequest, PageRoute, Panel, Redirect, Refusal, Rendering, Slot, Text, _
from sdk.context import Row, id_of
from sdk.pages import ABOUT, ANY_ENTITY, Drawn, offered, told

_PLAIN = ("id", "version")
_STAMPS = ("owner", "created_at", "updated_at")
_KEY_FIELDS = 5
OVERVIEW, TIMELINE, RELATED, HISTORY = "overview", "timeline", "related", "history"
TABS: Mapping[str, Text] = {OVERVIEW: _("Overview"), TIMELINE: _("Timeline"), RELATED: _("Related"), HISTORY: _("History")}
_BESIDE: Mapping[str, Sequence[Slot]] = {OVERVIEW: (Slot.PANEL, Slot.TIMELINE), TIMELINE: (Slot.PANEL,)}
_LATEST, _PAGE = 6, 30


@dataclass(frozen=True)
class Tab:
    """A tab, and where it is found."""

    key: str
    label: str
    href: str
    here: bool


@dataclass(frozen=True)
class Section:
    """Fields that one plugin has brought, or the tenant itself."""

    title: str
    cells: Sequence[Cell]


def show(ctx: Context, request: PageRequest) -> Rendering:
    """A record with the tab that the address names; each tab reads what it shows, and no other."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    row = ctx.records(kind.name).get(request.id())
    own = {one.full_key: one for one in offered(ctx, Slot.TAB, kind.name, ANY_ENTITY)}
    wanted = request.asked("tab") or OVERVIEW
    if wanted not in TABS and wanted not in own:
        raise NotFound(_("there is nothing at this address"))
    labels = {**TABS, **{key: one.label for key, one in own.items()}}
    shown: Callable[[Context, Kind, Row, PageRequest], Mapping[str, object]] = _SHOWN.get(wanted, _nothing)
    panels = drawn(ctx, kind, row, request, *_BESIDE.get(wanted, ()))
    values = {
        "tab": wanted,
        "tabs": [Tab(key, ctx.say(label), kind.at(row["id"], f"?tab={key}" if key != OVERVIEW else ""), key == wanted) for key, label in labels.items()],
        "key_fields": key_fields(kind, row),
        "heads": drawn(ctx, kind, row, request, Slot.HEAD),
        "buttons": drawn(ctx, kind, row, request, Slot.BUTTON),
        "panels": panels,
        "writing": drawn(ctx, kind, row, request, Slot.TIMELINE) if wanted == TIMELINE else [],
        "sections": sections(kind, row, _shown_by(panels)) if wanted == OVERVIEW else [],
        "drawn_tab": draw(ctx, kind, row, own[wanted], request) if wanted in own else None,
        "additions": additions(kind, row),
        "ticked": ticks(kind, [row]).get(str(row["id"])),
        "shareable": ctx.offers("core.share") and ctx.can("core.share.create"),
    }  # fmt: skip
    return Rendering("console/record.html", {**about(kind, row), **values, **shown(ctx, kind, row, request)})


def about(kind: Kind, row: Row) -> dict[str, object]:
    """What every page about a record says of it."""
    return {"kind": kind, "record": row, "title": str(row.get(kind.title) or "—")}


# --- tabs ------------------------------------------------------------------------------------------------------------


def _nothing(_ctx: Context, _kind: Kind, _row: Row, _request: PageRequest) -> Mapping[str, object]:
    return {}


def _overview(ctx: Context, kind: Kind, row: Row, _request: PageRequest) -> Mapping[str, object]:
    page = ctx.records(kind.name).timeline(id_of(row), limit=_LATEST)
    happened = entries(ctx, page.data, str(row.get(kind.title)))
    return {"lines": lines(kind, row), "timeline": happened, "older": page.next is not None}


def _timeline(ctx: Context, kind: Kind, row: Row, request: PageRequest) -> Mapping[str, object]:
    page = ctx.records(kind.name).timeline(id_of(row), limit=_PAGE, cursor=request.asked("cursor"))
    return {"timeline": entries(ctx, page.data, str(row.get(kind.title))), "next": page.next}


def _related(_ctx: Context, kind: Kind, row: Row, _request: PageRequest) -> Mapping[str, object]:
    return {"related": related(kind, row)}


def _history(ctx: Context, kind: Kind, row: Row, request: PageRequest) -> Mapping[str, object]:
    asked = query_of([("limit", str(_PAGE)), *((name, word) for name in ("cursor",) if (word := request.asked(name)))])
    answer = cast("Mapping[str, Any]", ctx.api("GET", f"{kind.api}/{row['id']}/history{asked}"))
    following = answer["page"]["next"]
    return {
        "history": events(kind, answer["data"]),
        "older_history": kind.at(row["id"], query_of([("tab", HISTORY), ("cursor", following)])) if following else "",
    }


_SHOWN = {OVERVIEW: _overview, TIMELINE: _timeline, RELATED: _related, HISTORY: _history}


# --- fields ----------------------------------------------------------------------------------------------------------


def key_fields(kind: Kind, row: Row) -> list[Cell]:
    """The first few that say something: what stands beside the title in a list."""
    names = [name for name in kind.columns() if name not in (kind.title, "updated_at")]
    titles = titles_of(kind, [row], names)
    shown = (cell(kind, name, row, titles) for name in names)
    return [one for one in shown if not one.empty][:_KEY_FIELDS]


def _shown_by(panels: Sequence[Drawn]) -> set[str]:
    """The fields that these panels tell, those that have failed left out."""
    return {name for one in panels if not one.broken and not one.refusal for name in one.panel.shows}


def _said_twice(kind: Kind, row: Row) -> Collection[str]:
    """What tells an amount in the company's currency once more, and its rate, where the amount is in this currency itself."""
    amounts = {name: row.get(name) for name in {field.converts for field in kind.fields.values()} & kind.fields.keys()}
    own = kind.ctx.tenant.currency
    plain = {name for name, value in amounts.items() if isinstance(value, Mapping) and value.get("currency") == own}
    return [name for name, field in kind.fields.items() if field.converts in plain]


def sections(kind: Kind, row: Row, beside: Collection[str] = ()) -> list[Section]:
    """All fields but those that stand above already, and those told `beside`: the entity's own, the tenant's own, and together what other plugins
    tell of it."""
    above = {*(one.name for one in key_fields(kind, row)), *beside}
    above.update(_said_twice(kind, row))
    names = [name for name in kind.fields if name not in _PLAIN and name != kind.title and name not in above]
    titles = titles_of(kind, [row], names)
    by_owner: dict[str, list[Cell]] = {"": [], "custom": [], "others": []}
    for name in (*(name for name in names if name not in _STAMPS), *(name for name in names if name in _STAMPS)):
        owner = name.partition(".")[0] if "." in name else ""
        by_owner[owner if owner in by_owner else "others"].append(cell(kind, name, row, titles))
    say = kind.ctx.say
    labels = {"": _("Details"), "custom": _("Custom fields"), "others": _("At a glance")}
    return [Section(say(labels[owner]), found) for owner, found in by_owner.items() if any(not one.empty for one in found)]


# --- parts of other plugins ------------------------------------------------------------------------------------------


def draw(ctx: Context, kind: Kind, row: Row, panel: Panel, request: PageRequest) -> Drawn:
    """A panel about this record; besides what the panel gives, its template knows the record, its entity and the page it stands on."""
    shared = {"kind": kind, "record": row, "here": kind.at(row["id"]), "page": page_of(ctx, request)}
    return ctx.draw(panel, {**row, ABOUT: kind.name}, shared)


def drawn(ctx: Context, kind: Kind, row: Row, request: PageRequest, *slots: Slot) -> list[Drawn]:
    """What plugins put into slots of this record, in their order; what has nothing to show is left out."""
    there = (one for slot in slots for one in offered(ctx, slot, kind.name, ANY_ENTITY))
    found = [draw(ctx, kind, row, one, request) for one in sorted(there, key=lambda one: (one.position, one.full_key))]
    return [one for one in found if one.html.strip() or one.broken or one.refusal]


# --- the recycle bin -------------------------------------------------------------------------------------------------


def ask_delete(ctx: Context, request: PageRequest) -> Rendering:
    """What is about to go into the recycle bin."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    row = ctx.records(kind.name).get(request.id())
    return Rendering("console/delete.html", {**about(kind, row), "then": then(request), "problems": []})


def delete(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Into the recycle bin."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    row = ctx.records(kind.name).get(request.id())
    try:
        ctx.records(kind.name).delete(request.id())
    except Refusal as refusal:
        return Rendering("console/delete.html", {**about(kind, row), "then": then(request), "problems": told(ctx, refusal)}, refusal.status)
    return Redirect(then(request) or kind.path)


PAGES = (
    PageRoute("record", path="/{plugin}/{plural}/{id}", title=_("Record"), permission=SIGNED_IN, view=show),
    PageRoute("delete", path="/{plugin}/{plural}/{id}/delete", title=_("Delete"), permission=SIGNED_IN, view=ask_delete, submit=delete),
)
