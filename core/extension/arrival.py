"""Plugins that have been upgraded, or are new: written down, and each tenant brought along in the background."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa

from core.data.migrate import Branch, type_moved
from core.entities import journal
from core.events.states import NotYet
from core.extension import declared, failures
from core.extension.declared import Kept
from core.tenancy import lifecycle
from core.tenancy.tables import tenants
from sdk import Context, Job, _

if TYPE_CHECKING:
    from core.context import Work
    from core.platform import Platform

JOB = "after_upgrade"


def arrived(platform: Platform, branches: Sequence[Branch], known: Mapping[str, Kept], moved: type_moved) -> None:
    """Write down what changed among these plugins since they were `known`, and put what follows into the outbox of each tenant that has them.

    A job and no call: other plugins may be behind still, and what fails is tried again. Where nothing was ever written down,
    nobody can say what changed, so nothing follows.
    """
    schemas = {plugin for plugin, _before, _after in moved}
    changed = [branch for branch in branches if branch.plugin in schemas or _is_new(platform, branch.plugin, known)]
    declared.keep(platform, changed)
    with platform.database.begin_as_owner() as connection:
        for branch in changed:
            failures.forget(connection, branch.plugin)
    follows = [
        {"plugin": branch.plugin, "before": there.version if there else None, "after": declared.version_of(platform, branch.plugin)}
        for branch in changed
        if (there := known.get(branch.plugin)) is None or _concerns_tenants(platform, branch.plugin)
    ]
    for work in _everywhere(platform) if known and follows else ():
        mine = [one for one in follows if (name := str(one["plugin"])) in work.enabled or platform.gate.holds(work.tenant.id, name)]
        if mine:
            with work.transaction(write=True):
                journal.ask(work, f"core.{JOB}", mine, as_system=True)


def _is_new(platform: Platform, plugin: str, known: Mapping[str, Kept]) -> bool:
    there = known.get(plugin)
    return there is None or (there.version, there.declared) != (
        declared.version_of(platform, plugin),
        declared.declared_by(platform, plugin),
    )


def _concerns_tenants(platform: Platform, plugin: str) -> bool:
    """It has roles, which are records of tenants, or something to do itself."""
    hears = any(owner == plugin for owner, _function in platform.calls.implementers("after_upgrade"))
    return hears or any(owner == plugin for owner, _role in platform.catalog.roles.values())


def _everywhere(platform: Platform) -> Iterator[Work]:
    """The system in every tenant, those that are suspended too: what waits for them waits until they are back."""
    with platform.database.begin(write=False, tenant=None) as connection:
        rows = connection.execute(sa.select(tenants).order_by(tenants.c.name)).all()
    for row in rows:
        with platform.database.begin(write=False, tenant=None) as connection:
            enabled = platform.gate.enabled(connection, row.id, row.access_version)
        yield lifecycle.standing(platform, row).having(enabled)


def settle(ctx: Context, arguments: Mapping[str, object]) -> None:
    """Bring one tenant along with one plugin. Where it is off it is told when it is on again; where it is held this waits.

    Raises NotYet.
    """
    work, plugin = cast("Work", ctx), str(arguments["plugin"])
    if work.platform.gate.holds(work.tenant.id, plugin):
        raise NotYet(_("{plugin} waits for approval"), plugin=plugin)
    if plugin not in work.enabled:
        return
    with work.transaction(write=True):
        if arguments["before"] is None:
            lifecycle.welcome(work, frozenset({plugin}))
            return
        lifecycle.ensure_roles(work)
        before, after = str(arguments["before"]), str(arguments["after"])
        work.platform.calls.moment("after_upgrade", frozenset({plugin}), ctx=work, before=before, after=after)


JOBS: Sequence[Job] = (Job(JOB, settle, label=_("Update records after an upgrade")),)
