"""Webhooks as pages: the addresses outside, their secrets, which are shown once, and the log of what was sent with what came back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.automation import choices, inlets, journal, parts, sketches, webhooks
from plugins.automation.parts import Asked
from plugins.automation.sentences import about_there, called
from plugins.automation.tables import DONE, FAILED, SENT
from plugins.automation.webhooks import DELIVERY, TEST, WEBHOOK
from sdk import Condition, Context, Page, PageRequest, PageRoute, Panel, Query, Redirect, Refusal, Rendering, Slot, _
from sdk.clauses import sentence
from sdk.context import Row, id_of
from sdk.pages import told
from sdk.routes import record_id
from sdk.workflow import Shape, parameter

READ, CREATE, UPDATE, DELETE = (f"{WEBHOOK}.{verb}" for verb in ("read", "create", "update", "delete"))
SIZE = 50
LATELY = timedelta(days=7)
_FIELDS = ("id", "version", "name", "url", "entity", "events", "where", "active", "generation", "stopped_because", "owner")
HIDDEN = "•••"
"""In the place of what a reader does not see."""
_SENT = ("id", "event", "about", "state", "attempts", "status", "response", "payload", "created_at", "delivered_at", "next_at")
_COUNTED = ("webhook", "state", "created_at")
_KEPT = ("name", "url", "entity", "events", "where")


class Wanted(Schema):
    """Of what a webhook is told."""

    events = fields.List(
        fields.String(), load_default=list, metadata=parameter(_("Events"), _("None selected: all of them."), options=choices.heard)
    )
    where = fields.List(
        fields.String(validate=validate.Length(1, 300)), load_default=list, metadata=parameter(_("Only where"), shape=Shape.CLAUSES)
    )


def at(ctx: Context, id: object = "", more: str = "") -> str:
    """The address of the list, of a webhook, or of a page of it."""
    return ctx.page(f"/automation/webhooks{f'/{id}' if id else ''}{more}")


def show_all(ctx: Context, request: PageRequest) -> Rendering:
    """All webhooks, with what became of their messages lately."""
    seen = _seen(ctx, WEBHOOK, _FIELDS)
    sort = ("name",) if "name" in seen else ()
    kept = about_there(ctx, WEBHOOK)[1] if "entity" in seen else []
    rows = ctx.records(WEBHOOK).query(Query(filter=tuple(kept), sort=sort, fields=seen, limit=SIZE, cursor=request.asked("cursor")))
    return Rendering(
        "automation/webhooks.html", {"rows": lines(ctx, rows.data), "following": rows.next or "", "may_create": ctx.can(CREATE),
                                     "inlets": ctx.can("automation.inlet.read")},
    )  # fmt: skip


def _seen(ctx: Context, entity: str, names: Sequence[str]) -> tuple[str, ...]:
    """Of these fields those that the actor sees."""
    known = ctx.records(entity).fields() if ctx.can(f"{entity}.read") else {}
    return tuple(name for name in names if name in known)


def lines(ctx: Context, rows: Sequence[Row]) -> list[dict[str, object]]:
    """Webhooks in words; `sent` and `failed` are None for who does not see what was sent."""
    lately = (Condition("created_at", "gte", (ctx.now() - LATELY,)),)
    told = len(_seen(ctx, DELIVERY, _COUNTED)) == len(_COUNTED)
    counted = ctx.records(DELIVERY).aggregate(["count"], ["webhook", "state"], lately) if told else []
    sums = {(str(one["webhook.id"]), one["state"]): cast("int", one["count"]) for one in counted}
    return [
        {**row, "about": called(ctx, str(row["entity"])) if "entity" in row else HIDDEN, "told": _told(ctx, row),
         **{name: sums.get((str(row["id"]), state), 0) if told else None for name, state in (("sent", DONE), ("failed", FAILED))}}
        for row in rows
    ]  # fmt: skip


def _told(ctx: Context, row: Row) -> str:
    """The events of a webhook, and its conditions."""
    if not {"entity", "events"} <= row.keys():
        return HIDDEN
    entity = str(row["entity"])
    words = dict(choices.heard(ctx, entity, {})) if ctx.offers(entity) else {}
    events = [words.get(str(one), str(one)) for one in cast("list[str]", row.get("events") or ())]
    clauses = [sentence(ctx, entity, str(one)) for one in cast("list[str]", row.get("where") or ())] if words else []
    said = ctx.say(_(", ")).join(events) or ctx.say(_("all events"))
    return f"{said} ({ctx.say(_(' and ')).join(clauses)})" if clauses else said


# --- one ------------------------------------------------------------------------------------------------------------------


def show(ctx: Context, request: PageRequest) -> Rendering:
    """A webhook with its log."""
    return _page(ctx, request)


def _page(ctx: Context, request: PageRequest, *, secret: str = "", refusal: Refusal | None = None) -> Rendering:
    row = ctx.records(WEBHOOK).get(request.id(), fields=_seen(ctx, WEBHOOK, _FIELDS))
    state = request.asked("state")
    clauses = (Condition("webhook", "eq", (row["id"],)), *((Condition("state", "eq", (state,)),) if state else ()))
    seen = _seen(ctx, DELIVERY, _SENT)
    asked = Query(filter=clauses, sort=("-created_at",), fields=seen, limit=SIZE, cursor=request.asked("cursor"))
    page = (
        ctx.records(DELIVERY).query(asked)
        if {"state", "created_at", "event"} <= {*seen} and _seen(ctx, DELIVERY, ("webhook",))
        else Page([], None)
    )
    return Rendering(
        "automation/webhook.html",
        {
            "row": lines(ctx, [row])[0], "deliveries": _deliveries(ctx, page.data), "following": page.next or "", "state": state,
            "states": [(key, ctx.say(label)) for key, label in SENT.items()], "secret": secret, "problems": told(ctx, refusal),
            "may": ctx.can(UPDATE), "may_delete": ctx.can(DELETE), "here": at(ctx, row["id"]),
        },
        200 if refusal is None else refusal.status,
    )  # fmt: skip


def _deliveries(ctx: Context, rows: Sequence[Row]) -> list[dict[str, object]]:
    """Messages in words; what their records are called by one question for each entity."""
    subjects: dict[str, set[UUID]] = {}
    for row in rows:
        if isinstance(about := row.get("about"), Mapping):
            subjects.setdefault(str(about["entity"]), set()).add(UUID(str(about["id"])))
    seen = [name for name in subjects if ctx.offers(name) and ctx.can(f"{name}.read")]
    titles = {(name, str(id)): title for name in seen for id, title in ctx.records(name).titles(subjects[name]).items()}
    return [_delivery(ctx, row, titles) for row in rows]


def _delivery(ctx: Context, row: Row, titles: Mapping[tuple[str, str], str]) -> dict[str, object]:
    about, event, state = row.get("about"), str(row["event"]), str(row["state"])
    entity, id = (str(about["entity"]), str(about["id"])) if isinstance(about, Mapping) else ("", "")
    title = titles.get((entity, id), "")
    known = dict(choices.heard(ctx, event.rpartition(".")[0], {}))
    payload = json.dumps(row["payload"], ensure_ascii=False, indent=2) if row.get("payload") else ""
    return {
        "response": "", **row, "label": ctx.say(_("Test")) if event == TEST else known.get(event, event), "title": title,
        "href": journal.address_of(ctx, entity, id) if title else "", "word": ctx.say(SENT[state]),
        "tone": journal.TONES[state], "again": state != "waiting" and bool(payload), "sent": payload,
    }  # fmt: skip


def act(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """A new secret, a test, a message once more, on or off."""
    id, do = request.id(), request.typed("do")
    try:
        ctx.require(UPDATE)
        if do == "secret":
            return _page(ctx, request, secret=str(webhooks.new_secret(ctx, id)["secret"]))
        if do == "test":
            webhooks.send_test(ctx, id)
        elif do == "again":
            webhooks.redeliver(ctx, record_id(request.typed("delivery")))
        elif do in ("on", "off"):
            ctx.records(WEBHOOK).update(id, {"active": do == "on"}, expected_version=request.version())
    except Refusal as refusal:
        return _page(ctx, request, refusal=refusal)
    return Redirect(at(ctx, id))


# --- the form -------------------------------------------------------------------------------------------------------------


def ask_new(ctx: Context, request: PageRequest) -> Rendering:
    """The form of a new one."""
    return _form(ctx, {"name": "", "url": "", "entity": request.asked("entity"), "events": [], "where": []})


def take_new(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Redraw the form, or keep a new webhook."""
    typed = _typed(ctx, request)
    if request.typed("do") != "save":
        return _form(ctx, _pressed(typed, request.typed("do")))
    try:
        row = ctx.records(WEBHOOK).create(_values(typed))
    except Refusal as refusal:
        return _form(ctx, typed, refusal=refusal)
    return Redirect(at(ctx, id_of(row)))


def edit(ctx: Context, request: PageRequest) -> Rendering:
    """The form of one that there is."""
    row = ctx.records(WEBHOOK).get(request.id(), fields=_FIELDS)
    return _form(ctx, {name: row[name] or ([] if name in ("events", "where") else "") for name in _KEPT}, row)


def change(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Redraw the form, or keep the change."""
    row = ctx.records(WEBHOOK).get(request.id(), fields=_FIELDS)
    typed = _typed(ctx, request)
    if request.typed("do") != "save":
        return _form(ctx, _pressed(typed, request.typed("do")), {**row, "version": request.typed("version")})
    try:
        ctx.records(WEBHOOK).update(request.id(), _values(typed), expected_version=request.version())
    except Refusal as refusal:
        return _form(ctx, typed, row, refusal)
    return Redirect(at(ctx, request.id()))


def _typed(ctx: Context, request: PageRequest) -> dict[str, Any]:
    entity = request.typed("entity")
    given = parts.typed(ctx, entity, Wanted(), request, "t")
    events = [one for one in given.get("events", []) if one.rpartition(".")[0] == entity]
    words = {name: request.typed(name).strip() for name in ("name", "url")}
    return {**words, "entity": entity, "events": events, "where": given.get("where", [])}


def _pressed(typed: Mapping[str, Any], do: str) -> dict[str, Any]:
    """After a button that adds a line, or takes one away."""
    sketch = sketches.after(sketches.Sketch(parameters=typed), do)
    return dict(sketch.parameters)


def _values(typed: Mapping[str, Any]) -> dict[str, Any]:
    return {**typed, "where": [one for one in typed["where"] if one] or None, "events": typed["events"] or None}


def _form(ctx: Context, typed: Mapping[str, Any], row: Row | None = None, refusal: Refusal | None = None) -> Rendering:
    wrong = {one.field: ctx.say(one.message, one.params) for one in refusal.problems} if refusal is not None else {}
    entities = choices.entities(ctx, "", {})
    entity = str(typed["entity"]) if typed["entity"] in dict(entities) else ""
    shown = parts.parts(Asked(ctx, entity, "t", typed, wrong), Wanted()) if entity else []
    values = {"typed": typed, "entities": entities, "entity": entity, "shown": shown, "row": row, "wrong": wrong, "problems": told(ctx, refusal),
              "here": at(ctx, row["id"], "/edit") if row is not None else at(ctx, "new"), "back": at(ctx, row["id"] if row is not None else "")}  # fmt: skip
    return Rendering("automation/webhook_form.html", values, 200 if refusal is None else refusal.status)


# --- the other direction ----------------------------------------------------------------------------------------------------


def address_button(ctx: Context, record: Mapping[str, object]) -> Rendering | None:
    """A new secret address for an inlet, to who may change it."""
    return Rendering("automation/inlet_button.html", {"id": record["id"]}) if ctx.can("automation.inlet.update") else None


def new_address(ctx: Context, request: PageRequest) -> Rendering:
    """Another secret address of an inlet, shown once."""
    ctx.require("automation.inlet.update")
    given = inlets.new_address(ctx, request.id())
    return Rendering("automation/inlet.html", {"address": ctx.address(str(given["address"])), "id": request.id()})


def to_inlet(ctx: Context, request: PageRequest) -> Redirect:
    """An address is shown once."""
    return Redirect(ctx.page(f"/automation/inlets/{request.id()}"))


PAGES = (
    PageRoute("webhooks", path="/webhooks", title=_("Webhooks"), permission=READ, view=show_all),
    PageRoute("new_webhook", path="/webhooks/new", title=_("New webhook"), permission=CREATE, view=ask_new, submit=take_new),
    PageRoute("webhook", path="/webhooks/{id}", title=_("Webhook"), permission=READ, view=show, submit=act),
    PageRoute("webhook_edit", path="/webhooks/{id}/edit", title=_("Edit the webhook"), permission=UPDATE, view=edit, submit=change),
    PageRoute(
        "address",
        path="/inlets/{id}/address",
        title=_("Secret URL"),
        permission="automation.inlet.read",
        view=to_inlet,
        submit=new_address,
    ),
)
PANELS = (
    Panel(
        "address",
        slot=Slot.BUTTON,
        label=_("Secret URL"),
        permission="automation.inlet.update",
        view=address_button,
        entity="automation.inlet",
    ),
)
