"""Exports: what comes out, who may, what stays of it in the audit, and how it ends."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.events.tables import audit
from core.platform import Platform
from core.testkit.engines import Embedded
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.import_export import exports, workbook
from plugins.import_export.exports import EXPORT, Selection
from plugins.import_export.formulas import literal, neutral, restored
from sdk import BadRequest, Conflict, Draft, Forbidden, Invalid, NotFound, Tenant, parse_where
from sdk.context import id_of
from sdk.fields import spoilt
from tests.journeys.commands import Dealwright, dealwright
from tests.plugins.exported import exported, rows_of
from tests.plugins.imports import import_file

EXPORTS = "/api/v1/import_export/exports"
NONE = "none"
type_work_as = Callable[..., Work]


def make(name: str, **more: object) -> Draft:
    """A new record."""
    return Draft("create", {"name": name, **more})


command = dealwright


@pytest.fixture
def work(work_as: type_work_as) -> Work:
    return work_as()


def role_of(work: Work, key: str, **grants: str | None) -> None:
    """A role that reads accounts, and has further rights on them; a value limits the fields."""
    role = id_of(work.records("core.role").create({"key": key, "name": key}))
    for word, fields in grants.items():
        permission = f"customers.account.{word}" if word != "files" else exports.PERMISSION
        scope, only = ("none", None) if fields == NONE else ("all", fields and fields.split(","))
        work.records("core.grant").create({"role": role, "permission": permission, "scope": scope, "only_fields": only})
    work.records("core.grant").create({"role": role, "permission": f"{EXPORT}.read", "scope": "own"})


@pytest.mark.feature("C15")
def test_an_export_in_the_background_has_what_its_owner_may_see_and_stands_in_the_audit(
    client: Api, platform: Platform, work: Work, people: People, clock: Clock
) -> None:
    accounts = work.records("customers.account")
    mine = accounts.create(
        {"name": "=cmd|' /C calc'!A0", "city": "Ulm", "owner": people.rep, "revenue": {"amount": "-12.5", "currency": "EUR"}}
    )
    accounts.create({"name": "Daughter", "city": "Ulm", "owner": people.rep, "parent": mine["id"]})
    accounts.create({"name": "Elsewhere", "city": "Bonn", "owner": people.rep})
    accounts.create({"name": "Somebody else's", "city": "Ulm", "owner": people.reps[1][0]})
    rep = client.as_user(people.rep)
    wanted = {"entity": "customers.account", "filter": "city=Ulm", "sort": ["name"], "fields": ["name", "parent", "revenue", "owner"]}
    begun = rep.post(EXPORTS, wanted)
    assert (begun.status_code, begun.json["state"], begun.json["total"]) == (202, "waiting", 2)
    address = begun.headers["Location"]
    assert address == f"{EXPORTS}/{begun.json['id']}"
    assert rep.get(f"{address}/file").status_code == 409, "not there yet"
    Embedded(platform).run_until_idle()
    done = rep.get(address).json
    assert (done["state"], done["done"], done["total"]) == ("succeeded", 2, 2)
    file = rep.get(f"{address}/file")
    assert file.headers["Content-Disposition"].startswith("attachment; filename=Accounts.csv")
    email = str(work.records("core.user").values([people.rep])[people.rep]["email"])
    assert rows_of(file.data) == [
        {"name": "'=cmd|' /C calc'!A0", "parent": "", "revenue": "-12.50 EUR", "owner": email},
        {"name": "Daughter", "parent": "'=cmd|' /C calc'!A0", "revenue": "", "owner": email},
    ]
    # Nobody else fetches it, whatever rights they have: it holds what its owner may see.
    assert client.get(address).status_code == 200
    assert client.get(f"{address}/file").status_code == 404
    assert client.as_user(people.reps[1][0]).get(address).status_code == 404
    (told,) = [row for row in work.records("teamwork.notification").find(()) if row["kind"] == "import_export.export"]
    assert (told["owner"], told["title"]) == (people.rep, "Export ready: Accounts.csv")
    with work.transaction():
        found = work.connection.execute(sa.select(audit).where(audit.c.entity == EXPORT).order_by(audit.c.id)).all()
    assert (found[0].action, found[0].actor_id, found[0].channel) == ("create", people.rep, "api")
    said = {name: new for name, (_old, new) in found[0].changes.items()}
    assert {name: said[name] for name in ("entity", "format", "conditions", "columns", "total")} == {
        "entity": "customers.account", "format": "csv", "conditions": "city=Ulm", "columns": "name,parent,revenue,owner", "total": 2,
    }  # fmt: skip
    assert found[-1].changes["state"] == ["running", "succeeded"]
    assert any(entry.changes.get("done") == [0, 2] for entry in found)
    clock.move(days=7, minutes=1)
    assert rep.get(f"{address}/file").status_code == 404, "its time has ended"
    Embedded(platform).run_until_idle()
    assert work.records(EXPORT).values([UUID(done["id"])])[UUID(done["id"])]["content"] is None
    assert list(work.files.all_keys()) == []


@pytest.mark.feature("C15")
def test_a_hidden_field_is_in_no_export_by_whatever_word_it_is_asked_for(work: Work, people: People, work_as: type_work_as) -> None:
    work.records("customers.account").create({"name": "A", "phone": "010 1234 5678", "city": "Ulm"})
    role_of(work, "clerk", read="name,city", export=None, files=None)
    work.records("core.user").update(people.rep, {"roles": ["clerk"]})
    clerk = work_as(people.rep)
    for fields in ((), ("*",)):
        for format in ("csv", "jsonl"):
            assert b"1234" not in exported(clerk, "customers.account", format, fields=fields)
    assert rows_of(exported(clerk, "customers.account")) == [{"name": "A", "city": "Ulm"}]
    for wish in ({"fields": ("phone",)}, {"sort": ("phone",)}, {"filters": (("phone[contains]", "1234"),)}):
        with pytest.raises(BadRequest):
            exports.begin(clerk, Selection("customers.account", **wish))
    assert len(work.records(EXPORT).find(())) == 5, "what is refused leaves no record"
    role_of(work, "whole", read=None)
    work.records("core.user").update(people.rep, {"roles": ["clerk", "whole"]})
    assert b"1234" in exported(work_as(people.rep), "customers.account", "csv"), "by one of two roles that reach as far"


def test_who_may_not_export_is_refused_also_once_the_right_is_gone(
    client: Api, platform: Platform, work: Work, people: People, work_as: type_work_as
) -> None:
    role_of(work, "reader", read=None, files=None, export=NONE)
    role_of(work, "alone", read=None, export=None)
    users = work.records("core.user")
    for role in ("reader", "alone"):
        users.update(people.rep, {"roles": [role]})
        with pytest.raises(Forbidden):
            exports.begin(work_as(people.rep), Selection("customers.account"))
    with pytest.raises(NotFound):
        exports.begin(work, Selection("customers.nothing"))
    users.update(people.rep, {"roles": ["sales_rep"]})
    rep = client.as_user(people.rep)
    begun = rep.post(EXPORTS, {"entity": "customers.account"}).json
    Embedded(platform).run_until_idle()
    written = f"{EXPORTS}/{begun['id']}/file"
    assert rep.get(written).status_code == 200
    (role,) = work.records("core.role").find(parse_where(["key=sales_rep"]))
    narrow = work.records("core.grant").create({"role": role["id"], "permission": "customers.account.read", "scope": "own"})
    refused = rep.get(written)
    assert (refused.status_code, refused.json["code"]) == (403, "rights_changed"), "he reads less by now than is in it"
    work.records("core.grant").delete(id_of(narrow))
    assert rep.get(written).status_code == 200
    team = users.values([people.rep])[people.rep]["team"]
    users.update(people.rep, {"team": None})
    assert rep.get(written).json["code"] == "rights_changed", "nor does he see what was his team's"
    users.update(people.rep, {"team": team})
    begun = rep.post(EXPORTS, {"entity": "customers.account"}).json
    work.records("core.grant").create({"role": role["id"], "permission": "customers.account.export", "scope": "none"})
    assert rep.get(written).status_code == 403, "a file that was written before is not fetched any more"
    Embedded(platform).run_until_idle()
    record = work.records(EXPORT).values([UUID(begun["id"])])[UUID(begun["id"])]
    assert (record["state"], record["reason"]) == ("failed", "you need the permission customers.account.export")


def test_a_file_is_fetched_by_no_token_that_reads_less_than_is_in_it(client: Api, platform: Platform, work: Work, people: People) -> None:
    work.records("customers.account").create({"name": "A", "city": "Ulm", "owner": people.rep})
    rep = client.as_user(people.rep)
    files = [rep.post(EXPORTS, {"entity": "customers.account", "fields": fields}).json["id"] for fields in (["name", "city"], ["name"])]
    Embedded(platform).run_until_idle()
    allows = ["customers.account.read:name", "customers.account.export", f"{EXPORT}.create", f"{EXPORT}.read"]
    narrow = client.as_user(people.rep, allows=allows)
    answers = [narrow.get(f"{EXPORTS}/{id}/file") for id in files]
    assert [answer.status_code for answer in answers] == [403, 200], answers[0].text
    blind = client.as_user(people.rep, allows=["customers.account.read:name", f"{EXPORT}.create", f"{EXPORT}.read:id"])
    refused = blind.get(f"{EXPORTS}/{files[1]}/file")
    assert (refused.status_code, "account" in refused.text) == (404, False), "no refusal tells of what it is a file, or whose"
    assert rep.get(f"{EXPORTS}/{files[0]}/file").status_code == 200


LONG = ["name[in]=" + ",".join(f"{'长' * 20}{n}" for n in range(500))]
"""As many values as a condition takes, of signs that an address writes as nine."""


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"entity": "customers.account", "format": "pdf"}, 422),
        ({"entity": "customers.account", "filter": 7}, 422),
        ({"entity": "customers.account", "filter": ["city"]}, 422),
        ({"entity": "customers.account", "filter": {"nothing": "x"}}, 400),
        ({"entity": "customers.account", "filter": "city[near]=x"}, 400),
        ({"entity": "customers.account", "sort": ["notes"]}, 400),
        ({"entity": "customers.account", "fields": ["nothing"]}, 400),
        ({"entity": "core.token", "fields": ["hash"]}, 400),
        ({"entity": "customers.nothing"}, 404),
        ({"entity": "customers.account", "filter": LONG}, 202),
        ({"entity": "customers.account", "filter": LONG * 3}, 422),
    ],
)
def test_a_wish_that_does_not_fit_is_refused_before_anything_is_written(client: Api, work: Work, body: dict, status: int) -> None:
    answer = client.post(EXPORTS, body)
    assert answer.status_code == status
    assert len(work.records(EXPORT).find(())) == (status == 202)
    if body.get("filter") == LONG * 3:
        assert [(one["field"], one["code"]) for one in answer.json["errors"]] == [("filter", "too_long")]


def test_a_cancelled_export_writes_no_file_and_one_that_was_interrupted_is_begun_anew(
    client: Api, platform: Platform, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.records("customers.account").write_all([make(name) for name in "ABCDEFGH"])
    monkeypatch.setattr(exports, "BLOCK", 2)
    monkeypatch.setattr(exports, "STEPS", 2)
    first, second = (client.post(EXPORTS, {"entity": "customers.account", "fields": ["name"]}).json["id"] for _again in range(2))
    assert client.post(f"{EXPORTS}/{first}/cancel").json["state"] == "cancelled"
    assert client.post(f"{EXPORTS}/{first}/cancel").status_code == 409
    work.records(EXPORT).update(UUID(second), {"state": "running", "done": 6}, act="run")
    at: list[int] = []
    save = exports._save

    def cancelling(ctx: Work, id: UUID, values: Any, *of: Any) -> Any:
        saved = save(ctx, id, values, *of)
        if saved is not None and values.get("done"):
            at.append(saved["done"])
        return saved

    monkeypatch.setattr(exports, "_save", cancelling)
    Embedded(platform).run_until_idle()
    assert at[:4] == [2, 4, 6, 8]
    states = {str(row["id"]): (row["state"], row["done"]) for row in work.records(EXPORT).find(())}
    assert states == {first: ("cancelled", 0), second: ("succeeded", 8)}
    assert [row["name"] for row in rows_of(client.get(f"{EXPORTS}/{second}/file").data)] == [*"ABCDEFGH"]
    assert len(list(work.files.all_keys())) == 1
    third = exports.begin(work, Selection("customers.account"))

    def cancelled(ctx: Work, id: UUID, values: Any, *of: Any) -> Any:
        if values.get("done") == 4:
            exports.cancel(work, id)
        return save(ctx, id, values, *of)

    monkeypatch.setattr(exports, "_save", cancelled)
    assert exports.carry_out(work, third, io.BytesIO()) is None, "cancelled in the midst of it"
    with pytest.raises(Conflict):
        exports.cancel(work, id_of(third))


def test_an_export_that_nobody_comes_back_to_says_so_after_a_day_and_leaves_no_file(work: Work, clock: Clock) -> None:
    id = id_of(exports.begin(work, Selection("customers.account")))
    for hours, state in ((23, "waiting"), (2, "failed")):
        clock.move(hours=hours)
        exports.remove_old(work)
        assert work.records(EXPORT).values([id])[id]["state"] == state
    work.records(EXPORT).update(id, {"content": work.files.save(io.BytesIO(b"what its last attempt has left"))}, act="run")
    exports.remove_old(work)
    assert (work.records(EXPORT).values([id])[id]["content"], list(work.files.all_keys())) == (None, [])


def test_a_workbook_has_real_numbers_dates_and_truth_values_and_a_head_that_stays(work: Work) -> None:
    work.records("pipeline.pipeline").create({"name": "Direct", "is_default": True})
    account = work.records("customers.account").create(
        {
            "name": "A <b> & \u00e9\U0001f600",
            "employees": 12,
            "revenue": {"amount": "1234.5", "currency": "EUR"},
            "notes": "one\r\ntwo",
        }
    )
    work.records("customers.contact").write_all(
        [make(name, account=account["id"], birthday=day) for name, day in (("Ann", "1990-01-31"), ("Old", "1890-01-31"))]
    )
    sheet = openpyxl.load_workbook(io.BytesIO(exported(work, "customers.account", "xlsx"))).active
    head, row = ([cell.value for cell in cells] for cells in sheet.iter_rows())
    got = dict(zip(head, row, strict=True))
    assert (got["employees"], got["revenue"], got["revenue currency"], got["notes"]) == (12, 1234.5, "EUR", "one\r\ntwo")
    assert got["name"] == "A <b> & \u00e9\U0001f600"
    assert (sheet.freeze_panes, sheet["A1"].font.b, sheet.column_dimensions["A"].width > 10) == ("A2", True, True)
    sheet = openpyxl.load_workbook(io.BytesIO(exported(work, "customers.contact", "xlsx", fields=("birthday",)))).active
    assert [(cell.value, cell.is_date) for (cell,) in sheet.iter_rows(min_row=2)][1] == ("1890-01-31", False)
    assert (sheet["A2"].is_date, str(sheet["A2"].value)[:10]) == (True, "1990-01-31")
    sheet = openpyxl.load_workbook(io.BytesIO(exported(work, "pipeline.pipeline", "xlsx", fields=("is_default",)))).active
    assert [cell.value for (cell,) in sheet.iter_rows(min_row=2)] == [True]
    work.records("customers.account").update(id_of(account), {"notes": "x" * 20_000})
    empty = openpyxl.load_workbook(io.BytesIO(exported(work, "customers.account", "xlsx", filters=(("city", "Nowhere"),)))).active
    assert empty.max_row == 1


def test_more_rows_than_a_sheet_has_and_longer_texts_than_a_cell_takes_are_refused_with_the_cure(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.records("customers.account").write_all([make("A"), make("B")])
    monkeypatch.setattr(exports, "MOST_ROWS", 1)
    with pytest.raises(Invalid, match="export as CSV"):
        exports.begin(work, Selection("customers.account", "xlsx"))
    monkeypatch.setattr(exports, "MOST_ROWS", 10)
    monkeypatch.setattr(workbook, "MOST_CHARACTERS", 0)
    with pytest.raises(Invalid) as refused:
        exported(work, "customers.account", "xlsx")
    assert refused.value.problems[0].code == "too_long"
    (record,) = work.records(EXPORT).find(())
    assert (record["state"], "row 1 has 1 characters" in str(record["reason"])) == ("failed", True)


def test_a_link_is_what_leads_back_to_it_and_else_its_id(work: Work) -> None:
    accounts = work.records("customers.account")
    one, twice, other = (accounts.create({"name": name})["id"] for name in ("One", "Twice", "Twice"))
    looks = accounts.create({"name": "01890a5d-ac96-774b-bcce-b302099a8057"})["id"]
    for number, account in enumerate((one, twice, other, looks)):
        work.records("customers.contact").create({"name": f"C{number}", "account": account})
    found = [row["account"] for row in rows_of(exported(work, "customers.contact"))]
    assert found == ["One", str(twice), str(other), str(looks)]
    task = {"subject": "Call", "about": f"customers.account:{one}"}
    work.records("teamwork.task").create(task)
    work.records("teamwork.task").create({**task, "about": f"customers.account:{twice}"})
    assert [row["about"] for row in rows_of(exported(work, "teamwork.task"))] == ["customers.account:One", f"customers.account:{twice}"]
    done = import_file(
        work, "teamwork.task", "subject,about\na,customers.account:One\nb,customers.account:Twice\nc,customers.account:None\n"
    )
    assert done.counts == {"created": 1, "failed": 2}
    assert done.reasons == [(2, "about", "ambiguous"), (3, "about", "no_such_record")]


def test_headings_for_people_are_labels_in_their_language_and_lead_back(platform: Platform, make_tenant: MakeTenant) -> None:
    work = platform.system(make_tenant("chinese", locale="zh_CN").id)
    work.records("customers.account").create({"name": "华为技术", "tier": "key"})
    content = exported(work, "customers.account", headings="labels")
    assert content.startswith(b"\xef\xbb\xbf")
    (row,) = rows_of(content)
    assert (row["名称"], row["客户级别"] if "客户级别" in row else row["级别"]) == ("华为技术", "重点客户")
    other = platform.system(make_tenant("other", locale="zh_CN").id)
    assert import_file(other, "customers.account", content).counts == {"created": 1}
    assert exported(other, "customers.account", headings="labels") == content


def test_the_command_writes_a_whole_file_or_none(work: Work, tenant: Tenant, people: People, tmp_path: Path, command: Dealwright) -> None:
    work.records("customers.account").write_all([make("A", city="Ulm"), make("B", city="Bonn"), make("C", city="Ulm", owner=people.rep)])
    where = ("export", "customers.account", "--tenant", tenant.name)
    file = tmp_path / "accounts.csv"
    told = command.json(*where[:2], str(file), *where[2:], "--where", "city=Ulm", "--sort", "-name", "--fields", "name,city")
    assert {name: told[name] for name in ("entity", "format", "state", "done", "fields")} == {
        "entity": "customers.account", "format": "csv", "state": "succeeded", "done": 2, "fields": ["name", "city"],
    }  # fmt: skip
    assert file.read_text() == "name,city\nC,Ulm\nA,Ulm\n"
    assert command.do(*where[:2], "-", *where[2:], "--fields", "name", "--format", "jsonl").splitlines() == [
        f'{{"name":"{one}"}}' for one in "ABC"
    ]
    email = str(work.records("core.user").values([people.rep])[people.rep]["email"])
    command.do(*where[:2], str(file), *where[2:], "--fields", "name", "--user", email)
    assert rows_of(file.read_bytes()) == [{"name": "C"}]
    for words, code in ((("a.pdf",), 2), (("a.csv", "--fields", "nothing"), 2), (("nowhere/a.csv",), 2), (("a.csv", "--where", "city"), 2)):
        command.do(*where[:2], str(tmp_path / words[0]), *where[2:], *words[1:], exit_code=code)
    assert sorted(path.name for path in tmp_path.iterdir() if "a.csv" in path.name or "part" in path.name) == []
    states = [(row["state"], row["owner"]) for row in work.records(EXPORT).find(())]
    assert states == [("succeeded", None), ("succeeded", None), ("succeeded", people.rep), ("failed", None)]


# --- formulas --------------------------------------------------------------------------------------------------------

_RISKY = st.text(st.sampled_from("'=+-@\t\r\uff1d\uff0b\uff0d\uff20\ufeff a1\n"), max_size=6) | st.lists(
    st.sampled_from(["'", "#N/A", "1.38E+10", "#DIGITS!", "\n", "#", "1"]), max_size=3
).map("".join)


@given(st.lists(_RISKY | st.text(max_size=12), max_size=8))
def test_any_text_survives_and_none_is_left_that_a_spreadsheet_calculates(cells: list[str]) -> None:
    safe = literal(cells)
    assert list(restored(safe)) == cells
    assert not spoilt(safe)
    assert all(cell in (marked, f"'{marked}") for cell, marked in zip(safe, neutral(cells), strict=True))
    assert not [cell for cell in safe if cell[:1] in {*"=+-@\t\r\uff1d\uff0b\uff0d\uff20\ufeff"}]
    safe = neutral(cells)
    assert [cell for cell in cells if cell[:1] not in {*"'=+-@\t\r\uff1d\uff0b\uff0d\uff20\ufeff"}] == [
        cell for cell, before in zip(safe, cells, strict=True) if before[:1] not in {*"'=+-@\t\r\uff1d\uff0b\uff0d\uff20\ufeff"}
    ], "other text stays as it is"
    assert list(neutral(["'tis", "a=b", "''"])) == ["'tis", "a=b", "''"] == list(literal(["'tis", "a=b", "''"]))
