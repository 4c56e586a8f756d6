"""What an upgrade would do, found out by doing it and taking it back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection

from core.data import migrate
from core.data.engine import Database
from core.data.migrate import Branch
from core.extension import declared
from core.extension.declared import Difference
from core.extension.gate import SWITCHES

if TYPE_CHECKING:
    from core.platform import Platform

_STATEMENT = re.compile(r'\s*(INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)
_ACTS = {"insert into": "inserted", "update": "updated", "delete from": "deleted"}
_NOT_THEIRS = ("migrations_", "core_plugins")


@dataclass(frozen=True)
class Alteration:
    """One thing that happens to the schema or the data; `rows`: how many have it, or are written. `destroys`: they are gone then."""

    part: str
    act: str
    what: str
    rows: int = 0
    destroys: bool = False


@dataclass(frozen=True)
class Holding:
    """A tenant that has not approved all that the plugin asks for now: it is held there until then."""

    tenant: str
    asks: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """What the upgrade does with one plugin; versions and revisions before and after, None where there was none."""

    plugin: str
    versions: tuple[str | None, str]
    revisions: tuple[str | None, str | None]
    alterations: list[Alteration] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    held: list[Holding] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """All steps, in their order."""

    steps: list[Step]

    @property
    def destroyed(self) -> list[Alteration]:
        """What is not there afterwards and was before."""
        return [one for step in self.steps for one in step.alterations if one.destroys]

    def json(self) -> dict[str, object]:
        """For `--json`."""
        return {"data": [asdict(step) for step in self.steps], "destructive": bool(self.destroyed)}


def plan(platform: Platform, branches: Sequence[Branch]) -> Plan:
    """Rehearse the upgrade in a transaction that is undone; raises whatever the upgrade would raise.

    While it runs, other writers wait as they would for the upgrade itself.
    """
    alterations: dict[str, list[Alteration]] = {}
    with platform.database.reading_as_owner() as connection:
        before, known = _schema(connection), declared.kept(connection)
        revisions = migrate.currents(connection, branches)
        # Older schemas know of no approvals: the upgrade takes what is on as approved.
        held = platform.gate.held_for(connection) if "column approved" in before.get(SWITCHES, ()) else {}
    last = [before]
    with _written(platform.database) as written:

        def look(connection: Connection, branch: Branch) -> None:
            now = _schema(connection)
            alterations[branch.plugin] = [*_altered(last[0], now), *_data(written)]
            written.clear()
            last[0] = now

        migrate.upgrade_together(platform.database, branches, look, keep=False)
    lost = [one.what for many in alterations.values() for one in many if one.destroys and one.part != "data"]
    counts = migrate.count_rows(platform.database, lost)
    steps = []
    for branch in branches:
        name, there = branch.plugin, known.get(branch.plugin)
        found = Step(
            name, (None if there is None else there.version, declared.version_of(platform, name)), (revisions[name], branch.head()),
            [_with(counts, one) for one in alterations.get(name, ())],
            # What was never written down is not compared: all of it would seem new.
            list(declared.differences(there.declared, declared.declared_by(platform, name))) if there is not None else [],
            [Holding(tenant, asks) for tenant, asks in held.get(name, ())],
        )  # fmt: skip
        if found.alterations or found.differences or found.versions[0] != found.versions[1] or found.revisions[0] != found.revisions[1]:
            steps.append(found)
    return Plan(steps)


@contextmanager
def _written(database: Database) -> Iterator[Counter[tuple[str, str]]]:
    """How many rows of which table are inserted, updated and deleted meanwhile."""
    found = Counter[tuple[str, str]]()

    def after(_connection: Any, cursor: Any, statement: str, *_more: Any) -> None:
        said = _STATEMENT.match(statement)
        if said and cursor.rowcount > 0 and not said[2].startswith(_NOT_THEIRS):
            found[_ACTS[said[1].lower()], said[2]] += cursor.rowcount

    event.listen(database.engine, "after_cursor_execute", after)
    try:
        yield found
    finally:
        event.remove(database.engine, "after_cursor_execute", after)


def _data(written: Counter[tuple[str, str]]) -> Iterator[Alteration]:
    for (act, table), rows in sorted(written.items()):
        yield Alteration("data", act, table, rows, act == "deleted")


type_schema = dict[str, dict[str, str]]


def _schema(connection: Connection) -> type_schema:
    """Every table with its columns and indexes, each in words that differ when they do."""
    inspector, found = sa.inspect(connection), dict[str, dict[str, str]]()
    for (_schema_name, table), columns in inspector.get_multi_columns().items():
        if not table.startswith("migrations_"):
            found[table] = {f"column {c['name']}": f"{c['type']}{'' if c['nullable'] else ' not null'}" for c in columns}
    for (_schema_name, table), indexes in inspector.get_multi_indexes().items():
        if table in found:
            found[table] |= {f"index {i['name']}": f"{i['column_names']} {i['unique']}" for i in indexes}
    return found


def _altered(before: type_schema, after: type_schema) -> Iterator[Alteration]:
    for table in sorted({*before, *after}):
        if table not in after:
            yield Alteration("schema", "table dropped", table, destroys=True)
            continue
        if table not in before:
            yield Alteration("schema", "table added", table)
            continue
        old, new = before[table], after[table]
        for part in sorted({*old, *new}):
            kind, _space, name = part.partition(" ")
            what = f"{table}.{name}" if kind == "column" else name
            if part not in new:
                yield Alteration("schema", f"{kind} dropped", what, destroys=kind == "column")
            elif part not in old:
                yield Alteration("schema", f"{kind} added", what)
            elif old[part] != new[part]:
                yield Alteration("schema", f"{kind} changed", f"{what}: {old[part]} -> {new[part]}")


def _with(counts: Mapping[str, int], one: Alteration) -> Alteration:
    return Alteration(one.part, one.act, one.what, counts.get(one.what, one.rows), one.destroys)
