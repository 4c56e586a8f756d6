"""One house: the tenant `acme` has every plugin, `plain` neither visits nor loyalty.

It stands on SQLite one day and on PostgreSQL the next; with `DEALWRIGHT_TESTS=all` there is one on each.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.testkit.templates import Templates
from tests.day import DAY
from tests.third_party.installation import Caller, House, Keeper, install

KINDS = ("sqlite", "postgresql") if os.environ.get("DEALWRIGHT_TESTS") == "all" else (("sqlite", "postgresql")[DAY % 2],)
DATABASES = [pytest.param(kind, marks=pytest.mark.xdist_group(f"third party, {kind}")) for kind in KINDS]


@dataclass(frozen=True)
class World:
    """The house, and the administrators of its two tenants."""

    house: Keeper
    acme: Caller
    plain: Caller


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of a fresh environment with both packages; one environment for all workers of a run."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    folder = tmp_path_factory.getbasetemp() if alone else tmp_path_factory.getbasetemp().parent
    with (folder / "third_party.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / "third_party.python"
        if not path.exists():
            (folder / "third_party").mkdir()
            path.write_text(str(install(folder / "third_party")), encoding="utf-8")
    return Path(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session", params=DATABASES)
def world(request: pytest.FixtureRequest, python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A served house; tests share it, each with records of its own."""
    templates: Templates | str = request.getfixturevalue(f"{request.param}_templates")
    if not isinstance(templates, Templates):
        (pytest.fail if os.environ.get("DEALWRIGHT_REQUIRE_SERVERS") == "1" else pytest.skip)(f"no PostgreSQL: {templates}")
    with templates.blank() as url, House(python, tmp_path_factory.mktemp("house"), url).kept() as house:
        house.do("db", "upgrade")
        acme, plain = house.furnish("acme"), house.furnish("plain", "--plugins", "customers,import_export,reports")
        port = house.serve()
        yield World(house, Caller(port, acme), Caller(port, plain))
