"""The rule about capabilities: what a plugin uses is declared, and what it declares is there."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.policy.allowed import ANY
from core.testkit.rules.package import Package, Rule
from core.testkit.rules.source import Source, imported, read_all, walked
from sdk import Capabilities, Verb
from sdk.mail import MAIL_WRITTEN

_WAYS_OUT = frozenset({"freely", "of_plugin", "bounds"})
_USES = {"mail": "mail=True", "files": "files=True"}
_BESIDE = (
    "socket", "http.client", "urllib.request", "urllib3", "requests", "httpx", "aiohttp", "websockets", "ftplib", "imaplib", "poplib", "smtplib",
    "xmlrpc.client", "paramiko",
)  # fmt: skip
"""What speaks to other systems past `ctx.call` and `ctx.mail`."""
_BELOW = frozenset({"platform"})
"""What a context stands on, which knows no bounds: the word means something else elsewhere."""
_CONTEXTS = frozenset({"ctx", "_ctx"})
_SAME = frozenset({"because", "as_user", "as_system", "over", "speaking"})
"""Methods of a context that give a context."""


def undeclared(package: Package) -> Iterator[str]:
    """Places that use what the manifest does not name, as far as it can be read: an entity or a job by its name, letters, files, calls."""
    bounds, catalog = package.platform.bounds[package.name], package.platform.catalog
    for source in package.sources:
        if source.module.endswith(".demo"):  # made-up data of a tenant that an operator makes for it have no bounds
            continue
        for line, name in imported(source.tree):
            if any(name == module or name.startswith(f"{module}.") for module in _BESIDE):
                yield f"{source.name}:{line} imports {name}, which passes by ctx.call and ctx.mail, and so by what is approved"
        constants = _constants(source.tree)
        for node in walked(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                word = _word(node.args[0], constants)
                verbs = [f"{word}.{verb}" for verb in Verb] if word in catalog.entities else []
                if node.func.attr == "records" and verbs and not any(map(bounds.admits, verbs)):
                    yield f"{source.name}:{node.lineno} uses {word!r}, which Capabilities(data=...) does not name"
                own = word.startswith(f"{package.name}.") or word in bounds.capabilities.jobs
                if node.func.attr == "enqueue" and word and not own:
                    yield f"{source.name}:{node.lineno} asks for the job {word!r}, which Capabilities(jobs=...) does not name"
            if isinstance(node, ast.Attribute) and (node.attr in _WAYS_OUT or (node.attr in _BELOW and _is_context(node.value))):
                yield f"{source.name}:{node.lineno} uses .{node.attr}, which leaves its bounds"
            if isinstance(node, ast.Attribute) and _is_context(node.value):
                yield from _unsaid(source, node, bounds.capabilities)


def _is_context(node: ast.expr) -> bool:
    """`ctx`, also where it is kept (`self._ctx`) or varied (`ctx.as_system()`)."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in _SAME and _is_context(node.func.value)
    return (node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else "") in _CONTEXTS


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


def _idle_jobs(package: Package) -> Iterator[str]:
    """Jobs and schedules that are declared and not there."""
    catalog, serving = package.platform.catalog, package.platform.calls.serving()
    there = {name.removeprefix(f"{package.name}.") for name in (*catalog.jobs, *catalog.schedules)}
    for job in package.manifest.capabilities.jobs if package.manifest else ():
        plugin, dot, _rest = job.partition(".")
        if job not in there and (not dot or plugin in (*serving, package.name)):
            yield f"{job!r}: {(plugin if dot else package.name)!r} has no such job or schedule"


def _idle_uses(package: Package) -> Iterator[str]:
    """Letters, files and hosts that are declared, and that nothing uses: neither its code nor that of the plugins whose `api` it may call."""
    if (manifest := package.manifest) is None:
        return
    may, used = manifest.capabilities, _attributes(package.sources)
    for found in package.platform.plugins:
        if found.name in manifest.required and found.module is not None and found.module.__file__ is not None:
            folder = Path(found.module.__file__).parent
            used |= _attributes(read_all([folder], folder))
    if any(one.plugin == package.name for one in package.platform.catalog.subscriptions.get(MAIL_WRITTEN, ())):
        used.add("mail")
    for declared, use, word in ((may.mail, "mail", "mail=True"), (may.files, "files", "files=True"), (may.network, "call", "network=...")):
        if declared and use not in used:
            yield f"{word}: nothing uses ctx.{use}"


def _attributes(sources: Iterable[Source]) -> set[str]:
    return {node.attr for source in sources for node in walked(source.tree) if isinstance(node, ast.Attribute)}


def _broken(package: Package) -> Iterator[str]:
    yield from undeclared(package)
    yield from idle(package)
    yield from _idle_jobs(package)
    yield from _idle_uses(package)


RULES = (
    Rule(
        "capabilities", "an administrator approves what a plugin may touch; what is not declared is refused while it runs",
        "name in Manifest(capabilities=Capabilities(...)) what you use beyond your own, and nothing that is not there", _broken,
    ),
)  # fmt: skip
