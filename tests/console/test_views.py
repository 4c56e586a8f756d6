"""Saved views: tabs above lists, for oneself, for the team, for everybody."""

from __future__ import annotations

import pytest

from core.context import Work
from core.testkit.fixtures import Api, People
from sdk import Draft
from sdk.context import id_of
from tests.console.site import Look, Site

ACCOUNTS = "/customers/accounts"
VIEWS = f"{ACCOUNTS}/views"
TABS = "//nav[@aria-label='Views']/a"


def keep(site: Site, state: str, **values: str) -> str:
    """Save what a list shows as a view, and return where it is shown."""
    sent = {"act": "new", "state": state, "name": "A view", "pinned": "true", **values}
    answer = site.post(VIEWS, sent)
    assert answer.status == 303, answer.text
    return str(answer.answer.headers["Location"]).removeprefix("/console")


def names(page: Look) -> list[str]:
    return [row.xpath("string(./td[contains(@class, 'title')])").strip() for row in page.all("//tbody[@id='rows']/tr[@data-id]")]


@pytest.mark.feature("D17")
def test_a_saved_view_shared_with_a_team_respects_each_viewers_rights(client: Api, work: Work, people: People) -> None:
    accounts = work.records("customers.account")
    accounts.write_all(
        [
            Draft("create", {"name": name, "tier": tier, "owner": owner})
            for name, tier, owner in (("Mine", "key", people.rep), ("Small", "normal", people.rep), ("Theirs", "key", people.reps[1][0]))
        ]
    )
    manager = Site(client.as_user(people.manager))
    shown = keep(manager, "tier=key", name="Key accounts", shown_to="team")
    assert set(names(manager.get(shown))) >= {"Mine"}
    rep = Site(client.as_user(people.rep))
    assert "Key accounts" in rep.get(ACCOUNTS).texts(TABS)[1]
    assert names(rep.get(shown)) == ["Mine"]
    own = keep(rep, "tier=normal", name="From below", shown_to="team")
    assert names(manager.get(own)) == ["Small"]
    assert rep.api.patch(f"/api/v1/console/views/{shown.partition('=')[2]}", {"name": "Mine now"}).status_code == 403
    outsider = Site(client.as_user(people.reps[1][0]))
    assert len(outsider.get(ACCOUNTS).all(TABS)) == 1
    assert outsider.get(shown).status == 404
    assert outsider.api.get("/api/v1/console/views").json["data"] == []


def test_a_view_is_saved_changed_begun_with_and_deleted_and_its_address_stays_open_to_change(site: Site, work: Work) -> None:
    for name, tier in (("Alpha", "key"), ("Beta", "normal")):
        work.records("customers.account").create({"name": name, "tier": tier})
    shown = keep(site, "tier=key&sort=-name&_columns=name,tier", name="Key")
    page = site.get(shown)
    assert names(page) == ["Alpha"]
    assert page.texts("//thead//th")[1:] == ["Name", "Class"]
    off = str(page.all("//a[@class='off']/@href")[0])
    open_ = site.get(off.removeprefix("/console"))
    assert names(open_) == ["Beta", "Alpha"]
    assert open_.all("//span[@class='dirty']")
    state = open_.all("//input[@name='state']/@value")[0]
    assert site.post(VIEWS, {"act": "save", "state": state}).status == 303
    assert names(site.get(shown)) == ["Beta", "Alpha"]
    assert site.post(VIEWS, {"act": "change", "state": state, "name": "All of them", "pinned": "true"}).status == 303
    assert site.post(VIEWS, {"act": "start", "state": state}).status == 303
    first = site.get(ACCOUNTS)
    assert first.texts("//nav[@aria-label='Views']/a[@aria-current]") == ["All of them"]
    assert site.get(ACCOUNTS, {"_view": "all"}).texts("//nav[@aria-label='Views']/a[@aria-current]") == ["All"]
    assert site.post(VIEWS, {"act": "delete", "state": state}).status == 303
    assert len(site.get(ACCOUNTS).all(TABS)) == 1


def test_a_view_of_what_is_not_there_or_is_hidden_is_refused_when_it_is_written_and_shows_nothing_when_it_is_read(
    client: Api, site: Site, work: Work, people: People
) -> None:
    work.records("customers.account").create({"name": "Alpha", "revenue": {"amount": "10", "currency": "CNY"}, "owner": people.rep})
    assert site.post(VIEWS, {"act": "new", "state": "nothing=1", "name": "X"}).status == 422
    assert site.post(VIEWS, {"act": "new", "state": "tier[gte]=1", "name": "X"}).status == 422
    assert site.post(VIEWS, {"act": "new", "state": "tier=key", "name": ""}).status == 422
    wrong = client.post("/api/v1/console/views", {"name": "X", "entity": "customers.nothing"})
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "entity")
    shown = keep(site, "revenue[gte]=5&_columns=name,revenue", name="Rich", shown_to="everybody")
    hidden = {"role": "sales_rep", "permission": "customers.account.read", "scope": "own", "only_fields": ["name", "tier"]}
    work.records("core.grant").create(hidden)
    page = Site(client.as_user(people.rep)).get(shown)
    assert page.status == 200
    assert names(page) == []
    assert "don’t have access to" in page.text


def test_a_filter_beyond_a_link_is_told_taken_away_and_kept_in_a_view(site: Site, work: Work) -> None:
    """So lists are that a number of a report leads to."""
    for name, tier in (("Alpha", "key"), ("Beta", "normal")):
        account = work.records("customers.account").create({"name": name, "tier": tier})
        work.records("customers.contact").create({"name": f"{name} One", "account": account["id"]})
    listed = site.get("/customers/contacts", {"account.tier": "key"})
    assert names(listed) == ["Alpha One"]
    (chip,) = listed.all("//*[contains(@class, 'chip') and contains(@class, 'filter')]")
    assert " ".join(chip.text_content().split()).startswith("Account › Class is Key")
    assert len(names(site.get(str(listed.all("//a[@class='off']/@href")[0]).removeprefix("/console")))) == 2
    answer = site.post(
        "/customers/contacts/views", {"act": "new", "state": "account.tier=key", "name": "Of key accounts", "pinned": "true"}
    )
    assert answer.status == 303, answer.text
    assert names(site.get(str(answer.answer.headers["Location"]).removeprefix("/console"))) == ["Alpha One"]


def test_a_view_may_be_a_board_or_a_calendar_for_whoever_sees_what_it_asks_for(site: Site, work: Work) -> None:
    for name, tier in (("Alpha", "key"), ("Beta", "normal"), ("Gamma", "key")):
        work.records("customers.account").create({"name": name, "tier": tier, "lifecycle": "prospect"})
    shown = keep(site, "tier=key&sort=-name", name="Prospects", layout="board", layout_field="lifecycle")
    assert shown.startswith(f"{ACCOUNTS}/board?")
    page = site.get(shown)
    assert page.texts("//li[@data-card]/a[1]") == ["Gamma", "Alpha"]
    assert page.all("//*[@data-lane='prospect']//li[@data-card]")
    links = site.get(ACCOUNTS).links()
    assert links["Prospects"] == f"/console{shown}"
    managed = site.get(links["Change Prospects"].removeprefix("/console"))
    assert names(managed) == ["Gamma", "Alpha"]
    view = links["Change Prospects"].partition("_view=")[2]
    saved = site.post(VIEWS, {"act": "save", "state": f"tier=normal&_from={view}"})
    assert site.get(str(saved.answer.headers["Location"]).removeprefix("/console")).texts("//li[@data-card]/a[1]") == ["Beta"]
    assert keep(site, "tier=key", name="Days", layout="calendar") == f"{ACCOUNTS}/calendar?tier=key"


def test_tasks_open_with_ones_own_and_what_is_overdue_is_marked_in_lists_and_on_records(client: Api, work: Work, people: People) -> None:
    tasks, mine, theirs = work.records("teamwork.task"), people.manager, people.rep
    late = tasks.create({"subject": "Late", "owner": mine, "due_on": "2020-01-01"})
    tasks.write_all(
        [
            Draft("create", {"subject": name, "owner": owner, "due_on": due, "state": state})
            for name, owner, due, state in (
                ("Later", mine, "2099-01-01", "open"), ("Done", mine, "2020-01-02", "done"), ("Theirs", theirs, "2020-01-03", "open"),
            )
        ]
    )  # fmt: skip
    site, at = Site(client.as_user(mine)), "/teamwork/tasks"
    page = site.get(at)
    assert page.texts(TABS) == ["All", "My open tasks", "Overdue"]
    assert names(page) == ["Late", "Later"]
    assert names(site.get(f"{at}?_view=overdue")) == ["Late", "Theirs"]
    every = site.get(f"{at}?_view=all")
    assert {*names(every)} == {"Late", "Later", "Done", "Theirs"}
    marked = every.all("//tr[.//span[@class='overdue']]/td[contains(@class, 'title')]")
    assert {cell.xpath("string(.)").strip() for cell in marked} == {"Late", "Theirs"}, "what is done, or due later, is not marked"
    here = f"{at}/{late['id']}"
    assert site.get(here).all("//dl//span[@class='overdue']")
    tasks.update(id_of(late), {"due_on": "2020-01-04"})
    assert "2020" in site.get(here, {"tab": "history"}).all("//main")[0].xpath("string(.)")
    assert not site.get(here, {"tab": "history"}).all("//*[@id='history']//span[@class='overdue'] | //li//span[@class='overdue']"), (
        "it was due"
    )
    account = work.records("customers.account").create({"name": "Alder"})["id"]
    bill = work.records("orders.invoice").create({"name": "Offer", "account": account, "due_on": "2020-01-01", "owner": mine})
    assert not site.get(f"/orders/invoices/{bill['id']}").all("//dl//span[@class='overdue']"), "of a draft nothing is due"
    assert site.post(f"{at}/views", {"act": "start", "state": ""}).status == 303
    assert len(names(site.get(at))) == 4, "who has chosen to begin with all of it, does"
    assert site.post(f"{at}/views", {"act": "start", "state": "_from=mine"}).status == 303
    assert names(site.get(at)) == ["Late", "Later"]
