"""Text that a spreadsheet would take for a formula, or for an error of one: written down behind an apostrophe, and read back without it.

A cell that begins with = + - @, their full-width forms, a tab, a carriage return or the mark of a file's beginning (U+FEFF, which readers drop) gets
one apostrophe in front; so does one that begins with apostrophes and then such a sign, as reading takes one away. So does, in exports, what reading
would take for a value that is lost, such as #N/A or 1.38E+10, or for text that was written so that a spreadsheet keeps its zeros. All other text
stays as it is, also what begins with an apostrophe.
Where more than text is expected, words for nothing, such as NULL, and such as begin a total or a note below a table are kept as text, too.

Many programs keep the zeros of a number by writing ="00123" or '00123: both are read as 00123, which is what a spreadsheet shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from plugins.import_export import footers, nothing
from sdk.fields import SPOILT

_SIGNS = "=+\\-@\t\r\uff1d\uff0b\uff0d\uff20\ufeff"
_RISKY = re.compile(f"'*[{_SIGNS}]")
_ANY_RISKY = re.compile(f"\n'*[{_SIGNS}]")
_KEPT = r"'+\d{5,}"
_IS_LITERAL, _IS_MARKED = (re.compile(rf"'{many}(?:[{_SIGNS}]|{SPOILT}\Z)|{_KEPT}\Z") for many in "*+")
_ANY_LITERAL, _ANY_MARKED = (re.compile(rf"\n(?:'{many}(?:[{_SIGNS}]|{SPOILT}(?:\n|\Z))|{_KEPT}(?:\n|\Z))") for many in "*+")
_WORD = rf"(?:(?:{nothing.PATTERN}|{footers.TOTAL})%s|{footers.BEGINNING})"
_IS_WORD, _IS_MARKED_WORD = (re.compile(rf"'{many}{_WORD}" % r"\Z") for many in "*+")
_ANY_WORD, _ANY_MARKED_WORD = (re.compile(f"\n'{many}{_WORD}" % r"(?:\n|\Z)") for many in "*+")
_QUOTED, _ANY_QUOTED = re.compile(r'="((?:[^"]|"")*)"\s*\Z'), '\n="'


def neutral(cells: Sequence[str]) -> Sequence[str]:
    """A column of text as no spreadsheet calculates with it."""
    if not _ANY_RISKY.search(_whole(cells)):  # of a whole column: most have none
        return cells
    return [f"'{cell}" if _RISKY.match(cell) else cell for cell in cells]


def literal(cells: Sequence[str]) -> Sequence[str]:
    """The same, and as no reader takes it for an error or for a number that has lost digits."""
    whole = _whole(cells)
    if not _ANY_LITERAL.search(whole) and not _ANY_MARKED_WORD.search(whole):
        return cells
    return [f"'{cell}" if _IS_LITERAL.match(cell) or _IS_MARKED_WORD.match(cell) else cell for cell in cells]


def verbatim(cells: Sequence[str]) -> Sequence[str]:
    """The same, and as no reader takes it for nothing, for a total or for a note."""
    whole = _whole(cells)
    if not _ANY_LITERAL.search(whole) and not _ANY_WORD.search(whole):
        return cells
    return [f"'{cell}" if _IS_LITERAL.match(cell) or _IS_WORD.match(cell) else cell for cell in cells]


def restored(cells: Sequence[str]) -> Sequence[str]:
    """The contrary: a column as it was before."""
    whole = _whole(cells)
    if "\n'" not in whole and _ANY_QUOTED not in whole:
        return cells
    return [cell[1:] if _IS_MARKED.match(cell) or _IS_MARKED_WORD.match(cell) else unquoted(cell) for cell in cells]


def unquoted(cell: str) -> str:
    """The text that a formula of nothing else says: ="00123" is 00123."""
    found = _QUOTED.match(cell) if cell[:2] == '="' else None
    return cell if found is None else found[1].replace('""', '"')


def _whole(cells: Sequence[str]) -> str:
    return "\n" + "\n".join(cells)
