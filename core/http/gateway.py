"""The server's worker: what is refused before the application sees it is refused in the same shape."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import orjson
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

from sdk.links import masked

log = logging.getLogger("dealwright.http")
_BROUGHT = re.compile(r"(/session/providers/[^/?\s]+/callback)\?\S*")
_STATUS = (
    (errors.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG, "the address is longer than the server takes; ask for less at once"),
    (errors.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are longer than the server takes"),
    (errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED, "the server knows no expectation but 100-continue"),
    (errors.UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED, "the server knows no transfer coding but chunked"),
    (errors.ParseException, HTTPStatus.BAD_REQUEST, "the request is not HTTP"),
)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's threaded worker with problem bodies."""

    def handle_error(self, req: object, client: Any, addr: object, exc: BaseException) -> None:
        """Answer a request that could not be read."""
        found = next(((status, text) for kind, status, text in _STATUS if isinstance(exc, kind)), None)
        if found is None:
            super().handle_error(req, client, addr, exc)
            return
        status, text = found
        trace = uuid4().hex
        log.warning("refused a request that cannot be read, trace %s: %s", trace, exc)
        try:
            write_nonblock(client, _refusal(status, text, trace, self.wsgi.wsgi_app.always))  # of `Heads`
        except OSError:  # who sends half a request is often gone
            log.debug("nobody there to be told")


class AccessLog(Logger):  # type: ignore[misc]
    """Gunicorn's log of requests, in which nobody finds the secret of a link, nor what somebody brings back from another system to sign in."""

    def atoms(self, *about: Any) -> dict[str, Any]:
        """What a line of the log is made of."""
        return {name: _shown(value) if isinstance(value, str) else value for name, value in super().atoms(*about).items()}


def _shown(text: str) -> str:
    return _BROUGHT.sub(r"\1?***", masked(text))


def _refusal(status: HTTPStatus, text: str, trace: str, always: Mapping[str, str]) -> bytes:
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    body = orjson.dumps(
        {"type": "about:blank", "title": status.phrase, "status": status, "detail": text, "code": code, "errors": [], "trace_id": trace}
    )
    told = {"Connection": "close", "Content-Type": "application/problem+json", "X-Trace-Id": trace, **always, "Content-Length": len(body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{head}\r\n".encode("latin-1") + body
