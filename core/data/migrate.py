"""Migrations: Alembic, one version table a plugin, one transaction a plugin, one lock for all."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.data.engine import RELAY_ROLE, Database
from core.data.heads import declared_head
from sdk.errors import DeclarationError
from sdk.migrations import APP_ROLE

if TYPE_CHECKING:  # Alembic takes 50 ms to import, which a test whose database is there already need not wait for
    from alembic.script import ScriptDirectory

type_moved = list[tuple[str, str | None, str | None]]
TEMPLATE = Path(__file__).parent / "template"
_LOCK = 0x64_65_61_6C  # "deal": any constant that all our processes share


@dataclass(frozen=True)
class Branch:
    """The migrations of one plugin."""

    plugin: str
    directory: Path

    @property
    def version_table(self) -> str:
        """Where the plugin's revision is kept."""
        return f"migrations_{self.plugin}"

    def scripts(self) -> ScriptDirectory:
        """Its migration scripts, all of which are read and run; raises DeclarationError where one comes after a revision that no file has."""
        from alembic.script import ScriptDirectory  # noqa: PLC0415 (as above)

        found = ScriptDirectory(str(TEMPLATE), version_locations=[str(self.directory)], file_template="%%(rev)s_%%(slug)s")
        try:
            with warnings.catch_warnings(action="ignore"):  # Alembic says which revision is missing, and then stumbles over it
                _ = found.revision_map.heads
        except KeyError as missing:
            text = f"{self.directory}: a migration has down_revision = {missing.args[0]!r}, and no file there has that revision"
            raise DeclarationError(f"{text}; correct it, or bring the file back") from None
        return found

    def head(self) -> str | None:
        """The newest revision that its code has."""
        return _head(self, self.directory.stat().st_mtime_ns) if self.directory.is_dir() else None


@lru_cache(maxsize=256)
def _head(branch: Branch, _changed: int) -> str | None:
    """Read once, and again when a file has come or gone: the first page of administrators asks for it each time."""
    return declared_head(branch.directory) or branch.scripts().get_current_head()


def current(connection: Connection, branch: Branch) -> str | None:
    """The revision that the database has."""
    return currents(connection, [branch])[branch.plugin]


def currents(connection: Connection, branches: Sequence[Branch]) -> dict[str, str | None]:
    """The revision that the database has of each, by plugin: asked for together."""
    found: dict[str, str | None] = dict.fromkeys(branch.plugin for branch in branches)
    there = set(sa.inspect(connection).get_table_names())
    asked: list[sa.Select[str, str]] = [
        sa.select(sa.literal(branch.plugin), sa.column("version_num", sa.String())).select_from(sa.table(branch.version_table))
        for branch in branches
        if branch.version_table in there
    ]
    if asked:
        found.update((row[0], row[1]) for row in connection.execute(sa.union_all(*asked)))
    return found


def behind(
    database: Database, branches: Sequence[Branch], heads: Mapping[str, str | None] | None = None
) -> dict[str, tuple[str | None, str | None]]:
    """Plugins whose schema is not that of their code: revision in the database, revision in the code (`heads`, where they are known)."""
    heads = heads if heads is not None else {branch.plugin: branch.head() for branch in branches}
    with database.reading_as_owner() as connection:
        pairs = {plugin: (there, heads[plugin]) for plugin, there in currents(connection, branches).items()}
    return {plugin: pair for plugin, pair in pairs.items() if pair[0] != pair[1]}


def orphans(database: Database, branches: Sequence[Branch]) -> list[str]:
    """Plugins that have a schema here but no code any more."""
    tables = sa.inspect(database.engine).get_table_names()
    known = {branch.version_table for branch in branches}
    return sorted(table.removeprefix("migrations_") for table in tables if table.startswith("migrations_") and table not in known)


def upgrade(database: Database, branches: Sequence[Branch]) -> type_moved:
    """Bring each plugin, in the given order, to its newest revision; returns what moved. A failure leaves its plugin as it was."""
    moved: type_moved = []
    with _one_at_a_time(database):
        _make_roles(database)
        for branch in branches:
            with database.begin_as_owner() as connection:
                moved += _move(connection, branch)
    return moved


def upgrade_together(
    database: Database, branches: Sequence[Branch], seen: Callable[[Connection, Branch], None] | None = None, *, keep: bool = True
) -> type_moved:
    """All of them in one transaction: where one fails, each is as it was. Returns what moved.

    `seen` is called after each that moved. With `keep=False` it is a rehearsal, and all is undone in the end.
    """
    moved: type_moved = []
    with _one_at_a_time(database):
        _make_roles(database)
        with suppress(_Rehearsed), database.begin_as_owner() as connection:
            for branch in branches:
                mine = _move(connection, branch)
                moved += mine
                if mine and seen is not None:
                    seen(connection, branch)
            if not keep:
                raise _Rehearsed
    return moved


class _Rehearsed(Exception):
    """Nothing is to be kept."""


def _move(connection: Connection, branch: Branch) -> type_moved:
    if not branch.directory.is_dir():
        return []
    head, before = branch.head(), current(connection, branch)
    if head is None or before == head:
        return []
    scripts = branch.scripts()
    _run(connection, branch, scripts, lambda rev, _context: scripts._upgrade_revs("head", rev))
    return [(branch.plugin, before, head)]


def downgrade(database: Database, branch: Branch, revision: str) -> None:
    """Take one plugin back to `revision` ("base": before its first)."""
    with _one_at_a_time(database), database.begin_as_owner() as connection:
        scripts = branch.scripts()
        _run(connection, branch, scripts, lambda rev, _context: scripts._downgrade_revs(revision, rev))


def _run(connection: Connection, branch: Branch, scripts: ScriptDirectory, steps: Any) -> None:
    from alembic.config import Config  # noqa: PLC0415 (as above)
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415 (as above)

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, version_table=branch.version_table, transactional_ddl=True)
        environment.run_migrations()


@contextmanager
def _one_at_a_time(database: Database) -> Iterator[None]:
    if database.is_sqlite:  # BEGIN IMMEDIATE keeps other processes out, and the revision is read inside it
        yield
        return
    with database.engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
        connection.commit()
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
            connection.commit()


def _make_roles(database: Database) -> None:
    """The roles belong to the whole server, so another database's upgrade may be making them this instant."""
    if database.is_sqlite:
        return
    with database.begin_as_owner() as connection:
        for role in (APP_ROLE, RELAY_ROLE):
            connection.exec_driver_sql(
                f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;"
                f" EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            )
            if not connection.exec_driver_sql(f"SELECT pg_has_role(current_user, '{role}', 'MEMBER')").scalar():
                connection.exec_driver_sql(f"GRANT {role} TO CURRENT_USER")
            connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {role}")


def count_rows(database: Database, places: Sequence[str]) -> dict[str, int]:
    """How many rows of all tenants each place has: a table all, a `table.column` those with a value."""
    counts: dict[str, int] = {}
    with suppress(_Rehearsed), database.begin_as_owner() as connection:
        for place in places:
            name, _dot, column = place.partition(".")
            if not database.is_sqlite:  # the second wall shows the owner no row, for want of a tenant
                connection.exec_driver_sql(f'ALTER TABLE "{name}" NO FORCE ROW LEVEL SECURITY')
            table = sa.table(name, sa.column(column))
            which = [table.c[column].is_not(None)] if column else []
            counts[place] = connection.scalar(sa.select(sa.func.count()).select_from(table).where(*which)) or 0
        raise _Rehearsed
    return counts


def forget(database: Database, branch: Branch) -> None:
    """Where a plugin that has no table any more stood."""
    with database.begin_as_owner() as connection:
        sa.Table(branch.version_table, sa.MetaData()).drop(connection, checkfirst=True)
