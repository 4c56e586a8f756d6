"""Rows that are headings once more: a second line of them, or those of a file that was put behind another."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.import_export.mapping.words import plain, words_of
from sdk import Context

_MARK = "\ufeff"
"""What begins a file may stand in the middle of two."""
_FEWEST = 2


class Heads:
    """What the headings of a file say, and what those of any file with such records may say."""

    def __init__(self, ctx: Context, entity: str, headings: Sequence[str]) -> None:
        self._headings = {_bare(heading) for heading in headings}
        self._words = {*words_of(ctx, ctx.records(entity).fields())}
        self._first = {*map(_run_on, headings), *self._words, ""}

    def like(self, cells: Sequence[str]) -> bool:
        """Whether a row has several cells, and each repeats its heading or names a field."""
        # Asked of every row: the first cell alone tells at once of nearly all that they are none.
        if not cells or _run_on(cells[0]) not in self._first:
            return False
        filled = [cell for cell in map(_bare, cells) if cell]
        if len(filled) < _FEWEST:
            return False
        return all(cell in self._headings for cell in filled) or all(plain(cell) in self._words for cell in filled)


def _run_on(cell: str) -> str:
    return cell.replace(" ", "").replace("_", "").replace(_MARK, "").replace("\f", "").casefold()


def _bare(cell: str) -> str:
    return cell.strip().removeprefix(_MARK).strip().casefold()
