"""Rules and what became of them; webhooks and what was sent by them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from plugins.automation.chains import StepField
from plugins.automation.json_field import document
from sdk import Mapped, Record, _
from sdk import fields as f
from sdk.entities import unique_together

WAITING, DONE, FAILED, STOPPED, UNDONE = "waiting", "done", "failed", "stopped", "undone"
EXAMPLE = '[{"action": "automation.notify", "parameters": {"to": "owner", "title": "{{ name }}"}}]'
"""The action of the example rule in import templates."""
STATES = {WAITING: _("Waiting"), DONE: _("Done"), FAILED: _("Failed"), STOPPED: _("Stopped"), UNDONE: _("Rolled back")}
SENT = {WAITING: _("Waiting"), DONE: _("Delivered"), FAILED: _("Failed")}


class Rule(Record):
    """When this happens to a record, and this holds, do that."""

    __tablename__ = "automation_rules"

    key: Mapped[str | None] = f.key(_("Key"), unique=True)
    name: Mapped[str] = f.text(_("Name"), required=True, search=True, match=True, track=True)
    entity: Mapped[str] = f.text(
        _("Entity"), length=100, required=True, track=True, index=True, example="customers.account", names="entity"
    )
    trigger: Mapped[str] = f.text(_("Trigger"), length=100, required=True, track=True, example="automation.created")
    parameters: Mapped[dict[str, Any] | None] = document(_("Trigger parameters"), dict, hands_over=True)
    conditions: Mapped[list[Any] | None] = document(_("Conditions"), hands_over=True)
    actions: Mapped[list[Any] | None] = f.with_example(document(_("Actions"), hands_over=True), EXAMPLE)
    active: Mapped[bool] = f.boolean(_("Active"), default=True)
    position: Mapped[int] = f.integer(_("Position"), default=100)
    runs_as_id: Mapped[UUID | None] = f.link(_("Runs as"), "core.user", track=True, hands_over=True)
    revision: Mapped[int] = f.integer(_("Rule version"), default=1, readonly=True)
    stopped_because: Mapped[str | None] = f.text(_("Stopped because"), readonly=True)
    draft_of_id: Mapped[UUID | None] = f.with_example(f.link(_("Draft of"), "automation.rule", unique=True), f.NO_EXAMPLE)


class Revision(Record):
    """What a rule was made of from one change to the next."""

    __tablename__ = "automation_revisions"
    __table_args__ = (unique_together("automation_revisions", "rule_id", "number"),)

    rule_id: Mapped[UUID] = f.link(_("Rule"), Rule, required=True, parent=True)
    number: Mapped[int] = f.integer(_("Rule version"), required=True)
    by_id: Mapped[UUID | None] = f.link(_("By"), "core.user")
    entity: Mapped[str] = f.text(_("Entity"), length=100, required=True)
    trigger: Mapped[str] = f.text(_("Trigger"), length=100, required=True)
    parameters: Mapped[dict[str, Any] | None] = document(_("Trigger parameters"), dict)
    conditions: Mapped[list[Any] | None] = document(_("Conditions"))
    actions: Mapped[list[Any] | None] = document(_("Actions"))


class Timer(Record):
    """How far a rule that goes by the clock has come, and when it looks again."""

    __tablename__ = "automation_timers"

    rule_id: Mapped[UUID] = f.link(_("Rule"), Rule, required=True, parent=True, unique=True)
    reached_on: Mapped[date | None] = f.on(_("Matched"))
    next_at: Mapped[datetime | None] = f.at(_("Next at"), index=True)


class Run(Record):
    """A rule that began, for one record, and what became of it."""

    __tablename__ = "automation_runs"
    __table_args__ = (
        unique_together("automation_runs", "rule_id", "occurrence"),
        sa.Index("ix_automation_runs_lately", "tenant_id", "rule_id", "created_at"),
        sa.Index("ix_automation_runs_started", "tenant_id", "rule_id", "started_at"),
        sa.Index("ix_automation_runs_chain", "tenant_id", "rule_id", "chain", "step"),
    )

    rule_id: Mapped[UUID] = f.link(_("Rule"), Rule, required=True, parent=True)
    occurrence: Mapped[str] = f.text(_("Occurrence"), length=200, required=True, readonly=True)
    about: Mapped[f.Reference | None] = f.any_record(_("About"), readonly=True)
    subject: Mapped[str] = f.text(_("Record ID"), length=36, required=True, readonly=True)
    event: Mapped[str | None] = f.text(_("Event"), length=100, readonly=True)
    moment: Mapped[dict[str, Any] | None] = document(_("What had changed"), dict, readonly=True, sensitive=True, personal=True)
    causes: Mapped[list[Any] | None] = document(_("Rules that led here"), readonly=True)
    chain: Mapped[str | None] = f.text(_("Chain"), length=12, readonly=True)
    step: Mapped[int] = Mapped(StepField(label=_("Times its own rule led here"), default=0, readonly=True))
    revision: Mapped[int] = f.integer(_("Rule version"), default=1, readonly=True)
    state: Mapped[str] = f.choice(_("Status"), STATES, default=WAITING, readonly=True, index=True)
    attempts: Mapped[int] = f.integer(_("Attempts"), default=0, readonly=True)
    error: Mapped[str | None] = f.long_text(_("Error"), readonly=True, personal=True)
    started_at: Mapped[datetime | None] = f.at(_("Started at"), readonly=True)
    finished_at: Mapped[datetime | None] = f.at(_("Finished at"), readonly=True)


class Performed(Record):
    """One step of a run: what went in and what came out, sensitive values left out."""

    __tablename__ = "automation_steps"

    run_id: Mapped[UUID] = f.link(_("Run"), Run, required=True, parent=True)
    number: Mapped[int] = f.integer(_("Number"), required=True, readonly=True)
    action: Mapped[str] = f.text(_("Action"), length=100, required=True, readonly=True)
    state: Mapped[str] = f.choice(_("Status"), STATES, default=DONE, readonly=True)
    went_in: Mapped[dict[str, Any] | None] = document(_("Input"), dict, readonly=True, sensitive=True, personal=True)
    came_out: Mapped[dict[str, Any] | None] = document(_("Output"), dict, readonly=True, sensitive=True, personal=True)
    error: Mapped[str | None] = f.long_text(_("Error"), readonly=True, personal=True)
    at: Mapped[datetime | None] = f.at(_("At"), readonly=True)


class Webhook(Record):
    """An address outside that is told what happens, as its owner may see it."""

    __tablename__ = "automation_webhooks"

    name: Mapped[str] = f.text(_("Name"), required=True, search=True, match=True, track=True)
    url: Mapped[str] = f.url(_("URL"), required=True)
    entity: Mapped[str] = f.text(
        _("Entity"), length=100, required=True, track=True, index=True, example="customers.account", names="entity"
    )
    events: Mapped[list[str] | None] = f.keys(_("Events"), track=True)
    where: Mapped[list[Any] | None] = document(_("Only where"))
    active: Mapped[bool] = f.boolean(_("Active"), default=True)
    generation: Mapped[int] = f.integer(_("Secret generation"), default=1, readonly=True)
    stopped_because: Mapped[str | None] = f.text(_("Stopped because"), readonly=True)


class Delivery(Record):
    """One message to a webhook, with every attempt counted."""

    __tablename__ = "automation_deliveries"
    __table_args__ = (sa.Index("ix_automation_deliveries_order", "tenant_id", "webhook_id", "subject", "state"),)

    webhook_id: Mapped[UUID] = f.link(_("Webhook"), Webhook, required=True, parent=True)
    event: Mapped[str] = f.text(_("Event"), length=100, required=True, readonly=True)
    about: Mapped[f.Reference | None] = f.any_record(_("About"), readonly=True)
    subject: Mapped[str] = f.text(_("Record ID"), length=36, required=True, readonly=True)
    payload: Mapped[dict[str, Any] | None] = document(_("Payload"), dict, readonly=True, sensitive=True, personal=True)
    runs_before: Mapped[int] = f.integer(_("Rule runs that led here"), default=0, readonly=True)
    state: Mapped[str] = f.choice(_("Status"), SENT, default=WAITING, readonly=True, index=True)
    attempts: Mapped[int] = f.integer(_("Attempts"), default=0, readonly=True)
    status: Mapped[int | None] = f.integer(_("HTTP status"), readonly=True)
    response: Mapped[str | None] = f.long_text(_("Response"), readonly=True, personal=True)
    next_at: Mapped[datetime | None] = f.at(_("Next at"), readonly=True)
    delivered_at: Mapped[datetime | None] = f.at(_("Delivered at"), readonly=True)


class Inlet(Record):
    """A secret address by which a system outside makes a record or starts a rule."""

    __tablename__ = "automation_inlets"

    name: Mapped[str] = f.text(_("Name"), required=True, search=True, match=True, track=True)
    entity: Mapped[str | None] = f.text(_("Entity"), length=100, track=True, example="customers.account", names="entity")
    rule_id: Mapped[UUID | None] = f.link(_("Rule"), Rule, track=True)
    mapping: Mapped[dict[str, Any] | None] = document(_("Fields from the body"), dict)
    active: Mapped[bool] = f.boolean(_("Active"), default=True)
    secret_hash: Mapped[str | None] = f.secret(f.text(_("Secret hash"), length=64, readonly=True, sensitive=True, index=True))
