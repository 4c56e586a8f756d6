"""What is likely there already: found by likeness, refused with its candidates, forced by who may."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from core.context import Work
from core.platform import Platform
from core.tenancy.settings import change
from core.testkit.fixtures import Api, MakeTenant, People
from plugins.customers import demo
from sdk import Alike, Draft, Tenant, likeness
from sdk.context import id_of
from tests.plugins.imports import Done, import_file

ACCOUNTS, CONTACTS, LEADS = "/api/v1/customers/accounts", "/api/v1/customers/contacts", "/api/v1/leads/leads"
HUAWEI, HUAWEI_TURNED = "北京华为技术有限公司", "华为技术(北京)有限公司"


@pytest.mark.feature("E9")
def test_the_same_company_with_its_place_elsewhere_is_refused_with_the_one_that_is_there(client: Api, people: People) -> None:
    rep = client.as_user(people.rep)
    there = rep.post(ACCOUNTS, {"name": HUAWEI})
    assert there.status_code == 201, there.text
    refused = rep.post(ACCOUNTS, {"name": HUAWEI_TURNED})
    assert (refused.status_code, refused.json["code"]) == (409, "likely_duplicate")
    assert refused.json["candidates"] == [{"id": there.json["id"], "title": HUAWEI, "fields": ["name"]}]
    assert refused.json["hidden"] == 0
    assert rep.get(ACCOUNTS).json["data"] == [there.json]


@pytest.mark.feature("E9")
def test_forcing_needs_the_right_to(client: Api, people: People) -> None:
    rep, manager = client.as_user(people.rep), client.as_user(people.manager)
    rep.post(ACCOUNTS, {"name": HUAWEI})
    refused = rep.call("POST", ACCOUNTS, {"force": "true"}, json={"name": HUAWEI_TURNED})
    assert (refused.status_code, refused.json["code"]) == (403, "force_forbidden")
    assert manager.post(ACCOUNTS, {"name": HUAWEI_TURNED}).status_code == 409
    assert manager.call("POST", ACCOUNTS, {"force": "true"}, json={"name": HUAWEI_TURNED}).status_code == 201
    assert manager.call("POST", ACCOUNTS, {"force": "yes"}, json={"name": "x"}).status_code == 400


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("phone", "+86 (0)10 6234-5678", "010-62345678"), ("phone", "0086 138 0013 8000", "13800138000"), ("phone", "+1 (503) 555-0123", "503 555 0123"),
        ("website", "https://www.acme.example/de", "http://ACME.example"), ("tax_number", "91-1101 0860 2010", "91110108602010"),
    ],
)  # fmt: skip
def test_number_host_and_tax_number_give_an_account_away(client: Api, field: str, one: str, other: str) -> None:
    client.post(ACCOUNTS, {"name": "One", field: one})
    refused = client.post(ACCOUNTS, {"name": "Another", field: other})
    assert refused.status_code == 409, refused.text
    assert refused.json["candidates"][0]["fields"] == [field]


@pytest.mark.parametrize(("path", "more"), [(CONTACTS, {}), (LEADS, {"company": "X"})])
def test_people_are_told_apart_by_address_and_number_and_not_by_name(client: Api, path: str, more: dict[str, str]) -> None:
    client.post(path, {"name": "王伟", "email": "wei@one.example", **more})
    assert client.post(path, {"name": "王伟", **more}).status_code == 201
    assert client.post(path, {"name": "Wei Wang", "email": "WEI@one.example", **more}).status_code == 409


@pytest.mark.feature("E9")
def test_somebody_elses_account_is_said_to_be_there_and_nothing_more(client: Api, people: People) -> None:
    theirs = client.as_user(people.reps[1][0]).post(ACCOUNTS, {"name": HUAWEI, "phone": "010-62345678"}).json
    refused = client.as_user(people.rep).post(ACCOUNTS, {"name": HUAWEI_TURNED})
    assert (refused.status_code, refused.json["candidates"], refused.json["hidden"]) == (409, [], 1)
    assert HUAWEI not in refused.text
    assert theirs["id"] not in refused.text
    asked = client.as_user(people.rep).post(f"{ACCOUNTS}/duplicates", {"values": {"phone": "+86 10 6234 5678"}}).json
    assert asked == {"data": [], "hidden": 1}


def test_a_form_can_ask_before_anything_is_written(client: Api) -> None:
    there = client.post(ACCOUNTS, {"name": "Alder Foods Ltd.", "phone": "+44 20 7946 0958"}).json
    asked = client.post(f"{ACCOUNTS}/duplicates", {"values": {"name": "ALDER FOODS Limited", "phone": "020 7946 0958"}}).json
    assert asked == {"data": [{"id": there["id"], "title": "Alder Foods Ltd.", "fields": ["name", "phone"]}], "hidden": 0}
    assert client.post(f"{ACCOUNTS}/duplicates", {"id": there["id"], "values": {"name": "Alder Foods"}}).json["data"] == []
    assert client.post(f"{ACCOUNTS}/duplicates", {"values": {"phone": "call me"}}).status_code == 422
    for body in ({}, {"values": []}, {"values": {}, "x": 1}):
        assert client.post(f"{ACCOUNTS}/duplicates", body).status_code == 400
    assert client.post("/api/v1/pipeline/deals/duplicates", {"values": {}}).status_code == 404
    assert client.get(ACCOUNTS, {"name[alike]": "alder foods, limited"}).json["data"][0]["id"] == there["id"]


def test_the_keys_follow_changes_deletions_and_restorations(client: Api) -> None:
    one = client.post(ACCOUNTS, {"name": "Alder"}).json["id"]
    client.patch(f"{ACCOUNTS}/{one}", {"name": "Birch"})
    two = client.post(ACCOUNTS, {"name": "Alder"})
    assert two.status_code == 201
    assert client.patch(f"{ACCOUNTS}/{two.json['id']}", {"name": "BIRCH"}).status_code == 409
    assert client.patch(f"{ACCOUNTS}/{two.json['id']}", {"city": "Ulm"}).status_code == 200
    client.delete(f"{ACCOUNTS}/{one}")
    assert client.patch(f"{ACCOUNTS}/{two.json['id']}", {"name": "BIRCH"}).status_code == 200
    assert client.post(f"{ACCOUNTS}/{one}/restore").status_code == 409
    assert client.call("POST", f"{ACCOUNTS}/{one}/restore", {"force": "true"}).status_code == 200


def test_a_record_stays_editable_where_its_double_was_forced_before(client: Api) -> None:
    client.post(ACCOUNTS, {"name": "Alder"})
    double = client.call("POST", ACCOUNTS, {"force": "true"}, json={"name": "Alder"}).json
    assert client.patch(f"{ACCOUNTS}/{double['id']}", {"name": "Alder", "city": "Ulm"}).status_code == 200


def test_in_a_batch_the_second_of_two_is_refused_and_the_others_are_taken(client: Api) -> None:
    items = [{"op": "create", "values": {"name": name}} for name in (HUAWEI, "Birch", HUAWEI_TURNED)]
    answer = client.post(f"{ACCOUNTS}/batch", {"items": items})
    first, _second, third = answer.json["data"]
    assert [one["status"] for one in answer.json["data"]] == [201, 201, 409]
    assert third["problem"]["candidates"][0]["id"] == first["id"]
    forced = client.post(f"{ACCOUNTS}/batch", {"items": [{**items[2], "force": True}]})
    assert [one["status"] for one in forced.json["data"]] == [201]


@pytest.mark.feature("C10")
def test_an_import_leaves_out_what_is_likely_there_and_says_what_it_is_like(work: Work, taken: Callable[..., Done]) -> None:
    work.records("customers.account").create({"name": HUAWEI})
    rows = f"name,phone\n{HUAWEI_TURNED},\nAlder,040 123 4567\nBirch,+49 40 1234567\n"
    done = taken("customers.account", rows)
    assert done.counts == {"created": 1, "skipped": 2}
    assert done.reasons == [(1, None, "likely_duplicate"), (3, None, "likely_duplicate")]
    assert HUAWEI in str(done.rows[0]["reason"])
    assert "Alder (phone)" in str(done.rows[1]["reason"])
    assert taken("customers.account", rows, duplicates="take").counts == {"created": 3}


def test_an_import_that_takes_doubles_needs_the_right_to(
    platform: Platform, people: People, taken: Callable[..., Done], work: Work
) -> None:

    rep = platform.user(work.tenant.id, people.rep, work.channel)
    done = import_file(rep, "customers.account", "name\nAlder\n", duplicates="take")
    assert done.reasons == [(1, None, "force_forbidden")]


def test_of_many_doubles_some_are_looked_at_and_told(client: Api, work: Work, people: People, taken: Callable[..., Done]) -> None:
    work.records("customers.account").write_all([Draft("create", {"name": "Acme Ltd"}) for _n in range(60)])
    for who, told in ((client, (20, 0)), (client.as_user(people.rep), (0, 30))):
        refused = who.post(ACCOUNTS, {"name": "ACME"}).json
        assert (len(refused["candidates"]), refused["hidden"]) == told
    done = taken("customers.account", "name\nBirch\n" + "birch gmbh\n" * 600)
    assert (done.counts, {row["code"] for row in done.rows}) == ({"created": 1, "skipped": 600}, {"likely_duplicate"})


def test_another_tenants_records_are_nobodys_doubles(client: Api, platform: Platform, make_tenant: MakeTenant) -> None:
    other = platform.system(make_tenant("other").id)
    id_of(other.records("customers.account").create({"name": HUAWEI}))
    assert client.post(ACCOUNTS, {"name": HUAWEI_TURNED}).status_code == 201


def test_a_lead_of_a_company_that_is_likely_there_is_converted_into_it_or_by_force(client: Api) -> None:
    there = client.post(ACCOUNTS, {"name": HUAWEI}).json
    lead = client.post(LEADS, {"name": "王伟", "company": HUAWEI_TURNED, "email": "wei@one.example"}).json["id"]
    refused = client.post(f"{LEADS}/{lead}/conversions", {"deal": None})
    assert (refused.status_code, refused.json["candidates"][0]["id"]) == (409, there["id"])
    assert client.post(f"{LEADS}/{lead}/conversions", {"deal": None, "account": there["id"]}).json["account"] == there["id"]
    again = client.post(LEADS, {"name": "王伟", "company": HUAWEI, "email": "wei@one.example"}, headers={}).json
    assert again["code"] == "likely_duplicate"
    third = client.post(LEADS, {"name": "李静", "company": HUAWEI_TURNED}).json["id"]
    assert client.post(f"{LEADS}/{third}/conversions", {"deal": None, "force": True}).json["account"] != there["id"]


def test_a_record_of_the_batch_that_keeps_its_number_is_still_there(client: Api) -> None:
    there = client.post(ACCOUNTS, {"name": "Alder", "phone": "010-62345678"}).json["id"]
    renamed = {"op": "update", "id": there, "values": {"name": "Birch"}}
    moved = {"op": "update", "id": there, "values": {"phone": "010-87654321"}}
    double = {"op": "create", "values": {"name": "Cedar", "phone": "+86 10 62345678"}}
    assert [one["status"] for one in client.post(f"{ACCOUNTS}/batch", {"items": [renamed, double]}).json["data"]] == [200, 409]
    assert [one["status"] for one in client.post(f"{ACCOUNTS}/batch", {"items": [moved, double]}).json["data"]] == [200, 201]


@pytest.mark.feature("B6")
def test_a_field_that_one_does_not_see_gives_no_record_away(client: Api, work: Work, people: People) -> None:
    """Who guesses a hidden number learns no more than of a record of another team."""
    role = str(id_of(work.records("core.role").create({"key": "careful", "name": "Careful"})))
    shown = {"scope": "all", "only_fields": ["name", "website"]}
    work.records("core.grant").create({"role": role, "permission": "customers.account.read", **shown})
    work.records("core.user").update(people.rep, {"roles": ["careful"]})
    there = client.post(ACCOUNTS, {"name": "Alder", "phone": "010-62345678", "website": "https://alder.example"}).json
    careful = client.as_user(people.rep)
    guessed = {"values": {"phone": "+86 10 62345678"}}
    assert careful.post(f"{ACCOUNTS}/duplicates", guessed).json == {"data": [], "hidden": 1}
    guessed["values"]["website"] = "https://www.alder.example"
    known = {"id": there["id"], "title": "Alder", "fields": ["website"]}
    assert careful.post(f"{ACCOUNTS}/duplicates", guessed).json == {"data": [known], "hidden": 0}


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_to_look_for_doubles_is_to_look_into_an_index(work: Work, taken: Callable[..., Done]) -> None:
    """Whatever the table holds: neither the look for doubles nor that for the rows of an upsert walks it."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if ("FROM customers_contacts" in statement and "email IN" in statement) or "phone_alike IN" in statement:
            seen.append((statement, parameters))

    engine = work.platform.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    rows = "name,email,phone\nAnn,ann@one.example,010-62345678\nBob,bob@one.example,010-62345679\n"
    assert taken("customers.contact", rows).counts == {"created": 2}
    assert taken("customers.contact", rows, mode="upsert", match=["email"]).counts == {"unchanged": 2}
    sa.event.remove(engine, "before_cursor_execute", note)
    with work.transaction():
        plans = [
            " ".join(str(row[-1]) for row in work.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
            for statement, parameters in seen
        ]
    assert len(plans) == 3
    assert all("ix_customers_contacts_email" in plan or "ix_customers_contacts_phone_alike" in plan for plan in plans), plans


def test_the_sample_companies_are_no_doubles_of_each_other(work: Work) -> None:
    demo.fill(work, Random(1))
    rows = work.records("customers.account").find(())
    for name, key in (("name", likeness.company), ("phone", likeness.telephone), ("website", likeness.host)):
        keys = [key(str(row[name])) for row in rows]
        assert len(set(keys)) == len(keys), name


# --- what the tenant wants to happen -----------------------------------------------------------------------------------

TENANT = "/api/v1/core/tenant"


def ruled(client: Api, **verdicts: str) -> None:
    """Have the tenant's administrator say what happens to accounts, by field."""
    answer = client.patch(TENANT, {"duplicates": {"customers.account": verdicts}})
    assert answer.status_code == 200, answer.text


@pytest.mark.feature("E9")
def test_a_rule_that_only_warns_lets_the_record_in_and_names_its_double(client: Api, people: People) -> None:
    ruled(client, name="warn")
    rep = client.as_user(people.rep)
    there = rep.post(ACCOUNTS, {"name": HUAWEI})
    assert "warnings" not in there.json
    made = rep.post(ACCOUNTS, {"name": HUAWEI_TURNED})
    assert made.status_code == 201, made.text
    (warning,) = made.json["warnings"]
    assert warning == {
        "code": "likely_duplicate",
        "detail": f"this is likely a duplicate of: {HUAWEI} (name)",
        "candidates": [{"id": there.json["id"], "title": HUAWEI, "fields": ["name"]}],
        "hidden": 0,
    }
    assert "warnings" not in rep.get(f"{ACCOUNTS}/{made.json['id']}").json
    assert "warnings" not in rep.patch(f"{ACCOUNTS}/{made.json['id']}", {"city": "Ulm"}).json


@pytest.mark.feature("E9")
def test_a_change_a_restoration_and_a_batch_warn_as_a_new_record_does(client: Api) -> None:
    ruled(client, name="warn")
    one = client.post(ACCOUNTS, {"name": "Alder"}).json["id"]
    two = client.post(ACCOUNTS, {"name": "Birch"}).json["id"]
    changed = client.patch(f"{ACCOUNTS}/{two}", {"name": "ALDER"})
    assert (changed.status_code, changed.json["warnings"][0]["candidates"][0]["id"]) == (200, one)
    client.delete(f"{ACCOUNTS}/{one}")
    back = client.post(f"{ACCOUNTS}/{one}/restore")
    assert (back.status_code, back.json["warnings"][0]["candidates"][0]["id"]) == (200, two)
    items = [{"op": "create", "values": {"name": name}} for name in ("Cedar", "Dogwood", "cedar")]
    answer = client.post(f"{ACCOUNTS}/batch", {"items": items})
    first, second, third = answer.json["data"]
    assert (answer.status_code, [one["status"] for one in (first, second, third)]) == (200, [201, 201, 201])
    assert "warnings" not in first and "warnings" not in second
    assert third["warnings"][0]["candidates"] == [{"id": first["id"], "title": "Cedar", "fields": ["name"]}]


@pytest.mark.feature("E9")
def test_without_a_rule_every_field_is_refused_and_the_tax_number_too_beside_a_warning(client: Api) -> None:
    ruled(client, name="warn", phone="off")
    client.post(ACCOUNTS, {"name": "Alder", "phone": "010-62345678", "tax_number": "91-1101 0860 2010"})
    assert client.post(ACCOUNTS, {"name": "Birch", "phone": "010-62345678"}).status_code == 201
    refused = client.post(ACCOUNTS, {"name": "alder", "tax_number": "91110108602010"})
    assert refused.status_code == 409
    assert refused.json["candidates"][0]["fields"] == ["name", "tax_number"]
    asked = client.post(f"{ACCOUNTS}/duplicates", {"values": {"name": "alder", "phone": "010 62345678"}}).json
    assert [one["fields"] for one in asked["data"]] == [["name"]]


@pytest.mark.feature("E9")
def test_a_warning_names_nobody_whom_its_reader_does_not_see(client: Api, people: People) -> None:
    ruled(client, name="warn")
    theirs = client.as_user(people.reps[1][0]).post(ACCOUNTS, {"name": HUAWEI}).json
    made = client.as_user(people.rep).post(ACCOUNTS, {"name": HUAWEI_TURNED})
    (warning,) = made.json["warnings"]
    assert (made.status_code, warning["candidates"], warning["hidden"]) == (201, [], 1)
    assert HUAWEI not in warning["detail"]
    assert theirs["id"] not in made.text


def test_a_draft_that_is_refused_itself_is_nobodys_double(client: Api) -> None:
    ruled(client, name="warn")
    client.post(ACCOUNTS, {"name": "Alder", "phone": "010-62345678"})
    items = [{"op": "create", "values": {"name": "Birch", "phone": "010-62345678"}}, {"op": "create", "values": {"name": "birch"}}]
    first, second = client.post(f"{ACCOUNTS}/batch", {"items": items}).json["data"]
    assert (first["status"], second["status"]) == (409, 201)
    assert "warnings" not in second


@pytest.mark.feature("C10")
def test_an_import_takes_what_is_only_warned_of_and_reports_it(client: Api, work: Work, taken: Callable[..., Done]) -> None:
    ruled(client, name="warn")
    work.records("customers.account").create({"name": HUAWEI, "tax_number": "1"})
    done = taken("customers.account", f"name,tax_number\n{HUAWEI_TURNED},\nAlder,1\nBirch,2\n")
    assert done.counts == {"created": 2, "skipped": 1, "warned": 1}
    assert [(row["number"], row["outcome"], row["code"]) for row in done.rows] == [
        (1, "warned", "likely_duplicate"), (2, "skipped", "likely_duplicate"),
    ]  # fmt: skip
    assert f"{HUAWEI} (name)" in str(done.rows[0]["reason"])
    assert taken("customers.account", "name\nCedar\n").state == "succeeded"
    warned = taken("customers.account", "name\nCedar\n")
    assert (warned.state, warned.counts) == ("succeeded", {"created": 1, "warned": 1})
    shown = client.get(f"/api/v1/import_export/imports/{warned.id}/rows", {"outcome": "warned"}).json["data"]
    assert [row["number"] for row in shown] == [1]


def test_what_happens_is_the_administrators_to_choose_for_fields_in_which_doubles_are_found(client: Api, people: People) -> None:
    every = client.get(TENANT).json["duplicates"]
    assert every["customers.account"] == dict.fromkeys(("name", "tax_number", "phone", "website"), "block")
    assert every["leads.lead"] == {"email": "block", "phone": "block"}
    wish = {"duplicates": {"customers.account": {"name": "warn"}}}
    assert client.as_user(people.manager).patch(TENANT, wish).status_code == 403
    changed = client.patch(TENANT, wish).json["duplicates"]
    assert changed == {**every, "customers.account": {**every["customers.account"], "name": "warn"}}
    client.post(ACCOUNTS, {"name": "Alder"})
    assert client.post(ACCOUNTS, {"name": "Alder"}).status_code == 201
    ruled(client, name="block", phone="off")
    assert client.post(ACCOUNTS, {"name": "Alder"}).status_code == 409
    for wrong, reason in (
        ({"pipeline.deal": {"name": "warn"}}, "unknown_entity"),
        ({"customers.account": {"city": "warn"}}, "unknown_field"),
        ({"customers.account": {"name": "perhaps"}}, ""),
    ):
        refused = client.patch(TENANT, {"duplicates": wrong})
        assert refused.status_code == 422, refused.text
        assert refused.json["errors"][0]["field"].startswith("duplicates")
        assert reason in ("", refused.json["errors"][0]["code"])
    assert client.get(TENANT).json["duplicates"]["customers.account"] == {**every["customers.account"], "phone": "off"}


def test_one_tenants_choice_is_not_anothers(client: Api, platform: Platform, make_tenant: MakeTenant) -> None:
    other = platform.system(make_tenant("other").id)
    with other.transaction(write=True):
        change(other, {"duplicates": {"customers.account": {"name": "off"}}})
    client.post(ACCOUNTS, {"name": "Alder"})
    assert client.post(ACCOUNTS, {"name": "Alder"}).status_code == 409


def test_what_was_chosen_for_a_plugin_that_is_off_is_there_when_it_is_back(client: Api) -> None:
    client.patch(TENANT, {"duplicates": {"leads.lead": {"phone": "warn"}}})
    for name in ("web_forms", "leads"):
        client.patch(f"/api/v1/core/plugins/{name}", {"enabled": False})
    assert "leads.lead" not in client.get(TENANT).json["duplicates"]
    ruled(client, name="warn")
    client.patch("/api/v1/core/plugins/leads", {"enabled": True})
    assert client.get(TENANT).json["duplicates"]["leads.lead"] == {"email": "block", "phone": "warn"}


# --- at the same moment ------------------------------------------------------------------------------------------------


def entered(platform: Platform, tenant: Tenant, name: str, told: list[object]) -> threading.Thread:
    """Somebody else who enters an account, on a connection of their own."""

    def enter() -> None:
        work = platform.system(tenant.id)
        (outcome,) = work.records("customers.account").write([Draft("create", {"name": name}, alike=Alike.REFUSE)])
        told.append(outcome.refusal.reason if outcome.refusal is not None else "written")

    made = threading.Thread(target=enter)
    made.start()
    return made


@pytest.mark.feature("E9")
def test_of_two_who_enter_one_company_at_the_same_moment_the_second_is_told(platform: Platform, tenant: Tenant, work: Work) -> None:
    told: list[object] = []
    waits = threading.Event()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "advisory" in statement and threading.current_thread() is not threading.main_thread():
            waits.set()

    engine = platform.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        with work.transaction(write=True):
            work.records("customers.account").create({"name": HUAWEI}, alike=Alike.REFUSE)
            other = entered(platform, tenant, HUAWEI_TURNED, told)
            if not platform.database.is_sqlite:  # there the other one has not even begun
                assert waits.wait(30)
                assert told == []
        other.join()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert told == ["likely_duplicate"]
    assert [row["name"] for row in work.records("customers.account").find(())] == [HUAWEI]


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_who_enters_another_company_does_not_wait(platform: Platform, tenant: Tenant, work: Work) -> None:
    told: list[object] = []
    with work.transaction(write=True):
        work.records("customers.account").create({"name": HUAWEI}, alike=Alike.REFUSE)
        entered(platform, tenant, "Alder", told).join()
        assert told == ["written"]


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_an_import_takes_no_locks_for_its_rows(work: Work, taken: Callable[..., Done]) -> None:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = work.platform.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    assert taken("customers.account", "name\n" + "".join(f"Alder {number}\n" for number in range(60))).counts == {"created": 60}
    sa.event.remove(engine, "before_cursor_execute", note)
    assert any("customers_accounts" in statement for statement in seen)
    assert not any("advisory" in statement for statement in seen)
