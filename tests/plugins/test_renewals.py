"""Renewed contracts, credit in parts, and how accounts stand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.orders.renewals import added, term_after, turn_over
from plugins.orders.standing import each_night
from sdk.context import id_of
from tests.plugins.process import Process

CONTRACTS, INVOICES, ORDERS = "/api/v1/orders/contracts", "/api/v1/orders/invoices", "/api/v1/orders/orders"


@pytest.fixture
def account(work: Work, people: People) -> UUID:
    """An account of a representative."""
    return id_of(work.records("customers.account").create({"name": "Alder Foods", "owner": people.rep}))


@pytest.fixture
def contract(work: Work, account: UUID, people: People) -> Callable[..., UUID]:
    """Makes a contract of a year that ends with January 2026."""

    def make(**values: object) -> UUID:
        given = {"name": "Support", "account": account, "starts_on": "2025-02-01", "ends_on": "2026-01-31", "state": "active",
                 "value": {"amount": "1200"}, "renewal": "manual", "owner": people.rep, **values}  # fmt: skip
        return id_of(work.records("orders.contract").create(given))

    return make


@pytest.mark.feature("F6")
def test_a_renewal_makes_a_linked_successor_and_a_deal_once(
    client: Api, contract: Callable[..., UUID], process: Process, people: People
) -> None:
    old, rep = contract(), client.as_user(people.rep)
    made = rep.post(f"{CONTRACTS}/{old}/renewals")
    assert made.status_code == 201, made.text
    assert rep.post(f"{CONTRACTS}/{old}/renewals").json == made.json
    new = rep.get(f"{CONTRACTS}/{made.json['id']}").json
    assert (new["predecessor"], new["starts_on"], new["ends_on"], new["state"]) == (str(old), "2026-02-01", "2027-01-31", "draft")
    assert (new["name"], new["value"]["amount"], new["renewal"]) == ("Support", "1200.00", "manual")
    assert rep.get(f"{CONTRACTS}/{old}").json["successor"] == new["id"]
    deal = rep.get(f"/api/v1/pipeline/deals/{made.json['deal']}").json
    assert (deal["name"], deal["account"], deal["amount"], deal["status"], deal["close_date"]) == (
        "Renewal: Support", new["account"], new["value"], "open", "2026-01-31",
    )  # fmt: skip
    assert rep.get("/api/v1/pipeline/deals", {"count": "true"}).json["page"]["total"] == 1


def test_a_renewal_in_the_recycle_bin_is_told_by_its_number(client: Api, contract: Callable[..., UUID], process: Process) -> None:
    old = contract()
    new = client.post(f"{CONTRACTS}/{old}/renewals").json["id"]
    number = client.get(f"{CONTRACTS}/{new}").json["number"]
    assert client.delete(f"{CONTRACTS}/{new}").status_code == 204
    refused = client.post(f"{CONTRACTS}/{old}/renewals")
    assert (refused.status_code, refused.json["code"]) == (409, "renewal_deleted") and number in refused.json["detail"]
    assert client.post(f"{CONTRACTS}/{new}/restore").status_code == 200
    assert client.post(f"{CONTRACTS}/{old}/renewals").json["id"] == new


def test_without_deals_there_is_a_successor_alone(platform: Platform, make_tenant: MakeTenant) -> None:
    from plugins.orders.renewals import renew

    work = platform.system(make_tenant("plain", plugins=["customers", "catalog", "company", "orders"]).id)
    account = id_of(work.records("customers.account").create({"name": "A"}))
    values = {"name": "C", "account": account, "starts_on": "2025-01-31", "ends_on": "2025-02-27", "state": "active"}
    old = id_of(work.records("orders.contract").create(values))
    assert renew(work, old)["starts_on"] == date(2025, 2, 28)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"state": "draft"}, "contract_not_in_force"),
        ({"ends_on": None}, "contract_open_ended"),
        ({"ends_on": "9999-12-31"}, "no_such_date"),
    ],
)
def test_what_cannot_be_renewed_says_why_and_makes_nothing(
    client: Api, contract: Callable[..., UUID], process: Process, values: dict[str, object], code: str
) -> None:
    refused = client.post(f"{CONTRACTS}/{contract(**values)}/renewals")
    assert (refused.status_code, refused.json["code"]) == (409, code)
    assert client.get(CONTRACTS, {"count": "true"}).json["page"]["total"] == 1
    assert client.get("/api/v1/pipeline/deals").json["data"] == []


def test_who_does_not_see_a_contract_does_not_renew_it(
    client: Api, contract: Callable[..., UUID], process: Process, people: People
) -> None:
    old = contract()
    assert client.as_user(people.reps[1][0]).post(f"{CONTRACTS}/{old}/renewals").status_code == 404
    assert client.as_user(people.reps[0][1]).post(f"{CONTRACTS}/{old}/renewals").status_code == 403


@pytest.mark.feature("F6")
def test_a_contract_that_renews_itself_does_so_once_on_its_last_day(
    contract: Callable[..., UUID], process: Process, work: Work, clock: Clock, drain: Callable[[], int]
) -> None:
    old, by_hand = contract(renewal="automatic"), contract(name="By hand")

    def night(day: datetime) -> list[tuple[object, object]]:
        clock.now = day
        with work.transaction(write=True):
            turn_over(work)
        drain()
        return sorted(
            (str(row["starts_on"]), str(row["state"])) for row in work.records("orders.contract").find(()) if row["id"] != by_hand
        )

    assert night(datetime(2026, 1, 30, 3, tzinfo=UTC)) == [("2025-02-01", "active")]
    assert night(datetime(2026, 1, 31, 3, tzinfo=UTC)) == [("2025-02-01", "active"), ("2026-02-01", "active")]
    for day in (1, 2):
        assert night(datetime(2026, 2, day, 3, tzinfo=UTC)) == [("2025-02-01", "ended"), ("2026-02-01", "active")]
    assert work.records("orders.contract").values([by_hand, old])[by_hand]["state"] == "ended"
    assert work.records("pipeline.deal").find(()) == []


@pytest.mark.parametrize(
    ("starts", "ends", "until"),
    [("2025-02-01", "2025-02-28", "2025-03-31"), ("2024-03-01", "2025-02-28", "2026-02-28"), ("2025-01-10", "2025-01-19", "2025-01-29"),
     ("2023-03-01", "2024-02-29", "2025-02-28"), ("2025-01-01", "2025-12-31", "2026-12-31")],
)  # fmt: skip
def test_a_term_is_followed_by_one_as_long(starts: str, ends: str, until: str) -> None:
    term = term_after(date.fromisoformat(starts), date.fromisoformat(ends))
    assert term == {"starts_on": date.fromisoformat(ends) + timedelta(days=1), "ends_on": date.fromisoformat(until)}


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 4000))
def test_terms_follow_each_other_without_gap_and_end_after_they_begin(starts: date, days: int) -> None:
    ends = starts + timedelta(days=days)
    term: Any = term_after(starts, ends)
    assert term["starts_on"] == ends + timedelta(days=1)
    assert term["ends_on"] >= term["starts_on"]
    assert abs((term["ends_on"] - term["starts_on"]).days - days) <= 3


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 600))
def test_months_later_is_in_that_month(day: date, months: int) -> None:
    later = added(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day <= day.day


# --- credit in parts -------------------------------------------------------------------------------------------------


@pytest.fixture
def invoice(client: Api, account: UUID) -> tuple[str, str, str]:
    """An issued invoice over ten pieces at 10: order, invoice and its line."""
    order = client.post(ORDERS, {"name": "Ten", "account": str(account)}).json["id"]
    client.post("/api/v1/orders/order_lines", {"order": order, "description": "P", "quantity": "10", "unit_price": {"amount": "10"}})
    client.patch(f"{ORDERS}/{order}", {"state": "confirmed"})
    made = client.post(f"{ORDERS}/{order}/invoices", {}).json["id"]
    assert client.post(f"{INVOICES}/{made}/issues").status_code == 201
    (line,) = client.get("/api/v1/orders/invoice_lines", {"invoice": made}).json["data"]
    return order, made, line["id"]


@pytest.mark.feature("F8")
def test_an_invoice_is_credited_in_parts_and_never_beyond_itself(client: Api, invoice: tuple[str, str, str]) -> None:
    order, id, line = invoice

    def credit(quantity: str | None) -> Any:
        lines = None if quantity is None else [{"invoice_line": line, "quantity": quantity}]
        return client.post(f"{INVOICES}/{id}/credit_notes", {"lines": lines})

    first = credit("4")
    assert first.status_code == 201, first.text
    assert (first.json["kind"], first.json["total"]["amount"], first.json["state"]) == ("credit_note", "40.00", "issued")
    assert client.get(f"{INVOICES}/{id}").json["state"] == "issued"
    assert client.get(f"{ORDERS}/{order}").json["billed"] == "partial"
    assert credit("7").json["code"] == "over_credited"
    assert credit("0").json["code"] == "nothing_to_credit"
    again = client.post(f"{ORDERS}/{order}/invoices", {}).json
    assert again["total"]["amount"] == "40.00"
    assert credit(None).json["total"]["amount"] == "60.00"
    assert client.get(f"{INVOICES}/{id}").json["state"] == "credited"
    assert credit(None).json["code"] == "not_creditable"
    other = [{"invoice_line": order, "quantity": "1"}]
    assert client.post(f"{INVOICES}/{again['id']}/credit_notes", {"lines": other}).status_code == 409


@pytest.mark.feature("F8")
def test_credits_in_parts_come_to_the_cent_to_what_was_billed(client: Api, account: UUID) -> None:
    def billed(price: str, quantity: str) -> tuple[str, Any]:
        invoice = client.post(INVOICES, {"name": "Odd", "account": str(account)}).json["id"]
        line = {"invoice": invoice, "description": "P", "quantity": quantity, "unit_price": {"amount": price}, "tax_rate": "13"}
        made = client.post("/api/v1/orders/invoice_lines", line)
        assert made.status_code == 201, made.text
        client.post(f"{INVOICES}/{invoice}/issues")
        return invoice, made.json

    for price, quantity in (("33.3333", "3"), ("0.005", "4"), ("0.0049", "3")):
        invoice, line = billed(price, quantity)
        notes = [
            client.post(f"{INVOICES}/{invoice}/credit_notes", {"lines": [{"invoice_line": line["id"], "quantity": "1"}]}).json
            for _n in range(int(quantity))
        ]
        for part in ("net", "tax", "total"):
            amounts = [Decimal(note[part]["amount"]) for note in notes]
            assert sum(amounts) == Decimal(line[part]["amount"]), (price, part, amounts)
            assert min(amounts) >= 0
        assert client.get(f"{INVOICES}/{invoice}").json["state"] == "credited"


# --- never billed beyond the order ---------------------------------------------------------------------------------------


@pytest.fixture
def draft(client: Api, account: UUID) -> tuple[str, str]:
    """A confirmed order over ten pieces and the draft that bills all of it."""
    order = client.post(ORDERS, {"name": "Ten", "account": str(account)}).json["id"]
    client.post("/api/v1/orders/order_lines", {"order": order, "description": "P", "quantity": "10", "unit_price": {"amount": "10"}})
    client.patch(f"{ORDERS}/{order}", {"state": "confirmed"})
    return order, client.post(f"{ORDERS}/{order}/invoices", {}).json["id"]


@pytest.mark.feature("F8")
def test_an_invoice_does_not_step_aside_as_a_credit_note(client: Api, draft: tuple[str, str]) -> None:
    order, id = draft
    refused = client.patch(f"{INVOICES}/{id}", {"kind": "credit_note"})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "kind")
    assert client.post(f"{ORDERS}/{order}/invoices", {}).json["code"] == "order_billed"


@pytest.mark.feature("F8")
def test_what_a_deleted_draft_would_have_billed_is_open_and_the_draft_does_not_come_back(client: Api, draft: tuple[str, str]) -> None:
    order, id = draft
    assert client.delete(f"{INVOICES}/{id}").status_code == 204
    assert client.get(f"{ORDERS}/{order}").json["billed"] == "none"
    assert client.post(f"{ORDERS}/{order}/invoices", {}).status_code == 201
    assert client.post(f"{INVOICES}/{id}/restore").json["code"] == "invoice_deleted"
    assert client.get(f"{ORDERS}/{order}").json["billed"] == "billed"


@pytest.mark.feature("F8")
def test_a_billed_order_keeps_its_lines(client: Api, draft: tuple[str, str]) -> None:
    order, id = draft
    assert client.patch(f"{ORDERS}/{order}", {"state": "draft"}).json["code"] == "order_billed"
    assert client.delete(f"{ORDERS}/{order}").json["code"] == "order_billed"
    client.delete(f"{INVOICES}/{id}")
    assert client.patch(f"{ORDERS}/{order}", {"state": "draft"}).status_code == 200


def test_a_line_that_is_named_twice_is_billed_and_credited_as_often(client: Api, invoice: tuple[str, str, str]) -> None:
    _order, id, line = invoice
    asked = [{"invoice_line": line, "quantity": "4"}]
    assert client.post(f"{INVOICES}/{id}/credit_notes", {"lines": asked * 3}).json["code"] == "over_credited"
    assert client.post(f"{INVOICES}/{id}/credit_notes", {"lines": asked * 2}).json["total"]["amount"] == "80.00"


# --- standing --------------------------------------------------------------------------------------------------------


@pytest.mark.feature("H2")
def test_an_account_is_new_active_and_lost_in_turn(client: Api, work: Work, account: UUID, clock: Clock, drain: Callable[[], int]) -> None:
    def shown() -> tuple[object, object]:
        row = client.get(f"/api/v1/customers/accounts/{account}").json
        return row["orders.standing"], row["orders.first_order_on"]

    assert shown() == (None, None)
    order = client.post(ORDERS, {"name": "O", "account": str(account), "ordered_on": "2026-01-10"}).json["id"]
    client.patch(f"{ORDERS}/{order}", {"state": "confirmed"})
    drain()
    assert shown() == ("new", "2026-01-10")
    for days, standing in ((89, "new"), (1, "active"), (275, "lost")):
        clock.move(days=days - 5 if days == 89 else days)
        each_night(work)
        assert shown() == (standing, "2026-01-10")
    second = client.post(ORDERS, {"name": "O2", "account": str(account), "ordered_on": "2026-12-24", "state": "confirmed"})
    assert second.status_code == 201, second.text
    drain()
    assert shown() == ("active", "2026-01-10")
    client.patch(f"{ORDERS}/{order}", {"state": "cancelled"})
    drain()
    assert shown() == ("new", "2026-12-24")


def test_orders_from_before_the_count_are_counted_in_the_night(work: Work, account: UUID, client: Api) -> None:
    work.records("orders.order").create({"name": "O", "account": account, "ordered_on": "2025-06-01", "state": "confirmed"})
    each_night(work)
    assert client.get(f"/api/v1/customers/accounts/{account}").json["orders.standing"] == "active"


@pytest.mark.feature("P32")
def test_how_long_an_account_is_new_or_active_is_set_by_the_tenant(
    client: Api, work: Work, account: UUID, drain: Callable[[], int]
) -> None:
    work.records("orders.order").create({"name": "O", "account": account, "ordered_on": "2025-12-01", "state": "confirmed"})
    drain()

    def standing_with(**wish: int) -> object:
        assert client.patch("/api/v1/core/plugins/orders/settings", wish).status_code == 200
        drain()
        return client.get(f"/api/v1/customers/accounts/{account}").json["orders.standing"]

    assert standing_with(new_days=60) == "new"
    assert standing_with(new_days=30) == "active"
    assert standing_with(active_days=40) == "lost"
    assert standing_with(active_days=50) == "active"
