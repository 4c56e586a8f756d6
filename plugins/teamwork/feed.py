"""The calendar as other calendars read it: iCalendar (RFC 5545), times in UTC, tasks as to-dos."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from plugins.teamwork.assignments import helped
from plugins.teamwork.tables import CANCELLED, DONE
from sdk import Condition, Context
from sdk.context import Row

BACK, AHEAD, MOST = timedelta(days=60), timedelta(days=366), 5_000
MOST_OCTETS = 75
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_PRIORITY = {"high": 1, "normal": 5, "low": 9}
_STATUS = {"planned": "CONFIRMED", DONE: "CONFIRMED", CANCELLED: "CANCELLED"}


def calendar(ctx: Context) -> bytes:
    """The actor's own activities and tasks, and tasks that the actor helps with, from two months ago to a year ahead."""
    now = ctx.now()
    mine = Condition("owner", "eq", (ctx.actor.user_id,)) if ctx.actor.user_id is not None else Condition("owner", "empty", ("false",))
    held = (mine, Condition("starts_at", "gte", (now - BACK,)), Condition("starts_at", "lte", (now + AHEAD,)))
    first, last, me = (now - BACK).date(), (now + AHEAD).date(), ctx.actor.user_id
    due = (mine, Condition("due_on", "gte", (first,)), Condition("due_on", "lte", (last,)), Condition("state", "ne", (CANCELLED,)))
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Dealwright//Teamwork//EN",
        "CALSCALE:GREGORIAN",
        f"X-WR-CALNAME:{escaped(ctx.actor.name)}",
    ]
    for row in _rows(ctx, "teamwork.activity", held):
        lines += _event(row, now)
    for row in [*_rows(ctx, "teamwork.task", due), *(() if me is None else helped(ctx, me, first, last))]:
        lines += _to_do(row, now)
    return "".join(f"{part}\r\n" for line in [*lines, "END:VCALENDAR"] for part in folded(line)).encode()


def _rows(ctx: Context, entity: str, filter: tuple[Condition, ...]) -> Sequence[Row]:
    return ctx.records(entity).find(filter, MOST)


def _event(row: Row, now: datetime) -> Iterator[str]:
    """What the reader does not see of it is left out."""
    yield "BEGIN:VEVENT"
    yield from _shared(row, now)
    yield f"DTSTART:{_instant(row['starts_at'])}"
    if row.get("ends_at") is not None:
        yield f"DTEND:{_instant(row['ends_at'])}"
    if "state" in row:
        yield f"STATUS:{_STATUS[str(row['state'])]}"
    if "kind" in row:
        yield f"CATEGORIES:{escaped(str(row['kind']).upper())}"
    yield "END:VEVENT"


def _to_do(row: Row, now: datetime) -> Iterator[str]:
    due, done = row["due_on"], row.get("done_at")
    assert isinstance(due, date)
    yield "BEGIN:VTODO"
    yield from _shared(row, now)
    yield f"DUE;VALUE=DATE:{due:%Y%m%d}"
    if "priority" in row:
        yield f"PRIORITY:{_PRIORITY[str(row['priority'])]}"
    yield f"STATUS:{'COMPLETED' if row['state'] == DONE else 'NEEDS-ACTION'}"
    if done is not None:
        yield f"COMPLETED:{_instant(done)}"
    yield "END:VTODO"


def _shared(row: Row, now: datetime) -> Iterator[str]:
    yield f"UID:{row['id']}@dealwright"
    yield f"DTSTAMP:{_instant(row.get('updated_at', now))}"  # no entry may be without it (3.6.1)
    if "updated_at" in row:
        yield f"LAST-MODIFIED:{_instant(row['updated_at'])}"
    yield f"SEQUENCE:{row['version']}"
    if "subject" in row:
        yield f"SUMMARY:{escaped(str(row['subject']))}"
    if row.get("notes"):
        yield f"DESCRIPTION:{escaped(str(row['notes']))}"


def _instant(value: object) -> str:
    assert isinstance(value, datetime)
    return f"{value.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def escaped(text: str) -> str:
    """A text as a value (RFC 5545, 3.3.11); control characters but line breaks are left out."""
    plain = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def folded(line: str) -> list[str]:
    """A content line as lines of at most 75 octets (3.1), the later ones begun by a space; no character is cut in two."""
    parts, held, octets = list[str](), list[str](), 0
    for character in line:
        size = len(character.encode())
        if octets + size > MOST_OCTETS:
            parts.append("".join(held))
            held, octets = [" "], 1
        held.append(character)
        octets += size
    return [*parts, "".join(held)]
