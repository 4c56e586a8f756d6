"""Where a small world leaks first, once something in the house is broken."""

from __future__ import annotations

from core.testkit.leaks.kit import Kit, Leak, compare
from core.testkit.leaks.oracle import Oracle
from core.testkit.leaks.rereading import rereading
from core.testkit.leaks.world import World
from tests.testkit.conftest import SMALL

type_twins = tuple[World, World, Oracle]


def first_leak(kit: Kit, twins: type_twins, kinds: str = "") -> Leak | None:
    """Ask, of all kinds or of some, until an answer tells too much; the worlds are looked at afresh, as statements and answers are kept."""
    one, other, oracle = twins
    one.platform._shapes.clear()
    try:
        allows = one.allows
        one, other = World(one.platform, one.cast, 0), World(other.platform, other.cast, 1)
        one.allows = other.allows = allows
        asked = (
            one_
            for one_ in kit.questions(one, oracle, 1, SMALL, beside=False)
            if one_.kind != "duplicates" and (not kinds or one_.kind in kinds.split())
        )
        with rereading(one, other) as answers:
            return next((leak for question in asked if (leak := compare(question, one, other, answers)) is not None), None)
    finally:
        one.platform._shapes.clear()
