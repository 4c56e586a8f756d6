"""Targets as the forecast reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from sdk import Entity, Manifest, Mapped, Record, Scope, Verb, _, hookimpl
from sdk import fields as f

manifest = Manifest(name="teamwork", version="1.0", title=_("Targets"), summary=_("Targets alone."))


class Target(Record):
    """What is to be reached."""

    __tablename__ = "teamwork_probe_targets"

    measure: Mapped[str] = f.text(_("Measure"), required=True)
    period_start: Mapped[date] = f.on(_("From"), required=True)
    period: Mapped[str] = f.text(_("Period"), required=True)
    team_id: Mapped[UUID | None] = f.link(_("Team"), "core.team")
    person_id: Mapped[UUID | None] = f.link(_("Person"), "core.user")
    amount: Mapped[f.Money | None] = f.money(_("Amount"))
    number: Mapped[Decimal | None] = f.decimal(_("Number"))


@hookimpl
def register_entities() -> Sequence[Entity]:
    readers = {role: {Verb.READ: Scope.ALL} for role in ("sales_rep", "sales_manager")}
    return (Entity(Target, "target", "targets", _("Target"), _("Targets"), title="measure", owned=False, access=readers),)
