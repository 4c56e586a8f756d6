"""What a request costs where there are 1, 1,000 and 10,000 tenants: of any of them, beside one and the same, and beside what it cost with one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import Random
from statistics import median
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from bench.data import SEED, Installation, settle
from bench.table import Line, times
from core.data import bulk
from core.entities.ids import new_id
from core.identity.tables import Role, User
from core.platform import Platform
from core.tenancy.tables import tenant_plugins, tenants
from sdk import Channel, Query

STEPS = (1, 1_000, 10_000)
ACCOUNTS, ASKED = 50, 400
QUESTION = Query(limit=20)


def measure(installation: Installation) -> list[Line]:
    """Lists and creates of representatives, in this process: the server in front of them costs the same whoever asks."""
    booted, lines, there = installation.boot(), list[Line](), list[tuple[UUID, UUID]]()
    pattern, first, quiet = _pattern(booted, installation), dict[str, float](), _copied(booted, _pattern(booted, installation))
    for many in STEPS:
        there += [_copied(booted, pattern) for _n in range(many - len(there))]
        settle(booted)
        asked = Random(SEED).choices(there, k=ASKED)
        for word, ask in {"list, in memory": _listed, "list, not in memory": _listed_first, "create": _created}.items():
            # What is made beside the reference grows a tenant that nobody lists: lists stay as long as they were.
            alike = _copied(booted, pattern) if ask is _created else quiet
            turns = [(_timed(ask, booted, alike), _timed(ask, booted, one)) for one in (*asked, *asked)][ASKED:]
            alone, each = (median(seconds) for seconds in zip(*turns, strict=True))
            grown = each / first.setdefault(word, each)
            line = Line(f"tenants: {word}, any of {many:,}", installation.kind, f"{each * 1000:.2f} ms", f"{alone * 1000:.2f} ms",
                        f"{times(each / alone)}, {times(grown)} of 1 tenant", "~ 1x of one and the same, and of 1 tenant")  # fmt: skip
            lines.append(line)
    booted.close()
    return lines


def _timed(ask: Callable[[Platform, UUID, UUID], object], booted: Platform, who: tuple[UUID, UUID]) -> float:
    """Seconds; in turn with those of one and the same tenant, so that whatever else the machine does falls on both."""
    tenant, user = who
    if ask is _listed_first:
        _forget(booted, tenant)
    started = time.perf_counter()
    ask(booted, tenant, user)
    return time.perf_counter() - started


def _listed(booted: Platform, tenant: UUID, user: UUID) -> None:
    booted.user(tenant, user, Channel.API).records("customers.account").query(QUESTION)


def _listed_first(booted: Platform, tenant: UUID, user: UUID) -> None:
    _listed(booted, tenant, user)


def _created(booted: Platform, tenant: UUID, user: UUID) -> None:
    """Names that have nothing in common: looking for what is likely the same finds no more the longer it goes on."""
    booted.user(tenant, user, Channel.API).records("customers.account").create({"name": new_id().hex[::-1]})


def _forget(booted: Platform, tenant: UUID) -> None:
    """As after a change of the tenant's rights: what was compiled of it holds no more."""
    with booted.database.begin(write=True, tenant=None) as connection:
        connection.execute(tenants.update().where(tenants.c.id == tenant).values(access_version=tenants.c.access_version + 1))


def _pattern(booted: Platform, installation: Installation) -> dict[sa.Table, list[dict[str, Any]]]:
    """The rows that a tenant consists of: the filled tenant's settings, plugins, roles, one representative and some accounts."""
    of, account = installation.tenant, booted.catalog.entities["customers.account"].record.table()
    role, person = Role.table(), User.table()
    with booted.database.begin(write=False, tenant=of) as connection:
        found = {
            tenants: sa.select(tenants).where(tenants.c.id == of),
            tenant_plugins: sa.select(tenant_plugins).where(tenant_plugins.c.tenant_id == of),
            role: sa.select(role).where(role.c.tenant_id == of),
            person: sa.select(person).where(person.c.tenant_id == of, person.c.id == installation.rep_id),
            account: sa.select(account).where(account.c.tenant_id == of).limit(ACCOUNTS),
        }
        return {
            table: [{str(name): cell for name, cell in row.items()} for row in connection.execute(query).mappings()]
            for table, query in found.items()
        }


def _copied(booted: Platform, pattern: dict[sa.Table, list[dict[str, Any]]]) -> tuple[UUID, UUID]:
    """One more tenant, and the representative in it."""
    tenant, user = new_id(), new_id()
    with booted.database.begin(write=True, tenant=tenant) as connection:
        for table, rows in pattern.items():
            bulk.insert(connection, table, list(_own(table, rows, tenant, user)))
    return tenant, user


def _own(table: sa.Table, rows: list[dict[str, Any]], tenant: UUID, user: UUID) -> Iterator[dict[str, Any]]:
    for row in rows:
        if table is tenants:
            yield {**row, "id": tenant, "name": f"t-{tenant.hex}"}
        elif table is tenant_plugins:
            yield {**row, "tenant_id": tenant}
        elif table is User.table():
            yield {**row, "tenant_id": tenant, "id": user, "team_id": None}
        else:
            yield {**row, "tenant_id": tenant, "id": new_id()} | ({"owner_id": user} if row["owner_id"] is not None else {})
