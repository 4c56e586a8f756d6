"""Words that programs and people write where there is nothing: NULL, N/A, a dash, 无."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from sdk.fields import AnyRecordField, BooleanField, ChoiceField, DateField, DateTimeField, Field, KeysField, LinkField, TextField
from sdk.fields.text import LongTextField

NOTHING = frozenset(
    (
        "NULL",
        "null",
        "(null)",
        "<null>",
        "\\N",
        "N/A",
        "n/a",
        "n.a.",
        "NaN",
        "nan",
        "None",
        "none",
        "k.A.",
        "k. A.",
        "\u6682\u65e0",
        "-",
        "--",
        "\u2013",
        "\u2014",
        "\u2014\u2014",
        "\u65e0",
    )
)
"""As they stand: Null is a name, and NA a country."""
NO_DATES = frozenset(
    f"{day.replace('-', mark)}{clock}"
    for day in ("0-0-0", "0-0-00", "00-00-00", "0-0-0000", "00-00-0000", "0000-0-0", "0000-00-00")
    for mark in "-/."
    for clock in ("", " 0:00:00", " 00:00:00")
)
"""What address books and databases write for no date."""
_ALL = NOTHING | NO_DATES
PATTERN = rf"[^\S\n]*(?:{'|'.join(map(re.escape, sorted(NOTHING)))})[^\S\n]*"
_MOST = 20
"""Columns that are named at the most."""


def words_for(field: Field, said: Iterable[str], *, texts: bool, data: bool = False) -> frozenset[str]:
    """Those that mean nothing in a column for a field: not what it knows as a value, nor what somebody has said the meaning of.

    In free text anything may be meant: there they count where that is asked for (`texts`). In text and names of records that a program has
    written as `data` they never do, as it has null for nothing.
    """
    free = type(field) in (TextField, LongTextField) or (isinstance(field, KeysField) and not field.options)
    if (free and not texts) or (data and (free or isinstance(field, LinkField | AnyRecordField))):
        return frozenset()
    words = (NOTHING | NO_DATES if isinstance(field, DateField | DateTimeField) else NOTHING).difference(said)
    if isinstance(field, BooleanField | ChoiceField) and not (isinstance(field, KeysField) and not field.options):
        return frozenset(word for word in words if field.read([word]).flaws)
    return words


def emptied(cells: Sequence[str], words: frozenset[str]) -> Sequence[str]:
    """A column with empty cells where such a word stands alone."""
    if not words or words.isdisjoint(map(str.strip, cells)):  # of a whole column: most have none
        return cells
    return ["" if cell.strip() in words else cell for cell in cells]


class Found:
    """How often each column of a sheet has such a word."""

    def __init__(self, headings: Sequence[str]) -> None:
        self._headings, self._counted = headings, Counter[tuple[int, str]]()

    def see(self, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Take account of rows; asked of all at once, as most have none."""
        if _ALL.isdisjoint(map(str.strip, chain.from_iterable(cells for _number, cells in rows))):
            return
        for _number, cells in rows:
            if not _ALL.isdisjoint(map(str.strip, cells)):
                self._counted.update((place, word) for place, cell in enumerate(cells) if (word := cell.strip()) in _ALL)

    def told(self, taken: Mapping[int, Collection[str]] | None = None) -> str:
        """`Fax: NULL ×22, Region: N/A ×3`, in the order of the columns; nothing where there is none.

        Of all that were seen, or of those that a column takes for nothing.
        """
        found: Mapping[str, int] = {
            f"{self._headings[place]}: {word}": count
            for (place, word), count in sorted(self._counted.items())
            if place < len(self._headings) and (taken is None or word in taken.get(place, ()))
        }
        words = [f"{name[:60]} ×{count}" for name, count in found.items()]
        return ", ".join(words[:_MOST]) + (", …" if len(words) > _MOST else "")
