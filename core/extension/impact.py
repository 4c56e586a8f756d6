"""What would be missing if a plugin left: its records, and what leans on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.custom.leaning import leaning
from core.data import migrate
from core.extension.catalog import Catalog
from core.identity.tables import Grant, Token
from core.tenancy.tables import tenants
from sdk import Record, Side, Unavailable, _, columns
from sdk.fields import AnyRecordField, Field, LinkField
from sdk.impact import MOST_READ, Use

if TYPE_CHECKING:
    from core.platform import Platform


type_pointer = tuple[str, sa.Table, sa.ColumnElement[bool]]
_NOT_ALL = _("{plugin}: only the first {count} records of {entity} were looked at")


@dataclass
class Share:
    """What one tenant has of a plugin."""

    tenant: str
    rows: dict[str, int] = field(default_factory=dict)
    """By table, those in the recycle bin as well."""
    links: dict[str, int] = field(default_factory=dict)
    """How many live records of others point at the plugin's, by `entity.field` (of a side table: `table.field`)."""
    own: list[dict[str, object]] = field(default_factory=list)
    """What the tenant has made itself and that leans on it: fields and entities by `name`, the `way` (see `core.custom.leaning`), the
    `label`, and how many live `records` are concerned."""
    grants: int = 0
    tokens: list[str] = field(default_factory=list)
    """Names of tokens whose allow-lists name its permissions."""
    uses: list[dict[str, object]] = field(default_factory=list)
    """What other plugins say of their own records."""
    unanswered: list[str] = field(default_factory=list)
    """Plugins that could not say, or not of all their records, with the reason."""


@dataclass
class Impact:
    """What would be missing if the plugin left."""

    plugin: str
    enabled_for: list[str]
    required_by: list[str]
    wanted_by: list[str]
    """Plugins that name it in `after`: they go on without it."""
    taken_along: list[str]
    """Bridges that join it to others: they go with it, and their data stay."""
    adds: dict[str, list[str]]
    """What it put anywhere, by kind."""
    tables: list[str]
    tenants: list[Share]

    @property
    def rows(self) -> int:
        """All rows of all tenants."""
        return sum(sum(share.rows.values()) for share in self.tenants)

    def json(self) -> dict[str, object]:
        """For `--json`."""
        return {**asdict(self), "rows": self.rows}


def impact(platform: Platform, plugin: str) -> Impact:
    """Look at everything that leans on a plugin; changes nothing. One whose code is gone has its tables alone."""
    catalog = platform.catalog
    partners = {found.name: found.manifest for found in platform.plugins if found.serves and found.manifest and found.name != plugin}
    with platform.database.begin(write=False, tenant=None) as connection:
        known = connection.execute(sa.select(tenants.c.id, tenants.c.name, tenants.c.state).order_by(tenants.c.name)).all()
        enabled_for = platform.gate.tenants_with(connection, plugin)
    tables = own_tables(platform, plugin)
    there = set(sa.inspect(platform.database.engine).get_table_names())
    pointers = [pointer for pointer in _pointers(catalog, plugin) if pointer[1].name in there]
    return Impact(
        plugin,
        enabled_for,
        [name for name, manifest in partners.items() if plugin in manifest.required and not manifest.bridge],
        [name for name, manifest in partners.items() if plugin in manifest.possible],
        [name for name, manifest in partners.items() if plugin in manifest.required and manifest.bridge],
        {kind: names for kind, names in catalog.provenance(plugin).items() if names},
        tables,
        [_share(platform, plugin, row.id, row.name, tables, pointers) for row in known],
    )


def share_of(platform: Platform, plugin: str, tenant: UUID, name: str) -> Share:
    """What one tenant has of a plugin; changes nothing."""
    there = set(sa.inspect(platform.database.engine).get_table_names())
    pointers = [pointer for pointer in _pointers(platform.catalog, plugin) if pointer[1].name in there]
    return _share(platform, plugin, tenant, name, own_tables(platform, plugin), pointers)


def own_tables(platform: Platform, plugin: str) -> list[str]:
    """The tables of a plugin as the database has them, also where its code is gone; its version table left out."""
    names = sa.inspect(platform.database.engine).get_table_names()
    others = {found.name for found in platform.plugins} | set(migrate.orphans(platform.database, platform.branches()))
    longer = tuple(f"{other}_" for other in others if other.startswith(f"{plugin}_"))
    return sorted(name for name in names if name.startswith(f"{plugin}_") and not name.startswith(longer))


def _share(platform: Platform, plugin: str, tenant: UUID, name: str, tables: list[str], pointers: list[type_pointer]) -> Share:
    share = Share(name)
    with platform.database.begin(write=False, tenant=tenant) as connection:
        for table in tables:
            if count := _count(connection, sa.table(table, sa.column("tenant_id", columns.key())), tenant):
                share.rows[table] = count
        for label, holder, there in pointers:
            if count := _count(connection, holder, tenant, there, holder.c.deleted_at.is_(None)):
                share.links[label] = count
        share.own = leaning(connection, tenant, platform.catalog, plugin)
        grant, token = Grant.table(), Token.table()
        share.grants = _count(
            connection, grant, tenant, grant.c.permission.startswith(f"{plugin}.", autoescape=True), grant.c.deleted_at.is_(None)
        )
        narrowed = sa.select(token.c.name, token.c.allows).where(
            token.c.tenant_id == tenant, token.c.deleted_at.is_(None), token.c.allows.is_not(None)
        )
        share.tokens = [
            row.name
            for row in connection.execute(narrowed)
            if any(part.startswith(f"{plugin}.") for one in row.allows or () for part in one.replace(":", ",").split(","))
        ]
    _ask(platform, plugin, tenant, share)
    return share


def _count(connection: Connection, table: sa.FromClause, tenant: UUID, *which: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.tenant_id == tenant, *which)) or 0


def _ask(platform: Platform, plugin: str, tenant: UUID, share: Share) -> None:
    try:
        work = platform.system(tenant)
    except Unavailable as suspended:
        share.unanswered.append(str(suspended))
        return
    with work.transaction():
        for answer in platform.calls.asked("uses_of", work.enabled - {plugin}, ctx=work, plugin=plugin):
            if isinstance(answer.value, Exception):
                share.unanswered.append(f"{answer.owner}: {type(answer.value).__name__}: {answer.value}")
                continue
            for use in (one for one in answer.value if isinstance(one, Use)):
                if use.unread:
                    named = work.entity(use.entity).plural_label if work.offers(use.entity) else use.entity
                    said = {"plugin": answer.owner, "count": MOST_READ, "entity": named}
                    share.unanswered.append(work.say(_NOT_ALL, said))
                else:
                    share.uses.append({"entity": use.entity, "titles": list(use.titles)})


def _pointers(catalog: Catalog, plugin: str) -> Iterator[type_pointer]:
    """The columns of other plugins that may point at records of this one, and where they do."""
    holders = {
        x.source.record: (x.plugin, x.source.record.table().name)
        for many in catalog.extensions.values()
        for x in many
        if isinstance(x.source, Side)
    }
    holders |= {entity.record: (entity.plugin, entity.full_name) for entity in catalog.entities.values()}
    for record, (owner, label) in holders.items():
        if owner == plugin:
            continue
        for name, declared in record.__fields__.items():
            table = record.table()
            if isinstance(declared, AnyRecordField):
                entity = table.c[declared.entity_attribute]
                yield f"{label}.{name}", table, entity.startswith(f"{plugin}.", autoescape=True)
            elif _target(catalog, declared, record).partition(".")[0] == plugin:
                yield f"{label}.{name}", table, table.c[declared.attribute].is_not(None)


def _target(catalog: Catalog, declared: Field, record: type[Record]) -> str:
    if not isinstance(declared, LinkField) or declared.target == "self":
        return ""
    if isinstance(declared.target, str):
        return declared.target
    entity = catalog.by_record.get(declared.target)
    return entity.full_name if entity is not None else ""
