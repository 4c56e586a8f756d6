"""Formulas and roll-ups that a tenant adds: in every door, for those alone who see what they are made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.entities.records import EntityRecords
from core.platform import Platform
from core.policy.explain import explain
from sdk import BadRequest, Channel, Conflict, Invalid, Query
from sdk.context import id_of
from sdk.filters import parse_pair
from tests.entities.conftest import audit_of, codes

type_add = Callable[..., Any]


@pytest.fixture
def add(system: Work) -> type_add:
    """Adds a field to things, a formula if not told otherwise."""

    def one(key: str, expression: str | None = None, result: str | None = None, **more: object) -> Any:
        wish = {
            "entity": "probe.thing",
            "key": key,
            "kind": "formula",
            "label": key.capitalize(),
            "expression": expression,
            "result": result,
            **more,
        }
        return system.records("core.custom_field").create(wish)

    return one


@pytest.mark.feature("P2")
def test_a_formula_is_shown_found_sorted_and_added_up_as_any_field(add: type_add, system: Work, things: EntityRecords) -> None:
    add("rate", kind="percent")
    add("net", "price * (100 - coalesce(custom.rate, 0)) / 100", "money")
    add("class", "custom.net.amount >= 100 ? 'large' : 'small'", "text")
    add("due", "day + 30", "date")
    add("heavy", "weight > 1", "boolean")
    things = system.records("probe.thing")
    made = {"name": "a", "price": {"amount": "200"}, "custom.rate": "50", "day": "2026-01-31", "weight": "1.5"}
    first, second = id_of(things.create(made)), id_of(things.create({"name": "b", "price": {"amount": "9.99"}}))
    third = id_of(things.create({"name": "c"}))
    row = things.get(first)
    assert {name: row[f"custom.{name}"] for name in ("net", "class", "due", "heavy")} == {
        "net": {"amount": "100.00", "currency": "USD"}, "class": "large", "due": row["custom.due"], "heavy": True,
    }  # fmt: skip
    assert str(row["custom.due"]) == "2026-03-02"

    def found(word: str, value: str) -> list[Any]:
        return [one["id"] for one in things.query(Query(filter=(parse_pair(word, value),), sort=("name",))).data]

    assert found("custom.net[gte]", "9.99") == [first, second]
    assert (found("custom.class", "small"), found("custom.class[empty]", "true")) == ([second], [third])
    assert (found("custom.due", "2026-03-02"), found("custom.heavy", "true")) == ([first], [first])
    assert [one["id"] for one in things.query(Query(sort=("-custom.net",))).data] == [first, second, third]
    for name in ("net", "class", "due", "heavy"):
        walked, cursor = list[Any](), ""
        while page := things.query(Query(sort=(f"custom.{name}",), limit=1, cursor=cursor)):
            walked += [one["id"] for one in page.data]
            if (cursor := page.next or "") == "":
                break
        assert (sorted(walked), walked[-1]) == (sorted([first, second, third]), third), name
    rows = things.aggregate(["sum:custom.net", "count"], ["custom.class"])
    assert rows == [
        {"custom.class": "large", "sum:custom.net": {"amount": "100.00", "currency": "USD"}, "count": 1},
        {"custom.class": "small", "sum:custom.net": {"amount": "9.99", "currency": "USD"}, "count": 1},
        {"custom.class": None, "sum:custom.net": None, "count": 1},
    ]
    assert things.aggregate(["count"], ["custom.due:month"])[0]["count"] == 1
    things.update(first, {"price": {"amount": "10"}})
    assert things.get(first)["custom.class"] == "small", "it is right with the write itself"
    assert "custom.net" not in audit_of(system, first)[-1]["changes"]
    with pytest.raises(Invalid) as refused:
        things.update(first, {"custom.net": {"amount": "1"}})
    assert codes(refused.value) == {("custom.net", "read_only")}


def test_a_formula_reads_the_record_that_a_link_points_to(add: type_add, system: Work, things: EntityRecords) -> None:
    add("base", kind="integer")
    twice = id_of(add("twice", "custom.base * 2", "integer"))
    add("under", "coalesce(whole.custom.twice, 0) + whole.size + custom.base", "integer")
    add("owned", "board.name + '/' + friend.name", "text")
    things = system.records("probe.thing")
    board = id_of(system.records("probe.board").create({"name": "North"}))
    friend = id_of(system.records("core.user").create({"name": "Ada", "email": "ada@x.example"}))
    whole = id_of(things.create({"name": "whole", "size": 5, "custom.base": 4}))
    part = id_of(things.create({"name": "part", "whole": whole, "custom.base": 1, "board": board, "friend": friend}))
    assert (things.get(part)["custom.under"], things.get(part)["custom.owned"]) == (14, "North/Ada")
    things.update(whole, {"custom.base": 10})
    assert things.get(part)["custom.under"] == 26
    assert [one["id"] for one in things.query(Query(filter=(parse_pair("custom.under[gt]", "25"),))).data] == [part]
    add("of_thing", "thing.custom.twice + coalesce(amount, 1)", "integer", entity="probe.part")
    parts = system.records("probe.part")
    bolt = id_of(parts.create({"name": "bolt", "thing": whole}))
    assert parts.get(bolt)["custom.of_thing"] == 21
    with pytest.raises(Conflict, match=r"probe\.part custom\.of_thing is calculated from it"):
        system.records("core.custom_field").delete(twice)
    things.delete(whole)
    assert things.get(part)["custom.under"] is None


def _person(system: Work, platform: Platform, role: str) -> Work:
    made = system.records("core.user").create({"name": "R", "email": f"{role}@x.example", "roles": [role]})
    return platform.user(system.tenant.id, id_of(made), Channel.API)


def test_a_formula_is_shown_to_those_alone_who_may_read_all_that_it_is_made_from(
    add: type_add, system: Work, things: EntityRecords, platform: Platform
) -> None:
    add("net", "price * 2", "money")
    add("net_size", "string(custom.net.amount) + string(size)", "text")
    add("north", "board.name == 'North'", "boolean")
    things = system.records("probe.thing")
    id = id_of(
        things.create(
            {"name": "a", "price": {"amount": "1"}, "size": 3, "board": id_of(system.records("probe.board").create({"name": "North"}))}
        )
    )
    own = ["name", "size", "board", "custom.net", "custom.net_size", "custom.north"]
    for role, fields, boards, shown in (
        ("blind", own, False, set[str]()),
        ("seeing", [*own, "price"], True, {"custom.net", "custom.net_size", "custom.north"}),
        ("half", ["name", "price", "board", "custom.net", "custom.net_size", "custom.north"], False, {"custom.net"}),
    ):
        system.records("core.role").create({"key": role, "name": role})
        system.records("core.grant").create({"role": role, "permission": "probe.thing.read", "scope": "all", "only_fields": fields})
        system.records("core.grant").create({"role": role, "permission": "probe.thing.update", "scope": "all"})
        if boards:
            system.records("core.grant").create({"role": role, "permission": "probe.board.read", "scope": "all"})
        theirs = _person(system, platform, role)
        records = theirs.records("probe.thing")
        assert {name for name in records.get(id) if name.startswith("custom.")} == shown, role
        assert {name for name in records.fields() if name.startswith("custom.")} == shown, role
        for name in {"custom.net", "custom.net_size", "custom.north"} - shown:
            with pytest.raises(Invalid) as refused:
                records.update(id, {name: None})
            assert codes(refused.value) == {(name, "unknown_field")}
            for query in (Query(sort=(name,)), Query(filter=(parse_pair(f"{name}[empty]", "false"),)), Query(fields=(name,))):
                with pytest.raises(BadRequest, match="has no field"):
                    records.query(query)
            with pytest.raises(BadRequest, match="has no field"):
                records.aggregate([f"distinct:{name}"])
            assert not explain(theirs, "probe.thing.read", id, name).allowed, (role, name)
        for name in shown:
            assert explain(theirs, "probe.thing.read", id, name).allowed, (role, name)


def test_rights_that_differ_from_row_to_row_hold_for_formulas(add: type_add, system: Work, platform: Platform) -> None:
    add("net", "size * 2", "integer")
    system.records("core.role").create({"key": "rep", "name": "Rep"})
    for scope, fields in (("all", ["name", "custom.net"]), ("own", ["name", "custom.net", "size"])):
        system.records("core.grant").create({"role": "rep", "permission": "probe.thing.read", "scope": scope, "only_fields": fields})
    rep = _person(system, platform, "rep")
    things = system.records("probe.thing")
    mine = id_of(things.create({"name": "mine", "size": 1, "owner": rep.actor.user_id}))
    theirs = id_of(things.create({"name": "theirs", "size": 2}))
    records = rep.records("probe.thing")
    assert (records.get(mine)["custom.net"], "custom.net" in records.get(theirs)) == (2, False)
    assert [row["id"] for row in records.query(Query(filter=(parse_pair("custom.net[gt]", "0"),))).data] == [mine]


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_what_a_formula_is_made_from_cannot_go_and_no_formula_goes_in_a_circle(add: type_add, system: Work) -> None:
    definitions = system.records("core.custom_field")
    base = id_of(add("base", kind="integer"))
    one = id_of(add("one", "custom.base + 1", "integer"))
    two = id_of(add("two", "custom.one + 1", "integer"))
    with pytest.raises(Conflict, match=r"probe\.thing custom\.one is calculated from it"):
        definitions.delete(base)
    for expression, word in (
        ("custom.two + 1", "can’t refer to themselves"),
        ("custom.one", "can’t refer to themselves"),
        ("custom.nothing", "no field 'custom.nothing'"),
    ):
        with pytest.raises(Invalid) as refused:
            definitions.update(one, {"expression": expression})
        (problem,) = refused.value.problems
        assert (problem.field, problem.code) == ("expression", "bad_expression")
        assert word in problem.message.format(**problem.params), expression
    assert definitions.update(one, {"label": "Another"})["label"] == "Another"
    with pytest.raises(Invalid) as refused:
        definitions.update(one, {"result": "text"})
    assert ("result", "lasting") in codes(refused.value)
    definitions.delete(two)
    definitions.delete(one)
    definitions.delete(base)
    with pytest.raises(Invalid) as refused:
        definitions.restore(one)
    assert codes(refused.value) == {("expression", "bad_expression")}
    for id in (base, one, two):
        definitions.restore(id)
    things = system.records("probe.thing")
    assert things.get(id_of(things.create({"name": "a", "custom.base": 1})))["custom.two"] == 3


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_formulas_over_formulas_end_where_they_would_look_at_too_much(add: type_add) -> None:
    add("f0", "size + 1", "integer")
    for step in range(1, 7):
        add(f"f{step}", " + ".join(f"custom.f{n}" for n in range(step)), "integer")
    with pytest.raises(Invalid) as refused:
        add("f7", " + ".join(f"custom.f{n}" for n in range(7)), "integer")
    assert codes(refused.value) == {("expression", "bad_expression")}


ROLL_UP = {"kind": "roll_up", "source": "probe.thing", "link": "custom.above"}


@pytest.mark.feature("P2")
def test_a_roll_up_follows_a_link_of_the_tenants_own_and_adds_up_its_formulas(add: type_add, system: Work) -> None:
    add("loose", kind="link", target="probe.thing")
    with pytest.raises(Invalid) as refused:
        add("sum_loose", **{**ROLL_UP, "link": "custom.loose", "measure": "count"})
    assert codes(refused.value) == {("link", "does_not_fit")}
    link = id_of(add("above", kind="link", target="probe.thing", indexed=True))
    add("cost", "price * size", "money")
    add("big", "size > 1", "boolean")
    add("total", **ROLL_UP, measure="sum:custom.cost", where="custom.big=true")
    add("share", "custom.total / price", "decimal")
    things = system.records("probe.thing")
    one, other = (id_of(things.create({"name": name, "price": {"amount": "2"}})) for name in ("one", "other"))
    below = [id_of(things.create({"name": "x", "custom.above": one, "price": {"amount": "1.50"}, "size": size})) for size in (1, 2, 3)]

    def shown(id: UUID) -> tuple[object, object]:
        row = things.get(id)
        return row["custom.total"] and row["custom.total"]["amount"], row["custom.share"]

    assert (shown(one), shown(other)) == (("7.50", "3.75"), (None, None))
    things.update(below[1], {"custom.above": other})
    assert (shown(one), shown(other)) == (("4.50", "2.25"), ("3.00", "1.5"))
    things.delete(below[2])
    assert shown(one) == (None, None)
    things.restore(below[2])
    assert shown(one) == ("4.50", "2.25")
    assert [row["id"] for row in things.query(Query(filter=(parse_pair("custom.total[gt]", "3"),), sort=("-custom.share",))).data] == [one]
    with pytest.raises(Conflict, match=r"custom\.total is calculated from it"):
        system.records("core.custom_field").delete(link)


def test_the_day_is_that_of_the_tenants_time_zone(add: type_add, system: Work) -> None:
    add("age", "today() - date(moment)", "integer")
    things = system.records("probe.thing")
    now = system.now()
    made = id_of(things.create({"name": "a", "moment": now.isoformat()}))
    assert things.get(made)["custom.age"] == 0
    assert things.query(Query(filter=(parse_pair("custom.age", "0"),), count=True)).total == 1
    assert things.aggregate(["count"], ["name"], (parse_pair("custom.age", "0"),)) == [{"name": "a", "count": 1}]


@pytest.mark.feature("P2")
def test_a_field_is_required_under_its_condition_by_every_way_of_writing(add: type_add, system: Work, work_as: Any, client: Any) -> None:
    reason = id_of(
        add("reason", kind="text", shown_if="tier == 'gold'", required_if="tier == 'gold' && price.amount > 100 && day <= today()")
    )
    admin = work_as(id_of(system.records("core.user").create({"name": "A", "email": "a@x.example", "roles": ["admin"]})))
    things, gold = admin.records("probe.thing"), {"name": "a", "tier": "gold", "price": {"amount": "101"}, "day": str(system.now().date())}
    with pytest.raises(Invalid) as refused:
        things.create(gold)
    assert codes(refused.value) == {("custom.reason", "required")}
    made = id_of(things.create({**gold, "tier": "tin"}))
    with pytest.raises(Invalid):
        things.update(made, {"tier": "gold"})
    things.update(made, {"tier": "gold", "custom.reason": "because"})
    with pytest.raises(Invalid):
        things.update(made, {"custom.reason": None})
    things.update(made, {"custom.reason": None, "price": {"amount": "100"}})
    by_code = id_of(work_as().records("probe.thing").create(gold))
    things.update(by_code, {"name": "renamed"})
    (entity,) = (one for one in client.get("/api/v1/meta").json["entities"] if one["name"] == "probe.thing")
    (field,) = (one for one in entity["fields"] if one["name"] == "custom.reason")
    assert field["shown_if"] == "tier == 'gold'"
    assert field["required_if"].startswith("tier == 'gold' && price")
    definitions = system.records("core.custom_field")
    add("net", "price", "money")
    for wish in ({"required_if": "custom.net > price"}, {"shown_if": "board.name == 'a'"}, {"shown_if": "name"}):
        with pytest.raises(Invalid) as refused:
            definitions.update(reason, wish)
        assert codes(refused.value) == {(next(iter(wish)), "bad_expression")}


@pytest.mark.feature("P2", "B5")
def test_a_condition_tells_nobody_of_a_field_that_he_does_not_see(add: type_add, system: Work, work_as: Any) -> None:
    add("why", kind="text", required_if="size > 100")
    role = id_of(system.records("core.role").create({"key": "narrow", "name": "Narrow"}))
    for verb in ("read", "update"):
        grant = {"role": role, "permission": f"probe.thing.{verb}", "scope": "all", "only_fields": ["name", "custom.why"]}
        system.records("core.grant").create(grant)
    user = id_of(system.records("core.user").create({"name": "n", "roles": ["narrow"]}))
    things = system.records("probe.thing")
    ids = [id_of(things.create({"name": f"t{size}", "size": size, "custom.why": "a"})) for size in (5, 500)]
    for id in ids:
        work_as(user).records("probe.thing").update(id, {"custom.why": None})
    boss = id_of(system.records("core.user").create({"name": "boss", "roles": ["admin"]}))
    with pytest.raises(Invalid):
        work_as(boss).records("probe.thing").update(ids[1], {"size": 501})


@pytest.mark.feature("P2")
def test_the_first_number_stays_once_one_was_given(add: type_add, system: Work) -> None:
    field = id_of(add("no", kind="auto_number", default="C-002"))
    fields, things = system.records("core.custom_field"), system.records("probe.thing")
    fields.update(field, {"default": "C-005"})
    assert things.create({"name": "a"})["custom.no"] == "C-005"
    with pytest.raises(Invalid):
        fields.update(field, {"default": "C-001"})
    assert things.create({"name": "b"})["custom.no"] == "C-006"


@pytest.mark.feature("P2")
def test_code_that_helps_itself_is_not_asked_for_what_a_tenant_requires_and_an_operator_is(add: type_add, system: Work) -> None:
    add("why", kind="text", required=True)
    operator = system.over(Channel.CLI)
    with pytest.raises(Invalid):
        operator.records("probe.thing").create({"name": "by hand"})
    assert operator.as_system().records("probe.thing").create({"name": "by code"})["custom.why"] is None
    boss = id_of(system.records("core.user").create({"name": "boss", "roles": ["admin"]}))
    with pytest.raises(Invalid):
        system.as_system().as_user(boss).records("probe.thing").create({"name": "in somebody's name"})
