"""A second stranger's plugin, which adds fields to our accounts and to the first stranger's visits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.third_party.conftest import World
from tests.third_party.installation import Caller

ACCOUNTS, VISITS, REDEMPTIONS = "customers/accounts", "visits/visits", "loyalty/redemptions"


def account(caller: Caller, name: str, **more: Any) -> str:
    return str(caller.create(ACCOUNTS, name=name, **more)["id"])


def redemption(caller: Caller, account: str, points: int, **more: Any) -> dict[str, Any]:
    return caller.create(REDEMPTIONS, account=account, reward="Mug", points=points, **more)


def names(caller: Caller, **query: str) -> list[str]:
    return [row["name"] for row in caller.find(ACCOUNTS, query)]


@pytest.mark.feature("P3")
def test_fields_beside_an_account_are_written_and_read_through_the_account(world: World) -> None:
    acme = world.acme
    made = acme.create(ACCOUNTS, name="Beside", **{"loyalty.points": 5})
    assert (made["loyalty.points"], made["loyalty.level"], made["loyalty.redemptions"]) == (5, "basic", 0)
    one = f"{ACCOUNTS}/{made['id']}"
    changed = acme.change(one, {"loyalty.level": "gold", "city": "Leeds"})
    assert (changed.status, changed.json["version"]) == (200, 2)
    assert (changed.json["loyalty.points"], changed.json["loyalty.level"], changed.json["city"]) == (5, "gold", "Leeds")
    again = acme.change(one, {"loyalty.level": None})  # no level is the default one
    assert (again.json["loyalty.points"], again.json["loyalty.level"]) == (5, "basic")
    changes = [entry["changes"] for entry in acme.get(f"{one}/history").json["data"]]
    assert changes[1] == {"loyalty.level": ["basic", "gold"], "city": [None, "Leeds"]}


def test_an_account_that_was_there_before_has_the_defaults(world: World) -> None:
    acme = world.acme
    made = acme.create(ACCOUNTS, name="Before")
    assert (made["loyalty.points"], made["loyalty.level"]) == (0, "basic")
    same = acme.change(f"{ACCOUNTS}/{made['id']}", {"loyalty.points": 0})
    assert (same.status, same.json["version"]) == (200, 1)  # nothing changed
    assert names(acme, name="Before", **{"loyalty.level": "basic", "loyalty.points[lt]": "1"}) == ["Before"]


def test_added_fields_are_checked_like_declared_ones(world: World) -> None:
    acme = world.acme
    one = f"{ACCOUNTS}/{account(acme, 'Checked')}"
    answer = acme.change(one, {"loyalty.points": -1, "loyalty.level": "tin", "loyalty.redemptions": 9, "loyalty.stars": 5, "city": "Kyoto"})
    assert answer.status == 422
    assert {(error["field"], error["code"]) for error in answer.json["errors"]} == {
        ("loyalty.points", "out_of_range"), ("loyalty.level", "unknown_choice"), ("loyalty.redemptions", "read_only"),
        ("loyalty.stars", "unknown_field"),
    }  # fmt: skip
    assert acme.get(one).json["city"] is None


@pytest.mark.feature("P3")
def test_accounts_are_filtered_sorted_and_shown_by_added_fields(world: World) -> None:
    acme = world.acme
    for name, points in (("Sort one", 1), ("Sort three", 3), ("Sort seven", 7)):
        redemption(acme, account(acme, name, **{"loyalty.points": points}), points)
    mine = {"name[contains]": "Sort "}
    assert names(acme, **mine, **{"loyalty.points[gte]": "3", "sort": "-loyalty.points"}) == ["Sort seven", "Sort three"]
    assert names(acme, **mine, **{"loyalty.redemptions": "1", "sort": "loyalty.points"}) == ["Sort one", "Sort three", "Sort seven"]
    assert names(acme, **mine, **{"loyalty.redemptions[gt]": "1"}) == []
    query = {**mine, "fields": "name,loyalty.points", "sort": "loyalty.points", "limit": "2"}
    page = acme.call("GET", ACCOUNTS, query=query).json
    assert [{key: row[key] for key in row if key != "id"} for row in page["data"]] == [
        {"name": "Sort one", "loyalty.points": 1}, {"name": "Sort three", "loyalty.points": 3},
    ]  # fmt: skip
    following = acme.find(ACCOUNTS, {**query, "cursor": page["page"]["next"]})
    assert [row["name"] for row in following] == ["Sort seven"]


def test_computed_fields_follow_the_records_they_are_computed_from(world: World) -> None:
    acme = world.acme
    where = account(acme, "Computed")
    assert acme.get(f"{ACCOUNTS}/{where}").json["visits.last_visit"] is None
    visit = acme.create(VISITS, account=where, purpose="Show mugs", visited_on="2026-04-01")
    assert visit["loyalty.points_redeemed"] is None
    first = redemption(acme, where, 30, visit=visit["id"])
    redemption(acme, where, 12, visit=visit["id"])
    assert acme.get(f"{VISITS}/{visit['id']}").json["loyalty.points_redeemed"] == 42
    shown = acme.get(f"{ACCOUNTS}/{where}").json
    assert (shown["loyalty.redemptions"], shown["visits.last_visit"]) == (2, "2026-04-01")
    assert acme.call("DELETE", f"{REDEMPTIONS}/{first['id']}").status == 204
    assert acme.get(f"{VISITS}/{visit['id']}").json["loyalty.points_redeemed"] == 12
    assert acme.get(f"{ACCOUNTS}/{where}").json["loyalty.redemptions"] == 1
    assert [row["id"] for row in acme.find(VISITS, {"loyalty.points_redeemed": "12", "account": where})] == [visit["id"]]


def test_openapi_and_meta_know_the_added_fields(world: World) -> None:
    shown = world.acme.promised("patch", f"{ACCOUNTS}/{{id}}", "200")["properties"]
    wanted = world.acme.wanted("patch", f"{ACCOUNTS}/{{id}}")["properties"]
    assert {"loyalty.points", "loyalty.level", "loyalty.redemptions", "visits.last_visit"} <= shown.keys()
    assert {"loyalty.points", "loyalty.level"} <= wanted.keys()
    assert not {"loyalty.redemptions", "visits.last_visit"} & wanted.keys()  # computed
    described = json.dumps(world.acme.openapi()["paths"][f"/api/v1/{ACCOUNTS}"]["get"]["parameters"])
    assert all(name in described for name in ("loyalty.points[gte]", "loyalty.redemptions[lt]", "visits.last_visit[gte]"))
    meta = {entity["name"]: entity["fields"] for entity in world.acme.get("meta").json["entities"]}
    assert {field["name"]: field["plugin"] for field in meta["visits.visit"]}["loyalty.points_redeemed"] == "loyalty"


def test_a_field_grant_hides_an_added_field_like_any_other(world: World) -> None:
    acme = world.acme
    role = acme.create("core/roles", key="reception", name="Reception")["id"]
    only = ["name", "loyalty.level"]
    acme.create("core/grants", role=role, permission="customers.account.read", scope="all", only_fields=only)
    acme.create("core/grants", role=role, permission="reports.report.run", scope="all")
    where = account(acme, "Seen by few", **{"loyalty.points": 77, "loyalty.level": "silver"})
    clerk = acme.as_new("Clerk", "reception")
    assert clerk.get(f"{ACCOUNTS}/{where}").json == {"id": where, "version": 1, "name": "Seen by few", "loyalty.level": "silver"}
    assert names(clerk, **{"loyalty.level": "silver", "name": "Seen by few"}) == ["Seen by few"]
    for query in ({"loyalty.points": "77"}, {"sort": "loyalty.points"}, {"fields": "loyalty.points"}, {"loyalty.redemptions": "0"}):
        refused = clerk.call("GET", ACCOUNTS, query=query)
        assert (refused.status, refused.json["code"]) == (400, "unknown_field")
    assert clerk.get("reports/query?entity=customers.account&measure=sum:loyalty.points").status == 400
    described = json.dumps(clerk.openapi())
    assert "loyalty.level" in described
    assert "loyalty.points" not in described


def test_reports_group_by_and_add_up_added_fields(world: World) -> None:
    acme = world.acme
    for number, level in enumerate(("gold", "gold", "silver")):
        where = account(acme, f"Group {number}", **{"loyalty.points": 10 + number, "loyalty.level": level})
        redemption(acme, where, 1)
    account(acme, "Group none")
    words = ["report", "customers.account", "--tenant", "acme", "--by", "loyalty.level", "--measure", "count"]
    words += ["--measure", "sum:loyalty.points", "--measure", "sum:loyalty.redemptions", "--where", "name[contains]=Group "]
    assert json.loads(world.house.do(*words, "--json"))["data"] == [
        {"loyalty.level": "basic", "count": 1, "sum:loyalty.points": 0, "sum:loyalty.redemptions": 0},
        {"loyalty.level": "gold", "count": 2, "sum:loyalty.points": 21, "sum:loyalty.redemptions": 2},
        {"loyalty.level": "silver", "count": 1, "sum:loyalty.points": 12, "sum:loyalty.redemptions": 1},
    ]
    account(acme, "Group visited")
    acme.create(VISITS, account="Group visited", purpose="See", visited_on="2026-07-09")
    path = "reports/query?entity=customers.account&measure=count&by=visits.last_visit:month&where=name[contains]=Group%20"
    assert acme.get(path).json["data"] == [
        {"visits.last_visit:month": "2026-07", "count": 1},
        {"visits.last_visit:month": None, "count": 4},
    ]


def test_added_fields_are_imported(world: World, tmp_path: Any) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("Name,Points\nImported A,4\nImported B,-4\n", encoding="utf-8")
    said = world.house.run("import", "customers.account", str(file), "--tenant", "acme", "--map", "Points=loyalty.points", "--json")
    told = json.loads(said.out)
    assert (said.code, told["created"], [row["code"] for row in told["rows"]]) == (3, 1, ["out_of_range"])
    assert names(world.acme, **{"name[contains]": "Imported", "loyalty.points": "4"}) == ["Imported A"]


def test_a_redemption_follows_the_team(world: World) -> None:
    acme = world.acme
    team = acme.create("core/teams", name="Loyal team")["id"]
    rep, other, boss = (acme.as_new(f"Loyal {role} {n}", role, team) for n, role in enumerate(("sales_rep", "sales_rep", "sales_manager")))
    where = account(rep, "Loyal customer", **{"loyalty.points": 2})
    mine = redemption(rep, where, 2)["id"]
    assert other.find(ACCOUNTS, {"name": "Loyal customer"})[0]["loyalty.points"] == 2
    assert other.find(REDEMPTIONS) == []
    assert [row["id"] for row in boss.find(REDEMPTIONS)] == [mine]
    assert other.change(f"{ACCOUNTS}/{where}", {"loyalty.points": 99}).status == 403
    assert boss.change(f"{ACCOUNTS}/{where}", {"loyalty.points": 99}).status == 200
