"""Plugins made up by the tests, beside the probe, which must go on serving whatever they do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from core.app import create_app
from core.config import Config
from core.extension.discover import Found
from core.identity import tokens
from core.platform import Platform, boot
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.testkit.fixtures import Api
from sdk import Record
from tests.packages import Packages
from tests.probe.fixtures import CUSTOMERS, PROBE, entry_points

__all__ = ["entry_points"]


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[Packages]:
    """A place to write plugins to."""
    with Packages(tmp_path / "site") as made:
        yield made


@dataclass
class Installation:
    """A platform booted with customers, the probe, and the plugins of one test."""

    platform: Platform

    def found(self, name: str) -> Found:
        """The plugin with its state."""
        return next(plugin for plugin in self.platform.plugins if plugin.name == name)

    def state(self, name: str) -> str:
        """The name of its state."""
        return self.found(name).state.value

    def serves(self) -> bool:
        """Whether a tenant can be made, and its administrator can write and read the probe's things and see the plugins."""
        tenant = lifecycle.create(self.platform, NewTenant("serving", shown=True))
        work = self.platform.system(tenant.id)
        admin = lifecycle.add_person(work, "Admin", "admin@serving.example", ["admin"], None)
        token = tokens.issue(work, admin, "test")[1]
        api = Api(self.platform, create_app(self.platform).test_client(), token, tenant)
        written = api.post("/api/v1/probe/things", {"name": "served"})
        shown = api.get("/api/v1/core/plugins")
        ready = api.get("/health/ready")
        document = api.get("/api/v1/openapi.json")
        states = {row["name"]: row["state"] for row in shown.json["data"]}
        assert states == {plugin.name: plugin.state.value for plugin in self.platform.plugins}
        return [written.status_code, shown.status_code, ready.status_code, document.status_code] == [201, 200, 200, 200]


@pytest.fixture
def install(tmp_path: Path, sqlite_templates: object, database_url: str) -> Iterator[object]:
    """Boots with the given plugins: `install(point, ...)`."""
    booted: list[Platform] = []

    def boot_with(*points: EntryPoint, only: tuple[str, ...] | None = None, check_schema: bool = True) -> Installation:
        config = Config(tmp_path, database_url, plugins=only)
        booted.append(boot(config, entry_points=(CUSTOMERS, PROBE, *points), check_schema=check_schema))
        return Installation(booted[-1])

    yield boot_with
    for platform in booted:
        platform.close()


@pytest.fixture
def database_templates(sqlite_templates: object) -> object:
    """What a plugin's state is has nothing to do with the kind of database."""
    return sqlite_templates


@pytest.fixture
def forget_tables() -> Iterator[None]:
    """Tables of records that a test makes up go from the one metadata again."""
    before = set(Record.metadata.tables)
    yield
    for name in set(Record.metadata.tables) - before:
        Record.metadata.remove(Record.metadata.tables[name])
