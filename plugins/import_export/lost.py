"""Rows that were not taken, by what others call their records: who names one is told of that row, as it is the one to mend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sdk import Problem, _

MOST = 50_000
"""So many names are remembered: of a file of which more is wrong the first rows say enough."""
HERE = _("row {row} of this file would have brought it, but wasn’t taken: see there")
ELSEWHERE = _("row {row} of the sheet {sheet} would have brought it, but wasn’t taken: see there")


class Lost:
    """Is told of such rows while an import runs, or all sheets of a workbook one after the other."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[UUID, str, int]] = {}

    def note(self, entity: str, origin: tuple[UUID, str], number: int, words: Iterable[str]) -> None:
        """A row of an import, whose sheet is called so, that makes no record by these names."""
        for word in words:
            if word and len(self._rows) < MOST:
                self._rows.setdefault((entity, word.casefold()), (*origin, number))

    def told(self, problems: Sequence[Problem], by: UUID) -> list[Problem]:
        """The row that should have brought what a row of an import looks for in vain."""
        for params in (one.params for one in problems if one.code == "no_such_record"):
            if (place := self._rows.get((str(params.get("target")), str(params.get("value")).casefold()))) is not None:
                origin, sheet, number = place
                return [Problem("", "row_not_taken", HERE if origin == by else ELSEWHERE, {"row": number, "sheet": sheet})]
        return []
