"""The records of people and their rights, and the installation's sign-ins."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from sdk import Record, Scope, Text, _
from sdk import fields as f
from sdk.columns import UtcDateTime, key

SCOPES: dict[str, Text] = {
    Scope.OWN: _("Own records"),
    Scope.TEAM: _("Records of the team"),
    Scope.PARENT: _("As the parent record"),
    Scope.ALL: _("All records"),
}


class Team(Record):
    """People who share records; teams form a tree."""

    __tablename__ = "core_teams"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True)
    parent_id: Mapped[UUID | None] = f.link(_("Parent team"), "self", tree=True, track=True)
    manager_id: Mapped[UUID | None] = f.link(_("Manager"), "core.user", track=True, hands_over=True)


class User(Record):
    """A person of the tenant. Without an e-mail there is no sign-in: the person only owns records."""

    __tablename__ = "core_users"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, match=True, search=True, track=True)
    email: Mapped[str | None] = f.email(_("E-mail"), unique=True, match=True, track=True)
    team_id: Mapped[UUID | None] = f.link(_("Team"), Team, track=True)
    manager_id: Mapped[UUID | None] = f.link(_("Manager"), "self", tree=True, track=True, hands_over=True)
    roles: Mapped[list[str] | None] = f.keys(_("Roles"), "core.role", track=True)
    locale: Mapped[str | None] = f.choice(_("Language"), {"zh_CN": _("Chinese"), "en": _("English")})
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


class Token(Record):
    """A key for programs; only its hash is kept. It can do what its user can, and no more than it allows."""

    __tablename__ = "core_tokens"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True)
    user_id: Mapped[UUID] = f.link(_("User"), User, required=True)
    allows: Mapped[list[str] | None] = f.keys(_("Permissions allowed"))
    expires_at: Mapped[datetime | None] = f.at(_("Expires"))


token_secrets = sa.Table(
    "core_token_secrets",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("hash", sa.String(64), primary_key=True, info={"secret": True}),
    sa.Column("token_id", key(), nullable=False),
)

sign_ins = sa.Table(
    "core_sign_ins",
    Record.metadata,
    sa.Column("id", key(), primary_key=True),
    sa.Column("email", sa.String(255), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(255), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
)

memberships = sa.Table(
    "core_memberships",
    Record.metadata,
    sa.Column("sign_in_id", key(), primary_key=True),
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("user_id", key(), nullable=False),
)

sessions = sa.Table(
    "core_sessions",
    Record.metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("sign_in_id", key(), nullable=False),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("expires_at", UtcDateTime(), nullable=False),
)
