"""What the workers of a run share: one PostgreSQL server, and the databases that one of them has made and all copy."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from types import FunctionType

import pytest

from core.testkit.templates import Content, Templates, type_points
from tests.servers import NoServerError, begin, end, in_memory

_OWN = "plugins."
_OURS = (_OWN, "tests.")


def folder_of_run(factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a run know."""
    folder = factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@contextmanager
def held(file: Path) -> Iterator[None]:
    """One process at a time."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def postgresql_of_run(run: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a database on the server of a run, and a folder that ends with it: the first worker that needs it starts it, the last one that
    leaves stops it, also where another was killed. Raises NoServerError."""
    turn, there = run / "postgresql.turn", run / "postgresql.json"
    with (run / "postgresql.users").open("w") as users:
        with held(turn):
            if not there.exists():
                folder = Path(tempfile.mkdtemp(prefix="dwpg-", dir=in_memory()))  # short: the path of a Unix socket takes 107 characters
                try:
                    url, programs = begin(folder)
                except NoServerError:
                    shutil.rmtree(folder, ignore_errors=True)
                    raise
                there.write_text(json.dumps([url, str(programs), str(folder)]))
            fcntl.flock(users, fcntl.LOCK_SH)
        url, programs, folder = json.loads(there.read_text())
        try:
            yield url, Path(folder) / "templates"
        finally:
            with held(turn):
                fcntl.flock(users, fcntl.LOCK_UN)
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                there.unlink()
                end(Path(programs), Path(folder))
                shutil.rmtree(folder, ignore_errors=True)


class TemplatesOfRun(Templates):
    """Databases of one kind for all workers of a run, in a folder that all of them know: what one is making the others wait for, and copy.

    What holds something else in each process, by its name or its content, each makes for itself.
    """

    def __init__(self, folder: Path, server: str = "") -> None:
        super().__init__(folder, server)
        folder.mkdir(exist_ok=True)

    def _template(self, points: type_points, content: Content | None = None) -> str:
        told = _told(points, content)
        if told is None:
            return super()._template(points, content)
        place = self._folder / f"{blake2b(told.encode(), digest_size=16).hexdigest()}.name"
        with held(place.with_suffix(".turn")):
            if not place.exists():
                place.write_text(super()._template(points, content))
        return place.read_text()

    def _beginning(self, points: type_points) -> str:
        """What the repository's own plugins among them have is made once for all that add others to it."""
        own = tuple(point for point in points or () if point.value.startswith(_OWN))
        return self._template(own) if own and own != tuple(points or ()) else ""

    def close(self) -> None:
        """They end with the run: another worker may want one."""


def _told(points: type_points, content: Content | None) -> str | None:
    """What says in every process the same of a template; None where nothing does."""
    if any(not point.value.startswith(_OURS) for point in points or ()):
        return None
    if content is None:
        return str(points)
    fill = content.fill
    if isinstance(fill, FunctionType) and "<" not in fill.__qualname__:
        return f"{points} {fill.__module__}.{fill.__qualname__} {content.now}"
    return f"{points} {fill!r} {content.now}" if getattr(fill, "__dataclass_params__", None) else None
