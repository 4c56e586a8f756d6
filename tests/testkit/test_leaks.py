"""Nobody learns what he may not see: every way to ask, of every entity of every installed plugin, as users of random roles.

`DEALWRIGHT_LEAK_USERS=20` asks all as so many users, `DEALWRIGHT_LEAKS=deep` asks each of them for every operator, order, link and sum.
The usual run asks about a sixth of the entities on SQLite, each by some of the ways that there are to filter, order and sum, by a token about one of 18,
and on PostgreSQL about one of 24: others each day (see `tests.day`).
`DEALWRIGHT_TESTS=all` asks three users about all, on PostgreSQL one, and each of both worlds whatever the other says.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.testkit.leaks.custom import CASE, STEP
from core.testkit.leaks.kit import Kit, Report, users
from core.testkit.templates import Templates
from tests.day import AGAIN, DAY
from tests.probe.fixtures import OURS, PROBE, PROBE_MORE
from tests.testkit.ours import WAIVERS, WORKED_OUT

POINTS = (*OURS, PROBE, PROBE_MORE)
ASKED = {
    "list", "get", "filter", "sort", "search", "fields", "include", "report", "file", "history", "timeline", "batch", "write", "trespass", "webhook",
    "route", "openapi", "meta", "export", "past", "explain", "bin", "absorbed", "page", "refusal",
}  # fmt: skip


ALL = os.environ.get("DEALWRIGHT_TESTS") == "all"
BY_TOKEN, WORDED = {"list", "get"}, {"refusal"}
"""What a token asks in a usual run: how its list narrows rights is the same for all. And what has the same words on both databases."""
SELDOM = {"write", "absorbed"}
"""What there is to ask of a few entities alone, so that some days ask none of it."""
FEW, MANY = 2, users(3 if ALL else 0)
"""How many users: of a usual run, and of a long one."""
SIXTHS, PARTS, TOKEN_PARTS = 1 if MANY else 6, 1 if ALL else 24, 1 if MANY else 18
"""SQLite, PostgreSQL and a token are asked about a part of the entities, another each day; or about all at once."""


@pytest.fixture(scope="module")
def kit(sqlite_templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """The kit over all our plugins and the probes."""
    folder = Path(tmp_path_factory.mktemp("all-leaks"))
    deep = os.environ.get("DEALWRIGHT_LEAKS") == "deep"
    return Kit(sqlite_templates, folder, POINTS, WAIVERS, worked_out=WORKED_OUT, deep=deep, whole=ALL, pages=40)


@pytest.fixture(scope="module")
def names(kit: Kit) -> list[str]:
    """All entities, those among them that the tenant has made."""
    with kit.worlds() as (one, _other):
        assert {CASE, STEP, "customers.account"} <= {name for name, shape in one.shapes.items() if shape.custom}
        return sorted(one.shapes)


def judged(report: Report) -> Report:
    print(report)
    assert not report.leaks, f"with {AGAIN}: {report}"
    return report


@pytest.mark.feature("B5")
@pytest.mark.feature("B6")
@pytest.mark.timeout(3600 if MANY else 600)
@settings(
    max_examples=1, phases=[Phase.generate], derandomize=not users(0), database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(seeds=st.lists(st.integers(0, 1_000_000), min_size=MANY or FEW, max_size=MANY or FEW, unique=True))
def test_nothing_that_is_hidden_changes_an_answer(kit: Kit, names: list[str], seeds: list[int]) -> None:
    """Each of a few users is asked about a part of the entities; each of many about all, as a token with an allow-list is, in what lists narrow."""
    report, asked = Report(), names[DAY % SIXTHS :: SIXTHS]
    for number, seed in enumerate(seeds):
        beside = True if MANY else None if number == 0 else False
        kit.run([seed], names if MANY else asked[number::FEW], beside=beside, into=report)
    by_token = names[DAY % TOKEN_PARTS :: TOKEN_PARTS]
    kit.run(seeds[:1], by_token, beside=False, into=report, by_token=True, kinds=None if MANY else BY_TOKEN)
    judged(report)
    assert report.entities >= {*asked}
    assert len(names) >= 80
    assert report.tokens == 1
    assert {*report.kinds} >= (ASKED if MANY else ASKED - SELDOM)
    for changed in report.changed:
        assert changed.cells > 1000
        assert min(changed.added, changed.removed, changed.told) > 10


@pytest.mark.feature("B6")
def test_what_is_shown_changes_the_answers(kit: Kit, names: list[str]) -> None:
    """Else the kit would be deaf: another value in whatever is seen is noticed by each way to ask, of some of the entities."""
    entities = sorted({*names[::5], "customers.account", "customers.contact", "leads.lead", "pipeline.deal", "teamwork.task"})
    left = {"list", "get", "filter", "sort", "search", "include", "report", "history", "timeline", "export", "past"}
    for seed in (4, 5):  # one person may see nothing of what a timeline is made of
        control = kit.control(seed, entities, left)
        assert not control.deaf
        left -= control.noticed
    assert not left


@pytest.mark.feature("B6")
@pytest.mark.timeout(3600 if ALL else 300)
def test_nothing_that_is_hidden_changes_an_answer_of_postgresql(
    postgresql_templates: Templates | str, tmp_path: Path, kit: Kit, names: list[str]
) -> None:
    """A part of the entities, another each day, or all: the statements are the same, what a database makes of them may differ."""
    if isinstance(postgresql_templates, str):
        if os.environ.get("DEALWRIGHT_REQUIRE_SERVERS") == "1":
            pytest.fail(f"no PostgreSQL: {postgresql_templates}")
        pytest.skip(f"no PostgreSQL: {postgresql_templates}")
    there = Kit(postgresql_templates, tmp_path, POINTS, WAIVERS, worked_out=WORKED_OUT, deep=kit.deep, pages=10)
    entities = names[DAY % PARTS :: PARTS]
    report = judged(there.run([2], entities, kinds={*ASKED, "duplicates"} - WORDED))
    assert report.entities >= {*entities}
    assert {*report.kinds} >= {"list", "report", "file", "webhook", "page"}
