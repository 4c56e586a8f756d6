"""Accounts and contacts: who sees them, what they take, when an account becomes a customer."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.tables import outbox
from core.platform import Platform
from core.testkit.fixtures import Api, MakeTenant, People
from core.worker.deliver import deliver
from plugins.import_export import run
from sdk import Tenant
from sdk.context import id_of
from tests.plugins.imports import Done
from tests.plugins.process import Process

ACCOUNTS, CONTACTS = "/api/v1/customers/accounts", "/api/v1/customers/contacts"


@pytest.fixture
def account_of(work: Work) -> Callable[..., str]:
    """Makes an account; its id as text."""

    def make(name: str = "Alder Foods", **values: object) -> str:
        return str(id_of(work.records("customers.account").create({"name": name, **values})))

    return make


def lifecycle_of(client: Api, account: str) -> str:
    """What the account is now."""
    return str(client.get(f"{ACCOUNTS}/{account}").json["lifecycle"])


def handled(platform: Platform, work: Work) -> list[sa.Row]:
    """The deliveries to the plugin."""
    with platform.database.begin(write=False, tenant=work.tenant.id) as connection:
        query = sa.select(outbox).where(outbox.c.tenant_id == work.tenant.id, outbox.c.handler == "customers.mark_customers")
        return list(connection.execute(query))


# --- fields ----------------------------------------------------------------------------------------------------------


def test_an_account_starts_as_a_normal_prospect_of_its_maker(client: Api, people: People) -> None:
    made = client.as_user(people.rep).post(ACCOUNTS, {"name": " 华宸科技 ", "revenue": {"amount": "12.5"}})
    assert made.status_code == 201
    shown = made.json
    assert (shown["name"], shown["tier"], shown["lifecycle"], shown["owner"]) == ("华宸科技", "normal", "prospect", str(people.rep))
    assert shown["revenue"] == {"amount": "12.50", "currency": "USD"}


UNFIT: tuple[tuple[str, object, str], ...] = (
    ("name", "", "required"), ("name", None, "required"), ("name", "x" * 256, "too_long"), ("tier", "huge", "unknown_choice"),
    ("website", "example.com", "malformed"), ("phone", "call me", "malformed"), ("founded", 999, "out_of_range"),
    ("employees", -1, "out_of_range"), ("employees", "many", "type"), ("revenue", {"amount": "1", "currency": "XXX"}, "unknown_currency"),
    ("revenue", "1", "type"), ("parent", "Nobody", "no_such_record"), ("owner", "nobody@example.com", "no_such_record"),
    ("colour", "red", "unknown_field"), ("pipeline.open_deals", 3, "read_only"),
)  # fmt: skip


def test_a_value_that_does_not_fit_is_refused_by_field_and_code(client: Api) -> None:
    for field, value, code in UNFIT:
        refused = client.post(ACCOUNTS, {"name": "Alder", field: value})
        assert refused.status_code in (400, 422), (field, value)
        assert [(error["field"], error["code"]) for error in refused.json["errors"]] == [(field, code)]


def test_a_mail_address_is_kept_in_lower_case_and_found_as_one_writes_it(client: Api) -> None:
    made = client.post(CONTACTS, {"name": "Ann", "email": "Ann.Bell@Example.COM"}).json
    assert made["email"] == "ann.bell@example.com"
    assert client.get(CONTACTS, {"email": "ANN.bell@example.com"}).json["data"][0]["id"] == made["id"]


def test_a_contact_names_its_account_by_name_or_id(client: Api, account_of: Callable[..., str]) -> None:
    account = account_of("Alder Foods")
    for value in ("Alder Foods", account):
        assert client.post(CONTACTS, {"name": "Ann", "account": value}).json["account"] == account
    shown = client.get(CONTACTS, {"account": "Alder Foods", "include": "account"}).json["data"]
    assert [row["account"]["name"] for row in shown] == ["Alder Foods"] * 2


def test_two_accounts_of_one_name_are_told_apart_by_id(client: Api, account_of: Callable[..., str]) -> None:
    account_of("Alder"), account_of("Alder")
    refused = client.post(CONTACTS, {"name": "Ann", "account": "Alder"})
    assert [error["code"] for error in refused.json["errors"]] == ["ambiguous"]


def test_chinese_names_are_found_by_two_characters(client: Api, account_of: Callable[..., str]) -> None:
    found, _other = account_of("云岭智能制造有限公司"), account_of("海纳贸易有限公司")
    assert [row["id"] for row in client.get(ACCOUNTS, {"q": "智能"}).json["data"]] == [found]


def test_an_account_out_of_the_recycle_bin_is_as_it_was(client: Api, account_of: Callable[..., str]) -> None:
    account = account_of(city="Ulm")
    assert client.delete(f"{ACCOUNTS}/{account}").status_code == 204
    assert client.get(f"{ACCOUNTS}/{account}").status_code == 404
    assert client.post(f"{ACCOUNTS}/{account}/restore").json["city"] == "Ulm"


# --- rights ----------------------------------------------------------------------------------------------------------


def test_a_team_reads_its_accounts_and_each_changes_their_own(client: Api, account_of: Callable[..., str], people: People) -> None:
    account = account_of(owner=people.reps[0][0])
    owner, colleague, stranger = (client.as_user(user) for user in (people.reps[0][0], people.reps[0][1], people.reps[1][0]))
    path = f"{ACCOUNTS}/{account}"
    assert [api.get(path).status_code for api in (owner, colleague, stranger)] == [200, 200, 404]
    assert [api.patch(path, {"city": "Ulm"}).status_code for api in (owner, colleague, stranger)] == [200, 403, 404]
    assert [client.as_user(user).patch(path, {"city": "Bonn"}).status_code for user in people.managers[:2]] == [200, 404]
    assert client.as_user(people.director).get(path).status_code == 200
    assert owner.delete(path).status_code == 403


def test_another_tenant_sees_none_of_it(client: Api, account_of: Callable[..., str], platform: Platform, make_tenant: MakeTenant) -> None:
    account = account_of()
    other = platform.system(make_tenant("other").id)
    assert other.records("customers.account").find(()) == []
    assert other.records("customers.account").values([UUID(account)]) == {}


# --- a won deal ------------------------------------------------------------------------------------------------------


def test_a_won_deal_makes_its_account_a_customer_once_the_news_is_delivered(
    client: Api, process: Process, account_of: Callable[..., str], drain: Callable[[], int], work: Work, platform: Platform
) -> None:
    won, lost = account_of("Won"), account_of("Lost")
    deal = process.deal(account=won)
    process.deal(account=lost, stage="lost")
    client.post(f"/api/v1/pipeline/deals/{deal}/moves", {"stage": "won"})
    assert lifecycle_of(client, won) == "prospect"
    drain()
    assert (lifecycle_of(client, won), lifecycle_of(client, lost)) == ("customer", "prospect")
    version = client.get(f"{ACCOUNTS}/{won}").json["version"]
    (row,) = handled(platform, work)
    assert row.state == "done"
    deliver(platform, row)  # the same delivery once more
    process.deal(account=won, stage="won")
    drain()
    assert client.get(f"{ACCOUNTS}/{won}").json["version"] == version
    last = client.get(f"{ACCOUNTS}/{won}/history").json["data"][0]
    assert (last["channel"], last["changes"]["lifecycle"]) == ("plugin", ["prospect", "customer"])


def test_of_more_than_a_thousand_deals_won_at_once_the_news_come_in_batches(
    process: Process,
    work: Work,
    platform: Platform,
    drain: Callable[[], int],
    taken: Callable[..., Done],
    client: Api,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "FIRST", run.CHUNK)  # all rows in one piece, however slow the machine
    taken("customers.account", "name\n" + "".join(f"A{n}\n" for n in range(1100)))
    taken("pipeline.deal", "name,account,stage\n" + "".join(f"D{n},A{n},won\n" for n in range(1100)))
    drain()
    assert client.get(ACCOUNTS, {"lifecycle": "customer", "count": "true", "limit": 1}).json["page"]["total"] == 1100
    assert len(handled(platform, work)) == 2


def test_a_won_deal_without_an_account_or_with_one_in_the_recycle_bin_changes_nobody(
    client: Api, process: Process, account_of: Callable[..., str], drain: Callable[[], int], work: Work, platform: Platform
) -> None:
    account = account_of()
    process.deal(stage="won")
    process.deal(account=account, stage="won")
    client.delete(f"{ACCOUNTS}/{account}")
    drain()
    assert {row.state for row in handled(platform, work)} == {"done"}


def test_news_for_a_tenant_that_has_switched_the_plugin_off_are_skipped(
    client: Api, process: Process, account_of: Callable[..., str], drain: Callable[[], int], work: Work, platform: Platform, tenant: Tenant
) -> None:
    account = account_of()
    process.deal(account=account, stage="won")
    for name in ("from_hubspot", "from_odoo", "from_salesforce", "web_forms", "leads", "orders", "pipeline", "customers"):
        assert client.patch(f"/api/v1/core/plugins/{name}", {"enabled": False}).status_code == 200
    drain()
    assert [row.state for row in handled(platform, work)] == ["skipped"]
    assert client.get(f"{ACCOUNTS}/{account}").status_code == 404
    for name in ("customers", "pipeline"):
        assert client.patch(f"/api/v1/core/plugins/{name}", {"enabled": True}).status_code == 200
    assert lifecycle_of(client, account) == "prospect"


def test_a_company_cannot_be_its_own_parent_company(client: Api, account_of: Callable[..., str]) -> None:
    top = account_of("Top")
    middle = account_of("Middle", parent=top)
    refused = client.patch(f"{ACCOUNTS}/{top}", {"parent": middle})
    assert refused.status_code == 422
    assert [(problem["field"], problem["code"]) for problem in refused.json["errors"]] == [("parent", "circle")]
    items = [{"op": "update", "id": id, "values": {"parent": parent}} for id, parent in ((top, middle), (middle, None))]
    assert [item["status"] for item in client.post(f"{ACCOUNTS}/batch", {"items": items}).json["data"]] == [200, 200]
