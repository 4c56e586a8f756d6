"""Migrated SQLite databases that are kept for other processes and the next run of the tests, as long as nothing that made them has changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

try:
    import fcntl
except ImportError:  # elsewhere than on Unix
    fcntl = None  # type: ignore[assignment]

import sdk
from core.data.migrate import Branch

MOST = 4
"""How many are kept: those of the combinations of plugins that were asked for last."""
_TOOLS = ("alembic", "sqlalchemy")


class Shelf:
    """A folder of databases, each under a name that says what made it."""

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self._folder, self._most = folder, most
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def turn(self, branches: Sequence[Branch]) -> Iterator[None]:
        """One process makes the database of these plugins; others that want the same wait, and find it."""
        with self._place(branches).with_suffix(".lock").open("w") as lock:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def take(self, branches: Sequence[Branch], to: Path) -> bool:
        """Copy the database of these plugins, where there is one of their present code."""
        try:
            shutil.copyfile(self._place(branches), to)
        except FileNotFoundError:
            return False
        return True

    def put(self, branches: Sequence[Branch], made: Path) -> None:
        """Keep a database that nobody has open; another process may be doing the same."""
        place = self._place(branches)
        draft = place.with_suffix(f".{os.getpid()}")
        shutil.copyfile(made, draft)
        draft.replace(place)
        for older in sorted(self._folder.glob("*.sqlite3"), key=_age)[self._most :]:
            older.unlink(missing_ok=True)
            older.with_suffix(".lock").unlink(missing_ok=True)

    def _place(self, branches: Sequence[Branch]) -> Path:
        made = blake2b(digest_size=16)
        for line in _makings(branches):
            made.update(line.encode())
        return self._folder / f"{made.hexdigest()}.sqlite3"


def _makings(branches: Sequence[Branch]) -> Iterator[str]:
    """All that decides what a database is: the plugins in their order, every module that a migration may import, and the tools.

    Files are told apart as Python does for what it has compiled, by size and time.
    """
    yield f"{sys.version}, SQLite {sqlite3.sqlite_version}"
    yield from (branch.plugin for branch in branches)
    tools = (Path(found.origin) for name in _TOOLS if (found := find_spec(name)) is not None and found.origin is not None)
    folders = [Path(sdk.__path__[0]), *(branch.directory.parent for branch in branches)]
    for file in (*tools, *(file for folder in folders for file in _modules(folder))):
        there = file.stat()
        yield f"{file} {there.st_size} {there.st_mtime_ns}"


def _modules(folder: Path) -> list[Path]:
    """Those of a package; of a folder that is none, and may hold whatever, those in it and of its migrations."""
    if (folder / "__init__.py").is_file():
        return sorted(folder.rglob("*.py"))
    return sorted([*folder.glob("*.py"), *(folder / "migrations").rglob("*.py")])


def _age(file: Path) -> float:
    return -file.stat().st_mtime
