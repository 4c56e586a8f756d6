"""The page of a record: its tabs, what belongs to it, what happened, who changed what, why one sees it, and what teamwork adds."""

from __future__ import annotations

import base64
import io
import json
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, People
from core.worker.drain import Drain
from plugins.console import record
from plugins.pipeline.template import apply
from sdk import Notice, where
from sdk.context import id_of
from sdk.fields import Reference
from tests.console.site import Look, Site

ACCOUNTS = "/customers/accounts"


@pytest.fixture
def account(work: Work, people: People) -> UUID:
    return id_of(work.records("customers.account").create({"name": "Huawei", "city": "Shenzhen", "tier": "normal", "owner": people.rep}))


def test_each_tab_has_an_address_and_reads_what_it_shows(site: Site, work: Work, account: UUID) -> None:
    at = f"{ACCOUNTS}/{account}"
    work.records("customers.contact").create({"name": "Ren", "account": account})
    overview = site.get(at)
    tabs = dict(zip(overview.texts("//nav[@class='tabs']/a"), overview.all("//nav[@class='tabs']/a/@href"), strict=True))
    assert list(tabs) == ["Overview", "Timeline", "Related", "History", "Files", "Rules"]
    assert "Shenzhen" in overview.text
    assert "At a glance" in overview.texts("//section/header/h2")  # what plugins tell of accounts, together
    assert "Shenzhen" in overview.texts("//dl[@class='keyfacts']/div/dd") or "Shenzhen" in overview.texts("//dl[@class='facts']/div/dd")
    above, below = ({*overview.texts(f"//dl[@class='{name}']/div/dt")} for name in ("keyfacts", "facts"))
    assert not above & below, "what stands above is not said again"
    assert overview.texts("//section[@aria-labelledby='h-people']//li/span[1]") == ["Ren"]
    assert "Contact" in overview.texts("//details[summary='Add']//a")
    related = site.get(tabs["Related"].removeprefix("/console"))
    assert "Ren" in related.text
    assert "Shenzhen" not in related.texts("//dl[@class='facts']")
    assert related.texts("//section[@aria-label='Contacts']//h2") == ["Contacts 1"]
    assert site.get(f"{at}?tab=nobody.nothing").status == 404
    part = site.get(f"{at}?tab=related", part="record")
    assert not part.all("//nav[@id='side']")


@pytest.mark.feature("E2")
def test_an_account_shows_the_five_products_that_it_has_bought_most(site: Site, work: Work, people: People, account: UUID) -> None:
    at, bought = f"{ACCOUNTS}/{account}", "//section[@aria-labelledby='h-top-products']//li/span"
    products = [id_of(work.records("catalog.product").create({"name": f"P{n}", "sku": f"P{n}"})) for n in range(6)]
    orders = [id_of(work.records("orders.order").create({"name": f"O{n}", "account": account, "owner": people.rep})) for n in range(2)]
    dear = {"order": orders[1], "product": products[0], "quantity": 1, "unit_price": {"amount": "900", "currency": "USD"}}
    lines = [{**dear, "order": orders[0], "product": one, "quantity": n + 1, "unit_price": {"amount": "10", "currency": "USD"}}
             for n, one in enumerate(products)]  # fmt: skip
    for values in (*lines, dear):
        work.records("orders.order_line").create(values)
    assert site.get(at).texts(bought) == [], "drafts are not bought"
    work.records("orders.order").update(orders[0], {"state": "confirmed"})
    told = site.get(at).texts(bought)
    assert list(zip(told[::2], told[1::2], strict=True)) == [(f"P{n} × {n + 1}", f"${n + 1}0.00") for n in (5, 4, 3, 2, 1)]


def test_a_new_account_leads_on_to_its_first_contact(site: Site) -> None:
    made = site.sent(f"{ACCOUNTS}/new", name="Alder")
    at = made.answer.headers["Location"].removeprefix("/console")
    assert "No contacts yet." in site.get(at).text
    form = site.get(str(site.get(at).links()["Add contact"]).removeprefix("/console"))
    assert form.form()["account__typed"] == "Alder"
    back = site.post("/customers/contacts/new", {**form.form(), "name": "Ann"})
    assert back.answer.headers["Location"].partition("#made:")[0] == f"/console{at}"
    assert site.get(at).texts("//section[@aria-labelledby='h-people']//li/span[1]") == ["Ann"]


def test_a_new_record_of_a_related_list_begins_with_the_link_and_comes_back(site: Site, work: Work, account: UUID) -> None:
    related = site.get(f"{ACCOUNTS}/{account}?tab=related")
    assert "Accounts · Parent company" in related.all("//section/@aria-label")
    task = work.records("teamwork.task").create({"subject": "Call them", "about": f"customers.account:{account}"})
    labels = site.get(f"/teamwork/tasks/{id_of(task)}?tab=related").all("//section/@aria-label")
    assert len(labels) == len(set(labels)) > 1
    (new,) = related.all("//section[@aria-label='Contacts']//a[contains(@href, '/new')]/@href")
    answer = site.sent(new.removeprefix("/console"), name="Ren")
    assert answer.answer.headers["Location"].partition("#made:")[0] == f"/console{ACCOUNTS}/{account}?tab=related"
    assert work.records("customers.contact").find(())[0]["account"] == account


def test_lines_stand_on_the_record_with_what_they_come_to(site: Site, work: Work, account: UUID) -> None:
    quote = work.records("orders.quote").create({"name": "Offer", "account": account})
    product = id_of(work.records("catalog.product").create({"name": "Thing", "sku": "T1"}))
    line = {"quote": quote["id"], "product": product, "description": "Thing", "quantity": "2"}
    for price in ("10", "20.50"):
        made = work.records("orders.quote_line").create({**line, "unit_price": {"amount": price, "currency": "USD"}})
    page, heads = site.get(f"/orders/quotes/{quote['id']}"), "//section[@aria-label='Quote lines']//th"
    assert "$61.00" in page.texts("//tfoot//td")
    assert page.texts(heads) == ["Description", "Quantity", "Unit price", "Net"], "what only says again what a line is called takes no room"
    work.records("orders.quote_line").update(id_of(made), {"description": "Thing in blue"})
    assert site.get(f"/orders/quotes/{quote['id']}").texts(heads)[:2] == ["Product", "Description"]


def test_a_share_has_its_sign_a_year_no_mark_and_a_moment_that_names_a_record_is_one_of_the_reader(
    site: Site, work: Work, account: UUID
) -> None:
    work.records("customers.account").update(account, {"founded": 1987})
    assert "Founded in1987" in site.get(f"{ACCOUNTS}/{account}").texts("//dl[@class='facts']/div")
    apply(work, "direct_sales")
    deal = work.records("pipeline.deal").create({"name": "Network", "account": account, "probability": "45", "amount": {"amount": "10"}})
    page = site.get(f"/pipeline/deals/{deal['id']}")
    assert deal["rate"] == 1 and "Weighted amount" in page.text, "of what is in the company's currency that says nothing"
    assert "Exchange rate" not in page.text and "in company currency" not in page.text
    foreign = work.records("pipeline.deal").create({"name": "Abroad", "amount": {"amount": "10", "currency": "KWD"}})
    work.records("company.rate").create({"currency": "KWD", "on": "2020-01-01", "rate": "3"})
    work.records("pipeline.deal").update(id_of(foreign), {"amount": {"amount": "20", "currency": "KWD"}})
    assert "Exchange rate3" in site.get(f"/pipeline/deals/{foreign['id']}").texts("//dl[@class='facts']/div")
    assert "Probability45%" in page.texts("//dl[@class='facts']/div")
    (moved,) = page.all("//section[@aria-label='Stage history']//td//a[time]")
    assert "T" not in moved.text_content()
    assert "Network" in site.get(f"{ACCOUNTS}/{account}?tab=timeline").texts(
        "//li[contains(@class, 'moment')]//div[contains(@class, 'small')]"
    )


def test_the_history_says_who_changed_what_in_words_and_leads_on_to_its_beginning(
    client: Api, work: Work, people: People, account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = client.as_user(people.rep)
    changed = {"tier": "key", "revenue": {"amount": "10", "currency": "CNY"}, "industry": None}
    assert mine.patch(f"/api/v1{ACCOUNTS}/{account}", changed).status_code == 200
    page = Site(mine).get(f"{ACCOUNTS}/{account}?tab=history")
    first = page.texts("//ol[@class='timeline']/li")[0]
    assert "Changed · through the API" in first
    assert "Class Normal account → Key account" in first or "Normal → Key" in first
    assert "CN¥10.00" in first
    created = page.texts("//ol[@class='timeline']/li")[1]
    assert created.startswith("System Created")
    work.records("customers.account").update(account, {"notes": "word " * 200, "address": "Road " * 20})
    folded = Site(mine).get(f"{ACCOUNTS}/{account}?tab=history").texts("//details[@class='long']")
    assert len(folded) == 1 and folded[0].startswith("word"), "a page of text is folded, so that the next change is in sight"
    monkeypatch.setattr(record, "_PAGE", 2)
    latest = Site(mine).get(f"{ACCOUNTS}/{account}?tab=history")
    earlier = Site(mine).get(latest.links()["Show earlier"].removeprefix("/console")).texts("//ol[@class='timeline']/li")
    assert (len(latest.texts("//ol[@class='timeline']/li[not(@class)]")), len(earlier)) == (2, 1)
    assert earlier[0].startswith("System Created")
    assert "Address" in Site(mine).get(f"{ACCOUNTS}/{account}").texts("//dl[@class='facts']/div[@class='wide']/dt"), "a line of its own"


def test_a_touch_says_its_source_as_people_call_it(site: Site, work: Work, account: UUID) -> None:
    work.records("company.source").create({"key": "word_of_mouth", "name": "Word of mouth"})
    work.records("leads.touch").create({"account": account, "source": "word_of_mouth"})
    assert "Word of mouth" in site.get(f"{ACCOUNTS}/{account}?tab=timeline").text


@pytest.mark.feature("B12")
def test_the_page_says_which_grant_lets_somebody_see_a_record_and_why_another_does_not(client: Api, people: People, account: UUID) -> None:
    at = f"{ACCOUNTS}/{account}/access"
    page = Site(client.as_user(people.rep)).get(at)
    assert (page.status, page.texts("//*[@role='status']/p/strong")[0]) == (200, "Yes")
    assert "Sales representative" in page.texts("//li[@class='decides']")[0]
    assert not page.all("//select[@name='user']")  # of oneself alone
    stranger = people.reps[1][0]
    told = Site(client).get(at, {"user": str(stranger)})
    assert told.texts("//*[@role='status']/p/strong")[0] == "No"
    assert "none of them covers" in told.text
    assert Site(client.as_user(stranger)).get(at).status == 404


def test_what_is_seen_for_the_sake_of_its_parent_says_so(client: Api, people: People, work: Work, account: UUID) -> None:
    apply(work, "direct_sales")
    deal = id_of(work.records("pipeline.deal").create({"name": "Network", "owner": people.rep}))
    change = id_of(work.records("pipeline.stage_change").find(where(deal=deal))[0])
    page = Site(client.as_user(people.rep)).get(f"/pipeline/stage_changes/{change}/access")
    assert page.status == 200, page.text
    assert "Rights to Deals" in page.text


def test_what_was_taken_with_a_warning_tells_it_on_the_page_one_comes_to_once_and_in_place_at_once(
    client: Api, people: People, work: Work, account: UUID
) -> None:
    site, at = Site(client.as_user(people.rep)), f"{ACCOUNTS}/{account}"
    form = {**site.get(at).form(), "what": "activity", "kind": "meeting"}
    first, second = (
        site.post("/teamwork/say", {**form, "subject": subject, "starts_at": "2026-01-15T13:00"}).answer for subject in ("Lunch", "Dinner")
    )
    assert (first.headers.get("Set-Cookie"), second.headers["Location"]) == (None, f"/console{at}")
    word = second.headers["Set-Cookie"].partition(";")[0]
    assert "HttpOnly" in second.headers["Set-Cookie"]
    page = Look(site.api.get(f"/console{at}", headers={"Cookie": word}))
    (text,) = page.texts("//*[@id='toasts']/*")
    assert text.startswith("double-booked: busy 13:00") and text.endswith("Lunch")
    assert f"{word.partition('=')[0]}=;" in page.answer.headers["Set-Cookie"]
    strange = Look(site.api.get(f"/console{at}", headers={"Cookie": f"{word.partition('=')[0]}=eyJ4"}))
    assert (strange.status, strange.texts("//*[@id='toasts']/*")) == (200, [])
    (dinner,) = work.records("teamwork.activity").find(where(subject="Dinner"))
    cell = f"/teamwork/activities/{dinner['id']}/cell/starts_at"
    moved = site.post(cell, {**site.get(cell, part="cell").form(), "starts_at": "2026-01-15T13:10"}).answer
    assert json.loads(base64.urlsafe_b64decode(moved.headers["Dealwright-Told"])) == [text]


def test_what_one_writes_about_a_record_is_on_its_timeline(client: Api, people: People, account: UUID) -> None:
    site, at = Site(client.as_user(people.rep)), f"{ACCOUNTS}/{account}"
    form = site.get(at).form()
    assert form["about"] == f"customers.account:{account}"
    for typed in (
        {"what": "comment", "body": "Good talk, @[" + people_name(client, people.rep) + "]"},
        {"what": "activity", "kind": "meeting", "subject": "Lunch", "starts_at": "2026-01-15T13:00"},
    ):
        answer = site.post("/teamwork/say", {**form, **typed})
        assert answer.answer.headers["Location"] == f"/console{at}"
    assert site.post("/teamwork/say", {**form, "what": "task", "task_subject": "Send the offer", "due_on": "2026-02-01"}).status == 303
    page = site.get(f"{at}?tab=timeline")
    moments = page.texts("//ol[@id='moments']/li")
    assert any("Comment" in one and f"@{people_name(client, people.rep)}" in one and "@[" not in one for one in moments)
    assert any("Meeting" in one and "Lunch" in one for one in moments)
    assert page.all("//ol[@id='moments']/li//a[contains(@href, '/console/teamwork/activities/')]")
    assert site.post("/teamwork/say", {**form, "what": "comment", "body": "Word " * 300}).status == 303
    (whole,) = site.get(f"{at}?tab=timeline").all("//li[contains(@class, 'moment')][.//details]")
    assert len(whole.xpath("string(.//a)")) < 250 and whole.xpath("string(.//details/div)").count("Word") == 300, "long ones are folded"
    refused = site.post("/teamwork/say", {**form, "what": "task", "task_subject": ""})
    assert refused.status == 422
    assert refused.all("//*[@role='alert']")
    colleague = Site(client.as_user(people.reps[0][1]))  # who reads it and may not change it
    form = colleague.get(at).form()
    assert colleague.post("/teamwork/say", {**form, "what": "comment", "body": "Mine too"}).status == 303
    assert "Mine too" in colleague.get(f"{at}?tab=timeline").text


@pytest.mark.feature("J2")
def test_a_mention_of_somebody_who_may_not_see_the_record_is_refused_and_offers_to_share_it(
    client: Api, work: Work, people: People, account: UUID
) -> None:
    site, stranger = Site(client.as_user(people.rep)), people.reps[1][0]
    name = people_name(client, stranger)
    form = site.get(f"{ACCOUNTS}/{account}").form()
    page = site.post("/teamwork/say", {**form, "what": "comment", "body": f"@[{name}] look"})
    assert page.status == 422
    assert page.all("//textarea[@name='body']")[0].text == f"@[{name}] look"
    assert work.records("teamwork.comment").find(()) == []
    (offer,) = [one for one in page.all("//a/@href") if "core/shares/new" in one]
    assert site.sent(offer.removeprefix("/console")).status == 303
    assert site.post("/teamwork/say", {**page.form(), "what": "comment"}).status == 303
    nobody = site.post("/teamwork/say", {**form, "what": "comment", "about": f"customers.account:{UUID(int=7)}", "body": "x"})
    assert nobody.status == 404


def people_name(client: Api, id: UUID) -> str:
    return str(client.get(f"/api/v1/core/users/{id}").json["name"])


def test_files_are_added_listed_and_deleted_on_the_record(client: Api, people: People, account: UUID) -> None:
    site, at = Site(client.as_user(people.rep)), f"{ACCOUNTS}/{account}?tab=teamwork.files"
    form = site.get(at).form()
    sent = site.api.call("POST", "/console/teamwork/upload", data={**form, "file": (io.BytesIO(b"hello"), "offer.txt")})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/console{at}")
    page = site.get(at)
    assert "offer.txt" in page.text
    content = next(one for one in page.all("//a/@href") if one.endswith("/content"))
    assert site.api.get(content).data == b"hello"
    gone = next(one for one in page.all("//a/@href") if "/delete" in one and "files" in one)
    assert site.sent(gone.removeprefix("/console")).answer.headers["Location"] == f"/console{at}"
    assert "offer.txt" not in site.get(at).text
    assert site.api.call("POST", "/console/teamwork/upload", data=form).status_code == 422


@pytest.mark.feature("J3")
def test_one_follows_what_is_ones_own_and_stops_and_begins_again_and_where_teamwork_is_off_nothing_of_it_is_there(
    client: Api, people: People, account: UUID
) -> None:
    site, at = Site(client.as_user(people.rep)), f"{ACCOUNTS}/{account}"
    for words in ("Follow", "Following", "Follow"):
        form = next(form for form in site.get(at).tree.forms if form.action == "/console/teamwork/following")
        button = form.xpath(".//button")[0]
        assert site.post("/teamwork/following", {**dict(form.form_values()), "following": button.get("value")}).status == 303
        assert words in site.get(at).texts("//form[@action='/console/teamwork/following']//button")
    client.patch("/api/v1/core/plugins/teamwork", {"enabled": False})
    page = site.get(at)
    assert page.status == 200
    assert not page.all("//*[contains(@action, 'teamwork') or contains(@href, 'teamwork')]")
    assert site.get(f"{at}?tab=teamwork.files").status == 404


def test_of_a_plugin_that_is_off_neither_notices_nor_cells_tell(
    client: Api, work: Work, people: People, account: UUID, platform: Platform
) -> None:
    lead = id_of(work.records("leads.lead").create({"name": "Berg", "owner": people.rep}))
    site = Site(client.as_user(people.rep))
    for name, about in (("a lead", Reference("leads.lead", lead)), ("an account", Reference("customers.account", account))):
        work.records("teamwork.task").create({"subject": "Call", "owner": people.rep, "about": about})
        work.notify([Notice(people.rep, "test.told", f"About {name}", about=about)])
    Drain(platform).run_until_empty()
    for enabled, told in ((True, ["About a lead", "About an account"]), (False, ["About an account"])):
        for plugin in () if enabled else ("web_forms", "leads"):
            assert client.patch(f"/api/v1/core/plugins/{plugin}", {"enabled": False}).status_code == 200
        page, tasks = site.get("/teamwork/news"), site.get("/teamwork/tasks").text
        assert sorted(one for one in page.texts("//form[contains(@class, 'notice')]//button/span") if one.startswith("About")) == told
        unread = len(page.all("//form[contains(@class, 'notice')]"))
        assert page.all(f"//summary[contains(@aria-label, '{unread} unread')]")
        assert ("•••" in tasks, "Berg" in tasks, "Huawei" in tasks) == (False, enabled, True)


def test_what_is_part_of_records_that_one_may_change_is_added_by_whoever_may(
    client: Api, work: Work, people: People, account: UUID
) -> None:
    mine = work.as_user(people.rep)
    assert mine.can("teamwork.comment.create")  # nobody is granted comments: they follow what they are about
    assert not mine.can("core.role.create")
    quote = id_of(work.records("orders.quote").create({"name": "Offer", "account": account, "owner": people.rep}))
    page = Site(client.as_user(people.rep)).get(f"/orders/quotes/{quote}")
    assert page.all("//a[contains(@href, '/orders/quote_lines/new')]")


def test_two_records_are_made_one_by_a_page_that_compares_them(site: Site, work: Work, account: UUID) -> None:
    accounts = work.records("customers.account")
    other = id_of(accounts.create({"name": "Huawei Tech", "city": "Dongguan", "phone": "+86 755 2878 0808", "tier": "key"}))
    work.records("customers.contact").create({"name": "Ren", "account": other})
    at = f"{ACCOUNTS}/{account}/merge"
    assert site.get(at).status == 200
    assert site.get(at, {"with": str(UUID(int=7))}).status == 404
    assert site.get(at, {"with": str(account)}).status == 422
    assert "“Nobody”" in site.get(at, {"with": "", "with__typed": "Nobody"}).texts("//*[@role='alert']")[0]
    page = site.get(at, {"with": "", "with__typed": "huawei tech"})
    form = page.form()
    assert (form["pick-city"], form["pick-phone"]) == ("mine", "other")  # what is empty is filled
    answer = site.post(at, {**form, "pick-tier": "other"})
    assert answer.status == 303, answer.texts("//*[@role='alert']")
    assert answer.answer.headers["Location"] == f"/console{ACCOUNTS}/{account}"
    row = accounts.get(account)
    assert (row["city"], row["phone"], row["tier"]) == ("Shenzhen", "+86 755 2878 0808", "key")
    assert work.records("customers.contact").find(())[0]["account"] == account
    assert site.get(f"/core/users/{work.records('core.user').find(())[0]['id']}/merge").status == 404


def test_a_lead_is_converted_by_a_button_once(client: Api, work: Work, people: People) -> None:
    apply(work, "direct_sales")
    site = Site(client.as_user(people.rep))
    id = id_of(work.records("leads.lead").create({"name": "Ren", "company": "Neu GmbH", "email": "ren@neu.example", "owner": people.rep}))
    at = f"/leads/leads/{id}"
    assert f"/console{at}/convert" in site.get(at).all("//a/@href")
    refused = site.sent(f"{at}/convert", account="Nobody Ltd")
    assert refused.status == 404
    assert refused.form()["account"] == "Nobody Ltd"
    assert work.records("customers.contact").find(()) == []
    answer = site.sent(f"{at}/convert", deal_name="First deal", amount="1,000", currency="USD")
    assert answer.status == 303, answer.texts("//*[@role='alert']")
    (deal,) = work.records("pipeline.deal").find(())
    assert answer.answer.headers["Location"] == f"/console/pipeline/deals/{deal['id']}"
    assert (deal["name"], deal["amount"].amount) == ("First deal", 1000)
    assert not [one for one in site.get(at).all("//a/@href") if one.endswith("/convert")]
    assert site.get(f"{at}/convert").status == 409


def test_the_overview_asks_the_database_for_what_it_shows_and_no_more(site: Site, work: Work, account: UUID) -> None:
    at, asked = f"{ACCOUNTS}/{account}", list[str]()

    def count(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    site.get(at)  # what is made once is made
    sa.event.listen(work.platform.database.engine, "before_cursor_execute", count)
    try:
        site.get(at)
    finally:
        sa.event.remove(work.platform.database.engine, "before_cursor_execute", count)
    assert 0 < len(asked) <= 24, (len(asked), [one[:90] for one in asked])
