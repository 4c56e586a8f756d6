"""Dashboards and the forecast as pages: tiles of reports and plugins, arranged by each, shared with some; plugins that come and go."""

from __future__ import annotations

import json
from datetime import date
from urllib.parse import parse_qsl, urlsplit

import pytest

from core.context import Work
from core.tenancy.setup import set_up
from core.testkit.fixtures import Api, People
from plugins.reports import figures
from sdk import Context, Draft, Report
from sdk.context import id_of
from tests.console.site import Look, Site

BOARD = "/reports/dashboard"
OUTLOOK = "/forecast/outlook"


@pytest.fixture
def deals(work: Work, people: People) -> Work:
    """Open and won deals of two people."""
    set_up(work)
    money = {"amount": "100.00", "currency": work.tenant.currency}
    account = id_of(work.records("customers.account").create({"name": "Huawei", "owner": people.rep}))
    today = work.now().date().isoformat()
    work.records("pipeline.deal").write_all([
        Draft("create", {"name": f"D{number}", "account": account, "amount": money, "close_date": today, "owner": people.rep if number else people.manager})
        for number in range(4)
    ])  # fmt: skip
    return work


def titles(page: Look) -> list[str]:
    return [one.get("aria-label") for one in page.all("//section[contains(@class, 'tile')]")]


def made_mine(site: Site) -> str:
    """A copy of what is looked at; its path."""
    answer = site.post(BOARD, {"act": "copy", "name": "Mine"})
    assert answer.status == 303, answer.text
    return urlsplit(answer.answer.headers["Location"]).path.removeprefix("/console")


@pytest.mark.feature("H6")
def test_a_tile_of_a_plugin_is_in_the_catalogue_and_leaves_a_place_where_the_plugin_is_off(site: Site, deals: Work) -> None:
    assert "Pipeline and target" in titles(site.get(BOARD)), "something is there at the first visit"
    mine = made_mine(site)
    offered = site.get(mine, {"edit": "1"}).all("//select[@name='source']//option/@value")
    assert {"panel:forecast.outlook", "report:pipeline.won_by_month"} <= {*offered}
    assert site.post(mine, {"act": "add", "source": "panel:forecast.outlook", "shape": "chart"}).status == 303
    site.api.patch("/api/v1/core/plugins/forecast", {"enabled": False})
    page = site.get(mine)
    assert page.status == 200
    assert "the plugin Forecast, which is turned off" in page.text
    assert {"Forecast", "Open deals by stage"} <= {*titles(page)}
    assert "Forecast" not in page.texts("//nav//a")
    assert site.get(OUTLOOK).status == 404


def test_a_saved_view_is_a_tile_with_its_first_rows_and_gone_with_it(client: Api, people: People, deals: Work) -> None:
    site = Site(client.as_user(people.rep))
    views = site.api.post(
        "/api/v1/console/views", {"entity": "pipeline.deal", "name": "Small", "conditions": "name=D1", "columns": "name,amount"}
    )
    assert views.status_code == 201, views.text
    mine, source = made_mine(site), f"panel:console.view:{views.json['id']}"
    offered = site.get(mine, {"edit": "1"}).all(f"//select[@name='source']//option[@value='{source}']/text()")
    assert offered == ["Deals: Small"]
    assert site.post(mine, {"act": "add", "source": source, "shape": "table"}).status == 303
    page = site.get(mine)
    (tile,) = page.all("//section[contains(@class, 'tile')][.//h2/a[text()='Small']]")
    assert [" ".join(row.text_content().split()) for row in tile.xpath(".//tbody/tr")] == ["D1 $100.00"]
    assert tile.xpath(".//h2/a/@href") == [f"/console/pipeline/deals?_view={views.json['id']}"]
    assert site.post(mine, {"act": "add", "source": "panel:console.view:nothing", "shape": "table"}).status == 303
    assert "This part has failed" not in site.get(mine).text
    site.api.delete(f"/api/v1/console/views/{views.json['id']}")
    after = site.get(mine)
    assert after.status == 200
    assert not after.all("//h2/a[text()='Small']")


def test_everybody_arranges_a_dashboard_of_ones_own(client: Api, people: People, deals: Work) -> None:
    site = Site(client.as_user(people.rep))
    mine = made_mine(site)
    before = titles(site.get(mine))
    first, second, *_rest = site.get(mine, {"edit": "1"}).all("//section/@data-tile")
    site.post(mine, {"act": "move-up", "tile": first})
    site.post(mine, {"act": "width-up", "tile": first})
    assert titles(site.get(mine))[:2] == [before[1], before[0]]
    assert len(site.get(mine, {"edit": "1"}).all(f"//section[@data-tile='{first}' and contains(@class, 'w3')]")) == 1
    site.post(mine, {"act": "order", "order": f"{first},{second}"})
    assert titles(site.get(mine)) == before
    site.post(mine, {"act": "remove", "tile": first})
    assert titles(site.get(mine)) == before[1:]
    assert site.post(mine, {"act": "add", "source": "elsewhere:x", "shape": "chart"}).status == 422
    assert site.post(mine, {"act": "dance"}).status == 422
    assert Site(client.as_user(people.manager)).get(mine).status == 404


def test_a_dashboard_is_shared_with_a_role_by_who_may_and_changed_by_its_owner_alone(client: Api, people: People, deals: Work) -> None:
    manager, rep = Site(client.as_user(people.manager)), Site(client.as_user(people.rep))
    shared = made_mine(manager)
    assert manager.post(shared, {"act": "rename", "name": "Team", "role": "sales_rep"}).status == 303
    manager.post("/reports/query?entity=pipeline.deal&by=name", {"name": "By name"})
    (kept,) = deals.records("reports.own_report").find(())
    manager.post(shared, {"act": "add", "source": f"own:{kept['id']}", "shape": "table"})
    page = rep.get(shared)
    assert (page.status, page.heading) == (200, "Team")
    assert not page.all("//a[contains(@href, 'edit=1')]")
    assert {*page.texts("//section[@aria-label='By name']//tbody//td[1]")} == {"D1", "D2", "D3"}, "with the reader's own rights"
    assert rep.post(shared, {"act": "rename", "name": "Stolen"}).status == 404
    copied = made_mine(rep)
    rep.post(copied, {"act": "add", "source": f"own:{kept['id']}", "shape": "table"})
    assert "This report no longer exists" in rep.get(copied).text, "who was not given it does not see it"
    own = copied.rpartition("/")[2]
    assert client.as_user(people.rep).patch(f"/api/v1/reports/dashboards/{own}", {"role": "sales_rep"}).status_code == 403
    assert manager.post(shared, {"act": "rename", "name": "Team", "role": "nobody"}).status == 422


def test_a_period_and_a_person_narrow_all_tiles_that_understand_them(client: Api, people: People, deals: Work) -> None:
    site = Site(client)
    mine = made_mine(site)
    site.post(mine, {"act": "add", "source": "report:pipeline.open_by_stage", "shape": "table"})
    whole, narrow = site.get(mine), site.get(mine, {"owner": str(people.manager), "range": "last_year"})
    counts = [page.texts("//section[contains(@class, 'tile')][last()]//td[last()]")[-1] for page in (whole, narrow)]
    assert counts == ["4", "1"]
    assert site.get(mine, {"range": "never"}).status == 400
    assert site.get(mine, {"owner": "nobody at all"}).status == 200, "a tile that cannot be narrowed so says so in its place"


def test_the_forecast_shows_the_pipeline_by_period_and_each_number_leads_to_its_deals(site: Site, deals: Work, people: People) -> None:
    page = site.get(OUTLOOK)
    assert page.status == 200, page.text
    row = next(row for row in page.all("//table[contains(@class, 'figures')]//tbody/tr") if row.xpath("string(td[2])").strip() == "4")
    parts = urlsplit(row.xpath("string(td[2]//a/@href)").removeprefix("/console"))
    assert len(site.api.get(f"/api/v1{parts.path}", parse_qsl(parts.query)).json["data"]) == 4
    (chart,) = (json.loads(one) for one in page.all("//figure/@data-chart"))
    months = [row.xpath("string(th)") for row in page.all("//table[contains(@class, 'figures')][1]//tbody/tr")]
    assert [*dict.fromkeys(mark["period"] for mark in chart["layer"][0]["data"]["values"])] == months, "chart and table say months alike"
    assert not [month for month in months if "-" in month]
    deals.records("teamwork.target").create({"measure": "won_amount", "period": "month", "period_start": deals.now().date().replace(day=1).isoformat(),
                                             "amount": {"amount": "100", "currency": deals.tenant.currency}})  # fmt: skip
    aimed = json.loads(site.get(OUTLOOK).all("//figure/@data-chart")[0])
    assert [layer["encoding"]["color"]["scale"]["domain"][-1] for layer in aimed["layer"]] == ["Target", "Target"], (
        "the legend has the line, too"
    )
    by_person = site.get(OUTLOOK, {"by": "person", "grain": "quarter"})
    assert len(by_person.all("(//table[contains(@class, 'figures')])[2]/tbody/tr")) == 2
    assert site.get(OUTLOOK, {"grain": "day"}).status == 400


def test_a_series_is_run_from_the_page_and_the_run_says_what_came_of_it(site: Site, deals: Work) -> None:
    made = site.api.post(
        "/api/v1/forecast/series", {"name": "Deals", "entity": "pipeline.deal", "measure": "count", "date_field": "close_date"}
    )
    assert made.status_code == 201, made.text
    answer = site.post(OUTLOOK, {"act": "run", "series": made.json["id"]})
    assert answer.status == 303, answer.text
    path = answer.answer.headers["Location"].removeprefix("/console")
    waiting = site.get(path)
    assert "Waiting" in waiting.text
    assert waiting.all("//progress")
    from plugins.forecast.runs import carry_out

    carry_out(deals, id_of(deals.records("forecast.run").find((), 1)[0]))
    done = site.get(path)
    assert done.status == 200
    assert not done.all("//progress")
    assert site.post(path, {"act": "cancel"}).status == 409
    deal = id_of(deals.records("pipeline.deal").find((), 1)[0])
    assert site.post(OUTLOOK, {"act": "train"}).status == 303
    from plugins.forecast.chances import train

    train(deals)
    page = site.get(f"/pipeline/deals/{deal}")
    assert page.texts("//h2").count("Win probability") == 1
    assert "Win probability" not in page.texts("//dt"), "what a panel shows is not said once more"


def test_braces_in_the_name_of_an_own_report_are_braces(site: Site, deals: Work) -> None:
    question = "entity=pipeline.deal&measure=count&by=stage"
    kept = site.api.post("/api/v1/reports/own_reports", {"name": "{x} of {0.__class__}", "question": question}).json
    assert kept is not None
    path = made_mine(site)
    assert site.post(path, {"act": "add", "source": f"own:{kept['id']}", "shape": "chart"}).status == 303
    assert "{x} of {0.__class__}" in site.get(path).text


def test_what_ends_with_the_last_day_that_there_is_is_reported_too(site: Site, deals: Work) -> None:
    account = id_of(deals.records("customers.account").create({"name": "Evermore"}))
    deals.records("orders.contract").create({"name": "For ever", "account": account, "ends_on": "9999-12-31"})
    for grain in ("day", "week", "month", "quarter", "year"):
        page = site.get("/reports/query", {"entity": "orders.contract", "measure": "count", "by": f"ends_on:{grain}"})
        assert page.status == 200, grain


def test_a_tile_that_fails_says_so_and_the_others_are_there(site: Site, deals: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, made = made_mine(site), figures.of
    there = titles(site.get(mine))

    def failing(ctx: Context, report: Report, *period: date | None) -> figures.Figures:
        if report.full_key == "pipeline.open_by_stage":
            raise ZeroDivisionError
        return made(ctx, report, *period)

    monkeypatch.setattr(figures, "of", failing)
    page = site.get(mine)
    assert (page.status, titles(page)) == (200, there)
    broken = [one.get("aria-label") for one in page.all("//section[contains(@class, 'tile')][.//*[@role='note']]")]
    assert set(broken) == {"Open deals", "Open deals by stage"}
    assert page.all("//section[contains(@class, 'tile')]//p[@class='figure']")
