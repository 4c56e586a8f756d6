"""The company itself, its currencies, numbers and lists."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from sdk import Mapped, Record, _
from sdk import fields as f
from sdk.entities import unique_together
from sdk.rates import RATE_PLACES

RESETS = {"never": _("Never"), "year": _("Every year"), "month": _("Every month")}
REGIONS = {
    "zh-CN": _("China (1,234.56; 2026年12月31日)"), "en-US": _("United States (1,234.56; Dec 31, 2026)"), "en-GB": _("United Kingdom (1,234.56; 31 Dec 2026)"),
    "de-DE": _("Germany (1.234,56; 31.12.2026)"), "fr-FR": _("France (1 234,56; 31 déc. 2026)"), "es-ES": _("Spain (1.234,56; 31 dic 2026)"),
    "ja-JP": _("Japan (1,234.56; 2026/12/31)"),
}  # fmt: skip
LEAST_RATE = Decimal(1).scaleb(-RATE_PLACES)


class Profile(Record):
    """What stands on quotes, contracts and invoices; a company has one."""

    __tablename__ = "company_profiles"

    name: Mapped[str] = f.text(_("Name"), required=True, search=True, match=True, track=True)
    legal_name: Mapped[str | None] = f.text(_("Registered name"), track=True)
    address: Mapped[str | None] = f.text(_("Address"), track=True)
    postal_code: Mapped[str | None] = f.text(_("Postal code"), length=20)
    city: Mapped[str | None] = f.text(_("City"), length=100)
    country: Mapped[str | None] = f.text(_("Country"), length=100)
    tax_number: Mapped[str | None] = f.text(_("Tax number"), length=60, track=True)
    phone: Mapped[str | None] = f.phone(_("Phone"))
    email: Mapped[str | None] = f.email(_("Email"))
    website: Mapped[str | None] = f.url(_("Website"))
    bank_name: Mapped[str | None] = f.text(_("Bank"), length=100, track=True)
    bank_account: Mapped[str | None] = f.text(_("Bank account"), length=60, track=True)
    logo: Mapped[str | None] = f.text(_("Logo"), length=32, readonly=True)


class Preference(Record):
    """How a person writes numbers and days, which is another matter than the language of their texts, and in which currency their forms begin."""

    __tablename__ = "company_preferences"

    user_id: Mapped[UUID] = f.link(_("User"), "core.user", required=True, unique=True, parent=True)
    formats: Mapped[str | None] = f.by_oneself(f.choice(_("Number and date format"), REGIONS))
    currency: Mapped[str | None] = f.by_oneself(f.currency(_("Currency for new records")))


class Currency(Record):
    """A currency that the company trades in."""

    __tablename__ = "company_currencies"

    code: Mapped[str] = f.currency(_("Code"), required=True, unique=True, match=True, search=True)
    name: Mapped[str] = f.text(_("Name"), length=60, required=True, search=True)
    active: Mapped[bool] = f.boolean(_("Active"), default=True, track=True)
    is_default: Mapped[bool] = f.boolean(_("Default for new records"), track=True)


class Rate(Record):
    """What one unit of a currency was worth in the company’s own from a day on, until the next rate."""

    __tablename__ = "company_rates"
    __table_args__ = (unique_together("company_rates", "currency", "on"),)

    currency: Mapped[str] = f.currency(_("Currency"), foreign=True, required=True, match=True, search=True, track=True)
    on: Mapped[date] = f.on(_("From"), required=True, track=True, index=True)
    rate: Mapped[Decimal] = f.decimal(_("Rate"), required=True, least=LEAST_RATE, places=RATE_PLACES, track=True)
    source: Mapped[str | None] = f.text(_("Source"), length=60)


class Sequence(Record):
    """How documents of a kind are numbered: without gaps, in the order in which they are written."""

    __tablename__ = "company_sequences"

    key: Mapped[str] = f.key(_("Key"), required=True, unique=True)
    name: Mapped[str] = f.text(_("Name"), length=100, required=True, search=True)
    pattern: Mapped[str] = f.text(_("Pattern"), length=60, required=True, track=True, example="DOC-{year}-{number:05}")
    reset: Mapped[str] = f.choice(_("Restarts"), RESETS, default="year", track=True)
    next_number: Mapped[int | None] = f.integer(_("Next number"), least=1, default=1, track=True)
    period: Mapped[str | None] = f.text(_("Period"), length=10, readonly=True)


class Counter(Record):
    """Where a period stands that is not the latest of its sequence: documents may still be dated in it."""

    __tablename__ = "company_counters"
    __table_args__ = (unique_together("company_counters", "sequence_id", "period"),)

    sequence_id: Mapped[UUID] = f.link(_("Number sequence"), Sequence, required=True, parent=True)
    period: Mapped[str] = f.text(_("Period"), length=10, required=True)
    next_number: Mapped[int] = f.integer(_("Next number"), least=1, required=True)


class Industry(Record):
    """A line of business of customers."""

    __tablename__ = "company_industries"

    key: Mapped[str] = f.key(_("Key"), required=True, unique=True)
    name: Mapped[str] = f.text(_("Name"), length=100, required=True, match=True, search=True)
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000)
    active: Mapped[bool] = f.boolean(_("Active"), default=True)


class Source(Record):
    """Where customers come from."""

    __tablename__ = "company_sources"

    key: Mapped[str] = f.key(_("Key"), required=True, unique=True)
    name: Mapped[str] = f.text(_("Name"), length=100, required=True, match=True, search=True)
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000)
    active: Mapped[bool] = f.boolean(_("Active"), default=True)


class Region(Record):
    """A part of the market."""

    __tablename__ = "company_regions"

    key: Mapped[str] = f.key(_("Key"), required=True, unique=True)
    name: Mapped[str] = f.text(_("Name"), length=100, required=True, match=True, search=True)
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000)
    active: Mapped[bool] = f.boolean(_("Active"), default=True)


class Holiday(Record):
    """A day on which the company does not work though it is Monday to Friday, or works though it is a weekend."""

    __tablename__ = "company_holidays"
    __table_args__ = (unique_together("company_holidays", "on"),)

    on: Mapped[date] = f.on(_("Day"), required=True, track=True, index=True)
    name: Mapped[str] = f.text(_("Name"), length=100, required=True, search=True, track=True)
    works: Mapped[bool] = f.boolean(_("Workday on a weekend"), track=True)
