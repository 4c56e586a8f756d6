"""These tests run with our plugins and the probe, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.engines import Engine
from core.testkit.fixtures import Clock
from core.testkit.templates import Content
from plugins.pipeline.template import apply
from sdk import Tenant
from sdk.context import id_of
from tests.conftest import Furnishing
from tests.plugins.process import Process
from tests.probe.fixtures import OURS, PROBE


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The plugins of this repository and the probe."""
    return (*OURS, PROBE)


@pytest.fixture
def clock() -> Clock:
    """Noon of the first of June in Shanghai."""
    return Clock(datetime(2026, 6, 1, 4, 0, tzinfo=UTC))


@pytest.fixture
def beginning(request: pytest.FixtureRequest, clock: Clock) -> Content | None:
    """A tenant in Shanghai, and the people where they are asked for; nothing waits."""
    asked = request.fixturenames
    return Content(Furnishing("people" in asked, "Asia/Shanghai", "CNY", idle=True), clock.now) if "tenant" in asked else None


@pytest.fixture
def work(platform: Platform, tenant: Tenant, engine: Engine) -> Work:
    """The system in `tenant`, with nothing waiting."""
    engine.run_until_idle()
    return platform.system(tenant.id)


@pytest.fixture
def process(work: Work) -> Process:
    """The ready-made pipeline."""
    return Process(work, apply(work, "direct_sales"))


class Rules:
    """`rules("customers.account", "created", entry("{{ name }}"))` saves a rule of the system."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def __call__(self, entity: str, trigger: str, *actions: dict[str, Any], **more: Any) -> UUID:
        values = {"name": f"on {trigger}", "entity": entity, "trigger": f"automation.{trigger}", "actions": list(actions), **more}
        return id_of(self.work.records("automation.rule").create(values))

    def runs(self, rule: UUID | None = None) -> list[dict[str, Any]]:
        """The log, oldest first."""
        rows = self.work.records("automation.run").find(())
        return [dict(row) for row in rows if rule is None or row["rule"] == rule]

    def steps(self) -> list[dict[str, Any]]:
        """Their steps, oldest first."""
        return [dict(row) for row in self.work.records("automation.step").find(())]


@pytest.fixture
def rules(work: Work) -> Rules:
    """Saves rules."""
    return Rules(work)


def entry(text: str, fail: str = "") -> dict[str, Any]:
    """An action that leaves an entry."""
    return {"action": "probe.leave_entry", "parameters": {"text": text, **({"fail": fail} if fail else {})}}


@pytest.fixture
def left(work: Work) -> Callable[[], list[str]]:
    """What the rules have left, oldest first."""

    def texts() -> list[str]:
        return [str(row["text"]) for row in work.records("probe.entry").find(()) if not str(row["text"]).startswith("created ")]

    return texts


@pytest.fixture
def account(work: Work) -> UUID:
    """An account of the class `normal`."""
    return id_of(work.records("customers.account").create({"name": "Alder"}))
