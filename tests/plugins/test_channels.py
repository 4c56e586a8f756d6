"""One field, changed by a person on a page, by an import and by a rule: each is told in the audit as what it was."""

from __future__ import annotations

import pytest

from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api
from core.worker.drain import Drain
from tests.plugins.imports import import_file

ACCOUNTS, PASSWORD = "/api/v1/customers/accounts", "correct horse battery"


@pytest.mark.feature("B10")
def test_a_page_an_import_and_a_rule_leave_three_entries_with_their_channels_and_values(client: Api, platform: Platform) -> None:
    work = platform.system(client.tenant.id)
    lifecycle.add_person(work, "Ann", "ann@acme.example", ["admin"], PASSWORD)
    made = client.post(ACCOUNTS, {"name": "Quartz", "website": "https://one.example", "phone": "+86 10 1111 1111"}).json
    browser = Api(platform, client.flask.application.test_client(), "", client.tenant)
    csrf = browser.post("/api/v1/session", {"email": "ann@acme.example", "password": PASSWORD}).json["csrf_token"]
    by_page = {"website": "https://page.example", "phone": "+86 10 2222 2222"}
    assert browser.patch(f"{ACCOUNTS}/{made['id']}", by_page, headers={"X-CSRF-Token": csrf}).status_code == 200
    rows = "name,website,phone\nQuartz,https://import.example,+86 10 3333 3333\n"
    assert import_file(platform.system(client.tenant.id), "customers.account", rows, mode="upsert", match=("name",)).counts == {
        "updated": 1
    }
    values = {"website": "https://rule.example", "phone": "+86 10 4444 4444"}
    rule = {"name": "R", "entity": "customers.account", "trigger": "automation.updated", "parameters": {"fields": ["city"]},
            "actions": [{"action": "automation.update_record", "parameters": {"values": values}}]}  # fmt: skip
    assert client.post("/api/v1/automation/rules", rule).status_code == 201
    client.patch(f"{ACCOUNTS}/{made['id']}", {"city": "Wuhan"})
    Drain(platform).run_until_empty()
    told = client.get("/api/v1/core/audit", {"record": f"customers.account:{made['id']}", "sort": "at"}).json["data"]
    pages = [f"https://{word}.example" for word in ("one", "page", "import", "rule")]
    assert [(one["channel"], one["actor"], one["changes"]["website"]) for one in told if "website" in one["changes"]][1:] == [
        ("page", "Ann", pages[0:2]), ("import", "system", pages[1:3]), ("rule", "Admin", pages[2:4]),
    ]  # fmt: skip
    assert [one["changes"]["phone"] for one in told if "phone" in one["changes"]] == [[None, "•••"], *[["•••", "•••"]] * 3]
    assert not [one for one in told if any(digits in str(one["changes"]) for digits in ("1111", "2222", "3333", "4444"))]
