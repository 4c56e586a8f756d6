"""A person's day: what is to do, what is in the calendar, what is new, and finding things."""

from __future__ import annotations

from datetime import UTC, datetime

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, People
from core.worker.drain import Drain
from plugins.console import finding
from plugins.pipeline.template import apply
from sdk.context import id_of
from tests.console.site import Look, Site
from tests.console.test_views import names
from tests.plugins.process import Process


def test_home_shows_what_is_ones_own_to_do_and_to_attend(client: Api, work: Work, people: People) -> None:
    tasks, activities = work.records("teamwork.task"), work.records("teamwork.activity")
    tasks.create({"subject": "Late offer", "due_on": "2026-01-10", "owner": people.rep})
    tasks.create({"subject": "Somebody else's", "due_on": "2026-01-10", "owner": people.manager})
    tasks.create({"subject": "Done", "state": "done", "owner": people.rep})
    activities.create({"subject": "Visit", "starts_at": datetime(2026, 1, 16, 9, tzinfo=UTC), "owner": people.rep})
    activities.create({"subject": "Much later", "starts_at": datetime(2026, 2, 16, 9, tzinfo=UTC), "owner": people.rep})
    page = Site(client.as_user(people.rep)).get("/")
    assert "Late offer" in page.text
    assert "Visit" in page.text
    for absent in ("Somebody else's", "Done", "Much later"):
        assert absent not in page.text
    assert "Late offer" in page.texts("//li[.//span[contains(@class, 'bad')]]")[0]


def test_a_notice_is_counted_at_the_bell_and_read_by_following_it(client: Api, work: Work, people: People, platform: Platform) -> None:
    account = id_of(work.records("customers.account").create({"name": "Huawei", "owner": people.rep}))
    boss = client.as_user(people.manager)
    about = {"entity": "customers.account", "id": str(account)}
    task = boss.post("/api/v1/teamwork/tasks", {"subject": "Call them", "owner": str(people.rep), "about": about})
    assert task.status_code == 201, task.text
    Drain(platform).run_until_empty()
    site = Site(client.as_user(people.rep))
    assert site.get("/").all("//summary[contains(@aria-label, '1 unread')]")
    sheet = site.get("/teamwork/news", part="news")
    assert not sheet.all("//nav")
    assert "Call them" in sheet.text
    button = sheet.all("//button[@name='id']/@value")[0]
    gone = site.post("/teamwork/news", {"id": button})
    assert gone.answer.headers["Location"].startswith("/console/")
    assert site.get(gone.answer.headers["Location"].removeprefix("/console")).status == 200
    assert site.get("/").all("//summary[contains(@aria-label, '0 unread')]")
    assert Site(client.as_user(people.manager)).post("/teamwork/news", {"id": button}).status == 404


def test_some_letters_find_records_that_one_may_see_and_commands(client: Api, work: Work, people: People) -> None:
    accounts = work.records("customers.account")
    accounts.create({"name": "Huawei", "owner": people.rep})
    accounts.create({"name": "Huafu", "owner": None})
    site = Site(client.as_user(people.rep))
    found = site.get("/palette", {"q": "hua"})
    assert "Huawei" in found.text
    assert "Huafu" not in found.text
    assert "/console/customers/accounts" in site.get("/palette", {"q": "acco"}).links().values()
    assert "/console/customers/accounts/new" in site.get("/palette", {"q": "new acc"}).links().values()
    assert "/console/reports/reports" not in site.get("/palette", {"q": "rt"}).links().values(), (
        "initials of a record rather than letters of Reports"
    )
    assert "Huawei" in site.get("/find", {"q": "hua"}).text
    won, mine = "/console/reports/reports/pipeline.won_by_month", "/console/reports/query?entity=customers.account&by=tier"
    work.records("reports.own_report").create({"name": "Won tiers", "question": mine.partition("?")[2], "owner": people.rep})
    work.records("reports.own_report").create({"name": "Won by others", "question": mine.partition("?")[2]})
    found = site.get("/palette", {"q": "won"}).links()
    assert (found["Won by month"], found["Won tiers"], "Won by others" in found) == (won, mine, False)
    assert site.get("/find", {"q": "won"}).links().items() >= {"Won by month": won, "Won tiers": mine}.items(), (
        "the page finds what the palette does"
    )
    assert "Won by others" in Site(client).get("/find", {"q": "won"}).links(), "who sees all finds all"
    work.records("core.user").update(people.rep, {"locale": "zh_CN"})
    assert {won, mine} & {*site.get("/palette", {"q": "每月赢单"}).links().values()} == {won}
    work.records("core.user").update(people.rep, {"locale": "en"})
    work.records("company.region").create({"key": "hua", "name": "Hua"})
    assert Site(client).get("/find", {"q": "hua"}).texts("//main//h2") == ["Accounts", "Regions"], "what is administered comes last"


def test_commands_are_found_by_words_with_a_dash_and_by_letters_beside_chinese() -> None:
    assert finding.begins("rma-", "RMA-orders")
    assert finding.begins("crm", "迁移CRM数据")
    assert finding.begins("导入 crm", "导入CRM")
    assert finding.begins("", "Accounts")
    assert not finding.begins("-", "Accounts")
    assert not finding.begins("rt", "Reports")


def test_what_is_looked_for_is_looked_for_in_all_of_its_letters_behind_show_all(site: Site, work: Work) -> None:
    for number in range(7):
        work.records("customers.account").create({"name": f"R&D {number}"})
    behind = site.get("/palette", {"q": "R&D"}).links()["Show all"]
    assert behind == "/console/find?q=R%26D&in=customers.account"
    assert site.get(behind.removeprefix("/console")).text.count("R&D") == 7


def test_what_is_found_says_by_which_field_and_marks_what_was_meant(site: Site, work: Work) -> None:
    work.records("customers.contact").create({"name": "张伟", "email": "zw@huawei.example", "phone": "010-6234 5678"})
    found = site.get("/palette", {"q": "zhangw"})
    assert found.texts("//a[@role='option']//mark") == ["张伟"]
    by_mail = site.get("/find", {"q": "huawei"})
    assert by_mail.texts("//small[@class='why']") == ["Email: zw@huawei.example"]
    assert (by_mail.texts("//small//mark"), by_mail.links()["张伟"][:27]) == (["huawei"], "/console/customers/contacts")
    assert site.get("/find", {"q": "01062345678"}).links().keys() >= {"张伟"}


def test_what_a_link_leads_to_is_chosen_by_pinyin_and_by_any_part_of_its_name(site: Site, work: Work) -> None:
    for name in ("华为技术", "Huafu", "Old Huafu"):
        work.records("customers.account").create({"name": name})
    assert site.get("/pick/customers/accounts", {"q": "hwjs"}).texts("//li") == ["华为技术"]
    assert sorted(site.get("/pick/customers/accounts", {"q": "hua"}).texts("//li")) == ["Huafu", "Old Huafu", "华为技术"]
    assert sorted(site.get("/pick/customers/accounts", {"q": "uafu"}).texts("//li")) == ["Huafu", "Old Huafu"]
    assert site.get("/find", {"q": "hua", "in": "no.such"}).status == 200


def test_people_are_mentioned_also_by_who_may_not_see_their_mail_addresses(client: Api, people: People) -> None:
    named = client.as_user(people.rep, allows=["core.user.read:name,active"]).get("/console/teamwork/people", {"q": "a"})
    assert named.status_code == 200, named.text
    assert {one["email"] for one in named.json["data"]} == {""}


def test_home_says_what_was_won_last_month_and_this_month(site: Site, work: Work) -> None:
    process = Process(work, apply(work, "direct_sales"))
    for name, amount, day in (("A", "10", "2025-11-30"), ("B", "20", "2025-12-01"), ("C", "10", "2025-12-31"), ("D", "15", "2026-01-01")):
        process.deal(name, stage="won", amount={"amount": amount}, close_date=day)
    process.deal("E", stage="won", amount={"amount": "9", "currency": "KWD"}, close_date="2026-01-02")
    page = site.get("/")
    won = "//section[@aria-labelledby='h-won']"
    assert page.texts(f"{won}//p[strong]") == ["Won last monthDecember 2025", "Won this monthJanuary 2026"]
    assert page.texts(f"{won}//p[@class='figure']") == ["$30.00", "$15.00"]
    assert [" ".join(one.split()) for one in page.texts(f"{won}//p[last()]")] == [
        "2 deals+200% vs. November 2025",
        f"2 deals, 1 of them without an exchange rate-25% vs. first {work.now().day} days of December 2025",
    ], "a month that is not over is compared with as many days of the last one, and what is in no sum is told"
    behind = site.get(str(page.all(f"{won}//p[@class='figure']/a/@href")[0]).removeprefix("/console"))
    assert sorted(names(behind)) == ["B", "C"]


def test_what_is_not_well_stands_on_the_first_page_of_who_administers(client: Api, people: People) -> None:
    told = Site(client).get("/").texts("//section[@aria-labelledby='h-ill']//li/a")
    assert "No mail server is set up" in told
    assert not Site(client.as_user(people.rep)).get("/").all("//section[@aria-labelledby='h-ill']")


def test_a_task_is_ticked_off_on_home_in_lists_and_on_its_page_and_taken_back_the_same_way(client: Api, work: Work, people: People) -> None:
    tasks = work.records("teamwork.task")
    mine = id_of(tasks.create({"subject": "Call them", "owner": people.rep}))
    theirs = id_of(tasks.create({"subject": "Write them", "owner": people.manager}))
    site, here = Site(client.as_user(people.rep)), f"/teamwork/tasks/{mine}"
    tasks.create({"subject": "Dropped", "state": "cancelled", "owner": people.rep})
    button = "//form[@class='tick']/button"
    for page in (site.get("/"), site.get("/teamwork/tasks", {"_view": "all", "_columns": "subject"}), site.get(here)):
        assert page.all(f"{button}[@aria-pressed='false']/@aria-label") == ["Done: Call them"], "what is dropped is not done"
    form = {"done": "true", "then": "/console/"}
    answer = site.post(f"{here}/tick", form)
    assert (answer.status, answer.answer.headers["Location"]) == (303, "/console/")
    assert tasks.get(mine)["state"] == "done"
    assert site.get(here).all(f"{button}/@aria-pressed") == ["true"]
    headers = {"HX-Request": "true", "HX-Target": "form"}
    again = Look(site.api.call("POST", f"/console{here}/tick", data={**form, "done": "false"}, headers=headers))
    assert (tasks.get(mine)["state"], again.all(f"{button}/@value"), again.texts("//template")) == ("open", ["true"], ["Open"])
    assert again.all("//form/@data-version") == [str(tasks.get(mine)["version"])]
    assert site.get(f"{here}/tick").answer.headers["Location"] == f"/console{here}"
    assert site.post(f"/teamwork/tasks/{theirs}/tick", {"done": "true"}).status == 404
    account = work.records("customers.account").create({"name": "Huawei", "owner": people.rep})["id"]
    assert site.post(f"/customers/accounts/{account}/tick", {"done": "true"}).status == 404
    work.records("core.user").update(people.rep, {"roles": ["read_only"]})
    assert not site.get(here).all(button) and not site.get("/teamwork/tasks", {"_view": "all"}).all(button)
    assert site.post(f"{here}/tick", {"done": "true"}).status == 403
