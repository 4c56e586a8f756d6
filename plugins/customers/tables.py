"""Accounts and contacts."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql import FromClause

from sdk import Mapped, Record, _, likeness
from sdk import fields as f
from sdk.entities import unique_together
from sdk.text import NAME_OF_A_PERSON

TIERS = {"key": _("Key account"), "normal": _("Normal"), "potential": _("Potential")}
SURVEYS = {"nps": _("Recommendation (0 to 10)"), "csat": _("Satisfaction (1 to 5)")}
INVITATIONS = {"open": _("Open"), "answered": _("Answered")}
ROLES = {
    "decides": _("Decision maker"), "buys": _("Buyer"), "uses": _("User"), "advises": _("Influencer"), "pays": _("Payer"), "other": _("Other"),
}  # fmt: skip
ADDRESSES = {"office": _("Office"), "billing": _("Billing"), "delivery": _("Shipping"), "other": _("Other")}
LIFECYCLE = {"prospect": _("Prospect"), "customer": _("Customer"), "former": _("Former customer")}


class Account(Record):
    """A company we sell to."""

    __tablename__ = "customers_accounts"

    name: Mapped[str] = f.synonyms(
        f.text(_("Name"), required=True, search=True, match=True, track=True, alike=likeness.company),
        "Company", "Company name", "Account", "Account name", "Customer", "Customer name", "Organization", "Organization name", "公司", "公司名称",
        "客户", "客户名称", "企业名称", "单位名称",
        "Firma", "Firmenname", "Name 1", "Unternehmen", "Unternehmensname", "Kunde", "Kundenname", "Société", "Entreprise", "Nom de l’entreprise",
        "Raison sociale", "Empresa", "会社名",
    )  # fmt: skip
    tier: Mapped[str] = f.synonyms(
        f.choice(_("Class"), TIERS, default="normal", track=True),
        "等级", "客户等级", "客户级别", "客户分级", "Customer class", "Customer tier", "Account tier", "Classification",
        "Kundenklasse", "Kundenkategorie", "Klasse", "Klassifizierung", "Classe", "Catégorie",
    )  # fmt: skip
    lifecycle: Mapped[str] = f.choice(_("Lifecycle stage"), LIFECYCLE, default="prospect", track=True)
    industry: Mapped[str | None] = f.text(_("Industry"), length=100, index=True, of="company.industry")
    region_id: Mapped[UUID | None] = f.link(_("Region"), "company.region", track=True)
    phone: Mapped[str | None] = f.phone(_("Phone"), sensitive=True, alike=likeness.telephone, personal=False)
    website: Mapped[str | None] = f.url(_("Website"), alike=likeness.host)
    tax_number: Mapped[str | None] = f.text(_("Tax number"), length=60, alike=likeness.code)
    country: Mapped[str | None] = f.text(_("Country"), length=100)
    city: Mapped[str | None] = f.text(_("City"), length=100)
    address: Mapped[str | None] = f.text(_("Address"))
    employees: Mapped[int | None] = f.integer(_("Employees"), least=0)
    founded: Mapped[int | None] = f.integer(_("Founded in"), least=1000, most=9999)
    revenue: Mapped[f.Money | None] = f.money(_("Annual revenue"))
    tags: Mapped[list[str] | None] = f.keys(_("Tags"), "customers.tag", track=True)
    parent_id: Mapped[UUID | None] = f.link(_("Parent company"), "self", tree=True, track=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"))
    territory_id: Mapped[UUID | None] = f.link(_("Territory"), "core.territory", track=True)


class Contact(Record):
    """A person at an account, or one we know without a company."""

    __tablename__ = "customers_contacts"

    name: Mapped[str] = f.synonyms(
        f.text(NAME_OF_A_PERSON, required=True, search=True, match=True, track=True, personal=True),
        "Full name", "Contact", "Contact name", "Contact person", "Person", "联系人", "姓名", "名称", "客户联系人",
        "Person name", "氏名", "收货人", "收货人姓名", "收件人", "Ansprechpartner", "Nom complet",
    )  # fmt: skip
    account_id: Mapped[UUID | None] = f.link(_("Account"), Account, track=True, timeline=True)
    title: Mapped[str | None] = f.text(_("Job title"), length=100, personal=True)
    email: Mapped[str | None] = f.email(_("Email"), sensitive=True)
    phone: Mapped[str | None] = f.phone(_("Phone"), sensitive=True, alike=likeness.telephone)
    wechat: Mapped[str | None] = f.text(_("WeChat"), length=60, sensitive=True, personal=True)
    tags: Mapped[list[str] | None] = f.keys(_("Tags"), "customers.tag", track=True)
    birthday: Mapped[date | None] = f.on(_("Birthday"), personal=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"), personal=True)


class Tag(Record):
    """A word by which records are found again, whatever their class."""

    __tablename__ = "customers_tags"

    key: Mapped[str] = f.key(_("Key"), required=True, unique=True)
    name: Mapped[str] = f.text(_("Name"), length=100, required=True, search=True, track=True)
    colour: Mapped[str | None] = f.text(_("Color"), length=20)
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000)
    active: Mapped[bool] = f.boolean(_("Active"), default=True)


class Affiliation(Record):
    """A person's part at an account: one may have several, at one account or at many."""

    __tablename__ = "customers_affiliations"
    __table_args__ = (unique_together("customers_affiliations", "account_id", "contact_id", "role"),)

    account_id: Mapped[UUID] = f.link(_("Account"), Account, required=True, parent=True, track=True)
    contact_id: Mapped[UUID] = f.link(_("Contact"), Contact, required=True, track=True, subject=True)
    role: Mapped[str] = f.choice(_("Role"), ROLES, default="other", track=True, index=True)
    title: Mapped[str | None] = f.text(_("Job title"), length=100, personal=True)
    since: Mapped[date | None] = f.on(_("Since"), track=True)
    until: Mapped[date | None] = f.on(_("Until"), track=True)


class Address(Record):
    """A place of an account: where bills go, where goods go."""

    __tablename__ = "customers_addresses"

    account_id: Mapped[UUID] = f.link(_("Account"), Account, required=True, parent=True, track=True)
    kind: Mapped[str] = f.choice(_("Type"), ADDRESSES, default="office", track=True, index=True)
    address: Mapped[str] = f.text(_("Address"), required=True, search=True, track=True)
    postal_code: Mapped[str | None] = f.text(_("Postal code"), length=20)
    city: Mapped[str | None] = f.text(_("City"), length=100)
    country: Mapped[str | None] = f.text(_("Country"), length=100)
    phone: Mapped[str | None] = f.phone(_("Phone"))
    email: Mapped[str | None] = f.email(_("Email"), match=False)


class Survey(Record):
    """A question to customers: would they recommend us (0 to 10), or how content are they (1 to 5)."""

    __tablename__ = "customers_surveys"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True, track=True)
    kind: Mapped[str] = f.choice(_("Type"), SURVEYS, default="nps", track=True)
    question: Mapped[str] = f.text(_("Question"), length=500, required=True, track=True)
    question_zh: Mapped[str | None] = f.text(_("Question (Chinese)"), length=500, track=True)
    after_won: Mapped[bool] = f.boolean(_("Survey customers after a won deal"), track=True)
    by_mail: Mapped[bool] = f.boolean(_("Send by email"), default=True, track=True)
    valid_days: Mapped[int | None] = f.integer(_("Days to respond"), least=1, most=365, default=30, track=True)


class Invitation(Record):
    """One customer's link to a survey, and the answer that it brought."""

    __tablename__ = "customers_invitations"

    survey_id: Mapped[UUID] = f.link(_("Survey"), Survey, required=True)
    account_id: Mapped[UUID | None] = f.link(_("Account"), Account, track=True, timeline=True)
    contact_id: Mapped[UUID | None] = f.link(_("Contact"), Contact, timeline=True, subject=True)
    about: Mapped[f.Reference | None] = f.any_record(_("About"))
    state: Mapped[str] = f.choice(_("Status"), INVITATIONS, default="open", readonly=True, track=True, index=True)
    sent_to: Mapped[str | None] = f.email(_("Sent to"), match=False, search=False, sensitive=True)
    expires_at: Mapped[datetime | None] = f.at(_("Open until"), readonly=True)
    digest: Mapped[str | None] = f.secret(f.text(_("Link digest"), length=64, unique=True, readonly=True, sensitive=True))
    score: Mapped[int | None] = f.integer(_("Score"), least=0, most=10, readonly=True, track=True)
    points: Mapped[int | None] = f.integer(_("Net promoter points"), least=-100, most=100, readonly=True)
    comment: Mapped[str | None] = f.long_text(_("Comment"), length=4_000, readonly=True, personal=True)
    answered_at: Mapped[datetime | None] = f.at(_("Answered at"), readonly=True, index=True)


ANSWERS = f.over(Invitation.account_id, sa.func.count(Invitation.score))
"""How many answers an account gave."""
PROMOTERS = f.over(
    Invitation.account_id, sa.func.avg(Invitation.points, type_=sa.Float(asdecimal=True))
)  # with a type, it is compared with
"""Its net promoter score: the mean of 100 for a promoter, 0 for a passive and -100 for a detractor (F. Reichheld, HBR 12/2003)."""


def last_score(account: FromClause, reach: f.Reach) -> sa.ColumnElement[object]:
    """What it said last."""
    table = Invitation.table()
    seen = reach(Invitation, ("account_id", "score", "answered_at"))
    mine = (table.c.account_id == account.c.id, *seen, f.sifted(table.c.score.is_not(None)))
    # Not the bare moment: its index has the order, and all answers of all accounts would be gone through for one that gave none.
    latest = sa.func.coalesce(table.c.answered_at, table.c.created_at).desc(), table.c.id.desc()
    return sa.select(table.c.score).where(*mine).order_by(*latest).limit(1).correlate(account).scalar_subquery()
