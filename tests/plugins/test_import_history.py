"""What happened elsewhere comes in as it stood: closed orders and issued invoices with their lines; and nobody edits it later."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import People
from plugins.company.numbers import next_numbers
from plugins.import_export import imports
from plugins.import_export.sheets import children
from plugins.import_export.undo import undoing
from plugins.orders import process
from sdk import Channel, Conflict, Draft, Forbidden
from sdk.changes import HISTORY
from sdk.context import id_of
from sdk.fields import Money
from tests.plugins.exported import exported
from tests.plugins.imports import import_file
from tests.plugins.test_import_sheets import carried_out, counts, type_rows, workbook

BOOK: Mapping[str, type_rows] = {
    "Accounts": [["Name"], ["Alder"], ["Birch"]],
    "Orders": [["Number", "Subject", "Account", "State", "Ordered on"], ["A-17", "Pumps", "Alder", "Confirmed", "2019-03-01"],
               ["A-18", "Hoses", "Birch", "Cancelled", "2019-04-01"], ["", "Now", "Birch", "Draft", "2026-01-02"]],
    "Order lines": [["Order", "Description", "Quantity", "Unit price", "Tax rate", "Net", "Tax"], ["A-17", "Pump", 3, 9.99, 19, 29.98, 5.70],
                    ["A-17", "Seal", 10, 1, 19, "", ""], ["A-18", "Hose", 2, 5, 19, "", ""]],
    "Invoices": [["Number", "Subject", "Account", "Order", "State", "Issued on", "Kind", "Credits", "Paid before import"],
                 ["C-1", "Pumps back", "Alder", "A-17", "Issued", "2019-04-09", "Credit note", "R-2"],
                 ["R-2", "Pumps", "Alder", "A-17", "Issued", "2019-03-09", "Invoice", "", "15"], ["", "Open", "Birch", "", "Draft", "", "", ""],
                 ["", "Bad", "Birch", "", "Issued", "2019-03-09", "", ""]],
    "Invoice lines": [["Invoice", "Description", "Quantity", "Unit price"], ["R-2", "Pump", 3, 9.99], ["C-1", "Pump", 1, 9.99]],
}  # fmt: skip
KINDS = ("customers.account", "orders.order", "orders.order_line", "orders.invoice", "orders.invoice_line")


def usd(amount: str) -> Money:
    """So many dollars."""
    return Money(Decimal(amount), "USD")


def named(work: Work, entity: str, by: str = "number") -> dict[str, Mapping[str, Any]]:
    """The records of an entity by a text of theirs."""
    return {str(row[by]): row for row in work.records(entity).find(())}


def test_closed_orders_and_issued_invoices_come_in_with_their_lines_and_go_again(work: Work) -> None:
    dry = carried_out(work, workbook(BOOK), history=True, dry_run=True)
    done = carried_out(work, workbook(BOOK), history=True)
    expected = {
        "customers.account": (2, 0, 0, 0, "succeeded"), "orders.order": (3, 0, 0, 0, "succeeded"), "orders.order_line": (3, 0, 0, 0, "succeeded"),
        "orders.invoice": (3, 0, 0, 1, "partial"), "orders.invoice_line": (2, 0, 0, 0, "succeeded"),
    }  # fmt: skip
    assert [counts(children(work, id_of(one))) for one in (dry, done)] == [expected] * 2
    orders, invoices, lines = named(work, "orders.order"), named(work, "orders.invoice"), named(work, "orders.order_line", "description")
    pumps, open_ = orders["A-17"], next(row for row in orders.values() if row["name"] == "Now")
    assert (pumps["net"], pumps["tax"], pumps["history"], open_["history"]) == (usd("39.98"), usd("7.60"), True, False)
    assert open_["number"] not in (None, "A-17"), "without one it gets the next of ours"
    assert lines["Pump"]["total"] == usd("35.68"), "as it was rounded then"
    assert invoices["C-1"]["credits"] == invoices["R-2"]["id"]
    assert (invoices["R-2"]["total"], str(invoices["R-2"]["issued_on"]), str(invoices["R-2"]["due_on"])) == (
        usd("29.97"),
        *["2019-03-09"] * 2,
    )
    assert work.records("orders.invoice").get(id_of(invoices["R-2"]))["state"] == "issued"
    assert (invoices["R-2"]["paid"], invoices["R-2"]["open"], invoices["R-2"]["payment_state"]) == (usd("15.00"), usd("4.98"), "partial"), (
        "less what was credited then"
    )
    undone = undoing.carry_out(work, undoing.begin_undo(work, done))
    assert (undone["state"], undone["conflicts"]) == ("undone", 0)
    assert not any(work.records(name).find(()) for name in KINDS)


def test_numbers_pass_over_those_that_came_along_without_a_gap_and_in_few_steps(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    orders, steps = work.records("orders.order"), list[int]()
    monkeypatch.setattr(process, "next_numbers", lambda *asked: steps.append(asked[-1]) or next_numbers(*asked))
    account = work.records("customers.account").create({"name": "Alder"})["id"]
    came = [f"ORD-2026-{number:05}" for number in (*range(1, 101), 103)]
    given = {"name": "Pumps", "account": account}
    orders.write_all([Draft("create", {**given, "number": number, "state": "confirmed"}, act=HISTORY) for number in came])
    made = [outcome.row["number"] for outcome in orders.write_all([Draft("create", given)] * 2) if outcome.row]
    assert [*made, *(orders.create(given)["number"] for _time in range(2))] == [f"ORD-2026-{number:05}" for number in (101, 102, 104, 105)]
    assert len(steps) < 12


def test_what_had_been_paid_is_said_of_issued_invoices_in_their_currency_and_what_is_paid_here_stays(work: Work) -> None:
    heads = ["Number", "Subject", "Account", "Currency", "State", "Issued on", "Kind", "Credits", "Paid before import"]
    rows = [["R-1", "Paid", "Alder", "USD", "Issued", "2019-03-09", "", "", "5"], ["R-2", "Euros", "Alder", "EUR", "Issued", "2019-03-09", "", "", "5"],
            ["R-3", "Below", "Alder", "USD", "Issued", "2019-03-09", "", "", "-5"], ["", "Draft", "Alder", "USD", "Draft", "", "", "", "5"],
            ["C-1", "Note", "Alder", "USD", "Issued", "2019-03-09", "Credit note", "R-1", "5"]]  # fmt: skip
    book = {"Accounts": [["Name"], ["Alder"]], "Invoices": [heads, *rows],
            "Invoice lines": [["Invoice", "Description", "Quantity", "Unit price"], ["R-1", "Pump", 3, 10]]}  # fmt: skip
    done = carried_out(work, workbook(book), history=True)
    (sheet,) = [one for one in children(work, id_of(done)) if one["sheet"] == "Invoices"]
    assert [(row["number"], row["column"], row["code"]) for row in imports.rows(work, id_of(sheet), None, 10, "").data] == [
        (2, "Paid before import", "other_currency"), (3, "Paid before import", "out_of_range"), (4, "Paid before import", "not_issued"),
        (5, "Paid before import", "not_issued"),
    ]  # fmt: skip
    (invoice,) = work.records("orders.invoice").find(())
    work.records("orders.payment").create({"invoice": invoice["id"], "amount": usd("25"), "received_on": "2026-01-12"})
    undone = undoing.carry_out(work, undoing.begin_undo(work, done))
    assert undone["state"] == "partly_undone"
    (kept,) = work.records("orders.invoice").find(())
    assert (kept["total"], kept["paid"], kept["payment_state"]) == (usd("30.00"), usd("30.00"), "paid")


def test_what_came_in_as_history_is_as_locked_as_what_was_closed_here(work: Work, platform: Platform, people: People) -> None:
    carried_out(work, workbook(BOOK), history=True)
    order, line = named(work, "orders.order")["A-17"], named(work, "orders.order_line", "description")["Seal"]
    lines, more = (
        work.records("orders.order_line"),
        {"order": order["id"], "description": "More", "quantity": 1, "unit_price": {"amount": "1", "currency": "USD"}},
    )
    attempts = [Draft("create", more), Draft("update", {"quantity": 4}, id_of(line)), Draft("delete", {}, id_of(line)),
                Draft("update", {"quantity": 4}, id_of(line), act="history")]  # fmt: skip
    outcomes = [lines.write([one])[0].refusal for one in attempts]
    assert [one.reason if one is not None else "" for one in outcomes] == ["document_closed"] * 4
    for name, invoice in named(work, "orders.invoice").items():
        if name != "None":
            with pytest.raises(Conflict, match="can’t be changed"):
                work.records("orders.invoice").update(id_of(invoice), {"name": "Other"})
    late = "Order,Description,Quantity,Unit price\nA-17,Late,1,1\n"
    assert import_file(work, "orders.order_line", late).reasons == [(1, None, "document_closed")]
    assert import_file(work, "orders.order_line", late, history=True).counts == {"created": 1}, "a row that had failed, mended"
    here = work.records("orders.order").create({"name": "Ours", "account": order["account"], "state": "confirmed"})
    ours = import_file(work, "orders.order_line", late.replace("A-17", str(here["number"])), history=True)
    assert ours.reasons == [(1, None, "document_closed")], "what was closed here gets no lines in any way"
    plain = import_file(work, "orders.invoice", "Number,Subject,Account,State\nR-9,X,Alder,Issued\n")
    assert set(str(plain.ignored).split(", ")) == {"Number", "State"}
    rep = platform.user(work.tenant.id, people.manager, Channel.API)
    with pytest.raises(Forbidden):
        import_file(rep, "orders.order", "Subject,Account,State\nX,Alder,Confirmed\n", history=True)


def test_an_order_is_not_billed_once_a_line_of_its_invoice_goes_together_with_its_credit(work: Work) -> None:
    carried_out(work, workbook({**BOOK, "Invoice lines": BOOK["Invoice lines"][:1]}), history=True)
    invoices, line = named(work, "orders.invoice"), named(work, "orders.order_line", "description")["Pump"]
    lines, same = work.records("orders.invoice_line"), {"description": "Pump", "quantity": 3, "unit_price": line["unit_price"]}

    def made(invoice: str, **values: object) -> UUID:
        return id_of(lines.create({**same, "invoice": invoices[invoice]["id"], **values}, act="history"))

    billed = made("R-2", order_line=line["id"])
    credit = made("C-1", credits_line=billed)
    state = named(work, "orders.order")["A-17"]["billed"]
    lines.write_all([Draft("delete", {}, id, act="history") for id in (billed, credit)])
    assert [state, named(work, "orders.order")["A-17"]["billed"]] == ["none", "none"]


def test_an_order_stays_while_lines_of_another_import_are_there(work: Work) -> None:
    import_file(work, "customers.account", "Name\nAlder\n")
    orders = import_file(work, "orders.order", "Number,Subject,Account,State\nA-1,Pumps,Alder,Confirmed\n", history=True).record
    lines = import_file(work, "orders.order_line", "Order,Description,Quantity,Unit price\nA-1,Pump,1,1\n", history=True).record
    states = [undoing.carry_out(work, undoing.begin_undo(work, one))["state"] for one in (orders, lines, orders)]
    assert states == ["partly_undone", "undone", "undone"]


def test_history_goes_out_and_comes_in_again_as_it_was(work: Work) -> None:
    carried_out(work, workbook(BOOK), history=True)
    columns = {
        "orders.order": ("number", "name", "account", "state", "ordered_on"), "orders.order_line": ("order", "description", "quantity", "unit_price", "tax_rate", "net", "tax"),
        "orders.invoice": ("number", "name", "kind", "account", "order", "state", "issued_on", "due_on", "credits"),
        "orders.invoice_line": ("invoice", "description", "quantity", "unit_price", "net", "tax"),
    }  # fmt: skip

    def files() -> dict[str, bytes]:
        return {name: exported(work, name, fields=asked) for name, asked in columns.items()}

    before = files()
    for name in reversed(KINDS[1:]):
        rows = [id_of(row) for row in work.records(name).find(())]
        work.records(name).write_all([Draft("delete", {}, id, act="history") for id in rows])
    for name in columns:
        assert import_file(work, name, before[name], history=True).counts["created"] == before[name].count(b"\n") - 1
    assert files() == before


def test_a_series_passes_over_the_numbers_that_came_from_elsewhere(work: Work) -> None:
    account = {"account": work.records("customers.account").create({"name": "Alder"})["id"]}
    first = str(work.records("orders.order").create({"name": "A", **account})["number"])
    coming = [f"{first[:-1]}{int(first[-1]) + more}" for more in range(1, 6)]
    rows = f"Number,Subject,Account\n{coming[1]},B,Alder\n{coming[0]},C,Alder\n,D,Alder\n"
    assert import_file(work, "orders.order", rows, history=True).state == "succeeded"
    import_file(work, "orders.order", f"Number,Subject,Account\n{coming[3]},E,Alder\n", history=True)
    assert work.records("orders.order").create({"name": "F", **account})["number"] == coming[4]
    assert {name: row["number"] for name, row in named(work, "orders.order", "name").items()} == dict(
        zip("ACBDEF", [first, *coming], strict=True)
    )
