"""Invitations to surveys, and the answers of those who have a link."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.customers import survey_page, surveys
from plugins.customers.tables import Invitation
from sdk import PUBLIC, Context, NotFound, Request, Response, Route, _, where
from sdk.context import Row

MOST_WORDS = 4000


class NewInvitation(Schema):
    """Who is asked; a link is told in the answer alone."""

    account = Invitation.__fields__["account"].input()
    contact = Invitation.__fields__["contact"].input()


class Invited(Schema):
    """The invitation and the link to answer by, which is told only here."""

    id = fields.UUID(required=True)
    link = fields.String(required=True)
    sent_to = fields.String(required=True, allow_none=True)


class Answer(Schema):
    """What somebody says."""

    score = fields.Integer(required=True, validate=validate.Range(0, 10))
    comment = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=2 * MOST_WORDS))
    """A browser counts the end of a line as one sign and sends two."""


def make_invitation(ctx: Context, request: Request) -> Response:
    """Ask somebody whom one sees."""
    with ctx.transaction(write=True):
        survey = _one(ctx, surveys.SURVEY, request.id())
        account, contact = (_one(ctx, f"customers.{name}", request.body[name]) for name in ("account", "contact"))
        guest = surveys.Guest(_id(account), _id(contact), owner=ctx.actor.user_id)
        assert survey is not None
        ((row, link),) = surveys.invite(ctx, survey, [guest])
    told = contact is not None and "email" in contact  # to others the address is no business of theirs
    shown = {"id": row["id"], "link": link, "sent_to": row["sent_to"] if told else None}
    return Response(shown, 201, {"Location": f"/api/v1/customers/invitations/{row['id']}"})


def _one(ctx: Context, entity: str, said: object) -> Row | None:
    """The record of an id or a name, None for none; raises NotFound, also for several of the name."""
    if said is None:
        return None
    records = ctx.records(entity)
    found = list(records.values([said]).values()) if isinstance(said, UUID) else records.find(where(name=getattr(said, "text", said)), 2)
    if len(found) != 1:
        raise NotFound(_("{count} {entity} records match {value!r}; expected one"), count=len(found), entity=entity,
                       value=str(getattr(said, "text", said))[:80])  # fmt: skip
    return found[0]


def _id(row: Row | None) -> UUID | None:
    return cast("UUID | None", row["id"]) if row is not None else None


def show_question(ctx: Context, request: Request) -> Response:
    """The page with the question."""
    try:
        _row, survey = surveys.found(ctx, request.path["token"])
    except NotFound:
        return Response(survey_page.spent(ctx), 404)
    return Response(survey_page.form(ctx, survey))


def take_answer(ctx: Context, request: Request) -> Response:
    """The answer, from the page; a link that is spent says so."""
    try:
        surveys.answer(ctx, request.path["token"], cast("int", request.body["score"]), _words(request.body["comment"]))
    except NotFound:
        return Response(survey_page.spent(ctx), 404)
    return Response(survey_page.thanks(ctx), 201)


def _words(comment: object) -> str | None:
    """Without the control characters that a text field refuses: somebody outside cannot be asked to mend them."""
    text = "".join(sign for sign in str(comment or "") if sign.isprintable() or sign in "\n\t").strip()
    return text[:MOST_WORDS].strip() or None


ROUTES = (
    Route(method="POST", path="/surveys/{id}/invitations", view=make_invitation, permission=surveys.SEND,
          summary=_("Send survey"), body=NewInvitation, answer=Invited, status=201),
    Route(method="GET", path="/answers/{token}", view=show_question, permission=PUBLIC, summary=_("The question behind a survey link"),
          media_type="text/html"),
    Route(method="POST", path="/answers/{token}", view=take_answer, permission=PUBLIC, summary=_("Answer via link"), body=Answer, form=True,
          media_type="text/html", status=201),
)  # fmt: skip
