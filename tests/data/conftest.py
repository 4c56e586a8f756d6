"""These tests run with the probe, which has a field of every type and implements every hook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from core.data.engine import Database
from core.platform import Platform
from core.testkit.templates import Templates
from sdk import Tenant
from sdk.context import id_of
from tests.probe.fixtures import entry_points

__all__ = ["entry_points"]


@pytest.fixture
def empty_database(empty_database_url: str) -> Iterator[Database]:
    """A database without any table."""
    made = Database(empty_database_url)
    yield made
    made.close()


@pytest.fixture
def at_core(database_templates: Templates) -> Iterator[Database]:
    """A database with core's tables alone."""
    with database_templates.copy(()) as url:
        made = Database(url)
        yield made
        made.close()


@pytest.fixture
def thing_of(platform: Platform) -> Callable[..., UUID]:
    """Makes a thing in a tenant."""

    def make(tenant: Tenant, name: str = "thing", **values: object) -> UUID:
        return id_of(platform.system(tenant.id).records("probe.thing").create({"name": name, **values}))

    return make


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, dict[str, str]], None]:
    """Writes a Python package and makes it importable for the test."""

    def write(name: str, files: dict[str, str]) -> None:
        for file, text in {"__init__.py": "", **files}.items():
            path = tmp_path / "site" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path / "site")

    return write
