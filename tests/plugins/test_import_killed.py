"""A command that is killed at the stroke, by nobody it could listen to, goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.tables import audit
from core.platform import Platform
from plugins.import_export.journal import IMPORT
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
