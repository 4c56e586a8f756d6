"""These tests run with our own plugins, whatever else is installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint

import pytest

from core.context import Work
from core.platform import Platform
from core.worker.drain import Drain
from plugins.pipeline.template import apply
from sdk import Tenant
from tests.plugins.imports import Done, import_file
from tests.plugins.process import Process
from tests.probe.fixtures import OURS


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The plugins of this repository."""
    return OURS


@pytest.fixture
def work(platform: Platform, tenant: Tenant) -> Work:
    """The system in `tenant`."""
    return platform.system(tenant.id)


@pytest.fixture
def drain(platform: Platform) -> Callable[[], int]:
    """Delivers everything that waits; returns how much it was."""
    return Drain(platform).run_until_empty


@pytest.fixture
def process(work: Work) -> Process:
    """The ready-made pipeline, which is the default one."""
    return Process(work, apply(work, "direct_sales"))


@pytest.fixture
def taken(work: Work) -> Callable[..., Done]:
    """Imports a text as the system: `taken("customers.account", "name\\nA\\n", mode="upsert", match=["name"])`."""

    def take(entity: str, content: str | bytes, **wish: object) -> Done:
        return import_file(work, entity, content, **wish)

    return take
