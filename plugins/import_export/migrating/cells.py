"""Cells of other systems as ours: text without its HTML, numbers without exponents, addresses with their scheme."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from html.parser import HTMLParser

_BLOCKS = ("p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "blockquote")
_LONGEST_LINE, _LONGEST_TEXT, _MOST_DIGITS = 200, 19_000, 30
_MOST_MARKUP = 100_000
"""Signs of rich text that are looked at: what is broken costs its reader the square of them."""


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._silent += tag in ("script", "style")
        self.parts += "\n" if tag in _BLOCKS else ""

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style") and self._silent > 0
        self.parts += "\n" if tag in _BLOCKS else ""

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def plain_text(cell: str) -> str:
    """Rich text as its words, a line for each paragraph; what has no tags stays as it is."""
    if "<" not in cell and "&" not in cell:
        return cell[:_LONGEST_TEXT]
    reader = _Text()
    reader.feed(cell[:_MOST_MARKUP])
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).splitlines()]
    return "\n".join(line for line in lines if line)[:_LONGEST_TEXT]


def first_line(cell: str) -> str:
    """The first words of a text, for a subject."""
    lines = plain_text(cell).splitlines()
    return next((line.strip()[:_LONGEST_LINE] for line in lines if line.strip()), "")


def number(cell: str) -> str:
    """1.5E7 as 15000000; anything else as it is."""
    try:
        made = Decimal(cell)
    except InvalidOperation:
        return cell
    if "e" not in cell.casefold() or not made.is_finite() or abs(made.adjusted()) > _MOST_DIGITS:
        return cell
    return format(made, "f")


def web_address(cell: str) -> str:
    """example.com as https://example.com."""
    return cell if "://" in cell or not cell else f"https://{cell}"
