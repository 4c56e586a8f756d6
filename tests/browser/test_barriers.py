"""No barriers (WCAG 2.2 A and AA, by axe-core), in light and dark."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import Company, Windows, opened

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_RUN = "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"


def _barriers(page: Any, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate(_RUN, TAGS)["violations"]
    return [f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_a_day_have_no_barriers(windows: Windows, company: Company, axe: str, scheme: str) -> None:
    work = company.work
    id = work.records("customers.account").create({"name": "Huawei", "tier": "key"})["id"]
    with opened(windows, "desk", company) as window:
        window.page.emulate_media(color_scheme=scheme)
        page = window.open("/sign-in")
        found = {"/sign-in": _barriers(page, axe)}
        window.sign_in()
        for path in (
            "/",
            "/customers/accounts",
            f"/customers/accounts/{id}",
            "/customers/accounts/new",
            "/find?q=hua",
            "/teamwork/news",
            "/all",
        ):
            found[path] = _barriers(window.open(path), axe)
        page.keyboard.press("Control+k")
        page.get_by_role("option").first.wait_for()
        found["palette"] = _barriers(page, axe)
    assert not any(found.values()), {path: some for path, some in found.items() if some}


def test_what_is_arranged_built_and_filled_in_has_no_barriers_on_the_phone(windows: Windows, company: Company, axe: str) -> None:
    work = company.work
    form = work.records("web_forms.form").create({"key": "contact", "name": "Contact"})["id"]
    work.records("web_forms.form_field").create({"form": form, "field": "name", "required": True})
    quote = work.records("orders.quote").create(
        {"name": "Offer", "account": work.records("customers.account").create({"name": "Huawei"})["id"]}
    )
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
            "/admin/roles/sales_rep",
            "/forecast/series/new?entity=pipeline.deal&conditions=status=won",
            f"/web_forms/forms/{form}/build",
        ):
            found[path] = _barriers(window.open(path), axe)
        page.goto(company.address + urlsplit(page.locator("#f-address").input_value()).path)
        found["a form of the website"] = _barriers(page, axe)
    assert not any(found.values()), {path: some for path, some in found.items() if some}
