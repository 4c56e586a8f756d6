"""Exporting in the console: from a list to its form, how far it is, the file, and what was exported before."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from core.context import Work
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.engines import Embedded
from core.testkit.fixtures import People
from plugins.import_export.exports import EXPORT
from sdk import Draft, where
from sdk.context import id_of
from tests.console.site import ROOT, Site
from tests.plugins.exported import rows_of

LIST, NEW, ALL = "/customers/accounts", "/import_export/exports/new", "/import_export/exports"


def filled(work: Work, people: People) -> None:
    work.records("customers.account").write_all(
        [
            Draft("create", {"name": name, "city": city, "owner": people.rep, "tier": "key"})
            for name, city in (("B", "Ulm"), ("A", "Ulm"), ("C", "Bonn"))
        ]
    )


def test_what_a_list_shows_is_exported_with_its_filters_told_and_counted_and_fetched_by_who_asked(
    site: Site, work: Work, people: People, platform: Platform
) -> None:
    filled(work, people)
    query = {"city": "Ulm", "tier": "key", "owner": str(people.rep), "sort": "name", "_columns": "name,city"}
    rep = Site(site.api.as_user(people.rep))
    act = rep.get(LIST, query).links()["Export"]
    assert urlsplit(act).path == ROOT + NEW
    form = rep.get(NEW, {name: values[-1] for name, values in parse_qs(urlsplit(act).query).items()})
    assert form.heading == "Accounts Export: Accounts"
    assert form.texts("//li[contains(@class, 'chip')]") == ["City is Ulm", "Class is Key account", "Owner is rep00"]
    assert "2 records" in form.text
    values = form.form()
    assert (values["columns"], values["format"], values["headings"]) == ("chosen", "csv", "labels")
    assert [one.get("value") for one in form.all("//input[@name='field' and @checked]")] == ["name", "city"]
    begun = rep.post(NEW, {**values, "field": ["name", "city"]})
    address = begun.answer.headers["Location"].removeprefix(ROOT)
    waiting = rep.get(address)
    assert "The file is being written." in waiting.text
    assert "0 of 2 rows" in waiting.text
    assert waiting.all("//section[@hx-get]"), "the page asks again by itself"
    Embedded(platform).run_until_idle()
    done = rep.get(address, part="export")
    (link,) = [href for said, href in done.links().items() if said == "Accounts.csv"]
    assert rows_of(rep.api.get(link).data) == [{"Name": "A", "City": "Ulm"}, {"Name": "B", "City": "Ulm"}]
    (line,) = rep.get(ALL).rows()
    assert line[:6] == ["Accounts.csv", "Accounts", "Succeeded", "2", "CSV", "rep00"]
    # Who may see all exports sees that there was one, and fetches none.
    seen = site.get(address)
    assert "Only the owner can download the file." in seen.text
    assert "Accounts.csv" not in seen.links()
    assert [one[:2] for one in site.get(ALL).rows()] == [["Accounts.csv", "Accounts"]]


def test_a_saved_view_is_exported_as_it_is_saved_and_an_export_can_be_cancelled(site: Site, work: Work, people: People) -> None:
    filled(work, people)
    view = work.records("console.view").create(
        {"name": "In Ulm", "entity": "customers.account", "conditions": "city=Ulm&phone[empty]=true", "columns": "name", "ordered_by": "-name", "shown_to": "everybody"}
    )  # fmt: skip
    act = site.get(LIST, {"_view": str(view["id"])}).links()["Export"]
    form = site.get(NEW, {name: values[-1] for name, values in parse_qs(urlsplit(act).query).items()})
    assert form.texts("//li[contains(@class, 'chip')]") == ["City is Ulm", "Phone is empty"]
    typed = [one.get("href") for one in site.get(LIST, {"q": "Acme"}, part="found").all("//a[contains(@href, '/exports/new?')]")]
    assert typed == [site.get(LIST, {"q": "Acme"}).links()["Export"]] * 2, "as it is typed, on the desk and in the menu of the phone"
    assert "q=Acme" in typed[0]
    address = site.post(NEW, form.form() | {"columns": "all", "format": "xlsx"}).answer.headers["Location"].removeprefix(ROOT)
    (record,) = work.records(EXPORT).find(())
    assert (record["conditions"], record["ordered_by"], record["format"]) == ("city=Ulm&phone%5Bempty%5D=true", "-name", "xlsx")
    assert str(record["columns"]).startswith("id,name,")
    assert site.post(address, {"csrf_token": ""}).status == 303
    assert "Cancelled" in site.get(address).text
    assert site.post(address, {"csrf_token": ""}).status == 409


def test_a_view_that_an_entity_comes_with_is_exported_as_it_shows_and_one_named_by_hand_is_refused(
    site: Site, work: Work, people: People
) -> None:
    tasks = work.records("teamwork.task")
    tasks.create({"subject": "Mine", "owner": people.manager})
    tasks.create({"subject": "Theirs", "owner": people.rep})
    manager = Site(site.api.as_user(people.manager))
    for address in ("/teamwork/tasks", "/teamwork/tasks?_view=mine"):  # it opens with that by itself
        act = manager.get(address).links()["Export"].removeprefix(ROOT)
        assert parse_qs(urlsplit(act).query)["owner"] == [str(people.manager)]
        assert "1 record" in manager.get(act).text
    for view in ("mine", "nothing", str(UUID(int=7))):
        assert manager.get(NEW, {"_entity": "teamwork.task", "_view": view}).status == 404
        sent = {"entity": "teamwork.task", "state": f"_view={view}", "columns": "again", "format": "csv", "headings": "labels"}
        assert manager.post(NEW, sent).status == 404
    assert "2 records" in manager.get(manager.get("/teamwork/tasks?_view=all").links()["Export"].removeprefix(ROOT)).text


def test_who_may_not_export_sees_no_way_to_it_and_it_goes_with_its_plugin(site: Site, work: Work, people: People) -> None:
    (role,) = work.records("core.role").find(where(key="sales_rep"))
    work.records("core.grant").create({"role": id_of(role), "permission": "customers.account.export", "scope": "none"})
    rep = Site(site.api.as_user(people.rep))
    assert "Export" not in rep.get(LIST).links()
    assert rep.get(NEW, {"_entity": "customers.account"}).status == 403
    assert rep.get(NEW, {"_entity": "customers.nothing"}).status == 404
    assert "Export" in rep.get("/customers/contacts").links()
    wrong = site.get(NEW, {"_entity": "customers.account", "nothing": "x"})
    assert (wrong.status, "no field 'nothing'" in wrong.text) == (200, True)
    refused = site.post(
        NEW, {"entity": "customers.account", "state": "nothing=x", "columns": "again", "format": "csv", "headings": "labels"}
    )
    assert refused.status == 400
    assert site.get(f"{ALL}/{UUID(int=7)}").status == 404
    for name in ("from_hubspot", "from_odoo", "from_salesforce", "import_export"):
        lifecycle.switch(work, name, False)
    assert "Export" not in site.get(LIST).links()
    assert site.get(NEW, {"_entity": "customers.account"}).status == 404
