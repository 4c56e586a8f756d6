"""The page on templates lists the variables that there are, and its examples are templates that are taken.

`python -m tests.docs.test_templates` writes the lists anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from core.testkit.fixtures import Api
from plugins.documents.offers import kind_of
from plugins.orders.papers import papers
from tests.plugins.test_own_templates import upload, word
from tests.probe.fixtures import OURS

PAGE = Path(__file__).parents[2] / "docs" / "templates.md"
MARK = "## Variables\n"


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The plugins of this repository."""
    return OURS


def listed() -> str:
    """A table of the variables of each kind of document."""
    parts = []
    for paper in papers():
        rows = [f"| `{one.name}` | {kind_of(one)} | {one.label} |" for one in paper.variables]
        parts.append("\n".join([f"### `orders.{paper.key}`", "", "| variable | kind | what it is |", "|---|---|---|", *rows]))
    return "\n" + "\n\n".join(parts) + "\n"


def test_the_page_lists_the_variables_that_there_are() -> None:
    assert PAGE.read_text(encoding="utf-8").partition(MARK)[2] == listed()


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("language", "filename"), [("jinja", "own.docx"), ("typst", "own.typ")])
def test_the_examples_are_templates_that_are_taken(client: Api, language: str, filename: str) -> None:
    (example,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    content = word(*example.splitlines()) if filename.endswith("docx") else example.encode()
    for template in ("orders.quote", "orders.invoice"):
        answer = upload(client, content, filename, template, template)
        assert answer.status_code == 201, answer.text


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(text + MARK + listed(), encoding="utf-8")
