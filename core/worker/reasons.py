"""Why work in the background failed or was not done: in the language of who asked for it, or of the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.context import Work
from core.events.states import Held, NotYet
from core.translation import SOURCE_LOCALE
from sdk import Channel, GiveUp, NotFound, Refusal, Text
from sdk.errors import NO_PARAMS, Params

if TYPE_CHECKING:
    from core.platform import Platform

MOST = 2000


class Teller:
    """Says why, of one row of the outbox; of one that has nobody to act as any more in the tenant's language."""

    def __init__(self, platform: Platform, row: Any, work: Work | None) -> None:
        self._platform, self._row, self._work = platform, row, work

    def say(self, text: Text | str, params: Params = NO_PARAMS) -> str:
        """A sentence of ours."""
        return self._platform.translator.say(text, self._locale(), params)[:MOST]

    def of(self, failure: Exception) -> str:
        """What a failure says: a refusal in words, of anything else its name as well."""
        if isinstance(failure, Refusal):
            said = [self.say(failure.message, failure.params)]
            said += [
                f"{one.field}: {self.say(one.message, one.params)}" if one.field else self.say(one.message, one.params)
                for one in failure.problems
            ]
            return "; ".join(said)[:MOST]
        if isinstance(failure, GiveUp | NotYet | Held):
            return self.say(failure.message, failure.params)
        return f"{type(failure).__name__}: {failure}"[:MOST]

    def _locale(self) -> str:
        if self._work is not None:
            return self._work.locale
        try:
            return self._platform.system(self._row.tenant_id, Channel.PLUGIN).locale
        except NotFound:
            return SOURCE_LOCALE
