"""No barriers (WCAG 2.2 A and AA, by axe-core), in light and dark."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import SIZES, Company, Window

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_RUN = "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"


def _barriers(page: Any, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate(_RUN, TAGS)["violations"]
    return [f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_a_day_have_no_barriers(chromium: Any, company: Company, axe: str, scheme: str) -> None:
    work = company.work
    id = work.records("customers.account").create({"name": "Huawei", "tier": "key"})["id"]
    context = chromium.new_context(viewport=SIZES["desk"], color_scheme=scheme)
    try:
        window = Window(context.new_page(), company)
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
    finally:
        context.close()
    assert not any(found.values()), {path: some for path, some in found.items() if some}
