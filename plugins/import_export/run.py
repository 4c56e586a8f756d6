"""One import, chunk by chunk through the write door; a killed run goes on where it was, with each row once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from plugins.import_export import journal, origins
from plugins.import_export.chunk import ChunkWriter, type_chunk
from plugins.import_export.files import Sheet
from plugins.import_export.plan import Plan, Wish, read_columns
from plugins.import_export.tally import COUNTS, FATES, Tally, listed, type_row
from sdk import Channel, Context, Draft, Outcome, Stale, _
from sdk.context import SILENT, Row, id_of

CHUNK = 2000


def _unseen(_count: int) -> None:
    """Nobody watches."""


class DryRunEnds(Exception):
    """All rows have been tried: what was written is undone."""


class Run:
    """An import of a file whose record exists."""

    def __init__(self, ctx: Context, record: Row, wish: Wish, plan: Plan, file: Sheet) -> None:
        self.ctx, self.wish, self.plan, self.file = ctx.over(Channel.IMPORT), wish, plan, file
        if wish.silent:
            self.ctx = self.ctx.because(SILENT)
        self.id, self.version = id_of(record), int(str(record["version"]))
        self.done = int(str(record["position"]))
        self.total = {name: int(str(record[name])) for name in COUNTS}
        put_off = str(record["deferred"] or "")
        self._put_off = {int(number) for number in put_off.split(",") if number}
        self._fields = self.ctx.as_system().records(wish.entity).fields()
        self._began = self.ctx.now()
        self._before = sum(self.total[name] for name in FATES)
        self._rows = ChunkWriter(self.ctx, self.id, wish, plan, len(file.headings))

    def execute(self, step: Callable[[int], None] = _unseen) -> dict[str, int]:
        """Import all rows; returns the counts. On a dry run everything is validated and nothing stays."""
        self.start()
        if not self.wish.dry_run:
            self._for_real(step)
            self.conclude(Tally())
            return self.total
        whole: Tally | None = None
        try:
            with self.ctx.transaction(write=True):
                whole = self.rehearse(step)
                raise DryRunEnds
        except DryRunEnds:
            assert whole is not None
            self.conclude(whole)
        return self.total

    def start(self) -> None:
        """Say that it is running, of how many rows."""
        started = {} if self.done or self._put_off else {"started_at": self._began}
        self._save(
            {
                "state": "running",
                "ignored": listed(self.plan.ignored),
                "headings": json.dumps(self.file.headings),
                "total": self.plan.rows,
                **started,
            }
        )

    def conclude(self, tally: Tally) -> None:
        """Say what became of it; what a dry run has found out is told with it."""
        if self.wish.dry_run:
            self._keep(tally, {})
        self._save({"state": self._state(), "deferred": None, "ended_at": self.ctx.now(), "seconds_left": None})

    def _state(self) -> str:
        taken = self.total["created"] + self.total["updated"] + self.total["unchanged"]
        if not self.total["failed"] and not self.total["skipped"]:
            return "succeeded"
        return "partial" if taken or self.total["skipped"] else "failed"

    def rehearse(self, step: Callable[[int], None] = _unseen) -> Tally:
        """Try all rows, inside a transaction that its caller undoes."""
        whole, waiting = Tally(), list[type_row]()
        for chunk in _chunks(self.file.rows()):
            self._check_still_wanted()
            self._gather(whole, self._rows.write(self._read(chunk), last=False))
            waiting += whole.deferred
            whole.deferred = []
            step(len(chunk))
        self._until_settled(waiting, lambda tally: self._gather(whole, tally))
        return whole

    def _check_still_wanted(self) -> None:
        """A dry run commits nothing by which it would find out that it was cancelled."""
        if self.ctx.as_system().records(journal.IMPORT).values([self.id])[self.id]["version"] != self.version:
            raise Stale(_("the import was cancelled, or another process has it"))

    def _gather(self, whole: Tally, part: Tally) -> None:
        """Of a dry run the journal is written down at once: as text a million rows take little room."""
        whole.parts += self._parts(part)
        self._rows.same.pending = whole.parts
        part.fates, part.former = [], {}
        whole.add(part)

    def _parts(self, tally: Tally) -> list[Draft]:
        former = {} if self.wish.dry_run else tally.former  # nobody undoes a dry run: what people's records say is not kept for that
        return list(journal.drafts(self.id, self.wish.entity, self._fields, tally.fates, former))

    def _for_real(self, step: Callable[[int], None]) -> None:
        waiting: list[type_row] = []
        chunks = self._fresh(waiting, step)
        following = next(chunks, None)
        while (chunk := following) is not None:
            with self.ctx.transaction(write=True):
                tally = self._rows.write(chunk, last=False)
                following = next(chunks, None)  # while the database is writing
                waiting += tally.deferred
                self._keep(tally, {"position": chunk[0][-1][0], "deferred": _numbers(waiting)})
            step(len(chunk[0]))

        def commit(tally: Tally) -> None:
            self._keep(tally, {"deferred": _numbers(tally.deferred)})

        self._until_settled(waiting, commit)

    def _until_settled(self, waiting: list[type_row], keep: Callable[[Tally], None]) -> None:
        """Rows that wait for a parent in the same file: again and again while that helps, then they fail for good."""
        while waiting:
            with self.ctx.transaction(write=True):
                tally = Tally()
                for chunk in _chunks(iter(waiting)):
                    tally.add(self._rows.write(self._read(chunk), last=False))
                stuck = len(tally.deferred) == len(waiting)
                if stuck:
                    tally = Tally()
                    for chunk in _chunks(iter(waiting)):
                        tally.add(self._rows.write(self._read(chunk), last=True))
                keep(tally)
            waiting = tally.deferred

    def _fresh(self, waiting: list[type_row], step: Callable[[int], None]) -> Iterator[type_chunk]:
        """The chunks that no run before has written; their rows that wait for others go to `waiting`, the rest counts as a step."""
        for rows in _chunks(self.file.rows()):
            waiting += [row for row in rows if row[0] in self._put_off]
            fresh = [row for row in rows if row[0] > self.done]
            step(len(rows) - len(fresh))
            if fresh:
                yield self._read(fresh)

    def _read(self, rows: Sequence[type_row]) -> type_chunk:
        return rows, *read_columns(self.plan, [cells for _number, cells in rows])

    def _keep(self, tally: Tally, more: dict[str, object]) -> None:
        """Counts and rows in the same transaction as the records: they can never disagree."""
        for name, count in tally.counts.items():
            self.total[name] += count
        with self.ctx.transaction(write=True):
            drafts = [Draft("create", {"import": self.id, **row}) for row in tally.rows]
            system = self.ctx.as_system()
            system.records(journal.ROW).write_all(drafts)
            parts = [*tally.parts, *self._parts(tally)]
            written = system.records(journal.PART).write_all(parts)
            if not self.wish.dry_run:
                system.records(origins.ORIGIN).write_all([one for part in zip(parts, written, strict=True) for one in self._origins(*part)])
            self._save({**self.total, **self._progress(), **more})

    def _origins(self, part: Draft, written: Outcome) -> Iterator[Draft]:
        assert written.id is not None
        return origins.drafts(self.id, written.id, self.wish.entity, journal.read_rows(part.values))

    def _progress(self) -> dict[str, object]:
        """How many rows are done, how fast it goes, and how long the rest will take at that rate."""
        done, seconds = sum(self.total[name] for name in FATES), (self.ctx.now() - self._began).total_seconds()
        rate = (done - self._before) / seconds if seconds > 0 else 0
        left = round((self.plan.rows - done) / rate) if rate else None
        return {"done": done, "rate": round(rate) or None, "seconds_left": left if left is None else max(left, 0)}

    def _save(self, values: dict[str, object]) -> None:
        """The version is checked: should another process have taken this import over, this one stops with nothing written."""
        row = self.ctx.as_system().records("import_export.import").update(self.id, values, expected_version=self.version, act="run")
        self.version = int(str(row["version"]))


def _chunks(rows: Iterator[type_row]) -> Iterator[list[type_row]]:
    chunk: list[type_row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _numbers(rows: Sequence[type_row]) -> str | None:
    return ",".join(str(number) for number, _cells in rows) or None
