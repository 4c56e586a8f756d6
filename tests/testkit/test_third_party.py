"""The kit asks about strangers' plugins as about ours: they give it their entry points, and nothing else."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from core.extension.discover import GROUP
from core.scaffold.generate import generate
from core.testkit.leaks.kit import Kit
from core.testkit.leaks.offered import with_offering
from core.testkit.templates import Templates
from tests.probe.fixtures import CUSTOMERS

HERE = Path(__file__).parents[1] / "third_party"
STRANGERS = {"visits": "dealwright_visits", "loyalty": "dealwright_loyalty"}


@pytest.mark.feature("B6")
def test_a_strangers_entities_are_asked_about_as_ours_are(
    sqlite_templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in STRANGERS:
        monkeypatch.syspath_prepend(str(HERE / name / "src"))
    points = (CUSTOMERS, *(EntryPoint(name, f"{package}.plugin", GROUP) for name, package in STRANGERS.items()))
    kit = Kit(sqlite_templates, tmp_path, with_offering(points), pages=20)
    with kit.worlds() as (one, _other):
        theirs = [name for name in one.shapes if name.partition(".")[0] in STRANGERS]
    report = kit.run([1, 2], theirs)
    assert {name.partition(".")[0] for name in report.entities} == {*STRANGERS}
    assert report.kinds.total() > 100
    assert {*report.kinds} >= {"report", "file", "webhook", "page"}, "what others make of their records"
    assert not report.leaks, str(report)


@pytest.mark.feature("B6")
def test_a_page_of_a_plugin_that_is_about_no_entity_is_asked_with_its_entities(
    sqlite_templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the test of leaks that `plugin new` writes asks it, by four users; what the page shows is all in its plugin's hands."""
    made = generate("fleet", tmp_path)
    pages = made / "src" / "dealwright_fleet" / "pages.py"
    text = pages.read_text(encoding="utf-8")
    pages.write_text(text.replace("page = ctx.records(", "page = ctx.as_system().records("), encoding="utf-8")
    monkeypatch.syspath_prepend(str(made / "src"))
    points = with_offering((CUSTOMERS, EntryPoint("fleet", "dealwright_fleet.plugin", GROUP)))
    report = Kit(sqlite_templates, tmp_path, points, pages=1).run(range(4), ["fleet.item"], kinds={"page"})
    assert {leak.question.words for leak in report.leaks} == {"GET /console/fleet/due"}
