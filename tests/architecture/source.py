"""The source of the house as trees, for the tests of its laws."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from core.testkit.rules.source import Source, documented, imports, read_all, walked

__all__ = ["ROOT", "TOWERS", "Source", "functions", "imports", "lines_of_code", "plugin_names", "sources", "texts"]
ROOT = Path(__file__).parents[2]
TOWERS = ("sdk", "core", "plugins")


@lru_cache(maxsize=1)
def sources() -> tuple[Source, ...]:
    """All Python files of sdk, core and plugins; migrations are history and exempt, templates are not code yet."""
    return read_all([ROOT / tower for tower in TOWERS], ROOT)


def plugin_names() -> list[str]:
    """The plugins of this repository."""
    return sorted(path.parent.name for path in (ROOT / "plugins").glob("*/plugin.py"))


def lines_of_code(source: Source) -> int:
    """Lines that hold code: no blank lines, no comments, no docstrings."""
    prose = {line for node in documented(source.tree) for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    lines = enumerate(source.text.splitlines(), 1)
    return sum(1 for number, line in lines if line.strip() and not line.strip().startswith("#") and number not in prose)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions and methods."""
    for node in walked(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def texts(source: Source) -> Iterator[tuple[int, str]]:
    """String constants outside docstrings, with their lines."""
    prose = {id(node.value) for node in documented(source.tree)}
    for node in walked(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value
