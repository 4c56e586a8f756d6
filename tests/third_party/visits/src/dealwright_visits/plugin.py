"""Visits: who was at which customer, when, and at what cost."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa

from plugins.customers.api import Account
from sdk import Access, Entity, Extension, Manifest, Mapped, Record, Scope, Verb, _, hookimpl
from sdk import fields as f

manifest = Manifest("visits", "1.0", _("Visits"), _("Who was at which customer, when, and at what cost."), requires=("customers",))
ACCESS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM, Verb.CREATE: Scope.OWN, Verb.UPDATE: Scope.OWN},
    "sales_manager": Scope.TEAM,
}


class Visit(Record):
    """A visit to a customer."""

    __tablename__ = "visits_visits"

    purpose: Mapped[str] = f.text(_("Purpose"), required=True, search=True)
    account_id: Mapped[UUID] = f.link(_("Account"), Account, required=True)
    visited_on: Mapped[date] = f.on(_("Date"), required=True, index=True)
    cost: Mapped[f.Money | None] = f.money(_("Cost"))


@hookimpl
def register_entities() -> tuple[Entity, ...]:
    return (Entity(Visit, "visit", "visits", _("Visit"), _("Visits"), title="purpose", access=ACCESS),)


@hookimpl
def register_extensions() -> tuple[Extension, ...]:
    last = f.computed(f.on(_("Last visit")), f.over(Visit.account_id, sa.func.max(Visit.visited_on)))
    return (Extension("customers.account", {"last_visit": last}),)
