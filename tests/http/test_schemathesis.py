"""The API keeps what its own document says: Schemathesis finds nothing, with all checks on.

The default is a short run: a sixth of the addresses, another each day, and those that entities have alike of an eighth of them.
`DEALWRIGHT_SCHEMATHESIS_EXAMPLES=100` is the long one: every phase on every operation of all plugins, as administrator and as representative.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from zlib import crc32

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from core.app import create_app
from core.platform import Platform
from core.testkit.fixtures import Api, People
from tests.day import DAY
from tests.probe.fixtures import OURS, PROBE

ROOT = Path(__file__).parents[2]
EXAMPLES = int(os.environ.get("DEALWRIGHT_SCHEMATHESIS_EXAMPLES", "0"))
LONG = EXAMPLES > 0
PART_OF_IT = "^/api/v1/(core|customers|import_export|pipeline|probe|session)"
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """All our plugins, and the probe for its field of every type."""
    return (*OURS, PROBE)


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def served(platform: Platform) -> Iterator[str]:
    """The address of a running server."""
    server = make_server("127.0.0.1", 0, create_app(platform), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def found_by_schemathesis(address: str, token: str, examples: int, *options: str) -> str:
    """The report of a run that found something; "" when it found nothing. `schemathesis.toml` says what is set and why."""
    command = [
        str(SCHEMATHESIS), "run", f"{address}/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}", "--checks", "all",
        "--max-examples", str(examples), "--continue-on-failure", "--generation-database", "none", "--no-color", "--warnings", "off",
        "--seed", "20260115", *options,
    ]  # fmt: skip
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=7200)
    if run.returncode == 0:
        assert re.search(r"\d+ generated, \d+ passed", run.stdout), run.stdout
        return ""
    return run.stdout[-20_000:] + run.stderr


def _left_out(platform: Platform, api: Api) -> str:
    """What the short run does not ask today: five sixths of the addresses, and of what entities have alike seven of eight."""
    paths = api.get("/api/v1/openapi.json").json["paths"]
    others = "|".join(re.escape(path) for path in paths if (crc32(path.encode()) + DAY) % 6)
    return rf"^({others})$|{_like_others(platform)}"


def _like_others(platform: Platform) -> str:
    """The addresses that seven of eight entities have alike, list to history."""
    alike = [one for one in platform.catalog.entities.values() if crc32(one.full_name.encode()) % 8]
    roots = "|".join(f"{one.plugin}/{one.plural}" for one in alike)
    return rf"^/api/v1/({roots})(/batch|/duplicates|/\{{id\}}(/(history|timeline|restore|merges(/\{{merge\}}/undo)?))?)?$"


@pytest.mark.feature("P14")
@pytest.mark.timeout(7200 if LONG else 600)
@pytest.mark.parametrize("role", ["admin", "representative"])
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_schemathesis_finds_nothing(platform: Platform, client: Api, people: People, role: str) -> None:
    api = client if role == "admin" else client.as_user(people.rep)
    short = ["--phases", "fuzzing", "--no-shrink", "--exclude-path-regex", _left_out(platform, api)]
    if role == "representative":  # the same code as the administrator's, with fewer rights: the long run asks all of it, in all phases
        short = [*short, "--include-path-regex", PART_OF_IT, "--phases", "fuzzing,stateful"]
    with served(platform) as address:
        report = found_by_schemathesis(address, api.token, EXAMPLES or 1, *(() if LONG else short))
    assert not report, report


@pytest.mark.feature("P14")
@pytest.mark.timeout(7200 if LONG else 600)
@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_each_kind_of_field_takes_what_the_document_says_and_nothing_else(platform: Platform, client: Api) -> None:
    """The edges of each value of a write: an example for each rule of each schema, kept and broken; of two operations each day."""
    operations = ("probe.thing.create", "probe.thing.update", "probe.thing.batch", "core.issue_token", "pipeline.move_deal")
    operations = operations if LONG else [operation for place, operation in enumerate(operations) if (place + DAY) % 5 < 2]
    options = [word for operation in operations for word in ("--include-operation-id", operation)]
    with served(platform) as address:
        report = found_by_schemathesis(address, client.token, EXAMPLES or 1, "--phases", "coverage", *options)
    assert not report, report
