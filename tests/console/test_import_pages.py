"""The pages of an import, from the list of an entity to the way back."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from core.context import Work
from core.platform import Platform
from core.worker.drain import Drain
from tests.console.site import ROOT, Look, Site
from tests.plugins.imports import written

AT = "/import_export/imports"
ACCOUNT = "customers.account"


@pytest.fixture
def drain(platform: Platform) -> Callable[[], int]:
    """Delivers everything that waits."""
    return Drain(platform).run_until_empty


def sent(site: Site, content: str | bytes, name: str = "rows.csv", entity: str = ACCOUNT, **said: str) -> Look:
    """The first step: the form with its file."""
    data = content.encode() if isinstance(content, str) else content
    form = {**site.get(f"{AT}/new", {"entity": entity}).form(), **said, "file": (io.BytesIO(data), name)}
    return Look(site.api.call("POST", f"{ROOT}{AT}/new", data=form, content_type="multipart/form-data"))


def way(look: Look) -> str:
    """Where a form that was taken leads."""
    assert look.status == 303, look.text
    return str(look.answer.headers["Location"]).removeprefix(ROOT)


def chosen(look: Look, **typed: Any) -> dict[str, Any]:
    """The form of the page with something else chosen."""
    return {**look.form(), **typed}


def tally(look: Look) -> dict[str, str]:
    """The counts above the rows."""
    names = look.texts("//dl[contains(@class, 'tally')]//dt")
    return dict(zip(names, look.texts("//dl[contains(@class, 'tally')]//dd"), strict=True))


@pytest.mark.feature("C5")
def test_three_bad_cells_of_a_thousand_are_mended_in_the_page_and_all_come_in_without_the_file_being_sent_again(
    site: Site, drain: Callable[[], int], work: Work
) -> None:
    bad = {17: "nineteen", 500: "-", 1000: "19x0"}
    lines = [[f"Account {n}", bad.get(n, "1990"), "Ulm"] for n in range(1, 1001)]
    assert site.get("/customers/accounts").links()["Import"] == f"{ROOT}{AT}/new?entity={ACCOUNT}"
    columns_at = way(sent(site, written([["Name", "Founded in", "Town"], *lines])))
    columns = site.get(columns_at)
    assert [one.xpath("string(.//option[@selected])") for one in columns.all("//select[@data-search]")] == ["Name *", "Founded in", "City"]
    dry_at = way(site.post(columns_at, columns.form()))
    assert "All rows are being checked" in site.get(dry_at).text
    drain()
    dry = site.get(dry_at)
    assert tally(dry) == {"will be created": "997", "cannot be taken": "3"}
    wrong = dry.all("//input[@aria-invalid='true']")
    assert [(one.get("name"), one.get("value")) for one in wrong] == [(f"cell.{n}.1", cell) for n, cell in bad.items()]
    assert all(dry.all(f"//*[@id='{one.get('aria-describedby')}']")[0].text_content().strip() for one in wrong)
    assert work.records(ACCOUNT).find(()) == []

    # One by one as a script does it, each answered with its row; the last with the form, which checks again.
    first = site.post(f"{dry_at}?show=failed", {**chosen(dry, act="mend"), "cell.17.1": "1919"})
    assert way(first) == f"{dry_at}?show=failed"
    row = site.get(dry_at, {"show": "failed"})
    assert row.texts("//tr[@id='r-17']//span[contains(@class, 'chip')]") == ["mended, not checked yet"]
    assert "Something was mended since" in row.text
    again_at = way(site.post(dry_at, {**chosen(row, act="check"), "cell.500.1": "1950", "cell.1000.1": "1990"}))
    drain()
    again = site.get(again_at)
    assert tally(again) == {"will be created": "1,000", "cannot be taken": "0"}
    real_at = way(site.post(again_at, chosen(again, act="run")))
    assert "You may leave this page" in site.get(real_at).text
    drain()
    assert tally(site.get(real_at)) == {"Created": "1,000", "Failed": "0"}
    assert len(work.records(ACCOUNT).find((), 2000)) == 1000
    assert len(work.records("import_export.file").find(())) == 1
