"""The company's settings, its first steps, and how the installation is, as pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.context import Work
from core.events.tables import outbox
from core.mail import smtp
from core.platform import Platform
from core.tenancy.tables import tenants
from core.testkit.fixtures import Api, People
from sdk import Mail
from tests.console.site import Site


def test_the_company_changes_what_it_says_of_itself_and_what_does_not_fit_is_told_at_the_field(site: Site) -> None:
    page = site.get("/admin/company")
    form = page.form()
    assert site.post("/admin/company", {**form, "timezone": "Asia/Shanghai", "fiscal_year_start": "4"}).status == 303
    there = site.api.get("/api/v1/core/tenant").json
    assert (there["timezone"], there["fiscal_year_start"]) == ("Asia/Shanghai", 4)
    assert site.post("/admin/company", {**form, "audit_days": "9" * 5000}).status == 422
    wrong = site.post("/admin/company", {**form, "audit_days": "3", "week_start": "7"})
    assert (wrong.status, wrong.all("//*[@aria-invalid='true']/@name")) == (422, ["audit_days"])
    assert site.api.get("/api/v1/core/tenant").json["week_start"] == there["week_start"], "nothing of it was taken"


def test_days_of_the_audit_that_somebody_set_in_the_database_are_set_again_by_saving_the_page(site: Site, work: Work) -> None:
    days = tenants.update().where(tenants.c.id == work.tenant.id)
    for given in ("36500", "90"):
        with work.transaction(write=True):
            work.connection.execute(days.values(audit_days=90))
        form = site.get("/admin/company").form()
        assert "save the company settings again" in site.post("/admin/audit", {"head": ""}).text
        assert form["audit_days"] == "36500", "what the company has said itself"
        assert site.post("/admin/company", {**form, "audit_days": given}).status == 303
        assert "save the company settings again" not in site.post("/admin/audit", {"head": ""}).text
        assert site.api.get("/api/v1/core/tenant").json["audit_days"] == int(given)


@pytest.mark.feature("A16")
def test_the_first_steps_are_told_to_administrators_until_they_are_done(client: Api, work: Work) -> None:
    site = Site(client)
    assert site.get("/").links()["Create the lists and sales process"] == "/console/admin/start#lists"
    assert site.post("/admin/start", {"do": "lists"}).status == 303
    assert "Create the lists and sales process" not in site.get("/").links()
    admin = site.get("/admin")
    assert "Add the products you sell" in admin.links()
    assert not site.get("/admin", {"q": "audit"}).all("//section[@aria-labelledby='h-steps']")
    assert site.post("/admin/start", {**admin.form(), "do": "away"}).status == 303
    assert [site.get(at).all("//section[@aria-labelledby='h-steps']") for at in ("/", "/admin")] == [[], []]
    assert client.patch("/api/v1/core/plugins/console/settings", {"first_steps": True}).status_code == 200
    refused = site.post("/admin/start", {"do": "people", "emails": "ann@acme.example nobody", "role": ["sales_rep"]})
    assert refused.status == 422
    assert len(work.records("core.user").find(())) == 1, "all or none are invited"
    invited = site.post("/admin/start", {"do": "people", "emails": "ann@acme.example\nbo@acme.example", "role": ["sales_rep"]})
    assert invited.answer.headers["Location"].endswith("invited=2#people")
    assert "dealwright user invite EMAIL --tenant acme" in site.get("/admin/start?invited=2").texts("//code"), "no mail server is set up"
    assert sorted(str(row["email"]) for row in work.records("core.user").find(()))[1:] == ["ann@acme.example", "bo@acme.example"]
    work.records("company.profile").create({"name": "Acme"})
    work.records("catalog.product").create({"name": "Pump", "sku": "P-1"})
    work.records("customers.account").create({"name": "Huawei"})
    assert "Get started" not in site.get("/").links()


def test_nobody_waits_for_a_mail_server_that_is_tried(site: Site, client: Api, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.config = replace(platform.config, mail_url="smtp://mail.example:25", mail_from="a@b.example")
    writing, meanwhile = list[bool](), list[bool]()
    begin = platform.database.begin

    @contextmanager
    def noted(**how: Any) -> Iterator[Connection]:
        writing.append(how["write"])
        with begin(**how) as connection:
            yield connection
        writing.pop()

    def asked(*_letter: object) -> None:
        meanwhile.append(any(writing))

    monkeypatch.setattr(platform.database, "begin", noted)
    monkeypatch.setattr(smtp, "send", asked)
    monkeypatch.setattr(smtp, "check", asked)
    assert client.post("/api/v1/core/mail/test_letters").json["state"] == "ok"
    assert client.get("/api/v1/core/mail/check").json["state"] == "ok"
    assert "has accepted an email to" in site.post("/admin/health", {"do": "letter"}).text
    assert "The mail server responded" in site.post("/admin/health", {"do": "mail"}).text
    assert meanwhile == [False] * 4
    assert "dealwright user invite" not in site.get("/admin/start").text


@pytest.mark.feature("A16")
def test_what_is_not_well_says_what_to_do_and_failed_work_is_tried_again(
    site: Site, client: Api, work: Work, platform: Platform, people: People
) -> None:
    page = site.get("/admin/health")
    assert "MAIL_URL" in page.text
    work.records("company.currency").create({"code": "EUR", "name": "Euro"})
    mine = outbox.c.name == "core.send_mail"
    for _each in range(2):
        work.mail(Mail("ann@acme.example", "Hello", "Hello"))
    with work.transaction(write=True):
        work.connection.execute(outbox.update().where(mine).values(state="held"))
    page = site.get("/admin/health")
    assert "No mail server is set up; 2 emails wait" in page.text
    assert "Only emails are on hold." in page.text, "one cause is one warning"
    (row,) = page.rows()
    assert row[-1] == "2", "what went wrong alike is told once"
    (both,) = page.all("//input[@name='job']/@value")
    assert site.post("/admin/jobs", {"job": [both], "do": "retry"}).answer.headers["Location"].endswith("?retry=2")
    with work.transaction(write=True):
        work.connection.execute(outbox.delete().where(mine, outbox.c.id == UUID(both.partition(",")[0])))
        work.connection.execute(outbox.update().where(mine).values(state="held"))
    assert site.get("/admin").texts("//*[contains(@class, 'glance')]//strong[@class='bad']") == [], "what waits has not failed"
    with work.transaction(write=True):
        work.connection.execute(outbox.update().where(mine).values(state="dead", attempts=5))
    platform.calls.failures.note_slow("teamwork", "validate_changes", 2, 3.25)
    platform.calls.failures.keep(platform.database, platform.clock())
    assert "validate_changes: up to 3.2 s, 2 times" in site.get("/admin/plugins/teamwork").text
    page = site.get("/admin/health")
    assert "teamwork, validate_changes: up to 3.2 s (2)" in page.text
    assert "No exchange rate for EUR" in page.text
    assert "1 failed" in page.text
    (id,) = page.all("//input[@name='job']/@value")
    first = site.get("/admin")
    assert first.texts("//*[contains(@class, 'glance')]//strong[@class='bad']") == ["1"]
    assert "No exchange rate for EUR" in first.texts("//section[@aria-labelledby='h-ill']")[0]
    assert "Created Euro Currency" in " ".join(first.texts("//section[@aria-labelledby='h-lately']//li/*[position()<3]"))
    assert Site(client.as_user(people.rep)).get("/admin").texts("//section[@aria-labelledby='h-ill' or @aria-labelledby='h-lately']") == []
    jobs = site.get("/admin/jobs")
    assert jobs.all("//input[@name='job']/@value") == [id]
    assert "Send an email" in jobs.texts("//td[@data-label='Work']")
    assert "Send reminders" in jobs.texts("//section[@aria-labelledby='h-schedules']//td[1]")
    catalog = platform.catalog
    handlers = [*catalog.jobs, *catalog.schedules, *(f"{one.plugin}.{one.name}" for many in catalog.subscriptions.values() for one in many)]
    assert [one for one in handlers if not catalog.label_of_work(one)] == [], "work in the background has a name for people"
    assert "Every 5 min" in jobs.text
    assert "The email could not be sent" in site.post("/admin/health", {"do": "letter"}).text
    assert site.post("/admin/health", {"job": [id]}).status == 303
    with work.transaction():
        assert work.connection.execute(sa.select(outbox.c.state).where(mine)).scalar() == "waiting"
    again = site.post("/admin/health", {"job": [id]})
    assert (again.status, bool(again.all("//*[@role='alert']"))) == (409, True)
    assert site.post("/admin/health", {"job": "../users"}).status == 404
    with work.transaction(write=True):
        work.connection.execute(outbox.update().where(mine).values(state="held"))
    assert site.post("/admin/jobs", {"job": [id], "do": "nothing"}).status == 400
    given_up = site.post("/admin/jobs", {"job": [id], "do": "give_up"})
    assert "1 job discarded" in site.get(given_up.answer.headers["Location"].removeprefix("/console")).text
    assert site.post("/admin/jobs", {"job": [id], "do": "give_up"}).status == 409
    assert Site(client.as_user(people.rep)).get("/admin/health").status == 403
    assert Site(client.as_user(people.rep)).get("/admin/jobs").status == 403
