"""Saved views of lists, and with which of them a person begins."""

from __future__ import annotations

from uuid import UUID

from sdk import Audience, Mapped, Record, _
from sdk import fields as f
from sdk.entities import unique_together
from sdk.fields.base import NO_EXAMPLE, with_example

LIST, BOARD, CALENDAR = "list", "board", "calendar"
LAYOUTS = {LIST: _("List"), BOARD: _("Board"), CALENDAR: _("Calendar")}
SHOWN_TO = {Audience.NOBODY.value: _("Only me"), Audience.TEAM.value: _("My team"), Audience.EVERYBODY.value: _("Everyone")}


class View(Record):
    """What to show of an entity and how, under a name; what is in it is up to the rights of who looks."""

    __tablename__ = "console_views"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, search=True)
    entity: Mapped[str] = f.text(_("Entity"), length=100, required=True, index=True, example="console.view")
    conditions: Mapped[str | None] = with_example(f.long_text(_("Filters")), "pinned=true")
    words: Mapped[str | None] = f.text(_("Search words"), length=200, example=NO_EXAMPLE)
    ordered_by: Mapped[str | None] = f.text(_("Sort"), length=500, example="name")
    columns: Mapped[str | None] = with_example(f.long_text(_("Columns")), "name,pinned")
    layout: Mapped[str] = f.choice(_("Layout"), LAYOUTS, default=LIST)
    layout_field: Mapped[str | None] = f.text(_("Layout field"), length=100, example=NO_EXAMPLE)
    shown_to: Mapped[str] = f.choice(_("Shared with"), SHOWN_TO, default=Audience.NOBODY.value)
    pinned: Mapped[bool] = f.boolean(_("Pinned"), default=False)


class Start(Record):
    """The view with which a person begins an entity's list; none: all of it."""

    __tablename__ = "console_starts"
    __table_args__ = (unique_together("console_starts", "owner_id", "entity"),)

    entity: Mapped[str] = f.text(_("Entity"), length=100, required=True, example="console.view")
    view_id: Mapped[UUID | None] = f.link(_("View"), View)
