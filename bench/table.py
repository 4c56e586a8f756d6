"""The result: one table, for the terminal and for a page."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

BARE = 6650
"""Answers a second of a bare route that the budgets suppose a machine to give."""


@dataclass(frozen=True)
class Line:
    """One measurement beside its raw limit; `ratio` is how much more time than that it takes.

    `seconds` stand where the budget is one of seconds and not of a ratio; they are no column of the table.
    """

    work: str
    database: str
    measured: str
    raw: str = ""
    ratio: str = ""
    budget: str = ""
    peer: str = ""
    seconds: float = 0.0

    def beside(self, bare: float) -> Line:
        """The same with what its seconds are in proportion, where a bare route gives so many answers a second."""
        if not self.seconds:
            return self
        share = self.seconds * bare / BARE
        said = f"{share:.2f} s" if share >= 0.1 else f"{share * 1000:.1f} ms"
        return replace(self, measured=f"{self.measured}; {said} in proportion to {rate(BARE)} bare ({rate(bare)} here)")


HEADINGS = Line("work", "database", "measured", "raw limit", "ratio", "budget", "best peer")


def markdown(lines: list[Line]) -> str:
    """The table as Markdown; its columns are aligned, so that it reads in a terminal too."""
    shown = [column.name for column in fields(Line) if column.name != "seconds"]
    rows = [[getattr(line, name) for name in shown] for line in (HEADINGS, *lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows)


def rate(number: float) -> str:
    """Requests or rows a second."""
    return f"{number:,.0f}/s"


def times(number: float) -> str:
    """A ratio."""
    return f"{number:.2f}x"
