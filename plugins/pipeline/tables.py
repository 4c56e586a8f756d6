"""Pipelines, stages, deals and the history of their moves."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from plugins.customers.api import Account, Contact
from sdk import Mapped, Record, _
from sdk import fields as f
from sdk.entities import unique_together
from sdk.rates import RATE_PLACES

TYPES = {"open": _("Open"), "won": _("Won"), "lost": _("Lost")}


class Pipeline(Record):
    """A sales process: new business, renewals."""

    __tablename__ = "pipeline_pipelines"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True)
    is_default: Mapped[bool] = f.boolean(_("Default"))


class Stage(Record):
    """A step of a pipeline; its type decides whether a deal there is open, won or lost."""

    __tablename__ = "pipeline_stages"
    __table_args__ = (unique_together("pipeline_stages", "pipeline_id", "key"),)

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, match=True, search=True, track=True)
    key: Mapped[str | None] = f.key(_("Key"))
    pipeline_id: Mapped[UUID | None] = f.link(_("Pipeline"), Pipeline)
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000, track=True)
    type: Mapped[str] = f.choice(_("Type"), TYPES, default="open", track=True)
    probability: Mapped[object] = f.percent(_("Probability"), track=True)
    colour: Mapped[str | None] = f.text(_("Color"), length=20)
    expected_days: Mapped[int | None] = f.integer(_("Expected days"), least=0, most=3650)
    required_fields: Mapped[list[str] | None] = f.keys(_("Required fields"), track=True)
    guidance: Mapped[str | None] = f.long_text(_("Guidance"))


class LostReason(Record):
    """Why deals are lost."""

    __tablename__ = "pipeline_lost_reasons"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True)
    key: Mapped[str] = f.key(_("Key"), required=True, unique=True)
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000)
    active: Mapped[bool] = f.boolean(_("Active"), default=True)


class WonReason(Record):
    """Why deals are won."""

    __tablename__ = "pipeline_won_reasons"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True)
    key: Mapped[str] = f.key(_("Key"), required=True, unique=True)
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000)
    active: Mapped[bool] = f.boolean(_("Active"), default=True)


class Deal(Record):
    """A chance to sell."""

    __tablename__ = "pipeline_deals"

    name: Mapped[str] = f.synonyms(
        f.text(_("Name"), required=True, match=True, search=True, track=True),
        "Deal", "Deal name", "Opportunity", "Opportunity name", "商机", "商机名称", "销售机会", "销售机会名称", "机会名称", "项目名称", "交易名称",
        "Deal title", "Dealname", "案件名",
    )  # fmt: skip
    account_id: Mapped[UUID | None] = f.link(_("Account"), Account, track=True, timeline=True)
    contact_id: Mapped[UUID | None] = f.link(_("Contact"), Contact, timeline=True)
    product_id: Mapped[UUID | None] = f.link(_("Product"), "catalog.product", track=True)
    pipeline_id: Mapped[UUID | None] = f.link(_("Pipeline"), Pipeline, track=True)
    stage_id: Mapped[UUID | None] = f.link(_("Stage"), Stage, within="pipeline", usual="is_default", track=True)
    status: Mapped[str] = f.choice(_("Status"), TYPES, default="open", readonly=True, index=True)
    amount: Mapped[f.Money | None] = f.money(_("Amount"), track=True, index=True)
    base_amount: Mapped[f.Money | None] = f.converts(f.money(_("Amount in company currency"), readonly=True), "amount")
    rate: Mapped[Decimal | None] = f.converts(f.decimal(_("Exchange rate"), readonly=True, places=RATE_PLACES), "amount")
    probability: Mapped[object] = f.synonyms(
        f.percent(_("Probability"), track=True), "Win probability", "Chance", "概率", "成交率", "赢单率", "可能性", "赢单可能性"
    )
    opened_on: Mapped[date | None] = f.on(_("Opened on"))
    close_date: Mapped[date | None] = f.on(_("Close date"), track=True, index=True)
    stage_since: Mapped[datetime | None] = f.historic(f.at(_("In stage since"), readonly=True, index=True))
    lost_reason_id: Mapped[UUID | None] = f.link(_("Lost reason"), LostReason, track=True)
    won_reason_id: Mapped[UUID | None] = f.link(_("Won reason"), WonReason, track=True)
    competitor: Mapped[str | None] = f.text(_("Competitor"), length=100, track=True)
    source: Mapped[str | None] = f.text(_("Source"), length=100, track=True, of="company.source")
    notes: Mapped[str | None] = f.long_text(_("Notes"))


class StageChange(Record):
    """One move of a deal; visible as its deal is."""

    __tablename__ = "pipeline_stage_changes"

    deal_id: Mapped[UUID] = f.link(_("Deal"), Deal, required=True, parent=True, timeline=True)
    from_stage_id: Mapped[UUID | None] = f.link(_("From stage"), Stage)
    to_stage_id: Mapped[UUID] = f.link(_("To stage"), Stage, required=True)
    moved_at: Mapped[datetime] = f.at(_("Moved at"), required=True, index=True)
    seconds: Mapped[int | None] = f.integer(_("Seconds in previous stage"), least=0)


OPEN_DEALS = f.over(Deal.account_id, sa.func.count().filter(Deal.status == "open"))
"""How many open deals an account has."""
