"""A rule while it is being made: as it stands in a form, which may be half-finished, and as the values that are saved."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from plugins.automation import parts
from plugins.automation.conditions import MOST
from plugins.automation.rule import kind_of
from plugins.automation.rules import MOST_ACTIONS
from sdk import Action, Context, PageRequest, RuleCondition, Trigger
from sdk.clauses import record_typed
from sdk.context import Row
from sdk.workflow import Shape

FILTER, NOTIFY = "automation.filter", "automation.notify"
ALL, ANY = "all", "any"
_PLACE = re.compile(r"([ca])(\d{1,3})\.(?:kind|action|raw)\Z")


@dataclass(frozen=True)
class Leaf:
    """A condition of the form: a kind with its parameters; or `raw`, a group that a form has no shape for, as JSON."""

    kind: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    negated: bool = False
    raw: str = ""

    def node(self) -> object:
        """As it is saved."""
        if self.raw:
            return parts.read_json(self.raw)
        inner = {"kind": self.kind, "parameters": finished(self.parameters)}
        return {"not": inner} if self.negated else inner


def finished(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters without the rows that nobody has begun."""
    return {
        name: [one for one in value if one != ""] if isinstance(value, list) else
        {key: one for key, one in value.items() if key} if isinstance(value, Mapping) else value
        for name, value in parameters.items()
    }  # fmt: skip


@dataclass(frozen=True)
class Deed:
    """An action of the form."""

    action: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def node(self) -> dict[str, Any]:
        """As it is saved."""
        return {"action": self.action, "parameters": finished(self.parameters)}


@dataclass(frozen=True)
class Sketch:
    """A rule in the form."""

    name: str = ""
    entity: str = ""
    trigger: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    match: str = ALL
    leaves: tuple[Leaf, ...] = ()
    deeds: tuple[Deed, ...] = ()
    active: bool = True
    position: str = "100"
    runs_as: str = ""

    def conditions(self) -> list[object]:
        """As they are saved."""
        nodes = [leaf.node() for leaf in self.leaves if leaf.kind or leaf.raw]
        return [{ANY: nodes}] if self.match == ANY and len(nodes) > 1 else nodes

    def values(self) -> dict[str, Any]:
        """What is saved."""
        return {
            "name": self.name, "entity": self.entity, "trigger": self.trigger, "parameters": finished(self.parameters),
            "conditions": self.conditions(), "actions": [deed.node() for deed in self.deeds if deed.action],
        }  # fmt: skip

    def place(self, kind: str, number: int) -> str:
        """Where the problems of a condition or an action stand: the place of its parameters among the rule's values."""
        if kind == "a":
            return f"actions.{[place for place, deed in enumerate(self.deeds) if deed.action].index(number)}"
        there = [place for place, leaf in enumerate(self.leaves) if leaf.kind or leaf.raw]
        at = f"conditions.0.any.{there.index(number)}" if self.match == ANY and len(there) > 1 else f"conditions.{there.index(number)}"
        return f"{at}.not" if self.leaves[number].negated else at


def of_row(row: Row) -> Sketch:
    """A rule as it is saved, or a recipe for one."""
    given = cast("Mapping[str, Any]", row)
    nodes, match = given.get("conditions") or [], ALL
    if len(nodes) == 1 and isinstance(nodes[0], Mapping) and set(nodes[0]) == {ANY}:
        nodes, match = nodes[0][ANY], ANY
    deeds = tuple(Deed(str(one.get("action", "")), one.get("parameters") or {}) for one in given.get("actions") or [])
    return Sketch(
        str(given.get("name") or ""), str(given["entity"]), str(given["trigger"]), given.get("parameters") or {}, match,
        tuple(_leaf(node) for node in nodes), deeds, bool(given.get("active", True)), str(given.get("position", 100)),
        str(given.get("runs_as") or ""),
    )  # fmt: skip


def _leaf(node: Any) -> Leaf:
    negated = isinstance(node, Mapping) and set(node) == {"not"} and isinstance(node["not"], Mapping)
    inner = node["not"] if negated else node
    if isinstance(inner, Mapping) and "kind" in inner:
        return Leaf(str(inner["kind"]), inner.get("parameters") or {}, negated)
    return Leaf(raw=json.dumps(node, ensure_ascii=False))


def typed(ctx: Context, request: PageRequest) -> Sketch:
    """What stands in the form that was sent."""
    entity, trigger = request.typed("entity"), request.typed("trigger")
    kind = kind_of(ctx, Trigger, trigger)
    given = parts.typed(ctx, entity, kind.parameters(), request, "t") if kind is not None else {}
    places = {(found[1], int(found[2])) for name, _value in request.form if (found := _PLACE.match(name))}
    leaves = tuple(_typed_leaf(ctx, entity, request, f"c{place}") for letter, place in sorted(places) if letter == "c")
    deeds = tuple(_typed_deed(ctx, entity, request, f"a{place}") for letter, place in sorted(places) if letter == "a")
    return Sketch(
        request.typed("name").strip(), entity, trigger, given, ANY if request.typed("match") == ANY else ALL, leaves[:MOST], deeds[:MOST_ACTIONS],
        request.typed("active", "true") == "true", request.typed("position", "100").strip(), record_typed(ctx, "core.user", request, "runs_as"),
    )  # fmt: skip


def _typed_leaf(ctx: Context, entity: str, request: PageRequest, prefix: str) -> Leaf:
    if raw := request.typed(f"{prefix}.raw"):
        return Leaf(raw=raw)
    key = request.typed(f"{prefix}.kind")
    kind = kind_of(ctx, RuleCondition, key)
    given = parts.typed(ctx, entity, kind.parameters(), request, prefix) if kind is not None else {}
    return Leaf(key, given, request.typed(f"{prefix}.not") == "true")


def _typed_deed(ctx: Context, entity: str, request: PageRequest, prefix: str) -> Deed:
    key = request.typed(f"{prefix}.action")
    kind = kind_of(ctx, Action, key)
    return Deed(key, parts.typed(ctx, entity, kind.parameters(), request, prefix) if kind is not None else {})


# --- what a button of the form does ----------------------------------------------------------------------------------------


def after(sketch: Sketch, do: str) -> Sketch:
    """The sketch after a button was pressed: `add:c`, `add:a`, `drop:c:1`, `up:a:2`, `more:c0.where:clauses`, `less:c0.where.2`."""
    act, _colon, rest = do.partition(":")
    kind, _colon, word = rest.partition(":")
    number = int(word) if word.isascii() and word.isdigit() and len(word) < 4 else -1
    if act == "add" and kind == "c":
        return replace(sketch, leaves=(*sketch.leaves, Leaf(FILTER, {"where": [""]})))
    if act == "add" and kind == "a":
        return replace(sketch, deeds=(*sketch.deeds, Deed(NOTIFY)))
    if act == "drop":
        if kind == "c":
            return replace(sketch, leaves=_without(sketch.leaves, number))
        return replace(sketch, deeds=_without(sketch.deeds, number))
    if act == "up" and 0 < number < len(sketch.deeds):
        moved = list(sketch.deeds)
        moved[number - 1 : number + 1] = [moved[number], moved[number - 1]]
        return replace(sketch, deeds=tuple(moved))
    return (
        _rowed(sketch, kind, more=act == "more", empty={"": None} if word == Shape.VALUES else [""]) if act in ("more", "less") else sketch
    )


def _without(some: tuple[Any, ...], number: int) -> tuple[Any, ...]:
    return tuple(one for place, one in enumerate(some) if place != number)


def _rowed(sketch: Sketch, at: str, *, more: bool, empty: object) -> Sketch:
    """With one row more, or less, in a parameter of the trigger, a condition or an action."""
    prefix, _dot, rest = at.partition(".")
    name, _dot, place = rest.partition(".")
    number = int(place) if place.isascii() and place.isdigit() and len(place) < 4 else -1
    if prefix == "t":
        return replace(sketch, parameters=_changed(sketch.parameters, name, number, more=more, empty=empty))
    index = int(prefix[1:]) if prefix[1:].isascii() and prefix[1:].isdigit() and len(prefix) < 5 else -1
    if prefix[:1] == "c" and 0 <= index < len(sketch.leaves):
        leaf = sketch.leaves[index]
        changed = replace(leaf, parameters=_changed(leaf.parameters, name, number, more=more, empty=empty))
        return replace(sketch, leaves=(*sketch.leaves[:index], changed, *sketch.leaves[index + 1 :]))
    if prefix[:1] == "a" and 0 <= index < len(sketch.deeds):
        deed = sketch.deeds[index]
        done = replace(deed, parameters=_changed(deed.parameters, name, number, more=more, empty=empty))
        return replace(sketch, deeds=(*sketch.deeds[:index], done, *sketch.deeds[index + 1 :]))
    return sketch


def _changed(given: Mapping[str, Any], name: str, number: int, *, more: bool, empty: object) -> dict[str, Any]:
    value = given.get(name)
    if isinstance(value, Mapping):
        rows = dict(value)
        changed: Any = {**rows, "": None} if more else dict(pair for place, pair in enumerate(rows.items()) if place != number)
    elif more:
        changed = [*value, ""] if isinstance(value, list) and value else empty
    else:
        changed = [one for place, one in enumerate(value or []) if place != number]
    return {**given, name: changed}
