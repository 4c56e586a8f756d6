"""A file of contacts through `dealwright import`, and once more to bring the records up to date."""

from __future__ import annotations

import csv
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import mean
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from bench import data, load, servers
from bench.data import Installation
from bench.table import Line, rate, times
from core.platform import Platform

WORKBOOK = "100,000 x 12 in < 15 s"
BUDGET = ">= 25,000 rows/s beside 6,650/s bare (3.76x) on PostgreSQL, < 200 MB"
PEER = "Odoo 492 rows/s, 917 MB"
_CHUNK = 2_000
BARE_SECONDS = 3.0
_COLUMNS = ("tenant_id", "id", "name", "account_id", "title", "email", "phone", "wechat", "birthday", "version", "created_at", "updated_at")
_TYPES = ("uuid", "uuid", "text", "uuid", "text", "text", "text", "text", "date", "int", "timestamptz", "timestamptz")


@dataclass(frozen=True)
class Run:
    """What one run of the command took."""

    seconds: float
    peak: int
    counts: dict[str, int]


def measure(installation: Installation) -> list[Line]:
    """The raw limit first, into a tenant of its own; then a dry run, create, and upsert of the same file, each with its peak of memory."""
    file = installation.home / "contacts.csv"
    data.write_contacts(file, installation.rows)
    booted = installation.boot()
    raw_tenant = data.another_tenant(booted, "raw")
    data.another_tenant(booted, "importing")
    data.another_tenant(booted, "workbook")
    workbook = data.as_workbook(file)
    data.settle(booted)
    raw = _raw(booted, raw_tenant, file)
    data.settle(booted)
    booted.close()
    with servers.by_hand(installation, {"url": installation.url, "tenant": str(installation.tenant)}) as port:
        request = load.request(port, "/bare")
        load.drive(port, request, BARE_SECONDS)  # warms up, as for lists
        bare = [load.drive(port, request, BARE_SECONDS).rate]
        beginning = _command(installation, _first_row_of(file), ["--mode", "create", "--dry-run"], "created", rows=1).seconds
        tried = _command(installation, file, ["--mode", "create", "--dry-run"], "created")
        created = _command(installation, file, ["--mode", "create"], "created")
        upserted = _command(installation, file, ["--mode", "upsert", "--match", "email"], "unchanged")
        told = _command(installation, workbook, ["--mode", "create"], "created", tenant="workbook")
        bare.append(load.drive(port, request, BARE_SECONDS).rate)
    return [
        _line("import: dry run", installation, tried, raw, mean(bare), beginning),
        _line("import: create contacts", installation, created, raw, mean(bare), beginning),
        _line("import: upsert the same file", installation, upserted, raw, mean(bare), beginning),
        Line(
            "import: a workbook of 12 columns",
            installation.kind,
            f"{told.seconds:.1f} s, {told.peak / 1_000_000:.0f} MB",
            budget=WORKBOOK,
            seconds=told.seconds,
        ),
    ]


def _first_row_of(file: Path) -> Path:
    short = file.with_name("one.csv")
    with file.open(encoding="utf-8") as source:
        short.write_text(source.readline() + source.readline(), encoding="utf-8")
    return short


def _line(work: str, installation: Installation, run: Run, raw: float, bare: float, beginning: float) -> Line:
    """What a machine is worth is told by a bare route, as the budget tells it; the rate without the start of the command, which a server has behind it, too."""
    speed, alone = installation.rows / run.seconds, installation.rows / (run.seconds - beginning)
    measured = f"{rate(speed)}, {times(speed / bare)} bare; started {rate(alone)}, {times(alone / bare)}; {run.peak / 1_000_000:.0f} MB"
    limit = f"{rate(installation.rows / raw)} csv and INSERT, {rate(bare)} bare"
    return Line(work, installation.kind, measured, limit, times(run.seconds / raw), BUDGET, PEER)


def _command(
    installation: Installation, file: Path, options: list[str], expected: str, rows: int | None = None, tenant: str = "importing"
) -> Run:
    command = [*servers.DEALWRIGHT, "import", "customers.contact", str(file), "--tenant", tenant, "--json", *options]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            command, env=servers.surroundings(installation.environment), cwd=installation.home, stdout=output, stderr=subprocess.DEVNULL
        )
        peak = peak_of(child)
        seconds = time.perf_counter() - started
        output.seek(0)
        said = output.read()
    told = json.loads(said) if said else {}
    if child.returncode or told.get(expected) != (rows or installation.rows):
        raise RuntimeError(f"the import ended with {child.returncode} and {told!s:.500}")
    return Run(seconds, peak, told)


def peak_of(child: subprocess.Popen[bytes]) -> int:
    """Bytes of memory that the process had at the most until it ended: its own mark, for what wait4 tells begins with that of its parent."""
    peak, status = 0, Path(f"/proc/{child.pid}/status")
    while child.poll() is None:
        with suppress(OSError):  # it may just have ended
            peak = max([peak, *(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))])
        time.sleep(0.02)
    return peak


def _raw(booted: Platform, tenant: UUID, file: Path) -> float:
    """The csv module and the fastest INSERT that row-level security allows, with accounts looked up in a dictionary."""
    account = booted.catalog.entities["customers.account"].record.table()
    with booted.database.begin(write=False, tenant=tenant) as connection:
        known = {
            row.name: row.id for row in connection.execute(sa.select(account.c.name, account.c.id).where(account.c.tenant_id == tenant))
        }
    started = time.perf_counter()
    for part in _parts(file, tenant, known, sqlite=booted.database.is_sqlite):
        with booted.database.begin(write=True, tenant=tenant) as connection:
            _insert(connection, part, sqlite=booted.database.is_sqlite)
    return time.perf_counter() - started


def _parts(file: Path, tenant: UUID, known: dict[str, UUID], *, sqlite: bool) -> Iterator[list[tuple[Any, ...]]]:
    now: Any = datetime.now(UTC)
    owner: Any = tenant.hex if sqlite else tenant
    accounts: dict[str, Any] = {name: id.hex for name, id in known.items()} if sqlite else dict(known)
    now = now.strftime("%Y-%m-%d %H:%M:%S.%f") if sqlite else now
    part: list[tuple[Any, ...]] = []
    with file.open(newline="", encoding="utf-8") as source:
        rows = csv.reader(source)
        next(rows)
        for name, account, title, email, phone, wechat, birthday in rows:
            key, born = (uuid4().hex, birthday) if sqlite else (uuid4(), date.fromisoformat(birthday))
            part.append((owner, key, name, accounts[account], title, email, phone, wechat, born, 1, now, now))
            if len(part) == _CHUNK:
                yield part
                part = []
    if part:
        yield part


def _insert(connection: sa.Connection, part: list[tuple[Any, ...]], *, sqlite: bool) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    names = ", ".join(_COLUMNS)
    if sqlite:
        driver.executemany(f"INSERT INTO customers_contacts ({names}) VALUES ({', '.join('?' * len(_COLUMNS))})", part)  # noqa: S608
        return
    arrays = ", ".join(f"%s::{kind}[]" for kind in _TYPES)
    driver.execute(f"INSERT INTO customers_contacts ({names}) SELECT * FROM unnest({arrays})", [list(c) for c in zip(*part, strict=True)])  # noqa: S608
