"""Acting as somebody else: by right, for an hour, in a session, with both names in the audit."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from core.app import create_app
from core.audit import chain
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, Clock, People
from sdk import Tenant, where
from sdk.context import id_of
from tests.entities.conftest import audit_of
from tests.http.test_contract import problem

SESSION = "/api/v1/session"
ACTING, THINGS, PASSWORD = f"{SESSION}/impersonations", "/api/v1/probe/things", "correct horse battery"


class Browser:
    """Somebody who is signed in."""

    def __init__(self, platform: Platform, tenant: Tenant, email: str) -> None:
        self.api = Api(platform, create_app(platform).test_client(), "", tenant)
        csrf = self.api.post(SESSION, {"email": email, "password": PASSWORD}).json["csrf_token"]
        self.headers = {"X-CSRF-Token": csrf}

    def call(self, method: str, path: str, body: object = None) -> Any:
        return self.api.call(method, path, headers=self.headers, **({"json": body} if body is not None else {}))


@pytest.fixture
def admin(platform: Platform, tenant: Tenant, people: People) -> Browser:
    """An administrator's browser."""
    lifecycle.add_person(platform.system(tenant.id), "Ada", "ada@acme.example", ["admin"], PASSWORD)
    return Browser(platform, tenant, "ada@acme.example")


@pytest.mark.feature("B8")
def test_who_acts_as_a_representative_sees_and_may_what_that_one_does_for_an_hour_and_the_audit_names_both(
    admin: Browser, platform: Platform, tenant: Tenant, people: People, clock: Clock, client: Api
) -> None:
    system, rep = platform.system(tenant.id), people.rep
    ada = id_of(system.records("core.user").find(where(email="ada@acme.example"))[0])
    mine, other = (
        id_of(system.records("probe.thing").create({"name": n, "owner": str(o)})) for n, o in (("mine", rep), ("other", people.reps[1][0]))
    )
    begun = admin.call("POST", ACTING, {"user": str(rep)})
    assert begun.status_code == 201, begun.text
    assert (begun.json["user"], begun.json["tenant"]) == (str(rep), tenant.name)
    seen = admin.call("GET", f"{THINGS}/{mine}")
    assert (seen.status_code, seen.headers["X-Acting-As"], seen.headers["X-Impersonator"]) == (200, str(rep), str(ada))
    assert admin.call("GET", f"{THINGS}/{other}").status_code == 404, "no more than the other sees"
    assert admin.call("POST", "/api/v1/core/roles", {"key": "x", "name": "X"}).status_code == 403
    assert admin.call("PATCH", f"{THINGS}/{mine}", {"name": "changed"}).status_code == 200
    (change,) = [row for row in audit_of(system, mine) if row["action"] == "update"]
    assert (change["actor_id"], change["impersonator_id"]) == (rep, ada)
    (told,) = client.get("/api/v1/core/audit", {"impersonator": str(ada), "entity": "probe.thing"}).json["data"]
    assert (told["user"], told["impersonator"]) == (str(rep), str(ada))
    for method, path, body in (
        ("POST", "/api/v1/core/tokens", {"name": "back door"}),
        ("GET", "/api/v1/core/sessions", None),
        ("DELETE", "/api/v1/core/sessions", None),
        ("POST", "/api/v1/core/shares", {"record": f"probe.thing:{mine}", "user": str(people.reps[1][0]), "access": "read"}),
    ):
        problem(admin.call(method, path, body), 403, "acting")
    (key,) = client.as_user(rep).get("/api/v1/core/tokens").json["data"]
    refused = admin.call("DELETE", f"/api/v1/core/tokens/{key['id']}")
    assert "for that person alone" in problem(refused, 403, "acting")["detail"]
    for method, path, body in (
        ("PUT", f"{SESSION}/password", {"password": PASSWORD, "new_password": "zebra piano lamp"}),
        ("POST", f"{SESSION}/second_factor", None),
        ("POST", f"{SESSION}/second_factor/removals", {"code": "123456"}),
    ):
        problem(admin.call(method, path, body), 403, "acting")  # whose would be meant?
    question = {"action": "core.token.delete", "record": key["id"]}
    assert admin.call("GET", f"/api/v1/core/explanations?{urlencode(question)}").json["reason"] == "in_person"
    tried = [row["changes"]["permission"][1] for row in audit_of(system) if row["action"] == "refused" and row["impersonator_id"] == ada]
    assert tried[-3:] == ["core.token.create", "core.user.update", "core.token.delete"]
    problem(admin.call("POST", ACTING, {"user": str(people.manager)}), 409, "acting")
    assert admin.call("GET", ACTING).json["user"] == str(rep)
    clock.move(hours=1)
    problem(admin.call("PATCH", f"{THINGS}/{mine}", {"name": "late"}), 403, "acting_over")
    assert admin.call("DELETE", ACTING).status_code == 204
    problem(admin.call("DELETE", ACTING), 404)
    own = admin.call("GET", f"{THINGS}/{other}")
    assert own.status_code == 200 and "X-Acting-As" not in own.headers
    assert [row["action"] for row in audit_of(system, rep) if row["actor_id"] == ada] == ["act_as", "act_as_end"]
    outcomes = {(str(row["user"]), str(row["outcome"])) for row in client.get("/api/v1/core/sign_ins").json["data"]}
    assert {(str(ada), "acted_as_other"), (str(rep), "impersonated"), (str(rep), "impersonation_ended")} <= outcomes
    assert chain.verify(system).broken is None


def test_who_acts_as_an_administrator_changes_neither_the_mailbox_of_that_one_nor_lets_him_go(
    admin: Browser, platform: Platform, tenant: Tenant, people: People
) -> None:
    system = platform.system(tenant.id)
    lifecycle.add_person(system, "Bob", "bob@acme.example", ["admin"], PASSWORD)
    (bob,) = system.records("core.user").find(where(email="bob@acme.example"))
    here = f"/api/v1/core/users/{bob['id']}"
    assert admin.call("POST", ACTING, {"user": "bob@acme.example"}).status_code == 201
    for method, path, body in (
        ("PATCH", here, {"email": "ada@acme.example.net"}),
        ("PATCH", here, {"active": False}),
        ("DELETE", here, None),
        ("POST", f"{here}/departures", {"successor": str(people.rep)}),
    ):
        problem(admin.call(method, path, body), 403, "acting")
    assert admin.call("PATCH", here, {"name": "Robert", "email": "bob@acme.example"}).status_code == 200
    assert admin.call("PATCH", f"/api/v1/core/users/{people.rep}", {"email": "r@acme.example"}).status_code == 200
    asked = {"action": "core.user.update", "record": bob["id"]}
    found = [admin.call("GET", f"/api/v1/core/explanations?{urlencode({**asked, 'field': name})}").json for name in ("email", "name")]
    assert [one["reason"] for one in found] == ["in_person", "granted"]


@pytest.mark.feature("B8")
def test_nobody_acts_as_who_may_more_nor_by_a_token_nor_without_the_right_and_attempts_are_in_the_audit(
    platform: Platform, tenant: Tenant, people: People, client: Api, admin: Browser
) -> None:
    system = platform.system(tenant.id)
    users, grants = system.records("core.user"), system.records("core.grant")
    lifecycle.add_person(system, "Sam", "sam@acme.example", ["sales_manager"], PASSWORD)
    sam = Browser(platform, tenant, "sam@acme.example")
    problem(sam.call("POST", ACTING, {"user": str(people.rep)}), 403)
    problem(client.post(ACTING, {"user": str(people.rep)}), 403, "session_only")
    role = id_of(system.records("core.role").create({"key": "helpdesk", "name": "Help desk"}))
    grants.create({"role": str(role), "permission": "core.user.impersonate", "scope": "all"})
    (me,) = users.find(where(email="sam@acme.example"))
    users.update(id_of(me), {"roles": ["sales_manager", "helpdesk"]})
    problem(sam.call("POST", ACTING, {"user": str(people.rep)}), 409, "beyond_own")
    problem(sam.call("POST", ACTING, {"user": "ada@acme.example"}), 409, "beyond_own")
    problem(sam.call("POST", ACTING, {"user": str(id_of(me))}), 409, "same_person")
    problem(sam.call("POST", ACTING, {"user": "nobody@acme.example"}), 404)
    problem(sam.call("POST", ACTING, {}), 422)
    lifecycle.add_person(system, "Ned", "ned@acme.example", [], PASSWORD)
    assert sam.call("POST", ACTING, {"user": "ned@acme.example"}).status_code == 201, "who may nothing beyond what everybody may"
    (ned,) = users.find(where(email="ned@acme.example"))
    users.update(id_of(ned), {"roles": ["admin"]})
    problem(sam.call("GET", THINGS), 403, "acting_over")
    tried = [row for row in audit_of(system) if row["action"] == "refused"]
    assert {row["changes"]["permission"][1] for row in tried} == {"core.user.impersonate"}
    assert [row["record_id"] for row in tried][:2] == [people.rep] * 2, "what one tries again is counted, and no entry of its own"
    assert len(tried) == 3
