"""Imports taken back: creates and updates, whole and by row, with what was edited since left alone and told."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from core.context import Work
from core.testkit.fixtures import Api, People
from plugins.import_export import imports, origins, run
from plugins.import_export.journal import page
from plugins.import_export.plan import Wish
from plugins.import_export.undo import undoing
from plugins.import_export.undo.commands import undo_import
from sdk import BadRequest, Channel, Conflict, NotFound, where
from sdk.context import Row, id_of
from tests.plugins.imports import Done, import_file, written

Take = Callable[..., Done]
IMPORTS, ORIGINS = "/api/v1/import_export/imports", "/api/v1/import_export/origins"


def undone(work: Work, done: Done, *rows: int) -> Row:
    """The import taken back in this process."""
    record = undoing.permit_undo(work, id_of(done.record))
    return undoing.carry_out(work, undoing.begin_undo(work, record), rows)


def conflicts(work: Work, record: Row) -> list[tuple[object, ...]]:
    """Row, fields and code of what was not undone."""
    return [(row["number"], row["column"], row["code"]) for row in page(work, record, "conflict", 500, 0)[0]]


def accounts(work: Work, *names: str) -> dict[str, tuple[object, ...]]:
    """By the name of each account these fields."""
    return {str(row["name"]): tuple(row[name] for name in names) for row in work.records("customers.account").find((), 10_000)}


class Said:
    """A terminal that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def print(self, text: str) -> None:
        self.lines.append(text)

    def note(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, label: str, total: int | None) -> Any:
        raise AssertionError(label, total)

    def bytes(self, data: bytes) -> None:
        raise AssertionError(data)


@pytest.mark.feature("C12")
def test_of_500_updated_rows_all_are_as_before_but_three_that_were_edited_since_and_are_told(
    client: Api, drain: Callable[[], int], work: Work, taken: Take
) -> None:
    taken("customers.account", written([["name", "city", "phone"], *([f"A{n}", "Ulm", f"010 1234 {n:04}"] for n in range(500))]))
    content = written([["name", "city", "phone", "tags"], *([f"A{n}", "Bonn", f"+86 21 9999 {n:04}", ""] for n in range(500))])
    before = accounts(work, "city", "phone")
    done = taken("customers.account", content, mode="upsert", match=["name"])
    assert done.counts == {"updated": 500}
    for n, values in ((7, {"city": "Kiel"}), (100, {"phone": "030 111111"}), (499, {"notes": "called", "city": "Jena"})):
        id = id_of(work.records("customers.account").find(where(name=f"A{n}"))[0])
        assert client.patch(f"/api/v1/customers/accounts/{id}", values).status_code == 200
    answer = client.post(f"{IMPORTS}/{done.id}/undo", {})
    assert (answer.status_code, answer.json["state"]) == (202, "undoing")
    drain()
    record = client.get(f"{IMPORTS}/{done.id}").json
    assert (record["state"], record["undone"], record["conflicts"]) == ("partly_undone", 497, 3)
    told = client.get(f"{IMPORTS}/{done.id}/rows", {"outcome": "conflict"}).json["data"]
    assert [(row["number"], row["column"], row["code"]) for row in told] == [
        (8, "city", "edited"),
        (101, "phone", "edited"),
        (500, "city", "edited"),
    ]
    assert told[0]["conflict"].startswith("edited since by ") and " UTC" in told[0]["conflict"]
    after = accounts(work, "city", "phone")
    assert after.pop("A7") == ("Kiel", before["A7"][1])
    assert after.pop("A100") == ("Ulm", "030 111111")
    assert after.pop("A499") == ("Jena", before["A499"][1])
    assert after == {name: values for name, values in before.items() if name not in ("A7", "A100", "A499")}


@pytest.mark.feature("C12")
def test_created_records_go_to_the_recycle_bin_but_for_those_that_people_have_edited_or_use(taken: Take, work: Work) -> None:
    done = taken("customers.account", "name,parent\nA,\nB,A\nC,\nD,\n")
    records = work.records("customers.account")
    ids = {str(row["name"]): id_of(row) for row in records.find(())}
    records.update(ids["C"], {"city": "Ulm"})
    work.records("customers.contact").create({"name": "Li Wei", "account": ids["D"]})
    record = undone(work, done)
    assert (record["state"], record["undone"], record["conflicts"]) == ("partly_undone", 2, 2)
    assert conflicts(work, record) == [(3, "city", "edited"), (4, None, "in_use")]
    assert "Li Wei" in str(page(work, record, "conflict", 10, 0)[0][1]["reason"])
    assert sorted(accounts(work)) == ["C", "D"]
    assert {row["name"] for row in records.find((), deleted=True)} == {"A", "B"}
    work.records("customers.contact").delete(id_of(work.records("customers.contact").find(())[0]))
    again = undone(work, done)
    assert (again["state"], again["undone"], conflicts(work, again)) == ("partly_undone", 3, [(3, "city", "edited")])
    records.delete(ids["C"])
    last = undone(work, done)
    assert (last["state"], last["undone"], last["conflicts"]) == ("undone", 4, 0)
    assert undoing.begin_undo(work, last)["state"] == "undone", "a second time is none"


def test_rows_of_one_file_that_touch_the_same_record_are_undone_from_the_last_to_the_first(taken: Take, work: Work) -> None:
    taken("customers.account", "name,city\nOld,Rom\n")
    content = "name,city\nNew,Ulm\nNew,Bonn\nOld,Kiel\nOld,Jena\nNew,Graz\n"
    done = taken("customers.account", content, mode="upsert", match=["name"])
    assert done.counts == {"created": 1, "updated": 4, "warned": 3}
    partly = undone(work, done, 3)
    assert conflicts(work, partly) == [(3, "city", "changed_by_row")]
    partly = undone(work, done, 4)
    assert accounts(work, "city") == {"New": ("Graz",), "Old": ("Kiel",)}
    record = undone(work, done)
    assert (record["state"], record["undone"]) == ("undone", 5)
    assert accounts(work, "city") == {"Old": ("Rom",)}


def test_an_edit_that_was_taken_back_keeps_nothing_from_being_undone(taken: Take, work: Work) -> None:
    records = work.records("customers.account")
    first = taken("customers.account", "name,phone\nA,010 11111111\nB,\nC,\n")
    second, third = (
        taken("customers.account", f"name,phone\nA,{phone}1\nB,{phone}2\nC,\n", mode="update", match=["name"])
        for phone in ("010 2222222", "010 3333333")
    )
    assert conflicts(work, undone(work, second)) == [(1, "phone", "edited"), (2, "phone", "edited")]
    assert undone(work, third)["state"] == undone(work, second)["state"] == "undone"
    assert accounts(work, "phone") == {"A": ("010 11111111",), "B": (None,), "C": (None,)}
    records.update(id_of(records.find(where(name="B"))[0]), {"phone": "010 4444 4444"})
    assert (conflicts(work, undone(work, first)), [*accounts(work)]) == ([(2, "phone", "edited")], ["B"])


def test_who_writes_what_stands_there_already_without_seeing_it_keeps_nothing_from_being_undone(
    taken: Take, work: Work, people: People
) -> None:
    """The version moves, that nobody learns by it what stood there; and each version has its entry in the audit."""
    taken("customers.account", "name,phone\nA,010 11111111\n")
    done = taken("customers.account", "name,phone\nA,010 22222222\n", mode="update", match=["name"])
    role = id_of(work.records("core.role").create({"key": "blind", "name": "Blind"}))
    for verb, field in (("read", "name"), ("update", "phone")):
        grant = {"permission": f"customers.account.{verb}", "scope": "all", "only_fields": [field]}
        work.records("core.grant").create({"role": str(role), **grant})
    work.records("core.user").update(people.rep, {"roles": ["blind"]})
    account = work.records("customers.account").find(where(name="A"))[0]
    blind = work.platform.user(work.tenant.id, people.rep, work.channel).records("customers.account")
    blind.update(id_of(account), {"phone": "010 22222222"})
    assert work.records("customers.account").get(id_of(account))["version"] == int(str(account["version"])) + 1
    assert undone(work, done)["state"] == "undone"
    assert accounts(work, "phone") == {"A": ("010 11111111",)}


def test_an_undoing_that_had_nothing_to_write_hides_nobodys_edit(taken: Take, work: Work) -> None:
    records = work.records("customers.account")
    taken("customers.account", "name,phone,city\nA,010 11111111,Ulm\n")
    first = taken("customers.account", "name,phone,city\nA,010 22222222,Bonn\n", mode="update", match=["name"])
    second = taken("customers.account", "name,phone\nA,010 33333333\n", mode="update", match=["name"])
    records.update(id_of(records.find(where(name="A"))[0]), {"phone": "010 22222222", "city": "Rom"})
    assert undone(work, second)["state"] == "undone"
    record = undone(work, first)
    assert (record["state"], conflicts(work, record)) == ("partly_undone", [(1, "phone, city", "edited")])
    assert accounts(work, "phone", "city") == {"A": ("010 22222222", "Rom")}


def test_an_edit_between_two_rows_is_none_of_the_imports_when_the_later_row_is_taken_back(taken: Take, work: Work) -> None:
    records = work.records("customers.account")
    taken("customers.account", "name,phone,city\nA,010 11111111,Ulm\n")
    done = taken("customers.account", "name,phone,city\nA,010 22222222,Bonn\nA,010 33333333,Bonn\n", mode="update", match=["name"])
    records.update(id_of(records.find(where(name="A"))[0]), {"city": "Rom"})
    record = undone(work, done)
    assert (record["undone"], conflicts(work, record)) == (1, [(1, "city", "edited")])
    assert accounts(work, "phone", "city") == {"A": ("010 11111111", "Rom")}


def test_neither_a_merge_nor_a_disclosure_since_hides_an_edit_from_the_undo(client: Api, taken: Take, work: Work) -> None:
    records = work.records("customers.contact")
    done = taken("customers.contact", "name,title\nA,Boss\nB,Boss\n")
    ids = {str(row["name"]): id_of(row) for row in records.find(())}
    done = taken("customers.contact", "name,title\nA,Chair\nB,Chair\n", mode="update", match=["name"])
    for id in ids.values():
        records.update(id, {"title": "Duke"})
    other = id_of(records.create({"name": "C", "title": "Earl"}))
    records.update(other, {"title": "Duke"})
    assert client.post(f"/api/v1/customers/contacts/{ids['A']}/merges", {"losers": [str(other)]}).status_code == 201
    for _time in range(2):
        assert client.post("/api/v1/core/disclosures", {"record": f"customers.contact:{ids['B']}"}).status_code < 300
    record = undone(work, done)
    assert (record["undone"], conflicts(work, record)) == (0, [(1, "title", "edited"), (2, "title", "edited")])
    assert {row["title"] for row in records.find(())} == {"Duke"}


def test_what_has_become_part_of_another_record_is_told_and_gone_once_the_merge_is_undone(client: Api, taken: Take, work: Work) -> None:
    old = id_of(work.records("customers.account").create({"name": "Alder"}))
    done = taken("customers.account", "name,city\nBirch,Ulm\n")
    path = f"/api/v1/customers/accounts/{old}/merges"
    merged = client.post(path, {"losers": [str(id_of(work.records("customers.account").find(where(name="Birch"))[0]))]})
    assert merged.status_code == 201, merged.json
    (row,) = page(work, undone(work, done), "conflict", 10, 0)[0]
    assert (row["code"], row["reason"]) == ("merged", "has since been merged into Alder; undo the merge first")
    records = work.records("customers.account")
    records.delete(old)
    (row,) = page(work, undone(work, done), "conflict", 10, 0)[0]
    assert row["reason"] == "has since been merged into Alder, now in the recycle bin; restore that, then undo the merge"
    records.restore(old)
    assert client.post(f"{path}/{merged.json['id']}/undo").status_code == 200
    assert (undone(work, done)["state"], accounts(work)) == ("undone", {"Alder": ()})


def test_what_was_deleted_since_is_told_of_updates_and_needs_nothing_of_creates(taken: Take, work: Work) -> None:
    taken("customers.account", "name,city\nA,Ulm\n")
    done = taken("customers.account", "name,city\nA,Bonn\nB,Bonn\n", mode="upsert", match=["name"])
    for row in work.records("customers.account").find(()):
        work.records("customers.account").delete(id_of(row))
    record = undone(work, done)
    assert (record["undone"], conflicts(work, record)) == (1, [(1, None, "deleted")])


def test_who_may_not_delete_or_write_undoes_nothing_and_is_told_why(
    client: Api, drain: Callable[[], int], people: People, work: Work
) -> None:
    rep, other = client.as_user(people.rep), client.as_user(people.reps[1][0])
    data = {"entity": "customers.account", "file": (io.BytesIO(b"name\nA\nB\n"), "a.csv")}
    begun = rep.call("POST", IMPORTS, data=data, content_type="multipart/form-data").json
    assert rep.post(f"{IMPORTS}/{begun['id']}/undo", {}).json["code"] == "running"
    drain()
    assert other.post(f"{IMPORTS}/{begun['id']}/undo", {}).status_code == 404
    row = work.records("customers.account").find(where(name="B"))[0]
    work.records("customers.account").update(id_of(row), {"owner": people.reps[1][0]})
    rep.post(f"{IMPORTS}/{begun['id']}/undo", {"rows": [2]})
    drain()
    assert [row["code"] for row in rep.get(f"{IMPORTS}/{begun['id']}/rows", {"outcome": "conflict"}).json["data"]] == ["not_seen"]
    assert rep.post(f"{IMPORTS}/{begun['id']}/undo", {"rows": [0]}).status_code == 422


def test_what_an_import_wrote_over_is_shown_to_who_may_look_into_imports_and_not_to_who_sent_it(
    client: Api, drain: Callable[[], int], people: People, work: Work
) -> None:
    """Who may write a field has not always the right to read it, and may have lost it since."""
    work.records("customers.account").create({"name": "A", "city": "Ulm", "owner": people.rep})
    for named, scope in (("import_export.part.read", "all"), ("import_export.import.read", "own")):
        client.post("/api/v1/core/grants", {"role": "sales_rep", "permission": named, "scope": scope})
    rep = client.as_user(people.rep)
    data = {"entity": "customers.account", "mode": "upsert", "match": "name", "file": (io.BytesIO(b"name,city\nA,Bonn\n"), "a.csv")}
    begun = rep.call("POST", IMPORTS, data=data, content_type="multipart/form-data").json
    drain()
    shown = [
        [part["before"] for part in who.get("/api/v1/import_export/parts", {"import": begun["id"]}).json["data"]] for who in (rep, client)
    ]
    assert shown[0] == [None]
    assert "Ulm" in shown[1][0]


def test_a_dry_run_is_not_undone_and_an_unknown_import_not_found(taken: Take, work: Work) -> None:
    done = taken("customers.account", "name\nA\n", dry_run=True)
    with pytest.raises(Conflict, match="dry run"):
        undone(work, done)
    with pytest.raises(NotFound):
        undoing.permit_undo(work, work.tenant.id)


class Crash(Exception):
    """The process dies here."""


@pytest.mark.parametrize("survived", range(3))
def test_a_killed_undo_goes_on_where_it_was(work: Work, taken: Take, monkeypatch: pytest.MonkeyPatch, survived: int) -> None:
    monkeypatch.setattr(run, "CHUNK", 10)
    monkeypatch.setattr(run, "TOGETHER", 0)
    taken("customers.account", written([["name", "city"], *([f"A{n}", "Ulm"] for n in range(12))]))
    done = taken("customers.account", written([["name", "city"], *([f"A{n}", "Bonn"] for n in range(25))]), mode="upsert", match=["name"])
    original, calls = undoing._Undoing._tell, []

    def tell(self: Any, steps: Any) -> None:
        original(self, steps)
        calls.append(1)
        if len(calls) > survived:
            raise Crash  # inside the transaction: the part is lost with it

    monkeypatch.setattr(undoing._Undoing, "_tell", tell)
    record = undoing.begin_undo(work, undoing.permit_undo(work, id_of(done.record)))
    with pytest.raises(Crash):
        undoing.carry_out(work, record)
    assert work.records("import_export.import").values([id_of(record)])[id_of(record)]["undone"] == sum([5, 10, 10][:survived])
    monkeypatch.setattr(undoing._Undoing, "_tell", original)
    undoing.run_job(work, {"import": str(done.id), "rows": []})
    record = work.records("import_export.import").values([id_of(record)])[id_of(record)]
    assert (record["state"], record["undone"], record["conflicts"]) == ("undone", 25, 0)
    assert accounts(work, "city") == {f"A{n}": ("Ulm",) for n in range(12)}


@pytest.mark.feature("C14")
def test_every_record_tells_which_row_of_which_import_made_and_changed_it(client: Api, taken: Take, work: Work, people: People) -> None:
    first = taken("customers.account", "name,city\nA,Ulm\nB,Ulm\n")
    second = taken("customers.account", "name,city\nC,Ulm\nB,Bonn\n", mode="upsert", match=["name"])
    ids = {str(row["name"]): row["id"] for row in work.records("customers.account").find(())}
    told = client.get(ORIGINS, {"entity": "customers.account", "id": ids["B"]}).json["data"]
    assert [(one["import"], one["row"], one["outcome"], one["file_name"]) for one in told] == [
        (str(second.id), 2, "updated", "test.csv"), (str(first.id), 2, "created", "test.csv"),
    ]  # fmt: skip
    by_hand = client.post("/api/v1/customers/accounts", {"name": "D"}).json["id"]
    assert client.get(ORIGINS, {"entity": "customers.account", "id": by_hand}).json["data"] == []
    assert client.as_user(people.rep).get(ORIGINS, {"entity": "customers.account", "id": ids["B"]}).status_code == 404


def test_a_row_that_waited_for_a_later_one_is_no_edit_of_what_that_made(taken: Take, work: Work) -> None:
    done = taken("customers.account", "name,city,parent\nA,Ulm,B\nB,,\nA,Bonn,\n", mode="upsert", match=["name"])
    assert done.counts == {"created": 2, "updated": 1, "warned": 1}
    record = undone(work, done)
    assert (record["state"], record["undone"], conflicts(work, record)) == ("undone", 3, [])
    assert accounts(work) == {}


def test_a_dry_run_is_nobodys_origin_and_keeps_no_former_values(client: Api, taken: Take, work: Work) -> None:
    taken("customers.account", "name,city\nA,Ulm\n")
    tried = taken("customers.account", "name,city\nA,Bonn\nB,Bonn\n", mode="upsert", match=["name"], dry_run=True)
    assert tried.counts == {"created": 1, "updated": 1}
    id = work.records("customers.account").find(where(name="A"))[0]["id"]
    assert [one["outcome"] for one in client.get(ORIGINS, {"entity": "customers.account", "id": id}).json["data"]] == ["created"]
    assert [part["before"] for part in work.records("import_export.part").find(where(**{"import": tried.id}))] == [None]


def test_the_origin_of_a_record_is_found_without_the_journals_of_others(taken: Take, work: Work) -> None:
    everybody = written([["name", "city"], *([f"A{n}", "Ulm"] for n in range(400))])
    first = taken("customers.account", everybody)
    ids = {str(row["name"]): id_of(row) for row in work.records("customers.account").find((), 500)}
    odd = written([["name", "city"], *([f"A{n}", "Bonn"] for n in range(1, 400, 2))])
    second = taken("customers.account", odd, mode="upsert", match=["name"])
    third = taken("customers.account", "name\nLater\n")
    for number in (0, 1, 198, 399):
        imports_ = [part["import"] for part, _fate in origins.parts_with(work, "customers.account", ids[f"A{number}"])]
        assert imports_ == ([second.id, first.id] if number % 2 else [first.id]), number
        assert len(origins.parts_of(work, "customers.account", ids.values())[ids[f"A{number}"]]) == len(imports_)
    assert origins.number_of(work, "customers.account", second.id, ids["A3"]) == 2
    assert origins.number_of(work, "customers.account", third.id, ids["A3"]) is None
    groups = work.records(origins.ORIGIN).find(where(**{"import": second.id}), 500)
    assert sum(len(str(row["records"]).split()) for row in groups) == 200
    assert max(len(str(row["records"]).split()) for row in groups) <= origins.MOST


def test_the_command_line_undoes_an_import(taken: Take, work: Work) -> None:
    done = taken("customers.account", "name\nA\nB\n")
    work.records("customers.account").update(id_of(work.records("customers.account").find(where(name="B"))[0]), {"city": "Ulm"})
    terminal = Said()
    options: dict[str, object] = {"ID": str(done.id), "row": (), "json": True}
    assert undo_import(work, terminal, options) == 3
    told = json.loads(terminal.lines[-1])
    assert (told["state"], told["undone"], [row["number"] for row in told["rows"]]) == ("partly_undone", 1, [2])
    assert undo_import(work, terminal, options | {"row": ("2",), "json": False}) == 3
    assert terminal.lines[-1] == "partly_undone: 1 undone, 1 in conflict"
    with pytest.raises(BadRequest, match="use its number"):
        undo_import(work, terminal, options | {"row": ("two",)})


def test_who_is_erased_leaves_the_journal_and_the_others_can_be_undone(client: Api, taken: Take, work: Work) -> None:
    taken("customers.contact", "name,email,title\nXenia Quast,xenia@quast.example,Boss\nLi Wei,li@wei.example,Buyer\n")
    done = taken("customers.contact", "name,title\nXenia Quast,Chair\nLi Wei,Chair\n", mode="upsert", match=["name"])
    part = work.records("import_export.part").find(where(**{"import": done.id}))[0]
    assert "Boss" in str(part["before"])
    xenia = work.records("customers.contact").find(where(name="Xenia Quast"))[0]["id"]
    erased = client.post("/api/v1/core/erasures", {"record": f"customers.contact:{xenia}", "reason": "asked for it"})
    assert erased.status_code in (200, 201), erased.text
    part = work.records("import_export.part").values([id_of(part)])[id_of(part)]
    assert "Boss" not in str(part["before"])
    assert "Buyer" in str(part["before"])
    record = undone(work, done)
    assert (record["undone"], conflicts(work, record)) == (1, [(1, None, "erased")])
    assert [row["title"] for row in work.records("customers.contact").find(where(name="Li Wei"))] == ["Buyer"]


def test_who_is_erased_leaves_the_journal_with_what_somebody_had_emptied_before(client: Api, taken: Take, work: Work) -> None:
    account = id_of(work.records("customers.account").create({"name": "Alder"}))
    xenia = id_of(work.records("customers.contact").create({"name": "Xenia Quast"}))
    link = id_of(work.records("customers.affiliation").create({"account": account, "contact": xenia, "title": "Boss"}))
    done = taken("customers.affiliation", f"id,title\n{link},Chair\n", mode="update", match=["id"])
    work.records("customers.affiliation").update(link, {"title": None})
    part = id_of(work.records("import_export.part").find(where(**{"import": done.id}))[0])
    assert "Boss" in str(work.records("import_export.part").values([part])[part]["before"])
    erased = client.post("/api/v1/core/erasures", {"record": f"customers.contact:{xenia}", "reason": "asked for it"}).json
    assert erased["erased"] == [{"entity": "customers.contact", "records": 1}], "there was nothing to empty in the other"
    assert work.records("import_export.part").values([part])[part]["before"] is None
    assert conflicts(work, undone(work, done)) == [(1, None, "erased")]
    assert work.records("customers.affiliation").values([link])[link]["title"] is None


def test_an_import_of_before_there_was_a_journal_says_that_it_cannot_be_undone(work: Work) -> None:
    record = imports.begin(work, Wish("customers.account", "old.csv"))
    work.records("import_export.import").update(id_of(record), {"state": "succeeded", "created": 5})
    with pytest.raises(Conflict, match="has no journal"):
        undoing.permit_undo(work, id_of(record))


def test_one_record_with_very_many_links_to_it_does_not_hide_those_to_others(taken: Take, work: Work) -> None:
    done = taken("customers.account", written([["Name"], ["Big"], ["Small"], ["Alone"]]))
    rows = [["Name", "Account"], *([f"C{number}", "Big"] for number in range(1_001)), ["Last", "Small"]]
    assert taken("customers.contact", written(rows)).counts == {"created": 1_002}
    record = undone(work, done)
    assert {number for number, _column, code in conflicts(work, record) if code == "in_use"} == {1, 2}
    assert {"Big", "Small"} <= {*accounts(work)}
    assert "Alone" not in accounts(work)


def test_who_is_erased_leaves_the_journals_of_however_many_imports(client: Api, taken: Take, work: Work) -> None:
    for number in range(60):
        done = taken("customers.contact", written([["name", "title"], ["Xenia", f"Title {number}"]]), mode="upsert", match=["name"])
        assert done.failed == 0
    xenia = id_of(work.records("customers.contact").find(where(name="Xenia"))[0])
    parts = work.as_system().records("import_export.part")
    assert sum("Title" in str(part["before"]) for part in parts.find((), 500)) == 59
    assert client.post("/api/v1/core/erasures", {"record": f"customers.contact:{xenia}", "reason": "asked for it"}).status_code < 300
    assert [part["before"] for part in parts.find((), 500) if part["before"]] == []


def test_what_keeps_a_record_is_named_to_those_alone_who_see_it(work: Work, people: People) -> None:
    rep = work.platform.user(work.tenant.id, people.rep, Channel.API)
    done = import_file(rep, "customers.account", "name\nAcme\nBolt\n")
    acme, bolt = (id_of(work.records("customers.account").find(where(name=name))[0]) for name in ("Acme", "Bolt"))
    for name, account, owner in (("Hidden Hanna", acme, people.reps[1][0]), ("Seen Sven", bolt, people.rep)):
        work.records("customers.contact").create({"name": name, "account": account, "owner": owner})
    told = [str(row["conflict"]) for row in page(work, undone(rep, done), "conflict", 10, 0)[0]]
    assert told == ["something you don’t have access to belongs to it", "Contact Seen Sven belongs to it"]


def test_who_sees_little_of_an_import_may_do_with_it_what_he_may(work: Work, people: People) -> None:
    manager = work.platform.user(work.tenant.id, people.manager, Channel.API)
    done = import_file(manager, "customers.account", "name\nA\n")
    allows = (
        "import_export.import.read:id",
        "import_export.import.read:file_name",
        "customers.account.read:id",
        "customers.account.delete",
    )
    narrow = manager.within(allows)
    assert undone(narrow, done)["state"] == "undone"
    with pytest.raises(Conflict):
        imports.cancel(narrow, id_of(done.record))


def test_of_a_record_that_is_seen_no_more_nothing_is_told(work: Work, people: People) -> None:
    rep = work.platform.user(work.tenant.id, people.rep, Channel.API)
    done = import_file(rep, "customers.account", "name\nAcme\n")
    acme = id_of(work.records("customers.account").find(where(name="Acme"))[0])
    work.over(Channel.API).records("customers.account").update(acme, {"city": "Ulm", "owner": people.reps[1][0]})
    record = undone(rep, done)
    assert conflicts(work, record) == [(1, None, "not_seen")]
    assert "Acme" in accounts(work)
