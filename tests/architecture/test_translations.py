"""Every text that people read exists in both languages, in its owner's catalogue."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from tests.architecture.source import ROOT, plugin_names, sources

OWNERS = {"core": ("sdk/", "core/")} | {name: (f"plugins/{name}/",) for name in plugin_names()}
BRACES = re.compile(r"\{(\w+)[^}]*\}")


def _marked(prefixes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Texts marked with `_("…")` and where they stand."""
    for source in sources():
        if not source.name.startswith(prefixes):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_" and node.args:
                (argument,) = node.args
                assert isinstance(argument, ast.Constant) and isinstance(argument.value, str), f"{source.name}:{node.lineno} is no constant"
                yield argument.value, f"{source.name}:{node.lineno}"


def _catalogue(owner: str) -> dict[str, str]:
    folder = ROOT / "core" if owner == "core" else ROOT / "plugins" / owner
    file: Path = folder / "locales" / "zh_CN.po"
    if not file.exists():
        return {}
    with file.open("rb") as stream:
        return {str(message.id): str(message.string) for message in read_po(stream) if message.id and not message.fuzzy}


@pytest.mark.feature("P34")
@pytest.mark.parametrize("owner", OWNERS)
def test_every_marked_text_has_its_chinese(owner: str) -> None:
    known = _catalogue(owner)
    missing = {text: place for text, place in _marked(OWNERS[owner]) if not known.get(text)}
    assert not missing, f"{len(missing)} texts are not in {owner}'s zh_CN.po, the first: {list(missing.items())[:5]}"


@pytest.mark.feature("P34")
@pytest.mark.parametrize("owner", OWNERS)
def test_a_translation_has_the_braces_of_its_text(owner: str) -> None:
    wrong = {text: said for text, said in _catalogue(owner).items() if sorted(BRACES.findall(text)) != sorted(BRACES.findall(said))}
    assert not wrong, wrong


@pytest.mark.feature("P34")
@pytest.mark.parametrize("owner", OWNERS)
def test_a_catalogue_has_no_text_that_nobody_says(owner: str) -> None:
    said = {text for text, _place in _marked(OWNERS[owner])}
    stale = sorted(set(_catalogue(owner)) - said)
    assert not stale, stale
