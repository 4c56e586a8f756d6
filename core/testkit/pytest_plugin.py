"""The plugin of pytest that comes with Dealwright: whoever tests a plugin has its fixtures without importing anything.

They are a booted platform on a fresh database, tenants, people, a client of the API and a clock that stands still. A test boots the
plugins that the `pyproject.toml` beside it declares, with their partners; elsewhere all that are installed.
`DATABASE_URL_TEST` names a PostgreSQL database to test on; without it the tests run on SQLite. Mail and network are never used.

pytest loads this module in every run on the machine, so it imports nothing of ours before a fixture is asked for.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from email.message import EmailMessage
    from importlib.machinery import ModuleSpec
    from importlib.metadata import EntryPoint
    from pathlib import Path
    from types import ModuleType
    from uuid import UUID

    from core.context import Work
    from core.platform import Platform
    from core.testkit.engines import Engine
    from core.testkit.factories import Factory
    from core.testkit.fixtures import Api, Clock, MakeTenant, People, type_work_as
    from core.testkit.platforms import Platforms
    from core.testkit.templates import Templates
    from sdk import Channel, Tenant

_OURS = ("core", "plugins", "sdk")


class _AsInstalled(MetaPathFinder):
    """Finds the platform's modules before pytest does, which takes each module of a package with a plugin of pytest for a test and
    compiles it anew with other asserts: that took longer than all else before a first test. From the first of them to that test the
    collector is off, too: what is imported stays, and need not be walked while it comes."""

    def __init__(self) -> None:
        self._holds = False

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """How it is found without pytest; None for what is not the platform's."""
        if name.partition(".")[0] not in _OURS:
            return None
        if gc.isenabled():
            self._holds = True
            gc.disable()
        return PathFinder.find_spec(name, path, target)

    def settle(self) -> None:
        """All that a test needs has come."""
        if self._holds:
            self._holds = False
            gc.freeze()
            gc.enable()


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before the tests import what they test."""
    finder = _AsInstalled()
    sys.meta_path.insert(0, finder)
    early_config.pluginmanager.register(_Settling(finder))


class _Settling:
    def __init__(self, finder: _AsInstalled) -> None:
        self._finder = finder

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        self._finder.settle()

    def pytest_unconfigure(self) -> None:
        self._finder.settle()
        sys.meta_path.remove(self._finder)


@pytest.fixture
def clock() -> Clock:
    """The time of the platform: 15 January 2026, 12:00 UTC. Example: `clock.move(days=1)`."""
    from core.testkit.fixtures import Clock

    return Clock(datetime(2026, 1, 15, 12, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def _own_points(pytestconfig: pytest.Config) -> Sequence[EntryPoint] | None:
    from core.extension.project import project_in, with_partners

    project = project_in(pytestconfig.rootpath)
    return None if project is None else with_partners(project.points)


@pytest.fixture
def entry_points(_own_points: Sequence[EntryPoint] | None) -> Sequence[EntryPoint] | None:
    """The plugins to boot with: those of the project under test and their partners. Override it for others; None: all that are installed."""
    return _own_points


@pytest.fixture(scope="session")
def database_templates(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Templates]:
    """Migrated databases to copy from; those of SQLite stay in pytest's cache."""
    from core.config import database_address
    from core.testkit.shelf import Shelf
    from core.testkit.templates import Templates

    cache = getattr(pytestconfig, "cache", None)  # absent where `-p no:cacheprovider` is said
    shelf = Shelf(cache.mkdir("dealwright")) if cache is not None else None
    made = Templates(tmp_path_factory.mktemp("databases"), database_address(os.environ.get("DATABASE_URL_TEST", "")), shelf)
    yield made
    made.close()


@pytest.fixture
def database_url(database_templates: Templates, entry_points: Sequence[EntryPoint] | None) -> Iterator[str]:
    """A fresh database with the tables of all plugins."""
    with database_templates.copy(entry_points) as url:
        yield url


@pytest.fixture(scope="session")
def _platforms() -> Platforms:
    from core.testkit.platforms import Platforms

    return Platforms()


@pytest.fixture
def platform(
    database_url: str, clock: Clock, tmp_path: Path, entry_points: Sequence[EntryPoint] | None, _platforms: Platforms,
    request: pytest.FixtureRequest,
) -> Iterator[Platform]:  # fmt: skip
    """The booted platform, with `clock` as its time. Example: `platform.catalog.entities`.

    Tests share what is worked out of the plugins' code; one that asks for `monkeypatch` may change that code, and shares nothing.
    """
    from core.config import Config
    from core.testkit import walls
    from sdk.entities import Record

    booted = _platforms.boot(Config(tmp_path, database_url), clock, entry_points, alone="monkeypatch" in request.fixturenames)
    # On PostgreSQL row-level security watches.
    unguarded = walls.watch(booted.database.engine, Record.metadata.tables.values()) if booted.database.is_sqlite else []
    yield booted
    booted.close()
    assert not unguarded, f"{len(unguarded)} statements, of which the first {unguarded[0]}"


@pytest.fixture
def make_tenant(platform: Platform) -> MakeTenant:
    """Makes tenants. Example: `make_tenant("other", currency="EUR")`."""
    from uuid import uuid4

    from core.tenancy import lifecycle

    def make(name: str = "", *, locale: str = "en", timezone: str = "UTC", currency: str = "USD",
             plugins: Sequence[str] | None = None) -> Tenant:  # fmt: skip
        wish = lifecycle.NewTenant(name or f"t-{uuid4().hex[:12]}", locale, timezone, currency, plugins, shown=True)
        return lifecycle.create(platform, wish)

    return make


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> Tenant:
    """A tenant `acme` in UTC and US dollars that has every plugin."""
    return make_tenant("acme")


@pytest.fixture
def work_as(platform: Platform, tenant: Tenant) -> type_work_as:
    """A context of a user (by id or e-mail), or of the system: `work_as(people.rep).records("customers.account")`."""
    from sdk import Channel

    def work(user: UUID | str | None = None, *, of: Tenant | None = None, channel: Channel = Channel.API) -> Work:
        where = (of or tenant).id
        return platform.system(where, channel) if user is None else platform.user(where, user, channel)

    return work


@pytest.fixture
def people(platform: Platform, tenant: Tenant) -> People:
    """The people of `tenant`: `people.director`, `people.managers`, `people.reps[team][person]`, with the roles of sales."""
    from core.testkit.fixtures import make_people

    return make_people(platform, tenant)


@pytest.fixture
def client(platform: Platform, tenant: Tenant) -> Api:
    """The API as the administrator of `tenant`; `client.as_user(people.rep)` for somebody else."""
    from core.app import create_app
    from core.tenancy import lifecycle
    from core.testkit.fixtures import Api

    admin = lifecycle.add_person(platform.system(tenant.id), "Admin", f"admin@{tenant.name}.example", ["admin"], None)
    return Api(platform, create_app(platform).test_client(use_cookies=False), "", tenant).as_user(admin)


@pytest.fixture
def make(platform: Platform, tenant: Tenant) -> Factory:
    """Makes records of any entity, with values that fit for what is required. Example: `make("customers.account", name="Acme")["id"]`."""
    from core.testkit.factories import Factory

    return Factory(platform.system(tenant.id))


@pytest.fixture
def permission_matrix(platform: Platform, tenant: Tenant) -> Callable[[str], dict[str, dict[str, str]]]:
    """What each role can do. Example: `permission_matrix("visits.visit")["sales_rep"] == {"read": "own", "create": "own"}`."""
    from core.testkit.factories import matrix

    return lambda entity: matrix(platform.system(tenant.id), entity)


@pytest.fixture
def mailbox(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> list[EmailMessage]:
    """The letters that went out, whole, once the engine has run; no server is asked. Example: `engine.run_until_idle(); mailbox[0]["To"]`."""
    from dataclasses import replace

    from core.mail import smtp

    letters: list[EmailMessage] = []
    monkeypatch.setattr(smtp, "send", lambda _server, message, _recipient: letters.append(message))
    monkeypatch.setattr(platform, "config", replace(platform.config, mail_url="smtp://mail.example", mail_from="crm@mail.example"))
    return letters


@pytest.fixture
def assert_no_leaks(database_templates: Templates, tmp_path: Path, entry_points: Sequence[EntryPoint] | None) -> Callable[..., None]:
    """Asks all that can be asked about entities, as users of random roles; see `core.testkit.leaks`. Example: `assert_no_leaks("visits.visit")`."""
    from core.testkit.leaks.kit import Kit
    from core.testkit.leaks.offered import with_offering

    def check(*entities: str, users: int = 3) -> None:
        points = None if entry_points is None else with_offering(entry_points)
        kit = Kit(database_templates, tmp_path, points, pages=20)
        report = kit.run(range(users), entities or None)
        if users > 1:
            kit.run([users], entities or None, by_token=True, into=report)
        assert not report.leaks, str(report)

    return check


@pytest.fixture
def engine(platform: Platform) -> Engine:
    """Runs background work when told to. Example: `engine.run_until_idle()`."""
    from core.testkit.engines import Embedded

    return Embedded(platform)
