"""`dealwright worker` and `dealwright relay`: background work in processes of its own, over Redis or Valkey."""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing.connection import wait
from time import sleep
from types import FrameType, ModuleType

import click

from core import config as configs
from core.cli.base import platform, refusals_told, settle
from core.platform import Platform, boot
from sdk import DeclarationError


def _engine() -> tuple[str, ModuleType, ModuleType]:
    """Redis's address and the modules that know it; raises DeclarationError where one is missing."""
    url = configs.load().redis_url
    if not url:
        raise DeclarationError("REDIS_URL is not set: `dealwright serve` does background work itself; set it to use workers and relays")
    try:
        from core.worker import relay as relays  # noqa: PLC0415 (an extra)
        from core.worker import rq_worker  # noqa: PLC0415
    except ImportError as failure:
        raise DeclarationError(f"workers need an extra: {failure}; pip install 'dealwright[rq]'") from failure
    return url, relays, rq_worker


@click.command()
@refusals_told
def relay() -> None:
    """Pass what is due from the database to the workers. One is enough, several do no harm."""
    url, relays, rq_worker = _engine()
    booted = platform()
    working = relays.Relay(booted, rq_worker.connect(url))

    def end(_number: int, _frame: FrameType | None) -> None:
        working.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    settle()
    click.echo("dealwright relay is at work", err=True)
    working.run()
    booted.close()


@click.command()
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@refusals_told
def worker(workers: int) -> None:
    """Run background work. Any number of processes on any number of machines."""
    _engine()
    booted = platform()
    if workers == 1:
        _work(booted)
        return
    booted.close()
    _supervise(workers)


def _work(booted: Platform) -> None:
    url, _relays, rq_worker = _engine()
    settle()
    rq_worker.RowWorker(booted, rq_worker.connect(url)).work(logging_level="WARNING")


def _boot_and_work() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    _work(boot(configs.load()))


def _supervise(count: int) -> None:
    """Keep so many processes running until told to stop; each ends after its present row."""
    fork, stopping = multiprocessing.get_context("fork"), False
    processes = [fork.Process(target=_boot_and_work) for _ in range(count)]
    for process in processes:
        process.start()

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for process in processes:
            process.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    while any(process.is_alive() for process in processes):
        wait([process.sentinel for process in processes], timeout=5)
        for place, process in enumerate(processes):
            if not process.is_alive() and not stopping:
                process.join()
                sleep(1)  # what ended it may still be there: a database that is away
                processes[place] = fork.Process(target=_boot_and_work)
                processes[place].start()
