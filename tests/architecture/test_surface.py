"""What plugins may lean on since the last release stays: it grows, and shrinks only with a new version of the API.

`python -m tests.architecture.test_surface` writes `sdk_surface.json` anew, at each release.
"""

from __future__ import annotations

import inspect
import json
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import sdk
from sdk import hooks
from sdk.manifest import API_VERSION

FILE = Path(__file__).parent / "sdk_surface.json"
MODULES = ("sdk", "sdk.fields", "sdk.migrations", "sdk.columns", "sdk.links", "sdk.likeness", "sdk.files", "sdk.context")


def surface() -> dict[str, Any]:
    """The names of the sdk that plugins import, with the parameters of what can be called, and the hooks."""
    found: dict[str, Any] = {"api": API_VERSION, "hooks": {}, "names": {}}
    for name, function in sorted(vars(hooks).items()):
        if hasattr(function, f"{hooks.PROJECT}_spec"):
            found["hooks"][name] = list(inspect.signature(function).parameters)
    for module in map(import_module, MODULES):
        names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
        for name in sorted(names):
            value = getattr(module, name)
            if getattr(value, "__module__", module.__name__).partition(".")[0] == "sdk":
                found["names"][f"{module.__name__}.{name}"] = _parameters(value)
    return found


def _parameters(value: object) -> list[str] | None:
    """Names of parameters, of which those that must be given end with "!"; of members, where there are such."""
    if isinstance(value, type) and issubclass(value, Enum):
        return sorted(value.__members__)
    if not callable(value):
        return None
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:  # a type that is written in C
        return None
    free = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name + ("!" if p.default is p.empty and p.kind not in free else "") for p in parameters]


def broken(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What was promised and does not hold any more. A hook may gain arguments: pluggy gives an implementation those that it names."""
    found = [f"the hook {name} is gone" for name in before["hooks"].keys() - now["hooks"].keys()]
    for name, given in before["hooks"].items():
        found += [f"{name} does not give {argument!r} any more" for argument in given if argument not in now["hooks"].get(name, given)]
    found += [f"{name} is gone" for name in before["names"].keys() - now["names"].keys()]
    for name, taken in before["names"].items():
        here = now["names"].get(name)
        if taken is None or here is None:
            continue
        known = {one.rstrip("!") for one in taken}
        found += [f"{name} does not take {one!r} any more" for one in sorted(known - {one.rstrip("!") for one in here})]
        found += [f"{name} must be given {one.rstrip('!')!r} now" for one in here if one.endswith("!") and one not in taken]
    return sorted(found)


def _kept() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


@pytest.mark.feature("P26")
def test_nothing_that_plugins_lean_on_is_gone_without_a_new_version_of_the_api() -> None:
    kept, now = _kept(), surface()
    gone = broken(kept, now)
    assert not gone or now["api"] > kept["api"], f"{gone}: keep it beside the new one, or raise sdk.manifest.API_VERSION"


BREAKS = {
    "a hook that is gone": (lambda s: s["hooks"].pop("demo_data"), "the hook demo_data is gone"),
    "an argument of a hook that is gone": (lambda s: s["hooks"]["demo_data"].remove("months"), "demo_data does not give 'months' any more"),
    "a name that is gone": (lambda s: s["names"].pop("sdk.Entity"), "sdk.Entity is gone"),
    "a parameter that is gone": (
        lambda s: s["names"]["sdk.fields.text"].remove("length"),
        "sdk.fields.text does not take 'length' any more",
    ),
    "a parameter that must be given now": (
        lambda s: s["names"]["sdk.fields.text"].append("size!"),
        "sdk.fields.text must be given 'size' now",
    ),
}


@pytest.mark.parametrize("why", BREAKS)
def test_a_break_is_seen(why: str) -> None:
    change, said = BREAKS[why]
    now = surface()
    change(now)
    assert broken(surface(), now) == [said]


def test_what_is_added_breaks_nothing() -> None:
    now = surface()
    now["hooks"]["new_hook"] = ["ctx"]
    now["hooks"]["demo_data"].append("more")
    now["names"]["sdk.New"] = ["x!"]
    now["names"]["sdk.fields.text"].append("size")
    assert broken(surface(), now) == []


def test_the_face_of_the_sdk_is_in_it() -> None:
    assert {f"sdk.{name}" for name in sdk.__all__ if name not in ("fields",)} <= surface()["names"].keys() | {"sdk.hookimpl"}


if __name__ == "__main__":
    FILE.write_text(json.dumps(surface(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
