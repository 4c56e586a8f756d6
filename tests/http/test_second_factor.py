"""The second factor: codes of an authenticator application, each good once, and recovery codes."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

import pytest

from core.app import create_app
from core.identity import entrance, invitations, totp
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, Clock
from sdk import NotFound, Tenant
from tests.http.test_contract import problem

SESSION, FACTOR = "/api/v1/session", "/api/v1/session/second_factor"
CREDENTIALS = {"email": "ann@acme.example", "password": "correct horse battery"}
OTHER = "zebra piano lamp"
PASSWORDS = ({"password": CREDENTIALS["password"], "new_password": OTHER}, {"password": OTHER, "new_password": CREDENTIALS["password"]})
"""There and back."""


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"), (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)  # fmt: skip
def test_the_codes_are_those_of_rfc_6238(at: int, code: str) -> None:
    assert totp.code_of(b"12345678901234567890", at // totp.PERIOD, 8) == code


@pytest.fixture
def browser(platform: Platform, tenant: Tenant) -> Api:
    lifecycle.add_person(platform.system(tenant.id), "Ann", CREDENTIALS["email"], [], CREDENTIALS["password"])
    return Api(platform, create_app(platform).test_client(), "", tenant)


def enter(browser: Api, code: str | None = None) -> dict[str, str]:
    answer = browser.post(SESSION, CREDENTIALS if code is None else {**CREDENTIALS, "code": code})
    assert answer.status_code == 201, answer.text
    return {"X-CSRF-Token": answer.json["csrf_token"]}


def code(seed: str, clock: Clock) -> str:
    return totp.code_of(base64.b32decode(seed), int(clock.now.timestamp()) // totp.PERIOD)


def set_up(browser: Api, clock: Clock) -> tuple[dict[str, str], str, list[str]]:
    csrf = enter(browser)
    seed = browser.post(FACTOR, headers=csrf).json["secret"]
    answer = browser.call("PUT", FACTOR, json={"code": code(seed, clock), "password": CREDENTIALS["password"]}, headers=csrf)
    assert answer.status_code == 200, answer.text
    return csrf, seed, answer.json["recovery_codes"]


@pytest.mark.feature("B9")
def test_who_has_a_second_factor_signs_in_with_a_code_that_is_good_once(browser: Api, clock: Clock) -> None:
    _csrf, seed, _codes = set_up(browser, clock)
    problem(browser.post(SESSION, CREDENTIALS), 401, "second_factor_required")
    problem(browser.post(SESSION, {**CREDENTIALS, "code": code(seed, clock)}), 401, "wrong_code")  # it has set the factor up
    clock.move(seconds=30)
    used = code(seed, clock)
    enter(browser, used)
    problem(browser.post(SESSION, {**CREDENTIALS, "code": used}), 401, "wrong_code")
    clock.move(minutes=2)
    problem(browser.post(SESSION, {**CREDENTIALS, "code": used}), 401, "wrong_code")
    enter(browser, f" {code(seed, clock)[:3]} {code(seed, clock)[3:]}")


def test_a_recovery_code_is_good_once(browser: Api, clock: Clock, platform: Platform) -> None:
    _csrf, seed, codes = set_up(browser, clock)
    assert len(set(codes)) == 10
    enter(browser, codes[0].upper())
    problem(browser.post(SESSION, {**CREDENTIALS, "code": codes[0]}), 401, "wrong_code")
    assert browser.get(FACTOR).json == {"enabled": True, "recovery_codes_left": 9}
    with platform.database.begin(write=False, tenant=None) as connection:
        kept = str(connection.exec_driver_sql("SELECT totp, totp_offered FROM core_sign_ins").all())
        hashes = str(connection.exec_driver_sql("SELECT hash FROM core_recovery_codes").all())
    assert seed not in kept
    assert not [one for one in codes if one in hashes or one.replace("-", "") in hashes]


def test_a_factor_that_the_operator_takes_away_stands_in_the_log(browser: Api, clock: Clock, platform: Platform, client: Api) -> None:
    set_up(browser, clock)
    entrance.forget_factor(platform, CREDENTIALS["email"].upper())
    enter(browser)
    assert "factor_removed" in {row["outcome"] for row in client.get("/api/v1/core/sign_ins").json["data"]}
    with pytest.raises(NotFound):
        entrance.forget_factor(platform, "nobody@acme.example")


def test_wrong_codes_lock_like_wrong_passwords_however_often_the_password_is_right(browser: Api, clock: Clock) -> None:
    _csrf, seed, _codes = set_up(browser, clock)
    clock.move(minutes=1)
    for _attempt in range(5):
        problem(browser.post(SESSION, CREDENTIALS), 401, "second_factor_required")
        problem(browser.post(SESSION, {**CREDENTIALS, "code": "000000"}), 401, "wrong_code")
    problem(browser.post(SESSION, {**CREDENTIALS, "code": code(seed, clock)}), 429, "locked")


def test_neither_the_password_nor_the_mailbox_buys_more_guesses_at_the_code(browser: Api, clock: Clock, platform: Platform) -> None:
    csrf, _seed, codes = set_up(browser, clock)
    for attempt in range(5):
        assert browser.call("PUT", f"{SESSION}/password", json=PASSWORDS[attempt % 2], headers=csrf).status_code == 204
        problem(browser.post(f"{FACTOR}/removals", {"code": "123456"}, headers=csrf), 403, "wrong_code")
    problem(browser.post(f"{FACTOR}/removals", {"code": codes[0]}, headers=csrf), 429, "locked")
    sent = invitations.ask_reset(platform, CREDENTIALS["email"])
    assert sent is not None
    assert browser.post(urlsplit(sent.address).path, {"password": CREDENTIALS["password"]}).status_code == 204
    problem(browser.post(SESSION, {**CREDENTIALS, "code": codes[0]}), 429, "locked")
    clock.move(minutes=15)
    enter(browser, codes[0])


def test_the_factor_goes_with_a_code_and_its_wrong_codes_are_counted(browser: Api, clock: Clock) -> None:
    csrf, _seed, codes = set_up(browser, clock)
    problem(browser.post(f"{FACTOR}/removals", {"code": codes[0]}), 403, "csrf")
    problem(browser.post(f"{FACTOR}", headers=csrf), 409, "factor_there")
    for _attempt in range(5):
        problem(browser.post(f"{FACTOR}/removals", {"code": "123456"}, headers=csrf), 403, "wrong_code")
    problem(browser.post(f"{FACTOR}/removals", {"code": codes[0]}, headers=csrf), 429, "locked")
    clock.move(minutes=15)
    assert browser.post(f"{FACTOR}/removals", {"code": codes[0]}, headers=csrf).status_code == 204
    enter(browser)
    problem(browser.post(f"{FACTOR}/removals", {"code": codes[1]}, headers=csrf), 403, "csrf")
    assert browser.get(FACTOR).json == {"enabled": False, "recovery_codes_left": 0}


def test_an_offered_seed_is_not_in_force_until_its_code_has_come_back_with_the_password(browser: Api, clock: Clock) -> None:
    csrf = enter(browser)

    def put(code: str, password: str = CREDENTIALS["password"]) -> object:
        return browser.call("PUT", FACTOR, json={"code": code, "password": password}, headers=csrf)

    problem(put("123456"), 409, "no_factor")
    seed = browser.post(FACTOR, headers=csrf).json["secret"]
    problem(browser.call("PUT", FACTOR, json={"code": code(seed, clock)}, headers=csrf), 422)
    for _attempt in range(6):
        problem(put("12345x"), 403, "wrong_code")
    for _attempt in range(5):  # a session that was left open adds no factor, however often it guesses
        problem(put(code(seed, clock), "wrong"), 403, "wrong_credentials")
    problem(put(code(seed, clock)), 429, "locked")
    assert browser.get(FACTOR).json["enabled"] is False
    clock.move(minutes=15)
    assert put(code(seed, clock)).status_code == 200
