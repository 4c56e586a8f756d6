"""What a request sends: its query string, and its body as it comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
from flask import current_app, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from sdk import BadRequest, Refusal, UnsupportedMedia, _

if TYPE_CHECKING:
    from core.context import Work

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def json_body() -> dict[str, Any]:
    """The JSON object that was sent; raises UnsupportedMedia or BadRequest."""
    if request.mimetype != "application/json":
        raise UnsupportedMedia(_("send the body as application/json"))
    try:
        body = orjson.loads(sent())
    except orjson.JSONDecodeError as failure:
        raise BadRequest(_("the body is not JSON: {reason}"), code="malformed_json", reason=str(failure)) from failure
    if not isinstance(body, dict):
        raise BadRequest(_("the body must be a JSON object"), code="malformed_json")
    return body


def sent() -> bytes:
    """The body as it came in; raises BadRequest for one that breaks off."""
    request.max_content_length = current_app.config["DEALWRIGHT_MAX_BODY"]
    with reading():
        body = request.get_data()
    if len(body) >= current_app.config["DEALWRIGHT_MAX_BODY"]:  # a body in chunks does not say beforehand how long it is
        raise RequestEntityTooLarge
    if request.content_length is not None and len(body) < request.content_length:
        raise BadRequest(_("the body could not be read completely"), code="malformed_body")
    return body


def receive(knock: Callable[[], AbstractContextManager[Work]]) -> None:
    """Take in what is sent before the transaction begins: who sends slowly holds no lock. Files are taken from those alone who may `knock`."""
    if request.mimetype not in FORMS:
        sent()
        return
    if request.mimetype == "multipart/form-data":
        with knock():
            pass
    with reading():
        request.form.getlist("")


def rewind() -> None:
    """Files that a preparation has read are read from their beginning by who comes next."""
    for part in request.files.values():
        part.stream.seek(0)


@contextmanager
def reading() -> Iterator[None]:
    """While a body comes in; raises BadRequest for one that breaks off or whose chunks are no chunks."""
    try:
        yield
    except (HTTPException, Refusal):
        raise
    except Exception as failure:  # each server has its own exceptions for this
        raise BadRequest(_("the body could not be read completely"), code="malformed_body") from failure


def query_pairs(known: frozenset[str] | None = None) -> list[tuple[str, str]]:
    """The query string's pairs; with `known`, any other name is a BadRequest, as is a name sent twice."""
    pairs = pairs_in(request.query_string)
    for name, _value in pairs:
        if known is not None and name not in known:
            raise BadRequest(_("unknown parameter {name!r}"), code="unknown_parameter", name=name[:80])
    return pairs


def pairs_in(query: bytes) -> list[tuple[str, str]]:
    """The pairs of a query string; raises BadRequest."""
    pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="werkzeug.url_quote")
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            raise BadRequest(_("parameter {name!r} contains a null character"), name=name.replace("\x00", "")[:80])
    return pairs
