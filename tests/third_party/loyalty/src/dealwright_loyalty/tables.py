"""Memberships, which add fields to accounts, and redemptions."""

from uuid import UUID

from dealwright_visits.api import Visit

from plugins.customers.api import Account
from sdk import Mapped, Record, _
from sdk import fields as f

LEVELS = {"basic": _("Basic"), "silver": _("Silver"), "gold": _("Gold")}


class Membership(Record):
    """The points of one account, kept beside it."""

    __tablename__ = "loyalty_memberships"

    account_id: Mapped[UUID] = f.link(_("Account"), Account, required=True, unique=True)
    points: Mapped[int] = f.integer(_("Points"), least=0, default=0)
    level: Mapped[str] = f.choice(_("Level"), LEVELS, default="basic")


class Redemption(Record):
    """Points given back for something, perhaps during a visit."""

    __tablename__ = "loyalty_redemptions"

    reward: Mapped[str] = f.text(_("Reward"), required=True, search=True)
    account_id: Mapped[UUID] = f.link(_("Account"), Account, required=True)
    visit_id: Mapped[UUID | None] = f.link(_("Visit"), Visit)
    points: Mapped[int] = f.integer(_("Points"), least=1, required=True)
