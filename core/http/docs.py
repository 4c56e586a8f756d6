"""`GET /api/docs`: the document as a page to read, without a script and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Response as FlaskResponse
from flask import request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.http.addresses import Addresses
from core.http.answers import raw
from core.http.errors import locale_wanted
from core.http.openapi.reading import read
from core.http.pipeline import Endpoint
from sdk import Text, Unauthenticated, _

if TYPE_CHECKING:
    from core.context import Work
    from core.http.openapi import Descriptions
    from core.platform import Platform

HERE = Path(__file__).parent
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HOW_TO_ENTER = _(
    "Send a token, `Authorization: Bearer dw_...`, created with `dealwright token create`; or sign in with `POST "
    "/api/v1/session` (email and password as JSON): a browser with the session cookie can read this page."
)
RULES: tuple[tuple[Text, Text], ...] = (
    (_("Who you are"), HOW_TO_ENTER),
    (
        _("Sessions"),
        _(
        "With the session cookie, every write needs the session’s `csrf_token` in the `X-CSRF-Token` header. If you "
        "belong to several tenants, name one in the `X-Tenant` header."
    ),
    ),
    (
        _("Filters"),
        _(
        "`field=value` or `field[operator]=value`: eq, ne, in (comma-separated values), gt, gte, lt, lte, contains, "
        "empty (true or false). All conditions must hold. An unknown field or operator is rejected with 400, never "
        "ignored. A link is an ID or the name of the record; an amount may include its currency: `100 CNY`."
    ),
    ),
    (
        _("Pages"),
        _(
        "Each page has up to `limit` records. `page.next` is the `cursor` of the next page, or null at the end; each "
        "record is returned exactly once, even while others are being created. `sort=-amount,name` sorts, `fields` "
        "selects fields, `include` returns links as records, `q` searches, `count=true` counts."
    ),
    ),
    (
        _("Errors"),
        _(
        "Errors are `application/problem+json` (RFC 9457) with `code`, `errors` (field, code, message, closest match) "
        "and `trace_id`, by which the operator finds the request in the log. 404 is also returned for things you don’t "
        "have access to."
    ),
    ),
    (
        _("Versions"),
        _(
        "A record comes with an ETag: its version and a digest of the whole response. Send it back in `If-Match`, and your "
        "change is rejected with 412 if someone else was faster; only the version counts there. Send it in `If-None-Match`, "
        "and a response that is still the same, with everything included or calculated in it, costs nothing (304)."
    ),
    ),
    (
        _("Frequency"),
        _(
        "Each token is limited to a number of requests per minute, reported by `RateLimit-Limit`, "
        "`RateLimit-Remaining` and `RateLimit-Reset` (seconds until the full allowance is available again) in every "
        "response. The allowance refills steadily; when it is used up, the response is 429 with the seconds to wait in "
        "`Retry-After`."
    ),
    ),
    (
        _("Retries"),
        _(
        "GET, PATCH with the same values and DELETE can be retried safely: the second time changes nothing (a record "
        "already deleted responds with 404). POST creates another record each time; unique fields respond with 409. "
        "With an `Idempotency-Key` header (a UUID is recommended), any write repeated within 24 hours is not executed "
        "again and returns the first response, marked `Idempotent-Replayed: true`; the same key with a different "
        "request is rejected with 422, and with 409 while the first is still in progress."
    ),
    ),
)  # fmt: skip
WORDS: Mapping[str, Text] = {
    "title": _("The API of {tenant}"), "enter": _("Sign in to read the API documentation"), "contents": _("Contents"),
    "parameters": _("Parameters"), "filters": _("Filters"), "body": _("Body"), "answers": _("Answers"), "schemas": _("Schemas"),
    "required": _("required"), "source": _("The same as OpenAPI 3.1"),
}  # fmt: skip


def mount_docs(addresses: Addresses, platform: Platform, descriptions: Descriptions) -> None:
    """The page and its style sheet."""
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = (HERE / "static" / "docs.css").read_bytes()

    def page(name: str, locale: str, status: int, **values: object) -> FlaskResponse:
        words = {key: platform.translator.say(text, locale) for key, text in WORDS.items() if key != "title"}
        rules = [(platform.translator.say(head, locale), platform.translator.say(text, locale)) for head, text in RULES]
        lang = locale.replace("_", "-")
        text = pages.get_template(name).render(words=words, rules=rules, lang=lang, **values)
        return raw(text.encode(), "text/html", {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}, status)

    def reading(work: Work, _path: Mapping[str, str]) -> FlaskResponse:
        title = work.say(WORDS["title"], {"tenant": work.tenant.name})
        groups, schemas = read(descriptions.of(work).document)
        return page("docs.html", work.locale, 200, title=title, groups=groups, schemas=schemas)

    view = Endpoint(platform, "core", reading)

    def docs() -> FlaskResponse:
        try:
            return view()
        except Unauthenticated:
            if request.accept_mimetypes.best_match(["application/problem+json", "text/html"]) != "text/html":
                raise
            stranger = page("docs_enter.html", locale_wanted(), 401)
            stranger.headers["WWW-Authenticate"] = "Bearer"
            return stranger

    def css() -> FlaskResponse:
        return raw(style, "text/css", {"Cache-Control": "public, max-age=3600"})

    addresses.add("/api/docs", "GET", docs)
    addresses.add("/api/docs.css", "GET", css)
