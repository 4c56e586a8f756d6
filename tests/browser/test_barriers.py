"""No barriers (WCAG 2.2 A and AA, by axe-core), in light and dark."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import Company, Windows, opened

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_RUN = "(only) => axe.run(document, {runOnly: only, resultTypes: ['violations']})"
ALL, COLOURS = {"type": "tag", "values": TAGS}, {"type": "rule", "values": ["color-contrast"]}


def _barriers(page: Any, axe: str, only: Any = ALL) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate(_RUN, only)["violations"]
    return [f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_a_day_have_no_barriers(windows: Windows, company: Company, axe: str, scheme: str) -> None:
    work, only = company.work, ALL if scheme == "light" else COLOURS  # in the dark nothing else is another
    id = work.records("customers.account").create({"name": "Huawei", "tier": "key"})["id"]
    with opened(windows, "desk", company) as window:
        window.page.emulate_media(color_scheme=scheme)
        page = window.open("/sign-in")
        found = {"/sign-in": _barriers(page, axe, only)}
        window.sign_in()
        for path in (
            "/",
            "/customers/accounts",
            f"/customers/accounts/{id}",
            "/customers/accounts/new",
            "/find?q=hua",
            "/teamwork/news",
            "/all",
            "/kit",
            "/admin/fields/customers.account",
        ):
            found[path] = _barriers(window.open(path), axe, only)
        page.keyboard.press("Control+k")
        page.locator("#palette").get_by_role("option").first.wait_for()
        found["palette"] = _barriers(page, axe, only)
        page.keyboard.type("zzzz")
        page.locator("#palette").get_by_text("No results.").wait_for()
        found["palette without a result"] = _barriers(page, axe, only)
        window.open("/customers/contacts/new").get_by_role("combobox", name="Account").fill("zzzz")
        page.get_by_role("option", name="No results.").wait_for()
        found["picker without a result"] = _barriers(page, axe, only)
        window.open("/customers/accounts").get_by_role("link", name="Filter", exact=True).click()
        page.locator("#slip[open] select").first.wait_for()
        found["filter"] = _barriers(page, axe, only)
        page.keyboard.press("Escape")
        page.locator("td.pick input").first.check()
        page.get_by_role("button", name="Change a field").click()
        page.get_by_role("heading", level=1).wait_for()
        found["bulk"] = _barriers(page, axe, only)
    assert not any(found.values()), {path: some for path, some in found.items() if some}


def test_what_is_arranged_built_and_filled_in_has_no_barriers_on_the_phone(windows: Windows, company: Company, axe: str) -> None:
    work = company.work
    form = work.records("web_forms.form").create({"key": "contact", "name": "Contact"})["id"]
    work.records("web_forms.form_field").create({"form": form, "field": "name", "required": True})
    quote = work.records("orders.quote").create(
        {"name": "Offer", "account": work.records("customers.account").create({"name": "Huawei"})["id"]}
    )
    work.records("pipeline.deal").create({"name": "Network", "close_date": work.now().date()})
    with opened(windows, "phone", company) as window:
        window.page.emulate_media(color_scheme="dark")
        window.arrive()
        page, found = window.page, {}
        for path in (
            "/import_export/imports/new?entity=customers.account",
            "/automation/rules/new?recipe=contract-ends",
            "/automation/inlets/board",
            "/pipeline/arrange",
            f"/orders/quotes/{quote['id']}/lines",
            "/reports/dashboard",
            "/reports/query?entity=pipeline.deal&measure=count&by=stage",
            "/pipeline/deals/board",
            "/pipeline/deals/calendar",
            "/admin/roles/sales_rep",
            "/forecast/series/new?entity=pipeline.deal&conditions=status=won",
            f"/web_forms/forms/{form}/build",
        ):
            found[path] = _barriers(window.open(path), axe)
        page.goto(company.address + urlsplit(page.locator("#f-address").input_value()).path)
        found["a form of the website"] = _barriers(page, axe)
        window.open("/")
        page.get_by_role("banner").locator("details.drop summary").last.click()
        page.get_by_role("button", name="中文").click()
        page.locator("html[lang|=zh]").wait_for()
        found["in Chinese"] = _barriers(window.open("/pipeline/deals/board"), axe)
    assert not any(found.values()), {path: some for path, some in found.items() if some}
