"""Plugins that some tenant has on and whose package is gone, though nobody took them out."""

from __future__ import annotations

from collections.abc import Collection

from core.data import migrate
from core.data.engine import Database
from core.data.migrate import Branch
from core.extension import gate
from core.extension.calls import Calls
from core.extension.discover import Found, State


def note_vanished(calls: Calls, database: Database, core: Branch, installed: Collection[str]) -> None:
    """Show them with the others. One that is installed, and that `plugins` leaves out, is meant to be away."""
    if migrate.behind(database, [core]):
        return
    with database.begin(write=False, tenant=None) as connection:
        wanted = gate.switched_on(connection)
    for name in sorted(wanted - {*installed, *calls.states}):
        reason = (
            f"its package is not installed any more, and some tenant has it on; its data are kept: install it again, or run `dealwright plugin "
            f"disable {name} --tenant TENANT`, after which `dealwright plugin remove {name} --purge` deletes them"
        )
        calls.states[name] = Found(name, "", State.VANISHED, reason)
