"""The plugins of this repository are put to the rules that third parties are put to by `dealwright plugin check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from core.testkit.rules import RULES, Package, Rule, bench, judged, package_of
from tests.probe.fixtures import OURS

ELSEWHERE = {"reversible"}
"""Takes each plugin down with all that build on it: `tests/data/test_migrations` does so on both databases."""


@pytest.fixture(scope="module")
def packages() -> Iterator[Sequence[Package]]:
    """All plugins of this repository on one bench."""
    with bench(OURS) as booted:
        yield [package_of(point, booted) for point in OURS]


@pytest.mark.feature("P10", "P34", "P37")
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.key not in ELSEWHERE], ids=lambda rule: rule.key)
def test_every_plugin_of_ours_keeps_the_contract(packages: Sequence[Package], rule: Rule) -> None:
    broken = {}
    for package in packages:
        (verdict,) = judged(package, [rule])
        if verdict.broken != ():
            broken[package.name] = verdict.broken
    assert not broken, f"{broken}; why: {rule.reason}; cure: {rule.cure}"
