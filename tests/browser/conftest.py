"""One server and one browser for all tests of a process; each test has a company of its own, and a window of its own."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4
from zlib import crc32

import pytest
import sqlalchemy as sa
from werkzeug.serving import make_server

from core.app import create_app
from core.config import Config
from core.context import Work
from core.http.security import cookie_name
from core.identity import sessions
from core.identity.sessions import Person, Visitor
from core.identity.tables import sign_ins
from core.platform import Platform, boot
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.tenancy.setup import set_up
from core.testkit.fixtures import Clock
from core.testkit.templates import Templates
from core.worker.drain import Drain
from sdk import Tenant
from tests.day import DAY
from tests.probe.fixtures import OURS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
PASSWORD = "correct horse battery"
SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
_REFUSED = re.compile(r"status of 4\d\d")
"""What a browser says of a refusal, which is an answer like others."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A journey of a working day is made at the desk or on the phone, and on the other one the next day; both where its name says so, in the other
    files, and with `DEALWRIGHT_TESTS=all`."""
    if os.environ.get("DEALWRIGHT_TESTS") != "all":
        left_out = [item for item in items if _waits_for_its_day(item)]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def _waits_for_its_day(item: pytest.Item) -> bool:
    name, _bracket, size = item.nodeid.removesuffix("]").partition("[")
    both = not name.startswith("tests/browser/test_day.py") or "phone" in name
    return not both and size != ("desk", "phone")[(crc32(name.encode()) + DAY) % 2]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser; without one the test is left out, but where it is required."""
    if not CHROMIUM:
        if os.environ.get("DEALWRIGHT_REQUIRE_BROWSER") == "1":
            pytest.fail("no Chromium on the PATH: install Debian's package `chromium`")
        pytest.skip("no Chromium on the PATH: install Debian's package `chromium`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, sqlite_templates: Templates) -> Iterator[tuple[Platform, str]]:
    """A platform with our plugins, and the address at which it is served."""
    home = tmp_path_factory.mktemp("served")
    with sqlite_templates.copy(OURS) as url:
        booted = boot(Config(home, url), clock=Clock(datetime(2026, 1, 15, 12, 0, tzinfo=UTC)), entry_points=OURS, check_schema=False)
        server = make_server("127.0.0.1", 0, create_app(booted), threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield booted, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)
        booted.close()


@dataclass
class Company:
    """A tenant with an administrator, Ann, and what a test needs to fill it."""

    platform: Platform
    tenant: Tenant
    address: str

    @property
    def work(self) -> Work:
        """The system in it."""
        return self.platform.system(self.tenant.id)

    @property
    def email(self) -> str:
        """Ann's."""
        return f"ann@{self.tenant.name}.example"

    def settle(self) -> None:
        """Everything that waits is done."""
        Drain(self.platform).run_until_empty()


@pytest.fixture
def company(served: tuple[Platform, str]) -> Company:
    """A company with its master data and nothing else."""
    booted, address = served
    tenant = lifecycle.create(booted, NewTenant(f"firm-{uuid4().hex[:12]}", "en", "UTC", "USD"))
    work = booted.system(tenant.id)
    with work.transaction(write=True):
        set_up(work)
    made = Company(booted, tenant, address)
    lifecycle.add_person(work, "Ann", made.email, ["admin"], PASSWORD)
    return made


class Window:
    """A window with one page. What the browser complains of fails the test."""

    def __init__(self, page: Any, company: Company) -> None:
        self.page, self.company = page, company
        self.complaints: list[str] = []
        self._heard: list[tuple[str, Callable[[Any], object]]] = []
        self.hear("console", self._complain)
        self.hear("pageerror", lambda failure: self.complaints.append(str(failure)))

    def _complain(self, said: Any) -> None:
        if said.type == "error" and not _REFUSED.search(said.text):
            self.complaints.append(said.text)

    def hear(self, event: str, told: Callable[[Any], object]) -> None:
        """Be told what happens on the page, until the test ends."""
        self.page.on(event, told)
        self._heard.append((event, told))

    def open(self, path: str) -> Any:
        """Go to a page of the console; returns it."""
        self.page.goto(f"{self.company.address}/console{path}")
        return self.page

    def arrive(self) -> None:
        """Ann has signed in before."""
        platform = self.company.platform
        with platform.database.begin(write=True, tenant=None) as connection:
            ann = connection.scalar(sa.select(sign_ins.c.id).where(sign_ins.c.email == self.company.email))
            cookie, _session = sessions.begin(connection, Person(ann), Visitor(), platform.clock())
        self.page.context.add_cookies([{"name": cookie_name(platform.config), "value": cookie, "url": self.company.address}])

    def sign_in(self) -> Any:
        """As Ann, by the form."""
        self.open("/sign-in")
        self.enter("**/console/")
        return self.page

    def enter(self, landing: str) -> None:
        """Sign in as Ann on the page that asks for it, and come to the one that was wanted."""
        self.page.fill("#email", self.company.email)
        self.page.fill("#password", PASSWORD)
        self.page.click("button.first")
        self.page.wait_for_url(landing)

    def leave(self) -> None:
        """Nobody is signed in, nothing is kept, and nobody listens any more."""
        page, origin = self.page, self.company.address
        for event, told in self._heard:
            page.remove_listener(event, told)
        page.unroute_all()
        page.goto(f"{origin}/health/live")  # what a page notes as it is left is noted by now
        page.evaluate("() => sessionStorage.clear()")
        tools = page.context.new_cdp_session(page)
        tools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        tools.detach()
        page.context.clear_cookies()
        page.goto("about:blank")


class Windows:
    """The windows of a process, one of each size: to open one costs as much as most of what a test does in it."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._pages: dict[str, Any] = {}

    def page(self, size: str) -> Any:
        """The page of the window of this size, as if it were new."""
        if size not in self._pages:
            phone = size == "phone"
            context = self._browser.new_context(
                viewport=SIZES[size], locale="en-GB", has_touch=phone, is_mobile=phone, reduced_motion="reduce"
            )
            context.set_default_timeout(10_000)
            self._pages[size] = context.new_page()
        found = self._pages[size]
        found.set_viewport_size(SIZES[size])
        found.emulate_media(color_scheme="light", reduced_motion="reduce")
        return found

    def drop(self, size: str) -> None:
        """Whatever has happened to it, the next test gets another."""
        self._pages.pop(size).context.close()


@pytest.fixture(scope="session")
def windows(chromium: Any) -> Windows:
    """The windows of this process."""
    return Windows(chromium)


@contextmanager
def opened(windows: Windows, size: str, company: Company, failed: Callable[[], bool] = lambda: False) -> Iterator[Window]:
    """A window in which nobody has been; once a test has `failed` in it, it is for no other."""
    made, left = Window(windows.page(size), company), False
    try:
        yield made
        if not failed():
            made.leave()
            left = True
    finally:
        if not left:
            windows.drop(size)
    assert not made.complaints, made.complaints


@pytest.fixture(params=["desk", "phone"])
def window(request: pytest.FixtureRequest, windows: Windows, company: Company) -> Iterator[Window]:
    """A window at the desk and one on the phone, in turn, in which Ann is signed in."""
    before = request.session.testsfailed
    with opened(windows, request.param, company, lambda: request.session.testsfailed > before) as made:
        made.arrive()
        yield made


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which looks for barriers."""
    import axe_core_python

    return (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
