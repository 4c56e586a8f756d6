"""Forms: what is typed is read as people write it, what others do meanwhile is told, what depends on other fields follows them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.pages.formats import written
from core.testkit.fixtures import Api, Clock, People
from plugins.console import dates
from plugins.console.inputs import instant, local
from plugins.pipeline.template import apply
from sdk import Context, Draft
from sdk.context import id_of
from sdk.fields.time import timezones
from sdk.pages import worded
from tests.console.site import Site

ACCOUNTS = "/customers/accounts"


class Zoned:
    """As much of a context as forms of instants look at."""

    def __init__(self, zone: str) -> None:
        self.zone = zone


ZONES = sorted(timezones())


@pytest.mark.feature("A6")
@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2050, 1, 1)).map(lambda one: one.replace(second=0, microsecond=0)),
    st.sampled_from(ZONES),
)
def test_an_instant_is_shown_and_read_back_as_it_was_whatever_clocks_do_and_comes_back_as_typed(moment: datetime, zone: str) -> None:
    ctx = cast("Context", Zoned(zone))
    at = moment.replace(tzinfo=UTC)
    shown = local(ctx, at.isoformat())
    back = datetime.fromisoformat(instant(ctx, shown))
    twice = at.astimezone(ZoneInfo(zone)).fold == 1  # of an hour that comes twice the first is meant
    assert local(ctx, back.isoformat()) == shown
    assert back == at or (twice and timedelta(0) < at - back <= timedelta(hours=4))
    typed = moment.isoformat(timespec="minutes")
    missing = at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != moment
    assert local(ctx, datetime.fromisoformat(instant(ctx, typed))) == typed or missing


@pytest.mark.feature("A6")
def test_a_day_is_the_same_day_in_every_zone_that_there_is() -> None:
    days = [date(2026, 3, 29), date(2026, 10, 25), date(1, 1, 1), date(9999, 12, 31)]
    for zone in ZONES:
        ctx = cast("Context", Zoned(zone))
        assert [dates.local(ctx, day) for day in days] == [dates.local(ctx, day.isoformat()) for day in days] == days
        assert [written("en", day, zone) for day in days] == ["Mar 29, 2026", "Oct 25, 2026", "Jan 1, 1", "Dec 31, 9999"]


@pytest.fixture
def account(work: Work) -> UUID:
    return id_of(work.records("customers.account").create({"name": "Huawei", "city": "Shenzhen"}))


def test_a_form_that_is_sent_twice_makes_one_record_and_filled_in_anew_another(site: Site, work: Work) -> None:
    blank = site.get(f"{ACCOUNTS}/new")
    assert "New account" in blank.texts("//h1")[0], "within a sentence a name is written small"
    form = {**blank.form(), "name": "Zhongxing"}
    first, again = site.post(f"{ACCOUNTS}/new", form), site.post(f"{ACCOUNTS}/new", form)
    assert (first.status, again.status) == (303, 303)
    assert first.answer.headers["Location"] == again.answer.headers["Location"]
    other = site.post(f"{ACCOUNTS}/new", {**form, "name": "Lenovo"})
    assert other.answer.headers["Location"] != first.answer.headers["Location"]
    assert site.post(f"{ACCOUNTS}/new", {**form, "name": ""}).status == 422
    late = site.sent("/orders/contracts/new", name="Care", account=str(work.records("customers.account").find(())[0]["id"]),
                     starts_on="2026-03-05", ends_on="2026-03-04")  # fmt: skip
    assert late.texts("//p[@id='p-ends_on']") == ["is before Mar 5, 2026"], "a refusal writes days as its reader does"
    assert worded(work, {"start": "2026-03-05", "value": "2026-03-05"}) == {"start": "Mar 5, 2026", "value": "2026-03-05"}, "typed is typed"
    assert sorted(str(row["name"]) for row in work.records("customers.account").find(())) == ["Lenovo", "Zhongxing"]


def test_numbers_tags_and_records_are_typed_as_people_write_them(site: Site, work: Work, account: UUID) -> None:
    at = f"{ACCOUNTS}/{account}/edit"
    for key in ("east", "new"):
        work.records("customers.tag").create({"key": key, "name": key.title()})
    form = site.get(at)
    assert form.texts("//*[@data-field='tags']//label") == ["East", "New"]
    typed = {
        "employees": "1,234",
        "founded": "１９８７",
        "revenue__amount": "1,234,567.50",
        "revenue__currency": "CNY",
        "tags": ["east", "new"],
    }
    answer = site.post(at, {**form.form(), **typed})
    assert answer.status == 303, answer.texts("//p[@class='problem']/..")
    row = work.records("customers.account").get(account)  # the values as JSON has them
    assert (row["employees"], row["founded"], row["tags"]) == (1234, 1987, ["east", "new"])
    assert row["revenue"] == {"amount": "1234567.50", "currency": "CNY"}
    assert site.sent(at, employees="12,5").status == 422
    task = site.sent("/teamwork/tasks/new", subject="Call", about__entity="customers.account", about__id=str(account), due_on="2026-02-01")
    assert task.status == 303
    (made,) = work.records("teamwork.task").find(())
    assert str(made["about"]) == f"customers.account:{account}"
    version = made["version"]
    assert site.sent(f"/teamwork/tasks/{made['id']}/edit").status == 303  # nothing typed is nothing changed
    assert work.records("teamwork.task").get(id_of(made))["version"] == version


def test_an_instant_whose_seconds_the_form_does_not_show_is_no_change(site: Site, work: Work) -> None:
    made = work.records("teamwork.activity").create({"subject": "Lunch", "starts_at": "2026-01-15T12:00:42Z"})
    assert site.get(f"/teamwork/activities/{made['id']}/edit").form()["starts_at"] == "2026-01-15T12:00"
    assert site.sent(f"/teamwork/activities/{made['id']}/edit", notes="Late").status == 303
    row = work.records("teamwork.activity").values([id_of(made)])[id_of(made)]
    assert (row["notes"], row["starts_at"]) == ("Late", datetime(2026, 1, 15, 12, 0, 42, tzinfo=UTC))


def test_a_stale_form_says_what_others_changed_keeps_it_and_lets_one_choose(site: Site, work: Work, account: UUID, clock: Clock) -> None:
    at = f"{ACCOUNTS}/{account}/edit"
    form = site.get(at).form()
    clock.move(minutes=1)
    site.api.patch(
        f"/api/v1{ACCOUNTS}/{account}", {"city": "Dongguan", "phone": "+86 755 1", "revenue": {"amount": "1234.5", "currency": "CNY"}}
    )
    page = site.post(at, {**form, "city": "Beijing", "address": "Road 1", "revenue__amount": "7", "revenue__currency": "CNY"})
    assert page.status == 412
    assert "Shenzhen → Dongguan" in page.text
    assert page.texts("//*[@role='alert']") == ["Not saved yet: someone else has changed this record while you were editing it."]
    assert page.texts("//p[contains(@class, 'theirs')]") == ["Meanwhile changed to: Dongguan", "Meanwhile changed to: CN¥1,234.50"]
    again = page.form()
    assert (again["city"], again["address"], again["phone"]) == ("Beijing", "Road 1", "+86 755 1")
    assert site.post(at, again).status == 303
    row = work.records("customers.account").get(account)
    assert (row["city"], row["address"], row["phone"]) == ("Beijing", "Road 1", "+86 755 1")


@pytest.mark.feature("C19")
def test_while_one_types_likely_duplicates_are_told_and_those_one_may_not_see_are_counted(
    client: Api, work: Work, people: People, account: UUID
) -> None:
    assert "Huawei" in Site(client).get(f"/live{ACCOUNTS}", {"name": "Huawei"}).text
    told = Site(client.as_user(people.rep)).get(f"/live{ACCOUNTS}", {"name": "Huawei"})
    assert "Huawei" not in told.text
    assert "1 more that you don’t have access to" in told.text
    form = Site(client).get(f"{ACCOUNTS}/{account}/edit")
    assert "name" in form.all("//form/@data-live-fields")[0].split()
    assert "Huawei" not in Site(client).get(f"/live{ACCOUNTS}", {"name": "Huawei", "_id": str(account)}).text
    assert Site(client).get("/live/leads/leads", {"email": "half@"}).status == 200


@pytest.mark.feature("C19")
def test_a_linked_record_is_made_beside_the_form_and_given_back_to_it(site: Site, work: Work) -> None:
    """What a script does with the + of a link: the form it stands in is not left, so that what is typed there stays."""
    form = site.get("/customers/contacts/new")
    (new,) = form.all("//*[@data-field='account']//a[@data-new and @aria-label='New account']/@href")
    inner = site.get(new.removeprefix("/console"), part="dialog")
    assert not inner.all("//nav")
    headers = {"HX-Request": "true", "HX-Target": "dialog"}
    refused = site.api.call("POST", new, data={**inner.form(0), "name": ""}, headers=headers)
    assert refused.status_code == 422
    assert "data-live" in refused.text
    made = site.api.call("POST", new, data={**inner.form(0), "name": "Neu GmbH"}, headers=headers)
    assert made.status_code == 204
    id = made.headers["HX-Redirect"].rpartition("/")[2]
    option = site.get("/pick/customers/accounts", {"id": id}, part="o")
    assert option.texts("//li[@data-value]") == ["Neu GmbH"]


def test_what_is_typed_at_a_link_and_not_chosen_is_the_one_record_called_so_or_refused_there(site: Site, work: Work, account: UUID) -> None:
    contacts, task = work.records("customers.contact"), work.records("teamwork.task")
    made = site.sent("/customers/contacts/new", name="Ren", account="", account__typed=" huawei ")
    assert made.status == 303, made.text
    (row,) = contacts.find(())
    assert str(row["account"]) == str(account)
    for at in ("/customers/contacts/new", f"/customers/contacts/{row['id']}/edit"):
        refused = site.sent(at, name="Ren Z", account="", account__typed="Hua")
        assert refused.status == 422
        assert "No single record matches “Hua”" in refused.texts("//*[@data-field='account']")[0]
        assert (refused.form()["account"], refused.form()["account__typed"]) == ("", "Hua")
    assert site.sent(f"/customers/contacts/{row['id']}/edit", account="", account__typed="").status == 303  # taken away on purpose
    assert contacts.get(id_of(row))["account"] is None
    wrong = {"about__entity": "customers.account", "about__id": "", "about__id__typed": "Hua"}
    assert "“Hua”" in site.sent("/teamwork/tasks/new", subject="Call", **wrong).texts("//*[@data-field='about']")[0]
    assert site.sent("/teamwork/tasks/new", subject="Call", **{**wrong, "about__id__typed": "Huawei"}).status == 303
    assert str(task.find(())[0]["about"]) == f"customers.account:{account}"
    cell = f"/customers/contacts/{row['id']}/cell/account"
    form = site.get(cell, part="cell").form()
    told = site.post(cell, {**form, "account__typed": "Hua"})
    assert (told.status, "“Hua”" in told.text) == (422, True)
    many = {"_act": "edit", "_field": "account", "id": [str(row["id"])], "_state": "", "_sure": "true", "account": ""}
    asked = site.post("/customers/contacts/bulk", {**many, "account__typed": "Hua"})
    assert (asked.status, "“Hua”" in asked.texts("//*[@data-field='account']")[0]) == (422, True)
    assert "1 record updated." in site.post("/customers/contacts/bulk", {**many, "account__typed": "Huawei"}).text
    work.records("customers.account").create({"name": "HUAWEI"})
    assert site.sent("/customers/contacts/new", name="Two", account="", account__typed="huawei").status == 422


def test_a_picker_finds_by_title_and_offers_what_is_ones_own_first(client: Api, work: Work, people: People) -> None:
    accounts = work.records("customers.account")
    accounts.create({"name": "Mine", "owner": people.director})
    for number in range(13):
        accounts.create({"name": f"Other {number}", "owner": people.rep})
    site = Site(client.as_user(people.director))
    assert site.get("/pick/customers/accounts").texts("//li")[0] == "Mine"
    assert len(site.get("/pick/customers/accounts").texts("//li")) == 12
    assert site.get("/pick/customers/accounts", {"q": "Other 12"}).texts("//li") == ["Other 12"]
    reasons = work.records("pipeline.lost_reason")
    reasons.write_all([Draft("create", {"key": key, "name": key.title(), "active": key == "price"}) for key in ("price", "weather")])
    assert site.get("/pick/pipeline/lost_reasons").texts("//li") == ["Price"], "what is no longer offered"
    work.records("teamwork.comment").create({"body": "Good talk", "about": f"customers.account:{id_of(accounts.find(())[0])}"})
    assert Site(client).get("/pick/teamwork/comments", {"q": "talk"}).texts("//li") == ["Good talk"]


def test_a_field_of_the_tenants_own_is_shown_and_asked_for_by_its_condition(site: Site, work: Work, account: UUID) -> None:
    made = site.api.post(
        "/api/v1/core/custom_fields",
        {"entity": "customers.account", "key": "reason", "kind": "text", "label": "Reason",
         "shown_if": 'tier == "key"', "required_if": 'tier == "key"'},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    form = site.get(f"{ACCOUNTS}/{account}/edit")
    assert form.all("//*[@data-field='custom.reason'][@data-away]")
    assert "tier" in form.all("//form/@data-live-fields")[0].split()
    for tier, away, musts in (("key", "", "custom.reason"), ("normal", "custom.reason", "")):
        told = site.get(f"/live{ACCOUNTS}", {"tier": tier, "_id": str(account)})
        assert (told.all("//@data-away"), told.all("//@data-musts")) == ([away], [musts])
    refused = site.sent(f"{ACCOUNTS}/{account}/edit", tier="key")
    assert refused.status == 422
    assert not refused.all("//*[@data-field='custom.reason'][@data-away]")
    assert refused.all("//*[@data-field='custom.reason']//*[@class='must']")


@pytest.mark.parametrize(("zone", "edge"), [("Asia/Shanghai", "9999-12-31T23:59:00Z"), ("America/New_York", "0001-01-01T00:00:00Z")])
def test_an_instant_at_the_edge_of_time_is_shown_wherever_the_tenant_is(site: Site, account: UUID, zone: str, edge: str) -> None:
    site.api.patch("/api/v1/core/tenant", {"timezone": zone})
    made = site.api.post("/api/v1/core/custom_fields", {"entity": "customers.account", "key": "seen", "kind": "datetime", "label": "Seen"})
    assert made.status_code == 201, made.text
    assert site.api.patch(f"/api/v1{ACCOUNTS}/{account}", {"custom.seen": edge}).status_code == 200
    at, columns = f"{ACCOUNTS}/{account}", {"_columns": "name,custom.seen"}
    seen = [site.get(ACCOUNTS, columns), site.get(at), site.get(f"{at}/edit"), site.get(ACCOUNTS, {"custom.seen[gte]": edge}),
            site.get(f"{ACCOUNTS}/filter", {"_field": "custom.seen", "_op": "gte", "_value": edge})]  # fmt: skip
    assert [page.status for page in seen] == [200] * 5
    assert site.sent(f"{at}/edit", city="Wuhan").status == 303
    assert site.post(f"{ACCOUNTS}/filter", {"state": "", "_field": "custom.seen", "_op": "gte", "value": edge[:10]}).status in (303, 422)


def test_what_no_form_sends_is_refused_and_no_failure(site: Site, account: UUID) -> None:
    at = f"{ACCOUNTS}/{account}/edit"
    assert site.sent(at, version="9" * 5000, city="Wuhan").status == 412
    assert site.get("/teamwork/tasks/new", {"about": "x" * 36}).status == 200


def test_where_one_goes_then_is_an_address_that_a_header_can_say(site: Site, account: UUID) -> None:
    at = f"{ACCOUNTS}/{account}/edit"
    form = {**site.get(at).form(), "city": "Wuhan"}
    assert site.post(at, {**form, "then": "/console/\nX-Other: 1"}).status == 400
    headers = {"HX-Request": "true", "HX-Target": "dialog"}
    gone = site.api.call("POST", f"/console{at}", data={**form, "then": "/console/customers/accounts?q=华"}, headers=headers)
    assert gone.headers["HX-Redirect"] == "/console/customers/accounts?q=%E5%8D%8E"


def test_a_form_begun_at_a_record_has_what_that_says_of_the_same_links_and_suggests_a_title(site: Site, work: Work, account: UUID) -> None:
    apply(work, "direct_sales")
    contact = id_of(work.records("customers.contact").create({"name": "Li", "account": account}))
    deal = id_of(work.records("pipeline.deal").create({"name": "Servers", "account": account, "contact": contact}))
    form = site.get("/orders/quotes/new", {"deal": str(deal)}).form()
    assert (form["deal"], form["account"], form["contact"], form["name"]) == (str(deal), str(account), str(contact), "Servers · Quote")
    assert site.get("/orders/quotes/new", {"account": str(account)}).form()["name"] == "Huawei · Quote"
    for path, back in (("/orders/quotes", False), ("/pipeline/deals", True)):
        made = site.post(f"{path}/new", {**form, "once": "", "name": "Made here", "then": f"/console/pipeline/deals/{deal}"})
        assert made.answer.headers["Location"].startswith(f"/console/pipeline/deals/{deal}#made:/console{path}/") is back, (
            "lines are added next"
        )
    assert site.get("/orders/quotes/new", {"account": str(account), "name": "Mine"}).form()["name"] == "Mine"
    assert site.get("/customers/contacts/new", {"account": str(account)}).form()["name"] == "", "nobody is called as a company is"
    assert site.get("/orders/quotes/new", {"deal": "no id"}).status == 200


def test_a_key_that_nobody_typed_is_made_from_the_name_and_stands_in_no_list_beside_it(site: Site, work: Work) -> None:
    path = "/pipeline/lost_reasons"
    page = site.get(f"{path}/new")
    assert "*" not in page.texts("//label[@for='f-key']")[0]
    for name, key in (("Too dear!", ""), ("Too dear?", ""), ("价格 太高", ""), ("Ça", ""), ("…", ""), ("Own", "mine")):
        assert site.post(f"{path}/new", {**page.form(), "once": "", "name": name, "key": key}).status == 303, name
    made = {row["name"]: row["key"] for row in work.records("pipeline.lost_reason").find(())}
    assert [made[name] for name in ("Too dear!", "Too dear?", "价格 太高", "Ça", "…", "Own")] == [
        "too_dear", "too_dear_2", "jiage_taigao", "ca", "lost_reason", "mine",
    ]  # fmt: skip
    assert "Key" not in site.get(path).texts("//thead//th"), "it says nothing to people"


def test_what_a_series_adds_up_is_chosen_in_words_once_its_records_are(site: Site, work: Work) -> None:
    path = "/forecast/series/new"
    blank = site.get(path)
    assert ("pipeline.deal", "Deals") in [(one.get("value"), one.text) for one in blank.all("//select[@name='entity']/option")]
    assert "Choose Entity first." in blank.text
    page = site.get(path, {"entity": "pipeline.deal"})
    options = {one.get("value"): one.text for one in page.all("//select[@name='measure']/option")}
    assert (options["count"], options["sum:base_amount"]) == ("Count", "Amount in company currency (total)")
    assert page.all("//select[@name='date_field']/option[@value='close_date']")
    assert page.all("//select[@name='split_by']/option[@value='owner']")
    assert page.texts("//select[@name='split_by']/optgroup[@label='Account']/option[@value='account.tier']") == ["Account › Class"]
    assert page.all("//select[@name='date_field']/optgroup/option[@value='account.created_at']")
    assert page.all("//*[@data-field='conditions']//a[@data-clause]/@href") == ["/console/pipeline/deals/filter"]
    form = {**page.form(), "name": "Won", "measure": "sum:base_amount", "date_field": "close_date", "split_by": "account.tier"}
    made = site.post(path, {**form, "conditions": "status=won\naccount.tier[in]=key,normal"})
    assert made.status == 303, made.text
    (row,) = work.records("forecast.series").find(())
    said = ["Status is Won", "Account › Class is Key account or Normal"]
    edit = site.get(f"/forecast/series/{row['id']}/edit")
    assert edit.texts("//*[@data-field='conditions']//span[@class='chip filter']/span") == said
    assert " ".join(said) in site.get(f"/forecast/series/{row['id']}").text
    fewer = site.get(f"/forecast/series/{row['id']}/edit", {"entity": "pipeline.deal", "conditions": "status=won"})
    assert fewer.form()["conditions"].split() == ["status=won"], "while one of them is taken away"
    again = site.get(f"/forecast/series/{row['id']}/edit", {"entity": "customers.account"})
    assert again.form()["measure"] == "sum:base_amount", "what stands there stays to be seen"
    assert again.form()["conditions"] == "", "but of another entity conditions say nothing"
    assert again.all("//select[@name='date_field']/option[@value='created_at']")


def test_a_likely_duplicate_is_told_as_people_call_it(client: Api, site: Site, work: Work, account: UUID, people: People) -> None:
    for page, said in ((site, "There may be one already: “Huawei”."), (Site(client.as_user(people.rep)), "don’t have access to")):
        refused = page.sent(f"{ACCOUNTS}/new", name="Huawei")
        assert refused.status == 409
        assert said in (told := " ".join(refused.texts("//*[@role='alert']"))) and "API" not in told
