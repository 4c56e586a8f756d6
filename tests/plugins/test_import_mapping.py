"""Cells that are made before they are read: joined, split, brought into a form; and ids of other systems."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from plugins.import_export.failed import failed_file
from plugins.import_export.files import Reading, open_book
from plugins.import_export.mapping.shaping import e164, parts_of, split_name
from plugins.import_export.mapping.suggest import guessed, suggestion
from plugins.import_export.mapping.units import unit_of
from plugins.import_export.undo import undoing
from plugins.pipeline.template import DIRECT, apply
from sdk import BadRequest, Draft, where
from sdk.context import id_of
from sdk.fields import Money, Reference
from tests.plugins.imports import Done, written

Take = Callable[..., Done]


@pytest.mark.feature("C4")
def test_names_are_joined_numbers_get_their_country_and_values_are_mapped(taken: Take, work: Work) -> None:
    content = "First name,Last Name,Mobile,E-mail\n Anna ,van  Dyk,(030) 1234-567, A@B.example \n伟,李,0049 30 / 7654321,\n,Solo,call me,\n"
    done = taken("customers.contact", content, transform=["phone:e164=49", "name:trim"])
    assert done.reasons == [(3, "Mobile", "malformed")]
    assert [(row["name"], row["phone"], row["email"]) for row in work.records("customers.contact").find(())] == [
        ("Anna van Dyk", "+49301234567", "a@b.example"), ("李伟", "+49307654321", None),
    ]  # fmt: skip
    joined = taken("customers.account", "Street,No,Firm\nMain Street,5,A\n", map=["Firm=name"], join=["address=Street+No"])
    assert (joined.counts, work.records("customers.account").find(())[0]["address"]) == ({"created": 1}, "Main Street 5")
    assert [one.ignored for one in (done, joined)] == [None, None], "what a cell is made of is not left out"
    halves = taken("leads.lead", "Person,Company\n欧阳 娜娜,A\n", map=["Person=name"], split=["Person=title+source"])
    assert halves.counts == {"created": 1}
    assert [(row["title"], row["source"]) for row in work.records("leads.lead").find(())] == [("娜娜", "欧阳")]
    for wish in (
        {"join": ["name"]},
        {"join": ["name=Nothing"]},
        {"split": ["x=a"]},
        {"transform": ["name:shout"]},
        {"transform": ["nme:trim"]},
    ):
        with pytest.raises(BadRequest):
            taken("customers.account", "name\nA\n", **wish)


@pytest.mark.parametrize(
    ("name", "given_", "family"),
    [("李伟", "伟", "李"), ("李 伟", "伟", "李"), ("欧阳娜娜", "娜娜", "欧阳"), ("欧阳", "阳", "欧"), ("Anna van Dyk", "Anna", "van Dyk"), ("van Dyk,  Anna", "Anna", "van Dyk"), ("Cher", "", "Cher"), ("", "", "")],
)  # fmt: skip
def test_a_name_has_two_halves_in_either_language(name: str, given_: str, family: str) -> None:
    assert split_name(name) == (given_, family)


@pytest.mark.parametrize(
    ("heading", "word", "cells"),
    [
        ("金额（万元）", "金额", ["12万 元", "-1.5万 元", "5万 USD", "3亿 元", "", "n/a"]), ("营业额(千)", "营业额", ["12千", "-1.5千", "5千 USD", "3亿", "", "n/a"]),
        ("Amount (USD)", "Amount", ["12 USD", "-1.5 USD", "5 USD", "3亿 USD", "", "n/a"]), ("Revenue [k€] *", "Revenue", ["12千 €", "-1.5千 €", "5千 USD", "3亿 €", "", "n/a"]),
        ("合同金额万元", "合同金额", ["12万 元", "-1.5万 元", "5万 USD", "3亿 元", "", "n/a"]), ("Umsatz in TEUR", "Umsatz", ["12千 EUR", "-1.5千 EUR", "5千 USD", "3亿 EUR", "", "n/a"]),
        ("Sales (Mio. €)", "Sales", ["12百万 €", "-1.5百万 €", "5百万 USD", "3亿 €", "", "n/a"]), ("收入/亿美元", "收入", ["12亿 USD", "-1.5亿 USD", "5亿 USD", "3亿 USD", "", "n/a"]),
    ],
)  # fmt: skip
def test_a_heading_says_the_unit_of_the_numbers_below_it(heading: str, word: str, cells: list[str]) -> None:
    said, unit = unit_of(heading)
    assert unit is not None
    assert (said, unit.given(["12", "(1.5)", "USD 5", "3亿", "", "n/a"], money=True)) == (word, cells)


@pytest.mark.parametrize(
    "heading",
    [
        "Amount",
        "Weight (kg)",
        "Length (m)",
        "增长（%）",
        "Amount (old)",
        "Class [key|normal]",
        "Starts (UTC)",
        "人数（人）",
        "Name in full",
        "A/B",
        "Owner (K)",
        "()",
    ],
)
def test_what_else_stands_in_brackets_is_no_unit(heading: str) -> None:
    assert unit_of(heading) == (heading, None)


@pytest.mark.feature("C4")
def test_amounts_under_a_heading_with_a_unit_are_what_they_mean(taken: Take, work: Work) -> None:
    work.records("forecast.market_series").create({"name": "Retail", "unit": "亿元"})
    done = taken("customers.account", "公司名称,年收入（万元人民币）,员工人数（千）\nA,12,5\nB,1.5,0.2\nC,(3),\nD,7 CNY,1\n")
    rows = {row["name"]: (row["revenue"], row["employees"]) for row in work.records("customers.account").find(())}
    assert (done.ignored, rows) == (None, {
        "A": (Money(Decimal(120_000), "CNY"), 5_000), "B": (Money(Decimal(15_000), "CNY"), 200), "C": (Money(Decimal(-30_000), "CNY"), None),
        "D": (Money(Decimal(70_000), "CNY"), 1_000),
    })  # fmt: skip
    kept = taken(
        "forecast.market_point",
        "日期,数值（亿元）\n2012年3月,33668.6\n2012-04,5\n",
        set=["market_series=Retail"],
        map=["数值（亿元）=value"],
    )
    points = [(row["on"], row["value"]) for row in work.records("forecast.market_point").find(())]
    assert (kept.counts, points) == ({"created": 2}, [(date(2012, 3, 1), Decimal("33668.6")), (date(2012, 4, 1), Decimal(5))])
    report = '客户收入表,,\n单位：万元人民币,,2025年\n客户名称,年收入,员工人数\nG,1.5,20\nH,3 USD,\nI,"1,200",?\n'
    above = taken("customers.account", report)
    again = failed_file(work, id_of(above.record), "csv").content.replace(b"?", b"7")
    assert taken("customers.account", again).counts == {"created": 1}
    amounts = [(row["name"], row["revenue"]) for row in work.records("customers.account").find(())][-3:]
    assert (above.counts, amounts) == ({"created": 2, "failed": 1}, [
        ("G", Money(Decimal(15_000), "CNY")), ("H", Money(Decimal(30_000), "USD")), ("I", Money(Decimal(12_000_000), "CNY")),
    ])  # fmt: skip
    both = taken("customers.account", "name,revenue,Revenue (USD)\nE,5 EUR,6\n")
    assert (both.ignored, work.records("customers.account").find(where(name="E"))[0]["revenue"]) == (
        "Revenue (USD)",
        Money(Decimal(5), "EUR"),
    )
    taken("customers.account", "name,Umsatz in TEUR\nF,1.5\n", map=["Umsatz in TEUR=revenue"])
    assert work.records("customers.account").find(where(name="F"))[0]["revenue"] == Money(Decimal(1500), "EUR")


def test_a_unit_in_the_label_of_a_field_is_the_one_in_which_it_is_kept(taken: Take, work: Work) -> None:
    work.records("core.custom_field").create({"entity": "customers.account", "key": "budget", "kind": "money", "label": "Budget (kEUR)"})
    assert taken("customers.account", "Name,Budget (kEUR)\nA,12 EUR\n").counts == {"created": 1}
    assert work.records("customers.account").find(())[0]["custom.budget"] == Money(Decimal(12), "EUR")


@given(st.text(max_size=30))
def test_a_number_in_the_international_form_stays_as_it_is(cell: str) -> None:
    once = e164(cell, "86")
    assert e164(once, "49") == once or once == cell


@pytest.mark.feature("C9")
def test_ids_of_another_system_are_remembered_match_and_are_links(taken: Take, work: Work) -> None:
    ours = {"map": ["Id=external_id"], "system": "salesforce"}
    taken("customers.account", "Id,Name\n001A,Alder\n001B,Birch\n", **ours)
    content = "Id,Name,Parent Id\n001B,Birch Foods,001A\n001C,Cedar,001D\n001D,Dogwood,\n001E,Elm,009Z\n"
    links = {"map": ["Id=external_id", "Parent Id=parent.external_id"], "system": "salesforce", "mode": "upsert", "match": ["external_id"]}
    done = taken("customers.account", content, **links)
    assert (done.counts, done.reasons) == ({"updated": 1, "created": 2, "failed": 1}, [(4, "Parent Id", "no_such_record")])
    rows = {str(row["name"]): row for row in work.records("customers.account").find(())}
    assert (rows["Birch Foods"]["parent"], rows["Cedar"]["parent"]) == (rows["Alder"]["id"], rows["Dogwood"]["id"])
    assert taken("customers.account", content, **links).counts == {"unchanged": 3, "failed": 1}
    people = "Name,Account Id\nLi Wei,001C\nAnna,\n"
    assert taken("customers.contact", people, map=["Account Id=account.external_id"], system="salesforce").counts == {"created": 2}
    assert work.records("customers.contact").find(where(name="Li Wei"))[0]["account"] == rows["Cedar"]["id"]
    elsewhere = taken("customers.contact", "Name,Account Id\nOtto,001C\n", map=["Account Id=account.external_id"], system="hubspot")
    assert elsewhere.reasons == [(1, "Account Id", "no_such_record")]
    dogwood = rows["Dogwood"]["id"]
    work.records("customers.account").delete(dogwood)  # type: ignore[arg-type]
    again = taken("customers.account", "Id,Name\n001D,Dogwood\n", **{**links, "map": ours["map"]})
    assert again.counts == {"created": 1}, "what its id named has gone"
    known = {str(row["external_id"]): row["record"] for row in work.records("import_export.external_id").find(())}
    assert sorted(known) == ["001A", "001B", "001C", "001D"]
    assert known["001D"].id != dogwood  # type: ignore[union-attr]
    undoing.carry_out(work, undoing.begin_undo(work, undoing.permit_undo(work, id_of(again.record))))
    assert "001D" not in {str(row["external_id"]) for row in work.records("import_export.external_id").find(())}
    with pytest.raises(BadRequest, match="no column for 'external_id'"):
        taken("customers.account", "Name\nA\n", mode="upsert", match=["external_id"])


def test_a_column_that_is_called_as_a_kind_of_record_says_what_something_is_about(taken: Take, work: Work) -> None:
    taken("customers.account", "name\nAlder\n")
    taken("customers.contact", "name,account\nLi Wei,Alder\n")
    content = (
        "Subject,Start,Account,Contact\nCall,2026-05-01 10:00,Alder,\nVisit,2026-05-02 10:00,Alder,Li Wei\nLost,2026-05-03 10:00,Nobody,\n"
    )
    done = taken("teamwork.activity", content, map=["Start=starts_at"])
    assert (done.counts, done.reasons) == ({"created": 2, "failed": 1}, [(3, "Account", "no_such_record")])
    assert [str(row["about"]).partition(":")[0] for row in work.records("teamwork.activity").find(())] == [
        "customers.account",
        "customers.contact",
    ]
    book = open_book(io.BytesIO(content.encode()), "x.csv", Reading())
    told = suggestion(work, "teamwork.activity", book.sheets[0])["columns"]
    assert [one["field"] for one in told] == ["subject", "starts_at", "about:customers.account", "about:customers.contact"]  # type: ignore[attr-defined]
    for said, kind, left in (
        (["Account=about:customers.account", "Contact=about:customers.contact"], "contact", None),
        (["Account="], "contact", "Account"),
        (["Contact="], "account", "Contact"),
    ):
        of = taken("teamwork.activity", "Subject,Start,Account,Contact\nX,2026-05-04 10:00,Alder,Li Wei\n", map=["Start=starts_at", *said])
        assert (of.counts, of.ignored) == ({"created": 1}, left), "what is left out is for nothing"
        (row,) = work.records("teamwork.activity").find(where(subject="X"))
        assert str(row["about"]).startswith(f"customers.{kind}:")
        work.records("teamwork.activity").delete(id_of(row))
    related = "主题,时间,关联客户,联系人姓名\n电话,2026-05-01 10:00,Alder,\n拜访,2026-05-02 10:00,Alder,Li Wei\n"
    assert taken("teamwork.activity", related).counts == {"created": 2}
    explicit = taken(
        "teamwork.activity", "Subject,Start,Who\nCall,2026-05-01 10:00,Li Wei\n", map=["Start=starts_at", "Who=about:customers.contact"]
    )
    assert explicit.counts == {"created": 1}


def test_an_id_that_none_can_be_fails_its_row_alone(taken: Take) -> None:
    rows = [["Name", "Id", "Parent Id"], ["A", "a1", ""], ["B", "b\x07", ""], ["C", "c" * 300, ""], ["D", "d1", "x\x07"]]
    done = taken("customers.account", written(rows), map=["Id=external_id", "Parent Id=parent.external_id"])
    assert done.counts == {"created": 1, "failed": 3}
    assert [(number, code) for number, _column, code in done.reasons] == [(2, "control_character"), (3, "too_long"), (4, "no_such_record")]
    named = taken("customers.contact", written([["Name", "Account"], ["E", "A"], ["F", "x\x07"]]), mode="upsert", match=["name", "account"])
    assert named.counts == {"created": 1, "failed": 1}


def test_a_join_of_very_many_parts_is_refused_at_once() -> None:
    with pytest.raises(BadRequest, match="invalid join"):
        parts_of("name=" + "+".join(["x"] * 5_000), ["x"])


@pytest.mark.parametrize(("entity", "headings", "cells", "there"), [
    ("customers.contact", "Anrede;Vorname;Nachname;Firma;Telefon geschäftlich;Mobiltelefon;E-Mail-Adresse;Geburtstag;Notizen",
     "Herr;Hans;Müller;;+49 228 1;+49 170 3;hans@x.example;0.0.00;VIP",
     {"name": "Hans Müller", "phone": "+49 228 1", "email": "hans@x.example", "birthday": None, "notes": "VIP"}),
    ("customers.contact", "First Name,Last Name,Title,Job Title,E-mail Address", "Ann,Lee,Mrs.,CEO,ann@x.example",
     {"name": "Ann Lee", "title": "CEO", "email": "ann@x.example"}),
    ("customers.contact", "称谓,名,姓,单位,商务 电话,电子邮件地址,生日", "先生,小明,王,,021-1234,xm@x.example,0-0-0",
     {"name": "王小明", "phone": "021-1234", "email": "xm@x.example", "birthday": None}),
    ("customers.contact", "First Name,Last Name,Organization Title,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Value,Labels", "Ann,Lee,CTO,Work,ann@x.example,+49 30 1,",
     {"name": "Ann Lee", "title": "CTO", "email": "ann@x.example", "phone": "+49 30 1"}),
    ("customers.account", "Name 1;Straße;Ort;Land;Telefon;Umsatz;Mitarbeiter", "Ärzte KG;Am Markt 1;Bonn;DE;089/123;1.234,50 €;5",
     {"name": "Ärzte KG", "address": "Am Markt 1", "city": "Bonn", "country": "DE", "phone": "089/123", "revenue": Money(Decimal("1234.50"), "EUR"), "employees": 5}),
    ("pipeline.deal", "Deal - ID;Deal - Title;Deal - Value;Deal - Currency of Value;Deal - Expected close date", "1;Ovens;12000;EUR;2026-12-01",
     {"name": "Ovens", "amount": Money(Decimal(12000), "EUR"), "close_date": date(2026, 12, 1)}),
    ("customers.contact", "姓名,電話,電子郵件,備註,職稱", "王大明,02-2345-6789 分機 12,wang@x.example,好客戶,經理",
     {"name": "王大明", "phone": "02-2345-6789 分機 12", "email": "wang@x.example", "notes": "好客戶", "title": "經理"}),
    ("customers.account", "Name 1;Ort;Umsatz;Währg", "Öl KG;Köln;1.200,00-;CHF", {"name": "Öl KG", "revenue": Money(Decimal(-1200), "CHF")}),
    ("pipeline.deal", "销售机会名称,销售金额,币种", "二期,8.5万,人民币", {"name": "二期", "amount": Money(Decimal(85000), "CNY")}),
    ("customers.contact", "Nombre;Apellidos;Correo electrónico;Teléfono;Cargo", "José;García;jose@x.example;+34 91 123;Director",
     {"name": "José García", "email": "jose@x.example", "phone": "+34 91 123", "title": "Director"}),
    ("pipeline.deal", "商机名称(必填),商机金额（元）,币种,预计成交日期（必填项）", "一期,8万,USD,46024", {"name": "一期", "amount": Money(Decimal(80000), "USD"), "close_date": date(2026, 1, 2)}),
])  # fmt: skip
def test_exports_of_address_books_and_other_systems_are_read_without_help(
    taken: Take, work: Work, entity: str, headings: str, cells: str, there: dict[str, object]
) -> None:
    apply(work, DIRECT.key, "Sales")
    book = open_book(io.BytesIO(f"{headings}\n{cells}\n".encode()), "x.csv", Reading())
    guess = suggestion(work, entity, book.sheets[0])
    assert (guess["required"], guess["questions"]) == ([], [])
    done = taken(entity, f"{headings}\n{cells}\n")
    warned = ["counted_days"] if "46024" in cells else []
    assert {"warned": 0} | done.counts == {"created": 1, "warned": len(warned)}, done.reasons
    assert [row["code"] for row in done.rows] == warned
    (row,) = work.records(entity).find(())
    assert {name: row[name] for name in there} == there


def test_percentages_that_may_be_shares_of_one_are_asked_about_and_read_as_such_if_that_is_said(taken: Take, work: Work) -> None:
    apply(work, DIRECT.key, "Sales")
    for cells, warned in ((["0,35", "1", "0,6", "35%"], [1, 3]), (["0.5", "35"], []), (["1", "0"], []), (["0.5%", "x"], [])):
        file = "Name;Probability\n" + "".join(f"D{at};{cell}\n" for at, cell in enumerate(cells))
        told = taken("pipeline.deal", file, dry_run=True, numbers="comma" if "0,6" in cells else "").rows
        assert [row["number"] for row in told if row["code"] == "share_of_one"] == warned, cells
    done = taken("pipeline.deal", "Name,Probability\nA,0.35\nB,1\nC,.5\nD,35%\n", transform=["probability:percent"])
    assert (done.counts, [row["probability"] for row in work.records("pipeline.deal").find(())]) == ({"created": 4}, [35, 100, 50, 35])


def test_headings_in_several_languages_say_their_fields(work: Work) -> None:
    for entity, headings in {
        "customers.account": {
            "等级": "tier", "级别": "tier", "客户等级": "tier", "客户级别": "tier", "Kundenklasse": "tier", "Unternehmensname": "name",
            "Zuständiger Mitarbeiter": "owner", "公司所有者": "owner", "Domain-Name des Unternehmens": "website", "Anzahl der Mitarbeiter": "employees",
        },
        "leads.lead": {"评级": "rating", "线索级别": "rating", "线索所有者": "owner"},
        "pipeline.deal": {
            "概率": "probability", "交易所有者": "owner", "交易名称": "name", "交易阶段": "stage", "Deal-Phase": "stage",
            "Zuständiger Mitarbeiter für Deal": "owner", "Verknüpftes Unternehmen": "account",
        },
        "teamwork.activity": {"活动类型": "kind", "跟进方式": "kind", "时间": "starts_at", "活动时间": "starts_at", "Date": "starts_at"},
        "teamwork.task": {"Due Date": "due_on", "到期日期": "due_on", "Fällig am": "due_on"},
        "catalog.product": {"产品类别": "series", "启用": "active", "Warengruppe": "series"},
    }.items():  # fmt: skip
        fields = work.records(entity).fields()
        assert {heading: guessed(work, fields, [heading])[0].field for heading in headings} == headings


def test_a_column_of_labels_that_can_be_no_tags_is_for_none_and_several_values_are_one_if_that_is_said(taken: Take, work: Work) -> None:
    book = open_book(io.BytesIO(b"Vorname,Nachname,Labels\nA,B,* starred\n"), "x.csv", Reading())
    columns = suggestion(work, "customers.contact", book.sheets[0])["columns"]
    assert [(one["field"], one["why"]) for one in columns] == [(None, "none"), (None, "none"), (None, "misfit")]  # type: ignore[attr-defined]
    labels = "Vorname,Nachname,Labels\nA,B,{}\n"
    left = taken("customers.contact", labels.format("* myContacts ::: Freunde"))
    assert (left.counts, left.ignored) == ({"created": 1}, "Labels")
    work.records("customers.tag").create({"key": "friends", "name": "Freunde"})
    assert taken("customers.contact", labels.replace("A", "C").format("* myContacts ::: Freunde")).counts == {"created": 1}
    assert [row["tags"] for row in work.records("customers.contact").find(())] == [None, ["friends"]]
    late = "".join(f"D{number},E{number},{number}\n" for number in range(60)) + "F,G,Freunde\n"
    kept = taken("customers.contact", f"Vorname,Nachname,Labels\n{late}", dry_run=True)
    assert (kept.counts["created"], kept.ignored) == (1, None), "a tag after however many other words is one"
    said = taken("customers.contact", labels.replace("A", "D").format("Kumpel"), value=["tags:Kumpel=friends"])
    assert (said.counts, [row["tags"] for row in work.records("customers.contact").find(where(name="D B"))]) == (
        {"created": 1},
        [["friends"]],
    )
    for row in work.records("customers.contact").find(()):
        work.records("customers.contact").delete(id_of(row))
    file = "Name,Email,Phone\nA,a@x.example; b@x.example,+49 301 ::: +49 302\n"
    assert [row["code"] for row in taken("customers.contact", file).rows] == ["several"]
    assert taken("customers.contact", file, transform=["email:first", "phone:first"]).counts == {"created": 1}
    (row,) = work.records("customers.contact").find(())
    assert (row["email"], row["phone"]) == ("a@x.example", "+49 301")


def test_a_column_of_currencies_says_what_the_amounts_beside_it_do_not_say_themselves(taken: Take, work: Work) -> None:
    apply(work, DIRECT.key, "Sales")
    own = work.tenant.currency
    lines = ["12000,-", '"$1,200.00",USD', '"12,000元",CNY', "1200 EUR,EUR", "12000,人民币", "5,US Dollar", "6,N/A", "7,usd", "8,USD - U.S. Dollar",
             "9 USD,", "(8.50),CHF", "7.50-,CHF", "€ 5,USD", "1,Taler", ",USD", "$5.00,EUR", "6元,USD"]  # fmt: skip
    done = taken("pipeline.deal", "Name,Amount,Currency\n" + "".join(f"D{at:02},{line}\n" for at, line in enumerate(lines)))
    rows = {str(row["name"]): row["amount"] for row in work.records("pipeline.deal").find(())}
    there = {
        name: str(value.amount.normalize().__format__("f")) + value.currency if isinstance(value, Money) else None
        for name, value in rows.items()
    }
    assert there == {
        "D00": f"12000{own}", "D01": "1200USD", "D02": "12000CNY", "D03": "1200EUR", "D04": "12000CNY", "D05": "5USD", "D06": f"6{own}", "D07": "7USD",
        "D08": "8USD", "D09": "9USD", "D10": "-8.5CHF", "D11": "-7.5CHF", "D14": None,
    }  # fmt: skip
    assert [(row["column"], row["value"], row["code"]) for row in done.rows] == [
        ("Currency", "USD", "other_currency"),
        ("Currency", "Taler", "unknown_currency"),
        ("Currency", "EUR", "other_currency"),
        ("Currency", "USD", "other_currency"),
    ]


def test_a_column_of_currencies_that_is_left_out_on_purpose_is_left_out(taken: Take, work: Work) -> None:
    apply(work, DIRECT.key, "Sales")
    file, own = "Name,Amount,Currency\n{},5,EUR\n", work.tenant.currency
    for name, more in (("A", {}), ("B", {"map": ["Currency="]}), ("C", {"map": ["Currency=amount.currency"]}), ("D", {}),
                       ("E", {"map": ["Name=name", "Amount=amount", "Currency="]}), ("F", {})):  # fmt: skip
        done = taken("pipeline.deal", file.format(name), **more)
        assert done.counts == {"created": 1} | ({"warned": 1} if name in "BEF" else {}), name
        assert [(row["column"], row["code"], row["value"]) for row in done.rows] == [("Amount", "currency_left_out", "5")] * (name in "BEF")
    found = {str(row["name"]): row["amount"] for row in work.records("pipeline.deal").find(())}
    there = {"A": "EUR", "B": own, "C": "EUR", "D": "EUR", "E": own, "F": own}
    assert {name: getattr(value, "currency", "") for name, value in found.items()} == there

    def told(heading: str) -> list[str | None]:
        book = open_book(io.BytesIO(file.replace("Name", heading).encode()), "x.csv", Reading())
        return [one["field"] for one in suggestion(work, "pipeline.deal", book.sheets[0])["columns"]]  # type: ignore[attr-defined]

    assert (told("Name"), told("Deal name")) == (["name", "amount", None],) * 2, "also of a file that is a little different"


def test_ids_that_were_kept_as_they_were_written_name_their_records_still(taken: Take, work: Work) -> None:
    (account,) = work.records("customers.account").write([Draft("create", {"name": "A"})])
    names = work.as_system().records("import_export.external_id")
    before = {
        "entity": "customers.account",
        "system": "import",
        "external_id": '="00123"',
        "record": Reference("customers.account", account.id),
    }
    names.write_all([Draft("create", before, act="run")])
    file = 'No,Name\n"=""00123""",{}\n'
    for name, counts in (("B", {"updated": 1}), ("B", {"unchanged": 1})):
        done = taken("customers.account", file.format(name), mode="upsert", match=["external_id"], map=["No=external_id"])
        assert done.counts == counts, done.reasons
    assert [row["external_id"] for row in names.find(())] == ["00123"]
    assert taken("customers.account", "No,Name\n00123,B\n", mode="upsert", match=["external_id"], map=["No=external_id"]).counts == {
        "unchanged": 1
    }


def test_tags_are_meant_by_their_names_in_constants_and_values_and_a_name_of_two_is_asked_about(taken: Take, work: Work) -> None:
    for key, name in (("vip", "Very important"), ("vip2", "VERY IMPORTANT"), ("big", "Großkunde"), ("old", "老客户")):
        work.records("customers.tag").create({"key": key, "name": name})
    done = taken(
        "customers.account", "名称,标签\nA,GROSSKUNDE\nB,大客户\nC,very important\n", value=["tags:大客户=Großkunde", "tags:GROSSKUNDE=big"]
    )
    assert [row["tags"] for row in work.records("customers.account").find(())] == [["big"], ["big"]]
    assert done.reasons == [(3, "标签", "ambiguous")]
    assert "vip, vip2" in str(done.rows[0]["reason"])
    taken("customers.account", "名称\nD\n", set=["tags=老客户"])
    assert work.records("customers.account").find(where(name="D"))[0]["tags"] == ["old"]
    with pytest.raises(BadRequest, match="vip, vip2"):
        taken("customers.account", "名称\nE\n", set=["tags=very important"])


def test_tags_are_named_as_people_call_them(taken: Take, work: Work) -> None:
    work.records("customers.tag").create({"key": "old", "name": "老客户"})
    work.records("customers.tag").create({"key": "vip", "name": "Very important"})
    work.records("customers.tag").create({"key": "other", "name": "VIP"})  # its key says more of a tag than a name
    done = taken("customers.account", "名称,标签\nA,VIP、老客户\nB,very important;old\nC,新客户\nD,unknown\n")
    assert [(row["tags"]) for row in work.records("customers.account").find(())] == [["vip", "old"], ["vip", "old"]]
    assert done.reasons == [(3, "标签", "no_such_record"), (4, "标签", "no_such_record")]
    assert str(done.rows[1]["reason"]).startswith("no Tag matches 'unknown'; import that record first, map 'unknown'"), (
        "in the words of people"
    )
    (likely,) = taken("customers.account", "名称\nA.\n").rows
    assert (
        likely["reason"] == "is likely a duplicate of: A (name); it was skipped, unless you choose to import likely duplicates (duplicates)"
    )
    assert "新客户" in str(done.rows[0]["reason"])


def test_the_lines_below_a_report_of_salesforce_are_no_records(taken: Take) -> None:
    below = 'Grand Totals (1 records)\n"Confidential Information - Do Not Distribute"\n"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\n'
    done = taken("customers.account", f"Account Name,Billing City\nAlder,Ulm\n\n{below}")
    assert (done.state, done.counts, {row["code"] for row in done.rows}) == (
        "succeeded",
        {"created": 1, "skipped": 3},
        {"totals", "remark"},
    )
    forced = taken("customers.account", "Name,City\nCopyright (c) 2026 X,\n", totals="take")
    assert (forced.counts, [row["code"] for row in forced.rows]) == ({"created": 1, "warned": 1}, ["remark"])
    assert taken("customers.account", "Name,City\nCopyright GmbH,\nConfidential Information,\n").counts == {"created": 2}


def test_yes_and_no_are_read_in_other_words_and_other_words_mean_nothing(taken: Take, work: Work) -> None:
    done = taken("catalog.product", "Name,SKU,Active,List price\nA,1,Ja,NaN\nB,2,Nein,k. A.\nC,3,启用,暂无\nD,4,停用,1.5萬\n")
    assert done.counts == {"created": 4}, done.reasons
    there = {str(row["name"]): (row["active"], row["price"]) for row in work.records("catalog.product").find(())}
    assert there == {"A": (True, None), "B": (False, None), "C": (True, None), "D": (False, Money(Decimal(15000), "USD"))}


def test_a_file_with_a_column_that_is_called_otherwise_keeps_what_was_settled_of_the_others(taken: Take, work: Work) -> None:
    taken("customers.account", "Wer,Wo,Wieviele,Rest\nA,Ulm,5,x\n", map=["Wer=name", "Wo=city", "Wieviele=employees", "Rest="])
    book = open_book(io.BytesIO(b"Wer,Wo,Mitarbeiter,Rest\nB,Bonn,6,y\n"), "x.csv", Reading())
    guess = suggestion(work, "customers.account", book.sheets[0])
    found = [(one["field"], one["why"]) for one in guess["columns"]]  # type: ignore[attr-defined]
    assert (found, guess["saved"]) == ([("name", "saved"), ("city", "saved"), ("employees", "synonym"), (None, "saved")], None)
    other = open_book(io.BytesIO(b"Wer,Menge,Preis,Rest\nB,1,6,y\n"), "x.csv", Reading())
    assert suggestion(work, "customers.account", other.sheets[0])["columns"][0]["why"] != "saved"  # type: ignore[index]


def test_numbers_that_become_days_are_told_where_they_first_stand(taken: Take, work: Work) -> None:
    done = taken("customers.contact", "Name,Birthday\nA,1990-01-02\nB,10115\nC,80331\nD,10117\nE,10119\nF,10178\n")
    assert [(row["number"], row["code"], row["value"]) for row in done.rows] == [
        (2, "counted_days", "10115"), (3, "malformed", "80331"), (4, "counted_days", "10117"), (5, "counted_days", "10119"),
    ]  # fmt: skip
    assert "read as 1927-09-10" in str(done.rows[0]["reason"])
    assert "(4 cells in this column)" in str(done.rows[0]["reason"])


def test_signs_that_nobody_sees_do_not_part_a_word_from_the_record_that_it_names(taken: Take, work: Work) -> None:
    taken("customers.account", "Name\nAlder\nBirch\u200b\n")
    file = "Name,City,Parent account\n\u200bAlder\ufeff,Ulm,\nBirch\u200b,Bonn,\u200eAlder\nCedar,Kiel,\u200b\n"
    done = taken("customers.account", file, mode="upsert", match=["name"])
    assert (done.counts, done.reasons) == ({"updated": 2, "failed": 1}, [(3, "Parent account", "no_such_record")])
    rows = {str(row["name"]): row for row in work.records("customers.account").find(())}
    assert {name: row["city"] for name, row in rows.items()} == {"Alder": "Ulm", "Birch\u200b": "Bonn"}
    assert rows["Birch\u200b"]["parent"] == rows["Alder"]["id"]


def test_users_are_meant_in_whatever_way_files_write_their_names(taken: Take, work: Work) -> None:
    for name, active in (("Anna Berg", True), ("王芳", True), ("Max Muster", True), ("MAX  MUSTER", True), ("Gone Away", False)):
        address = "gone@acme.example" if name == "Gone Away" else f"{len(name)}{name[0]}@acme.example" if name.isascii() else None
        work.records("core.user").create({"name": name, "email": address, "active": active})
    words = [
        "ANNA  berg",
        '"Berg, Anna"',
        "Anna B. (9A@acme.example)",
        "9a@ACME.example",
        "王 芳",
        "max muster",
        "gone away",
        "Gone Away",
        "Nobody",
    ]
    done = taken("customers.account", "Name,Owner\n" + "".join(f"A{at},{word}\n" for at, word in enumerate(words)))
    assert done.reasons == [
        (6, "Owner", "no_such_record"),
        (7, "Owner", "no_such_record"),
        (8, "Owner", "unknown_user"),
        (9, "Owner", "no_such_record"),
    ]
    names = {id_of(row): row["name"] for row in work.records("core.user").find(())}
    owners = {str(row["name"]): names[row["owner"]] for row in work.records("customers.account").find(())}  # type: ignore[index]
    assert owners == dict.fromkeys(("A0", "A1", "A2", "A3"), "Anna Berg") | {"A4": "王芳"}
