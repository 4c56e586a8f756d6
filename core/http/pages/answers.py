"""What a page's answer is made of: HTML with its policy, the facts that every template may use, and refusals as pages."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit
from uuid import uuid4

from flask import Response as FlaskResponse
from flask import g, request
from werkzeug.urls import iri_to_uri

from core.http.answers import raw
from core.http.errors import locale_wanted
from core.http.pipeline import entered
from core.identity.impersonation import ACTING_OVER
from sdk import BadRequest, Frame, PageRequest, Refusal, Rendering, Unauthenticated, _
from sdk.pages import told as words_of

if TYPE_CHECKING:
    from core.context import Work
    from core.platform import Platform

log = logging.getLogger("dealwright.pages")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FAILED = 500
_BARE = frozenset({429, 503})
"""Told without the menu: it would ask for more of what there is too little of, or of who does not answer."""
_HEADERS = {"Content-Security-Policy": POLICY, "Vary": "HX-Request", "Referrer-Policy": "same-origin"}


def as_page(html: str, status: int = 200) -> FlaskResponse:
    """HTML with the policy of pages: what a page loads comes from us, and no script or style stands in it."""
    return raw(html.encode(), "text/html", _HEADERS, status)


def is_part() -> bool:
    """Whether a script asks, which puts what it gets into a page that is shown already."""
    return request.headers.get("HX-Request") == "true"


def facts_of(work: Work | None, asked: PageRequest, *, csrf: str) -> dict[str, object]:
    """What every template may use of the request, as `page`."""
    locale = work.locale if work is not None else locale_wanted()
    return {
        "address": asked.address,
        "part": asked.part,
        "csrf": csrf,
        "once": uuid4().hex,
        "theme": theme if (theme := request.cookies.get("dealwright_theme", "")) in ("light", "dark") else "",
        "locale": locale,
        "lang": locale.replace("_", "-"),
        "zone": work.zone if work is not None else "UTC",
        "now": work.now() if work is not None else None,
        "tenant": work.tenant.name if work is not None else "",
        "user": work.actor.name if work is not None else "",
        "who": work.actor.user_id if work is not None else "",
        "acting": work is not None and work.impersonator is not None,
        "told": (),
    }


def gone_to(path: str, part: str) -> FlaskResponse:
    """To another page of ours; a script that asked for a part is told, and goes there as a whole."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or not path.isprintable():
        raise BadRequest(_("expected a path of this server, such as /"), code="bad_landing")
    if part:
        return FlaskResponse(status=204, headers={"HX-Redirect": iri_to_uri(path)})
    return FlaskResponse(status=303, headers={"Location": path})


def told(platform: Platform, refusal: Refusal | None) -> list[str]:
    """What a refusal says to people, in sentences."""
    if refusal is None:
        return []
    locale, say = locale_wanted(), platform.translator.say
    return [say(one.message, locale, one.params) for one in refusal.problems] or [say(refusal.message, locale, refusal.params)]


def at_door(platform: Platform, frame: Frame, values: Mapping[str, object], *, csrf: str = "", status: int = 200) -> FlaskResponse:
    """A page for who is not in a tenant yet: `step` says which, the other values are what it needs."""
    facts = facts_of(None, PageRequest(address=request.path), csrf=csrf)
    nothing = {"email": "", "problems": [], "landing": ""}
    return as_page(platform.templates.draw(locale_wanted(), frame.entrance, {"page": facts, **nothing, **values}), status)


def refused(platform: Platform, frame: Frame, refusal: Refusal) -> FlaskResponse | None:
    """A refusal as a page, or the way to the sign-in; None: as a problem in JSON, for a script to show."""
    if isinstance(refusal, Unauthenticated):
        return _sent_away(frame, f"{frame.prefix}/sign-in")
    if refusal.reason == "choose_tenant":
        return _sent_away(frame, f"{frame.prefix}/companies")
    if is_part():
        return None
    return _inside(platform, frame, refusal) or no_entry(
        platform, frame, refusal, platform.translator.say(refusal.heading, locale_wanted())
    )


def _inside(platform: Platform, frame: Frame, refusal: Refusal) -> FlaskResponse | None:
    """The refusal with the menu around it, for somebody who is in. None where nobody is, and where the menu itself has failed, or would."""
    if not frame.refused or refusal.status in _BARE or refusal.reason == ACTING_OVER:
        return None
    try:
        with entered(platform, write=False) as work:
            if frame.plugin not in work.enabled:
                return None
            asked = PageRequest(address=request.full_path.rstrip("?"))
            values = {"page": facts_of(work, asked, csrf=g.get("csrf", "")), "frame": frame.values(work, asked),
                      **_telling(frame, refusal, work.say(refusal.heading), words_of(work, refusal))}  # fmt: skip
            return as_page(work.render(Rendering(frame.refused, values)), refusal.status)
    except Refusal as why:
        log.debug("a refusal is told without the menu: %s", why)
        return None
    except Exception:
        if refusal.status != FAILED:  # the failure of the menu is the next one to tell, then without it
            raise
        log.exception("a failure is told without the menu, which has failed, too, trace %s", g.get("trace_id", ""))
        return None


def _telling(frame: Frame, refusal: Refusal, title: str, problems: list[str]) -> dict[str, object]:
    """What the templates of refusals are told: what happened, whether a form was sent, and from where the way leads back."""
    came = _came_from(frame)
    back = came if urlsplit(came).path != request.path else ""
    return {"status": refusal.status, "reason": refusal.reason, "title": title, "problems": problems, "trace": g.get("trace_id", ""),
            "back": back, "sent": request.method == "POST", "record": "id" in refusal.params,
            "signing_in": False}  # fmt: skip


def no_entry(platform: Platform, frame: Frame, refusal: Refusal, title: str, *, signing_in: bool = False) -> FlaskResponse:
    """A refusal as a page of its own. Who acts as somebody and may not go on finds there how to end it; who was signing in, the way to begin anew."""
    over = refusal.reason == ACTING_OVER
    facts = facts_of(None, PageRequest(address=request.path), csrf=g.get("csrf", "") if over else "")
    values = {**_telling(frame, refusal, title, told(platform, refusal)), "page": facts, "acting_over": over, "signing_in": signing_in}
    return as_page(platform.templates.draw(locale_wanted(), frame.error, values), refusal.status)


def _came_from(frame: Frame) -> str:
    """The page of ours on which a form or a script was, as the browser says; otherwise nothing."""
    came = urlsplit(request.referrer or "")
    return f"{came.path}?{came.query}".rstrip("?") if came.netloc == request.host and came.path.startswith(f"{frame.prefix}/") else ""


def _sent_away(frame: Frame, path: str) -> FlaskResponse:
    """To an entrance, from where the way leads back to the page that was asked for, or that had the form or the script which asked."""
    back = request.full_path.rstrip("?") if request.method == "GET" and not is_part() else _came_from(frame)
    path = f"{path}?next={quote(back, safe='/')}" if back else path
    if is_part():
        return FlaskResponse(status=401, headers={"HX-Redirect": iri_to_uri(path)})
    return FlaskResponse(status=303, headers={"Location": path})
