"""The result: one table, for the terminal and for a page."""

from __future__ import annotations

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Line:
    """One measurement beside its raw limit; `ratio` is how much more time than that it takes."""

    work: str
    database: str
    measured: str
    raw: str = ""
    ratio: str = ""
    budget: str = ""
    peer: str = ""


HEADINGS = Line("work", "database", "measured", "raw limit", "ratio", "budget", "best peer")


def markdown(lines: list[Line]) -> str:
    """The table as Markdown; its columns are aligned, so that it reads in a terminal too."""
    rows = [astuple(line) for line in (HEADINGS, *lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows)


def rate(number: float) -> str:
    """Requests or rows a second."""
    return f"{number:,.0f}/s"


def times(number: float) -> str:
    """A ratio."""
    return f"{number:.2f}x"
