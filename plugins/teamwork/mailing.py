"""Notices by mail: at once, after their reader's quiet hours, or gathered into one letter a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.teamwork.notices import LONGEST_TITLE, MAIL, PART, keep_single, line, living, page, wanted, wishes
from plugins.teamwork.tables import DEFAULT_DIGEST, LEFT_OUT, SENT, WAITING
from plugins.teamwork.workdays import zones_of
from sdk import Batch, Condition, Context, Draft, Invalid, Mail, NotFound, Told, _, where
from sdk.changes import ERASE
from sdk.context import Row, id_of
from sdk.days import instant
from sdk.fields import Reference

TIMES, HELD, POST = "teamwork.letter_times", "teamwork.held_letter", "teamwork.post_letters"
CHANNEL = f"teamwork.{MAIL}"
HOLD, GO = "hold", "go"
DAY = timedelta(days=1)
OVERDUE = timedelta(minutes=10)
MOST_GATHERED, MOST_SHOWN = 200, 1_000
"""Notices of one letter, and characters that it shows of each; more notices make another letter."""


@dataclass(frozen=True, slots=True)
class Times:
    """When somebody wants letters: the hours without any, the time of the gathered one, and where the clock stands."""

    zone: ZoneInfo
    quiet: tuple[time, time] | None = None
    digest: time = time.fromisoformat(DEFAULT_DIGEST)


def quiet_until(times: Times, now: datetime) -> datetime | None:
    """The end of the quiet hours in which `now` lies, in UTC; None outside them.

    They last from one instant to another, not while a clock shows certain figures: where a local time comes twice it is the first,
    one that summer time leaves out is taken after the gap.
    """
    if times.quiet is None:
        return None
    since, until = times.quiet
    today = now.astimezone(times.zone).date()
    for day in (today - DAY, today):
        end = instant(day if since < until else day + DAY, times.zone, until)
        if instant(day, times.zone, since) <= now < end:
            return end
    return None


def next_digest(times: Times, now: datetime) -> datetime:
    """When the next gathered letter goes out, in UTC: at its time of the day, or at the end of the quiet hours that it falls in."""
    day = now.astimezone(times.zone).date() - DAY  # at the date line a day may be left out: begin ahead
    while (found := instant(day, times.zone, times.digest)) <= now:
        day += DAY
    return quiet_until(times, found) or found


def times_of(ctx: Context, people: Iterable[UUID]) -> Mapping[UUID, Times]:
    """The times of these people; who has said nothing has letters at once. Two questions for all."""
    there = sorted(set(people))
    homes = zones_of(ctx, there)
    found = {person: Times(homes[person]) for person in there}
    for start in range(0, len(there), PART):
        for row in ctx.as_system().records(TIMES).find((Condition("owner", "in", tuple(there[start : start + PART])),), PART):
            owner = UUID(str(row["owner"]))
            found[owner] = _times(row, homes[owner])
    return found


def _times(row: Row, home: ZoneInfo) -> Times:
    since, until, digest = (
        time.fromisoformat(str(row[name])) if row[name] else None for name in ("quiet_from", "quiet_until", "digest_at")
    )
    quiet = (since, until) if since is not None and until is not None else None
    zone = ZoneInfo(str(row["timezone"])) if row["timezone"] else home
    return Times(zone, quiet) if digest is None else Times(zone, quiet, digest)


def prepare_times(ctx: Context, batch: Batch) -> None:
    """Quiet hours have two ends that differ, and nobody has two such records."""
    for change in batch.standing():
        since, until = (change.after(name) for name in ("quiet_from", "quiet_until"))
        if (since is None) != (until is None):
            missing = "quiet_from" if since is None else "quiet_until"
            change.refuse(missing, "required", _("quiet hours need a start and an end; enter both or neither"))
        elif since is not None and since == until:
            change.refuse("quiet_until", "no_hours", _("quiet hours can’t end when they start; to stop emails altogether, mute them"))
    keep_single(ctx, batch, ("owner",))


# --- from a notice to a letter ---------------------------------------------------------------------------------------


def by_mail(ctx: Context, told: Sequence[Told]) -> None:
    """A letter to each reader with an address, now or at a later time; where a letter cannot go to it, the other channels tell."""
    said = wishes(ctx, CHANNEL, told)
    readers = [one for one in told if one.email and not said[one].muted]
    times, now = times_of(ctx, [one.user_id for one in readers]), ctx.now()
    held, wakes = list[tuple[Told, bool, datetime]](), dict[tuple[UUID, datetime], None]()
    for one in readers:
        mine, gathered = times[one.user_id], said[one].digest
        due = next_digest(mine, now) if gathered else quiet_until(mine, now)
        if due is None:
            _send(ctx, one.email, line(one.title)[:LONGEST_TITLE], one.body or one.title, [one.about])
        else:
            held.append((one, gathered, due))
            wakes[one.user_id, due] = None
    there = living(ctx, [one for one, _gathered, _due in held])
    drafts = [_draft(one, gathered, due, one.about if one.about in there else None) for one, gathered, due in held]
    ctx.as_system().records(HELD).write_all(drafts)
    for person, at in wakes:
        _wake(ctx, person, at)


def _draft(one: Told, gathered: bool, due: datetime, about: Reference | None) -> Draft:
    values = {
        "kind": one.kind, "title": line(one.title)[:LONGEST_TITLE], "body": page(one.body) or None, "gathered": gathered,
        "about": about, "state": WAITING, "due_at": due, "owner": one.user_id,
    }  # fmt: skip
    return Draft("create", values, act=HOLD)


def _wake(ctx: Context, person: UUID, at: datetime) -> None:
    ctx.enqueue(POST, {"person": str(person)}, at=at)


def _send(ctx: Context, email: str, subject: str, text: str, concerns: Sequence[object]) -> bool:
    """Ask for a letter; False where the address is none of a mailbox, such as a sign-in name."""
    try:
        letter = Mail(email, subject, text, concerns=[one for one in concerns if isinstance(one, Reference)])
    except Invalid:
        return False
    ctx.mail(letter)
    return True


def leave_out_erased(_ctx: Context, batch: Batch) -> None:
    """A letter that is emptied while it waits goes to nobody."""
    for change in batch.standing():
        if change.act == ERASE and change.before is not None and change.before["state"] == WAITING:
            change.values |= {"state": LEFT_OUT, "due_at": None}


# --- when the time has come ------------------------------------------------------------------------------------------


def post(ctx: Context, arguments: Mapping[str, object]) -> None:
    """Let the letters go that wait for somebody and whose time has come. The wish to send them and the mark that they have gone commit
    together: a wake-up that comes twice, or late, finds what has not gone and nothing else."""
    person = UUID(str(arguments["person"]))
    while _post_some(ctx.as_system(), person):
        pass


def resume(ctx: Context) -> None:
    """Wake what should have gone: the plugin was off, a wake-up failed for good, or who had caused it has left."""
    with ctx.transaction(write=True):
        late = ctx.records(HELD).find((Condition("due_at", "lt", (ctx.now() - OVERDUE,)),), 10 * PART)
        for person in dict.fromkeys(row["owner"] for row in late):
            ctx.enqueue(POST, {"person": str(person)})


def _post_some(ctx: Context, person: UUID) -> bool:
    with ctx.transaction(write=True):
        ctx.lock(f"{HELD}:{person}")
        due = (*where(owner=person), Condition("due_at", "lte", (ctx.now(),)))
        letters = ctx.records(HELD).find(due, MOST_GATHERED)
        if not letters:
            return False
        until = quiet_until(times_of(ctx, [person])[person], ctx.now())
        if until is not None:  # the hours are others now, or we come late
            _mark(ctx, letters, {"due_at": until})
            _wake(ctx, person, until)
            return True
        gone = _go(ctx, person, letters)
        _mark(ctx, [row for row in letters if id_of(row) in gone], {"state": SENT, "due_at": None, "sent_at": ctx.now()})
        _mark(ctx, [row for row in letters if id_of(row) not in gone], {"state": LEFT_OUT, "due_at": None})
        return True


def _mark(ctx: Context, letters: Sequence[Row], values: Mapping[str, object]) -> None:
    ctx.records(HELD).write_all([Draft("update", values, id_of(row), act=GO) for row in letters])


def _go(ctx: Context, person: UUID, letters: Sequence[Row]) -> set[UUID]:
    """Send these letters as far as somebody still wants them; returns those that have gone."""
    try:
        reader = ctx.as_user(person)
    except NotFound:  # has left
        return set()
    email = str(ctx.records("core.user").values([person])[person]["email"] or "")
    heard = {
        one.kind for one in wanted(ctx, CHANNEL, [Told(person, email, reader.locale, str(row["kind"]), "", "", None) for row in letters])
    }
    letters = [row for row in letters if row["kind"] in heard] if email else []
    gone = {
        id_of(row) for row in letters
        if not row["gathered"] and _send(ctx, email, str(row["title"]), str(row["body"] or row["title"]), [row["about"]])
    }  # fmt: skip
    gathered = [row for row in letters if row["gathered"]]
    title, concerns = reader.say(_("Your notifications: {count}"), {"count": len(gathered)}), [row["about"] for row in gathered]
    if gathered and _send(ctx, email, title, _page(ctx, person, gathered), concerns):
        gone |= {id_of(row) for row in gathered}
    return gone


def _page(ctx: Context, person: UUID, letters: Sequence[Row]) -> str:
    """What several notices say, oldest first, each with the local time at which it came."""
    zone, parts = times_of(ctx, [person])[person].zone, list[str]()
    for row in letters:
        came, body = row["created_at"], str(row["body"] or "")
        assert isinstance(came, datetime)
        shown = body if len(body) <= MOST_SHOWN else f"{body[: MOST_SHOWN - 1]}…"
        parts.append(f"{came.astimezone(zone):%Y-%m-%d %H:%M}  {row['title']}" + (f"\n{shown}" if shown else ""))
    return "\n\n".join(parts)
