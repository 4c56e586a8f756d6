"""One row of the outbox, run in its tenant: the same in the drain of `serve` and in an RQ worker."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import sqlalchemy as sa

from core.context import Work
from core.custom.definition import PREFIX
from core.entities.journal import CAUSES
from core.events.payload import items_of
from core.events.states import DEAD, DONE, HELD, SKIPPED, WAITING, Held, NotYet
from core.events.tables import outbox
from core.worker.reasons import NOTHING, Teller, Why
from sdk import Channel, Context, Event, GiveUp, NotFound, Text, Unavailable, Watch, _

if TYPE_CHECKING:
    from core.platform import Platform

log = logging.getLogger("dealwright.worker")
MOST_ATTEMPTS = 8
MOST_DEATHS = 8
"""What has taken its process down so often gets no further attempt, however much patience it has: patience is for others to come back."""
LONGEST_WAIT = 1_200.0
"""Seconds on the average, where a job has the patience for more than `MOST_ATTEMPTS`."""
AFTERWARDS = timedelta(hours=1)
"""The last attempt of a job with patience is put off to a time beyond it, and is to be made all the same."""
MOST_DEPTH = 8
"""So many runs of rules, or whatever else names itself with `ctx.because`, make a chain; where nothing is named, so many deliveries."""
MOST_ROWS = 64
"""No chain is longer, whatever a row is and whatever it names: a run and what hears of it are rows of their own."""
MOST_TOGETHER = 100
"""Records of several rows that one transaction delivers: on SQLite it keeps other writers waiting."""
LEASE = timedelta(minutes=5)
"""How long a claimed row stays invisible; who dies in between leaves it to be claimed again."""
type_row = Any


@dataclass
class _Group:
    kind: object
    records: set[str]
    rows: list[type_row]

    def takes(self, kind: object, records: set[str]) -> bool:
        return self.kind == kind and self.records.isdisjoint(records) and len(self.records) + len(records) <= MOST_TOGETHER


def together(rows: Iterable[type_row]) -> list[list[type_row]]:
    """The rows in groups that one transaction may deliver, in order: what one handler hears of one event, each record once.

    What was tried before stays by itself: whatever it does to its process, no neighbour suffers.
    """
    groups, last = list[_Group](), dict[tuple[UUID, str], _Group]()
    for row in rows:
        key, kind = (row.tenant_id, str(row.handler)), (row.kind, row.name, row.depth, row.payload.get("causes"))
        records = {item["id"] for item in items_of(row.payload)}
        single = row.kind != "delivery" or row.attempts > 0
        if key in last and not single and last[key].takes(kind, records):
            last[key].records |= records
            last[key].rows.append(row)
            continue
        groups.append(_Group(None if single else kind, records, [row]))
        last[key] = groups[-1]
    return [group.rows for group in groups]


def deliver_all(platform: Platform, rows: Sequence[type_row]) -> None:
    """Run a group of `together` in one transaction; where that fails, each row by itself, with its own attempts and its own reason."""
    if len(rows) > 1:
        try:
            work = _work(platform, rows[0])
            on = work is not None and str(rows[0].handler).partition(".")[0] in work.enabled
            if work is not None and on and _loop(platform, rows[0], work.causes) is None:
                _tell(platform, work, rows)
                return
        except Exception as failure:  # tried again at once, row by row: there it is kept with the row that fails
            log.info("%s for %d of %s failed together: %s", rows[0].handler, len(rows), rows[0].name, failure)
    for row in rows:
        deliver(platform, row)


def deliver(platform: Platform, row: type_row) -> None:
    """Run one row in its tenant; a failure is kept with its reason and tried again later, then it is dead."""
    told = Teller(platform, row, None)
    try:
        try:
            work = _work(platform, row)
            told = Teller(platform, row, work)
        except Unavailable:  # the tenant is suspended and may come back: this was no attempt
            _mark(platform, row, attempts=row.attempts, due_at=platform.clock() + LEASE)
            return
        plugin = str(row.handler).partition(".")[0]
        if work is not None and platform.gate.holds(row.tenant_id, plugin):  # until an administrator approves what it asks for: no attempt
            _mark(platform, row, attempts=row.attempts, due_at=platform.clock() + LEASE)
            return
        if work is None or plugin not in work.enabled:
            _mark(platform, row, state=SKIPPED, **told.say(_("{plugin} is turned off, or its user no longer exists"), {"plugin": plugin}))
            return
        entity = row.name.rpartition(".")[0]
        if row.kind == "delivery" and entity.startswith(f"{PREFIX}.") and not work.offers(entity):
            _mark(platform, row, state=SKIPPED, **told.say(_("the tenant no longer has the entity {entity}"), {"entity": entity}))
            return
        if (loop := _loop(platform, row, work.causes)) is not None:
            _end_chain(platform, work, row, told.say(*loop))
            return
        if row.deaths >= MOST_DEATHS or _exhausted(
            platform, row, row.attempts, AFTERWARDS
        ):  # a failure would have buried it: its process died
            text = _("the process ended {count} times while it ran; {error}")
            _bury(platform, row, told.say(text, {"count": row.deaths or row.attempts, "error": told.before()}))
            return
        _run(platform, work, row)
    except NotYet as reason:
        _mark(platform, row, attempts=row.attempts, due_at=platform.clock() + LEASE, **told.of(reason))
    except Held as reason:
        _mark(platform, row, state=HELD, **told.of(reason))
    except GiveUp as reason:
        _bury(platform, row, told.of(reason))
    except Exception as failure:  # whatever a handler raises is kept with the row and shown there
        log.warning("%s for %s failed, attempt %d", row.handler, row.name, row.attempts + 1, exc_info=failure)
        _retry(platform, row, told.of(failure))


def _work(platform: Platform, row: type_row) -> Work | None:
    """Deliveries act as the system, jobs as who asked for them."""
    try:
        if row.kind == "job" and row.actor_id is not None:
            work = platform.user(row.tenant_id, row.actor_id, Channel.PLUGIN, row.depth + 1).within(row.allows)
        else:
            work = platform.system(row.tenant_id, Channel.PLUGIN)
    except NotFound:
        return None
    work.depth, work.idempotency_key = row.depth + 1, str(row.id)
    work.impersonator = row.impersonator_id if row.kind == "job" else None
    work.causes = tuple(row.payload.get(CAUSES if row.kind == "job" else "causes", ()))
    return work


def _loop(platform: Platform, row: type_row, causes: tuple[str, ...]) -> tuple[Text, dict[str, object]] | None:
    """Why the chain that led to this row ends here, as a text with what fills it; None where it goes on.

    Only a watch lets the next rule begin, so only there are names counted: what else the last run of a chain caused is carried out.
    """
    named = len(causes) >= MOST_DEPTH and row.kind == "delivery" and _watch(platform, row) is not None
    unnamed = row.depth >= MOST_DEPTH and row.kind == "delivery" and not causes
    if not named and not unnamed and row.depth < MOST_ROWS:
        return None
    filled: dict[str, object] = {
        "handler": row.handler,
        "event": row.name,
        "count": len(causes) if named else row.depth,
        "causes": " > ".join(causes),
    }
    if named:
        return _("{handler} for {event}: a chain of {count} runs; it loops: {causes}"), filled
    if causes:
        return _("{handler} for {event}: a chain of {count} deliveries and jobs; it loops: {causes}"), filled
    return _("{handler} for {event}: a chain of {count} deliveries and jobs; it loops"), filled


def _run(platform: Platform, work: Work, row: type_row) -> None:
    if row.kind == "delivery":
        _tell(platform, work, [row])
        return
    # A job may be long and opens its own transactions: it is done when it returns, and must bear a second run.
    run = _job(platform, row)
    with _lease(platform, row) as held:
        if held:
            run(work)
            _mark(platform, row, whoever=True, state=DONE, **NOTHING)


def _job(platform: Platform, row: type_row) -> Callable[[Work], None]:
    if row.kind == "schedule" and (schedule := platform.catalog.schedules.get(row.handler)) is not None:
        return schedule.run
    if row.kind == "job" and (job := platform.catalog.jobs.get(row.handler)) is not None:
        arguments = {name: value for name, value in row.payload.items() if name != CAUSES}
        return lambda work: job.run(work, arguments)
    raise GiveUp(_("no plugin declares the {kind} {handler} any longer"), kind=row.kind, handler=row.handler)


def _listener(platform: Platform, row: type_row) -> Callable[[Context, Sequence[Event]], None]:
    there = platform.catalog.subscriptions.get(row.name, ())
    found = next((one.handler for one in there if f"{one.plugin}.{one.name}" == row.handler), None)
    watch = _watch(platform, row)
    if found is None and watch is None:
        raise GiveUp(_("{handler} no longer listens to {event}"), handler=row.handler, event=row.name)
    return found or cast("Watch", watch).handler


def _watch(platform: Platform, row: type_row) -> Watch | None:
    """What is to hear of it, if it may still, with what its plugin declares by now."""
    bounds = platform.bounds.get(str(row.handler).partition(".")[0])
    if bounds is not None and not bounds.hears(row.name, platform.catalog.permissions):
        return None
    return cast("Watch | None", platform.catalog.specs.get(Watch, {}).get(row.handler))


def _events(row: type_row) -> list[Event]:
    causes = tuple(row.payload.get("causes", ()))
    return [
        Event(row.name, UUID(item["id"]), {key: value for key, value in item.items() if key != "id"}, causes)
        for item in items_of(row.payload)
    ]


def _end_chain(platform: Platform, work: Work, row: type_row, why: Why) -> None:
    """The row is dead, with its reason, unless it is a watch's and that says that its chain would have ended here by itself."""
    watch = _watch(platform, row) if row.kind == "delivery" else None
    if watch is None:
        _bury(platform, row, why)
        return
    with work.transaction(write=True):
        if _told(work, [row]) and watch.looped(work, _events(row)) is not False:
            work.connection.execute(_rows(work, [row]).values(state=DEAD, deaths=row.deaths, **why))


def _tell(platform: Platform, work: Work, rows: Sequence[type_row]) -> None:
    handler = _listener(platform, rows[0])
    with work.transaction(write=True):
        told = _told(work, rows)
        events = [event for row in rows if row.id in told for event in _events(row)]  # of the others another process was faster
        if events:
            handler(work, events)


def _told(work: Work, rows: Sequence[type_row]) -> set[UUID]:
    """Mark rows as told, in the transaction that tells them; those that nobody else has finished."""
    waiting = _rows(work, rows).where(outbox.c.state == WAITING)
    return set(work.connection.execute(waiting.values(state=DONE, **NOTHING).returning(outbox.c.id)).scalars())


def _rows(work: Work, rows: Sequence[type_row]) -> sa.Update:
    return outbox.update().where(outbox.c.tenant_id == work.tenant.id, outbox.c.id.in_([row.id for row in rows]))


def _retry(platform: Platform, row: type_row, why: Why) -> None:
    attempts = row.attempts + 1
    if _exhausted(platform, row, attempts):
        _bury(platform, row, why)
        return
    wait = min(2.0 ** min(attempts, 16), LONGEST_WAIT) * random.uniform(0.5, 1.5)
    _mark(platform, row, state=WAITING, due_at=platform.clock() + timedelta(seconds=wait), **why)


def _exhausted(platform: Platform, row: type_row, attempts: int, beyond: timedelta = timedelta(0)) -> bool:
    """Whether there is no further attempt after so many; of a job with patience, so long `beyond` it."""
    job = platform.catalog.jobs.get(row.handler) if row.kind == "job" else None
    patience = timedelta(0) if job is None or not job.patience else job.patience + beyond
    return attempts >= MOST_ATTEMPTS and platform.clock() - row.created_at >= patience


@contextmanager
def _lease(platform: Platform, row: type_row) -> Iterator[bool]:
    """Keep a job's claim alive while it runs; False when another process has claimed it since we did."""
    claim = outbox.c.attempts == row.attempts + 1

    def renew() -> bool:
        mine = (outbox.c.tenant_id == row.tenant_id, outbox.c.id == row.id, outbox.c.state == WAITING, claim)
        with platform.database.begin(write=True, tenant=row.tenant_id) as connection:
            return bool(connection.execute(outbox.update().where(*mine).values(due_at=platform.clock() + LEASE)).rowcount)

    held, over = renew(), threading.Event()

    def keep() -> None:
        while not over.wait(LEASE.total_seconds() / 3):
            renew()

    keeper = threading.Thread(target=keep, name="dealwright-lease", daemon=True)
    if held:
        keeper.start()
    try:
        yield held
    finally:
        over.set()
        if held:
            keeper.join()


def _bury(platform: Platform, row: type_row, why: Why) -> None:
    """No further attempt: the row stays to be seen, with its reason."""
    _mark(platform, row, state=DEAD, **why)


def _mark(platform: Platform, row: type_row, *, whoever: bool = False, **values: object) -> None:
    """Say what became of the row, unless somebody else has finished it, or (but for success) has claimed it since."""
    mine = [outbox.c.tenant_id == row.tenant_id, outbox.c.id == row.id, outbox.c.state == WAITING]
    if not whoever:
        mine.append(outbox.c.attempts == row.attempts + 1)
    with platform.database.begin(write=True, tenant=row.tenant_id) as connection:
        connection.execute(outbox.update().where(*mine).values(deaths=row.deaths, **values))  # the process has lived to say so


def take(platform: Platform, tenant: UUID, ids: Sequence[UUID], attempts: int, crashes: int = 0) -> list[type_row]:
    """Begin an attempt on rows that were passed on after so many; without those that somebody else has begun or finished.

    A process that crashed has counted its attempt, or had not come as far as that.
    """
    begun = outbox.c.attempts.in_({attempts, attempts + crashes})
    mine = (outbox.c.tenant_id == tenant, outbox.c.id.in_(ids), outbox.c.state == WAITING, begun)
    with platform.database.begin(write=True, tenant=tenant) as connection:
        rows = list(connection.execute(sa.select(outbox).where(*mine).order_by(outbox.c.id).with_for_update()))
        if rows:
            count = {"attempts": outbox.c.attempts + 1, "deaths": outbox.c.deaths + 1, "due_at": platform.clock() + LEASE}
            connection.execute(outbox.update().where(outbox.c.tenant_id == tenant, outbox.c.id.in_([row.id for row in rows])).values(count))
    return rows
