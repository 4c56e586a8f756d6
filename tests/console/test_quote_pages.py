"""The lines of quotes, orders and invoices as a sheet: typed, pasted, computed by the server, written at once or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.testkit.fixtures import Api, People
from sdk import Alike, Draft, where
from sdk.context import id_of
from tests.console.site import Look, Site

API = "/api/v1/orders"
CELLS = ("id", "product", "named", "description", "quantity", "unit_price", "discount", "tax_rate")


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


class Desk:
    """A quote of a representative with two lines, and products to choose from."""

    def __init__(self, work: Work, people: People) -> None:
        self.work = work
        records = work.records
        self.gateway = id_of(records("catalog.product").create({"name": "Gateway", "sku": "GW-1", "price": usd("100"), "unit": "pcs"}))
        self.sensor = id_of(records("catalog.product").create({"name": "Sensor", "sku": "SN-1", "price": usd("19.99"), "unit": "pcs"}))
        account = id_of(records("customers.account").create({"name": "Alder Foods", "owner": people.rep}))
        self.quote = id_of(records("orders.quote").create({"name": "Gateways", "account": account, "currency": "USD", "owner": people.rep}))
        first = {"quote": self.quote, "product": self.gateway, "quantity": 3, "tax_rate": 13, "position": 1}
        second = {"quote": self.quote, "description": "Delivery", "quantity": 1, "unit_price": usd("7.50"), "position": 2}
        self.first, self.second = (
            one.id for one in records("orders.quote_line").write_all([Draft("create", first), Draft("create", second)])
        )

    def lines(self) -> list[Mapping[str, Any]]:
        """The lines in their order."""
        rows = self.work.records("orders.quote_line").find(())
        return sorted((row for row in rows if row["quote"] == self.quote), key=lambda row: row["position"])

    def path(self, id: UUID | None = None) -> str:
        return f"/orders/quotes/{id or self.quote}/lines"


@pytest.fixture
def desk(work: Work, people: People) -> Desk:
    return Desk(work, people)


def rows_of(page: Look) -> list[dict[str, str]]:
    """What a form of lines would send, row by row, without the blank one at its end."""
    found = [
        {name: row.xpath(f"string(.//input[@name='{name}']/@value)") for name in CELLS} for row in page.all("//form[@data-lines]//tbody/tr")
    ]
    return found[:-1]


def send(site: Site, path: str, rows: list[dict[str, str]], **more: str | list[str]) -> Look:
    pairs = [(name, row.get(name, "")) for row in rows for name in CELLS]
    return Look(site.api.call("POST", f"/console{path}", data={**{name: [v for k, v in pairs if k == name] for name in CELLS}, **more}))


def known(page: Look) -> str:
    return str(page.all("//input[@name='known']/@value")[0])


def test_a_sheet_is_saved_as_one_batch_and_the_server_says_what_it_comes_to(client: Api, desk: Desk, people: People) -> None:
    site = Site(client.as_user(people.rep))
    tab = site.get(f"/orders/quotes/{desk.quote}", {"tab": "orders.quotes"})
    rows = rows_of(tab)
    assert [(row["named"], row["quantity"], row["unit_price"]) for row in rows] == [("Gateway", "3", "100.00"), ("", "1", "7.50")]
    new = {"named": "sn-1", "quantity": "１０", "unit_price": "", "discount": "5%", "tax_rate": "13"}
    wanted = [rows[1], {**rows[0], "quantity": "1,003"}, new, {}]
    asked = send(site, desk.path(), wanted, known=known(tab), act="check")
    assert asked.status == 200, asked.text
    assert len(desk.lines()) == 2, "asking writes nothing"
    assert asked.texts("//td[@data-out='net']")[:3] == ["$7.50", "$100,300.00", "$189.91"]
    assert asked.texts("//dl[@class='sums']//dd") == ["$100,497.41", "$13,063.69", "$113,561.10"]
    saved = send(site, desk.path(), wanted, known=known(tab))
    assert saved.status == 303, saved.text
    lines = desk.lines()
    assert [(line["id"] == desk.second, line["id"] == desk.first) for line in lines] == [(True, False), (False, True), (False, False)]
    assert [str(line["quantity"].normalize()) for line in lines[::2]] == ["1", "1E+1"]
    quote = desk.work.records("orders.quote").values([desk.quote])[desk.quote]
    assert str(quote["total"].amount) == "113561.1000"
    assert lines[2]["product"] == desk.sensor
    again = site.get(f"/orders/quotes/{desk.quote}", {"tab": "orders.quotes"})
    assert again.texts("//dl[@class='sums']//dd")[2] == "$113,561.10"


def test_a_line_has_cells_for_the_companys_own_fields_which_are_kept_refused_and_copied_like_others(client: Api, desk: Desk) -> None:
    fields = desk.work.records("core.custom_field")
    fields.create({"entity": "orders.quote_line", "key": "seat", "label": "Seat", "kind": "integer"})
    fields.create({"entity": "orders.quote_line", "key": "colour", "label": "Paint", "kind": "choice", "options": ["Red", "Blue"]})
    site = Site(client)
    page = site.get(desk.path())
    assert [head for head in page.texts("//thead//th") if head in ("Seat", "Paint")] == ["Seat", "Paint"]
    assert page.all("//datalist/option/@value") == ["Red", "Blue"]
    own = {"custom.seat": ["7", "", ""], "custom.colour": ["blue", "", ""]}
    rows = [*rows_of(page), {}]
    saved = send(site, desk.path(), rows, known=known(page), **own)
    assert saved.status == 303, saved.text
    line = desk.lines()[0]
    assert (line["custom.seat"], line["custom.colour"] is None) == (7, False)
    again = site.get(desk.path())
    assert again.all("//input[@name='custom.colour']/@value")[0] == "Blue"
    wrong = send(site, desk.path(), [*rows_of(again), {}], known=known(again), **{**own, "custom.seat": ["many", "", ""]})
    assert (wrong.status, wrong.all("//tbody//input[@aria-invalid]/@name")) == (422, ["custom.seat"])
    moved = send(site, desk.path(), [*rows_of(again), {}], known=known(again), act="copy:0", **own)
    assert moved.all("//tbody//input[@name='custom.seat']/@value")[:2] == ["7", "7"]


def test_a_switch_an_amount_and_a_record_of_the_companys_own_are_typed_into_cells_too(client: Api, desk: Desk, people: People) -> None:
    fields, accounts = desk.work.records("core.custom_field"), desk.work.records("customers.account")
    for key, more in (
        ("gift", {"kind": "boolean"}),
        ("freight", {"kind": "money"}),
        ("site", {"kind": "link", "target": "customers.account"}),
    ):
        fields.create({"entity": "orders.quote_line", "key": key, "label": key.title(), **more})
    alder = next(id_of(row) for row in accounts.find(()) if row["name"] == "Alder Foods")
    site = Site(client)
    page = site.get(desk.path())
    assert {"Gift", "Freight", "Site"} <= {*page.texts("//thead//th")}
    assert page.all("//tbody//input[@name='custom.site']/@data-pick")[0] == "/console/pick/customers/accounts"
    own = {"custom.gift": ["yes", "", ""], "custom.freight": ["1,250", "", ""], "custom.site": ["Alder Foods", "", ""]}
    saved = send(site, desk.path(), [*rows_of(page), {}], known=known(page), **own)
    assert saved.status == 303, saved.text
    line = desk.lines()[0]
    assert (line["custom.gift"], line["custom.freight"].currency, line["custom.site"]) == (True, "USD", alder)
    again = site.get(desk.path())
    assert [again.all(f"//tbody//input[@name='{name}']/@value")[0] for name in own] == ["Yes", "1250.00", "Alder Foods"]
    accounts.create(
        {"name": "Alder Foods", "owner": people.rep}, alike=Alike.FORCE
    )  # now the name means two; what stays as it was still means the one
    as_read = {**own, "custom.gift": ["No", "", ""], "custom.freight": ["5 EUR", "", ""]}
    saved = send(site, desk.path(), [*rows_of(again), {}], known=known(again), **as_read)
    assert saved.status == 303, saved.text
    line = desk.lines()[0]
    assert (line["custom.gift"], line["custom.freight"].currency, line["custom.site"]) == (False, "EUR", alder)
    again = site.get(desk.path())
    wrong = {"custom.gift": ["perhaps", "", ""], "custom.freight": ["much", "", ""], "custom.site": ["Nobody", "", ""]}
    refused = send(site, desk.path(), [*rows_of(again), {}], known=known(again), **wrong)
    assert refused.status == 422
    assert {"custom.gift", "custom.freight"} <= {*refused.all("//tbody//input[@aria-invalid]/@name")}


def test_errors_stand_at_their_cells_and_nothing_is_written(client: Api, desk: Desk, people: People) -> None:
    site = Site(client.as_user(people.rep))
    page = site.get(desk.path())
    rows = rows_of(page)
    wrong = [
        rows[0],
        {**rows[1], "quantity": "many"},
        {"named": "Unheard of", "quantity": "1"},
        {"named": "Gateway", "quantity": "1", "discount": "120"},
    ]
    answer = send(site, desk.path(), wrong, known=known(page))
    assert answer.status == 422
    assert [one.get("name") for one in answer.all("//tbody//input[@aria-invalid]")] == ["quantity", "named", "discount"]
    assert "product 'Unheard of' does not exist" in answer.text
    assert rows_of(answer)[1]["quantity"] == "many", "what was typed stays"
    assert len(desk.lines()) == 2
    short = client.as_user(people.rep).call("POST", f"/console{desk.path()}", data={"id": ["", ""], "quantity": ["1"]})
    assert short.status_code == 400


def test_who_saves_over_a_change_of_somebody_else_is_told_and_may_save_again(client: Api, desk: Desk, people: People) -> None:
    site = Site(client.as_user(people.rep))
    page = site.get(desk.path())
    rows = rows_of(page)
    desk.work.records("orders.quote_line").delete(desk.second)
    desk.work.records("orders.quote_line").update(desk.first, {"description": "Changed"})
    answer = send(site, desk.path(), [{**rows[0], "quantity": "4"}, rows[1]], known=known(page))
    assert answer.status == 412
    assert "Someone else has changed the lines meanwhile" in answer.text
    assert rows_of(answer)[0]["quantity"] == "4"
    assert desk.lines()[0]["description"] == "Changed"
    assert send(site, desk.path(), rows_of(answer), known=known(answer)).status == 303
    assert [str(line["quantity"].normalize()) for line in desk.lines()] == ["4", "1"]


def test_rows_move_without_a_script(client: Api, desk: Desk, people: People) -> None:
    site = Site(client.as_user(people.rep))
    page = site.get(desk.path())
    rows, begun = rows_of(page), known(page)
    assert [row["id"] for row in rows_of(send(site, desk.path(), rows, known=begun, act="down:0"))] == [str(desk.second), str(desk.first)]
    assert len(rows_of(send(site, desk.path(), rows, known=begun, act="add"))) == 3
    copied = rows_of(send(site, desk.path(), rows, known=begun, act="copy:0"))
    assert [(row["id"], row["quantity"]) for row in copied[:2]] == [(str(desk.first), "3"), ("", "3")]
    left = send(site, desk.path(), rows, known=begun, act="drop:0")
    assert send(site, desk.path(), rows_of(left), known=known(left)).status == 303
    assert [line["id"] for line in desk.lines()] == [desk.second]
    assert send(site, desk.path(), rows, known=begun, act="drop:9").status == 400


def test_who_may_not_change_a_document_reads_its_lines_and_a_closed_one_stays(client: Api, desk: Desk, people: People) -> None:
    rep, other = client.as_user(people.rep), Site(client.as_user(people.all_reps[-1]))
    assert other.get(desk.path()).status == 404
    page = Site(rep).get(desk.path())
    mate = Site(client.as_user(people.all_reps[1]))
    theirs = mate.get(desk.path())
    refused = send(mate, desk.path(), [{**rows_of(page)[0], "quantity": "9"}], known=known(page))
    assert (theirs.status, refused.status) == (200, 403), "a team mate reads it and no more"
    assert refused.all("//*[@role='alert']")
    rep.patch(f"{API}/quotes/{desk.quote}", {"state": "sent"})
    closed = Site(rep).get(desk.path())
    assert "The lines can’t be changed: it is Sent" in closed.text
    assert not closed.all("//form[@data-lines]")
    late = send(Site(rep), desk.path(), [{**rows_of(page)[0], "quantity": "9"}], known=known(page))
    assert late.status == 409
    assert len(desk.lines()) == 2


def test_all_lines_are_written_by_one_call_of_the_api_or_none(client: Api, desk: Desk, people: People) -> None:
    rep = client.as_user(people.rep)
    version = rep.get(f"{API}/quotes/{desk.quote}").json["version"]
    lines = [{"id": str(desk.second), "quantity": "2"}, {"product": "SN-1", "quantity": "3", "tax_rate": "13"}]
    priced = rep.post(f"{API}/quotes/{desk.quote}/prices", {"lines": [*lines, {"product": "nothing", "quantity": "1"}]})
    assert priced.status_code == 200, priced.text
    assert [error["code"] for error in priced.json["lines"][2]["errors"]] == ["no_such_record", "required"]
    assert priced.json["lines"][1]["total"] == {"amount": "67.77", "currency": "USD"}
    long = rep.post(f"{API}/quotes/{desk.quote}/prices", {"lines": [{"product": "G" * 254, "quantity": "1"}]})
    assert long.json["lines"][0]["errors"][0]["code"] == "no_such_record", "no number of a product is so long"
    wrong = rep.call("PUT", f"{API}/quotes/{desk.quote}/lines", json={"lines": [*lines, {"description": "Free"}], "version": version})
    assert wrong.status_code == 422
    assert {error["field"] for error in wrong.json["errors"]} == {"lines.2.quantity"}
    written = rep.call("PUT", f"{API}/quotes/{desk.quote}/lines", json={"lines": lines, "version": version})
    assert written.status_code == 200, written.text
    assert written.json["total"] == {"amount": "82.77", "currency": "USD"}
    assert [line["position"] for line in written.json["lines"]] == [1, 2]
    assert desk.lines()[0]["description"] == "Delivery", "what is left out stays"
    stale = rep.call("PUT", f"{API}/quotes/{desk.quote}/lines", json={"lines": [], "version": version})
    assert stale.status_code == 412
    twice = rep.call("PUT", f"{API}/quotes/{desk.quote}/lines", json={"lines": [lines[0], lines[0]]})
    assert twice.status_code == 422


def test_what_a_document_can_do_next_is_a_button_from_quote_to_credit_note(client: Api, desk: Desk, people: People) -> None:
    rep, office = Site(client.as_user(people.rep)), Site(client)
    page = rep.get(f"/orders/quotes/{desk.quote}")
    assert page.texts("//section[contains(@class, 'steps')]//li") == ["Draft", "Sent", "Accepted"]
    first = "//form[contains(@class, 'acts')]//*[contains(@class, 'first')]"
    quotes = desk.work.records("orders.quote")
    account = quotes.values([desk.quote])[desk.quote]["account"]
    empty = id_of(quotes.create({"name": "Empty", "account": account, "owner": people.rep}))
    assert [rep.get(f"/orders/quotes/{one}").texts(first) for one in (empty, desk.quote)] == [["Add lines"], ["Mark as sent"]]
    assert page.texts("//form[contains(@class, 'acts')]//button")[:2] == ["Mark as sent", "Accepted: create the order"]
    acts = f"/orders/quotes/{desk.quote}/acts"
    assert rep.post(acts, {"act": "sent", "version": "1"}).status == 412, "its lines have moved it on since"
    assert rep.post(acts, {**page.form(0), "act": "sent"}).status == 303
    assert rep.get(f"/orders/quotes/{desk.quote}").texts(first) == ["Accepted: create the order"]
    taken = rep.post(acts, {"act": "accept"})
    assert taken.status == 303, taken.text
    order = taken.answer.headers["Location"].removeprefix("/console")
    assert "ORD-" in "".join(rep.get(f"/orders/quotes/{desk.quote}").texts("//form[contains(@class, 'acts')]//p/a"))
    assert rep.post(acts, {"act": "dance"}).status == 404
    assert rep.post(acts, {"act": "draft"}).status == 409, "what is accepted does not go back"
    assert rep.post(f"{order}/acts", {"act": "confirmed"}).status == 303
    assert "Create invoice" not in rep.get(order).text, "who may not make one is not offered it"
    assert rep.post(f"{order}/acts", {"act": "bill"}).status == 403
    invoice = office.post(f"{order}/acts", {"act": "bill"}).answer.headers["Location"].removeprefix("/console")
    asked = office.get(f"{invoice}/acts", {"act": "issue"})
    assert "can’t be changed" in asked.text
    assert office.post(f"{invoice}/acts", asked.form() | {"act": "issue"}).status == 303
    note = office.post(f"{invoice}/acts", {"act": "credit"})
    assert note.status == 303
    again = office.post(f"{invoice}/acts", {"act": "credit"})
    assert (again.status, "fully credited can be credited" in again.text) == (409, True)


def test_who_may_not_see_prices_changes_quantities_and_learns_no_price(client: Api, desk: Desk, people: People) -> None:
    work = desk.work
    role = id_of(work.records("core.role").create({"key": "clerk", "name": "Clerk"}))
    document = ["number", "name", "account", "state", "currency"]
    seen = ["quote", "position", "product", "description", "quantity"]
    for permission, fields in (
        ("orders.quote.read", document), ("orders.quote.update", None), ("orders.quote_line.read", seen), ("catalog.product.read", ["name", "sku"]),
    ):  # fmt: skip
        work.records("core.grant").create({"role": role, "permission": permission, "scope": "all", "only_fields": fields})
    work.records("core.user").update(people.rep, {"roles": ["clerk"], "team": None})
    clerk = client.as_user(people.rep)
    page = Site(clerk).get(desk.path())
    assert page.status == 200, page.text
    assert page.texts("//table[contains(@class, 'linegrid')]//th")[1:5] == ["Product", "Description", "Quantity", "Unit"]
    assert not page.all("//input[@name='unit_price' or @name='discount']")
    form = {"id": [str(desk.first), str(desk.second)], "product": [str(desk.gateway), ""], "named": ["Gateway", ""], "description": ["Gateway", "Delivery"],
            "quantity": ["5", "1"], "known": known(page)}  # fmt: skip
    asked = Look(clerk.call("POST", f"/console{desk.path()}", data={**form, "act": "check"}))
    assert (asked.status, "100" in asked.text, "7.50" in asked.text) == (200, False, False)
    assert clerk.post(f"{API}/quotes/{desk.quote}/prices", {"lines": []}).status_code == 403
    saved = Look(clerk.call("POST", f"/console{desk.path()}", data=form))
    assert saved.status == 303, saved.text
    assert [(str(line["quantity"].normalize()), str(line["unit_price"].amount.normalize())) for line in desk.lines()] == [
        ("5", "1E+2"),
        ("1", "7.5"),
    ]


def test_who_does_not_see_a_product_is_told_neither_its_name_nor_its_price(client: Api, desk: Desk, people: People) -> None:
    work = desk.work
    role = id_of(work.records("core.role").create({"key": "clerk", "name": "Clerk"}))
    for permission in ("orders.quote.read", "orders.quote.update"):
        work.records("core.grant").create({"role": role, "permission": permission, "scope": "all"})
    work.records("core.user").update(people.rep, {"roles": ["clerk"], "team": None})
    clerk = client.as_user(people.rep)
    priced = clerk.post(f"{API}/quotes/{desk.quote}/prices", {"lines": [{"product": str(desk.sensor), "quantity": "1"}]})
    assert [one["code"] for one in priced.json["lines"][0]["errors"]] == ["no_such_record"]
    assert "19.99" not in priced.text
    assert "Sensor" not in priced.text
    rows = [*rows_of(Site(clerk).get(desk.path())), {"product": str(desk.sensor), "quantity": "1"}]
    asked = send(Site(clerk), desk.path(), rows, act="check")
    assert (asked.status, "19.99" in asked.text, "Sensor" in asked.text) == (200, False, False)
    assert len(asked.all("//input[@aria-invalid]")) == 1, "the line that had its product before keeps its price"
    (grant,) = work.records("core.grant").find(where(role="clerk", permission="orders.quote.update"), 2)
    work.records("core.grant").delete(id_of(grant))
    assert send(Site(clerk), desk.path(), rows, act="check").status == 403


def test_an_invoice_comes_to_the_cent_to_what_its_sheet_said_also_in_parts(client: Api, desk: Desk) -> None:
    work, site = desk.work, Site(client)
    account = work.records("orders.quote").values([desk.quote])[desk.quote]["account"]
    order = id_of(work.records("orders.order").create({"name": "Parts", "account": account, "currency": "USD"}))
    line = id_of(
        work.records("orders.order_line").create({"order": order, "description": "Seal", "quantity": 3, "unit_price": usd("0.335")})
    )
    work.records("orders.order").update(order, {"state": "confirmed"})
    billed = [{"order_line": str(line), "quantity": "1"}]
    client.post(f"{API}/orders/{order}/invoices", {"lines": billed})
    invoice = client.post(f"{API}/orders/{order}/invoices", {"lines": billed}).json["id"]
    path = f"/orders/invoices/{invoice}/lines"
    page = site.get(path)
    assert page.texts("//td[@data-out='net']")[0] == "$0.33", "with the one before it is 0.67"
    (row,) = rows_of(page)
    asked = send(site, path, [{**row, "quantity": "2"}], known=known(page), act="check")
    assert asked.texts("//td[@data-out='net']")[0] == "$0.67"
    too_many = send(site, path, [{**row, "quantity": "9"}], known=known(page), act="check")
    assert "is more than the 2" in " ".join(too_many.texts("//td[contains(@class, 'quantity')]//p"))
    assert send(site, path, [{**row, "quantity": "2"}], known=known(page)).status == 303
    assert client.get(f"{API}/invoices/{invoice}").json["net"] == {"amount": "0.67", "currency": "USD"}
