"""These tests run with our own plugins, whatever else is installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api
from sdk import Tenant
from tests.console.site import Site
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
def site(client: Api) -> Site:
    """The console as the administrator sees it."""
    return Site(client)
