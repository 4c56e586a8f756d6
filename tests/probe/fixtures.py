"""The platform with the probe in it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from importlib.metadata import entry_points as installed

import pytest

from core.extension.discover import GROUP

PROBE = EntryPoint("probe", "tests.probe.plugin", GROUP)
PROBE_MORE = EntryPoint("probe_more", "tests.probe_more.plugin", GROUP)
PROBE_CLOCK = EntryPoint("probe_clock", "tests.probe_clock.plugin", GROUP)
CUSTOMERS = EntryPoint("customers", "plugins.customers.plugin", GROUP)
POINTS = (CUSTOMERS, PROBE, PROBE_MORE)
OURS = tuple(point for point in installed(group=GROUP) if point.value.startswith("plugins."))
"""The installed plugins of this repository."""


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """Customers, who bring the roles of sales, and the two probes."""
    return POINTS
