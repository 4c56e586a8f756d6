"""Webhooks as pages: made, their secret shown once, tested, their log, and a message sent again."""

from __future__ import annotations

import base64
import hashlib
import hmac

import sqlalchemy as sa

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, People
from core.worker.drain import Drain
from tests.automation.test_webhooks import Receiver, receiver  # noqa: F401 (a fixture)
from tests.console.site import Look, Site

HOOKS = "/automation/webhooks"


def whole(look: Look) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in look.all("//form[@id='builder']")[0].form_values():
        found.setdefault(name, []).append(value)
    return found


def test_a_webhook_is_made_tested_and_its_log_says_what_came_back_and_sends_again(
    site: Site, work: Work, platform: Platform, receiver: Receiver  # noqa: F811
) -> None:  # fmt: skip
    new = f"{HOOKS}/new"
    form = site.post(new, {**whole(site.get(new)), "name": "ERP", "url": "ftp://x", "entity": "customers.account"})
    form = site.post(new, {**whole(form), "do": "more:t.where:clauses", "t.events": ["customers.account.created"]})
    form = site.post(new, {**whole(form), "t.where.0.field": "name"})
    refused = site.post(new, {**whole(form), "do": "save", "t.where.0.value": "Ltd"})
    assert refused.status == 422
    assert refused.all("//*[@name='url'][@aria-invalid='true']")
    made = site.post(new, {**whole(refused), "do": "save", "url": receiver.url})
    assert made.status == 303, made.text
    here = made.answer.headers["Location"].removeprefix("/console")
    (row,) = site.get(HOOKS).rows()
    assert row[2] == "Account: created (Name contains Ltd)"
    shown = site.post(here, {"do": "secret"})
    (secret,) = shown.texts("//code[@class='secret']")
    assert secret.startswith("whsec_")
    assert secret not in site.get(here).text
    receiver.answers = [500]
    assert site.post(here, {"do": "test"}).status == 303
    work.records("customers.account").create({"name": "Alder Ltd"})
    work.records("customers.account").create({"name": "Birch"})
    Drain(platform).run_until_empty()
    headers, body = receiver.got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(wanted).decode()}"
    log = site.get(here)
    assert [(one[1], one[2], one[3].split()[0]) for one in log.rows()] == [("created", "Alder Ltd", "Delivered"), ("Test", "", "Waiting")]
    assert log.rows()[1][4].startswith("500")
    (again,) = log.all("//input[@name='delivery']/@value")
    assert site.post(here, {"do": "again", "delivery": again}).status == 303
    Drain(platform).run_until_empty()
    assert len(receiver.got) == 3
    assert site.get(here, {"state": "failed"}).rows() == []
    asked = list[str]()
    sa.event.listen(platform.database.engine, "before_cursor_execute", lambda _c, _cur, statement, *_rest: asked.append(statement))
    site.get(here)
    few = len(asked)
    for number in range(5):
        work.records("customers.account").create({"name": f"Cedar {number} Ltd"})
    Drain(platform).run_until_empty()
    asked.clear()
    assert len(site.get(here).rows()) == 7
    assert len(asked) == few, "a longer log asks no more questions"
    version = site.get(here).all("//input[@name='version']/@value")[0]
    assert site.post(here, {"do": "off", "version": version}).status == 303
    late = site.post(here, {"do": "test"})
    assert late.status == 409
    assert "turned off" in late.text


def test_who_may_not_change_webhooks_gets_no_secret_of_them(client: Api, site: Site, people: People) -> None:
    made = client.post("/api/v1/automation/webhooks", {"name": "ERP", "url": "https://company.example/x", "entity": "customers.account"})
    rep = Site(client.as_user(people.rep))
    assert rep.get(HOOKS).status == 403
    assert rep.post(f"{HOOKS}/{made.json['id']}", {"do": "secret"}).status == 403
    reader = Site(client.as_user(people.manager, allows=["automation.webhook.read"]))
    assert reader.post(f"{HOOKS}/{made.json['id']}", {"do": "secret"}).status in (403, 404)
    (role,) = client.get("/api/v1/core/roles", {"key": "sales_rep"}).json["data"]
    given = {"role": role["id"], "permission": "automation.webhook.read", "scope": "all", "only_fields": ["name"]}
    assert client.post("/api/v1/core/grants", given).status_code == 201
    for path in (HOOKS, f"{HOOKS}/{made.json['id']}"):
        page = rep.get(path)
        assert (page.status, "ERP" in page.text, "company.example" in page.text) == (200, True, False)
    few = ",".join(("id", "event", "state", "created_at"))
    for seen, told in ((few, "•••"), (f"{few},webhook", "0")):  # what is not seen is not told as none
        reader = Site(client.as_user("admin@acme.example", allows=["automation.webhook.read:*", f"automation.delivery.read:{seen}"]))
        assert reader.get(f"{HOOKS}/{made.json['id']}").status == 200, seen
        assert reader.get(HOOKS).rows()[0][3:5] == [told, told]
    inlet = client.post(
        "/api/v1/automation/inlets", {"name": "Form", "entity": "customers.account", "mapping": {"name": "{{ name }}"}}
    ).json["id"]
    assert "New secret URL" in site.get(f"/automation/inlets/{inlet}").text
    (address,) = site.post(f"/automation/inlets/{inlet}/address", {}).texts("//code[@class='secret']")
    sent = client.anonymous().post(f"/api/v1/{address.partition('/api/v1/')[2]}", {"name": "Cedar"})
    assert sent.status_code == 200, sent.text
    assert rep.post(f"/automation/inlets/{inlet}/address", {}).status == 403
