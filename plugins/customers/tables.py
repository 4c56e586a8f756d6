"""Accounts and contacts."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Mapped

from sdk import Record, _
from sdk import fields as f

TIERS = {"key": _("Key account"), "normal": _("Normal"), "small": _("Small")}
LIFECYCLE = {"prospect": _("Prospect"), "customer": _("Customer"), "former": _("Former customer")}


class Account(Record):
    """A company we sell to."""

    __tablename__ = "customers_accounts"

    name: Mapped[str] = f.text(_("Name"), required=True, search=True, match=True, track=True)
    tier: Mapped[str] = f.choice(_("Class"), TIERS, default="normal", track=True)
    lifecycle: Mapped[str] = f.choice(_("Lifecycle"), LIFECYCLE, default="prospect", track=True)
    industry: Mapped[str | None] = f.text(_("Industry"), length=100, index=True)
    phone: Mapped[str | None] = f.phone(_("Phone"), sensitive=True)
    website: Mapped[str | None] = f.url(_("Website"))
    country: Mapped[str | None] = f.text(_("Country"), length=100)
    city: Mapped[str | None] = f.text(_("City"), length=100)
    address: Mapped[str | None] = f.text(_("Address"))
    employees: Mapped[int | None] = f.integer(_("Employees"), least=0)
    founded: Mapped[int | None] = f.integer(_("Founded in"), least=1000, most=9999)
    revenue: Mapped[f.Money | None] = f.money(_("Annual revenue"))
    parent_id: Mapped[UUID | None] = f.link(_("Parent company"), "self", tree=True, track=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"))


class Contact(Record):
    """A person at an account, or one we know without a company."""

    __tablename__ = "customers_contacts"

    name: Mapped[str] = f.text(_("Name"), required=True, search=True, match=True, track=True)
    account_id: Mapped[UUID | None] = f.link(_("Account"), Account, track=True, timeline=True)
    title: Mapped[str | None] = f.text(_("Job title"), length=100)
    email: Mapped[str | None] = f.email(_("E-mail"), sensitive=True)
    phone: Mapped[str | None] = f.phone(_("Phone"), sensitive=True)
    wechat: Mapped[str | None] = f.text(_("WeChat"), length=60, sensitive=True)
    birthday: Mapped[date | None] = f.on(_("Birthday"))
    notes: Mapped[str | None] = f.long_text(_("Notes"))
