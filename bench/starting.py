"""From a command to the first answer, and what a server holds while nobody asks."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import servers
from bench.data import Installation
from bench.table import Line
from core.cli.base import settle
from core.http.openapi.document import described
from core.scaffold.generate import generate

ROUNDS = 3
_TIMER = """
import time
from pathlib import Path

def pytest_runtest_call(item):
    if not Path("began").exists():
        Path("began").write_text(str(time.process_time()))
"""


def measure(installation: Installation) -> list[Line]:
    """Start, import of the vocabulary, memory, the OpenAPI document."""
    starts, memory = zip(*(_start(installation) for _round in range(ROUNDS)), strict=True)
    bare = median(_import("pass") for _round in range(ROUNDS))
    imported = median(_import("import sdk") for _round in range(ROUNDS))
    held = [f"{median(each) / 1_000_000:.0f} MB" for each in zip(*memory, strict=True)]
    kind = installation.kind
    return [
        Line("start: serve to first answer", kind, f"{median(starts):.2f} s", "", "", "< 2 s", "0.44 s (PHP) - 2.4 s", median(starts)),
        Line("start: import sdk", kind, f"{imported - bare:.2f} s", f"{bare:.2f} s python itself", "", "< 0.4 s", seconds=imported - bare),
        Line("start: idle memory of serve, 1 process", kind, f"{held[0]}, {held[1]} after use", "", "", "< 200 MB", "42-270 MB"),
        Line("start: OpenAPI document, new", kind, f"{_document(installation) * 1000:.0f} ms", "", "", "", "apispec alone 30 ms"),
        *(_first_test() if kind == "SQLite" else ()),
    ]


def _start(installation: Installation) -> tuple[float, tuple[int, int]]:
    port = servers.free_port()
    started = time.perf_counter()
    with servers.process([*servers.DEALWRIGHT, "serve", "--port", str(port)], installation.environment, installation.home) as child:
        servers.wait(port, "/health/ready")
        took = time.perf_counter() - started
        idle = servers.resident(child.pid)
        for _round in range(20):
            servers.wait(port, "/health/ready")
        return took, (idle, servers.resident(child.pid))


def _import(what: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", what], check=True, env=servers.surroundings({}))
    return time.perf_counter() - started


def _document(installation: Installation) -> float:
    booted = installation.boot()
    settle()  # as in the server that makes it
    work = booted.system(installation.tenant)
    times = []
    for _round in range(ROUNDS):
        started = time.perf_counter()
        described(work)
        times.append(time.perf_counter() - started)
    booted.close()
    return median(times)


def _first_test() -> list[Line]:
    """Of a package as `plugin new` writes it, pytest itself among it."""
    with TemporaryDirectory() as folder:
        made = generate("fleet", Path(folder))
        (made / "conftest.py").write_text(_TIMER, encoding="utf-8")
        anew, *again = [_until_a_test_begins(made) for _round in range(ROUNDS + 1)]
    name = "start: a new plugin's first test"
    return [
        Line(
            name,
            "SQLite",
            f"{median(again):.2f} s of processor, {anew:.2f} s where no database is kept",
            "",
            "",
            "< 1 s",
            seconds=median(again),
        )
    ]


def _until_a_test_begins(package: Path) -> float:
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "core.testkit.pytest_plugin"]  # and no other that happens to be here
    environment = servers.surroundings({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    subprocess.run(command, check=True, cwd=package, stdout=subprocess.DEVNULL, env=environment)
    began = package / "began"
    seconds = float(began.read_text(encoding="utf-8"))
    began.unlink()
    return seconds
