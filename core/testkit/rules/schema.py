"""Rules about migrations: what they make is what is declared, and they go both ways."""

from __future__ import annotations

from collections.abc import Iterator

from core.data import migrate
from core.data.engine import Database
from core.data.migrate import Branch
from core.data.revise import missing
from core.extension.discover import State
from core.testkit.rules.package import Package, Rule

type_schema = dict[str, list[tuple[str, str, str]]]
SCHEMA = """
    SELECT m.name, 'column', c.name, c.type || ' ' || c."notnull" FROM sqlite_master m, pragma_table_xinfo(m.name) c WHERE m.type = 'table'
    UNION ALL
    SELECT m.name, 'index', l.name, coalesce(group_concat(i.name), '') || ' ' || l."unique"
    FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_info(l.name) i WHERE m.type = 'table' AND l.origin = 'c' GROUP BY 1, 3"""
"""Every table of SQLite with its columns and indexes in one statement: SQLAlchemy asks for them table by table."""


def schema(database: Database) -> type_schema:
    """Every table with its columns and indexes, to compare; the version tables left out."""
    found: type_schema = {}
    with database.reading_as_owner() as connection:
        for table, kind, name, said in connection.exec_driver_sql(SCHEMA):
            if not table.startswith("migrations_"):
                found.setdefault(table, []).append((kind, name, said))
    return {table: sorted(parts) for table, parts in found.items()}


def undeclared(package: Package) -> Iterator[str]:
    """What the declarations ask for and the migrations do not make."""
    names = [branch.plugin for branch in package.platform.branches()]
    yield from (f"a migration lacks: {line.strip()}" for line in missing(package.platform.database, package.branch, beside=names))


def one_way(package: Package) -> Iterator[str]:
    """Steps that do not go down, or come back to another schema; tables that are left, or are not the plugin's to make."""
    database, branch = package.platform.database, package.branch
    if branch.head() is None:
        return
    above = _built_on(package)
    for other in reversed(above):
        migrate.downgrade(database, other, "base")
    before = schema(database)
    doing = "down"
    try:
        for script in list(branch.scripts().walk_revisions()):
            doing = f"down from {script.revision}"
            migrate.downgrade(database, branch, str(script.down_revision or "base"))
        left = schema(database)
        yield from _traces(package, before, left)
        doing = "up again"
        migrate.upgrade(database, [branch])
    except Exception as failure:  # whatever a script raises is its author's to hear
        yield f"it does not go {doing}: {type(failure).__name__}: {failure}"
        package.platform.calls.drop(package.name, State.FAILED, "its migrations do not go both ways")
        return
    if (there := schema(database)) != before:
        other_tables = sorted(table for table in before.keys() | there.keys() if before.get(table) != there.get(table))
        yield f"down and up again, these tables are others: {', '.join(other_tables)}"
    migrate.upgrade(database, above)


def _built_on(package: Package) -> list[Branch]:
    """The branches of those that require it, near or far, in order."""
    below = {package.name}
    for found in package.platform.plugins:  # in order of `requires`
        if found.manifest is not None and below & set(found.manifest.required):
            below.add(found.name)
    return [branch for branch in package.platform.branches() if branch.plugin in below - {package.name}]


def _traces(package: Package, before: type_schema, left: type_schema) -> Iterator[str]:
    """What the whole way down took away, and what it did not."""
    for table in sorted(before.keys() - left.keys()):
        if not table.startswith(f"{package.name}_"):
            yield f"it makes {table!r}: tables of {package.name!r} begin with {package.name + '_'!r}"
        elif not any(kind == "column" and name == "tenant_id" for kind, name, _said in before[table]):
            yield f"{table!r} has no tenant_id: no wall stands around it, and a tenant that goes leaves rows in it"
    alike = tuple(f"{other.plugin}_" for other in package.platform.branches() if other.plugin.startswith(f"{package.name}_"))
    for table in sorted(left):
        if table.startswith(f"{package.name}_") and not table.startswith(alike):
            yield f"its first step leaves {table!r} behind when it goes down"
        elif left[table] != before.get(table):
            yield f"it changes {table!r}, which is another's"


RULES = (
    Rule(
        "migrated", "an installation has the tables that the migrations make, not those that are declared",
        "run `dealwright db revision NAME -m ...` and keep what it writes", undeclared,
    ),
    Rule(
        "reversible", "a plugin that cannot go down cannot be taken out, nor a release be taken back",
        "write `downgrade()` so that it undoes its `upgrade()`; make tables by sdk.migrations.create_table", one_way,
    ),
)  # fmt: skip
