"""Every hook is documented, true to its signature, and used."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from core.config import Config
from core.platform import Platform, boot
from sdk import hooks
from tests.probe.fixtures import OURS

HOOKS = sorted(name for name, value in vars(hooks).items() if hasattr(value, f"{hooks.PROJECT}_spec"))
PARTS = ("When:", "Returns:", "Example:", "Off for a tenant:")


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    folder = tmp_path_factory.mktemp("hooks")
    return boot(Config(folder, f"sqlite:///{folder}/x.sqlite3"), entry_points=OURS, check_schema=False)


def test_there_are_hooks() -> None:
    assert len(HOOKS) >= 10


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_says_when_what_how_and_off(hook: str) -> None:
    text = inspect.getdoc(getattr(hooks, hook)) or ""
    places = [text.find(part) for part in PARTS]
    assert -1 not in places, f"{hook} lacks {[part for part, place in zip(PARTS, places, strict=True) if place < 0]}"
    assert places == sorted(places), f"{hook}: the parts come in the order {PARTS}"
    assert text.partition("\n")[0].endswith("."), f"{hook}: the first line is a sentence"


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_a_hook_is_python(hook: str) -> None:
    text = inspect.getdoc(getattr(hooks, hook)) or ""
    example = re.search(r"Example: `(.+?)`\.?$", text, re.MULTILINE)
    assert example is not None, f"{hook}: one example between backquotes"
    code = example[1] if not example[1].endswith(":") else f"{example[1]} ..."
    ast.parse(f"def hook(ctx, batch):\n    {code}")


@pytest.mark.parametrize("hook", HOOKS)
def test_a_declaration_takes_nothing_and_a_moment_takes_the_context_first(hook: str) -> None:
    parameters = list(inspect.signature(getattr(hooks, hook)).parameters)
    if hook.startswith("register_"):
        assert parameters == []
    else:
        assert parameters[0] == "ctx"


@pytest.mark.feature("P11")
@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_used_by_core_or_by_a_plugin_of_ours(booted: Platform, hook: str) -> None:
    """None is added without a user."""
    assert [owner for owner, _function in booted.calls.implementers(hook)], f"nobody implements {hook}: use it or take it out"


@pytest.mark.feature("P11")
@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook.startswith("register_")])
def test_a_declaration_is_pure_and_gives_the_same_at_each_call(booted: Platform, hook: str) -> None:
    for owner, function in booted.calls.implementers(hook):
        first, second = tuple(function()), tuple(function())
        assert [repr(one) for one in first] == [repr(one) for one in second], f"{owner}.{hook}"


def test_the_hooks_module_imports_nothing_heavy() -> None:
    tree = ast.parse(Path(hooks.__file__).read_text(encoding="utf-8"))
    outside = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in outside if isinstance(node, ast.Import) for alias in node.names}
    assert names == {"random", "pluggy"}
