"""Routes, mounted once at boot; whether a tenant has them is asked at each request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from flask import g, request

from core.context import Work
from core.custom.definition import PREFIX
from core.http.addresses import Addresses, address_of, collection_of
from core.http.answers import answer
from core.http.bodies import read_request
from core.http.collections import Collection, may, unchanged
from core.http.counted import counted
from core.http.freshness import fresh
from core.http.merges import Merges, led_on
from core.http.pipeline import SAFE, Endpoint, type_handler
from sdk import PUBLIC, SIGNED_IN, Entity, Forbidden, NotFound, Response, Route, Verb, _
from sdk.permissions import VERBS
from sdk.routes import record_id

if TYPE_CHECKING:
    from core.platform import Platform

OWN = f"/api/v1/{PREFIX}"
type_operation = Callable[[Collection], type_handler]
"""What handles an operation of an entity's records."""
_PARAMETER = re.compile(r"\{([a-z_]+)\}")


def mount(addresses: Addresses, platform: Platform) -> None:
    """All collections and routes of all plugins in force. Routes come first: a plugin may refine an address of its own."""
    collections = {made.path: made for made in map(Collection, platform.catalog.entities.values())}
    for route in platform.catalog.routes:
        about = None if route.method in SAFE else collections.get(collection_of(route.plugin, route.path))
        _mount_route(addresses, platform, route, None if about is None else about.entity)
    for collection in collections.values():
        _mount_collection(addresses, platform, collection)
    _mount_own(addresses, platform)


def _of(operation: Callable[[Collection, Work, Mapping[str, str]], object]) -> type_operation:
    return lambda collection: partial(operation, collection)


def _led(operation: Callable[[Collection, Work, Mapping[str, str]], object], rest: str = "") -> type_operation:
    return lambda collection: led_on(collection.entity, partial(operation, collection), rest)


_OPERATIONS: Sequence[tuple[str, str, type_operation, Verb]] = (
    ("GET", "", _of(Collection.list), Verb.READ),
    ("POST", "", _of(Collection.create), Verb.CREATE),
    ("POST", "/batch", _of(Collection.batch), Verb.UPDATE),
    ("GET", "/<record:id>", _led(Collection.get), Verb.READ),
    ("PATCH", "/<record:id>", _of(Collection.update), Verb.UPDATE),
    ("DELETE", "/<record:id>", _of(Collection.delete), Verb.DELETE),
    ("POST", "/<record:id>/restore", _of(Collection.restore), Verb.DELETE),
    ("GET", "/<record:id>/history", _led(Collection.history, "/history"), Verb.READ),
    ("GET", "/<record:id>/timeline", _led(Collection.timeline, "/timeline"), Verb.READ),
)
_MERGES: Sequence[tuple[str, str, type_operation, Verb]] = (
    ("GET", "/<record:id>/merges", lambda collection: led_on(collection.entity, Merges(collection.entity).list, "/merges"), Verb.READ),
    # Who has not the right to merge is told so there, and the audit, too.
    ("POST", "/<record:id>/merges", lambda collection: Merges(collection.entity).create, Verb.READ),
    ("POST", "/<record:id>/merges/<record:merge>/undo", lambda collection: Merges(collection.entity).undo, Verb.READ),
)


def _mount_collection(addresses: Addresses, platform: Platform, collection: Collection) -> None:
    entity, operations = collection.entity, list(_OPERATIONS)
    if entity.alike:
        operations.append(("POST", "/duplicates", _of(Collection.duplicates), Verb.READ))
    if entity.mergeable:
        operations += _MERGES
    for method, path, operation, verb in operations:
        if verb in entity.verbs | {Verb.READ}:
            view = Endpoint(platform, entity.plugin, _permitted(entity, _needed(path, verb), operation(collection)))
            addresses.add(f"{collection.path}{path}", method, view)


def _needed(path: str, verb: Verb) -> set[Verb]:
    return {Verb.CREATE, Verb.UPDATE, Verb.DELETE} if path == "/batch" else {verb}


def _mount_own(addresses: Addresses, platform: Platform) -> None:
    """One collection for the entities that tenants make: which one is meant is asked at each request, as rules are made once."""
    for method, path, operation, verb in (*_OPERATIONS, *_MERGES):
        view = Endpoint(platform, PREFIX, _own(operation, _needed(path, verb), merging="/merges" in path))
        addresses.add(f"{OWN}/<plural>{path}", method, view)


def _own(operation: type_operation, needed: set[Verb], *, merging: bool) -> type_handler:
    def handler(work: Work, path: Mapping[str, str]) -> object:
        found = next((one for one in work.catalog.entities.values() if one.plugin == PREFIX and one.plural == path["plural"]), None)
        if found is None or (merging and not found.mergeable):
            raise NotFound(_("there is nothing at this address"))
        return _permitted(found, needed, operation(Collection(found)))(work, path)

    return handler


def _permitted(entity: Entity, needed: set[Verb], handler: type_handler) -> type_handler:
    """Who has none of the verbs for any record is told so before anything that was sent is looked at."""

    def permitted(work: Work, path: Mapping[str, str]) -> object:
        if not any(may(work, entity, verb) for verb in needed):
            if entity.plugin == "core":  # what decides about rights, and what tells of people: an attempt at it stays in the audit
                raise work.refused(f"{entity.full_name}.{min(needed)}")
            raise Forbidden(_("you don’t have permission to {verb} {entity}"), verb=VERBS[min(needed)], entity=entity.label)
        return handler(work, path)

    return permitted


def _mount_route(addresses: Addresses, platform: Platform, route: Route, subject: Entity | None) -> None:
    """`subject`: the entity of whose records a writing route is about one; `/deals/{id}/moves` is about a deal."""
    rule = _PARAMETER.sub(r"<\1>", address_of(route.plugin, route.path)).replace("<id>", "<record:id>")

    def admitted(work: Work) -> Work:
        if route.permission not in (PUBLIC, SIGNED_IN) and not work.can(route.permission):
            raise work.refused(route.permission)
        return work.of_plugin(route.plugin)

    def handler(work: Work, path: Mapping[str, str]) -> object:
        allowed = admitted(work)  # who has no right is told that, before what was sent is looked at
        if subject is not None:
            unchanged(work, subject, record_id(path["id"]))
        asked = read_request(route, path, platform.config)
        with counted(work, route.plugin, f"{route.method} {route.path}"):
            value = route.view(allowed, asked if route.prepare is None else replace(asked, prepared=g.prepared))
        if route.method == "GET" and isinstance(value, Response) and fresh(request, tag := value.headers.get("ETag", '""')):
            return Response(None, 304, {"ETag": tag})
        return value if hasattr(value, "status") else answer_as(route, value)

    def preparation(work: Work, path: Mapping[str, str]) -> AbstractContextManager[object]:
        assert route.prepare is not None
        allowed = admitted(work)
        asked = read_request(route, path, platform.config)
        with counted(work, route.plugin, f"{route.method} {route.path}"):
            return route.prepare(allowed, asked)

    prepare = preparation if route.prepare is not None else None
    addresses.add(rule, route.method, Endpoint(platform, route.plugin, handler, public=route.permission == PUBLIC, prepare=prepare))


def answer_as(route: Route, value: object) -> object:
    """A bare value with the route's own status."""
    response = answer(value)
    response.status_code = route.status
    return response
