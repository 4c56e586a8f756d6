"""A letter on its way through real processes: a relay and workers, over a real queue and a real mail server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest
from click.testing import CliRunner

from core import config as configs
from core.cli.main import main
from core.cli.serve import Server
from core.platform import boot
from core.worker.drain import Drain
from sdk import Mail
from tests.mail.conftest import MailServer
from tests.servers import Valkey

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


NAMES = ("DATABASE_URL", "REDIS_URL", "MAIL_URL", "MAIL_FROM", "DEALWRIGHT_DRAIN", "DEALWRIGHT_PLUGINS")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an installation with a tenant `acme`, made once: each test has a copy."""
    home = tmp_path_factory.mktemp("furnished")
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES:
            patch.delenv(name, raising=False)
        patch.setenv("DEALWRIGHT_HOME", str(home))
        made = CliRunner().invoke(main, ["tenant", "create", "acme", "--admin", "me@acme.example"])
    assert made.exit_code == 0, made.output
    return home


@pytest.fixture
def installation(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tenant `acme`, and the environment that points to it."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DEALWRIGHT_HOME", str(shutil.copytree(furnished, tmp_path / "var")))
    return tmp_path


@pytest.mark.parametrize("command", ["relay", "worker"])
def test_without_redis_there_are_no_workers_and_one_is_told_so(installation: Path, command: str) -> None:
    told = CliRunner().invoke(main, [command])
    assert told.exit_code == 2
    assert "REDIS_URL" in told.output


@pytest.mark.parametrize(("redis_url", "drains"), [("", 1), ("redis://127.0.0.1:1/0", 0)])
def test_serve_drains_unless_there_is_redis(installation: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str, drains: int) -> None:
    started: list[Drain] = []

    def start(drain: Drain) -> None:
        started.append(drain)

    monkeypatch.setattr(Drain, "start", start)
    monkeypatch.setenv("REDIS_URL", redis_url)
    Server("127.0.0.1", 0, 1).load()
    assert len(started) == drains


@pytest.mark.parametrize(("named", "leads_to"), [("", "http://127.0.0.1:8971"), ("https://crm.acme.example", "https://crm.acme.example")])
def test_links_lead_to_where_serve_listens_unless_an_address_is_named(
    installation: Path, monkeypatch: pytest.MonkeyPatch, named: str, leads_to: str
) -> None:
    monkeypatch.setenv("DEALWRIGHT_DRAIN", "off")
    monkeypatch.setenv("DEALWRIGHT_URL", named)
    monkeypatch.setattr("core.cli.serve.create_app", lambda booted: booted)
    assert Server("::", 8971, 1).load().config.url == leads_to


def test_mail_check_on_the_command_line(installation: Path, monkeypatch: pytest.MonkeyPatch, mail_server: MailServer) -> None:
    held = CliRunner().invoke(main, ["mail", "check"])
    assert held.exit_code == 2 and "MAIL_URL" in held.output
    monkeypatch.setenv("MAIL_URL", mail_server.url)
    monkeypatch.setenv("MAIL_FROM", "sales@acme.example")
    right = CliRunner().invoke(main, ["mail", "check"])
    assert (right.exit_code, right.output) == (0, f"127.0.0.1:{mail_server.port} takes mail from sales@acme.example\n")
    monkeypatch.setenv("MAIL_URL", mail_server.url.replace("right", "wrong"))
    wrong = CliRunner().invoke(main, ["mail", "check"])
    assert wrong.exit_code == 2 and "535" in wrong.output and "wrong%40pass" not in wrong.output


def test_a_letter_goes_from_a_commit_through_relay_and_workers(
    installation: Path, monkeypatch: pytest.MonkeyPatch, mail_server: MailServer, valkey: Valkey
) -> None:
    arrived = Event()
    mail_server.told = arrived.set
    for name, value in (("REDIS_URL", valkey.url), ("MAIL_URL", mail_server.url), ("MAIL_FROM", "sales@acme.example")):
        monkeypatch.setenv(name, value)
    program = [sys.executable, "-c", "from core.cli.main import main; main()"]
    processes = [subprocess.Popen([*program, *words], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
                 for words in (["relay"], ["worker", "--workers", "2"])]  # fmt: skip
    try:
        booted = boot(configs.load())
        booted.system("acme").mail(Mail("li@customer.example", "x", "y"))
        booted.close()
        assert arrived.wait(60), "nothing came in a minute"
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(30) for process in processes]
    assert codes == [0, 0], "they end when they are told to"
    assert [recipient for recipient, _message in mail_server.messages] == ["li@customer.example"]
