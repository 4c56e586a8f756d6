"""A command that is killed at the stroke, by nobody it could listen to, goes on where it was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.tables import audit
from core.platform import Platform
from core.testkit.engines import Embedded
from core.testkit.fixtures import Api, Clock
from core.worker.deliver import LEASE
from plugins.import_export import exports
from plugins.import_export.journal import IMPORT
from sdk import Draft
from tests.plugins.exported import rows_of
from tests.plugins.imports import written

ROWS = 2000
PROGRAM = "from plugins.import_export import run; run.CHUNK, run.TOGETHER = 200, 0; from core.cli.main import main; main()"
"""`dealwright`, with pieces so small that a file of a second has many."""


def killed_behind(command: Sequence[str], env: dict[str, str], work: Work, done: int) -> int:
    """Kill the command as soon as the record tells that more than `done` rows are done; how many those are."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        while not any(int(str(row["done"] or 0)) > done for row in work.records(IMPORT).find(())):
            with suppress(subprocess.TimeoutExpired):
                _out, told = process.communicate(timeout=0.02)
                pytest.fail(f"it ended before: {told.decode()}")
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    (record,) = work.records(IMPORT).find(())
    assert record["state"] == "running"
    return int(str(record["done"]))


@pytest.mark.feature("C3")
def test_a_command_that_is_killed_twice_and_gone_on_with_has_brought_each_row_once(platform: Platform, work: Work, tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text(written([["name"], *([f"A{n:04}"] for n in range(ROWS))]))
    config = platform.config
    env = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DEALWRIGHT_PLUGINS")}
    env |= {"DEALWRIGHT_HOME": str(config.home), "DATABASE_URL": config.database_url, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM, "import", "customers.account", str(file), "--tenant", work.tenant.name]
    first = killed_behind(command, env, work, 0)
    (record,) = work.records(IMPORT).find(())
    again = [*command, "--resume", str(record["id"])]
    second = killed_behind(again, env, work, first)
    assert 0 < first < second < ROWS
    ended = subprocess.run(again, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    (record,) = work.records(IMPORT).find(())
    assert [record[name] for name in ("state", "created", "done", "total", "failed", "skipped")] == ["succeeded", ROWS, ROWS, ROWS, 0, 0]
    made = {str(row["id"]): str(row["name"]) for row in work.records("customers.account").find((), ROWS + 1)}
    assert sorted(made.values()) == [f"A{n:04}" for n in range(ROWS)]
    with work.transaction():
        query = sa.select(audit.c.record_id, audit.c.action).where(
            audit.c.entity == "customers.account", audit.c.tenant_id == work.tenant.id
        )
        told = Counter((str(id), str(action)) for id, action in work.connection.execute(query))
    assert told == Counter((id, "create") for id in made)


@pytest.mark.feature("C15")
def test_an_export_that_is_killed_wherever_it_writes_is_done_once_and_leaves_one_whole_file(
    client: Api, platform: Platform, work: Work, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between rows, in the midst of keeping the file, before it is said that it is there, and behind that."""
    work.records("customers.account").write_all([Draft("create", {"name": name}) for name in "ABCDEFGH"])
    monkeypatch.setattr(exports, "BLOCK", 2)
    monkeypatch.setattr(exports, "STEPS", 2)
    shots = tmp_path / "shots"
    shots.write_text("rows keeping kept told")
    block, copy, finish = exports._as_they_came, shutil.copyfileobj, exports.finish

    def killed(place: str) -> None:
        first, _space, rest = shots.read_text().partition(" ")
        if first == place:
            shots.write_text(rest)
            os.kill(os.getpid(), signal.SIGKILL)

    def rows(*given: Any) -> Any:
        killed("rows" if "E" in given[2].columns["name"] else "")
        return block(*given)

    def keeping(source: Any, sink: Any, *size: int) -> None:
        sink.write(source.read(3))
        sink.flush()
        killed("keeping")
        copy(source, sink, *size)

    def finishing(*given: Any) -> Any:
        killed("kept")
        done = finish(*given)
        killed("told")
        return done

    monkeypatch.setattr(exports, "_as_they_came", rows)
    monkeypatch.setattr(shutil, "copyfileobj", keeping)
    monkeypatch.setattr(exports, "finish", finishing)
    at = client.post("/api/v1/import_export/exports", {"entity": "customers.account", "fields": ["name"]}).headers["Location"]
    offered = []
    for _attempt in range(5):
        Embedded(platform).run_apart()
        offered.append((client.get(at).json["state"], client.get(f"{at}/file").status_code))
        clock.move(seconds=LEASE.total_seconds())
    assert (shots.read_text(), offered) == ("", [("running", 409)] * 3 + [("succeeded", 200)] * 2)
    assert [row["name"] for row in rows_of(client.get(f"{at}/file").data)] == [*"ABCDEFGH"]
    assert len([path for path in (platform.config.home / "files").rglob("*") if path.is_file()]) == 1
    assert [row["title"] for row in work.records("teamwork.notification").find(())] == ["Export ready: Accounts.csv"]
