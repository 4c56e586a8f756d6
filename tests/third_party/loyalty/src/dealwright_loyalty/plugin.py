"""Loyalty: the points of a customer, and what they were redeemed for."""

from collections.abc import Sequence

import sqlalchemy as sa

from dealwright_loyalty.tables import Membership, Redemption
from sdk import Entity, Extension, Manifest, Scope, Side, _, hookimpl
from sdk import fields as f

manifest = Manifest(
    name="loyalty",
    version="1.0",
    title=_("Loyalty"),
    summary=_("The points of a customer, and what they were redeemed for."),
    requires=("customers", "visits"),
)


@hookimpl
def register_entities() -> Sequence[Entity]:
    access = {"sales_rep": Scope.OWN, "sales_manager": Scope.TEAM}
    return (Entity(Redemption, "redemption", "redemptions", _("Redemption"), _("Redemptions"), title="reward", access=access),)


@hookimpl
def register_extensions() -> Sequence[Extension]:
    redemptions = f.computed(f.integer(_("Redemptions")), f.over(Redemption.account_id, sa.func.count()))
    redeemed = f.computed(f.integer(_("Points redeemed")), f.over(Redemption.visit_id, sa.func.sum(Redemption.points)))
    return (
        Extension("customers.account", Side(Membership, "account_id")),
        Extension("customers.account", {"redemptions": redemptions}),
        Extension("visits.visit", {"points_redeemed": redeemed}),
    )
