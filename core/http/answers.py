"""What a handler gives, as an answer of HTTP: JSON, a file, a page of its own."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote

import orjson
from flask import Response as FlaskResponse
from flask import request
from werkzeug.wsgi import wrap_file

from sdk import Download, Response, WebPage

OPTIONS = orjson.OPT_UTC_Z


def answer(value: object) -> FlaskResponse:
    """A handler's value as JSON, or as the file that it is."""
    if isinstance(value, FlaskResponse):
        return value
    spec = value if isinstance(value, Response) else Response(value)
    if spec.status in (204, 304):
        bare = FlaskResponse(status=spec.status, headers=dict(spec.headers))
        del bare.headers["Content-Type"]
        return bare
    if isinstance(spec.value, WebPage):
        return _page(spec.value, spec)
    if isinstance(spec.value, Download):
        file = _file(spec.value, spec)
        file.headers.set("Content-Disposition", "attachment", **_named(spec.value.filename))
        return file
    return raw(orjson.dumps(spec.value, option=OPTIONS, default=_json), "application/json", spec.headers, spec.status)


def _file(sent: Download, spec: Response) -> FlaskResponse:
    if sent.stream is None:
        return raw(sent.content, sent.media_type, spec.headers, spec.status)
    length = sent.stream.seek(0, os.SEEK_END)
    sent.stream.seek(0)
    response = FlaskResponse(wrap_file(request.environ, sent.stream), spec.status, mimetype=sent.media_type, direct_passthrough=True)
    response.headers.extend({**spec.headers, "Content-Length": str(length)})
    return response


def _named(filename: str) -> dict[str, str]:
    """A file's name as a header may say it: a header holds no Chinese, so such a name goes along encoded (RFC 6266, RFC 8187)."""
    if filename.isascii():
        return {"filename": filename}
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode().strip()
    return {"filename": plain or "file", "filename*": f"UTF-8''{quote(filename, safe='')}"}


def _page(page: WebPage, spec: Response) -> FlaskResponse:
    """With a policy that takes the page's own style sheet and nothing else, and no word to others about its address."""
    digest = b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    to = " ".join(("'self'", *page.leads_to))
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; form-action {to}; base-uri 'none'; frame-ancestors 'none'"
    return raw(
        page.html.encode(), "text/html", {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", **spec.headers}, spec.status
    )


def raw(body: bytes, media: str, headers: Mapping[str, str], status: int = 200) -> FlaskResponse:
    """An answer that is made already."""
    plain = media == "application/json"  # which has no charset to be thought of
    response = FlaskResponse(body, status, mimetype=None if plain else media, content_type=media if plain else None)
    if headers:
        response.headers.update(dict(headers))
    return response


def _json(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"cannot answer with {type(value).__name__}")
