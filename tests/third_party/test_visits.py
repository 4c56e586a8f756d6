"""A stranger's plugin of some 25 lines: what follows from a declaration alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.third_party.conftest import World
from tests.third_party.installation import HERE, PACKAGES, Caller, House, copied

VISITS = "visits/visits"


def account(caller: Caller, name: str) -> str:
    return str(caller.create("customers/accounts", name=name)["id"])


def visit(caller: Caller, account: str, purpose: str, day: str = "2026-03-02", **more: Any) -> dict[str, Any]:
    return caller.create(VISITS, account=account, purpose=purpose, visited_on=day, **more)


def test_the_plugin_is_about_25_lines_of_python() -> None:
    modules = (HERE / "visits" / "src" / "dealwright_visits").glob("*.py")
    lines = [line for module in modules for line in module.read_text(encoding="utf-8").splitlines()]
    assert len([line for line in lines if line.strip() and not line.lstrip().startswith(('"""', "import ", "from "))]) <= 25


@pytest.mark.xdist_group("third party, sqlite")
@pytest.mark.parametrize(("plugin", "message"), [("visits", "Visits to customers"), ("loyalty", "Memberships and redemptions")])
def test_a_migration_is_the_unedited_output_of_db_revision(python: Path, tmp_path: Path, plugin: str, message: str) -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in migrations(HERE, plugin)}
    for name in PACKAGES:  # the sources as their author has them before the first migration, ahead of what is installed
        copied(name, tmp_path)
    for path in migrations(tmp_path, plugin):
        path.unlink()
    house = House(python, tmp_path, f"sqlite:///{tmp_path / 'author.sqlite3'}")
    path = ":".join(str(tmp_path / name / "src") for name in PACKAGES)
    house.do("db", "revision", plugin, "-m", message, PYTHONPATH=path)
    assert {path.name: path.read_text(encoding="utf-8") for path in migrations(tmp_path, plugin)} == committed


def migrations(folder: Path, plugin: str) -> list[Path]:
    return sorted((folder / plugin / "src" / f"dealwright_{plugin}" / "migrations").glob("*.py"))


def test_a_visit_is_created_read_changed_deleted_and_restored(world: World) -> None:
    acme = world.acme
    where = account(acme, "Round Trip")
    made = visit(acme, "Round Trip", "Say hello", cost={"amount": "12.5"})  # the account by its name
    assert made["account"] == where
    assert made["cost"] == {"amount": "12.50", "currency": "EUR"}
    one = f"{VISITS}/{made['id']}"
    assert acme.get(one, include="account").json["account"]["name"] == "Round Trip"
    changed = acme.change(one, {"cost": {"amount": "99", "currency": "USD"}, "visited_on": "2026-03-09"})
    assert (changed.status, changed.json["version"], changed.json["cost"]["currency"]) == (200, 2, "USD")
    assert acme.call("DELETE", one).status == 204
    assert acme.get(one).status == 404
    assert acme.call("POST", f"{one}/restore").json["purpose"] == "Say hello"
    history = acme.get(f"{one}/history").json["data"]
    assert [entry["action"] for entry in history] == ["restore", "delete", "update", "create"]


def test_visits_are_filtered_searched_and_sorted(world: World) -> None:
    acme = world.acme
    where = account(acme, "Filtered")
    for purpose, day, cost in (("Lunch", "2026-01-05", "80"), ("Fair", "2026-02-05", "300"), ("Lunch again", "2026-03-05", "20")):
        visit(acme, where, purpose, day, cost={"amount": cost})
    mine = {"account": where, "fields": "purpose"}

    def purposes(**more: str) -> list[str]:
        return [row["purpose"] for row in acme.find(VISITS, {**mine, **more})]

    assert purposes(**{"cost[gte]": "80", "sort": "-cost"}) == ["Fair", "Lunch"]
    assert purposes(**{"visited_on[gt]": "2026-01-31", "sort": "visited_on"}) == ["Fair", "Lunch again"]
    assert purposes(q="lunch", sort="purpose") == ["Lunch", "Lunch again"]
    assert purposes(account="Filtered", sort="purpose") == ["Fair", "Lunch", "Lunch again"]


def test_openapi_describes_visits(world: World) -> None:
    paths = world.acme.openapi()["paths"]
    assert {"get", "post"} <= paths["/api/v1/visits/visits"].keys()
    assert {"get", "patch", "delete"} <= paths["/api/v1/visits/visits/{id}"].keys()
    wanted = world.acme.wanted("post", VISITS)
    assert set(wanted["required"]) == {"purpose", "account", "visited_on"}
    assert wanted["properties"]["cost"]["title"] == "Cost"


def test_a_visit_that_does_not_fit_is_refused_with_its_reasons(world: World) -> None:
    account(world.acme, "Nearby Ltd")
    body = {"account": "Nearby Lt", "visited_on": "2026-02-30", "cost": {"amount": "1", "currency": "ZZZ"}, "guests": 3}
    answer = world.acme.call("POST", VISITS, body)
    assert answer.status == 422
    found = {error["field"]: error for error in answer.json["errors"]}
    assert {field: error["code"] for field, error in found.items()} == {
        "purpose": "required", "account": "no_such_record", "visited_on": "no_such_date", "cost": "unknown_currency", "guests": "unknown_field",
    }  # fmt: skip
    assert found["account"]["nearest"] == "Nearby Ltd"


def test_a_representative_sees_the_visits_of_the_team_and_changes_only_own_ones(world: World) -> None:
    acme = world.acme
    north, south = (acme.create("core/teams", name=name)["id"] for name in ("Visits north", "Visits south"))
    anna, ben = (acme.as_new(name, "sales_rep", north) for name in ("Anna N", "Ben N"))
    carla, boss = acme.as_new("Carla S", "sales_rep", south), acme.as_new("Boss N", "sales_manager", north)
    theirs = {
        caller: visit(caller, account(caller, f"Of {name}"), f"By {name}")["id"]
        for caller, name in ((anna, "anna"), (ben, "ben"), (carla, "carla"))
    }
    assert {row["id"] for row in anna.find(VISITS)} == {theirs[anna], theirs[ben]}
    assert {row["id"] for row in carla.find(VISITS)} == {theirs[carla]}
    assert anna.get(f"{VISITS}/{theirs[carla]}").status == 404
    assert anna.change(f"{VISITS}/{theirs[anna]}", {"purpose": "Mine"}).status == 200
    assert anna.change(f"{VISITS}/{theirs[ben]}", {"purpose": "Mine now"}).status == 403
    assert anna.change(f"{VISITS}/{theirs[carla]}", {"purpose": "Mine now"}).status == 404
    assert anna.call("DELETE", f"{VISITS}/{theirs[anna]}").status == 403  # the role was given no right to delete
    assert boss.change(f"{VISITS}/{theirs[ben]}", {"purpose": "Corrected"}).status == 200
    assert boss.change(f"{VISITS}/{theirs[carla]}", {"purpose": "Corrected"}).status == 404
    body = {"account": "Of ben", "purpose": "For ben", "visited_on": "2026-03-02", "owner": "Ben N"}
    assert anna.call("POST", VISITS, body).status == 403


def test_visits_are_imported_and_reported_by_the_command_line(world: World, tmp_path: Path) -> None:
    for name in ("Importer One", "Importer Two"):
        account(world.acme, name)
    rows = [
        "Account,Purpose,Date,Cost",
        "Importer One,Demo,2026-04-01,100.25",
        "Importer One,Demo,2026-04-02,50",
        "Importer Two,Demo,2026-04-03,7.5",
    ]
    file = tmp_path / "visits.csv"
    file.write_text("\n".join([*rows, "Importer Tw,Demo,2026-04-04,1"]), encoding="utf-8")
    said = world.house.run("import", "visits.visit", str(file), "--tenant", "acme", "--json")
    told = json.loads(said.out)
    assert (said.code, told["created"], told["failed"]) == (3, 3, 1)
    assert [(row["column"], row["value"], row["nearest"]) for row in told["rows"]] == [("Account", "Importer Tw", "Importer Two")]
    where = ("--where", "purpose=Demo", "--where", "visited_on[gte]=2026-04-01")
    words = ("report", "visits.visit", "--tenant", "acme", "--measure", "count", "--measure", "sum:cost", "--by", "account")
    report = json.loads(world.house.do(*words, *where, "--json"))["data"]
    assert [(row["account"], row["count"], row["sum:cost"]) for row in report] == [
        ("Importer One", 2, {"amount": "150.25", "currency": "EUR"}),
        ("Importer Two", 1, {"amount": "7.50", "currency": "EUR"}),
    ]


def test_a_report_over_http_says_the_same(world: World) -> None:
    where = account(world.acme, "Reported")
    visit(world.acme, where, "One", "2026-05-30", cost={"amount": "1"})
    visit(world.acme, where, "Two", "2026-06-01", cost={"amount": "2", "currency": "USD"})
    path = f"reports/query?entity=visits.visit&measure=count&measure=sum:cost&by=visited_on:month&where=account={where}"
    assert world.acme.get(path).json["data"] == [
        {"visited_on:month": "2026-05", "count": 1, "sum:cost": {"amount": "1.00", "currency": "EUR"}},
        {"visited_on:month": "2026-06", "count": 1, "sum:cost": {"amount": "2.00", "currency": "USD"}},
    ]
