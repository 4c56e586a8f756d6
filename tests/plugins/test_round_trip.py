"""What is exported is imported again, unchanged: every entity of every plugin, every type of field."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.context import Work
from core.custom.kinds import KINDS
from core.platform import Platform
from core.testkit.fixtures import MakeTenant
from core.testkit.leaks.cells import value
from plugins.import_export import imports
from plugins.import_export.undo import undoing
from plugins.orders import invoices
from plugins.orders.reversals import reverse
from sdk import Conflict, Draft, Forbidden, Outcome, Refusal, Verb, where
from sdk import fields as f
from sdk.context import Row, id_of
from sdk.fields import (
    AnyRecordField,
    BooleanField,
    ChoiceField,
    CurrencyField,
    DateField,
    DateTimeField,
    DecimalField,
    Field,
    KeysField,
    LinkField,
    Money,
    MoneyField,
    Reference,
)
from tests.plugins.drawn import drawn
from tests.plugins.exported import exported, rows_of
from tests.plugins.imports import import_file

type_work_as = Callable[..., Work]
PLAIN, ODD, LAST = 0, 1, 2
SAID: Mapping[tuple[str, str], object] = {
    ("automation.inlet", "rule"): None,  # either an entity or a rule
    ("leads.lead", "campaign"): None,  # by which a touch is made beside it, and by its import another one
    ("leads.lead", "source"): None,
    ("orders.invoice_line", "order_line"): None,  # no more of it than was ordered, at the terms of the order; see the closed documents
    ("orders.payment", "amount"): Money(Decimal("1.50"), "USD"),  # no more than the order's plan asks for
    ("orders.payment", "reverses"): None,  # takes another one back: see the payments that were reversed
    ("teamwork.target", "team"): None,  # a person or a team
}
"""What rules of an entity ask of its values."""
WORDS = {"origins": "https://www.example.com", "required_fields": "amount"}
"""What fits lists of keys that are no records'."""
JSON_TOO = ("customers.account", "custom.case", "teamwork.task")
"""They have fields of every type."""


UNFILLED: Mapping[str, tuple[str, ...]] = {
    "automation.inlet": ("rule",),
    "automation.webhook": ("events",),
    "console.view": ("layout_field", "words"),
    "core.custom_entity": ("parent",),
    "core.custom_field": ("default", "expression", "link", "measure", "required_if", "result", "shown_if", "source", "where"),
    "core.grant": ("only_fields",),
    "core.share": ("expires_at",),
    "core.team": ("manager",),
    "customers.account": ("custom.my_any_record",),
    "forecast.factor": ("market_series",),
    "forecast.series": ("conditions", "split_by"),
    "leads.lead": ("campaign", "source"),
    "orders.invoice_line": ("order_line",),
    "orders.payment": ("invoice", "reverses"),
    "reports.dashboard": ("role",),
    "teamwork.kpi": ("activity_kind",),
    "teamwork.target": ("activity_kind", "number", "team"),
    "teamwork.task_template": ("entity",),
    "teamwork.template_task": ("person",),
}
"""What stands in no record here: it is for another kind of record than these are, or instead of what they have. All else does."""
LINES = "orders.invoice_line"


def takes(work: Work, name: str) -> bool:
    """Whether its records come in by hand, and so by an import."""
    return {Verb.READ, Verb.CREATE} <= work.entity(name).verbs


def in_order(work: Work) -> list[str]:
    """The entities that take records, in an order in which each comes behind what it links to; what stands alone comes last."""
    names = [name for name in work.entities() if takes(work, name)]
    linked = {name: links_of(work, name) & {*names} - {name} for name in names}
    alone = {name for name in names if not linked[name] and not any(name in others for others in linked.values())}
    order = ["core.custom_entity", "core.custom_field", "core.role", "core.team", "core.user"]
    while left := [name for name in names if name not in order]:
        ready = [name for name in left if linked[name] <= {*order} and name not in alone]
        order.append(ready[0] if ready else min(left, key=lambda name: (name in alone, len(linked[name] - {*order}))))
    return order


def links_of(work: Work, name: str) -> set[str]:
    """The entities that its records may point to; accounts stand for any."""
    fields = [one for one in work.records(name).fields().values() if not one.readonly]
    anything = {"customers.account"} if any(isinstance(one, AnyRecordField) for one in fields) else set()
    keys = {one.of for one in fields if isinstance(one, KeysField) and one.of and takes(work, one.of)}
    return anything | keys | {work.target(name, one.name) for one in fields if isinstance(one, LinkField)}


def links_to_itself(work: Work, name: str) -> list[str]:
    """The fields by which its records name others of the same entity, and so rows other rows of their file."""
    fields = [one for one in work.records(name).fields().values() if not one.readonly]
    return [one.name for one in fields if isinstance(one, LinkField) and work.target(name, one.name) == name]


def turn_round(work: Work, name: str, links: Sequence[str], ids: Sequence[UUID]) -> None:
    """The first record names the second one, and that the last: their rows have to wait for each other."""
    for id, other in zip(reversed(ids), (None, *reversed(ids)), strict=False):
        work.records(name).update(id, dict.fromkeys(links, other))


@dataclass
class Filling:
    """Fills a tenant with two records of each entity: one plain, and one with whatever else its fields take; and a last one that names no other."""

    work: Work
    made: dict[str, list[UUID]] = field(default_factory=dict)

    def fill(self, name: str, *serials: int) -> None:
        for serial in serials or (PLAIN, ODD):
            fields = {n: one for n, one in self.work.records(name).fields().items() if not one.readonly and not one.secret}
            values = {n: made for n, one in fields.items() if (made := self._value(name, one, serial)) is not None}
            if (id := self._write(name, fields, values)) is not None:
                self.made.setdefault(name, []).append(id)

    def _write(self, name: str, fields: Mapping[str, Field], values: dict[str, Any]) -> UUID | None:
        while True:
            try:
                (outcome,) = self.work.records(name).write([Draft("create", values)])
            except Refusal:  # of the whole write, which names no field
                return None
            if outcome.refusal is None:
                return outcome.id
            wrong = self._wrong(fields, values, outcome)
            if not wrong:
                return None
            for one in wrong:
                del values[one]

    @staticmethod
    def _wrong(fields: Mapping[str, Field], values: Mapping[str, Any], outcome: Outcome) -> list[str]:
        assert outcome.refusal is not None
        named = [problem.field for problem in outcome.refusal.problems if problem.field in values]
        return list(dict.fromkeys(named)) or [name for name in values if not fields[name].required][-1:]

    def _value(self, name: str, of: Field, serial: int) -> object:
        if (name, of.name) in SAID:
            return SAID[name, of.name]
        if isinstance(of, LinkField):
            target = self.work.target(name, of.name)
            there = self.made.get(target) if (target, serial) != (name, LAST) else None
            return there[0] if there else None
        if isinstance(of, AnyRecordField):
            about = self.made.get("customers.account")
            return Reference("customers.account", about[serial % 2]) if about and name != "customers.account" else None
        if of.example == f.NO_EXAMPLE:
            return None
        if isinstance(of, KeysField) and of.of == "core.role":
            return ["sales_manager"]
        if isinstance(of, KeysField) and of.of in self.made:
            return [self.work.records(of.of).get(id)["key"] for id in self.made[of.of][: serial + 1]]
        if isinstance(of, KeysField) and of.name in WORDS:
            return [WORDS[of.name]]
        if of.kind == "people":
            return [str(id) for id in self.made["core.user"][: serial + 1]]
        if serial == ODD:
            return _odd(of)
        return _plain(of, self.work.tenant.currency, 4 if serial == PLAIN else 5)


def _plain(of: Field, currency: str, number: int) -> object:
    if of.default is not None and isinstance(of, ChoiceField | BooleanField):
        return of.default
    if isinstance(of, CurrencyField):
        return currency
    if isinstance(of, MoneyField):
        return Money(Decimal("1234.50"), currency)
    return value(of, number)


def _odd(of: Field) -> object:
    if isinstance(of, MoneyField):
        return Money(Decimal("-0.10") if of.least is None else Decimal("7.25"), "EUR")
    if isinstance(of, DateField):
        return date(1900, 1, 1)  # the first day of business, before the days of workbooks
    if isinstance(of, DateTimeField):
        return datetime(2026, 3, 29, 1, 30, 59, 123456, tzinfo=UTC)
    if isinstance(of, DecimalField) and of.least is None:
        return Decimal("-0.0001") if of.places >= 4 else Decimal(-3)
    if isinstance(of, KeysField) and of.options:
        return list(of.options)[:3]
    if of.kind == "text" and not of.example and getattr(of, "pattern", 1) is None:
        return "=1+1;\"'"
    if of.kind == "long_text" and not of.example:
        return '\'-one, "two"\r\n\r\n=three;\n@\t\u5f20'
    return value(of, 9)


def define(work: Work) -> None:
    """An entity of the tenant's own, and a field of each kind there and on accounts."""
    work.records("core.custom_entity").create({"key": "case", "label": "Case"})
    options = [{"key": "one", "label": "One", "label_zh": "\u4e00"}, {"key": "two", "label": "Two", "label_zh": "\u4e8c"}]
    for entity in ("customers.account", "custom.case"):
        for key, kind in KINDS.items():
            more = ({"options": options} if kind.options else {}) | ({"target": "customers.account"} if kind.target else {})
            if kind.written:
                work.records("core.custom_field").create({"entity": entity, "key": f"my_{key}", "kind": key, "label": f"My {key}", **more})


@pytest.mark.feature("C16")
def test_every_entity_comes_back_as_it_went_out_to_the_byte(platform: Platform, make_tenant: MakeTenant) -> None:
    one, other = (platform.system(make_tenant(name).id) for name in ("one", "other"))
    define(one)
    entities, filling = in_order(one), Filling(one)
    to_themselves = {name: mine for name in entities if (mine := links_to_itself(one, name))}
    theirs = {"core.team", "core.user", "core.territory", "customers.account", "automation.rule", "orders.payment", "teamwork.task"}
    assert {*to_themselves} == theirs
    for name in entities:
        filling.fill(name)
        if name in to_themselves:
            filling.fill(name, LAST)
        if name in to_themselves and name not in ("automation.rule", "orders.payment"):  # a draft stays that of its rule
            turn_round(one, name, to_themselves[name], filling.made[name])
    assert [name for name in entities if name not in filling.made] == []
    filled = [(name, id) for name in (JSON_TOO[0], "teamwork.task", "teamwork.comment", "leads.lead") for id in filling.made[name]]
    lists = {name for entity, id in filled for name, value in one.records(entity).get(id).items() if value and isinstance(value, list)}
    assert lists >= {"tags", "helpers", "mentions", "custom.my_keys"}
    kinds = {type(field).kind for name in entities for field in one.records(name).fields().values() if not field.readonly}
    assert kinds >= {kind.kind for kind in (AnyRecordField, BooleanField, ChoiceField, CurrencyField, DateField, DateTimeField, DecimalField,
                                            KeysField, LinkField, MoneyField)}  # fmt: skip
    files, before = (
        {name: exported(one, name) for name in entities},
        {name: exported(other, name) for name in entities if other.offers(name)},
    )
    filled = {(name, column) for name in entities for row in rows_of(files[name]) for column, cell in row.items() if cell}
    there = {(name, column) for name in entities for column in rows_of(files[name])[0]}
    assert there - filled == {(name, column) for name, columns in UNFILLED.items() for column in columns}
    lines, records = {name: exported(one, name, "jsonl") for name in JSON_TOO}, list[Row]()
    for name in entities:
        done = import_file(other, name, files[name])
        records.append(done.record)
        assert {row["code"] for row in done.rows} <= {"duplicate"}, (name, done.rows)  # a new tenant has some roles and sequences already
    back = {name: exported(other, name) for name in entities}
    assert back == files
    assert {name: exported(other, name, "jsonl") for name in lines} == lines
    third = platform.system(make_tenant("third").id)
    for name in entities[: entities.index("customers.account") + 1]:
        done = import_file(third, name, exported(one, name, "jsonl"))
        assert {row["code"] for row in done.rows} <= {"duplicate"}, (name, done.rows)
    assert exported(third, "customers.account") == files["customers.account"]
    for record in reversed(records):
        ended = taken_back(other, record)
        told = [str(row["reason"]) for row in imports.rows(other, id_of(record), "conflict", 9, "").data]
        if ended["entity"] != "core.custom_entity":
            assert (ended["state"], told) == ("undone", []), ended["entity"]
    assert "including those in the recycle bin" in told[0], "such a kind of record stays as long as there are some"
    counted = ("core.custom_entity", "company.sequence")  # and no number is given out twice
    left = {name: exported(other, name) for name in before if name not in counted}
    assert left == {name: before[name] for name in left}


class Anything(Filling):
    """The same with whatever values are drawn; names of records stay apart, since by them links are found again."""

    def __init__(self, work: Work, data: st.DataObject) -> None:
        super().__init__(work)
        self._draw = data.draw

    def _value(self, name: str, of: Field, serial: int) -> object:
        if isinstance(of, LinkField) and (name, of.name) not in SAID:
            there = self.made.get(self.work.target(name, of.name), [])
            return self._draw(st.sampled_from([*there, *([] if of.required and there else [None])]))
        if isinstance(of, LinkField | AnyRecordField) or of.example == f.NO_EXAMPLE or (name, of.name) in SAID:
            return super()._value(name, of, serial)
        value = self._draw(drawn(of) if of.required else drawn(of) | st.none())
        return f"{value} {serial}" if serial and isinstance(value, str) and self._names(name, of) else value

    def _names(self, name: str, of: Field) -> bool:
        return of.name == self.work.entity(name).title or of.match or of.unique


def wiped(work: Work, *names: str) -> None:
    """No record of these is there any more."""
    for name in names:
        records = work.records(name)
        records.write_all([Draft("delete", {}, id_of(row)) for row in records.find(())])


@pytest.mark.feature("C16")
@settings(max_examples=4)
@given(data=st.data())
def test_any_values_of_every_kind_come_back_once_all_is_wiped(defined: Work, data: st.DataObject) -> None:
    names, filling = ("customers.account", "custom.case"), Anything(defined, data)
    for name in names:
        filling.fill(name)
    format = data.draw(st.sampled_from(["csv", "xlsx", "jsonl"]))
    files, plain = ({name: exported(defined, name, kind) for name in names} for kind in (format, "csv"))
    wiped(defined, *reversed(names))
    for name in names:
        reasons = import_file(defined, name, files[name], duplicates="take").reasons
        assert all(code in ("totals", "remark", "share_of_one") for _row, _column, code in reasons), (
            format,
            name,
        )  # taken, and wondered at
    assert {name: exported(defined, name) for name in names} == plain, format
    wiped(defined, *reversed(names))


@pytest.mark.feature("C16")
def test_records_that_share_their_names_come_back_with_all_that_names_them_once_all_is_wiped(work_as: type_work_as) -> None:
    """Links to them are ids, and their own file has these beside them: so they do wherever, and however often, they come back."""
    work, names = work_as(), ("customers.account", "customers.contact", "teamwork.task")
    accounts = [work.records(names[0]).create({"name": "Alder", "city": city})["id"] for city in ("Ulm", "Bonn")]
    parent = None
    for serial, account in enumerate((*accounts, accounts[0])):
        work.records(names[1]).create({"name": "Ann Lee", "account": account, "title": f"{serial}"})
        task = {"subject": "Call back", "about": Reference(names[0], account), "parent_task": parent}
        parent = work.records(names[2]).create(task)["id"]
    ids = {"en": "ID in another system", "zh_CN": "\u5176\u4ed6\u7cfb\u7edf\u4e2d\u7684\u7f16\u53f7"}
    for format, locale in (("csv", ""), ("jsonl", ""), ("csv", "en"), ("xlsx", "zh_CN")):
        headings = {"headings": "labels"} if locale else {}
        files = {name: exported(work.speaking(locale or "en"), name, format, **headings) for name in names}
        plain = {name: exported(work, name) for name in names}
        assert plain[names[1]].startswith(b"external_id,name") and str(accounts[1]).encode() in plain[names[1]]
        assert (
            not locale or (cells_of(files[names[1]])[0][0] if format == "xlsx" else next(iter(rows_of(files[names[1]])[0]))) == ids[locale]
        )
        wiped(work, *reversed(names))
        for name in names:
            done = import_file(work, name, files[name], duplicates="take")
            assert (done.state, done.reasons) == ("succeeded", []), (format, name)
        assert {name: exported(work, name) for name in names} == plain
    assert {row["account"] for row in work.records(names[1]).find(())} == {row["id"] for row in work.records(names[0]).find(())}


@pytest.fixture
def defined(platform: Platform, make_tenant: MakeTenant) -> Work:
    """A tenant with an entity of its own, and fields of every kind."""
    work = platform.system(make_tenant("defined").id)
    define(work)
    return work


def test_what_no_import_takes_says_so_by_its_verbs_and_is_exported_all_the_same(work_as: type_work_as) -> None:
    work = work_as()
    for name in [name for name in work.entities() if not takes(work, name)]:
        assert exported(work, name, fields=("*",)).startswith(b"id,")
        with pytest.raises(Forbidden):
            import_file(work, name, "id\n")


def cells_of(content: bytes) -> list[list[object]]:
    """The cells of a workbook, as another reader sees them."""
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


@pytest.mark.feature("C16")
def test_a_workbook_and_a_file_with_all_that_can_be_read_come_back(platform: Platform, make_tenant: MakeTenant) -> None:
    one = platform.system(make_tenant("one", timezone="America/New_York").id)
    books, whole = (platform.system(make_tenant(name, timezone="Asia/Shanghai", locale="zh_CN").id) for name in ("books", "whole"))
    define(one)
    filling = Filling(one)
    names = ("core.custom_entity", "core.custom_field", "core.team", "core.user", "catalog.product", "customers.account", "custom.case",
             "customers.contact", "pipeline.pipeline", "pipeline.stage", "pipeline.deal", "teamwork.task", "teamwork.activity")  # fmt: skip
    for name in names:
        filling.fill(name)
    one.records("custom.case").create(
        {
            "name": "Between",
            "custom.my_datetime": "2026-11-01T05:30:00Z",
            "custom.my_decimal": "1.234",
            "custom.my_money": {"amount": "1.234", "currency": "KWD"},
        }
    )
    one.records("custom.case").create(
        {"name": "Large", "custom.my_decimal": "1234567890123.4567", "custom.my_datetime": "2026-07-01T12:00:00Z"}
    )
    for name in names:
        workbook, everything = exported(one, name, "xlsx", headings="labels"), exported(one, name, fields=("*",))
        for other, content in ((books, workbook), (whole, everything)):
            done = import_file(other, name, content)
            assert done.rows == [], [(row["column"], row["value"], row["code"]) for row in done.rows]
        plain = exported(one, name)
        assert exported(books, name) == exported(whole, name) == plain, name
        assert exported(books, name, "jsonl") == exported(one, name, "jsonl"), name
    instants = [row[-1] for row in cells_of(exported(one, "custom.case", "xlsx", fields=("custom.my_datetime",)))]
    assert {type(cell) for cell in instants[1:]} == {str, datetime}


@pytest.mark.feature("C12")
def test_imports_of_quotes_orders_lines_contracts_plans_and_payments_are_taken_back_but_for_money_that_was_reversed(
    platform: Platform, make_tenant: MakeTenant
) -> None:
    one, other = (platform.system(make_tenant(name).id) for name in ("one", "other"))
    entities, filling = (
        [name for name in in_order(one) if name.startswith(("orders.", "catalog.product", "customers.account"))],
        Filling(one),
    )
    for name in entities:
        filling.fill(name)
    entities = [name for name in entities if name in filling.made and name != LINES]  # of drafts, which only ids tell apart
    assert {
        "orders.quote_line",
        "orders.order_line",
        "orders.contract",
        "orders.invoice",
        "orders.instalment",
        "orders.payment",
    } <= {*entities}
    before = {name: exported(other, name) for name in entities}
    files = {name: exported(one, name) for name in entities}
    done = {name: import_file(other, name, files[name]) for name in entities}
    assert exported(other, "orders.payment") == files["orders.payment"]
    for name in reversed(done):
        ended = taken_back(other, done[name].record)
        assert (ended["state"], ended["undone"], ended["conflicts"]) == ("undone", 2, 0), name
    assert {name: exported(other, name) for name in entities} == before
    assert other.records("orders.allocation").find(()) == []
    third = platform.system(make_tenant("third").id)
    done = {name: import_file(third, name, files[name]) for name in entities}
    first, second = third.records("orders.payment").find(())
    reverse(third, id_of(second))
    paid_back = taken_back(third, done["orders.payment"].record)
    assert (paid_back["state"], paid_back["undone"], paid_back["conflicts"]) == ("partly_undone", 1, 1)
    plan = third.records("orders.instalment").find(())
    numbers = {id: row["number"] for id, row in third.records("orders.order").values([row["order"] for row in plan]).items()}
    rest = "".join(f"{numbers[row['order']]},2026-01-10,{row['open'].amount} {row['open'].currency}\n" for row in plan)
    settling = import_file(third, "orders.payment", f"order,received on,amount\n{rest}")
    assert {row["settled"] for row in third.records("orders.instalment").find(())} == {True}
    assert taken_back(third, settling.record)["state"] == "undone"
    assert [(row["open"], row["settled"]) for row in third.records("orders.instalment").find(())] == [
        (row["open"], row["settled"]) for row in plan
    ]
    with pytest.raises(Conflict, match="enter it again"):
        third.records("orders.payment").restore(id_of(first))
    with pytest.raises(Conflict, match="reverse it"):
        third.records("orders.payment").delete(id_of(second))


@pytest.mark.feature("C16")
def test_payments_that_were_reversed_come_back_in_their_order_and_go_again(platform: Platform, make_tenant: MakeTenant) -> None:
    one, other = (platform.system(make_tenant(name).id) for name in ("one", "other"))
    names = ("customers.account", "orders.order", "orders.order_line", "orders.instalment", "orders.payment")
    account = one.records(names[0]).create({"name": "Alder"})
    order = one.records(names[1]).create({"name": "Pumps", "account": account["id"], "currency": "USD"})
    amount, part = ({"amount": money, "currency": "USD"} for money in ("100.00", "25.00"))
    one.records(names[2]).create({"order": order["id"], "description": "Pump", "quantity": 1, "unit_price": amount})
    for share, due_on in ((80, "2026-03-01"), (20, "2026-04-01")):
        one.records(names[3]).create({"order": order["id"], "share": share, "due_on": due_on})
    received = {"order": order["id"], "amount": part, "received_on": "2026-01-12"}
    for _time in range(3):  # each settles what the one before it had settled, also where there would be room for both
        last = one.records(names[4]).create(received)
        reverse(one, id_of(last))
    one.records(names[4]).create(received)
    files = {name: exported(one, name) for name in names}
    tried = {name: import_file(other, name, files[name], dry_run=name == names[4]) for name in names}
    done = import_file(other, names[4], files[names[4]])
    assert [one_.counts for one_ in (tried[names[4]], done)] == [{"created": 7}] * 2
    assert {name: exported(other, name) for name in names} == files
    plans = [[row["open"] for row in work.records(names[3]).find(())] for work in (one, other)]
    assert plans[0] == plans[1] == [Money(Decimal(money), "USD") for money in ("55.00", "20.00")]
    third, by_amount = platform.system(make_tenant("third").id), exported(one, names[4], sort=("amount",))
    for name in names[:4]:
        import_file(third, name, files[name])
    assert [import_file(third, names[4], by_amount, dry_run=dry_run).counts for dry_run in (True, False)] == [{"created": 7}] * 2
    assert exported(third, names[4], sort=("amount",)) == by_amount
    settled = [[(row["amount"], row["open"]) for row in work.records(names[3]).find(())] for work in (one, third)]
    assert settled[0] == settled[1], "each settles what it had settled, however the rows are sorted"
    again = import_file(other, names[4], files[names[4]])
    assert (again.state, {row["code"] for row in again.rows}) == ("failed", {"id_taken"})
    with pytest.raises(Refusal, match="some values are invalid"):
        other.records(names[4]).create(
            {**received, "order": other.records(names[1]).find(())[0]["id"], "reverses": other.records(names[4]).find(())[-1]["id"]}
        )
    ended = taken_back(other, done.record)
    assert (ended["state"], ended["undone"], ended["conflicts"]) == ("undone", 7, 0)
    assert [row["open"] for row in other.records(names[3]).find(())] == [Money(Decimal(money), "USD") for money in ("80.00", "20.00")]
    paid, back, again_paid = other.new_ids([0, 1, 2])
    number = other.records(names[1]).find(())[0]["number"]
    rows = ((paid, 100, ""), (again_paid, 100, ""), (back, -100, paid))
    file = "external_id,order,received_on,amount,reverses\n" + "".join(f"{id},{number},2026-01-12,{sum} USD,{of}\n" for id, sum, of in rows)
    apart = import_file(other, names[4], file)
    assert apart.counts == {"created": 3}
    for some, state, undone in (
        ({2, 3}, "partly_undone", 2),
        ((), "undone", 3),
    ):  # a reversal whose payment stays: what was paid for it goes first
        ended = taken_back(other, apart.record, some)
        assert (ended["state"], ended["undone"], ended["conflicts"]) == (state, undone, 0)


def taken_back(work: Work, record: Row, rows: Collection[int] = ()) -> Row:
    """The import after its undo, or that of some rows."""
    return undoing.carry_out(work, undoing.begin_undo(work, undoing.permit_undo(work, id_of(record))), rows)


@pytest.mark.feature("C16")
def test_closed_documents_with_their_lines_come_back_as_history_by_the_ids_of_their_export(
    platform: Platform, make_tenant: MakeTenant
) -> None:
    one, other = (platform.system(make_tenant(name).id) for name in ("one", "other"))
    entities = (
        "customers.account",
        "orders.quote",
        "orders.quote_line",
        "orders.order",
        "orders.order_line",
        "orders.instalment",
        "orders.invoice",
        "orders.invoice_line",
    )
    _sell(one)
    files = {name: exported(one, name, fields=("*",)) for name in entities}
    for name in entities:
        own = [] if name == "customers.account" else ["id=external_id"]
        done = import_file(other, name, files[name], history=True, map=own, system="export")
        assert done.reasons == [], name

    def told(work: Work, name: str) -> list[dict[str, object]]:
        """What stands in its records, with the places of lines for their ids."""
        rows = {entity: {id_of(row): place for place, row in enumerate(work.records(entity).find(()))} for entity in entities}
        places = {id: place for found in rows.values() for id, place in found.items()}
        apart = ("id", "created_at", "updated_at", "version", "history")
        return [{key: places.get(value, value) for key, value in row.items() if key not in apart} for row in work.records(name).find(())]  # type: ignore[call-overload]

    for name in entities:
        assert told(other, name) == told(one, name), name


def _sell(work: Work) -> None:
    """A quote; an order of two lines, of which one is billed and partly credited, with a plan from when there was one line alone."""
    account = work.records("customers.account").create({"name": "Alder"})
    price = {"amount": "9.99", "currency": "USD"}
    more = {"account": account["id"], "currency": "USD"}
    quote = work.records("orders.quote").create({"name": "Pumps", **more})
    order = work.records("orders.order").create({"name": "Pumps", **more, "quote": quote["id"]})
    for name, link, of in (("orders.quote_line", "quote", quote), ("orders.order_line", "order", order)):
        lines = [
            {link: of["id"], "description": text, "quantity": 3, "unit_price": price, "discount": "2.5", "tax_rate": 19}
            for text in ("=Pump", "Seal")
        ]
        for line in lines:
            work.records(name).create(line)
            if of is order and line is lines[0]:
                for share in (30, 70):
                    work.records("orders.instalment").create({"order": order["id"], "share": share, "due_on": "2026-03-01"})
    work.records("orders.order").update(id_of(order), {"state": "confirmed"})
    invoice = invoices.bill(work, id_of(order), None)
    invoices.issue(work, id_of(invoice))
    line = work.records("orders.invoice_line").find(where(invoice=invoice["id"]), 1)[0]
    invoices.credit(work, id_of(invoice), {id_of(line): Decimal(1)})


def test_records_that_read_like_totals_notes_or_nothing_come_back(platform: Platform, make_tenant: MakeTenant) -> None:
    one = platform.system(make_tenant("one").id)
    for name in ("Total", "\u5408\u8ba1", "3 rows", "\u5236\u5355\u4eba\uff1a\u5f20\u4e09", "NULL", "N/A", "'Total"):
        one.records("customers.account").create({"name": name, "phone": "010 1234 5678"})
        one.records("customers.contact").create({"name": name, "account": name})
    names = ("customers.account", "customers.contact")
    for format, fields in (("csv", ()), ("xlsx", ("phone", "name")), ("jsonl", ("name",)), ("csv", ("name",))):
        other = platform.system(make_tenant(f"{format}{len(fields)}").id)
        for name in names:
            done = import_file(
                other, name, exported(one, name, format, fields=fields if name == names[0] else ()), duplicates="take", nothing="all"
            )
            assert (done.state, done.counts["created"]) == ("succeeded", 7), (format, done.rows)
        assert exported(other, names[1]) == exported(one, names[1])
