"""Roll-ups that a tenant adds: right after every way in which a record comes, moves and goes."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.context import Work
from core.entities.merge import merge
from core.platform import Platform
from sdk import Channel, Invalid, Query
from sdk.context import id_of
from sdk.filters import parse_pair
from tests.entities.conftest import codes
from tests.plugins.imports import import_file
from tests.plugins.process import Process

ROLL_UP = {"entity": "customers.account", "kind": "roll_up", "source": "pipeline.deal", "link": "account"}


def shown(work: Work, account: UUID) -> tuple[object, object]:
    row = work.records("customers.account").get(account, fields=("custom.open", "custom.deals"))
    return row["custom.open"], row["custom.deals"]


@pytest.mark.feature("P2")
def test_the_open_amount_is_right_after_insert_move_delete_merge_and_import(work: Work, process: Process) -> None:
    definitions, deals = work.records("core.custom_field"), work.records("pipeline.deal")
    definitions.create({**ROLL_UP, "key": "open", "label": "Open amount", "measure": "sum:amount", "where": "status=open"})
    definitions.create({**ROLL_UP, "key": "deals", "label": "Deals", "measure": "count"})
    one, other = (id_of(work.records("customers.account").create({"name": f"{name} Holdings"})) for name in ("Quartz", "Basalt"))
    assert shown(work, one) == (None, 0)
    currency = work.tenant.currency
    first, second = (process.deal(n, account=one, amount={"amount": n, "currency": currency}) for n in ("10.10", "0.20"))
    assert shown(work, one) == ({"amount": "10.30", "currency": currency}, 2)
    deals.update(first, {"account": other})
    assert (shown(work, one), shown(work, other)) == (
        ({"amount": "0.20", "currency": currency}, 1),
        ({"amount": "10.10", "currency": currency}, 1),
    )
    deals.delete(second)
    assert shown(work, one) == (None, 0)
    deals.restore(second)
    done = import_file(work, "pipeline.deal", f"name,account,amount,pipeline,stage\nnew,{one},5 {currency},{process.id},\n".encode())
    assert done.counts == {"created": 1}, done.rows
    assert shown(work, one) == ({"amount": "5.20", "currency": currency}, 2)
    merge(work, work.platform.catalog.entities["customers.account"], one, [other], {})
    assert shown(work, one) == ({"amount": "15.30", "currency": currency}, 3)
    page = work.records("customers.account").query(Query(filter=(parse_pair("custom.deals[gte]", "2"),), sort=("-custom.open",)))
    assert [row["id"] for row in page.data] == [one]
    deals.update(second, {"amount": {"amount": "1", "currency": "EUR" if currency != "EUR" else "USD"}})
    assert shown(work, one) == (None, 3), "amounts of two currencies have no sum"


@pytest.mark.feature("P2")
def test_formulas_are_right_after_insert_move_delete_merge_and_import_and_no_import_writes_them(work: Work, process: Process) -> None:
    definitions, deals, currency = work.records("core.custom_field"), work.records("pipeline.deal"), work.tenant.currency
    formula = {"kind": "formula", "label": "F", "entity": "pipeline.deal"}
    definitions.create({"entity": "customers.account", "key": "discount", "kind": "percent", "label": "Discount"})
    net = {**formula, "key": "net", "expression": "amount * (100 - coalesce(account.custom.discount, 0)) / 100", "result": "money"}
    definitions.create(net)
    definitions.create({**ROLL_UP, "key": "open", "label": "Open amount", "measure": "sum:amount", "where": "status=open"})
    definitions.create(
        {**formula, "entity": "customers.account", "key": "large", "expression": "custom.open.amount >= 10", "result": "boolean"}
    )
    accounts = work.records("customers.account")
    one, other = (
        id_of(accounts.create({"name": f"{name} Holdings", "custom.discount": share}))
        for name, share in (("Quartz", "10"), ("Basalt", None))
    )
    deal = process.deal("first", account=one, amount={"amount": "10.01", "currency": currency})

    def shown() -> tuple[object, object, object]:
        large = (accounts.get(id, fields=("custom.large",))["custom.large"] for id in (one, other))
        return (deals.get(deal, fields=("custom.net",))["custom.net"]["amount"], *large)  # type: ignore[index, call-overload]

    assert shown() == ("9.01", True, None)
    deals.update(deal, {"account": other})
    assert shown() == ("10.01", None, True)
    deals.delete(deal)
    assert [accounts.get(id)["custom.large"] for id in (one, other)] == [None, None]
    deals.restore(deal)
    content = f"name,account,amount,pipeline,custom.net\nfirst,{one},20 {currency},{process.id},1 {currency}\n"
    done = import_file(work, "pipeline.deal", content.encode(), mode="upsert", match=("name",))
    assert (done.counts, done.ignored) == ({"updated": 1}, "custom.net"), done.rows
    assert shown() == ("18.00", True, None)
    assert deals.aggregate(["count"], ["account.custom.large"]) == [{"account.custom.large": True, "count": 1}]
    assert deals.query(Query(include=("account",))).data[0]["account"]["custom.large"] is True
    assert work.records("customers.account").aggregate(["count"], ["custom.large"]) == [
        {"custom.large": True, "count": 1}, {"custom.large": None, "count": 1},
    ]  # fmt: skip
    accounts.update(other, {"custom.discount": "50"})
    merge(work, work.platform.catalog.entities["customers.account"], other, [one], {})
    assert deals.get(deal, fields=("custom.net",))["custom.net"] == {"amount": "10.00", "currency": currency}
    assert accounts.get(other)["custom.large"] is True


def test_a_formula_follows_a_link_that_a_plugin_added_to_a_record(work: Work, process: Process) -> None:
    formula = {"kind": "formula", "label": "F", "entity": "pipeline.deal", "result": "text", "key": "fair"}
    work.records("core.custom_field").create({**formula, "expression": "name + '@' + coalesce(leads.campaign.name, 'none')"})
    campaign = id_of(work.records("leads.campaign").create({"name": "Fair"}))
    other = id_of(work.records("leads.campaign").create({"name": "Other"}))
    for name, of in (("a", campaign), ("b", other), ("c", None)):
        process.deal(name, **({"leads.campaign": of} if of else {}))
    deals = work.records("pipeline.deal")
    assert [row["custom.fair"] for row in deals.query(Query(sort=("custom.fair",))).data] == ["a@Fair", "b@Other", "c@none"]
    assert [row["name"] for row in deals.query(Query(filter=(parse_pair("custom.fair", "b@Other"),))).data] == ["b"]
    assert [row["custom.fair"] for row in deals.aggregate(["count"], ["custom.fair"])] == ["a@Fair", "b@Other", "c@none"]


def test_it_counts_the_records_that_its_reader_sees(work: Work, platform: Platform, process: Process) -> None:
    work.records("core.custom_field").create({**ROLL_UP, "key": "deals", "label": "Deals", "measure": "count"})
    rep = id_of(work.records("core.user").create({"name": "R", "email": "r@x.example", "roles": ["sales_rep"]}))
    account = id_of(work.records("customers.account").create({"name": "Quartz Holdings", "owner": rep}))
    process.deal("mine", account=account, owner=rep)
    process.deal("another's", account=account)
    theirs = platform.user(work.tenant.id, rep, Channel.API).records("customers.account")
    assert theirs.get(account)["custom.deals"] == 1
    assert work.records("customers.account").get(account)["custom.deals"] == 2
    with pytest.raises(Invalid) as refused:
        theirs.update(account, {"custom.deals": 7})
    assert codes(refused.value) == {("custom.deals", "read_only")}


@pytest.mark.parametrize(("wish", "field"), [
    ({"source": "pipeline.nothing"}, "source"), ({"link": "name"}, "link"), ({"link": "pipeline"}, "link"), ({"measure": "sum:name"}, "measure"),
    ({"measure": "avg:amount"}, "measure"), ({"measure": "count:amount"}, "measure"), ({"where": "status"}, "where"),
    ({"where": "colour=red"}, "where"), ({"where": "status=lame"}, "where"), ({"required": True}, "required"), ({"link": None}, "link"),
])  # fmt: skip
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_one_that_does_not_fit_is_refused(work: Work, wish: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        work.records("core.custom_field").create({**ROLL_UP, "key": "k", "label": "L", "measure": "count", **wish})
    assert {name for name, _code in codes(refused.value)} == {field}
