"""Where the path of a condition leads: to a field of these records, or of those at the other end of links."""

from __future__ import annotations

from dataclasses import dataclass, replace

from plugins.console.registry import Kind


@dataclass(frozen=True)
class Place:
    """Where the field of a condition is: of these records, or of those at the other end of links (`account.tier`), as its reader sees them."""

    kind: Kind
    name: str
    label: str


def placed(kind: Kind, path: str) -> Place | None:
    """Where a path leads; None where its reader does not see that there is such a field."""
    if path in kind.fields:
        return Place(kind, path, kind.ctx.say(kind.fields[path].label))
    words = path.split(".")
    own = next((name for name in (words[0], ".".join(words[:2])) if name in kind.fields and name != path), None)
    target = kind.target(kind.fields[own]) if own is not None else None
    beyond = placed(target, path[len(own) + 1 :]) if own is not None and target is not None else None
    return None if beyond is None or own is None else replace(beyond, label=f"{kind.ctx.say(kind.fields[own].label)} › {beyond.label}")
