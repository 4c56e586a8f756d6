"""What a row does to what is there already: match keys, collision rules, doubles in the file and in the database."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.context import Work
from plugins.import_export import run
from sdk import where
from tests.plugins.imports import Done, written

Take = Callable[..., Done]


def told(done: Done) -> list[tuple[object, ...]]:
    """Row, outcome, code and reason of each row that was not taken or that one is warned of."""
    return [(row["number"], row["outcome"], row["code"], row["reason"]) for row in done.rows]


@pytest.mark.feature("C7")
def test_of_a_hundred_rows_matched_by_mail_forty_are_updated_sixty_created_and_a_second_run_changes_nothing(
    taken: Take, work: Work
) -> None:
    taken("customers.contact", written([["name", "email", "title"], *([f"P{n}", f"p{n}@acme.example", "Buyer"] for n in range(40))]))
    content = written([["name", "E-mail", "title"], *([f"P{n}", f"P{n}@ACME.example", "Chair"] for n in range(100))])
    first = taken("customers.contact", content, mode="upsert", match=["email"])
    second = taken("customers.contact", content, mode="upsert", match=["email"])
    assert (first.counts, second.counts) == ({"updated": 40, "created": 60}, {"unchanged": 100})
    assert {row["title"] for row in work.records("customers.contact").find((), 1000)} == {"Chair"}


@pytest.mark.feature("C8")
def test_only_if_empty_leaves_what_is_there_never_fills_new_records_alone_and_overwrite_is_the_rule(taken: Take, work: Work) -> None:
    taken("customers.account", "name,phone,city,industry\nA,010 1111 2222,Ulm,Food\nB,,Ulm,\n")
    content = "name,phone,city,industry\nA,020 3333 4444,Bonn,Steel\nB,020 5555 6666,Bonn,Steel\nC,020 7777 8888,Bonn,Steel\n"
    rules = ["phone=only_if_empty", "city=never", "industry=overwrite"]
    done = taken("customers.account", content, mode="upsert", match=["name"], collision=rules)
    assert done.counts == {"updated": 2, "created": 1}
    assert [(row["name"], row["phone"], row["city"], row["industry"]) for row in work.records("customers.account").find(())] == [
        ("A", "010 1111 2222", "Ulm", "Steel"), ("B", "020 5555 6666", "Ulm", "Steel"), ("C", "020 7777 8888", "Bonn", "Steel"),
    ]  # fmt: skip
    assert taken("customers.account", content, mode="upsert", match=["name"], collision=rules).counts == {"unchanged": 3}


@pytest.mark.feature("C7")
def test_a_telephone_number_matches_in_any_writing_and_a_link_by_its_natural_key(taken: Take, work: Work) -> None:
    taken("customers.account", "name\nA\nB\n")
    taken("customers.contact", "name,account,phone\nLi Wei,A,+86 (0)10 6234-5678\nLi Wei,B,\n")
    by_phone = taken("customers.contact", "name,phone,title\nLi Wei,010-62345678,Chair\n", mode="update", match=["phone"])
    assert by_phone.counts == {"updated": 1}
    content = "name,account,title\nLi Wei,B,Buyer\nLi Wei,A,Boss\nAnna,A,Buyer\nOtto,Nobody,Buyer\n"
    by_link = taken("customers.contact", content, mode="upsert", match=["account", "name"])
    assert by_link.counts == {"updated": 2, "created": 1, "failed": 1}
    assert told(by_link)[0][:3] == (4, "failed", "no_such_record")
    assert sorted((row["name"], row["title"]) for row in work.records("customers.contact").find(())) == [
        ("Anna", "Buyer"), ("Li Wei", "Boss"), ("Li Wei", "Buyer"),
    ]  # fmt: skip
    assert taken("customers.contact", content, mode="upsert", match=["account", "name"]).counts == {"unchanged": 3, "failed": 1}


@pytest.mark.feature("C10")
@pytest.mark.parametrize(("dry_run", "together"), [(True, 0), (False, 0), (False, 60)])
def test_the_second_of_two_rows_is_told_the_number_of_the_first_wherever_they_stand(
    taken: Take, work: Work, monkeypatch: pytest.MonkeyPatch, dry_run: bool, together: int
) -> None:
    monkeypatch.setattr(run, "CHUNK", 3)
    monkeypatch.setattr(run, "TOGETHER", together)
    people = [
        ["name", "email"],
        ["A", "a@acme.example"],
        ["B", "b@acme.example"],
        ["C", "A@acme.example"],
        ["D", ""],
        ["E", "b@acme.example"],
    ]
    done = taken("customers.contact", written(people), dry_run=dry_run)
    assert done.counts == {"created": 3, "skipped": 2}
    assert [(row["number"], row["code"], str(row["reason"]).rpartition("; ")[2]) for row in done.rows] == [
        (3, "likely_duplicate", "is the same as row 1 of this file"), (5, "likely_duplicate", "is the same as row 2 of this file"),
    ]  # fmt: skip
    keyed = taken("customers.contact", written(people), match=["email"], dry_run=dry_run)
    expected = {"created": 3, "skipped": 2} if dry_run else {"created": 1, "skipped": 4}
    assert keyed.counts == expected
    if dry_run:
        assert told(keyed)[0] == (3, "skipped", "same_as_row", "is the same as row 1 of this file")
    else:
        assert [(row["code"], row["nearest"]) for row in keyed.rows] == [("exists", "A"), ("exists", "B"), ("exists", "A"), ("exists", "B")]
    taken("customers.account", "name\n北京华为技术有限公司\n")
    companies = [
        ["name", "phone"],
        ["Alder Ltd", ""],
        ["Birch", "010 6234 5678"],
        ["Oak", "+86 10 62345678"],
        ["华为技术(北京)有限公司", ""],
        ["ALDER", ""],
    ]
    likely = taken("customers.account", written(companies), dry_run=dry_run)
    assert likely.counts == {"created": 2, "skipped": 3}
    assert [(row["number"], "row 2 of" in str(row["reason"]), "row 1 of" in str(row["reason"]), "北京华为" in str(row["reason"])) for row in likely.rows] == [
        (3, True, False, False), (4, False, False, True), (5, False, True, False),
    ]  # fmt: skip
    codes = taken("catalog.product", "name,sku\nA,S-1\nB,S-2\nC,S-3\nD,S-1\n", dry_run=dry_run)
    assert told(codes) == [(4, "failed", "duplicate", "'S-1' is already taken; is the same as row 1 of this file")]
    assert work.records("catalog.product").find(where(name="D")) == []
    alder = next(row["id"] for row in work.records("customers.account").find(()))
    follows = f"about\ncustomers.account:{alder}\ncustomers.account:{alder}\n"
    work.records("core.user").create({"name": "Ann", "email": "ann@acme.example"})
    twice = taken("teamwork.follow", follows, set=["owner=ann@acme.example"], dry_run=dry_run)
    assert [one[:3] for one in told(twice)] == [(2, "failed", "duplicate")]
    assert told(twice)[0][3] == "a record with the same owner, about already exists; is the same as row 1 of this file"
    rates = taken(
        "company.rate", "currency,on,rate\nEUR,2026-05-01,8\nGBP,2026-05-02,7\nGBP,2026-05-01,7\nGBP,2026-05-01,7\n", dry_run=dry_run
    )
    assert told(rates)[-1][3].rpartition("; ")[2] == "is the same as row 3 of this file", "by all of its fields"
