"""The shapes of names that cross a process boundary."""

from __future__ import annotations

import re

from sdk.errors import DeclarationError

PLUGIN = re.compile(r"[a-z][a-z0-9_]{1,29}\Z")
ENTITY = re.compile(r"[a-z][a-z0-9_]{1,39}\Z")
FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
RESERVED_PLUGINS = frozenset({"core", "custom"})
"""What the platform itself puts before a dot: `core.user`, and `custom.<key>` of a field that a tenant adds."""
RESERVED_COMMANDS = frozenset(
    {"audit", "config", "db", "demo", "mail", "person", "plugin", "relay", "serve", "tenant", "token", "user", "worker"}
)
"""What `dealwright` itself is asked for."""
RESERVED_FIELDS = frozenset({"fields", "sort", "q", "include", "limit", "cursor", "count", "id", "version", "custom", "warnings"})


def check_name(pattern: re.Pattern[str], name: str, what: str) -> str:
    """Return `name`, or raise DeclarationError naming the pattern it breaks."""
    if not pattern.match(name):
        raise DeclarationError(f"{what} {name!r} is not a legal name: expected {pattern.pattern.removesuffix(chr(92) + 'Z')}; rename it.")
    return name
