"""Routes, mounted once at boot; whether a tenant has them is asked at each request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from marshmallow import EXCLUDE, RAISE, Schema, ValidationError

from core.context import Work
from core.http.collections import Collection
from core.http.pipeline import answer, endpoint, json_body, query_pairs
from sdk import PUBLIC, SIGNED_IN, BadRequest, Entity, Forbidden, Invalid, Problem, Request, Route, Text, UnsupportedMedia, Upload, Verb, _

if TYPE_CHECKING:
    from core.platform import Platform

_PARAMETER = re.compile(r"\{([a-z_]+)\}")


def mount(app: Flask, platform: Platform) -> None:
    """All collections and routes of all plugins in force. Routes come first: a plugin may refine an address of its own."""
    for route in platform.catalog.routes:
        _mount_route(app, platform, route)
    for entity in platform.catalog.entities.values():
        _mount_collection(app, platform, entity)


def _mount_collection(app: Flask, platform: Platform, entity: Entity) -> None:
    own = Collection(entity)
    operations = [
        ("GET", "", own.list, Verb.READ),
        ("POST", "", own.create, Verb.CREATE),
        ("POST", "/batch", own.batch, Verb.UPDATE),
        ("GET", "/<id>", own.get, Verb.READ),
        ("PATCH", "/<id>", own.update, Verb.UPDATE),
        ("DELETE", "/<id>", own.delete, Verb.DELETE),
        ("POST", "/<id>/restore", own.restore, Verb.DELETE),
        ("GET", "/<id>/history", own.history, Verb.READ),
    ]
    for method, path, handler, verb in operations:
        if verb in entity.verbs | {Verb.READ}:
            view = endpoint(platform, entity.plugin, handler)
            _add(app, f"{own.path}{path}", f"{entity.full_name}:{handler.__name__}", view, method)


def _add(app: Flask, rule: str, name: str, view: Any, method: str) -> None:
    app.add_url_rule(rule, name, view, methods=[method], provide_automatic_options=False)


def _mount_route(app: Flask, platform: Platform, route: Route) -> None:
    rule = f"/api/v1/{route.plugin}" + _PARAMETER.sub(r"<\1>", route.path)

    def handler(work: Work, path: Mapping[str, str]) -> object:
        if route.permission not in (PUBLIC, SIGNED_IN) and not work.can(route.permission):
            raise Forbidden(_("you need the permission {permission}"), permission=route.permission)
        value = route.view(work, read_request(route, path))
        return value if hasattr(value, "status") else answer_as(route, value)

    _add(app, rule, f"{route.method} {rule}", endpoint(platform, route.plugin, handler), route.method)


def answer_as(route: Route, value: object) -> object:
    """A bare value with the route's own status."""
    response = answer(value)
    response.status_code = route.status
    return response


def read_request(route: Route, path: Mapping[str, str]) -> Request:
    """Validated query and body; raises BadRequest, UnsupportedMedia or Invalid."""
    known = frozenset(field.data_key or name for name, field in route.query().fields.items()) if route.query else frozenset()
    pairs = query_pairs(known)
    query = _loaded(route.query(unknown=EXCLUDE), _folded(route.query(), pairs), _("the parameters are not valid")) if route.query else {}
    if not route.uploads:
        body = _loaded(route.body(unknown=RAISE), json_body(), _("some values are not valid")) if route.body else {}
        return Request(path=path, query=query, body=body)
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMedia(_("send the body as multipart/form-data"))
    files = {name: Upload(part.filename or "", part.stream) for name, part in request.files.items() if name in route.uploads}  # type: ignore[arg-type]
    if missing := sorted(set(route.uploads) - set(files)):
        problem = Problem(missing[0], "required", _("is required"))
        raise Invalid(_("a file is missing"), problems=[problem])
    form = _folded(route.body(), list(request.form.items(multi=True))) if route.body else {}
    return Request(
        path=path,
        query=query,
        body=_loaded(route.body(unknown=RAISE), form, _("some values are not valid")) if route.body else {},
        files=files,
    )


def _folded(schema: Schema, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Pairs as an object: a name that the schema knows as a list collects its values, any other may come once."""
    folded: dict[str, Any] = {}
    for name, value in pairs:
        field = schema.fields.get(name)
        if field is not None and hasattr(field, "inner"):
            folded.setdefault(name, []).append(value)
        elif name in folded:
            raise BadRequest(_("parameter {name!r} is sent twice"), name=name[:80])
        else:
            folded[name] = value
    return folded


def _loaded(schema: Schema, data: Mapping[str, Any], message: Text) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(data)
        return loaded
    except ValidationError as failure:
        raise Invalid(message, problems=_problems("", failure.messages)) from failure


def _problems(prefix: str, messages: Any) -> list[Problem]:
    found: list[Problem] = []
    if isinstance(messages, dict):
        for name, inner in messages.items():
            found += _problems(f"{prefix}.{name}" if prefix else str(name), inner)
    elif isinstance(messages, list):
        found += [Problem(prefix, "invalid", Text(str(one).replace("{", "{{").replace("}", "}}"))) for one in messages]
    return found
