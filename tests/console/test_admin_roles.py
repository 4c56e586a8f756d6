"""Roles on the pages of the administrator: the table, a change in its place, fields, and what a person may do."""

from __future__ import annotations

from core.context import Work
from core.testkit.fixtures import Api, People
from sdk import where
from tests.console.site import Site

ROLE = "/admin/roles/sales_rep"
READ, UPDATE, EXPORT = (f"customers.account.{word}" for word in ("read", "update", "export"))


def stored(work: Work, permission: str) -> list[object]:
    return [(row["scope"], row["only_fields"]) for row in work.records("core.grant").find(where(permission=permission))]


def test_cells_are_changed_in_their_place_several_at_once_and_no_more_is_stored_than_differs(
    client: Api, work: Work, people: People
) -> None:
    site, rep = Site(client), Site(client.as_user(people.rep))
    work.records("customers.account").create({"name": "Huawei"})
    page = site.get(ROLE, {"plugin": "customers"})
    form = page.form()
    assert (form[READ], form[EXPORT]) != ("all", "none")
    assert rep.get("/customers/accounts").rows() == []
    assert site.post(ROLE, form).status == 303
    assert stored(work, READ) == [], "nothing was changed"
    assert site.post(ROLE, {**form, READ: "all", EXPORT: "none"}).status == 303
    assert (stored(work, READ), stored(work, EXPORT), stored(work, UPDATE)) == ([("all", None)], [("none", None)], [])
    assert rep.get("/customers/accounts").rows()[0][0] == "Huawei"
    assert site.post(ROLE, form).status == 303
    assert (stored(work, READ), stored(work, EXPORT)) == ([], []), "as it was from the start"
    table = site.get("/admin/roles", {"plugin": "customers"})
    assert "Accounts" in table.texts("//tbody/tr/th")
    sought = site.get("/admin/roles", {"of": "pipeline.deal"})
    assert "Deals" in sought.texts("//select[@name='of']/option"), "whoever looks for deals need not know in which plugin they are"
    assert sought.texts("//tr[@class='sought']/th") == ["Deals"]
    assert site.get(sought.all("//tr[@class='sought']//a")[0].get("href").partition("#")[0][8:]).texts("//tr[@class='sought']/td[1]") == [
        "Deals"
    ]


def test_a_role_says_what_its_scopes_reach_and_its_rights_are_called_as_people_call_them(site: Site, work: Work) -> None:
    page = site.get(ROLE, {"plugin": "customers"})
    said = dict(zip(page.texts("//dl[contains(@class, 'legend')]//dt"), page.texts("//dl[contains(@class, 'legend')]//dd"), strict=True))
    assert said["Own"] == "records that the person owns, and shared ones"
    assert {*page.texts(f"//select[@name='{READ}']/option")} <= {*said}
    assert page.texts(f"//select[@name='{EXPORT}']/option")[0] == "Same as “Read”"
    site.post(ROLE, {**page.form(), READ: "all"})
    assert "Accounts · Read" in site.get("/core/grants").text


def test_what_does_not_fit_changes_nothing_and_the_page_says_why(site: Site, work: Work) -> None:
    form = site.get(ROLE, {"plugin": "customers"}).form()
    refused = site.post(ROLE, {**form, READ: "all", EXPORT: "team"})
    assert refused.status == 422
    assert "use all, or none" in " ".join(refused.texts("//*[@role='alert']"))
    assert (stored(work, READ), stored(work, EXPORT)) == ([], [])
    assert refused.form()[READ] == "all", "what was chosen stays"


def test_a_role_without_a_field_does_not_see_it(client: Api, work: Work, people: People) -> None:
    site = Site(client)
    path = f"{ROLE}/customers.account"
    page = site.get(path)
    names = [one for one in page.all("//input[@name='read']/@value") if one != "phone"]
    sent = {"csrf_token": "", "read__there": "1", "read": names, "update__there": "1", "update__all": "1"}
    assert site.post(path, sent).status == 303
    ((scope, fields),) = stored(work, READ)  # type: ignore[misc]
    assert "phone" not in fields
    assert scope != "none"
    account = work.records("customers.account").create({"name": "Huawei", "phone": "+86 755 2878 0808", "owner": people.rep})
    seen = client.as_user(people.rep).get(f"/api/v1/customers/accounts/{account['id']}").json
    assert "phone" not in seen
    assert seen["name"] == "Huawei"
    assert site.post(path, {"read__there": "1", "read__all": "1"}).status == 303
    assert stored(work, READ) == []
    assert site.post(path, {"read__there": "1"}).status == 422, "a right on no field is no right"


def test_a_change_of_rights_says_what_was_saved_and_is_undone_by_a_button(site: Site, client: Api) -> None:
    before = site.get(ROLE, {"plugin": "customers"})
    assert not before.all("//*[@role='status'][contains(@class, 'note')]")
    saved = site.post(ROLE, {**before.form(), "customers.account.delete": "own"})
    page = site.get(saved.answer.headers["Location"].removeprefix("/console"))
    assert page.texts("//*[@role='status'][contains(@class, 'note')]//li") == ["Accounts · Delete: None → Own"]
    undo = page.form(-2)
    assert undo["customers.account.delete"] == "none"
    back = site.post(ROLE, {**undo, "undo": "1"})
    page = site.get(back.answer.headers["Location"].removeprefix("/console"))
    assert page.texts("//*[@role='status'][contains(@class, 'note')]") == ["The original permissions were restored."]
    assert page.form() == before.form()
    grants = client.get("/api/v1/core/rights").json["data"]
    assert not [row for row in grants if row["role"] == "sales_rep" and row["permission"] == "customers.account.delete"]


def test_a_new_role_is_made_and_a_person_is_told_what_it_gives(client: Api, work: Work, people: People) -> None:
    site = Site(client)
    assert site.post("/admin/roles", {"name": "Auditor", "key": "Not A Key"}).status == 422
    made = site.post("/admin/roles", {"name": "Auditor", "key": "auditor"})
    assert made.answer.headers["Location"] == "/console/admin/roles/auditor"
    unnamed = site.post("/admin/roles", {"name": "华东 Sales"})
    assert unnamed.answer.headers["Location"] == "/console/admin/roles/huadong_sales"
    form = site.get("/admin/roles/auditor", {"plugin": "catalog"}).form()
    assert site.post("/admin/roles/auditor", {**form, "catalog.product.delete": "all"}).status == 303
    client.patch(f"/api/v1/core/users/{people.rep}", {"roles": ["sales_rep", "auditor"]})
    page = site.get(f"/admin/people/{people.rep}", {"plugin": "catalog"})
    assert any("Auditor" in cell for row in page.rows() for cell in row)
    assert Site(client.as_user(people.rep)).get("/admin/roles").status == 403
