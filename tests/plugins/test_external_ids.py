"""What another system calls a record stays that record's: no row moves it to another one, an undo gives it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from core.context import Work
from core.testkit.fixtures import Api, People
from plugins.import_export import run
from plugins.import_export.undo import undoing
from sdk import Channel, where
from sdk.context import id_of
from sdk.fields import Reference
from tests.plugins.exported import exported, rows_of
from tests.plugins.imports import Done, import_file

Take = Callable[..., Done]
THEIRS = {"map": ["Id=external_id"], "system": "crm"}


def named(work: Work) -> dict[str, str]:
    """By their ids the names of the accounts that these mean."""
    rows = work.records("import_export.external_id").find(where(system="crm"), 100)
    ids = {str(row["external_id"]): cast("Reference", row["record"]).id for row in rows}
    there = work.records("customers.account").titles(ids.values())
    return {word: there.get(id, "-") for word, id in sorted(ids.items())}


def undo(work: Work, done: Done) -> None:
    """Take an import back."""
    undoing.carry_out(work, undoing.begin_undo(work, undoing.permit_undo(work, id_of(done.record))))


def found(work: Work, name: str) -> str:
    """The id of an account."""
    return str(work.records("customers.account").find(where(name=name))[0]["id"])


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_id_that_names_a_record_is_not_moved_to_another_one(taken: Take, work: Work, dry_run: bool) -> None:
    taken("customers.account", "Name,Id\nAlder,1\nBirch,2\n", **THEIRS)
    again = taken("customers.account", "Name,Id\nCedar,1\nDogwood,3\n", dry_run=dry_run, **THEIRS)
    assert again.counts == {"created": 1, "failed": 1}
    assert [(row["number"], row["column"], row["value"], row["code"], row["nearest"]) for row in again.rows] == [
        (1, "external_id", "1", "id_taken", "Alder")
    ]
    other = taken("customers.account", "Name,Id\nBirch,1\nAlder,1\n", mode="upsert", match=["name"], dry_run=dry_run, **THEIRS)
    assert other.counts == {"failed": 1, "unchanged": 1}
    assert named(work) == {"1": "Alder", "2": "Birch", **({} if dry_run else {"3": "Dogwood"})}


def test_an_export_of_what_others_call_records_has_their_words_and_no_id_of_ours(taken: Take, work: Work) -> None:
    taken("customers.account", "Name,Id\nAlder,1\nBirch,2\n", **THEIRS)
    rows = rows_of(exported(work, "import_export.external_id", fields=("external_id", "system"), sort=("external_id",)))
    assert rows == [{"external_id": "1", "system": "crm"}, {"external_id": "2", "system": "crm"}]


def test_two_rows_of_a_file_with_one_id_are_not_two_records(taken: Take, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHUNK", 2)
    monkeypatch.setattr(run, "TOGETHER", 0)
    done = taken("customers.account", "Name,Id\nAlder,1\nBirch,1\nCedar,2\nDogwood,1\n", **THEIRS)
    assert done.counts == {"created": 2, "failed": 2}
    assert [(row["number"], str(row["reason"]).rpartition("; ")[2]) for row in done.rows] == [
        (2, "is the same as row 1 of this file"), (4, "is the same as row 1 of this file"),
    ]  # fmt: skip
    assert named(work) == {"1": "Alder", "2": "Cedar"}


def test_who_does_not_see_a_record_does_not_take_its_id_and_is_not_told_its_name(taken: Take, work: Work, people: People) -> None:
    taken("customers.account", "Name,Id\nHidden,1\n", **THEIRS)
    rep = work.platform.user(work.tenant.id, people.rep, Channel.API)
    done = import_file(rep, "customers.account", "Name,Id\nMine,1\n", mode="upsert", match=["external_id"], **THEIRS)
    assert (done.counts, done.reasons, done.rows[0]["nearest"]) == ({"failed": 1}, [(1, "external_id", "id_taken")], None)
    assert named(work) == {"1": "Hidden"}


def test_an_undo_gives_back_the_ids_of_what_it_made_changed_and_left_as_it_was(taken: Take, work: Work) -> None:
    taken("customers.account", "Name,Id\nAlder,1\n", **THEIRS)
    taken("customers.account", "Name,City\nBirch,Ulm\nCedar,Ulm\n")
    content = "Name,City,Id\nAlder,Ulm,1\nBirch,Bonn,2\nCedar,Ulm,3\nDogwood,Ulm,4\n"
    second = taken("customers.account", content, mode="upsert", match=["name"], **THEIRS)
    assert second.counts == {"created": 1, "updated": 2, "unchanged": 1}
    assert named(work) == {"1": "Alder", "2": "Birch", "3": "Cedar", "4": "Dogwood"}
    undo(work, second)
    assert named(work) == {"1": "Alder"}, "that which an earlier import knew is still known"
    third = taken("customers.account", "Name,Id\nElm,4\nFir,3\n", **THEIRS)
    assert third.counts == {"created": 2}


def test_an_id_goes_where_its_record_goes(client: Api, taken: Take, work: Work) -> None:
    taken("customers.account", "Name,Id\nAlder,1\nBirch,2\nCedar,3\n", **THEIRS)
    alder, birch, cedar = (found(work, name) for name in ("Alder", "Birch", "Cedar"))
    merged = client.post(f"/api/v1/customers/accounts/{alder}/merges", {"losers": [birch]})
    assert merged.status_code < 300, merged.text
    assert named(work) == {"1": "Alder", "2": "Alder", "3": "Cedar"}
    assert client.delete(f"/api/v1/customers/accounts/{cedar}").status_code == 204
    assert taken("customers.account", "Name,Id\nDogwood,3\n", **THEIRS).counts == {"created": 1}, "what was deleted keeps no id from others"
    assert client.post(f"/api/v1/customers/accounts/{cedar}/restore", {}).status_code == 200
    assert named(work) == {"1": "Alder", "2": "Alder", "3": "Dogwood"}, "and takes none back"
