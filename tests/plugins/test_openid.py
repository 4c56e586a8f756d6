"""Coming in through OpenID Connect, against a provider that runs beside the test: whoever it vouches for comes in, and nobody else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from core.app import create_app
from core.context import Work
from core.http.openapi.sharing import parameters_of
from core.http.providers import COOKIE
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, Clock, MakeTenant
from plugins.openid.id_token import Expected, Untrue, claims_of, key_id
from plugins.openid.provider import Known
from plugins.openid.settings import secure
from sdk import Tenant, where
from sdk.context import id_of
from tests.http.test_contract import problem
from tests.openid_provider import Provider, ec_key, encoded, public, rsa_key, running, signed

SESSION, WAYS = "/api/v1/session", "/api/v1/session/providers"
BEGIN, BACK = f"{WAYS}/openid.connect", f"{WAYS}/openid.connect/callback"
SETTINGS = "/api/v1/core/plugins/openid/settings"
NEW = {"new_people": True, "domains": ["acme.example"], "roles": ["sales_rep"]}


@pytest.fixture
def provider(platform: Platform, clock: Clock) -> Iterator[Provider]:
    """A running provider, in an installation that may call addresses inside."""
    platform.config = replace(platform.config, private_hooks=True)
    with running(clock) as made:
        yield made


@pytest.fixture
def ann(client: Api, provider: Provider, work: Work) -> UUID:
    """A person without a password, in a tenant that comes in through the provider."""
    use(client, provider)
    return id_of(work.records("core.user").create({"name": "Ann", "email": "Ann@acme.example", "roles": ["sales_manager"]}))


@pytest.fixture
def browser(platform: Platform, tenant: Tenant) -> Callable[[], Api]:
    """Browsers in which nobody is signed in."""
    app = create_app(platform)
    return lambda: Api(platform, app.test_client(), "", tenant)


def use(api: Api, provider: Provider, **more: object) -> None:
    wish = {"issuer": provider.issuer, "client_id": provider.client_id, "client_secret": provider.client_secret or None, **more}
    answer = api.patch(SETTINGS, wish)
    assert answer.status_code == 200, answer.text


def sent(browser: Api, tenant: str = "acme", **query: str) -> str:
    """Where the browser is sent to sign in."""
    answer = browser.get(BEGIN, {"tenant": tenant, **query})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def comes_in(browser: Api, provider: Provider, tenant: str = "acme", **query: str) -> TestResponse:
    """The whole way: begin, sign in at the provider, and back."""
    return browser.get(*provider.comes_back(sent(browser, tenant, **query)))


@pytest.mark.feature("B9")
def test_whom_the_provider_vouches_for_comes_in_and_is_the_same_person_ever_after(
    ann: UUID, browser: Callable[[], Api], provider: Provider, client: Api, work: Work, clock: Clock
) -> None:
    one = browser()
    (way,) = one.get(WAYS, {"tenant": "acme"}).json["data"]
    assert way == {"provider": "openid.connect", "label": "Sign in with 127.0.0.1", "address": f"{BEGIN}?tenant=acme"}
    back = comes_in(one, provider, next="/deals?stage=won")
    assert (back.status_code, back.headers["Location"]) == (303, "/deals?stage=won")
    told = one.get(SESSION).json
    assert told["tenants"] == ["acme"]
    lead = {"name": "Zoë"}
    problem(one.post("/api/v1/leads/leads", lead), 403, "csrf")
    made = one.post("/api/v1/leads/leads", lead, headers={"X-CSRF-Token": told["csrf_token"]})
    assert (made.status_code, made.json["owner"]) == (201, str(ann))
    assert [row["current"] for row in one.get("/api/v1/core/sessions").json["data"]] == [True]
    problem(one.call("PUT", f"{SESSION}/password", json={"password": "x", "new_password": "correct horse battery"},
                     headers={"X-CSRF-Token": told["csrf_token"]}), 409, "no_password")  # fmt: skip
    rows = client.get("/api/v1/core/sign_ins", {"include": "user"}).json["data"]
    assert [(row["user"]["name"], row["outcome"]) for row in rows] == [("Ann", "entered")]
    provider.person |= {"email": "ann.berg@elsewhere.example", "name": "Ann Berg"}
    provider.key, provider.kid = ec_key("two"), "one"
    problem(comes_in(browser(), provider), 401, "bad_id_token")  # another key under the name of one that is known
    provider.kid = "two"
    problem(comes_in(browser(), provider), 401, "bad_id_token")  # its keys were asked for a moment ago
    clock.move(minutes=1)
    assert comes_in(browser(), provider).status_code == 303, "by the name that the provider has for her; its keys are asked for anew"
    assert [one["user"] for one in work.records("core.identity").find(())] == [ann]


def test_each_tenant_has_a_provider_of_its_own_and_its_sessions_open_no_other(
    ann: UUID, browser: Callable[[], Api], provider: Provider, platform: Platform, make_tenant: MakeTenant, clock: Clock
) -> None:
    with running(clock) as other:
        other.client_id, other.client_secret, other.about = "second", "", {"token_endpoint_auth_methods_supported": ["none"]}
        where_ = make_tenant("other", locale="zh_CN")
        system = platform.system(where_.id)
        admin = lifecycle.add_person(system, "Admin", "admin@other.example", ["admin"], None)
        system.records("core.user").create({"name": "安", "email": "ann@acme.example"})
        use(Api(platform, create_app(platform).test_client(), "", where_).as_user(admin), other, label="公司账号")
        one = browser()
        listed = one.get(WAYS, {"tenant": "other"}, headers={"Accept-Language": "zh-CN"}).json["data"]
        assert [row["label"] for row in listed] == ["使用 公司账号 登录"]
        assert comes_in(one, other, "other").status_code == 303
        assert one.get(SESSION).json["tenants"] == ["other"]
        problem(one.get("/api/v1/leads/leads", headers={"X-Tenant": "acme"}), 404, "choose_tenant")
        assert sent(one, "acme").startswith(provider.issuer)
        # Begun in one tenant, ended with the answer of the other's provider: the code is sent nowhere.
        back, asked = other.comes_back(sent(browser(), "other")), provider.asked.count("/token")
        state = provider.comes_back(sent(one, "acme"))[1]["state"]
        problem(one.get(back[0], {**back[1], "state": state}), 401, "wrong_issuer")
        assert provider.asked.count("/token") == asked


def test_an_answer_is_taken_once_in_time_and_from_the_browser_that_was_sent(
    ann: UUID, browser: Callable[[], Api], provider: Provider, clock: Clock, client: Api
) -> None:
    one, victim = browser(), browser()
    path, words = provider.comes_back(sent(one))
    problem(victim.get(path, words), 403, "wrong_state")  # else somebody would work in the account of who sent the link
    sent(victim)
    problem(victim.get(path, words), 403, "wrong_state")
    problem(one.get(path, {**words, "state": ""}), 403, "wrong_state")
    problem(one.get(f"{WAYS}/openid.other/callback", words), 403, "wrong_state")
    problem(one.get(f"{path}?code=x&code=y"), 400)
    cookie = one.flask.get_cookie(COOKIE)
    assert cookie is not None and cookie.http_only
    assert one.get(path, words).status_code == 303
    assert one.flask.get_cookie(COOKIE) is None
    one.flask.set_cookie(COOKIE, cookie.value)
    problem(one.get(path, words), 403, "used_state")
    path, words = provider.comes_back(sent(victim))
    clock.move(minutes=10)
    problem(victim.get(path, words), 403, "expired_state")
    victim.flask.set_cookie(COOKIE, "1.bm90IHNlYWxlZA==")
    problem(victim.get(path, words), 403, "wrong_state")
    problem(victim.get(SESSION), 401)
    outcomes = Counter(row["outcome"] for row in client.get("/api/v1/core/sign_ins").json["data"])
    assert outcomes == {"entered": 1, "not_vouched": 5}, "of who brings no cookie of ours nobody knows which company is meant"


def test_what_the_provider_says_is_not_believed_where_anything_is_wrong(
    ann: UUID, browser: Callable[[], Api], provider: Provider, client: Api
) -> None:
    one, other = browser(), "https://other.example"
    for answer, status, code in (
        ({"iss": other}, 401, "wrong_issuer"), ({"iss": ""}, 401, "wrong_issuer"), ({"code": "", "error": "access_denied"}, 401, "provider_refused"),
        ({"code": ""}, 401, "provider_refused"), ({"code": "guessed"}, 401, "code_refused"),
    ):  # fmt: skip
        provider.answer = answer
        problem(comes_in(one, provider), status, code)
    provider.answer = {}
    for claims in ({"nonce": "of another sign-in"}, {"iss": other}, {"aud": ["dealwright", "other"]}):
        provider.claims = claims
        problem(comes_in(one, provider), 401, "bad_id_token")
    provider.claims = {}
    address = sent(one)
    use(client, provider, client_id="another")
    problem(one.get(*provider.comes_back(address)), 401, "wrong_issuer")  # the settings have changed meanwhile
    use(client, provider, client_secret="not the secret")
    problem(comes_in(one, provider), 503, "provider_away")
    problem(one.get(SESSION), 401)
    assert client.get("/api/v1/core/identities").json["data"] == []
    logged = [(row["user"], row["outcome"]) for row in client.get("/api/v1/core/sign_ins").json["data"]]
    assert sorted(logged) == [(None, "not_vouched")] * 9 + [(None, "unanswered")], "each stands in the log, and names nobody"


def test_nobody_is_sent_elsewhere_from_the_sign_in(ann: UUID, browser: Callable[[], Api]) -> None:
    one = browser()
    for landing in ("//evil.example", "/\\evil.example", "https://evil.example", "deals", "", "/\t/evil.example", "/a\\b", "/" + "x" * 600):
        problem(one.get(BEGIN, {"tenant": "acme", "next": landing}), 400, "bad_landing")
    problem(one.get(BEGIN, {"tenant": "nobody"}), 404)
    problem(one.get(f"{WAYS}/openid.other", {"tenant": "acme"}), 404)
    assert one.get(WAYS, {"tenant": "nobody"}).json == one.get(WAYS).json == {"data": []}


def test_who_has_no_account_stays_outside_until_the_tenant_says_otherwise(
    ann: UUID, browser: Callable[[], Api], provider: Provider, client: Api, work: Work
) -> None:
    users = work.records("core.user")
    provider.person = {"sub": "u-2", "email": "Bo@acme.example", "email_verified": True, "name": "Bo\x07"}
    problem(comes_in(browser(), provider), 403, "no_account")
    assert [(row["user"], row["outcome"]) for row in client.get("/api/v1/core/sign_ins").json["data"]] == [(None, "not_admitted")]
    wrong = client.patch(SETTINGS, {"new_people": True})
    problem(wrong, 422)
    assert [one["field"] for one in wrong.json["errors"]] == ["domains"]
    use(client, provider, **NEW)
    one = browser()
    assert comes_in(one, provider).status_code == 303
    (bo,) = users.find(where(email="bo@acme.example"))
    assert (bo["name"], bo["roles"]) == ("Bo", ["sales_rep"])
    provider.person |= {"sub": "u-3", "email": "cy@other.example"}
    problem(comes_in(browser(), provider), 403, "domain_not_allowed")
    provider.person |= {"email": "cy@acme.example", "email_verified": False}
    problem(comes_in(browser(), provider), 403, "domain_not_allowed")  # an e-mail that nobody has verified proves no domain
    users.delete(id_of(bo))
    problem(one.get("/api/v1/core/sessions"), 401)
    for subject in ("u-2", "u-4"):  # who was deleted here has not been forgotten there
        provider.person = {"sub": subject, "email": "bo@acme.example", "email_verified": "true"}
        problem(comes_in(browser(), provider), 403, "no_account")
    again = id_of(users.create({"name": "Bo", "email": "bo@acme.example"}))
    provider.person["sub"] = "u-2"
    assert comes_in(browser(), provider).status_code == 303
    assert [row["user"] for row in work.records("core.identity").find(where(subject="u-2"))] == [again]


def test_an_account_goes_by_an_e_mail_only_once_and_only_by_one_that_is_verified(
    ann: UUID, browser: Callable[[], Api], provider: Provider, client: Api, work: Work
) -> None:
    for said, code in ((False, "email_not_verified"), (None, "email_not_verified"), ("false", "email_not_verified")):
        provider.claims = {"email_verified": said}
        problem(comes_in(browser(), provider), 403, code)
    use(client, provider, trusts_emails=True)
    provider.claims = {"email_verified": False}
    problem(comes_in(browser(), provider), 403, "email_not_verified")  # it does say something, and that is no
    provider.claims = {"email": "ann@acme.e\u212aample"}
    problem(comes_in(browser(), provider), 403)
    for email in ("\ud800@acme.example", "x" * 256 + "@acme.example"):
        provider.claims = {"email": email, "email_verified": True}
        problem(comes_in(browser(), provider), 403, "email_not_verified")
    provider.claims = {"email_verified": None}
    assert comes_in(browser(), provider).status_code == 303
    provider.claims = {"sub": "u-9"}
    problem(comes_in(browser(), provider), 403, "identity_taken")  # the mailbox was given to somebody else
    (link,) = client.get("/api/v1/core/identities").json["data"]
    assert client.delete(f"/api/v1/core/identities/{link['id']}").status_code == 204
    assert comes_in(browser(), provider).status_code == 303
    work.records("core.user").update(ann, {"active": False})
    problem(comes_in(browser(), provider), 403, "not_active")
    assert client.get("/api/v1/core/sign_ins", {"outcome": "not_active"}).json["data"][0]["user"] == str(ann)


def test_settings_that_decide_who_comes_in_are_for_who_may_do_everything(ann: UUID, client: Api, provider: Provider, work: Work) -> None:
    client.post("/api/v1/core/roles", {"key": "keeper", "name": "Keeper"})
    for permission in ("core.plugin.update", "core.user.update"):
        granted = client.post("/api/v1/core/grants", {"role": "keeper", "permission": permission, "scope": "all"})
        assert granted.status_code == 201, granted.text
    kim = id_of(work.records("core.user").create({"name": "Kim", "email": "kim@acme.example", "roles": ["keeper"]}))
    keeper = client.as_user(kim)
    problem(keeper.patch(SETTINGS, {"issuer": "https://my.own.example"}), 403)
    assert keeper.patch("/api/v1/core/plugins/orders/settings", {"new_days": 30}).status_code == 200
    admin = next(row["id"] for row in client.get("/api/v1/core/users").json["data"] if row["name"] == "Admin")
    problem(keeper.patch(f"/api/v1/core/users/{admin}", {"email": "kims.other@acme.example"}), 409, "beyond_own")
    assert keeper.patch(f"/api/v1/core/users/{admin}", {"name": "Ada"}).status_code == 200
    assert keeper.patch(f"/api/v1/core/users/{kim}", {"email": "kims.other@acme.example"}).status_code == 200
    shown = client.get(SETTINGS).json
    assert "client_secret" not in shown["settings"] and provider.client_secret not in client.get(SETTINGS).text
    for wish in (
        {"issuer": "http://login.example"},
        {"issuer": "https://x.example/?a=b"},
        {"domains": ["@acme.example"]},
        {"roles": "admin"},
    ):
        problem(client.patch(SETTINGS, wish), 422)


def test_the_document_says_which_paths_one_comes_back_to_as_the_server_takes_them(client: Api) -> None:
    described = parameters_of(client.get("/api/v1/openapi.json").json, "/api/v1/session/providers/{provider}", "get")
    tenant, landing = (next(one for one in described if one["name"] == name) for name in ("tenant", "next"))
    assert tenant["required"]
    for path, fits in (("/", True), ("/foo", True), ("//foo", False), ("/\\foo", False), ("foo", False), (f"/{'x' * 501}", False)):
        assert bool(re.search(landing["schema"]["pattern"], path)) is fits, path
        assert (client.get(BEGIN, {"tenant": "acme", "next": path}).json["code"] != "bad_landing") is fits, path


@pytest.mark.feature("B9")
def test_new_people_get_no_roles_that_are_not_there(client: Api) -> None:
    wrong = problem(client.patch(SETTINGS, {"roles": ["sales_rep", "nope", 5]}), 422)
    assert [(one["field"], one["code"]) for one in wrong["errors"]] == [("roles.2", "type"), ("roles.1", "no_such_record")]
    assert client.patch(SETTINGS, {"roles": ["sales_rep"]}).status_code == 200


@pytest.mark.feature("B9")
def test_wrong_settings_are_told_in_the_language_of_who_asks(client: Api) -> None:
    assert client.patch("/api/v1/core/tenant", {"locale": "zh_CN"}).status_code == 200
    wish = {"issuer": "login", "client_id": "x" * 256, "domains": ["@acme"]}
    wrong = problem(client.patch(SETTINGS, wish), 422)
    told = {one["field"]: one["message"] for one in wrong["errors"]}
    assert told.keys() == {"issuer", "client_id", "domains.0"}
    assert told["client_id"] == "长度超过 255" and all(text.startswith("应为") for name, text in told.items() if name != "client_id")
    wrong = problem(client.patch(SETTINGS, {"new_people": True}), 422)
    assert wrong["errors"][0]["message"].startswith("请写明哪些域名")


def test_a_provider_that_does_not_answer_is_told_to_people_on_a_page_and_costs_nobody_the_password(
    ann: UUID, browser: Callable[[], Api], provider: Provider, client: Api, platform: Platform, clock: Clock
) -> None:
    one, accept = browser(), {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "zh-CN"}
    page = one.get(BACK, {"state": "<b>"}, headers=accept)
    assert page.status_code == 403 and page.mimetype == "text/html" and "无法登录" in page.text and "<b>" not in page.text
    assert page.text.count('class="button first"') == 1 and 'href="/console/sign-in">' in page.text, "the way on is to begin anew"
    assert "如需此权限" not in page.text
    provider.away = True
    for _again in range(3):
        problem(one.get(BEGIN, {"tenant": "acme"}), 503, "provider_away")
    assert len(provider.asked) == 1, "who is away is not asked by everybody who knocks"
    for provider.about in ({"issuer": "https://other.example"}, {"authorization_endpoint": "javascript:alert(1)"}):
        provider.away = False
        clock.move(seconds=10)
        problem(one.get(BEGIN, {"tenant": "acme"}), 503, "provider_away")
    assert len(provider.asked) == 3
    assert len(one.get(WAYS, {"tenant": "acme"}).json["data"]) == 1
    platform.config, asked = replace(platform.config, private_hooks=False), len(provider.asked)
    use(client, provider, client_id="anew")
    problem(one.get(BEGIN, {"tenant": "acme"}), 503, "provider_away")
    assert len(provider.asked) == asked, "nobody is made to knock at addresses inside"
    assert client.patch("/api/v1/core/plugins/openid", {"enabled": False}).status_code == 200
    problem(one.get(BEGIN, {"tenant": "acme"}), 404)
    assert one.get(WAYS, {"tenant": "acme"}).json == {"data": []}


def test_who_comes_while_a_provider_hangs_does_not_wait_as_long_as_it_does(
    ann: UUID, browser: Callable[[], Api], provider: Provider, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a company's provider that lets its callers hang would take all threads of the server from everybody."""
    monkeypatch.setattr("plugins.openid.provider.WAIT", 0.01)
    with work.transaction():
        known = work.of_plugin("openid").kept("openid.provider", Known)
    with known.asking:
        problem(browser().get(BEGIN, {"tenant": "acme"}), 503, "provider_away")
    assert provider.asked == []
    assert sent(browser()).startswith(provider.issuer)
    with known.asking:
        assert sent(browser()).startswith(provider.issuer), "who knows already asks nobody"
    assert len(provider.asked) == 1


def test_behind_https_no_neighbour_can_set_the_cookie_that_ties_the_answer_to_the_browser(
    ann: UUID, platform: Platform, provider: Provider, tenant: Tenant
) -> None:
    platform.config = replace(platform.config, url="https://crm.acme.example")
    one = Api(platform, create_app(platform).test_client(), "", tenant)
    answer = one.get(BEGIN, {"tenant": "acme"}, base_url=platform.config.url)
    assert (
        "redirect_uri=https%3A%2F%2Fcrm.acme.example%2Fapi%2Fv1%2Fsession%2Fproviders%2Fopenid.connect%2Fcallback"
        in answer.headers["Location"]
    )
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"__Host-{COOKIE}=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"} <= {part.strip() for part in cookie.split(";")}


NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
TRUE = {"iss": "https://login.example", "aud": "we", "sub": "u-1", "exp": AT + 300, "iat": AT, "nonce": "n"}
EXPECTED = Expected("https://login.example", "we", "n", NOW)
KEYS = [
    public(rsa_key("one"), kid="r"),
    public(ec_key("one"), kid="e", alg="ES256"),
    {"kty": "oct", "k": "c2VjcmV0", "kid": "o"},
    {"kid": "odd"},
]


@pytest.mark.parametrize("kid", ["r", "e"])
def test_a_token_that_says_all_it_must_is_believed_by_either_algorithm(kid: str) -> None:
    key = rsa_key("one") if kid == "r" else ec_key("one")
    for more in ({}, {"aud": ["we"]}, {"azp": "we"}, {"exp": AT - 59}, {"iat": AT + 60}, {"nbf": AT}):
        token = signed(key, {**TRUE, **more}, kid=kid)
        assert key_id(token) == kid
        assert claims_of(token, KEYS, EXPECTED)["sub"] == "u-1"
    assert claims_of(signed(key, TRUE), KEYS[:2], EXPECTED)["sub"] == "u-1", "where one key fits, it need not be named"


WRONG: dict[str, list[dict[str, object]]] = {
    "iss": [{"iss": "https://login.example/"}, {"iss": None}],
    "aud": [{"aud": "other"}, {"aud": ["we", "other"]}, {"aud": []}, {"aud": None}, {"aud": {"we": 1}}],
    "azp": [{"azp": "other"}],
    "exp": [{"exp": AT - 60}, {"exp": None}, {"exp": str(AT + 300)}, {"exp": float("nan")}],
    "iat": [{"iat": AT + 61}, {"iat": AT - 601}, {"iat": None}, {"iat": True}],
    "nbf": [{"nbf": AT + 61}],
    "nonce": [{"nonce": "m"}, {"nonce": None}, {"nonce": "ñ"}, {"nonce": "\ud800"}],
    "sub": [{"sub": ""}, {"sub": "x" * 256}, {"sub": 7}, {"sub": None}],
}


@pytest.mark.parametrize("claim", WRONG)
def test_a_token_with_one_wrong_claim_is_refused_by_its_name(claim: str) -> None:
    for more in WRONG[claim]:
        with pytest.raises(Untrue, match=f"^{claim}$"):
            claims_of(signed(ec_key("one"), {**TRUE, **more}, kid="e"), KEYS, EXPECTED)


def test_a_token_that_is_not_signed_by_the_provider_is_refused() -> None:
    whole = signed(ec_key("one"), TRUE, kid="e")
    head, body, mark = whole.split(".")
    bare = encoded(b'{"alg":"none"}')
    by_hmac = encoded(b'{"alg":"HS256","kid":"r"}')
    for token, reason in (
        (f"{bare}.{body}.", "algorithm"), (f"{by_hmac}.{body}.{mark}", "algorithm"), (signed(ec_key("two"), TRUE, kid="e"), "signature"),
        (f"{head}.{encoded(b'{}')}.{mark}", "signature"), (f"{head}.{body}.{mark[:-4]}", "signature"), (f"{head}.{body}.", "form"),
        (signed(rsa_key("one"), TRUE, kid="e"), "key"), (signed(ec_key("one"), TRUE, kid="o"), "key"), (signed(ec_key("one"), TRUE, kid="new"), "key"),
        (signed(rsa_key("weak", 1024), TRUE, kid="w"), "key"), (signed(ec_key("one"), TRUE, kid="e", crit=["exp"]), "form"),
        ("a.b", "form"), ("", "form"), (f"{head}.{body}.{mark}.{mark}", "form"), (f"{head}\n.{body}.{mark}", "form"), ("x" * 30_000, "form"),
        (f"{encoded(b'[' * 9000)}.{body}.{mark}", "form"), (f"{encoded(b'[1]')}.{body}.{mark}", "form"),
    ):  # fmt: skip
        with pytest.raises(Untrue, match=f"^{reason}$"):
            claims_of(token, [*KEYS, public(rsa_key("weak", 1024), kid="w")], EXPECTED)
    with pytest.raises(Untrue, match=r"^key$"):
        claims_of(signed(ec_key("one"), TRUE), [*KEYS, public(ec_key("two"))], EXPECTED)  # two fit, and none is named
    with pytest.raises(Untrue, match=r"^key$"):
        claims_of(whole, [{**public(ec_key("one"), kid="e"), "y": encoded(bytes(32))}], EXPECTED)  # no point of the curve


def test_a_provider_is_reached_by_https_or_on_this_machine() -> None:
    assert all(map(secure, ("https://login.example/realms/a", "https://x.example:8443", "http://localhost:8080", "http://[::1]:1/")))
    wrong = ("http://login.example", "ftp://x.example", "https://", "https://user@x.example", "https://x.example:0", "https://x.example/#a",
             "https://x.example:word", "https://ä.example", "https://x.example/ a", "https://x.example\\@y.example", None, "https://x/" + "x" * 500)  # fmt: skip
    assert not any(map(secure, wrong))
