"""OPTIONS: what may be done at an address, by whoever asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from flask import Response as FlaskResponse

from core.http.addresses import Addresses
from core.http.answers import answer
from core.http.mount import OWN
from core.http.pages.arrival import OUTSIDE
from core.http.pipeline import Endpoint
from sdk import NotFound, Response, _

if TYPE_CHECKING:
    from core.context import Work
    from core.http.openapi import Descriptions
    from core.platform import Platform

_CONVERTED = re.compile(r"<(?:[a-z_]+:)?([a-z_]+)>")


def mount_options(addresses: Addresses, platform: Platform, descriptions: Descriptions) -> None:
    """An answer to OPTIONS at every address that there is by now: exactly the methods that the document gives its reader."""
    pages = platform.frame.prefix if platform.frame is not None else ""
    for rule, methods in addresses.methods():
        if pages and (rule in OUTSIDE or f"{rule}/".startswith(f"{pages}/")):
            continue  # addresses of pages are no part of the API
        open_to_all = rule.startswith(("/health/", "/api/v1/session", "/api/docs.css"))
        addresses.add(rule, "OPTIONS", _always(methods) if open_to_all else Endpoint(platform, "core", _documented(rule, descriptions)))


def _always(methods: frozenset[str]) -> Callable[..., FlaskResponse]:
    def view(**_path: str) -> FlaskResponse:
        return answer(_allowing(methods))

    return view


def _documented(rule: str, descriptions: Descriptions) -> Callable[[Work, Mapping[str, str]], Response]:
    own = rule.startswith(f"{OWN}/<plural>")

    def handler(work: Work, given: Mapping[str, str]) -> Response:
        path = _CONVERTED.sub(r"{\1}", rule)
        methods = descriptions.of(work).methods.get(path.replace("{plural}", given["plural"]) if own else path)
        if methods is None:
            raise NotFound(_("there is nothing at this address"))
        return _allowing(methods)

    return handler


def _allowing(methods: frozenset[str]) -> Response:
    more = {"OPTIONS", "HEAD"} if "GET" in methods else {"OPTIONS"}
    return Response(None, 204, {"Allow": ", ".join(sorted(methods | more))})
