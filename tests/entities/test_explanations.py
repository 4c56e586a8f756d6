"""Why somebody may do something or may not: the deciding rule, and that it never says otherwise than the doors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.context import Work
from core.platform import Platform
from core.policy.explain import explain
from core.testkit.fixtures import Api, People
from sdk import Channel, Draft, Forbidden, Invalid, NotFound, Scope, Verb, parse_where
from sdk.context import id_of
from tests.probe.plugin import HandlerError

type_make = Callable[..., UUID]
ADDRESS, SHARES = "/api/v1/core/explanations", "/api/v1/core/shares"
FIELDS = ("name", "size", "tier")
UNIQUE = iter(range(1_000_000))
WORDS = ("", ".read", ".update", ".delete", ".create", ":name,tier", ".read:name", ".read:size,tier", ".update:name", ".create:size")
TOKENS = st.none() | st.lists(st.sampled_from([f"probe.thing{word}" for word in WORDS]), min_size=1, max_size=4)
"""What a token may do, where it is one that asks."""


@st.composite
def grants(draw: st.DrawFn) -> list[dict[str, object]]:
    """One to five grants on things, each for some fields or for all; scopes as they come."""
    one = st.fixed_dictionaries(
        {
            "permission": st.sampled_from([f"probe.thing.{verb}" for verb in Verb]),
            "scope": st.sampled_from([scope for scope in Scope if scope not in (Scope.PARENT, Scope.TERRITORY)]).map(str),
        },
        optional={"only_fields": st.lists(st.sampled_from(FIELDS), min_size=1, unique=True)},
    )
    return draw(st.lists(one, min_size=1, max_size=5))


def does(attempt: Callable[[], Any]) -> Any:
    """What an attempt gives; None where it is refused."""
    try:
        return attempt()
    except (Forbidden, NotFound, Invalid):
        return None


class Undone(HandlerError):
    """Takes back what was tried."""


def undone(work: Work, attempt: Callable[[], object]) -> bool:
    """Whether it is done, in a transaction that is taken back."""
    try:
        with work.transaction(write=True):
            attempt()
            raise Undone
    except Undone:
        return True
    except (Forbidden, NotFound, Invalid):
        return False


@pytest.mark.feature("B12")
@settings(max_examples=9)
@given(held=st.data())
def test_an_explanation_says_what_the_doors_do(
    platform: Platform, system: Work, people: People, make: type_make, held: st.DataObject
) -> None:
    """Any grants, by a token too, records of oneself, a colleague, a subordinate, a stranger and one that is shared: every verb, with fields and without."""
    number = next(UNIQUE)
    role = id_of(system.records("core.role").create({"key": f"role-{number}", "name": "x"}))
    rights = [{"role": str(role), **one} for one in held.draw(grants())]
    for outcome in system.records("core.grant").write([Draft("create", one) for one in rights]):
        assert outcome.refusal is None
    me = id_of(system.records("core.user").create({"name": "me", "team": str(people.teams[0]), "roles": [f"role-{number}"]}))
    below = id_of(system.records("core.user").create({"name": "below", "team": str(people.teams[1]), "manager": str(me)}))
    things = [make("t", owner=owner and str(owner), size=1) for owner in (me, people.rep, below, people.reps[2][0], None)]
    for thing, access in zip(things[3:], ("read", "write"), strict=True):
        if held.draw(st.booleans()):
            system.records("core.share").create({"record": f"probe.thing:{thing}", "user": str(me), "access": access})
    work = platform.user(system.tenant.id, me, Channel.API).within(held.draw(TOKENS))
    doors = work.records("probe.thing")

    def said(verb: Verb, thing: UUID | None, name: str = "") -> bool:
        answer = explain(work, f"probe.thing.{verb}", thing, name)
        assert answer.allowed == (answer.reason == "granted") == (answer.rule is not None and answer.rule.holds)
        return answer.allowed

    changed = {"name": "u", "size": 2, "tier": "gold"}
    for thing in things:
        row = does(lambda one=thing: doors.get(one))
        assert said(Verb.READ, thing) == (row is not None)
        for name, value in changed.items():
            assert said(Verb.READ, thing, name) == (row is not None and name in row), name
            done = undone(work, lambda one=thing, n=name, v=value: doors.update(one, {n: v}))
            assert said(Verb.UPDATE, thing, name) == done, name
        assert said(Verb.UPDATE, thing) == undone(work, lambda one=thing: doors.update(one, {}))
        assert said(Verb.DELETE, thing) == undone(work, lambda one=thing: doors.delete(one))
    assert said(Verb.CREATE, None, "name") == undone(work, lambda: doors.create({"name": "new"}))


PARTS, MARKET = "probe.part", "customers.account"


@st.composite
def far_grants(draw: st.DrawFn) -> list[dict[str, object]]:
    """Grants that go by a parent or a territory, beside others."""
    found = []
    for entity, scopes in (("probe.thing", ("own", "team")), (PARTS, ("parent",)), (MARKET, ("territory", "own"))):
        for verb in (Verb.READ, Verb.UPDATE, Verb.DELETE):
            if draw(st.booleans()):
                fields = {"only_fields": ["name"]} if verb is not Verb.DELETE and draw(st.booleans()) else {}
                found.append({"permission": f"{entity}.{verb}", "scope": draw(st.sampled_from(scopes)), **fields})
    return found


@pytest.mark.feature("B12")
@settings(max_examples=4)
@given(held=st.data())
def test_an_explanation_says_what_the_doors_do_by_parents_and_territories(
    platform: Platform, system: Work, people: People, make: type_make, held: st.DataObject
) -> None:
    number = next(UNIQUE)
    role = id_of(system.records("core.role").create({"key": f"far-{number}", "name": "x"}))
    for outcome in system.records("core.grant").write([Draft("create", {"role": str(role), **one}) for one in held.draw(far_grants())]):
        assert outcome.refusal is None
    me = id_of(system.records("core.user").create({"name": "me", "team": str(people.teams[0]), "roles": [f"far-{number}"]}))
    territories = system.records("core.territory")
    north = id_of(territories.create({"name": f"North {number}"}))
    places = (
        north,
        id_of(territories.create({"name": f"East {number}", "parent": north})),
        id_of(territories.create({"name": f"South {number}"})),
    )
    system.records("core.territory_member").create({"user": me, "territory": north})
    accounts = system.records(MARKET)
    there = [
        (MARKET, id_of(accounts.create({"name": f"A{number} {place}", "owner": people.reps[2][0], "territory": place}))) for place in places
    ]
    things = [make("t", owner=str(owner), size=1) for owner in (me, people.reps[2][0])]
    there += [(PARTS, id_of(system.records(PARTS).create({"thing": thing, "name": "p"}))) for thing in things]
    work = platform.user(system.tenant.id, me, Channel.API)
    for entity, id in there:
        doors = work.records(entity)
        row = does(lambda one=id, at=doors: at.get(one))
        assert explain(work, f"{entity}.read", id, "").allowed == (row is not None)
        assert explain(work, f"{entity}.read", id, "name").allowed == (row is not None and "name" in row)
        renamed = undone(work, lambda one=id, at=doors: at.update(one, {"name": f"new {number}"}))
        assert explain(work, f"{entity}.update", id, "name").allowed == renamed
        assert explain(work, f"{entity}.delete", id, "").allowed == undone(work, lambda one=id, at=doors: at.delete(one))


@pytest.mark.feature("B12")
def test_an_explanation_names_the_rule_and_where_it_comes_from(client: Api, system: Work, people: People, make: type_make) -> None:
    (mine, theirs), rep = [make("t", owner=str(owner)) for owner in (people.rep, people.reps[1][0])], str(people.rep)
    ask = {"user": rep, "action": "probe.thing.read"}

    def told(**more: object) -> dict[str, Any]:
        answer = client.get(ADDRESS, {**ask, **more})
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    own = told(record=str(mine))
    assert (own["allowed"], own["reason"]) == (True, "granted")
    rule = {"role": "sales_rep", "sources": ["user"], "scope": "own", "fields": None, "reaches": True, "includes": None,
            "share": None, "follows": []}  # fmt: skip
    assert own["rule"] == rule
    far = told(record=str(theirs))
    assert (far["allowed"], far["reason"], far["rule"], far["rules"]) == (False, "out_of_reach", None, [{**rule, "reaches": False}])
    share = {"record": f"probe.thing:{theirs}", "user": rep}
    lent = id_of(system.records("core.share").create(share))
    assert told(record=str(theirs))["rule"]["share"] == str(lent)
    assert told(record=str(theirs), action="probe.thing.update")["reason"] == "out_of_reach"
    role = id_of(system.records("core.role").create({"key": "namer", "name": "Namer"}))
    of_names = {"role": str(role), "permission": "probe.thing.read", "scope": "all", "only_fields": ["name"]}
    system.records("core.grant").create(of_names)
    system.records("core.team").update(people.teams[0], {"roles": ["namer"]})
    system.records("core.share").delete(lent)
    by_team = told(record=str(theirs), field="name")["rule"]
    assert (by_team["role"], by_team["sources"], by_team["includes"]) == ("namer", ["team:Team 0"], True)
    assert told(record=str(theirs), field="size")["reason"] == "field_hidden"
    assert told(action="probe.thing.delete", record=str(theirs))["reason"] == "out_of_reach"
    assert told(action="probe.board.update")["reason"] == "no_grant"
    part = told(action="probe.part.read")["rule"]
    assert (part["scope"], part["follows"]) == ("parent", ["probe.thing.read"])
    assert told(action="core.plugin.update")["reason"] == "no_grant"
    assert told(action="probe.thing.update", field="serial")["reason"] == "read_only"
    assert told(user="admin@acme.example", action="core.plugin.update")["rule"]["role"] == "admin"
    for plugin in ("probe_more", "probe"):
        assert client.patch(f"/api/v1/core/plugins/{plugin}", {"enabled": False}).status_code == 200
    assert told()["reason"] == "plugin_off"


@pytest.mark.feature("B12")
def test_of_himself_everybody_may_ask_and_learns_nothing_of_what_he_does_not_see(
    client: Api, system: Work, people: People, make: type_make
) -> None:
    theirs = make("t", owner=str(people.reps[1][0]))
    api, nothing = client.as_user(people.rep), "01890a5d-ac96-774b-bcce-b302099a8057"

    def told(record: object, verb: str) -> dict[str, Any]:
        return {name: value for name, value in api.get(ADDRESS, {"action": f"probe.thing.{verb}", "record": str(record)}).json.items()
                if name != "record"}  # fmt: skip

    for verb in ("read", "update", "delete"):
        assert told(theirs, verb) == told(nothing, verb)
        assert not told(theirs, verb)["allowed"]
    assert api.get(ADDRESS, {"action": "probe.thing.read", "user": str(people.manager)}).status_code == 403
    narrow = client.as_user(people.rep, allows=["probe.board"])
    assert narrow.get(ADDRESS, {"action": "probe.thing.read"}).json["reason"] == "token"
    role = id_of(system.records("core.role").create({"key": "helper", "name": "Helper"}))
    system.records("core.grant").create({"role": str(role), "permission": "core.explanation.read", "scope": "all"})
    system.records("core.user").update(people.rep, {"roles": ["sales_rep", "helper"]})
    of_other = {"action": "probe.thing.read", "user": str(people.reps[1][0])}
    assert api.get(ADDRESS, of_other).json["allowed"] is True
    assert api.get(ADDRESS, {**of_other, "record": str(theirs)}).status_code == 404
    for wrong, status in (
        ({"action": "probe.thing.reed"}, 422), ({"action": "core.plugin.update", "field": "name"}, 422),
        ({"action": "probe.thing.create", "record": nothing}, 422), ({**of_other, "user": "nobody@acme.example"}, 404), ({}, 422),
    ):  # fmt: skip
        assert api.get(ADDRESS, wrong).status_code == status, wrong


@pytest.mark.feature("B12")
def test_an_explanation_knows_what_the_doors_ask_beside_the_grants(
    client: Api, system: Work, people: People, make: type_make, platform: Platform
) -> None:
    """To give a record away, parts that follow what they are part of, what keeps acting, and fields that a veil takes out."""
    mine, lent = make("mine", owner=str(people.rep)), make("lent", owner=str(people.reps[1][0]))
    rep, (role,) = client.as_user(people.rep), system.records("core.role").find(parse_where(["key=sales_rep"]))
    share_with_me = system.records("core.share").create({"record": f"probe.thing:{lent}", "user": str(people.rep), "access": "write"})
    by_me = system.records("core.share").create({"record": f"probe.thing:{mine}", "user": str(people.reps[2][0])})

    def told(action: str, **more: object) -> str:
        answer = rep.get(ADDRESS, {"action": action, **more})
        assert answer.status_code == 200, answer.text
        assert answer.json["allowed"] == (answer.json["reason"] == "granted")
        return str(answer.json["reason"])

    assert told("probe.thing.update", record=mine, field="owner") == "granted"
    assert (told("probe.thing.update", record=lent, field="name"), told("probe.thing.update", record=lent, field="owner")) == (
        "granted", "shared_only",
    )  # fmt: skip
    assert rep.patch(f"/api/v1/probe/things/{lent}", {"owner": str(people.rep)}).status_code == 403
    assert [told(f"core.share.{verb}", record=id_of(share_with_me)) for verb in ("update", "delete")] == ["shared_only"] * 2
    assert rep.delete(f"{SHARES}/{id_of(share_with_me)}").json["code"] == "beyond_own", "nobody hands on what was shared with him"
    assert told("core.share.delete", record=id_of(by_me)) == "granted"
    assert rep.delete(f"{SHARES}/{id_of(by_me)}").status_code == 204
    system.records("core.grant").create({"role": role["id"], "permission": "probe.thing.reassign", "scope": "none"})
    assert told("probe.thing.update", record=mine, field="owner") == "no_reassign"
    assert rep.patch(f"/api/v1/probe/things/{mine}", {"owner": str(people.reps[0][1])}).status_code == 403

    parts = [id_of(system.records("probe.part").create({"thing": mine, "name": name})) for name in ("a", "b")]
    assert told("probe.part.bulk_edit") == "granted"
    items = [{"op": "update", "id": str(part), "values": {"amount": 1}} for part in parts]
    assert rep.post("/api/v1/probe/parts/batch", {"items": items}).status_code == 200
    system.records("core.grant").create({"role": role["id"], "permission": "probe.part.bulk_edit", "scope": "none"})
    assert told("probe.part.bulk_edit") == "no_grant"
    assert rep.post("/api/v1/probe/parts/batch", {"items": items}).status_code == 403

    share = {"record": f"probe.thing:{mine}", "user": str(people.reps[0][1])}
    rep = client.as_user(people.rep, allows=["core.share", "probe.thing"])
    assert (told("core.share.create"), rep.post("/api/v1/core/shares", share).status_code) == ("token", 403)

    rep = client.as_user(people.rep)
    system.records("core.grant").create({"role": role["id"], "permission": "core.job.read", "scope": "all"})
    for person in (people.rep, people.manager):
        platform.user(system.tenant.id, person, Channel.API).enqueue("probe.remember", {"text": "x"})
    asked, other = (row["id"] for row in system.records("core.job").find(parse_where(["kind=job"])))
    assert told("core.job.read", record=asked, field="error") == "granted"
    assert told("core.job.read", record=other, field="error") == "veiled", "no error is there as yet: that is not told either"
    assert told("core.job.read", record=other, field="name") == "granted"

    rep, (admin,) = client, system.records("core.user").find(parse_where(["email=admin@acme.example"]))
    assert client.delete(f"/api/v1/core/users/{admin['id']}").json["code"] == "last_administrator"
    assert told("core.user.delete", record=admin["id"]) == "last_administrator"
    assert told("core.user.delete", record=people.rep) == "granted"
