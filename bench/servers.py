"""The servers under load: `dealwright serve`, and a hand-written one of the same kind beside it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from bench.data import Installation

WORKERS = 2
DEALWRIGHT = [sys.executable, "-c", "from core.cli.main import main; main()"]
ROOT = Path(__file__).parent.parent


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(installation: Installation, workers: int = WORKERS) -> Iterator[int]:
    """`dealwright serve`; yields its port."""
    port = free_port()
    command = [*DEALWRIGHT, "serve", "--port", str(port), "--workers", str(workers)]
    with process(command, installation.environment, installation.home):
        wait(port, "/health/ready")
        yield port


@contextmanager
def by_hand(installation: Installation, plan: Mapping[str, Any], workers: int = WORKERS) -> Iterator[int]:
    """The hand-written routes on the same kind of server; yields its port."""
    port, file = free_port(), installation.home / "plan.json"
    file.write_text(json.dumps(plan), encoding="utf-8")
    with process([sys.executable, "-m", "bench.raw", str(port), str(workers), str(file)], {}, ROOT):
        wait(port, "/bare")
        yield port


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: it finds our packages wherever it runs, compiled as pip leaves them, though nobody else here may keep bytecode."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "", **environment}


@contextmanager
def process(command: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child with its children, ended with the block."""
    with (folder / "server.log" if folder != ROOT else Path(os.devnull)).open("ab") as log:
        child = subprocess.Popen(command, env=surroundings(environment), cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def wait(port: int, path: str, patience: float = 60) -> float:
    """The seconds until the address answers 200."""
    started = time.perf_counter()
    while time.perf_counter() - started < patience:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return time.perf_counter() - started
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.005)
    raise TimeoutError(f"nothing answered at {path} within {patience:.0f} s; see server.log")


def family(pid: int) -> list[int]:
    """A process and its children."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def resident(pid: int) -> int:
    """The bytes of memory that a process and its children hold; what they share counts once."""
    total = 0
    for member in family(pid):
        for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total
