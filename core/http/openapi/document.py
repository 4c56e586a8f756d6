"""The document, made once for each set of rights and kept while they last."""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import request

from core.http.addresses import Addresses
from core.http.answers import raw
from core.http.collections import may
from core.http.freshness import fresh
from core.http.openapi import parts
from core.http.openapi.collections import CollectionOperations
from core.http.openapi.parts import Sheet
from core.http.openapi.routes import RouteOperations, describe_core, of_field
from core.http.openapi.sharing import share_parameters
from core.http.pipeline import Endpoint
from core.http.security import cookie_name
from sdk import PUBLIC, SIGNED_IN, Response, Route, Verb, _

if TYPE_CHECKING:
    from flask import Response as FlaskResponse

    from core.context import Work
    from core.platform import Platform

_KEPT = 32
INTRODUCTION = _(
    "What you can call here, with your permissions. Send `Authorization: Bearer dw_...`, or the cookie of `POST "
    "/api/v1/session` and, with every write, its `csrf_token` as `X-CSRF-Token`. If you belong to several tenants, "
    "name one in the `X-Tenant` header."
)


@dataclass(frozen=True)
class Description:
    """A document as most have it sent, compressed to a twentieth, and the methods of each address."""

    compressed: bytes
    digest: str
    methods: Mapping[str, frozenset[str]]

    @property
    def sent(self) -> bytes:
        """The document for who takes nothing compressed."""
        return gzip.decompress(self.compressed)

    @property
    def document(self) -> dict[str, Any]:
        """The document as an object."""
        read: dict[str, Any] = orjson.loads(self.sent)
        return read

    def etag(self, coding: str) -> str:
        """Of each coding its own, as the bytes are others (RFC 9110, section 8.8.3)."""
        return f'"{self.digest}-{coding}"' if coding else f'"{self.digest}"'


class Descriptions:
    """The documents in use. A change of rights or plugins gives the tenant another access version, and so another document."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[object, ...], Description] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, work: Work) -> Description:
        """The document for the context's actor."""
        grants = work.grants
        key = (work.tenant, work.locale, work.enabled, grants.user, grants.version, grants.allows)
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        made = described(work)
        with self._lock:
            self._made[key] = made
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return made


def described(work: Work) -> Description:
    """A new document."""
    document = _document(work)
    _mend_links(document)
    share_parameters(document)
    sent = orjson.dumps(document)
    methods = {path: frozenset(word.upper() for word in item if word != "parameters") for path, item in document["paths"].items()}
    return Description(gzip.compress(sent, 6, mtime=0), blake2b(sent, digest_size=12).hexdigest(), methods)


def _mend_links(document: dict[str, Any]) -> None:
    """Where a route stands in the place of a collection's operation, it may take less: links to it name what it takes."""
    takes: dict[str, set[str]] = {}
    operations = [(item, one) for item in document["paths"].values() for name, one in item.items() if name != "parameters"]
    for item, operation in operations:
        given = (*item.get("parameters", ()), *operation.get("parameters", ()))
        takes[operation["operationId"]] = {one["$ref"].rpartition("/")[2] if "$ref" in one else one["name"] for one in given}
    for _item, operation in operations:
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                known = takes.get(link["operationId"], set())
                link["parameters"] = {name: value for name, value in link["parameters"].items() if name in known}


def mount_openapi(addresses: Addresses, platform: Platform, descriptions: Descriptions) -> None:
    """`/api/v1/openapi.json`."""

    def openapi(work: Work, _path: Mapping[str, str]) -> FlaskResponse | Response:
        found, coding = descriptions.of(work), "gzip" if _takes_gzip() else ""
        headers = {"ETag": found.etag(coding), "Vary": "Accept-Encoding"}
        if fresh(request, found.etag("")) or fresh(request, found.etag("gzip")):
            return Response(None, 304, headers)
        if coding:
            return raw(found.compressed, "application/json", {**headers, "Content-Encoding": coding})
        return raw(found.sent, "application/json", headers)

    addresses.add("/api/v1/openapi.json", "GET", Endpoint(platform, "core", openapi))


def _takes_gzip() -> bool:
    """Whether who asks would rather have it compressed (RFC 9110, section 12.5.3)."""
    gzip_is_worth, plain_is_worth = (request.accept_encodings.quality(word) for word in ("gzip", "identity"))
    return bool(gzip_is_worth) and gzip_is_worth >= plain_is_worth


def _document(work: Work) -> dict[str, Any]:
    catalog, sheet = work.catalog, Sheet()
    routes = [r for r in catalog.routes if r.plugin in work.enabled and (r.permission in (PUBLIC, SIGNED_IN) or work.can(r.permission))]
    sheet.schemas["Problem"] = parts.problem()
    sheet.tags += [{"name": plugin} for plugin in dict.fromkeys(("core", *(route.plugin for route in routes)))]
    for entity in catalog.entities.values():
        if entity.plugin in work.enabled and may(work, entity, Verb.READ):
            sheet.tags.append({"name": entity.full_name, "description": work.say(entity.plural_label)})
            CollectionOperations(sheet, work, entity).describe()
    _describe_routes(sheet, work, routes)
    describe_core(sheet, work)
    schemes = parts.security(work.say, cookie_name(work.platform.config))
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Dealwright: {work.tenant.name}", "version": "1", "description": work.say(INTRODUCTION)},
        "servers": [{"url": "/"}],
        "security": parts.BY_TOKEN,
        "tags": sheet.tags,
        "paths": sheet.paths,
        "components": {
            "schemas": sheet.schemas,
            "responses": parts.refusals(work.say),
            "parameters": parts.parameters(work.say),
            "securitySchemes": schemes,
        },
    }


def _describe_routes(sheet: Sheet, work: Work, routes: list[Route]) -> None:
    """apispec turns the routes' marshmallow schemas into JSON Schema."""

    def name(schema: Any) -> str:
        own: str = schema.__name__ if isinstance(schema, type) else type(schema).__name__
        return f"{own}Body" if own in sheet.schemas else own

    marshmallow = MarshmallowPlugin(schema_name_resolver=name)
    spec = APISpec(title="", version="", openapi_version="3.1.0", plugins=[marshmallow])
    converter = marshmallow.converter
    assert converter is not None
    converter.add_attribute_function(of_field)  # type: ignore[no-untyped-call]
    operations = RouteOperations(sheet, spec, converter, work)
    for route in routes:
        operations.describe(route)
    sheet.schemas |= spec.components.schemas
