"""An installation without a tenant: who reads the terminal makes the first one, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.app import create_app
from core.platform import Platform
from core.tenancy import first_start, lifecycle
from core.testkit.fixtures import Api, MakeTenant
from sdk import links
from tests.http.test_contract import problem

SETUP = "/api/v1/setup"


@pytest.fixture
def code(platform: Platform) -> str:
    made = first_start.new_code(platform)
    platform.first_start = links.digest_of(made)
    return made


def wish(code: str, **more: str) -> dict[str, str]:
    return {"code": code, "tenant": "acme", "email": "ann@acme.example", "password": "correct horse battery", "currency": "CNY", **more}


def test_the_first_tenant_is_made_by_the_code_and_then_there_is_nothing_more(platform: Platform, code: str) -> None:
    api = Api(platform, create_app(platform).test_client())
    assert api.get(SETUP).json == {"needed": True}
    problem(api.post(SETUP, wish("guess")), 403, "wrong_code")
    for bad in ({"password": "password2024"}, {"email": "nobody"}, {"tenant": "No Name"}, {"currency": "XXY"}):
        problem(api.post(SETUP, wish(code, **bad)), 422)
    wrong = problem(api.post(SETUP, wish(code, tenant="No Name", email="nobody", password="password2024", currency="XXY")), 422)
    assert [one["field"] for one in wrong["errors"]] == ["tenant", "currency", "email", "password"]  # type: ignore[attr-defined]
    assert api.get(SETUP).json == {"needed": True}, "nothing is half there"
    made = api.post(SETUP, wish(code))
    held = made.json["held"]
    assert (made.status_code, made.json) == (201, {"tenant": "acme", "email": "ann@acme.example", "held": held})
    assert api.post("/api/v1/session", {"email": "ann@acme.example", "password": "correct horse battery"}).json["tenants"] == ["acme"]
    assert api.get("/api/v1/core/tenant").json["currency"] == "CNY"
    plugins = api.get("/api/v1/core/plugins").json["data"]
    assert held == [{"name": one["name"], "asks": one["asks"]} for one in plugins if one["state"] == "held"]
    assert "probe" in [one["name"] for one in held]
    assert api.get(SETUP).json == {"needed": False}
    problem(api.post(SETUP, wish(code, tenant="other")), 404)
    lifecycle.purge(platform, "acme")
    problem(api.post(SETUP, wish(code, tenant="other")), 404)


def test_of_two_who_come_at_once_one_is_first(platform: Platform, code: str) -> None:
    app = create_app(platform)

    def come(name: str) -> int:
        return Api(platform, app.test_client()).post(SETUP, wish(code, tenant=name, email=f"a@{name}.example")).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(come, ("one", "two"))) == [201, 404]


def test_a_server_that_found_a_tenant_has_no_code(platform: Platform, make_tenant: MakeTenant) -> None:
    api = Api(platform, create_app(platform).test_client())
    problem(api.post(SETUP, wish("")), 422)
    problem(api.post(SETUP, wish("x")), 404)
    make_tenant("acme")
    assert first_start.new_code(platform) == ""
