"""Where plugins are put to the rules: a platform of its own in a passing folder, on SQLite, with every schema upgraded."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path

from core.config import Config
from core.data import migrate
from core.extension.discover import State
from core.platform import Platform, boot


@contextmanager
def bench(points: Sequence[EntryPoint]) -> Iterator[Platform]:
    """The platform of these plugins; one whose migrations fail is out of force with the reason."""
    with tempfile.TemporaryDirectory(prefix="dealwright-") as folder:
        booted = boot(Config(Path(folder), f"sqlite:///{folder}/bench.sqlite3"), entry_points=points, check_schema=False)
        try:
            for branch in booted.branches():
                try:
                    migrate.upgrade(booted.database, [branch])
                except Exception as failure:  # whatever a migration raises: the plugin is shown as failed
                    if branch.plugin not in booted.calls.states:
                        raise
                    booted.calls.drop(branch.plugin, State.FAILED, _told(failure, branch.directory.parent))
            yield booted
        finally:
            booted.close()


def _told(failure: BaseException, folder: Path) -> str:
    """Where it was raised, from the plugin's own files on: nobody mends the way to them."""
    place = failure.__traceback__
    while place is not None and not Path(place.tb_frame.f_code.co_filename).is_relative_to(folder):
        place = place.tb_next
    return "".join(traceback.format_exception(type(failure), failure, place))
