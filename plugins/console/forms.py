"""Forms: a new record, or a change of one. What is refused comes back with what was typed, and says why at the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import cast

from plugins.console.back import then
from plugins.console.beginning import begun, with_key
from plugins.console.cells import Cell
from plugins.console.happened import Event, events
from plugins.console.inputs import inputs, live_fields, local, redrawn, redraws, typed, unclear
from plugins.console.refusals import by_field
from plugins.console.registry import Kind, kind_at
from plugins.console.related import has_lines
from sdk import SIGNED_IN, Alike, Context, Forbidden, Invalid, PageRequest, PageRoute, Redirect, Refusal, Rendering, Stale, _
from sdk.context import LIKELY_DUPLICATE, Row, id_of
from sdk.fields import DateTimeField, MoneyField
from sdk.routes import record_id

_MOST_EVENTS = 50


@dataclass(frozen=True)
class Meanwhile:
    """What others have done to a record since its form was opened: their acts, newest first, and the values that the form began with."""

    events: Sequence[Event]
    before: Mapping[str, object]
    theirs: Mapping[str, Cell]


_NOTHING = Meanwhile((), {}, {})


def blank(ctx: Context, request: PageRequest) -> Rendering:
    """The form of a new record; words of the address fill it in (`?account=…`), or another record (`?_like=<id>`)."""
    kind = _writable(ctx, request, "create")
    given = {name: field.default for name, field in kind.written.items() if field.default is not None}
    if like := request.asked("_like"):
        row = ctx.records(kind.name).get(record_id(like))
        given |= {name: value for name, value in row.items() if name in kind.written and not kind.written[name].unique}
    given |= {name: value for name, value in request.query if name in kind.written}
    for name, field in kind.written.items():
        if isinstance(field, MoneyField) and (amount := request.asked(f"{name}__amount")):
            given[name] = {"amount": amount, "currency": request.asked(f"{name}__currency")}
    return _form(kind, begun(kind, given), request)


def create(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take a new record."""
    kind = _writable(ctx, request, "create")
    values = typed(kind, request)
    wanted = with_key(kind, {name: value for name, value in values.items() if value not in (None, "", [])})
    try:
        row = ctx.records(kind.name).create(wanted, alike=_alike(request))
    except Refusal as refusal:
        return _form(kind, values, request, refusal=refusal)
    back = "" if request.part or has_lines(kind) else then(request)  # a quote is empty without its lines: its page is where they are added
    made = kind.at(id_of(row))
    return Redirect(f"{back}#made:{made}" if back and "#" not in back else back or made)  # that page says so: see 10-base.js


def filled(ctx: Context, request: PageRequest) -> Rendering:
    """The form of a record that is there."""
    kind = _writable(ctx, request, "update")
    row = ctx.records(kind.name).get(request.id())
    other = {name: value for name, value in request.query if name in redraws(kind)}
    about, *conditions = redraws(kind) or [""]
    elsewhere = other.get(about, row.get(about)) != row.get(about)  # of another entity they say nothing
    return _form(kind, {**row, **(dict.fromkeys(conditions, "") if elsewhere else {}), **other}, request, record=row)


def change(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take a change: of the fields that differ from what the form began with, unless somebody else has changed the record meanwhile."""
    kind = _writable(ctx, request, "update")
    id = request.id()
    values, before = typed(kind, request), ctx.records(kind.name).get(id)
    changed = {name: value for name, value in values.items() if not _same(kind, name, before.get(name), value, request)}
    try:
        if changed:
            ctx.records(kind.name).update(id, changed, expected_version=request.version(), alike=_alike(request))
    except Stale as refusal:
        since = _meanwhile(kind, before, request)
        mine = {
            name: value for name, value in values.items() if not _same(kind, name, since.before.get(name, before.get(name)), value, request)
        }
        theirs = {name: text for name, text in since.theirs.items() if name in mine}
        return _form(kind, {**before, **mine}, request, record=before, refusal=refusal, since=Meanwhile(since.events, since.before, theirs))
    except Refusal as refusal:
        return _form(kind, {**before, **values}, request, record=before, refusal=refusal)
    return Redirect(then(request) or kind.at(id))


def _meanwhile(kind: Kind, now: Row, request: PageRequest) -> Meanwhile:
    """The history since the form was opened."""
    try:
        opened = datetime.fromisoformat(request.typed("opened"))
    except ValueError:
        return _NOTHING
    rows = kind.ctx.records(kind.name).history(id_of(now), limit=_MOST_EVENTS)
    later = [row for row in rows if opened.tzinfo is not None and datetime.fromisoformat(str(row["at"])) > opened]
    before: dict[str, object] = {}
    for row in later:  # the oldest of them has the last word
        changes = row["changes"]
        before |= {name: pair[0] for name, pair in changes.items()} if isinstance(changes, Mapping) else {}
    shown = events(kind, later)
    theirs: dict[str, Cell] = {}
    for event in reversed(shown):
        theirs |= {one.name: one.after for one in event.changes}
    return Meanwhile(shown, before, theirs)


def _same(kind: Kind, name: str, before: object, typed_: object, request: PageRequest) -> bool:
    """Whether nothing was changed: an empty field and none are the same, so are 10.50 and 10.5, and an instant whose seconds were not shown."""
    if before in (None, "", [], False) and typed_ in (None, "", [], False):
        return True
    if isinstance(kind.fields[name], DateTimeField):
        return local(kind.ctx, before) == request.typed(name).strip()
    if isinstance(before, Mapping) and isinstance(typed_, Mapping) and "amount" in typed_:
        return before.get("currency") == typed_["currency"] and _equal(before.get("amount"), typed_["amount"])
    if isinstance(before, Mapping) and "entity" in before:
        return f"{before['entity']}:{before['id']}" == typed_
    if isinstance(before, list) and isinstance(typed_, list):
        return [str(one) for one in before] == [str(one) for one in typed_]
    return before == typed_ or _equal(before, typed_)


def _equal(one: object, other: object) -> bool:
    if str(one) == str(other):
        return True
    try:
        return one is not None and other is not None and Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False


def _writable(ctx: Context, request: PageRequest, verb: str) -> Kind:
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    if not kind.can(verb):
        raise Forbidden(_("you don’t have permission to {verb} {entity}"), verb=verb, entity=kind.name)
    return kind


def _alike(request: PageRequest) -> Alike:
    return Alike.FORCE if request.typed("force") == "true" else Alike.DEFAULT


def _form(
    kind: Kind, values: Row, request: PageRequest, *, record: Row | None = None, refusal: Refusal | None = None, since: Meanwhile = _NOTHING
) -> Rendering:
    at, others = by_field(kind.ctx, refusal, kind.written)
    at |= {name: text for name, text in unclear(kind, values).items() if name in at}
    if refusal is not None and refusal.reason == LIKELY_DUPLICATE:
        others = [_likely(kind.ctx, refusal)]
    if since.events:
        others = [kind.ctx.say(_("Not saved yet: someone else has changed this record while you were editing it."))]
    return Rendering(
        "console/form.html",
        {
            "kind": kind,
            "record": record,
            "title": str(record.get(kind.title) or "") if record is not None else "",
            "groups": inputs(kind, values, at, since.theirs, new=record is None),
            "problems": others,
            "wrong": len(at),
            "may_force": refusal is not None and refusal.reason == LIKELY_DUPLICATE and kind.can("force"),
            "then": then(request),
            "back": kind.at(record["id"]) if record is not None else kind.path,
            "opened": kind.ctx.now().isoformat(),
            "live": live_fields(kind),
            "redrawn": redrawn(kind),
            "since": since.events,
        },
        200 if refusal is None else refusal.status,
    )


def _likely(ctx: Context, refusal: Refusal) -> str:
    """Of which records it may be another writing, as people call them."""
    seen = cast("Sequence[Mapping[str, object]]", refusal.members.get("candidates") or ())
    if not seen:
        return ctx.say(_("There may be one already, which you don’t have access to. Ask your manager."))
    return ctx.say(_("There may be one already: {names}."), {"names": ctx.say(_(", ")).join(f"“{one['title']}”" for one in seen)})


# --- while somebody types --------------------------------------------------------------------------------------------


def look(ctx: Context, request: PageRequest) -> Rendering:
    """What a form with these values shows and asks for, and which records it is likely one of; writes nothing.

    The words of the query are the form's fields; `_id` is the record that is being changed, `_but` its version of now.
    """
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    form = [pair for pair in request.query if not pair[0].endswith("__typed")]  # half a name is nobody's yet either
    values = typed(kind, PageRequest(address=request.address, form=form))
    asked = ctx.records(kind.name).asks(values)
    like = {name: value for name, value in values.items() if name in kind.entity.alike and value}
    seen: Sequence[Row] = ()
    hidden = 0
    if like:
        try:
            found = ctx.records(kind.name).candidates(like, record_id(request.asked("_id")) if request.asked("_id") else None)
        except Invalid:  # half a mail address is nobody's yet
            found = None
        seen, hidden = (found.seen, found.hidden) if found is not None else ((), 0)
    labels = {name: ctx.say(field.label) for name, field in kind.fields.items()}
    return Rendering("console/live.html", {
        "kind": kind, "seen": seen, "unseen": hidden, "labels": labels,
        "away": [name for name, (shown, _required) in asked.items() if not shown],
        "musts": [name for name, (_shown, required) in asked.items() if required],
    })  # fmt: skip


PAGES = (
    PageRoute("new", path="/{plugin}/{plural}/new", title=_("New"), permission=SIGNED_IN, view=blank, submit=create),
    PageRoute("edit", path="/{plugin}/{plural}/{id}/edit", title=_("Edit"), permission=SIGNED_IN, view=filled, submit=change),
    PageRoute("live", path="/live/{plugin}/{plural}", title=_("New"), permission=SIGNED_IN, view=look),
)
