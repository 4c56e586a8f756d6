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
