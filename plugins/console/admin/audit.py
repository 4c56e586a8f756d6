"""The audit: who changed what, when, through which channel, from what to what; and the proof that nobody has changed it since."""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from plugins.console.cells import called, in_words
from plugins.console.happened import CHANNELS, Event, events
from plugins.console.registry import PREFIX, kind_of, query_of
from plugins.console.words import ACTIONS, OF_ATTEMPTS, REFUSED
from sdk import BadRequest, Condition, Context, PageRequest, PageRoute, Query, Refusal, Rendering, Text, _
from sdk.context import Row, with_more
from sdk.days import instant
from sdk.pages import told
from sdk.text import in_order

log = logging.getLogger("dealwright.console")
NAME, HERE = "core.audit", f"{PREFIX}/admin/audit"
_FEW = 50
_APART: Mapping[str, Text] = {"core.plugin": _("Plugin"), "core.tenant": _("Company")}
"""What is changed of the company itself, which is no record."""
_BROKEN: Mapping[str, Text] = {
    "edited": _("an entry was edited"), "inserted": _("an entry was inserted"), "deleted": _("an entry was deleted"), "seal_edited": _("a seal was edited"),
    "seal_deleted": _("a seal is missing"), "no_head": _("the chain doesn’t contain the chain head you entered"),
    "days_edited": _("the number of days to keep the audit log was set in the database; save the company settings again"),
}  # fmt: skip
_FILTERS = ("user", "entity", "record", "channel", "action", "since", "until")


@dataclass(frozen=True)
class Shown:
    """An entry: on what record, and what happened to it."""

    label: str
    title: str
    href: str
    event: Event | None
    raw: Row


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The newest entries that fit what was asked."""
    return _page(ctx, request)


def submit(ctx: Context, request: PageRequest) -> Rendering:
    """Follow the chain of the whole audit."""
    try:
        proof = cast("Mapping[str, Any]", ctx.api("POST", "/api/v1/core/audit/proofs", {"head": request.typed("head").strip()}))
    except Refusal as refusal:
        return _page(ctx, request, refusal)
    return _page(ctx, request, proof=proof)


def _page(ctx: Context, request: PageRequest, refusal: Refusal | None = None, *, proof: Mapping[str, Any] | None = None) -> Rendering:
    asked = {name: request.asked(name).strip() for name in _FILTERS}
    rows, following, problems, unreadable = list[Row](), None, told(ctx, refusal), False
    try:
        page = ctx.records(NAME).query(Query(filter=_conditions(ctx, asked), sort=("-at",), limit=_FEW, cursor=request.asked("cursor")))
        rows, following = list(page.data), page.next
    except BadRequest as wrong:
        problems = [*problems, ctx.say(wrong.message, wrong.params)]
    except ValueError:
        unreadable = _unreadable()
    more = query_of([*((name, value) for name, value in asked.items() if value), ("cursor", following)]) if following else ""
    people = ctx.records("core.user").find((), 1000) if ctx.can("core.user.read") else []
    values = {
        "entries": shown(ctx, rows), "asked": asked, "more": HERE + more if more else "", "problems": problems, "proof": proof, "here": HERE,
        "people": people, "channels": {key: ctx.say(label) for key, label in CHANNELS.items()},
        "actions": {key: ctx.say(label) for key, label in ACTIONS.items()}, "filtered": any(asked.values()),
        "broken": _broken(ctx, proof), "unreadable": unreadable,
        "entities": sorted(((name, ctx.say(ctx.entity(name).plural_label)) for name in ctx.entities()), key=lambda pair: in_order(pair[1])),
    }  # fmt: skip
    return Rendering("console/admin_audit.html", values, refusal.status if refusal is not None else 200)


def _broken(ctx: Context, proof: Mapping[str, Any] | None) -> str:
    """In words what the first link that does not hold has suffered."""
    link = proof["broken"] if proof else None
    what = "" if link is None else str(link["what"])
    if link is not None and what == "seal_deleted" and link["seal"] is None and link["told_by"] is None:
        what = "no_head"
    return ctx.say(_BROKEN[what]) if what in _BROKEN else what


def _conditions(ctx: Context, asked: Mapping[str, str]) -> tuple[Condition, ...]:
    made = [Condition(name, "eq", (asked[name],)) for name in ("user", "entity", "record", "channel", "action") if asked[name]]
    if asked["since"]:
        made.append(Condition("at", "gte", (_midnight(asked["since"], ctx.zone, 0),)))
    if asked["until"]:
        made.append(Condition("at", "lt", (_midnight(asked["until"], ctx.zone, 1),)))
    return tuple(made)


def _midnight(day: str, zone: str, later: int) -> str:
    """The beginning of a day for who looks, or of the one after it."""
    try:
        return instant(date.fromisoformat(day) + timedelta(days=later), zone).isoformat()
    except (ValueError, OverflowError):
        raise BadRequest(_("{day!r} is not a date; expected for example 2026-01-31"), day=day[:40]) from None


def lately(ctx: Context, most: int) -> list[Shown] | None:
    """Of the newest entries what people did, and then what the system did; None where one of them cannot be read any more, which the page
    of the audit tells more of."""
    try:
        rows = ctx.records(NAME).query(Query(sort=("-at",), limit=_FEW)).data
    except ValueError:
        _unreadable()
        return None
    return shown(ctx, sorted(rows, key=lambda row: not row.get("user"))[:most])


def _unreadable() -> bool:
    """SQLite keeps any text in any column: an entry that somebody has spoilt there does not load, and the proof says which it is."""
    log.exception("an entry of the audit cannot be read")
    return True


def shown(ctx: Context, rows: Sequence[Row]) -> list[Shown]:
    """Entries in words, the fields of each entity asked for once; of what the company no longer has, as they stand."""
    told_: dict[str, Event] = {}
    there: set[tuple[str, str]] = set()
    offered = {str(row["entity"]) for row in rows if ctx.offers(str(row["entity"])) and ctx.can(f"{row['entity']}.read")}
    kinds, titles = {name: kind_of(ctx, name) for name in offered}, dict[tuple[str, str], str]()
    for name, kind in kinds.items():
        mine = [with_more(row, impersonator_id=row.get("impersonator")) for row in rows if row["entity"] == name]
        told_ |= {str(row["id"]): event for row, event in zip(mine, events(kind, mine), strict=True)}
        ids = [id for row in mine if (id := _record(row))]
        page = ctx.records(name).query(
            Query(filter=(Condition("id", "in", tuple(dict.fromkeys(ids))),), fields=("id", kind.title), limit=_FEW)
        )
        there.update((name, str(row["id"])) for row in page.data)
        gone = tuple(id for id in dict.fromkeys(ids) if (name, id) not in there)
        deleted = ctx.records(name).find((Condition("id", "in", gone),), _FEW, deleted=True) if gone else []
        titles |= {(name, str(row["id"])): called(kind, row) for row in (*page.data, *deleted)}
    return [_one(ctx, row, kinds, titles, there, told_) for row in rows]


def _record(row: Row) -> str:
    """Its id, "" of what is about no record."""
    about = cast("Mapping[str, object] | None", row["record"])
    return "" if about is None else str(about["id"])


def _one(
    ctx: Context,
    row: Row,
    kinds: Mapping[str, Any],
    titles: Mapping[tuple[str, str], str],
    there: Container[tuple[str, str]],
    told_: Mapping[str, Event],
) -> Shown:
    name, id = str(row["entity"]), _record(row)
    kind = kinds.get(name)
    if kind is None:
        return Shown(ctx.say(_APART[name]) if name in _APART else ctx.called(name.partition(".")[0]), "", "", None, _named(ctx, row))
    title = titles.get((name, id))
    return Shown(kind.label, title or "", kind.at(id) if (name, id) in there else "", told_.get(str(row["id"])), row)


def _named(ctx: Context, row: Row) -> Row:
    """An entry about no record of an entity that is there: that of a plugin says what this is called, and whether it serves; an attempt at
    what. Of the records of a plugin that is off there is no more than its name."""
    changes = cast("Mapping[str, Sequence[object]]", row["changes"] or {})
    if row["action"] == REFUSED:
        words = {name: [None if one is None else in_words(ctx, str(one)) for one in pair] for name, pair in changes.items()}
        return with_more(row, changes={ctx.say(OF_ATTEMPTS[name]) if name in OF_ATTEMPTS else name: pair for name, pair in words.items()})
    if row["entity"] != "core.plugin":
        return row if row["entity"] in _APART else with_more(row, changes={})
    states = {True: ctx.say(_("On")), False: ctx.say(_("Off"))}
    named = {
        ctx.say(_("Approved")) if name == "approved" else ctx.called(name): [states.get(one, one) if isinstance(one, bool) else one for one in pair]
        for name, pair in changes.items()
    }  # fmt: skip
    return with_more(row, changes=named)


PAGES = (PageRoute("audit", path="/admin/audit", title=_("Audit"), permission=f"{NAME}.read", view=show, submit=submit),)
