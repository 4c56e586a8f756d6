"""What is sent to routes, read as strictly as it is described: JSON bodies, forms with files, query strings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from flask import request
from marshmallow import Schema, ValidationError
from marshmallow import fields as mm

from core.http.pipeline import json_body, query_pairs, reading
from sdk import PUBLIC, BadRequest, Invalid, Problem, Request, Route, Text, UnsupportedMedia, Upload, _

_SCALARS = ((mm.Boolean, (bool,)), (mm.Integer, (int, float)), (mm.Number, (int, float, str)), (mm.String, (str,)))
FORM = "application/x-www-form-urlencoded"
_SAID = {
    "Missing data for required field.": ("required", _("is required")),
    "Field may not be null.": ("required", _("is required")),
    "Unknown field.": ("unknown_field", _("there is no such field")),
}


def read_request(route: Route, path: Mapping[str, str]) -> Request:
    """Validated query and body; raises BadRequest, UnsupportedMedia or Invalid."""
    query = _read_query(route.query() if route.query else Schema()) if not _from_outside(route) else {}
    if route.uploads:
        body, files = _read_form(route)
        return Request(path=path, query=query, body=body, files=files)
    if route.form and route.body:
        return Request(path=path, query=query, body=_read_plain_form(route.body()))
    body = json_body() if route.any_object else _read_json(route.body()) if route.body else {}
    return Request(path=path, query=query, body=body)


def _from_outside(route: Route) -> bool:
    """Whether its address is called by letters and systems that add parameters of their own: those are not ours to refuse."""
    return route.query is None and (route.any_object or route.permission == PUBLIC)


def _read_query(schema: Schema) -> dict[str, Any]:
    pairs = query_pairs(frozenset(field.data_key or name for name, field in schema.fields.items()))
    return _loaded(schema, _folded(schema, pairs), "exclude", _("the parameters are not valid"))


def _read_json(schema: Schema) -> dict[str, Any]:
    body = json_body()
    if problems := list(_strictly("", schema, body)):
        raise Invalid(_("some values are not valid"), problems=problems)
    return _loaded(schema, body, "raise", _("some values are not valid"))


def _read_form(route: Route) -> tuple[dict[str, Any], dict[str, Upload]]:
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMedia(_("send the body as multipart/form-data"))
    files: dict[str, Upload] = {}
    problems = []
    with reading():
        sent, pairs = list(request.files.items(multi=True)), list(request.form.items(multi=True))
    for name, part in sent:
        if name not in route.uploads or name in files:
            problems.append(Problem(name[:80], "unknown_field", _("there is no such file, or it is sent twice")))
        files[name] = Upload(part.filename or "", part.stream)  # type: ignore[arg-type]
    problems += [Problem(name, "required", _("is required")) for name in route.uploads if name not in files]
    schema = (route.body or Schema)()
    form = _folded(schema, pairs)
    problems += _strictly("", schema, form)
    if problems:
        raise Invalid(_("some values are not valid"), problems=problems)
    return _loaded(schema, form, "raise", _("some values are not valid")), files


def _read_plain_form(schema: Schema) -> dict[str, Any]:
    if request.mimetype != FORM:
        raise UnsupportedMedia(_("send the body as {media}"), media=FORM)
    with reading():
        pairs = list(request.form.items(multi=True))
    form = _folded(schema, pairs)
    if problems := list(_strictly("", schema, form)):
        raise Invalid(_("some values are not valid"), problems=problems)
    return _loaded(schema, form, "raise", _("some values are not valid"))


def _folded(schema: Schema, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Pairs as an object: a name that the schema knows as a list collects its values, any other may come once."""
    lists = {field.data_key or name for name, field in schema.fields.items() if isinstance(field, mm.List)}
    folded: dict[str, Any] = {}
    for name, value in pairs:
        if name in lists:
            folded.setdefault(name, []).append(value)
        elif name in folded:
            raise BadRequest(_("parameter {name!r} is sent twice"), name=name[:80])
        else:
            folded[name] = value
    return folded


def _strictly(prefix: str, schema: Schema, data: Mapping[str, Any]) -> Iterable[Problem]:
    """What marshmallow would let pass: 0 for false, "5" for 5, a null character in a text."""
    for name, field in schema.fields.items():
        key = field.data_key or name
        if key in data:
            yield from _strict_value(f"{prefix}{key}", field, data[key])


def _strict_value(name: str, field: mm.Field[Any], value: Any) -> Iterable[Problem]:
    if isinstance(value, str) and "\x00" in value:
        yield Problem(name, "control_character", _("contains a control character; remove it"))
    elif isinstance(field, mm.List) and isinstance(value, list):
        for index, one in enumerate(value):
            yield from _strict_value(f"{name}.{index}", field.inner, one)
    elif isinstance(field, mm.Nested) and isinstance(value, dict):
        yield from _strictly(f"{name}.", field.schema, value)
    elif value is not None and request.mimetype == "application/json":
        kinds = next((kinds for kind, kinds in _SCALARS if isinstance(field, kind)), None)
        if kinds is not None and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            yield Problem(name, "type", _("has another type than the one described"))


def _loaded(schema: Schema, data: Mapping[str, Any], unknown: Literal["exclude", "raise"], message: Text) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(data, unknown=unknown)
        return loaded
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
