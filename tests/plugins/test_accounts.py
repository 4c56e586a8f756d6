"""Tags, parts at several accounts, addresses, and what a group bought."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from core.context import Work
from core.testkit.fixtures import Api, People
from sdk.context import id_of
from tests.plugins.imports import Done

ACCOUNTS, CONTACTS = "/api/v1/customers/accounts", "/api/v1/customers/contacts"
TAGS, PARTS, ADDRESSES = (f"/api/v1/customers/{plural}" for plural in ("tags", "affiliations", "addresses"))


@pytest.fixture
def account_of(work: Work) -> Callable[..., UUID]:
    """Makes an account."""

    def make(name: str, **values: object) -> UUID:
        return id_of(work.records("customers.account").create({"name": name, **values}))

    return make


@pytest.mark.feature("E6")
def test_records_are_found_by_their_tags_and_no_others(client: Api, taken: Callable[..., Done]) -> None:
    for key in ("vip", "vi", "v_p", "fair-2026"):
        client.post(TAGS, {"key": key, "name": key.upper()})
    for name, tags in (("A", ["vip", "fair-2026"]), ("B", ["vi"]), ("C", ["v_p"]), ("D", None)):
        assert client.post(ACCOUNTS, {"name": name, "tags": tags}).status_code == 201

    def found(**filter: str) -> list[str]:
        return [row["name"] for row in client.get(ACCOUNTS, {**filter, "sort": "name"}).json["data"]]

    assert found(tags="vip") == ["A"]
    assert found(tags="v_p") == ["C"]
    assert found(**{"tags[in]": "fair-2026,vi"}) == ["A", "B"]
    assert found(**{"tags[empty]": "true"}) == ["D"]
    assert client.get(ACCOUNTS, {"tags": "No Tag"}).status_code == 400
    asked = {"entity": "customers.account", "measure": "count", "where": "tags=vip"}
    assert client.get("/api/v1/reports/query", asked).json["data"] == [{"count": 1}]
    refused = client.post(CONTACTS, {"name": "Ann", "tags": ["unheard-of"]})
    assert [(error["field"], error["code"]) for error in refused.json["errors"]] == [("tags", "no_such_record")]
    assert taken("leads.lead", "name,tags\nBen,vip;vi\n").counts == {"created": 1}
    assert [row["tags"] for row in client.get("/api/v1/leads/leads", {"tags": "vi"}).json["data"]] == [["vip", "vi"]]


@pytest.mark.feature("E6")
def test_accounts_are_key_normal_or_potential(client: Api) -> None:
    assert [client.post(ACCOUNTS, {"name": tier, "tier": tier}).status_code for tier in ("key", "normal", "potential", "small")] == [
        201, 201, 201, 422,
    ]  # fmt: skip


@pytest.mark.feature("E1")
def test_a_contact_has_a_part_at_two_accounts(client: Api, account_of: Callable[..., UUID], people: People) -> None:
    one, two = account_of("One", owner=people.rep), account_of("Two", owner=people.reps[1][0])
    contact = client.post(CONTACTS, {"name": "Ann", "account": str(one)}).json["id"]
    for account, role in ((one, "decides"), (two, "advises")):
        assert client.post(PARTS, {"account": str(account), "contact": contact, "role": role}).status_code == 201
    assert {row["account"]: row["role"] for row in client.get(PARTS, {"contact": contact}).json["data"]} == {
        str(one): "decides", str(two): "advises",
    }  # fmt: skip
    assert [row["account"] for row in client.as_user(people.rep).get(PARTS).json["data"]] == [str(one)]
    assert client.as_user(people.rep).post(PARTS, {"account": str(two), "contact": contact}).status_code in (403, 422)
    refused = client.post(PARTS, {"account": str(one), "contact": contact, "role": "decides"})
    assert (refused.status_code, refused.json["code"]) == (409, "duplicate")
    turned = client.post(PARTS, {"account": str(one), "contact": contact, "since": "2026-02-01", "until": "2026-01-01"})
    assert [error["code"] for error in turned.json["errors"]] == ["before_start"]


@pytest.mark.feature("E1")
def test_an_account_has_several_addresses(client: Api, account_of: Callable[..., UUID], people: People) -> None:
    account = account_of("One", owner=people.rep)
    for kind in ("billing", "delivery"):
        values = {"account": str(account), "kind": kind, "address": f"{kind} street 1", "phone": "010 1234 5678"}
        assert client.as_user(people.rep).post(ADDRESSES, values).status_code == 201
    assert [row["kind"] for row in client.get(ADDRESSES, {"account": str(account), "sort": "kind"}).json["data"]] == ["billing", "delivery"]
    assert client.as_user(people.reps[1][0]).get(ADDRESSES).json["data"] == []


@pytest.mark.feature("E1")
def test_what_a_group_bought_rolls_up_to_its_parent(client: Api, account_of: Callable[..., UUID], work: Work, people: People) -> None:
    top = account_of("Top", owner=people.rep)
    middle = account_of("Middle", parent=top, owner=people.rep)
    bottom = account_of("Bottom", parent=middle, owner=people.reps[1][0])
    other = account_of("Other")
    for account, price in ((top, "1"), (middle, "20"), (bottom, "300"), (other, "4000")):
        owner = work.records("customers.account").values([account])[account]["owner"]
        order = work.records("orders.order").create({"name": "O", "account": account, "owner": owner})["id"]
        line = {"order": order, "description": "P", "quantity": "1", "unit_price": {"amount": price, "currency": "USD"}}
        work.records("orders.order_line").create(line)
        work.records("orders.order").update(order, {"state": "confirmed"})  # type: ignore[arg-type]

    def values(api: Api) -> dict[str, str]:
        return {row["name"]: row["orders.group_value"]["amount"] for row in api.get(ACCOUNTS).json["data"] if row["orders.group_value"]}

    assert values(client) == {"Top": "321.00", "Middle": "320.00", "Bottom": "300.00", "Other": "4000.00"}
    assert values(client.as_user(people.rep)) == {"Top": "21.00", "Middle": "20.00"}
    assert [row["name"] for row in client.get(ACCOUNTS, {"orders.group_value[gte]": "320", "sort": "name"}).json["data"]] == [
        "Middle", "Other", "Top",
    ]  # fmt: skip
