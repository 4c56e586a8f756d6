"""The page on errors lists the codes that there are: who meets one in a program finds what it means.

`python -m tests.docs.test_errors` writes the lists anew, with the texts of today.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import core.extension.calls
import core.http.errors
from sdk import Refusal
from tests.architecture.source import Source, sources

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
MARK = "## Codes\n"
_FIELDS = {"Problem": 1, "refuse": 1, "FlawError": 0}
"""What says that a value does not fit, and which of its arguments is the code; behind it stands the text."""


@dataclass
class Told:
    """With which statuses a code comes, and what is said with it."""

    statuses: set[int] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)


def kinds(of: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    """The kinds of refusals."""
    yield of
    for one in of.__subclasses__():
        if one.__module__.partition(".")[0] in ("sdk", "core"):
            yield from kinds(one)


def codes() -> tuple[dict[str, Told], dict[str, Told]]:
    """The codes of answers, and those of their `errors`."""
    whole, parts = dict[str, Told](), dict[str, Told]()
    classes = {one.__name__: one for one in kinds()}
    for one in classes.values():
        whole.setdefault(one.code, Told()).statuses.add(one.status)
        whole[one.code].texts.add(str(one.heading))
    read = [source for source in sources() if "testkit" not in source.name]
    names = {name: value for source in read for name, value in _assigned(source.tree.body).items() if name.isupper()}
    for source in read:
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
            given = next((one.value for one in node.keywords if one.arg == "code"), None)
            if called in classes and given is not None and (code := _word(given, names)):
                told = whole.setdefault(code, Told())
                told.statuses.add(classes[called].status)
                told.texts |= {*_texts(node.args[0], source)} if node.args else set()
            elif called == "forbid" and len(node.args) > 1 and (code := _word(node.args[0], names)):
                told = whole.setdefault(code, Told())
                told.statuses.add(409)
                told.texts |= {*_texts(node.args[1], source)}
            elif called in _FIELDS and len(node.args) > _FIELDS[called] + 1 and (code := _word(node.args[_FIELDS[called]], names)):
                parts.setdefault(code, Told()).texts.update(_texts(node.args[_FIELDS[called] + 1], source))
    return whole, parts


def _assigned(body: list[ast.stmt]) -> dict[str, ast.expr]:
    return {
        target.id: node.value for node in body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)
    }


def _word(node: ast.expr, names: Mapping[str, ast.expr]) -> str:
    if isinstance(node, ast.Name):
        node = names.get(node.id, node)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _texts(node: ast.expr, source: Source) -> Iterator[str]:
    """The texts that an expression may be, looked up where it is a name of the file."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body, source)
        yield from _texts(node.orelse, source)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_" and isinstance(node.args[0], ast.Constant):
        yield str(node.args[0].value)
    elif isinstance(node, ast.Name):
        before = [one for one in _named(source).get(node.id, ()) if one.lineno <= node.lineno]
        if before and not isinstance(before[-1].value, ast.Name):
            yield from _texts(before[-1].value, source)


@cache
def _named(source: Source) -> Mapping[str, list[ast.Assign]]:
    """What a file assigns, by name in the order of its lines."""
    found = dict[str, list[ast.Assign]]()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node)
    return {name: sorted(many, key=lambda one: one.lineno) for name, many in found.items()}


def listed() -> str:
    """A table of the codes of answers, and one of those of single values."""
    whole, parts = codes()
    rows = [f"| `{code}` | {', '.join(map(str, sorted(told.statuses)))} | {_said(told)} |" for code, told in sorted(whole.items())]
    more = [f"| `{code}` | {_said(told)} |" for code, told in sorted(parts.items())]
    return "\n".join(
        ["", "| `code` | status | what it says |", "|---|---|---|", *rows, "", "## Codes of single values", "",
         "In `errors`, beside the `field` that is meant (a 422, if nothing else is said).", "", "| `code` | what it says |", "|---|---|", *more, ""]
    )  # fmt: skip


def _said(told: Told) -> str:
    """The shortest texts, of codes that many give."""
    return " · ".join(sorted(told.texts, key=lambda one: (len(one), one))[:2]).replace("|", "\\|").replace("\n", " ")


def _read(page: str) -> list[tuple[str, ...]]:
    """The codes of the page, those of answers with their statuses."""
    return re.findall(r"^\| `([a-z_0-9]+)` \|(?: ([\d, ]+) \|)?", page.partition(MARK)[2], re.MULTILINE)


def test_the_page_lists_the_codes_that_there_are() -> None:
    assert core.extension.calls and core.http.errors, "which have kinds of their own"
    there, written = _read(MARK + listed()), _read(PAGE.read_text(encoding="utf-8"))
    assert ("not_active", "403") in there and ("likely_duplicate", "409") in there and ("second_factor_required", "401") in there
    assert (sorted({*there} - {*written}), sorted({*written} - {*there})) == ([], []), "python -m tests.docs.test_errors"


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(text + MARK + listed(), encoding="utf-8")
