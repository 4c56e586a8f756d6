"""What rules are made of: plugins offer actions, and an administrator puts them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from marshmallow import Schema

from sdk.errors import Problem
from sdk.specs import Spec
from sdk.text import Text

if TYPE_CHECKING:
    from sdk.context import Context
    from sdk.events import Event


@dataclass(frozen=True, slots=True)
class Step:
    """What an action is asked to do: about which record, with parameters as its schema loaded them."""

    entity: str
    record_id: UUID
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Moment:
    """What made a rule begin, for one record: the event (its name is "" where there is none), the fields that it changed,
    and JSON values that they had before, as far as the rule's actor may see them."""

    record_id: UUID
    event: str = ""
    changed: frozenset[str] = frozenset()
    before: Mapping[str, object] = field(default_factory=dict)


Parameters: TypeAlias = "Mapping[str, object]"
Check: TypeAlias = "Callable[[Context, str, Parameters], Sequence[Problem]]"
"""What is wrong with loaded parameters for an entity, beyond their schema; the problems name the parameters."""


def nothing_wrong(_ctx: Context, _entity: str, _parameters: Parameters) -> Sequence[Problem]:
    """Their schema says all there is to say."""
    return ()


def no_fields(_parameters: Parameters) -> frozenset[str]:
    """No value from before is asked for."""
    return frozenset()


def always(_event: Event, _parameters: Parameters) -> bool:
    """Each of the events begins it."""
    return True


class Shape(StrEnum):
    """How a parameter is asked for, where its type alone does not say."""

    PLAIN = "plain"
    TEXT = "text"
    """several lines"""
    CLAUSES = "clauses"
    """conditions of the filter language: a list of texts"""
    VALUES = "values"
    """fields with values: an object"""
    RECORD = "record"
    """a record of one entity, by its id"""


Options: TypeAlias = "Callable[[Context, str, Parameters], Sequence[tuple[str, str]]]"
"""What there is to choose from, as pairs of value and label in the reader's language: by the rule's entity and what is typed so far."""


def parameter(
    label: Text, hint: Text | None = None, *, options: Options | None = None, shape: Shape = Shape.PLAIN, of: str = "", told: bool = False
) -> dict[str, Any]:
    """What a form says of a parameter, as `metadata` of its field: `fields.String(metadata=parameter(_("Title")))`.

    `of` is the entity of a `RECORD`; of `CLAUSES` and `VALUES` it is the parameter that names theirs, and "" is the rule's own. A text that is
    `told` to people has days, numbers and amounts in place of its braces as they write them; any other has them as the API does.
    """
    return {"label": label, "hint": hint, "options": options, "shape": shape, "of": of, "told": told}


@dataclass(frozen=True)
class Trigger(Spec):
    """A kind of beginning of a rule: the events of an entity that begin it, and which of them do.

    `events` gives their full names; none for what another hand begins. `begins` is asked for each of them, without a look into the database.
    """

    label: Text
    parameters: type[Schema]
    events: Callable[[str, Parameters], Sequence[str]]
    begins: Callable[[Event, Parameters], bool] = always
    check: Check = nothing_wrong


@dataclass(frozen=True)
class RuleCondition(Spec):
    """A kind of condition of a rule: `holding` gives those of the moments' records for which it holds, in sets, with the
    actor's rights. `before` names the fields whose earlier values it needs. Raises Refusal where it cannot tell."""

    label: Text
    parameters: type[Schema]
    holding: Callable[[Context, str, Sequence[Moment], Parameters], set[UUID]]
    before: Callable[[Parameters], frozenset[str]] = no_fields
    check: Check = nothing_wrong


Run: TypeAlias = "Callable[[Context, Step], Mapping[str, object]]"


@dataclass(frozen=True)
class Action(Spec):
    """Something that a rule can do.

    `run` acts through `ctx`, in a transaction that commits together with the mark that the rule has run, so that it
    happens exactly once; what leaves the house goes through `ctx.mail` or `ctx.enqueue`. It returns what it made in JSON
    form, for the run's log; a Refusal or GiveUp ends the run with its reason. `parameters` is the schema by which a rule's
    parameters are checked when the rule is saved, and its form is drawn. `entities` narrows it; empty: any.
    Text in braces (`{{ account.name }}`) is filled from the record before the schema loads it. `outcome` says of what `run`
    returns how the log calls it, as `parameters` do; what it leaves out is called as the parameter of that name is.
    """

    label: Text
    run: Run
    parameters: type[Schema]
    entities: tuple[str, ...] = ()
    check: Check = nothing_wrong
    outcome: type[Schema] = Schema
