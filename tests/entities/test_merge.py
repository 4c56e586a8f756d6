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
SHARES = "/api/v1/core/shares"
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
    assert len([row for row in audit_of(system) if row["action"] == "refused"]) == 1, (
        "the same once more is counted, and no entry of its own"
    )
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
    assert (row["size"], row["note"], row["email"], dict(done.values)) == (2, "of one", None, {"size": 2}), (
        "what is hidden stays where it is"
    )
    assert undone(system, one, done) == []
    assert system.records(THING).values([two])[two]["email"] == "two@example.com"


def _shared(client: Api, id: UUID, person: UUID) -> dict[str, object]:
    return {"record": {"entity": THING, "id": str(id)}, "user": str(person), "access": "write"}


@pytest.mark.feature("B4")
def test_what_was_shared_with_one_is_not_handed_on_by_a_merge_into_it(system: Work, people: People, make: type_make, client: Api) -> None:
    ann, bob, cat = (people.reps[number][0] for number in range(3))
    theirs, mine = make("theirs", owner=str(bob)), make("mine", owner=str(ann))
    assert client.as_user(bob).post(SHARES, _shared(client, theirs, ann)).status_code == 201
    assert client.as_user(ann).post(SHARES, _shared(client, mine, cat)).status_code == 201
    for survivor, loser in ((theirs, mine), (mine, theirs)):
        assert client.as_user(ann).post(f"{THINGS}/{survivor}/merges", {"losers": [str(loser)]}).status_code == 403
    assert client.as_user(cat).get(f"{THINGS}/{theirs}").status_code == 404
    system.records(THING).update(theirs, {"owner": None})  # one that is nobody's is not taken over by it either
    assert client.as_user(ann).post(f"{THINGS}/{theirs}/merges", {"losers": [str(mine)]}).status_code == 403
    assert system.records(THING).values([theirs])[theirs]["owner"] is None


@pytest.mark.feature("B4")
def test_the_right_to_merge_holds_on_the_record_that_is_left_as_well(
    system: Work, people: People, make: type_make, work_as: type_work_as
) -> None:
    rep, other = people.rep, people.reps[1][0]
    _role(system, people.rep, read=("all", None), update=("all", None), delete=("all", None), merge=("own", None))
    mine, theirs = make("mine", owner=str(rep)), make("theirs", owner=str(other))
    for survivor, loser in ((theirs, mine), (mine, theirs)):
        with pytest.raises(Forbidden):
            merged(work_as(rep), survivor, loser)


def _role(system: Work, person: UUID, **rights: tuple[str, list[str] | None]) -> UUID:
    role = id_of(system.records("core.role").create({"key": "narrow", "name": "Narrow"}))
    for verb, (scope, fields) in rights.items():
        only = {"only_fields": fields} if fields else {}
        system.records("core.grant").create({"role": str(role), "permission": f"{THING}.{verb}", "scope": scope, **only})
    system.records("core.user").update(person, {"roles": ["narrow"]})
    return role


@pytest.mark.feature("B8")
def test_nothing_is_filled_in_that_the_actor_could_not_pick(
    system: Work, people: People, make: type_make, work_as: type_work_as, client: Api
) -> None:
    rep, other = people.rep, people.reps[1][0]
    role = _role(system, rep, read=("own", None), update=("own", None), delete=("all", None), merge=("all", None))
    system.records("core.grant").create({"role": str(role), "permission": f"{THING}.read", "scope": "all", "only_fields": ["name"]})
    mine, seen, hidden = (
        make("mine", owner=str(rep)),
        make("seen", owner=str(rep), size=3),
        make("hidden", owner=str(other), note="secret", size=9),
    )
    done = merged(work_as(rep), mine, hidden, seen)
    row = system.records(THING).values([mine])[mine]
    assert (row["note"], row["size"], done.values.get("note")) == (None, 3, None), "the next that is seen, and of the other nothing"
    assert "secret" not in client.as_user(rep).get(f"{THINGS}/{mine}/history").text
    assert undone(system, mine, done) == []
    assert system.records(THING).values([hidden])[hidden]["note"] == "secret"
    listed = [f"{THING}.{word}" for word in ("read", "update:name", "delete", "merge")]
    answer = client.as_user(rep, allows=listed).post(f"{THINGS}/{mine}/merges", {"losers": [str(seen)]})
    assert answer.status_code == 201, answer.text
    assert system.records(THING).values([mine])[mine]["size"] is None, "what the token may not change"


@pytest.mark.feature("B8")
def test_a_record_that_is_nobodys_gets_no_owner_from_who_may_not_reassign_it(
    system: Work, people: People, make: type_make, work_as: type_work_as
) -> None:
    whole = ("all", None)
    _role(system, people.rep, read=whole, update=whole, delete=whole, merge=whole, reassign=("none", None))
    survivor, loser = make("survivor"), make("loser", owner=str(people.rep), size=4)
    system.records(THING).update(survivor, {"owner": None})
    merged(work_as(people.rep), survivor, loser)
    row = system.records(THING).values([survivor])[survivor]
    assert (row["owner"], row["size"]) == (None, 4)


@pytest.mark.feature("B4")
def test_a_token_that_may_leave_nothing_that_acts_later_moves_no_share(system: Work, people: People, make: type_make, client: Api) -> None:
    ann, cat = people.rep, people.reps[2][0]
    one, two, three = (make(name, owner=str(ann)) for name in ("one", "two", "three"))
    assert client.as_user(ann).post(SHARES, _shared(client, two, cat)).status_code == 201
    listed = client.as_user(ann, allows=[THING])
    for more in ({}, {"dry_run": True}):
        refused = listed.post(f"{THINGS}/{one}/merges", {"losers": [str(two)], **more})
        assert refused.status_code == 403 and "core.owner.act_later" in refused.text
    assert client.as_user(cat).get(f"{THINGS}/{one}").status_code == 404
    assert listed.post(f"{THINGS}/{one}/merges", {"losers": [str(three)]}).status_code == 201
    whole = client.as_user(ann).post(f"{THINGS}/{one}/merges", {"losers": [str(two)]})
    assert whole.status_code == 201 and client.as_user(cat).get(f"{THINGS}/{one}").status_code == 200
    undo = f"{THINGS}/{one}/merges/{whole.json['id']}/undo"
    assert (listed.post(undo).status_code, client.as_user(ann).post(undo).status_code) == (403, 200)


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
