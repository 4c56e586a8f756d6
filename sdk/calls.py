"""Calls to systems outside: `ctx.call(Call("https://erp.example/hook", b"{}"))`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CHAIN = "Dealwright-Chain"
"""The header that says how many runs of rules led to a call: a chain that leaves the house and comes back by an inlet is counted on."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; redirects are not followed. `most`: bytes of the answer that are read, up to a million."""

    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    most: int = 2_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the status, and the text as far as it was read; status 0 where nothing came, `text` says why."""

    status: int
    text: str

    @property
    def accepted(self) -> bool:
        """Whether the other side has taken it."""
        return 200 <= self.status < 300
