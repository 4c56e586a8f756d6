"""Documents as pages: templates with preview and versions, and from a record to its document."""

from __future__ import annotations

from io import BytesIO

import pytest

from core.context import Work
from core.data import migrate
from core.platform import Platform
from core.testkit.fixtures import Api, People
from sdk.context import id_of
from tests.console.site import Look, Site

TEMPLATES = "/documents/templates"
SHIPPED = {"template": "orders.quote", "format": "pdf", "locale": "en"}


def quote(work: Work, **more: object) -> str:
    account = id_of(work.records("customers.account").create({"name": "Alder Foods", "owner": more.get("owner")}))
    return str(id_of(work.records("orders.quote").create({"name": "Gateways", "account": account, "currency": "CNY", **more})))


def whole(look: Look, form: str = "desk") -> dict[str, str]:
    return dict(look.all(f"//form[@id='{form}']")[0].form_values())


@pytest.mark.feature("I11")
def test_a_template_is_made_of_ours_changed_in_place_looked_at_and_put_in_force(site: Site, client: Api, work: Work) -> None:
    id = quote(work)
    page = site.get(TEMPLATES)
    assert page.rows()[0][0] == "Built-in"
    ours = site.get("/documents/shipped", SHIPPED)
    assert "buyer.name" in " ".join(ours.texts("//*[@data-copy]/code"))
    seen = site.get("/documents/shipped", {**SHIPPED, "preview": "1", "record": id})
    assert not seen.texts("//*[@role='alert']")
    (sheet, *_more) = seen.all("//img[contains(@class, 'doc-page')]/@src")
    assert sheet.startswith("data:image/png;base64,iVBOR")
    path = "/documents/shipped?template=orders.quote&format=pdf&locale=en"
    assert site.post(path, {"do": "copy", "name": ""}).status == 422
    made = site.post(path, {"do": "copy", "name": "Our quote"})
    assert made.status == 303, made.text
    here = made.answer.headers["Location"].removeprefix("/console")
    desk = site.get(here)
    source = whole(desk)["text.main.typ"]
    wrong = {**whole(desk), "text.main.typ": f"{source}\n#d.buyer.nmae\n"}
    refused = site.post(here, {**wrong, "do": "text"})
    assert refused.status == 422
    told = " ".join(refused.texts("//textarea[@name='text.main.typ']/following-sibling::p"))
    assert "#d.buyer.nmae" in told
    assert "variable d.buyer.nmae does not exist" in told
    assert refused.all("//textarea[@name='text.main.typ'][@aria-invalid='true']")
    right = {**whole(desk), "text.main.typ": f"{source}\nWelcome #d.buyer.name\n"}
    assert site.post(here, {**right, "do": "preview", "record": id}).all("//img[contains(@class, 'doc-page')]")
    assert site.post(here, {**right, "do": "text"}).status == 303
    assert site.post(here, {**right, "do": "text"}).status == 412
    changed = site.get(here)
    assert "Welcome #d.buyer.name" in whole(changed)["text.main.typ"]
    assert changed.texts("//ol[contains(@class, 'timeline')]//strong") == ["Version 2", "Version 1"]
    (first,) = changed.all("//input[@name='number']/@value")
    assert site.post(here, {"do": "version", "number": first}).status == 303
    back = site.get(here)
    assert "Welcome" not in whole(back)["text.main.typ"]
    assert back.texts("//ol[contains(@class, 'timeline')]//li[span]/strong") == ["Version 3"]
    assert client.get(back.all("//ol[contains(@class, 'timeline')]//a/@href")[1]).status_code == 200
    assert site.post(here, {"do": "standard", "version": whole(back)["version"]}).status == 303
    standard = [row for row in site.get(TEMPLATES).rows() if row[0].startswith("Our quote")]
    assert standard[0][3] == "Default"
    issued = site.post(
        "/documents/make", {"about": f"orders.quote:{id}", "template": "orders.quote", "format": "pdf", "locale": "en", "do": "issue"}
    )
    assert issued.status == 303, issued.text
    assert "Quote" in site.get(here).texts("//section[@aria-labelledby='h-issued']//li")[0]


def test_a_record_leads_to_its_document_which_is_looked_at_issued_and_taken_along(client: Api, work: Work, people: People) -> None:
    id = quote(work, owner=people.rep)
    site = Site(client.as_user(people.rep))
    record = site.get(f"/orders/quotes/{id}")
    assert f"/console/documents/make?about=orders.quote%3A{id}" in record.links().values()
    about = {"about": f"orders.quote:{id}"}
    page = site.get("/documents/make", about)
    assert page.all("//img[contains(@class, 'doc-page')]")
    text = site.get("/documents/make", {**about, "format": "docx", "locale": "zh_CN"})
    assert "Alder Foods" in text.texts("//section[@id='making']")[0]
    form = whole(page, "issue")
    refused = site.post("/documents/make", {**form, "do": "mail"})
    assert refused.status == 422
    assert "has no contact" in refused.text
    gone = site.post("/documents/make", {**form, "do": "issue"})
    assert gone.status == 303
    done = site.get(gone.answer.headers["Location"].removeprefix("/console"))
    copy = done.links()["Download"]
    assert client.as_user(people.rep).get(copy).data.startswith(b"%PDF")
    assert copy in site.get(f"/orders/quotes/{id}").all("//aside//a/@href")
    other = id_of(work.records("customers.account").create({"name": "Birch", "owner": people.rep}))
    assert site.get("/documents/make", {"about": f"customers.account:{other}"}).status == 404
    assert "Create document" not in site.get(f"/customers/accounts/{other}").links()
    hidden = quote(work, owner=people.manager)
    assert site.get("/documents/make", {"about": f"orders.quote:{hidden}"}).status == 404


def test_who_may_not_change_templates_reads_them_and_is_refused(site: Site, client: Api, people: People) -> None:
    made = client.call("POST", "/console/documents/templates/new", data={
        "template": "orders.quote", "name": "Plain", "locale": "en", "file": (BytesIO(b"= Quote"), "plain.typ")})  # fmt: skip
    assert made.status_code == 303, made.text
    here = made.headers["Location"].removeprefix("/console")
    rep = Site(client.as_user(people.rep))
    page = rep.get(here)
    assert page.status == 200
    assert page.all("//textarea[@readonly]")
    assert "Document templates" not in rep.get("/").links()
    assert rep.get(f"{TEMPLATES}/new").status == 403
    assert rep.post(here, {"do": "text", "text.main.typ": "x"}).status == 403
    nothing = site.post(f"{TEMPLATES}/new", {"template": "orders.quote", "name": "", "locale": "en"})
    assert nothing.status == 422
    assert nothing.all("//*[@name='name'][@aria-invalid='true']")


def test_templates_from_before_have_the_version_that_they_are_at(client: Api, work: Work, platform: Platform) -> None:
    given = {"template": "orders.quote", "name": "Plain", "locale": "en"}
    made = client.call("POST", "/api/v1/documents/uploads", data={**given, "file": (BytesIO(b"= Quote"), "plain.typ")})
    assert made.status_code == 201, made.text
    again = client.call(
        "POST", f"/api/v1/documents/templates/{made.json['id']}/revisions", data={"file": (BytesIO(b"= Offer"), "plain.typ")}
    )
    assert again.status_code == 201, again.text
    branch = next(one for one in platform.branches() if one.plugin == "documents")
    migrate.downgrade(platform.database, branch, "0001")
    migrate.upgrade(platform.database, platform.branches())
    (version,) = work.records("documents.version").find(())
    assert (str(version["template"]), version["number"]) == (made.json["id"], 2)
    assert client.get(f"/api/v1/documents/versions/{version['id']}/content").data == b"= Offer"
