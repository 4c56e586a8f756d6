"""Fixtures of pytest for plugins: a booted platform on a fresh database, tenants, people, and a client of the API.

`DATABASE_URL_TEST` names a PostgreSQL database to test on; without it the tests run on SQLite. A plugin's `conftest.py`
imports what it needs: `from core.testkit.fixtures import *`. Mail and network are never used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.app import create_app
from core.config import Config, database_address
from core.context import Work
from core.identity import tokens
from core.platform import Platform, boot
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.testkit import walls
from core.testkit.engines import Embedded, Engine
from core.testkit.templates import Templates
from sdk import Channel, Draft, Tenant
from sdk.context import id_of
from sdk.entities import Record

__all__ = [
    "client", "clock", "database_templates", "database_url", "engine", "entry_points", "make_tenant", "people", "platform", "tenant", "work_as",
]  # fmt: skip


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Go on by `minutes=5`, `days=1` and the like."""
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    """The time of the platform: 15 January 2026, 12:00 UTC. Example: `clock.move(days=1)`."""
    return Clock(datetime(2026, 1, 15, 12, 0, tzinfo=UTC))


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The plugins to boot with; None: all that are installed. Override it to test a plugin that is not installed."""
    return None


@pytest.fixture(scope="session")
def database_templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    """Migrated databases to copy from."""
    made = Templates(tmp_path_factory.mktemp("databases"), database_address(os.environ.get("DATABASE_URL_TEST", "")))
    yield made
    made.close()


@pytest.fixture
def database_url(database_templates: Templates, entry_points: Sequence[EntryPoint] | None) -> Iterator[str]:
    """A fresh database with the tables of all plugins."""
    with database_templates.copy(entry_points) as url:
        yield url


@pytest.fixture
def platform(database_url: str, clock: Clock, tmp_path: Path, entry_points: Sequence[EntryPoint] | None) -> Iterator[Platform]:
    """The booted platform, with `clock` as its time. Example: `platform.catalog.entities`."""
    booted = boot(Config(tmp_path, database_url), clock=clock, entry_points=entry_points, check_schema=False)
    # On PostgreSQL row-level security watches.
    unguarded = walls.watch(booted.database.engine, Record.metadata.tables.values()) if booted.database.is_sqlite else []
    yield booted
    booted.close()
    assert not unguarded, f"{len(unguarded)} statements, of which the first {unguarded[0]}"


class MakeTenant(Protocol):
    """`make_tenant("acme", timezone="Asia/Shanghai", plugins=["customers"])`."""

    def __call__(
        self, name: str = ..., *, locale: str = ..., timezone: str = ..., currency: str = ..., plugins: Sequence[str] | None = ...
    ) -> Tenant: ...


@pytest.fixture
def make_tenant(platform: Platform) -> MakeTenant:
    """Makes tenants. Example: `make_tenant("other", currency="EUR")`."""

    def make(name: str = "", *, locale: str = "en", timezone: str = "UTC", currency: str = "USD",
             plugins: Sequence[str] | None = None) -> Tenant:  # fmt: skip
        return lifecycle.create(platform, NewTenant(name or f"t-{uuid4().hex[:12]}", locale, timezone, currency, plugins))

    return make


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> Tenant:
    """A tenant `acme` in UTC and US dollars that has every plugin."""
    return make_tenant("acme")


type_work_as = Callable[..., Work]


@pytest.fixture
def work_as(platform: Platform, tenant: Tenant) -> type_work_as:
    """A context of a user (by id or e-mail), or of the system: `work_as(people.rep).records("customers.account")`."""

    def work(user: UUID | str | None = None, *, of: Tenant | None = None, channel: Channel = Channel.API) -> Work:
        where = (of or tenant).id
        return platform.system(where, channel) if user is None else platform.user(where, user, channel)

    return work


@dataclass
class People:
    """A tree of three levels: a director over three managers, each over a team of three representatives."""

    director: UUID
    managers: list[UUID]
    teams: list[UUID]
    reps: list[list[UUID]] = field(default_factory=list)

    @property
    def manager(self) -> UUID:
        """The first manager."""
        return self.managers[0]

    @property
    def rep(self) -> UUID:
        """The first representative of the first team."""
        return self.reps[0][0]

    @property
    def all_reps(self) -> list[UUID]:
        """All nine."""
        return [rep for team in self.reps for rep in team]


@pytest.fixture
def people(platform: Platform, tenant: Tenant) -> People:
    """The people of `tenant`: `people.director`, `people.managers`, `people.reps[team][person]`, with the roles of sales."""
    work = platform.system(tenant.id)
    with work.transaction(write=True):
        users, teams = work.records("core.user"), work.records("core.team")

        def person(name: str, role: str, **more: object) -> UUID:
            values = {"name": name, "email": f"{name}@{tenant.name}.example", "roles": [role], **more}
            return id_of(users.create(values))

        director = person("director", "sales_manager")
        top = id_of(teams.create({"name": "Sales", "manager": director}))
        made = People(director, [], [])
        for number in range(3):
            manager = person(f"manager{number}", "sales_manager", manager=director)
            team = id_of(teams.create({"name": f"Team {number}", "parent": top, "manager": manager}))
            values = [
                {"name": f"rep{number}{n}", "email": f"rep{number}{n}@{tenant.name}.example", "roles": ["sales_rep"], "team": team,
                 "manager": manager} for n in range(3)
            ]  # fmt: skip
            written = users.write([Draft("create", one) for one in values])
            made.managers.append(manager)
            made.teams.append(team)
            made.reps.append([outcome.id for outcome in written if outcome.id is not None])
    return made


class Api:
    """A client of the API as one user; bodies are JSON. `api.get("/api/v1/customers/accounts", {"amount[gte]": "5"}).json`."""

    def __init__(self, platform: Platform, flask: FlaskClient, token: str = "", tenant: Tenant | None = None) -> None:
        self.platform, self.flask, self.token, self.tenant = platform, flask, token, tenant

    def as_user(self, user: UUID | str, *, of: Tenant | None = None, allows: list[str] | None = None) -> Api:
        """The same server seen by another user, with a token of theirs that may be narrowed to `allows`."""
        where = of or self.tenant
        assert where is not None
        work = self.platform.user(where.id, user, Channel.CLI)
        assert work.actor.user_id is not None
        return Api(self.platform, self.flask, tokens.issue(work, work.actor.user_id, "test", allows)[1], where)

    def anonymous(self) -> Api:
        """The same server without a token."""
        return Api(self.platform, self.flask, "", self.tenant)

    def call(self, method: str, path: str, query: Mapping[str, Any] | None = None, **more: Any) -> TestResponse:
        """Any request; `json=`, `data=` and `headers=` as Flask's own client takes them."""
        headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **more.pop("headers", {})}
        answer = self.flask.open(path, method=method, query_string=query, headers=headers, **more)
        for name, value in answer.headers:
            assert value.isascii(), f"a server does not send the header {name}: {value!r}"
        return answer

    def get(self, path: str, query: Mapping[str, Any] | None = None, **more: Any) -> TestResponse:
        """Read."""
        return self.call("GET", path, query, **more)

    def post(self, path: str, json: object = None, **more: Any) -> TestResponse:
        """Create, or act."""
        return self.call("POST", path, json=json, **more)

    def patch(self, path: str, json: object = None, **more: Any) -> TestResponse:
        """Change."""
        return self.call("PATCH", path, json=json, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        """Put into the recycle bin."""
        return self.call("DELETE", path, **more)


@pytest.fixture
def client(platform: Platform, tenant: Tenant) -> Api:
    """The API as the administrator of `tenant`; `client.as_user(people.rep)` for somebody else."""
    admin = lifecycle.add_person(platform.system(tenant.id), "Admin", f"admin@{tenant.name}.example", ["admin"], None)
    return Api(platform, create_app(platform).test_client(use_cookies=False), "", tenant).as_user(admin)


@pytest.fixture
def engine(platform: Platform) -> Engine:
    """Runs background work when told to. Example: `engine.run_until_idle()`."""
    return Embedded(platform)
