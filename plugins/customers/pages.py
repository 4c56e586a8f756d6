"""Asking somebody by hand: the button on an account's or a contact's page, and the link behind it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from plugins.customers import surveys
from sdk import Context, NotFound, PageRequest, PageRoute, Panel, Refusal, Rendering, Slot, _
from sdk.context import Row, id_of
from sdk.pages import told
from sdk.routes import record_id

ACCOUNT, CONTACT = "customers.account", surveys.CONTACT
_MANY = 100


def button(ctx: Context, record: Mapping[str, object], kind: str) -> Rendering | None:
    """Where there is a survey to ask with."""
    if not ctx.can(f"{surveys.SURVEY}.read") or not ctx.records(surveys.SURVEY).find((), 1):
        return None
    return Rendering("customers/ask_button.html", {"kind": kind})


def ask(ctx: Context, request: PageRequest) -> Rendering:
    """With which survey."""
    return _form(ctx, request)


def take(ctx: Context, request: PageRequest) -> Rendering:
    """The link, which is told here and never again."""
    entity, person = _asked(ctx, request)
    try:
        survey = ctx.records(surveys.SURVEY).values([record_id(request.typed("survey"))])
        if not survey:
            raise NotFound(_("choose a survey"))
        account, contact = (id_of(person) if entity == one else None for one in (ACCOUNT, CONTACT))
        guest = surveys.Guest(account, contact, owner=ctx.actor.user_id)
        with ctx.transaction(write=True):
            ((row, link),) = surveys.invite(ctx, next(iter(survey.values())), [guest])
    except Refusal as refusal:
        return _form(ctx, request, refusal)
    return _form(ctx, request, made={"link": link, "sent": row["sent_to"] is not None, "to": row["sent_to"] if "email" in person else None})


def _asked(ctx: Context, request: PageRequest) -> tuple[str, Row]:
    entity = {"accounts": ACCOUNT, "contacts": CONTACT}.get(request.path["kind"])
    rows = ctx.records(entity).values([request.id()]) if entity is not None else {}
    if entity is None or not rows:
        raise NotFound(_("there is nothing at this address"))
    return entity, rows[request.id()]


def _form(ctx: Context, request: PageRequest, refusal: Refusal | None = None, made: Mapping[str, object] | None = None) -> Rendering:
    _entity, person = _asked(ctx, request)
    values = {
        "person": {"id": person["id"], "name": person.get("name"), "kind": request.path["kind"]}, "problems": told(ctx, refusal), "made": made,
        "surveys": [{"id": row["id"], "name": row.get("name")} for row in ctx.records(surveys.SURVEY).find((), _MANY)],
        "chosen": request.typed("survey"),
    }  # fmt: skip
    return Rendering("customers/ask.html", values, 200 if refusal is None else refusal.status)


PAGES = (PageRoute("ask", path="/ask/{kind}/{id}", title=_("Send survey"), permission=surveys.SEND, view=ask, submit=take),)
PANELS = tuple(
    Panel(
        f"ask_{kind}", slot=Slot.BUTTON, label=_("Send survey"), permission=surveys.SEND, entity=entity, position=30,
        view=partial(button, kind=kind),
    )
    for kind, entity in (("accounts", ACCOUNT), ("contacts", CONTACT))
)  # fmt: skip
