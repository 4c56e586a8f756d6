"""What a marshmallow schema takes, read as strictly as it is described, and its messages in our words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from marshmallow import Schema, ValidationError
from marshmallow import fields as mm

from sdk import Invalid, Problem, Text, _

_SCALARS = ((mm.Boolean, (bool,)), (mm.Integer, (int, float)), (mm.Number, (int, float, str)), (mm.String, (str,)))
_SAID = {
    "Missing data for required field.": ("required", _("is required")),
    "Field may not be null.": ("required", _("is required")),
    "Unknown field.": ("unknown_field", _("there is no such field")),
}


def strictly(prefix: str, schema: Schema, data: Mapping[str, Any], *, typed: bool) -> Iterable[Problem]:
    """What marshmallow would let pass: a null character in a text, and, where values have types (JSON), 0 for false or "5" for 5."""
    for name, field in schema.fields.items():
        key = field.data_key or name
        if key in data:
            yield from _strict_value(f"{prefix}{key}", field, data[key], typed)


def _strict_value(name: str, field: mm.Field[Any], value: Any, typed: bool) -> Iterable[Problem]:
    if isinstance(value, str) and "\x00" in value:
        yield Problem(name, "control_character", _("contains a control character; remove it"))
    elif isinstance(field, mm.List) and isinstance(value, list):
        for index, one in enumerate(value):
            yield from _strict_value(f"{name}.{index}", field.inner, one, typed)
    elif isinstance(field, mm.Nested) and isinstance(value, dict):
        yield from strictly(f"{name}.", field.schema, value, typed=typed)
    elif value is not None and typed:
        kinds = next((kinds for kind, kinds in _SCALARS if isinstance(field, kind)), None)
        if kinds is not None and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            yield Problem(name, "type", _("has another type than the one described"))


def loaded(schema: Schema, data: Mapping[str, Any], unknown: Literal["exclude", "raise"], message: Text) -> dict[str, Any]:
    """The values of `data`; raises Invalid with `message` and what is wrong by field."""
    try:
        values: dict[str, Any] = schema.load(data, unknown=unknown)
        return values
    except ValidationError as failure:
        raise Invalid(message, problems=_problems("", failure.messages)) from failure


def _problems(prefix: str, messages: Any) -> list[Problem]:
    found: list[Problem] = []
    if isinstance(messages, dict):
        for name, inner in messages.items():
            found += _problems(f"{prefix}.{name}" if prefix else str(name), inner)
    elif isinstance(messages, list):
        found += [_problem(prefix[:200], str(one)) for one in messages]
    return found


def _problem(name: str, message: str) -> Problem:
    """A message of marshmallow's in our words, which have codes and translations."""
    if message in _SAID:
        return Problem(name, *_SAID[message])
    if message.startswith("Not a valid "):
        return Problem(name, "type", _("has another type than the one described"))
    if message.startswith("Must be one of: "):
        return Problem(name, "unknown_choice", _("expected one of {options}"), {"options": message[len("Must be one of: ") :].rstrip(".")})
    return Problem(name, "invalid", Text(message.replace("{", "{{").replace("}", "}}")))
