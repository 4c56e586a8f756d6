"""Web forms on pages: made, built beside what visitors see, and what could not be taken is tried again."""

from __future__ import annotations

from core.context import Work
from core.testkit.fixtures import Api, People
from sdk import where
from sdk.context import id_of
from tests.console.site import Site

FORMS = "web_forms.form"


def test_a_form_is_made_and_built_on_a_page_that_shows_it_as_visitors_will_see_it(site: Site, work: Work) -> None:
    assert site.sent("/web_forms", name="").status == 422
    made = site.sent("/web_forms", name="Talk to us")
    (form,) = work.records(FORMS).find(where(key="talk-to-us"))
    path = f"/web_forms/forms/{form['id']}/build"
    assert (made.status, made.answer.headers["Location"]) == (303, f"/console{path}")
    page = site.get(path)
    assert page.texts("//div[@class='webform']//label")[0] == "Name *"
    assert site.sent(path, act="add", field="company").status == 409  # it is there already
    assert site.sent(path, act="add", field="campaign").status == 422  # nobody fills it in
    assert site.sent(path, act="add", field="source", constant="website").status == 303
    assert site.sent(path, act="add", field="website").status == 303
    rows = {str(row["field"]): row for row in work.records("web_forms.form_field").find(where(form=form["id"]))}
    assert (rows["source"]["hidden"], rows["source"]["value"]) == (True, "website")
    assert site.sent(path, act="save", **{f"{rows['website']['id']}.label_zh": "网址"}).status == 303
    site.sent(path, act=f"up:{rows['website']['id']}")
    site.sent(path, act=f"drop:{rows['phone']['id']}")
    chinese = site.get(path, {"lang": "zh_CN"})
    shown = chinese.texts("//div[@class='webform']//div[@class='field']/label")
    assert "网址" in shown
    assert not [label for label in shown if "电话" in label]
    assert "web_forms/forms/" in chinese.all("//input[@id='f-address']")[0].get("value")


def test_what_could_not_be_taken_is_listed_with_its_reason_and_tried_again(site: Site, work: Work, people: People) -> None:
    site.sent("/web_forms", name="Contact")
    (form,) = work.records(FORMS).find(())
    said = '{"values": {"name": "Ann <b>Lee</b>"}, "consents": false, "tags": {}, "came_from": "", "language": "en"}'
    values = {"form": id_of(form), "state": "failed", "said": said, "reason": "the owner is away", "owner": people.reps[0][0]}
    sent = id_of(work.records("web_forms.submission").create(values, act="capture"))
    page = site.get("/web_forms")
    assert "Ann <b>Lee</b>" in page.text
    assert "the owner is away" in page.text
    assert "Failed: 1" in page.text
    assert "Try again" in site.get(f"/web_forms/submissions/{sent}").text
    again = site.post("/web_forms", {**page.form(), "retry": str(sent)})
    assert again.status == 303, again.text  # still without a mail address: it has failed with another reason
    assert "email" in site.get("/web_forms").text
    work.records("web_forms.submission").update(sent, {"said": said.replace('{"name"', '{"email": "a@b.example", "name"')}, act="capture")
    (lead,) = work.records("leads.lead").find(()) or [None]
    assert lead is None
    taken = site.post("/web_forms", {**page.form(), "retry": str(sent)})
    assert taken.answer.headers["Location"].startswith("/console/leads/leads/")
    assert "Every submission has become a lead." in site.get("/web_forms").text


def test_who_may_only_look_at_what_came_in_makes_no_lead_of_it(client: Api, site: Site, work: Work, people: People) -> None:
    site.sent("/web_forms", name="Contact")
    (form,) = work.records(FORMS).find(())
    said = '{"values": {"name": "Ann", "email": "a@b.example"}, "consents": false, "tags": {}, "came_from": "", "language": "en"}'
    values = {"form": id_of(form), "state": "failed", "said": said, "reason": "the owner is away", "owner": people.rep}
    sent = id_of(work.records("web_forms.submission").create(values, act="capture"))
    for permission in (f"{FORMS}.read", "web_forms.submission.read"):
        work.records("core.grant").create({"role": "sales_rep", "permission": permission, "scope": "all"})
    rep = Site(client.as_user(people.rep))
    assert rep.get("/web_forms").status == 200
    assert rep.post("/web_forms", {"retry": str(sent)}).status == 403
    role = work.records("core.role").create({"key": "clerk", "name": "Clerk"})
    for permission, fields in ((f"{FORMS}.read", None), ("web_forms.submission.read", ["created_at", "form", "said", "state"])):
        work.records("core.grant").create({"role": role["id"], "permission": permission, "scope": "all", "only_fields": fields})
    clerk = work.records("core.user").create({"name": "Clerk", "email": "clerk@acme.example", "roles": ["clerk"]})
    narrow = Site(client.as_user(id_of(clerk))).get("/web_forms")
    assert (narrow.status, "Contact" in narrow.text, "the owner is away" in narrow.text) == (200, True, False), "its reason is hidden"
    (seen,) = work.records("core.grant").find(where(role=role["id"], permission="web_forms.submission.read"))
    for fields in (["form", "said", "state"], ["created_at", "form", "said"], ["created_at", "state", "said"], ["state"]):
        work.records("core.grant").update(id_of(seen), {"only_fields": fields})
        less = Site(client.as_user(id_of(clerk))).get("/web_forms")
        assert (less.status, "Contact" in less.text, "become a lead" in less.text) == (200, True, False), fields
        assert len(less.all("//ul[contains(@class, 'sent')]/li")) == ("state" in fields), "nothing is said of what one cannot tell"
        assert ("Failed: 1" in less.text) == ({"form", "state"} <= {*fields})
    assert work.records("leads.lead").find(()) == []
