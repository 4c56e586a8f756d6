"""What the server writes down of requests."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from gunicorn.config import Config

from core.http.gateway import AccessLog

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
