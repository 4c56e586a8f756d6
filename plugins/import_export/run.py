"""One import, chunk by chunk through the write door; a killed run goes on where it was, with each row once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from time import monotonic

from plugins.import_export import journal, origins
from plugins.import_export.as_read import AsRead
from plugins.import_export.chunk import ChunkWriter, type_chunk
from plugins.import_export.files import Sheet
from plugins.import_export.lost import Lost
from plugins.import_export.matching import SameFile
from plugins.import_export.plan import Plan, Wish
from plugins.import_export.tally import COUNTS, FATES, NO_RECORDS, Tally, listed, type_row
from plugins.import_export.values import read_columns
from plugins.import_export.waiting import Waiting
from sdk import Channel, Condition, Context, Draft, Query, where
from sdk.context import SILENT, Row, id_of

CHUNK, FIRST, FEWEST = 2000, 500, 50
"""Rows of a piece: at the most, at first, and at the least."""
EMPTY = "empty"
"""The state of an import of a file that has headings alone: nothing failed, and nothing was taken."""
LONGEST = 0.5
"""Seconds for which a piece may keep others from writing; on a slow day pieces become smaller."""
TOGETHER = LONGEST
"""Seconds within which pieces share a transaction: what ends one, and what is kept of it, is done once for them, and the database is at work
on the rows of one piece while the next is looked at."""
type_keep = Callable[[Tally, Mapping[str, object]], None]
"""Is told what became of a piece, and what else is to be known of the run."""


def _unseen(_count: int) -> None:
    """Nobody watches."""


class Run:
    """An import of a file whose record exists."""

    def __init__(self, ctx: Context, record: Row, wish: Wish, plan: Plan, file: Sheet, lost: Lost) -> None:
        self.ctx, self.wish, self.plan, self.file, self.lost = ctx.over(Channel.IMPORT), wish, plan, file, lost
        if wish.quiet:
            self.ctx = self.ctx.because(SILENT)
        self.id, self.version = id_of(record), int(str(record["version"]))
        self._asked = json.loads(str(record["wish"] or "{}"))
        # Nothing of a dry run that was killed is there to go on with: it begins anew.
        self._again = wish.dry_run and bool(record["done"])
        self.done = 0 if self._again else int(str(record["position"]))
        self.total = {name: 0 if self._again else int(str(record[name])) for name in COUNTS}
        self._waiting = Waiting("" if self._again else str(record["deferred"] or ""))
        self._fields = self.ctx.as_system().records(wish.entity).fields()
        self._began = self.ctx.now()
        self._before = sum(self.total[name] for name in FATES)

    def execute(self, step: Callable[[int], None] = _unseen) -> dict[str, int]:
        """Import all rows; returns the counts. On a dry run everything is validated and nothing stays."""
        self.start()
        if self.wish.dry_run:
            rehearse(self.ctx, [self], step)
            return self.total
        self.take(self.ctx, self.writer(self.ctx, SameFile(self.ctx, self.ctx, self.id, self.wish.entity)), self.keep, step)
        self.conclude()
        return self.total

    def writer(self, ctx: Context, same: SameFile) -> ChunkWriter:
        """What writes its rows through `ctx`."""
        return ChunkWriter(ctx, same, self.wish, self.plan, self.file, self.lost)

    def start(self) -> None:
        """Say that it is running, of how many rows."""
        if self._again:
            self._forget()
        started = {} if self.done or self._waiting else {"started_at": self._began}
        self._save(
            {
                "state": "running",
                "ignored": listed(self.plan.ignored),
                "emptied": listed([self.plan.emptied]),
                "headings": json.dumps(self.file.headings),
                "wish": json.dumps({**self._asked, **AsRead.found(self.plan, self.file.delimiter)}),
                "total": self.plan.rows,
                **started,
            }
        )

    def _forget(self) -> None:
        """What a dry run has found out that was killed."""
        self._delete(origins.ORIGIN, journal.ROW, journal.PART)

    def _delete(self, *entities: str) -> None:
        mine = where(**{"import": self.id})
        for name in entities:
            records = self.ctx.as_system().records(name)
            while found := records.query(Query(mine, fields=("id",), limit=500)).data:
                records.write_all([Draft("delete", {}, id_of(row), act="run") for row in found])

    def conclude(self) -> None:
        """Say what became of it."""
        if self.wish.dry_run:  # while it ran, rows found each other by them; it is nobody's origin
            self._delete(origins.ORIGIN)
        self._save({"state": self._state(), "deferred": None, "ended_at": self.ctx.now(), "seconds_left": None})

    def _state(self) -> str:
        taken = self.total["created"] + self.total["updated"] + self.total["unchanged"]
        if not self.plan.rows:
            return EMPTY
        if not self.total["failed"] and (not self.total["skipped"] or (taken and self.total["skipped"] == self._left_out())):
            return "succeeded"
        return "partial" if taken or self.total["skipped"] else "failed"

    def _left_out(self) -> int:
        """How many rows were skipped as they are no records."""
        mine = (*where(**{"import": self.id}, outcome="skipped"), Condition("code", "in", NO_RECORDS))
        found = self.ctx.as_system().records(journal.ROW).aggregate(("count",), filter=mine)
        return int(str(found[0]["count"])) if found else 0

    def take(self, ctx: Context, rows: ChunkWriter, keep: type_keep, step: Callable[[int], None] = _unseen) -> None:
        """Write all rows through `ctx`, piece by piece, and tell of each piece."""
        pace = Pace()
        rows.behind = bool(self._waiting)
        chunks = self._fresh(step, pace)
        following = next(chunks, None)
        while following is not None:
            tally, taken = Tally(), 0
            rows.begin()
            with ctx.transaction(write=True):
                pace.begin()
                while following is not None and pace.goes_on() and len(tally.rows) < CHUNK:  # what is told of rows is in memory until then
                    chunk = following
                    with pace.of(len(chunk[0])):
                        rows.write(chunk, tally)
                        following = next(chunks, None)  # while the database is writing
                    taken += len(chunk[0])
                self._waiting.add(number for number, _cells in tally.deferred)
                self._waiting.keep(tally.places)
                keep(tally, {"position": chunk[0][-1][0], "deferred": self._waiting.text()})
            step(taken)
        self._until_settled(ctx, rows, keep)

    def _until_settled(self, ctx: Context, rows: ChunkWriter, keep: type_keep) -> None:
        """Rows that wait for a parent in the same file: again and again while that helps, then they fail for good.

        They are read from the file anew: a file of which every row waits is not to be held in memory.
        """
        last, pace = False, Pace()
        while self._waiting:
            before = len(self._waiting)
            for chunk in _chunks((row for row in self.file.rows() if row[0] in self._waiting), pace):
                tally = Tally()
                rows.begin()
                with pace.of(len(chunk)), ctx.transaction(write=True):
                    rows.write_again(self._read(chunk), tally, self._waiting.places(number for number, _cells in chunk), last=last)
                    self._waiting.remove(number for number, _cells in chunk)
                    self._waiting.add(number for number, _cells in tally.deferred)
                    keep(tally, {"deferred": self._waiting.text()})
            if last:
                break
            last = len(self._waiting) == before

    def _fresh(self, step: Callable[[int], None], pace: Pace) -> Iterator[type_chunk]:
        """The chunks that no run before has written; the rest counts as a step."""
        for rows in _chunks(self.file.rows(), pace):
            fresh = [row for row in rows if row[0] > self.done]
            if len(fresh) < len(rows):  # these come before the first piece: no transaction waits while it is told
                step(len(rows) - len(fresh))
            if fresh:
                yield self._read(fresh)

    def _read(self, rows: Sequence[type_row]) -> type_chunk:
        return rows, *read_columns(self.plan, [cells for _number, cells in rows])

    def keep(self, tally: Tally, more: Mapping[str, object]) -> None:
        """Counts and rows in the same transaction as the records: they can never disagree. Of a dry run, which writes none, in one of its own.

        Raises Stale where the import was cancelled.
        """
        for name, count in tally.counts.items():
            self.total[name] += count
        with self.ctx.transaction(write=True):
            system = self.ctx.as_system()
            system.records(journal.ROW).write_all([Draft("create", {"import": self.id, **row}) for row in tally.rows])
            former = {} if self.wish.dry_run else tally.former  # nobody undoes a dry run: what people's records say is not kept for that
            parts = list(journal.parts(tally.fates, self._fields, former))
            groups = [origins.grouped(fates) for fates, _before in parts]  # now: from here on one waits for the database
            written = system.records(journal.PART).write_all([journal.draft(self.id, self.wish.entity, *part) for part in parts])
            placed = [(id, made) for part, made in zip(written, groups, strict=True) if (id := part.id) is not None]
            drafts = [one for id, made in placed for one in origins.drafts(self.id, id, self.wish.entity, made)]
            system.records(origins.ORIGIN).write_all(drafts)
            self._save({**self.total, **self._progress(), **more})

    def _progress(self) -> dict[str, object]:
        done = sum(self.total[name] for name in FATES)
        return paced(done, self._before, self.plan.rows, (self.ctx.now() - self._began).total_seconds())

    def _save(self, values: dict[str, object]) -> None:
        """The version is checked: should another process have taken this import over, this one stops with nothing written."""
        row = self.ctx.as_system().records("import_export.import").update(self.id, values, expected_version=self.version, act="run")
        self.version = int(str(row["version"]))


def paced(done: int, before: int, total: int, seconds: float) -> dict[str, object]:
    """How many rows are done, how fast it goes since it began with some `before`, and how long the rest will take at that rate."""
    rate = (done - before) / seconds if seconds > 0 else 0
    left = round((total - done) / rate) if rate else None
    return {"done": done, "rate": round(rate) or None, "seconds_left": left if left is None else max(left, 0)}


class Pace:
    """How many rows make a piece, and how many pieces go together, by how long those before took."""

    def __init__(self) -> None:
        self.size = min(FIRST, CHUNK)
        self._began, self._took = 0.0, 0.0

    def begin(self) -> None:
        """A transaction begins."""
        self._began, self._took = monotonic(), 0.0

    def goes_on(self) -> bool:
        """Whether one more piece fits into the transaction: the first does, others if they should be over in time."""
        return not self._took or monotonic() - self._began + self._took <= TOGETHER

    @contextmanager
    def of(self, rows: int) -> Iterator[None]:
        """While a piece of so many rows is written."""
        began = monotonic()
        yield
        self._took = max(monotonic() - began, 0.001)
        self.size = max(min(int(rows * LONGEST / self._took), self.size * 2, CHUNK), min(FEWEST, CHUNK))


def _chunks(rows: Iterator[type_row], pace: Pace) -> Iterator[list[type_row]]:
    while chunk := list(islice(rows, pace.size)):
        yield chunk


type_told = tuple[Run, Tally, Mapping[str, object]]


def _remember(told: list[type_told], run: Run, tally: Tally, more: Mapping[str, object]) -> None:
    told.append((run, tally, more))


def is_short(runs: Sequence[Run]) -> bool:
    """Whether the rows of all these are so few that a rehearsal of them is over before anybody has to wait."""
    return sum(run.plan.rows for run in runs) <= min(FIRST, CHUNK)


def rehearse(ctx: Context, runs: Sequence[Run], step: Callable[[int], None] = _unseen) -> None:
    """Try the rows of all these runs together, as those of one link to those of another; then say what became of each.

    What was found out is told piece by piece, and each asks whether the run is still wanted. What is short is told at the end.
    """
    short = is_short(runs)
    told: list[type_told] = []
    with ctx.rehearsal(short=short) as trying:
        for run in runs:
            mine = trying.over(Channel.IMPORT)
            mine = mine.because(SILENT) if run.wish.quiet else mine
            same = SameFile(mine, None if short else run.ctx, run.id, run.wish.entity)
            run.take(mine, run.writer(mine, same), partial(_remember, told, run) if short else run.keep, step)
    with ctx.transaction(write=True):
        for run, tally, more in told:
            run.keep(tally, more)
        for run in runs:
            run.conclude()
