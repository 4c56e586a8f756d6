"""Rules about what is written in a plugin's files."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points

from jinja2 import Environment, TemplateSyntaxError

from core.extension.discover import GROUP
from core.testkit.rules.package import Package, Rule
from core.testkit.rules.source import Source, imported, read, walked

_RAW = frozenset({"sqlalchemy.text", "sqlalchemy.literal_column", "sqlalchemy.create_engine", "sqlalchemy.sql.text"})
_RAW_CALLS = frozenset({"text", "literal_column", "create_engine"})
_RAW_ATTRIBUTES = frozenset({"connection", "exec_driver_sql"})


def unreadable(package: Package) -> Iterator[str]:
    """Files that are not what they ought to be, and templates that pages name and that are not there."""
    folder, named = package.file.parent / "templates", list[tuple[str, str]]()
    for file in package.files:
        try:
            named += _named_templates(read(file, package.root))
        except SyntaxError as failure:
            yield f"{file.relative_to(package.root)}:{failure.lineno or 1}: {failure.msg}"
    for file in sorted(folder.rglob("*.html")):
        try:
            Environment(autoescape=True).parse(file.read_text(encoding="utf-8"))
        except (TemplateSyntaxError, UnicodeDecodeError) as failure:
            yield f"{file.relative_to(package.root)}:{getattr(failure, 'lineno', 1)}: {failure}"
    for place, template in named:
        if template.startswith(f"{package.name}/") and not (folder / template).is_file():
            yield f"{place} names the template {template!r}, which is not in {folder.relative_to(package.root)}"


def _named_templates(source: Source) -> Iterator[tuple[str, str]]:
    for node in walked(source.tree):
        called = node.func if isinstance(node, ast.Call) and node.args else None
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        first = node.args[0] if isinstance(node, ast.Call) and name == "Rendering" else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield f"{source.name}:{first.lineno}", first.value


def foreign_imports(sources: Sequence[Source], own: str, apis: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    """Imports of core, and of other plugins' packages (`others`) beyond these `apis`."""
    for source in sources:
        for line, name in (*imported(source.tree), *_called(source.tree)):
            if name.startswith("."):
                yield f"{source.name}:{line} imports {name}: write the whole address"
            elif _within(name, ("core", *others)) and not _within(name, (own, *apis)):
                yield f"{source.name}:{line} imports {name}"


def _called(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What is imported by a call: `import_module("...")`, `__import__("...")`."""
    for node in walked(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
            if called in ("import_module", "__import__"):
                yield node.lineno, node.args[0].value


def _within(name: str, packages: Sequence[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def raw_sql(sources: Sequence[Source]) -> Iterator[str]:
    """Raw text for the database, and the connection by which it would be sent."""
    for source in sources:
        yield from (f"{source.name}:{line} imports {name}" for line, name in imported(source.tree) if name in _RAW)
        toolkits = _names_of_sqlalchemy(source.tree)
        for node in walked(source.tree):
            if not isinstance(node, ast.Attribute):
                continue
            by_toolkit = isinstance(node.value, ast.Name) and node.value.id in toolkits
            if node.attr in _RAW_ATTRIBUTES or (by_toolkit and node.attr in _RAW_CALLS):
                yield f"{source.name}:{node.lineno} uses .{node.attr}"


def _names_of_sqlalchemy(tree: ast.Module) -> set[str]:
    found = (alias for node in walked(tree) if isinstance(node, ast.Import) for alias in node.names)
    return {alias.asname or alias.name for alias in found if alias.name.partition(".")[0] == "sqlalchemy"}


def patches(sources: Sequence[Source]) -> Iterator[str]:
    """Assignments to attributes of what was imported, with `setattr` as well."""
    for source in sources:
        strangers = {
            (alias.asname or alias.name).partition(".")[0]
            for node in walked(source.tree) if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }  # fmt: skip
        for line, changed in _changed(source.tree):
            while isinstance(changed, ast.Attribute):
                changed = changed.value
            if isinstance(changed, ast.Name) and changed.id in strangers:
                yield f"{source.name}:{line} changes {changed.id}"


def _changed(tree: ast.Module) -> Iterator[tuple[int, ast.expr]]:
    """Whatever gets, or loses, an attribute."""
    for node in walked(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("setattr", "delattr") and node.args:
            yield node.lineno, node.args[0]
        yield from ((target.lineno, target.value) for target in targets if isinstance(target, ast.Attribute))


def _imports(package: Package) -> Iterator[str]:
    packages = {point.name: point.module.rpartition(".")[0] or point.module for point in entry_points(group=GROUP)}
    packages |= {found.name: str(found.module.__package__ or found.module.__name__) for found in package.platform.plugins if found.module}
    required = tuple(package.manifest.required) if package.manifest else ()
    apis = [f"{packages[name]}.api" for name in required if name in packages]
    yield from foreign_imports(package.sources, package.address, apis, sorted({"plugins", *packages.values()} - {package.address}))


RULES = (
    Rule(
        "readable", "a file that cannot be read fails whoever needs it, and the rules about what stands in it are not asked",
        "write Python and Jinja in UTF-8, and templates where pages look for them: templates/<plugin>/", unreadable, loaded=False,
    ),
    Rule(
        "imports", "what a plugin leans on beyond the sdk changes without notice",
        "import sdk, your own package, and the `api` of plugins in `requires`; a need that these cannot serve is a missing hook",
        _imports, loaded=False,
    ),
    Rule(
        "raw_sql", "raw SQL passes by the tenant's filter, and on SQLite nothing else stands there",
        "read and write through ctx.records(...)", lambda package: raw_sql(package.sources), loaded=False,
    ),
    Rule(
        "patches", "who changes another's class breaks it for every tenant, those that have the plugin switched off too",
        "own a table that points at it, listen to its events, fill one of its slots",
        lambda package: patches(package.sources), loaded=False,
    ),
)  # fmt: skip
