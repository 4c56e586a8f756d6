"""While a file is read, checked or imported, others go on writing."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest

from core.context import Work
from core.entities.ids import ids_at
from core.platform import Platform
from core.testkit.fixtures import Api
from plugins.import_export import imports, journal, run, sheets
from plugins.import_export.plan import Wish
from plugins.import_export.staging import files
from plugins.import_export.waiting import Place, Waiting
from sdk import Tenant, Unavailable
from sdk.context import id_of
from tests.plugins.imports import import_file, written
from tests.plugins.process import Process
from tests.plugins.test_import_sheets import SHEETS, carried_out, workbook
from tests.plugins.test_staging import FILES, IMPORTS, staged

TEN = written([["name"], *([f"A{n:02}"] for n in range(10))])


@pytest.fixture
def other_writes(platform: Platform, tenant: Tenant) -> Callable[[], None]:
    """Somebody else creates an account at this very moment; fails where that has to wait for us."""
    written: list[int] = []

    def write() -> None:
        work = platform.system(tenant.id)

        def create() -> None:
            work.records("customers.account").create({"name": f"Somebody else's {len(written)}"})
            written.append(1)

        thread, before = Thread(target=create, daemon=True), len(written)
        thread.start()
        thread.join(2)
        assert len(written) > before, "others wait"

    return write


def test_others_go_on_writing_while_a_file_that_is_sent_is_read_and_kept(
    client: Api, other_writes: Callable[[], None], monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    looked, kept = files._looked_through, type(work.files).save

    def look(sheet: Any, notes: Any) -> Any:
        other_writes()
        return looked(sheet, notes)

    def save(self: Any, source: Any) -> str:
        other_writes()
        return kept(self, source)

    monkeypatch.setattr(files, "_looked_through", look)
    monkeypatch.setattr(type(work.files), "save", save)
    file = staged(client, TEN)
    assert file["sheets"][0]["rows"] == 10
    form = {"entity": "customers.account", "file": (io.BytesIO(TEN.encode()), "a.csv")}
    assert client.call("POST", IMPORTS, data=form, content_type="multipart/form-data").status_code == 202
    form = {"from": "from_odoo", "file": (io.BytesIO(b"name,email\nA,a@example.com\n"), "res.partner.csv")}
    assert client.call("POST", "/api/v1/import_export/migrations", data=form, content_type="multipart/form-data").status_code == 202


def test_a_file_whose_record_is_not_made_is_removed_again(client: Api, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any) -> Any:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(files, "stage", refuse)
    answer = client.call("POST", FILES, data={"file": (io.BytesIO(TEN.encode()), "a.csv")}, content_type="multipart/form-data")
    assert answer.status_code == 500
    form = {"entity": "customers.nothing", "file": (io.BytesIO(TEN.encode()), "a.csv")}
    assert client.call("POST", IMPORTS, data=form, content_type="multipart/form-data").status_code == 404
    assert list(work.files.all_keys()) == []  # type: ignore[attr-defined]


# --- dry runs --------------------------------------------------------------------------------------------------------

CHAIN = written(
    [
        ["name", "parent"],
        *([f"A{n:02}", f"A{(n + 7) % 40:02}" if n % 3 else ""] for n in range(40)),
        ["A03", ""],
        ["B", "nobody"],
    ]
)
"""Parents that come later and earlier in the file, a row that comes twice, and a parent who never comes."""


@pytest.fixture
def after_piece(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """Pieces of ten rows, behind each of which something happens."""
    monkeypatch.setattr(run, "CHUNK", 10)
    monkeypatch.setattr(run, "TOGETHER", 0)
    step = run.Run.take

    def hook(happens: Callable[[int], None]) -> None:
        def take(self: run.Run, ctx: Any, rows: Any, keep: Any, *more: Any) -> None:
            pieces: list[int] = []

            def kept(*told: Any) -> None:
                keep(*told)
                pieces.append(1)
                happens(len(pieces))

            step(self, ctx, rows, kept, *more)

        monkeypatch.setattr(run.Run, "take", take)

    return hook


def test_others_write_while_a_dry_run_is_under_way_and_see_how_far_it_is(
    work: Work, other_writes: Callable[[], None], after_piece: Callable[[Callable[[int], None]], None]
) -> None:
    seen = list[tuple[object, ...]]()

    def happens(_piece: int) -> None:
        other_writes()
        row = work.records("import_export.import").values([id_of(record)])[id_of(record)]
        seen.append((row["done"], row["created"], row["state"]))

    wish = Wish("customers.account", "a.csv", mode="upsert", match=("name",), dry_run=True)
    record = imports.begin(work, wish)
    after_piece(happens)
    dry = imports.carry_out(work, record, wish, io.BytesIO(CHAIN.encode()))
    assert [one[0] for one in seen] == sorted(one[0] for one in seen) and {one[2] for one in seen} == {"running"}
    assert seen[0][1] != 0 and seen[-1][0] == 42
    theirs = len(work.records("customers.account").find(()))
    assert theirs == len(seen), "nothing of the dry run stays"
    after_piece(lambda _piece: None)
    real = import_file(work, "customers.account", CHAIN, mode="upsert", match=["name"])
    for name in ("created", "updated", "unchanged", "skipped", "failed", "warned"):
        assert dry[name] == real.record[name], name
    told = imports.rows(work, id_of(dry), None, 500, "").data
    assert [(row["number"], row["outcome"], row["code"], row["reason"]) for row in told] == [
        (row["number"], row["outcome"], row["code"], row["reason"]) for row in real.rows
    ]
    assert (real.counts["created"], real.counts["failed"]) == (40, 1)


def test_a_dry_run_is_cancelled_between_two_of_its_pieces(work: Work, after_piece: Callable[[Callable[[int], None]], None]) -> None:
    wish = Wish("customers.account", "a.csv", dry_run=True)
    record = imports.begin(work, wish)
    after_piece(lambda piece: imports.cancel(work, id_of(record)) and None if piece == 2 else None)
    done = imports.carry_out(work, record, wish, io.BytesIO(CHAIN.encode()))
    assert (done["state"], done["done"] < 42, work.records("customers.account").find(())) == ("cancelled", True, [])  # type: ignore[operator]


class Crash(BaseException):
    """The process dies here."""


def test_a_dry_run_that_was_killed_begins_anew_and_counts_each_row_once(
    work: Work, after_piece: Callable[[Callable[[int], None]], None]
) -> None:
    def die(piece: int) -> None:
        if piece == 5:
            raise Crash

    wish = Wish("customers.account", "a.csv", dry_run=True)
    record = imports.begin(work, wish)
    after_piece(die)
    with pytest.raises(Crash):
        imports.carry_out(work, record, wish, io.BytesIO(CHAIN.encode()))
    halfway = work.records("import_export.import").values([id_of(record)])[id_of(record)]
    assert (halfway["state"], halfway["done"] > 0) == ("running", True)  # type: ignore[operator]
    after_piece(lambda _piece: None)
    done = imports.carry_out(work, halfway, wish, io.BytesIO(CHAIN.encode()))
    assert sum(int(str(done[name])) for name in ("created", "failed", "skipped")) == 42 == done["done"]
    rows, _next = journal.page(work, done, None, 100, 0)
    assert [row["number"] for row in rows] == list(range(1, 43))


def test_sheets_that_are_tried_together_in_pieces_have_the_counts_of_the_run_and_are_told_one_by_one(
    work: Work, process: Process, monkeypatch: pytest.MonkeyPatch, other_writes: Callable[[], None]
) -> None:
    monkeypatch.setattr(run, "CHUNK", 2)
    monkeypatch.setattr(run, "TOGETHER", 0)
    sums, seen = sheets._sums, list[object]()

    def summed(rows: Any) -> dict[str, object]:
        other_writes()
        found = sums(rows)
        seen.append(found["done"])
        return found

    monkeypatch.setattr(sheets, "_sums", summed)
    content = workbook(SHEETS)
    dry = carried_out(work, content, dry_run=True)
    assert (dry["state"], dry["created"], dry["failed"], dry["total"]) == ("partial", 8, 1, 9)
    assert len(seen) >= 5 and seen == sorted(seen, key=str)  # behind each piece and at the end
    assert len(work.records("customers.account").find(())) == len(seen), "what others have written, and nothing else"


class Usage(NamedTuple):
    """Of a disk that is full."""

    total: int
    used: int
    free: int


def test_a_copy_for_a_dry_run_goes_with_it_and_that_of_a_killed_one_goes_with_the_next(
    platform: Platform, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not platform.database.is_sqlite:
        return  # there a transaction is undone, and nothing is copied
    folder = Path(str(platform.database.engine.url.database)).parent

    def copies() -> list[Path]:
        return sorted(folder.glob("rehearsal-*"))

    lost = folder / "rehearsal-lost"
    lost.mkdir()
    os.utime(lost, (0, 0))
    with work.rehearsal() as trying:
        trying.records("customers.account").create({"name": "Only tried"})
        (mine,) = copies()
        os.utime(mine, (0, 0))
        with platform.system(work.tenant.id).rehearsal():
            assert len(copies()) == 2, "one that is still needed stays"
        assert work.records("customers.account").find(()) == []
    assert copies() == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: Usage(10, 10, 0))
    with pytest.raises(Unavailable, match="free some space"), work.rehearsal():
        pass


def test_rows_that_wait_are_written_down_in_little_room_and_read_again() -> None:
    waiting = Waiting()
    waiting.add(range(1, 1_000_001))
    waiting.remove(range(2, 1_000_001, 2))
    now = datetime(2026, 3, 29, 1, 30, 59, 123456, tzinfo=UTC)
    kept = {first: Place(ids_at((0, 1_999))[0], now) for first in range(1, 1_000_001, 2_000)}
    waiting.keep(kept)
    text = waiting.text()
    assert text is not None and len(text) < 200_000 and len(waiting) == 500_000
    again = Waiting(text)
    places = [again.places((number,))[number] for number in (1, 2, 2_000, 2_001, 1_000_000)]
    assert [places[0], places[3]] == [kept[1], kept[2_001]] and {at for _id, at in places} == {now}
    ids = [id for id, _at in places if id is not None]
    assert ids == sorted(ids) and len(set(ids)) == 5 and {id.version for id in ids} == {7}
    assert (len(again), 7 in again, 8 in again, 2_000_000 in again) == (500_000, True, False, False)
    again.remove(range(1_000_001))
    assert (again.text(), len(again)) == (None, 0)
    old = Waiting("3,17")
    assert (len(old), 3 in old, 17 in old, 4 in old, old.places((3, 17))) == (2, True, True, False, {})


def test_pieces_become_smaller_where_they_take_long_and_larger_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(run, "monotonic", lambda: now[0])
    pace, sizes = run.Pace(), [run.Pace().size]
    for seconds in (5.0, 40.0, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1):
        with pace.of(pace.size):
            now[0] += seconds
        sizes.append(pace.size)
    assert sizes == [500, 50, 50, 50, 100, 200, 400, 800, 1600, 2000, 2000]
