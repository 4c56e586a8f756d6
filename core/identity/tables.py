"""The records of people and their rights, and the installation's sign-ins."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from core.policy.allowed import LONGEST, WORD
from sdk import Mapped, Record, Scope, Text, _
from sdk import fields as f
from sdk.columns import UtcDateTime, key
from sdk.entities import unique_together
from sdk.text import NAME_OF_A_PERSON

READ, WRITE = "read", "write"
"""What a share lets one do."""
SCOPES: dict[str, Text] = {
    Scope.NONE: _("No records"),
    Scope.SHARED: _("Records shared with the person"),
    Scope.OWN: _("Own records"),
    Scope.SUBORDINATES: _("Own records and those of subordinates"),
    Scope.TEAM: _("Records of the team"),
    Scope.TERRITORY: _("Own records and those of the territory"),
    Scope.PARENT: _("As parent"),
    Scope.ALL: _("All records"),
}


class Team(Record):
    """People who share records; teams form a tree. Its roles are those of its people and of the teams below it."""

    __tablename__ = "core_teams"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True)
    parent_id: Mapped[UUID | None] = f.link(_("Parent team"), "self", tree=True, track=True)
    manager_id: Mapped[UUID | None] = f.link(_("Manager"), "core.user", track=True, hands_over=True)
    roles: Mapped[list[str] | None] = f.keys(_("Roles"), "core.role", track=True)


class User(Record):
    """A person of the tenant. Without an e-mail there is no sign-in: the person only owns records."""

    __tablename__ = "core_users"

    name: Mapped[str] = f.synonyms(
        f.text(NAME_OF_A_PERSON, length=100, required=True, match=True, search=True, track=True, personal=True),
        "Full name", "姓名", "名称",
    )  # fmt: skip
    email: Mapped[str | None] = f.email(_("Email"), unique=True, match=True, track=True)
    team_id: Mapped[UUID | None] = f.link(_("Team"), Team, track=True)
    manager_id: Mapped[UUID | None] = f.link(_("Manager"), "self", tree=True, track=True, hands_over=True)
    roles: Mapped[list[str] | None] = f.keys(_("Roles"), "core.role", track=True)
    locale: Mapped[str | None] = f.by_oneself(f.choice(_("Language"), {"zh_CN": _("Chinese"), "en": _("English")}))
    timezone: Mapped[str | None] = f.by_oneself(f.timezone(_("Time zone")))
    active: Mapped[bool] = f.boolean(_("Active"), default=True, track=True)


class Role(Record):
    """A named bundle of grants; those that plugins contribute carry their key."""

    __tablename__ = "core_roles"

    key: Mapped[str] = f.key(_("Key"), required=True, unique=True)
    name: Mapped[str] = f.text(_("Name"), length=100, required=True, search=True)
    everything: Mapped[bool] = f.boolean(_("Every permission"), track=True)


class Grant(Record):
    """One right of one role: a verb on an entity, within a scope, for the named fields (none named: all)."""

    __tablename__ = "core_grants"

    role_id: Mapped[UUID] = f.link(_("Role"), Role, required=True, track=True)
    permission: Mapped[str] = f.with_example(f.key(_("Permission"), length=100, required=True, match=False), "core.plugin.update")
    scope: Mapped[str] = f.choice(_("Scope"), SCOPES, default=Scope.OWN, required=True, track=True)
    only_fields: Mapped[list[str] | None] = f.with_example(f.keys(_("Fields"), track=True), f.NO_EXAMPLE)


class Territory(Record):
    """A part of the market; territories form a tree, and who is in one is in all below it."""

    __tablename__ = "core_territories"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True)
    parent_id: Mapped[UUID | None] = f.link(_("Part of"), "self", tree=True, track=True)


class TerritoryMember(Record):
    """Somebody who works a territory; one may be in several."""

    __tablename__ = "core_territory_members"
    __table_args__ = (unique_together("core_territory_members", "territory_id", "user_id"),)

    territory_id: Mapped[UUID] = f.link(_("Territory"), Territory, required=True, track=True)
    user_id: Mapped[UUID] = f.link(_("User"), User, required=True, track=True, subject=True)
    note: Mapped[str | None] = f.text(_("Note"), personal=True)


class Share(Record):
    """A record that a person may read, or change as well, beyond what his roles reach, until it ends. See `Scope.SHARED`."""

    __tablename__ = "core_shares"

    record: Mapped[f.Reference] = f.any_record(_("Record"), required=True, parent=True, track=True)
    user_id: Mapped[UUID] = f.link(_("User"), User, required=True, track=True)
    access: Mapped[str] = f.choice(_("Access"), {READ: _("Read"), WRITE: _("Read and change")}, default=READ, required=True, track=True)
    expires_at: Mapped[datetime | None] = f.with_example(f.at(_("Expires"), track=True), f.NO_EXAMPLE)


class Identity(Record):
    """Who somebody is at another system that the tenant comes in through: `subject` is the system's own name of the person."""

    __tablename__ = "core_identities"
    __table_args__ = (
        unique_together("core_identities", "issuer", "subject"),
        # A second account of the other system under the same e-mail is somebody else: mailboxes are given anew.
        unique_together("core_identities", "issuer", "user_id"),
    )

    issuer: Mapped[str] = f.text(_("Issuer"), required=True)
    subject: Mapped[str] = f.text(_("Name there"), required=True, personal=True)
    user_id: Mapped[UUID] = f.link(_("User"), User, required=True, track=True, subject=True)


class Token(Record):
    """A key for programs; only its hash is kept. It can do what its user can, and no more than it allows."""

    __tablename__ = "core_tokens"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True)
    user_id: Mapped[UUID] = f.link(_("User"), User, required=True)
    allows: Mapped[list[str] | None] = f.keys(_("Allowed permissions"), pattern=WORD, longest=LONGEST)
    expires_at: Mapped[datetime | None] = f.at(_("Expires"))
    last_used_at: Mapped[datetime | None] = f.at(_("Last used"), readonly=True)


token_secrets = sa.Table(
    "core_token_secrets",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("hash", sa.String(64), primary_key=True, info={"secret": True}),
    sa.Column("token_id", key(), nullable=False),
    # The token by which it was made, if one was: it ends with that one.
    sa.Column("made_with", key(), nullable=True),
    sa.Column("first", sa.String(64), nullable=True),  # the digest of the one at the beginning: they share their requests a minute
)

sign_ins = sa.Table(
    "core_sign_ins",
    Record.metadata,
    sa.Column("id", key(), primary_key=True),
    sa.Column("email", sa.String(255), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(255), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    # The seed of the second factor, sealed: in force, and offered but not confirmed yet.
    sa.Column("totp", sa.String(300), nullable=True),
    sa.Column("totp_offered", sa.String(300), nullable=True),
    sa.Column("totp_step", sa.BigInteger(), nullable=False, server_default="0"),
)

recovery_codes = sa.Table(
    "core_recovery_codes",
    Record.metadata,
    sa.Column("sign_in_id", key(), primary_key=True),
    sa.Column("hash", sa.String(64), primary_key=True),
)

memberships = sa.Table(
    "core_memberships",
    Record.metadata,
    sa.Column("sign_in_id", key(), primary_key=True),
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("user_id", key(), nullable=False),
    info={"global": True},  # read before a tenant is chosen
)

entry_links = sa.Table(
    "core_entry_links",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("hash", sa.String(64), primary_key=True, info={"secret": True}),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("user_id", key(), nullable=False),
    sa.Column("email", sa.String(255), nullable=False),
    sa.Column("expires_at", UtcDateTime(), nullable=False),
)

attempts = sa.Table(
    "core_sign_in_attempts",
    Record.metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("failures", sa.Integer(), nullable=False),
    sa.Column("counted_at", UtcDateTime(), nullable=False),
)

# Of a person with a password, or, without one (somebody else has said who it is), of a user of one tenant.
sessions = sa.Table(
    "core_sessions",
    Record.metadata,
    sa.Column("hash", sa.String(64), primary_key=True, info={"secret": True}),
    sa.Column("id", key(), nullable=False, unique=True),
    sa.Column("sign_in_id", key(), nullable=True),
    sa.Column("tenant_id", key(), nullable=True),
    sa.Column("user_id", key(), nullable=True),
    sa.Column("csrf", sa.String(64), nullable=False, info={"secret": True}),
    sa.Column("address", sa.String(45), nullable=False),
    sa.Column("agent", sa.String(200), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("expires_at", UtcDateTime(), nullable=False),
    # As whom the person acts in one tenant, and until when.
    sa.Column("acts_in", key(), nullable=True),
    sa.Column("acts_as", key(), nullable=True),
    sa.Column("acts_until", UtcDateTime(), nullable=True),
)

sign_in_events = sa.Table(
    "core_sign_in_events",
    Record.metadata,
    sa.Column("id", key(), primary_key=True),
    sa.Column("sign_in_id", key(), nullable=True),
    sa.Column("tenant_id", key(), nullable=True),
    sa.Column("user_id", key(), nullable=True),
    sa.Column("outcome", sa.String(40), nullable=False),
    sa.Column("address", sa.String(45), nullable=False),
    sa.Column("agent", sa.String(200), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
)

ENTERED, WRONG, LOCKED = "entered", "wrong", "locked"
LEFT, REVOKED, PASSWORD_CHANGED = "left", "revoked", "password_changed"
WRONG_CODE, FACTOR_ADDED, FACTOR_REMOVED = "wrong_code", "factor_added", "factor_removed"
ACTED, ACTED_AS, ACTED_NO_MORE = "acted_as_other", "impersonated", "impersonation_ended"
NOT_ACTIVE, ELSEWHERE = "not_active", "elsewhere"
UNANSWERED, NOT_VOUCHED, NOT_ADMITTED = "unanswered", "not_vouched", "not_admitted"
OUTCOMES: dict[str, Text] = {
    ENTERED: _("Signed in"), WRONG: _("Refused: wrong password"), LOCKED: _("Refused: locked"), LEFT: _("Signed out"),
    REVOKED: _("Session ended remotely"), PASSWORD_CHANGED: _("Password changed"),
    WRONG_CODE: _("Refused: wrong code"), FACTOR_ADDED: _(
        "Two-step verification turned on"
    ), FACTOR_REMOVED: _("Two-step verification turned off"),
    ACTED: _("Started impersonating someone"), ACTED_AS: _("Someone started impersonating this person"),
    ACTED_NO_MORE: _("Impersonation of this person ended"),
    NOT_ACTIVE: _("Refused: not active"), ELSEWHERE: _("Refused: network address"),
    UNANSWERED: _("Refused: other system unavailable"), NOT_VOUCHED: _("Refused: not confirmed by the other system"),
    NOT_ADMITTED: _("Refused: no account here"),
}  # fmt: skip


class SignIn(Record):
    """What became of somebody's coming and going. Made by a view, of the events of all who may enter the tenant, and of those whom nobody knows:
    who came through another system in vain names nobody."""

    __tablename__ = "core_sign_in_log"

    user_id: Mapped[UUID | None] = f.link(_("User"), User, readonly=True)
    outcome: Mapped[str] = f.choice(_("Outcome"), OUTCOMES, readonly=True)
    address: Mapped[str] = f.text(_("Network address"), length=45, readonly=True)
    agent: Mapped[str] = f.text(_("Browser"), length=200, readonly=True)


SignIn.table().info["view"] = True  # no migration makes a table of it
