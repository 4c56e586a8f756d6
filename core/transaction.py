"""Transactions as contexts of the same work share them: what is kept until one ends, and what is done once it has."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection, NestedTransaction
from sqlalchemy.exc import IntegrityError

from core.audit import entries
from core.data import bulk, in_flight
from core.data.engine import asked
from core.data.statistics import Growth, grown_within
from core.events.tables import audit
from core.files import LocalFiles
from core.policy.grants import Grants
from core.tenancy.tables import tenants
from sdk import Conflict, NotFound, Problem, Tenant, _
from sdk.context import KEPT

if TYPE_CHECKING:
    from core.context import Work
    from core.platform import Platform
    from core.policy.bounds import Bounds

MOST_TRACES = 4_000
"""Rows that a transaction keeps in memory."""
MANY_TRACES = 1_000
"""Rows of one write with which the database is to begin while the process goes on."""
CONCURRENT = _("someone saved a record with the same values at the same moment; try again")
_VERSION = sa.select(tenants.c.access_version).where(tenants.c.id == sa.bindparam("of"))
_QUESTION = f"SELECT access_version FROM {tenants.name} WHERE id = $1"  # noqa: S608 (a constant)


@contextmanager
def _heard_late() -> Iterator[None]:
    """Rows that the database refuses when their write is over already are refused as the write itself would have."""
    try:
        yield
    except IntegrityError as failure:
        if not in_flight.is_late(failure):
            raise
        raise Conflict(CONCURRENT, code="concurrent") from failure


class Transaction:
    """The open connection that contexts of the same work share, and what to do once it has committed."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.writes = False
        self.doomed = False
        self.after: list[Callable[[], None]] = []
        self.known: frozenset[tuple[str, UUID]] = frozenset()
        self.traces: dict[sa.Table, list[dict[str, Any]]] = {}
        """Rows of audit and outbox: those of its first write go with what that writes, those of all others at once as it ends."""
        self.ready: Callable[[], None] | None = None
        """Writes many of them, which are made ready for the database already."""
        self.told = False
        """Whether it has written any of them."""
        self.access_version = 0
        """The tenant's, as it was when the work began, or as this work has made it."""
        self.access_changed = False
        self.attempts: list[dict[str, Any]] = []
        """Rows of audit about what was refused: they are kept whatever becomes of the transaction."""
        self.answers: dict[Hashable, bool] = {}
        """What has been asked of records in a transaction that reads, and need not be asked again in it."""
        self.kept: dict[str, object] = {}
        """What is kept while this work itself has changed what it was made from: not for others, it may yet be undone."""
        self.warned: list[Problem] = []
        """What is to be told beside what people have written in it, which was taken."""
        self.saved: list[str] = []
        """The keys of files that were saved in it."""
        self.read_back = False
        """Whether what is written is read at once, so that both go to the database together."""
        self.growth: Growth | None = None
        """What it has written of large batches, where it will not be committed however long it lasts."""
        self.point: NestedTransaction | None = None
        """Where reading goes on when a part of it fails."""

    def forget_traces(self) -> None:
        """What is not written yet will not be."""
        self.traces.clear()
        self.ready = None


class Transactional:
    """What a context does with its transaction."""

    platform: Platform
    tenant: Tenant
    grants: Grants
    enabled: frozenset[str]
    bounds: Bounds | None
    _transaction: Transaction
    _readers: dict[str, Any]

    @property
    def connection(self) -> Connection:
        """The connection of the open transaction, for core's machinery alone."""
        connection = self._transaction.connection
        if connection is None:
            raise RuntimeError("no transaction is open: use `with ctx.transaction():`")
        return connection

    @property
    def in_transaction(self) -> bool:
        """Whether one is open."""
        return self._transaction.connection is not None

    @property
    def writes(self) -> bool:
        """Whether the one that is open may write; what only asks whether something could be done is not to lock anything."""
        return self._transaction.writes

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[None]:
        shared = self._transaction
        if shared.connection is not None:
            if write and not shared.writes:
                raise RuntimeError("a read transaction cannot turn into a write: open it with write=True")
            yield
            return
        ask = _QUESTION if shared.access_version else ""
        begun = self.platform.database.begin(write=write, tenant=self.tenant.id, ask=ask)
        try:
            with _heard_late(), ExitStack() as after, begun as connection:
                after.callback(self.keep_attempts)
                if shared.access_version:  # work may be long: what is kept is kept for the tenant as it is now
                    there = asked(connection) or connection.execute(_VERSION, {"of": self.tenant.id}).one_or_none()
                    if there is None:  # purged meanwhile: nothing may be written behind it
                        raise NotFound(_("tenant {name!r} does not exist; see `dealwright tenant list`"), name=self.tenant.name)
                    shared.access_version = int(there[0])
                with self.adopt(connection, writes=write):
                    yield
        except BaseException:  # also of the commit itself: what was to follow it must not follow the next one
            shared.after.clear()
            raise
        done, shared.after = shared.after, []
        for call in dict.fromkeys(done):
            call()

    @contextmanager
    def adopt(self, connection: Connection, *, writes: bool) -> Iterator[None]:
        """Work inside a transaction that somebody else opened and will end."""
        shared = self._transaction
        shared.connection, shared.writes, shared.doomed, shared.access_changed, shared.told = connection, writes, False, False, False
        try:
            yield
            if shared.doomed:
                raise RuntimeError("a write failed half-way inside this transaction and was caught: all of it is undone")
            self.write_traces()
            shared.access_version += shared.access_changed
        finally:
            shared.connection, shared.writes, shared.access_changed, shared.point = None, False, False, None
            shared.kept.clear()
            shared.answers.clear()
            shared.forget_traces()
            shared.saved.clear()

    @contextmanager
    def tried(self) -> Iterator[None]:
        """Inside a write transaction: what fails here is undone back to here and raised, and the rest may go on."""
        shared, connection = self._transaction, self.connection
        self.write_traces()
        after, doomed, changed, saved = list(shared.after), shared.doomed, shared.access_changed, len(shared.saved)
        point = connection.begin_nested()
        try:
            yield
            self.write_traces()
            in_flight.settle(connection)
        except BaseException:
            in_flight.forget(connection)
            point.rollback()
            shared.after, shared.doomed, shared.access_changed = after, doomed, changed
            shared.forget_traces()
            shared.kept.clear()
            for key in shared.saved[saved:]:
                LocalFiles(self.platform.config.home, self.tenant.id).remove(key)
            del shared.saved[saved:]
            raise
        point.commit()

    @contextmanager
    def looked(self) -> Iterator[None]:
        """What fails here is raised, and the transaction goes on. In one that reads nothing is to be undone: such parts share one savepoint."""
        shared = self._transaction
        if shared.writes:
            with self.tried():
                yield
            return
        if shared.point is None:
            shared.point = self.connection.begin_nested()
        try:
            yield
        except BaseException:
            point, shared.point = shared.point, None
            if point is not None:  # None where a part within this one has failed
                point.rollback()
            raise

    def once(self, question: Hashable, ask: Callable[[], bool]) -> bool:
        """Ask the database once in a transaction that reads; one that writes may have changed what the answer rests on."""
        shared = self._transaction
        if shared.writes or question not in shared.answers:
            shared.answers[question] = ask()
        return shared.answers[question]

    @contextmanager
    def knowing(self, records: Iterable[tuple[str, UUID]]) -> Iterator[None]:
        """Inside, the system need not look for these records, by entity and id: they have been seen in this transaction."""
        before = self._transaction.known
        self._transaction.known = before | frozenset(records)
        try:
            yield
        finally:
            self._transaction.known = before

    def known(self, entity: str, ids: Iterable[UUID]) -> set[UUID]:
        """Of these records those that the system need not look for."""
        known = self._transaction.known
        return {id for id in ids if (entity, id) in known} if known and self.grants.everything else set()

    def leave(self, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
        """Rows of audit or outbox, to be written with the transaction's others."""
        traces = self._transaction.traces
        traces.setdefault(table, []).extend(rows)
        if sum(map(len, traces.values())) >= MOST_TRACES:
            self.write_traces()

    def hand_on(self) -> None:
        """A write is done: the database has taken its rows. The first write's traces go with rows that were held back: most transactions write
        once. Many traces are made ready, and go behind the first questions of the next write."""
        if self._has_many_traces():
            self._make_ready()
            return
        hold = self._transaction.read_back
        if not self._transaction.told and in_flight.holds(self.connection):
            self.write_traces(hold=hold)
        if not hold:
            in_flight.settle(self.connection)

    @contextmanager
    def reading_back(self) -> Iterator[None]:
        """Inside a write transaction: what is written is read right afterwards. The database gets both at once, and what it refuses of the
        one is heard of with the other."""
        self._transaction.read_back = True
        try:
            yield
            in_flight.settle(self.connection)
        except IntegrityError as failure:
            self.doom()
            raise Conflict(CONCURRENT, code="concurrent") from failure
        finally:
            self._transaction.read_back = False

    def send_off(self) -> None:
        """A write knows what its links lead to: the database is to work on the many traces of the one before while the process looks at the
        rest. Sent earlier, they would have kept those questions waiting, which wait for the rows of the one before as it is."""
        insert, self._transaction.ready = self._transaction.ready, None
        if insert is not None:
            insert()

    def _has_many_traces(self) -> bool:
        return sum(map(len, self._transaction.traces.values())) >= MANY_TRACES

    def _make_ready(self) -> None:
        """Many traces as the database takes them: while it is at work on the rows that they tell of."""
        shared = self._transaction
        self.send_off()
        shared.told = True
        self._sign()
        shared.ready = bulk.ready(self.connection, shared.traces)
        shared.traces.clear()

    def _sign(self) -> None:
        shared = self._transaction
        if (committed := entries.sign(cast("Work", self), shared.traces.get(audit, ()), shared.after)) is not None:
            shared.after.append(committed)

    def write_traces(self, *, hold: bool = False) -> None:
        """Write down now what the transaction has kept of audit and outbox until its end; `hold`: with what is asked next."""
        self.send_off()
        shared = self._transaction
        shared.told = shared.told or bool(shared.traces)
        self._sign()
        bulk.insert_all(self.connection, shared.traces, hold=hold)
        shared.traces.clear()

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Inside a write transaction: what is done inside is looked at and then undone, with all that it would have left behind."""
        shared = self._transaction
        self.write_traces()
        after, doomed, changed, version = list(shared.after), shared.doomed, shared.access_changed, shared.access_version
        nested = self.connection.begin_nested()
        try:
            yield
        finally:
            in_flight.forget(self.connection)
            nested.rollback()
            shared.forget_traces()
            shared.kept.clear()
            shared.after[:] = after
            shared.doomed, shared.access_changed, shared.access_version = doomed, changed, version
            self._readers.clear()

    def doom(self) -> None:
        """A write failed after it had begun: whoever catches that may go on reading, but nothing will be committed."""
        self._transaction.doomed = True

    def once_committed(self, call: Callable[[], None]) -> None:
        """To be called once the open transaction is committed; never where it is undone."""
        self._transaction.after.append(call)

    def awaken(self) -> None:
        """Once committed, tell the drain that there is something to do."""
        self.once_committed(self.platform.awaken)

    def grown(self, table: str, rows: int) -> None:
        """The planner is told of a table that has grown by much: once that is committed, or at once where it never will be."""
        shared = self._transaction
        if shared.growth is not None:
            grown_within(self.connection, shared.growth, table, rows)
        else:
            self.once_committed(partial(self.platform.statistics.grown, table, rows))

    @contextmanager
    def growing(self) -> Iterator[None]:
        """Inside a transaction that will be undone: the planner hears of its rows while it lasts."""
        self._transaction.growth = Growth()
        try:
            yield
        finally:
            self._transaction.growth = None

    def access_changed(self) -> None:
        """Somebody's rights changed: every process compiles them anew at its next request."""
        self.connection.execute(tenants.update().where(tenants.c.id == self.tenant.id).values(access_version=tenants.c.access_version + 1))
        self._transaction.access_changed = True
        self._transaction.kept.clear()

    def kept(self, name: str, make: Callable[[], KEPT]) -> KEPT:
        """See `sdk.Context`: made within the bounds of a plugin it is not what others would have made, nor theirs to see."""
        return self.common(name if self.bounds is None else f"{self.bounds.plugin} {name}", make)

    def common(self, name: str, make: Callable[[], KEPT]) -> KEPT:
        """The same for the platform itself, whoever's code asks."""
        shared, key = self._transaction, (self.tenant.id, name)
        if shared.access_changed:
            if name not in shared.kept:
                shared.kept[name] = make()
            return cast("KEPT", shared.kept[name])
        if not shared.access_version:  # work that begins before its tenant does knows no version
            return make()
        there = self.platform.kept.get(key)
        if there is None or there[0] != shared.access_version or (there[1] is not self.enabled and there[1] != self.enabled):
            there = self.platform.kept.keep(key, (shared.access_version, self.enabled, make()))
        return cast("KEPT", there[2])

    def keep_attempts(self) -> None:
        """Once the transaction is over: put what was refused in it into the audit, by one of its own, and count which plugins raised."""
        self.platform.calls.failures.keep(self.platform.database, self.platform.clock())
        attempts, self._transaction.attempts = self._transaction.attempts, []
        repeats, now = self.platform.repeats, self.platform.clock()
        if rows := repeats.to_tell(attempts, now) if attempts else []:
            try:
                with self.platform.database.begin(write=True, tenant=self.tenant.id) as connection:
                    committed = entries.sign(cast("Work", self), rows)
                    bulk.insert_all(connection, {audit: rows})
            except BaseException:
                repeats.take_back(rows)
                raise
            if committed is not None:
                committed()
