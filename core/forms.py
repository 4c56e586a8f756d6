"""What a marshmallow schema takes, read as strictly as it is described, and its messages in our words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from marshmallow import Schema, ValidationError
from marshmallow import fields as mm

from sdk import Invalid, Problem, Text, _

_SCALARS = ((mm.Boolean, (bool,)), (mm.Integer, (int, float)), (mm.Number, (int, float, str)), (mm.String, (str,)))
_SAID = {
    "Missing data for required field.": ("required", _("is required")),
    "Field may not be null.": ("required", _("is required")),
    "Unknown field.": ("unknown_field", _("there is no such field")),
    "String does not match expected pattern.": ("invalid", _("has another form than the one described")),
}
_COUNTED = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"Longer than maximum length (?P<most>\d+)\.", _("is longer than {most}")),
        (r"Shorter than minimum length (?P<least>\d+)\.", _("is shorter than {least}")),
        (r"Length must be between (?P<least>\d+) and (?P<most>\d+)\.", _("expected a length from {least} to {most}")),
        (r"Length must be (?P<most>\d+)\.", _("expected a length of {most}")),
        (r"Must be greater than or equal to (?P<least>\S+) and less than or equal to (?P<most>\S+)\.", _("expected {least} to {most}")),
        (r"Must be greater than or equal to (?P<least>\S+)\.", _("expected at least {least}")),
        (r"Must be less than or equal to (?P<most>\S+)\.", _("expected at most {most}")),
    )
)


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


def loaded(schema: Schema, data: Mapping[str, Any], unknown: Literal["exclude", "raise"], message: Text,
           wrong: Sequence[Problem] = ()) -> dict[str, Any]:  # fmt: skip
    """The values of `data`; raises Invalid with `message` and what is wrong by field, with what is known to be `wrong` already."""
    try:
        values: dict[str, Any] = schema.load(data, unknown=unknown)
    except ValidationError as failure:
        told = {problem.field for problem in wrong}
        more = [problem for problem in _problems("", failure.messages) if problem.field not in told]
        raise Invalid(message, problems=[*wrong, *more]) from failure
    if wrong:
        raise Invalid(message, problems=wrong)
    return values


def _problems(prefix: str, messages: Any) -> list[Problem]:
    found: list[Problem] = []
    if isinstance(messages, dict):
        for name, inner in messages.items():
            found += _problems(f"{prefix}.{name}" if prefix else str(name), inner)
    elif isinstance(messages, list):
        found += [_problem(prefix[:200], one if isinstance(one, Text) else str(one)) for one in messages]
    return found


def _problem(name: str, message: str) -> Problem:
    """A message of marshmallow's in our words, which have codes and translations."""
    if message in _SAID:
        return Problem(name, *_SAID[message])
    if message.startswith("Not a valid "):
        return Problem(name, "type", _("has another type than the one described"))
    if message.startswith("Must be one of: "):
        return Problem(name, "unknown_choice", _("expected one of {options}"), {"options": message[len("Must be one of: ") :].rstrip(".")})
    for pattern, text in _COUNTED:
        if found := pattern.fullmatch(message):
            return Problem(name, "invalid", text, found.groupdict())
    return Problem(name, "invalid", Text(message.replace("{", "{{").replace("}", "}}"), getattr(message, "module", "")))
