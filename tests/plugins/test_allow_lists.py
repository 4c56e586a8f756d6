"""A token with an allow-list has the fields that it names, on every path, also those that lead through what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from core.identity import tokens
from core.platform import Platform
from core.testkit.fixtures import Api
from sdk import Channel, Invalid, Tenant

ACCOUNTS, CONTACTS, TOKENS = "/api/v1/customers/accounts", "/api/v1/customers/contacts", "/api/v1/core/tokens"
ADMIN, SECRET = "admin@acme.example", "13800138000"
NAMES = ["customers.account.read:name,address"]


@pytest.fixture
def acme(client: Api) -> str:
    """An account with a telephone number that a narrow token must not learn."""
    made = client.post(ACCOUNTS, {"name": "Acme", "address": "Main Road 1", "phone": SECRET})
    assert made.status_code == 201, made.text
    return str(made.json["id"])


def code(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json["code"]


def made(client: Api, **body: object) -> Any:
    """What the server says to the wish for a token."""
    return client.post(TOKENS, {"name": "t", **body})


def bearer(client: Api, allows: list[str]) -> Api:
    """The holder of a token made over HTTP."""
    answer = made(client, allows=allows)
    assert answer.status_code == 201, answer.text
    return Api(client.platform, client.flask, answer.json["token"], client.tenant)


@pytest.mark.feature("B7")
def test_a_field_that_the_list_does_not_name_is_on_no_path(client: Api, acme: str) -> None:
    client.patch(f"{ACCOUNTS}/{acme}", {"phone": "13900139000"})
    narrow, everything = client.as_user(ADMIN, allows=NAMES), list[str]()
    row = narrow.get(f"{ACCOUNTS}/{acme}").json
    assert set(row) == {"id", "version", "name", "address"}
    assert set(narrow.get(ACCOUNTS).json["data"][0]) == {"id", "version", "name", "address"}
    assert narrow.get(ACCOUNTS, {"q": SECRET}).json["data"] == []
    for asked in ({"phone": SECRET}, {"phone[contains]": "138"}, {"sort": "phone"}, {"fields": "phone"}):
        assert code(narrow.get(ACCOUNTS, asked)) == (400, "unknown_field")
    everything += [narrow.get(f"{ACCOUNTS}/{acme}/{part}").text for part in ("history", "timeline")]
    everything.append(narrow.get("/api/v1/openapi.json").text)
    assert not any(word in text for text in everything for word in (SECRET, "13900139000", '"phone"')), everything
    assert narrow.patch(f"{ACCOUNTS}/{acme}", {"phone": "1"}).status_code == 403


@pytest.mark.feature("B7")
def test_reports_included_records_and_files_to_fill_in_obey_the_list(client: Api, acme: str) -> None:
    contact = client.post(CONTACTS, {"name": "Li Lei", "account": acme, "email": "li@acme.example"})
    assert contact.status_code == 201, contact.text
    files = ["customers.account.create:name", "import_export.import.create", "reports.report.run"]
    narrow = client.as_user(ADMIN, allows=[*NAMES, "customers.contact.read:name,account", *files])
    included = narrow.get(CONTACTS, {"include": "account"}).json["data"][0]
    assert "email" not in included
    assert SECRET not in str(included)
    asked = {"entity": "customers.account", "measure": "count", "by": "phone"}
    assert client.get("/api/v1/reports/query", asked).status_code == 200
    assert narrow.get("/api/v1/reports/query", asked).status_code == 400
    assert narrow.get("/api/v1/reports/query", {**asked, "by": "name"}).json["data"] == [{"name": "Acme", "count": 1}]
    sheet = narrow.get("/api/v1/import_export/templates/customers.account").text
    assert "phone" not in sheet.lower()
    assert "name" in sheet.lower()


@pytest.mark.feature("B7")
def test_a_field_added_later_is_not_readable_until_granted(client: Api, acme: str) -> None:
    today, always = bearer(client, ["customers.account.read"]), bearer(client, ["customers.account.read:*"])
    whole, part = bearer(client, ["customers.account"]), bearer(client, ["customers.account:name"])
    field = {"entity": "customers.account", "key": "secret", "kind": "text", "label": "Secret"}
    assert client.post("/api/v1/core/custom_fields", field).status_code == 201
    assert client.patch(f"{ACCOUNTS}/{acme}", {"custom.secret": SECRET}).status_code == 200
    assert always.get(f"{ACCOUNTS}/{acme}").json["custom.secret"] == SECRET
    for token in (today, whole, part):
        assert "custom.secret" not in token.get(f"{ACCOUNTS}/{acme}").json
        assert code(token.get(ACCOUNTS, {"custom.secret": SECRET})) == (400, "unknown_field")
    assert today.get(f"{ACCOUNTS}/{acme}").json["phone"] == SECRET
    assert whole.patch(f"{ACCOUNTS}/{acme}", {"phone": "1380013"}).status_code == 200
    assert whole.patch(f"{ACCOUNTS}/{acme}", {"custom.secret": "x"}).status_code == 422
    assert part.patch(f"{ACCOUNTS}/{acme}", {"phone": "1380014"}).status_code in (403, 422)
    assert bearer(client, ["customers.account.read"]).get(f"{ACCOUNTS}/{acme}").json["custom.secret"] == SECRET


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("customers.acount.read", ("unknown_permission", "customers.account.read")),
        ("customers.account.eat", ("unknown_permission", "customers.account.eat")),
        ("customers.account.read:phon", ("unknown_field", "'phon'")),
        ("customers.account.delete:phone", ("no_fields", "customers.account.delete")),
    ],
)
def test_a_word_that_means_nothing_is_refused_by_name(client: Api, word: str, says: tuple[str, str]) -> None:
    answer = made(client, allows=["customers.contact.read", word])
    (error,) = answer.json["errors"]
    assert (answer.status_code, error["field"], error["code"]) == (422, "allows", says[0])
    assert says[1] in error["message"]
    assert made(client, allows=[word.upper()]).status_code == 422


def test_whoever_does_not_see_a_field_does_not_learn_of_it_by_a_token(client: Api, platform: Platform, tenant: Tenant) -> None:
    system = platform.system(tenant.id)
    with system.transaction(write=True):
        role = system.records("core.role").create({"key": "caller", "name": "Caller"})
        grant = {"role": role["id"], "permission": "customers.account.read", "scope": "all", "only_fields": ["name"]}
        system.records("core.grant").create(grant)
        person = system.records("core.user").create({"name": "C", "email": "c@acme.example", "roles": ["caller"]})
    work = platform.user(tenant.id, person["id"], Channel.CLI)
    id, _secret = tokens.issue(work, person["id"], "t", ["customers.account.read"])
    assert system.records("core.token").get(id)["allows"] == ["customers.account.read:id,name,version"]
    with pytest.raises(Invalid) as refused:
        tokens.issue(work, person["id"], "t", ["customers.account.read:phone"])
    assert refused.value.problems[0].code == "unknown_field"


@pytest.mark.feature("B7")
def test_a_token_made_with_a_token_has_none_of_the_others_fields(client: Api, acme: str) -> None:
    narrow = bearer(client, [*NAMES, "customers.account.update:name"])
    for wish in (None, ["customers.account.read"], ["customers.account.read:*"]):
        child = bearer(narrow, wish) if wish else Api(client.platform, client.flask, made(narrow).json["token"], client.tenant)
        assert "phone" not in child.get(f"{ACCOUNTS}/{acme}").json
        assert child.get(f"{ACCOUNTS}/{acme}").json["address"] == "Main Road 1"
    assert made(narrow, allows=["customers.account.read:phone"]).status_code == 422
    for wish in (["customers.account"], ["customers.contact.read"], ["customers.account.delete"]):
        assert made(narrow, allows=wish).status_code == 403
    both = bearer(client, ["customers.account:name", "customers.account.read:phone"])
    child = bearer(both, ["customers.account"])
    assert child.patch(f"{ACCOUNTS}/{acme}", {"phone": "1"}).status_code == 422


@pytest.mark.feature("B7")
def test_what_acts_later_with_all_rights_is_left_behind_by_leave_alone(client: Api) -> None:
    hook = {"name": "spy", "url": "https://spy.example/hook", "entity": "customers.account", "events": ["customers.account.created"]}
    narrow = bearer(client, [*NAMES, "automation.webhook", "core.share", "automation.rule"])
    refused = narrow.post("/api/v1/automation/webhooks", hook)
    assert refused.status_code == 403
    assert "core.owner.act_later" in refused.json["detail"]
    assert client.get("/api/v1/automation/webhooks").json["data"] == []
    trusted = bearer(client, [*NAMES, "automation.webhook", "core.owner.act_later"])
    answer = trusted.post("/api/v1/automation/webhooks", hook)
    assert answer.status_code == 201, answer.text
    id = answer.json["id"]
    assert narrow.patch(f"/api/v1/automation/webhooks/{id}", {"url": "https://thief.example/"}).status_code == 403
    assert narrow.delete(f"/api/v1/automation/webhooks/{id}").status_code == 204, "to take away is to narrow"


@pytest.mark.feature("B7")
def test_a_job_of_a_narrow_token_writes_no_other_fields(client: Api, drain: Callable[[], int]) -> None:
    narrow = client.as_user(ADMIN, allows=["customers.account.read:name", "customers.account.create:name", "import_export.import.create"])
    for content in (b"name,phone\nBeta,13800138001\n", b"name\nGamma\n"):
        file = {"file": (BytesIO(content), "a.csv"), "entity": "customers.account"}
        assert narrow.call("POST", "/api/v1/import_export/imports", data=file).status_code == 202
    drain()
    assert [(row["name"], row["phone"]) for row in client.get(ACCOUNTS).json["data"] if row["phone"]] == []
    assert client.get(ACCOUNTS, {"name": "Gamma", "count": "true"}).json["page"]["total"] == 1
