"""Routes of the API asked from inside a request, in its transaction and in the name of who sent it: what a page needs and no door gives."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson
from flask import Response as FlaskResponse
from flask import current_app, g, has_app_context
from werkzeug.exceptions import HTTPException

from core.http.answers import answer
from core.http.pipeline import SAFE, Endpoint
from sdk import NotFound, Response, _

if TYPE_CHECKING:
    from core.context import Work


def ask(work: Work, method: str, address: str, body: object) -> object:
    """What the route answers: JSON as Python values, bytes of a file, None for no content. Raises the Refusal that it would answer with."""
    if not has_app_context():
        raise RuntimeError("the API is asked from inside a request alone: elsewhere use ctx.records and what other plugins' api.py give")
    parts = urlsplit(address)
    found, path = _found(parts.path, method)
    if found.prepare is not None and work.in_transaction:
        raise RuntimeError(f"{method} {parts.path} is prepared before its transaction: ask it in the `prepare` of the page")
    if work.bounds is not None:
        work.bounds.require_api(found.plugin)
    trace = g.get("trace_id", "")
    sent = {"json": body} if body is not None else {}
    with current_app.test_request_context(parts.path, method=method, query_string=parts.query, **sent):
        g.trace_id, g.locale = trace, work.locale
        response = _answered(work, found, path, write=method not in SAFE)
    response.direct_passthrough = False  # a file that is sent part by part is wanted as a whole here
    content = response.get_data()
    if response.mimetype == "application/json":
        return orjson.loads(content)
    return content or None


def _answered(work: Work, found: Endpoint, path: Mapping[str, str], *, write: bool) -> FlaskResponse:
    """As a request of its own would be: prepared outside of any transaction, where it is, and then in one."""
    found.admit(work, path)
    with nullcontext() if found.prepare is None else found.prepare(work, path) as g.prepared:
        if isinstance(g.prepared, Response):
            return answer(g.prepared)
        with work.transaction(write=write):
            return answer(found.handler(work, path))


def _found(path: str, method: str) -> tuple[Endpoint, Mapping[str, str]]:
    nothing = NotFound(_("there is nothing at this address"))
    try:
        rule, values = current_app.url_map.bind("").match(path, method=method)
    except HTTPException:
        raise nothing from None
    found = current_app.extensions["dealwright.addresses"].at(str(rule), method)
    if not isinstance(found, Endpoint) or found.public:
        raise nothing
    return found, values
