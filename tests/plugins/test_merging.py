"""Customers that were entered several times become one, and come apart again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.entities.merged import merges
from core.entities.pointers import pointers
from core.testkit.fixtures import Api, People
from plugins.orders.invoices import issue
from sdk import where
from sdk.context import id_of
from sdk.fields import AnyRecordField
from tests.plugins.imports import import_file
from tests.plugins.process import Process

ACCOUNTS = "/api/v1/customers/accounts"
type_work_as = Callable[..., Work]
type_drain = Callable[[], int]


def dangling(work: Work, gone: list[UUID], entity: str = "customers.account") -> dict[str, int]:
    """By table and column, how many rows of any plugin, in the recycle bin or not, point to these records."""
    found: dict[str, int] = {}
    with work.transaction():
        for pointer in pointers(work, work.platform.catalog.entities[entity]):
            table, columns = pointer.record.table(), pointer.columns()
            mine = [table.c.tenant_id == work.tenant.id, columns[0].in_(gone)]
            if isinstance(pointer.field, AnyRecordField):
                mine.append(columns[1] == entity)
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


@pytest.mark.feature("E10")
@pytest.mark.feature("B8")
def test_doubles_that_an_import_took_are_found_and_merged_by_who_may_and_the_sums_are_right(
    client: Api, work: Work, people: People, work_as: type_work_as, process: Process
) -> None:
    manager, names = client.as_user(people.manager), ("北京华为技术有限公司", "华为技术(北京)有限公司")
    first = manager.post(ACCOUNTS, {"name": names[0], "phone": "010-62345678"}).json
    refused = manager.post(ACCOUNTS, {"name": names[1]})
    assert (refused.status_code, [one["id"] for one in refused.json["candidates"]]) == (409, [first["id"]])
    text = f"name,website\n{names[1]},https://huawei.example\n"
    done = import_file(work_as(people.manager), "customers.account", text, duplicates="take")
    assert done.counts == {"created": 1}, done.reasons
    found = manager.post(f"{ACCOUNTS}/duplicates", {"values": {"name": names[0]}, "id": first["id"]}).json["data"]
    (double,) = [one["id"] for one in found]
    for account in (first["id"], double):
        process.deal(account=account, amount={"amount": "10"}, owner=people.rep)
    (role,) = work.records("core.role").find(where(key="sales_manager"))
    grant = id_of(work.records("core.grant").create({"role": role["id"], "permission": "customers.account.merge", "scope": "none"}))
    path, wish = f"{ACCOUNTS}/{first['id']}/merges", {"losers": [double]}
    assert manager.post(path, wish).status_code == 403
    (attempt,) = manager.platform.system(work.tenant.id).records("core.audit").find(where(action="refused"))
    assert (attempt["user"], attempt["channel"], str(attempt["record"])) == (people.manager, "api", f"customers.account:{first['id']}")
    work.records("core.grant").delete(grant)
    assert manager.post(path, wish).status_code == 201
    row = manager.get(f"{ACCOUNTS}/{first['id']}").json
    assert (row["name"], row["website"], row["pipeline.open_deals"]) == (names[0], "https://huawei.example", 2)
    assert manager.get("/api/v1/pipeline/deals", {"account": first["id"], "count": "true"}).json["page"]["total"] == 2
    assert manager.post(f"{ACCOUNTS}/duplicates", {"values": {"name": names[0]}, "id": first["id"]}).json["data"] == []
    for body in (
        {},
        {"losers": []},
        {"losers": [first["id"]]},
        {"losers": ["x"]},
        {"losers": [double], "picks": {"name": "x"}},
        {"losers": [double], "x": 1},
    ):
        assert manager.post(path, body).status_code == 422, body
    assert manager.post(path, wish).status_code == 404, "it is part of the other already"


def test_what_the_audit_masks_is_not_kept_in_clear_for_undoing_a_merge(client: Api, work: Work) -> None:
    one, two = (
        client.post(ACCOUNTS, {"name": name, "phone": phone}).json["id"]
        for name, phone in (("A", "+49 30 5550001"), ("B", "+49 30 5550002"))
    )
    done = client.post(f"{ACCOUNTS}/{one}/merges", {"losers": [two], "picks": {"phone": two, "name": two}})
    with work.transaction():
        kept = work.connection.execute(sa.select(merges.c.changes)).scalar_one()
    assert kept["name"] == ["A", "B"] and "555000" not in str(kept)
    undone = client.post(f"{ACCOUNTS}/{one}/merges/{done.json['id']}/undo")
    assert undone.json["conflicts"] == []
    assert client.get(f"{ACCOUNTS}/{one}").json["phone"] == "+49 30 5550001"
    with work.transaction():
        assert work.connection.execute(sa.select(merges.c.changes)).scalar_one() == {}, "nobody undoes it again"


def test_a_company_that_stands_below_its_double_takes_its_place_in_the_group(client: Api, work: Work) -> None:
    records = work.records("customers.account")

    def company(name: str, parent: UUID | None = None) -> UUID:
        return id_of(records.create({"name": name, "parent": parent}))

    top = company("Top")
    double = company("Double", top)
    between = company("Between", double)
    survivor = company("Survivor", between)
    done = client.post(f"{ACCOUNTS}/{survivor}/merges", {"losers": [str(double)]})
    assert done.status_code == 201, done.text
    rows = records.values([survivor, between])
    assert (rows[survivor]["parent"], rows[between]["parent"]) == (top, survivor)
    assert client.post(f"{ACCOUNTS}/{survivor}/merges/{done.json['id']}/undo").json["conflicts"] == []
    rows = records.values([survivor, between])
    assert (rows[survivor]["parent"], rows[between]["parent"]) == (between, double)


@pytest.mark.feature("E10")
def test_whatever_can_be_merged_is_merged_and_comes_apart_with_what_points_to_it(
    client: Api, work: Work, process: Process, drain: type_drain
) -> None:
    def make(entity: str, **values: object) -> UUID:
        return id_of(work.records(entity).create(values))

    account = make("customers.account", name="Alder Foods")
    wanted: dict[str, dict[str, object]] = {
        "customers.contact": {"account": account}, "pipeline.deal": {"pipeline": process.id, "account": account, "amount": {"amount": "10"}},
        "catalog.product": {}, "leads.campaign": {}, "leads.lead": {}, "company.region": {}, "customers.survey": {"question": "Would you?"},
        "teamwork.task": {"about": f"customers.account:{account}"}, "teamwork.activity": {"starts_at": "2026-02-03T10:00:00Z"}, "pipeline.lost_reason": {}, "pipeline.won_reason": {},
    }  # fmt: skip
    mergeable = {name for name, entity in work.platform.catalog.entities.items() if entity.mergeable}
    assert mergeable == {*wanted, "customers.account"}, "say here how a new one is made, or `merges=False` there"
    for name, values in wanted.items():
        entity = work.platform.catalog.entities[name]
        keyed = "key" in entity.fields
        one, two = (make(name, **{entity.title: f"{w} {name}"}, **({"key": w} if keyed else {}), **values) for w in ("one", "two"))
        for id in (one, two):
            make("teamwork.task", subject="about it", about=f"{name}:{id}")
            if name == "customers.contact":
                make("customers.affiliation", account=account, contact=id)
            if name == "pipeline.deal":
                make("leads.touch", source="Fair", account=account)
                make("orders.quote", name="Q", account=account, deal=id)
            if name == "leads.campaign":
                make("leads.lead", name=f"by {id}", campaign=id)
        drain()
        place = f"/api/v1/{entity.plugin}/{entity.plural}"
        before = [stamped(client.get(f"{place}/{id}").json) for id in (one, two)]
        done = client.post(f"{place}/{one}/merges", {"losers": [str(two)]})
        assert done.status_code == 201, (name, done.text)
        assert dangling(work, [two], name) == {}
        assert client.get(f"{place}/{two}").status_code == 308, name
        undone = client.post(f"{place}/{one}/merges/{done.json['id']}/undo")
        assert (undone.status_code, undone.json["conflicts"]) == (200, []), (name, undone.text)
        drain()
        assert [stamped(client.get(f"{place}/{id}").json) for id in (one, two)] == before, name
