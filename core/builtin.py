"""What core itself contributes, through the same hooks as everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from core.audit import entries
from core.audit import routes as audit_routes
from core.audit.tables import Entry
from core.custom import forgetting, purge, trial
from core.custom.checks import check_definitions
from core.custom.entity_checks import check_entities, fill_entities
from core.custom.entity_tables import CustomEntity
from core.custom.tables import CustomField
from core.events import upkeep
from core.extension import arrival
from core.extension import routes as plugin_routes
from core.identity import departures, impersonation, own, routes, session_routes, tokens
from core.identity.tables import Grant, Identity, Role, Share, SignIn, Team, Territory, TerritoryMember, Token, User
from core.jobs import routes as job_routes
from core.jobs import sight as job_sight
from core.jobs.tables import BackgroundJob
from core.mail import letters
from core.policy import routes as rights_routes
from core.policy.acting import keep_in_person
from core.policy.allowed import ACT_LATER
from core.policy.places import check_people, check_teams, check_territories, check_territory_members
from core.policy.sharing import check_shares
from core.policy.stored import check_grants, check_roles
from core.privacy import erase
from core.privacy import routes as privacy_routes
from core.search import anew, index
from core.search import routes as search_routes
from core.tenancy import routes as tenant_routes
from sdk import (
    EVERYBODY,
    Batch,
    Context,
    Entity,
    EventType,
    Installation,
    Job,
    Permission,
    Route,
    Schedule,
    Scope,
    Unavailable,
    Verb,
    _,
    hookimpl,
)
from sdk import Role as RoleSpec
from sdk.events import PLUGIN_CHANGED
from sdk.mail import MAIL_WRITTEN

if TYPE_CHECKING:
    from core.context import Work

_CHECKED = {
    "core.grant": check_grants, "core.role": check_roles, "core.user": check_people, "core.team": check_teams, "core.share": check_shares,
    "core.custom_field": check_definitions, "core.custom_entity": check_entities,
    "core.territory": check_territories, "core.territory_member": check_territory_members,
}  # fmt: skip
_READ = {Verb.READ: Scope.ALL}
OLDEST_SQLITE = (3, 35)
"""The first that takes a column out of a table, as migrations do."""


@hookimpl
def register_entities() -> Sequence[Entity]:
    """People, teams, territories, roles, grants, shares, tokens and identities; who signed in; the audit; background jobs."""
    readers = {EVERYBODY: _READ}
    revocable = frozenset({Verb.READ, Verb.DELETE})
    owners = {EVERYBODY: dict.fromkeys(revocable, Scope.OWN)}
    return (
        Entity(Team, "team", "teams", _("Team"), _("Teams"), owned=False, guards_access=True, access=readers),
        Entity(User, "user", "users", _("User"), _("Users"), owned=False, guards_access=True, access=readers, person=True),
        Entity(Role, "role", "roles", _("Role"), _("Roles"), owned=False, guards_access=True, access=readers),
        Entity(Grant, "grant", "grants", _("Grant"), _("Grants"), title="permission", owned=False, guards_access=True),
        Entity(Territory, "territory", "territories", _("Territory"), _("Territories"), owned=False, guards_access=True, access=readers),
        Entity(TerritoryMember, "territory_member", "territory_members", _("Person in a territory"), _("People in territories"), title="note",
               owned=False, guards_access=True, access=readers),
        Entity(Share, "share", "shares", _("Share"), _("Shares"), title="access", acts_later=True),
        Entity(Token, "token", "tokens", _("Token"), _("Tokens"), verbs=revocable, guards_access=True, hands_over=False, access=owners),
        Entity(Identity, "identity", "identities", _("Identity"), _("Identities"), title="subject", owned=False, verbs=revocable),
        Entity(SignIn, "sign_in", "sign_ins", _("Sign-in"), _("Sign-ins"), title="outcome", owned=False, verbs=frozenset({Verb.READ})),
        Entity(CustomField, "custom_field", "custom_fields", _("Custom field"), _("Custom fields"), title="label", owned=False,
               guards_access=True),
        Entity(CustomEntity, "custom_entity", "custom_entities", _("Custom entity"), _("Custom entities"), title="label", owned=False,
               guards_access=True),
        Entity(Entry, "audit", "audit", _("Audit log entry"), _("Audit log"), title="action", owned=False, verbs=frozenset({Verb.READ}),
               veil=entries.veil, veiled=("changes",), narrows=entries.narrows),
        Entity(BackgroundJob, "job", "jobs", _("Background job"), _("Background jobs"), owned=False, verbs=frozenset({Verb.READ}),
               veil=job_sight.veil, veiled=job_sight.OF_JOBS, tells=job_sight.tell),
    )  # fmt: skip


@hookimpl
def register_roles() -> Sequence[RoleSpec]:
    """The one role without which nobody could set anything up, and the one that all have."""
    return (RoleSpec("admin", _("Administrator"), everything=True), RoleSpec(EVERYBODY, _("Everyone")))


@hookimpl
def register_permissions() -> Sequence[Permission]:
    """Rights over the platform itself."""
    return (
        Permission("core.plugin.update", _("Turn plugins on and off")),
        Permission(ACT_LATER, _("Create things that act later on the owner’s behalf"), {EVERYBODY: Scope.ALL}),
        Permission("core.tenant.update", _("Change company settings")),
        *departures.PERMISSIONS,
        *impersonation.PERMISSIONS,
        *job_routes.PERMISSIONS,
        *rights_routes.PERMISSIONS,
    )


@hookimpl
def register_routes() -> Sequence[Route]:
    """Tokens, sessions, people who leave, plugins with their settings, the tenant's settings and set-up, jobs, explanations of rights, search."""
    mine = (*routes.ROUTES, *own.ROUTES, *session_routes.ROUTES, *departures.ROUTES, *plugin_routes.ROUTES, *tenant_routes.ROUTES)
    return (
        *mine,
        *job_routes.ROUTES,
        *rights_routes.ROUTES,
        *purge.ROUTES,
        *trial.ROUTES,
        *privacy_routes.ROUTES,
        *search_routes.ROUTES,
        *audit_routes.ROUTES,
    )


@hookimpl
def register_events() -> Sequence[EventType]:
    """Letters about records; settings of plugins."""
    return (EventType(MAIL_WRITTEN, _("Email sent")), EventType(PLUGIN_CHANGED, _("Plugin settings changed")))


@hookimpl
def register_jobs() -> Sequence[Job]:
    """Mail; records of an entity that is deleted with them; files of people who are erased; what follows an upgrade; words of search."""
    return (*letters.JOBS, *purge.JOBS, *erase.JOBS, *arrival.JOBS, *anew.JOBS)


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    """Upkeep."""
    return (*upkeep.SCHEDULES, forgetting.SCHEDULE)


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    """What a tenant leaves out of its own entity follows from what it says; with a token go those that it has made; what is for a person alone stays so."""
    if batch.entity == "core.custom_entity":
        fill_entities(batch)
    keep_in_person(cast("Work", ctx), batch)
    if batch.entity == "core.token":
        tokens.take_along(cast("Work", ctx), batch)


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    """What was revoked stays so; rights are given as far as they go, and as far as the giver's."""
    if batch.entity in _CHECKED:
        _CHECKED[batch.entity](cast("Work", ctx), batch)
    if batch.entity == "core.custom_field":
        index.follow(cast("Work", ctx), batch)
    if batch.entity == "core.token":
        for change in batch.changes:
            if change.verb == "restore":
                change.forbid("revoked", _("a revoked token can’t be restored; create another"))


@hookimpl
def before_upgrade(ctx: Installation, before: str | None, after: str) -> None:
    """An SQLite that would fail half-way is refused at the beginning."""
    if ctx.dialect == "sqlite" and ctx.server < OLDEST_SQLITE:
        there, least = (".".join(map(str, version)) for version in (ctx.server, OLDEST_SQLITE))
        raise Unavailable(
            _("SQLite {there} is too old: expected {least} or later; use another Python, or PostgreSQL"), there=there, least=least
        )
