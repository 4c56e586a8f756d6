"""The parameters of a trigger, a condition or an action as a form, and what was typed in it as parameters again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from typing import Any, TypeAlias

import marshmallow
from marshmallow import Schema, fields, validate

from plugins.automation.facts import slots
from sdk import Context, PageRequest, _
from sdk.clauses import filterable, operators_of, pair_of, record_input, record_typed, said, taken_apart, value_input
from sdk.fields import BooleanField, ChoiceField, Field, KeysField, LinkField, MoneyField
from sdk.forms import Input, Option
from sdk.text import in_order
from sdk.workflow import Shape

Given: TypeAlias = "Mapping[str, Any]"
Problems: TypeAlias = "Mapping[str, str]"
"""What is wrong, by the place within the parameters."""
MOST_ROWS = 30
MOST_BRACKETS = 100
"""Of a JSON document that is typed."""
WHOLE = re.compile(r"-?[0-9]{1,11}", re.ASCII)
"""A whole number as people type it; what is longer is none that a rule knows."""
LONG = 300


@dataclass(frozen=True)
class Row:
    """One condition of a filter, or one field with its value; `operators` is empty for the latter. `name` begins the names of its inputs."""

    name: str
    chosen: str
    fields: Sequence[tuple[str, str]]
    operators: Sequence[tuple[str, str]] = ()
    operator: str = ""
    input: Input | None = None
    problem: str = ""


@dataclass(frozen=True)
class Part:
    """One parameter: an input, or rows of which there can be more."""

    name: str
    label: str
    shape: str
    input: Input | None = None
    rows: Sequence[Row] = ()
    problem: str = ""
    hint: str = ""
    redraws: bool = False
    """Whether what else there is to choose from depends on it."""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What there is to choose from."""
        return [(one.value, one.label) for one in self.input.options] if self.input is not None else []


@dataclass(frozen=True)
class Asked:
    """Whose parameters: of which entity the rule is, how the names of the inputs begin, what is typed, and what is wrong with it."""

    ctx: Context
    entity: str
    prefix: str
    given: Given
    problems: Problems = field(default_factory=dict)


def parts(asked: Asked, schema: Schema) -> list[Part]:
    """The form of a schema."""
    leading = {str(one.metadata.get("of")) for one in schema.fields.values() if _shape(one) is not Shape.RECORD}
    leading |= {"entity"} if "link" in schema.fields else set()
    return [
        replace(_part(asked, one.data_key or name, one), redraws=(one.data_key or name) in leading) for name, one in schema.fields.items()
    ]


def _shape(one: fields.Field[Any]) -> Shape:
    return Shape(one.metadata.get("shape") or Shape.PLAIN)


def _part(asked: Asked, name: str, one: fields.Field[Any]) -> Part:
    say, shape = asked.ctx.say, _shape(one)
    label = say(one.metadata["label"]) if one.metadata.get("label") else name.replace("_", " ").capitalize()
    hint = say(one.metadata["hint"]) if one.metadata.get("hint") else ""
    problem = _problem(asked, name)
    if shape in (Shape.CLAUSES, Shape.VALUES):
        entity = _other(asked, one)
        rows = _clauses(asked, entity, name) if shape is Shape.CLAUSES else _values(asked, entity, name)
        return Part(f"{asked.prefix}.{name}", label, shape, rows=rows, problem=problem, hint=hint)
    bare = Input(f"{asked.prefix}.{name}", label, "text", "", one.required, problem=problem, hint=hint)
    return Part(f"{asked.prefix}.{name}", label, shape, _input(asked, name, one, bare))


def _problem(asked: Asked, name: str) -> str:
    """What is wrong with a parameter or a part of it, but for what has a place of its own."""
    return next((text for place, text in asked.problems.items() if place == name or place.startswith(f"{name}.")), "")


def _other(asked: Asked, one: fields.Field[Any]) -> str:
    """The entity whose fields are meant."""
    of = str(one.metadata.get("of") or "")
    return str(asked.given.get(of) or "") if of else asked.entity


def _value(asked: Asked, name: str, one: fields.Field[Any]) -> Any:
    """What is typed, or what goes where nothing is said."""
    if name in asked.given:
        return asked.given[name]
    default = one.load_default() if callable(one.load_default) else one.load_default
    return None if default is marshmallow.missing else default


def _input(asked: Asked, name: str, one: fields.Field[Any], bare: Input) -> Input:
    ctx, value = asked.ctx, _value(asked, name, one)
    if isinstance(one, fields.Boolean):
        return replace(bare, widget="check", value="true" if value is True else "")
    options = _options(asked, one)
    if isinstance(one, fields.List):
        chosen = [str(word) for word in value] if isinstance(value, list) else []
        if options is None:
            return replace(bare, widget="tags", value=", ".join(chosen))
        return replace(bare, widget="checks", options=tuple(Option(key, label, key in chosen) for key, label in options))
    text = f"{value:%H:%M}" if isinstance(value, time) else "" if value is None else value if isinstance(value, str) else _json(value)
    if options is not None:
        known = [*options, *([(text, text)] if text and text not in [key for key, _label in options] else [])]
        return replace(bare, widget="select", value=text, options=tuple(Option(key, label, key == text) for key, label in known))
    if _shape(one) is Shape.RECORD:
        return record_input(ctx, str(one.metadata["of"]), replace(bare, value=text))
    if isinstance(one, fields.Dict) or _shape(one) is Shape.TEXT:
        return replace(bare, widget="area", value=text, longest=_longest(one))
    mode = "number" if isinstance(one, fields.Integer) else "time" if isinstance(one, fields.Time) else "text"
    return replace(bare, value=text, type=mode, longest=_longest(one))


def _json(value: object) -> str:
    return "" if value == {} else json.dumps(value, ensure_ascii=False)


def _longest(one: fields.Field[Any]) -> int:
    return next((rule.max or 0 for rule in one.validators if isinstance(rule, validate.Length)), 0)


def _options(asked: Asked, one: fields.Field[Any]) -> Sequence[tuple[str, str]] | None:
    offered: Callable[..., Sequence[tuple[str, str]]] | None = one.metadata.get("options")
    if offered is not None:
        return offered(asked.ctx, asked.entity, asked.given)
    of = next((rule for rule in one.validators if isinstance(rule, validate.OneOf)), None)
    return None if of is None else [(str(word), str(word)) for word in of.choices]


# --- rows ---------------------------------------------------------------------------------------------------------------


def labelled(ctx: Context, found: Mapping[str, Field]) -> list[tuple[str, str]]:
    """Fields by what they are called."""
    return sorted(((name, ctx.say(one.label)) for name, one in found.items()), key=lambda pair: in_order(pair[1]))


def _clauses(asked: Asked, entity: str, name: str) -> list[Row]:
    ctx, given = asked.ctx, asked.given.get(name)
    if entity not in ctx.entities() or not isinstance(given, list):
        return []
    there = filterable(ctx.records(entity).fields())
    listed = labelled(ctx, there)
    rows = []
    for place, clause in enumerate(given[:MOST_ROWS]):
        word, operator, value = taken_apart(str(clause))
        prefix = f"{asked.prefix}.{name}.{place}"
        known = there.get(word)
        if known is None:  # through a link, or a field that has gone: it stays as it is written
            rows.append(Row(prefix, str(clause), listed if not clause else [(str(clause), str(clause)), *listed]))
            continue
        offered = operators_of(known)
        operator = "in" if operator == "eq" and "eq" not in offered and "in" in offered else operator
        offered += [operator] if operator and operator not in offered else []
        chosen = operator or offered[0]
        words = [(key, ctx.say(said(known, key), {"field": ""}).strip()) for key in offered]
        typed = None if chosen in ("empty", "filled") else _where(ctx, entity, known, chosen, value, f"{prefix}.value")
        rows.append(Row(prefix, word, listed, words, chosen, typed))
    return rows


def _where(ctx: Context, entity: str, known: Field, operator: str, value: str, name: str) -> Input:
    made = value_input(ctx, entity, known, operator, value, name=name)
    return replace(made, currency=made.currency or ctx.tenant.currency)  # a rule compares amounts of one currency


def _values(asked: Asked, entity: str, name: str) -> list[Row]:
    ctx, given = asked.ctx, asked.given.get(name)
    if entity not in ctx.entities() or not isinstance(given, Mapping):
        return []
    there = {word: one for word, one in ctx.records(entity).fields().items() if not one.readonly and word not in ("id", "version")}
    listed = labelled(ctx, there)
    rows = []
    for place, (word, value) in enumerate(list(given.items())[:MOST_ROWS]):
        prefix, known = f"{asked.prefix}.{name}.{place}", there.get(word)
        problem = asked.problems.get(f"{name}.{word}", "")
        offered = listed if known is not None or not word else [(word, word), *listed]
        typed = None if known is None and word == "" else _set(ctx, entity, known, value, f"{prefix}.value", problem)
        rows.append(Row(prefix, word, offered, input=typed, problem=problem))
    return rows


def _set(ctx: Context, entity: str, known: Field | None, value: object, name: str, problem: str) -> Input:
    """Where a field's new value is typed; words in braces are known when the rule runs, so any field takes them as text."""
    text = _text(value)
    if known is None or slots(value):
        return Input(name, ctx.say(_("Value")), "text", text, required=False, problem=problem)
    if known.kind == "long_text":
        return Input(name, ctx.say(_("Value")), "area", text, required=False, problem=problem)
    return replace(value_input(ctx, entity, known, "eq", text, name=name, problem=problem), required=False)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"{value.get('currency', '')} {value.get('amount', '')}".strip()
    return ",".join(str(one) for one in value) if isinstance(value, list) else "" if value is None else str(value)


# --- what was typed ------------------------------------------------------------------------------------------------------


def typed(ctx: Context, entity: str, schema: Schema, request: PageRequest, prefix: str) -> dict[str, Any]:
    """The parameters as they stand in a form; what was left empty is left out. Rows that are not finished stay as they are."""
    found: dict[str, Any] = {}
    for key, one in schema.fields.items():
        name = one.data_key or key
        at, of = f"{prefix}.{name}", str(one.metadata.get("of") or "")
        other = entity if not of or _shape(one) is Shape.RECORD else request.typed(f"{prefix}.{of}")
        if _shape(one) is Shape.CLAUSES:
            value: Any = _typed_clauses(ctx, other, request, at)
        elif _shape(one) is Shape.VALUES:
            value = _typed_values(ctx, other, request, at)
        elif _shape(one) is Shape.RECORD:
            value = record_typed(ctx, of, request, at) or None
        else:
            value = _typed(one, request, at)
        if value is not None or one.required:
            found[name] = value
    return {name: value for name, value in found.items() if value is not None}


def _typed(one: fields.Field[Any], request: PageRequest, at: str) -> Any:
    word = request.typed(at).strip()
    if isinstance(one, fields.Boolean):
        return word == "true" if request.typed(f"{at}__there") else None
    if isinstance(one, fields.List):
        if request.typed(f"{at}__there"):
            chosen: list[Any] = request.chosen(at)
            return [int(key) for key in chosen if WHOLE.fullmatch(key)] if isinstance(one.inner, fields.Integer) else chosen
        return [key.strip() for key in word.split(",") if key.strip()] if word else None
    if not word:
        return None
    if isinstance(one, fields.Integer):
        return int(word) if WHOLE.fullmatch(word) else word
    if isinstance(one, fields.Dict):
        return read_json(word)
    return request.typed(at) if _shape(one) is Shape.TEXT else word


def read_json(word: str) -> Any:
    """A document that somebody typed; what is none, or is nested deeper than any rule is, or has in it what no text or number can be
    (half a character, NaN), stays the text that it is."""
    if sum(word.count(sign) for sign in "[{") > MOST_BRACKETS:
        return word
    try:
        found = json.loads(word)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return word
    return found


def rows_typed(request: PageRequest, at: str) -> list[str]:
    """How the names of the rows of a parameter begin, as they are in the form."""
    pattern = re.compile(rf"{re.escape(at)}\.(\d{{1,3}})\.field\Z")
    places = sorted({int(found[1]) for name, _value in request.form if (found := pattern.match(name))})
    return [f"{at}.{place}" for place in places[:MOST_ROWS]]


def _typed_clauses(ctx: Context, entity: str, request: PageRequest, at: str) -> list[str]:
    there = filterable(ctx.records(entity).fields()) if entity in ctx.entities() else {}
    found = []
    for row in rows_typed(request, at):
        word, operator = request.typed(f"{row}.field"), request.typed(f"{row}.op")
        known = there.get(word)
        if known is None:
            found.append(word)
            continue
        usual = operators_of(known)
        operator = operator if operator in (*usual, *known.operators) else usual[0]
        pair = pair_of(ctx, known, operator, request, f"{row}.value", entity=entity)
        name, value = pair if pair is not None else (word if operator == "eq" else f"{word}[{operator}]", "")
        found.append(f"{name}={value}")
    return found


def _typed_values(ctx: Context, entity: str, request: PageRequest, at: str) -> dict[str, Any]:
    own = ctx.records(entity).fields() if entity in ctx.entities() else {}
    found: dict[str, Any] = {}
    for row in rows_typed(request, at):
        word = request.typed(f"{row}.field")
        known = own.get(word)
        found[word] = request.typed(f"{row}.value") or None if known is None else _typed_value(ctx, entity, known, request, f"{row}.value")
    return found


def _typed_value(ctx: Context, entity: str, known: Field, request: PageRequest, at: str) -> Any:
    word = request.typed(at).strip()
    if slots(word):
        return word
    if isinstance(known, MoneyField):
        amount = request.typed(f"{at}__amount").strip()
        return {"amount": amount, "currency": request.typed(f"{at}__currency").strip().upper()} if amount else None
    if isinstance(known, KeysField):
        return request.chosen(at) if request.typed(f"{at}__there") else [key.strip() for key in word.split(",") if key.strip()]
    if isinstance(known, LinkField):
        return record_typed(ctx, ctx.target(entity, known.name), request, at) or None
    if not word:
        return None
    if isinstance(known, BooleanField):
        return word == "true"
    if isinstance(known, ChoiceField) or known.kind in ("text", "long_text", "email", "phone", "url", "date"):
        return word
    read = known.read([word])
    value = None if read.flaws else read.values[0]
    return word if value is None else value if isinstance(value, int | str | list | dict) else str(value)
