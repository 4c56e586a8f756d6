"""Links: by id or by what people call a record, with the nearest match where there is none."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.entities.records import EntityRecords
from core.platform import Platform
from core.testkit.fixtures import MakeTenant, People
from sdk import Draft, Invalid, parse_where, where
from sdk.context import id_of
from tests.entities.conftest import codes

type_make = Callable[..., UUID]


def test_a_link_is_given_by_id_or_by_name(things: EntityRecords, make: type_make) -> None:
    whole = make("Whole One", code="w1")
    for given in (str(whole), whole, "Whole One", " Whole One ", "w1"):
        assert things.create({"name": "part", "whole": given})["whole"] == whole


def test_a_name_that_nobody_has_is_refused_with_the_nearest(things: EntityRecords, make: type_make) -> None:
    make("GTX Pro")
    make("Other")
    with pytest.raises(Invalid) as caught:
        things.create({"name": "x", "whole": "GTXPro"})
    (problem,) = caught.value.problems
    assert (problem.field, problem.code, problem.params["nearest"]) == ("whole", "no_such_record", "GTX Pro")
    assert "'GTX Pro'" in str(problem)


def test_of_many_names_that_differ_in_a_few_signs_the_nearest_is_the_one_beside_it(platform: Platform, things: EntityRecords) -> None:
    names = [f"Customer {number:04}" for number in range(1_200)]
    things.write([Draft("create", {"name": name}) for name in names])
    asked: list[str] = []
    sa.event.listen(platform.database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    wrong = [Draft("create", {"name": "x", "whole": f"Customer {number:04}x"}) for number in range(1_100, 1_110)]
    near = [one.refusal.problems[0].params["nearest"] for one in things.write(wrong) if one.refusal is not None]
    assert near == names[1_100:1_110]
    assert not [one for one in asked if "LIMIT" in one.upper() and "lower" in one], "nobody reads a thousand titles for each"


def test_a_name_like_no_other_has_no_nearest(things: EntityRecords, make: type_make) -> None:
    make("Other")
    with pytest.raises(Invalid) as caught:
        things.create({"name": "x", "whole": "zzz"})
    assert "nearest" not in caught.value.problems[0].params


def test_names_that_nobody_has_are_refused_by_row_with_hints_for_the_first_and_few_questions(
    platform: Platform, things: EntityRecords, make: type_make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wrong names a file holds, and in however many batches they come: who looks for 20,000 of them keeps everybody waiting."""
    monkeypatch.setattr("core.entities.nearest.MOST", 100)
    make("Part 0")
    asked: list[str] = []
    sa.event.listen(platform.database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    drafts = [Draft("create", {"name": "x", "whole": f"Part {number}x"}) for number in range(130)]
    outcomes = [one for start in range(0, 130, 65) for one in things.write(drafts[start : start + 65])]
    problems = [outcome.refusal.problems[0] for outcome in outcomes if outcome.refusal is not None]
    assert [problem.params.get("nearest") for problem in problems] == ["Part 0"] * 100 + [None] * 30
    assert len([one for one in asked if "LIMIT" in one.upper()]) <= 4
    again = things.write(drafts[:1] + drafts[-1:])
    assert [one.refusal.problems[0].params.get("nearest") for one in again if one.refusal is not None] == ["Part 0", None]


def test_a_name_that_two_have_is_ambiguous(things: EntityRecords, make: type_make) -> None:
    make("Twin")
    make("Twin")
    with pytest.raises(Invalid) as caught:
        things.create({"name": "x", "whole": "Twin"})
    assert codes(caught.value) == {("whole", "ambiguous")}


def test_one_record_that_two_of_its_fields_name_alike_is_not_ambiguous(things: EntityRecords, make: type_make) -> None:
    whole = make("same", code="same")
    assert things.create({"name": "x", "whole": "same"})["whole"] == whole


def test_a_sibling_link_narrows_a_name(system: Work, things: EntityRecords) -> None:
    boards, lanes = system.records("probe.board"), system.records("probe.lane")
    left, right = (id_of(boards.create({"name": name})) for name in ("left", "right"))
    lane = {board: id_of(lanes.create({"board": str(board), "name": "first"})) for board in (left, right)}
    assert things.create({"name": "x", "board": "right", "lane": "first"})["lane"] == lane[right]
    row = things.create({"name": "x", "board": str(left), "lane": "first"})
    assert row["lane"] == lane[left]
    with pytest.raises(Invalid) as caught:
        things.create({"name": "x", "lane": "first"})
    assert codes(caught.value) == {("lane", "ambiguous")}


def test_a_link_to_a_deleted_record_or_to_another_tenants_is_refused(
    things: EntityRecords, make: type_make, platform: Platform, make_tenant: MakeTenant
) -> None:
    gone = make("gone")
    things.delete(gone)
    foreign = id_of(platform.system(make_tenant("other").id).records("probe.thing").create({"name": "foreign"}))
    for target in (gone, foreign, "gone", "foreign"):
        with pytest.raises(Invalid) as caught:
            things.create({"name": "x", "whole": str(target)})
        assert codes(caught.value) == {("whole", "no_such_record")}
        assert "nearest" not in caught.value.problems[0].params


def test_a_link_leads_to_what_its_writer_sees(make: type_make, people: People, work_as: Callable[..., Work]) -> None:
    """Neither the id nor the name of a colleague's record can be used, nor does the nearest match name it."""
    theirs = make("Secret Whole", owner=str(people.reps[1][0]))
    mine = work_as(people.rep).records("probe.thing")
    for given in (str(theirs), "Secret Whole", "Secret Whol"):
        with pytest.raises(Invalid) as caught:
            mine.create({"name": "x", "whole": given})
        assert codes(caught.value) == {("whole", "no_such_record")}
        assert "nearest" not in caught.value.problems[0].params


def test_a_link_that_did_not_change_stays_valid_when_its_writer_no_longer_sees_the_target(
    things: EntityRecords, make: type_make, people: People, work_as: Callable[..., Work]
) -> None:
    whole = make("whole", owner=str(people.rep))
    part = make("part", owner=str(people.rep), whole=str(whole))
    things.update(whole, {"owner": str(people.reps[1][0])})
    row = work_as(people.rep).records("probe.thing").update(part, {"whole": str(whole), "size": 3})
    assert (row["whole"], row["size"]) == (whole, 3)


def test_a_link_to_an_entity_that_the_tenant_does_not_have_is_no_field(things: EntityRecords, make: type_make) -> None:
    assert "partner" not in things.fields()
    assert "partner" not in things.get(make("x"))


def test_records_are_found_by_a_links_name_or_id(things: EntityRecords, make: type_make) -> None:
    whole, other = make("whole"), make("other")
    part, lone = make("part", whole=str(whole)), make("lone", whole=str(other))
    for clause in (f"whole={whole}", "whole=whole", "whole[in]=whole,nobody", f"whole[in]=nobody,{whole}"):
        assert [row["id"] for row in things.find(parse_where([clause]))] == [part], clause
    assert [row["id"] for row in things.find(where(whole=whole))] == [part]
    assert {row["id"] for row in things.find(parse_where(["whole[ne]=whole"]))} == {whole, other, lone}
    assert {row["id"] for row in things.find(parse_where([f"whole[ne]={whole}"]))} == {whole, other, lone}


def test_teams_and_managers_form_trees(system: Work) -> None:
    teams = system.records("core.team")
    top = id_of(teams.create({"name": "top"}))
    low = id_of(teams.create({"name": "low", "parent": str(top)}))
    for id, parent in ((top, low), (top, top)):
        with pytest.raises(Invalid) as caught:
            teams.update(id, {"parent": str(parent)})
        assert codes(caught.value) == {("parent", "circle")}


def test_a_role_that_does_not_exist_cannot_be_given(system: Work) -> None:
    with pytest.raises(Invalid) as caught:
        system.records("core.user").create({"name": "x", "roles": ["emperor"]})
    assert codes(caught.value) == {("roles", "no_such_record")}
