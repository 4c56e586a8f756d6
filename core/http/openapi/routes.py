"""The operations of plugins' routes, and core's own beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from apispec import APISpec
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema
from marshmallow import fields as mm

from core.http.addresses import address_of, collection_of
from core.http.bodies import FORM
from core.http.collections import Collection, may
from core.http.openapi import parts
from core.http.openapi.parts import BY_TOKEN, BY_TOKEN_OR_CSRF, NO_NULL, Json, Sheet, answer, answers
from sdk import PUBLIC, Route, Text, Verb, _
from sdk.fields import Checked

if TYPE_CHECKING:
    from core.context import Work

_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_COLLECTION = {
    "get": ("GET", "/{id}", Verb.READ), "update": ("PATCH", "/{id}", Verb.UPDATE), "delete": ("DELETE", "/{id}", Verb.DELETE),
    "list": ("GET", "", Verb.READ), "create": ("POST", "", Verb.CREATE),
}  # fmt: skip
_READ = ("GET", "OPTIONS")
_FILE = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
SIGN_IN, SIGN_OUT, PASSWORD, META, OPENAPI, DOCS = (
    _("Sign in"),
    _("Sign out"),
    _("Change password"),
    _("What the tenant has"),
    _("This document"),
    _("This document to read"),
)
WHO = _("Who is signed in: the CSRF token and the tenants")
TAKE, RESET, ASK = (
    _("Accept an invitation"),
    _("Reset a password with an emailed link"),
    _("Request a password reset email"),
)
FIRST, WANTED = _("Create the first tenant of an installation"), _("Whether the installation is waiting for its first tenant")
LIVE, READY = _("Whether the process is alive"), _("Whether it is ready to serve")


def of_field(_converter: Any, field: Any, **_kwargs: Any) -> Json:
    """What apispec does not know: our own field types inside a body, and that no text holds a null character."""
    if isinstance(field, Checked):
        schema = dict(field.of.input_schema())
        return parts.nullable(schema) if field.allow_none else schema
    if type(field) is mm.String and not any(hasattr(rule, "regex") or hasattr(rule, "choices") for rule in field.validators):
        return {"pattern": NO_NULL}
    return {}


class RouteOperations:
    """Describes routes in one document."""

    def __init__(self, sheet: Sheet, spec: APISpec, converter: OpenAPIConverter, work: Work) -> None:
        self.sheet, self.spec, self.converter, self.work = sheet, spec, converter, work
        self._ids: set[str] = set()
        self._collections = {Collection(entity).path: entity for entity in work.catalog.entities.values()}

    def describe(self, route: Route) -> None:
        """Add one route."""
        refused = {*parts.READ} if route.method in _READ else {*parts.SEND, 412}
        operation: Json = {
            "operationId": self._id(route), "tags": [route.plugin], "summary": self.work.say(route.summary),
            "responses": answers({route.status: self._answer(route)}, refused | {422}),
            "security": [] if route.permission == PUBLIC else BY_TOKEN if route.method in _READ else BY_TOKEN_OR_CSRF,
        }  # fmt: skip
        if route.query is not None:
            operation["parameters"] = self.converter.schema2parameters(route.query, location="query")
        if route.method not in _READ:
            known = [parts.if_match(self.work.say)] if collection_of(route.plugin, route.path) in self._collections else []
            operation["parameters"] = [*operation.get("parameters", ()), *known, parts.once()]
        if route.uploads:
            operation["requestBody"] = parts.body(self._form(route), "multipart/form-data")
        elif route.form:
            operation["requestBody"] = parts.body(self._form(route), FORM)
        elif route.any_form and route.method not in _READ:
            operation["requestBody"] = parts.body({"type": "object"}, FORM)
            operation["requestBody"]["content"] |= parts.body({"type": "object"})["content"]
        elif route.any_object:
            operation["requestBody"] = parts.body({"type": "object"})
        elif route.body is not None:
            operation["requestBody"] = parts.body(self._body(route.body))
        names = _PARAMETER.findall(route.path)
        in_path = [parts.path_id() if name == "id" else _word(name) for name in names]
        self.sheet.path(address_of(route.plugin, route.path), operations={route.method.lower(): operation}, parameters=in_path)

    def _id(self, route: Route) -> str:
        """A route in the place of a collection's operation is called as that would be, which others link to."""
        for act, (method, more, verb) in _COLLECTION.items():
            if route.method == method and route.path.endswith(more):
                entity = self._collections.get(address_of(route.plugin, route.path.removesuffix(more)))
                if entity is not None and verb in entity.verbs:
                    return f"{entity.full_name}.{act}"
        name = f"{route.plugin}.{getattr(route.view, '__name__', route.method.lower())}"
        while name in self._ids:
            name += f"_{route.method.lower()}"
        self._ids.add(name)
        return name

    def _answer(self, route: Route) -> Json:
        if route.media_type != "application/json":
            return {"description": self.work.say(route.summary), "content": {route.media_type: {"schema": {"type": "string"}}}}
        schema = route.answer
        if isinstance(schema, type):
            schema = self.converter.resolve_nested_schema(schema)  # type: ignore[no-untyped-call]
        return answer(self.work.say(route.summary), schema, links=self._links(route))

    def _links(self, route: Route) -> Json:
        """A route beside a collection (`POST /imports`) that makes records of it leads to them."""
        made: Json = {}
        for entity in self.work.catalog.entities.values():
            if (
                route.method == "POST"
                and Collection(entity).path == f"/api/v1/{route.plugin}{route.path}"
                and may(self.work, entity, Verb.READ)
            ):
                for act, verb in (("get", Verb.READ), ("history", Verb.READ), ("delete", Verb.DELETE)):
                    if may(self.work, entity, verb):
                        made[act] = {"operationId": f"{entity.full_name}.{act}", "parameters": {"id": "$response.body#/id"}}
        return made

    def _body(self, schema: type[Schema]) -> Json:
        """A schema that takes what it names and nothing else."""
        known = set(self.spec.components.schemas)
        found: Json = self.converter.resolve_nested_schema(schema)  # type: ignore[no-untyped-call]
        for name in {*self.spec.components.schemas} - known | {found["$ref"].rpartition("/")[2]}:
            self.spec.components.schemas[name]["additionalProperties"] = False
        return found

    def _form(self, route: Route) -> Json:
        properties: Json = dict.fromkeys(route.uploads, _FILE)
        required = [] if route.may_lack_files else list(route.uploads)
        for name, field in (route.body().fields if route.body else {}).items():
            properties[field.data_key or name] = self.converter.field2property(field)
            required += [field.data_key or name] if field.required else []
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _word(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "pattern": r"^[^/\x00]+$"}}


def describe_core(sheet: Sheet, work: Work) -> None:
    """The session, what the tenant has, this document, the state of the process."""

    def operation(name: str, summary: str, responses: Json, **more: object) -> Json:
        return {"operationId": f"core.{name}", "tags": ["core"], "summary": work.say(summary), "responses": responses, **more}

    html: Mapping[str, object] = {"text/html": {"schema": {"type": "string"}}}
    problem: Json = {parts.PROBLEM: {"schema": parts.ref("Problem")}}
    page = {"description": work.say(DOCS), "content": html}
    stranger = {"description": work.say(parts.REFUSALS[401][1]), "content": {**problem, **html}}
    thing, state = {"type": "object"}, {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    cookie = {"Set-Cookie": parts.header(work.say(_("The session cookie.")))}
    sign_in = operation("sign_in", SIGN_IN, answers({201: answer(work.say(SIGN_IN), _SESSION, cookie)}, (400, 401, 413, 415, 422, 429, 503)),
                        requestBody=parts.body(_CREDENTIALS), security=[])  # fmt: skip
    password = operation("change_password", PASSWORD, answers({204: answer(work.say(PASSWORD))}, (400, 401, 403, 409, 413, 415, 422, 429, 503)),
                         requestBody=parts.body(_PASSWORDS), security=[{"session": [], "csrf": []}])  # fmt: skip
    sign_out = operation("sign_out", SIGN_OUT, answers({204: answer(work.say(SIGN_OUT))}, (400, 401, 503)),
                         security=[{"session": [], "csrf": []}])  # fmt: skip
    ready = operation("ready", READY, answers({200: answer(work.say(READY), state), 503: answer(work.say(READY), state)}, ()), security=[])
    meta = operation("meta", META, answers({200: answer(work.say(META), thing)}, parts.READ))
    openapi = operation("openapi", OPENAPI, answers({200: answer(work.say(OPENAPI), thing)}, parts.READ))
    docs = operation("docs", DOCS, {**answers({200: page}, (400, 403, 404, 503)), "401": stranger})
    live = operation("live", LIVE, answers({200: answer(work.say(LIVE), state)}, ()), security=[])
    show = operation("session", WHO, answers({200: answer(work.say(WHO), _SESSION)}, (400, 401, 503)), security=[{"session": []}])
    sheet.path("/api/v1/session", operations={"get": show, "post": sign_in, "delete": sign_out})
    sheet.path("/api/v1/session/password", operations={"put": password})
    _describe_factor(sheet, work, operation)
    _describe_impersonation(sheet, work, operation)
    _describe_providers(sheet, work, operation)
    _describe_entry(sheet, work, operation)
    _describe_first_start(sheet, work, operation)
    for path, described in (
        ("/api/v1/meta", meta), ("/api/v1/openapi.json", openapi), ("/api/docs", docs), ("/health/live", live), ("/health/ready", ready),
    ):  # fmt: skip
        sheet.path(path, operations={"get": described})


def _describe_factor(sheet: Sheet, work: Work, operation: Callable[..., Json]) -> None:
    """The second factor of who is signed in with a browser."""
    session: list[Json] = [{"session": [], "csrf": []}]
    text: Json = {"type": "string"}

    def sent(**properties: Json) -> Json:
        return parts.body({**thing(**properties), "additionalProperties": False})

    def made(name: str, summary: Text, status: int, schema: Json | None, refused: tuple[int, ...], **more: object) -> Json:
        responses = answers({status: answer(work.say(summary), schema)}, (400, 401, 409, 503, *refused))
        return operation(name, summary, responses, **{"security": session, **more})

    def thing(**properties: Json) -> Json:
        return {"type": "object", "properties": properties, "required": list(properties)}

    state = thing(enabled={"type": "boolean"}, recovery_codes_left={"type": "integer"})
    codes = thing(recovery_codes={"type": "array", "items": text})
    show = made("second_factor", _("Whether two-step verification is on"), 200, state, (), security=[{"session": []}])
    offer = made("offer_second_factor", _("A secret for an authenticator app"), 201, thing(secret=text, uri=text), (403,))
    body = (403, 413, 415, 422, 429)
    confirm = made("add_second_factor", _("Turn on two-step verification with a code and the password"), 200, codes, body,
                   requestBody=sent(code=_CODE, password=_PASSWORD))  # fmt: skip
    remove = made("remove_second_factor", _("Turn off two-step verification"), 204, None, body, requestBody=sent(code=_CODE))
    sheet.path("/api/v1/session/second_factor", operations={"get": show, "post": offer, "put": confirm})
    sheet.path("/api/v1/session/second_factor/removals", operations={"post": remove})


def _describe_impersonation(sheet: Sheet, work: Work, operation: Callable[..., Json]) -> None:
    """Acting as somebody else."""
    until: Json = {"type": ["string", "null"], "format": "date-time"}
    acting: Json = {"type": "object", "properties": {"user": parts.UUID, "tenant": {"type": "string"}, "until": until}}
    now: Json = {"type": "object", "properties": {"user": {"type": ["string", "null"]}, "until": until}, "required": ["user", "until"]}
    who: Json = {"type": "object", "properties": {"user": {**_CODE, "maxLength": 255}}, "required": ["user"], "additionalProperties": False}
    begin, show, end = _("Impersonate someone for an hour"), _("Who the session impersonates"), _("Stop impersonating")
    browser: list[Json] = [{"session": [], "csrf": []}]
    post = operation("impersonate", begin, answers({201: answer(work.say(begin), acting)}, parts.SEND), requestBody=parts.body(who),
                     security=browser)  # fmt: skip
    get = operation("impersonation", show, answers({200: answer(work.say(show), now)}, (400, 401, 503)), security=[{"session": []}])
    delete = operation("end_impersonation", end, answers({204: answer(work.say(end))}, (400, 401, 403, 404, 503)), security=browser)
    sheet.path("/api/v1/session/impersonations", operations={"post": post, "get": get, "delete": delete})


def _describe_providers(sheet: Sheet, work: Work, operation: Callable[..., Json]) -> None:
    """The ways in through other systems, for pages of sign-in; a browser follows the addresses that the list gives."""
    text: Json = {"type": "string"}
    row = {
        "type": "object",
        "properties": dict.fromkeys(("provider", "label", "address"), text),
        "required": ["provider", "label", "address"],
    }
    rows = {"type": "object", "properties": {"data": {"type": "array", "items": row}}, "required": ["data"]}
    tenant = parts.query("tenant", {"type": "string", "pattern": NO_NULL}, work.say(_("The name of the tenant")))
    landing = parts.query("next", {"type": "string", "pattern": LANDING}, work.say(_("The path to come back to")))
    ways, begin, back = (
        _("The systems through which people can sign in to a tenant"), _("Sign in through another system"),
        _("The return from another system"),
    )  # fmt: skip
    there = {"Location": parts.header(work.say(_("Where the browser is redirected.")))}
    listed = operation(
        "sign_in_providers", ways, answers({200: answer(work.say(ways), rows)}, (400, 429, 503)), parameters=[tenant], security=[]
    )
    refused = (400, 401, 403, 404, 422, 429, 503)
    for name, path, summary, parameters in (
        ("begin_sign_in", "", begin, [{**tenant, "required": True}, landing]),
        (
            "finish_sign_in",
            "/callback",
            back,
            [parts.query(one, {**text, "pattern": NO_NULL}) for one in ("state", "code", "error", "iss")],
        ),
    ):
        responses = answers({303: answer(work.say(summary), None, there)}, refused)
        get = operation(name, summary, responses, parameters=parameters, security=[])
        sheet.path(f"/api/v1/session/providers/{{provider}}{path}", operations={"get": get}, parameters=[_word("provider")])
    sheet.path("/api/v1/session/providers", operations={"get": listed})


def _describe_entry(sheet: Sheet, work: Work, operation: Callable[..., Json]) -> None:
    """The links of letters by which people choose a password; what stands behind one, its page asks for."""
    page: Json = {"description": "HTML", "content": {"text/html": {"schema": {"type": "string"}}}}
    sent = parts.body({"type": "object", "properties": {"password": _PASSWORD}, "required": ["password"], "additionalProperties": False})
    for name, path, take in (("invitation", "/api/v1/invitations", TAKE), ("password_reset", "/api/v1/password_resets", RESET)):
        show = operation(f"show_{name}", _("The page behind an emailed link"), {**answers({}, (400, 404, 503)), "200": page}, security=[])
        used = answers({204: answer(work.say(take))}, (400, 403, 404, 413, 415, 422, 429, 503))
        operations = {"get": show, "post": operation(f"take_{name}", take, used, requestBody=sent, security=[])}
        sheet.path(f"{path}/{{token}}", operations=operations, parameters=[_word("token")])
    email = {
        "type": "object",
        "properties": {"email": _EMAIL},
        "required": ["email"],
        "additionalProperties": False,
    }
    asked = answers({202: answer(work.say(ASK), {"type": "object"})}, (400, 413, 415, 422, 429, 503))
    ask = operation("ask_password_reset", ASK, asked, requestBody=parts.body(email), security=[])
    sheet.path("/api/v1/password_resets", operations={"post": ask})


def _describe_first_start(sheet: Sheet, work: Work, operation: Callable[..., Json]) -> None:
    """For who has just installed it; the answer is 404 everywhere else."""
    words = {name: {"type": "string", "minLength": 1, "maxLength": most, "pattern": NO_NULL}
             for name, most in (("tenant", 60), ("name", 100), ("locale", 20), ("timezone", 60), ("currency", 3))}  # fmt: skip
    properties = {"code": _CODE, "email": _EMAIL, "password": _PASSWORD, **words}
    body = {"type": "object", "properties": properties, "required": ["code", "tenant", "email", "password"], "additionalProperties": False}
    made = answers({201: answer(work.say(FIRST), {"type": "object"})}, (400, 403, 404, 409, 413, 415, 422, 429, 503))
    asked = answers({200: answer(work.say(WANTED), {"type": "object"})}, (400, 503))
    post = operation("set_up_first", FIRST, made, requestBody=parts.body(body), security=[])
    sheet.path("/api/v1/setup", operations={"get": operation("first_wanted", WANTED, asked, security=[]), "post": post})


LANDING = r"^/([\x21-\x2e\x30-\x5b\x5d-\x7e][\x21-\x5b\x5d-\x7e]{0,499})?$"
"""A path of this server, as `next` takes it: no second slash, with which it would be another server's, and no backslash."""
_CODE = {"type": "string", "minLength": 1, "maxLength": 40, "pattern": NO_NULL}
_PASSWORD = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": NO_NULL, "format": "password"}
_PASSWORDS = {
    "type": "object",
    "properties": {"password": _PASSWORD, "new_password": {**_PASSWORD, "minLength": 10}},
    "required": ["password", "new_password"],
    "additionalProperties": False,
}
_EMAIL = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": NO_NULL}
_CREDENTIALS = {
    "type": "object",
    "properties": {"email": _EMAIL, "password": _PASSWORD, "code": _CODE},
    "required": ["email", "password"],
    "additionalProperties": False,
}
_SESSION = {
    "type": "object",
    "properties": {"csrf_token": {"type": "string"}, "tenants": {"type": "array", "items": {"type": "string"}}},
    "required": ["csrf_token", "tenants"],
}
