"""The first wall between tenants, watched: each statement inside a tenant's transaction names the tenant for every table of tenants.

PostgreSQL has a second wall, row-level security (decision 4); on SQLite this one stands alone, and a statement that forgets it
shows in no test that has one tenant. A table that entities share has a wall more: whoever reads it names the kind of its rows.
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
_QUERY = re.compile(r"\s*(?:SELECT|WITH)\b", re.IGNORECASE)
"""What changes rows names them by ids that a query has found."""
_WHOLE = frozenset({"core.tenancy.export"})
"""Who reads tables whole, whatever is in them."""
_BETWEEN = frozenset({__name__, "core.data.bulk", "contextlib"})


def watch(engine: Engine, tables: Iterable[sa.Table]) -> list[str]:
    """A list that takes what is said of each statement on `engine` that names one of `tables` without its tenant."""
    found: list[str] = []
    declared = [table for table in tables if _walled(table)]
    guarded = frozenset(table.name for table in declared)
    shared = frozenset(table.name for table in declared if table.info.get("shared"))

    @event.listens_for(engine, "before_cursor_execute")
    def look(connection: Connection, _cursor: object, statement: str, _parameters: object, _context: object, _many: bool) -> None:
        if tenant_of(connection) is not None and (without := unguarded(statement, guarded)) and not _of_a_test():
            found.append(f"names {', '.join(without)} without its tenant: {statement}")
        elif tenant_of(connection) is not None and (without := of_any_kind(statement, shared)) and not _of_a_test(_WHOLE):
            found.append(f"reads {', '.join(without)} without its kind: {statement}")

    return found


def _walled(table: sa.Table) -> bool:
    return "tenant_id" in table.c and not table.c.tenant_id.nullable and not table.info.get("global")


def _of_a_test(others: frozenset[str] = frozenset()) -> bool:
    """Whether a test asks by itself, as it may, and not through the doors; or one of `others`."""
    frames = (str(frame.f_globals.get("__name__", "")) for frame, _line in traceback.walk_stack(None))
    asks = next((name for name in frames if name not in _BETWEEN and not name.startswith("sqlalchemy.")), "")
    return asks in others or asks.startswith("tests.") or asks.rpartition(".")[2].startswith(("test_", "conftest"))


@lru_cache(maxsize=20_000)
def unguarded(statement: str, guarded: frozenset[str]) -> tuple[str, ...]:
    """Those of the tables named in a statement, by their aliases, whose tenant it does not ask for."""
    named = {(word.upper(), table, alias or table) for word, table, alias in _NAMED.findall(statement) if table in guarded}
    return tuple(sorted(alias for word, _table, alias in named if not _asks(statement, alias, inserts=word == "INTO")))


@lru_cache(maxsize=20_000)
def of_any_kind(statement: str, shared: frozenset[str]) -> tuple[str, ...]:
    """Those of the tables that entities share, by their aliases, which a query reads for records of any kind."""
    if not shared or not any(table in statement for table in shared) or not _QUERY.match(statement):
        return ()
    named = {alias or table for _word, table, alias in _NAMED.findall(statement) if table in shared}
    return tuple(sorted(alias for alias in named if not _of_a_kind(statement, alias)))


def _of_a_kind(statement: str, alias: str) -> bool:
    kind = rf'"?\b{alias}\b"?\."?kind_id\b"?\s*='
    return re.search(f"{kind}|{_nothing(alias)}", statement, re.DOTALL) is not None


def _nothing(alias: str) -> str:
    return rf"\b{alias}\b(?:(?!\bWHERE\b).)*\bWHERE\s+0 = 1"  # what somebody without any right is shown


def _asks(statement: str, alias: str, *, inserts: bool) -> bool:
    if inserts:
        return re.search(rf'INTO\s+"?{alias}"?\s*\([^)]*\btenant_id\b', statement, re.IGNORECASE) is not None
    column = rf'"?\b{alias}\b"?\."?tenant_id\b"?'
    return re.search(rf"{column}\s*(?:=|IN\b)|=\s*{column}|{_nothing(alias)}", statement, re.IGNORECASE | re.DOTALL) is not None
