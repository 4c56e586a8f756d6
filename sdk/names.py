"""The shapes of names that cross a process boundary."""

from __future__ import annotations

import re

from sdk.errors import DeclarationError

PLUGIN = re.compile(r"[a-z][a-z0-9_]{1,29}\Z")
ENTITY = re.compile(r"[a-z][a-z0-9_]{1,39}\Z")
FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
RESERVED_PLUGINS = frozenset({"core", "custom"})
"""What the platform itself puts before a dot: `core.user`, and `custom.<key>` of a field that a tenant adds."""
RESERVED_ADDRESSES = frozenset(
    {"acting", "companies", "forgotten", "invitations", "kit", "meta", "password_resets", "search", "session", "setup", "static"}
)
"""With what the platform's own addresses begin where those of a plugin begin with its name; `kit` is the frame's folder of templates."""
RESERVED_COMMANDS = frozenset(
    {"audit", "config", "db", "demo", "mail", "person", "plugin", "relay", "search", "serve", "tenant", "token", "user", "worker"}
)
"""What `dealwright` itself is asked for."""
RESERVED_FIELDS = frozenset({"fields", "sort", "q", "include", "limit", "cursor", "count", "id", "version", "custom", "warnings"})


def words_in(given: object) -> tuple[str, ...]:
    """The texts of what should be a tuple of texts; of a single text none, as it would be read letter by letter."""
    return tuple(one for one in given if isinstance(one, str)) if isinstance(given, tuple) else ()


def misshapen(what: str, given: object) -> str:
    """What is wrong with a value that should be a tuple of texts; "" for one that is."""
    if not isinstance(given, tuple):
        cure = f"({given!r},)" if isinstance(given, str) else "('one', 'another'), or () for none"
        return f"{what} {given!r}: expected a tuple of texts; write a tuple: {cure}"
    return "; ".join(f"{what} {one!r}: expected a text in the tuple; put it into quotes" for one in given if not isinstance(one, str))


def check_name(pattern: re.Pattern[str], name: str, what: str) -> str:
    """Return `name`, or raise DeclarationError naming the pattern it breaks."""
    if not pattern.match(name):
        raise DeclarationError(f"{what} {name!r} is not a legal name: expected {pattern.pattern.removesuffix(chr(92) + 'Z')}; rename it.")
    return name
