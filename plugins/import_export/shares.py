"""Columns of percentages that may be shares of one: 0.35 means 0.35 % here, and 35 % to a spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from sdk import Problem, _
from sdk.fields import DecimalField, Field

SHARE = _("was read as {value}%; if {meant}% is meant, choose “0.35 is 35%” for this column (transform “percent”)")
_FIRST = 3
"""Rows of a column that are told."""
_PLAIN = re.compile(r"\d{0,15}(?:[.,]\d{1,12})?", re.ASCII)


def hundredfold(cell: str) -> str:
    """A share of one as a percentage; what has its sign, or is no such number, stays as it is."""
    share = _share(cell)
    return cell if share is None else f"{(share * 100).normalize():f}%"


def _share(cell: str) -> Decimal | None:
    word = cell.strip()
    return Decimal(word.replace(",", ".")) if word and word[-1:].isdecimal() and _PLAIN.fullmatch(word) else None


class Shares:
    """Is shown every row of a sheet, and tells the first ones of columns in which no number without a sign is above one, but some are below."""

    def __init__(self, fields: Mapping[str, Field], columns: Mapping[str, int], edited: Collection[str]) -> None:
        percents = {name: field for name, field in fields.items() if isinstance(field, DecimalField) and field.percent}
        self._columns = {name: at for name, at in columns.items() if name in percents and name not in edited}
        self._found = dict[str, list[tuple[int, Decimal]]]()

    def see(self, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Take account of rows."""
        for name, at in [*self._columns.items()]:
            shares = [(number, share) for number, cells in rows if at < len(cells) and (share := _share(cells[at])) is not None]
            if any(share > 1 for _number, share in shares):
                del self._columns[name]
            self._found.setdefault(name, []).extend([one for one in shares if 0 < one[1] < 1][:_FIRST])

    def told(self) -> dict[int, list[Problem]]:
        """By row what is to be asked of it."""
        told = dict[int, list[Problem]]()
        for name in self._columns:
            for number, share in self._found.get(name, [])[:_FIRST]:
                said = {"value": f"{share.normalize():f}", "meant": f"{(share * 100).normalize():f}"}
                told.setdefault(number, []).append(Problem(name, "share_of_one", SHARE, said))
        return told
