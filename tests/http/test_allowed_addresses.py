"""A tenant says from which network addresses its people come in: sign-in, sessions and tokens keep to it, and nobody locks himself out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from click.testing import CliRunner

from core.app import create_app
from core.cli import tenant as commands
from core.identity import ranges
from core.identity.identities import come_in
from core.identity.sessions import Visitor
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, MakeTenant, People
from sdk import Forbidden, Identity, Tenant
from tests.http.test_contract import problem
from tests.http.test_sign_in import EMAIL, PASSWORD, SESSION, SESSIONS, browser, enter

__all__ = ["browser"]
TENANT = "/api/v1/core/tenant"
OFFICE, ELSEWHERE = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}, {"environ_base": {"REMOTE_ADDR": "198.51.100.1"}}


@pytest.mark.feature("B9")
def test_sign_in_sessions_and_tokens_keep_to_the_addresses_of_the_tenant(
    client: Api, browser: Callable[[], Api], platform: Platform, make_tenant: MakeTenant
) -> None:
    one = browser()
    enter(one)
    set_ = client.patch(TENANT, {"allowed_addresses": ["203.0.113.0/24", "2001:db8::/32", "203.0.113.0/24"]}, **OFFICE)
    assert (set_.status_code, set_.json["allowed_addresses"]) == (200, ["203.0.113.0/24", "2001:db8::/32"])
    for api in (client, one):
        assert api.get(SESSIONS, **OFFICE).status_code == 200
        assert api.get(SESSIONS, environ_base={"REMOTE_ADDR": "::ffff:203.0.113.7"}).status_code == 200
        problem(api.get(SESSIONS, **ELSEWHERE), 403, "address_not_allowed")
    credentials = {"email": EMAIL, "password": PASSWORD}
    for _attempt in range(6):
        problem(browser().post(SESSION, credentials, **ELSEWHERE), 403, "address_not_allowed")
    problem(browser().post(SESSION, {**credentials, "password": "wrong"}, **ELSEWHERE), 401)  # who has not the password is told nothing
    assert browser().post(SESSION, credentials, **OFFICE).status_code == 201, "a right password counts as right, wherever it comes from"
    outcomes = [row["outcome"] for row in client.get("/api/v1/core/sign_ins", **OFFICE).json["data"]]
    assert sorted(outcomes) == ["elsewhere"] * 6 + ["entered"] * 2 + ["wrong"]
    other = make_tenant("other")
    lifecycle.add_person(platform.system(other.id), "Ann", EMAIL, [], PASSWORD)
    assert enter(one), "another tenant lets her in from everywhere"
    assert one.get(SESSIONS, headers={"X-Tenant": "other"}, **ELSEWHERE).status_code == 200
    problem(one.get(SESSIONS, headers={"X-Tenant": "acme"}, **ELSEWHERE), 403, "address_not_allowed")


def test_whom_another_system_vouches_for_comes_from_the_same_addresses_and_no_account_is_made_for_others(
    client: Api, platform: Platform
) -> None:
    assert client.patch(TENANT, {"allowed_addresses": ["203.0.113.9"]}, **OFFICE).json["allowed_addresses"] == ["203.0.113.9/32"]
    assert client.tenant is not None
    work, bo = platform.system(client.tenant.id), Identity("https://login.example", "u-1", "bo@acme.example", email_verified=True, roles=())
    with pytest.raises(Forbidden, match=r"198\.51\.100\.1"):
        come_in(work, bo, Visitor("198.51.100.1"))
    assert work.records("core.identity").find(()) == []
    assert come_in(work, bo, Visitor("203.0.113.9"))
    with pytest.raises(Forbidden, match=r"198\.51\.100\.1"):
        come_in(work, bo, Visitor("198.51.100.1"))
    rows = client.get("/api/v1/core/sign_ins", **OFFICE).json["data"]
    assert sorted((row["outcome"], row["user"] is None) for row in rows) == [("elsewhere", False), ("elsewhere", True), ("entered", False)]


def test_nobody_locks_himself_out_and_the_operator_lets_everybody_in_again(
    client: Api, platform: Platform, tenant: Tenant, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = client.patch(TENANT, {"allowed_addresses": ["198.51.100.0/24"]}, **OFFICE)
    problem(refused, 422)
    assert refused.json["errors"][0]["code"] == "locks_out" and "203.0.113.9" in refused.json["errors"][0]["message"]
    problem(client.patch(TENANT, {"allowed_addresses": ["203.0.113.0/24"]}, environ_base={"REMOTE_ADDR": ""}), 422)
    for word in ("203.0.113.9/24", "office", "203.0.113.0/33", "", "1" * 60):
        problem(client.patch(TENANT, {"allowed_addresses": [word]}, **OFFICE), 422)
    client.post("/api/v1/core/roles", {"key": "keeper", "name": "Keeper"})
    client.post("/api/v1/core/grants", {"role": "keeper", "permission": "core.tenant.update", "scope": "all"})
    client.patch(f"/api/v1/core/users/{people.rep}", {"roles": ["keeper"]})
    keeper = client.as_user(people.rep)
    problem(keeper.patch(TENANT, {"allowed_addresses": ["203.0.113.0/24"]}, **OFFICE), 403)
    assert keeper.patch(TENANT, {"allowed_addresses": [], "week_start": 7}, **OFFICE).status_code == 200, (
        "what is so already needs no right"
    )
    assert client.patch(TENANT, {"allowed_addresses": ["203.0.113.0/24"]}, **OFFICE).status_code == 200
    problem(client.get(TENANT), 403, "address_not_allowed")
    monkeypatch.setattr(commands, "platform", lambda: platform)
    assert CliRunner().invoke(commands.open_, [tenant.name]).exit_code == 0
    assert client.get(TENANT).json["allowed_addresses"] == []
    told = [row["changes"] for row in client.get("/api/v1/core/audit", {"entity": "core.tenant"}).json["data"]]
    assert {"allowed_addresses": [[], ["203.0.113.0/24"]]} in told and {"allowed_addresses": [["203.0.113.0/24"], []]} in told


def test_what_a_sender_claims_of_his_address_counts_only_as_far_as_the_proxies_are_ours(
    client: Api, platform: Platform, tenant: Tenant
) -> None:
    assert client.patch(TENANT, {"allowed_addresses": ["203.0.113.0/24"]}, **OFFICE).status_code == 200
    claimed = {"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}
    problem(client.get(TENANT, headers={"X-Forwarded-For": "203.0.113.9"}), 403)
    platform.config = replace(platform.config, proxies=1)
    behind = Api(platform, create_app(platform).test_client(), client.token, tenant)
    problem(behind.get(TENANT, headers=claimed), 403)
    assert behind.get(TENANT, headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}).status_code == 200


def test_ranges_hold_what_they_say() -> None:
    both = "203.0.113.0/24 2001:db8::/32"
    assert all(ranges.admits(both, word) for word in ("203.0.113.255", "2001:db8::1", "2001:db8::1%eth0", "::ffff:203.0.113.1"))
    assert not any(ranges.admits(both, word) for word in ("203.0.114.0", "2001:db9::1", "", "nowhere", "::203.0.113.1"))
    assert ranges.admits("", "")
