"""What is sent to routes, read as strictly as it is described: JSON bodies, forms with files, query strings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import request
from marshmallow import Schema
from marshmallow import fields as mm

from core.forms import loaded, strictly
from core.http.asked import json_body, query_pairs, reading
from core.http.security import address_of
from sdk import PUBLIC, BadRequest, Guest, Invalid, Problem, Request, Route, UnsupportedMedia, Upload, _
from sdk.calls import CHAIN

if TYPE_CHECKING:
    from core.config import Config

FORM = "application/x-www-form-urlencoded"


def read_request(route: Route, path: Mapping[str, str], config: Config) -> Request:
    """Validated query and body; raises BadRequest, UnsupportedMedia or Invalid."""
    if route.any_form:
        return Request(path=path, query=_grouped(query_pairs(None)), body=_whatever(), guest=_guest(config))
    query = _read_query(route.query() if route.query else Schema()) if not _from_outside(route) else {}
    if route.uploads:
        body, files = _read_form(route)
        return Request(path=path, query=query, body=body, files=files)
    if route.form and route.body:
        return Request(path=path, query=query, body=_read_plain_form(route.body()))
    if route.any_object:
        return Request(path=path, query=query, body=json_body(), guest=_guest(config))
    body = _read_json(route.body()) if route.body else {}
    return Request(path=path, query=query, body=body)


_COUNT = re.compile(r"[0-9]{1,3}\Z", re.ASCII)


def _chain() -> int:
    """Nothing is taken on trust: who says a number gets the less done by it."""
    said = request.headers.get(CHAIN, "")
    return int(said) if _COUNT.match(said) else 0


def _whatever() -> dict[str, Any]:
    """The words of a form of either kind, or a JSON object; nothing where nothing is sent."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return {}
    if request.mimetype == "application/json":
        return json_body()
    if request.mimetype not in (FORM, "multipart/form-data", ""):
        raise UnsupportedMedia(_("send the body as {media}"), media=FORM)
    with reading():
        if request.files:
            raise BadRequest(_("this address doesn’t accept files"), code="no_files")
        return _grouped(list(request.form.items(multi=True)))


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _guest(config: Config) -> Guest:
    """Browsers say "null" of pages that hide where they are; what is ours is known by the address that was asked, or that we were told."""
    origin = request.headers.get("Origin", "")
    ours = (request.host_url.rstrip("/"), config.url.rstrip("/"))
    return Guest(
        address_of(config),
        "" if origin in (*ours, "null") else origin,
        request.mimetype == "application/json" or request.accept_mimetypes.best == "application/json",
        _chain(),
    )


def _from_outside(route: Route) -> bool:
    """Whether its address is called by letters and systems that add parameters of their own: those are not ours to refuse."""
    return route.query is None and (route.any_object or route.permission == PUBLIC)


def _read_query(schema: Schema) -> dict[str, Any]:
    pairs = query_pairs(frozenset(field.data_key or name for name, field in schema.fields.items()))
    return loaded(schema, _folded(schema, pairs), "exclude", _("the parameters are invalid"))


def _read_json(schema: Schema) -> dict[str, Any]:
    body = json_body()
    if problems := list(strictly("", schema, body, typed=True)):
        raise Invalid(_("some values are invalid"), problems=problems)
    return loaded(schema, body, "raise", _("some values are invalid"))


def _read_form(route: Route) -> tuple[dict[str, Any], dict[str, Upload]]:
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMedia(_("send the body as multipart/form-data"))
    files: dict[str, Upload] = {}
    problems = []
    with reading():
        sent, pairs = list(request.files.items(multi=True)), list(request.form.items(multi=True))
    for name, part in sent:
        if name not in route.uploads or name in files:
            problems.append(Problem(name[:80], "unknown_field", _("this file does not exist, or was sent twice")))
        files[name] = Upload(part.filename or "", part.stream)  # type: ignore[arg-type]
    lacking = [name for name in route.uploads if name not in files and not route.may_lack_files]
    problems += [Problem(name, "required", _("is required")) for name in lacking]
    schema = (route.body or Schema)()
    form = _folded(schema, pairs)
    problems += strictly("", schema, form, typed=False)
    if problems:
        raise Invalid(_("some values are invalid"), problems=problems)
    return loaded(schema, form, "raise", _("some values are invalid")), files


def _read_plain_form(schema: Schema) -> dict[str, Any]:
    if request.mimetype != FORM:
        raise UnsupportedMedia(_("send the body as {media}"), media=FORM)
    with reading():
        pairs = list(request.form.items(multi=True))
    form = _folded(schema, pairs)
    if problems := list(strictly("", schema, form, typed=False)):
        raise Invalid(_("some values are invalid"), problems=problems)
    return loaded(schema, form, "raise", _("some values are invalid"))


def _folded(schema: Schema, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Pairs as an object: a name that the schema knows as a list collects its values, any other may come once."""
    lists = {field.data_key or name for name, field in schema.fields.items() if isinstance(field, mm.List)}
    folded: dict[str, Any] = {}
    for name, value in pairs:
        if name in lists:
            folded.setdefault(name, []).append(value)
        elif name in folded:
            raise BadRequest(_("parameter {name!r} is given twice"), name=name[:80])
        else:
            folded[name] = value
    return folded
