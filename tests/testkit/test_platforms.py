"""Tests share what is worked out of the plugins' code, and nothing that one of them does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

from core.config import Config
from core.extension.discover import State
from core.platform import Platform
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.testkit.fixtures import Clock
from core.testkit.platforms import Platforms
from core.testkit.templates import Templates
from tests.probe.fixtures import POINTS

type_booted = Callable[[], Platform]


@pytest.fixture
def booted(sqlite_templates: Templates, tmp_path: Path, clock: Clock) -> Iterator[type_booted]:
    """Boots one platform after the other, each over a database of its own."""
    platforms = Platforms()
    with ExitStack() as stack:

        def boot() -> Platform:
            url = stack.enter_context(sqlite_templates.copy(POINTS))
            made = platforms.boot(Config(tmp_path, url), clock, POINTS)
            stack.callback(made.close)
            return made

        yield boot


def _made_and_listed(platform: Platform) -> list[str]:
    tenant = lifecycle.create(platform, NewTenant("acme", "en", "UTC", "USD", None, shown=True))
    things = platform.system(tenant.id).records("probe.thing")
    things.create({"name": "a thing"})
    return [str(row["name"]) for row in things.find(())]


def test_what_one_platform_has_worked_out_and_compiled_the_next_finds_there(booted: type_booted, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, compile = list[str](), SQLCompiler.__init__

    def counted(self: SQLCompiler, dialect: sa.Dialect, statement: object, *args: object, **more: object) -> None:
        compiled.append(str(type(statement)))
        compile(self, dialect, statement, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(SQLCompiler, "__init__", counted)
    with_first = _made_and_listed(booted())
    assert compiled
    compiled.clear()
    assert _made_and_listed(booted()) == with_first == ["a thing"]
    assert not compiled


def test_platforms_share_no_tenant_no_failure_and_no_state_of_a_plugin(booted: type_booted) -> None:
    first, second = booted(), booted()
    assert first.catalog is second.catalog
    assert _made_and_listed(first) == _made_and_listed(second)
    first.calls.failures.note("probe", "prepare_changes", _raised())
    first.calls.drop("probe", State.FAILED, "it is broken")
    assert "probe" not in [owner for owner, _function in first.calls.implementers("validate_changes")]
    for other in (second, booted()):
        assert other.calls.failures._new == {}
        assert other.calls.states["probe"].serves
        assert "probe" in [owner for owner, _function in other.calls.implementers("validate_changes")]
    own = ("gate", "policy", "kept", "limits", "shield", "repeats")
    assert [name for name in own if getattr(first, name) is getattr(second, name)] == []


def test_whoever_changes_what_was_declared_has_the_last_platform_that_knows_of_it(booted: type_booted) -> None:
    changed = booted()
    del changed.catalog.entities["probe.thing"]
    assert "probe.thing" in booted().catalog.entities
    assert "probe.thing" not in changed.catalog.entities
    grown = booted()
    grown.catalog.specs.clear()
    assert booted().catalog.specs


def _raised() -> Exception:
    try:
        raise ValueError("broken")
    except ValueError as failure:
        return failure
