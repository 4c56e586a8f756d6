"""The frame: coming in and going out, what every page says to the browser, files, and what happens where there is nothing."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from core.app import create_app
from core.context import Work
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, MakeTenant, People
from plugins import console
from sdk import Forbidden, Tenant, where
from sdk.context import id_of
from tests.console.site import Look, Site

TEMPLATES = Path(console.__file__).parent / "templates"
EMAIL, PASSWORD = "ann@acme.example", "correct horse battery"


@pytest.fixture
def browser(platform: Platform, tenant: Tenant) -> Api:
    """A browser that knows nobody yet; Ann may come in."""
    lifecycle.add_person(platform.system(tenant.id), "Ann", EMAIL, ["admin"], PASSWORD)
    return Api(platform, create_app(platform).test_client(), "", tenant)


def signed_in(browser: Api, path: str = "/console/") -> Look:
    answer = browser.call("POST", "/console/sign-in", data={"email": EMAIL, "password": PASSWORD, "next": path})
    assert (answer.status_code, answer.headers["Location"]) == (303, path), answer.text
    return Look(browser.get(path))


def test_who_is_not_signed_in_is_asked_to_and_comes_to_where_they_wanted(browser: Api) -> None:
    sent = browser.get("/console/customers/accounts", {"q": "A"})
    assert (sent.status_code, sent.headers["Location"]) == (303, "/console/sign-in?next=/console/customers/accounts%3Fq%3DA")
    for came, after in (
        ("localhost/console/customers/accounts/new", "?next=/console/customers/accounts/new"),
        ("evil.example/console/", ""),
    ):
        form = browser.call("POST", "/console/customers/accounts/new", data={}, headers={"Referer": f"http://{came}"})
        assert (form.status_code, form.headers["Location"]) == (303, f"/console/sign-in{after}")
    page = Look(browser.get(sent.headers["Location"]))
    assert page.form()["next"] == "/console/customers/accounts?q=A"
    assert signed_in(browser, "/console/customers/accounts?q=A").heading == "Accounts"


def test_a_wrong_password_says_so_and_keeps_the_address_typed(browser: Api) -> None:
    page = Look(browser.call("POST", "/console/sign-in", data={"email": EMAIL, "password": "wrong"}))
    assert page.status == 401
    assert page.form()["email"] == EMAIL
    assert page.all("//*[@role='alert']")


def test_nobody_is_led_to_another_server_after_signing_in(browser: Api) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        answer = browser.call("POST", "/console/sign-in", data={"email": EMAIL, "password": PASSWORD, "next": elsewhere})
        assert answer.headers["Location"] == "/console/"


def test_another_site_cannot_sign_somebody_in(browser: Api) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = browser.call("POST", "/console/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers=headers)
        assert answer.status_code == 403


def test_going_out_ends_the_session(browser: Api) -> None:
    page = signed_in(browser)
    refused = browser.call("POST", "/console/sign-out", data={"csrf_token": "guessed"})
    assert refused.status_code == 403
    stale = Look(browser.call("POST", "/console/customers/accounts/new", data={"csrf_token": "of the session before", "name": "Huawei"}))
    assert (stale.status, stale.heading, "csrf_token as" in stale.text) == (403, "This page is out of date", False)
    token = page.all("//meta[@name='csrf-token']/@content")[0]
    assert browser.call("POST", "/console/sign-out", data={"csrf_token": token}).status_code == 303
    assert browser.get("/console/").status_code == 303


def test_a_form_without_the_sessions_token_changes_nothing(browser: Api, work: Work) -> None:
    signed_in(browser)
    answer = browser.call("POST", "/console/customers/accounts/new", data={"name": "Huawei"})
    assert answer.status_code == 403
    assert work.records("customers.account").find(()) == []


def test_who_belongs_to_several_companies_chooses_one(browser: Api, platform: Platform, make_tenant: MakeTenant) -> None:
    other = make_tenant("other")
    lifecycle.add_person(platform.system(other.id), "Ann", EMAIL, ["admin"], PASSWORD)
    answer = browser.call("POST", "/console/sign-in", data={"email": EMAIL, "password": PASSWORD})
    page = Look(browser.get(answer.headers["Location"]))
    assert {*page.texts("//button[@name='choice']")} == {"other", str(browser.tenant and browser.tenant.name)}
    browser.call("POST", "/console/companies", data={**page.form(), "choice": "other"})
    assert "other" in Look(browser.get("/console/")).text
    users = platform.system(other.id).records("core.user")
    users.create({"name": "Boss", "roles": ["admin"]})
    form = Look(browser.get("/console/customers/accounts/new")).form()
    users.update(id_of(users.find(where(email=EMAIL), 1)[0]), {"active": False})
    sent = browser.call("POST", "/console/customers/accounts/new", data={**form, "name": "Meant for the other"})
    assert sent.headers["Location"].startswith("/console/companies"), "what was typed for one company goes to no other"
    assert browser.tenant is not None
    assert platform.system(browser.tenant.id).records("customers.account").find(()) == []
    assert Look(browser.get("/console/")).status == 200, "and the one that is left is entered"
    answer = browser.call("POST", "/console/sign-in", data={"email": EMAIL, "password": PASSWORD})
    assert answer.headers["Location"] == "/console/", "where one has left there is nothing to choose"
    assert Look(browser.get("/console/")).status == 200, "and what was chosen before is forgotten"


def test_every_page_takes_scripts_and_styles_from_us_alone(site: Site) -> None:
    for path in ("/", "/all", "/customers/accounts", "/customers/accounts/new"):
        page = site.get(path)
        policy = page.answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not page.all("//script[not(@src)] | //style | //@style | //@*[starts-with(name(), 'on')]"), path
        assert page.all("//link[@rel='expect']/@href") == ["#toasts"] == [f"#{id}" for id in page.all("//*[@id='toasts']/@id")]
        loaded = page.all("//script/@src | //link[@rel!='expect']/@href | //img/@src")
        assert loaded
        assert all(one.startswith("/console/static/") for one in loaded)


def test_files_are_kept_for_ever_and_have_another_address_once_they_change(site: Site) -> None:
    address = next(one for one in site.get("/").all("//link/@href") if one.endswith(".css"))
    plain = site.api.get(address)
    assert "immutable" in plain.headers["Cache-Control"]
    pressed = site.api.get(address, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(pressed.data) == plain.data
    assert site.api.get(re.sub(r"/[0-9a-f]{12}/", "/000000000000/", address)).data == plain.data
    for outside in ("console/../plugin.py", "console/css/none.css", "nobody/x.js", "console"):
        assert site.api.get(f"/console/static/0/{outside}").status_code == 404


@pytest.mark.parametrize(
    "path", ["//etc/hostname", "/../plugin.py", "/./charts.js", "/%2e%2e/plugin.py", "//charts.js", "/%00", "/" + "a" * 300]
)
def test_no_file_but_the_static_ones_is_served_and_each_by_one_address_alone(browser: Api, path: str) -> None:
    found = browser.get("/console/static/x/console/charts.js")
    assert found.status_code == 200, found.text
    assert browser.get(f"/console/static/x/console{path}").status_code == 404


def test_where_there_is_nothing_a_page_says_so_and_a_script_gets_a_problem(site: Site) -> None:
    page = site.get("/nobody/nothing")
    assert (page.status, page.answer.mimetype) == (404, "text/html")
    assert site.get("/nobody/nothing", part="found").answer.mimetype == "application/problem+json"


def test_a_refused_page_says_what_happened_and_what_to_do_in_words_with_the_menu_and_the_way_back(client: Api, people: People) -> None:
    rep = client.as_user(people.rep)

    def look(path: str, came: str = "", **more: str) -> Look:
        headers = {"Referer": came, "Accept-Language": "en", **more} if came else more
        return Look(rep.get(f"/console{path}", headers=headers))

    forbidden = look("/admin/roles", "http://localhost/console/customers/accounts?q=A")
    assert (forbidden.status, forbidden.heading) == (403, "Not allowed")
    assert "you need the permission Grants · read" in forbidden.text
    assert "you need the permission Turn plugins on and off" in look("/admin/plugins").text
    assert "your administrator for this permission" in forbidden.text
    assert forbidden.links()["Back"] == "/console/customers/accounts?q=A"
    assert "Accounts" in forbidden.links(), "the menu"
    assert "Back" not in look("/admin/roles", "http://elsewhere.example/console/").links()
    gone = look("/customers/accounts/01890000-0000-7000-8000-000000000000")
    assert (gone.status, "01890000" in gone.text, "recycle bin of its list" in gone.text) == (404, False, True)
    odd = look("/customers/accounts?sort=nonsense")
    assert (odd.status, odd.links()["Open the page without it"]) == (400, "/console/customers/accounts")
    assert look("/nothing").texts("//*[@class='card refused']//p")[0] == "there is nothing at this address"


def test_a_page_that_breaks_says_that_nothing_was_stored_and_by_which_number_to_ask(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: object) -> None:
        raise RuntimeError("secret reason")

    for part, menu in (("plugins.console.listing.heads", True), ("plugins.console.frame.menu", False)):
        monkeypatch.setattr(part, broken)
        page = site.get("/customers/accounts")
        assert (page.status, page.heading, "secret reason" in page.text) == (500, "Something went wrong here", False)
        assert page.texts("//code") == [page.answer.headers["X-Trace-Id"]]
        assert {"Try again", "Go to home page"} <= {*page.links()}
        assert ("Deals" in page.links()) is menu, "the menu stays, unless it is what has failed"


@pytest.mark.feature("A14")
def test_a_plugin_that_is_off_leaves_no_trace_in_the_pages(site: Site, work: Work) -> None:
    assert "Tasks" in site.get("/").text
    told = {"trigger": "automation.created", "actions": [{"action": "automation.notify", "parameters": {"to": "owner", "title": "Hi"}}]}
    for name, entity in (("Greet accounts", "customers.account"), ("Greet tasks", "teamwork.task")):
        work.records("automation.rule").create({"name": name, "entity": entity, **told})
    site.api.patch("/api/v1/core/plugins/teamwork", {"enabled": False})
    page = site.get("/")
    assert "My tasks" not in page.text
    assert "Tasks" not in page.text
    assert site.get("/teamwork/tasks").status == 404
    assert [one.partition(" ")[2] for one in site.get("/find", {"q": "Greet"}).texts("//main//a//mark/..")] == ["accounts"]
    (found,) = site.api.get("/api/v1/search", {"q": "Greet"}).json["data"]
    assert [row["title"] for row in found["records"]] == ["Greet accounts"]


def test_without_the_console_there_are_no_pages(site: Site) -> None:
    site.api.patch("/api/v1/core/plugins/console", {"enabled": False})
    assert site.get("/").status == 404


def test_the_menu_has_what_its_reader_may_read(client: Api, people: People) -> None:
    side = "//nav[@id='side']//a"
    admin, page = Site(client), Site(client.as_user(people.rep)).get("/")
    assert "Administration" in admin.get("/").texts(side)
    assert "Rules" in admin.get("/admin").links(), "what is set up stands behind one entry, which is in sight always"
    assert admin.get("/automation/rules").texts(f"{side}[@aria-current]") == ["Administration"]
    assert admin.get("/pipeline/deals").texts(f"{side}[@aria-current]") == ["Deals"], "a list belongs to the entry that leads to its board"
    assert not {"Rules", "Administration"} & {*page.texts(side)}
    assert page.texts("//nav[@class='thumb']/a") == ["Home", "Tasks", "Accounts", "Deals"]


def test_the_language_is_each_persons_own_and_changes_at_once(client: Api, people: People) -> None:
    site = Site(client.as_user(people.rep))
    before = site.get("/customers/accounts")
    assert before.heading == "Accounts"
    site.post("/me/locale", {"locale": "zh_CN", "then": "/console/customers/accounts"})
    after = site.get("/customers/accounts")
    assert (after.heading, after.all("/html/@lang")) == ("客户", ["zh-CN"])
    assert Site(client).get("/customers/accounts").heading == "Accounts"


def test_the_api_is_asked_in_peoples_names_only_by_a_plugin_that_has_declared_it(platform: Platform, tenant: Tenant) -> None:
    work = platform.system(tenant.id)
    app = create_app(platform)
    with app.app_context(), work.transaction():
        assert work.of_plugin("console").api("GET", "/api/v1/core/tenant")
        with pytest.raises(Forbidden, match="catalog"):
            work.of_plugin("catalog").api("GET", "/api/v1/core/tenant")


def test_nobody_chooses_the_language_of_another_person(client: Api, people: People) -> None:
    narrow = client.as_user(people.rep, allows=["customers.account.read:name"])
    refused = Site(narrow).post("/me/locale", {"locale": "zh_CN"})
    assert refused.status == 403
    assert client.get(f"/api/v1/core/users/{people.rep}").json["locale"] is None
    assert narrow.call("PUT", "/api/v1/core/language", json={"locale": "zh_CN"}).status_code == 403
    assert client.call("PUT", "/api/v1/core/language", json={"locale": "fr"}).status_code == 422


def test_the_page_of_components_shows_every_macro_of_the_kit(site: Site) -> None:
    kit = TEMPLATES / "kit"
    texts = {name: (kit / f"{name}.html").read_text(encoding="utf-8") for name in ("parts", "calendar", "charts", "icons")}
    macros = {
        name: body for text in texts.values() for name, body in re.findall(r"{% macro (\w+)\(.*?%}(.*?){% endmacro %}", text, re.DOTALL)
    }
    used, page = set[str](), (TEMPLATES / "console" / "kit.html").read_text(encoding="utf-8").replace("ways_of(", "ways(")
    pages = [page]
    while pages:
        called = {name for name in macros if re.search(rf"\b{name}\(", pages[0])} - used
        pages = pages[1:] + [macros[name] for name in called]
        used |= called
    assert macros.keys() - used == set()
    shown = site.get("/kit")
    assert (shown.status, shown.text.count("This part has failed")) == (200, 1)
