"""What a marshmallow schema takes, read as strictly as it is described."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from marshmallow import Schema, ValidationError
from marshmallow import fields as mm

from sdk import Invalid, Problem, Text, _
from sdk.messages import problems

_SCALARS = ((mm.Boolean, (bool,)), (mm.Integer, (int, float)), (mm.Number, (int, float, str)), (mm.String, (str,)))


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
            yield Problem(name, "type", _("has a different type than described"))


def loaded(schema: Schema, data: Mapping[str, Any], unknown: Literal["exclude", "raise"], message: Text,
           wrong: Sequence[Problem] = ()) -> dict[str, Any]:  # fmt: skip
    """The values of `data`; raises Invalid with `message` and what is wrong by field, with what is known to be `wrong` already."""
    try:
        values: dict[str, Any] = schema.load(data, unknown=unknown)
    except ValidationError as failure:
        told = {problem.field for problem in wrong}
        more = [problem for problem in problems(failure.messages) if problem.field not in told]
        raise Invalid(message, problems=[*wrong, *more]) from failure
    if wrong:
        raise Invalid(message, problems=wrong)
    return values
