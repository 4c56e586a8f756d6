"""Who sees and does what: scopes, fields, parents, and that no path leaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.entities.records import EntityRecords
from core.platform import Platform
from core.testkit.fixtures import Api, MakeTenant, People
from sdk import EVERYBODY, BadRequest, Condition, Draft, Forbidden, Invalid, NotFound, Query, Scope, Verb, parse_where
from sdk.context import id_of
from sdk.permissions import verbs_of
from tests.probe.plugin import ACCESS

type_make = Callable[..., UUID]
type_work_as = Callable[..., Work]
THINGS = "/api/v1/probe/things"


@pytest.fixture
def owned(things: EntityRecords, people: People) -> dict[UUID, list[UUID]]:
    """Ten things for each of the nine representatives."""
    drafts = [Draft("create", {"name": f"thing {n}", "size": n, "owner": str(rep)}) for rep in people.all_reps for n in range(10)]
    made: dict[UUID, list[UUID]] = {}
    for draft, outcome in zip(drafts, things.write(drafts), strict=True):
        assert outcome.id is not None
        made.setdefault(UUID(str(draft.values["owner"])), []).append(outcome.id)
    return made


def seen(work: Work) -> int:
    page = work.records("probe.thing").query(Query(limit=500, count=True))
    assert page.total == len(page.data) == work.records("probe.thing").aggregate(["count"])[0]["count"]
    return len(page.data)


# --- scopes ----------------------------------------------------------------------------------------------------------


@pytest.mark.feature("B3")
def test_a_representative_sees_10_a_manager_30_and_the_director_90(
    owned: dict[UUID, list[UUID]], people: People, work_as: type_work_as, system: Work
) -> None:
    assert [seen(work_as(rep)) for rep in people.all_reps] == [10] * 9
    assert [seen(work_as(manager)) for manager in people.managers] == [30] * 3
    assert seen(work_as(people.director)) == 90


@pytest.mark.feature("B3")
def test_moving_a_representative_changes_the_counts_without_touching_a_record(
    owned: dict[UUID, list[UUID]], people: People, work_as: type_work_as, system: Work
) -> None:
    versions = {row["id"]: row["version"] for row in system.records("probe.thing").find(())}
    assert seen(work_as(people.managers[1])) == 30
    system.records("core.user").update(people.rep, {"team": str(people.teams[1])})
    assert [seen(work_as(manager)) for manager in people.managers] == [20, 40, 30]
    assert (seen(work_as(people.rep)), seen(work_as(people.director))) == (10, 90)
    system.records("core.team").update(people.teams[2], {"parent": None})
    assert seen(work_as(people.director)) == 60
    system.records("core.team").update(people.teams[2], {"manager": str(people.managers[0])})
    assert [seen(work_as(manager)) for manager in people.managers] == [50, 40, 0]
    assert {row["id"]: row["version"] for row in system.records("probe.thing").find(())} == versions


@pytest.mark.feature("B3")
def test_a_scope_holds_for_writing_as_for_reading(owned: dict[UUID, list[UUID]], people: People, work_as: type_work_as) -> None:
    mine, colleague, stranger = owned[people.rep][0], owned[people.reps[0][1]][0], owned[people.reps[1][0]][0]
    rep, manager = work_as(people.rep).records("probe.thing"), work_as(people.manager).records("probe.thing")
    rep.update(mine, {"size": 100})
    manager.update(colleague, {"size": 100})
    for doors, id in ((rep, colleague), (rep, stranger), (manager, stranger)):
        for act in (lambda d=doors, i=id: d.update(i, {"size": 1}), lambda d=doors, i=id: d.delete(i), lambda d=doors, i=id: d.get(i)):
            with pytest.raises(NotFound):
                act()


@pytest.mark.feature("B3")
def test_a_record_is_given_only_to_whom_the_giver_reaches(owned: dict[UUID, list[UUID]], people: People, work_as: type_work_as) -> None:
    rep, manager = work_as(people.rep).records("probe.thing"), work_as(people.manager).records("probe.thing")
    mine = owned[people.rep][0]
    with pytest.raises(Forbidden):
        rep.create({"name": "x", "owner": str(people.reps[0][1])})
    with pytest.raises(Forbidden):
        rep.update(mine, {"owner": str(people.reps[0][1])})
    assert manager.update(mine, {"owner": str(people.reps[0][1])})["owner"] == people.reps[0][1]
    with pytest.raises(Forbidden):
        manager.update(mine, {"owner": str(people.reps[1][1])})
    assert rep.create({"name": "x"})["owner"] == people.rep


def test_several_roles_give_the_union_of_their_rights(
    system: Work, owned: dict[UUID, list[UUID]], people: People, work_as: type_work_as
) -> None:
    system.records("core.user").update(people.rep, {"roles": ["sales_rep", "read_only"]})
    rep = work_as(people.rep)
    assert seen(rep) == 90
    with pytest.raises(Forbidden):
        rep.records("probe.thing").update(owned[people.reps[1][0]][0], {"size": 1})


def test_a_user_who_is_not_active_or_has_no_role_sees_nothing(
    system: Work, owned: dict[UUID, list[UUID]], people: People, work_as: type_work_as
) -> None:
    system.records("core.user").update(people.rep, {"roles": []})
    with pytest.raises(Forbidden):
        seen(work_as(people.rep))
    system.records("core.user").update(people.rep, {"active": False})
    with pytest.raises(NotFound):
        work_as(people.rep)


@pytest.mark.feature("B1")
@pytest.mark.parametrize("role", ["sales_rep", "sales_manager", "finance", "read_only", "admin"])
def test_a_role_can_do_exactly_what_the_entities_declare(platform: Platform, system: Work, work_as: type_work_as, role: str) -> None:
    id = id_of(system.records("core.user").create({"name": "one", "roles": [role]}))
    work = work_as(id)
    for entity in platform.catalog.entities.values():
        declared = {verb for held in (role, EVERYBODY) if held in entity.access for verb in verbs_of(entity.access[held])}
        for verb in Verb:
            if role == "admin":
                allowed = verb in entity.verbs | {Verb.READ}
            elif entity.parent is not None and not declared:
                continue  # as its parent's; see below
            else:
                allowed = verb in declared and verb in entity.verbs | {Verb.READ}
            assert work.can(f"{entity.full_name}.{verb}") == allowed, f"{role} {entity.full_name}.{verb}"
    assert work.can("probe.thing.ping") == (role in ("sales_manager", "admin"))


@pytest.mark.feature("B1")
@pytest.mark.parametrize("role", list(ACCESS))
def test_a_preset_does_to_records_what_it_declares(system: Work, make: type_make, work_as: type_work_as, role: str) -> None:
    """Own record, somebody else's: each of the four verbs is done, or refused, as declared."""
    id = id_of(system.records("core.user").create({"name": "one", "roles": [role]}))
    doors, held = work_as(id).records("probe.thing"), verbs_of(ACCESS[role])
    acts: dict[Verb, Callable[[UUID], Any]] = {
        Verb.READ: doors.get, Verb.UPDATE: lambda record: doors.update(record, {"size": 7}), Verb.DELETE: doors.delete,
    }  # fmt: skip
    for owner in (id, None):
        for verb, act in acts.items():
            record = make("x", owner=owner)
            if verb in held and (owner == id or held[verb] is Scope.ALL):
                act(record)
            else:
                with pytest.raises((Forbidden, NotFound)):
                    act(record)
    if Verb.CREATE in held:
        doors.create({"name": "x"})
    else:
        with pytest.raises(Forbidden):
            doors.create({"name": "x"})


# --- parents ---------------------------------------------------------------------------------------------------------


def test_a_part_is_seen_and_written_as_its_thing_is(
    system: Work, owned: dict[UUID, list[UUID]], people: People, work_as: type_work_as
) -> None:
    mine, other = owned[people.rep][0], owned[people.reps[1][0]][0]
    parts = system.records("probe.part")
    of_mine, of_other = (id_of(parts.create({"thing": str(thing), "name": "p"})) for thing in (mine, other))
    doors = work_as(people.rep).records("probe.part")
    assert [row["id"] for row in doors.query().data] == [of_mine]
    doors.update(of_mine, {"amount": 1})
    doors.create({"thing": str(mine), "name": "new"})
    with pytest.raises(NotFound):
        doors.get(of_other)
    with pytest.raises(Invalid):
        doors.create({"thing": str(other), "name": "new"})
    with pytest.raises(Invalid):
        doors.update(of_mine, {"thing": str(other)})
    system.records("probe.thing").delete(mine)
    assert doors.query().data == []


# --- fields ----------------------------------------------------------------------------------------------------------

HIDDEN = ("price", "phone", "note", "whole", "probe_more.points")
SHOWN = ["name", "size", "tier", "owner", "done"]


@pytest.fixture
def clerk(system: Work, client: Api) -> UUID:
    """Somebody who reads all things but only some of their fields."""
    role = id_of(system.records("core.role").create({"key": "clerk", "name": "Clerk"}))
    grants = system.records("core.grant")
    grants.create({"role": str(role), "permission": "probe.thing.read", "scope": "all", "only_fields": SHOWN})
    grants.create({"role": str(role), "permission": "probe.thing.update", "scope": "all", "only_fields": ["size"]})
    values = {"name": "Clerk", "email": "clerk@acme.example", "roles": ["clerk"]}
    return id_of(system.records("core.user").create(values))


@pytest.fixture
def secret(make: type_make, things: EntityRecords) -> UUID:
    """A thing full of what the clerk may not see."""
    whole = make("whole secret4711", phone="+1 4711")
    id = make("open", size=5, price={"amount": "4711", "currency": "CNY"}, phone="+1 4711", note="secret4711", whole=str(whole), email="secret4711@example.com",
              **{"probe_more.points": 4711})  # fmt: skip
    things.update(id, {"price": {"amount": "4712", "currency": "CNY"}, "size": 6})
    things.delete(whole)
    return id


@pytest.mark.feature("B6")
@pytest.mark.parametrize("name", HIDDEN)
def test_a_hidden_field_is_on_no_path(client: Api, clerk: UUID, secret: UUID, name: str) -> None:
    """Ten ways to read, as the clerk: the field's name is unknown and its value nowhere."""
    api = client.as_user(clerk)
    known = api.get(f"{THINGS}/{secret}").json
    assert set(known) == {"id", "version", *SHOWN}
    refused = [
        api.get(THINGS, {"fields": name}), api.get(f"{THINGS}/{secret}", {"fields": name}), api.get(THINGS, {"sort": name}), api.get(THINGS, {"sort": f"-{name}"}),
        api.get(THINGS, {f"{name}[empty]": "false"}), api.get(THINGS, {name: "1"}), api.get(THINGS, {"include": name}),
    ]  # fmt: skip
    assert [answer.status_code for answer in refused] == [400] * len(refused)
    described = api.get("/api/v1/openapi.json").json["components"]["schemas"]["ProbeThing"]["properties"]
    assert name not in described
    offered = api.get("/api/v1/openapi.json").json["paths"][THINGS]["get"]["parameters"]
    assert name not in {parameter["name"].partition("[")[0] for parameter in offered}
    (entity,) = [one for one in api.get("/api/v1/meta").json["entities"] if one["name"] == "probe.thing"]
    assert name not in {field["name"] for field in entity["fields"]}
    for path, query in (
        (THINGS, {}),
        (THINGS, {"q": "4711"}),
        (f"{THINGS}/{secret}", {}),
        (f"{THINGS}/{secret}/history", {}),
        (THINGS, {"count": "true"}),
    ):
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "id", api.get(path, query).text)  # an id may hold any digits
        assert "4711" not in text
        assert "4712" not in text


@pytest.mark.feature("B6")
@pytest.mark.parametrize("name", HIDDEN)
def test_a_hidden_field_is_in_no_sum_group_or_filter_of_the_doors(work_as: type_work_as, clerk: UUID, secret: UUID, name: str) -> None:
    doors = work_as(clerk).records("probe.thing")
    assert name not in doors.fields()
    for ask in (
        lambda: doors.aggregate([f"sum:{name}"]), lambda: doors.aggregate(["count"], [name]), lambda: doors.aggregate(["count"], [], (Condition(name, "empty", ("true",)),)),
        lambda: doors.query(Query(filter=(Condition(name, "empty", ("true",)),))), lambda: doors.find((Condition(name, "empty", ("true",)),)),
        lambda: doors.query(Query(sort=(name,))), lambda: doors.query(Query(fields=(name,))),
    ):  # fmt: skip
        with pytest.raises(BadRequest) as caught:
            ask()
        assert caught.value.reason == "unknown_field"
    assert name not in doors.values([secret])[secret]
    assert name not in doors.find(())[0]


@pytest.mark.feature("B6")
def test_a_hidden_text_is_not_searched(client: Api, clerk: UUID, secret: UUID) -> None:
    assert client.get(THINGS, {"q": "secret4711"}).json["data"]
    assert client.as_user(clerk).get(THINGS, {"q": "secret4711"}).json["data"] == []
    assert len(client.as_user(clerk).get(THINGS, {"q": "open"}).json["data"]) == 1


@pytest.mark.feature("B6")
def test_an_answer_to_a_write_hides_what_a_read_hides(client: Api, clerk: UUID, secret: UUID) -> None:
    api = client.as_user(clerk)
    changed = api.patch(f"{THINGS}/{secret}", {"size": 9})
    assert changed.status_code == 200
    assert set(changed.json) == {"id", "version", *SHOWN}
    refused = api.patch(f"{THINGS}/{secret}", {"name": "y"})
    assert (refused.status_code, refused.json["code"]) == (403, "field_forbidden")
    hidden = api.patch(f"{THINGS}/{secret}", {"note": "y"})
    assert (hidden.status_code, hidden.json["errors"][0]["code"]) == (422, "unknown_field")


@pytest.mark.feature("B6")
def test_a_field_granted_for_own_records_does_not_leak_to_the_teams(
    system: Work, people: People, make: type_make, work_as: type_work_as
) -> None:
    """Own: price; team: name only. Sorting or filtering by the price leaves out the rows on which it is hidden."""
    role = id_of(system.records("core.role").create({"key": "careful", "name": "Careful"}))
    grants = system.records("core.grant")
    grants.create({"role": str(role), "permission": "probe.thing.read", "scope": "own"})
    grants.create({"role": str(role), "permission": "probe.thing.read", "scope": "team", "only_fields": ["name", "tier"]})
    system.records("core.user").update(people.rep, {"roles": ["careful"]})
    price = {"amount": "10", "currency": "CNY"}
    mine, theirs = make("mine", owner=str(people.rep), price=price), make("theirs", owner=str(people.reps[0][1]), price=price, size=5)
    stranger = make("stranger", owner=str(people.reps[1][0]), price=price)
    doors = work_as(people.rep).records("probe.thing")
    rows = {row["id"]: row for row in doors.query().data}
    assert set(rows) == {mine, theirs}
    assert set(rows[theirs]) == {"id", "version", "name", "tier"}
    assert rows[mine]["price"]["amount"] == "10.00"
    assert [row["id"] for row in doors.query(Query(filter=parse_where(["price[gte]=1"]))).data] == [mine]
    assert [row["id"] for row in doors.query(Query(sort=("price",))).data] == [mine]
    assert doors.aggregate(["sum:price", "count"]) == [{"sum:price": {"amount": "10.00", "currency": "CNY"}, "count": 1}]
    assert doors.aggregate(["count"], ["tier"]) == [{"tier": "tin", "count": 2}]
    values = doors.values([mine, theirs, stranger])
    assert set(values) == {mine, theirs}
    assert "price" not in values[theirs]
    assert "price" not in next(row for row in doors.find(()) if row["id"] == theirs)


@pytest.mark.feature("B6")
def test_an_included_record_is_shown_as_its_reader_may_see_it(system: Work, people: People, make: type_make, work_as: type_work_as) -> None:
    theirs = make("secret name", owner=str(people.reps[1][0]))
    visible = make("visible", owner=str(people.rep))
    mine = [make("mine", owner=str(people.rep), whole=str(whole)) for whole in (theirs, visible)]
    doors = work_as(people.rep).records("probe.thing")
    rows = {row["id"]: row["whole"] for row in doors.query(Query(include=("whole",), filter=parse_where(["name=mine"]))).data}
    assert rows[mine[0]] == theirs, "the id stays an id"
    assert rows[mine[1]]["name"] == "visible"
    titles = {row["whole"] for row in doors.aggregate(["count"], ["whole"], parse_where(["name=mine"]))}
    assert titles == {None, "visible"}
    assert doors.query(Query(filter=parse_where(["whole=secret name"]))).data == []


@pytest.mark.feature("B6")
def test_another_tenants_records_are_on_no_path(
    platform: Platform, client: Api, make_tenant: MakeTenant, make: type_make, things: EntityRecords
) -> None:
    other = platform.system(make_tenant("other").id).records("probe.thing")
    foreign = id_of(other.create({"name": "foreign4711", "code": "foreign"}))
    make("mine")
    assert [row["name"] for row in things.query(Query(count=True)).data] == ["mine"]
    assert things.query(Query(q="foreign4711")).data == []
    assert things.aggregate(["count"]) == [{"count": 1}]
    assert things.values([foreign]) == {}
    assert things.find(parse_where([f"id={foreign}"])) == []
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/restore"), ("GET", "/history"), ("POST", "/pings")):
        answer = client.call(
            method, f"{THINGS}/{foreign}{path}", json={"size": 1} if method == "PATCH" else ({"text": "x"} if path == "/pings" else None)
        )
        assert answer.status_code in ((404,) if path != "/pings" else (404, 201)), path
    (outcome,) = client.post(f"{THINGS}/batch", {"items": [{"op": "update", "id": str(foreign), "values": {"size": 1}}]}).json["data"]
    assert outcome["status"] == 404
    assert other.get(foreign)["version"] == 1


def test_a_stored_grant_replaces_what_the_plugin_contributed(
    system: Work, owned: dict[UUID, list[UUID]], people: People, work_as: type_work_as
) -> None:
    assert seen(work_as(people.rep)) == 10
    (role,) = system.records("core.role").find(parse_where(["key=sales_rep"]))
    grant = id_of(system.records("core.grant").create({"role": str(role["id"]), "permission": "probe.thing.read", "scope": "all"}))
    assert seen(work_as(people.rep)) == 90
    system.records("core.grant").delete(grant)
    assert seen(work_as(people.rep)) == 10
