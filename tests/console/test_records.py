"""Lists, forms and records of any entity, as pages."""

from __future__ import annotations

import pytest

from core.context import Work
from core.testkit.fixtures import Api, People
from sdk.context import id_of
from tests.console.site import Site

ACCOUNTS = "/customers/accounts"


def test_a_list_shows_what_its_reader_sees_as_people_read_it(client: Api, work: Work, people: People) -> None:
    accounts = work.records("customers.account")
    accounts.create({"name": "华为", "owner": people.rep, "tier": "key"})
    accounts.create({"name": "Nobody's"})
    site = Site(client.as_user(people.rep))
    page = site.get(ACCOUNTS)
    names = [row[0] for row in page.rows()]
    assert names == ["华为"]
    assert "Key account" in page.rows()[0]


def test_a_list_is_searched_sorted_and_filtered_by_its_address(site: Site, work: Work) -> None:
    for name, tier in (("Alpha", "key"), ("Beta", "normal"), ("Alpine", "normal")):
        work.records("customers.account").create({"name": name, "tier": tier})
    assert [row[0] for row in site.get(ACCOUNTS, {"q": "Al", "sort": "name"}).rows()] == ["Alpha", "Alpine"]
    page = site.get(ACCOUNTS, {"tier": "normal", "sort": "-name"})
    assert [row[0] for row in page.rows()] == ["Beta", "Alpine"]
    assert page.all("//th[@aria-sort='descending']")
    assert site.get(ACCOUNTS, {"nothing": "1"}).status == 400


def test_a_long_list_is_shown_part_by_part_and_each_record_once(site: Site, work: Work) -> None:
    from sdk import Draft

    work.records("customers.account").write_all([Draft("create", {"name": f"A{number:03}"}) for number in range(60)])
    page = site.get(ACCOUNTS, {"sort": "name"})
    more = page.links()["Show more"].removeprefix("/console")
    seen = [row[0] for row in page.rows()[:-1]] + [row[0] for row in site.get(more).rows()]
    assert seen == [f"A{number:03}" for number in range(60)]


def test_a_form_makes_a_record_and_leads_to_it(site: Site, work: Work) -> None:
    answer = site.sent(f"{ACCOUNTS}/new", name="Huawei", employees="12", annual_revenue__amount="1000.50")
    assert answer.status == 303, answer.text
    (row,) = work.records("customers.account").find(())
    assert answer.answer.headers["Location"] == f"/console{ACCOUNTS}/{row['id']}"
    assert row["name"] == "Huawei"
    page = site.get(f"{ACCOUNTS}/{row['id']}")
    assert page.status == 200
    assert "Huawei" in page.heading


@pytest.mark.feature("C19")
def test_what_is_refused_comes_back_with_what_was_typed_and_says_why_at_the_field(site: Site, work: Work) -> None:
    page = site.sent(f"{ACCOUNTS}/new", name="", website="no address", city="Köln")
    assert page.status == 422
    assert page.form()["city"] == "Köln"
    wrong = page.all("//*[@aria-invalid='true']/@name")
    assert "name" in wrong
    assert all(page.all(f"//*[@id='{one}']") for one in page.all("//*[@aria-invalid='true']/@aria-describedby"))
    assert work.records("customers.account").find(()) == []


def test_a_change_writes_what_differs_and_keeps_what_others_changed_meanwhile(site: Site, work: Work) -> None:
    id = id_of(work.records("customers.account").create({"name": "Huawei", "city": "Shenzhen"}))
    form = site.get(f"{ACCOUNTS}/{id}/edit").form()
    assert site.post(f"{ACCOUNTS}/{id}/edit", {**form, "city": "Dongguan"}).status == 303
    changes = site.api.get(f"/api/v1{ACCOUNTS}/{id}/history").json["data"][0]["changes"]
    assert [*changes] == ["city"]
    stale = site.post(f"{ACCOUNTS}/{id}/edit", {**form, "city": "Beijing"})
    assert stale.status == 412
    assert stale.form()["city"] == "Beijing"
    assert work.records("customers.account").get(id)["city"] == "Dongguan"


def test_a_likely_duplicate_is_told_and_can_be_saved_all_the_same(site: Site, work: Work) -> None:
    work.records("customers.account").create({"name": "Huawei Technologies", "phone": "+86 755 2878 0808"})
    page = site.sent(f"{ACCOUNTS}/new", name="Huawei Technologies", phone="+86 755 2878 0808")
    assert page.status == 409
    assert "Huawei Technologies" in page.text
    assert site.post(f"{ACCOUNTS}/new", {**page.form(), "force": "true"}).status == 303


def test_a_record_goes_into_the_recycle_bin_by_a_page_that_asks_first(site: Site, work: Work) -> None:
    id = id_of(work.records("customers.account").create({"name": "Huawei"}))
    assert site.sent(f"{ACCOUNTS}/{id}/delete").status == 303
    assert site.get(f"{ACCOUNTS}/{id}").status == 404
    assert work.records("customers.account").find((), deleted=True)


def test_a_record_shows_what_belongs_to_it_and_leads_to_more_of_it(site: Site, work: Work) -> None:
    id = id_of(work.records("customers.account").create({"name": "Huawei"}))
    work.records("customers.contact").create({"name": "Ren", "account": id})
    page = site.get(f"{ACCOUNTS}/{id}", {"tab": "related"})
    assert "Ren" in page.text
    assert f"/console/customers/contacts?account={id}" in page.links().values()


def test_every_entity_of_every_plugin_has_a_list_and_a_form_without_code(site: Site) -> None:
    for one in site.api.get("/api/v1/meta").json["entities"]:
        path = one["path"].removeprefix("/api/v1")
        assert site.get(path).status == 200, path
        if "create" in one["verbs"]:
            assert site.get(f"{path}/new").status == 200, path


def test_what_one_may_not_read_is_not_found_and_what_one_may_not_write_is_refused(client: Api, people: People, work: Work) -> None:
    id = id_of(work.records("customers.account").create({"name": "Hidden"}))
    site = Site(client.as_user(people.rep))
    assert site.get(f"{ACCOUNTS}/{id}").status == 404
    assert site.get("/catalog/products/new").status == 403
    assert not [text for text in site.get("/catalog/products").texts("//a") if text == "New"]
