"""Rows written in sets: one statement a batch on PostgreSQL, executemany on SQLite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

_FEW = 4
"""Below this an ordinary INSERT costs less than the arrays."""


def insert(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same keys."""
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name != "postgresql" or len(rows) < _FEW:
        connection.execute(table.insert(), list(rows))
        return
    # COPY would be faster still, but PostgreSQL refuses it on tables with row-level security.
    statement, json_columns = _unnest(table, names)
    columns = [[row[name] for row in rows] for name in names]
    for index in json_columns:
        columns[index] = [None if value is None else orjson.dumps(value).decode() for value in columns[index]]
    connection.exec_driver_sql(statement, tuple(columns))


@lru_cache(maxsize=1000)
def _unnest(table: sa.Table, names: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    kinds = [table.c[name].type.compile(dialect=dialect) for name in names]
    json_columns = tuple(i for i, kind in enumerate(kinds) if kind.startswith("JSON"))
    arrays = ", ".join(f"%s::{'text' if i in json_columns else kind}[]" for i, kind in enumerate(kinds))
    picked = ", ".join(f"c{i}::jsonb" if i in json_columns else f"c{i}" for i in range(len(names)))
    called = ", ".join(f"c{i}" for i in range(len(names)))
    quoted = ", ".join(f'"{name}"' for name in names)
    # Names and types of our own tables only; the values are parameters.
    return f'INSERT INTO "{table.name}" ({quoted}) SELECT {picked} FROM unnest({arrays}) AS r({called})', json_columns  # noqa: S608


def update(connection: Connection, table: sa.Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> int:
    """Set `names` on rows by tenant, id and `old_version`; returns how many rows still had that version.

    Each row maps `b_id`, `b_tenant`, `b_version` and `v_<name>` for every name.
    """
    statement = (
        table.update()
        .where(
            table.c.tenant_id == sa.bindparam("b_tenant"),
            table.c.id == sa.bindparam("b_id"),
            table.c.version == sa.bindparam("b_version"),
        )
        .values({name: sa.bindparam(f"v_{name}") for name in names})
    )
    return connection.execute(statement, list(rows)).rowcount
