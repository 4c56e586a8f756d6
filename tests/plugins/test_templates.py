"""The template of any plugin's entity, with a field of every type and with fields that another plugin adds."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from importlib.metadata import EntryPoint

import openpyxl
import pytest

from core.context import Work
from core.extension.discover import GROUP
from plugins.import_export.template import template
from sdk import Tenant
from tests.journeys.commands import Dealwright, dealwright
from tests.plugins.imports import import_file
from tests.probe.fixtures import POINTS

__all__ = ["dealwright"]


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The probes, and what imports into them."""
    return (*POINTS, EntryPoint("import_export", "plugins.import_export.plugin", GROUP))


@pytest.fixture
def linked(work: Work) -> Work:
    """Records for the required links."""
    work.records("probe.board").create({"name": "Board"})
    work.records("probe.thing").create({"name": "Same"})
    work.records("probe.thing").create({"name": "Same"})
    return work


@pytest.mark.feature("C1")
def test_the_untouched_template_is_imported_whatever_the_types_of_its_fields(linked: Work) -> None:
    for name in linked.platform.catalog.entities:
        if not name.startswith("probe") or not linked.can(f"{name}.create"):
            continue
        for _time in range(2):
            content = template(linked, name).content
            done = import_file(linked, name, content, duplicates="take")
            assert (done.counts, done.ignored) == ({"created": 1}, None), (name, content.decode(), done.rows)


@pytest.mark.feature("C1")
def test_fields_that_the_tenant_adds_have_their_columns_with_options_and_an_example(linked: Work) -> None:
    for key, kind, more in (
        ("region", "choice", {"options": [{"key": "n", "label": "North"}, {"key": "s", "label": "South"}], "required": True}),
        ("worth", "money", {}), ("badge", "text", {"unique": True, "label": "Badge"}), ("home", "link", {"target": "probe.board", "required": True}),
    ):  # fmt: skip
        linked.records("core.custom_field").create({"entity": "probe.thing", "key": key, "kind": kind, "label": f"My {key}", **more})
    content = template(linked, "probe.thing").content
    headings = next(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert headings[-4:] == ["My region [North|South] *", "My worth", "Badge", "My home *"]
    for _time in range(2):
        done = import_file(linked, "probe.thing", template(linked, "probe.thing").content)
        assert (done.counts, done.ignored) == ({"created": 1}, None), done.rows
    row = linked.records("probe.thing").find((), 1_000)[-1]
    assert (row["custom.region"], str(row["custom.worth"])) == ("n", "Money(amount=Decimal('50.0000'), currency='USD')")


@pytest.mark.feature("C1")
def test_fields_that_another_plugin_adds_have_their_columns(linked: Work) -> None:
    heading, _example = csv.reader(io.StringIO(template(linked, "probe.thing").content.decode("utf-8-sig")))
    writable = [field for field in linked.records("probe.thing").fields().values() if not field.readonly]
    assert len(heading) == len(writable) == len(set(heading))
    assert any(field.name.startswith("probe_more.") for field in writable)
    assert [word for word in heading if word.startswith("Tier")] == ["Tier [Gold|Silver|Tin]"]


def test_a_required_link_has_a_name_that_is_unmistakable_or_an_id(linked: Work) -> None:
    (_heading, lane) = csv.reader(io.StringIO(template(linked, "probe.lane").content.decode("utf-8-sig")))
    assert lane[0] == "Board"
    (_heading, part) = csv.reader(io.StringIO(template(linked, "probe.part").content.decode("utf-8-sig")))
    assert part[0] in {str(row["id"]) for row in linked.records("probe.thing").find(())}


@pytest.mark.feature("C1")
def test_the_command_prints_the_template_and_takes_it_back(dealwright: Dealwright, tenant: Tenant, tmp_path) -> None:
    result = dealwright.run("import-template", "customers.account", "--tenant", tenant.name)
    file = tmp_path / "accounts.csv"
    file.write_bytes(result.stdout_bytes)
    assert dealwright.do("import", "customers.account", str(file), "--tenant", tenant.name).startswith("succeeded: 1 created")
    book = tmp_path / "contacts.xlsx"
    book.write_bytes(dealwright.run("import-template", "customers.contact", "--format", "xlsx", "--tenant", tenant.name).stdout_bytes)
    assert dealwright.do("import", "customers.contact", str(book), "--tenant", tenant.name).startswith("succeeded: 1 created")
    file.write_text("Report of accounts\n\nName,City\nZ,Ulm\n", encoding="utf-8")
    told = dealwright.run("import", "customers.account", str(file), "--tenant", tenant.name)
    assert told.stderr == "accounts.csv: the headings are in row 3; the lines above are skipped (1): Report of accounts\n"
    assert dealwright.run("import-template", "customers.nothing", "--tenant", tenant.name).exit_code == 2
    assert dealwright.run("import-template", "import_export.row", "--tenant", tenant.name).exit_code == 2


def test_the_command_tells_each_row_that_it_could_not_take(dealwright: Dealwright, tenant: Tenant, tmp_path) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("Name,Colour,Founded in\n" + "A,red,never\n" * 25 + "B,red,1990\n", encoding="utf-8")
    words = ("import", "customers.account", str(file), "--tenant", tenant.name)
    dry = dealwright.run(*words, "--dry-run")
    assert dry.exit_code == 3
    assert "(dry run: nothing was written)" in dry.stdout
    told = dealwright.run(*words)
    assert told.stdout == "partial: 1 created, 0 updated, 0 unchanged, 0 skipped, 25 failed\n"
    lines = told.stderr.splitlines()
    assert lines[0] == "failed: row 1, column Founded in 'never': expected a whole number"
    assert lines[-2:] == ["… and 5 more; --json lists them all", "columns left out: Colour"]
    document = dealwright.json(*words, "--mode", "upsert", "--match", "name", exit_code=3)
    assert (document["unchanged"], document["failed"], document["ignored"], len(document["rows"])) == (1, 25, ["Colour"], 25)
    assert document["file_name"] == document["file"] == "accounts.csv", "by the name in the API, too"
    assert document["rows"][0] == {
        "row": 1, "number": 1, "outcome": "failed", "column": "Founded in", "value": "never", "code": "malformed",
        "reason": "expected a whole number", "nearest": None,
    }  # fmt: skip


def test_a_file_that_is_not_there_or_cannot_be_read_is_refused_in_one_line(dealwright: Dealwright, tenant: Tenant, tmp_path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    for path, word in ((tmp_path / "absent.csv", "can’t read"), (tmp_path, "can’t read"), (empty, "is empty")):
        refused = dealwright.run("import", "customers.account", str(path), "--tenant", tenant.name)
        assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
        assert word in refused.stderr


@pytest.mark.feature("C1")
def test_the_workbook_offers_choices_marks_what_is_required_and_says_what_fits(linked: Work) -> None:
    made = {"entity": "probe.thing", "key": "region", "kind": "choice", "label": "Region", "required": True}
    linked.records("core.custom_field").create({**made, "options": [{"key": "n", "label": "North"}, {"key": "s", "label": "=South"}]})
    file = template(linked, "probe.thing", "xlsx")
    assert (file.filename, file.media_type.rpartition(".")[2]) == ("probe.thing.xlsx", "sheet")
    book = openpyxl.load_workbook(io.BytesIO(file.content))
    sheet, notes, lists = book[book.sheetnames[0]], book["Notes"], book["Options"]
    headings = [cell.value for cell in sheet[1]]
    fields = [field for field in linked.records("probe.thing").fields().values() if not field.readonly]
    assert len(headings) == len(fields) == notes.max_row - 1
    assert (headings[-1], sheet.freeze_panes, lists.sheet_state) == ("Region *", "A2", "veryHidden")
    assert sheet.cell(1, len(headings)).comment.text == "A choice.\nOne of: North, =South.\nRequired."
    rules = {str(rule.sqref): rule for rule in sheet.data_validations.dataValidation}
    letter = sheet.cell(1, len(headings)).column_letter
    rule = rules[f"{letter}2:{letter}10000"]
    column = re.fullmatch(r"Options!\$([A-Z]+)\$1:\$\1\$2", rule.formula1)
    assert column is not None
    assert [(lists[f"{column[1]}{row}"].value, lists[f"{column[1]}{row}"].data_type) for row in (1, 2)] == [
        ("North", "s"),
        ("=South", "s"),
    ]
    assert (rule.type, rule.showErrorMessage, rule.allow_blank) == ("list", True, False)
    done = import_file(linked, "probe.thing", file.content, duplicates="take")
    assert (done.counts, done.ignored) == ({"created": 1}, None), done.rows
    assert linked.records("probe.thing").find((), 1_000)[-1]["custom.region"] == "n"
