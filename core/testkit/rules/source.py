"""Source code as trees, for rules about it."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from jinja2 import Environment, nodes

_NO_CODE = frozenset({"migrations", "template", "templates", "__pycache__"})
"""Folders left out: migrations are history, templates are not code yet."""


@dataclass(frozen=True)
class Source:
    """One file; `root` is the folder from which it is imported."""

    path: Path
    root: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The path from the root."""
        return self.path.relative_to(self.root).as_posix()

    @property
    def module(self) -> str:
        """The address in an import."""
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def plugin(self) -> str:
        """The plugin of this repository that it belongs to, "" elsewhere."""
        parts = self.name.split("/")
        return parts[1] if parts[0] == "plugins" and len(parts) > 2 else ""


def read(path: Path, root: Path) -> Source:
    """One file as a tree; raises SyntaxError, also for one that is not in the encoding that it says, or in none."""
    raw = path.read_bytes()
    tree = ast.parse(raw, str(path))
    encoding, _first = tokenize.detect_encoding(BytesIO(raw).readline)
    return Source(path, root, raw.decode(encoding), tree)


def files_in(folder: Path, root: Path) -> list[Path]:
    """Its Python files, migrations left out."""
    return [file for file in sorted(folder.rglob("*.py")) if not _NO_CODE & set(file.relative_to(root).parts)]


def read_all(folders: Sequence[Path], root: Path) -> tuple[Source, ...]:
    """All Python files of the folders."""
    return tuple(read(file, root) for folder in folders for file in files_in(folder, root))


@lru_cache(maxsize=5000)
def walked(tree: ast.AST) -> Sequence[ast.AST]:
    """All nodes of a file, walked once for all rules."""
    return tuple(ast.walk(tree))


def documented(tree: ast.Module) -> Iterator[ast.Expr]:
    """The texts that stand as statements: docstrings of modules, classes, functions and attributes."""
    for node in walked(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node


def imports(tree: ast.AST) -> Iterator[str]:
    """The full names of what a module imports: `plugins.customers.api.Account`."""
    yield from (name for _line, name in imported(tree))


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The same with their lines."""
    for node in walked(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{'.' * node.level}{node.module or ''}.{alias.name}") for alias in node.names)


def marked(sources: Sequence[Source]) -> Iterator[tuple[str, str | None]]:
    """Where texts are marked by `_("...")`, and the texts; None for one that is no constant."""
    for source in sources:
        for node in walked(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_" and node.args:
                argument = node.args[0]
                constant = isinstance(argument, ast.Constant) and isinstance(argument.value, str) and len(node.args) == 1
                yield f"{source.name}:{node.lineno}", argument.value if constant else None  # type: ignore[attr-defined]


def marked_in_templates(folder: Path) -> Iterator[tuple[str, str | None]]:
    """The same in the templates of pages below a folder: `{{ _("...") }}`."""
    for file in sorted(folder.rglob("*.html")):
        name = file.relative_to(folder).as_posix()
        for call in Environment(autoescape=True).parse(file.read_text(encoding="utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and call.args:
                argument = call.args[0]
                constant = isinstance(argument, nodes.Const) and isinstance(argument.value, str) and len(call.args) == 1
                yield f"{name}:{call.lineno}", argument.value if constant else None  # type: ignore[attr-defined]
