"""The document, made once for each set of rights and kept while they last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, request

from core.http.collections import may
from core.http.openapi import parts
from core.http.openapi.collections import CollectionOperations
from core.http.openapi.routes import RouteOperations, describe_core, of_field
from core.http.pipeline import endpoint, fresh, raw
from sdk import PUBLIC, SIGNED_IN, Response, Verb, _

if TYPE_CHECKING:
    from flask import Response as FlaskResponse

    from core.context import Work
    from core.platform import Platform

_KEPT = 32
INTRODUCTION = _(
    "What you can call here, with your rights. Send `Authorization: Bearer dw_...`, or the cookie of `POST /api/v1/session` and, "
    "with every write, its `csrf_token` as `X-CSRF-Token`. Who belongs to several tenants names one in the header `X-Tenant`."
)


@dataclass(frozen=True)
class Description:
    """A document as an object and as it is sent."""

    document: dict[str, Any]
    sent: bytes
    etag: str


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
    sent = orjson.dumps(document)
    return Description(document, sent, f'"{blake2b(sent, digest_size=12).hexdigest()}"')


def mount_openapi(app: Flask, platform: Platform, descriptions: Descriptions) -> None:
    """`/api/v1/openapi.json`."""

    def openapi(work: Work, _path: Mapping[str, str]) -> FlaskResponse | Response:
        found = descriptions.of(work)
        if fresh(request, found.etag):
            return Response(None, 304, {"ETag": found.etag})
        return raw(found.sent, "application/json", {"ETag": found.etag})

    app.add_url_rule(
        "/api/v1/openapi.json", "openapi", endpoint(platform, "core", openapi), methods=["GET"], provide_automatic_options=False
    )


def _document(work: Work) -> dict[str, Any]:
    marshmallow = MarshmallowPlugin(
        schema_name_resolver=lambda schema: schema.__name__ if isinstance(schema, type) else type(schema).__name__
    )
    catalog = work.platform.catalog
    entities = [e for e in catalog.entities.values() if e.plugin in work.enabled and may(work, e, Verb.READ)]
    routes = [r for r in catalog.routes if r.plugin in work.enabled and (r.permission in (PUBLIC, SIGNED_IN) or work.can(r.permission))]
    spec = APISpec(
        title=f"Dealwright: {work.tenant.name}", version="1", openapi_version="3.1.0", plugins=[marshmallow],
        info={"description": work.say(INTRODUCTION)}, servers=[{"url": "/"}], security=parts.BY_TOKEN,
    )  # fmt: skip
    converter = marshmallow.converter
    assert converter is not None
    converter.add_attribute_function(of_field)  # type: ignore[no-untyped-call]
    for name, scheme in parts.security().items():
        spec.components.security_scheme(name, scheme)
    for name, refusal in parts.refusals().items():
        spec.components.response(name, refusal)
    spec.components.schema("Problem", parts.problem())
    for plugin in dict.fromkeys(("core", *(route.plugin for route in routes))):
        spec.tag({"name": plugin})
    for entity in entities:
        spec.tag({"name": entity.full_name, "description": work.say(entity.plural_label)})
        CollectionOperations(spec, work, entity).describe()
    operations = RouteOperations(spec, converter, work)
    for route in routes:
        operations.describe(route)
    describe_core(spec, work)
    document: dict[str, Any] = spec.to_dict()
    return document
