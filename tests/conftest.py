"""Fixtures of all tests: every test of data runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from zlib import crc32

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from core.identity import passwords
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.engines import Embedded, Engine, Scaled
from core.testkit.fixtures import Clock, MakeTenant, People, make_people
from core.testkit.pytest_plugin import client, clock, entry_points, make_tenant, platform, work_as
from core.testkit.templates import Content, Templates
from core.worker.drain import Drain
from sdk import NotFound, Tenant
from sdk.context import id_of
from tests.day import AGAIN, DAY
from tests.servers import NoServerError, Valkey, postgresql
from tests.shared import TemplatesOfRun, folder_of_run, postgresql_of_run

__all__ = ["client", "clock", "entry_points", "make_tenant", "platform", "work_as"]

# The same examples at each run: a red test is the fault of the change before it. `explore` looks for new ones.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
settings.register_profile("suite", max_examples=25, derandomize=True, database=None, **_COMMON)
settings.register_profile("explore", max_examples=500, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """Passwords are hashed at the least cost: at the real one, which `tests/http/test_sign_in.py` holds, that was most of what signing in took."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "PasswordHasher", partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """SQLite files; what one worker has made the others copy."""
    return TemplatesOfRun(folder_of_run(tmp_path_factory) / "sqlite")


@pytest.fixture(scope="session")
def postgresql_templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates | str]:
    """Databases on the PostgreSQL server of this run, or the reason why there is none; on one that is named each worker has its own."""
    with ExitStack() as stack:
        try:
            if "DATABASE_URL_TEST" in os.environ:
                made = Templates(tmp_path_factory.mktemp("postgresql"), stack.enter_context(postgresql()))
            else:
                server, folder = stack.enter_context(postgresql_of_run(folder_of_run(tmp_path_factory)))
                made = TemplatesOfRun(folder, server)
        except NoServerError as failure:
            yield str(failure)
            return
        yield made
        made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_templates(request: pytest.FixtureRequest) -> Templates:
    """Where fresh databases come from, for each kind of database in turn."""
    made: Templates | str = request.getfixturevalue(f"{request.param}_templates")
    if isinstance(made, Templates):
        return made
    if os.environ.get("DEALWRIGHT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"no PostgreSQL: {made}")
    pytest.skip(f"no PostgreSQL: {made}")


@dataclass(frozen=True)
class Furnishing:
    """The tenant with which most tests begin, and its people."""

    people: bool
    timezone: str = "UTC"
    currency: str = "USD"
    idle: bool = False
    """Whether what follows from it in the background is done as well."""

    def __call__(self, platform: Platform) -> None:
        made = lifecycle.create(platform, lifecycle.NewTenant("acme", "en", self.timezone, self.currency, None, shown=True))
        if self.people:
            make_people(platform, made)
        if self.idle:
            Drain(platform).run_until_empty()


@pytest.fixture
def beginning(request: pytest.FixtureRequest, clock: Clock) -> Content | None:
    """What the database of a test holds at first: the tenant and the people that it asks for, made once for all tests at this time.

    None for tests whose tenant is another one.
    """
    asked = request.fixturenames
    return Content(Furnishing("people" in asked), clock.now) if "tenant" in asked else None


@pytest.fixture
def database_url(
    database_templates: Templates, entry_points: Sequence[EntryPoint] | None, beginning: Content | None, tmp_path: Path
) -> Iterator[str]:
    """A fresh database with the tables of all plugins."""
    with database_templates.copy(entry_points, beginning) as url:
        if beginning is not None:
            database_templates.lend_key(tmp_path)
        yield url


@pytest.fixture
def tenant(platform: Platform, make_tenant: MakeTenant) -> Tenant:
    """A tenant `acme` in UTC and US dollars that has every plugin."""
    try:
        return platform.system("acme").tenant
    except NotFound:  # the database was made for something else
        return make_tenant("acme")


@pytest.fixture
def people(platform: Platform, tenant: Tenant) -> People:
    """The people of `tenant`: `people.director`, `people.managers`, `people.reps[team][person]`, with the roles of sales."""
    work = platform.system(tenant.id)
    ids = {row["name"]: id_of(row) for row in work.records("core.user").find(())}
    if "director" not in ids:
        return make_people(platform, tenant)
    teams = {row["name"]: id_of(row) for row in work.records("core.team").find(())}
    three = range(3)
    return People(
        ids["director"],
        [ids[f"manager{n}"] for n in three],
        [teams[f"Team {n}"] for n in three],
        [[ids[f"rep{n}{m}"] for m in three] for n in three],
    )


@pytest.fixture
def empty_database_url(database_templates: Templates) -> Iterator[str]:
    """A fresh database without any table."""
    with database_templates.blank() as url:
        yield url


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey | str]:
    """A Redis or Valkey of this worker, or the reason why there is none."""
    try:
        made = Valkey()
    except NoServerError as failure:
        yield str(failure)
        return
    yield made
    made.stop()


@pytest.fixture
def valkey(request: pytest.FixtureRequest) -> Valkey:
    """An empty Redis or Valkey."""
    made: Valkey | str = request.getfixturevalue("valkey_server")
    if isinstance(made, Valkey):
        made.empty()
        return made
    if os.environ.get("DEALWRIGHT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"no Valkey: {made}")
    pytest.skip(f"no Valkey: {made}")


@pytest.fixture(params=["embedded", "scaled"])
def engine(request: pytest.FixtureRequest, platform: Platform) -> Engine:
    """Background work on each engine in turn: the drain of `serve`, and RQ."""
    if request.param == "embedded":
        return Embedded(platform)
    server: Valkey = request.getfixturevalue("valkey")
    return Scaled(platform, server.url)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How to run the same again another day."""
    if os.environ.get("DEALWRIGHT_TESTS") != "all":
        terminalreporter.write_line(f"What takes turns by the day: {AGAIN}")


def pytest_collection_finish() -> None:
    """What is there now stays: the collector of cycles need not walk it again in each test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """RQ on SQLite is tested by the worker's own tests; what plugins do is tested where it runs: each alone, and RQ with PostgreSQL.

    A test that is marked `every_pairing`, or proves one of `_ON_BOTH_ENGINES`, runs on both engines and both databases: each engine on one, or with
    `DEALWRIGHT_TESTS=all` each on each.
    """
    paired = {item for item in items if _is_paired(item)}
    left_out = _left_out([item for item in items if item not in paired])
    if os.environ.get("DEALWRIGHT_TESTS") != "all":
        left_out |= {item for item in paired if _pairing(item) not in (("embedded", "sqlite"), ("scaled", "postgresql"))}
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))
    if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        items[:] = dealt(items, workers)


_ON_BOTH_ENGINES = {"I2", "I3", "I13"}
"""Rows of the feature table on which everything else rests that happens in the background."""


def _is_paired(item: pytest.Item) -> bool:
    rows = {row for marker in item.iter_markers("feature") for row in marker.args}
    engines = None not in _pairing(item) and not item.nodeid.startswith("tests/worker/")
    return item.get_closest_marker("every_pairing") is not None or bool(engines and rows & _ON_BOTH_ENGINES)


def _pairing(item: pytest.Item) -> tuple[object, object]:
    """The engine and the database of a test, None where it has none."""
    chosen = getattr(item, "callspec", None)
    parameters = chosen.params if chosen is not None else {}
    return parameters.get("engine"), parameters.get("database_templates")


def _left_out(items: list[pytest.Item]) -> set[pytest.Item]:
    left_out = {item for item in items if _pairing(item) == ("scaled", "sqlite") and not item.nodeid.startswith("tests/worker/")}
    if os.environ.get("DEALWRIGHT_TESTS") != "all":
        left_out |= _in_turn([item for item in items if item not in left_out])
    return left_out


_IN_TURNS = (
    "tests/entities/", "tests/search/", "tests/worker/", "tests/audit/", "tests/jobs/", "tests/testkit/",
    "tests/plugins/", "tests/automation/", "tests/http/", "tests/journeys/", "tests/third_party/", "tests/mail/", "tests/custom/", "tests/privacy/",
    "tests/extension/", "tests/console/",
)  # fmt: skip

_BY_DAY = ("tests/plugins/test_golden_reports.py", "tests/plugins/test_ready_reports.py", "tests/plugins/test_reports.py")
"""Tests over the demo of two years, which takes long to fill: all on the one database one day, on the other the next."""


def _in_turn(items: list[pytest.Item]) -> set[pytest.Item]:
    """Tables, migrations, the wall between tenants and the laws of the doors (property tests) are tested on both databases; all else on one of the
    two each, by the digest of a test's name or by the day; where a test has an engine, PostgreSQL's turn is that of RQ, as in production.

    `DEALWRIGHT_TESTS=all` runs everything on both: it takes half as long again.
    """
    by_test: dict[str, dict[str, pytest.Item]] = {}
    for item in items:
        chosen = getattr(item, "callspec", None)
        database = str(chosen.params.get("database_templates", "")) if chosen is not None else ""
        law = item.nodeid.startswith("tests/entities/") and getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if database and item.nodeid.startswith(_IN_TURNS) and not law:
            others = [part for part in chosen.id.split("-") if part not in ("sqlite", "postgresql", "embedded", "scaled")]
            found = by_test.setdefault(f"{item.nodeid.partition('[')[0]} {others}", {})
            found[f"{database} {chosen.params.get('engine', '')}"] = item
    turns = {name: sorted(found) for name, found in by_test.items() if len({one.partition(" ")[0] for one in found}) == 2}
    return {
        by_test[name][one]
        for name, found in turns.items()
        for one in found
        if one.partition(" ")[0] == ("sqlite", "postgresql")[(DAY if name.startswith(_BY_DAY) else crc32(name.encode())) % 2]
        or (one == "postgresql embedded" and "postgresql scaled" in found and not name.startswith("tests/worker/"))
    }


LONGEST = {
    ("tests/testkit/test_leaks.py",): 80,
    ("tests/browser/",): 70,
    ("tests/journeys/",): 70,
    ("tests/plugins/test_round_trip.py", "tests/plugins/test_naughty_texts.py"): 60,
    ("tests/testkit/test_mutations.py", "tests/testkit/test_seeded_bugs.py"): 45,
    ("tests/plugins/test_golden_reports.py", "tests/plugins/test_ready_reports.py", "tests/plugins/test_reports.py"): 45,
    ("tests/http/test_schemathesis.py",): 40,
    ("tests/third_party/",): 40,
    ("tests/data/test_migrations.py", "tests/plugins/test_migrations_of_data.py"): 40,
    ("tests/architecture/",): 40,
    ("tests/packaging/",): 22,
}
"""Tests that take long, with about how many seconds of a processor; those of an entry share a world, a browser or a house."""


def dealt(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The same tests, as `--dist worksteal` hands them out: a stretch of the list to each worker, and who is done takes from the end of another's.

    So each stretch begins with some of the longest, and ends with short ones: no worker is left alone with a long test in the end.
    """
    hands: list[list[pytest.Item]] = [[] for _worker in range(workers)]
    seconds, rest = [0] * workers, items
    for beginnings, weight in LONGEST.items():
        chosen = [item for item in rest if item.nodeid.startswith(beginnings)]
        if chosen:
            rest = [item for item in rest if not item.nodeid.startswith(beginnings)]
            lightest = seconds.index(min(seconds))
            hands[lightest] += chosen
            seconds[lightest] += weight
    found, taken = list[pytest.Item](), 0
    for number, hand in enumerate(hands):
        stretch = (len(items) - len(found)) // (workers - number)
        most = max(stretch - len(hand), 0)
        found += hand + rest[taken : taken + most]
        taken += most
    return found + rest[taken:]
