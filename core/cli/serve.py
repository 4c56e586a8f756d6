"""`dealwright serve` and `dealwright config`."""

from __future__ import annotations

import gc
import json
import shutil
import tempfile
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from core import config as configs
from core.app import create_app
from core.cli.base import platform, refusals_told, settle
from core.http import metrics
from core.http.gateway import AccessLog, Worker
from core.http.limits import Limits
from core.platform import boot
from core.tenancy import first_start
from core.worker.drain import Drain
from sdk import links


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with threads, configured here; each worker boots after the fork, so that no connection is shared."""

    def __init__(self, host: str, port: int, workers: int, *, quiet: bool = False, first_start: str = "") -> None:
        folder = tempfile.mkdtemp(prefix="dealwright-metrics-") if workers > 1 else ""
        if folder:  # each counts for itself, and whichever is asked answers for all
            metrics.share(folder)
        self._address = (host, port)
        self._drain: Drain | None = None
        self._limits = Limits()  # shared by all workers
        self._first_start = first_start  # made before the fork: whichever worker is asked knows it
        self._options = {
            "bind": f"{host}:{port}", "workers": workers, "worker_class": Worker, "threads": 8, "keepalive": 30,
            "accesslog": None if quiet else "-", "loglevel": "warning", "control_socket_disable": True, "timeout": 60,
            "graceful_timeout": 10, "limit_request_line": 8190, "logger_class": AccessLog,
            "worker_exit": lambda _arbiter, _worker: self._drain.stop() if self._drain is not None else None,
            "on_exit": lambda _arbiter: shutil.rmtree(folder, ignore_errors=True) if folder else None,
        }  # fmt: skip
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        gc.disable()  # until it is settled
        booted = boot(configs.load().served_at(*self._address))
        booted.first_start, booted.limits = self._first_start, self._limits
        if booted.config.drain and not booted.config.redis_url:  # with Redis, relays and workers do it
            self._drain = Drain(booted)
            self._drain.start()
        app = create_app(booted)
        settle()
        return app


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Processes; each has 8 threads.")
@refusals_told
def serve(host: str, port: int, workers: int) -> None:
    """Serve the API."""
    gc.disable()
    booted = platform()
    ill = [f"{found.name} ({found.state.value})" for found in booted.plugins if not found.serves]
    code = first_start.new_code(booted)
    booted.close()
    click.echo(f"dealwright serves on http://{host}:{port}" + (f"; not in force: {', '.join(ill)}" if ill else ""), err=True)
    if code:
        click.echo(
            f"there is no tenant yet: make one at http://{host}:{port}/setup with the code {code} (or by POST /api/v1/setup)", err=True
        )
    gc.freeze()  # all workers have it from here, and whoever walks it makes it his own
    gc.enable()
    Server(host, port, workers, first_start=links.digest_of(code) if code else "").run()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def config(as_json: bool) -> None:
    """What is in force, and from where."""
    rows = configs.shown(configs.load())
    if as_json:
        click.echo(json.dumps({"data": [{"key": name, "value": value, "from": origin} for name, value, origin in rows]}, indent=2))
        return
    for name, value, origin in rows:
        click.echo(f"{name:14} {value:50} {origin}")
