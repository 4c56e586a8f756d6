"""What the server writes down of requests, and what it says of those that the application never sees."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from core.http import gateway
from core.http.gateway import AccessLog
from core.http.security import ALWAYS

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
def test_what_is_refused_before_the_application_sees_it_tells_browsers_what_every_answer_does() -> None:
    head, _blank, body = gateway._refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "too long", "t").partition(b"\r\n\r\n")
    told = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert told["Content-Length"] == str(len(body))
    assert ALWAYS.items() <= told.items()
