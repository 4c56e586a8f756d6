"""What a plugin of another package puts into the pages: each kind of part, one that fails, and all of them gone where it is off."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from core.context import Work
from core.extension.discover import GROUP
from core.testkit.fixtures import Api, People
from plugins.console import frame
from sdk import Panel, Slot
from sdk.context import id_of
from tests.badges import plugin as badges
from tests.console.site import Site
from tests.probe.fixtures import OURS

BADGES = EntryPoint("badges", "tests.badges.plugin", GROUP)
ACCOUNTS = "/customers/accounts"


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """Ours, and the stranger's."""
    return (*OURS, BADGES)


@pytest.fixture
def account(work: Work, people: People) -> UUID:
    id = id_of(work.records("customers.account").create({"name": "Huawei", "owner": people.rep}))
    work.records("customers.contact").create({"name": "Ren", "account": id, "owner": people.rep})
    return id


def places(site: Site, work: Work, account: UUID) -> dict[str, bool]:
    """Where something of the plugin is seen."""
    page, at = site.get(f"{ACCOUNTS}/{account}"), f"{ACCOUNTS}/{account}"
    view = site.get(ACCOUNTS, {"_view": work.records("console.view").find(())[0]["id"]})
    assert (page.status, view.rows()[0][0]) == (200, "Huawei"), "also where the view is sorted by what is gone"
    return {
        "page": site.get("/badges/wall").status == 200,
        "menu": "/console/badges/wall" in page.all("//nav[@id='side']//a/@href"),
        "palette": "badges.give" in [one.full_key for one in frame.entries(work) if one.palette],
        "tab": f"/console{at}?tab=badges.tab" in page.all("//nav[@class='tabs']/a/@href"),
        "tab's own address": site.get(f"{at}?tab=badges.tab").status == 200,
        "panel": bool(page.all("//*[contains(@class, 'badges-panel')]")),
        "write": bool(page.all("//aside//*[contains(@class, 'badges-write')]")),
        "button": bool(page.all("//*[contains(@class, 'badges-button')]")),
        "list": bool(
            site.get(ACCOUNTS, {"q": "Huawei"}).all(
                "//a[contains(@class, 'badges-list')][contains(@href, 'customers.account')][contains(@href, 'q%3DHuawei')]"
            )
        ),
        "broken": "has failed: Broken" in page.text,
        "head": bool(page.all("//main//*[contains(@class, 'badges-head')]")),
        "top": bool(page.all("//header//*[contains(@class, 'badges-top')]")),
        "home": bool(site.get("/").all("//main//*[contains(@class, 'badges-home')]")),
        "tile": "badges.tile" in [one.full_key for one in work.declared(Panel) if one.slot is Slot.TILE],
        "column": "People known" in site.get(ACCOUNTS, {"_columns": "name,badges.known"}).texts("//th"),
        "field": "People known" in page.text,
        "saved view": "People known" in view.texts("//th"),
        "report": "People known" in site.get("/reports/query", {"entity": "customers.account"}).text,
        "filter": "People known" in site.get(f"{ACCOUNTS}/filter").text,
        "rule": "People known" in site.get("/automation/rules/new", {"entity": "customers.account"}).text,
        "roles": "Badges" in site.get("/admin/roles/sales_rep", {"plugin": "customers"}).text,
    }


@pytest.mark.feature("P13")
def test_a_stranger_adds_every_kind_of_part_and_is_gone_without_a_trace_once_switched_off(site: Site, work: Work, account: UUID) -> None:
    known = {"columns": "name,badges.known", "ordered_by": "-badges.known", "shown_to": "everybody"}
    work.records("console.view").create({"name": "Known", "entity": "customers.account", **known})
    before = places(site, work, account)
    assert all(before.values()), before
    site.api.patch("/api/v1/core/plugins/badges", {"enabled": False})
    fresh = work.platform.system(work.tenant.id)
    after = places(site, fresh, account)
    assert not any(after.values()), after
    assert "adge" not in site.get(f"{ACCOUNTS}/{account}").text


def test_parts_are_drawn_with_the_record_and_a_broken_one_is_a_small_box_that_the_administrator_hears_of(
    client: Api, people: People, account: UUID
) -> None:
    site, at = Site(client.as_user(people.rep)), f"{ACCOUNTS}/{account}"
    page = site.get(at)
    assert page.texts("//*[contains(@class, 'badges-panel')]") == ["Badge Account"]  # the one for few is not for a representative
    assert page.texts("//aside//*[@role='note']") == ["This part has failed: Broken. Administrators can find details under Health."]
    assert page.all("//a[contains(@class, 'badges-button')]/@href") == ["/console/badges/wall?name=Huawei"]
    assert site.get(f"{at}?tab=badges.tab").texts("//*[@id='badges-tab']") == ["Badges: customers.account Huawei"]
    assert [row[:2] for row in site.get(ACCOUNTS, {"_columns": "name,badges.known"}).rows()] == [["Huawei", "1"]]
    assert site.sent("/badges/wall", name="Ren").answer.headers["Location"] == "/console/badges/wall?name=Ren"
    assert client.get("/health/ready").json["failing"].keys() == {"badges"}
    assert len(Site(client).get(at).all("//*[contains(@class, 'badges-panel')]")) == 2
    assert site.get("/catalog/products").status == 200


@pytest.mark.feature("P13")
def test_each_part_works_where_it_is_drawn_and_where_it_fails_there_is_a_small_box_and_the_page_lives(
    site: Site, work: Work, account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = f"{ACCOUNTS}/{account}"
    labels = {one.key: str(one.label) for one in work.declared(Panel) if one.plugin == "badges"}
    copied = site.post("/reports/dashboard", {"act": "copy", "name": "Mine"}).answer.headers["Location"]
    mine = urlsplit(copied).path.removeprefix("/console")
    assert site.post(mine, {"act": "add", "source": "panel:badges.tile", "shape": "chart"}).status == 303
    for part, page, drawn in (
        ("tab", f"{at}?tab=badges.tab", "//*[@id='badges-tab']"),
        ("panel", at, "//*[contains(@class, 'badges-panel')]"),
        ("write", f"{at}?tab=timeline", "//div[*[contains(@class, 'badges-write')]]/section[@aria-label='Timeline']/preceding-sibling::*"),
        ("button", at, "//a[contains(@class, 'badges-button')]"),
        ("list", ACCOUNTS, "//a[contains(@class, 'badges-list')]"),
        ("tile", mine, "//section[@class='card'][contains(., 'Badges given')]"),
        ("head", at, "//*[contains(@class, 'badges-head')]"),
        ("top", ACCOUNTS, "//header//*[contains(@class, 'badges-top')]"),
        ("home", "/", "//*[contains(@class, 'badges-home')]"),
    ):
        (there, *_more) = site.get(page).all(drawn)
        assert there.get("href") is None or site.get(there.get("href").removeprefix("/console")).heading == "Wall of badges"
        monkeypatch.setattr(badges, "FAILING", {part})
        broken = site.get(page)
        assert (broken.status, broken.all(drawn)) == (200, [])
        assert any(f"has failed: {labels[part]}." in box for box in broken.texts("//*[@role='note']")), part
        assert "Huawei" in broken.text or part in ("tile", "home")
        monkeypatch.undo()
    command = site.get("/palette", {"q": "give some"}).links()["Give somebody a badge"]
    assert (command, site.get(command.removeprefix("/console")).heading) == ("/console/badges/wall?give=1", "Wall of badges")
