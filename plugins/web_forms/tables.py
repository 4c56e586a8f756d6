"""Forms, their fields, what came in by them, and what a lead has agreed to."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from plugins.leads.api import Lead
from sdk import Mapped, Record, _
from sdk import fields as f
from sdk.entities import unique_together

TAKEN, FAILED, SPAM = "taken", "failed", "spam"
STATES = {TAKEN: _("Accepted"), FAILED: _("Failed"), SPAM: _("Spam")}
BOTH = "any"
LANGUAGES = {BOTH: _("Visitor’s language"), "en": _("English"), "zh_CN": _("Chinese")}
ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?\Z")
LONGEST_WORDS, LONGEST_SAID = 2_000, 100_000
MOST_A_MINUTE = 6


class Form(Record):
    """What visitors of a website fill in, and what becomes of it."""

    __tablename__ = "web_forms_forms"

    key: Mapped[str] = f.key(_("Key"), required=True, unique=True)
    name: Mapped[str] = f.text(_("Name"), length=100, required=True, match=True, search=True, track=True)
    active: Mapped[bool] = f.boolean(_("Active"), default=True, track=True)
    language: Mapped[str] = f.choice(_("Language"), LANGUAGES, default=BOTH)
    heading: Mapped[str | None] = f.text(_("Heading"), length=200)
    heading_zh: Mapped[str | None] = f.text(_("Heading (Chinese)"), length=200)
    intro: Mapped[str | None] = f.long_text(_("Text above the fields"), length=LONGEST_WORDS)
    intro_zh: Mapped[str | None] = f.long_text(_("Text above the fields (Chinese)"), length=LONGEST_WORDS)
    consent: Mapped[str | None] = f.long_text(_("Consent text"), length=LONGEST_WORDS, track=True)
    consent_zh: Mapped[str | None] = f.long_text(_("Consent text (Chinese)"), length=LONGEST_WORDS, track=True)
    consent_required: Mapped[bool] = f.boolean(_("Consent required"), default=True, track=True)
    consent_version: Mapped[int] = f.integer(_("Consent version"), default=1, readonly=True, track=True)
    thanks: Mapped[str | None] = f.long_text(_("Thank-you message"), length=LONGEST_WORDS)
    thanks_zh: Mapped[str | None] = f.long_text(_("Thank-you message (Chinese)"), length=LONGEST_WORDS)
    redirect: Mapped[str | None] = f.url(_("Redirect to"))
    assignee_id: Mapped[UUID | None] = f.link(_("Lead owner"), "core.user", track=True, hands_over=True)
    told_id: Mapped[UUID | None] = f.link(_("Notify"), "core.user", track=True, hands_over=True)
    origins: Mapped[list[str] | None] = f.keys(_("Allowed websites"), pattern=ORIGIN, longest=200, track=True)
    captcha: Mapped[bool] = f.boolean(_("Ask a simple question"), default=True, track=True)
    most: Mapped[int] = f.integer(_("Maximum per minute from one address"), default=MOST_A_MINUTE, least=1, most=1_000)
    digest: Mapped[str | None] = f.secret(f.text(_("Link digest"), length=64, readonly=True, sensitive=True, index=True))


class FormField(Record):
    """A field of the lead as a form asks for it, or what the form says of each lead by itself."""

    __tablename__ = "web_forms_form_fields"
    __table_args__ = (unique_together("web_forms_form_fields", "form_id", "field"),)

    form_id: Mapped[UUID] = f.link(_("Form"), Form, required=True, parent=True)
    field: Mapped[str] = f.text(_("Lead field"), length=100, required=True, example="name")
    position: Mapped[int] = f.integer(_("Position"), default=100)
    label: Mapped[str | None] = f.text(_("Label"), length=200)
    label_zh: Mapped[str | None] = f.text(_("Label (Chinese)"), length=200)
    help: Mapped[str | None] = f.text(_("Help"), length=500)
    help_zh: Mapped[str | None] = f.text(_("Help (Chinese)"), length=500)
    required: Mapped[bool] = f.boolean(_("Required"), default=False)
    hidden: Mapped[bool] = f.boolean(_("Hidden fixed value"), default=False)
    value: Mapped[str | None] = f.text(_("Default or fixed value"), length=500)


class Submission(Record):
    """What somebody has sent, and what became of it."""

    __tablename__ = "web_forms_submissions"

    form_id: Mapped[UUID] = f.link(_("Form"), Form, required=True, readonly=True)
    state: Mapped[str] = f.choice(_("Status"), STATES, default=FAILED, readonly=True, index=True)
    lead_id: Mapped[UUID | None] = f.link(_("Lead"), Lead, readonly=True, timeline=True, subject=True)
    said: Mapped[str | None] = f.long_text(_("Submitted data"), length=LONGEST_SAID, readonly=True, personal=True)
    reason: Mapped[str | None] = f.long_text(_("Reason"), length=LONGEST_WORDS, readonly=True, personal=True)
    code: Mapped[str | None] = f.text(_("Reason code"), length=60, readonly=True)
    attempts: Mapped[int] = f.integer(_("Attempts"), default=1, readonly=True)
    tried_at: Mapped[datetime | None] = f.at(_("Last tried"), readonly=True)
    stamp: Mapped[str | None] = f.secret(f.text(_("Stamp"), length=64, unique=True, readonly=True, sensitive=True))


class Capture(Record):
    """By which form a lead came, and what it agreed to then: the very words, as they may change later."""

    __tablename__ = "web_forms_captures"

    lead_id: Mapped[UUID] = f.link(_("Lead"), Lead, required=True, unique=True, parent=True)
    form_id: Mapped[UUID | None] = f.link(_("Form"), Form, readonly=True)
    consent: Mapped[str | None] = f.long_text(_("Consent"), length=LONGEST_WORDS, readonly=True)
    consent_version: Mapped[int | None] = f.integer(_("Consent version"), readonly=True)
    consented_at: Mapped[datetime | None] = f.at(_("Consented at"), readonly=True)
