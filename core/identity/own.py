"""What people set for themselves: language, time zone, and what plugins add to a user for that (`f.by_oneself`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from marshmallow import INCLUDE, Schema

from core.identity.tables import User
from sdk import SIGNED_IN, Context, Forbidden, Invalid, Problem, Request, Response, Route, _
from sdk.fields import Field

if TYPE_CHECKING:
    from core.context import Work

_HIDDEN = _("these settings can only be changed by the person, not while impersonating or with a restricted token")


class Language(Schema):
    """One that the platform speaks."""

    locale = User.__fields__["locale"].input(required=True)


class Own(Schema):
    """The settings that there always are; those that plugins add stand beside them, by the names that they have in `core.user`."""

    class Meta:
        unknown = INCLUDE

    locale = User.__fields__["locale"].input()
    timezone = User.__fields__["timezone"].input()


def speak(ctx: Context, request: Request) -> Response:
    """One's own language from here on."""
    _set(cast("Work", ctx), {"locale": request.body["locale"]})
    return Response(None, 204)


def show_own(ctx: Context, _request: Request) -> object:
    """What is set; null is as the company has it."""
    return _shown(cast("Work", ctx))


def change_own(ctx: Context, request: Request) -> object:
    """Set what is named, and leave the rest; null is as the company has it."""
    work = cast("Work", ctx)
    unknown = [name for name in request.body if name not in _fields(work)]
    if unknown:
        text = _("is no setting of your own; expected one of {names}")
        problems = [Problem(name[:100], "unknown_field", text, {"names": ", ".join(_fields(work))}) for name in unknown]
        raise Invalid(_("some values are invalid"), problems=problems)
    if request.body:
        _set(work, request.body)
    return _shown(work)


def _set(work: Work, values: Mapping[str, object]) -> None:
    """Nobody chooses for whom he only acts as, nor by a token that was given for something else."""
    if work.impersonator is not None or work.grants.allows is not None:
        raise Forbidden(_HIDDEN)
    assert work.actor.user_id is not None  # whoever is signed in is a user
    work.as_system().records("core.user").update(work.actor.user_id, values)


def _fields(work: Work) -> Mapping[str, Field]:
    return {name: field for name, field in work.as_system().records("core.user").fields().items() if field.by_oneself}


def _shown(work: Work) -> dict[str, object]:
    assert work.actor.user_id is not None
    row = work.as_system().records("core.user").get(work.actor.user_id, fields=tuple(_fields(work)))
    return {name: row[name] for name in _fields(work)}


ROUTES: Sequence[Route] = (
    Route(method="PUT", path="/language", view=speak, permission=SIGNED_IN, summary=_(
        "Choose your own language"
    ), body=Language, status=204),
    Route(method="GET", path="/me", view=show_own, permission=SIGNED_IN, summary=_("Show your own settings"), answer=Own),
    Route(method="PATCH", path="/me", view=change_own, permission=SIGNED_IN, summary=_("Change your own settings"), any_object=True, answer=Own),
)  # fmt: skip
