"""The order in which the suite hands its tests to workers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import LONGEST, dealt

ROOT = Path(__file__).parents[2]
FILES = [f"tests/a{number}.py::test_b" for number in range(600)]


def test_what_is_called_long_is_there() -> None:
    """Else a renamed test would be last again, without anybody noticing."""
    assert [name for names in LONGEST for name in names if not (ROOT / name.partition("::")[0]).exists()] == []


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_each_worker_begins_with_something_long_and_no_test_is_lost(workers: int) -> None:
    long = [f"{name}{number}" for names in LONGEST for name in names for number in range(3)]
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in (*FILES, *long)]
    found = [item.nodeid for item in dealt(items, workers)]
    assert sorted(found) == sorted([*FILES, *long])
    stretches, left = [], found
    for number in range(workers):  # as xdist cuts them
        most = len(left) // (workers - number)
        stretches.append(left[:most])
        left = left[most:]
    for stretch in stretches:
        kinds = [name in long for name in stretch]
        assert kinds[0]
        assert kinds == sorted(kinds, reverse=True), "what is long comes first"


def test_a_few_tests_are_dealt_as_well() -> None:
    items: list[Any] = [SimpleNamespace(nodeid=f"tests/browser/a{number}") for number in range(7)]
    assert len(dealt([*items, SimpleNamespace(nodeid=FILES[0])], 3)) == 8
