"""Routes, mounted once at boot; whether a tenant has them is asked at each request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import request

from core.context import Work
from core.http.addresses import Addresses
from core.http.bodies import read_request
from core.http.collections import Collection, may
from core.http.pipeline import answer, endpoint, fresh, type_handler
from sdk import PUBLIC, SIGNED_IN, Entity, Forbidden, Response, Route, Verb, _

if TYPE_CHECKING:
    from core.platform import Platform

_PARAMETER = re.compile(r"\{([a-z_]+)\}")


def mount(addresses: Addresses, platform: Platform) -> None:
    """All collections and routes of all plugins in force. Routes come first: a plugin may refine an address of its own."""
    for route in platform.catalog.routes:
        _mount_route(addresses, platform, route)
    for entity in platform.catalog.entities.values():
        _mount_collection(addresses, platform, entity)


def _mount_collection(addresses: Addresses, platform: Platform, entity: Entity) -> None:
    own = Collection(entity)
    operations = [
        ("GET", "", own.list, Verb.READ),
        ("POST", "", own.create, Verb.CREATE),
        ("POST", "/batch", own.batch, Verb.UPDATE),
        ("GET", "/<record:id>", own.get, Verb.READ),
        ("PATCH", "/<record:id>", own.update, Verb.UPDATE),
        ("DELETE", "/<record:id>", own.delete, Verb.DELETE),
        ("POST", "/<record:id>/restore", own.restore, Verb.DELETE),
        ("GET", "/<record:id>/history", own.history, Verb.READ),
        ("GET", "/<record:id>/timeline", own.timeline, Verb.READ),
    ]
    if entity.alike:
        operations.append(("POST", "/duplicates", own.duplicates, Verb.READ))
    for method, path, handler, verb in operations:
        if verb in entity.verbs | {Verb.READ}:
            needed = {Verb.CREATE, Verb.UPDATE, Verb.DELETE} if path == "/batch" else {verb}
            view = endpoint(platform, entity.plugin, _permitted(entity, needed, handler))
            addresses.add(f"{own.path}{path}", method, view)


def _permitted(entity: Entity, needed: set[Verb], handler: type_handler) -> type_handler:
    """Who has none of the verbs for any record is told so before anything that was sent is looked at."""

    def permitted(work: Work, path: Mapping[str, str]) -> object:
        if not any(may(work, entity, verb) for verb in needed):
            raise Forbidden(_("you may not {verb} {entity}"), verb=min(needed).value, entity=entity.full_name)
        return handler(work, path)

    return permitted


def _mount_route(addresses: Addresses, platform: Platform, route: Route) -> None:
    rule = f"/api/v1/{route.plugin}" + _PARAMETER.sub(r"<\1>", route.path).replace("<id>", "<record:id>")

    def handler(work: Work, path: Mapping[str, str]) -> object:
        if route.permission not in (PUBLIC, SIGNED_IN) and not work.can(route.permission):
            raise Forbidden(_("you need the permission {permission}"), permission=route.permission)
        value = route.view(work.of_plugin(route.plugin), read_request(route, path))
        if route.method == "GET" and isinstance(value, Response) and fresh(request, tag := value.headers.get("ETag", '""')):
            return Response(None, 304, {"ETag": tag})
        return value if hasattr(value, "status") else answer_as(route, value)

    addresses.add(rule, route.method, endpoint(platform, route.plugin, handler, public=route.permission == PUBLIC))


def answer_as(route: Route, value: object) -> object:
    """A bare value with the route's own status."""
    response = answer(value)
    response.status_code = route.status
    return response
