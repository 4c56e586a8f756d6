"""Integrators install what they need: customers alone, customers with the pipeline, everything; and the demo that fills it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.app import create_app
from core.cli import demo
from core.config import Config
from core.data import migrate
from core.data.engine import Database
from core.platform import Platform, boot
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, Clock
from sdk.context import id_of
from sdk.fields import Money, Reference
from tests.journeys.commands import Dealwright, dealwright
from tests.probe.fixtures import OURS

__all__ = ["dealwright"]

INSTALLATIONS = (("customers",), ("customers", "pipeline"), tuple(point.name for point in OURS))
WITHOUT_ADDRESSES = {"openid", "from_hubspot", "from_odoo", "from_salesforce"}
"""What comes in by addresses of core or of import_export."""
WITHOUT_TABLES = {"ecb", "reports", "openid", "from"}
ALONE = """
import json, sys
from core import config
from core.app import create_app
from core.data import migrate
from core.platform import boot
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant

booted = boot(config.load(), check_schema=False)
migrate.upgrade(booted.database, booted.branches())
tenant = lifecycle.create(booted, NewTenant("acme"))
lifecycle.add_person(booted.system(tenant.id), "Ann", "ann@acme.example", ["admin"], "correct horse battery")
flask = create_app(booted).test_client()
session = flask.post("/api/v1/session", json={"email": "ann@acme.example", "password": "correct horse battery"})
csrf = {"X-CSRF-Token": session.json["csrf_token"]}
made = flask.post("/api/v1/customers/accounts", json={"name": "华宸科技"}, headers=csrf)
print(json.dumps({
    "session": session.status_code,
    "made": made.status_code,
    "read": flask.get(made.headers["Location"]).json["name"],
    "live": flask.get("/health/live").status_code,
    "ready": flask.get("/health/ready").status_code,
    "openapi": flask.get("/api/v1/openapi.json").json,
    "plugins": [plugin.name for plugin in booted.plugins],
    "modules": sorted({name.split(".")[1] for name in sys.modules if name.startswith("plugins.")}),
}))
"""


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The plugins of this repository."""
    return OURS


def tables(url: str) -> set[str]:
    """The prefixes of the tables that are there."""
    database = Database(url)
    try:
        with database.reading_as_owner() as connection:
            return {name.removeprefix("migrations_").partition("_")[0] for name in sa.inspect(connection).get_table_names()}
    finally:
        database.close()


def references(part: Any) -> set[str]:
    """Every reference inside a document."""
    if isinstance(part, dict):
        found = {part["$ref"]} if isinstance(part.get("$ref"), str) else set[str]()
        return found.union(*(references(value) for value in part.values()))
    return set[str]().union(*(references(value) for value in part)) if isinstance(part, list) else set()


def there(document: dict[str, Any], reference: str) -> bool:
    """Whether a reference leads somewhere."""
    here: Any = document
    for part in reference.removeprefix("#/").split("/"):
        here = here.get(part) if isinstance(here, dict) else None
    return here is not None


def check_openapi(document: dict[str, Any], plugins: Sequence[str]) -> None:
    """It speaks of these plugins alone, all references lead somewhere, and no operation is there twice."""
    assert document["openapi"].startswith("3.1")
    described = {path.split("/")[3] for path in document["paths"] if path.count("/") > 3}
    assert described - {"core", "session", "invitations", "password_resets"} == set(plugins) - WITHOUT_ADDRESSES
    assert not [reference for reference in references(document) if not there(document, reference)]
    operations = [
        operation["operationId"] for path in document["paths"].values() for method, operation in path.items() if method != "parameters"
    ]
    assert len(operations) == len(set(operations))


@pytest.mark.parametrize("plugins", INSTALLATIONS, ids="+".join)
def test_an_installation_serves_with_the_plugins_it_lists_and_knows_no_other(
    plugins: tuple[str, ...], empty_database_url: str, tmp_path: Path
) -> None:
    listed = ", ".join(f'"{name}"' for name in plugins)
    (tmp_path / "dealwright.toml").write_text(f"plugins = [{listed}]\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DEALWRIGHT_")}
    environment |= {"DATABASE_URL": empty_database_url, "PYTHONPATH": str(Path(demo.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", ALONE], check=False, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [said[name] for name in ("session", "made", "read", "live", "ready")] == [201, 201, "华宸科技", 200, 200]
    assert set(said["plugins"]) - {"core"} == set(plugins)
    assert said["modules"] == sorted(plugins)
    assert tables(empty_database_url) - {"core"} - WITHOUT_TABLES == {name.partition("_")[0] for name in plugins} - WITHOUT_TABLES
    check_openapi(said["openapi"], plugins)
    schemas = said["openapi"]["components"]["schemas"]
    assert ("pipeline.open_deals" in schemas["CustomersAccount"]["properties"]) == ("pipeline" in plugins)
    if "pipeline" in plugins:
        assert ("product" in schemas["PipelineDeal"]["properties"]) == ("catalog" in plugins)


def test_a_deal_is_sold_without_a_catalog(empty_database_url: str, tmp_path: Path, clock: Clock) -> None:
    booted = boot(
        Config(tmp_path, empty_database_url, plugins=("customers", "pipeline")), clock=clock, entry_points=OURS, check_schema=False
    )
    migrate.upgrade(booted.database, booted.branches())
    tenant = lifecycle.create(booted, lifecycle.NewTenant("acme"))
    admin = lifecycle.add_person(booted.system(tenant.id), "Ann", "ann@acme.example", ["admin"], None)
    client = Api(booted, create_app(booted).test_client(use_cookies=False), "", tenant).as_user(admin)
    assert client.post("/api/v1/pipeline/templates/direct_sales/pipelines", {}).status_code == 201
    account = client.post("/api/v1/customers/accounts", {"name": "Alder"}).json["id"]
    deal = client.post("/api/v1/pipeline/deals", {"name": "First", "account": account, "amount": {"amount": "100"}})
    assert deal.status_code == 201
    assert "product" not in deal.json
    assert client.post("/api/v1/pipeline/deals", {"name": "Second", "product": "x"}).status_code in (400, 422)
    assert client.post(f"/api/v1/pipeline/deals/{deal.json['id']}/moves", {"stage": "won"}).json["status"] == "won"
    assert client.get("/api/v1/catalog/products").status_code == 404
    assert client.get("/api/v1/reports/query", {"entity": "pipeline.deal"}).status_code == 404
    booted.close()


def test_a_plugin_that_is_listed_and_not_installed_is_shown_and_stops_nobody(empty_database_url: str, tmp_path: Path) -> None:
    booted = boot(Config(tmp_path, empty_database_url, plugins=("customers", "teleport")), entry_points=OURS, check_schema=False)
    states = {plugin.name: plugin for plugin in booted.plugins}
    assert states["customers"].serves
    assert not states["teleport"].serves
    assert "not installed" in states["teleport"].reason
    booted.close()


def test_a_plugin_without_what_it_requires_is_blocked_and_says_by_whom(empty_database_url: str, tmp_path: Path) -> None:
    booted = boot(Config(tmp_path, empty_database_url, plugins=("pipeline", "catalog")), entry_points=OURS, check_schema=False)
    states = {plugin.name: plugin for plugin in booted.plugins}
    assert (states["pipeline"].state.value, states["catalog"].state.value) == ("blocked", "loaded")
    assert "'customers'" in states["pipeline"].reason
    booted.close()


# --- demo ------------------------------------------------------------------------------------------------------------

OWN = {"id", "version", "created_at", "updated_at", "content", "occasion", "digest"}
"""Ids, times, and texts that hold an id: of a kept file, of what a document was issued for; digests of secrets."""


ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def nameless(value: object) -> object:
    """The same without the ids that stand within texts: a log speaks of records by them."""
    if isinstance(value, dict):
        return {key: nameless(one) for key, one in value.items()}
    if isinstance(value, list):
        return [nameless(one) for one in value]
    return ID.sub("…", value) if isinstance(value, str) else value


ALIKE_BY_NO_MEANS = frozenset({"core.token", "core.audit"})


def contents(platform: Platform) -> dict[str, list[dict[str, object]]]:
    """Everything in the demo tenant, with titles in the place of ids."""
    work = platform.system(demo.NAME)
    entities = {
        entity.full_name: entity.title for entity in platform.catalog.entities.values() if entity.full_name not in ALIKE_BY_NO_MEANS
    }
    rows = {entity: work.records(entity).find((), 100_000) for entity in entities}
    titles = {id_of(row): row[entities[entity]] for entity, many in rows.items() for row in many}
    return {
        entity: [
            {
                key: nameless(titles.get(getattr(value, "id", value)) if isinstance(value, UUID | Reference) else value)
                for key, value in row.items()
                if key not in OWN
            }
            for row in many
        ]
        for entity, many in rows.items()
    }


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)  # three fillings, and the database has no say in them
def test_the_demo_is_the_same_for_the_same_seed_and_another_for_another(platform: Platform) -> None:
    made = []
    for seed in (7, demo.SEED, demo.SEED):
        if made:
            lifecycle.purge(platform, demo.NAME)
        demo.fill(platform, seed, months=2)
        made.append(contents(platform))
    assert made[1] == made[2]
    assert made[0] != made[1]


def test_the_demo_speaks_both_languages_shows_a_process_at_work_and_prints_log_ins(
    platform: Platform, clock: Clock, dealwright: Dealwright, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "close", lambda: None)  # the command's own platform is the test's here
    begun = platform.system(lifecycle.create(platform, lifecycle.NewTenant(demo.NAME, "zh_CN", "Asia/Shanghai", "CNY")).id)
    lifecycle.add_person(begun, "Admin", demo.ADMIN, ["admin"], None)  # and there somebody broke it off
    printed = dealwright.do("demo", "--fill-only")
    made = contents(platform)
    log_ins = re.findall(r"^sign in +(\S+) +password (\S+)(?: +.*, (\w+))?$", printed, re.MULTILINE)
    assert Counter(role or "admin" for _email, _password, role in log_ins) == {
        "admin": 1, "sales_manager": 2, "sales_rep": 5, "finance": 1,
    }  # fmt: skip
    app = create_app(platform)
    for email, password, role in log_ins:
        browser = app.test_client()
        assert browser.post("/api/v1/session", json={"email": email, "password": password}).status_code == 201, email
        assert browser.get("/api/v1/core/audit").status_code == (403 if role else 200), email
        assert browser.get("/api/v1/pipeline/deals?limit=1").json["data"], email
    assert len(contents(platform)["core.user"]) == len(log_ins) == len(made["core.user"])
    assert {len(made[entity]) for entity in ("reports.own_report", "reports.dashboard")} == {2} and len(made["documents.template"]) == 1
    shown = (
        "orders.instalment",
        "orders.payment",
        "teamwork.file",
        "teamwork.assignment",
        "teamwork.follow",
        "teamwork.score",
        "forecast.result",
    )
    assert [entity for entity in shown if not made[entity]] == []
    for entity in ("core.user", "customers.account", "customers.contact", "catalog.product", "pipeline.deal"):
        words = [str(row["name"]) for row in made[entity]]
        chinese = [word for word in words if any("\u4e00" <= sign <= "\u9fff" for sign in word)]
        assert 0 < len(chinese) < len(words), entity
    deals = made["pipeline.deal"]
    assert {row["status"] for row in deals} == {"open", "won", "lost"}
    amounts = [row["amount"] for row in deals]
    assert {one.currency for one in amounts if isinstance(one, Money)} == {"CNY", "USD"}
    assert None in amounts, "so that a board says what a later stage asks for"
    assert all(row["close_date"] <= clock.now.date() for row in deals if row["status"] != "open")  # type: ignore[operator]
    assert all(row["opened_on"] <= row["close_date"] for row in deals)  # type: ignore[operator]
    assert {row["lifecycle"] for row in made["customers.account"]} == {"prospect", "customer"}
    assert all(row["owner"] for row in deals)
    assert [row["name"] for row in made["pipeline.pipeline"]] == ["直销"]
