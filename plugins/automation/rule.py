"""A rule as it runs: what it is made of, and with whose permissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from uuid import UUID

from sdk import Channel, Context, NotFound, _
from sdk.context import Row, id_of
from sdk.specs import Spec

KIND = TypeVar("KIND", bound=Spec)


@dataclass(frozen=True)
class Rule:
    """A rule as it runs."""

    id: UUID
    name: str
    entity: str
    trigger: str
    parameters: Mapping[str, Any]
    conditions: Sequence[Any]
    actions: Sequence[Mapping[str, Any]]
    owner: UUID | None
    runs_as: UUID | None
    position: int
    revision: int

    @property
    def reference(self) -> str:
        """How it is named in a chain: its name, and its id by which it is found."""
        return f"{self.name} ({self.id})"


NEEDED = ("name", "entity", "trigger", "parameters", "conditions", "actions", "owner", "position", "revision")
"""What a rule cannot do without."""


def rule_of(row: Row) -> Rule:
    """A rule from its record."""
    given = cast("Mapping[str, Any]", row)
    return Rule(
        id_of(row), given["name"], given["entity"], given["trigger"], given["parameters"] or {}, given["conditions"] or (),
        given["actions"] or (), given["owner"], given.get("runs_as"), given["position"] or 0,
        given["revision"],
    )  # fmt: skip


def actor_of(ctx: Context, rule: Rule) -> Context:
    """Who the rule runs as: whom it names, its owner, or the system where it has neither. Raises NotFound for one who has left."""
    who = rule.runs_as or rule.owner
    system = ctx.as_system()
    try:
        return (system if who is None else ctx.as_user(who)).over(Channel.RULE)
    except NotFound as gone:
        assert who is not None, "the system is always there"
        name = system.records("core.user").titles([who]).get(who, str(who))
        text = _("{person}, with whose permissions the rule runs, is no longer active; let it run with someone else’s")
        raise NotFound(text, person=name) from gone


def kind_of(ctx: Context, kind: type[KIND], key: str) -> KIND | None:
    """What the tenant's plugins declare under a key."""
    return next((one for one in ctx.declared(kind) if one.full_key == key), None)
