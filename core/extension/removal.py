"""A plugin leaves: with its data kept where they are, or with everything that it has made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.custom.forgetting import KEPT, SETTLED
from core.custom.keys import custom_keys
from core.custom.tables import CustomField
from core.data import migrate
from core.entities import merged
from core.events.schedules import schedules
from core.extension import archive, declared, failures, gate
from core.extension.archive import Archived
from core.extension.discover import Found, State
from core.extension.impact import Impact, own_tables
from core.identity.tables import Grant
from core.search.index import forget_places
from core.search.tables import place_of
from core.tenancy import lifecycle
from core.tenancy.tables import tenants
from sdk import Conflict, NotFound, _

if TYPE_CHECKING:
    from core.platform import Platform


def known(platform: Platform, plugin: str) -> Found | None:
    """The installed plugin of that name; None for one that has left its data here. Raises NotFound for any other."""
    here = (one for one in platform.plugins if one.installed and one.state is not State.VANISHED)
    found = next((one for one in here if one.name == plugin), None)
    if found is None and not _has_left_anything(platform, plugin):
        raise NotFound(
            _("neither plugin {name!r} nor data of it exists; see `dealwright plugin list` and `dealwright db orphans`"), name=plugin
        )
    return found


def _has_left_anything(platform: Platform, plugin: str) -> bool:
    """Tables, or no more than that some company has had it on: with that rights and settings of its may be there."""
    if plugin in migrate.orphans(platform.database, platform.branches()):
        return True
    with platform.database.begin(write=False, tenant=None) as connection:
        return gate.is_known(connection, plugin)


def check_free(report: Impact) -> None:
    """Raise Conflict while somebody has it on, or cannot do without it."""
    name = report.plugin
    if report.enabled_for:
        text = _("{name!r} is on for {tenants}; run `dealwright plugin disable {name} --tenant ...` for each first")
        raise Conflict(text, code="plugin_enabled", name=name, tenants=", ".join(report.enabled_for))
    if report.required_by:
        text = _("{name!r} is required by {dependants}; remove that first")
        raise Conflict(text, code="plugin_required", name=name, dependants=", ".join(report.required_by))


def archive_data(platform: Platform, found: Found, report: Impact) -> Archived:
    """Keep every row where it is, so that ids and links stay true, and note what was there. Raises Conflict; see `check_free`."""
    check_free(report)
    branch = migrate.Branch(found.name, found.migrations) if found.module is not None else None
    with platform.database.reading_as_owner() as connection:
        revision = migrate.current(connection, branch) if branch is not None else None
    rows = Counter[str]()
    for share in report.tenants:
        rows.update(share.rows)
    version = found.manifest.version if found.manifest is not None else ""
    entry = Archived(found.name, version, found.distribution, revision, dict(rows), platform.clock())
    archive.keep(platform, entry)
    return entry


def purge_data(platform: Platform, report: Impact, tell: Callable[[str], None] = lambda _trouble: None) -> list[str]:
    """Undo the plugin's migrations and forget it everywhere; returns the tables that are gone. Raises Conflict, and then nothing is.

    Where its code is not there, or does not load, the tables are dropped as the database has them. `tell` hears what the plugin could
    not take away beside its rows: that stops nothing.
    """
    check_free(report)
    plugin = report.plugin
    tables = own_tables(platform, plugin)
    _check_unreferenced(platform, plugin, tables)
    with platform.database.begin(write=False, tenant=None) as connection:
        ids = list(connection.scalars(sa.select(tenants.c.id)))
    for tenant in ids if plugin in platform.calls.serving() else ():
        for trouble in lifecycle.farewell(platform, tenant, [plugin]):
            tell(trouble)
    branch = next((one for one in platform.branches() if one.plugin == plugin), None)
    if branch is not None and branch.head() is not None:
        migrate.downgrade(platform.database, branch, "base")
    _drop(platform, plugin)
    for tenant in ids:
        with platform.database.begin(write=True, tenant=tenant) as connection:
            _forget(connection, tenant, plugin, platform.clock() - KEPT - SETTLED - timedelta(seconds=1))
            forget_places(connection, tenant, _places(platform, plugin))
    with platform.database.begin(write=True, tenant=None) as connection:
        platform.gate.forget(connection, plugin)
    archive.forget(platform, plugin)
    with platform.database.begin_as_owner() as connection:
        declared.forget(connection, plugin)
        failures.forget(connection, plugin)
    return tables


def _check_unreferenced(platform: Platform, plugin: str, tables: list[str]) -> None:
    """Tables of a plugin that was archived before this one may still point at its rows."""
    for table, pointed in _references(sa.inspect(platform.database.engine)).items():
        if table not in tables and (mine := sorted(pointed & set(tables))):
            text = _("{table} refers to {pointed} of {name!r}; purge the plugin of {table} first")
            raise Conflict(text, code="plugin_required", table=table, pointed=mine[0], name=plugin)


def _references(inspector: sa.Inspector) -> dict[str, set[str]]:
    """By table, those that its foreign keys point at."""
    return {table: {key["referred_table"] for key in keys} for (_schema, table), keys in inspector.get_multi_foreign_keys().items()}


def _drop(platform: Platform, plugin: str) -> None:
    """What is left of its tables, those that no migration took down, and where its revision stood."""
    left = set(own_tables(platform, plugin))
    with platform.database.begin_as_owner() as connection:
        references = _references(sa.inspect(connection)) if left else {}
        while left:
            free = [table for table in left if not any(table in references[other] for other in left - {table})]
            for table in free or list(left):  # in a circle: PostgreSQL says so, and nothing is dropped
                sa.Table(table, sa.MetaData()).drop(connection)
                left.remove(table)
        sa.Table(f"migrations_{plugin}", sa.MetaData()).drop(connection, checkfirst=True)


def _places(platform: Platform, plugin: str) -> list[int]:
    """Where the words stand of its entities, and of its fields of others', as far as its code still says what they are."""
    entities, extensions = platform.catalog.entities.values(), platform.catalog.extensions.items()
    own = [place_of(one.full_name, name) for one in entities if one.plugin == plugin for name in one.fields]
    return own + [place_of(name, field) for name, many in extensions for one in many if one.plugin == plugin for field in one.own_fields()]


def _forget(connection: Connection, tenant: object, plugin: str, past: datetime) -> None:
    """Rights, custom fields and merges that would be there again, unasked for, with another plugin of that name; schedules.

    Fields of others' entities that linked to it, or counted it, are as deleted in the `past`, so that their values are taken out by and by.
    """
    grant = Grant.table()
    mine = (grant.c.tenant_id == tenant, grant.c.permission.startswith(f"{plugin}.", autoescape=True))
    field = CustomField.table()
    on_it, to_it, of_it = (column.startswith(f"{plugin}.", autoescape=True) for column in (field.c.entity, field.c.target, field.c.source))
    fields = list(connection.execute(sa.select(field.c.id).where(field.c.tenant_id == tenant, sa.or_(on_it, to_it, of_it))).scalars())
    connection.execute(custom_keys.delete().where(custom_keys.c.tenant_id == tenant, custom_keys.c.field_id.in_(fields)))
    connection.execute(field.delete().where(field.c.tenant_id == tenant, on_it))
    connection.execute(field.update().where(field.c.tenant_id == tenant, field.c.id.in_(fields)).values(deleted_at=past))
    if connection.execute(grant.delete().where(*mine)).rowcount or fields:
        connection.execute(tenants.update().where(tenants.c.id == tenant).values(access_version=tenants.c.access_version + 1))
    merged.forget(connection, tenant, lambda entity: entity.startswith(f"{plugin}.", autoescape=True))
    due = (schedules.c.tenant_id == tenant, schedules.c.name.startswith(f"{plugin}.", autoescape=True))
    connection.execute(schedules.delete().where(*due))
