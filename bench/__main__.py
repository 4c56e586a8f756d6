"""`./dw bench`: measure and print one table."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa

from bench import (
    automating,
    creating,
    demonstrating,
    documenting,
    exporting,
    forecasting,
    importing,
    listing,
    load,
    paging,
    painting,
    policy,
    reading,
    reporting,
    searching,
    servers,
    starting,
    tenants,
)
from bench.data import Installation, fill
from bench.table import Line, markdown
from tests.servers import NoServerError, in_memory, postgresql

WORKS: dict[str, Callable[[Installation], list[Line]]] = {
    "list": listing.measure,
    "page": paging.measure,
    "browser": painting.measure,
    "search": searching.measure,
    "report": reporting.measure,
    "policy": policy.measure,
    "start": starting.measure,
    "create": creating.measure,
    "read": reading.measure,
    "import": importing.measure,
    "export": exporting.measure,
    "document": documenting.measure,
    "forecast": forecasting.measure,
    "rules": automating.measure,
    "tenants": tenants.measure,
    "demo": demonstrating.measure,
}
FULL, QUICK = 100_000, 10_000
WITHOUT_DEALS = {"import"}
"""Works that bring their own rows."""


def main() -> None:
    """Read the arguments, measure on both databases, print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Dealwright beside the raw limit.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} rows instead of {FULL:,}")
    parser.add_argument("--rows", type=int, help="so many rows: `--only import --rows 1000000`")
    parser.add_argument("--only", default=",".join(WORKS), help=f"some of {', '.join(WORKS)}, with commas between")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="one alone")
    asked = parser.parse_args()
    works = [word.strip() for word in asked.only.split(",")]
    if unknown := set(works) - set(WORKS):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(WORKS)}")
    rows = asked.rows or (QUICK if asked.quick else FULL)
    lines: list[Line] = []
    for kind in [asked.database] if asked.database else ["sqlite", "postgresql"]:
        try:
            with _database(kind) as (home, url):
                lines += _measured(home, url, rows, works)
        except NoServerError as failure:
            _tell(f"no PostgreSQL: {failure}")
    print(f"{rows:,} rows, {load.CLIENTS} clients, {servers.WORKERS} processes; ratio: time beside the raw limit\n")
    print(markdown(lines))


def _measured(home: Path, url: str, rows: int, works: list[str]) -> list[Line]:
    deals = rows if set(works) - WITHOUT_DEALS else 0
    _tell(f"{url.partition(':')[0]}: making {deals:,} deals")
    installation = fill(home, url, rows, deals)
    lines = []
    for name, measure in WORKS.items():
        if name in works:
            before = _bare(installation)
            made = measure(installation)
            if any(line.seconds for line in made):
                pace = (before + _bare(installation)) / 2
                made = [line.beside(pace) for line in made]
            for line in made:
                _tell(f"  {line.work}: {line.measured}; {line.raw or 'no raw limit'} {line.ratio}")
            lines += made
    return lines


def _bare(installation: Installation) -> float:
    """Answers a second of a route that asks nothing: what the machine is worth at this moment."""
    with servers.by_hand(installation, {"url": installation.url, "tenant": str(installation.tenant)}) as port:
        request = load.request(port, "/bare")
        load.drive(port, request, 1)  # warms up
        return load.drive(port, request, 2).rate


@contextmanager
def _database(kind: str) -> Iterator[tuple[Path, str]]:
    """A home for one installation, and an empty database. Both databases are kept in memory, where there is room: PostgreSQL is set not to wait
    for a disk (see `tests.servers`), which SQLite would whenever it copies its log into the file."""
    home = Path(tempfile.mkdtemp(prefix="dealwright-bench-", dir=in_memory()))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        if kind == "sqlite":
            yield home, f"sqlite:///{home / 'bench.sqlite3'}"
            return
        server = stack.enter_context(postgresql())
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("DROP DATABASE IF EXISTS dealwright_bench WITH (FORCE)")
            connection.exec_driver_sql("CREATE DATABASE dealwright_bench")
        yield home, sa.make_url(server).set(database="dealwright_bench").render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.exec_driver_sql("DROP DATABASE dealwright_bench WITH (FORCE)")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
