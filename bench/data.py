"""A tenant with people, accounts, products and many deals: the same rows at every run."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from openpyxl import Workbook

from core.config import Config
from core.data import bulk, migrate
from core.identity import tokens
from core.platform import Platform, boot
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from plugins.pipeline.template import DIRECT, apply
from sdk import Draft
from sdk.context import Row, id_of

SEED = 20_260_101
TEAMS, REPS, ACCOUNTS = 8, 5, 2_000
_CHUNK = 2_000
_START = datetime(2024, 1, 1, tzinfo=UTC)
HEADS = ("Alder", "Birch", "Clear", "Dun", "East", "Fair", "Grey", "High", "Iron", "Juniper", "华宸", "远航", "明泽", "启润", "天禾")
TAILS = ("Logistics", "Instruments", "Foods", "Software", "Components", "科技", "贸易", "医疗", "制造", "信息")
WORDS = ("purchase", "renewal", "expansion", "pilot", "采购", "续约", "扩容", "试点")


@dataclass
class Installation:
    """A filled database, and who may come in."""

    home: Path
    url: str
    rows: int
    tenant: UUID
    admin: str
    """Token of one who may do everything."""
    rep: str
    """Token of a representative, who sees the team's deals."""
    rep_id: UUID

    @property
    def kind(self) -> str:
        """The database's name."""
        return "SQLite" if self.url.startswith("sqlite") else "PostgreSQL"

    @property
    def environment(self) -> dict[str, str]:
        """What a process of this installation needs to know."""
        unreached = "1000000000"  # one token drives what a thousand programs would, and the count costs what it costs
        return {"DEALWRIGHT_HOME": str(self.home), "DATABASE_URL": self.url, "DEALWRIGHT_RATE_LIMIT": unreached}

    def boot(self) -> Platform:
        """The platform in this process."""
        return boot(Config(self.home, self.url))


def fill(home: Path, url: str, rows: int, deals: int | None = None) -> Installation:
    """A new database for measuring `rows` of something, with as many deals, or with `deals`."""
    booted = boot(Config(home, url), check_schema=False)
    migrate.upgrade(booted.database, booted.branches())
    tenant = lifecycle.create(booted, NewTenant("bench", "en", "Asia/Shanghai", "CNY"))
    work = booted.system(tenant.id)
    random = Random(SEED)
    with work.transaction(write=True):
        admin = lifecycle.add_person(work, "Admin", "admin@bench.example", ["admin"], None)
        people = _people(work)
        rep = people[0]
        apply(work, DIRECT.key, "Sales")
        stages = work.records("pipeline.stage").find(())
        products = _create(work, "catalog.product", [{"name": f"Product {n}"} for n in range(20)])
        accounts = _accounts(work, random, people)
        for_admin, for_rep = (tokens.issue(work, user, "bench")[1] for user in (admin, rep))
    with booted.database.begin(write=True, tenant=tenant.id) as connection:
        table = booted.catalog.entities["pipeline.deal"].record.table()
        made = _deals(random, rows if deals is None else deals, tenant.id, people, accounts, products, stages)
        while part := [row for row, _n in zip(made, range(_CHUNK), strict=False)]:
            bulk.insert(connection, table, part)
    settle(booted)
    booted.close()
    return Installation(home, url, rows, tenant.id, for_admin, for_rep, rep)


def settle(booted: Platform) -> None:
    """Statistics for the planner of PostgreSQL, which would come by themselves after a minute."""
    if not booted.database.is_sqlite:
        engine = sa.create_engine(booted.config.database_url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))


def another_tenant(booted: Platform, name: str) -> UUID:
    """A tenant beside the first, with as many accounts and nothing else."""
    tenant = lifecycle.create(booted, NewTenant(name, "en", "Asia/Shanghai", "CNY"))
    work = booted.system(tenant.id)
    with work.transaction(write=True):
        _accounts(work, Random(SEED), _people(work))
    return tenant.id


def _people(work: Any) -> list[UUID]:
    people: list[UUID] = []
    for number in range(TEAMS):
        (team,) = _create(work, "core.team", [{"name": f"Team {number}"}])
        wishes = [
            {"name": f"Rep {number}.{n}", "email": f"rep{number}-{n}@bench.example", "team": team, "roles": ["sales_rep"]}
            for n in range(REPS)
        ]
        people += _create(work, "core.user", wishes)
    return people


def _accounts(work: Any, random: Random, people: list[UUID]) -> list[UUID]:
    wishes = [{"name": account_name(n), "city": random.choice(TAILS), "owner": random.choice(people)} for n in range(ACCOUNTS)]
    return _create(work, "customers.account", wishes)


def account_name(number: int) -> str:
    """A name that no other account has."""
    return f"{HEADS[number % len(HEADS)]} {TAILS[number % len(TAILS)]} {number}"


def _create(work: Any, entity: str, wishes: list[dict[str, Any]]) -> list[UUID]:
    made = []
    for outcome in work.records(entity).write([Draft("create", wish) for wish in wishes]):
        if outcome.refusal is not None:
            raise outcome.refusal
        made.append(outcome.id)
    return made


def _deals(random: Random, count: int, tenant: UUID, people: list[UUID], accounts: list[UUID], products: list[UUID],
           stages: list[Row]) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Deals of three years, three out of four closed; one in twenty has no amount."""
    for number in range(count):
        created = _START + timedelta(seconds=900 * number)
        stage = random.choices(stages, [8 if row["type"] == "won" else 5 if row["type"] == "lost" else 1 for row in stages])[0]
        opened = created.date()
        yield {
            "tenant_id": tenant, "id": _id(created, random), "name": f"{random.choice(HEADS)} {random.choice(WORDS)} {number}",
            "account_id": random.choice(accounts), "contact_id": None, "product_id": random.choice(products),
            "pipeline_id": stage["pipeline"], "stage_id": id_of(stage), "status": stage["type"],
            "amount": Decimal(random.randint(100, 9_000_000)) / 100 if random.random() > 0.05 else None,
            "amount_currency": "CNY", "probability": stage["probability"], "opened_on": opened,
            "close_date": _closing(opened, random), "stage_since": created, "lost_reason_id": None, "competitor": None,
            "source": "website", "notes": None,
            "owner_id": random.choice(people), "version": 1, "created_at": created, "updated_at": created,
        }  # fmt: skip


def _closing(opened: date, random: Random) -> date:
    return opened + timedelta(days=random.randint(10, 200))


def _id(at: datetime, random: Random) -> UUID:
    """A UUID of version 7 for that instant."""
    tail = random.getrandbits(74)
    head = int(at.timestamp() * 1000) << 80 | 0x7 << 76 | 0x2 << 62
    return UUID(int=head | (tail >> 62) << 64 | tail & 0x3FFF_FFFF_FFFF_FFFF)


CONTACT_COLUMNS = ("Name", "Account", "Job title", "E-mail", "Phone", "WeChat", "Birthday")


def as_workbook(file: Path) -> Path:
    """The same contacts as a workbook of twelve columns, three of which are of no field."""
    told = file.with_suffix(".xlsx")
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Contacts")
    with file.open(encoding="utf-8", newline="") as source:
        for number, row in enumerate(csv.reader(source)):
            more = (
                ("Notes", "External ID", "Fax", "Floor", "Newsletter")
                if number == 0
                else (f"Met {number}", f"A-{number}", "", number % 30, "yes")
            )
            day = [date.fromisoformat(row[-1])] if number else row[-1:]
            sheet.append([*row[:-1], *day, *more])
    book.save(told)
    return told


def write_contacts(path: Path, count: int) -> None:
    """A file of contacts, all of them good, with headings as a person would write them."""
    random = Random(SEED)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(CONTACT_COLUMNS)
        for number in range(count):
            birthday = date(1960, 1, 1) + timedelta(days=random.randint(0, 14_000))
            name = f"{random.choice(HEADS)} {random.choice(TAILS)} {number}"
            phone = f"+86 138 {number // 10_000:04} {number % 10_000:04}"  # each its own: a number that is there already is a double
            account = account_name(random.randrange(ACCOUNTS))
            writer.writerow((name, account, "Buyer", f"person{number}@example.org", phone, f"wx{number}", birthday.isoformat()))
