"""What people keep: reports of their own, and dashboards with their tiles."""

from __future__ import annotations

from uuid import UUID

from sdk import Mapped, Record, _
from sdk import fields as f

SHAPES = {"number": _("Number"), "chart": _("Chart"), "table": _("Table")}
NARROWEST, WIDEST = 1, 4


class OwnReport(Record):
    """A question under a name: the words of the address of the builder (`entity=pipeline.deal&measure=count&by=stage`)."""

    __tablename__ = "reports_own_reports"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, search=True, track=True)
    question: Mapped[str] = f.with_example(
        f.long_text(_("Query"), length=4000, required=True), "entity=customers.account&measure=count&by=tier"
    )


class Dashboard(Record):
    """Tiles under a name: of one person, or for all who have a role or belong to a team and those below it."""

    __tablename__ = "reports_dashboards"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, search=True, track=True)
    role: Mapped[str | None] = f.with_example(f.key(_("For the role"), match=False), f.NO_EXAMPLE)
    team_id: Mapped[UUID | None] = f.with_example(f.link(_("For the team"), "core.team", track=True), f.NO_EXAMPLE)


class Tile(Record):
    """One tile: where it comes from, how and where it is shown.

    Sources are `report:pipeline.won_by_month`, `own:<id>`, `panel:forecast.outlook`, and of a panel with variants `panel:console.view:<id>`.
    """

    __tablename__ = "reports_tiles"

    dashboard_id: Mapped[UUID] = f.link(_("Dashboard"), Dashboard, required=True, parent=True)
    source: Mapped[str] = f.text(_("Source"), length=120, required=True, example="report:customers.by_class")
    title: Mapped[str | None] = f.text(_("Title"), length=100)
    shape: Mapped[str] = f.choice(_("Type"), SHAPES, default="chart")
    width: Mapped[int] = f.integer(_("Width in columns"), least=NARROWEST, most=WIDEST, default=2)
    position: Mapped[int] = f.integer(_("Position"), least=0, most=10_000, default=0)
