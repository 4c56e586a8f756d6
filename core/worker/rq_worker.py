"""RQ workers: they run two functions of ours, by name and with JSON, and nothing else that a queue might ask for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.job import Job, Retry
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from core.worker.deliver import LEASE, deliver_all, take, together, type_row

if TYPE_CHECKING:
    from core.platform import Platform

log = logging.getLogger("dealwright.worker")
QUEUE = "dealwright"
CRASHES = 2
"""How often RQ itself starts a row again whose process died; after that the row's lease does. Failures are ours to retry."""
UNSEEN = timedelta(minutes=2)
LIMIT = int(LEASE.total_seconds())
"""Seconds that a delivery may take: behind them another worker begins it as well, and one that never ends would have them all. Jobs may be long."""


def deliver(platform: Platform, tenant: str, rows: list[str], attempts: int, crashes: int) -> None:
    """Tell a subscriber what happened."""
    _perform(platform, "delivery", tenant, rows, attempts, crashes)


def run_job(platform: Platform, tenant: str, rows: list[str], attempts: int, crashes: int) -> None:
    """Run a job, or a schedule that fell due."""
    _perform(platform, "job schedule", tenant, rows, attempts, crashes)


def _perform(platform: Platform, kinds: str, tenant: str, rows: list[str], attempts: int, crashes: int) -> None:
    """Count the attempt and run them, unless another process has: the queue may hold the same row twice."""
    taken = take(platform, UUID(tenant), [UUID(row) for row in rows], attempts, crashes)
    deliver_all(platform, [row for row in taken if row.kind in kinds.split()])


FUNCTIONS: dict[str, Callable[[Platform, str, list[str], int, int], None]] = {
    f"{__name__}.{one.__name__}": one for one in (deliver, run_job)
}


class QueuedRow(Job):
    """A row of the outbox on its way through Redis."""

    platform: Platform | None = None
    """The platform of this worker's process."""

    def perform(self) -> None:
        """Run one of the two functions; raises PermissionError for any other name, whoever put it there."""
        function = FUNCTIONS.get(str(self.func_name))
        if function is None or self.platform is None:
            raise PermissionError(f"{self.func_name} is none of ours; there are {', '.join(FUNCTIONS)}")
        tenant, rows, attempts = self.args
        crashes = 0 if self.retries_left is None else CRASHES - self.retries_left
        if crashes == 1 and len(rows) > 1:  # one of them took the process down: each by itself, so that it takes no other along
            _put(
                queue_on(self.connection),
                [_job(str(self.func_name), tenant, [row], attempts, str(self.description), crashes) for row in rows],
            )
            return
        function(self.platform, tenant, rows, attempts, crashes)


class RowWorker(Worker):
    """A worker whose work horses have the platform booted, with connections of their own."""

    def __init__(self, platform: Platform, connection: Redis) -> None:
        # RQ's own defaults would find a killed worker's row after 800 seconds.
        super().__init__([queue_on(connection)], connection=connection, job_class=QueuedRow, serializer=JSONSerializer,
                         worker_ttl=45, maintenance_interval=15, job_monitoring_interval=5, log_job_description=False)  # fmt: skip
        self._platform = platform

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the forked process: what the parent holds open is the parent's."""
        self._platform.database.engine.dispose(close=False)
        QueuedRow.platform = self._platform
        super().main_work_horse(job, queue)


class OneProcess(RowWorker):
    """A worker that runs its rows itself: quicker by the forks, and gone with the first row that takes its process down.

    It hears no commands: the thread that listens for them is waited for at the end of each run, and there is no work horse to be stopped.
    """

    def subscribe(self) -> None:
        """Nothing: see the class."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a row."""
        QueuedRow.platform = self._platform
        self.perform_job(job, queue, self.prepare_execution(job))
        self.set_state(WorkerStatus.IDLE)


def connect(url: str, *, patience: float | None = None) -> Redis:
    """Redis or Valkey at a URL; `patience` is how many seconds it may be silent."""
    connection: Redis = Redis.from_url(url, socket_connect_timeout=patience or 5, socket_timeout=patience)
    return connection


def queue_on(connection: Redis) -> Queue:
    """The one queue."""
    return Queue(QUEUE, connection=connection, job_class=QueuedRow, serializer=JSONSerializer, default_timeout=-1)


def enqueue(queue: Queue, rows: list[type_row]) -> None:
    """Put rows into the queue in one go; one that is there already may be there twice, and is run once."""
    jobs = []
    for group in together(rows):
        first, ids = group[0], [str(row.id) for row in group]
        name = f"{__name__}.{(deliver if first.kind == 'delivery' else run_job).__name__}"
        jobs.append(_job(name, str(first.tenant_id), ids, first.attempts, f"{first.handler} for {first.name}"))
    _put(queue, jobs)


def _job(function: str, tenant: str, rows: list[str], attempts: int, description: str, crashes: int = 0) -> EnqueueData:
    limit = LIMIT if function.endswith(f".{deliver.__name__}") else -1
    return Queue.prepare_data(
        function, (tenant, rows, attempts), timeout=limit, result_ttl=0, failure_ttl=3600, job_id=f"{rows[0]}-{attempts}-{len(rows)}",
        description=description, retry=Retry(max=CRASHES - crashes),
    )  # fmt: skip


def _put(queue: Queue, jobs: list[EnqueueData]) -> None:
    with queue.connection.pipeline() as pipeline:
        queue.enqueue_many(jobs, pipeline=pipeline)
        pipeline.execute()


def worker_state(url: str, now: datetime | None = None) -> str:
    """ "ok", or what is wrong with the background: Redis silent, or no worker seen for two minutes."""
    try:
        connection = connect(url, patience=2)
        beats: list[Any] = [worker.last_heartbeat for worker in Worker.all(connection=connection, serializer=JSONSerializer)]
    except RedisError as failure:
        return f"redis does not answer: {failure}; see REDIS_URL"
    last = max((beat.replace(tzinfo=UTC) for beat in beats if beat is not None), default=None)
    if last is None or (now or datetime.now(UTC)) - last > UNSEEN:
        return "no worker has been seen for 2 minutes; start `dealwright worker`"
    return "ok"
