"""The refusals of the platform: each knows its HTTP status, a stable code and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from types import MappingProxyType
from typing import ClassVar, Self, TypeAlias

from sdk.text import Text, _, filled

Params: TypeAlias = "Mapping[str, object]"
NO_PARAMS: Params = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one field of one input; `params` fill the braces of `message`, also in translation."""

    field: str
    code: str
    message: Text
    params: Params = made_by(default_factory=lambda: NO_PARAMS)  # Python 3.11 takes no mapping proxy as a default

    def __str__(self) -> str:
        return filled(self.message, self.params)


class DeclarationError(Exception):
    """A plugin declared something that cannot stand; raised at boot, names the culprit and the cure."""


class Refusal(Exception):
    """A request that the platform refuses; `problems` name the fields where there are any."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    heading: ClassVar[Text] = _("The request could not be understood")
    wait: ClassVar[int] = 0

    def __init__(self, message: Text, *, code: str = "", problems: Sequence[Problem] = (), **params: object) -> None:
        self.message = message
        self.params: Params = params
        self.problems = tuple(problems)
        self.reason = code or self.code
        self.members: Mapping[str, object] = NO_PARAMS
        """What the answer says beside the usual members (RFC 9457, section 3.2): JSON values by name."""
        self.retry_after: int = self.wait
        """After how many seconds it is worth to ask again (the header Retry-After); 0: waiting alone changes nothing."""
        super().__init__(message)

    @classmethod
    def of(cls, code: str, message: Text, params: Params) -> Self:
        """A refusal from parts."""
        made = cls(message, code=code)
        made.params = params
        return made

    def __str__(self) -> str:
        text = filled(self.message, self.params)
        return "; ".join([text, *(f"{p.field}: {p}" if p.field else str(p) for p in self.problems)])


class BadRequest(Refusal):
    """The request's form is wrong: unknown field, operator or parameter, malformed body."""


class Unauthenticated(Refusal):
    status = 401
    code = "unauthenticated"
    heading = _("Sign in first")


class Forbidden(Refusal):
    """The actor may see the thing but not do this to it."""

    status = 403
    code = "forbidden"
    heading = _("Not allowed")


class NotFound(Refusal):
    """The thing does not exist, or the actor may not know that it does."""

    status = 404
    code = "not_found"
    heading = _("Not found")


class Conflict(Refusal):
    """The thing's present state forbids the act: a duplicate, an illegal move."""

    status = 409
    code = "conflict"
    heading = _("Conflict with the current state")


class Stale(Refusal):
    """The record was changed since the caller read it."""

    status = 412
    code = "stale"
    heading = _("Changed by someone else")


class TooLarge(Refusal):
    status = 413
    code = "too_large"
    heading = _("Too large")


class UnsupportedMedia(Refusal):
    status = 415
    code = "unsupported_media_type"
    heading = _("Unsupported media type")


class Invalid(Refusal):
    """The input's form is right but its values are not; `problems` name each."""

    status = 422
    code = "invalid"
    heading = _("Some values are invalid")


class TooMany(Refusal):
    """Asked too often; `retry_after`: in how many seconds it can be asked again."""

    status = 429
    code = "too_many_requests"
    heading = _("Too many requests")
    wait = 60

    def __init__(self, message: Text, *, code: str = "", problems: Sequence[Problem] = (), retry_after: int = 60, **params: object) -> None:
        super().__init__(message, code=code, problems=problems, **params)
        self.retry_after = retry_after


class Unavailable(Refusal):
    """A part of the platform cannot serve now (a schema behind its code, a database away)."""

    status = 503
    code = "unavailable"
    heading = _("Currently unavailable")
    wait = 2
