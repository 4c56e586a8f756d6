"""What a plugin declares besides records: each spec has a key, and core stamps its owner on it at boot."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Spec:
    """Something that one plugin offers to others: a report, an action, a channel. `ctx.declared(Kind)` gives those in force.

    `key` is its name within its plugin: lower-case letters, digits and _.
    """

    key: str
    plugin: str = field(default="", kw_only=True)

    @property
    def full_key(self) -> str:
        """`plugin.key`."""
        return f"{self.plugin}.{self.key}"
