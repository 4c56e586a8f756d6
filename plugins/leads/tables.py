"""Campaigns, leads, and where a deal came from."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql import FromClause

from plugins.customers.api import Account, Contact
from plugins.pipeline.api import Deal
from sdk import Mapped, Record, _, likeness
from sdk import fields as f
from sdk.text import NAME_OF_A_PERSON

SOURCES = "company.source"
"""Whose keys a source is mostly written as."""
CHANNELS = {
    "website": _("Website"), "fair": _("Trade show"), "mail": _("Mailing"), "social": _("Social media"), "ad": _("Advertisement"),
    "partner": _("Partner"), "phone": _("Telemarketing"), "other": _("Other"),
}  # fmt: skip
NEW, WORKING, QUALIFIED, DISQUALIFIED, CONVERTED = "new", "working", "qualified", "disqualified", "converted"
STATES = {
    NEW: _("New"), WORKING: _("In progress"), QUALIFIED: _("Qualified"), DISQUALIFIED: _("Disqualified"), CONVERTED: _("Converted"),
}  # fmt: skip
MADE = {
    "account_contact_deal": _("Account, contact, deal"), "account_contact": _("Account, contact"), "contact_deal": _("Contact, deal"),
    "contact": _("Contact"), "deal": _("Deal"), "nothing": _("Nothing"),
}  # fmt: skip
RATINGS = {"hot": _("Hot"), "warm": _("Warm"), "cold": _("Cold")}


class Campaign(Record):
    """What we do to be found: a fair, a mailing, an advertisement."""

    __tablename__ = "leads_campaigns"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True, track=True)
    channel: Mapped[str] = f.choice(_("Channel"), CHANNELS, default="other", track=True, index=True)
    starts_on: Mapped[date | None] = f.on(_("Starts on"), track=True)
    ends_on: Mapped[date | None] = f.on(_("Ends on"), track=True)
    cost: Mapped[f.Money | None] = f.money(_("Cost"), least=Decimal(0), track=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"))


class Lead(Record):
    """A person who may become a customer."""

    __tablename__ = "leads_leads"

    name: Mapped[str] = f.synonyms(
        f.text(NAME_OF_A_PERSON, required=True, match=True, search=True, track=True, personal=True),
        "Full name", "Contact name", "Contact", "Person", "联系人", "姓名", "名称", "线索",
    )  # fmt: skip
    company: Mapped[str | None] = f.text(_("Company"), search=True, track=True)
    title: Mapped[str | None] = f.text(_("Job title"), length=100, personal=True)
    email: Mapped[str | None] = f.email(_("Email"), match=True, sensitive=True)
    phone: Mapped[str | None] = f.phone(_("Phone"), sensitive=True, alike=likeness.telephone)
    website: Mapped[str | None] = f.url(_("Website"))
    state: Mapped[str] = f.choice(_("Status"), STATES, default=NEW, track=True, index=True)
    rating: Mapped[str | None] = f.synonyms(
        f.choice(_("Rating"), RATINGS, track=True),
        "Lead rating",
        "Temperature",
        "评级",
        "等级",
        "线索评级",
        "线索等级",
        "线索级别",
        "意向度",
        "意向等级",
    )
    source: Mapped[str | None] = f.text(_("Source"), length=100, track=True, of=SOURCES)
    campaign_id: Mapped[UUID | None] = f.link(_("Campaign"), Campaign, track=True)
    product_id: Mapped[UUID | None] = f.link(_("Product"), "catalog.product")
    value: Mapped[f.Money | None] = f.money(_("Expected value"), least=Decimal(0), track=True)
    tags: Mapped[list[str] | None] = f.keys(_("Tags"), "customers.tag", track=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"), personal=True)
    converted_at: Mapped[datetime | None] = f.historic(f.at(_("Converted at"), readonly=True))
    account_id: Mapped[UUID | None] = f.historic(f.link(_("Account"), Account, readonly=True, track=True))
    contact_id: Mapped[UUID | None] = f.historic(f.link(_("Contact"), Contact, readonly=True, track=True, subject=True))
    deal_id: Mapped[UUID | None] = f.historic(f.link(_("Deal"), Deal, readonly=True, track=True))
    made: Mapped[str | None] = f.choice(_("Created by the conversion"), MADE, readonly=True)


class Origin(Record):
    """Through what a deal first came to us."""

    __tablename__ = "leads_origins"

    deal_id: Mapped[UUID] = f.link(_("Deal"), Deal, required=True, unique=True, parent=True)
    campaign_id: Mapped[UUID | None] = f.link(_("First campaign"), Campaign)
    lead_id: Mapped[UUID | None] = f.link(_("Lead"), Lead)
    last_campaign_id: Mapped[UUID | None] = f.link(_("Last campaign"), "leads.campaign", readonly=True)
    first_source: Mapped[str | None] = f.text(_("First source"), length=100, readonly=True, of=SOURCES)
    last_source: Mapped[str | None] = f.text(_("Last source"), length=100, readonly=True, of=SOURCES)


class Touch(Record):
    """One time that somebody came near us: a visit at a fair, an answer to a mailing."""

    __tablename__ = "leads_touches"

    at: Mapped[datetime | None] = f.at(_("When"), index=True)
    campaign_id: Mapped[UUID | None] = f.link(_("Campaign"), Campaign)
    source: Mapped[str | None] = f.text(_("Source"), length=100, of=SOURCES)
    lead_id: Mapped[UUID | None] = f.link(_("Lead"), Lead, timeline=True, subject=True)
    account_id: Mapped[UUID | None] = f.with_example(f.link(_("Account"), Account, timeline=True), "any")
    contact_id: Mapped[UUID | None] = f.link(_("Contact"), Contact, timeline=True, subject=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"), personal=True)


LEADS = f.over(Lead.campaign_id, sa.func.count())
"""How many leads a campaign brought."""
CONVERTED_LEADS = f.over(Lead.campaign_id, sa.func.count().filter(Lead.state == CONVERTED))
"""How many of them became customers."""


def _won_over(link: sa.Column[UUID | None], value: sa.ColumnElement[Any]) -> f.Source:
    """What `value` is over the won deals whose origin names the campaign by `link`, of those that the reader sees."""
    deal, origin = Deal.table(), Origin.table()

    def source(campaign: FromClause, reach: f.Reach) -> sa.ColumnElement[object]:
        used = ("status", "base_amount", "base_amount_currency")
        won = f.sifted(deal.c.status == "won", *reach(Deal, used))
        mine = (origin.c[link.key] == campaign.c.id, *reach(Origin, (link.key,)), won)
        # The outer join and what is sifted say in what order: from the campaign to its origins, from each to its deal.
        joined = origin.outerjoin(deal, sa.and_(deal.c.tenant_id == origin.c.tenant_id, deal.c.id == origin.c.deal_id))
        return sa.select(value).select_from(joined).where(*mine).correlate(campaign).scalar_subquery()

    return source


def _amount(link: sa.Column[UUID | None]) -> tuple[f.Source, f.Source]:
    table = Deal.table()
    amount = sa.func.sum(table.c.base_amount, type_=table.c.base_amount.type)
    return _won_over(link, amount), _won_over(link, sa.func.max(table.c.base_amount_currency))


WON_FIRST, WON_LAST = _amount(Origin.campaign_id), _amount(Origin.last_campaign_id)
"""What won deals brought that a campaign touched first, and last, in the company’s own currency."""
DEALS_FIRST = _won_over(Origin.campaign_id, sa.func.count())
"""How many of those that it touched first."""
