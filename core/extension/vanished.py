"""Plugins that are to be there, as some tenant has them on, and whose package is gone, though nobody took them out."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from core.data import migrate
from core.data.engine import Database
from core.data.migrate import Branch
from core.extension import gate
from core.extension.calls import Calls
from core.extension.discover import Found, State
from core.extension.said import said
from sdk import _

if TYPE_CHECKING:
    from core.platform import Platform

log = logging.getLogger("dealwright.extension")
REMOVED = said(_("its package was removed while the server was running: install it again, then restart the server"))


def note_vanished(calls: Calls, database: Database, core: Branch, installed: Collection[str]) -> None:
    """Show them with the others. One that is installed, and that `plugins` leaves out, is meant to be away."""
    if migrate.behind(database, [core]):
        return
    with database.begin(write=False, tenant=None) as connection:
        wanted = gate.switched_on(connection)
    for name in sorted(wanted - {*installed, *calls.states}):
        text = _(
            "its package is not installed any more, and some tenant has it on; its data are kept: install it again, or run `dealwright plugin "
            "disable {name} --tenant TENANT`, after which `dealwright plugin remove {name} --purge` deletes them"
        )
        calls.states[name] = Found(name, "", State.VANISHED, said(text, name=name))


def as_now(platform: Platform) -> list[Found]:
    """The plugins of a platform in their states of this moment: what has vanished since it was booted, and what nobody has on any more."""
    found = [one.but(State.VANISHED, REMOVED) if _is_removed(platform, one) else one for one in platform.plugins]
    if not any(_is_lost(one) for one in found):
        return found
    try:
        with platform.database.begin(write=False, tenant=None) as connection:
            wanted = gate.switched_on(connection)
    except SQLAlchemyError:  # who asks for the plugins hears of the database elsewhere
        log.warning("who has plugins on that have vanished is not known", exc_info=True)
        return found
    return [one for one in found if one.name in wanted or not _is_lost(one)]


def _is_lost(found: Found) -> bool:
    """Whether it is shown for no other reason than that some tenant has it on."""
    return found.state is State.VANISHED and found.module is None and found.installed


def _is_removed(platform: Platform, found: Found) -> bool:
    folder = platform.folders.get(found.name)
    return found.serves and folder is not None and not folder.is_dir()
