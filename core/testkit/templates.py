"""Migrated databases, copied: the schema is made once, each test gets a copy in milliseconds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import EntryPoint
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from core.config import Config
from core.data import migrate
from core.platform import Platform, boot, system_clock
from core.testkit.platforms import Platforms
from core.testkit.shelf import Shelf

KEY_FILE = "secret.key"
type_points = Sequence[EntryPoint] | None


@dataclass(frozen=True)
class Content:
    """What a database is filled with, once for all tests that want the same, and the time that it is then."""

    fill: Callable[[Platform], None]
    now: datetime

    def clock(self) -> datetime:
        """The time while it is filled."""
        return self.now


class Templates:
    """Databases at the newest revision of a set of plugins, made at first use and kept for the session.

    `server` is the URL of a PostgreSQL database from which others can be created; "" is for SQLite files in `folder`, which a `shelf`
    keeps for other processes and the next session.
    """

    def __init__(self, folder: Path, server: str = "", shelf: Shelf | None = None) -> None:
        self._folder, self._server, self._shelf = folder, server, None if server else shelf
        self._made: dict[tuple[tuple[EntryPoint, ...] | None, Content | None], str] = {}
        self._platforms = Platforms()

    @contextmanager
    def copy(self, points: type_points, content: Content | None = None) -> Iterator[str]:
        """The URL of a fresh database with the tables of these plugins (None: of all that are installed), and with `content` in them."""
        with self._empty(self._template(points, content)) as url:
            yield url

    def lend_key(self, home: Path) -> None:
        """Give an installation in `home` the key of the one that made the contents: what was signed or sealed there holds with no other."""
        if (self._folder / KEY_FILE).exists():
            shutil.copy(self._folder / KEY_FILE, home / KEY_FILE)

    @contextmanager
    def blank(self) -> Iterator[str]:
        """The URL of a fresh database without any table."""
        with self._empty("") as url:
            yield url

    def _template(self, points: type_points, content: Content | None = None) -> str:
        key = (None if points is None else tuple(points), content)
        if key not in self._made:
            url, name = self._create(self._template(points) if content else self._beginning(points))
            if content:
                booted = self._platforms.boot(Config(self._folder, url), content.clock, points)
                content.fill(booted)
                booted.close()
            else:
                self._migrate(url, name, points)
            self._made[key] = name
        return self._made[key]

    def _beginning(self, points: type_points) -> str:
        """The template to which the tables of these plugins are added; "" for an empty database."""
        return ""

    def _migrate(self, url: str, name: str, points: type_points) -> None:
        booted = boot(Config(self._folder, url), clock=system_clock, entry_points=points, check_schema=False)
        branches, file = booted.branches(), self._folder / f"{name}.sqlite3"
        with self._shelf.turn(branches) if self._shelf is not None else nullcontext():
            kept = self._shelf is not None and self._shelf.take(branches, file)
            if not kept:
                migrate.upgrade(booted.database, branches)
            booted.close()
            if self._shelf is not None and not kept:
                self._shelf.put(branches, file)

    @contextmanager
    def _empty(self, template: str) -> Iterator[str]:
        url, name = self._create(template)
        try:
            yield url
        finally:
            self._drop(name)

    def _create(self, template: str) -> tuple[str, str]:
        name = f"dw_test_{uuid4().hex}"
        if not self._server:
            file = self._folder / f"{name}.sqlite3"
            if template:
                shutil.copyfile(self._folder / f"{template}.sqlite3", file)
            return f"sqlite:///{file}", name
        self._say(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""), copies=bool(template))
        return sa.make_url(self._server).set(database=name).render_as_string(hide_password=False), name

    def _drop(self, name: str) -> None:
        if self._server:
            self._say(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            return
        for suffix in ("", "-wal", "-shm"):
            (self._folder / f"{name}.sqlite3{suffix}").unlink(missing_ok=True)

    @cached_property
    def _engine(self) -> sa.Engine:
        """One connection for all: to begin another takes longer than to drop a database."""
        return sa.create_engine(self._server, isolation_level="AUTOCOMMIT", pool_pre_ping=True)

    def _say(self, statement: str, *, copies: bool = False) -> None:
        with self._engine.connect() as connection:
            if copies and (connection.dialect.server_version_info or ()) >= (15,):
                statement += " STRATEGY FILE_COPY"  # half the time for databases that are many small files
            connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Drop the templates."""
        for name in self._made.values():
            self._drop(name)
        if self._server:
            self._engine.dispose()
