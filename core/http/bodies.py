"""What is sent to routes, read as strictly as it is described: JSON bodies, forms with files, query strings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from marshmallow import Schema
from marshmallow import fields as mm

from core.forms import loaded, strictly
from core.http.pipeline import json_body, query_pairs, reading
from sdk import PUBLIC, BadRequest, Invalid, Problem, Request, Route, UnsupportedMedia, Upload, _

FORM = "application/x-www-form-urlencoded"


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
    return loaded(schema, _folded(schema, pairs), "exclude", _("the parameters are not valid"))


def _read_json(schema: Schema) -> dict[str, Any]:
    body = json_body()
    if problems := list(strictly("", schema, body, typed=True)):
        raise Invalid(_("some values are not valid"), problems=problems)
    return loaded(schema, body, "raise", _("some values are not valid"))


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
    lacking = [name for name in route.uploads if name not in files and not route.may_lack_files]
    problems += [Problem(name, "required", _("is required")) for name in lacking]
    schema = (route.body or Schema)()
    form = _folded(schema, pairs)
    problems += strictly("", schema, form, typed=False)
    if problems:
        raise Invalid(_("some values are not valid"), problems=problems)
    return loaded(schema, form, "raise", _("some values are not valid")), files


def _read_plain_form(schema: Schema) -> dict[str, Any]:
    if request.mimetype != FORM:
        raise UnsupportedMedia(_("send the body as {media}"), media=FORM)
    with reading():
        pairs = list(request.form.items(multi=True))
    form = _folded(schema, pairs)
    if problems := list(strictly("", schema, form, typed=False)):
        raise Invalid(_("some values are not valid"), problems=problems)
    return loaded(schema, form, "raise", _("some values are not valid"))


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
