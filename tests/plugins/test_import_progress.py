"""Imports in the background: how far they are, stopped, killed, gone on with."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, Clock
from plugins.import_export import imports, run
from plugins.import_export.journal import IMPORT
from plugins.import_export.migrating import running
from plugins.import_export.migrating.running import Asked
from plugins.import_export.plan import Wish
from plugins.import_export.sheets import WORKBOOK
from plugins.import_export.undo import undoing
from sdk import Condition, Conflict, Draft, where
from sdk.context import id_of
from tests.journeys.commands import Dealwright, dealwright
from tests.plugins.imports import written
from tests.plugins.test_import_sheets import workbook

IMPORTS = "/api/v1/import_export/imports"
FIFTY = written([["name"], *([f"A{n:02}"] for n in range(50))])
WISH = Wish("customers.account", "test.csv")
command = dealwright


class Crash(BaseException):
    """The process dies here."""


@pytest.fixture
def after_chunk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """Chunks of ten rows, behind each of which something happens."""
    monkeypatch.setattr(run, "CHUNK", 10)
    monkeypatch.setattr(run, "TOGETHER", 0)
    original = run.Run.keep

    def hook(happens: Callable[[int], None]) -> None:
        chunks: list[int] = []

        def keep(self: run.Run, *args: Any) -> None:
            original(self, *args)
            chunks.append(1)
            happens(len(chunks))

        monkeypatch.setattr(run.Run, "keep", keep)

    return hook


@pytest.mark.feature("C3")
def test_a_run_tells_how_many_rows_are_done_of_how_many_how_fast_and_how_long_the_rest_takes(
    work: Work, clock: Clock, after_chunk: Callable[[Callable[[int], None]], None]
) -> None:
    seen = []

    def look(_chunk: int) -> None:
        row = work.records("import_export.import").values([id_of(record)])[id_of(record)]
        seen.append((row["done"], row["total"], row["rate"], row["seconds_left"], row["state"]))
        clock.now += timedelta(seconds=2)

    record = imports.begin(work, WISH)
    after_chunk(look)
    done = imports.carry_out(work, record, WISH, io.BytesIO(FIFTY.encode()))
    assert seen == [(10, 50, None, None, "running"), *((10 * n, 50, round(10 * n / (2 * n - 2)), round((50 - 10 * n) / (10 * n / (2 * n - 2))), "running") for n in range(2, 6))]  # fmt: skip
    assert (done["seconds_left"], done["ended_at"] - done["started_at"]) == (None, timedelta(seconds=10))  # type: ignore[operator]


@pytest.mark.feature("C3")
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_workbook_and_a_migration_tell_as_they_run_how_far_they_are_as_a_whole(
    work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch, after_chunk: Callable[[Callable[[int], None]], None], dry_run: bool
) -> None:
    """All rows of all sheets, with the rate and the time left; what watches the command is told of each row, too."""
    monkeypatch.setattr(run, "FIRST", 10)  # more than a few rows, which are told at the end
    told, watched, crashing = list[tuple[object, ...]](), list[int](), False

    def look(_chunk: int) -> None:
        (row,) = work.records(IMPORT).find((*where(state="running"), Condition("part_of", "empty", ("true",))))
        told.append(tuple(row[name] for name in ("done", "total", "rate", "seconds_left")))
        clock.now += timedelta(seconds=2)
        if crashing and len(told) == 2:
            raise Crash

    @contextmanager
    def meter(rows: int) -> Iterator[Callable[[int], None]]:
        watched.append(-rows)
        yield watched.append

    after_chunk(look)
    sheets = {"Accounts": [["Name"], *([f"A{n}"] for n in range(20))], "Contacts": [["Name"], *([f"C{n}"] for n in range(20))]}
    wish = Wish(WORKBOOK, "x.xlsx", dry_run=dry_run)
    done = imports.carry_out(work, imports.begin(work, wish), wish, io.BytesIO(workbook(sheets)), meter)
    assert told == [(0, 40, None, None), (10, 40, 5, 6), (20, 40, 5, 4), (30, 40, 5, 2)]
    assert [done[name] for name in ("done", "total", "seconds_left")] == [40, 40, None]
    assert (watched[0], sum(watched), 0 in watched) == (-40, 0, False)  # nothing is told within a piece, whose transaction it would keep
    told.clear()
    asked = Asked("companies.csv", system="hubspot", dry_run=dry_run)
    file = written([["Record ID", "Company name"], *([n, f"H{n}"] for n in range(20))])
    ended = running.carry_out(work, running.begin(work, asked), asked, io.BytesIO(file.encode()), meter)
    assert [row[:2] for row in told] == [(0, 20), (10, 20)]
    assert [running.told(work, id_of(ended))[name] for name in ("done", "total", "seconds_left")] == [20, 20, None]
    told.clear()
    if dry_run:
        return
    file, crashing = written([["Record ID", "Company name"], *([n, f"K{n}"] for n in range(100, 130))]), True
    begun = running.begin(work, asked)
    with pytest.raises(Crash):
        running.carry_out(work, begun, asked, io.BytesIO(file.encode()))
    crashing = False
    running.carry_out(work, begun, asked, io.BytesIO(file.encode()))
    assert told == [(0, 30, None, None), (10, 30, 5, 4), (10, 30, None, None), (20, 30, 5, 2)], "the rate is of what this run has done"


@pytest.mark.feature("C3")
def test_a_cancelled_import_stops_keeps_what_it_wrote_and_can_be_undone(
    platform: Platform, work: Work, after_chunk: Callable[[Callable[[int], None]], None]
) -> None:
    record = imports.begin(work, WISH)
    waiting = imports.cancel(work, id_of(imports.begin(work, WISH)))
    assert waiting["state"] == "cancelled"
    with pytest.raises(Conflict, match="already ended"):
        imports.cancel(work, id_of(waiting))
    after_chunk(lambda chunk: imports.cancel(work, id_of(record)) and None if chunk == 3 else None)
    done = imports.carry_out(work, record, WISH, io.BytesIO(FIFTY.encode()))
    assert (done["state"], done["created"], len(work.records("customers.account").find(()))) == ("cancelled", 30, 30)
    undone = undoing.carry_out(work, undoing.begin_undo(work, undoing.permit_undo(work, id_of(done))))
    assert (undone["state"], work.records("customers.account").find(())) == ("undone", [])


def test_an_import_that_was_cancelled_before_it_began_writes_nothing_and_leaves_no_file(
    client: Api, drain: Callable[[], int], work: Work
) -> None:
    data = {"entity": "customers.account", "file": (io.BytesIO(FIFTY.encode()), "a.csv")}
    begun = client.call("POST", IMPORTS, data=data, content_type="multipart/form-data").json
    assert client.post(f"{IMPORTS}/{begun['id']}/cancel").json["state"] == "cancelled"
    drain()
    assert client.get(f"{IMPORTS}/{begun['id']}").json["created"] == 0
    assert list(work.files.all_keys()) == []  # type: ignore[attr-defined]
    assert client.post(f"{IMPORTS}/{begun['id']}/cancel").json["code"] == "ended"


def test_a_killed_command_is_gone_on_with_and_can_be_undone_whole(work: Work, after_chunk: Callable[[Callable[[int], None]], None]) -> None:
    def die(chunk: int) -> None:
        if chunk == 3:
            raise Crash  # inside the transaction

    record = imports.begin(work, WISH)
    after_chunk(die)
    with pytest.raises(Crash):
        imports.carry_out(work, record, WISH, io.BytesIO(FIFTY.encode()))
    after_chunk(lambda _chunk: None)
    with pytest.raises(Conflict, match=r"import of customers\.account"):
        imports.to_resume(work, id_of(record), "customers.contact")
    again, wish = imports.to_resume(work, id_of(record), "customers.account")
    assert (wish, again["created"]) == (WISH, 20)
    done = imports.carry_out(work, again, wish, io.BytesIO(FIFTY.encode()))
    assert (done["state"], done["created"], done["done"]) == ("succeeded", 50, 50)
    undone = undoing.carry_out(work, undoing.begin_undo(work, undoing.permit_undo(work, id_of(done))))
    assert (undone["undone"], undone["state"]) == (50, "undone")


@pytest.mark.parametrize(("signals", "code"), [((signal.SIGTERM,), 143), ((signal.SIGINT, signal.SIGTERM, signal.SIGINT), 1)])
def test_a_command_that_is_stopped_says_so_however_often_it_is(
    command: Dealwright, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    after_chunk: Callable[[Callable[[int], None]], None], signals: Sequence[int], code: int,
) -> None:  # fmt: skip
    first, *more = signals
    failing = imports.fail

    def fail(*about: Any) -> None:
        for number in more:
            os.kill(os.getpid(), number)
        failing(*about)

    monkeypatch.setattr(imports, "fail", fail)
    (tmp_path / "Accounts.csv").write_text(FIFTY)
    for entity in ("customers.account", "workbook"):
        after_chunk(lambda chunk: os.kill(os.getpid(), first) if chunk == 3 else None)
        ended = command.run("import", entity, str(tmp_path / "Accounts.csv"), "--tenant", work.tenant.name)
        assert ended.exit_code == code, ended.output
        found = [row for row in work.records(imports.IMPORT).find(()) if row["state"] != "succeeded"]
        assert {row["state"] for row in found} == {"failed"}
        assert [row["created"] for row in found if row["entity"] == "customers.account"][-1] == 20
        assert all("what it had written is kept" in str(row["reason"]) for row in found)
        after_chunk(lambda _chunk: None)
        (whole,) = [row for row in found if row["part_of"] is None and row["entity"] == entity]
        assert f"--resume {whole['id']}" in ended.output
        (tmp_path / "Accounts2.csv").write_text(FIFTY.replace("A00", "B00"))  # rows are known by where they stand
        other = command.run("import", entity, str(tmp_path / "Accounts2.csv"), "--tenant", work.tenant.name, "--resume", str(whole["id"]))
        assert (other.exit_code, "isn’t the file" in other.output) == (2, True), other.output
        again = command.run("import", entity, str(tmp_path / "Accounts.csv"), "--tenant", work.tenant.name, "--resume", str(whole["id"]))
        assert again.exit_code == 0, again.output
        mine = work.records(imports.IMPORT).find(())
        assert {(row["state"], row["created"], row["reason"]) for row in mine} == {("succeeded", 50, None)}
        assert len(work.records("customers.account").find(())) == 50
        again = command.run("import", entity, str(tmp_path / "Accounts.csv"), "--tenant", work.tenant.name, "--resume", str(whole["id"]))
        assert "already ended" in again.output
        work.records("customers.account").write([Draft("delete", {}, id_of(row)) for row in work.records("customers.account").find(())])


def test_an_import_to_which_nobody_comes_back_says_so_after_a_day(work: Work, clock: Clock) -> None:
    lost = id_of(imports.begin(work, WISH))
    clock.move(hours=23)
    imports.tidy(work)
    assert work.records(imports.IMPORT).values([lost])[lost]["state"] == "waiting"
    clock.move(hours=2)
    fresh = id_of(imports.begin(work, WISH))
    imports.tidy(work)
    rows = work.records(imports.IMPORT).values([lost, fresh])
    assert [rows[id]["state"] for id in (lost, fresh)] == ["failed", "waiting"]
    assert "interrupted repeatedly" in str(rows[lost]["reason"])
