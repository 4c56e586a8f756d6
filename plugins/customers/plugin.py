"""The menu of the customers plugin."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from plugins.customers import demo
from plugins.customers.events import mark_customers
from plugins.customers.tables import Account, Contact
from sdk import Access, Context, Entity, Manifest, Report, Role, Scope, Subscription, Verb, _, hookimpl

manifest = Manifest(
    name="customers",
    version="0.1",
    title=_("Customers"),
    summary=_("The companies we sell to and the people there."),
)

ACCESS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM, Verb.CREATE: Scope.OWN, Verb.UPDATE: Scope.OWN},
    "sales_manager": Scope.TEAM,
    "finance": {Verb.READ: Scope.ALL},
    "read_only": {Verb.READ: Scope.ALL},
}


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(Account, "account", "accounts", _("Account"), _("Accounts"), access=ACCESS),
        Entity(Contact, "contact", "contacts", _("Contact"), _("Contacts"), access=ACCESS),
    )


@hookimpl
def register_roles() -> Sequence[Role]:
    """The presets of a sales organisation; other plugins grant to them by key."""
    return (
        Role("sales_rep", _("Sales representative")),
        Role("sales_manager", _("Sales manager")),
        Role("finance", _("Finance")),
        Role("read_only", _("Read-only")),
    )


@hookimpl
def register_reports() -> Sequence[Report]:
    return (
        Report("by_class", _("Customers by class"), "customers.account", ("count",), ("tier", "lifecycle")),
        Report("by_industry", _("Customers by industry"), "customers.account", ("count",), ("industry",)),
        Report("new_by_month", _("New customers by month"), "customers.account", ("count",), ("created_at:month",), (), "", "line"),
    )


@hookimpl
def register_subscriptions() -> Sequence[Subscription]:
    return (Subscription("pipeline.deal.won", "mark_customers", mark_customers),)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx, random)
