"""One's own account as pages: sessions, and tokens whose allow-list is ticked."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import pytest
from openpyxl import load_workbook

from core.context import Work
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, Clock, People
from plugins.console.devices import device
from plugins.teamwork.calendar import entries
from plugins.teamwork.mailing import times_of
from sdk import Tenant, where
from sdk.context import id_of
from tests.console.site import Look, Site
from tests.console.test_entrance import EMAIL, PASSWORD, signed_in
from tests.plugins.exported import exported
from tests.plugins.imports import import_file


def test_a_token_may_do_what_was_ticked_and_its_secret_is_shown_once(
    client: Api, people: People, platform: Platform, tenant: Tenant
) -> None:
    work = platform.system(tenant.id)
    account = work.records("customers.account").create({"name": "Huawei", "phone": "+86 755 2878 0808", "owner": people.rep})
    site = Site(client.as_user(people.rep))
    assert site.post("/me/tokens", {"name": "", "may": "some", "allow-customers.account": ["read"]}).status == 422
    narrow = {"name": "list", "may": "some", "lasts": "30", "allow-customers.account": ["read"], "fields-customers.account": "name, city"}
    page = site.post("/me/tokens", narrow)
    (secret,) = page.texts("//code[@class='secret']")
    program = Api(platform, client.flask, secret, tenant)
    seen = program.get(f"/api/v1/customers/accounts/{account['id']}").json
    assert {"name", "city"} <= seen.keys()
    assert "phone" not in seen
    assert program.post("/api/v1/customers/accounts", {"name": "Other"}).status_code == 403
    brief = client.as_user(people.rep).post("/api/v1/core/tokens", {"name": "brief", "expires_at": "2026-01-16T12:00:00Z"}).json["token"]
    Site(Api(platform, client.flask, brief, tenant)).post("/me/tokens", {"name": "longer", "may": "everything", "lasts": "never"})
    (longer,) = work.records("core.token").find(where(name="longer"))
    assert str(longer["expires_at"])[:10] == "2026-01-16", "a token made with a token lasts no longer than that"
    again = site.get("/me/tokens")
    assert secret not in again.answer.text
    (row,) = work.records("core.token").find(where(name="list"))
    assert site.post("/me/tokens", {"revoke": str(row["id"])}).status == 303
    assert program.get("/api/v1/customers/accounts").status_code == 401
    assert [site.post(path, form).status for path, form in (("/me/tokens", {"revoke": "x"}), ("/me/account", {"session": "../x"}))] == [
        404,
        404,
    ]


def test_sessions_are_shown_and_ended(platform: Platform, tenant: Tenant) -> None:
    lifecycle.add_person(platform.system(tenant.id), "Ann", EMAIL, [], PASSWORD)
    here, there = signed_in(platform, tenant), signed_in(platform, tenant)
    page = Look(here.get("/console/me/account"))
    assert len(page.rows()) == 2
    token = page.all("//meta[@name='csrf-token']/@content")[0]
    assert here.call("POST", "/console/me/account", data={"csrf_token": token}).status_code == 303
    assert there.get("/console/").status_code == 303, "sent to sign in"
    assert len(Look(here.get("/console/me/account")).rows()) == 1
    assert page.all("//form[@data-call='PUT /api/v1/session/password']")


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1", "Safari · iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
    ],
)  # fmt: skip
def test_where_somebody_is_signed_in_is_told_by_browser_and_system(agent: str, said: str) -> None:
    assert device(agent) == said


@pytest.mark.feature("A7")
def test_numbers_and_days_stand_as_their_reader_has_them_written_whatever_the_language(client: Api, people: People, site: Site) -> None:
    mill = {"name": "Mill", "revenue": {"amount": "1234.56", "currency": "EUR"}, "owner": str(people.rep)}
    account = client.post("/api/v1/customers/accounts", mill).json["id"]
    ann = {"name": "Ann", "birthday": "1990-12-31", "account": account, "owner": str(people.rep)}
    contact = client.post("/api/v1/customers/contacts", ann).json["id"]
    mine, here = f"/customers/accounts/{account}", f"/customers/contacts/{contact}"
    rep = Site(client.as_user(people.rep))
    assert ("€1,234.56" in rep.get(mine).text, "Dec 31, 1990" in rep.get(here).text) == (True, True)
    assert client.patch(f"/api/v1/core/users/{people.rep}", {"company.formats": "de-DE"}).status_code == 200
    assert ("1.234,56" in rep.get(mine).text, "31.12.1990" in rep.get(here).text) == (True, True)
    assert "€1,234.56" in site.get(mine).text, "for everybody else they stay"
    assert client.patch(f"/api/v1/core/users/{people.rep}", {"company.formats": None}).status_code == 200
    assert "€1,234.56" in rep.get(mine).text


@pytest.mark.feature("A3")
@pytest.mark.feature("A6")
@pytest.mark.feature("A7")
def test_each_person_sets_what_is_his_own_on_his_page_and_through_the_api_and_nothing_else(client: Api, people: People, site: Site) -> None:
    rep = client.as_user(people.rep)
    mine, own = Site(rep), {"locale": "en", "timezone": "Asia/Tokyo", "company.formats": "de-DE", "company.currency": "EUR"}
    nothing = dict.fromkeys(own)
    assert rep.get("/api/v1/core/me").json == nothing
    (form,) = [one for one in mine.get("/me/account").tree.forms if one.action == "/console/me/settings"]
    assert {name for name, _value in form.form_values()} == {*own, "csrf_token"}
    page = mine.get("/me/account")
    unset = [page.texts(f"//select[@name='{name}']/option[@value='']") for name in ("timezone", "company.formats", "company.currency")]
    assert unset == [["As the company: UTC"], ["As the language"], ["As the company: USD"]], "what holds is said in its place"
    wrong = mine.post("/me/settings", {**own, "timezone": "Europe/Atlantis"})
    assert (wrong.status, wrong.texts("//p[@id='p-timezone']")) == (
        422,
        ["unknown time zone 'Europe/Atlantis'; expected for example Europe/Berlin"],
    )
    assert wrong.all("//select[@name='company.formats']/option[@selected]/@value") == ["de-DE"], "what was typed stays"
    assert mine.post("/me/settings", own).status == 303
    assert rep.get("/api/v1/core/me").json == own
    assert rep.patch("/api/v1/core/me", {"company.currency": None}).json == {**own, "company.currency": None}, "the rest stays"
    for stolen in ("roles", "email", "team", "active", "no such"):
        refused = rep.patch("/api/v1/core/me", {stolen: None})
        assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "unknown_field")
    narrow = client.as_user(people.rep, allows=["customers.account.read:name"])
    for nowhere in ("localtime", "Factory"):
        assert rep.patch("/api/v1/core/me", {"timezone": nowhere}).status_code == 422, "the zone of a machine is another on the next"
    assert narrow.patch("/api/v1/core/me", {"timezone": "UTC"}).status_code == 403
    assert (client.get("/api/v1/core/me").json, site.get("/me/account").status) == (nothing, 200), "everybody else stays as he was"
    assert rep.get("/api/v1/meta").json["user"]["timezone"] == "Asia/Tokyo"


@pytest.mark.feature("A6")
def test_moments_and_days_are_those_of_who_looks_and_what_is_counted_for_all_keeps_the_days_of_the_company(
    client: Api, people: People, site: Site, work: Work, clock: Clock
) -> None:
    rep = client.as_user(people.rep)
    mine, at = Site(rep), "/teamwork/activities"
    assert rep.patch("/api/v1/core/me", {"timezone": "Asia/Tokyo"}).status_code == 200
    assert mine.sent(f"{at}/new", subject="Call", starts_at="2026-03-29T02:30").status == 303
    (call,) = work.records("teamwork.activity").find(())
    assert call["starts_at"] == datetime(2026, 3, 28, 17, 30, tzinfo=UTC)
    assert mine.get(f"{at}/{call['id']}/edit").form()["starts_at"] == "2026-03-29T02:30"
    assert ("2:30" in mine.get(f"{at}/{call['id']}").text, "5:30" in site.get(f"{at}/{call['id']}").text) == (True, True)
    assert [len(entries(one, date(2026, 3, 28), date(2026, 3, 28), None)) for one in (work.as_user(people.rep), work)] == [0, 1]
    sheets = [
        load_workbook(io.BytesIO(exported(one, "teamwork.activity", "xlsx", fields=("starts_at",)))).active
        for one in (work.as_user(people.manager), work.as_user(people.rep))
    ]
    assert [[row[-1] for row in sheet.iter_rows(values_only=True)] for sheet in sheets] == [
        ["starts_at (UTC)", datetime(2026, 3, 28, 17, 30)], ["starts_at (Asia/Tokyo)", datetime(2026, 3, 29, 2, 30)],
    ]  # fmt: skip
    brought = import_file(work.as_user(people.rep), "teamwork.activity", "subject,starts_at\nBack,2026-03-30 02:30\n")
    assert (brought.state, work.records("teamwork.activity").find(where(subject="Back"))[0]["starts_at"].day) == ("succeeded", 29)
    asked = {"entity": "teamwork.activity", "measure": "count", "by": "starts_at:day"}
    assert [api.get("/api/v1/reports/query", asked).json["data"][0]["starts_at:day"] for api in (rep, client)] == ["2026-03-28"] * 2
    clock.now = datetime(2026, 1, 15, 16, tzinfo=UTC)  # already the sixteenth in Tokyo
    task = {"subject": "Offer", "due_on": date(2026, 1, 15), "owner": people.rep, "remind_days": 0}
    made = work.records("teamwork.task").create(task)
    assert [len(one.get("/teamwork/tasks", {"_view": "overdue"}).rows()) for one in (mine, site)] == [1, 0]
    assert made["remind_at"] is None, "his day is over"
    later = work.records("teamwork.task").update(id_of(made), {"due_on": date(2026, 2, 1)})
    assert later["remind_at"] == datetime(2026, 2, 1, tzinfo=UTC), "at nine where he is"
    given = work.records("teamwork.task").update(id_of(made), {"owner": people.manager})
    assert given["remind_at"] == datetime(2026, 2, 1, 9, tzinfo=UTC)
    assert {one.zone.key for one in times_of(work, [people.rep]).values()} == {"Asia/Tokyo"}


@pytest.mark.feature("A3")
def test_forms_begin_in_the_currency_of_the_person_else_in_that_of_the_company_for_new_records(
    client: Api, people: People, site: Site
) -> None:
    rep, places = Site(client.as_user(people.rep)), (("/pipeline/deals/new", "amount__currency"), ("/orders/quotes/new", "currency"))

    def begun(of: Site) -> list[str]:
        return [of.get(path).form()[name] for path, name in places]

    assert begun(site)[0] == begun(rep)[0] == "USD"
    eur, gbp = (
        client.post("/api/v1/company/currencies", {"code": code, "name": code, "is_default": code == "EUR"}) for code in ("EUR", "GBP")
    )
    assert (eur.status_code, gbp.status_code) == (201, 201), eur.text
    second = client.patch(f"/api/v1/company/currencies/{gbp.json['id']}", {"is_default": True})
    assert [error["code"] for error in second.json["errors"]] == ["second_default"]
    assert begun(site) == begun(rep) == ["EUR", "EUR"]
    assert client.patch(f"/api/v1/core/users/{people.rep}", {"company.currency": "GBP"}).status_code == 200
    assert (begun(site), begun(rep)) == (["EUR", "EUR"], ["GBP", "GBP"])
    assert client.patch(f"/api/v1/core/users/{people.rep}", {"company.currency": "XXX"}).status_code == 422
    made = client.as_user(people.rep).post("/api/v1/customers/accounts", {"name": "d", "revenue": {"amount": "5"}})
    assert made.json["revenue"] == {"amount": "5.00", "currency": "USD"}, "what programs leave out is the company’s own, whoever asks"
    assert client.patch(f"/api/v1/company/currencies/{eur.json['id']}", {"active": False}).status_code == 200
    assert begun(site)[0] == "USD"
