"""The schema of plugins brought up to their code, after each has been asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data import migrate
from core.data.migrate import Branch
from sdk import Conflict, _

if TYPE_CHECKING:
    from core.platform import Platform

type_moved = list[tuple[str, str | None, str | None]]


@dataclass(frozen=True)
class Place:
    """See `sdk.Installation`."""

    dialect: str
    server: tuple[int, ...]


def upgrade_all(platform: Platform, branches: Sequence[Branch]) -> type_moved:
    """Bring each plugin, in order, to its newest revision; returns what moved. One that refuses is left as it was, and those after it.

    Raises Conflict where the database is at a revision that the code does not know, and whatever a plugin or a migration raises.
    """
    moved: type_moved = []
    for branch in branches:
        there, here = _stand(platform, branch)
        if here is not None and there != here:
            _check_known(branch, there)
            _ask(platform, branch.plugin, there, here)
        moved += migrate.upgrade(platform.database, [branch])
    return moved


def upgrade_or_none(platform: Platform, branches: Sequence[Branch]) -> type_moved:
    """All of them, or, where one fails, each goes back to where it stood."""
    before = {branch: _stand(platform, branch)[0] for branch in branches}
    try:
        return upgrade_all(platform, branches)
    except BaseException:
        for branch in reversed(branches):
            if _stand(platform, branch)[0] != before[branch]:
                migrate.downgrade(platform.database, branch, before[branch] or "base")
            if before[branch] is None:
                migrate.forget(platform.database, branch)
        raise


def _stand(platform: Platform, branch: Branch) -> tuple[str | None, str | None]:
    with platform.database.reading_as_owner() as connection:
        return migrate.current(connection, branch), branch.head()


def _check_known(branch: Branch, there: str | None) -> None:
    if there is not None and there not in {script.revision for script in branch.scripts().walk_revisions()}:
        text = _("the data of {name!r} are at revision {there}, which its code does not know; install a newer version")
        raise Conflict(text, code="unknown_revision", name=branch.plugin, there=there)


def _ask(platform: Platform, plugin: str, before: str | None, after: str) -> None:
    engine = platform.database.engine
    with platform.database.reading_as_owner() as connection:
        place = Place(engine.dialect.name, tuple(int(part) for part in connection.dialect.server_version_info or ()))
    platform.calls.moment("before_upgrade", frozenset({plugin}), ctx=place, before=before, after=after)
