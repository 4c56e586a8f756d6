"""The source of the house as trees, for the tests of its laws."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOWERS = ("sdk", "core", "plugins")


@dataclass(frozen=True)
class Source:
    """One file of the house."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The path from the root."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def module(self) -> str:
        """The address in an import."""
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def plugin(self) -> str:
        """The plugin that it belongs to, "" in the towers."""
        parts = self.name.split("/")
        return parts[1] if parts[0] == "plugins" and len(parts) > 2 else ""


@lru_cache(maxsize=1)
def sources() -> tuple[Source, ...]:
    """All Python files of sdk, core and plugins; migrations are history and exempt, templates are not code yet."""
    files = [file for tower in TOWERS for file in sorted((ROOT / tower).rglob("*.py"))]
    kept = [file for file in files if not {"migrations", "template", "templates", "__pycache__"} & set(file.parts)]
    return tuple(Source(file, text, ast.parse(text)) for file in kept for text in [file.read_text(encoding="utf-8")])


def plugin_names() -> list[str]:
    """The plugins of this repository."""
    return sorted(path.parent.name for path in (ROOT / "plugins").glob("*/plugin.py"))


def lines_of_code(source: Source) -> int:
    """Lines that hold code: no blank lines, no comments, no docstrings."""
    prose = {line for node in documented(source.tree) for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    lines = enumerate(source.text.splitlines(), 1)
    return sum(1 for number, line in lines if line.strip() and not line.strip().startswith("#") and number not in prose)


def documented(tree: ast.Module) -> Iterator[ast.Expr]:
    """The texts that stand as statements: docstrings of modules, classes, functions and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions and methods."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(tree: ast.AST) -> Iterator[str]:
    """The full names of what a module imports: `plugins.customers.api.Account`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def texts(source: Source) -> Iterator[tuple[int, str]]:
    """String constants outside docstrings, with their lines."""
    prose = {id(node.value) for node in documented(source.tree)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value
