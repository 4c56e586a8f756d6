"""Every text of core that people read exists in both languages; those of plugins are put to the rules in `test_contract`."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from core.testkit.rules.source import Source
from core.testkit.rules.words import other_braces, unsaid, untranslated
from tests.architecture.source import ROOT, sources

STRAIGHT = re.compile(r"[a-z}]'(s|t|re|ve|ll|d|m)\b")
CATALOGUE = ROOT / "core" / "locales" / "zh_CN.po"


def _sources() -> list[Source]:
    """The sdk says its texts through core's catalogue."""
    return [source for source in sources() if source.name.startswith(("sdk/", "core/"))]


@pytest.mark.feature("P34")
def test_every_marked_text_has_its_chinese() -> None:
    missing = list(untranslated(_sources(), CATALOGUE))
    assert not missing, f"{len(missing)} texts lack, the first: {missing[:5]}"


@pytest.mark.feature("P34")
def test_a_translation_has_the_braces_of_its_text() -> None:
    assert not list(other_braces(CATALOGUE))


@pytest.mark.feature("P34")
def test_a_catalogue_has_no_text_that_nobody_says() -> None:
    assert not list(unsaid(_sources(), CATALOGUE))


@pytest.mark.parametrize("catalogue", sorted(ROOT.glob("*/**/locales/zh_CN.po")), ids=lambda path: path.parts[-3])
def test_a_catalogue_says_each_text_once(catalogue: Path) -> None:
    """The last of two would be taken without a word, and of two translations in a row nobody knows which is meant."""
    lines = [line for line in catalogue.read_text(encoding="utf-8").split("\n\n", 1)[1].splitlines() if line]
    assert [line.partition(" ")[0] for line in lines] == ["msgid", "msgstr"] * (len(lines) // 2)
    assert [text for text, times in Counter(lines[::2]).items() if times > 1] == []
    assert [text for text in lines[::2] if STRAIGHT.search(text)] == [], "an English text has the apostrophe of print: ’"


def test_a_choice_is_not_called_as_one_of_its_options_is() -> None:
    """A text has one translation: what was “Invoiced” was, in Chinese, “how far invoiced”."""
    same, looked = list[str](), 0
    for source in sources():
        named = {
            node.targets[0].id: {part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)}
            for node in source.tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Dict)
        }
        for call in ast.walk(source.tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "choice" and len(call.args) > 1:
                label, options = call.args[0], call.args[1]
                texts = {part.value for part in ast.walk(label) if isinstance(part, ast.Constant)}
                looked += isinstance(options, ast.Name)
                same += [f"{source.name}: {text}" for text in texts & named.get(getattr(options, "id", ""), set())]
    assert looked > 20
    assert same == []
