"""Work that is tried and leaves nothing behind, while others go on writing.

PostgreSQL undoes a transaction of its own connection. SQLite has one writer: there a copy of the database is written to and thrown away.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import make_url

from sdk import Unavailable, _

if TYPE_CHECKING:
    from core.context import Work
    from core.data.engine import Database
    from core.platform import Platform

_PREFIX, _LOST = "rehearsal-", 600
"""What folders of copies are called, and how old one is in seconds before anybody asks whether it is still needed."""
_ROOM = 1.2
"""How much of its size a copy needs for itself and for what is written to it."""


class _Over(Exception):
    """A rehearsal is over: what was written is undone."""


@contextmanager
def rehearsed(work: Work) -> Iterator[None]:
    """A write transaction that is undone, with the files that were saved in it."""
    try:
        with work.transaction(write=True), work.tried(), work.growing():
            yield
            raise _Over
    except _Over:
        pass


@contextmanager
def stage(platform: Platform) -> Iterator[Platform]:
    """The platform over a database that may be written to for long; raises Unavailable where there is no room for a copy."""
    if not platform.database.is_sqlite:
        yield platform
        return
    with _copy(platform.database) as url:
        other = platform.on(replace(platform.config, database_url=url), platform.clock)
        event.listen(other.database.engine, "connect", _lightly)
        try:
            yield other
        finally:
            other.close()


def _lightly(connection: Any, _record: Any) -> None:
    """What is thrown away need not be safe on the disk; and there are two databases to be kept in mind for as long as it lasts."""
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-2048")


@contextmanager
def _copy(database: Database) -> Iterator[str]:
    url = database.engine.url
    place = Path(str(url.database)).resolve()
    _sweep(place.parent)
    needed, free = int(place.stat().st_size * _ROOM), shutil.disk_usage(place.parent).free
    if needed > free:
        text = _("this needs a copy of the database: {needed} MB, but only {free} MB are free; free some space, or try less at a time")
        raise Unavailable(text, needed=needed >> 20, free=free >> 20)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=place.parent) as folder:
        copy = Path(folder) / place.name
        # One step of a reader: it is of one moment, and holds up no writer.
        with closing(sqlite3.connect(place)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        yield make_url(url).set(database=str(copy)).render_as_string(hide_password=False)


def _sweep(folder: Path) -> None:
    """Remove copies of processes that were killed: who still rehearses holds the lock of his copy."""
    for one in folder.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):  # it has just gone
            if time.time() - one.stat().st_mtime > _LOST and not any(map(_held, one.iterdir())):
                shutil.rmtree(one, ignore_errors=True)


def _held(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(file, timeout=0)) as connection:
            connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    except sqlite3.DatabaseError:  # no database: what stands beside one
        return False
    return False
