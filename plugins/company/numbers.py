"""Numbers of documents: unique, without gaps, in a period of their own."""

from __future__ import annotations

import re
from datetime import date
from string import Formatter

from sdk import Batch, Condition, Context, Problem, _
from sdk.context import id_of

NAME = "company.sequence"
PARTS = frozenset({"year", "month", "day", "number"})
_WIDTH = re.compile(r"(0[1-9]|[1-9])?d?\Z")
FORMATS = {"never": "", "year": "%Y", "month": "%Y-%m"}


def next_numbers(ctx: Context, key: str, on: date, count: int = 1) -> list[str]:
    """The next `count` numbers of the sequence `key` for documents of that day, in the caller's write transaction.

    The sequence stays locked until the transaction ends: what is rolled back gives its numbers back, so there are no gaps.
    A sequence that is not there yet is made with a pattern of the key's own.
    """
    ctx.lock(f"{NAME}:{key}")
    records = ctx.as_system().records(NAME)
    found = records.find((Condition("key", "eq", (key,)),), 1)
    row = found[0] if found else records.create(_first(key))
    period = on.strftime(FORMATS[str(row["reset"])])
    started = int(str(row["next_number"])) if (row["period"] or "") == period or row["period"] is None else 1
    records.update(id_of(row), {"next_number": started + count, "period": period or None}, act="number")
    return [written(str(row["pattern"]), on, number) for number in range(started, started + count)]


def _first(key: str) -> dict[str, object]:
    noun = key.rpartition(".")[2]
    initials = "".join(word[0] for word in noun.split("_")).upper() if "_" in noun else noun[:3].upper()
    return {"key": key, "name": noun.replace("_", " ").capitalize(), "pattern": f"{initials}-{{year}}-{{number:05}}"}


def written(pattern: str, on: date, number: int) -> str:
    """A number as its pattern writes it."""
    return pattern.format(year=f"{on.year:04}", month=f"{on.month:02}", day=f"{on.day:02}", number=number)


def flaw_of(pattern: str, reset: str) -> Problem | None:
    """What is wrong with a pattern: unknown parts, no number, or a period that does not show, so that numbers would come twice."""
    try:
        parts = [(name, width or "") for _text, name, width, _conversion in Formatter().parse(pattern) if name is not None]
    except ValueError as failure:
        return Problem("pattern", "malformed", _("cannot read the pattern: {reason}"), {"reason": str(failure)})
    names = [name for name, _width in parts]
    if names.count("number") != 1 or set(names) - PARTS or not all(_WIDTH.match(width) for name, width in parts if name == "number"):
        return Problem("pattern", "malformed", _("expected text with {{number:05}} once, and {{year}}, {{month}}, {{day}}"), {})
    if any(width for name, width in parts if name != "number"):
        return Problem("pattern", "malformed", _("only the number takes a width"), {})
    needed = {"never": set[str](), "year": {"year"}, "month": {"year", "month"}}[reset]
    if missing := sorted(needed - set(names)):
        text = _("it starts again every {reset}, so the pattern needs {missing}: numbers would come twice")
        return Problem("pattern", "ambiguous", text, {"reset": reset, "missing": ", ".join(missing)})
    return None


def prepare_sequences(ctx: Context, batch: Batch) -> None:
    """A pattern that numbers, and numbers that never go back within their period."""
    for change in batch.standing():
        if flaw := flaw_of(str(change.after("pattern")), str(change.after("reset"))):
            change.problems.append(flaw)
        before = change.before["next_number"] if change.before else None
        if change.act != "number" and isinstance(before, int) and int(str(change.after("next_number"))) < before:
            text = _("numbers up to {last} are given out already; expected at least {next}")
            change.refuse("next_number", "given_out", text, last=before - 1, next=before)
