"""The schema of plugins brought up to their code, after each has been asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data import migrate
from core.data.migrate import Branch, type_moved
from core.extension import arrival, declared
from core.extension.declared import Kept
from sdk import Conflict, _

if TYPE_CHECKING:
    from core.platform import Platform


@dataclass(frozen=True)
class Place:
    """See `sdk.Installation`."""

    dialect: str
    server: tuple[int, ...]


def upgrade_all(platform: Platform, branches: Sequence[Branch]) -> type_moved:
    """Bring each plugin, in order, to its newest revision; returns what moved. One that refuses is left as it was, and those after it.

    Raises Conflict where the database is at a revision that the code does not know, and whatever a plugin or a migration raises.
    """
    before, moved = _kept(platform), type_moved()
    for branch in branches:
        _ask_if_behind(platform, branch)
        mine = migrate.upgrade(platform.database, [branch])
        arrival.arrived(platform, [branch], before, mine)
        moved += mine
    return moved


def upgrade_as_one(platform: Platform, branches: Sequence[Branch]) -> type_moved:
    """All of them in one transaction, after all have been asked: where one refuses or fails, schema and data of all are as they were.

    Raises Conflict where the code does not fit what is there (see `check_fit`), and whatever a plugin or a migration raises.
    """
    check_fit(platform)
    before = _kept(platform)
    ask_all(platform, branches)
    moved = migrate.upgrade_together(platform.database, branches)
    arrival.arrived(platform, branches, before, moved)
    return moved


def ask_all(platform: Platform, branches: Sequence[Branch]) -> None:
    """Raise what a plugin has against its upgrade, before anything moves."""
    for branch in branches:
        _ask_if_behind(platform, branch)


def check_fit(platform: Platform) -> None:
    """Raise Conflict where a plugin that served at the last upgrade does not with the code that is here now, with everybody's reason.

    To move the schema on would lock it out: neither its old code nor its new one would fit what is there.
    """
    served = _kept(platform)
    ill = {found.name: found for found in platform.plugins if found.is_ill and found.name in served}
    if ill:
        reasons = "; ".join(f"{name} is {found.state.value}: {found.reason.strip().splitlines()[-1]}" for name, found in ill.items())
        text = _("nothing was upgraded, because {names} would no longer work ({reasons}); fix that, or leave them out of `plugins`")
        raise Conflict(text, code="plugins_do_not_fit", names=", ".join(ill), reasons=reasons)


def upgrade_or_none(platform: Platform, branches: Sequence[Branch]) -> type_moved:
    """All of them, or, where one fails, each goes back to where it stood."""
    before, known = {branch: _stand(platform, branch)[0] for branch in branches}, _kept(platform)
    try:
        ask_all(platform, branches)
        moved = migrate.upgrade_together(platform.database, branches)
    except BaseException:
        for branch in branches:
            if before[branch] is None:
                migrate.forget(platform.database, branch)
        raise
    arrival.arrived(platform, branches, known, moved)
    return moved


def _kept(platform: Platform) -> dict[str, Kept]:
    with platform.database.reading_as_owner() as connection:
        return declared.kept(connection)


def _ask_if_behind(platform: Platform, branch: Branch) -> None:
    there, here = _stand(platform, branch)
    if here is not None and there != here:
        _check_known(branch, there)
        _ask(platform, branch.plugin, there, here)


def _stand(platform: Platform, branch: Branch) -> tuple[str | None, str | None]:
    with platform.database.reading_as_owner() as connection:
        return migrate.current(connection, branch), branch.head()


def _check_known(branch: Branch, there: str | None) -> None:
    if there is not None and there not in {script.revision for script in branch.scripts().walk_revisions()}:
        text = _("the data of {name!r} is at revision {there}, which its code doesn’t know; install a newer version")
        raise Conflict(text, code="unknown_revision", name=branch.plugin, there=there)


def _ask(platform: Platform, plugin: str, before: str | None, after: str) -> None:
    engine = platform.database.engine
    with platform.database.reading_as_owner() as connection:
        place = Place(engine.dialect.name, tuple(int(part) for part in connection.dialect.server_version_info or ()))
    platform.calls.moment("before_upgrade", frozenset({plugin}), ctx=place, before=before, after=after)
