"""Chains: which runs of rules led to one another from one start, and how often a rule has led to itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from sdk.fields import IntegerField, ReportRole

_MARK = re.compile(r" #([0-9a-f]{12})\Z")
"""How a chain travels with the events of its runs: behind the name of the last rule among what led to them."""


@dataclass(frozen=True, kw_only=True)
class StepField(IntegerField):
    """A number that is counted by and never summed."""

    role: ClassVar[ReportRole] = ReportRole.DIMENSION


def new_chain(occurrence: str) -> str:
    """The name of the chain that begins with this: all that begins at once is one chain, so that its events go on being told together."""
    return sha256(occurrence.encode()).hexdigest()[:12]


def marked(causes: Sequence[str], reference: str, chain: str) -> tuple[str, ...]:
    """What led to what a run of this rule does."""
    return (*causes, f"{reference} #{chain}")


def chain_of(causes: Sequence[str]) -> str | None:
    """The chain of an event with these causes; None where no rule led to it."""
    mark = _MARK.search(causes[-1]) if causes else None
    return mark[1] if mark is not None else None


def rules_of(causes: Sequence[str]) -> tuple[str, ...]:
    """The causes as they are shown: the references of the rules, oldest first."""
    return tuple(_MARK.sub("", cause) for cause in causes)


def step_of(causes: Sequence[str], rule: object) -> int:
    """How often this rule stands among what led to its run."""
    return sum(str(rule) in cause for cause in causes)
