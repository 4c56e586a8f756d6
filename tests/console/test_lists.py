"""What is done in lists: filters as sentences, columns, several records at once, one cell, the recycle bin."""

from __future__ import annotations

import sqlalchemy as sa

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, People
from plugins.company.master import INDUSTRIES, SOURCES
from sdk import Draft
from sdk.context import id_of
from tests.console.site import Look, Site
from tests.console.test_views import names

ACCOUNTS = "/customers/accounts"


def sentences(page: Look) -> list[str]:
    return page.texts("//span[contains(@class, 'filter')]/a[1]")


def test_filters_read_as_sentences_in_both_languages_with_titles_and_labels(site: Site, work: Work, people: People) -> None:
    parent = id_of(work.records("customers.account").create({"name": "Holding"}))
    query = {
        "tier[in]": "key,normal", "revenue[gte]": "1000", "parent": str(parent), "created_at[gte]": "2026-01-01T00:00:00+00:00",
        "name[contains]": "hua", "city[empty]": "true",
    }  # fmt: skip
    assert sentences(site.get(ACCOUNTS, query)) == [
        "Class is Key account or Normal", "Annual revenue at least 1,000", "Parent company is Holding", "Created from Jan 1, 2026",
        "Name contains hua", "City is empty",
    ]  # fmt: skip
    site.post("/me/locale", {"locale": "zh_CN"})
    assert sentences(site.get(ACCOUNTS, query))[:2] == ["级别是 重点客户 或 普通", "年营业额不少于 1,000"]
    fields = site.get(f"{ACCOUNTS}/filter").texts("//select[@name='_field']/option")
    some = ("城市", "创建时间", "地址", "国家", "名称", "修改时间")
    assert tuple(one for one in fields if one in some) == some, "in the order of dictionaries, by pinyin"


def test_a_filter_is_made_from_its_field_and_operator_and_a_wrong_value_is_told_there(site: Site, work: Work) -> None:
    for name, tier, revenue in (("Alpha", "key", "5000"), ("Beta", "normal", "10")):
        work.records("customers.account").create({"name": name, "tier": tier, "revenue": {"amount": revenue, "currency": "CNY"}})
    page = site.get(f"{ACCOUNTS}/filter", {"_field": "revenue", "_op": "gte", "tier": "key"})
    answer = site.post(f"{ACCOUNTS}/filter", {**page.form(), "value__amount": "1000"})
    assert answer.status == 303
    assert names(site.get(answer.answer.headers["Location"].removeprefix("/console"))) == ["Alpha"]
    wrong = site.post(f"{ACCOUNTS}/filter", {**page.form(), "value__amount": "many"})
    assert wrong.status == 400
    assert wrong.all("//*[@aria-invalid='true']")
    assert site.post(f"{ACCOUNTS}/filter", page.form()).status == 422
    choices = site.get(f"{ACCOUNTS}/filter", {"_field": "tier"}, part="slip-content")
    assert len(choices.all("//input[@type='checkbox'][@name='value']")) > 1
    for field in site.get(f"{ACCOUNTS}/filter").all("//select[@name='_field']/option/@value"):
        assert site.get(f"{ACCOUNTS}/filter", {"_field": field}).status == 200, field
    again = site.get(f"{ACCOUNTS}/filter", {"_field": "revenue", "_op": "gte", "_value": "CNY 12.50"}).form()
    assert (again["value__amount"], again["value__currency"]) == ("12.50", "CNY")


def test_a_list_asks_the_database_no_more_often_for_many_rows_than_for_few(
    site: Site, work: Work, platform: Platform, people: People
) -> None:
    asked: list[str] = []

    def asked_for(rows: int) -> int:
        at = len(asked)
        assert len(names(site.get(ACCOUNTS, {"owner[empty]": "false", "sort": "name"}))) == rows
        return len(asked) - at

    accounts = work.records("customers.account")
    drafts = [Draft("create", {"name": f"A{number:02}", "owner": people.all_reps[number % 9]}) for number in range(40)]
    accounts.write_all(drafts[:2])
    site.get(ACCOUNTS)
    sa.event.listen(platform.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    few = asked_for(2)
    accounts.write_all(drafts[2:])
    del asked[:]
    assert asked_for(40) == few
    assert not [one for one in asked if "FROM customers_accounts" in one and "notes" in one], "a column that is not shown is not read"


def test_columns_are_chosen_and_ordered_and_stay_in_the_address(site: Site, work: Work) -> None:
    work.records("customers.account").create({"name": "Alpha", "city": "Köln"})
    state = {"state": "sort=name", "column": "city"}
    moved = site.post(f"{ACCOUNTS}/columns", {"state": "sort=name", "column": ["name", "city"], "up": "city"})
    assert moved.all("//input[@name='column']/@value")[:2] == ["city", "name"]
    answer = site.post(f"{ACCOUNTS}/columns", {**state, "act": "show"})
    assert "_columns=city" in answer.answer.headers["Location"]
    assert site.get(answer.answer.headers["Location"].removeprefix("/console")).texts("//thead//th")[1:] == ["City"]


def test_several_records_are_changed_at_once_and_each_refusal_is_told_with_its_reason(client: Api, work: Work, people: People) -> None:
    accounts = work.records("customers.account")
    mine = [id_of(accounts.create({"name": name, "owner": people.rep})) for name in ("A", "B")]
    other = id_of(accounts.create({"name": "C", "owner": people.reps[1][0]}))
    site = Site(client.as_user(people.rep))
    ids = [str(id) for id in (*mine, other)]
    asked = site.post(f"{ACCOUNTS}/bulk", {"_act": "edit", "_field": "tier", "id": ids, "_state": ""})
    assert asked.all("//select[@name='tier']")
    told = site.post(f"{ACCOUNTS}/bulk", {"_act": "edit", "_field": "tier", "tier": "key", "id": ids, "_state": "", "_sure": "true"})
    assert "2 records updated." in told.text
    assert "1 unchanged" in told.text
    assert "C" not in told.texts("//li")
    assert {row["tier"] for row in accounts.values(mine).values()} == {"key"}
    whole = site.post(f"{ACCOUNTS}/bulk", {"_act": "edit", "_field": "tier", "id": ids[:1], "_every": "true", "_state": "name=B"})
    assert set(whole.all("//input[@name='id']/@value")) == {ids[1]}, "what the list finds in the place of what is ticked"
    assert site.post(f"{ACCOUNTS}/bulk", {"_act": "edit", "_every": "true", "_state": "name=nobody"}).status == 400
    wrong = site.post(
        f"{ACCOUNTS}/bulk", {"_act": "edit", "_field": "website", "website": "no address", "id": ids[:2], "_sure": "true", "_state": ""}
    )
    assert wrong.status == 422
    assert wrong.all("//*[@aria-invalid='true']")
    assert site.post(f"{ACCOUNTS}/bulk", {"_act": "delete", "id": ids[:2], "_state": ""}).status == 403
    assert site.get(f"{ACCOUNTS}/bin").status == 403
    assert site.post(f"{ACCOUNTS}/bulk", {"_act": "edit", "id": "x"}).status == 400
    work.records("core.grant").create({"role": "sales_rep", "permission": "customers.account.read", "scope": "all"})
    told = site.post(f"{ACCOUNTS}/bulk", {"_act": "edit", "_field": "tier", "tier": "key", "id": str(other), "_state": "", "_sure": "true"})
    assert "you don’t have permission to edit this Account" in told.text, "as people call it"
    work.records("core.grant").create({"role": "sales_rep", "permission": "customers.account.bulk_edit", "scope": "none"})
    barred = site.post(f"{ACCOUNTS}/bulk", {"_act": "edit", "_field": "tier", "id": ids[:2], "_state": ""})
    assert barred.status == 403
    assert not site.get(ACCOUNTS).all("//input[@name='id']")


def test_a_field_may_be_called_as_the_form_calls_its_own(site: Site, work: Work) -> None:
    tasks = work.records("teamwork.task")
    ids = [id_of(tasks.create({"subject": subject})) for subject in ("A", "B")]
    told = site.post(
        "/teamwork/tasks/bulk",
        {"_act": "edit", "_field": "state", "state": "done", "id": [*map(str, ids)], "_state": "sort=subject", "_sure": "true"},
    )
    assert "2 records updated." in told.text
    assert {row["state"] for row in tasks.values(ids).values()} == {"done"}
    assert told.links()["Back to list"] == "/console/teamwork/tasks?sort=subject"


def test_what_is_deleted_at_once_lies_in_the_recycle_bin_and_comes_back_from_it(site: Site, work: Work) -> None:
    ids = [str(id_of(work.records("customers.account").create({"name": name}))) for name in ("A", "B")]
    assert "2 records?" in site.post(f"{ACCOUNTS}/bulk", {"_act": "delete", "id": ids, "_state": ""}).heading
    gone = site.post(f"{ACCOUNTS}/bulk", {"_act": "delete", "id": ids, "_sure": "true", "_state": ""})
    assert "2 records moved to the recycle bin." in gone.text
    assert sorted(site.get(f"{ACCOUNTS}/bin").texts("//td[contains(@class, 'title')]")) == ["A", "B"]
    work.records("customers.account").create({"name": "B"})
    assert "Choose at least one record" in site.post(f"{ACCOUNTS}/bin", {}).text
    told = site.post(f"{ACCOUNTS}/bin", {"id": ids})
    assert "1 record restored." in told.text
    assert told.texts("//*[@role='alert']//li") == ["B"]
    assert sorted(names(site.get(ACCOUNTS))) == ["A", "B"]


def test_the_recycle_bin_shows_what_was_deleted_last_and_leads_on_to_all_that_lies_there(site: Site, work: Work, clock: Clock) -> None:
    accounts = work.records("customers.account")
    made = accounts.write([Draft("create", {"name": f"Old {number}"}) for number in range(51)])
    ids = [one.id for one in made if one.id is not None]
    accounts.write([Draft("delete", {}, id) for id in ids[1:]])
    clock.move(hours=1)
    accounts.write([Draft("delete", {}, ids[0])])
    bin = site.get(f"{ACCOUNTS}/bin")
    titles = bin.texts("//td[contains(@class, 'title')]")
    assert (len(titles), titles[0]) == (50, "Old 0")
    rest = site.get(bin.links()["Show more"].removeprefix("/console"))
    assert len({*titles, *rest.texts("//td[contains(@class, 'title')]")}) == 51
    assert site.get(f"{ACCOUNTS}/bin", {"q": "old 7"}).texts("//td[contains(@class, 'title')]") == ["Old 7"]
    assert "No results." in site.get(f"{ACCOUNTS}/bin", {"q": "none"}).text


def test_a_cell_is_changed_in_its_place_and_a_refusal_brings_the_old_value_back_and_says_why(site: Site, work: Work) -> None:
    id = id_of(work.records("customers.account").create({"name": "Alpha", "website": "https://alpha.example"}))
    cell = f"{ACCOUNTS}/{id}/cell/website"
    editor = site.get(cell, part="cell")
    form = editor.form()
    assert form["website"] == "https://alpha.example"
    done = site.post(cell, {**form, "website": "https://beta.example"})
    assert (done.status, done.text) == (200, "https://beta.example")
    stale = site.post(cell, {**form, "website": "https://gamma.example"})
    assert stale.status == 412
    assert stale.text.startswith("https://beta.example")
    assert stale.all("//*[@role='alert']")
    wrong = site.post(cell, {**form, "version": "2", "website": "no address"})
    assert wrong.status == 422
    assert work.records("customers.account").get(id)["website"] == "https://beta.example"
    assert site.get(f"{ACCOUNTS}/{id}/cell/created_at").status == 403
    assert site.get(f"{ACCOUNTS}/{id}/cell/nothing").status == 404


def test_what_is_written_as_a_key_of_the_companys_lists_reads_as_its_name_and_a_share_with_its_sign(site: Site, work: Work) -> None:
    work.records("company.source").create({"key": "campaign", "name": "市场宣传", "position": 1})
    work.records("leads.lead").create({"name": "Ann", "source": "campaign"})
    other = id_of(work.records("leads.lead").create({"name": "Bo", "source": "by hand"}))
    shown = site.get("/leads/leads", {"_columns": "name,source"}).texts("//td[@data-field='source']")
    assert sorted(shown) == ["by hand", "市场宣传"]
    form = site.get(f"/leads/leads/{other}/edit")
    assert form.texts("//*[@data-field='source']//option") == ["", "市场宣传", "by hand"]
    assert form.form()["source"] == "by hand"
    pipeline = id_of(work.records("pipeline.pipeline").create({"name": "New"}))
    work.records("pipeline.stage").create({"pipeline": pipeline, "name": "First", "type": "open", "probability": 25})
    assert site.get("/pipeline/stages", {"_columns": "name,probability"}).texts("//td[@data-field='probability']") == ["25%"]


def test_the_count_comes_by_itself_and_says_how_many_fit(site: Site, work: Work) -> None:
    for name in ("Alpha", "Alpine", "Beta"):
        work.records("customers.account").create({"name": name})
    later = site.get(ACCOUNTS, {"q": "Al"}).all("//*[@id='count']/@hx-get")[0]
    assert site.get(later.removeprefix("/console"), part="count").text == "2 results"


def test_what_set_up_has_named_reads_in_the_language_of_its_reader_until_it_is_renamed(site: Site, work: Work) -> None:
    """The company was set up in Chinese, and its reader's language is English; programs get what is stored."""
    retail = id_of(work.records("company.industry").create({"key": "retail", "name": "?", "position": 1}))
    fair = id_of(work.records("company.source").create({"key": "fair", "name": "?", "position": 1}))
    chinese = {name: work.speaking("zh_CN").say(text) for name, text in (("retail", INDUSTRIES[2][1]), ("fair", SOURCES[3][1]))}
    work.records("company.industry").update(retail, {"name": chinese["retail"]})
    work.records("company.source").update(fair, {"name": chinese["fair"]})
    work.records("leads.lead").create({"name": "Ann", "source": "fair"})
    assert "Retail and wholesale" in site.get("/company/industries").text
    assert site.get("/leads/leads", {"_columns": "name,source"}).texts("//td[@data-field='source']") == ["Trade show"]
    form = site.get(f"/company/industries/{retail}/edit").form()
    assert form["name"] == "Retail and wholesale"
    assert site.post(f"/company/industries/{retail}/edit", {**form, "position": "7"}).status == 303
    assert site.api.get(f"/api/v1/company/industries/{retail}").json["name"] == chinese["retail"], "what is not touched is not renamed"
    assert site.sent(f"/company/industries/{retail}/edit", name="Shops").status == 303
    assert "Shops" in site.get("/company/industries").text


def test_an_empty_page_says_what_will_be_there_and_how_it_comes_to_it(client: Api, people: People) -> None:
    admin, rep = Site(client), Site(client.as_user(people.rep))
    assert "Accounts that you add or import appear here." in admin.get(ACCOUNTS).text
    assert "No results." in admin.get(ACCOUNTS, {"name[contains]": "x"}).text
    assert admin.get(ACCOUNTS, {"name[contains]": "x"}).links()["All records"].startswith("/console/customers/accounts")
    assert admin.get("/pipeline/deals/board").links()["Get started"] == "/console/admin/start"
    assert "Your administrator can fill it" in rep.get("/pipeline/deals/board").text
    partners = client.post("/api/v1/pipeline/pipelines", {"name": "Partners"}).json["id"]
    board = admin.get("/pipeline/deals/board", {"pipeline": partners})
    assert "“Partners” has nothing under “Stages” yet" in board.text
    assert board.links()["Stages"] == "/console/pipeline/stages"
    assert "Deals with a close date in this period" in admin.get("/forecast/outlook").text
    assert admin.get("/teamwork/performance", {"period": "2026-01"}).heading == "Performance Jan 2026"
