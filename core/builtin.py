"""What core itself contributes, through the same hooks as everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from core.events import upkeep
from core.identity import departures, routes
from core.identity.tables import Grant, Role, Team, Token, User
from core.jobs import routes as job_routes
from core.jobs.tables import BackgroundJob
from core.mail import letters
from core.policy.stored import check_grants, check_people, check_roles
from core.tenancy import routes as tenant_routes
from sdk import EVERYBODY, Batch, Context, Entity, EventType, Job, Permission, Route, Schedule, Scope, Verb, _, hookimpl
from sdk import Role as RoleSpec
from sdk.mail import MAIL_WRITTEN

if TYPE_CHECKING:
    from core.context import Work

_CHECKED = {"core.grant": check_grants, "core.role": check_roles, "core.user": check_people}
_READ = {Verb.READ: Scope.ALL}


@hookimpl
def register_entities() -> Sequence[Entity]:
    """People, teams, roles, grants and tokens; background jobs."""
    readers = {EVERYBODY: _READ}
    return (
        Entity(Team, "team", "teams", _("Team"), _("Teams"), owned=False, guards_access=True, access=readers),
        Entity(User, "user", "users", _("User"), _("Users"), owned=False, guards_access=True, access=readers),
        Entity(Role, "role", "roles", _("Role"), _("Roles"), owned=False, guards_access=True, access=readers),
        Entity(Grant, "grant", "grants", _("Grant"), _("Grants"), title="permission", owned=False, guards_access=True),
        Entity(
            Token,
            "token",
            "tokens",
            _("Token"),
            _("Tokens"),
            verbs=frozenset({Verb.READ, Verb.DELETE}),
            guards_access=True,
            hands_over=False,
        ),
        Entity(BackgroundJob, "job", "jobs", _("Background job"), _("Background jobs"), owned=False, verbs=frozenset({Verb.READ})),
    )


@hookimpl
def register_roles() -> Sequence[RoleSpec]:
    """The one role without which nobody could set anything up, and the one that all have."""
    return (RoleSpec("admin", _("Administrator"), everything=True), RoleSpec(EVERYBODY, _("Everybody")))


@hookimpl
def register_permissions() -> Sequence[Permission]:
    """Rights over the platform itself."""
    return (
        Permission("core.plugin.update", _("Switch plugins")),
        Permission("core.tenant.update", _("Change the settings of the company")),
        *departures.PERMISSIONS,
        *job_routes.PERMISSIONS,
    )


@hookimpl
def register_routes() -> Sequence[Route]:
    """Tokens, plugins, people who leave, the tenant's settings and set-up, jobs."""
    return (*routes.ROUTES, *departures.ROUTES, *tenant_routes.ROUTES, *job_routes.ROUTES)


@hookimpl
def register_events() -> Sequence[EventType]:
    """Letters about records."""
    return (EventType(MAIL_WRITTEN, _("Mail written")),)


@hookimpl
def register_jobs() -> Sequence[Job]:
    """Mail."""
    return letters.JOBS


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    """Upkeep."""
    return upkeep.SCHEDULES


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    """What was revoked stays so; rights are given as far as they go, and as far as the giver's."""
    if batch.entity in _CHECKED:
        _CHECKED[batch.entity](cast("Work", ctx), batch)
    if batch.entity == "core.token":
        for change in batch.changes:
            if change.verb == "restore":
                change.forbid("revoked", _("a revoked token cannot be restored; issue another"))
