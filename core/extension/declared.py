"""What each plugin declared when it was last upgraded: the other side of every comparison with its present code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.data import migrate
from core.data.migrate import Branch
from core.extension.consent import asked
from core.extension.discover import DISTRIBUTION
from sdk import Manifest, hooks
from sdk.columns import UtcDateTime, json_data
from sdk.entities import Record

if TYPE_CHECKING:
    from core.platform import Platform

plugins = sa.Table(
    "core_plugins",
    Record.metadata,
    sa.Column("plugin", sa.String(30), primary_key=True),
    sa.Column("version", sa.String(60), nullable=False),
    sa.Column("revision", sa.String(60), nullable=True),
    sa.Column("declared", json_data(), nullable=False),  # names by kind, see `declared_by`
    sa.Column("upgraded_at", UtcDateTime(), nullable=False),
)
HOOKS = sorted(name for name, value in vars(hooks).items() if hasattr(value, f"{hooks.PROJECT}_spec"))


@dataclass(frozen=True)
class Kept:
    """A plugin as it was when it was upgraded last."""

    version: str
    declared: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Difference:
    """One thing that a plugin declares and did not, or did and does not; "changed" where it is the same name with other rights."""

    kind: str
    act: str
    what: str


def version_of(platform: Platform, plugin: str) -> str:
    """The version of its code."""
    manifest = manifest_of(platform, plugin)
    return manifest.version if manifest is not None else version(DISTRIBUTION)


def manifest_of(platform: Platform, plugin: str) -> Manifest | None:
    """What it says of itself; core says nothing."""
    return next((one.manifest for one in platform.plugins if one.name == plugin), None)


def declared_by(platform: Platform, plugin: str) -> dict[str, list[str]]:
    """Everything that it declares, by kind; permissions with the roles that have them from the start, what it asks for, and its hooks."""
    rights = {name: permission for name, (owner, permission) in platform.catalog.permissions.items() if owner == plugin}
    return {
        **{kind: sorted(names) for kind, names in platform.catalog.provenance(plugin).items() if names},
        "permissions": [
            f"{name} ({', '.join(f'{role}: {scope}' for role, scope in sorted(rights[name].default_for.items()))})"
            for name in sorted(rights)
        ],
        "capabilities": [_with_fields(word) for word in asked(manifest_of(platform, plugin))],
        "hooks": [hook for hook in HOOKS if any(owner == plugin for owner, _function in platform.calls.implementers(hook))],
    }


def _with_fields(word: str) -> str:
    """As a name with what it is compared by: other fields of the same entity are a change."""
    name, colon, names = word.partition(":")
    return f"{name} ({names})" if colon else word


def kept(connection: Connection) -> dict[str, Kept]:
    """All of them by name; none where core's own schema is not there yet, or is older than this."""
    if not sa.inspect(connection).has_table(plugins.name):
        return {}
    rows = connection.execute(sa.select(plugins.c.plugin, plugins.c.version, plugins.c.declared))
    return {row.plugin: Kept(row.version, row.declared) for row in rows}


def keep(platform: Platform, branches: Sequence[Branch]) -> None:
    """Write down what these plugins are now."""
    with platform.database.begin_as_owner() as connection:
        revisions = migrate.currents(connection, branches)
        for branch in branches:
            row = {
                "plugin": branch.plugin, "version": version_of(platform, branch.plugin), "revision": revisions[branch.plugin],
                "declared": declared_by(platform, branch.plugin), "upgraded_at": platform.clock(),
            }  # fmt: skip
            connection.execute(plugins.delete().where(plugins.c.plugin == branch.plugin))
            connection.execute(plugins.insert().values(row))


def forget(connection: Connection, plugin: str) -> None:
    """It is gone for good; one that comes again begins anew."""
    connection.execute(plugins.delete().where(plugins.c.plugin == plugin))


def differences(before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> Iterator[Difference]:
    """What is declared otherwise than it was, by kind and name."""
    for kind in sorted({*before, *after}):
        old, new = ({_name(text): text for text in side.get(kind, ())} for side in (before, after))
        for name in sorted({*old, *new}):
            if name not in new:
                yield Difference(kind, "dropped", old[name])
            elif name not in old:
                yield Difference(kind, "added", new[name])
            elif old[name] != new[name]:
                yield Difference(kind, "changed", f"{old[name]} -> {new[name]}")


def _name(text: str) -> str:
    return text.partition(" (")[0]
