"""OPTIONS: what may be done at an address, by whoever asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from flask import Flask
from flask import Response as FlaskResponse

from core.http.pipeline import answer, endpoint
from sdk import NotFound, Response, _

if TYPE_CHECKING:
    from core.context import Work
    from core.http.openapi import Descriptions
    from core.platform import Platform

_CONVERTED = re.compile(r"<(?:[a-z_]+:)?([a-z_]+)>")


def mount_options(app: Flask, platform: Platform, descriptions: Descriptions) -> None:
    """An answer to OPTIONS at every address that is mounted: exactly the methods that the document gives its reader."""
    rules: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        rules.setdefault(rule.rule, set()).update(rule.methods or ())
    for rule_text, methods in rules.items():
        open_to_all = rule_text.startswith(("/health/", "/api/v1/session", "/api/docs.css"))
        view = _always(methods) if open_to_all else endpoint(platform, "core", _documented(rule_text, descriptions))
        app.add_url_rule(rule_text, f"options {rule_text}", view, methods=["OPTIONS"], provide_automatic_options=False)


def _always(methods: set[str]) -> Callable[..., FlaskResponse]:
    def view(**_path: str) -> FlaskResponse:
        return answer(_allowing(methods))

    return view


def _documented(rule: str, descriptions: Descriptions) -> Callable[[Work, Mapping[str, str]], Response]:
    path = _CONVERTED.sub(r"{\1}", rule)

    def handler(work: Work, _path: Mapping[str, str]) -> Response:
        methods = descriptions.of(work).methods.get(path)
        if methods is None:
            raise NotFound(_("there is nothing at this address"))
        return _allowing({*methods} | ({"HEAD"} if "GET" in methods else set()))

    return handler


def _allowing(methods: set[str]) -> Response:
    return Response(None, 204, {"Allow": ", ".join(sorted(methods | {"OPTIONS"}))})
