"""Several records become one: what is turned round, what is refused, what an undo gives back, and who is told what."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.entities.merge import Merged, merge
from core.entities.records import EntityRecords
from core.entities.unmerge import unmerge
from core.platform import Platform
from core.testkit.fixtures import Api, People
from sdk import Conflict, Forbidden, Invalid, NotFound, Refusal, Tenant, where
from sdk.context import id_of
from tests.entities.conftest import audit_of, codes, journal_of
from tests.probe.tables import Part, Thing

THING, THINGS = "probe.thing", "/api/v1/probe/things"
type_make = Callable[..., UUID]
type_work_as = Callable[..., Work]


def merged(work: Work, survivor: UUID, *losers: UUID, entity: str = THING, picks: dict[str, UUID] | None = None) -> Merged:
    return merge(work, work.platform.catalog.entities[entity], survivor, losers, picks or {})


def undone(work: Work, survivor: UUID, done: Merged) -> list[tuple[str, UUID, list[str]]]:
    assert done.id is not None
    return unmerge(work, work.platform.catalog.entities[THING], survivor, done.id).conflicts


@pytest.mark.feature("E10")
def test_a_unique_value_passes_on_and_comes_back_and_empty_fields_are_filled_in_order(
    system: Work, things: EntityRecords, make: type_make
) -> None:
    one, two, three = (
        make("one", size=1),
        make("two", code="c2", note="of two"),
        make("three", code="c3", note="of three", day="2026-02-03"),
    )
    done = merged(system, one, two, three, picks={"code": three})
    row = things.values([one])[one]
    assert (row["code"], row["note"], str(row["day"]), row["size"]) == ("c3", "of two", "2026-02-03", 1)
    assert things.values([two, three]) == {}
    things.update(one, {"note": "changed since"})
    assert undone(system, one, done) == [(THING, one, ["note"])]
    rows = things.values([one, two, three])
    assert [(rows[id]["code"], rows[id]["note"]) for id in (one, two, three)] == [
        (None, "changed since"),
        ("c2", "of two"),
        ("c3", "of three"),
    ]
    actions = [[entry["action"] for entry in audit_of(system, id)] for id in (one, two)]
    assert actions == [["create", "merge", "update", "unmerge"], ["create", "merge", "unmerge"]]
    names = [event["name"] for event in journal_of(system)]
    assert names.count(f"{THING}.merged") == names.count(f"{THING}.unmerged") == 1 and names.count(f"{THING}.deleted") == 2


def test_what_lies_in_the_recycle_bin_and_what_a_plugin_that_is_off_keeps_is_turned_round_and_back(
    system: Work, things: EntityRecords, make: type_make, platform: Platform, tenant: Tenant
) -> None:
    one, two = make("one"), make("two")
    part = id_of(system.records("probe.part").create({"thing": two, "name": "gone"}))
    system.records("probe.part").delete(part)
    about = make("about", about=f"{THING}:{two}")
    done = merged(system, one, two)
    table = Part.table()
    with system.transaction():
        assert system.connection.execute(sa.select(table.c.thing_id).where(table.c.id == part)).scalar_one() == one
    assert str(things.values([about])[about]["about"]) == f"{THING}:{one}"
    assert undone(system, one, done) == []
    with system.transaction():
        assert system.connection.execute(sa.select(table.c.thing_id).where(table.c.id == part)).scalar_one() == two
    assert str(things.values([about])[about]["about"]) == f"{THING}:{two}"


def test_a_record_takes_the_place_of_what_becomes_part_of_it_and_points_to_itself_nowhere(
    system: Work, things: EntityRecords, make: type_make
) -> None:
    top = make("top")
    loser = make("loser", whole=top)
    field = {"entity": THING, "key": "kin", "kind": "link", "label": "Kin", "target": THING}
    system.records("core.custom_field").create(field)
    survivor = make("survivor", whole=loser, about=f"{THING}:{loser}", **{"custom.kin": loser})
    child = make("child", whole=loser, **{"custom.kin": loser})
    done = merged(system, survivor, loser)
    rows = things.values([survivor, child])
    assert (rows[survivor]["whole"], rows[child]["whole"]) == (top, survivor)
    assert (rows[survivor]["about"], rows[survivor]["custom.kin"], rows[child]["custom.kin"]) == (None, None, survivor)
    assert undone(system, survivor, done) == []
    rows = things.values([survivor, child])
    assert {rows[survivor]["whole"], rows[child]["whole"], rows[survivor]["custom.kin"], rows[child]["custom.kin"]} == {loser}
    assert str(rows[survivor]["about"]) == f"{THING}:{loser}"


@pytest.mark.feature("E10")
def test_a_link_to_an_old_id_lands_on_the_record_that_is_left_for_who_sees_it(
    system: Work, people: People, things: EntityRecords, make: type_make, work_as: type_work_as, client: Api
) -> None:
    one, two, three = (make(name, owner=str(people.rep)) for name in ("one", "two", "three"))
    merged(system, two, three)
    merged(system, one, two)
    part = system.records("probe.part").create({"thing": three, "name": "late"})
    about = things.create({"name": "about", "about": f"{THING}:{three}"})
    assert (part["thing"], str(about["about"])) == (one, f"{THING}:{one}")
    stranger = client.as_user(people.reps[1][0])
    assert client.as_user(people.rep).get(f"{THINGS}/{three}").headers["Location"] == f"{THINGS}/{one}"
    for path in ("", "/history", "/timeline", "/merges"):
        assert stranger.get(f"{THINGS}/{three}{path}").status_code == 404
    with pytest.raises(Invalid) as refused:
        work_as(people.reps[1][0]).records(THING).create({"name": "x", "whole": str(three)})
    assert codes(refused.value) == {("whole", "no_such_record")}
    with pytest.raises(Conflict) as restored:
        things.restore(three)
    assert restored.value.reason == "merged"


@pytest.mark.feature("B8")
def test_merging_needs_its_right_to_change_the_one_and_to_delete_the_others_and_nothing_to_what_moves(
    system: Work, people: People, make: type_make, work_as: type_work_as, client: Api
) -> None:
    rep, other = people.rep, people.reps[1][0]
    one, two, foreign = make("one", owner=str(rep)), make("two", owner=str(rep)), make("foreign", owner=str(other))
    hidden = make("hidden", owner=str(other), whole=two)
    work = work_as(rep)
    for losers in ((foreign,), (two, foreign)):
        with pytest.raises(NotFound):
            merged(work, one, *losers)
    (role,) = system.records("core.role").find(where(key="sales_rep"))
    grant = id_of(system.records("core.grant").create({"role": role["id"], "permission": "probe.thing.merge", "scope": "none"}))
    with pytest.raises(Forbidden):
        merged(work_as(rep), one, two)
    assert [row["record_id"] for row in audit_of(system) if row["action"] == "refused"] == [one]
    system.records("core.grant").delete(grant)
    assert client.as_user(people.rep, allows=[f"{THING}.read"]).post(f"{THINGS}/{one}/merges", {"losers": [str(two)]}).status_code == 403
    assert len([row for row in audit_of(system) if row["action"] == "refused"]) == 2
    done = merged(work_as(rep), one, two)
    assert (done.moved, system.records(THING).values([hidden])[hidden]["whole"]) == ({}, one), "it moves, and not a word of it"
    with pytest.raises(Invalid) as refused:
        merged(work_as(rep), one, two, one)
    assert codes(refused.value) == {("losers", "same_record")}


def test_a_value_is_picked_by_who_may_read_it_there_and_write_it_here(
    system: Work, people: People, make: type_make, work_as: type_work_as
) -> None:
    role = id_of(system.records("core.role").create({"key": "narrow", "name": "Narrow"}))
    for verb in ("read", "update", "delete"):
        fields = {"only_fields": ["name", "size"]} if verb != "delete" else {}
        system.records("core.grant").create({"role": str(role), "permission": f"{THING}.{verb}", "scope": "all", **fields})
    system.records("core.user").update(people.rep, {"roles": ["narrow"]})
    one, two = make("one", size=1, note="of one"), make("two", size=2, note="of two", email="two@example.com")
    work = work_as(people.rep)
    with pytest.raises(Invalid) as unknown:
        merged(work, one, two, picks={"note": two, "serial": two, "size": UUID(int=7)})
    assert codes(unknown.value) == {("note", "unknown_field"), ("serial", "unknown_field"), ("size", "not_merged")}
    done = merged(work, one, two, picks={"size": two})
    row = system.records(THING).values([one])[one]
    assert (row["size"], row["note"], row["email"], dict(done.values)) == (2, "of one", "two@example.com", {"size": 2}), (
        "nothing hidden is lost, or told"
    )


def test_two_records_in_their_own_right_that_would_be_the_same_refuse_the_merge_by_name(system: Work) -> None:
    boards = [id_of(system.records("probe.board").create({"name": name})) for name in ("A", "B", "C")]
    lanes = [id_of(system.records("probe.lane").create({"board": board, "name": "To do"})) for board in boards[:2]]
    with pytest.raises(Conflict) as refused:
        merged(system, *boards, entity="probe.board")
    assert (refused.value.reason, refused.value.params["entity"]) == ("merge_collision", "probe.lane")
    rows = system.records("probe.lane").values(lanes)
    assert [rows[id]["board"] for id in lanes] == boards[:2] and len(system.records("probe.board").values(boards)) == 3
    assert merged(system, boards[0], boards[2], entity="probe.board").moved == {}


@pytest.mark.feature("E10")
def test_two_merges_and_writes_at_the_same_moment_lose_no_row(platform: Platform, tenant: Tenant, system: Work, make: type_make) -> None:
    one, two, three = make("one"), make("two"), make("three")
    start, outcomes, made = threading.Barrier(6), list[str](), list[UUID]()

    def act(do: Callable[[Work], object]) -> None:
        work = platform.system(tenant.id)
        start.wait()
        try:
            do(work)
        except Refusal as refusal:
            outcomes.append(refusal.reason)

    def parts(work: Work) -> None:
        made.extend(id_of(work.records("probe.part").create({"thing": three, "name": "p"})) for _number in range(3))

    acts: list[Callable[[Work], object]] = [
        lambda work: merged(work, one, two, three),
        lambda work: merged(work, two, three),
        lambda work: work.records(THING).update(three, {"size": 9}),
        parts, parts, parts,
    ]  # fmt: skip
    threads = [threading.Thread(target=act, args=(do,)) for do in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table, thing = Part.table(), Thing.table()
    with system.transaction():
        live = set(
            system.connection.execute(sa.select(thing.c.id).where(thing.c.tenant_id == tenant.id, thing.c.deleted_at.is_(None))).scalars()
        )
        held = system.connection.execute(sa.select(table.c.id, table.c.thing_id).where(table.c.tenant_id == tenant.id)).all()
    assert {id for id, _thing in held} == set(made) and len(made) == 9
    assert {thing_id for _id, thing_id in held} <= live, (outcomes, live)
    assert live <= {one, two} and set(outcomes) <= {"not_found", "concurrent"}


def test_parts_private_rows_and_what_decides_about_rights_are_not_merged(platform: Platform) -> None:
    permissions = platform.catalog.permissions
    assert "probe.thing.merge" in permissions and "probe.part.merge" not in permissions
    assert not [name for name in permissions if name.startswith("core.") and name.endswith(".merge")]
