"""The menu of the orders plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import time
from random import Random

from plugins.orders import (
    by_plan,
    closed,
    copies,
    demo,
    due,
    invoices,
    lines,
    master,
    papers,
    payments,
    plan_page,
    pricing,
    privacy,
    process,
    purchases,
    receiving,
    recipients,
    renewals,
    returning,
    reversals,
    routes,
    settings,
    settlement,
    sheet_page,
    sheet_routes,
    standing,
    steps,
    tables,
)
from sdk import (
    Access,
    Batch,
    Capabilities,
    Context,
    DocumentTemplate,
    Entity,
    EventType,
    Extension,
    Job,
    Manifest,
    MasterData,
    MenuEntry,
    PageRoute,
    Panel,
    Person,
    Report,
    Route,
    Schedule,
    Scope,
    Settings,
    Side,
    Subscription,
    Trace,
    Verb,
    View,
    _,
    hookimpl,
    keep_base_currency,
)
from sdk import fields as f
from sdk.events import PLUGIN_CHANGED

manifest = Manifest(
    name="orders",
    version="0.1",
    title=_("Orders"),
    summary=_("Quotes, orders, contracts, invoices, payment plans and payments."),
    requires=("customers", "catalog", "company"),
    after=("pipeline", "documents"),
    capabilities=Capabilities(
        data=(
            "catalog.product.read:active,name,price,sku,unit",
            "company.profile.read:address,bank_account,bank_name,city,country,email,legal_name,logo,name,phone,postal_code,tax_number,website",
            "company.counter.read:next_number,period,sequence",
            "company.counter.create:next_number,period,sequence",
            "company.counter.update:next_number",
            "company.rate.read:currency,on",
            "company.sequence.read:key,next_number,pattern,period,reset",
            "company.sequence.create:key,name,pattern",
            "company.sequence.update:next_number,period",
            "core.user.read:name",
            "customers.account.read:address,city,country,name,parent,tax_number",
            "customers.contact.read:email,name",
            "pipeline.deal.read:account,amount,close_date,name,owner,status",
            "pipeline.deal.create:account,amount,close_date,name,owner,source",
        ),
        jobs=("renew_contract", "recount_all", "turn_over", "standing", "catch_up", "documents.issue"),
        files=True,
    ),
)

SALES: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM, Verb.CREATE: Scope.OWN, Verb.UPDATE: Scope.OWN},
    "sales_manager": Scope.TEAM,
    "finance": {Verb.READ: Scope.ALL, Verb.UPDATE: Scope.ALL},
    "read_only": {Verb.READ: Scope.ALL},
}
BILLING: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM},
    "sales_manager": {Verb.READ: Scope.TEAM},
    "finance": Scope.ALL,
    "read_only": {Verb.READ: Scope.ALL},
}
RECEIVED: dict[str, Access] = {"finance": Scope.ALL, "read_only": {Verb.READ: Scope.ALL}}
"""Beside what goes with the orders: payments of invoices that name none."""
UNPAID = (
    View(
        "unpaid",
        _("Not paid yet"),
        {"kind": "invoice", "state[in]": "draft,issued", "payment_state[ne]": "paid", "open[ne]": "0"},
        "due_on",
    ),
    View("overdue", _("Overdue"), {"payment_state[in]": "open,partial", "due_on[lt]": "{today}"}, "due_on"),
)
UNSETTLED = (
    View("unsettled", _("Not settled yet"), {"settled": "false"}, "due_on"),
    View("overdue", _("Overdue"), {"settled": "false", "order.state": "confirmed", "due_on[lt]": "{today}"}, "due_on"),
    View("by_milestone", _("Waiting for a milestone"), {"settled": "false", "due_on[empty]": "true"}, "milestone"),
)
READ, NO_DELETE = frozenset({Verb.READ}), frozenset({Verb.READ, Verb.CREATE, Verb.UPDATE})


def _lines(ctx: Context, batch: Batch) -> None:
    if batch.entity == "orders.invoice_line":
        settlement.hold_history(ctx, batch)
        payments.keep_paid(ctx, batch)
    documents = lines.price_lines(ctx, batch)
    sums = lines.sums_of(ctx, batch, documents)
    while lines.keep_room(ctx, batch, documents, sums) or (
        batch.entity == "orders.order_line" and payments.keep_plans(ctx, batch, documents, sums)
    ):
        sums = lines.sums_of(ctx, batch, documents)  # what was refused may have been half of a move to another order
    if batch.entity == "orders.invoice_line":
        recipients.keep_lines(ctx, batch, documents)
        by_plan.keep_apart(ctx, batch, documents)
        invoices.keep_within_order(ctx, batch)
        sums = lines.sums_of(ctx, batch, documents)
    lines.sum_documents(batch, documents, sums)


def _invoices(ctx: Context, batch: Batch) -> None:
    recipients.keep_recipients(ctx, batch)
    payments.keep_paid(ctx, batch)
    invoices.prepare_invoices(ctx, batch)
    by_plan.tell_orders(ctx, batch)
    closed.keep_books_closed(ctx, batch)
    settlement.settle(ctx, batch)


def _orders(ctx: Context, batch: Batch) -> None:
    process.keep_closed(ctx, batch)
    payments.keep_paid(ctx, batch)
    process.prepare_documents(ctx, batch)
    if batch.entity == "orders.order":
        recipients.keep_orders(ctx, batch)
        closed.keep_books_closed(ctx, batch)
        standing.tell(batch)


def _payments(ctx: Context, batch: Batch) -> None:
    closed.keep_books_closed(ctx, batch)
    payments.prepare_payments(ctx, batch)
    settlement.settle(ctx, batch)


PREPARE: dict[str, Callable[[Context, Batch], None]] = {
    **dict.fromkeys(lines.KINDS, _lines),
    "orders.quote": _orders,
    "orders.order": _orders,
    "orders.contract": process.prepare_documents,
    "orders.invoice": _invoices,
    "orders.instalment": payments.prepare_instalments,
    "orders.payment": _payments,
}


@hookimpl
def register_entities() -> Sequence[Entity]:
    t = tables
    return (
        Entity(t.Quote, "quote", "quotes", _("Quote"), _("Quotes"), access=SALES, merges=False),
        Entity(t.QuoteLine, "quote_line", "quote_lines", _("Quote line"), _("Quote lines"), title="description", owned=False),
        Entity(t.Order, "order", "orders", _("Order"), _("Orders"), access=SALES, merges=False),
        Entity(t.OrderLine, "order_line", "order_lines", _("Order line"), _("Order lines"), title="description", owned=False),
        Entity(t.Contract, "contract", "contracts", _("Contract"), _("Contracts"), access=SALES, merges=False),
        Entity(
            t.Invoice,
            "invoice",
            "invoices",
            _("Invoice"),
            _("Invoices"),
            access=BILLING,
            merges=False,
            columns=("number", "name", "account", "total", "open", "due_on", "payment_state", "state"),
            views=UNPAID,
        ),
        Entity(t.InvoiceLine, "invoice_line", "invoice_lines", _("Invoice line"), _("Invoice lines"), title="description", owned=False),
        Entity(t.Instalment, "instalment", "instalments", _("Instalment"), _("Payment plan"), owned=False, views=UNSETTLED),
        Entity(
            t.Payment,
            "payment",
            "payments",
            _("Payment"),
            _("Payments"),
            title="reference",
            access=RECEIVED,
            owned=False,
            verbs=NO_DELETE,
        ),
        Entity(t.Allocation, "allocation", "allocations", _("Allocation"), _("Allocations"), title="amount", owned=False, verbs=READ),
    )


@hookimpl
def register_extensions() -> Sequence[Extension]:
    bought = {
        "lifetime_value": f.computed(f.money(_("Purchases to date")), *tables.LIFETIME),
        "group_value": f.computed(f.money(_("Group purchases to date")), *tables.GROUP),
        "last_order_on": f.computed(f.on(_("Last order")), tables.LAST_ORDER),
        "orders": f.computed(f.integer(_("Orders")), tables.ORDERS),
    }
    return (Extension("customers.account", bought), Extension("customers.account", Side(tables.Purchases, "account_id")))


@hookimpl
def register_events() -> Sequence[EventType]:
    return (EventType(standing.COUNTED, _("Purchases of an account changed")), EventType(invoices.ISSUED, _("Invoice issued")))


@hookimpl
def register_subscriptions() -> Sequence[Subscription]:
    return (
        Subscription(standing.COUNTED, "recount", standing.recount, label=_("Recount an account’s purchases")),
        Subscription(PLUGIN_CHANGED, "count_anew", standing.count_anew, label=_("Recount purchases after a change")),
        Subscription(invoices.ISSUED, "keep_copies", copies.keep_copies, label=_("Keep a copy of an issued invoice")),
        *(
            Subscription(f"{pricing.RATE}.{past}", f"price_{past}", pricing.price_late, label=_("Convert orders when a rate is added"))
            for past in ("created", "updated")
        ),
    )


@hookimpl
def register_jobs() -> Sequence[Job]:
    return (
        Job(renewals.JOB, renewals.renew_job, label=_("Renew a contract")),
        Job(standing.JOB, standing.recount_all, label=_("Recount all purchases")),
        Job(returning.JOB, returning.catch_up, label=_("Catch up")),
    )


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return (
        Schedule("turn_over", renewals.turn_over, at=time(3), label=_("Renew contracts that end")),
        Schedule("standing", returning.each_night, at=time(3, 30), label=_("Update purchases nightly")),
    )


@hookimpl
def register_settings() -> Sequence[Settings]:
    return (Settings(settings.Purchases),)


@hookimpl
def register_reports() -> Sequence[Report]:
    sold, measures = ("state=confirmed",), ("sum:base_amount", "count", "distinct:account")
    lines, of_sold, day = ("sum:net", "sum:quantity", "distinct:order"), ("order.state=confirmed",), "order.ordered_on"
    return (
        Report(
            "sales_by_month", _("Sales by month"), "orders.order", measures, ("ordered_on:month",), sold, "ordered_on", "bar", _("Sales")
        ),
        Report("sales_by_person", _("Sales by person"), "orders.order", measures, ("owner",), sold, "ordered_on"),
        Report("sales_by_team", _("Sales by team"), "orders.order", measures, ("owner.team",), sold, "ordered_on"),
        Report("sales_by_line", _("Sales by product line"), "orders.order_line", lines, ("product.series",), of_sold, day),
        Report("sales_by_product", _("Sales by product"), "orders.order_line", lines, ("product",), of_sold, day),
        Report(
            "cohorts",
            _("Customers by month of their first order"),
            "customers.account",
            ("count", "sum:orders.lifetime_value"),
            ("orders.first_order_on:month", "orders.standing"),
            ("orders.first_order_on[empty]=false",),
            "orders.first_order_on",
        ),
        Report(
            "cohort_orders",
            _("Later purchases by cohort"),
            "orders.order",
            measures,
            ("account.orders.first_order_on:quarter", "ordered_on:quarter"),
            sold,
            "ordered_on",
        ),
        Report(
            "customers_by_standing",
            _("New, active and lost customers"),
            "customers.account",
            ("count",),
            ("orders.standing", "tier"),
            ("orders.standing[empty]=false",),
        ),
        Report("sales_by_region", _("Sales by region"), "orders.order", measures, ("account.country", "account.city"), sold, "ordered_on"),
        Report("customers_by_purchase", _("Customers by purchases"), "orders.order", measures, ("account",), sold, "ordered_on"),
    )


@hookimpl
def register_master_data() -> Sequence[MasterData]:
    return master.MASTER_DATA


@hookimpl
def register_document_templates() -> Sequence[DocumentTemplate]:
    return papers.papers()


@hookimpl
def register_routes() -> Sequence[Route]:
    return (*routes.ROUTES, *sheet_routes.ROUTES)


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return (*sheet_page.PAGES, *steps.PAGES, *reversals.PAGES, *plan_page.PAGES)


@hookimpl
def register_panels() -> Sequence[Panel]:
    return (*sheet_page.PANELS, *steps.PANELS, *due.PANELS, *purchases.PANELS, *receiving.PANELS, *reversals.PANELS, *plan_page.PANELS)


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity in PREPARE:
        PREPARE[batch.entity](ctx, batch)


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    keep_base_currency(ctx, batch, "orders.order", "base_amount")


@hookimpl
def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    return privacy.traces_of(ctx, person)


@hookimpl
def tenant_enabled(ctx: Context) -> None:
    returning.begin(ctx)


@hookimpl
def after_upgrade(ctx: Context, before: str, after: str) -> None:
    returning.begin(ctx)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx, random)


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry("quotes", label=_("Quotes"), section="sell", entity="orders.quote", icon="file", position=40),
        MenuEntry("orders", label=_("Orders"), section="serve", entity="orders.order", icon="cart", position=20),
        MenuEntry("contracts", label=_("Contracts"), section="serve", entity="orders.contract", icon="edit", position=30),
        MenuEntry("invoices", label=_("Invoices"), section="serve", entity="orders.invoice", icon="receipt", position=40),
    )
