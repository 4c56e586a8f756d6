"""Who sees and does what: scopes, fields, parents, and that no path leaks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.entities.records import EntityRecords
from core.http.openapi.sharing import parameters_of
from core.platform import Platform
from core.testkit.fixtures import Api, MakeTenant, People
from core.worker.drain import Drain
from sdk import (
    EVERYBODY,
    BadRequest,
    Channel,
    Condition,
    Conflict,
    Context,
    Draft,
    Forbidden,
    Invalid,
    NotFound,
    Query,
    Scope,
    Verb,
    parse_where,
)
from sdk.context import id_of
from sdk.permissions import verbs_of
from tests.probe.plugin import ACCESS, HandlerError

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


def test_code_finds_in_the_recycle_bin_what_its_actor_saw_before(
    owned: dict[UUID, list[UUID]], things: EntityRecords, people: People, work_as: type_work_as
) -> None:
    (mine, *_rest), (theirs, *_others) = owned[people.rep], owned[people.reps[1][0]]
    things.write_all([Draft("delete", {}, id) for id in (mine, theirs)])
    found = work_as(people.rep).records("probe.thing")
    assert [id_of(row) for row in found.find((), deleted=True)] == [mine]
    assert found.find((Condition("name", "eq", ("thing 1",)),), deleted=True) == []
    assert mine not in {id_of(row) for row in found.find(())}
    assert {id_of(row) for row in things.find((), deleted=True)} == {mine, theirs}


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


@pytest.mark.feature("B2")
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
    offered = parameters_of(api.get("/api/v1/openapi.json").json, THINGS, "get")
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
def test_code_that_needs_a_hidden_field_is_refused_and_does_not_fail(work_as: type_work_as, clerk: UUID, secret: UUID) -> None:
    doors = work_as(clerk).records("probe.thing")
    for row in (doors.find(())[0], doors.values([secret])[secret], doors.get(secret), doors.query().data[0]):
        assert (row["size"], row.get("note"), "note" in row, "note" in dict(row)) == (6, None, False, False)
        with pytest.raises(Forbidden) as caught:
            row["note"]
        assert (caught.value.reason, caught.value.params["field"]) == ("field_forbidden", "note")
        with pytest.raises(KeyError):
            row["nonsense"]
    with pytest.raises(KeyError):  # nobody has hidden it: it was not asked for
        doors.get(secret, fields=["name"])["size"]
    with pytest.raises(Forbidden, match="you don’t have access to"):
        work_as(clerk).records("core.audit").find(())


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
    said, engine = list[str](), system.platform.database.engine

    def note(*args: Any) -> None:
        said.append(args[2])

    sa.event.listen(engine, "before_cursor_execute", note)
    assert "price" not in next(row for row in doors.find(()) if row["id"] == theirs)
    sa.event.remove(engine, "before_cursor_execute", note)
    assert len([one for one in said if "FROM probe_thing" in one]) == 2, (
        "the rows, and on which of them all that the team does not see is shown"
    )


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


@pytest.mark.feature("B2")
def test_a_role_of_whatever_key_is_had_by_those_alone_who_were_given_it(
    system: Work, owned: dict[UUID, list[UUID]], people: People, work_as: type_work_as
) -> None:
    """Among the lines of the policy people and roles are words alike."""
    role = id_of(system.records("core.role").create({"key": "somebody", "name": "Auditors"}))
    system.records("core.grant").create({"role": str(role), **of_things("read")})
    assert seen(work_as(people.rep)) == 10
    system.records("core.user").update(people.rep, {"roles": ["sales_rep", "somebody"]})
    assert seen(work_as(people.rep)) == 90


@pytest.mark.feature("B1", "B2")
def test_a_part_of_which_a_role_says_that_it_has_none_does_not_follow_its_thing(
    system: Work, people: People, make: type_make, client: Api, work_as: type_work_as
) -> None:
    thing = make("mine", owner=str(people.rep))
    part = id_of(system.records("probe.part").create({"name": "screw", "thing": str(thing)}))
    place, rep = f"/api/v1/probe/parts/{part}", client.as_user(people.rep)
    assert rep.get(place).status_code == 200
    (role,) = system.records("core.role").find(parse_where(["key=sales_rep"]))
    none = id_of(system.records("core.grant").create({"role": id_of(role), "permission": "probe.part.read", "scope": "none"}))
    assert rep.get(place).status_code == 403
    assert rep.get("/api/v1/probe/parts").status_code == 403
    assert not work_as(people.rep).can("probe.part.export"), "nor what comes with it"
    said = rep.get("/api/v1/core/explanations", {"action": "probe.part.read", "record": str(part)}).json
    assert (said["allowed"], said["reason"]) == (False, "no_grant")
    assert client.as_user(people.manager).get(place).status_code == 200
    system.records("core.user").update(people.rep, {"roles": ["sales_rep", "sales_manager"]})
    assert rep.get(place).status_code == 200, "by the other role it follows"
    keeper = id_of(system.records("core.role").create({"key": "keeper", "name": "Keeper"}))
    for verb in ("read", "update", "delete"):
        system.records("core.grant").create({"role": str(keeper), "permission": f"core.grant.{verb}", "scope": "all"})
    system.records("core.user").update(people.rep, {"roles": ["sales_rep", "keeper"]})
    stamp = work_as(people.rep).reading_stamp()
    for role_id, status in ((keeper, 200), (id_of(role), 403)):
        system.records("core.grant").update(none, {"role": str(role_id)})
        assert rep.get(place).status_code == status, "where another role says so, what this one gives follows"
        assert (work_as(people.rep).reading_stamp() == stamp) == (status == 403)
    name = id_of(system.records("core.grant").create(
        {"role": str(keeper), "permission": "probe.part.read", "scope": "parent", "only_fields": ["name"]}
    ))  # fmt: skip
    assert {*rep.get(place).json} == {"id", "version", "name"}, "what another role gives holds where this one has none"
    system.records("core.user").update(people.rep, {"roles": ["sales_rep", "sales_manager", "keeper"]})
    whole = rep.get(place).json
    assert "thing" in whole, "and takes nothing away from the role by which it follows"
    for word, scope in (("export", "none"), ("bulk_edit", "none"), ("import", "all")):
        system.records("core.grant").create({"role": str(keeper), "permission": f"probe.part.{word}", "scope": scope})
    rights = work_as(people.rep)
    assert [rights.can(f"probe.part.{word}") for word in ("export", "bulk_edit", "import")] == [True] * 3, "nor what comes with the verb"
    said = rep.get("/api/v1/core/explanations", {"action": "probe.part.read", "record": str(part), "field": "thing"}).json
    assert (said["allowed"], said["rule"]["scope"], said["rule"]["fields"]) == (True, "parent", None)
    system.records("core.grant").delete(name)
    system.records("core.user").update(people.rep, {"roles": ["sales_rep", "keeper"]})
    for answer in (rep.delete(f"/api/v1/core/grants/{none}"), rep.patch(f"/api/v1/core/grants/{none}", {"scope": "parent"})):
        assert (answer.status_code, answer.json["code"]) == (409, "beyond_own"), "nobody gives back to himself what was taken from him"
    for verb in ("core.grant.create", "core.user.update"):
        system.records("core.grant").create({"role": str(keeper), "permission": verb, "scope": "all"})
    roles = {key: id_of(system.records("core.role").create({"key": key, "name": key})) for key in ("empty", "follows")}
    system.records("core.grant").create({"role": str(roles["follows"]), **of_things("read", "own")})
    colleague, grants = f"/api/v1/core/users/{people.reps[0][1]}", "/api/v1/core/grants"
    gives = {"role": str(roles["empty"]), **of_things("read", "own")}
    for answer in (rep.post(grants, gives), rep.patch(colleague, {"roles": ["sales_rep", "follows"]})):
        assert (answer.status_code, answer.json["code"]) == (409, "beyond_own"), "nor gives others by its thing what he has not"
    said = [
        id_of(system.records("core.grant").create({"role": str(role), "permission": "probe.part.read", "scope": "none"}))
        for role in roles.values()
    ]
    assert rep.post(grants, gives).status_code == 201, "to a role that has none of it either he gives the thing"
    assert rep.patch(colleague, {"roles": ["sales_rep", "follows"]}).status_code == 200
    assert rep.delete(f"{grants}/{said[0]}").json["code"] == "beyond_own", "nor takes away what stands in the way of it"
    why = rep.get("/api/v1/core/explanations", {"action": "core.grant.delete", "record": str(said[0])}).json
    assert (why["allowed"], why["reason"]) == (False, "beyond_own"), "and is told so before"


# --- what is hidden does not show in a detour ---------------------------------------------------------------------------


def role_of(system: Work, person: UUID, *grants: dict[str, object]) -> None:
    """Give a person one role with these grants and no others."""
    key = f"role-{person.hex[:12]}"
    role = id_of(system.records("core.role").create({"key": key, "name": key}))
    for grant in grants:
        system.records("core.grant").create({"role": str(role), **grant})
    system.records("core.user").update(person, {"roles": [key]})


def of_things(verb: str, scope: str = "all", *fields: str) -> dict[str, object]:
    return {"permission": f"probe.thing.{verb}", "scope": scope, **({"only_fields": list(fields)} if fields else {})}


@pytest.mark.feature("B6")
def test_a_hidden_name_finds_nothing_and_is_not_told_as_the_nearest(
    system: Work, people: People, make: type_make, work_as: type_work_as
) -> None:
    """Neither in a filter nor in a write: else one would guess it letter by letter."""
    board = id_of(system.records("probe.board").create({"name": "Secret Board"}))
    make("t", board=str(board))
    blind = {"permission": "probe.board.read", "scope": "all", "only_fields": ["created_at"]}
    role_of(system, people.rep, of_things("read"), of_things("create"), blind)
    doors = work_as(people.rep).records("probe.thing")
    for word in ("Secret Board", "Other"):
        assert doors.query(Query(filter=parse_where([f"board={word}"]))).data == []
        assert len(doors.query(Query(filter=parse_where([f"board[ne]={word}"]))).data) == 1
    refused = []
    for word in ("Secret Board", "Secret Boar"):
        with pytest.raises(Invalid) as caught:
            doors.create({"name": "x", "board": word})
        refused.append([(problem.code, problem.message, problem.params["value"]) for problem in caught.value.problems])
    assert [one[0][:2] for one in refused] == [("no_such_record", "no {target} matches {value!r}")] * 2
    assert doors.create({"name": "x", "board": str(board)})["board"] == board, "the id is no secret"


@pytest.mark.feature("B6")
def test_a_name_that_is_hidden_on_some_records_finds_the_others(
    system: Work, people: People, make: type_make, work_as: type_work_as
) -> None:
    other = people.reps[0][1]
    mine, theirs = make("named mine", owner=str(people.rep)), make("named theirs", owner=str(other))
    holders = [make("holder", owner=str(people.rep), whole=str(whole)) for whole in (mine, theirs)]
    role_of(system, people.rep, of_things("read", "own"), of_things("read", "team", "tier", "whole"), of_things("create", "own"))
    doors = work_as(people.rep).records("probe.thing")
    found = {
        word: [row["id"] for row in doors.query(Query(filter=parse_where([f"whole={word}"]))).data]
        for word in ("named mine", "named theirs")
    }
    assert found == {"named mine": [holders[0]], "named theirs": []}
    assert doors.create({"name": "x", "whole": "named mine"})["whole"] == mine
    with pytest.raises(Invalid):
        doors.create({"name": "x", "whole": "named theirs"})


@pytest.mark.feature("B7")
def test_a_field_that_may_be_written_on_own_records_is_not_written_on_the_teams(
    system: Work, people: People, make: type_make, work_as: type_work_as
) -> None:
    other = people.reps[0][1]
    mine, theirs = make("mine", owner=str(people.rep)), make("theirs", owner=str(other))
    narrow = [of_things("read", "team"), of_things("update", "own"), of_things("update", "team", "name")]
    role_of(system, people.rep, *narrow, of_things("create", "own"), of_things("create", "team", "name", "owner"))
    doors = work_as(people.rep).records("probe.thing")
    assert doors.update(mine, {"size": 5})["size"] == 5
    assert doors.update(theirs, {"name": "renamed"})["name"] == "renamed"
    for attempt in (
        lambda: doors.update(theirs, {"size": 5}),
        lambda: doors.update(theirs, {"name": "again", "size": 5}),
        lambda: doors.create({"name": "for them", "size": 5, "owner": str(other)}),
    ):
        with pytest.raises(Forbidden) as refused:
            attempt()
        assert refused.value.reason == "field_forbidden"
    assert system.records("probe.thing").values([theirs])[theirs]["size"] is None
    assert doors.create({"name": "mine too", "size": 5})["size"] == 5
    assert doors.create({"name": "for them", "owner": str(other)})["owner"] == other
    batch = doors.write([Draft("update", {"size": 6}, mine), Draft("update", {"size": 6}, theirs)])
    assert [outcome.refusal is None for outcome in batch] == [True, False]


@pytest.mark.feature("B6")
def test_a_guess_at_a_hidden_value_is_not_confirmed_by_the_version(client: Api, system: Work, people: People, make: type_make) -> None:
    thing = make("t", note="the secret")
    role_of(system, people.rep, of_things("read", "all", "name"), of_things("update", "all", "note", "name"))
    api = client.as_user(people.rep)
    versions = [api.patch(f"{THINGS}/{thing}", {"note": note}).json["version"] for note in ("a guess", "a guess", "another")]
    assert versions == [2, 3, 4]
    assert api.patch(f"{THINGS}/{thing}", {"name": "t"}).json["version"] == 4, "a name that is seen and stays is no change"


@pytest.mark.feature("B6")
def test_a_change_of_hidden_fields_alone_is_not_in_the_history(client: Api, system: Work, people: People, make: type_make) -> None:
    thing = make("t", note="a")
    things = system.records("probe.thing")
    for number in range(7):
        things.update(thing, {"note": f"hidden {number}"} if number % 3 else {"name": f"shown {number}", "note": f"hidden {number}"})
    things.delete(thing)
    things.restore(thing)
    role_of(system, people.rep, of_things("read", "all", "name"))
    api = client.as_user(people.rep)

    def shown(limit: int) -> list[tuple[str, object]]:
        entries = api.get(f"{THINGS}/{thing}/history", {"limit": str(limit)}).json["data"]
        return [(entry["action"], entry["changes"].get("name", [None, None])[1]) for entry in entries]

    whole = [("restore", None), ("delete", None), ("update", "shown 6"), ("update", "shown 3"), ("update", "shown 0"), ("create", "t")]
    assert shown(50) == whole
    for limit in range(1, 7):
        assert shown(limit) == whole[:limit]


@pytest.mark.feature("B2")
@pytest.mark.parametrize(
    ("grant", "code"),
    [
        ({"permission": "probe.thing.reed", "scope": "all"}, "unknown_permission"),
        ({"permission": "probe.board.read", "scope": "own"}, "bad_scope"),
        ({"permission": "probe.board.read", "scope": "team"}, "bad_scope"),
        ({"permission": "probe.thing.read", "scope": "parent"}, "bad_scope"),
        ({"permission": "probe.thing.read", "scope": "all", "only_fields": []}, "empty"),
        ({"permission": "probe.thing.read", "scope": "all", "only_fields": ["nam"]}, "unknown_field"),
        ({"permission": "core.plugin.update", "scope": "all", "only_fields": ["name"]}, "no_fields"),
    ],
)
def test_a_grant_that_does_not_fit_is_refused(system: Work, grant: dict[str, object], code: str) -> None:
    role = id_of(system.records("core.role").create({"key": "odd", "name": "Odd"}))
    with pytest.raises(Invalid) as refused:
        system.records("core.grant").create({"role": str(role), **grant})
    assert [problem.code for problem in refused.value.problems] == [code]


@pytest.mark.feature("B7")
def test_a_job_can_do_no_more_than_the_token_that_asked_for_it(
    platform: Platform, system: Work, people: People, work_as: type_work_as, monkeypatch: pytest.MonkeyPatch
) -> None:
    role_of(system, people.rep, of_things("read"), of_things("create"))
    able = list[tuple[bool, bool]]()

    def look(ctx: Context, _arguments: Mapping[str, object]) -> None:
        other = ctx.as_user(people.rep)
        able.append((ctx.can("probe.thing.create"), other.can("probe.thing.create")))

    monkeypatch.setitem(platform.catalog.jobs, "probe.remember", replace(platform.catalog.jobs["probe.remember"], run=look))
    whole = work_as(people.rep)
    for work in (whole, whole.within(["probe.thing.read"])):
        work.enqueue("probe.remember", {"text": "x"})
        Drain(platform).run_until_empty()
    assert able == [(True, True), (False, False)]


# --- nobody gives what he has not ----------------------------------------------------------------------------------------

MANAGES = [{"permission": f"core.{entity}.{verb}", "scope": "all"} for entity in ("user", "role", "grant") for verb in ("create", "update")]


@pytest.mark.feature("B2")
def test_nobody_gives_a_role_that_may_do_more_than_the_giver(client: Api, system: Work, people: People, work_as: type_work_as) -> None:
    """Who may change people does not make himself an administrator by it."""
    role_of(system, people.rep, *MANAGES, of_things("read", "team"), of_things("update", "own", "name", "size"))
    doors = {name: work_as(people.rep).records(f"core.{name}") for name in ("user", "role", "grant")}
    mine = system.records("core.user").values([people.rep])[people.rep]["roles"]
    assert isinstance(mine, list)
    for roles in (["admin"], [*mine, "admin"], ["sales_manager"]):
        with pytest.raises(Conflict) as refused:
            doors["user"].update(people.rep, {"roles": roles})
        assert refused.value.reason == "beyond_own"
    with pytest.raises(Conflict):
        doors["user"].create({"name": "puppet", "roles": ["admin"]})
    with pytest.raises(Conflict):
        doors["role"].create({"key": "all", "name": "All", "everything": True})
    role = id_of(doors["role"].create({"key": "less", "name": "Less"}))
    for beyond in (
        of_things("read"), of_things("delete", "own"), of_things("update", "team", "name"), of_things("update", "own"),
        of_things("update", "own", "name", "note"), {"permission": "core.plugin.update", "scope": "all"},
    ):  # fmt: skip
        with pytest.raises(Conflict) as refused:
            doors["grant"].create({"role": str(role), **beyond})
        assert refused.value.reason == "beyond_own", beyond
    for within in (of_things("read", "own"), of_things("read", "team", "name"), of_things("update", "own", "size")):
        doors["grant"].create({"role": str(role), **within})
    other = people.reps[0][1]
    assert doors["user"].update(other, {"roles": ["less"]})["roles"] == ["less"]
    assert client.patch(f"/api/v1/core/users/{other}", {"roles": ["admin"]}).status_code == 200, "an administrator may"
    assert doors["user"].update(other, {"name": "Renamed"})["name"] == "Renamed", "a role that is there already stays"


@pytest.mark.feature("B7")
def test_a_token_for_somebody_else_is_issued_by_who_may_do_everything(client: Api, system: Work, people: People) -> None:
    role_of(system, people.rep, *MANAGES)
    admin = next(id_of(row) for row in system.records("core.user").find(()) if row["email"] == "admin@acme.example")
    wish = {"name": "x", "user": str(admin)}
    assert client.as_user(people.rep).post("/api/v1/core/tokens", wish).status_code == 403
    assert client.as_user(people.rep).post("/api/v1/core/tokens", {"name": "x"}).status_code == 201
    limited = client.as_user("admin@acme.example", allows=["core.user", "probe.thing.read"])
    assert limited.post("/api/v1/core/tokens", {"name": "x", "user": str(people.rep)}).status_code == 403
    assert client.post("/api/v1/core/tokens", {"name": "x", "user": str(people.rep)}).status_code == 201


@pytest.mark.feature("B2")
def test_what_was_taken_away_is_given_back_by_who_has_it_himself(system: Work, people: People, work_as: type_work_as) -> None:
    """A stored grant that narrows a plugin's, a deleted grant, a plugin's role under another key: none is a way around."""
    removes = [{"permission": f"core.{entity}.delete", "scope": "all"} for entity in ("role", "grant")]
    sees = {"permission": "core.grant.read", "scope": "all"}
    role_of(system, people.rep, *MANAGES, *removes, sees, of_things("read", "own"))
    doors = {name: work_as(people.rep).records(f"core.{name}") for name in ("role", "grant")}
    (seller,) = system.records("core.role").find(parse_where(["key=sales_rep"]))
    narrow = id_of(system.records("core.grant").create({"role": str(seller["id"]), **of_things("update", "own", "name")}))
    wide = id_of(
        system.records("core.grant").create(
            {"role": str(id_of(system.records("core.role").create({"key": "w", "name": "W"}))), **of_things("read")}
        )
    )
    system.records("core.grant").delete(wide)
    less = id_of(doors["role"].create({"key": "less", "name": "Less"}))
    mine = id_of(doors["grant"].create({"role": str(less), **of_things("read", "own")}))

    def refused(attempt: Callable[[], object]) -> str:
        with pytest.raises(Conflict) as caught:
            attempt()
        return caught.value.reason

    assert refused(lambda: doors["grant"].delete(narrow)) == "beyond_own"
    assert refused(lambda: doors["grant"].restore(wide)) == "beyond_own"
    system.records("core.role").delete(id_of(seller))
    assert refused(lambda: doors["role"].update(less, {"key": "sales_rep"})) == "beyond_own"
    assert refused(lambda: doors["role"].restore(id_of(seller))) == "beyond_own"
    doors["grant"].delete(mine)
    assert doors["grant"].restore(mine)["id"] == mine


@pytest.mark.feature("B4")
def test_what_was_decided_on_a_transaction_that_is_undone_is_not_kept(
    platform: Platform, system: Work, people: People, work_as: type_work_as
) -> None:
    role_of(system, people.rep, *MANAGES, of_things("read", "own"))
    other, work = people.reps[0][1], work_as(people.rep)
    less = id_of(work.records("core.role").create({"key": "less", "name": "Less"}))

    def halfway() -> None:
        with work.transaction(write=True):
            work.records("core.grant").create({"role": str(less), **of_things("read", "own")})
            work.records("core.user").update(other, {"roles": ["less"]})
            raise HandlerError("undone")

    with pytest.raises(HandlerError):
        halfway()
    system.records("core.user").update(other, {"roles": ["less"]})
    assert not platform.user(system.tenant.id, other, Channel.API).can("probe.thing.read")


@pytest.mark.feature("B4")
def test_who_stands_in_has_what_the_transaction_gave_and_keeps_nothing_of_it_when_it_is_undone(
    platform: Platform, system: Work, people: People
) -> None:
    role_of(system, people.rep, of_things("read", "own"))
    key = system.records("core.user").values([people.rep])[people.rep]["roles"]
    assert isinstance(key, list)
    (role,) = system.records("core.role").find(parse_where([f"key={key[0]}"]))

    def halfway() -> None:
        with system.transaction(write=True):
            assert not system.as_user(people.rep).can("probe.thing.delete")
            system.records("core.grant").create({"role": str(role["id"]), **of_things("delete", "own")})
            assert system.as_user(people.rep).can("probe.thing.delete")
            raise HandlerError("undone")

    with pytest.raises(HandlerError):
        halfway()
    system.records("core.user").update(people.rep, {"name": "Another"})
    assert not platform.user(system.tenant.id, people.rep, Channel.API).can("probe.thing.delete")


@pytest.mark.feature("B5")
def test_the_past_tells_no_value_of_a_field_that_is_hidden_on_that_record(
    system: Work, people: People, make: Callable[..., UUID], work_as: Callable[..., Work]
) -> None:
    role, (rep, mate) = system.records("core.role").create({"key": "part", "name": "Part"}), people.reps[0][:2]
    for scope, fields in (("own", None), ("team", ["name", "owner"])):
        grant = {"role": str(role["id"]), "permission": "probe.thing.read", "scope": scope, "only_fields": fields}
        system.records("core.grant").create(grant)
    system.records("core.user").update(rep, {"roles": ["part"]})
    mine, theirs = (make(name, owner=str(owner), size=1) for name, owner in (("mine", rep), ("theirs", mate)))
    for thing in (mine, theirs):
        system.records("probe.thing").update(thing, {"size": 2, "name": f"{thing}"})
    told, _whole = work_as(rep).past("probe.thing", system.now())
    before = {one.event.record_id: one.event.payload["before"] for one in told if one.event.name.endswith(".updated")}
    assert before == {mine: {"size": 1, "name": "mine"}, theirs: {"name": "theirs"}}


def test_permissions_come_in_the_same_order_in_each_process(platform: Platform) -> None:
    for entity in platform.catalog.entities.values():
        verbs = [name.rpartition(".")[2] for name in platform.catalog.permissions if name.rpartition(".")[0] == entity.full_name]
        own = [verb for verb in verbs if verb in set(Verb)]
        assert own == sorted(own), entity.full_name


def test_who_sees_all_that_another_sees_is_looked_up_once_for_all_sums_of_a_page(
    platform: Platform, people: People, owned: dict[UUID, list[UUID]], work_as: type_work_as
) -> None:
    """The look may be one at the whole table; a page has many sums of few people."""
    manager, rep, mine = work_as(people.manager), work_as(people.rep), [("name=thing 1",), ("size=3",), ("size[lt]=5", "name=thing 2"), ()]
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.extend([statement] if "FROM probe_things" in statement else [])

    sa.event.listen(platform.database.engine, "before_cursor_execute", note)
    try:
        with manager.transaction():
            things = manager.records("probe.thing")
            assert all(things.covers(people.rep, ("size",), parse_where(one)) for one in mine)
        assert len(asked) == 1
        with rep.transaction():
            assert [rep.records("probe.thing").covers(people.manager, ("size",), parse_where(one)) for one in mine] == [False] * 4
            nobodys = parse_where(("name=no such thing",))
            assert rep.records("probe.thing").covers(people.manager, ("size",), nobodys), (
                "as there is none that the one sees and the other does not"
            )
    finally:
        sa.event.remove(platform.database.engine, "before_cursor_execute", note)
    with manager.transaction(write=True):
        things = manager.records("probe.thing")
        assert things.covers(people.rep, ("size",), ())
        manager.as_system().records("probe.thing").update(owned[people.rep][0], {"owner": str(people.reps[2][0])})
        manager.as_system().records("core.share").create({"record": f"probe.thing:{owned[people.rep][0]}", "user": str(people.rep)})
        assert not manager.records("probe.thing").covers(people.rep, ("size",), ()), "what writes looks each time"
