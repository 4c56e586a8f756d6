"""Numbers of documents: unique, without gaps, in a period of their own."""

from __future__ import annotations

import re
from datetime import date
from string import Formatter

from sdk import Batch, Change, Condition, Context, Problem, _, where
from sdk.context import Row, id_of

NAME, COUNTER = "company.sequence", "company.counter"
PARTS = frozenset({"year", "month", "day", "number"})
_WIDTH = re.compile(r"(0[1-9]|[1-9])?d?\Z")
PERIODS = {"never": "-", "year": "{year}", "month": "{year}-{month}"}
"""How the period of a day is written; later periods sort behind earlier ones."""


def next_numbers(ctx: Context, key: str, on: date, count: int = 1) -> list[str]:
    """The next `count` numbers of the sequence `key` for documents of that day, in the caller's write transaction.

    The sequence stays locked until the transaction ends: what is rolled back gives its numbers back, so there are no gaps.
    Each period has a count of its own, so a document of an earlier period goes on where that one ended. A sequence that is
    not there yet is made with a pattern of the key's own.
    """
    ctx.lock(f"{NAME}:{key}")
    records = ctx.as_system().records(NAME)
    found = records.find((Condition("key", "eq", (key,)),), 1)
    row = found[0] if found else records.create(_first(key))
    period = written(PERIODS[str(row["reset"])], on, 0)
    if row["period"] in (None, period):
        started = int(str(row["next_number"]))
        records.update(id_of(row), {"next_number": started + count, "period": period}, act="number")
    elif str(row["period"]) < period:
        started = 1
        _keep(ctx, row, str(row["period"]), int(str(row["next_number"])))
        records.update(id_of(row), {"next_number": started + count, "period": period}, act="number")
    else:
        started = _keep(ctx, row, period, None, count)
    return [written(str(row["pattern"]), on, number) for number in range(started, started + count)]


def give_back(ctx: Context, key: str, on: date, count: int) -> None:
    """The last `count` numbers that `next_numbers` has told in this write transaction are the next ones again."""
    next_numbers(ctx, key, on, -count)


def _keep(ctx: Context, sequence: Row, period: str, next_number: int | None, count: int = 0) -> int:
    """Keep the count of a period that is not the sequence's latest, `count` further on; returns where it stood."""
    counters = ctx.as_system().records(COUNTER)
    found = counters.find(where(sequence=id_of(sequence), period=period), 1)
    started = next_number if next_number is not None else int(str(found[0]["next_number"])) if found else 1
    if found:
        counters.update(id_of(found[0]), {"next_number": started + count})
    else:
        counters.create({"sequence": id_of(sequence), "period": period, "next_number": started + count})
    return started


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
        parts = [(name, f"{conversion or ''}{width}") for _text, name, width, conversion in Formatter().parse(pattern) if name is not None]
    except ValueError as failure:
        return Problem("pattern", "malformed", _("invalid pattern: {reason}"), {"reason": str(failure)})
    names = [name for name, _width in parts]
    if names.count("number") != 1 or set(names) - PARTS or not all(_WIDTH.match(width) for name, width in parts if name == "number"):
        return Problem(
            "pattern", "malformed", _("expected text containing {{number:05}} once, and optionally {{year}}, {{month}}, {{day}}"), {}
        )
    if any(width for name, width in parts if name != "number"):
        return Problem("pattern", "malformed", _("only the number can have a width"), {})
    needed = {"never": set[str](), "year": {"year"}, "month": {"year", "month"}}[reset]
    if missing := sorted(needed - set(names)):
        text = _("restarts every {reset}, so the pattern needs {missing}; otherwise numbers would repeat")
        return Problem("pattern", "ambiguous", text, {"reset": reset, "missing": ", ".join(missing)})
    return None


def prepare_sequences(ctx: Context, batch: Batch) -> None:
    """A pattern that numbers, and numbers that never go back within their period; a sequence in use stays one."""
    for change in batch.changes:
        if change.before is not None and change.before["period"] is not None:
            _stay(change)
    for change in batch.standing():
        if flaw := flaw_of(str(change.after("pattern")), str(change.after("reset"))):
            change.problems.append(flaw)
        before = change.before["next_number"] if change.before else None
        if change.act != "number" and isinstance(before, int) and int(str(change.after("next_number"))) < before:
            text = _("numbers up to {last} have already been assigned; expected at least {next}")
            change.refuse("next_number", "given_out", text, last=before - 1, next=before)


def _stay(change: Change) -> None:
    """Once numbers are given out, what would give them out again is refused: another key or period, or a new start."""
    if change.verb == "delete":
        change.forbid("given_out", _("numbers have already been assigned; without it they would repeat"))
    for name in ("key", "reset"):
        if change.changes(name):
            change.refuse(name, "given_out", _("can’t be changed: numbers have already been assigned, so they would repeat"))
