"""The one shape of an error: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

import orjson
from flask import Flask, Response, g, request
from jinja2 import TemplateNotFound
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from sdk import BadRequest, Conflict, NotFound, Problem, Refusal, TooLarge, Unavailable, _
from sdk.errors import NO_PARAMS, Params

if TYPE_CHECKING:
    from core.platform import Platform

log = logging.getLogger("dealwright.http")
DEADLOCK = "40P01"
LOCALES = ("en", "zh_CN")


class NotTaken(Refusal):
    """The address is there and takes other methods."""

    status = 405
    code = "method_not_allowed"
    heading = _("Method not allowed")


class Broken(Refusal):
    """Something failed that should not."""

    status = 500
    code = "internal"
    heading = _("Internal error")


def install(app: Flask, platform: Platform) -> None:
    """Answer every failure with a problem body and a trace id."""

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        app.config["DEALWRIGHT_METRICS"].refused(refusal.reason)
        return problem(platform, refusal)

    @app.errorhandler(HTTPException)
    def http(failure: HTTPException) -> Response:
        if failure.code == 413:
            return problem(platform, TooLarge(_("what was sent is larger than the server accepts")))
        if failure.code == 404:
            return problem(platform, NotFound(_("there is nothing at this address")))
        if isinstance(failure, MethodNotAllowed):
            allowed = ", ".join(sorted(failure.valid_methods or ()))
            response = problem(
                platform, NotTaken(_("this address accepts {allowed}, not {method}"), allowed=allowed, method=request.method[:20])
            )
            response.headers["Allow"] = allowed
            return response
        return _answer(
            failure.code or 500, (failure.name or "error").lower().replace(" ", "_"), failure.name, failure.description or "", []
        )

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(PoolTimeout)
    def database_away(failure: Exception) -> Response:
        if getattr(getattr(failure, "orig", None), "sqlstate", "") == DEADLOCK:  # it has undone the one that it chose of two
            log.warning("two writes waited for each other, trace %s", trace_id())
            return problem(platform, Conflict(_("the record was changed at the same moment; try again"), code="concurrent"))
        log.exception("database failure, trace %s", trace_id(), exc_info=failure)
        return problem(platform, Unavailable(_("the database isn’t responding; try again")))

    @app.errorhandler(DataError)
    def beyond_the_database(failure: DataError) -> Response:
        # A plugin let a value through that no column holds: the caller's doing, and worth a line for the plugin's author.
        log.warning("a value that the database refuses, trace %s: %s", trace_id(), failure.orig)
        return problem(platform, BadRequest(_("a value is too large or contains characters that can’t be stored"), code="bad_value"))

    @app.errorhandler(Exception)
    def crashed(failure: Exception) -> Response:
        log.exception("unexpected failure, trace %s", trace_id(), exc_info=failure)
        if isinstance(failure, TemplateNotFound | ModuleNotFoundError | FileNotFoundError) and (gone := _gone(platform)):
            text = _("the package of {plugins} was removed while the server was running; restart the server")
            return problem(platform, Unavailable(text, code="plugin_vanished", plugins=", ".join(gone)))
        return problem(platform, Broken(_("this is our fault; please report the trace ID")))


def _gone(platform: Platform) -> list[str]:
    """Plugins that serve and whose packages have been removed since this process began."""
    return sorted(name for name, folder in platform.folders.items() if not folder.is_dir())


def trace_id() -> str:
    """The id that ties an answer to the log."""
    return str(g.get("trace_id", ""))


def locale_wanted() -> str:
    """The language of the signed-in user, else of the request."""
    chosen = g.get("locale", "") or request.accept_languages.best_match(["en", "zh", "zh-CN"]) or "en"
    return "zh_CN" if chosen.startswith("zh") else "en"


def problem(platform: Platform, refusal: Refusal) -> Response:
    """A refusal as a response: a page where one was asked for."""
    if "refused" in g and (page := g.refused(refusal)) is not None:
        return cast("Response", page)
    locale = locale_wanted()

    def say(text: str, params: Params) -> str:
        return platform.translator.say(text, locale, params)

    errors = [_error(one, say(one.message, one.params)) for one in refusal.problems]
    detail = say(refusal.message, refusal.params)
    response = _answer(refusal.status, refusal.reason, say(refusal.heading, {}), detail, errors, refusal.members)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if refusal.retry_after:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _error(one: Problem, message: str) -> dict[str, object]:
    error: dict[str, object] = {"field": one.field, "code": one.code, "message": message}
    if "nearest" in one.params:
        error["nearest"] = one.params["nearest"]
    return error


def body_of(platform: Platform, refusal: Refusal) -> dict[str, object]:
    """A refusal as the problem of one item of a batch."""
    parsed: dict[str, object] = orjson.loads(problem(platform, refusal).get_data())
    return parsed


def _answer(status: int, code: str, title: str, detail: str, errors: list[dict[str, object]], members: Params = NO_PARAMS) -> Response:
    body = {
        **members, "type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, "errors": errors,
        "trace_id": trace_id(),
    }  # fmt: skip
    return Response(orjson.dumps(body), status, mimetype="application/problem+json")
