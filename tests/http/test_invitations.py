"""Links in letters: an invitation, a new password. Each is good once, and goes to the mailbox alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from core.app import create_app
from core.events.tables import outbox
from core.identity import invitations
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from sdk import Tenant, where
from sdk.context import id_of
from tests.http.test_contract import problem

SESSION, USERS, RESETS = "/api/v1/session", "/api/v1/core/users", "/api/v1/password_resets"
PASSWORD, NEW = "correct horse battery", "staple battery horse"


@pytest.fixture
def browser(platform: Platform, tenant: Tenant) -> Api:
    return Api(platform, create_app(platform).test_client(), "", tenant)


def letters(platform: Platform, tenant: Tenant) -> list[str]:
    """The addresses in the letters that wait, the oldest first."""
    with platform.database.begin(write=False, tenant=tenant.id) as connection:
        mine = (outbox.c.tenant_id == tenant.id, outbox.c.name == "core.send_mail")
        rows = connection.execute(sa.select(outbox.c.payload).where(*mine).order_by(outbox.c.id)).scalars()
        return [found[1] for row in rows if (found := re.search(r"http://127\.0\.0\.1:8000(/api/\S+?)(?=\\n|\s|$)", str(row)))]


@contextmanager
def said(platform: Platform) -> Iterator[list[str]]:
    """What the database is told meanwhile."""
    statements: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        statements.append(statement)

    event.listen(platform.database.engine, "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        event.remove(platform.database.engine, "before_cursor_execute", hear)


def enters(browser: Api, email: str, password: str) -> bool:
    return browser.post(SESSION, {"email": email, "password": password}).status_code == 201


def test_who_is_invited_chooses_a_password_by_a_link_that_is_good_once(
    client: Api, browser: Api, platform: Platform, tenant: Tenant, people: People
) -> None:
    sent = client.post(f"{USERS}/{people.rep}/invitations")
    assert sent.status_code == 201, sent.text
    assert sent.json["email"] == "rep00@acme.example"
    (address,) = letters(platform, tenant)
    assert address not in sent.text
    page = browser.get(address)
    assert page.mimetype == "text/html"
    assert "rep00@acme.example" in page.text
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    wrong = browser.post(address, data={"password": "password2024"})
    assert wrong.status_code == 422
    assert "is too common" in wrong.text
    assert browser.post(address, data={"password": PASSWORD}).status_code == 200
    assert enters(browser, "rep00@acme.example", PASSWORD)
    problem(browser.post(address, {"password": NEW}), 404)
    problem(browser.get(address), 404)
    problem(client.post(f"{USERS}/{people.rep}/invitations"), 409, "member_already")


def test_a_link_ends_with_its_time_a_newer_one_and_another_e_mail(
    client: Api, browser: Api, platform: Platform, tenant: Tenant, people: People, clock: Clock
) -> None:
    for _letter in range(2):
        client.post(f"{USERS}/{people.rep}/invitations")
    first, second = letters(platform, tenant)
    problem(browser.post(first, {"password": PASSWORD}), 404)
    problem(browser.post(second.replace("invitations", "password_resets"), {"password": PASSWORD}), 404)
    client.patch(f"{USERS}/{people.rep}", {"email": "other@acme.example"})
    problem(browser.post(second, {"password": PASSWORD}), 404)
    client.patch(f"{USERS}/{people.rep}", {"email": "rep00@acme.example"})
    clock.move(days=7)
    problem(browser.post(second, {"password": PASSWORD}), 404)


def test_who_has_a_password_elsewhere_keeps_it_and_shows_it(
    client: Api, browser: Api, platform: Platform, tenant: Tenant, make_tenant: MakeTenant, people: People
) -> None:
    """Else an administrator who reads the letters of his own people could enter wherever their address may."""
    other = make_tenant("other")
    lifecycle.add_person(platform.system(other.id), "Rep", "rep00@acme.example", [], PASSWORD)
    client.post(f"{USERS}/{people.rep}/invitations")
    (address,) = letters(platform, tenant)
    problem(browser.post(address, {"password": NEW}), 403, "wrong_credentials")
    assert browser.post(address, {"password": PASSWORD}).status_code == 204
    signed_in = browser.post(SESSION, {"email": "rep00@acme.example", "password": PASSWORD})
    assert signed_in.json["tenants"] == ["acme", "other"]
    people_there = platform.system(other.id).records("core.user")
    people_there.update(id_of(people_there.find(where(email="rep00@acme.example"), 1)[0]), {"active": False})
    assert browser.get(SESSION).json["tenants"] == ["acme"], "where one has left there is nothing to enter"
    assert browser.get("/api/v1/core/sessions").status_code == 200, "and nothing to choose"
    problem(browser.get("/api/v1/core/sessions", headers={"X-Tenant": "other"}), 401)
    told = browser.get("/api/v1/core/sessions", headers={"X-Tenant": "nowhere"})
    problem(told, 404, "choose_tenant")
    assert "other" not in told.json["detail"]


def test_nobody_is_invited_by_who_may_not_or_without_an_e_mail(client: Api, people: People) -> None:
    problem(client.as_user(people.rep).post(f"{USERS}/{people.director}/invitations"), 403)
    problem(client.as_user("admin@acme.example", allows=["core.user"]).post(f"{USERS}/{people.rep}/invitations"), 403)
    client.patch(f"{USERS}/{people.rep}", {"email": None})
    problem(client.post(f"{USERS}/{people.rep}/invitations"), 422)
    problem(client.post(f"{USERS}/{UUID(int=1)}/invitations"), 404)


def test_a_forgotten_password_is_chosen_anew_and_ends_all_sessions(browser: Api, platform: Platform, tenant: Tenant, clock: Clock) -> None:
    ann = lifecycle.add_person(platform.system(tenant.id), "Ann", "ann@acme.example", [], PASSWORD)
    assert enters(browser, "ann@acme.example", PASSWORD)
    written: dict[str, list[str]] = {}
    for email in ("nobody@acme.example", "ann@acme.example"):
        with said(platform) as statements:
            answer = browser.post(RESETS, {"email": email})
        assert (answer.status_code, answer.json) == (202, {"state": "asked"})
        written[email] = [statement for statement in statements if statement.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written["nobody@acme.example"] == written["ann@acme.example"], "nor does the time that it takes tell who is known"
    assert any("core_outbox" in statement for statement in written["nobody@acme.example"])
    (address,) = letters(platform, tenant)
    assert browser.post(address, {"password": NEW}).status_code == 204
    problem(browser.get("/api/v1/core/sessions"), 401)
    assert not enters(browser, "ann@acme.example", PASSWORD)
    assert enters(browser, "ann@acme.example", NEW)
    problem(browser.post(address, {"password": PASSWORD}), 404)
    browser.post(RESETS, {"email": "ann@acme.example"})
    clock.move(hours=1)
    problem(browser.post(letters(platform, tenant)[-1], {"password": PASSWORD}), 404)
    platform.system(tenant.id).records("core.user").update(ann, {"active": False})
    with said(platform) as statements:
        browser.post(RESETS, {"email": "stranger@acme.example"})
    assert any("core_outbox" in statement for statement in statements), "not even where whom it is measured by has left"


def test_a_letter_ends_when_the_password_has_been_changed_some_other_way(
    browser: Api, platform: Platform, tenant: Tenant, clock: Clock
) -> None:
    """Whoever reads the mailbox is not to take a change back that was made since."""
    email = "ann@acme.example"
    lifecycle.add_person(platform.system(tenant.id), "Ann", email, [], PASSWORD)
    browser.post(RESETS, {"email": email})
    clock.move(minutes=1)
    csrf = browser.post(SESSION, {"email": email, "password": PASSWORD}).json["csrf_token"]
    changed = {"password": PASSWORD, "new_password": NEW}
    assert browser.call("PUT", f"{SESSION}/password", json=changed, headers={"X-CSRF-Token": csrf}).status_code == 204
    (address,) = letters(platform, tenant)
    problem(browser.get(address), 404)
    problem(browser.post(address, {"password": "a third password here"}), 404)
    browser.post(RESETS, {"email": email})
    clock.move(minutes=1)
    lifecycle.reset_password(platform, tenant.name, email, PASSWORD)
    problem(browser.post(letters(platform, tenant)[-1], {"password": "a third password here"}), 404)
    browser.post(RESETS, {"email": email})
    assert browser.post(letters(platform, tenant)[-1], {"password": "a third password here"}).status_code == 204


def test_nobody_is_flooded_with_letters(browser: Api, platform: Platform, tenant: Tenant) -> None:
    lifecycle.add_person(platform.system(tenant.id), "Ann", "ann@acme.example", [], PASSWORD)
    answers = [
        [browser.post(RESETS, {"email": email}).status_code for _time in range(6)] for email in ("ann@acme.example", "x@acme.example")
    ]
    assert answers == [[202] * 5 + [429]] * 2
    assert len(letters(platform, tenant)) == 5
    assert invitations.reset(platform, "ann@acme.example") is not None, "nobody keeps the operator from helping by asking"


def test_who_reads_an_old_mailbox_gets_no_link_to_the_person_who_has_another(
    browser: Api, client: Api, platform: Platform, tenant: Tenant
) -> None:
    ann = lifecycle.add_person(platform.system(tenant.id), "Ann", "old@acme.example", [], PASSWORD)
    browser.post(RESETS, {"email": "old@acme.example"})
    (address,) = letters(platform, tenant)
    assert client.patch(f"/api/v1/core/users/{ann}", {"email": "new@acme.example"}).status_code == 200
    problem(browser.post(address, {"password": NEW}), 404)
    assert browser.post(RESETS, {"email": "old@acme.example"}).status_code == 202
    assert letters(platform, tenant) == [address]
    assert enters(browser, "old@acme.example", PASSWORD), "the person has no other yet"
    assert client.post(f"{USERS}/{ann}/invitations").json["email"] == "new@acme.example"
    assert browser.post(letters(platform, tenant)[-1], {"password": NEW}).status_code == 204
    problem(browser.get("/api/v1/core/sessions"), 401)
    assert not enters(browser, "old@acme.example", PASSWORD)
    assert enters(browser, "new@acme.example", NEW)
    problem(client.post(f"{USERS}/{ann}/invitations"), 409, "member_already")


def test_every_page_behind_a_link_speaks_the_language_of_the_person(browser: Api, client: Api, platform: Platform, tenant: Tenant) -> None:
    ann = client.post(USERS, {"name": "Ann", "email": "ann@acme.example", "locale": "zh_CN"}).json["id"]
    client.post(f"{USERS}/{ann}/invitations")
    (address,) = letters(platform, tenant)
    for answer, words in (
        (browser.get(address), "欢迎加入"),
        (browser.call("POST", address, data={"password": "short"}), "10 到 200"),
        (browser.call("POST", address, data={"password": PASSWORD}), "现在可以登录"),
    ):
        assert words in answer.text and 'lang="zh-CN"' in answer.text, answer.text
