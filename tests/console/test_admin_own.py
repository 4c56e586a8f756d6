"""Kinds of records of one's own, territories, shares, tokens, plugins' switches and the erasure of a person, as pages."""

from __future__ import annotations

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, People
from core.worker.drain import Drain
from sdk import where
from sdk.context import id_of
from tests.console.site import Site


def test_a_kind_of_records_is_made_changed_and_deleted_by_its_key_after_it_was_said_what_goes(
    site: Site, work: Work, platform: Platform
) -> None:
    made = site.post("/admin/entities", {"label": "Project", "label_zh": "项目", "key": "", "owned": "true"})
    assert made.status == 303
    at = made.answer.headers["Location"].removeprefix("/console").partition("?")[0]
    assert "/console/admin/fields/custom.project" in site.get(f"{at}?made=1").links().values()
    site.api.post("/api/v1/custom/projects", {"name": "Bridge"})
    assert site.get("/admin/entities").rows()[0][:4] == ["Project 项目", "project", "1", "Visible"]
    assert site.get("/admin/plugins/teamwork/off").status == 200, "what goes with a plugin is told whatever the company has made itself"
    form = site.get(at).form(-2)
    assert site.post(at, {**form, "label": "Building", "active": "true"}).status == 303
    assert site.post(at, {**form, "label": "Late"}).status == 412
    assert work.records("core.custom_entity").find(())[0]["label"] == "Building"
    assert site.post("/admin/entities", {"label": "No", "key": "Not A Key"}).all("//*[@id='e-key' and @aria-invalid]")
    assert site.post(at, {"do": "delete", "key": "other"}).status == 422
    assert site.post(at, {"do": "delete", "key": "project"}).status == 303
    Drain(platform).run_until_empty()
    assert site.get("/admin/entities").rows() == []
    assert site.get("/custom/projects").status == 404


def test_territories_are_a_tree_with_those_who_work_them(client: Api, work: Work, people: People) -> None:
    site, records = Site(client), work.records("core.territory")
    assert site.post("/admin/territories", {"name": "China"}).status == 303
    (china,) = records.find(where(name="China"))
    assert site.post("/admin/territories", {"name": "North", "parent": str(china["id"])}).status == 303
    (north,) = records.find(where(name="North"))
    assert site.post("/admin/territories", {"territory": str(north["id"]), "person": str(people.rep)}).status == 303
    page = site.get("/admin/territories")
    assert page.texts("//ul[@class='teams']//strong") == ["North"]
    assert "rep00" in page.texts("//ul[@class='teams']")[0]
    assert site.post("/admin/territories", {"territory": str(china["id"]), "name": "China", "parent": str(north["id"])}).status == 422
    member = work.records("core.territory_member").find(())[0]["id"]
    assert site.post("/admin/territories", {"territory": str(north["id"]), "leaves": str(member)}).status == 303
    assert site.post("/admin/territories", {"territory": str(north["id"]), "do": "delete", "name": "North"}).status == 303
    assert [row["name"] for row in records.find(())] == ["China"]
    rep = Site(client.as_user(people.rep))
    assert not rep.get("/admin/territories").all("//main//form")
    assert rep.post("/admin/territories", {"name": "Mine"}).status == 403


def test_shares_and_tokens_of_others_are_listed_and_ended(client: Api, work: Work, people: People) -> None:
    site, account = Site(client), id_of(work.records("customers.account").create({"name": "Alpha", "owner": None}))
    share = {"record": {"entity": "customers.account", "id": str(account)}, "user": str(people.rep), "access": "write"}
    work.records("core.share").create(share)
    rep = client.as_user(people.rep, allows=["customers.account.read"])
    assert rep.get(f"/api/v1/customers/accounts/{account}").status_code == 200
    page = site.get("/admin/shares")
    assert page.rows()[0][:3] == ["Alpha Account", "rep00", "Read and change"]
    assert site.post("/admin/shares", {"end": page.all("//button[@name='end']/@value")[0]}).status == 303
    assert rep.get(f"/api/v1/customers/accounts/{account}").status_code == 404
    (row,) = [row for row in site.get("/admin/tokens").all("//tbody/tr") if "rep00" in row.text_content()]
    assert "1 allowed permission" in " ".join(row.text_content().split())
    assert site.post("/admin/tokens", {"revoke": row.xpath(".//button/@value")[0]}).status == 303
    assert rep.get("/api/v1/customers/accounts").status_code == 401
    assert site.post("/admin/tokens", {"revoke": "x"}).status == 404


def test_a_plugin_is_switched_in_its_row(site: Site) -> None:
    rows = {row[0]: row for row in site.get("/admin/plugins").rows()}
    assert rows["Forecast"][-1] == "Turn off…"
    assert rows["Console"][-1] == "Always on: these pages"
    places = list(rows)
    after = site.get(site.post("/admin/plugins/forecast", {"do": "off"}).answer.headers["Location"].removeprefix("/console"))
    assert after.texts("//*[@id='content']//*[@role='status']") == ["Forecast is off. Its data is kept."]
    assert [row[0] for row in after.rows()] == places, "it stays where it was"
    (row,) = [row for row in site.get("/admin/plugins").all("//tbody/tr") if row.xpath("string(td[1])").strip() == "Forecast"]
    assert "urn on" in row.text_content()
    if forms := row.xpath(".//form"):
        back = site.post("/admin/plugins/forecast", dict(forms[0].form_values()))
        assert back.answer.headers["Location"] == "/console/admin/plugins?switched=forecast"


def test_a_person_is_erased_after_the_traces_were_shown(client: Api, work: Work, people: People) -> None:
    site, contact = Site(client), id_of(work.records("customers.contact").create({"name": "Zoe Zappel", "email": "zoe@zappel.example"}))
    chosen = site.post("/admin/erasure", {"person__entity": "customers.contact", "person__id": str(contact)})
    assert "Personal data of Zoe Zappel" in chosen.text
    assert "Contacts: personal fields cleared" in chosen.text
    person = f"customers.contact:{contact}"
    assert site.post("/admin/erasure", {"do": "erase", "person": person, "reason": "asked by letter"}).status == 422
    assert work.records("customers.contact").get(contact)["name"] == "Zoe Zappel"
    done = site.post("/admin/erasure", {"do": "erase", "person": person, "reason": "asked by letter", "sure": "true"})
    assert (done.status, "This person’s data has been erased." in done.text) == (200, True)
    assert "Zappel" not in str(work.records("customers.contact").get(contact))
    assert client.get("/api/v1/search", {"q": "zappel"}).json["data"] == []
    assert site.post("/admin/erasure", {"do": "erase", "person": person, "reason": "", "sure": "true"}).status == 422
    for entity, id in (("customers.contact", "x"), ("no.such", "1"), ("", "")):
        refused = site.post("/admin/erasure", {"person__entity": entity, "person__id": id})
        assert (refused.status, bool(refused.all("//*[@role='alert']"))) == (422, True), entity
    assert Site(client.as_user(people.rep)).get("/admin/erasure").status == 403
