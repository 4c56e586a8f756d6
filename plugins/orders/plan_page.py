"""What can be done with an instalment on its page: its milestone is reached, its invoice is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from plugins.orders import by_plan
from plugins.orders.by_plan import INSTALMENT, INVOICE
from plugins.orders.process import today
from sdk import Context, PageRequest, PageRoute, Panel, Redirect, Refusal, Rendering, Slot, Text, _
from sdk.context import Row, id_of
from sdk.pages import told


def _reach(ctx: Context, id: UUID) -> str:
    ctx.records(INSTALMENT).update(id, {"reached_on": today(ctx)})
    return f"/orders/instalments/{id}"


def _bill(ctx: Context, id: UUID) -> str:
    return f"/orders/invoices/{id_of(by_plan.bill_instalment(ctx, id))}"


@dataclass(frozen=True)
class Act:
    """One thing that can be done with an instalment, and what is said before it is."""

    label: Text
    icon: str
    asks: Text
    permission: str
    done: Callable[[Context, UUID], str]


ACTS: Mapping[str, Act] = {
    "milestone": Act(_("Milestone reached"), "check", _("The instalment is due from today. If the milestone was reached on another day, or payment is "
                     "due later, change the dates afterwards."), f"{INSTALMENT}.update", _reach),
    "invoice": Act(_("Create invoice"), "receipt", _("A draft invoice over this instalment is created."), f"{INVOICE}.create", _bill),
}  # fmt: skip


def button(key: str, ctx: Context, record: Row) -> Rendering | None:
    """Leads to the act where it is possible."""
    dated, waits = record.get("due_on") is not None, record.get("milestone") is not None and record.get("reached_on") is None
    if not (dated if key == "invoice" else waits and not dated):
        return None
    act = ACTS[key]
    href = ctx.page(f"/orders/instalments/{record['id']}/{key}")
    return Rendering("orders/plan_button.html", {"href": href, "icon_name": act.icon, "label": ctx.say(act.label)})


def ask(key: str, ctx: Context, request: PageRequest) -> Rendering:
    """What is about to be done."""
    return _form(key, ctx, request.id())


def do(key: str, ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Do it; who is led on is led to what was made."""
    try:
        return Redirect(ctx.page(ACTS[key].done(ctx, request.id())))
    except Refusal as refusal:
        return _form(key, ctx, request.id(), refusal)


def _form(key: str, ctx: Context, id: UUID, refusal: Refusal | None = None) -> Rendering:
    part, act = ctx.records(INSTALMENT).get(id), ACTS[key]
    said = {"key": key, "label": ctx.say(act.label), "icon": act.icon, "tone": "first", "asks": ctx.say(act.asks)}
    values = {"record": {"number": "", "name": part.get("name") or part.get("milestone"), "version": part.get("version")}, "act": said,
              "back": ctx.page(f"/orders/instalments/{id}"), "problems": told(ctx, refusal)}  # fmt: skip
    return Rendering("orders/act.html", values, 200 if refusal is None else refusal.status)


PAGES = tuple(
    PageRoute(f"instalment_{key}", path=f"/instalments/{{id}}/{key}", title=act.label, permission=act.permission, view=partial(ask, key),
              submit=partial(do, key))
    for key, act in ACTS.items()
)  # fmt: skip
PANELS = tuple(
    Panel(f"instalment_{key}", slot=Slot.BUTTON, label=act.label, permission=act.permission, view=partial(button, key), entity=INSTALMENT)
    for key, act in ACTS.items()
)
