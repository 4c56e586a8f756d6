"""Points in a side table, and a count by subquery, on the probe's things."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sdk import Batch, Capabilities, Context, Entity, Extension, Manifest, Record, Side, _, hookimpl
from sdk import fields as f
from tests.probe.tables import Part, Thing

manifest = Manifest(
    name="probe_more",
    version="1.0",
    title=_("More"),
    summary=_("Adds to the probe."),
    requires=("probe",),
    capabilities=Capabilities(data=("probe.thing.read:name",)),
)


class Points(Record):
    """Points of a thing."""

    __tablename__ = "probe_more_points"

    thing_id: Mapped[UUID] = f.link(_("Thing"), Thing, required=True, unique=True, parent=True)
    points: Mapped[int | None] = f.integer(_("Points"), least=0)
    bonus: Mapped[object] = f.money(_("Bonus"))


def count_parts(thing: Any, reach: Any) -> Any:
    """How many parts a thing has, of those whose thing one may see: else the number would tell it."""
    part = Part.table()
    count = sa.select(sa.func.count()).where(part.c.thing_id == thing.c.id, *reach(Part, ("thing_id",)))
    return count.correlate(thing).scalar_subquery()


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (Entity(Points, "point", "points", _("Points"), _("Points"), title="points"),)


@hookimpl
def register_extensions() -> Sequence[Extension]:
    return (
        Extension("probe.thing", Side(Points, "thing_id")),
        Extension("probe.thing", {"parts": f.computed(f.integer(_("Parts")), count_parts)}),
    )


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    for change in batch.standing() if batch.entity == "probe.thing" else ():
        if "veto" in str(change.after("name")):
            change.refuse("name", "vetoed", _("another plugin refuses it"))
