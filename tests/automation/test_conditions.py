"""When a rule holds: fields, old and new values, other records, and all, any, not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock
from plugins.automation.expressions import ExpressionError, compiled, holds, paths
from sdk.context import id_of
from tests.automation.conftest import Rules, entry
from tests.plugins.process import Process

type_left = Callable[[], list[str]]
PLACE = "/api/v1/automation/rules"


def kind(name: str, **parameters: Any) -> dict[str, Any]:
    return {"kind": f"automation.{name}", "parameters": parameters}


def amount(words: str) -> dict[str, str]:
    value, currency = words.split()
    return {"amount": value, "currency": currency}


@pytest.mark.feature("I4")
@pytest.mark.parametrize("condition", [
    kind("crossed", field="amount", value="100000 CNY"),
    kind("expression", expression="old.amount.amount <= 100000.0 && amount.amount > 100000.0 && amount.currency == 'CNY' && old.amount.currency == 'CNY'"),
], ids=["crossed", "expression"])  # fmt: skip
def test_an_amount_that_rose_above_a_line_begins_once_and_not_on_an_unrelated_save(
    work: Work, rules: Rules, engine: Engine, left: type_left, process: Process, condition: dict[str, Any]
) -> None:
    rules("pipeline.deal", "updated", entry("{{ amount }}"), conditions=[condition])
    deals, deal = work.records("pipeline.deal"), process.deal("deal", amount=amount("90000 CNY"))
    for value in ({"amount": amount("100000 CNY")}, {"amount": amount("150000 CNY")}, {"notes": "x"}, {"amount": amount("160000 CNY")},
                  {"amount": amount("90000 CNY")}, {"amount": amount("200000 USD")}, {"amount": amount("100 CNY")}):  # fmt: skip
        deals.update(deal, value)
        engine.run_until_idle()
    assert left() == ["150000.00 CNY"], "dollars are never compared with yuan"
    deals.update(deal, {"amount": amount("170000 CNY")})
    engine.run_until_idle()
    assert left() == ["150000.00 CNY", "170000.00 CNY"]


@pytest.mark.feature("I3")
def test_what_a_rule_tells_people_has_days_and_amounts_as_they_write_them_and_values_as_the_api_has_them(
    work: Work, rules: Rules, engine: Engine, process: Process
) -> None:
    """Whoever acts: a rule of the system writes as its company does."""
    said = "{{ amount }}, {{ probability }}, {{ close_date }}, {{ updated_at }}"
    tell = {"action": "teamwork.add_comment", "parameters": {"body": said}}
    keep = {"action": "automation.update_record", "parameters": {"values": {"notes": said, "close_date": "{{ close_date }}"}}}
    rule = rules("pipeline.deal", "updated", tell, keep, parameters={"fields": ["amount"]})
    deal = process.deal("deal", close_date="2026-06-30", probability="12.5")
    work.records("pipeline.deal").update(deal, {"amount": amount("1234567.50 CNY")})
    engine.run_until_idle()
    (comment,) = work.records("teamwork.comment").find(())
    row = process.read(deal)
    assert str(row["notes"]).startswith("1234567.50 CNY, 12.5, 2026-06-30, 2026-")
    assert str(comment["body"]).startswith("CN¥1,234,567.50, 12.5%, Jun 30, 2026, ") and "T" not in str(comment["body"])
    assert [run["state"] for run in rules.runs(rule)] == ["done"]


@pytest.mark.feature("I4")
def test_a_field_that_changed_from_a_certain_value(work: Work, rules: Rules, engine: Engine, left: type_left, account: UUID) -> None:
    rules("customers.account", "updated", entry("to {{ city }}"), conditions=[kind("changed", field="city", was="Wuhan")])
    for city in ("Wuhan", "Xi'an", "Chengdu", "Wuhan", None):
        work.records("customers.account").update(account, {"city": city})
        engine.run_until_idle()
    assert left() == ["to Xi'an", "to"]


@pytest.mark.feature("P2")
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_a_field_that_the_tenant_has_added_is_one_as_others_in_rules(
    work: Work, rules: Rules, engine: Engine, left: type_left, account: UUID
) -> None:
    for key, kind_ in (("grade", "integer"), ("worth", "money")):
        work.records("core.custom_field").create({"entity": "customers.account", "key": key, "kind": kind_, "label": key})
    rose = kind("expression", expression="custom.grade > 2 && old.custom.grade == 1 && custom.worth.amount > 5.0")
    named = kind("filter", where=["custom.grade[gte]=3"])
    rules("customers.account", "updated", entry("{{ custom.grade }}"), conditions=[rose, named], parameters={"fields": ["custom.grade"]})
    for grade, worth in ((1, "9 CNY"), (3, "9 CNY"), (1, "1 CNY"), (3, "1 CNY")):
        work.records("customers.account").update(account, {"custom.grade": grade, "custom.worth": amount(worth)})
        engine.run_until_idle()
    assert left() == ["3"]


@pytest.mark.feature("I4")
@pytest.mark.parametrize("condition", [
    kind("expression", expression="account.city == 'Wuhan'"),
    kind("related", entity="customers.contact", link="account", least=2),
], ids=["linked", "count"])  # fmt: skip
def test_other_records_are_asked(
    work: Work, rules: Rules, engine: Engine, left: type_left, condition: dict[str, Any], account: UUID
) -> None:
    work.records("customers.account").update(account, {"city": "Wuhan"})
    other = id_of(work.records("customers.account").create({"name": "Birch", "city": "Xi'an"}))
    entity = "customers.contact" if condition["kind"].endswith("expression") else "customers.account"
    if entity == "customers.account":
        for n, where in enumerate((account, account, other)):
            work.records("customers.contact").create({"name": f"c{n}", "account": where})
    engine.run_until_idle()
    rules(entity, "created" if entity == "customers.contact" else "updated", entry("{{ name }}"), conditions=[condition])
    for id in (account, other):
        if entity == "customers.contact":
            work.records(entity).create({"name": f"at {'Alder' if id == account else 'Birch'}", "account": id})
        else:
            work.records(entity).update(id, {"website": "https://a.example"})
    engine.run_until_idle()
    assert left() == (["at Alder"] if entity == "customers.contact" else ["Alder"])


@pytest.mark.feature("I4")
def test_all_any_and_not(work: Work, rules: Rules, engine: Engine, left: type_left) -> None:
    wuhan, near = kind("filter", where=["city=Wuhan"]), kind("filter", where=["name[contains]=near"])
    rules(
        "customers.account",
        "created",
        entry("{{ name }}"),
        conditions=[{"any": [wuhan, {"all": [near, {"not": kind("filter", where=["city[empty]=true"])}]}]}],
    )
    for name, city in (("a", "Wuhan"), ("b", "Xi'an"), ("near c", "Xi'an"), ("near d", None)):
        work.records("customers.account").create({"name": name, "city": city})
    engine.run_until_idle()
    assert sorted(left()) == ["a", "near c"]


@pytest.mark.feature("I4")
def test_working_time_is_the_tenants(work: Work, rules: Rules, engine: Engine, left: type_left, clock: Clock) -> None:
    rules("customers.account", "created", entry("{{ name }}"), conditions=[kind("during", since="09:00", until="18:00")])
    for name, day, hour in (("early", 5, 0), ("morning", 5, 1), ("evening", 5, 10), ("saturday", 6, 2)):
        clock.now = datetime(2026, 6, day, hour, tzinfo=UTC)
        work.records("customers.account").create({"name": name})
        engine.run_until_idle()
    assert left() == ["morning"]


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_what_the_owner_may_not_see_a_rule_cannot_ask(work: Work, engine: Engine, client: Api) -> None:
    """A field that is hidden from the rule's owner is no field, neither now nor as it was before."""
    role = id_of(work.records("core.role").create({"key": "clerk", "name": "Clerk"}))
    for permission, fields in (
        ("customers.account.read", ["name", "owner"]),
        ("automation.rule.read", None),
        ("automation.rule.create", None),
    ):
        work.records("core.grant").create({"role": role, "permission": permission, "scope": "all", "only_fields": fields})
    clerk = id_of(work.records("core.user").create({"name": "clerk", "email": "clerk@acme.example", "roles": ["clerk"]}))
    body = {"name": "x", "entity": "customers.account", "trigger": "automation.updated", "actions": [entry("{{ name }}")]}
    api = client.as_user(clerk)
    assert api.post(PLACE, body).status_code == 201
    for part in (
        {"actions": [entry("{{ city }}")]}, {"conditions": [kind("filter", where=["city=Wuhan"])]}, {"conditions": [kind("changed", field="city")]},
        {"conditions": [kind("expression", expression="city == 'Wuhan'")]}, {"conditions": [kind("expression", expression="old.city == 'Wuhan'")]},
        {"parameters": {"fields": ["city"]}},
    ):  # fmt: skip
        refused = api.post(PLACE, {**body, **part})
        assert refused.status_code == 422, part


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"entity": "customers.nothing"}, "entity", "unknown_entity"),
    ({"entity": "automation.run"}, "entity", "unknown_entity"),
    ({"trigger": "automation.never"}, "trigger", "unknown_trigger"),
    ({"trigger": "automation.updated", "parameters": {"fields": ["nothing"]}}, "parameters.fields.0", "unknown_field"),
    ({"trigger": "automation.event", "parameters": {"event": "customers.account.won"}}, "parameters.event", "unknown_event"),
    ({"trigger": "automation.schedule", "parameters": {}}, "parameters.at", "invalid"),
    ({"trigger": "automation.schedule", "parameters": {"at": "09:00", "weekdays": [8]}}, "parameters.weekdays.0", "invalid"),
    ({"trigger": "automation.schedule", "parameters": {"every_minutes": 1}}, "parameters.every_minutes", "invalid"),
    ({"actions": []}, "actions", "required"),
    ({"actions": [{"action": "automation.fly"}]}, "actions.0.action", "unknown_action"),
    ({"actions": ["x"]}, "actions.0", "malformed"),
    ({"actions": [entry("{{ nothing }}")]}, "actions.0.parameters", "unknown_field"),
    ({"actions": [entry("{{ owner.nothing }}")]}, "actions.0.parameters", "unknown_field"),
    ({"actions": [{"action": "probe.leave_entry", "parameters": {}}]}, "actions.0.parameters.text", "required"),
    ({"actions": [{"action": "automation.update_record", "parameters": {"values": {"nothing": 1}}}]}, "actions.0.parameters.values.nothing", "unknown_field"),
    ({"actions": [{"action": "automation.update_record", "parameters": {"values": {"website": 1}}}]}, "actions.0.parameters.values.website", "type"),
    ({"actions": [{"action": "automation.update_record", "parameters": {"values": {"version": 1}}}]}, "actions.0.parameters.values.version", "read_only"),
    ({"actions": [{"action": "automation.create_record", "parameters": {"entity": "x.y", "values": {"a": 1}}}]}, "actions.0.parameters.entity", "unknown_entity"),
    ({"actions": [{"action": "automation.send_mail", "parameters": {"subject": "x", "text": "x"}}]}, "actions.0.parameters.to", "required"),
    ({"actions": [{"action": "automation.send_mail", "parameters": {"to": "nobody", "subject": "x", "text": "x"}}]}, "actions.0.parameters.to", "malformed"),
    ({"actions": [{"action": "automation.notify", "parameters": {"to": "everybody", "title": "x"}}]}, "actions.0.parameters.to", "unknown_choice"),
    ({"actions": [{"action": "automation.call_webhook", "parameters": {"url": "ftp://x"}}]}, "actions.0.parameters.url", "invalid"),
    ({"conditions": [{"kind": "automation.never"}]}, "conditions.0.kind", "unknown_condition"),
    ({"conditions": [{"any": [{"maybe": 1}]}]}, "conditions.0.any.0", "malformed"),
    ({"conditions": [kind("filter", where=["nothing=1"])]}, "conditions.0.parameters.where", "unknown_field"),
    ({"conditions": [kind("filter", where=["name[near]=1"])]}, "conditions.0.parameters.where", "unknown_operator"),
    ({"conditions": [kind("filter", where=["owner"])]}, "conditions.0.parameters.where", "bad_request"),
    ({"conditions": [kind("changed", field="nothing")]}, "conditions.0.parameters.field", "unknown_field"),
    ({"conditions": [kind("crossed", field="name", value="1")]}, "conditions.0.parameters.field", "type"),
    ({"conditions": [kind("related", entity="customers.contact", link="owner")]}, "conditions.0.parameters.link", "unknown_field"),
    ({"conditions": [kind("related", entity="x.y", link="owner")]}, "conditions.0.parameters.entity", "unknown_entity"),
    ({"conditions": [kind("expression", expression="name == ")]}, "conditions.0.parameters.expression", "bad_expression"),
    ({"conditions": [kind("expression", expression="nothing == 1")]}, "conditions.0.parameters.expression", "bad_expression"),
    ({"conditions": [kind("expression", expression="name > 1")]}, "conditions.0.parameters.expression", "bad_expression"),
    ({"conditions": [kind("expression", expression="name")]}, "conditions.0.parameters.expression", "bad_expression"),
    ({"conditions": [kind("expression", expression="owner.nothing == 'x'")]}, "conditions.0.parameters.expression", "bad_expression"),
]  # fmt: skip


@pytest.mark.feature("I4")
@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_a_rule_that_cannot_work_is_refused_with_the_name_of_what_is_wrong(client: Api, engine: Engine) -> None:
    sound = {"name": "x", "entity": "customers.account", "trigger": "automation.created", "actions": [entry("x")]}
    for part, field, code in WRONG:
        refused = client.post(PLACE, {**sound, **part})
        assert refused.status_code == 422, (part, refused.text)
        assert [(error["field"], error["code"]) for error in refused.json["errors"]] == [(field, code)], (part, refused.text)
    assert client.get(PLACE).json["data"] == []


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
@pytest.mark.parametrize(("condition", "code"), [
    (kind("filter", where=["amount[gte]=1000"]), "currency_missing"),
    (kind("crossed", field="amount", value="1000"), "currency_missing"),
    (kind("expression", expression="amount > 1000.0"), "bad_expression"),
])  # fmt: skip
def test_money_is_compared_in_a_currency_that_is_named(client: Api, engine: Engine, condition: dict[str, Any], code: str) -> None:
    body = {"name": "x", "entity": "pipeline.deal", "trigger": "automation.created", "actions": [entry("x")], "conditions": [condition]}
    refused = client.post(PLACE, body)
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, code), refused.text


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_a_mistake_in_an_expression_has_its_place(client: Api, engine: Engine) -> None:
    body = {"name": "x", "entity": "customers.account", "trigger": "automation.created", "actions": [entry("x")],
            "conditions": [kind("expression", expression="name == 'a' && nothing == 1")]}  # fmt: skip
    assert "at character 16" in client.post(PLACE, body).json["errors"][0]["message"]


@pytest.mark.parametrize("source", [
    "[1, 2].map(a, [1, 2].map(b, a * b)).size() > 0", "a" * 1_001, "(" * 40 + "true" + ")" * 40, "[" * 200 + "]" * 200 + " == []",
    "[1].existsOne(a, [1].existsOne(b, a == b))", r"r'\' != '' && [1].exists(a, [1].exists(b, a == b)) && r'\' != ''", "// '\n[1].exists(a, [1].exists(b, a == b)) // '",
])  # fmt: skip
def test_an_expression_that_could_hold_up_a_worker_is_refused(source: str) -> None:
    with pytest.raises(ExpressionError):
        compiled(source)


@given(st.text(max_size=60))
def test_whatever_is_typed_as_an_expression_is_refused_or_harmless(source: str) -> None:
    try:
        program = compiled(source)
    except ExpressionError:
        return
    assert holds(program, {}) in (True, False)


@pytest.mark.parametrize(("source", "names"), [
    ("name == 'old.city'", ["name"]), ("account . city != null", ["account"]), ("old.city == city", ["old", "city"]),
    ("size(name) > 2 && name.startsWith('x')", ["name", "name"]), ("'a' in changed || true", ["changed"]),
])  # fmt: skip
def test_the_names_of_an_expression(source: str, names: list[str]) -> None:
    assert [first for first, _rest, _at in paths(source)] == names


@pytest.mark.feature("I5")
def test_every_action_has_a_form(client: Api, engine: Engine) -> None:
    kinds = client.get("/api/v1/automation/kinds").json
    (probe,) = [one for one in kinds["actions"] if one["key"] == "probe.leave_entry"]
    assert [(one["name"], one["type"], one["required"]) for one in probe["parameters"]] == [
        ("text", "string", True),
        ("fail", "string", False),
    ]
    assert {"automation.date", "automation.created"} <= {one["key"] for one in kinds["triggers"]}
    assert {"automation.filter", "automation.expression"} <= {one["key"] for one in kinds["conditions"]}


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_no_rule_is_active_beyond_those_that_are_heard(client: Api, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.automation.rules.MOST_RULES", 1)
    body = {"name": "x", "entity": "customers.account", "trigger": "automation.created", "actions": [entry("x")]}
    first = client.post(PLACE, body)
    second = client.post(PLACE, body)
    assert (first.status_code, second.status_code, second.json["code"]) == (201, 409, "too_many_active")
    off = client.post(PLACE, {**body, "active": False})
    assert off.status_code == 201
    assert client.patch(f"{PLACE}/{off.json['id']}", {"active": True}).status_code == 409
    assert client.patch(f"{PLACE}/{first.json['id']}", {"active": False}).status_code == 200
    assert client.patch(f"{PLACE}/{off.json['id']}", {"active": True}).status_code == 200
