"""What the server writes down of requests, and what it says of those that the application never sees."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from socket import socketpair
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestLine

from core import config
from core.http.gateway import AccessLog, Worker
from core.http.security import ALWAYS, Heads

SECRET = "Ab-_9" * 8 + "xyz"


def test_the_log_of_requests_does_not_hold_the_secret_of_a_link() -> None:
    tenant = "0" * 31 + "a"
    place = f"/api/v1/automation/hooks/{tenant}_{SECRET}"
    environ = {
        "REQUEST_METHOD": "POST", "RAW_URI": place, "PATH_INFO": place, "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_REFERER": f"https://x.example{place}",
    }  # fmt: skip
    answer, asked = SimpleNamespace(status="200 OK", sent=1, headers=[]), SimpleNamespace(headers=[("REFERER", place)])
    atoms = AccessLog(Config()).atoms(answer, asked, environ, timedelta(seconds=1))
    assert SECRET not in str(atoms)
    assert atoms["r"] == f"POST /api/v1/automation/hooks/{tenant}_*** HTTP/1.1"
    assert (atoms["s"], atoms["D"]) == ("200", 1_000_000)


def test_nor_what_somebody_brings_back_from_another_system_to_sign_in() -> None:
    place = "/api/v1/session/providers/openid.connect/callback"
    environ = {"REQUEST_METHOD": "GET", "RAW_URI": f"{place}?code={SECRET}&state=x", "SERVER_PROTOCOL": "HTTP/1.1"}
    environ["HTTP_REFERER"] = f"https://x.example{place}?state={SECRET}"  # of what the page there loads
    atoms = AccessLog(Config()).atoms(
        SimpleNamespace(status="403 Forbidden", sent=1, headers=[]), SimpleNamespace(headers=[]), environ, timedelta()
    )
    assert SECRET not in str(atoms)
    assert atoms["r"] == f"GET {place}?*** HTTP/1.1"


@pytest.mark.feature("B9")
def test_what_is_refused_before_the_application_sees_it_tells_browsers_what_every_answer_does(tmp_path: Path) -> None:
    worker = Worker.__new__(Worker)  # as gunicorn has it once the application is loaded
    worker.wsgi = SimpleNamespace(wsgi_app=Heads(lambda _environ, _start: (), config.Config(tmp_path, "", url="https://crm.example")))
    ours, theirs = socketpair()
    with ours, theirs:
        worker.handle_error(None, ours, None, LimitRequestLine(9000, 8190))
        head, _blank, body = theirs.recv(65_536).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    told = dict(line.split(": ", 1) for line in lines)
    assert status == "HTTP/1.1 414 Request-URI Too Long"
    assert told["Content-Length"] == str(len(body))
    assert ALWAYS.items() <= told.items()
    assert told["Strict-Transport-Security"], "as in every answer behind https"
