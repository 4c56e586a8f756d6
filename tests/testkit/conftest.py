"""The leak kit over a small world: a few entities, and one user whose rights differ from record to record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.policy.grants import Grant
from core.testkit.leaks.custom import CASE, STEP
from core.testkit.leaks.kit import Kit
from core.testkit.leaks.oracle import Oracle
from core.testkit.leaks.rights import type_rights
from core.testkit.leaks.world import World
from core.testkit.templates import Templates
from sdk import Scope
from tests.probe.fixtures import POINTS

SMALL = ("probe.thing", "probe.part", "probe.lane", "probe_more.diary", "core.user", "customers.account", "customers.contact", CASE, STEP)
"""The entities that are asked about."""
RIGHTS: type_rights = {
    "probe.thing.read": (
        Grant(Scope.OWN), Grant(Scope.TEAM, frozenset({"name", "tier", "board", "lane", "whole", "size", "email", "probe_more.board", "probe_more.friend"})),
    ),
    "probe.thing.update": (Grant(Scope.OWN, frozenset({"size", "owner"})), Grant(Scope.TEAM, frozenset({"name", "board"}))),
    "probe.thing.create": (Grant(Scope.OWN),),
    "probe.board.read": (Grant(Scope.ALL, frozenset({"created_at"})),),
    "probe.lane.read": (Grant(Scope.ALL, frozenset({"board", "probe_more.since", "probe_more.mark"})),),
    "probe.part.read": (Grant(Scope.PARENT),), "probe_more.diary.read": (Grant(Scope.ALL),),
    "core.user.read": (Grant(Scope.ALL, frozenset({"name", "team"})),),
    "customers.account.read": (Grant(Scope.ALL, frozenset({"name", "city", "owner", "tier", "parent", "customers.answers"})),),
    "customers.account.update": (Grant(Scope.ALL, frozenset({"notes", "industry", "owner"})),),
    "customers.account.reassign": (Grant(Scope.NONE),),
    "customers.contact.read": (
        Grant(Scope.OWN), Grant(Scope.TERRITORY, frozenset({"name", "account"})), Grant(Scope.SUBORDINATES, frozenset({"name", "title"})),
    ),
    "customers.contact.create": (Grant(Scope.OWN),),
    "customers.invitation.read": (Grant(Scope.OWN), Grant(Scope.ALL, frozenset({"survey", "contact", "answered_at", "comment"}))),
    "customers.survey.read": (Grant(Scope.ALL, frozenset({"kind"})),),
    f"{CASE}.read": (Grant(Scope.ALL, frozenset({"name", "custom.leaks_last"})), Grant(Scope.TEAM, frozenset({"custom.leaks_mark"})), Grant(Scope.OWN)),
    f"{CASE}.update": (Grant(Scope.OWN, frozenset({"name", "custom.leaks_worth"})), Grant(Scope.ALL, frozenset({"custom.leaks_due"}))),
    f"{STEP}.read": (Grant(Scope.ALL, frozenset({"name", "parent", "custom.leaks_on", "custom.leaks_above"})), Grant(Scope.OWN)),
}  # fmt: skip
ALLOWS = [
    "probe.thing.read:name,tier,board,whole,size,probe_more.board", "probe.thing.update", "probe.lane.read:board,probe_more.since", "core.user.read:name",
    "customers.account:name,city,notes", "customers.contact.read:name,account,title", "customers.invitation", f"{CASE}.read:name,custom.leaks_mark",
]  # fmt: skip
"""What a token of that user may do: of some of it fewer fields, and of parts, diaries and steps nothing."""


@pytest.fixture(scope="session")
def small_kit(sqlite_templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """The kit over customers and the probes, asking all that there is to ask."""
    return Kit(sqlite_templates, Path(tmp_path_factory.mktemp("leaks")), POINTS, deep=True)


@pytest.fixture(scope="session")
def token_twins(small_kit: Kit) -> Iterator[tuple[World, World, Oracle]]:
    """The same, of a token with an allow-list, whose user may do more."""
    with small_kit.twins(lambda _world: RIGHTS, lambda _world, _given: ALLOWS) as (one, other, oracle, _changed):
        yield one, other, oracle


@pytest.fixture(scope="session")
def small_twins(small_kit: Kit) -> Iterator[tuple[World, World, Oracle]]:
    """Two worlds that differ in what the user of `RIGHTS` does not see."""
    with small_kit.twins(lambda _world: RIGHTS) as (one, other, oracle, changed):
        assert changed.cells > 500
        assert min(changed.added, changed.removed, changed.told) > 0
        yield one, other, oracle
