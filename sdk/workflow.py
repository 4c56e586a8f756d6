"""What rules are made of: plugins offer actions, and an administrator puts them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from marshmallow import Schema

from sdk.specs import Spec
from sdk.text import Text

if TYPE_CHECKING:
    from sdk.context import Context


@dataclass(frozen=True, slots=True)
class Step:
    """What an action is asked to do: about which record, with parameters as its schema loaded them."""

    entity: str
    record_id: UUID
    parameters: Mapping[str, object]


Run: TypeAlias = "Callable[[Context, Step], Mapping[str, object]]"


@dataclass(frozen=True)
class Action(Spec):
    """Something that a rule can do.

    `run` acts through `ctx`, in a transaction that commits together with the mark that the rule has run, so that it
    happens exactly once; what leaves the house goes through `ctx.mail` or `ctx.enqueue`. It returns what it made in JSON
    form, for the run's log; a Refusal or GiveUp ends the run with its reason. `parameters` is the schema by which a rule's
    parameters are checked when the rule is saved, and its form is drawn. `entities` narrows it; empty: any.
    """

    label: Text
    run: Run
    parameters: type[Schema]
    entities: tuple[str, ...] = ()
