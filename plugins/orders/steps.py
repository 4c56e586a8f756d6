"""Where a quote, an order or an invoice stands, and what can be done with it next: across its page, each act a button."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from plugins.orders import invoices, process
from plugins.orders.tables import INVOICE_STATES, ORDER_STATES, QUOTE_STATES
from sdk import Conflict, Context, NotFound, PageRequest, PageRoute, Panel, Query, Redirect, Refusal, Rendering, Slot, Text, _, where
from sdk.context import Row, id_of
from sdk.filters import Condition
from sdk.pages import told


@dataclass(frozen=True)
class Act:
    """One thing that can be done. `asks` is said before what cannot be taken back; `makes` needs the right to make such a record."""

    key: str
    label: Text
    icon: str
    asks: Text | None = None
    makes: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Way:
    """The states of a document on its way, and by state what can be done, in the order of its life."""

    entity: str
    states: Mapping[str, Text]
    steps: Sequence[str]
    acts: Mapping[str, Sequence[Act]]
    made: str = ""
    """What is made of it: an entity that links back to it."""
    back: str = ""


_ACCEPT = Act("accept", _("Accepted: create the order"), "cart", makes="orders.order", tone="first")
_SENT = Act("sent", _("Mark as sent"), "out", tone="first")
_REJECT = Act("rejected", _("Rejected"), "close", tone="danger")
_DRAFT = Act("draft", _("Back to draft"), "refresh")
_CANCEL = Act("cancelled", _("Cancel order"), "close", tone="danger")
_BILL = Act("bill", _("Create invoice"), "receipt", makes="orders.invoice", tone="first")
_ISSUE = Act("issue", _("Issue invoice"), "check", asks=_(
        "An issued invoice has its number and can’t be changed. To reverse it, issue a credit note."
    ),
             tone="first")  # fmt: skip
_CREDIT = Act("credit", _("Credit invoice"), "refresh", asks=_(
        "A credit note for everything left on the invoice is created and issued right away."
    ),
              makes="orders.invoice")  # fmt: skip
WAYS: Mapping[str, Way] = {
    "quotes": Way(
        "orders.quote", QUOTE_STATES, ("draft", "sent", "accepted"),
        {"draft": (_SENT, _ACCEPT, _REJECT), "sent": (_ACCEPT, _DRAFT, _REJECT), "rejected": (_DRAFT,)},
        made="orders.order", back="quote",
    ),
    "orders": Way(
        "orders.order", ORDER_STATES, ("draft", "confirmed"),
        {"draft": (Act("confirmed", _("Confirm order"), "check", tone="first"), _CANCEL), "confirmed": (_BILL, _DRAFT, _CANCEL),
         "cancelled": (_DRAFT,)},
        made="orders.invoice", back="order",
    ),
    "invoices": Way("orders.invoice", INVOICE_STATES, ("draft", "issued"), {"draft": (_ISSUE,), "issued": (_CREDIT,)},
                    made="orders.invoice", back="credits"),
}  # fmt: skip
_FEW = 5


def bar(plural: str, ctx: Context, record: Row) -> Rendering | None:
    """The states as steps, the acts of the present one, and what has been made of it."""
    way = WAYS[plural]
    state = str(record.get("state") or "")
    if state not in way.states or record.get("kind") == "credit_note":
        return None
    at = way.steps.index(state) if state in way.steps else -1
    steps = [(ctx.say(way.states[key]), "done" if n < at else "here" if n == at else "ahead") for n, key in enumerate(way.steps)]
    if at < 0:
        steps = [*((word, "ahead") for word, _state in steps[:1]), (ctx.say(way.states[state]), "here bad")]
    writes = state == way.steps[0] and ctx.can(f"{way.entity}.update")
    values = {"plural": plural, "steps": steps, "acts": _acts(ctx, way, record), "made": _made(ctx, way, record),
              "writes": writes, "empty": writes and _is_empty(ctx, way, record)}  # fmt: skip
    return Rendering("orders/steps.html", values)


def _acts(ctx: Context, way: Way, record: Row) -> list[dict[str, str]]:
    """What can be done, in words; one at the most leads on."""
    acts = offered(ctx, way, record)
    next_ = next((one for one in acts if one.tone == "first"), None)
    return [_said(ctx, one if one is next_ or one.tone != "first" else replace(one, tone="")) for one in acts]


def _is_empty(ctx: Context, way: Way, record: Row) -> bool:
    """Whether it has no lines: none yet, or none any more."""
    net = record.get("net")
    if "net" not in record or (isinstance(net, Mapping) and Decimal(str(net["amount"])) != 0):
        return False
    lines = f"{way.entity}_line"
    link = way.entity.partition(".")[2]
    if not ctx.can(f"{lines}.read") or link not in ctx.records(lines).fields():
        return False
    return not ctx.records(lines).find(where(**{link: record["id"]}), 1)


def offered(ctx: Context, way: Way, record: Row) -> list[Act]:
    """What the actor may do with it in this state."""
    if not ctx.can(f"{way.entity}.update"):
        return []
    acts = way.acts.get(str(record.get("state")), ())
    billed = record.get("billed")
    fit = [
        one
        for one in acts
        if not (one is _BILL and billed == "billed") and not (one in (_DRAFT, _CANCEL) and billed in ("partial", "billed"))
    ]
    return [one for one in fit if not one.makes or ctx.can(f"{one.makes}.create")]


def _said(ctx: Context, act: Act) -> dict[str, str]:
    return {"key": act.key, "label": ctx.say(act.label), "icon": act.icon, "tone": act.tone, "asks": ctx.say(act.asks) if act.asks else ""}


def _made(ctx: Context, way: Way, record: Row) -> list[tuple[str, str]]:
    """What has been made of it: name and address of each, the newest first."""
    if not way.made or not ctx.can(f"{way.made}.read"):
        return []
    plural = ctx.entity(way.made).plural
    seen = ctx.records(way.made).fields()
    if way.back not in seen:
        return []
    names = tuple(name for name in ("id", "number", "name") if name in ("id", *seen))
    asked = Query((Condition(way.back, "eq", (str(record["id"]),)),), ("-created_at",) if "created_at" in seen else (), names, limit=_FEW)
    rows = ctx.records(way.made).query(asked).data
    return [(str(row.get("number") or row.get("name") or "—"), ctx.page(f"/orders/{plural}/{row['id']}")) for row in rows]


# --- doing it --------------------------------------------------------------------------------------------------------


def ask(plural: str, ctx: Context, request: PageRequest) -> Rendering:
    """What is about to be done."""
    way = WAYS[plural]
    record = ctx.records(way.entity).get(request.id())
    return _form(ctx, plural, record, _act(ctx, way, record, request.asked("act")))


def do(plural: str, ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Do it; who is led on is led to what was made."""
    way = WAYS[plural]
    record = ctx.records(way.entity).get(request.id())
    act = next((one for acts in way.acts.values() for one in acts if one.key == request.typed("act")), None)
    if act is None:
        raise NotFound(_("there is nothing at this address"))
    try:
        return Redirect(ctx.page(_done(ctx, plural, way, request, act)))
    except Refusal as refusal:
        return _form(ctx, plural, record, act, refusal)


def _done(ctx: Context, plural: str, way: Way, request: PageRequest, act: Act) -> str:
    id = request.id()
    if act is _ACCEPT:
        return f"/orders/orders/{id_of(process.accept(ctx, id))}"
    if act is _BILL:
        return f"/orders/invoices/{id_of(invoices.bill(ctx, id, None))}"
    if act is _ISSUE:
        invoices.issue(ctx, id)
    elif act is _CREDIT:
        return f"/orders/invoices/{id_of(invoices.credit(ctx, id))}"
    else:
        record = ctx.records(way.entity).get(id)
        if act not in way.acts.get(str(record.get("state")), ()):
            raise Conflict(
                _("it is now {state}, so this is no longer possible"), state=way.states.get(str(record.get("state")), _("hidden"))
            )
        ctx.records(way.entity).update(id, {"state": act.key}, expected_version=request.version())
    return f"/orders/{plural}/{id}"


def _act(ctx: Context, way: Way, record: Row, key: str) -> Act:
    found = next((one for one in offered(ctx, way, record) if one.key == key), None)
    if found is None:
        raise NotFound(_("there is nothing at this address"))
    return found


def _form(ctx: Context, plural: str, record: Row, act: Act, refusal: Refusal | None = None) -> Rendering:
    values = {
        "record": record,
        "act": _said(ctx, act),
        "back": ctx.page(f"/orders/{plural}/{record['id']}"),
        "problems": told(ctx, refusal),
    }
    return Rendering("orders/act.html", values, 200 if refusal is None else refusal.status)


def _page(view: Callable[[str, Context, PageRequest], Rendering | Redirect], plural: str) -> Callable[[Context, PageRequest], object]:
    return partial(view, plural)


def _panel(plural: str) -> Callable[[Context, Mapping[str, object]], Rendering | None]:
    return partial(bar, plural)


PAGES = tuple(
    PageRoute(f"{plural}_acts", path=f"/{plural}/{{id}}/acts", title=_("Actions"), permission=f"{way.entity}.update",
              view=_page(ask, plural), submit=_page(do, plural))
    for plural, way in WAYS.items()
)  # fmt: skip
PANELS = tuple(
    Panel(f"{plural}_steps", slot=Slot.HEAD, label=_("Steps"), permission=f"{way.entity}.read", view=_panel(plural), entity=way.entity)
    for plural, way in WAYS.items()
)
