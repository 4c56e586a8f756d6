"""Where money could slip through: plans beyond their order, credit out of nothing, cents lost between parts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.entities import write
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, People
from plugins.orders import invoices, returning
from plugins.orders.amounts import Amounts, line_amounts, part_amounts
from plugins.orders.invoices import ISSUE
from plugins.orders.process import BILL, MAIL
from plugins.orders.settlement import SETTLE
from sdk import Conflict, Draft, Refusal, Tenant, _, where
from sdk.changes import HISTORY, UNDO
from sdk.context import id_of
from sdk.fields import Money
from tests.console.site import Site
from tests.plugins.imports import Done
from tests.plugins.test_orders import API, Shop, code, shop, usd

__all__ = ["shop"]
NOT_NOW = _("not now")


def planned(client: Api, shop: Shop, *amounts: str) -> tuple[UUID, list[str]]:
    """A confirmed order over 2 and 1 gateways with a plan of these amounts; the order and its lines."""
    order = shop.confirmed({"quantity": 2}, {"quantity": 1})
    for amount in amounts:
        assert client.post(f"{API}/instalments", {"order": str(order), "amount": usd(amount), "due_on": "2026-02-01"}).status_code == 201
    lines = client.get(f"{API}/order_lines", {"order": str(order), "sort": "id"}).json["data"]
    return order, [line["id"] for line in lines]


# --- a plan and its order ----------------------------------------------------------------------------------------------


@pytest.mark.feature("F7")
def test_an_order_does_not_shrink_below_what_its_plan_asks_for(client: Api, shop: Shop) -> None:
    order, (two, one) = planned(client, shop, "150", "100")
    assert client.patch(f"{API}/orders/{order}", {"state": "draft"}).status_code == 200
    for answer in (
        client.patch(f"{API}/order_lines/{two}", {"quantity": "1"}),
        client.patch(f"{API}/order_lines/{two}", {"discount": 50}),
        client.delete(f"{API}/order_lines/{one}"),
        client.patch(f"{API}/order_lines/{one}", {"order": str(shop.document("order", []))}),
    ):
        assert (answer.status_code, code(answer)) == (409, "below_plan"), answer.text
        assert "250" in answer.json["detail"]
    role = shop.work.records("core.role").create({"key": "editor", "name": "Editor"})
    rights = {"order.read": "all", "order_line.read": "all", "order_line.update": "all", "instalment.read": "none"}
    for name, scope in rights.items():
        shop.work.records("core.grant").create({"role": id_of(role), "permission": f"orders.{name}", "scope": scope})
    editor = shop.work.records("core.user").create({"name": "Editor", "email": "editor@acme.example", "roles": ["editor"]})
    answer = client.as_user(id_of(editor)).patch(f"{API}/order_lines/{two}", {"quantity": "1"})
    assert (answer.status_code, code(answer), "250" in answer.text) == (409, "below_plan", False), "who sees no plan is not told its sum"
    assert client.get(f"{API}/orders/{order}").json["total"] == usd("300.00")
    assert client.patch(f"{API}/order_lines/{two}", {"quantity": "1.5"}).status_code == 200
    assert client.get(f"{API}/orders/{order}").json["total"] == usd("250.00")
    assert client.patch(f"{API}/order_lines/{two}", {"quantity": "5"}).status_code == 200


def test_in_a_batch_only_the_order_that_would_shrink_too_far_is_refused(client: Api, shop: Shop) -> None:
    order, (two, one) = planned(client, shop, "250")
    other = shop.document("order", [{"quantity": 4}])
    (four,) = client.get(f"{API}/order_lines", {"order": str(other)}).json["data"]
    client.patch(f"{API}/orders/{order}", {"state": "draft"})
    changes = [
        {"op": "update", "id": one, "values": {"order": str(other)}},  # away from the order with the plan
        {"op": "update", "id": two, "values": {"quantity": "2.5"}},
        {"op": "update", "id": four["id"], "values": {"quantity": "3"}},
    ]
    answer = client.post(f"{API}/order_lines/batch", {"items": changes}).json["data"]
    assert [item["status"] for item in answer] == [200, 200, 200]  # together they leave 250
    back = [{"op": "update", "id": two, "values": {"quantity": "2"}}, {"op": "update", "id": one, "values": {"quantity": "7"}}]
    answer = client.post(f"{API}/order_lines/batch", {"items": back}).json["data"]
    assert [item["status"] for item in answer] == [409, 200]
    assert client.get(f"{API}/orders/{order}").json["total"] == usd("250.00")
    assert client.get(f"{API}/orders/{other}").json["total"] == usd("1000.00")


def test_an_order_for_which_money_came_in_is_not_deleted(client: Api, shop: Shop) -> None:
    order, _lines = planned(client, shop, "150")
    assert client.post(f"{API}/payments", {"order": str(order), "amount": usd("10"), "received_on": "2026-01-12"}).status_code == 201
    refused = client.delete(f"{API}/orders/{order}")
    assert (refused.status_code, code(refused)) == (409, "order_paid")


@pytest.mark.feature("F7")
def test_what_was_paid_stays_with_its_order_and_its_plan(client: Api, shop: Shop) -> None:
    order, other = planned(client, shop, "150")[0], shop.confirmed({"quantity": 9})
    (part,) = client.get(f"{API}/instalments", {"order": str(order)}).json["data"]
    free = client.post(f"{API}/instalments", {"order": str(order), "amount": usd("100"), "due_on": "2026-03-01"}).json["id"]
    assert client.post(f"{API}/payments", {"order": str(order), "amount": usd("10"), "received_on": "2026-01-12"}).status_code == 201
    at = f"{API}/instalments/{part['id']}"
    for answer in (client.delete(at), client.patch(at, {"order": str(other)})):
        assert (answer.status_code, code(answer)) == (409, "paid_already"), answer.text
        assert answer.json["detail"].startswith("10.00 of it has already been paid")
    assert client.patch(at, {"due_on": "2026-02-15", "amount": usd("20")}).json["open"] == usd("10.00")
    assert client.patch(f"{API}/instalments/{free}", {"order": str(other)}).status_code == 200
    assert client.delete(f"{API}/instalments/{free}").status_code == 204
    unplanned = client.post(f"{API}/payments", {"order": str(other), "amount": usd("10"), "received_on": "2026-01-12"})
    assert (unplanned.status_code, code(unplanned)) == (422, "no_plan")
    below = shop.confirmed({"quantity": -1})
    refused = client.post(f"{API}/instalments", {"order": str(below), "share": 50, "due_on": "2026-02-01"})
    assert [(one["field"], one["message"]) for one in refused.json["errors"]] == [
        ("order", "the order comes to -100.00, so nothing is due")
    ]


@pytest.mark.feature("F7")
def test_of_two_who_plan_and_shrink_at_the_same_time_one_is_refused(platform: Platform, tenant: Tenant, client: Api, shop: Shop) -> None:
    order, (two, _one) = planned(client, shop)
    client.patch(f"{API}/orders/{order}", {"state": "draft"})
    together, refused = threading.Barrier(2), list[str]()

    def tried(entity: str, draft: Draft) -> None:
        work = platform.system(tenant.id)
        together.wait()
        (outcome,) = work.records(entity).write([draft])
        refused.extend([] if outcome.refusal is None else [entity])

    wishes = (
        ("orders.instalment", Draft("create", {"order": order, "amount": usd("300"), "due_on": "2026-02-01"})),
        ("orders.order_line", Draft("update", {"quantity": "1"}, UUID(two))),
    )
    threads = [threading.Thread(target=tried, args=wish) for wish in wishes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    plan = shop.work.records("orders.instalment").aggregate(["sum:amount"])[0]["sum:amount"]
    total = client.get(f"{API}/orders/{order}").json["total"]
    assert (plan, total) in ((usd("300.00"), usd("300.00")), (None, usd("200.00")))


@pytest.mark.feature("F5")
def test_lines_that_two_write_at_the_same_time_are_both_in_the_total(platform: Platform, tenant: Tenant, client: Api, shop: Shop) -> None:
    order = client.post(f"{API}/orders", {"name": "Cups", "account": "Alder Foods"}).json["id"]
    together, refused = threading.Barrier(2), list[object]()

    def tried(price: str) -> None:
        work = platform.system(tenant.id)
        with work.transaction(write=True):
            if not platform.database.is_sqlite:  # there the second could not begin before the first has ended
                together.wait()
            values = {"order": UUID(order), "description": "Cup", "quantity": "1", "unit_price": usd(price)}
            (outcome,) = work.records("orders.order_line").write([Draft("create", values)])
            refused.extend([] if outcome.refusal is None else [outcome.refusal])

    threads = [threading.Thread(target=tried, args=(price,)) for price in ("100", "20")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (refused, client.get(f"{API}/orders/{order}").json["total"]) == ([], usd("120.00"))


# --- credit ------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("F8")
def test_a_credit_note_is_made_of_an_issued_invoice_and_by_no_other_way(client: Api, shop: Shop, taken: Any) -> None:
    by_hand = client.post(f"{API}/invoices", {"name": "Gift", "account": "Alder Foods", "kind": "credit_note"})
    assert (by_hand.status_code, code(by_hand)) == (422, "by_crediting")
    items = [{"op": "create", "values": {"name": "Gift", "account": "Alder Foods", "kind": "credit_note"}}]
    assert client.post(f"{API}/invoices/batch", {"items": items}).json["data"][0]["status"] == 422
    done = taken("orders.invoice", "name,account,kind\nGift,Alder Foods,credit_note\n")
    assert [row["code"] for row in done.rows] == ["by_crediting"]
    assert client.post(f"{API}/invoices", {"name": "Bill", "account": "Alder Foods", "kind": "invoice"}).status_code == 201


def test_a_draft_credit_note_of_before_is_not_issued(client: Api, shop: Shop) -> None:
    note = id_of(shop.work.records("orders.invoice").create({"name": "Old", "account": shop.account, "kind": "credit_note"}, act="credit"))
    shop.work.records("orders.invoice_line").create({"invoice": note, "product": shop.product, "quantity": 1})
    refused = client.post(f"{API}/invoices/{note}/issues")
    assert (refused.status_code, code(refused)) == (409, "credits_nothing")


def test_nothing_less_than_nothing_is_billed_of_an_order(client: Api, shop: Shop) -> None:
    order = shop.confirmed({"quantity": 10})
    (line,) = shop.work.records("orders.order_line").find(where(order=order))
    draft = shop.document("invoice", [])
    values = {"invoice": str(draft), "order_line": str(line["id"]), "product": "GW", "quantity": "-5"}
    refused = client.post(f"{API}/invoice_lines", values)
    assert (refused.status_code, code(refused)) == (422, "out_of_range")
    rest = client.post(f"{API}/orders/{order}/invoices", {})
    assert rest.json["total"] == usd("1000.00")


@pytest.mark.feature("F5")
def test_what_an_order_takes_back_is_billed_with_it_and_never_beyond(client: Api, shop: Shop) -> None:
    order = shop.confirmed({"quantity": 10, "position": 1}, {"quantity": -2, "position": 2})
    _ten, back = (line["id"] for line in client.get(f"{API}/order_lines", {"order": str(order), "sort": "position"}).json["data"])
    for quantity in ("-3", "1"):
        refused = client.post(f"{API}/orders/{order}/invoices", {"lines": [{"order_line": back, "quantity": quantity}]})
        assert (refused.status_code, code(refused)) == (422, "over_billed"), refused.text
    assert shop.work.records("orders.invoice").aggregate(["count"]) == [{"count": 0}]
    invoice = client.post(f"{API}/orders/{order}/invoices", {})
    assert invoice.json["total"] == usd("800.00"), "as the order says, and not what was sold alone"
    assert shop.read("order", order)["billed"] == "billed"
    assert code(client.post(f"{API}/orders/{order}/invoices", {})) == "order_billed"
    nothing = shop.confirmed({"quantity": 0})
    (line,) = client.get(f"{API}/order_lines", {"order": str(nothing)}).json["data"]
    draft = shop.document("invoice", [])
    refused = client.post(f"{API}/invoice_lines", {"invoice": str(draft), "order_line": line["id"], "product": "GW", "quantity": "-5"})
    assert (refused.status_code, code(refused)) == (422, "over_billed")


@pytest.mark.feature("F5")
def test_an_order_is_billed_while_it_is_confirmed_and_in_its_own_currency(client: Api, shop: Shop) -> None:
    order, billed = shop.confirmed({"quantity": 10}), shop.confirmed({"quantity": 10})
    line, of_billed = (client.get(f"{API}/order_lines", {"order": str(id)}).json["data"][0]["id"] for id in (order, billed))
    foreign = shop.document("invoice", [], currency="EUR")
    price = {"unit_price": {"amount": "1", "currency": "EUR"}}
    refused = client.post(f"{API}/invoice_lines", {"invoice": str(foreign), "order_line": line, "quantity": "10", **price})
    assert [(one["field"], one["code"]) for one in refused.json["errors"]] == [("order_line", "other_currency")]
    assert client.patch(f"{API}/orders/{order}", {"state": "cancelled"}).status_code == 200
    draft = {"invoice": str(shop.document("invoice", [])), "product": "GW", "quantity": "3"}
    refused = client.post(f"{API}/invoice_lines", {**draft, "order_line": line})
    assert (refused.status_code, code(refused)) == (409, "order_not_confirmed")
    assert shop.read("order", order)["billed"] == "none"
    assert client.post(f"{API}/invoice_lines", {**draft, "order_line": of_billed}).status_code == 201
    for state in ("cancelled", "draft"):
        answer = client.patch(f"{API}/orders/{billed}", {"state": state})
        assert (answer.status_code, code(answer)) == (409, "order_billed"), "as its page has it, too"


@pytest.mark.feature("F5")
def test_an_order_is_billed_to_who_ordered_or_to_a_company_above(client: Api, shop: Shop) -> None:
    accounts = shop.work.records("customers.account")
    top = id_of(accounts.create({"name": "Holding"}))
    accounts.update(shop.account, {"parent": id_of(accounts.create({"name": "Middle", "parent": top}))})
    other, order = id_of(accounts.create({"name": "Birchwood"})), shop.confirmed({"quantity": 10})
    (line,) = client.get(f"{API}/order_lines", {"order": str(order)}).json["data"]

    def refused(answer: Any) -> tuple[int, str, str]:
        return answer.status_code, answer.json["errors"][0]["field"], code(answer)

    made = {"name": "Another's", "account": str(other), "order": str(order)}
    assert refused(client.post(f"{API}/invoices", made)) == (422, "order", "other_account")
    free = client.post(f"{API}/invoices", {**made, "order": None}).json["id"]
    of_order = {"order_line": line["id"], "product": "GW", "quantity": "4"}
    assert refused(client.post(f"{API}/invoice_lines", {**of_order, "invoice": free})) == (422, "order_line", "other_account")
    assert shop.read("order", order)["billed"] == "none"
    above = client.post(f"{API}/invoices", {**made, "account": str(top)}).json["id"]
    assert client.post(f"{API}/invoice_lines", {**of_order, "invoice": above}).status_code == 201
    assert refused(client.patch(f"{API}/invoices/{above}", {"account": str(other), "order": None})) == (422, "account", "other_account")
    assert client.patch(f"{API}/invoices/{above}", {"account": str(shop.account)}).status_code == 200
    draft = shop.document("order", [])
    named = client.post(f"{API}/invoices", {"name": "Ahead", "account": str(shop.account), "order": str(draft)}).json["id"]
    assert refused(client.patch(f"{API}/orders/{draft}", {"account": str(other)})) == (422, "account", "other_account"), (
        "nor the other way round"
    )
    assert client.delete(f"{API}/invoices/{named}").status_code in (200, 204)
    assert client.patch(f"{API}/orders/{draft}", {"account": str(other)}).status_code == 200


@pytest.mark.feature("F7")
def test_of_a_cancelled_order_nothing_becomes_due(client: Api, shop: Shop) -> None:
    order, _lines = planned(client, shop, "150")
    assert client.patch(f"{API}/orders/{order}", {"state": "cancelled"}).status_code == 200
    refused = client.post(f"{API}/instalments", {"order": str(order), "amount": usd("50"), "due_on": "2026-02-01"})
    assert (refused.status_code, refused.json["errors"][0]["field"], code(refused)) == (422, "order", "order_cancelled")
    (there,) = client.get(f"{API}/instalments", {"order": str(order)}).json["data"]
    assert client.patch(f"{API}/instalments/{there['id']}", {"due_on": "2026-03-01"}).status_code == 200
    late = client.post(f"{API}/payments", {"order": str(order), "amount": usd("10"), "received_on": "2026-01-12"})
    assert late.status_code == 201, "what comes in all the same is written down"


def test_what_an_earlier_version_said_of_orders_that_take_something_back_is_said_anew(client: Api, shop: Shop) -> None:
    order = shop.confirmed({"quantity": 10, "position": 1}, {"quantity": -2, "position": 2})
    ten, _back = (line["id"] for line in client.get(f"{API}/order_lines", {"order": str(order), "sort": "position"}).json["data"])
    assert client.post(f"{API}/orders/{order}/invoices", {"lines": [{"order_line": ten, "quantity": "10"}]}).status_code == 201
    shop.work.records("orders.order").update(order, {"billed": "billed"}, act=BILL)
    version = shop.read("order", order)["version"]
    for _time in range(2):
        returning.catch_up(shop.work, {})
        assert (shop.read("order", order)["billed"], shop.read("order", order)["version"]) == ("partial", version + 1)
    assert client.post(f"{API}/orders/{order}/invoices", {}).json["total"] == usd("-200.00")


@pytest.mark.feature("F8")
def test_an_invoice_with_a_line_that_takes_something_back_is_credited_whole_and_in_parts(client: Api, shop: Shop) -> None:
    order = shop.confirmed({"quantity": 10}, {"quantity": -3})
    invoice = client.post(f"{API}/orders/{order}/invoices", {}).json["id"]
    assert client.post(f"{API}/invoices/{invoice}/issues").status_code == 201
    (back,) = [line["id"] for line in client.get(f"{API}/invoice_lines", {"invoice": invoice}).json["data"] if line["quantity"] == "-3"]
    for quantity in ("-4", "1"):
        refused = client.post(f"{API}/invoices/{invoice}/credit_notes", {"lines": [{"invoice_line": back, "quantity": quantity}]})
        assert (refused.status_code, code(refused)) == (409, "over_credited"), refused.text
    part = client.post(f"{API}/invoices/{invoice}/credit_notes", {"lines": [{"invoice_line": back, "quantity": "-1"}]})
    assert (part.status_code, part.json["total"]) == (201, usd("-100.00")), part.text
    rest = client.post(f"{API}/invoices/{invoice}/credit_notes", {})
    assert (rest.status_code, rest.json["total"]) == (201, usd("800.00")), rest.text
    assert client.get(f"{API}/invoices/{invoice}").json["state"] == "credited"
    assert shop.read("order", order)["billed"] == "none"


def test_an_invoice_is_the_sum_of_the_lines_that_were_taken_when_others_of_their_batch_were_not(client: Api, shop: Shop) -> None:
    order = shop.confirmed({"quantity": 2})
    (line,) = shop.work.records("orders.order_line").find(where(order=order))
    invoice = shop.document("invoice", [])
    items = [
        {"op": "create", "values": {"invoice": str(invoice), "product": "GW", "quantity": quantity, "order_line": str(line["id"])}}
        for quantity in ("3", "2")
    ]
    answer = client.post(f"{API}/invoice_lines/batch", {"items": items}).json["data"]
    assert [item["status"] for item in answer] == [422, 201]
    assert client.get(f"{API}/invoices/{invoice}").json["total"] == usd("200.00")
    assert shop.read("order", order)["billed"] == "billed"


# --- parts -------------------------------------------------------------------------------------------------------------

type_line = tuple[Decimal, Decimal | None, Decimal | None]


@pytest.mark.feature("F5")
@given(
    parts=st.lists(st.decimals("0.0001", "999", places=4), min_size=1, max_size=12),
    price=st.decimals("-999", "999", places=4),
    discount=st.none() | st.decimals(0, 100, places=2),
    rate=st.none() | st.decimals(0, 100, places=2),
    currency=st.sampled_from(["CNY", "JPY", "KWD"]),
)
def test_the_parts_of_a_line_come_to_what_the_line_comes_to(
    parts: list[Decimal], price: Decimal, discount: Decimal | None, rate: Decimal | None, currency: str
) -> None:
    cent = Decimal(1).scaleb(-{"CNY": 2, "JPY": 0, "KWD": 3}[currency])
    money, quantity, sofar = Money(price, currency), Decimal(0), Amounts(Decimal(0), Decimal(0))
    for part in parts:
        amounts = part_amounts(quantity, sofar, part, money, discount, rate)
        assert abs(amounts.net - line_amounts(part, money, discount, rate).net) <= cent
        quantity, sofar = quantity + part, Amounts(sofar.net + amounts.net, sofar.tax + amounts.tax)
    assert sofar == line_amounts(quantity, money, discount, rate)


@pytest.mark.feature("F5")
def test_three_parts_of_a_hundred_are_a_hundred(client: Api, shop: Shop) -> None:
    order = shop.confirmed({"quantity": 3, "unit_price": usd("33.3333"), "tax_rate": 13})
    (line,) = shop.work.records("orders.order_line").find(where(order=order))
    part = {"lines": [{"order_line": str(line["id"]), "quantity": "1"}]}
    made = [client.post(f"{API}/orders/{order}/invoices", part).json for _time in range(3)]
    assert [one["net"]["amount"] for one in made] == ["33.33", "33.34", "33.33"]
    assert sum(Decimal(one["total"]["amount"]) for one in made) == Decimal("113.00")
    (first,) = client.get(f"{API}/invoice_lines", {"invoice": made[1]["id"]}).json["data"]
    assert client.patch(f"{API}/invoice_lines/{first['id']}", {"description": "Second"}).json["net"] == usd("33.34")


@pytest.mark.feature("F8")
def test_a_part_that_bears_a_cent_more_is_credited_with_it_at_once_or_in_parts(client: Api, shop: Shop) -> None:
    order = shop.confirmed({"quantity": 3, "unit_price": usd("33.3333")})
    (line,) = shop.work.records("orders.order_line").find(where(order=order))
    part = {"lines": [{"order_line": str(line["id"]), "quantity": "1"}]}
    _first, second, _third = (client.post(f"{API}/orders/{order}/invoices", part).json["id"] for _time in range(3))
    client.post(f"{API}/invoices/{second}/issues")
    (own,) = client.get(f"{API}/invoice_lines", {"invoice": second}).json["data"]
    quarter = {"lines": [{"invoice_line": own["id"], "quantity": "0.25"}]}
    notes = [client.post(f"{API}/invoices/{second}/credit_notes", wish).json["net"]["amount"] for wish in (quarter, quarter, {})]
    assert (notes, sum(map(Decimal, notes))) == (["8.34", "8.33", "16.67"], Decimal("33.34"))
    assert client.post(f"{API}/orders/{order}/invoices", {}).json["net"] == usd("33.34")


@pytest.mark.feature("F5")
@pytest.mark.parametrize("seed", range(5))
def test_what_is_billed_less_what_is_credited_is_what_was_ordered_whatever_the_way(client: Api, shop: Shop, seed: int) -> None:
    """Orders of odd prices, billed in odd parts, drafts thrown away, parts credited and billed again."""
    random = Random(seed)
    lines = [
        {"quantity": f"{random.randint(1, 400) / 8}", "unit_price": usd(f"{random.randint(1, 999_999) / 10_000:.4f}"),
         "tax_rate": random.choice((None, 6, 13)), "discount": random.choice((None, "7.5", "33.33"))}
        for _number in range(3)
    ]  # fmt: skip
    order = shop.confirmed(*lines)
    rows = shop.work.records("orders.order_line").find(where(order=order))
    for step in range(14):
        left = {id: amount for id, amount in invoices.open_quantities(shop.work, rows).items() if amount > 0}
        if not left:
            break
        wanted = {id: min(amount, Decimal(random.randint(1, 160)) / 8) for id, amount in left.items() if random.random() < 0.7}
        if not wanted:
            continue
        made = id_of(invoices.bill(shop.work, order, wanted))
        if random.random() < 0.2:
            shop.work.records("orders.invoice").delete(made)
            continue
        invoices.issue(shop.work, made)
        if step % 3 == 0:
            own = shop.work.records("orders.invoice_line").find(where(invoice=made))
            invoices.credit(shop.work, made, {id_of(own[0]): Decimal(str(own[0]["quantity"])) / 2})
    if any(amount > 0 for amount in invoices.open_quantities(shop.work, rows).values()):
        invoices.issue(shop.work, id_of(invoices.bill(shop.work, order, None)))
    assert shop.read("order", order)["billed"] == "billed"
    assert worth(shop, order) == {name: shop.read("order", order)[name].amount for name in ("net", "tax", "total")}


def worth(shop: Shop, order: UUID) -> Mapping[str, Decimal]:
    """What the issued invoices of an order come to, credit notes taken off."""
    found = [row for row in shop.work.records("orders.invoice").find(where(order=order)) if row["state"] != "draft"]
    signed = [(Decimal(-1 if row["kind"] == "credit_note" else 1), row) for row in found]
    return {name: sum((sign * row[name].amount for sign, row in signed), Decimal(0)) for name in ("net", "tax", "total")}  # type: ignore[attr-defined]


def test_a_part_at_a_price_of_its_own_is_nothing_that_another_part_makes_up_for(client: Api, shop: Shop) -> None:
    order = shop.confirmed({"quantity": 3})
    (line,) = shop.work.records("orders.order_line").find(where(order=order))
    part = {"lines": [{"order_line": str(line["id"]), "quantity": "1"}]}
    first = client.post(f"{API}/orders/{order}/invoices", part).json["id"]
    (cheap,) = client.get(f"{API}/invoice_lines", {"invoice": first}).json["data"]
    assert client.patch(f"{API}/invoice_lines/{cheap['id']}", {"unit_price": usd("90")}).json["net"] == usd("90.00")
    rest = client.post(f"{API}/orders/{order}/invoices", {}).json
    assert rest["net"] == usd("200.00")
    # Together they come to no more than the line; what is charged beside it stands in a line of its own.
    (two,) = client.get(f"{API}/invoice_lines", {"invoice": rest["id"]}).json["data"]
    for dear in ({"unit_price": usd("106")}, {"unit_price": usd("110"), "discount": 1}):
        refused = client.patch(f"{API}/invoice_lines/{two['id']}", dear)
        assert (refused.status_code, code(refused), refused.json["errors"][0]["field"]) == (422, "over_billed", "unit_price"), dear
    assert client.get(f"{API}/invoices/{rest['id']}").json["net"] == usd("200.00")
    assert client.patch(f"{API}/invoice_lines/{two['id']}", {"unit_price": usd("105"), "tax_rate": 13}).json["net"] == usd("210.00")
    freight = {"invoice": rest["id"], "description": "Freight", "quantity": 1, "unit_price": usd("500")}
    assert client.post(f"{API}/invoice_lines", freight).status_code == 201
    assert (shop.read("order", order)["billed"], code(client.post(f"{API}/orders/{order}/invoices", {}))) == ("billed", "order_billed")
    # Credited, it may be billed again.
    assert client.post(f"{API}/invoices/{first}/issues").status_code == 201
    assert client.post(f"{API}/invoices/{first}/credit_notes", {}).status_code == 201
    assert client.post(f"{API}/orders/{order}/invoices", {}).status_code == 422, "100 are more than the 90 that are left"


def test_parts_of_one_batch_come_to_their_whole(shop: Shop, work: Work) -> None:
    order = shop.confirmed({"quantity": 3, "unit_price": usd("33.3333")})
    (line,) = work.records("orders.order_line").find(where(order=order))
    drafts = [
        Draft("create", {"invoice": shop.document("invoice", []), "order_line": line["id"], "quantity": 1, "unit_price": usd("33.3333"), "product": shop.product})
        for _number in range(3)
    ]  # fmt: skip
    nets = [outcome.row["net"] for outcome in work.records("orders.invoice_line").write_all(drafts) if outcome.row is not None]
    assert [net.amount for net in nets if isinstance(net, Money)] == [Decimal("33.33"), Decimal("33.34"), Decimal("33.33")]


@pytest.mark.feature("F5")
def test_of_two_who_bill_and_reopen_an_order_at_the_same_time_one_is_refused(platform: Platform, tenant: Tenant, shop: Shop) -> None:
    order, together, refused = shop.confirmed({"quantity": 10}), threading.Barrier(2), list[str]()

    def tried(name: str) -> None:
        work = platform.system(tenant.id)
        together.wait()
        try:
            if name == "bill":
                invoices.bill(work, order, None)
            else:
                work.records("orders.order").update(order, {"state": "draft"})
        except Refusal:
            refused.append(name)

    threads = [threading.Thread(target=tried, args=(name,)) for name in ("bill", "reopen")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = shop.read("order", order)
    assert len(refused) == 1
    assert (row["state"], row["billed"]) in (("confirmed", "billed"), ("draft", "none"))


# --- what is paid of invoices ------------------------------------------------------------------------------------------


def billed(client: Api, shop: Shop, due: Mapping[str, str], **order: object) -> tuple[UUID, list[str]]:
    """A confirmed order over 10 gateways with issued invoices over so many of them, due on these days: quantity by day."""
    id = shop.confirmed({"quantity": 10}, **order)
    (line,) = client.get(f"{API}/order_lines", {"order": str(id)}).json["data"]
    made = []
    for day, quantity in due.items():
        wanted = {"lines": [{"order_line": line["id"], "quantity": quantity}]}
        invoice = client.post(f"{API}/orders/{id}/invoices", wanted).json["id"]
        assert client.patch(f"{API}/invoices/{invoice}", {"due_on": day}).status_code == 200
        assert client.get(f"{API}/invoices/{invoice}").json["payment_state"] is None, "nothing is due of a draft"
        assert client.post(f"{API}/invoices/{invoice}/issues", {}).status_code == 201
        made.append(invoice)
    return id, made


def paid(client: Api, **filter: str) -> list[tuple[str, str, str]]:
    """How far invoices are paid, in the order in which they are due."""
    rows = client.get(f"{API}/invoices", {"kind": "invoice", "state[ne]": "draft", "sort": "due_on", **filter}).json["data"]
    return [(row["paid"]["amount"], row["open"]["amount"], row["payment_state"]) for row in rows]


@pytest.mark.feature("F8")
def test_an_issued_invoice_says_how_far_it_is_paid_whatever_comes_in_or_is_taken_back(
    client: Api, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, (first, second) = billed(client, shop, {"2026-02-01": "4", "2026-03-01": "6"})
    assert paid(client) == [("0.00", "400.00", "open"), ("0.00", "600.00", "open")]
    came = {"order": str(order), "received_on": "2026-01-12"}
    made = [client.post(f"{API}/payments", {**came, "amount": usd(amount)}) for amount in ("300", "250")]
    assert [answer.status_code for answer in made] == [201, 201], "without a payment plan, too"
    assert paid(client) == [("400.00", "0.00", "paid"), ("150.00", "450.00", "partial")]
    beyond = client.post(f"{API}/payments", {**came, "amount": usd("450.01")})
    assert (code(beyond), beyond.json["errors"][0]["message"]) == ("over_allocated", "450.01 is more than the 450.00 still due")
    assert paid(client, **{"payment_state[in]": "open,partial", "due_on[lt]": "2026-03-02"}) == [("150.00", "450.00", "partial")]
    sums = shop.work.records("orders.invoice").aggregate(["sum:open", "sum:paid"], ["payment_state"])
    assert [(row["payment_state"], row["sum:open"]) for row in sums] == [("paid", usd("0.00")), ("partial", usd("450.00"))]
    assert client.post(f"{API}/payments/{made[0].json['id']}/reversals", {}).status_code == 201
    assert paid(client) == [("250.00", "150.00", "partial"), ("0.00", "600.00", "open")]
    (line,) = client.get(f"{API}/invoice_lines", {"invoice": first}).json["data"]
    part = {"lines": [{"invoice_line": line["id"], "quantity": "2"}]}
    note = client.post(f"{API}/invoices/{first}/credit_notes", part).json
    assert (note["kind"], note["payment_state"], note["open"]) == ("credit_note", None, None)
    assert paid(client) == [("200.00", "0.00", "paid"), ("50.00", "550.00", "partial")], "what is too much for one goes on to the next"
    assert client.post(f"{API}/invoices/{first}/credit_notes", {}).status_code == 201
    rows = client.get(f"{API}/invoices/{first}").json
    assert (rows["state"], rows["payment_state"], rows["open"]["amount"]) == ("credited", None, "0.00")
    assert paid(client)[1] == ("250.00", "350.00", "partial")
    assert code(client.patch(f"{API}/invoices/{second}", {"open": usd("0")})) == "read_only"
    again = client.post(f"{API}/orders/{order}/invoices", {}).json["id"]
    mails = Draft("update", {"mailed_at": shop.work.now()}, UUID(second), act=MAIL)
    issued = Draft(
        "update", {"state": "issued", "number": "X-1", "due_on": "2026-01-15", "issued_on": "2026-01-15"}, UUID(again), act=ISSUE
    )
    with monkeypatch.context() as late:
        late.setattr(write, "check_conditional", lambda _work, _shape, items: setattr(items[1], "refusal", Conflict(NOT_NOW)))
        told, again_told = (shop.work.records("orders.invoice").write([mails, issued]) for _time in range(2))
    assert [one.refusal is None for one in told] == [True, False]
    assert (told[0].changed, again_told[0].changed) == (True, False), "nor has it made a version in which nothing is another"
    assert paid(client)[1] == ("250.00", "350.00", "partial"), "what is refused in the end has taken nothing from its neighbour"
    assert client.post(f"{API}/invoices/{again}/issues", {}).status_code == 201
    assert paid(client)[-1] == ("0.00", "600.00", "open"), "what came in before goes to what is due first"
    assert client.get(f"{API}/invoices/{again}").json["paid"] == usd("250.00")


@pytest.mark.feature("F7")
def test_who_records_a_payment_says_which_instalment_and_which_invoice_it_is_for(client: Api, shop: Shop) -> None:
    order, (first, second) = billed(client, shop, {"2026-02-01": "4", "2026-03-01": "5"})
    plan = [
        client.post(f"{API}/instalments", {"order": str(order), "amount": usd(amount), "due_on": day, "name": f"Part {amount}"}).json["id"]
        for amount, day in (("300", "2026-02-01"), ("500", "2026-03-01"))
    ]
    other, (strange,) = billed(client, shop, {"2026-04-01": "1"})
    came = {"order": str(order), "received_on": "2026-01-12", "amount": usd("500")}
    refused = [
        client.post(f"{API}/payments", {**came, **wrong})
        for wrong in (
            {"invoice": first}, {"instalment": plan[0]}, {"invoice": strange}, {"order": str(other), "instalment": plan[1]}, {"amount": usd("901")},
            {"invoice": client.post(f"{API}/orders/{order}/invoices", {}).json["id"]}, {"order": None},
        )
    ]  # fmt: skip
    assert [(answer.status_code, code(answer)) for answer in refused] == [
        (422, why) for why in ("over_allocated", "over_allocated", "other_order", "other_order", "over_allocated", "not_issued", "required")
    ]
    said = [refused[at].json["errors"][0]["message"] for at in (0, 1)]
    assert said == [
        "500.00 is more than the 400.00 still due of this invoice",
        "500.00 is more than the 300.00 still due of this instalment",
    ]
    chosen = client.post(f"{API}/payments", {**came, "instalment": "Part 500", "invoice": second})
    assert (chosen.status_code, chosen.json["instalment"]) == (201, plan[1])
    settled = [client.get(f"{API}/instalments/{id}").json["settled"] for id in plan]
    assert (settled, paid(client)[:2]) == ([False, True], [("0.00", "400.00", "open"), ("500.00", "0.00", "paid")])
    assert client.post(f"{API}/payments", {**came, "order": None, "invoice": first, "amount": usd("400")}).json["order"] == str(order)
    assert [client.get(f"{API}/instalments/{id}").json["settled"] for id in plan] == [True, True]
    assert code(client.patch(f"{API}/payments/{chosen.json['id']}", {"invoice": first})) == "payment_kept"
    site = Site(client)
    assert "Record payment" not in site.get(f"/orders/invoices/{second}").links(), "nothing is open"
    page = site.get(f"/orders/invoices/{strange}").links()["Record payment"].removeprefix("/console")
    form = site.get(page).form()
    assert {name: form[name] for name in ("invoice", "order", "amount__amount", "amount__currency", "received_on")} == {
        "invoice": strange, "order": str(other), "amount__amount": "100.00", "amount__currency": "USD", "received_on": "2026-01-15",
    }  # fmt: skip
    assert site.post("/orders/payments/new", form).status == 303
    assert client.get(f"{API}/invoices/{strange}").json["payment_state"] == "paid"
    assert client.post(f"{API}/payments/{chosen.json['id']}/reversals", {}).status_code == 201
    assert paid(client)[:2] == [("400.00", "0.00", "paid"), ("0.00", "500.00", "open")]


@pytest.mark.feature("F8")
def test_an_invoice_without_an_order_is_paid_by_what_names_it_and_overdue_until_then(
    client: Api, shop: Shop, people: People, clock: Clock
) -> None:
    invoice = shop.document("invoice", [{"quantity": 3}])
    assert client.post(f"{API}/invoices/{invoice}/issues", {}).status_code == 201
    clerk = id_of(shop.work.records("core.user").create({"name": "Clerk", "email": "clerk@acme.example", "roles": ["finance"]}))
    finance, came = client.as_user(clerk), {"invoice": str(invoice), "received_on": "2026-01-12"}
    first = finance.post(f"{API}/payments", {**came, "amount": usd("100")})
    assert (first.status_code, first.json["order"], paid(finance)) == (201, None, [("100.00", "200.00", "partial")])
    assert code(finance.post(f"{API}/payments", {**came, "amount": usd("201")})) == "over_allocated"
    assert code(finance.post(f"{API}/payments", {**came, "amount": {"amount": "1", "currency": "EUR"}})) == "other_currency"
    site, overdue = Site(client), "//span[@class='overdue']"
    assert not site.get("/orders/invoices?_view=overdue").all(f"//tbody{overdue}")
    clock.move(days=1)
    pages = [f"/orders/invoices/{invoice}", "/orders/invoices?_view=overdue"]
    assert [len(site.get(page).all(overdue)) for page in pages] == [1, 1]
    assert finance.post(f"{API}/payments", {**came, "amount": usd("200")}).status_code == 201
    assert paid(finance) == [("300.00", "0.00", "paid")]
    assert [len(site.get(page).all(overdue)) for page in pages] == [0, 0]
    back = finance.post(f"{API}/payments/{first.json['id']}/reversals", {})
    assert back.status_code == 201
    assert paid(finance) == [("200.00", "100.00", "partial")]
    assert client.as_user(people.rep).get(f"{API}/payments").json["data"] == [], "who sees no order of it"
    free = shop.document("invoice", [{"quantity": 1, "unit_price": usd("0")}], name="Given away")
    assert client.post(f"{API}/invoices/{free}/issues", {}).status_code == 201
    unpaid = site.get("/orders/invoices?_view=unpaid").links().values()
    assert [any(str(id) in link for link in unpaid) for id in (invoice, free)] == [True, False], "nothing is open of what is free"
    assert finance.post(f"{API}/payments", {**came, "amount": usd("100")}).status_code == 201
    (undone,) = shop.work.records("orders.payment").write([Draft("delete", {}, UUID(back.json["id"]), act=UNDO)])
    assert undone.refusal is not None and undone.refusal.reason == "paid_again"


@pytest.mark.feature("F7")
def test_refusals_quote_no_amount_of_what_is_hidden_from_who_is_refused(client: Api, shop: Shop) -> None:
    order, (first, _second) = billed(client, shop, {"2026-02-01": "3.3", "2026-03-01": "4.4"})
    plan = {"order": str(order), "due_on": "2026-02-01"}
    instalment = client.post(f"{API}/instalments", {**plan, "amount": usd("770")}).json["id"]
    came = {"order": str(order), "received_on": "2026-01-12", "invoice": first}
    payment = client.post(f"{API}/payments", {**came, "amount": usd("220")}).json["id"]
    (line,) = client.get(f"{API}/order_lines", {"order": str(order)}).json["data"]
    draft = shop.document("invoice", [{"quantity": "1", "order_line": UUID(line["id"])}], order=order)
    (part,) = client.get(f"{API}/invoice_lines", {"invoice": str(draft)}).json["data"]
    role, all_ = id_of(shop.work.records("core.role").create({"key": "till", "name": "Till"})), ("read", "create", "update", "delete")
    hidden = {
        "orders.order": "total",
        "orders.instalment": "amount,paid,open",
        "orders.invoice": "paid,open,due_on,contact,owner",
        "orders.invoice_line": "quantity,net",
        "orders.payment": "instalment",
    }
    for noun in ("order", "order_line", "invoice", "invoice_line", "instalment", "payment"):
        for verb in all_ if noun != "payment" else all_[:3]:
            fields = hidden.get(f"orders.{noun}", "").split(",") if verb == "read" and f"orders.{noun}" in hidden else []
            kept = sorted({*shop.work.entity(f"orders.{noun}").fields} - {*fields}) if fields else None
            shop.work.records("core.grant").create(
                {"role": role, "permission": f"orders.{noun}.{verb}", "scope": "all", "only_fields": kept}
            )
    till = shop.work.records("core.user").create({"name": "Till", "email": "till@acme.example", "roles": ["till"]})
    told = dict[bool, list[tuple[str, str]]]()
    for sees, who in ((True, client), (False, client.as_user(id_of(till)))):
        answers = (
            who.post(f"{API}/payments", {**came, "amount": usd("999")}),
            who.post(f"{API}/payments", {**came, "invoice": None, "amount": usd("999")}),
            who.post(f"{API}/instalments", {**plan, "amount": usd("999")}),
            who.patch(f"{API}/instalments/{instalment}", {"amount": usd("1")}),
            who.delete(f"{API}/instalments/{instalment}"),
            who.patch(f"{API}/invoice_lines/{part['id']}", {"quantity": "999"}),
            who.patch(f"{API}/invoice_lines/{part['id']}", {"unit_price": usd("999")}),
            who.post(f"{API}/payments", {**came, "amount": {"amount": "1", "currency": "EUR"}}),
            who.post(f"{API}/instalments", {**plan, "amount": {"amount": "1", "currency": "EUR"}}),
        )
        told[sees] = [(code(answer), (answer.json["errors"] or [{"message": answer.json["detail"]}])[0]["message"]) for answer in answers]
    codes = ["over_allocated", "over_allocated", "over_planned", "paid_already", "paid_already", "over_billed", "over_billed"]
    codes += ["other_currency"] * 2
    assert [[why for why, _text in of] for of in told.values()] == [codes] * 2
    for at, amounts in enumerate((("110",), ("550",), ("1769", "1000"), ("220",), ("220",), ("2.3",), ("1000",), ("USD",), ("USD",))):
        assert all(amount in told[True][at][1] and amount not in told[False][at][1] for amount in amounts), at
    grants = shop.work.records("core.grant")
    for row in grants.find(where(role=role, permission="orders.invoice.read")):
        grants.delete(id_of(row))
    back = client.as_user(id_of(till)).post(f"{API}/payments/{payment}/reversals", {})
    assert (back.status_code, paid(client)[0][2]) == (201, "open"), "who sees no invoices takes back what was paid for one"
    assert client.get(f"{API}/payments/{back.json['id']}").json["invoice"] == first
    named = {**came, "invoice": None, "amount": usd("-220"), "instalment": instalment}
    named["reverses"] = client.post(f"{API}/payments", {**came, "amount": usd("220")}).json["id"]
    back = client.as_user(id_of(till)).post(f"{API}/payments", named)
    kept = client.get(f"{API}/payments/{back.json['id']}").json
    assert (back.status_code, kept["invoice"], kept["instalment"]) == (201, first, None), "it is for what that payment was for, seen or not"


def test_what_many_payments_leave_open_is_what_they_leave_one_by_one(client: Api, shop: Shop) -> None:
    order, (first, second) = billed(client, shop, {"2026-02-01": "4", "2026-03-01": "6"})
    wishes = [(None, "150"), (second, "500"), (first, "251"), (first, "250"), (None, "101"), (None, "100")]
    drafts = [
        Draft("create", {"order": order, "invoice": invoice and UUID(invoice), "amount": usd(amount), "received_on": "2026-01-12"})
        for invoice, amount in wishes
    ]
    taken = [outcome.refusal is None for outcome in shop.work.records("orders.payment").write(drafts)]
    assert (taken, paid(client)) == ([True, True, False, True, False, True], [("400.00", "0.00", "paid"), ("600.00", "0.00", "paid")])


def test_of_two_who_record_payments_of_the_same_invoices_at_the_same_time_each_invoice_is_paid_once(
    platform: Platform, tenant: Tenant, client: Api, shop: Shop
) -> None:
    made = [shop.document("invoice", [{"quantity": 1}]) for _number in range(2)]
    assert [client.post(f"{API}/invoices/{id}/issues", {}).status_code for id in made] == [201, 201]
    together, refused = threading.Barrier(2), list[object]()

    def tried(*ids: UUID) -> None:
        work = platform.system(tenant.id)
        together.wait()
        drafts = [Draft("create", {"invoice": id, "amount": usd("60"), "received_on": "2026-01-12"}) for id in ids]
        refused.extend(outcome.refusal for outcome in work.records("orders.payment").write(drafts) if outcome.refusal is not None)

    threads = [threading.Thread(target=tried, args=ids) for ids in (made, made[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), paid(client)) == (2, [("60.00", "40.00", "partial")] * 2)


def test_invoices_of_an_earlier_version_say_how_far_they_are_paid_once_it_is_on_again(client: Api, shop: Shop) -> None:
    _order, (first,) = billed(client, shop, {"2026-02-01": "4"})
    shop.work.records("orders.invoice").update(UUID(first), {"paid": None, "open": None, "payment_state": None}, act=SETTLE)
    returning.catch_up(shop.work, {})
    assert paid(client) == [("0.00", "400.00", "open")]


# --- closed periods ----------------------------------------------------------------------------------------------------


def test_what_is_dated_in_a_closed_period_stays_as_it_is_by_every_way(client: Api, shop: Shop, taken: Callable[..., Done]) -> None:
    order = shop.confirmed({"quantity": 10, "unit_price": usd("100")}, ordered_on="2026-01-05")
    later = shop.confirmed({"quantity": 1, "unit_price": usd("100")}, ordered_on="2026-01-12")
    for id in (order, later):
        assert client.post(f"{API}/instalments", {"order": str(id), "share": 100, "due_on": "2026-02-01"}).status_code == 201
    payment = {"order": str(order), "amount": usd("10"), "received_on": "2026-01-10"}
    assert client.post(f"{API}/payments", payment).status_code == 201
    settings = "/api/v1/core/plugins/orders/settings"
    assert client.patch(settings, {"closed_until": "2026-01-10"}).json["settings"]["closed_until"] == "2026-01-10"

    refused = [
        client.post(f"{API}/payments", payment),
        client.patch(f"{API}/orders/{order}", {"state": "cancelled"}),
        client.patch(f"{API}/orders/{order}", {"ordered_on": "2026-01-12"}),
        client.patch(f"{API}/orders/{later}", {"ordered_on": "2026-01-10"}),
        client.patch(f"{API}/orders/{order}", {"state": "draft"}),
    ]
    assert [(answer.status_code, answer.json["code"]) for answer in refused] == [(409, "period_closed")] * len(refused)
    (moved,) = shop.work.records("orders.order").write([Draft("update", {"ordered_on": "2026-01-12"}, order, act=HISTORY)])
    assert moved.refusal is not None and moved.refusal.reason == "period_closed", "history comes in and goes, it changes nothing"
    done = taken("orders.payment", f"order,amount,currency,received_on\n{shop.read('order', order)['number']},1,USD,2026-01-09\n")
    assert [code for _number, _column, code in done.reasons] == ["period_closed"]
    assert shop.read("order", order)["total"] == Money(Decimal("1000.00"), "USD")

    assert client.patch(f"{API}/orders/{order}", {"notes": "as agreed"}).status_code == 200, "what is in no books may change"
    assert client.post(f"{API}/payments", {**payment, "received_on": "2026-01-11"}).status_code == 201, "money for it comes in later"
    assert client.post(f"{API}/orders/{order}/invoices", {}).status_code == 201, "and it is billed on its own day"
    assert client.patch(f"{API}/orders/{later}", {"state": "cancelled"}).status_code == 200
    before = {"name": "Of last year", "account": shop.account, "state": "confirmed", "ordered_on": "2025-03-01", "number": "A-1"}
    (made,) = shop.work.records("orders.order").write_all([Draft("create", before, act=HISTORY)])
    sold = {"order": made.id, "product": shop.product, "quantity": 3, "unit_price": usd("100")}
    (with_line,) = shop.work.records("orders.order_line").write_all([Draft("create", sold, act=HISTORY)])
    assert made.id is not None
    assert shop.read("order", made.id)["total"] == Money(Decimal("300.00"), "USD"), "what was booked elsewhere comes in"
    shop.work.records("orders.order_line").write_all([Draft("delete", id=with_line.id, act=HISTORY)])
    assert shop.work.records("orders.order").write_all([Draft("delete", id=made.id, act=HISTORY)]), "and is taken back"
    assert client.patch(settings, {"closed_until": None}).status_code == 200
    assert client.patch(f"{API}/orders/{order}", {"ordered_on": "2026-01-06"}).status_code == 200
