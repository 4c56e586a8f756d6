"""Contacts out of what `dealwright export` runs, in each format, beside the csv module over the same SQL."""

from __future__ import annotations

import csv
import io
import subprocess
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from uuid import UUID

import sqlalchemy as sa

from bench import data, servers
from bench.data import Installation
from bench.importing import peak_of
from bench.table import Line, rate, times
from core.cli.base import settle
from core.data import bulk
from core.entities.ids import new_ids
from core.platform import Platform
from plugins.import_export import exports
from plugins.import_export.exports import Selection

FIELDS = ("name", "account", "title", "email", "phone", "wechat", "birthday")
BUDGETS = {"csv": ">= 100,000 rows/s", "xlsx": "100,000 rows in < 10 s", "jsonl": ""}
_CHUNK = 2_000


def measure(installation: Installation) -> list[Line]:
    """A tenant with so many contacts; then each format in this process, and the memory of the command."""
    booted = installation.boot()
    settle(batches=True)  # as the command does
    tenant = data.another_tenant(booted, "exporting")
    _fill(booted, tenant, installation.rows)
    data.settle(booted)
    raw = min(_raw(booted, tenant) for _again in range(2))
    lines = []
    for format, budget in BUDGETS.items():
        seconds = min(_export(booted, format) for _again in range(2))
        peak = _command(installation, format)
        measured = f"{rate(installation.rows / seconds)}, {seconds:.1f} s, {peak / 1_000_000:.0f} MB"
        by_hand = f"{rate(installation.rows / raw)} SQL and csv"
        lines.append(Line(f"export: contacts, {format}", installation.kind, measured, by_hand, times(seconds / raw), budget))
    booted.close()
    return lines


def _fill(booted: Platform, tenant: UUID, count: int) -> None:
    random, now = Random(data.SEED), datetime.now(UTC)
    accounts = booted.system(tenant).records("customers.account").find((), 5_000)
    table = booted.catalog.entities["customers.contact"].record.table()
    with booted.database.begin(write=True, tenant=tenant) as connection:
        for start in range(0, count, _CHUNK):
            rows = [
                {
                    "tenant_id": tenant, "id": id, "name": f"{random.choice(data.HEADS)} {random.choice(data.TAILS)} {number}",
                    "account_id": random.choice(accounts)["id"], "title": "Buyer", "email": f"person{number}@example.org",
                    "phone": f"+86 138 {number:08}", "wechat": f"wx{number}", "birthday": date(1980, 1, 1 + number % 28),
                    "owner_id": None, "version": 1, "created_at": now, "updated_at": now,
                }
                for number, id in enumerate(new_ids(min(_CHUNK, count - start)), start)
            ]  # fmt: skip
            bulk.insert(connection, table, rows)


def _raw(booted: Platform, tenant: UUID) -> float:
    """The same columns by one statement, written by the csv module."""
    contact, account = (booted.catalog.entities[name].record.table() for name in ("customers.contact", "customers.account"))
    columns = [contact.c.name, account.c.name, *(contact.c[name] for name in FIELDS[2:])]
    joined = contact.join(account, sa.and_(account.c.tenant_id == contact.c.tenant_id, account.c.id == contact.c.account_id))
    query = sa.select(*columns).select_from(joined).where(contact.c.tenant_id == tenant).order_by(contact.c.id)
    started = time.perf_counter()
    with booted.database.begin(write=False, tenant=tenant) as connection:
        sink = io.StringIO()
        csv.writer(sink).writerows(connection.execution_options(yield_per=exports.BLOCK).execute(query))
        content = sink.getvalue().encode()
    return time.perf_counter() - started if content else 0.0


def _export(booted: Platform, format: str) -> float:
    work = booted.system("exporting")
    record = exports.begin(work, Selection("customers.contact", format, fields=FIELDS))
    started = time.perf_counter()
    with tempfile.TemporaryFile() as stream:
        exports.carry_out(work, record, stream)
    return time.perf_counter() - started


def _command(installation: Installation, format: str) -> int:
    """Bytes of memory that the command took at the most."""
    file = Path(installation.home) / f"contacts-out.{format}"
    command = [*servers.DEALWRIGHT, "export", "customers.contact", str(file), "--tenant", "exporting", "--fields", ",".join(FIELDS)]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(command, env=servers.surroundings(installation.environment), cwd=installation.home, **silent)
    peak = peak_of(child)
    if child.returncode or not file.stat().st_size:
        raise RuntimeError(f"the export ended with {child.returncode}")
    return peak
