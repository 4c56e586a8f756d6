"""Coming in on pages: as the first, invited, with a forgotten password, through a provider, as somebody else."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID

import pytest

from core.app import create_app
from core.platform import Platform
from core.tenancy import first_start, lifecycle
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from sdk import Tenant, links
from tests.console.site import Look
from tests.http import test_second_factor as second_factor
from tests.http.test_invitations import letters

EMAIL, PASSWORD = "ann@acme.example", "correct horse battery"


def anybody(platform: Platform, tenant: Tenant | None = None) -> Api:
    return Api(platform, create_app(platform).test_client(), "", tenant)


def signed_in(platform: Platform, tenant: Tenant, email: str = EMAIL) -> Api:
    browser = anybody(platform, tenant)
    browser.call("POST", "/console/sign-in", data={"email": email, "password": PASSWORD})
    return browser


def test_the_first_who_comes_sets_up_by_the_code_of_the_terminal_and_goes_on_signed_in(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform.gate, "ours", platform.gate.ours - {"web_forms"})
    code = first_start.new_code(platform)
    platform.first_start = links.digest_of(code)
    browser = anybody(platform)
    assert browser.get("/").headers["Location"] == "/setup"
    page = Look(browser.get("/setup"))
    form = {**page.form(), "tenant": "acme", "name": "Ann", "email": EMAIL, "password": PASSWORD}
    wrong = Look(browser.call("POST", "/setup", data={**form, "code": "guess"}))
    assert (wrong.status, wrong.form()["tenant"]) == (403, "acme")
    assert "terminal" in " ".join(wrong.texts("//*[@role='alert']"))
    bad = Look(browser.call("POST", "/setup", data={**form, "code": code, "tenant": "No Name", "timezone": "Nowhere"}))
    assert bad.status == 422
    assert {*bad.all("//*[@aria-invalid='true']/@name")} == {"tenant", "timezone"}
    for guess in (code, "guess"):  # what else is wrong says nothing of the code
        half = Look(browser.call("POST", "/setup", data={**form, "code": guess, "tenant": "No Name", "email": "ann", "password": ""}))
        assert (half.status, half.all("//*[@aria-invalid='true']/@name")) == (422, ["tenant", "email", "password"]), "all at once"
    empty = Look(browser.call("POST", "/setup", data={}))
    assert empty.all("//p[@class='problem' and text()='is required']/preceding-sibling::input/@name") == [
        "code",
        "tenant",
        "email",
        "password",
    ]
    assert empty.all("//input[@autofocus]/@name") == ["code"], "each is told where it stands"
    elsewhere = browser.call("POST", "/setup", data={**form, "code": code}, headers={"Origin": "https://evil.example"})
    assert (elsewhere.status_code, elsewhere.mimetype) == (403, "text/html")
    made = browser.call("POST", "/setup", data={**form, "code": code})
    assert made.headers["Location"] == "/console/admin/start"
    start = Look(browser.get("/console/admin/start"))
    (waits,) = (said for said, href in start.links().items() if href == "/console/admin/plugins/web_forms")
    assert waits.startswith("Web forms (") and "Leads" in waits, "what is held, and what it asks for"
    assert Look(browser.get("/console/")).status == 200
    assert browser.get("/setup").headers["Location"] == "/console/"
    assert browser.get("/").headers["Location"] == "/console/"
    assert browser.call("POST", "/setup", data={**form, "code": code}).status_code == 404


def test_words_are_taken_up_to_a_size_that_is_no_files_before_they_are_read(client: Api, platform: Platform) -> None:
    much, path = "x" * platform.config.max_body, "/console/customers/accounts/new"
    for sent in ({"data": {"email": much}}, {"data": {"email": much}, "headers": {"Content-Type": "multipart/form-data; boundary=x"}}):
        refused = anybody(platform).call("POST", "/console/sign-in", **sent)
        assert (refused.status_code, refused.mimetype) == (413, "text/html"), "nobody has come in yet"
    page = Look(client.call("POST", path, data={"name": much}))
    assert (page.status, "your input is still there. Send less" in page.text) == (413, True)


def test_who_is_invited_or_has_forgotten_chooses_a_password_in_the_look_of_the_pages(
    client: Api, platform: Platform, tenant: Tenant, people: People
) -> None:
    invited = Look(client.call("POST", f"/console/admin/people/{people.rep}/invite", data={}))
    assert invited.texts("//*[@role='status']//code") == ["dealwright user invite rep00@acme.example --tenant acme"], "no mail server"
    browser, (address,) = anybody(platform, tenant), letters(platform, tenant)
    page = Look(browser.get(address))
    assert (page.heading, page.all("//link[@rel='stylesheet']")[0].get("href")[:15]) == (f"Welcome to {tenant.name}", "/console/static")
    weak = Look(browser.call("POST", address, data={"password": "password2024"}))
    assert weak.status == 422
    assert weak.all("//*[@role='alert']")
    done = Look(browser.call("POST", address, data={"password": PASSWORD}))
    assert done.links()["Sign in"] == "/console/sign-in"
    again = Look(client.call("POST", f"/console/admin/people/{people.rep}/invite", data={}))
    assert (again.status, bool(again.all("//*[@role='alert']"))) == (409, True)
    assert Look(browser.get("/console/sign-in")).links()["Forgot your password?"] == "/console/forgotten"
    assert "dealwright user reset" in Look(browser.get("/console/forgotten")).text, "where there is no mail server, no letter is promised"
    told = [
        Look(browser.call("POST", "/console/forgotten", data={"email": one})).text for one in ("rep00@acme.example", "nobody@acme.example")
    ]
    assert told[0] == told[1] and "dealwright user reset" in told[0], "whether there is such a person, nobody learns"
    new = Look(browser.call("POST", letters(platform, tenant)[-1], data={"password": "staple battery horse"}))
    assert "sign in now" in new.heading
    assert Look(browser.call("POST", "/console/forgotten", data={"email": ""})).status == 422


def test_a_way_in_through_a_provider_is_a_button_and_a_failed_one_says_why_on_a_page(
    client: Api, platform: Platform, tenant: Tenant
) -> None:
    wish = {"issuer": "https://login.example.com", "client_id": "us", "client_secret": "s" * 20, "label": "Our login"}
    assert client.patch("/api/v1/core/plugins/openid/settings", wish).status_code == 200
    browser = anybody(platform, tenant)
    page = Look(browser.get("/console/sign-in", {"next": "/console/customers/accounts"}))
    way = next(href for name, href in page.links().items() if "Our login" in name)
    assert way.startswith("/api/v1/session/providers/")
    assert way.endswith("&next=/console/customers/accounts")
    failed = browser.get(way.partition("?")[0] + "/callback", {"state": "x", "code": "y"}, headers={"Accept": "text/html"})
    assert failed.status_code == 403
    assert "started in another browser" in Look(failed).text
    assert "You could not be signed in" in Look(failed).heading


def test_who_has_a_second_factor_is_led_through_both_fields_from_the_password_on(platform: Platform, tenant: Tenant, clock: Clock) -> None:
    lifecycle.add_person(platform.system(tenant.id), "Ann", EMAIL, [], PASSWORD)
    _csrf, seed, _codes = second_factor.set_up(anybody(platform, tenant), clock)
    clock.move(minutes=1)
    browser, typed = anybody(platform, tenant), {"email": EMAIL, "password": PASSWORD}
    asked = Look(browser.call("POST", "/console/sign-in", data=typed))
    assert asked.all("//input[@autofocus]/@name") == ["password"]
    assert "Enter your password again, together with the code." in asked.text
    wrong = Look(browser.call("POST", "/console/sign-in", data={**typed, "code": "000000"}))
    assert (wrong.status, wrong.all("//input[@autofocus]/@name")) == (401, ["password"])
    right = {**typed, "code": second_factor.code(seed, clock)}
    assert browser.call("POST", "/console/sign-in", data=right).status_code == 303


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_nothing_is_done_for_a_browser_that_does_not_show_its_token(platform: Platform, tenant: Tenant) -> None:
    """Neither a write nor what is made ready before one: a letter to try out the mail, a call to a bank."""
    lifecycle.add_person(platform.system(tenant.id), "Ann", EMAIL, ["admin"], PASSWORD)
    browser = signed_in(platform, tenant)
    elsewhere, id = {"Origin": "https://evil.example", "HX-Request": "true"}, str(UUID(int=1))
    of_nobody = {"/api/v1/session", "/api/v1/password_resets", "/api/v1/setup"}  # they take JSON alone, and no cookie for a right
    rules = [one for one in browser.flask.application.url_map.iter_rules() if one.rule not in of_nobody and "<token>" not in one.rule]
    asked = [(method, rule.rule) for rule in rules for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}]
    taken = []
    for method, rule in asked:
        path = re.sub("<[^>]+>", "x", re.sub("<record:[^>]+>", id, rule))
        answer = browser.call(method, path, json={}, headers=elsewhere)
        if (answer.status_code, answer.json["code"]) != (403, "csrf"):
            taken.append((method, rule, answer.status_code))
    assert taken == [] and len(asked) > 300


@pytest.mark.feature("B8")
def test_who_acts_as_somebody_is_told_so_on_every_page_with_the_way_back(
    platform: Platform, tenant: Tenant, people: People, clock: Clock
) -> None:
    lifecycle.add_person(platform.system(tenant.id), "Ann", EMAIL, ["admin"], PASSWORD)
    browser = signed_in(platform, tenant)
    ways = Look(browser.get(f"/console/core/users/{people.rep}")).links()
    page = Look(browser.get(ways["Impersonate"]))
    begun = browser.call("POST", "/console/acting", data=page.form())
    assert (begun.status_code, begun.headers["Location"]) == (303, "/console/")
    acting = Look(browser.get("/console/customers/accounts"))
    assert "You’re impersonating rep00" in acting.text
    assert browser.get("/console/admin/plugins").status_code == 403
    refused = browser.call("POST", "/console/acting", data=page.form())
    assert (refused.status_code, refused.mimetype) == (409, "text/html")
    assert browser.call("POST", "/console/acting/end", data={"csrf_token": "guessed"}).status_code == 403
    clock.move(hours=1)
    over = Look(browser.get("/console/"))
    assert over.status == 403
    end = over.all("//form[@action='/console/acting/end']")
    assert browser.call("POST", "/console/acting/end", data=dict(end[0].form_values())).status_code == 303
    assert "You’re impersonating" not in Look(browser.get("/console/")).text
    assert browser.get("/console/admin/plugins").status_code == 200


def test_the_company_that_one_chose_is_kept_behind_https_too(platform: Platform, tenant: Tenant, make_tenant: MakeTenant) -> None:
    platform.config = replace(platform.config, url="https://crm.acme.example")
    for one in (tenant, make_tenant("other")):
        lifecycle.add_person(platform.system(one.id), "Ann", EMAIL, ["admin"], PASSWORD)
    browser, https = anybody(platform, tenant), {"base_url": "https://crm.acme.example"}
    sent = browser.call("POST", "/console/sign-in", data={"email": EMAIL, "password": PASSWORD}, **https)
    page = Look(browser.call("GET", sent.headers["Location"], **https))
    browser.call("POST", "/console/companies", data={**page.form(), "choice": "other"}, **https)
    assert "other" in Look(browser.call("GET", "/console/", **https)).text
