"""What a plugin's migrations use to make the tables of its records, alike on SQLite and PostgreSQL.

A script imports `op` from Alembic and passes it: `create_table(op, "visits_visits", *columns)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa

from sdk.columns import Exact, UtcDateTime, json_data, key
from sdk.definitions import redefined, rewritten, scale_in
from sdk.entities import LIVE, NAMING
from sdk.likeness import Likeness

APP_ROLE = "dealwright_app"
"""The PostgreSQL role under which requests run; it owns nothing, so row-level security holds for it."""
PART = 2000
TENANT_SETTING = "dealwright.tenant"
SAY_HERE = "<SQL: what the values become>"
"""What `db revision` writes where only the author knows it."""
SAME_TENANT = f"tenant_id = NULLIF(current_setting('{TENANT_SETTING}', true), '')::uuid"


class Operations(Protocol):
    """The part of Alembic's `op` that the helper uses."""

    def create_table(self, table_name: str, *columns: Any, **kw: Any) -> Any: ...
    def drop_table(self, table_name: str, **kw: Any) -> Any: ...
    def create_index(self, index_name: str, table_name: str, columns: Any, **kw: Any) -> Any: ...
    def execute(self, sqltext: Any) -> Any: ...
    def get_bind(self) -> Any: ...


def create_table(op: Operations, name: str, *items: sa.schema.SchemaItem) -> None:
    """Create a tenant's table: the given columns and foreign keys, plus key, owner, version, time stamps and custom fields.

    On PostgreSQL row-level security is switched on and forced: without a tenant no row is visible or can be written.
    """
    op.create_table(
        name,
        sa.Column("tenant_id", key(), nullable=False),
        sa.Column("id", key(), nullable=False),
        *items,
        sa.Column("owner_id", key(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("custom", json_data(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
    )
    op.create_index(f"ix_{name}_owner", name, ["tenant_id", "owner_id"])
    protect(op, name)


def foreign_key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """A link to `target` within the tenant."""
    name = NAMING["fk"] % {"table_name": table, "column_1_name": column}
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=name)


def create_link(op: Operations, table: str, column: str, target: str) -> None:
    """Let a column of a table that is there point at records of `target`; `foreign_key` is for one that is being made.

    Where a row points at nothing it raises ValueError on SQLite, IntegrityError on PostgreSQL.
    """
    connection, made = op.get_bind(), foreign_key(table, column, target)
    said = f'CONSTRAINT {made.name} FOREIGN KEY (tenant_id, "{column}") REFERENCES "{target}" (tenant_id, id)'
    if connection.dialect.name != "sqlite":
        with all_rows(op, table), all_rows(op, target):
            connection.exec_driver_sql(f'ALTER TABLE "{table}" ADD {said}')
        return
    rewritten(connection, table, partial(_with, said))
    if connection.exec_driver_sql(f'SELECT 1 FROM pragma_foreign_key_check("{table}") WHERE "parent" = ? LIMIT 1', (target,)).first():  # noqa: S608 (a migration's own)
        raise ValueError(f"{table}.{column} points at rows of {target} that are not there: empty it first")


def _with(said: str, made: str) -> str:
    head, _end, tail = made.rpartition(")")
    return f"{head}, {said}){tail}"


def drop_link(op: Operations, table: str, column: str) -> None:
    """Take back what `create_link`, or `foreign_key` of a table that was made, has set; raises ValueError where there is no such link."""
    connection, name = op.get_bind(), NAMING["fk"] % {"table_name": table, "column_1_name": column}
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"')
        return
    words = re.compile(rf',\s*CONSTRAINT "?{re.escape(name)}"? FOREIGN KEY ?\([^)]*\) REFERENCES "?\w+"? ?\([^)]*\)')

    def without(made: str) -> str:
        left, times = words.subn("", made)
        if times != 1:
            raise ValueError(f"{table} has no link {name!r}: it is made by migrations.create_link or migrations.foreign_key")
        return left

    rewritten(connection, table, without)


def create_index(op: Operations, table: str, column: str) -> None:
    """An index for filters and sorts by `column`."""
    op.create_index(f"ix_{table}_{column}", table, ["tenant_id", column, "id"])


def create_unique(op: Operations, table: str, *columns: str) -> None:
    """No two live records of a tenant share the values of `columns`."""
    live = sa.text(LIVE)
    name = f"uq_{table}_{'_'.join(columns)}"
    op.create_index(name, table, ["tenant_id", *columns], unique=True, sqlite_where=live, postgresql_where=live)


def alter_column(
    op: Operations, table: str, column: str, *, type_: Any = None, nullable: bool | None = None, using: str | Mapping[str, str] = ""
) -> None:
    """Give a column another type, or let it be empty or not; keys, indexes, checks and the rows that point here stay as they are.

    Longer and shorter texts, larger whole numbers, and whole numbers and dates as text need no more. For others `using` says in SQL what the
    values become; by database (`{"sqlite": …, "postgresql": …}`) where they are kept differently, as exact amounts are: as scaled numbers on
    SQLite, where a column does not tell its places, or that it has any. Raises ValueError for rows that do not fit, and for a type that needs
    `using`.
    """
    connection = op.get_bind()
    if SAY_HERE in ((using,) if isinstance(using, str) else using.values()):
        raise ValueError(f"{table}.{column}: say in SQL what the values become, in the place of migrations.SAY_HERE")
    there = next((one for one in sa.inspect(connection).get_columns(table) if one["name"] == column), None)
    if there is None:
        raise ValueError(f"there is no column {column!r} in {table!r}: name one that is there, or add it by op.add_column")
    said = connection.dialect.type_compiler_instance.process
    old, new = said(there["type"]), said(there["type"] if type_ is None else type_)
    sqlite = connection.dialect.name == "sqlite"
    values = _for_this(using, table, column, connection.dialect.name)
    kept = _scale(connection, table, column) if sqlite else ""  # as which amount SQLite's own words have it
    amount = bool(kept) if sqlite else _base(old) == "NUMERIC" and old.startswith("NUMERIC(18,")
    unclear = sqlite and type_ is not None and _base(old) == "BIGINT" and not amount  # made before its words said so, it may be an amount
    if type_ is not None and isinstance(using, str) and (isinstance(type_, Exact) or amount or (unclear and using)):
        raise ValueError(
            f"{table}.{column}: an exact amount is a scaled whole number on SQLite (12.5 with four places is 125000) and NUMERIC on PostgreSQL: "
            'say for both what the values become by using={"sqlite": "<SQL>", "postgresql": "<SQL>"}; leave type_ out where it stays what it is'
        )
    if not values and (unclear or not is_alike(old, new, type_)):
        may = "may be an exact amount, scaled, and " if unclear else ""
        raise ValueError(f'{table}.{column}: {old} {may}does not become {new} by itself: say what the values become by using="<SQL>"')
    empty = bool(there["nullable"]) if nullable is None else nullable
    alter = _alter_on_postgresql
    if sqlite:
        # Its words keep the digits behind the point of an exact amount, which its types do not.
        scale = kept if type_ is None else said(type_, type_expression=sa.Column(column, type_))[len(new) :]
        alter = partial(_alter_on_sqlite, scale=scale)
    with all_rows(op, table):
        _check_rows(connection, table, column, "" if values else new, empty or bool(values))
        alter(connection, table, column, (old, new), empty, values)


_TEXTS, _WHOLE = ("VARCHAR", "TEXT"), ("SMALLINT", "INTEGER")
_AS_THEY_ARE = frozenset(
    [(old, new) for old in (*_TEXTS, *_WHOLE, "DATE") for new in _TEXTS] + [(old, new) for old in _WHOLE for new in (*_WHOLE[1:], "BIGINT")]
)
"""Which types become which others and mean the same on both databases; a BIGINT of SQLite may be an exact amount."""


_SCALED = ("BIGINT", "NUMERIC")
"""What an exact amount is on the databases, so far as they tell."""


def _for_this(using: str | Mapping[str, str], table: str, column: str, dialect: str) -> str:
    if isinstance(using, str):
        return using
    if {*using} != {"sqlite", "postgresql"} or not all(using.values()):
        said = ", ".join(sorted(name for name, one in using.items() if one)) or "nothing"
        raise ValueError(f"{table}.{column}: using= says what values become on {said}; expected SQL for sqlite and for postgresql")
    return using[dialect]


def is_exact(old: str, new: Any) -> bool:
    """Whether an exact amount may become another type, or a type (`old`, in the words of the database) one."""
    return isinstance(new, Exact) or _base(old) in _SCALED


def is_alike(old: str, new: str, kind: Any) -> bool:
    """Whether values of the one type, in the words of the database, are values of the other, declared as `kind`, as they are."""
    return old == new or (not isinstance(kind, sa.types.TypeDecorator) and (_base(old), _base(new)) in _AS_THEY_ARE)


def _base(kind: str) -> str:
    return kind.partition("(")[0]


def _check_rows(connection: Any, table: str, column: str, kind: str, empty: bool) -> None:
    rows = sa.table(table, sa.column(column))
    most = kind.rpartition("(")[2].rstrip(")") if _base(kind) == "VARCHAR" else ""
    flaws: dict[str, sa.ColumnElement[bool] | None] = {
        "empty in some rows: fill them before it is required": None if empty else rows.c[column].is_(None)
    }
    flaws[f"longer than {most} characters in some rows: shorten them first"] = (
        sa.func.length(sa.cast(rows.c[column], sa.Text())) > int(most) if most.isdigit() else None
    )
    for flaw, which in flaws.items():
        if which is not None and connection.execute(sa.select(sa.literal(1)).select_from(rows).where(which).limit(1)).first():
            raise ValueError(f"{table}.{column} is {flaw}")


def _alter_on_postgresql(connection: Any, table: str, column: str, kinds: tuple[str, str], empty: bool, using: str) -> None:
    old, new = kinds
    parts = [f"TYPE {new}" + (f" USING ({using})" if using else "")] if old != new or using else []
    for part in (*parts, f"{'DROP' if empty else 'SET'} NOT NULL"):
        connection.exec_driver_sql(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" {part}'.replace("%", "%%"))


def _scale(connection: Any, table: str, column: str) -> str:
    made = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).scalar()
    found = scale_in(str(made), column)
    return "" if found is None else f" /*{found}*/"


def _alter_on_sqlite(connection: Any, table: str, column: str, kinds: tuple[str, str], empty: bool, using: str, scale: str = "") -> None:
    """SQLite alters no column. A table made beside, filled and put in the place of this one would take with it the rows that point here: inside a
    transaction their foreign keys cannot be switched off. So what SQLite knows of the table is written anew, and then the values."""
    old, new = kinds
    rewrites = bool(using) or _base(old) != _base(new)
    ask = "SELECT name, sql FROM sqlite_master WHERE type = ? AND tbl_name = ? AND sql IS NOT NULL"
    indexes = [tuple(row) for row in connection.exec_driver_sql(ask, ("index", table))] if rewrites else []
    for name, _made in indexes:
        connection.exec_driver_sql(f'DROP INDEX "{name}"')
    before = _known(connection, table)
    rewritten(connection, table, lambda words: redefined(words, column, new + scale, nullable=empty or rewrites))
    kept = [(*one[:1], *((new, empty or rewrites) if one[0] == column else one[1:3]), *one[3:]) for one in before]
    if _known(connection, table) != kept:
        raise RuntimeError(f"SQLite did not take the new definition of {table}.{column}: it is built to refuse that (defensive mode)")
    if rewrites:
        connection.exec_driver_sql(f'UPDATE "{table}" SET "{column}" = {using or _quoted(column)}')  # noqa: S608 (a migration's own)
        _check_kept(connection, table, column, new)
        for _name, made in indexes:
            connection.exec_driver_sql(made)
        if not empty:
            _check_rows(connection, table, column, new, empty)
            _alter_on_sqlite(connection, table, column, (new, new), empty, "", scale)


def _known(connection: Any, table: str) -> list[tuple[Any, ...]]:
    """The columns as SQLite has them: name, type, whether it may be empty, default, place in the key."""
    rows = connection.exec_driver_sql(f'PRAGMA table_xinfo("{table}")').all()
    return [(row.name, row.type, not row.notnull, row.dflt_value, row.pk) for row in rows]


def _check_kept(connection: Any, table: str, column: str, kind: str) -> None:
    """SQLite keeps whatever does not fit a type as it is."""
    due = {"INT": "integer", "CHAR": "text", "TEXT": "text"}
    wanted = next((stored for word, stored in due.items() if word in kind), None)
    query = f'SELECT "{column}" FROM "{table}" WHERE typeof("{column}") NOT IN (\'null\', ?) LIMIT 1'  # noqa: S608 (as above)
    if wanted is not None and (found := connection.exec_driver_sql(query, (wanted,)).first()):
        raise ValueError(f"{table}.{column}: {found[0]!r} is no {kind}: correct using=")


def _quoted(name: str) -> str:
    return f'"{name}"'


def fill_likeness(op: Operations, table: str, column: str, likeness: Likeness) -> None:
    """Make the keys of the rows that are there, once `<column>_alike` has been added: the table is read a part at a time."""
    with all_rows(op, table):
        _fill_likeness(op.get_bind(), table, column, likeness)


def _fill_likeness(connection: Any, table: str, column: str, likeness: Likeness) -> None:
    rows = sa.table(table, sa.column("tenant_id", key()), sa.column("id", key()), sa.column(column), sa.column(f"{column}_alike"))
    mine = (rows.c.tenant_id == sa.bindparam("of", type_=key()), rows.c.id == sa.bindparam("one", type_=key()))
    change = rows.update().where(*mine).values({f"{column}_alike": sa.bindparam("made")})
    question = (
        sa.select(rows.c.tenant_id, rows.c.id, rows.c[column]).where(rows.c[column].is_not(None)).order_by(rows.c.tenant_id, rows.c.id)
    )
    last: tuple[Any, Any] | None = None
    while True:
        after = sa.true() if last is None else sa.tuple_(rows.c.tenant_id, rows.c.id) > sa.tuple_(*(sa.literal(one, key()) for one in last))
        part = connection.execute(question.where(after).limit(PART)).all()
        if made := [{"of": tenant, "one": id, "made": word} for tenant, id, value in part if (word := likeness(value)) is not None]:
            connection.execute(change, made)
        if len(part) < PART:
            break
        last = (part[-1][0], part[-1][1])


def rename_choice(op: Operations, table: str, column: str, old: str, new: str) -> None:
    """Write a choice by another word in the rows that are there."""
    rows = sa.table(table, sa.column(column))
    with all_rows(op, table):
        op.execute(rows.update().where(rows.c[column] == old).values({column: new}))


def give_to_tenants(op: Operations, table: str, *names: str) -> None:
    """Hand what stands in each tenant's live row to the tenant's settings of the same names; what is other than 1 there stays."""
    tenants, rows = _settings(table, names)
    mine = (rows.c.tenant_id == tenants.c.id, rows.c.deleted_at.is_(None))
    given = {name: sa.select(rows.c[name]).where(*mine).limit(1).scalar_subquery() for name in names}
    with all_rows(op, table):
        op.execute(tenants.update().where(sa.exists().where(*mine), *(tenants.c[name] == 1 for name in names)).values(given))


def take_from_tenants(op: Operations, table: str, *names: str) -> None:
    """Write into a table what its tenants have among their settings under the same names."""
    tenants, rows = _settings(table, names)
    said = {name: sa.select(tenants.c[name]).where(tenants.c.id == rows.c.tenant_id).scalar_subquery() for name in names}
    with all_rows(op, table):
        op.execute(rows.update().values(said))


def _settings(table: str, names: Sequence[str]) -> tuple[sa.TableClause, sa.TableClause]:
    """The tenants are the core's: a plugin's script reaches them through this module alone."""
    tenants = sa.table("core_tenants", sa.column("id", key()), *(sa.column(name) for name in names))
    return tenants, sa.table(table, sa.column("tenant_id", key()), sa.column("deleted_at"), *(sa.column(name) for name in names))


_FORCED = sa.text("SELECT relforcerowsecurity FROM pg_class WHERE oid = to_regclass(:name)")


@contextmanager
def all_rows(op: Operations, table: str) -> Iterator[None]:
    """While a script reads or changes rows of all tenants: else the second wall shows the table's owner none, for want of a tenant."""
    walled = op.get_bind().dialect.name == "postgresql" and op.get_bind().scalar(_FORCED, {"name": table})
    if walled:
        op.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
    yield
    if walled:
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')


def protect(op: Operations, table: str) -> None:
    """Raise the second wall around a table with `tenant_id` (PostgreSQL; SQLite has none)."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    op.execute(f'CREATE POLICY tenant ON "{table}" TO {APP_ROLE} USING ({SAME_TENANT}) WITH CHECK ({SAME_TENANT})')
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO {APP_ROLE}')


def drop_table(op: Operations, name: str) -> None:
    """Drop a tenant's table with its indexes and policies."""
    op.drop_table(name)
