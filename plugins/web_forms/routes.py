"""Forms over HTTP: what visitors see and send, and what people here try again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import cast
from uuid import UUID

from marshmallow import Schema, fields

from plugins.web_forms import capture, guards
from plugins.web_forms.forms import FORM, address_of, fields_of, found, in_language, seen, shown, worded
from plugins.web_forms.guards import LEAST, new_stamp, read_stamp, seconds_to_wait
from plugins.web_forms.page import Shown, form_page, label_of, options_of, snippet, thanks_of, thanks_page, told_page
from plugins.web_forms.reading import ANSWER, CONSENT, Said, Sent, read, tags_in, values_of
from plugins.web_forms.tables import MOST_A_MINUTE
from sdk import PUBLIC, Context, Guest, Invalid, NotFound, Problem, Request, Response, Route, _
from sdk.context import Row, id_of
from sdk.fields import Field

_STAYS = {"Referrer-Policy": "same-origin"}
"""The address of a form is no secret, and its own page may tell where it is sent from."""


class SubmissionRetry(Schema):
    """`force`: although the lead is likely there already."""

    force = fields.Boolean(load_default=False)


class SubmissionRetried(Schema):
    """What came of it."""

    id = fields.UUID(required=True)
    state = fields.String(required=True)
    lead = fields.UUID(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class FormEmbedding(Schema):
    """The form's public address, and the HTML that sends to it from a page elsewhere."""

    address = fields.String(required=True)
    html = fields.String(required=True)


def show_form(ctx: Context, request: Request) -> Response:
    """The form as a page; for a program, what there is to fill in and the stamp that goes back with it."""
    try:
        form = found(ctx, request.path["token"])
    except NotFound as refusal:
        return _gone(ctx, request.guest, refusal)
    wanted = str(request.query.get("lang", ""))
    speaking = in_language(ctx, form, wanted)
    asked = shown(speaking, fields_of(ctx, id_of(form)))
    stamp = new_stamp(ctx, id_of(form))
    if request.guest.wants_json:
        return Response(_described(speaking, form, asked, stamp), 200, _cors(form, request.guest))
    said = Said({}, tags=tags_in(request.query))
    return Response(form_page(speaking, Shown(form, asked, stamp, said)), 200, {**_STAYS, **_cors(form, request.guest)})


@contextmanager
def knock(ctx: Context, request: Request) -> Iterator[Response | None]:
    """Before a transaction that writes is begun: whoever sends too much, or from elsewhere, holds up nobody."""
    yield _turned_away(ctx, request.path["token"], request.guest)


def _turned_away(ctx: Context, token: str, guest: Guest) -> Response | None:
    with ctx.transaction():
        try:
            form = found(ctx, token)
        except NotFound as refusal:
            return _gone(ctx, guest, refusal)
    headers = _cors(form, guest)
    if guest.origin and not headers:
        return _refused(
            ctx, guest, 403, "origin", ctx.say(_("this form doesn’t accept submissions from {origin}"), {"origin": guest.origin[:200]})
        )
    if wait := seconds_to_wait(ctx, id_of(form), guest.address, cast("int", form["most"] or MOST_A_MINUTE)):
        text = ctx.say(_("Too many submissions from here. Try again in {seconds} seconds."), {"seconds": wait})
        return _refused(ctx, guest, 429, "too_many_requests", text, {**headers, "Retry-After": str(wait)})
    return None


def take_form(ctx: Context, request: Request) -> Response:
    """Take what was sent, once. What cannot be taken for the visitor's own reason comes back as it was typed, and says why at the fields."""
    try:
        form = found(ctx, request.path["token"])
    except NotFound as refusal:  # closed since it knocked
        return _gone(ctx, request.guest, refusal)
    guest, id = request.guest, id_of(form)
    headers = _cors(form, guest)
    rows = fields_of(ctx, id)
    sent = read(request.body, shown(ctx, rows))
    speaking = in_language(ctx, form, sent.said.language)
    sent = replace(sent, said=replace(sent.said, language=speaking.locale))
    stamp = read_stamp(ctx, id, sent.stamp)
    if sent.lured:
        capture.take(speaking, form, sent.said, stamp, spam=True)
        return _thanked(speaking, form, guest, headers)
    again = _Again(speaking, form, shown(speaking, rows), guest, headers)
    if problems := _guarded(speaking, form, sent, stamp):
        return again.answer(sent, problems, keep=stamp is not None and all(one.field != ANSWER for one in problems))
    try:
        capture.take(speaking, form, sent.said, stamp)
    except Invalid as refusal:
        return again.answer(sent, refusal.problems, keep=True)
    return _thanked(speaking, form, guest, headers)


def _guarded(ctx: Context, form: Row, sent: Sent, stamp: guards.Stamp | None) -> list[Problem]:
    """What keeps programs away, and what has to be agreed to."""
    problems: list[Problem] = []
    if stamp is None:
        problems.append(Problem("", "stamp", _("Please check it once more, then send it.")))
    elif ctx.now() - stamp.at < LEAST:
        problems.append(Problem("", "too_fast", _("That was faster than anyone can type. Please send it again.")))
    if form["captcha"] and (stamp is None or not sent.answer):
        problems.append(Problem(ANSWER, "required", _("please answer this question")))
    elif form["captcha"] and stamp is not None and not guards.is_answer(ctx, stamp, sent.answer):
        problems.append(Problem(ANSWER, "wrong_answer", _("that’s not the right answer; here is another question")))
    if worded(form, "consent", ctx.locale) and form["consent_required"] and not sent.said.consents:
        problems.append(Problem(CONSENT, "required", _("we can’t accept it without this")))
    return problems


class _Again:
    """The form comes back."""

    def __init__(self, ctx: Context, form: Row, asked: list[tuple[Row, Field]], guest: Guest, headers: Mapping[str, str]) -> None:
        self.ctx, self.form, self.asked, self.guest, self.headers = ctx, form, asked, guest, headers

    def answer(self, sent: Sent, problems: list[Problem] | tuple[Problem, ...], *, keep: bool) -> Response:
        """With what is to be mended, all of it at once: what is wrong with fields is told beside what the guards say."""
        ctx = self.ctx
        _values, flaws = values_of(ctx, sent.said, self.asked)
        told = {one.field: one for one in (*flaws, *problems)}
        stamp = sent.stamp if keep else new_stamp(ctx, id_of(self.form))
        words = {name: ctx.say(one.message, one.params) for name, one in told.items()}
        if self.guest.wants_json:
            errors = [{"field": name, "code": one.code, "message": words[name]} for name, one in told.items()]
            body = {
                "code": "invalid",
                "status": 422,
                "detail": ctx.say(_("some values are invalid")),
                "errors": errors,
                **_guards(ctx, self.form, stamp),
            }
            return Response(body, 422, {**self.headers, "Content-Type": "application/problem+json"})
        note = words.pop("", "") or ctx.say(_("Please fix the following before sending."))
        drawn = form_page(ctx, Shown(self.form, self.asked, stamp, sent.said, words, note, sent.answer if keep else ""))
        return Response(drawn, 422, {**_STAYS, **self.headers})


def _thanked(ctx: Context, form: Row, guest: Guest, headers: Mapping[str, str]) -> Response:
    if guest.wants_json:
        return Response({"taken": True, "message": thanks_of(ctx, form), "redirect": form["redirect"]}, 201, headers)
    if form["redirect"]:
        return Response(None, 303, {**headers, "Location": str(form["redirect"])})
    return Response(thanks_page(ctx, form), 201, {**_STAYS, **headers})


def _refused(ctx: Context, guest: Guest, status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
    if guest.wants_json:
        body = {"code": code, "status": status, "detail": text, "errors": []}
        return Response(body, status, {**(headers or {}), "Content-Type": "application/problem+json"})
    return Response(told_page(ctx, ctx.say(_("This could not be accepted")), text), status, headers or {})


def _gone(ctx: Context, guest: Guest, refusal: NotFound) -> Response:
    return _refused(ctx, guest, 404, refusal.reason, ctx.say(refusal.message, refusal.params))


def preflight(ctx: Context, request: Request) -> Response:
    """What a browser asks before a page elsewhere may send JSON."""
    allow = {"Allow": "GET, HEAD, OPTIONS, POST"}
    try:
        form = found(ctx, request.path["token"])
    except NotFound:
        return Response(None, 204, allow)
    if cors := _cors(form, request.guest):
        cors |= {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "Accept, Accept-Language, Content-Type",
                 "Access-Control-Max-Age": "600"}  # fmt: skip
    return Response(None, 204, {**allow, **cors})


def _cors(form: Row, guest: Guest) -> dict[str, str]:
    """The page elsewhere may read the answer, if the form takes anything from it."""
    if guest.origin and guest.origin in cast("list[str]", form["origins"] or ()):
        return {"Access-Control-Allow-Origin": guest.origin, "Access-Control-Expose-Headers": "Retry-After", "Vary": "Origin"}
    return {}


def _guards(ctx: Context, form: Row, stamp: str) -> dict[str, object]:
    return {"stamp": stamp, "question": guards.question(ctx, stamp) if form["captcha"] else None}


def _described(ctx: Context, form: Row, asked: list[tuple[Row, Field]], stamp: str) -> dict[str, object]:
    return {
        "name": worded(form, "heading", ctx.locale) or form["name"], "language": ctx.locale,
        "fields": [_one(ctx, row, of) for row, of in asked],
        "consent": worded(form, "consent", ctx.locale) or None, "consent_required": form["consent_required"], **_guards(ctx, form, stamp),
    }  # fmt: skip


def _one(ctx: Context, row: Row, of: Field) -> dict[str, object]:
    options = [{"value": key, "label": word} for key, word in options_of(ctx, of)] or None
    return {
        "name": row["field"], "label": label_of(ctx, row, of), "kind": of.kind, "required": bool(row["required"] or of.required),
        "help": worded(row, "help", ctx.locale) or None, "default": row["value"], "options": options,
    }  # fmt: skip


# --- for people here --------------------------------------------------------------------------------------------------


def embed(ctx: Context, request: Request) -> Mapping[str, object]:
    """The form's link, and its HTML for a website."""
    return embedding(ctx, request.id())


def embedding(ctx: Context, id: UUID) -> Mapping[str, object]:
    """See `embed`; raises NotFound."""
    form = seen(ctx, id)
    speaking, address = in_language(ctx, form), address_of(ctx, id)
    return {"address": address, "html": snippet(speaking, Shown(form, shown(speaking, fields_of(ctx, id)), ""), address)}


def retry(ctx: Context, request: Request) -> Mapping[str, object]:
    """Try a submission once more."""
    row = capture.retry(ctx, request.id(), force=bool(request.body["force"]))
    return {name: row[name] for name in ("id", "state", "lead", "reason")}


ROUTES = (
    Route(method="GET", path="/forms/{token}", view=show_form, permission=PUBLIC, summary=_(
        "A form, for the person filling it in"
    ), any_form=True,
          media_type="text/html"),
    Route(method="POST", path="/forms/{token}", view=take_form, permission=PUBLIC, summary=_("Submit a form"), any_form=True,
          media_type="text/html", status=201, prepare=knock),
    Route(method="OPTIONS", path="/forms/{token}", view=preflight, permission=PUBLIC, summary=_(
        "Check whether another website may submit a form"
    ),
          any_form=True, status=204),
    Route(method="GET", path="/forms/{id}/embedding", view=embed, permission=f"{FORM}.read", summary=_(
        "A form’s link, and its HTML for a website"
    ),
          answer=FormEmbedding),
    Route(method="POST", path="/submissions/{id}/retries", view=retry, permission=capture.RETRY, summary=_("Retry a submission"),
          body=SubmissionRetry, answer=SubmissionRetried),
)  # fmt: skip
