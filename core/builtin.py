"""What core itself contributes, through the same hooks as everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from core.identity import routes
from core.identity.tables import Grant, Role, Team, Token, User
from sdk import Batch, Context, Entity, Permission, Route, Scope, Verb, _, hookimpl
from sdk import Role as RoleSpec

_READ = {Verb.READ: Scope.ALL}


@hookimpl
def register_entities() -> Sequence[Entity]:
    """People, teams, roles, grants and tokens."""
    readers = dict.fromkeys(("sales_rep", "sales_manager", "finance", "read_only"), _READ)
    return (
        Entity(Team, "team", "teams", _("Team"), _("Teams"), owned=False, guards_access=True, access=readers),
        Entity(User, "user", "users", _("User"), _("Users"), owned=False, guards_access=True, access=readers),
        Entity(Role, "role", "roles", _("Role"), _("Roles"), owned=False, guards_access=True, access=readers),
        Entity(Grant, "grant", "grants", _("Grant"), _("Grants"), title="permission", owned=False, guards_access=True),
        Entity(Token, "token", "tokens", _("Token"), _("Tokens"), verbs=frozenset({Verb.READ, Verb.DELETE}), guards_access=True),
    )


@hookimpl
def register_roles() -> Sequence[RoleSpec]:
    """The one role without which nobody could set anything up."""
    return (RoleSpec("admin", _("Administrator"), everything=True),)


@hookimpl
def register_permissions() -> Sequence[Permission]:
    """Rights over the platform itself."""
    return (Permission("core.plugin.update", _("Switch plugins")),)


@hookimpl
def register_routes() -> Sequence[Route]:
    """Sessions, tokens, plugins."""
    return routes.ROUTES


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    """Teams and managers form trees."""
    if batch.entity == "core.team":
        _refuse_circles(ctx, batch, "parent")
    elif batch.entity == "core.user":
        _refuse_circles(ctx, batch, "manager")


def _refuse_circles(ctx: Context, batch: Batch, link: str) -> None:
    """Walk up from each changed record; who meets itself would be its own superior."""
    moved = {change.id: change for change in batch.standing() if change.changes(link) and change.values[link] is not None}
    above = {id: _link(change.values, link) for id, change in moved.items()}
    records = ctx.as_system().records(batch.entity)
    while unknown := {superior for superior in above.values() if superior is not None and superior not in above}:
        rows = records.values(unknown)  # one query a level of the tree, for all changes at once
        above |= {id: _link(rows.get(id, {}), link) for id in unknown}
    for id, change in moved.items():
        seen, superior = {id}, above[id]
        while superior is not None and superior not in seen:
            seen.add(superior)
            superior = above[superior]
        if superior is not None:
            change.refuse(link, "circle", _("would make the record its own superior"))


def _link(row: Mapping[str, object], name: str) -> UUID | None:
    value = row.get(name)
    return value if isinstance(value, UUID) else None
