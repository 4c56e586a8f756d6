"""Records with a field of every type."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sdk import Mapped, Record, _
from sdk import fields as f
from sdk.entities import unique_together

TIERS = {"gold": _("Gold"), "silver": _("Silver"), "tin": _("Tin")}


class Board(Record):
    """A board with lanes."""

    __tablename__ = "probe_boards"

    name: Mapped[str] = f.text(_("Name"), required=True, unique=True, match=True)


class Lane(Record):
    """A lane, whose name is unique on its board only."""

    __tablename__ = "probe_lanes"
    __table_args__ = (unique_together("probe_lanes", "board_id", "name"),)

    board_id: Mapped[UUID] = f.link(_("Board"), Board, required=True)
    name: Mapped[str] = f.text(_("Name"), required=True, match=True)


class Thing(Record):
    """One field of each type."""

    __tablename__ = "probe_things"

    name: Mapped[str] = f.text(_("Name"), required=True, search=True, match=True, track=True)
    code: Mapped[str | None] = f.key(_("Code"), unique=True)
    note: Mapped[str | None] = f.long_text(_("Note"))
    email: Mapped[str | None] = f.email(_("E-mail"), match=False)
    phone: Mapped[str | None] = f.phone(_("Phone"), sensitive=True)
    website: Mapped[str | None] = f.url(_("Website"))
    tags: Mapped[list[str] | None] = f.keys(_("Tags"))
    tier: Mapped[str] = f.choice(_("Tier"), TIERS, default="tin")
    size: Mapped[int | None] = f.integer(_("Size"), least=-1000, most=1_000_000)
    weight: Mapped[Decimal | None] = f.decimal(_("Weight"))
    share: Mapped[Decimal | None] = f.percent(_("Share"))
    price: Mapped[object] = f.money(_("Price"))
    done: Mapped[bool] = f.boolean(_("Done"))
    day: Mapped[date | None] = f.on(_("Day"), index=True)
    moment: Mapped[datetime | None] = f.at(_("Moment"))
    serial: Mapped[int | None] = f.integer(_("Serial"), readonly=True)
    whole_id: Mapped[UUID | None] = f.link(_("Whole"), "self")
    friend_id: Mapped[UUID | None] = f.link(_("Friend"), "core.user")
    board_id: Mapped[UUID | None] = f.link(_("Board"), Board)
    lane_id: Mapped[UUID | None] = f.link(_("Lane"), Lane, within="board")
    partner_id: Mapped[UUID | None] = f.link(_("Partner"), "absent.partner")
    about: Mapped[f.Reference | None] = f.any_record(_("About"))


class Part(Record):
    """Visible as the thing it is a part of."""

    __tablename__ = "probe_parts"

    thing_id: Mapped[UUID] = f.link(_("Thing"), Thing, required=True, parent=True)
    name: Mapped[str] = f.text(_("Name"), required=True, search=True)
    amount: Mapped[int | None] = f.integer(_("Amount"))


class Remark(Record):
    """Visible as what it is about."""

    __tablename__ = "probe_remarks"

    about: Mapped[f.Reference] = f.any_record(_("About"), required=True, parent=True)
    text: Mapped[str] = f.text(_("Text"), required=True)


class Entry(Record):
    """What hooks and handlers leave behind."""

    __tablename__ = "probe_entries"

    text: Mapped[str] = f.text(_("Text"), required=True)
