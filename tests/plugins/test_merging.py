"""Customers that were entered several times become one, and come apart again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.entities.pointers import pointers
from core.testkit.fixtures import Api, People
from plugins.orders.invoices import issue
from sdk.context import id_of
from sdk.fields import AnyRecordField
from tests.plugins.process import Process

ACCOUNTS = "/api/v1/customers/accounts"
type_work_as = Callable[..., Work]
type_drain = Callable[[], int]


def dangling(work: Work, gone: list[UUID]) -> dict[str, int]:
    """By table and column, how many rows of any plugin, in the recycle bin or not, point to these accounts."""
    found: dict[str, int] = {}
    with work.transaction():
        for pointer in pointers(work, work.platform.catalog.entities["customers.account"]):
            table, columns = pointer.record.table(), pointer.columns()
            mine = [table.c.tenant_id == work.tenant.id, columns[0].in_(gone)]
            if isinstance(pointer.field, AnyRecordField):
                mine.append(columns[1] == "customers.account")
            count = work.connection.execute(sa.select(sa.func.count()).select_from(table).where(*mine)).scalar_one()
            if count:
                found[f"{table.name}.{pointer.slot}"] = count
    return found


@pytest.fixture
def doubles(work: Work, people: People, process: Process, drain: type_drain) -> list[UUID]:
    """One customer three times, with something of every plugin on each."""
    made, more = list[UUID](), ({}, {"phone": "+49 30 1234567"}, {"website": "https://nordwind.example"})
    with work.transaction(write=True):
        field = {
            "entity": "teamwork.task",
            "key": "customer",
            "kind": "link",
            "label": "Customer",
            "target": "customers.account",
            "indexed": True,
        }
        work.records("core.custom_field").create(field)
        for number, name in enumerate(("Northwind", "North Wind", "Nordwind")):
            values = {"name": name, "owner": people.rep, **more[number]}
            account = id_of(work.records("customers.account").create(values))
            made.append(account)
            about = f"customers.account:{account}"
            contact = id_of(work.records("customers.contact").create({"name": f"Ann {number}", "account": account}))
            work.records("customers.affiliation").create({"account": account, "contact": contact, "role": "buys"})
            work.records("customers.address").create({"account": account, "address": f"Street {number}"})
            process.deal(f"Deal {number}", account=account, amount={"amount": "100"})
            product = id_of(work.records("catalog.product").create({"name": f"Gateway {number}"}))
            for kind in ("order", "invoice"):
                document = id_of(work.records(f"orders.{kind}").create({"name": kind, "account": account}))
                line = {kind: document, "product": product, "quantity": 1, "unit_price": {"amount": "50"}}
                work.records(f"orders.{kind}_line").create(line)
                if kind == "invoice":
                    issue(work, document)
                else:
                    work.records("orders.order").update(document, {"state": "confirmed"})
            work.records("teamwork.task").create({"subject": "Call", "about": about, "custom.customer": account})
            work.records("teamwork.comment").create({"about": about, "body": f"Said of {name}"})
            work.records("teamwork.follow").create({"about": about, "owner": people.manager})
            work.records("core.share").create({"record": about, "user": people.reps[1][0], "access": "read"})
            work.records("leads.touch").create({"account": account, "source": "Fair"})
        shared = id_of(work.records("customers.contact").create({"name": "Bob"}))
        for account in made:
            work.records("customers.affiliation").create({"account": account, "contact": shared, "role": "buys"})
    drain()
    return made


def stamped(row: dict[str, Any]) -> dict[str, Any]:
    """A record without what each write changes."""
    return {name: value for name, value in row.items() if name not in ("version", "updated_at")}


@pytest.mark.feature("E10")
def test_three_become_one_with_nothing_left_behind_and_are_three_again(
    client: Api, work: Work, drain: type_drain, doubles: list[UUID]
) -> None:
    survivor, *losers = doubles
    before = {id: client.get(f"{ACCOUNTS}/{id}").json for id in doubles}
    path, wish = f"{ACCOUNTS}/{survivor}/merges", {"losers": [str(id) for id in losers], "picks": {"name": str(losers[1])}}
    tried = client.post(path, {**wish, "dry_run": True})
    assert tried.status_code == 200, tried.text
    assert stamped(client.get(f"{ACCOUNTS}/{losers[0]}").json) == stamped(before[losers[0]]), "a dry run changes nothing"
    done = client.post(path, wish)
    assert done.status_code == 201, done.text
    assert {**done.json, "id": None, "dry_run": True} == tried.json
    assert {row["entity"]: row["records"] for row in done.json["moved"]} == {
        "customers.address": 2, "customers.affiliation": 2, "customers.contact": 2, "leads.touch": 2, "orders.invoice": 2, "orders.order": 2,
        "pipeline.deal": 2, "teamwork.comment": 2, "teamwork.task": 2,
    }  # fmt: skip
    assert {row["entity"]: row["records"] for row in done.json["settled"]} == {"core.share": 2, "customers.affiliation": 2}
    assert dangling(work, losers) == {}
    row = client.get(f"{ACCOUNTS}/{survivor}").json
    assert (row["name"], row["phone"], row["website"]) == ("Nordwind", "+49 30 1234567", "https://nordwind.example")
    assert (row["pipeline.open_deals"], row["orders.orders"], row["orders.lifetime_value"]["amount"]) == (3, 3, "150.00"), "at once"
    drain()
    assert client.get(f"{ACCOUNTS}/{survivor}").json["orders.standing"] == "new"
    assert client.get("/api/v1/teamwork/follows", {"about": f"customers.account:{survivor}"}).status_code == 200
    assert client.get("/api/v1/teamwork/tasks", {"custom.customer": str(survivor), "count": "true"}).json["page"]["total"] == 3
    for rest in ("", "/history", "/timeline"):
        old = client.get(f"{ACCOUNTS}/{losers[0]}{rest}?limit=5" if rest else f"{ACCOUNTS}/{losers[0]}?fields=name")
        assert (old.status_code, old.headers["Location"]) == (308, f"{ACCOUNTS}/{survivor}{rest}?{'limit=5' if rest else 'fields=name'}")
        assert old.headers["Cache-Control"] == "no-store", "for an undone merge nobody may be led by memory"
    assert {entry["record_id"] for entry in client.get(f"{ACCOUNTS}/{survivor}/history").json["data"]} == set(map(str, doubles))
    assert sum(entry["title"] == "Call" for entry in client.get(f"{ACCOUNTS}/{survivor}/timeline").json["data"]) <= 3
    assert client.post(f"{ACCOUNTS}/{losers[0]}/restore").json["code"] == "merged"
    undone = client.post(f"{path}/{done.json['id']}/undo")
    assert undone.status_code == 200, undone.text
    assert (sorted(undone.json["restored"]), undone.json["conflicts"]) == (sorted(map(str, losers)), [])
    drain()
    assert {id: stamped(client.get(f"{ACCOUNTS}/{id}").json) for id in doubles} == {id: stamped(row) for id, row in before.items()}
    assert client.post(f"{path}/{done.json['id']}/undo").json["code"] == "undone"
    (listed,) = client.get(path).json["data"]
    assert (listed["id"], listed["losers"]) == (done.json["id"], []) and listed["undone_at"]
