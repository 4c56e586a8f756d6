"""These tests run with our own plugins."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint

import pytest

from tests.probe.fixtures import OURS


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The plugins of this repository."""
    return OURS
