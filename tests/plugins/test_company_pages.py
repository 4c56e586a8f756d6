"""Currencies with their rates, the logo and number sequences as pages."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from io import BytesIO

import pytest
from PIL import Image

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api
from plugins.company.numbers import next_numbers
from sdk import Tenant
from sdk.context import id_of
from tests.console.site import Site
from tests.probe.fixtures import OURS


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The plugins of this repository."""
    return OURS


def test_the_money_page_says_what_each_currency_is_worth_since_when_and_who_says_so(
    client: Api, platform: Platform, tenant: Tenant
) -> None:
    work = platform.system(tenant.id)
    for code in ("EUR", "JPY", "USD"):
        if not work.records("company.currency").find(()) or code not in {row["code"] for row in work.records("company.currency").find(())}:
            work.records("company.currency").create({"code": code, "name": code})
    work.records("company.rate").create({"currency": "EUR", "on": "2000-01-01", "rate": "1.1", "source": "ECB"})
    rows = {row[0].partition(" ")[0]: row for row in Site(client).get("/company/money").rows()}
    assert (rows["EUR"][1], rows["EUR"][3]) == ("1.1 USD", "ECB")
    assert "days old" in rows["EUR"][4]
    assert (rows["USD"][1], rows["USD"][4]) == ("1", "company’s own")
    assert "left out of totals" in rows["JPY"][4]


def test_a_logo_is_shown_beside_the_profile_taken_and_taken_away(client: Api, platform: Platform, tenant: Tenant) -> None:
    id = id_of(platform.system(tenant.id).records("company.profile").create({"name": "Acme"}))
    site, picture = Site(client), BytesIO()
    Image.new("RGB", (64, 32), "red").save(picture, "PNG")
    assert "No logo yet" in site.get(f"/company/profiles/{id}").text
    send = {"profile": str(id), "file": (BytesIO(picture.getvalue()), "logo.png")}
    assert client.call("POST", "/console/company/logo", data=send, content_type="multipart/form-data").status_code == 303
    shown = site.get(f"/company/profiles/{id}").all("//p[@class='logo-sheet']/img/@src")[0]
    assert client.get(shown).mimetype == "image/png"
    wrong = {"profile": str(id), "file": (BytesIO(b"no picture"), "logo.png")}
    assert client.call("POST", "/console/company/logo", data=wrong, content_type="multipart/form-data").status_code == 422
    assert client.call("POST", "/console/company/logo", data={"profile": str(id)}, content_type="multipart/form-data").status_code == 422
    assert site.post("/company/logo", {"profile": str(id), "do": "remove"}).status == 303
    assert "No logo yet" in site.get("/company/logo").text


def test_a_sequence_shows_the_numbers_that_are_then_given_out(client: Api, platform: Platform, tenant: Tenant) -> None:
    work: Work = platform.system(tenant.id)
    day = work.now().date()
    wish = {"key": "probe.paper", "name": "Paper", "pattern": "P-{year}{month}-{number:03}", "reset": "month"}
    id = id_of(work.records("company.sequence").create(wish))
    site = Site(client)

    def shown() -> list[str]:
        return site.get(f"/company/sequences/{id}").texts("//section[@aria-labelledby='h-numbers']//code")

    for on in (day, day.replace(year=day.year - 1), day.replace(year=day.year + 1), day):
        before = shown()
        with work.transaction(write=True):
            given = next_numbers(work, "probe.paper", on)
        assert on != day or given == before[:1]
    assert len(shown()) == 3
