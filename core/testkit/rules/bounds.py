"""The rule about capabilities: what a plugin uses is declared, and what it declares is there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from core.policy.allowed import ANY
from core.testkit.rules.package import Package, Rule
from core.testkit.rules.source import Source
from sdk import Capabilities, Verb

_WAYS_OUT = frozenset({"freely", "of_plugin", "bounds"})
_USES = {"mail": "mail=True", "files": "files=True"}


def undeclared(package: Package) -> Iterator[str]:
    """Places that use what the manifest does not name, as far as it can be read: an entity or a job by its name, letters, files, calls."""
    bounds, catalog = package.platform.bounds[package.name], package.platform.catalog
    for source in package.sources:
        if source.module.endswith(".demo"):  # made-up data of a tenant that an operator makes for it have no bounds
            continue
        constants = _constants(source.tree)
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                word = _word(node.args[0], constants)
                verbs = [f"{word}.{verb}" for verb in Verb] if word in catalog.entities else []
                if node.func.attr == "records" and verbs and not any(map(bounds.admits, verbs)):
                    yield f"{source.name}:{node.lineno} uses {word!r}, which Capabilities(data=...) does not name"
                own = word.startswith(f"{package.name}.") or word in bounds.capabilities.jobs
                if node.func.attr == "enqueue" and word and not own:
                    yield f"{source.name}:{node.lineno} asks for the job {word!r}, which Capabilities(jobs=...) does not name"
            if isinstance(node, ast.Attribute) and node.attr in _WAYS_OUT:
                yield f"{source.name}:{node.lineno} uses .{node.attr}, which leaves its bounds"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ctx":
                yield from _unsaid(source, node, bounds.capabilities)


def _unsaid(source: Source, node: ast.Attribute, capabilities: Capabilities) -> Iterator[str]:
    if node.attr in _USES and not getattr(capabilities, node.attr):
        yield f"{source.name}:{node.lineno} uses ctx.{node.attr} without Capabilities({_USES[node.attr]})"
    if node.attr == "call" and not capabilities.network:
        yield f"{source.name}:{node.lineno} uses ctx.call, and Capabilities(network=...) names no host"


def _constants(tree: ast.Module) -> dict[str, str]:
    """Names that stand for a text in the module."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _word(node: ast.expr, constants: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return constants.get(node.id, "")
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def idle(package: Package) -> Iterator[str]:
    """Words about data that mean nothing: its own entities, which are free, and entities or fields that are not there."""
    platform = package.platform
    serving = frozenset(platform.calls.serving())
    for word in package.manifest.capabilities.data if package.manifest else ():
        name, _colon, listed = word.partition(":")
        plugin, _dot, rest = name.partition(".")
        entity = f"{plugin}.{rest.partition('.')[0]}"
        if plugin == package.name:
            yield f"{word!r}: what is its own is free"
        elif plugin == ANY or plugin not in serving:
            continue
        elif entity not in platform.catalog.entities:
            if name not in platform.catalog.permissions:
                yield f"{word!r}: {plugin!r} has no such entity"
        elif listed not in ("", ANY):
            fields = platform.shape(entity, serving).fields
            yield from (f"{word!r}: {entity} has no field {field!r}" for field in listed.split(",") if field not in fields)


def _broken(package: Package) -> Iterator[str]:
    yield from undeclared(package)
    yield from idle(package)


RULES = (
    Rule(
        "capabilities", "an administrator approves what a plugin may touch; what is not declared is refused while it runs",
        "name in Manifest(capabilities=Capabilities(...)) what you use beyond your own, and nothing that is not there", _broken,
    ),
)  # fmt: skip
