"""From quote to order, invoice and payment: exact to the cent, never more than was ordered, and what is issued stays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, Clock, People
from plugins.orders import invoices
from plugins.orders.amounts import line_amounts, summed
from sdk import Channel, Conflict, Draft, Invalid, Tenant, where
from sdk.changes import UNDO
from sdk.context import id_of
from sdk.fields import Money
from tests.console.site import Site

API = "/api/v1/orders"


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


class Shop:
    """An account with a product, and what it orders."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.account = id_of(work.records("customers.account").create({"name": "Alder Foods"}))
        self.product = id_of(work.records("catalog.product").create({"name": "Gateway", "sku": "GW", "price": usd("100")}))

    def document(self, kind: str, lines: list[Mapping[str, object]], **values: object) -> UUID:
        """A quote, order or invoice with its lines in one batch."""
        id = id_of(self.work.records(f"orders.{kind}").create({"name": kind, "account": self.account, **values}))
        drafts = [Draft("create", {kind: id, "product": self.product, **line}) for line in lines]
        for outcome in self.work.records(f"orders.{kind}_line").write(drafts):
            if outcome.refusal is not None:
                raise outcome.refusal
        return id

    def confirmed(self, *lines: Mapping[str, object], **values: object) -> UUID:
        """An order that is confirmed."""
        id = self.document("order", list(lines), **values)
        self.work.records("orders.order").update(id, {"state": "confirmed"})
        return id

    def read(self, kind: str, id: UUID) -> Mapping[str, Any]:
        """A record as Python values."""
        return self.work.records(f"orders.{kind}").values([id])[id]


@pytest.fixture
def shop(work: Work) -> Shop:
    """A shop in the tenant."""
    return Shop(work)


def code(answer: Any) -> str:
    body = answer.json
    return body["errors"][0]["code"] if body.get("errors") else body.get("code", "")


# --- amounts -----------------------------------------------------------------------------------------------------------


@pytest.mark.feature("F14")
@given(
    lines=st.lists(
        st.tuples(st.decimals("0.0001", "9999", places=4), st.decimals("-9999", "9999", places=4), st.none() | st.decimals(0, 100, places=2),
                  st.none() | st.decimals(0, 100, places=2)),
        max_size=30,
    ),
    currency=st.sampled_from(["CNY", "JPY", "KWD"]),
)  # fmt: skip
def test_a_document_is_the_sum_of_its_rounded_lines_to_the_cent(lines: list[Any], currency: str) -> None:
    digits = {"CNY": 2, "JPY": 0, "KWD": 3}[currency]
    rows, net, tax = [], Decimal(0), Decimal(0)
    for quantity, price, discount, rate in lines:
        amounts = line_amounts(quantity, Money(price, currency), discount, rate)
        rows.append(amounts.values(currency))
        exact = quantity * price * (1 - (discount or Decimal(0)) / 100)
        expected = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        assert amounts.net == expected
        assert abs(amounts.tax - expected * (rate or 0) / 100) <= Decimal(1).scaleb(-digits) / 2
        assert amounts.total == amounts.net + amounts.tax
        net, tax = net + amounts.net, tax + amounts.tax
    whole = summed(rows)
    assert (whole.net, whole.tax, whole.total) == (net, tax, net + tax)


@pytest.mark.feature("F14")
def test_no_table_keeps_a_number_as_a_float(platform: Platform) -> None:
    with platform.database.begin_as_owner() as connection:
        tables = sa.inspect(connection).get_multi_columns()
    kinds = {f"{table}.{column['name']}": column["type"] for (_schema, table), columns in tables.items() for column in columns}
    assert {"orders_invoices.total", "pipeline_deals.amount", "forecast_points.mean"} <= kinds.keys()
    floats = (sa.Float, sa.REAL, sa.Double)  # NUMERIC is none of them, though it is made of one
    assert [name for name, kind in kinds.items() if isinstance(kind, floats)] == []


@pytest.mark.feature("A3")
def test_the_companys_own_currency_stays_once_orders_have_their_amount_in_it(client: Api, shop: Shop) -> None:
    shop.document("order", [{"quantity": 1}])
    refused = client.patch("/api/v1/core/tenant", {"currency": "CNY"})
    assert (refused.status_code, refused.json["code"]) == (409, "amounts_exist")


def test_an_order_follows_its_lines_as_they_are_added_changed_and_taken_away(client: Api, shop: Shop) -> None:
    order = shop.document("order", [{"quantity": 2, "tax_rate": 13}, {"quantity": "1.5", "unit_price": usd("9.9999"), "discount": 10}])
    row = client.get(f"{API}/orders/{order}").json
    assert (row["net"], row["tax"], row["total"]) == (usd("213.50"), usd("26.00"), usd("239.50"))
    assert (row["base_amount"], row["number"], row["ordered_on"]) == (usd("213.50"), "ORD-2026-00001", "2026-01-15")
    first, second = client.get(f"{API}/order_lines", {"order": str(order), "sort": "id"}).json["data"]
    assert (first["unit_price"], first["description"], second["net"]) == (usd("100.00"), "Gateway", usd("13.50"))
    client.patch(f"{API}/order_lines/{first['id']}", {"quantity": "3"})
    assert client.get(f"{API}/orders/{order}").json["total"] == usd("352.50")
    client.delete(f"{API}/order_lines/{first['id']}")
    assert client.get(f"{API}/orders/{order}").json["total"] == usd("13.50")
    client.post(f"{API}/order_lines/{first['id']}/restore")
    assert client.get(f"{API}/orders/{order}").json["total"] == usd("352.50")


@pytest.mark.feature("F3")
def test_twenty_lines_come_in_one_call_and_the_quote_knows_its_total(client: Api, shop: Shop) -> None:
    quote = client.post(f"{API}/quotes", {"name": "Offer", "account": "Alder Foods"}).json["id"]
    items = [{"op": "create", "values": {"quote": quote, "product": "GW", "quantity": n, "position": n}} for n in range(1, 21)]
    answer = client.post(f"{API}/quote_lines/batch", {"items": items}).json["data"]
    assert {item["status"] for item in answer} == {201}
    assert client.get(f"{API}/quotes/{quote}").json["total"] == usd("21000.00")


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ({"quantity": 1, "unit_price": {"amount": "1", "currency": "EUR"}}, "unit_price", "other_currency"),
        ({"quantity": 1, "product": None}, "unit_price", "required"),
        ({"quantity": None}, "quantity", "required"),
        ({"quantity": 1, "discount": 101}, "discount", "out_of_range"),
        ({"quantity": 1, "net": usd("1")}, "net", "read_only"),
        ({"quantity": "9999999", "unit_price": usd("9999999")}, "unit_price", "out_of_range"),
        ({"quantity": "9999999999999", "unit_price": usd("9999999999999"), "tax_rate": 100}, "unit_price", "out_of_range"),
    ],
)
def test_a_line_that_does_not_fit_is_refused_by_name_and_the_order_stays(
    client: Api, shop: Shop, line: dict[str, object], field: str, reason: str
) -> None:
    order = shop.document("order", [{"quantity": 1}])
    refused = client.post(f"{API}/order_lines", {"order": str(order), "product": "GW", **line})
    assert refused.status_code == 422
    assert (field, reason) in [(error["field"], error["code"]) for error in refused.json["errors"]]
    assert shop.read("order", order)["total"] == Money(Decimal(100), "USD")


def test_sums_and_amounts_at_a_rate_that_have_no_room_are_refused(client: Api, shop: Shop, work: Work) -> None:
    huge = {"quantity": 1, "unit_price": usd("9999999999999")}
    order = shop.document("order", [huge])
    refused = client.post(f"{API}/order_lines", {"order": str(order), "product": "GW", **huge})
    assert (refused.status_code, code(refused)) == (422, "out_of_range"), refused.text
    assert shop.read("order", order)["total"] == Money(Decimal(9999999999999), "USD")
    other, values = shop.document("order", [{"quantity": 1}]), {"product": "GW", "quantity": 1}
    items: list[dict[str, object]] = [{"order": str(other), **values}, {"order": str(order), **huge}, {"order": str(order), "quantity": -1}]
    batch = client.post(f"{API}/order_lines/batch", {"items": [{"op": "create", "values": {"product": "GW", **one}} for one in items]})
    assert [one["status"] for one in batch.json["data"]] == [201, 422, 201], "one row has no room: that one alone is refused"
    assert [shop.read("order", id)["total"].amount for id in (other, order)] == [200, 9999999999899]
    work.records("company.currency").create({"code": "KWD", "name": "Dinar"})
    work.records("company.rate").create({"currency": "KWD", "on": "2026-01-01", "rate": "3"})
    foreign = shop.document("order", [], currency="KWD")
    line = {"order": str(foreign), "quantity": 1, "description": "x", "unit_price": {"amount": "9999999999999", "currency": "KWD"}}
    refused = client.post(f"{API}/order_lines", line)
    assert (refused.status_code, code(refused)) == (422, "out_of_range"), refused.text
    items = [{"order": str(other), **values}, line, {**line, "unit_price": {"amount": "1", "currency": "KWD"}}]
    batch = client.post(f"{API}/order_lines/batch", {"items": [{"op": "create", "values": one} for one in items]})
    assert [one["status"] for one in batch.json["data"]] == [201, 422, 201], "there is no room for it in the company's own currency"
    assert [shop.read("order", id)[name].amount for id, name in ((other, "total"), (foreign, "base_amount"))] == [300, 3]
    wide = [{"order": str(order), **huge, "quantity": quantity} for quantity in (-1, 2)]  # one fits, and the other would with it
    batch = client.post(f"{API}/order_lines/batch", {"items": [{"op": "create", "values": {"product": "GW", **one}} for one in wide]})
    assert [one["status"] for one in batch.json["data"]] == [201, 422], batch.text
    assert shop.read("order", order)["total"].amount == -100


def test_a_rate_that_comes_late_prices_what_it_can(client: Api, shop: Shop, work: Work, drain: Callable[[], int]) -> None:
    work.records("company.currency").create({"code": "KWD", "name": "Dinar"})
    line = {"quantity": 1, "description": "x", "product": None}
    orders = [
        shop.document("order", [{**line, "unit_price": {"amount": amount, "currency": "KWD"}}], currency="KWD")
        for amount in ("9999999999999", "2")
    ]
    work.records("company.rate").create({"currency": "KWD", "on": "2020-01-01", "rate": "3"})
    drain()
    assert [shop.read("order", id)["base_amount"] for id in orders] == [None, Money(Decimal(6), "USD")]


def test_a_line_that_takes_something_back_brings_an_order_below_nothing(client: Api, shop: Shop) -> None:
    order = shop.document("order", [{"quantity": 1}])
    assert client.post(f"{API}/order_lines", {"order": str(order), "product": "GW", "quantity": "-2"}).status_code == 201
    assert shop.read("order", order)["total"] == Money(Decimal(-100), "USD")


# --- quotes and orders -------------------------------------------------------------------------------------------------


@pytest.mark.feature("F3")
def test_an_accepted_quote_becomes_one_order_and_an_expired_one_none(client: Api, shop: Shop, clock: Clock) -> None:
    quote = shop.document("quote", [{"quantity": 3, "discount": 50}], valid_until="2026-01-31")
    first, second = (client.post(f"{API}/quotes/{quote}/orders") for _time in range(2))
    assert (first.status_code, first.json["id"]) == (201, second.json["id"])
    assert (first.json["total"], first.json["quote"], first.json["state"]) == (usd("150.00"), str(quote), "draft")
    assert client.get(f"{API}/quotes/{quote}").json["state"] == "accepted"
    assert code(client.post(f"{API}/quote_lines", {"quote": str(quote), "product": "GW", "quantity": 1})) == "document_closed"
    role = shop.work.records("core.role").create({"key": "clerk", "name": "Clerk"})["id"]
    for verb, seen in (("read", ["name"]), ("update", None)):
        shop.work.records("core.grant").create({"role": role, "permission": f"orders.quote.{verb}", "scope": "all", "only_fields": seen})
    clerk = id_of(shop.work.records("core.user").create({"name": "Clerk", "email": "clerk@acme.example", "roles": ["clerk"]}))
    refused = client.as_user(clerk).post(f"{API}/quote_lines", {"quote": str(quote), "unit_price": usd("1"), "quantity": 1})
    assert refused.json["detail"] == "the lines of quote can no longer be changed", "no state is told to who does not see it"
    by_hand, late = (shop.document("quote", [{"quantity": 1}], valid_until="2026-01-31") for _time in range(2))
    assert client.patch(f"{API}/quotes/{by_hand}", {"state": "accepted"}).status_code == 200
    price = {"amount": "1", "currency": "EUR"}
    refused = client.as_user(clerk).post(f"{API}/quote_lines", {"quote": str(late), "unit_price": price, "quantity": 1})
    assert (code(refused), "USD" in refused.text) == ("other_currency", False), "nor a currency"
    clock.move(days=20)
    assert code(client.post(f"{API}/quotes/{late}/orders")) == "quote_expired"
    first, second = (client.post(f"{API}/quotes/{by_hand}/orders") for _time in range(2))
    assert (first.status_code, first.json["id"]) == (201, second.json["id"]), first.text
    assert shop.work.records("orders.order").aggregate(["count"]) == [{"count": 2}]
    assert client.delete(f"{API}/orders/{first.json['id']}").status_code == 204
    again = client.post(f"{API}/quotes/{by_hand}/orders")
    assert (again.status_code, code(again)) == (409, "order_deleted"), "it may come back out of the recycle bin, and there were two"
    assert first.json["number"] in again.json["detail"]
    for state, there in (("draft", "order_deleted"), ("sent", "order_made")):
        assert client.patch(f"{API}/quotes/{by_hand}", {"state": state}).status_code == 200
        if there == "order_made":
            assert client.post(f"{API}/orders/{first.json['id']}/restore").status_code == 200
        again = client.post(f"{API}/quotes/{by_hand}/orders")
        assert (again.status_code, code(again)) == (409, there), "whatever the quote says by now, there would be two"


@pytest.mark.feature("E2")
def test_an_account_shows_what_it_has_bought(client: Api, shop: Shop, work: Work) -> None:
    shop.confirmed({"quantity": 2, "tax_rate": 13}, ordered_on="2026-01-03")
    shop.confirmed({"quantity": 1}, ordered_on="2026-01-10")
    shop.document("order", [{"quantity": 50}])  # a draft is no purchase
    shown = client.get(f"/api/v1/customers/accounts/{shop.account}").json
    assert (shown["orders.lifetime_value"], shown["orders.last_order_on"], shown["orders.orders"]) == (usd("300.00"), "2026-01-10", 2)
    found = client.get("/api/v1/customers/accounts", {"orders.orders[gte]": "2", "sort": "-orders.last_order_on"}).json["data"]
    assert [row["id"] for row in found] == [str(shop.account)]
    asked = {"entity": "orders.order_line", "measure": "sum:quantity,sum:net", "by": "order.account,product"}
    (line,) = client.get("/api/v1/reports/query", asked).json["data"]
    assert (line["order.account"], line["product"], line["sum:quantity"]) == ("Alder Foods", "Gateway", "53")
    (draft,) = client.get(f"{API}/orders", {"state": "draft"}).json["data"]
    refused = client.post(f"{API}/orders/{draft['id']}/invoices", {})
    assert refused.json["detail"] == "the order is Draft; confirm it before invoicing", "a state is told by its label, not its key"
    assert client.delete(f"{API}/orders/{draft['id']}").status_code == 204
    assert [row["sum:quantity"] for row in client.get("/api/v1/reports/query", asked).json["data"]] == ["3"], (
        "a deleted order has sold nothing"
    )
    client.post(f"{API}/orders/{draft['id']}/restore")
    assert [row["sum:quantity"] for row in client.get("/api/v1/reports/query", asked).json["data"]] == ["53"]


def test_who_does_not_see_an_order_sees_neither_its_lines_nor_its_value(client: Api, shop: Shop, people: People, work: Work) -> None:
    work.records("customers.account").update(shop.account, {"owner": people.rep})
    shop.confirmed({"quantity": 1}, owner=people.rep)
    shop.confirmed({"quantity": 7}, owner=people.reps[2][0])
    rep = client.as_user(people.rep)
    assert rep.get(f"/api/v1/customers/accounts/{shop.account}").json["orders.lifetime_value"] == usd("100.00")
    assert [line["quantity"] for line in rep.get(f"{API}/order_lines").json["data"]] == ["1"]


# --- invoices ----------------------------------------------------------------------------------------------------------


@pytest.mark.feature("F5")
def test_an_order_of_ten_is_billed_in_two_parts_and_never_beyond(client: Api, shop: Shop) -> None:
    order = shop.confirmed({"quantity": 10, "tax_rate": 13})
    (line,) = shop.work.records("orders.order_line").find(where(order=order))
    part = {"lines": [{"order_line": str(line["id"]), "quantity": "4"}]}
    first = client.post(f"{API}/orders/{order}/invoices", part)
    assert (first.status_code, first.json["total"]) == (201, usd("452.00"))
    assert shop.read("order", order)["billed"] == "partial"
    over = client.post(f"{API}/orders/{order}/invoices", {"lines": [{"order_line": str(line["id"]), "quantity": "7"}]})
    assert (over.status_code, code(over)) == (422, "over_billed")
    assert over.json["errors"][0]["message"] == "7 is more than the 6 of this line not yet invoiced"
    for nothing in ([], [{"order_line": str(line["id"]), "quantity": "0"}]):
        assert code(client.post(f"{API}/orders/{order}/invoices", {"lines": nothing})) == "nothing_to_bill"
    rest = client.post(f"{API}/orders/{order}/invoices", {})
    assert rest.json["total"] == usd("678.00")
    assert shop.read("order", order)["billed"] == "billed"
    assert code(client.post(f"{API}/orders/{order}/invoices", {})) == "order_billed"
    assert shop.work.records("orders.invoice").aggregate(["count"]) == [{"count": 2}]
    assert code(client.post(f"{API}/orders/{shop.confirmed()}/invoices", {})) == "order_empty"


@pytest.mark.feature("F5")
def test_two_who_bill_at_the_same_time_do_not_bill_twice(platform: Platform, tenant: Tenant, shop: Shop) -> None:
    order, together, results = shop.confirmed({"quantity": 10}), threading.Barrier(3), list[object]()

    def bill() -> None:
        work = platform.system(tenant.id)
        together.wait()
        try:
            net = invoices.bill(work, order, None)["net"]
            assert isinstance(net, Money)
            results.append(f"{net.amount:.2f}")
        except (Conflict, Invalid) as refusal:
            results.append(type(refusal).__name__)

    threads = [threading.Thread(target=bill) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == ["1000.00", "Conflict", "Conflict"]


@pytest.mark.feature("F8")
def test_an_issued_invoice_has_the_next_number_and_changes_in_no_channel(client: Api, shop: Shop, taken: Callable[..., Any]) -> None:
    order = shop.confirmed({"quantity": 2})
    invoice = client.post(f"{API}/orders/{order}/invoices", {}).json["id"]
    (line,) = client.get(f"{API}/invoice_lines", {"invoice": invoice}).json["data"]
    for due, why in (("1899-12-31", "out_of_range"), ("2026-01-14", "")):
        assert code(client.patch(f"{API}/invoices/{invoice}", {"due_on": due})) == why
    assert code(client.post(f"{API}/invoices/{invoice}/issues")) == "due_before_issue"
    client.patch(f"{API}/invoices/{invoice}", {"due_on": None})
    issued = client.post(f"{API}/invoices/{invoice}/issues")
    assert (issued.status_code, issued.json["number"], issued.json["state"], issued.json["issued_on"]) == (
        201,
        "INV-2026-00001",
        "issued",
        "2026-01-15",
    )
    assert client.post(f"{API}/invoices/{invoice}/issues").json["version"] == issued.json["version"]
    assert code(client.patch(f"{API}/invoices/{invoice}", {"due_on": "2027-01-01"})) == "invoice_issued"
    assert code(client.delete(f"{API}/invoices/{invoice}")) == "invoice_issued"
    assert code(client.patch(f"{API}/invoice_lines/{line['id']}", {"quantity": "1"})) == "document_closed"
    assert code(client.delete(f"{API}/invoice_lines/{line['id']}")) == "document_closed"
    done = taken("orders.invoice", "name,due_on\norder,2027-01-01\n", mode="update", match=["name"])
    assert [row["code"] for row in done.rows] == ["invoice_issued"]
    assert code(client.patch(f"{API}/invoices/{invoice}", {"notes": "sent by post"})) == "invoice_issued", "they are printed"
    records, ours = shop.work.records("orders.invoice"), ("", "issue", "credit", "mail", "settle", "sum", "history", "undo", "by_plan")
    for act in ours:
        for verb, values in (("update", {"due_on": "2027-01-01"}), ("update", {"number": "X"}), ("update", {"net": None}), ("delete", {})):
            (outcome,) = records.write([Draft(verb, values, UUID(invoice), act=act)])
            assert outcome.refusal is not None and outcome.refusal.reason in ("invoice_issued", "invalid"), (act, verb, values)
    comment = {"about": f"orders.invoice:{invoice}", "body": "sent by post"}
    assert client.post("/api/v1/teamwork/comments", comment).status_code == 201


@pytest.mark.feature("F8")
def test_a_credit_note_takes_an_invoice_back_once_and_lets_the_order_be_billed_again(client: Api, shop: Shop) -> None:
    order = shop.confirmed({"quantity": 2})
    invoice = client.post(f"{API}/orders/{order}/invoices", {}).json["id"]
    assert code(client.post(f"{API}/invoices/{invoice}/credit_notes", {})) == "not_creditable"
    client.post(f"{API}/invoices/{invoice}/issues")
    note = client.post(f"{API}/invoices/{invoice}/credit_notes", {})
    assert (note.status_code, note.json["kind"], note.json["state"], note.json["total"]) == (201, "credit_note", "issued", usd("200.00"))
    assert (note.json["number"], note.json["credits"]) == ("CN-2026-00001", invoice)
    assert client.get(f"{API}/invoices/{invoice}").json["state"] == "credited"
    assert shop.read("order", order)["billed"] == "none"
    assert code(client.post(f"{API}/invoices/{invoice}/credit_notes", {})) == "not_creditable"
    assert client.post(f"{API}/orders/{order}/invoices", {}).status_code == 201


def test_an_invoice_without_lines_is_not_issued_and_takes_no_number(client: Api, shop: Shop) -> None:
    empty = client.post(f"{API}/invoices", {"name": "Empty", "account": "Alder Foods"}).json["id"]
    assert code(client.post(f"{API}/invoices/{empty}/issues")) == "invoice_empty"
    full = shop.document("invoice", [{"quantity": 1}])
    assert client.post(f"{API}/invoices/{full}/issues").json["number"] == "INV-2026-00001"


# --- contracts ---------------------------------------------------------------------------------------------------------


@pytest.mark.feature("F6")
def test_a_contract_has_a_number_parties_and_an_end_that_comes_after_its_start(client: Api, shop: Shop) -> None:
    values = {"name": "Maintenance", "account": "Alder Foods", "starts_on": "2026-02-01", "ends_on": "2027-01-31", "value": usd("1200")}
    made = client.post(f"{API}/contracts", values)
    assert (made.status_code, made.json["number"]) == (201, "CON-2026-00001")
    refused = client.patch(f"{API}/contracts/{made.json['id']}", {"ends_on": "2026-01-31"})
    assert (refused.status_code, code(refused)) == (422, "before_start")
    slip = client.patch(f"{API}/contracts/{made.json['id']}", {"starts_on": "0202-02-01"}).json["errors"][0]
    assert (slip["field"], slip["message"]) == ("starts_on", "expected a date from 1900-01-01 to 2200-12-31")
    ending = {"ends_on[lte]": "2027-02-07", "state": "draft"}
    assert [row["id"] for row in client.get(f"{API}/contracts", ending).json["data"]] == [made.json["id"]]
    asked = {"entity": "orders.contract", "key": "why", "kind": "text", "label": "Why", "required_if": "renewal == 'manual'"}
    assert client.post("/api/v1/core/custom_fields", asked).status_code == 201
    items = [{"op": "create", "values": {**values, "renewal": renewal}} for renewal in ("none", "manual", "automatic")]
    batch = client.post(f"{API}/contracts/batch", {"items": items}).json["data"]
    assert [item["status"] for item in batch] == [201, 422, 201]
    numbers = {row["number"] for row in client.get(f"{API}/contracts").json["data"]}
    assert numbers == {f"CON-2026-0000{n}" for n in (1, 2, 3)}, "what is refused at last takes none"


# --- payment plans -----------------------------------------------------------------------------------------------------


@pytest.fixture
def plan(client: Api, shop: Shop) -> UUID:
    """An order of 100,000 to be paid in parts of 30, 60 and 10 per cent."""
    order = shop.confirmed({"quantity": 1000})
    for share, due in ((30, "2026-01-10"), (60, "2026-02-10"), (10, "2026-03-10")):
        assert client.post(f"{API}/instalments", {"order": str(order), "share": share, "due_on": due}).status_code == 201
    return order


@pytest.mark.feature("F7")
def test_a_receipt_settles_the_oldest_instalment_first_and_the_overdue_list_is_right_on_each_day(
    client: Api, plan: UUID, clock: Clock
) -> None:
    def instalments(**filter: str) -> list[tuple[str, str, bool]]:
        rows = client.get(f"{API}/instalments", {"order": str(plan), "sort": "due_on", **filter}).json["data"]
        return [(row["paid"]["amount"], row["open"]["amount"], row["settled"]) for row in rows]

    assert instalments() == [("0.00", "30000.00", False), ("0.00", "60000.00", False), ("0.00", "10000.00", False)]
    assert client.post(f"{API}/payments", {"order": str(plan), "amount": usd("50000"), "received_on": "2026-01-12"}).status_code == 201
    assert instalments() == [("30000.00", "0.00", True), ("20000.00", "40000.00", False), ("0.00", "10000.00", False)]
    allocations = client.get(f"{API}/allocations", {"sort": "id"}).json["data"]
    assert [row["amount"]["amount"] for row in allocations] == ["30000.00", "20000.00"]
    overdue = {
        day: len(instalments(settled="false", **{"due_on[lt]": day})) for day in ("2026-01-11", "2026-02-10", "2026-02-11", "2026-03-11")
    }
    assert overdue == {"2026-01-11": 0, "2026-02-10": 0, "2026-02-11": 1, "2026-03-11": 2}


@pytest.mark.feature("F7")
def test_shares_of_a_hundred_per_cent_are_the_order_to_the_cent(client: Api, shop: Shop) -> None:
    order = str(shop.confirmed({"quantity": 1, "unit_price": Money(Decimal("376.66"), "USD")}))

    def plan(share: int) -> dict[str, Any]:
        made = client.post(f"{API}/instalments", {"order": order, "share": share, "due_on": "2026-02-01"})
        assert made.status_code == 201, made.text
        return dict(made.json)

    parts = [plan(share) for share in (30, 60, 10)]
    assert [part["amount"]["amount"] for part in parts] == ["113.00", "225.99", "37.67"]
    assert client.delete(f"{API}/instalments/{parts[0]['id']}").status_code == 204
    assert plan(30)["amount"]["amount"] == "113.00"
    said = client.post(f"{API}/instalments", {"order": order, "share": 1, "due_on": "2026-02-01"}).json["errors"][0]["message"]
    assert said == "the plan would add up to 380.43, but the order comes to 376.66"


@pytest.mark.feature("F7")
def test_an_instalment_is_due_by_a_milestone_from_the_day_on_which_that_is_reached(client: Api, shop: Shop, clock: Clock) -> None:
    order = str(shop.confirmed({"quantity": 10}))
    bare = client.post(f"{API}/instalments", {"order": order, "share": 10})
    assert [(error["field"], error["code"]) for error in bare.json["errors"]] == [("due_on", "required")]
    first = client.post(f"{API}/instalments", {"order": order, "share": 60, "milestone": "Acceptance"})
    assert (first.status_code, first.json["due_on"], first.json["amount"]) == (201, None, usd("600.00")), first.text
    dated = client.post(f"{API}/instalments", {"order": order, "share": 40, "due_on": "2026-01-20"}).json["id"]
    place, view = f"{API}/instalments/{first.json['id']}", {"settled": "false", "due_on[empty]": "true"}
    assert [row["id"] for row in client.get(f"{API}/instalments", view).json["data"]] == [first.json["id"]]
    refused = client.patch(f"{API}/instalments/{dated}", {"reached_on": "2026-01-15"})
    assert [(error["field"], error["code"]) for error in refused.json["errors"]] == [("reached_on", "no_milestone")]
    due = [client.patch(place, values).json["due_on"] for values in (
        {"reached_on": "2026-02-01"}, {"reached_on": None}, {"reached_on": "2026-02-03", "due_on": "2026-03-05"}, {"reached_on": "2026-02-04"},
    )]  # fmt: skip
    assert due == ["2026-02-01", None, "2026-03-05", "2026-03-05"], "a day that somebody said stays"
    client.patch(place, {"due_on": None, "reached_on": None})
    assert client.post(f"{API}/payments", {"order": order, "amount": usd("500"), "received_on": "2026-01-12"}).status_code == 201
    paid = {row["id"]: row["paid"]["amount"] for row in client.get(f"{API}/instalments", {"order": order}).json["data"]}
    assert paid == {dated: "400.00", first.json["id"]: "100.00"}, "what has a day comes before what has none yet"
    site, at = Site(client), f"/orders/instalments/{first.json['id']}"
    assert site.get(at).links()["Milestone reached"] == f"/console{at}/milestone"
    assert [(page.status, page.heading) for page in map(site.get, (f"{at}/milestone", f"{at}/invoice"))] == [
        (200, "Acceptance Milestone reached"), (200, "Acceptance Create invoice"),
    ]  # fmt: skip
    assert site.sent(f"{at}/milestone").status == 303
    assert client.get(place).json["due_on"] == "2026-01-15"
    assert "Milestone reached" not in site.get(at).links()


@pytest.mark.feature("F7")
def test_an_instalment_has_one_invoice_over_what_it_asks_for_to_the_cent(client: Api, shop: Shop) -> None:
    lines = [
        {"quantity": 1, "unit_price": Money(Decimal(price), "USD"), "tax_rate": rate}
        for price, rate in (("100", 13), ("66.67", 6), ("9.99", None))
    ]
    order = str(shop.confirmed(*lines))
    plan = [client.post(f"{API}/instalments", {"order": order, "share": share, **when}).json for share, when in (
        (30, {"name": "Down payment", "due_on": "2026-01-20"}), (60, {"milestone": "Acceptance"}), (10, {"due_on": "2026-01-10"}),
    )]  # fmt: skip
    acts = [f"{API}/instalments/{part['id']}/invoices" for part in plan]
    made = client.post(acts[0])
    assert (made.status_code, made.json["total"], made.json["due_on"], made.json["instalment"]) == (
        201, plan[0]["amount"], "2026-01-20", plan[0]["id"],
    ), made.text  # fmt: skip
    assert client.post(acts[0]).json["id"] == made.json["id"], "asking again makes no second one"
    assert shop.read("order", UUID(order))["billed"] == "partial"
    mine = client.get(f"{API}/invoice_lines", {"invoice": made.json["id"], "sort": "position"}).json["data"]
    assert [(line["description"], line["tax_rate"], line["net"]["amount"], line["tax"]["amount"]) for line in mine] == [
        ("Down payment, order ORD-2026-00001", "13", "30.00", "3.90"), ("Down payment, order ORD-2026-00001", "6", "20.00", "1.20"),
        ("Down payment, order ORD-2026-00001", None, "3.00", "0.00"),
    ]  # fmt: skip
    assert code(client.post(acts[1])) == "not_reached"
    assert code(client.post(f"{API}/orders/{order}/invoices", {})) == "billed_by_plan"
    (ordered, *_rest) = shop.work.records("orders.order_line").find(where(order=UUID(order)))
    by_hand = client.post(f"{API}/invoices", {"name": "x", "account": str(shop.account), "order": order}).json["id"]
    line = {"invoice": by_hand, "order_line": str(ordered["id"]), "quantity": "1", "unit_price": usd("100")}
    assert code(client.post(f"{API}/invoice_lines", line)) == "billed_by_plan"
    assert code(client.patch(f"{API}/invoice_lines/{mine[0]['id']}", {"quantity": "2"})) == "over_instalment"
    assert code(client.delete(f"{API}/instalments/{plan[0]['id']}")) == "instalment_invoiced"
    assert code(client.patch(f"{API}/instalments/{plan[0]['id']}", {"share": 20})) == "instalment_invoiced"
    assert client.delete(f"{API}/invoices/{made.json['id']}").status_code == 204
    assert shop.read("order", UUID(order))["billed"] == "none"
    client.patch(f"{API}/instalments/{plan[1]['id']}", {"reached_on": "2026-02-01"})
    again = [client.post(act) for act in acts]
    assert [(one.status_code, one.json["total"]) for one in again] == [(201, part["amount"]) for part in plan]
    assert again[2].json["due_on"] is None, "a day that is over is no due date of an invoice that is yet to be issued"
    assert shop.read("order", UUID(order))["billed"] == "billed"
    assert client.post(f"{API}/invoices/{again[0].json['id']}/issues").status_code == 201
    assert client.post(f"{API}/invoices/{again[0].json['id']}/credit_notes", {}).status_code == 201
    assert shop.read("order", UUID(order))["billed"] == "partial"
    with shop.work.transaction(write=True):
        invoices.count_billed(shop.work, [UUID(order)])
    assert shop.read("order", UUID(order))["billed"] == "partial"
    assert client.post(acts[0]).json["id"] != again[0].json["id"], "one that was taken back is invoiced again"
    site, at = Site(client), f"/orders/instalments/{plan[1]['id']}"
    assert site.sent(f"{at}/invoice").answer.headers["Location"].endswith(f"/orders/invoices/{again[1].json['id']}")
    by_lines = str(shop.confirmed({"quantity": 1}))
    other = client.post(f"{API}/instalments", {"order": by_lines, "share": 100, "due_on": "2026-02-01"}).json["id"]
    assert client.post(f"{API}/orders/{by_lines}/invoices", {}).status_code == 201
    assert code(client.post(f"{API}/instalments/{other}/invoices")) == "billed_by_lines"


@pytest.mark.feature("F7")
def test_neither_plan_nor_payments_go_beyond_the_order(client: Api, shop: Shop, plan: UUID) -> None:
    more = client.post(f"{API}/instalments", {"order": str(plan), "amount": usd("0.01"), "due_on": "2026-04-01"})
    assert (more.status_code, code(more)) == (422, "over_planned")
    too_much = client.post(f"{API}/payments", {"order": str(plan), "amount": usd("100000.01"), "received_on": "2026-01-12"})
    assert (too_much.status_code, code(too_much)) == (422, "over_allocated")
    for amount in ("60000", "40000"):
        assert client.post(f"{API}/payments", {"order": str(plan), "amount": usd(amount), "received_on": "2026-01-12"}).status_code == 201
    assert (
        code(client.post(f"{API}/payments", {"order": str(plan), "amount": usd("0.01"), "received_on": "2026-01-13"})) == "over_allocated"
    )
    for day, why in (("2026-01-17", "in_future"), ("2200-12-31", "in_future"), ("0001-01-01", "out_of_range")):
        assert code(client.post(f"{API}/payments", {"order": str(plan), "amount": usd("1"), "received_on": day})) == why, day
    assert shop.work.records("orders.instalment").aggregate(["sum:open", "sum:paid"]) == [
        {"sum:open": usd("0.00"), "sum:paid": usd("100000.00")}
    ]  # fmt: skip


def test_payments_of_one_batch_share_what_is_open(shop: Shop, plan: UUID) -> None:
    drafts = [Draft("create", {"order": plan, "amount": usd("60000"), "received_on": "2026-01-12"}) for _number in range(2)]
    outcomes = shop.work.records("orders.payment").write(drafts)
    assert [outcome.refusal is None for outcome in outcomes] == [True, False]
    why = {"entity": "orders.payment", "key": "why", "kind": "text", "label": "Why", "required_if": "method == 'cash'"}
    shop.work.records("core.custom_field").create(why)
    asked = [("1000", "transfer"), ("2000", "cash"), ("3000", "transfer"), ("4000", "cash")]
    drafts = [Draft("create", {"order": plan, "amount": usd(amount), "received_on": "2026-01-12", "method": how}) for amount, how in asked]
    outcomes = shop.work.over(Channel.IMPORT).records("orders.payment").write(drafts)
    assert [outcome.refusal is None for outcome in outcomes] == [True, False, True, False]
    sums = [
        shop.work.records(f"orders.{name}").aggregate([f"sum:{field}"])
        for name, field in (("instalment", "paid"), ("allocation", "amount"))
    ]
    assert sums == [[{"sum:paid": usd("64000.00")}], [{"sum:amount": usd("64000.00")}]], (
        "what is refused at last settles nothing, and what is made all"
    )


@pytest.mark.feature("F7")
def test_a_payment_that_was_entered_wrongly_is_taken_back_and_what_it_settled_is_due_again(
    client: Api, shop: Shop, plan: UUID, people: People
) -> None:
    def standing() -> list[tuple[str, str, bool]]:
        rows = client.get(f"{API}/instalments", {"order": str(plan), "sort": "due_on"}).json["data"]
        return [(row["paid"]["amount"], row["open"]["amount"], row["settled"]) for row in rows]

    wrong, right = (
        client.post(
            f"{API}/payments", {"order": str(plan), "amount": usd(amount), "received_on": "2026-01-12", "reference": "slip 1"}
        ).json["id"]
        for amount in ("50000", "15000")
    )
    settled = standing()
    refused = client.post(f"{API}/payments", {"order": str(plan), "amount": usd("-50000"), "received_on": "2026-01-12"})
    assert (refused.status_code, code(refused)) == (422, "out_of_range"), "by the act alone"
    assert (
        client.post(f"{API}/payments", {"order": str(plan), "amount": usd("1"), "received_on": "2026-01-12", "reverses": wrong}).status_code
        == 422
    )
    other = client.get(f"{API}/orders/{plan}").json
    other = client.post(f"{API}/orders", {"name": "Another", "account": other["account"], "currency": "USD"}).json["id"]
    strange = {"order": other, "amount": usd("-50000"), "received_on": "2026-01-12", "reverses": wrong}
    assert client.post(f"{API}/payments", strange).json["errors"][0]["code"] == "other_order"
    part = client.get(f"{API}/instalments", {"order": str(plan), "sort": "due_on"}).json["data"][0]["id"]
    named = client.post(f"{API}/payments", {**strange, "order": str(plan), "instalment": part})
    assert [(one["field"], one["code"]) for one in named.json["errors"]] == [("instalment", "other_payment")], (
        "nothing is overwritten unsaid"
    )
    assert client.as_user(people.rep).post(f"{API}/payments/{wrong}/reversals", {}).status_code in (403, 404)
    back, again = (client.post(f"{API}/payments/{wrong}/reversals", {"reference": "wrong customer"}) for _time in range(2))
    assert (back.status_code, back.json["amount"], back.json["reverses"], again.json["id"]) == (
        201,
        usd("-50000.00"),
        wrong,
        back.json["id"],
    )
    assert (back.json["reference"], back.json["received_on"]) == ("wrong customer", "2026-01-15")
    assert standing() == [("0.00", "30000.00", False), ("15000.00", "45000.00", False), ("0.00", "10000.00", False)]
    assert len(client.get(f"{API}/instalments", {"order": str(plan), "settled": "false", "due_on[lt]": "2026-01-15"}).json["data"]) == 1, (
        "overdue"
    )
    assert code(client.post(f"{API}/payments/{back.json['id']}/reversals", {})) == "is_reversal"
    by_payment = {row["payment"]: row["amount"]["amount"] for row in client.get(f"{API}/allocations", {"sort": "id"}).json["data"]}
    assert by_payment[back.json["id"]] in ("-30000.00", "-20000.00")
    assert client.post(f"{API}/payments", {"order": str(plan), "amount": usd("85000"), "received_on": "2026-01-12"}).status_code == 201
    assert [row[2] for row in standing()] == [True] * 3 and settled[0][2]
    site = Site(client)
    assert "Reverse payment" not in site.get(f"/orders/payments/{wrong}").links()
    form = site.get("/orders/payments/new").form()
    assert "reference" in form and "reverses" not in form
    assert site.get(f"/orders/payments/{right}").links()["Reverse payment"] == f"/console/orders/payments/{right}/reversal"
    assert site.sent(f"/orders/payments/{right}/reversal").status == 303
    assert standing()[1] == ("45000.00", "15000.00", False)
    assert client.post(f"{API}/payments", {"order": str(plan), "amount": usd("15000"), "received_on": "2026-01-12"}).status_code == 201
    goes = [Draft("delete", {}, UUID(id), act=UNDO) for id in (back.json["id"], wrong)]
    assert [outcome.refusal for outcome in shop.work.records("orders.payment").write(goes)] == [None, None], (
        "one opens what the other settles"
    )
    assert [row[2] for row in standing()] == [True] * 3


def test_a_payment_stays_as_it_came_in(client: Api, plan: UUID, work: Work) -> None:
    made = client.post(f"{API}/payments", {"order": str(plan), "amount": usd("5"), "received_on": "2026-01-12"}).json
    assert code(client.patch(f"{API}/payments/{made['id']}", {"amount": usd("6")})) == "payment_kept"
    (outcome,) = work.records("orders.payment").write([Draft("update", {"amount": usd("6")}, UUID(made["id"]), act=UNDO)])
    assert outcome.refusal is not None and outcome.refusal.reason == "payment_kept", (
        "what an import’s undo may take away, it may not change"
    )
    assert client.patch(f"{API}/payments/{made['id']}", {"reference": "bank slip 7"}).status_code == 200
    assert code(client.patch(f"{API}/payments/{made['id']}", {"received_on": "2026-02-01"})) == "in_future"


@pytest.mark.feature("A4")
def test_a_late_rate_prices_the_orders_that_had_none_and_no_other(client: Api, work: Work, drain: Callable[[], int]) -> None:
    account = str(work.records("customers.account").create({"name": "Late"})["id"])

    def order(on: str, each: str = "10") -> str:
        made = client.post(f"{API}/orders", {"name": on, "account": account, "currency": "EUR", "ordered_on": on}).json["id"]
        price = {"amount": each, "currency": "EUR"}
        client.post(f"{API}/order_lines", {"order": made, "description": "P", "quantity": "10", "unit_price": price})
        assert client.patch(f"{API}/orders/{made}", {"state": "confirmed"}).status_code == 200
        return str(made)

    def worth(id: str) -> object:
        amount = client.get(f"{API}/orders/{id}").json["base_amount"]
        return amount and amount["amount"]

    def rate(on: str, value: str) -> None:
        work.records("company.rate").create({"currency": "EUR", "on": on, "rate": value})
        drain()

    before, without = order("2026-01-02"), order("2026-01-10")
    assert (worth(before), worth(without)) == (None, None)
    rate("2026-01-05", "1.2")
    assert (worth(before), worth(without)) == (None, "120.00")
    rate("2026-01-08", "1.3")
    assert (worth(before), worth(without)) == (None, "120.00")
    gone, vast = order("2026-01-03"), order("2026-01-03", "999999999999")
    assert [client.delete(f"{API}/orders/{id}").status_code for id in (gone, vast)] == [204] * 2
    rate("2026-01-01", "1.1")
    assert (worth(before), worth(without)) == ("110.00", "120.00")
    assert [client.post(f"{API}/orders/{id}/restore").status_code for id in (gone, vast)] == [200] * 2
    assert worth(vast) is None, "more than an amount may be"
    assert worth(gone) == "110.00", "it came while the order was in the recycle bin"


def test_rates_that_came_while_orders_were_off_price_them_when_they_are_on_again(
    client: Api, work: Work, drain: Callable[[], int], platform: Platform
) -> None:
    account = work.records("customers.account").create({"name": "Away"})["id"]
    made = client.post(f"{API}/orders", {"name": "x", "account": str(account), "currency": "EUR", "ordered_on": "2026-01-02"}).json["id"]
    client.post(
        f"{API}/order_lines", {"order": made, "description": "P", "quantity": "1", "unit_price": {"amount": "10", "currency": "EUR"}}
    )
    assert client.patch(f"{API}/orders/{made}", {"state": "confirmed"}).status_code == 200
    drain()
    lifecycle.switch(platform.system(work.tenant.id), "orders", False)
    platform.system(work.tenant.id).records("company.rate").create({"currency": "EUR", "on": "2026-01-01", "rate": "1.5"})
    drain()
    lifecycle.switch(platform.system(work.tenant.id), "orders", True)
    drain()
    assert client.get(f"{API}/orders/{made}").json["base_amount"]["amount"] == "15.00"
    other = Shop(work).document(
        "order", [{"quantity": 1, "product": None, "unit_price": {"amount": "10", "currency": "GBP"}}], currency="GBP"
    )
    work.records("company.rate").create({"currency": "GBP", "on": "2026-01-01", "rate": "2"})
    platform.catalog.schedules["orders.standing"].run(platform.system(work.tenant.id))  # before anybody is told of it
    assert client.get(f"{API}/orders/{other}").json["base_amount"]["amount"] == "20.00"


def test_an_order_that_is_not_found_by_its_subject_is_not_told_as_the_nearest(shop: Shop) -> None:
    number = str(shop.read("order", shop.confirmed({"quantity": 1}, name="Spring"))["number"])
    lines = shop.work.records("orders.order_line")
    said = []
    for word in ("Spring", number[:-1] + "x"):
        with pytest.raises(Invalid) as refused:
            lines.create({"order": word, "product": shop.product, "quantity": 1})
        said.append(refused.value.problems[0].params.get("nearest"))
    assert said == [None, number]


# --- sums ---------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("B6")
def test_who_does_not_see_the_orders_does_not_see_all_that_a_sum_over_them_tells(work: Work, shop: Shop, people: People) -> None:
    """A computed field differs between readers: who sees each account does not see what another has added up of hidden orders."""
    work.records("customers.account").update(shop.account, {"owner": people.rep})
    order = shop.confirmed({"quantity": 1}, owner=people.reps[1][0])
    manager = work.standing_in(people.manager)

    def covers(name: str) -> bool:
        return manager.records("customers.account").covers(people.rep, (name,))

    with work.transaction():
        assert (covers("created_at"), covers("orders.lifetime_value")) == (True, False)
        assert work.records("customers.account").covers(people.rep, ("orders.lifetime_value",)), "who sees all sees that, too"
    work.records("core.share").create({"record": f"orders.order:{order}", "user": str(people.rep)})
    with work.transaction():
        told = work.standing_in(people.rep).records("customers.account").get(shop.account)["orders.lifetime_value"]
        assert (told, manager.records("customers.account").get(shop.account)["orders.lifetime_value"]) == (usd("100.00"), None)
        assert not covers("orders.lifetime_value")
