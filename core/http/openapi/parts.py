"""The parts that operations are described with: parameters, answers, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from core.http import idempotency
from sdk import Text, _

Json: TypeAlias = dict[str, Any]
Say: TypeAlias = "Callable[[Text], str]"
"""Into the reader's language."""

PROBLEM = "application/problem+json"
UUID = {"type": "string", "format": "uuid"}
NO_NULL = r"^[^\x00]*$"
"""Text of a query: anything but the null character."""
REFUSALS = {
    400: ("BadRequest", _("The request is malformed: an unknown parameter, field or operator, or a body that is not JSON.")),
    401: ("Unauthenticated", _("The token or session is missing or invalid.")),
    403: ("Forbidden", _("You can see this but don’t have permission to do this to it; with a session cookie: the CSRF token is missing.")),
    404: ("NotFound", _("It doesn’t exist, you don’t have access to it, or the tenant has turned the plugin off.")),
    409: ("Conflict", _("Not possible in the current state: a duplicate, an illegal move, or a simultaneous write.")),
    412: ("Stale", _("The record was changed since you read it: the version in If-Match is not current.")),
    413: ("TooLarge", _("The body is larger than the server accepts.")),
    414: ("AddressTooLong", _("The URL is too long for the server: ask for less at once.")),
    415: ("UnsupportedMedia", _("The body has a different media type than described.")),
    422: (
        "Invalid",
        _("The request is well-formed but its values are invalid: `errors` lists each field, with the closest match if there is one."),
    ),
    429: ("TooMany", _("Too many requests: wait for the number of seconds in Retry-After.")),
    503: ("Unavailable", _("The database isn’t responding or the tenant is suspended; try again later.")),
}
ONCE = "IdempotencyKey"
"""What the parameter of all writes is called among the components."""
READ = (400, 401, 403, 404, 429, 503)
WRITE = (400, 401, 403, 404, 409, 422, 429, 503)
SEND = (*WRITE, 413, 415)
BY_TOKEN: list[Json] = [{"token": []}, {"session": []}]
BY_TOKEN_OR_CSRF: list[Json] = [{"token": []}, {"session": [], "csrf": []}]


@dataclass
class Sheet:
    """What a document is filled with; apispec would copy each part several times over."""

    paths: Json = field(default_factory=dict)
    schemas: Json = field(default_factory=dict)
    tags: list[Json] = field(default_factory=list)

    def path(self, path: str, operations: Mapping[str, Json], parameters: list[Json] | None = None) -> None:
        """The operations at an address, by method."""
        described = self.paths.setdefault(path, {})
        described.update(operations)
        if parameters:
            described["parameters"] = parameters


def problem() -> Json:
    """The schema of a refusal."""
    texts = {name: {"type": "string"} for name in ("field", "code", "message")}
    error = {"type": "object", "properties": {**texts, "nearest": {"type": "string"}}, "required": list(texts)}
    words = {name: {"type": "string"} for name in ("type", "title", "detail", "code", "trace_id")}
    properties = {**words, "status": {"type": "integer"}, "errors": {"type": "array", "items": error}}
    required = sorted(properties)
    more: Json = {"candidates": {"type": "array", "items": candidate()}, "hidden": {"type": "integer", "minimum": 0}}
    return {"type": "object", "properties": {**properties, **more}, "required": required}


def candidate() -> Json:
    """The schema of a record that is likely meant: its id, what it is called, the fields in which it agrees."""
    agreeing = {"type": "array", "items": {"type": "string"}}
    return {
        "type": "object",
        "properties": {"id": UUID, "title": {"type": "string"}, "fields": agreeing},
        "required": ["id", "title", "fields"],
    }


def warnings() -> Json:
    """The schema of what is said beside a record that was written; of one that is likely there already, with the others."""
    texts = {name: {"type": "string"} for name in ("code", "detail")}
    more: Json = {"candidates": {"type": "array", "items": candidate()}, "hidden": {"type": "integer", "minimum": 0}}
    properties = {**texts, **more}
    return {"type": "array", "items": {"type": "object", "properties": properties, "required": sorted(texts)}}


def refusals(say: Say) -> dict[str, Json]:
    """The answers that operations share."""
    made: dict[str, Json] = {}
    for status, (name, text) in REFUSALS.items():
        made[name] = {"description": say(text), "content": {PROBLEM: {"schema": ref("Problem")}}}
        if status == 401:
            made[name]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
        elif status in (429, 503):
            made[name]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return made


def security(say: Say, cookie: str) -> dict[str, Json]:
    """How one says who one is; `cookie` is the name of the session's."""
    return {
        "token": {"type": "http", "scheme": "bearer", "description": say(_("A token of a user: `Authorization: Bearer dw_...`."))},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie,
            "description": say(_("The cookie of POST /api/v1/session.")),
        },
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "X-CSRF-Token",
            "description": say(_("The session’s csrf_token, with every write.")),
        },
    }


def ref(name: str) -> Json:
    """A reference to a shared schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def answers(good: Mapping[int, Json], refused: Iterable[int]) -> dict[str, Json]:
    """The answers of an operation by status."""
    made = {str(status): answer for status, answer in good.items()}
    for status in sorted(set(refused)):
        made[str(status)] = {"$ref": f"#/components/responses/{REFUSALS[status][0]}"}
    return made


def answer(text: str, schema: object = None, headers: Json | None = None, links: Json | None = None) -> Json:
    """An answer in JSON; without a schema it has no body."""
    made: Json = {"description": text}
    if schema is not None:
        made["content"] = {"application/json": {"schema": schema}}
    if headers:
        made["headers"] = headers
    if links:
        made["links"] = links
    return made


def header(text: str, *, required: bool = True) -> Json:
    """A header of an answer."""
    return {"description": text, "required": required, "schema": {"type": "string"}}


def query(name: str, schema: Json, text: str = "") -> Json:
    """A parameter of the query string; lists are written with commas between."""
    made: Json = {"name": name, "in": "query", "required": False, "schema": schema}
    if text:
        made["description"] = text
    if schema.get("type") == "array":
        made |= {"style": "form", "explode": False}
    return made


def names(words: list[str], text: str, name: str) -> Json:
    """A parameter that lists some of `words`."""
    return query(name, {"type": "array", "items": {"type": "string", "enum": words}, "minItems": 1, "maxItems": 100}, text)


ETAG = _("The version of the record, by which If-Match goes, and a digest of the whole response, by which If-None-Match goes.")
"""What the ETag of a record is."""


def asked(name: str, text: str) -> Json:
    """A header of a request that makes it conditional on an ETag."""
    example = '"v1-5f2c8a09b3e1"'
    return {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}, "example": example}


def if_match(say: Say) -> Json:
    """The version on which a change rests."""
    return asked("If-Match", say(_("The ETag you read: a stale change is rejected with 412.")))


def parameters(say: Say) -> dict[str, Json]:
    """The parameters that operations share."""
    text = say(_("With it, a write repeated within 24 hours is not executed again and returns the first response; a UUID is recommended."))
    schema = {"type": "string", "minLength": 1, "maxLength": idempotency.MOST, "pattern": idempotency.FORM}
    example = "8e03978e-40d5-43e8-bc93-6894a57f9324"
    return {
        ONCE: {"name": idempotency.HEADER, "in": "header", "required": False, "description": text, "schema": schema, "example": example}
    }


def once() -> Json:
    """The parameter that all writes share."""
    return {"$ref": f"#/components/parameters/{ONCE}"}


def path_id() -> Json:
    """The id in an address."""
    return {"name": "id", "in": "path", "required": True, "schema": UUID}


def body(schema: object, media: str = "application/json") -> Json:
    """The body of a request."""
    return {"required": True, "content": {media: {"schema": schema}}}


def nullable(schema: Json) -> Json:
    """The schema of the same value or none."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    title = {"title": schema["title"]} if "title" in schema else {}
    return {**title, "anyOf": [{key: part for key, part in schema.items() if key != "title"}, {"type": "null"}]}
