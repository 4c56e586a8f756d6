"""OpenAPI 3.1 of exactly what this tenant and user can call, built from the registry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema

from core.context import Work
from core.entities.read import MOST_ROWS
from core.http.collections import MOST_ITEMS, Collection, may
from core.http.pipeline import endpoint
from sdk import PUBLIC, SIGNED_IN, Entity, Route, Verb
from sdk.fields import Checked, Field, LinkField

if TYPE_CHECKING:
    from core.platform import Platform

_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_PROBLEM = "application/problem+json"
_UUID = {"type": "string", "format": "uuid"}


def mount_openapi(app: Flask, platform: Platform) -> None:
    """`/api/v1/openapi.json`."""
    view = endpoint(platform, "core", lambda work, _path: document(work))
    app.add_url_rule("/api/v1/openapi.json", "openapi", view, methods=["GET"], provide_automatic_options=False)


def document(work: Work) -> dict[str, Any]:
    """The OpenAPI document for the context's actor."""
    marshmallow = MarshmallowPlugin(
        schema_name_resolver=lambda schema: schema.__name__ if isinstance(schema, type) else type(schema).__name__
    )
    spec = APISpec(
        title=f"Dealwright: {work.tenant.name}", version="1", openapi_version="3.1.0", plugins=[marshmallow],
        security=[{"token": []}], info={"description": "What this tenant and user can call."},
    )  # fmt: skip
    assert marshmallow.converter is not None
    marshmallow.converter.add_attribute_function(_checked)  # type: ignore[no-untyped-call]
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    spec.components.schema("Problem", _problem())
    catalog = work.platform.catalog
    for entity in catalog.entities.values():
        if entity.plugin in work.enabled and may(work, entity, Verb.READ):
            _describe(spec, work, entity)
    for route in catalog.routes:
        if route.plugin in work.enabled and (route.permission in (PUBLIC, SIGNED_IN) or work.can(route.permission)):
            _describe_route(spec, work, route)
    described: dict[str, Any] = spec.to_dict()
    return described


def _checked(_converter: Any, field: Any, **_kwargs: Any) -> dict[str, Any]:
    """A field type inside a route's body describes itself."""
    return (
        _nullable(field.of.json_schema())
        if isinstance(field, Checked) and field.allow_none
        else (dict(field.of.json_schema()) if isinstance(field, Checked) else {})
    )


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _problem() -> dict[str, Any]:
    error = {
        "type": "object",
        "properties": {"field": {"type": "string"}, "code": {"type": "string"}, "message": {"type": "string"}},
        "required": ["field", "code", "message"],
    }
    texts = {name: {"type": "string"} for name in ("type", "title", "detail", "code", "trace_id")}
    properties = {**texts, "status": {"type": "integer"}, "errors": {"type": "array", "items": error}}
    return {"type": "object", "properties": properties, "required": sorted(properties)}


# --- collections -------------------------------------------------------------------------------------------------


class _Described:
    """One entity in the document."""

    def __init__(self, work: Work, entity: Entity) -> None:
        self.work, self.entity = work, entity
        self.visible = work.reader(entity).visible()
        self.name = "".join(part.capitalize() for part in re.split(r"[._]", entity.full_name))
        self.some_hidden = not work.reader(entity).uniform()

    def record(self) -> dict[str, Any]:
        properties = {name: self._output(field) for name, field in self.visible.items()}
        required = ["id"] if self.some_hidden else sorted(properties)
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def partial(self) -> dict[str, Any]:
        """A record of which fewer fields were asked for, or links were included."""
        properties = {name: self._included(field) for name, field in self.visible.items()}
        return {"type": "object", "properties": properties, "required": ["id"], "additionalProperties": False}

    def _included(self, field: Field) -> dict[str, Any]:
        plain = self._output(field)
        if isinstance(field, LinkField):
            return {"anyOf": [plain, {"type": "object", "properties": {"id": _UUID}, "required": ["id"]}]}
        return plain

    def _output(self, field: Field) -> dict[str, Any]:
        schema = {**field.json_schema(), "title": self.work.say(field.label)}
        always = field.name in ("id", "version", "created_at", "updated_at") or (not field.nullable() and "." not in field.name)
        if field.kind == "money":
            schema["required"] = ["amount", "currency"]
        return schema if always else _nullable(schema)

    def input(self, creating: bool) -> dict[str, Any]:
        held = self.work.scopes.grants_of(self.entity, Verb.CREATE if creating else Verb.UPDATE)
        writable = {
            name: field
            for name, field in self.work.shape(self.entity.full_name).fields.items()
            if not field.readonly and any(grant.fields is None or name in grant.fields for grant in held)
        }
        properties = {name: self._input(field) for name, field in writable.items()}
        required = [name for name, field in writable.items() if creating and field.required and field.default is None]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def _input(self, field: Field) -> dict[str, Any]:
        schema = {**field.json_schema(), "title": self.work.say(field.label)}
        if isinstance(field, LinkField):
            schema = {"type": "string", "minLength": 1, "maxLength": 255, "title": self.work.say(field.label),
                      "description": "An id, or what people call the record."}  # fmt: skip
        if field.required and schema.get("type") == "string" and "enum" not in schema and "format" not in schema:
            schema["minLength"] = 1
        return schema if field.required and field.default is None else _nullable(schema)

    def filters(self) -> list[dict[str, Any]]:
        found = []
        for name, field in self.visible.items():
            for operator in field.operators:
                label = name if operator == "eq" else f"{name}[{operator}]"
                schema: dict[str, Any] = {"type": "string"}
                if operator == "empty":
                    schema = {"type": "string", "enum": ["true", "false"]}
                found.append({"name": label, "in": "query", "required": False, "schema": schema})
        return found


def _describe(spec: APISpec, work: Work, entity: Entity) -> None:
    own, path = _Described(work, entity), Collection(entity).path
    spec.components.schema(own.name, own.record())
    spec.components.schema(f"{own.name}Part", own.partial())
    tag = entity.full_name
    one, page = {"$ref": f"#/components/schemas/{own.name}"}, _page(own.name)
    collection: dict[str, Any] = {"get": _operation(work, entity, "list", tag, _list_parameters(own), {200: page}, (400,))}
    item: dict[str, Any] = {"get": _operation(work, entity, "get", tag, _one_parameters(), {200: _ref(f"{own.name}Part")}, (400, 404))}
    id_parameter = [_id_parameter()]
    links = {"record": {"operationId": f"{tag}.get", "parameters": {"id": "$response.body#/id"}}}
    if may(work, entity, Verb.CREATE):
        spec.components.schema(f"{own.name}New", own.input(creating=True))
        collection["post"] = _operation(
            work, entity, "create", tag, [], {201: one}, (400, 403, 409, 413, 415, 422), body=f"{own.name}New", links=links
        )
    if may(work, entity, Verb.UPDATE):
        spec.components.schema(f"{own.name}Change", own.input(creating=False))
        item["patch"] = _operation(
            work, entity, "update", tag, [_if_match()], {200: one}, (400, 403, 404, 409, 412, 413, 415, 422), body=f"{own.name}Change"
        )
        batch = _operation(
            work, entity, "batch", tag, [], {200: _outcomes(), 207: _outcomes()}, (400, 403, 409, 413, 415), inline=_batch_body()
        )
        spec.path(f"{path}/batch", operations={"post": batch})
    if may(work, entity, Verb.DELETE):
        item["delete"] = _operation(work, entity, "delete", tag, [_if_match()], {204: None}, (400, 403, 404, 409, 412))
        restore = _operation(work, entity, "restore", tag, [], {200: one}, (400, 403, 404, 409))
        spec.path(f"{path}/{{id}}/restore", operations={"post": restore}, parameters=id_parameter)
    spec.path(path, operations=collection)
    spec.path(f"{path}/{{id}}", operations=item, parameters=id_parameter)
    limit = {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}}
    history = _operation(work, entity, "history", tag, [limit], {200: _history()}, (400, 404))
    spec.path(f"{path}/{{id}}/history", operations={"get": history}, parameters=id_parameter)


def _operation(work: Work, entity: Entity, act: str, tag: str, parameters: list[dict[str, Any]], answers: dict[int, Any],
               refusals: tuple[int, ...], *, body: str = "", inline: dict[str, Any] | None = None,
               links: dict[str, Any] | None = None) -> dict[str, Any]:  # fmt: skip
    many = act in ("list", "batch")
    operation: dict[str, Any] = {
        "operationId": f"{tag}.{act}", "tags": [tag], "parameters": parameters,
        "summary": f"{act}: {work.say(entity.plural_label if many else entity.label)}", "responses": _responses(answers, refusals),
    }  # fmt: skip
    if body or inline:
        schema = inline or _ref(body)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if links:
        operation["responses"]["201"]["links"] = links
    return operation


def _responses(answers: dict[int, Any], refusals: tuple[int, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for status, schema in answers.items():
        made[str(status)] = (
            {"description": "OK"} if schema is None else {"description": "OK", "content": {"application/json": {"schema": schema}}}
        )
    for status in sorted({*refusals, 401}):
        made[str(status)] = {"description": "Refused", "content": {_PROBLEM: {"schema": _ref("Problem")}}}
    return made


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _page(name: str) -> dict[str, Any]:
    page = {"type": "object", "properties": {"next": {"type": ["string", "null"]}, "total": {"type": "integer"}}, "required": ["next"]}
    data = {"type": "array", "items": _ref(f"{name}Part")}
    return {"type": "object", "properties": {"data": data, "page": page}, "required": ["data", "page"]}


def _list_parameters(own: _Described) -> list[dict[str, Any]]:
    words = [("fields", "Names with commas between."), ("sort", "Names with commas between; - before a name for descending."),
             ("include", "Links to show as records."), ("q", "Words to search for."), ("cursor", "`page.next` of the page before.")]  # fmt: skip
    made = [{"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}} for name, text in words]
    made.append({"name": "limit", "in": "query", "required": False, "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}})
    made.append({"name": "count", "in": "query", "required": False, "schema": {"type": "string", "enum": ["true", "false"]}})
    return made + own.filters()


def _one_parameters() -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "required": False, "schema": {"type": "string"}} for name in ("fields", "include")]


def _id_parameter() -> dict[str, Any]:
    return {"name": "id", "in": "path", "required": True, "schema": _UUID}


def _if_match() -> dict[str, Any]:
    return {"name": "If-Match", "in": "header", "required": False, "description": "The ETag that you read.", "schema": {"type": "string"}}


def _batch_body() -> dict[str, Any]:
    properties = {"op": {"type": "string", "enum": ["create", "update", "delete", "restore"]}, "id": _UUID,
                  "version": {"type": "integer"}, "values": {"type": "object"}}  # fmt: skip
    item = {"type": "object", "properties": properties, "required": ["op"], "additionalProperties": False}
    items = {"type": "array", "items": item, "minItems": 1, "maxItems": MOST_ITEMS}
    return {"type": "object", "properties": {"items": items}, "required": ["items"], "additionalProperties": False}


def _outcomes() -> dict[str, Any]:
    properties = {
        "status": {"type": "integer"},
        "id": {"type": ["string", "null"]},
        "version": {"type": ["integer", "null"]},
        "problem": _ref("Problem"),
    }
    data = {"type": "array", "items": {"type": "object", "properties": properties, "required": ["status", "id"]}}
    return {"type": "object", "properties": {"data": data}, "required": ["data"]}


def _history() -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("actor", "channel", "action")}
    properties = {
        "at": {"type": "string", "format": "date-time"},
        "actor_id": {"type": ["string", "null"]},
        **texts,
        "changes": {"type": "object"},
    }
    return {
        "type": "object",
        "properties": {"data": {"type": "array", "items": {"type": "object", "properties": properties}}},
        "required": ["data"],
    }


# --- routes ------------------------------------------------------------------------------------------------------


def _describe_route(spec: APISpec, work: Work, route: Route) -> None:
    operation: dict[str, Any] = {
        "operationId": f"{route.plugin}:{route.method}:{route.path}", "tags": [route.plugin], "summary": work.say(route.summary),
        "responses": _responses({route.status: _answer_schema(route.answer)}, (400, 403, 404, 409, 412, 413, 415, 422)),
    }  # fmt: skip
    if route.query is not None:
        operation["parameters"] = [{"in": "query", "schema": route.query}]
    if route.body is not None and not route.uploads:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": route.body}}}
    elif route.uploads:
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _multipart(route)}}}
    parameters = [{"name": name, "in": "path", "required": True, "schema": _UUID if name == "id" else {"type": "string"}}
                  for name in _PARAMETER.findall(route.path)]  # fmt: skip
    spec.path(f"/api/v1/{route.plugin}{route.path}", operations={route.method.lower(): operation}, parameters=parameters)


def _answer_schema(answer: type[Schema] | Mapping[str, object] | None) -> Any:
    return answer if answer is None or isinstance(answer, type) else dict(answer)


def _multipart(route: Route) -> dict[str, Any]:
    properties: dict[str, Any] = {name: {"type": "string", "contentMediaType": "application/octet-stream"} for name in route.uploads}
    required = list(route.uploads)
    for name, field in (route.body().fields if route.body else {}).items():
        properties[name] = {"type": "array", "items": {"type": "string"}} if hasattr(field, "inner") else {"type": "string"}
        choices = getattr(getattr(field, "validate", None), "choices", None)
        if choices:
            properties[name]["enum"] = list(choices)
        required += [name] if field.required else []
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
