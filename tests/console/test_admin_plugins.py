"""Plugins on the pages of the administrator: what they add and ask for, switching them, their settings."""

from __future__ import annotations

import re

import pytest

from core.context import Work
from core.extension.discover import Found, State
from core.testkit.fixtures import Api, People
from sdk import where
from sdk.context import id_of
from tests.console.site import Site

PLUGINS = "/admin/plugins"
API = "/api/v1/core/plugins"


def test_the_administration_shows_what_its_reader_may_set_up_and_is_searched(client: Api, people: People) -> None:
    page = Site(client).get("/admin")
    assert page.links()["Administration"] == "/console/admin"
    assert any(name.startswith("Plugins") for name in page.links())
    found = Site(client).get("/admin", {"q": "down to individual fields"})
    assert found.texts("//*[@id='places']//strong") == ["Roles and permissions"]
    rep = Site(client.as_user(people.rep))
    assert not [name for name in rep.get("/admin").links() if name.startswith("Plugins")]
    assert "Administration" not in rep.get("/").links()
    assert rep.get(PLUGINS).status == 403


@pytest.mark.feature("A14")
def test_a_plugin_is_switched_off_after_its_impact_was_shown_and_on_again_after_its_wishes_were(site: Site, work: Work) -> None:
    work.records("teamwork.task").create({"subject": "Call"})
    off = site.get(f"{PLUGINS}/teamwork/off")
    assert "Tasks 1" in off.texts("//main//li")
    gone = site.post(f"{PLUGINS}/teamwork", off.form())
    assert gone.status == 303
    assert site.get("/teamwork/tasks").status == 404
    page = site.get(f"{PLUGINS}/teamwork")
    asked = page.texts("//ul[contains(@class, 'wishes')]/li")
    assert "Send email" in asked or any(one.startswith("Read ") for one in asked)
    assert "Background jobs: Send reminders" in asked, "not by their keys"
    assert site.post(f"{PLUGINS}/teamwork", {**page.form(), "approves": [*page.all("//input[@name='approves']/@value")]}).status == 303
    assert "Call" in site.get("/teamwork/tasks?_view=all").text


def test_what_would_be_out_of_sight_is_said_in_words_and_no_key(site: Site, work: Work) -> None:
    account = work.records("customers.account").create({"name": "Huawei"})
    work.records("teamwork.task").create({"subject": "Call", "about": {"entity": "customers.account", "id": account["id"]}})
    assert "Linked from: Tasks: About 1" in site.get(f"{PLUGINS}/customers/off").texts("//main//li")
    assert not [one for one in site.get(f"{PLUGINS}/orders/off").texts("//main//li") if "_" in one]
    (row,) = [one for one in site.get(PLUGINS).texts("//main//tr") if one.startswith("From Odoo ")]
    assert " Import and export " in row


def test_what_others_require_is_not_switched_off_and_the_page_says_by_whom(site: Site) -> None:
    off = site.get(f"{PLUGINS}/customers/off")
    assert off.all("//button[@disabled]")
    assert "Your data is kept." in off.text
    (row,) = [one for one in site.get(PLUGINS).texts("//main//tr") if one.startswith("Customers ")]
    assert "Required by: Leads, Orders, Sales process " in row
    refused = site.post(f"{PLUGINS}/customers", off.form())
    assert refused.status == 409
    assert "pipeline" in " ".join(refused.texts("//*[@role='alert']"))
    assert site.get("/customers/accounts").status == 200


def test_partners_links_and_groups_are_told_by_name_in_the_readers_language(site: Site, work: Work) -> None:
    account = work.records("customers.account").create({"name": "Huawei"})
    work.records("teamwork.task").create({"subject": "Call", "about": f"customers.account:{account['id']}"})
    told = " ".join(" ".join(row) for row in site.get(PLUGINS).rows())
    asked = {partner for said in re.findall(r"Requires: (.*?)(?= Required by:|  | 0\.)", told) for partner in said.split(", ")}
    assert {"Import and export", "Sales process"} <= asked
    assert not {"import_export", "pipeline"} & asked
    assert "Linked from: Tasks: About 1" in site.get(f"{PLUGINS}/customers/off").texts("//main//li")
    assert {"Platform", "Import and export"} <= set(site.get("/all").texts("//h2"))
    assert "core" not in site.get("/import_export/imports/new").texts("//h2")
    assert not {"core", "import_export"} & set(site.get("/me/tokens").texts("//summary"))


def test_a_plugin_that_does_not_serve_is_switched_off_as_any_other(site: Site, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = work.platform
    for name, state in (("gone", State.VANISHED), ("never", State.FAILED)):
        monkeypatch.setitem(platform.calls.states, name, Found(name, "", state, "install it again"))
    with platform.database.begin(write=True, tenant=work.tenant.id) as connection:
        platform.gate.write(connection, work.tenant.id, ("gone",), True)
    assert [one.get("href") for one in site.get(PLUGINS).all("//a[@aria-label='Turn off gone']")] == ["/console/admin/plugins/gone/off"]
    assert site.get(f"{PLUGINS}/gone").all("//a[contains(@href, '/gone/off')]")
    assert not site.get(f"{PLUGINS}/never").all("//a[contains(@href, '/never/off')]")
    off = site.get(f"{PLUGINS}/gone/off")
    done = site.post(f"{PLUGINS}/gone", off.form())
    assert done.status == 303
    assert "The plugin is off. Its data is kept." in site.get(done.answer.headers["Location"].removeprefix("/console")).text, (
        "also of one that nobody has on any more, and that is not listed"
    )
    assert "gone" not in " ".join(site.get(PLUGINS).texts("//main//tr"))


def test_a_page_of_a_package_that_was_removed_under_the_server_says_so(site: Site, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = work.platform
    away = {**platform.folders, "teamwork": platform.folders["teamwork"] / "gone"}
    monkeypatch.setattr(platform.templates, "_folders", away)
    monkeypatch.setattr(platform.templates, "_environments", {})
    monkeypatch.setattr(platform, "folders", away)
    said = site.get("/teamwork/calendar")
    assert said.status == 503
    assert "teamwork" in said.text
    assert site.get("/customers/accounts").status == 200


@pytest.mark.feature("P32")
def test_the_form_of_settings_is_made_from_the_schema_and_a_secret_is_typed_and_never_shown(site: Site) -> None:
    page = site.sent(f"{PLUGINS}/openid", **{"s-issuer": "nowhere", "s-client_id": "us"})
    assert page.status == 422
    assert page.all("//*[@aria-invalid='true']/@name") == ["s-issuer"]
    assert page.form()["s-client_id"] == "us", "what was typed stays"
    typed = {
        "s-issuer": "https://login.example.com",
        "s-client_id": "us",
        "s-client_secret": "hunter22hunter22",
        "s-domains": "a.example\nb.example",
    }
    assert site.sent(f"{PLUGINS}/openid", **typed).status == 303
    there = site.api.get(f"{API}/openid/settings").json
    assert there["settings"]["domains"] == ["a.example", "b.example"]
    after = site.get(f"{PLUGINS}/openid")
    assert "hunter22" not in after.answer.text
    assert "A value is set and hidden" in after.text
    assert site.sent(f"{PLUGINS}/openid", **{"s-label": "Our login"}).status == 303
    assert next(one for one in site.api.get(f"{API}/openid/settings").json["form"] if one["secret"])["set"], "empty keeps it"


def test_what_a_plugin_adds_and_what_the_company_would_miss_is_told_to_administrators_alone(
    client: Api, people: People, work: Work
) -> None:
    work.records("customers.account").create({"name": "Huawei"})
    about = client.get(f"{API}/customers").json
    assert "customers.account" in about["adds"]["entities"]
    assert "pipeline" in about["required_by"]
    impact = client.get(f"{API}/customers/impact").json
    assert impact["rows"]["customers_accounts"] == 1
    for path in (f"{API}/customers", f"{API}/customers/impact", "/api/v1/core/health", "/api/v1/core/rights"):
        assert client.as_user(people.rep).get(path).status_code == 403, path
    assert client.get(f"{API}/nothing").status_code == 404
    assert client.get("/api/v1/core/health").json["background"]


@pytest.mark.feature("P8")
def test_views_rules_reports_tiles_and_own_fields_that_name_a_plugin_are_told_before_it_goes(site: Site, work: Work) -> None:
    """Those who do not name it, or name it in a word of their own (`orders` in a text), are not."""
    made = {
        "console.view": [{"name": "Big spenders", "entity": "customers.account", "columns": "name,orders.lifetime_value"},
                         {"name": "Plain", "entity": "customers.account", "columns": "name", "words": "orders. Really"}],
        "reports.own_report": [{"name": "Worth", "question": "entity=customers.account&measure=sum%3Aorders.lifetime_value"},
                               {"name": "Bought", "question": "entity=orders.order&measure=count"},
                               {"name": "Classes", "question": "entity=customers.account&measure=count&by=tier"}],
        "reports.dashboard": [{"name": "Money"}],
        "automation.rule": [{"name": "Thanks", "entity": "orders.order", "trigger": "automation.created", "runs_as": "Admin",
                             "actions": [{"action": "automation.update_record", "parameters": {"values": {"notes": "x"}}}]}],
        "forecast.series": [{"name": "Invoiced", "entity": "orders.invoice", "measure": "count", "date_field": "issued_on"}],
        "teamwork.task_template": [{"name": "Delivery", "entity": "orders.order"}],
    }  # fmt: skip
    admin = work.as_user(id_of(work.records("core.user").find(where(name="Admin"))[0]))
    for entity, rows in made.items():
        for row in rows:
            admin.records(entity).create(row)
    board = work.records("reports.dashboard").find(())[0]["id"]
    (bought,) = work.records("reports.own_report").find(where(name="Bought"))
    for source in ("report:orders.overdue", f"own:{bought['id']}"):
        work.records("reports.tile").create({"dashboard": board, "source": source})
    for name, about in (("Told", "orders.order"), ("Alive", "customers.account")):
        work.records("automation.webhook").create({"name": name, "url": "https://example.com/in", "entity": about})
    field = {"entity": "customers.account", "key": "last", "kind": "link", "label": "Last order", "target": "orders.order"}
    assert site.api.post("/api/v1/core/custom_fields", field).status_code == 201

    impact = site.api.get(f"{API}/orders/impact").json
    assert impact["unanswered"] == []
    assert {one["entity"]: one["titles"] for one in impact["uses"]} == {
        "console.view": ["1"], "reports.own_report": ["Bought", "Worth"], "reports.dashboard": ["Money"], "automation.rule": ["Thanks"],
        "forecast.series": ["Invoiced"], "teamwork.task_template": ["Delivery"], "automation.webhook": ["Told"],
    }  # fmt: skip
    own = {"name": "customers.account.custom.last", "way": "link", "label": "Last order", "records": 0}
    assert impact["own"] == [own]
    told = site.get(f"{PLUGINS}/orders/off").texts("//main//li")
    assert "Custom field that uses it: Accounts: Last order" in told
    assert "Views using it: 1" in told

    assert site.post(f"{PLUGINS}/orders", site.get(f"{PLUGINS}/orders/off").form()).status == 303
    views = {row["name"]: row["id"] for row in work.records("console.view").find(())}
    kept = {
        f"/customers/accounts?_view={views['Big spenders']}": "Big spenders",
        "/reports/reports": "Classes",
        "/reports/dashboard": "",
        f"/reports/dashboard/{board}": "This tile belongs to the plugin Orders, which is turned off",
        "/automation/rules": "No rules yet",
        "/automation/webhooks": "Alive",
        "/forecast/outlook": "Forecast",
        "/admin/fields/customers.account": "Latest order",
        "/teamwork/task_templates": "Delivery",
    }
    (own_field,) = work.records("core.custom_field").find(())
    at = f"/admin/fields/customers.account/{own_field['id']}"
    assert site.post(at, {**site.get(at).form(0), "label": "Latest order"}).status == 303, "what it leads to is out of sight, and lasts"
    assert work.records("core.custom_field").values([own_field["id"]])[own_field["id"]]["target"] == "orders.order"  # type: ignore[index, list-item]
    for path, there in kept.items():
        page = site.get(path)
        assert (page.status, there in page.text) == (200, True), path
        assert not re.search(r"orders?\.|Thanks|Invoiced|Told|no longer exists", page.text), path
        assert not page.all("//a[starts-with(@href, '/console/orders') or text()='Bought']"), path
