"""Points in a side table, counts by subquery and what stands beyond links, on the probe's things, boards and lanes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from sdk import Batch, Capabilities, Context, Entity, Extension, Manifest, Mapped, Permission, Record, Side, _, hookimpl
from sdk import fields as f
from sdk.permissions import Audience
from tests.probe.tables import Board, Part, Thing

manifest = Manifest(
    name="probe_more",
    version="1.0",
    title=_("More"),
    summary=_("Adds to the probe."),
    requires=("probe",),
    capabilities=Capabilities(data=("probe.thing.read:name",)),
)
UNSEAL = "probe_more.diary.unseal"
AUDIENCES = {Audience.NOBODY: _("Nobody"), Audience.TEAM: _("Team"), Audience.EVERYBODY: _("Everybody")}


class Points(Record):
    """Points of a thing."""

    __tablename__ = "probe_more_points"

    thing_id: Mapped[UUID] = f.link(_("Thing"), Thing, required=True, unique=True, parent=True)
    points: Mapped[int | None] = f.integer(_("Points"), least=0)
    bonus: Mapped[object] = f.money(_("Bonus"))


class Marks(Record):
    """The mark of a board, which is a field of it and no record of its own."""

    __tablename__ = "probe_more_marks"

    board_id: Mapped[UUID] = f.link(_("Board"), Board, required=True, unique=True)
    mark: Mapped[int | None] = f.integer(_("Mark"))


class Diary(Record):
    """What one keeps for oneself, and may show."""

    __tablename__ = "probe_more_diaries"

    name: Mapped[str] = f.text(_("Name"), required=True)
    shown_to: Mapped[str] = f.choice(_("Visible to"), AUDIENCES, default=Audience.NOBODY)
    sealed: Mapped[str | None] = f.text(_("Sealed"))
    initial: Mapped[str | None] = f.text(_("Initial"))


VEILED = ("sealed", "initial")


def veil(ctx: Any, rows: Sequence[dict[str, Any]]) -> None:
    """To whom a diary is shown nothing is told of what is sealed, and of a word its first letter; some may read it all."""
    if ctx.can(UNSEAL):
        return
    for row in rows:
        if "sealed" in row:
            row["sealed"] = None
        if row.get("initial") is not None:
            row["initial"] = str(row["initial"])[:1]


def narrows(ctx: Any) -> Sequence[str]:
    """What is told in part."""
    return () if ctx.can(UNSEAL) else ("initial",)


def mark_of_board(lane: Any, reach: Any) -> Any:
    """The mark of the lane's board, for who sees it there."""
    marks = Marks.table()
    mark = sa.select(marks.c.mark).where(marks.c.board_id == lane.c.board_id, *reach(Marks, ("mark",)))
    return mark.correlate(lane).scalar_subquery()


def count_parts(thing: Any, reach: Any) -> Any:
    """How many parts a thing has, of those whose thing one may see: else the number would tell it."""
    part = Part.table()
    count = sa.select(sa.func.count()).where(part.c.thing_id == thing.c.id, *reach(Part, ("thing_id",)))
    return count.correlate(thing).scalar_subquery()


def beyond(link: str, column: str) -> Any:
    """What stands in a column of the record that a link leads to, for who sees the link here and the field there."""

    def found(row: Any, reach: Any) -> Any:
        known = reach.beyond(link, (column,))
        if known is None:
            return sa.null()
        there, mine = known
        return sa.select(there.c[column]).where(*mine).correlate(row).scalar_subquery()

    return found


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(Points, "point", "points", _("Points"), _("Points"), title="points"),
        Entity(
            Diary,
            "diary",
            "diaries",
            _("Diary"),
            _("Diaries"),
            private=True,
            audience="shown_to",
            veil=veil,
            veiled=VEILED,
            narrows=narrows,
        ),
    )


@hookimpl
def register_permissions() -> Sequence[Permission]:
    return (Permission(UNSEAL, _("Unseal diaries")),)


@hookimpl
def register_extensions() -> Sequence[Extension]:
    return (
        Extension("probe.thing", Side(Points, "thing_id")),
        Extension(
            "probe.thing",
            {
                "parts": f.computed(f.integer(_("Parts")), count_parts),
                "board": f.computed(f.text(_("Board")), beyond("board", "name")),
                "friend": f.computed(f.text(_("Friend")), beyond("friend", "name")),
            },
        ),
        Extension("probe.board", Side(Marks, "board_id")),
        Extension(
            "probe.lane",
            {
                "since": f.computed(f.at(_("Created")), beyond("board", "created_at")),
                "mark": f.computed(f.integer(_("Mark")), mark_of_board),
            },
        ),
    )


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    for change in batch.standing() if batch.entity == "probe.thing" else ():
        if "veto" in str(change.after("name")):
            change.refuse("name", "vetoed", _("another plugin refuses it"))
