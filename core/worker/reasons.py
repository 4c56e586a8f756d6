"""Why work in the background failed or was not done: as its readers are told, each in a language of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from core.context import Work
from core.events import sentences
from core.events.sentences import Kept, Sentences
from core.events.states import Held, NotYet
from core.translation import SOURCE_LOCALE
from sdk import Channel, GiveUp, NotFound, Refusal, Text, _
from sdk.errors import NO_PARAMS, Params

if TYPE_CHECKING:
    from core.platform import Platform


class Why(TypedDict):
    """Why, as the outbox keeps it: in the language of who asked for it or of the tenant, and, where it is a sentence of ours, as
    `core.events.sentences` has it."""

    error: str | None
    reason: Kept | None


NOTHING: Why = {"error": None, "reason": None}
"""Nothing went wrong."""


class Teller:
    """Says why, of one row of the outbox; of one that has nobody to act as any more in the tenant's language."""

    def __init__(self, platform: Platform, row: Any, work: Work | None) -> None:
        self._platform, self._row, self._work = platform, row, work

    def say(self, text: Text | str, params: Params = NO_PARAMS) -> Why:
        """A sentence of ours."""
        return self._told([sentences.kept(text, params)])

    def of(self, failure: Exception) -> Why:
        """What a failure says: a refusal in words, of anything else its name as well."""
        if isinstance(failure, Refusal):
            of_fields = [sentences.kept(one.message, one.params, one.field) for one in failure.problems]
            return self._told([sentences.kept(failure.message, failure.params), *of_fields])
        if isinstance(failure, GiveUp | NotYet | Held):
            return self.say(failure.message, failure.params)
        return {"error": sentences.plain(f"{type(failure).__name__}: {failure}"), "reason": None}

    def before(self) -> str:
        """What the last attempt has left behind, as a part of what is said now."""
        if self._row.reason:
            return Sentences(self._row.error, self._row.reason)
        return self._row.error or _("no reason was recorded")

    def _told(self, kept: Kept) -> Why:
        return {"error": sentences.said(self._platform.translator, kept, self._locale()), "reason": kept}

    def _locale(self) -> str:
        if self._work is not None:
            return self._work.locale
        try:
            return self._platform.system(self._row.tenant_id, Channel.PLUGIN).locale
        except NotFound:
            return SOURCE_LOCALE
