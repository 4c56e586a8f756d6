"""The first wall between tenants, watched: each statement inside a tenant's transaction names the tenant for every table of tenants.

PostgreSQL has a second wall, row-level security (decision 4); on SQLite this one stands alone, and a statement that forgets it
shows in no test that has one tenant.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from core.data.engine import tenant_of

_NAMED = re.compile(r'(?:\b(FROM|JOIN|UPDATE|INTO)|,)\s+"?(\w+)"?(?![\w.(])(?:\s+AS\s+"?(\w+)"?)?', re.IGNORECASE)
_BETWEEN = frozenset({__name__, "core.data.bulk", "contextlib"})


def watch(engine: Engine, tables: Iterable[sa.Table]) -> list[str]:
    """A list that takes what is said of each statement on `engine` that names one of `tables` without its tenant."""
    found: list[str] = []
    guarded = frozenset(table.name for table in tables if _walled(table))

    @event.listens_for(engine, "before_cursor_execute")
    def look(connection: Connection, _cursor: object, statement: str, _parameters: object, _context: object, _many: bool) -> None:
        if tenant_of(connection) is not None and (without := unguarded(statement, guarded)) and not _of_a_test():
            found.append(f"names {', '.join(without)} without its tenant: {statement}")

    return found


def _walled(table: sa.Table) -> bool:
    return "tenant_id" in table.c and not table.c.tenant_id.nullable and not table.info.get("global")


def _of_a_test() -> bool:
    """Whether a test asks by itself, as it may, and not through the doors."""
    frames = (str(frame.f_globals.get("__name__", "")) for frame, _line in traceback.walk_stack(None))
    asks = next((name for name in frames if name not in _BETWEEN and not name.startswith("sqlalchemy.")), "")
    return asks.startswith("tests.") or asks.rpartition(".")[2].startswith(("test_", "conftest"))


@lru_cache(maxsize=20_000)
def unguarded(statement: str, guarded: frozenset[str]) -> tuple[str, ...]:
    """Those of the tables named in a statement, by their aliases, whose tenant it does not ask for."""
    named = {(word.upper(), table, alias or table) for word, table, alias in _NAMED.findall(statement) if table in guarded}
    return tuple(sorted(alias for word, _table, alias in named if not _asks(statement, alias, inserts=word == "INTO")))


def _asks(statement: str, alias: str, *, inserts: bool) -> bool:
    if inserts:
        return re.search(rf'INTO\s+"?{alias}"?\s*\([^)]*\btenant_id\b', statement, re.IGNORECASE) is not None
    column = rf'"?\b{alias}\b"?\."?tenant_id\b"?'
    nothing = rf"\b{alias}\b(?:(?!\bWHERE\b).)*\bWHERE\s+0 = 1"  # what somebody without any right is shown
    return re.search(rf"{column}\s*(?:=|IN\b)|=\s*{column}|{nothing}", statement, re.IGNORECASE | re.DOTALL) is not None
