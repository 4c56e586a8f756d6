"""Coming in safely: attempts are counted, sessions are listed and ended, passwords are worth having."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from core.app import create_app
from core.identity import passwords
from core.identity.attempts import Crowd
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, Clock, People
from sdk import Invalid, Tenant
from tests.http.test_contract import problem

SESSION, SESSIONS = "/api/v1/session", "/api/v1/core/sessions"
EMAIL, PASSWORD = "ann@acme.example", "correct horse battery"


@pytest.fixture
def browser(platform: Platform, tenant: Tenant, client: Api) -> Callable[[], Api]:
    """Browsers of a server that knows Ann; she has no special rights."""
    lifecycle.add_person(platform.system(tenant.id), "Ann", EMAIL, [], PASSWORD)
    app = create_app(platform)
    return lambda: Api(platform, app.test_client(), "", tenant)


def enter(browser: Api, password: str = PASSWORD, email: str = EMAIL) -> str:
    answer = browser.post(SESSION, {"email": email, "password": password}, headers={"User-Agent": "Firefox"})
    assert answer.status_code == 201, answer.text
    return str(answer.json["csrf_token"])


@pytest.mark.feature("B9")
def test_five_bad_passwords_lock_for_a_quarter_of_an_hour(browser: Callable[[], Api], clock: Clock) -> None:
    one = browser()
    for _attempt in range(5):
        problem(one.post(SESSION, {"email": EMAIL, "password": "wrong"}), 401, "wrong_credentials")
    clock.move(minutes=5)
    refused = one.post(SESSION, {"email": EMAIL, "password": PASSWORD})
    problem(refused, 429, "locked")
    assert refused.headers["Retry-After"] == "600"
    clock.move(minutes=10)
    enter(one)


def test_a_machine_that_cannot_look_at_a_password_calls_none_wrong_and_counts_nothing(
    browser: Callable[[], Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = browser()

    def full(*_given: object) -> bool:
        raise VerificationError("Memory allocation error")

    with monkeypatch.context() as patch:
        patch.setattr(PasswordHasher, "verify", full)
        for _attempt in range(6):
            problem(one.post(SESSION, {"email": EMAIL, "password": PASSWORD}), 500, "internal")
    enter(one)


def test_what_is_right_makes_forget_what_was_wrong_and_so_does_time(browser: Callable[[], Api], clock: Clock) -> None:
    one = browser()
    for pause in (0, 15, 0):
        for _attempt in range(4):
            problem(one.post(SESSION, {"email": EMAIL, "password": "wrong"}), 401)
        if pause:
            clock.move(minutes=pause)
        else:
            enter(one)


def test_who_is_unknown_is_answered_and_locked_like_who_is_known(browser: Callable[[], Api], monkeypatch: pytest.MonkeyPatch) -> None:
    one, hashes = browser(), []
    monkeypatch.setattr(passwords, "_hasher", lambda: Slow(hashes))
    told: dict[str, list[tuple[int, str]]] = {EMAIL: [], "nobody@acme.example": []}
    for email, answers in told.items():
        for _attempt in range(6):
            answer = one.post(SESSION, {"email": email, "password": "wrong"})
            answers.append((answer.status_code, answer.json["code"]))
    assert told[EMAIL] == told["nobody@acme.example"] == [(401, "wrong_credentials")] * 5 + [(429, "locked")]
    assert len(hashes) == 10, "the same work for both, and none once it is locked"


class Slow:
    """A hasher that counts."""

    def __init__(self, hashes: list[str]) -> None:
        self.hashes = hashes

    def verify(self, hash: str, _password: str) -> bool:
        self.hashes.append(hash)
        return False


def test_a_password_costs_what_rfc_9106_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """All other tests hash at less."""
    monkeypatch.setattr(passwords, "PasswordHasher", PasswordHasher)
    for kept in ("_hasher", "_nobody"):
        monkeypatch.setattr(passwords, kept, getattr(passwords, kept).__wrapped__)
    hash = passwords.hashed(PASSWORD)
    assert {one.rpartition("p=4$")[0] for one in (hash, passwords._nobody())} == {"$argon2id$v=19$m=65536,t=3,"}
    assert passwords.matches(PASSWORD, hash) and not passwords.matches(PASSWORD, None)


def test_the_password_is_looked_at_while_others_can_write(
    browser: Callable[[], Api], platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, there, begun = browser(), passwords.matches, []

    def watched(password: str, hash: str | None) -> bool:
        begun.append(platform.database.engine.pool.checkedout())  # type: ignore[attr-defined]
        return there(password, hash)

    monkeypatch.setattr(passwords, "matches", watched)
    enter(one)
    assert begun == [0], "no connection is in use meanwhile"


def test_an_address_that_is_wrong_too_often_waits(browser: Callable[[], Api], clock: Clock) -> None:
    one = browser()
    for number in range(Crowd.MOST):
        one.post(SESSION, {"email": f"guess{number}@acme.example", "password": "wrong"})
    refused = one.post(SESSION, {"email": EMAIL, "password": PASSWORD})
    problem(refused, 429, "too_many_requests")
    assert refused.headers["Retry-After"] == "60"
    clock.move(minutes=1)
    enter(one)


def test_the_addresses_of_one_network_of_ipv6_are_one(clock: Clock) -> None:
    crowd = Crowd()
    for number in range(Crowd.MOST):
        crowd.count(f"2001:db8::{number:x}", clock.now)
    assert crowd.wait("2001:db8::ffff", clock.now)
    assert not crowd.wait("2001:db8:0:1::1", clock.now)


@pytest.mark.feature("B9")
def test_a_revoked_session_is_refused_at_its_next_call(browser: Callable[[], Api], people: People, client: Api) -> None:
    one, other = browser(), browser()
    csrf = enter(one)
    enter(other)
    rows = one.get(SESSIONS).json["data"]
    assert [row["current"] for row in rows] == [False, True]
    assert {row["agent"] for row in rows} == {"Firefox"}
    assert {row["address"] for row in rows} == {"127.0.0.1"}
    problem(one.delete(f"{SESSIONS}/{rows[0]['id']}"), 403, "csrf")
    problem(client.as_user(people.rep).delete(f"{SESSIONS}/{rows[0]['id']}"), 404)
    assert other.get(SESSIONS).status_code == 200
    assert one.delete(f"{SESSIONS}/{rows[0]['id']}", headers={"X-CSRF-Token": csrf}).status_code == 204
    problem(other.get(SESSIONS), 401)
    assert one.get(SESSIONS).status_code == 200


def test_an_administrator_sees_and_ends_the_sessions_of_others_and_nobody_else_does(
    browser: Callable[[], Api], client: Api, people: People
) -> None:
    one = browser()
    enter(one)
    ann = next(row["id"] for row in client.get("/api/v1/core/users").json["data"] if row["email"] == EMAIL)
    rep = client.as_user(people.rep)
    problem(rep.get(SESSIONS, {"user": ann}), 403)
    problem(rep.delete(SESSIONS, query={"user": ann}), 403)
    problem(client.as_user("admin@acme.example", allows=["core.user"]).get(SESSIONS), 403)
    assert len(client.get(SESSIONS, {"user": ann}).json["data"]) == 1
    assert client.delete(SESSIONS, query={"user": ann}).status_code == 204
    problem(one.get(SESSIONS), 401)
    outcomes = [row["outcome"] for row in client.get("/api/v1/core/sign_ins", {"user": ann}).json["data"]]
    assert sorted(outcomes) == ["entered", "revoked"]
    problem(rep.get("/api/v1/core/sign_ins"), 403)


def test_the_log_of_sign_ins_is_of_ones_own_tenant(
    browser: Callable[[], Api], client: Api, platform: Platform, make_tenant: Callable[..., Tenant]
) -> None:
    one, other = browser(), make_tenant("other")
    admin = lifecycle.add_person(platform.system(other.id), "Admin", "admin@other.example", ["admin"], None)
    one.post(SESSION, {"email": EMAIL, "password": "wrong"})
    enter(one)
    rows = client.get("/api/v1/core/sign_ins", {"include": "user"}).json["data"]
    assert [(row["user"]["name"], row["outcome"]) for row in rows] in (
        [("Ann", "wrong"), ("Ann", "entered")],
        [("Ann", "entered"), ("Ann", "wrong")],
    )
    assert client.as_user(admin, of=other).get("/api/v1/core/sign_ins").json["data"] == []


def test_another_password_ends_the_other_sessions(browser: Callable[[], Api]) -> None:
    one, other, new = browser(), browser(), "staple battery horse"
    csrf = {"X-CSRF-Token": enter(one)}
    enter(other)
    change = f"{SESSION}/password"

    def put(password: str, wish: str, headers: dict[str, str] = csrf) -> object:
        return one.call("PUT", change, json={"password": password, "new_password": wish}, headers=headers)

    problem(put(PASSWORD, new, {}), 403, "csrf")
    problem(put("wrong", new), 403, "wrong_credentials")
    refused = put(PASSWORD, "password2024")
    problem(refused, 422)
    assert refused.json["errors"][0]["field"] == "new_password"
    assert put(PASSWORD, new).status_code == 204
    assert one.get(SESSIONS).status_code == 200
    problem(other.get(SESSIONS), 401)
    problem(other.post(SESSION, {"email": EMAIL, "password": PASSWORD}), 401)
    enter(other, new)


def test_a_password_from_the_operator_ends_all_sessions(browser: Callable[[], Api], platform: Platform, tenant: Tenant) -> None:
    one = browser()
    enter(one)
    lifecycle.reset_password(platform, tenant.name, EMAIL, "staple battery horse")
    problem(one.get(SESSIONS), 401)


def test_who_left_is_refused_at_the_next_call_of_the_session(browser: Callable[[], Api], client: Api) -> None:
    one = browser()
    enter(one)
    ann = next(row["id"] for row in client.get("/api/v1/core/users").json["data"] if row["email"] == EMAIL)
    assert client.patch(f"/api/v1/core/users/{ann}", {"active": False}).status_code == 200
    problem(one.get(SESSIONS), 401)
    problem(browser().post(SESSION, {"email": EMAIL, "password": "wrong"}), 401, "wrong_credentials")
    problem(browser().post(SESSION, {"email": EMAIL, "password": PASSWORD}), 403, "not_active")
    assert "not_active" in {row["outcome"] for row in client.get("/api/v1/core/sign_ins").json["data"]}, (
        "and it is not said that she came in"
    )
    client.patch(f"/api/v1/core/users/{ann}", {"active": True})
    enter(browser())


def test_ended_sessions_and_old_attempts_leave_nothing(browser: Callable[[], Api], platform: Platform, clock: Clock) -> None:
    one = browser()
    one.post(SESSION, {"email": "nobody@acme.example", "password": "wrong"})
    enter(one)
    clock.move(days=91)
    enter(one)
    with platform.database.begin(write=False, tenant=None) as connection:
        count = {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            for table in ("core_sessions", "core_sign_in_events", "core_sign_in_attempts")
        }
    assert count == {"core_sessions": 1, "core_sign_in_events": 1, "core_sign_in_attempts": 0}


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "length"), ("x" * 201, "length"), ("abababababab", "too_simple"), ("1q2w3e4r5t", "common_password"),
        ("Sunshine2024!", "common_password"), ("my-anna.berg-secret", "says_who_you_are"), ("berg in winter", "says_who_you_are"),
    ],
)  # fmt: skip
def test_a_password_that_is_easily_guessed_is_refused(password: str, code: str) -> None:
    with pytest.raises(Invalid) as told:
        passwords.hashed(password, "anna.berg@acme.example", "Anna Berg")
    assert [one.code for one in told.value.problems] == [code]


def test_people_see_and_revoke_their_own_tokens(client: Api, people: People) -> None:
    rep = client.as_user(people.rep)
    made = rep.post("/api/v1/core/tokens", {"name": "mine"}).json["id"]
    theirs = {row["id"] for row in rep.get("/api/v1/core/tokens").json["data"]}
    foreign = {row["id"] for row in client.get("/api/v1/core/tokens").json["data"]} - theirs
    assert made in theirs
    assert foreign
    problem(rep.delete(f"/api/v1/core/tokens/{foreign.pop()}"), 404)
    assert rep.delete(f"/api/v1/core/tokens/{made}").status_code == 204
    assert made not in {row["id"] for row in rep.get("/api/v1/core/tokens").json["data"]}


def test_behind_https_the_cookie_and_the_answers_say_so(platform: Platform, browser: Callable[[], Api], tenant: Tenant) -> None:
    platform.config = replace(platform.config, url="https://crm.acme.example", proxies=1)
    one = Api(platform, create_app(platform).test_client(), "", tenant)
    forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    answer = one.post(SESSION, {"email": EMAIL, "password": PASSWORD}, headers=forwarded, base_url=platform.config.url)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-dealwright_session=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    rows = one.get(SESSIONS, base_url=platform.config.url).json["data"]
    assert [row["address"] for row in rows] == ["203.0.113.9"], "what the outermost proxy of ours has seen, not what the sender claims"


def test_every_answer_forbids_what_browsers_might_do_with_it(client: Api) -> None:
    for answer in (client.get(SESSIONS), client.get("/nowhere"), client.anonymous().get(SESSIONS)):
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in answer.headers
    page = client.get("/api/docs")
    assert "style-src 'self'" in page.headers["Content-Security-Policy"]
