"""Rows of which not everything is seen: who asks for a field that is hidden is refused, as by the doors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sdk.context import Row, unseen


class Seen(dict[str, Any]):
    """A row without the fields that the actor does not see. To need one of them is a refusal (403) and no failure of the code that needs it;
    `get` and `in` tell what is there."""

    def __init__(self, row: Row, hidden: Callable[[str], bool]) -> None:
        super().__init__(row)
        self._hidden = hidden

    def __missing__(self, name: str) -> Any:
        if self._hidden(name):
            raise unseen(name)
        raise KeyError(name)
