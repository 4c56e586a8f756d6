"""These tests run with our own plugins, as each of them must know what a tenant makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from core.platform import Platform
from core.testkit.fixtures import Api
from core.worker.drain import Drain
from tests.automation.test_webhooks import receiver
from tests.probe.fixtures import OURS

__all__ = ["receiver"]
ENTITIES, FIELDS, PROJECTS = "/api/v1/core/custom_entities", "/api/v1/core/custom_fields", "/api/v1/custom/projects"
PROJECT = {"key": "project", "label": "Project", "label_zh": "项目", "plural_label": "Projects", "plural_label_zh": "项目"}
type_define = Callable[..., Any]


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The plugins of this repository."""
    return OURS


@pytest.fixture
def define(client: Api) -> type_define:
    """Makes an entity, or a field of one, over HTTP; gives its answer's body."""

    def make(place: str = ENTITIES, **wish: object) -> Any:
        answer = client.post(place, wish or PROJECT)
        assert answer.status_code == 201, answer.text
        return answer.json

    return make


@pytest.fixture
def drain(platform: Platform) -> Callable[[], int]:
    """Delivers everything that waits; returns how much it was."""
    return Drain(platform).run_until_empty
