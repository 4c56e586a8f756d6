"""Every text of core that people read exists in both languages; those of plugins are put to the rules in `test_contract`."""

from __future__ import annotations

import pytest

from core.testkit.rules.source import Source
from core.testkit.rules.words import other_braces, unsaid, untranslated
from tests.architecture.source import ROOT, sources

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
