"""The mission from top to bottom, through HTTP: a company is set up, its data come in, a sale is made and looked after, the figures are right."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pytest
from pypdf import PdfReader

from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant
from sdk import Tenant
from tests.journeys import generated, real_data
from tests.journeys.maven import STAGES, TYPO, Files, Step

TODAY = datetime(2018, 1, 10, 2, 0, tzinfo=UTC)
"""Ten in the morning in Shanghai, a Wednesday, days after the last deal of the files was closed."""


@pytest.fixture
def clock() -> Clock:
    """The files end with the year 2017."""
    return Clock(TODAY)


@pytest.fixture
def beginning() -> None:
    """Nothing: the tenant is another one."""


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> Tenant:
    """A Chinese company."""
    return make_tenant("huachen", locale="zh_CN", timezone="Asia/Shanghai", currency="CNY")


@pytest.fixture(params=["real" if (real_data.ROOT / "maven_crm").is_dir() else "generated"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """One of sixteen of the real deals; where the real files are absent, a small generated set of the same shape, so that each machine has the story:
    the name of the test says which."""
    if request.param == "real":
        return Files(real_data.ROOT / "maven_crm", tmp_path, every=16)
    return Files(generated.write(tmp_path / "generated"), tmp_path)


class Office:
    """What a person does with the API, and what the person is answered."""

    def __init__(self, api: Api, engine: Engine) -> None:
        self.api, self.engine = api, engine

    def of(self, person: str) -> Office:
        """The same office, as another person sees it."""
        (row,) = self.see("core/users", name=person)
        return Office(self.api.as_user(UUID(row["id"])), self.engine)

    def make(self, path: str, values: Mapping[str, object] | None = None, status: int = 201) -> Any:
        """Create, or act."""
        answer = self.api.post(f"/api/v1/{path}", dict(values or {}))
        assert answer.status_code == status, (path, answer.text)
        return answer.json

    def change(self, path: str, values: Mapping[str, object], status: int = 200) -> Any:
        """Change a record."""
        answer = self.api.patch(f"/api/v1/{path}", dict(values))
        assert answer.status_code == status, (path, answer.text)
        return answer.json

    def see(self, path: str, **query: object) -> Any:
        """Read a record, or the rows of a list."""
        answer = self.api.get(f"/api/v1/{path}", query)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json.get("data", answer.json)

    def status(self, path: str) -> int:
        """How a reading ends."""
        return self.api.get(f"/api/v1/{path}").status_code

    def ask(self, way: str, path: str, id: str) -> int:
        """How it ends that something is asked of a record, with nothing said beside it."""
        address = "/api/v1/" + re.sub(r"{\w+}", id, path)
        return self.api.call(way.upper(), address, **({} if way == "get" else {"json": {}})).status_code

    def take(self, step: Step, *values: str) -> dict[str, Any]:
        """Import a file in the background."""
        form = {**step.form(), "value": list(values), "file": (io.BytesIO(step.file.read_bytes()), step.file.name)}
        begun = self.api.call("POST", "/api/v1/import_export/imports", data=form, content_type="multipart/form-data")
        assert begun.status_code == 202, begun.text
        self.engine.run_until_idle()
        done: dict[str, Any] = self.api.get(begun.headers["Location"]).json
        return done


def set_up(admin: Office) -> None:
    """The company, its currencies, its master data, its people with their roles, one of which is of the company's own making."""
    admin.make("core/setup", status=200)
    assert all(row["created"] == 0 for row in admin.make("core/setup", status=200)["data"]), "the second time nothing is missing"
    company = {
        "name": "华宸科技",
        "legal_name": "华宸科技有限公司",
        "address": "中山路 1 号",
        "city": "上海",
        "tax_number": "91310000MA1K00000X",
    }
    admin.make("company/profiles", company)
    admin.make("company/rates", {"currency": "EUR", "on": "2018-01-01", "rate": "7.8"})
    teams = {name: admin.make("core/teams", {"name": name})["id"] for name in ("华东", "华南")}
    role = admin.make("core/roles", {"key": "assistant", "name": "销售助理"})
    admin.make("core/grants", {"role": role["id"], "permission": "customers.account.read", "scope": "team"})
    for name, mail, team, role in (
        ("王芳", "wang@huachen.example", "华东", "sales_manager"), ("李伟", "li@huachen.example", "华东", "sales_rep"),
        ("陈静", "chen@huachen.example", "华南", "sales_rep"), ("周敏", "zhou@huachen.example", "华东", "finance"),
        ("林娜", "lin@huachen.example", "华东", "assistant"),
    ):  # fmt: skip
        admin.make("core/users", {"name": name, "email": mail, "team": teams[team], "roles": [role]})


def bring_data(admin: Office, files: Files) -> None:
    """Customers, products, people and a sixteenth of the 8,800 deals from real files (all of them come in `test_maven`), or generated ones."""
    for step in files.setting():
        done = admin.take(step)
        assert (done["state"], done["failed"], done["skipped"]) == ("succeeded", 0, 0), (step, done)
    deals = files.deals()
    done = admin.take(deals, TYPO)
    assert (done["state"], done["created"]) == ("succeeded", len(pd.read_csv(deals.file))), done
    assert done["created"] > 400
    manager = files.manager()
    (boss,), (team,) = admin.see("core/users", name=manager), admin.see("core/teams", name=manager)
    admin.change(f"core/users/{boss['id']}", {"email": "dustin@huachen.example", "roles": ["sales_manager"]})
    admin.change(f"core/teams/{team['id']}", {"manager": boss["id"]})
    admin.make("leads/campaigns", {"name": "春季展会", "cost": {"amount": "20000"}})


def qualify(rep: Office) -> dict[str, str]:
    """A lead becomes account, contact and deal, once however often one asks."""
    (campaign,) = rep.see("leads/campaigns")
    values = {"name": "赵总", "company": "东方食品有限公司", "email": "zhao@dongfang.example", "campaign": campaign["id"]}
    lead = rep.make("leads/leads", values)
    rep.change(f"leads/leads/{lead['id']}", {"state": "qualified"})
    made = rep.make(f"leads/leads/{lead['id']}/conversions", {"deal": {"name": "东方食品采购"}})
    assert rep.make(f"leads/leads/{lead['id']}/conversions", {"deal": {"name": "东方食品采购"}}) == made
    return {name: made[name] for name in ("lead", "account", "contact", "deal")}


def assist(assistant: Office, made: dict[str, str]) -> None:
    """Who has the company's own role reaches what it was given, and nothing else."""
    assert [row["id"] for row in assistant.see("customers/accounts")] == [made["account"]]
    assert [assistant.status(path) for path in ("pipeline/deals", "customers/contacts", "leads/leads")] == [403] * 3
    assistant.change(f"customers/accounts/{made['account']}", {"city": "苏州"}, status=403)


def go_through_the_process(rep: Office, made: dict[str, str]) -> None:
    """The deal moves on once it has what the next stage asks for and what the present one wants done."""
    deal, about = f"pipeline/deals/{made['deal']}", f"pipeline.deal:{made['deal']}"
    rep.make(f"{deal}/moves", {"stage": "needs-analysis"})
    rep.engine.run_until_idle()
    refused = rep.make(f"{deal}/moves", {"stage": "proposal"}, status=422)
    assert [error["field"] for error in refused["errors"]] == ["amount"]
    rep.change(deal, {"amount": {"amount": "96420", "currency": "CNY"}, "close_date": "2018-01-31"})
    (meeting,) = rep.see("teamwork/activities", about=about)
    tasks = rep.see("teamwork/tasks", about=about, sort="due_on")
    assert [task["due_on"] for task in tasks] == ["2018-01-17", "2018-01-19"], "five and seven working days after a Wednesday"
    call = {"subject": "确认预算", "kind": "call", "about": about, "starts_at": "2018-01-11T02:00:00Z", "ends_at": "2018-01-11T02:30:00Z"}
    planned = rep.make("teamwork/activities", call)
    assert (planned["state"], len(rep.see("teamwork/activities", about=about))) == ("planned", 2)
    assert rep.make(f"{deal}/moves", {"stage": "proposal"}, status=409)["code"] == "open_activities"
    rep.change(f"teamwork/activities/{meeting['id']}", {"state": "done"})
    assert rep.make(f"{deal}/moves", {"stage": "proposal"})["status"] == "open"


def sell(rep: Office, made: dict[str, str]) -> None:
    """Quote, order, contract; the account shows what it bought, its timeline what happened."""
    (product,) = rep.see("catalog/products", name="GTX Pro")
    about = {"account": made["account"], "contact": made["contact"], "deal": made["deal"]}
    quote = rep.make("orders/quotes", {"name": "设备采购", **about, "valid_until": "2018-02-28"})
    rep.make("orders/quote_lines", {"quote": quote["id"], "product": product["id"], "quantity": "20", "tax_rate": "13"})
    quote = rep.see(f"orders/quotes/{quote['id']}")
    assert (quote["net"]["amount"], quote["total"]["amount"]) == ("96420.00", "108954.60")
    order = rep.make(f"orders/quotes/{quote['id']}/orders")
    for stage in ("contract-signing", "won"):
        moved = rep.make(f"pipeline/deals/{made['deal']}/moves", {"stage": stage})
    assert moved["status"] == "won"
    rep.change(f"orders/orders/{order['id']}", {"state": "confirmed"})
    dates = {"signed_on": "2018-01-10", "starts_on": "2018-01-10", "ends_on": "2018-06-30"}
    contract = {"name": "设备采购合同", **about, "order": order["id"], "state": "active", **dates, "value": quote["total"]}
    made |= {"quote": quote["id"], "order": order["id"], "contract": rep.make("orders/contracts", contract)["id"]}
    rep.engine.run_until_idle()
    account = rep.see(f"customers/accounts/{made['account']}")
    assert (account["orders.lifetime_value"]["amount"], account["lifecycle"]) == ("96420.00", "customer")


def bill(office: Office, made: dict[str, str]) -> None:
    """Finance bills the order and issues the invoice: from then on it stays as it is, and a copy of it is kept."""
    invoice = office.make(f"orders/orders/{made['order']}/invoices")
    made["invoice"] = invoice["id"]
    issued = office.make(f"orders/invoices/{invoice['id']}/issues")
    assert issued["number"] and issued["total"]["amount"] == "108954.60"
    assert office.change(f"orders/invoices/{invoice['id']}", {"name": "x"}, status=409)["code"] == "invoice_issued"
    office.engine.run_until_idle()
    (copy,) = office.see("documents/documents", about=f"orders.invoice:{invoice['id']}")
    assert copy["format"] == "pdf"


def put_on_paper(rep: Office, made: dict[str, str]) -> None:
    """The contract as a document in Chinese, kept with its hash and shown on the customer's timeline."""
    wish = {"about": f"orders.contract:{made['contract']}", "template": "orders.contract", "format": "pdf", "locale": "zh_CN"}
    copy = rep.make("documents/renderings", wish)
    made["document"] = copy["id"]
    content = rep.api.get(f"/api/v1/documents/documents/{copy['id']}/content").data
    assert hashlib.sha256(content).hexdigest() == copy["sha256"]
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    for part in ("设备采购合同", "东方食品有限公司", "华宸科技有限公司", "91310000MA1K00000X", "壹拾万捌仟玖佰伍拾肆元陆角"):
        assert part in text, (part, text)
    seen = {entry["entity"] for entry in rep.see(f"customers/accounts/{made['account']}/timeline", limit=100)}
    assert {"documents.document", "pipeline.stage_change", "teamwork.activity"} <= seen


def check_figures(manager: Office, files: Files) -> None:
    """Report and forecast of the manager's team are what pandas computes from the files."""
    frame = pd.read_csv(files.deals().file, parse_dates=["close_date"], date_format="%m/%d/%Y")
    people = pd.read_csv(files.real / "sales_teams.csv")
    mine = frame[frame["sales_agent"].isin(people[people["manager"] == files.manager()]["sales_agent"])]
    assert 2 < mine["sales_agent"].nunique() < frame["sales_agent"].nunique()
    won = mine[mine["deal_stage"] == "Won"]
    counted = {
        str(month): Decimal(int(value)) for month, value in won.groupby(won["close_date"].dt.to_period("M"))["close_value"].sum().items()
    }
    assert len(counted) == 10

    rows = manager.see("reports/query", entity="pipeline.deal", measure="sum:amount", by="close_date:month", where="status=won")
    assert {row["close_date:month"]: Decimal(row["sum:amount"]["amount"]) for row in rows} == counted
    people_won = manager.see("reports/query", entity="pipeline.deal", measure="sum:amount", by="owner", where="status=won")
    by_person = {str(name): Decimal(int(value)) for name, value in won.groupby("sales_agent")["close_value"].sum().items()}
    assert {row["owner"]: Decimal(row["sum:amount"]["amount"]) for row in people_won} == by_person

    pipeline = manager.see("forecast/pipeline", **{"from": "2017-03-01", "to": "2017-12-31"})
    assert {one["period"]: Decimal(one["won"]["amount"]) for one in pipeline["periods"]} == counted
    open_deals = int(mine["deal_stage"].isin(["Engaging", "Prospecting"]).sum())
    assert (pipeline["undated"]["deals"], pipeline["unpriced"]) == (open_deals, open_deals), (
        "counted, not priced: the file gives them no value"
    )

    wish = {"entity": "pipeline.deal", "measure": "sum:base_amount", "date_field": "close_date", "conditions": "status=won", "horizon": 3}
    series = manager.make("forecast/series", {"name": "赢单金额", **wish})
    run = manager.make(f"forecast/series/{series['id']}/runs", status=202)
    manager.engine.run_until_idle()
    run = manager.see(f"forecast/runs/{run['id']}")
    assert (run["state"], run["through"], run["left_out"]) == ("succeeded", "2017-12", "2018-01")
    (result,) = manager.see("forecast/results", run=run["id"])
    history = manager.see(f"forecast/results/{result['id']}/backtest")["history"]
    assert history == [float(value) for _month, value in sorted(counted.items())]
    assert result["verdict"] == "thin_data", "ten months are too few for a test, and it says so"


def look_ahead(admin: Office, manager: Office, files: Files) -> None:
    """Open deals get a value, and two earlier years come in: the weighted pipeline and the test of the forecast are what one computes by hand."""
    chances, expected = {name: Decimal(chance) for name, _type, chance in STAGES}, dict[str, Decimal]()
    stages = {row["id"]: row["name"] for row in manager.see("pipeline/stages", limit=100)}
    for number, deal in enumerate(manager.see("pipeline/deals", status="open", sort="name", limit=8), 1):
        month, value = f"2018-0{2 + number % 2}", 1000 * number
        wish = {"amount": {"amount": str(value), "currency": "CNY"}, "close_date": f"{month}-15"}
        manager.change(f"pipeline/deals/{deal['id']}", wish)
        expected[month] = expected.get(month, Decimal(0)) + value * chances[stages[deal["stage"]]] / 100
    pipeline = manager.see("forecast/pipeline", **{"from": "2018-02-01", "to": "2018-03-31"})
    assert {one["period"]: Decimal(one["weighted"]["amount"]) for one in pipeline["periods"]} == expected
    assert sum(Decimal(one["open"]["amount"]) for one in pipeline["periods"]) == 36_000

    heading, *_lines = files.deals().file.read_text(encoding="utf-8").splitlines()
    agent = next(row for row in files.read("sales_teams") if row["manager"] == files.manager())["sales_agent"]
    account = files.read("accounts")[0]["account"]
    sold = {f"{2015 + n // 12}-{n % 12 + 1:02}": 20_000 + 500 * n + 4_000 * (n % 12 in (2, 5, 8)) for n in range(26)}
    earlier = files.own / "earlier.csv"
    lines = [
        f"OLD{month},{agent},GTX Basic,{account},Won,{month[5:]}/15/{month[:4]},{month[5:]}/20/{month[:4]},{value}"
        for month, value in sold.items()
    ]
    earlier.write_text("\n".join([heading, *lines]), encoding="utf-8")
    done = admin.take(Step("pipeline.deal", earlier, files.deals().map))
    assert (done["state"], done["created"]) == ("succeeded", 26), done
    (series,) = manager.see("forecast/series")
    run = manager.make(f"forecast/series/{series['id']}/runs", status=202)
    manager.engine.run_until_idle()
    (result,) = manager.see("forecast/results", run=run["id"])
    tested = manager.see(f"forecast/results/{result['id']}/backtest")
    history, origins = tested["history"], tested["models"]["origins"]
    assert (len(history), history[:26], len(origins) >= 3) == (36, list(map(float, sold.values())), True)
    missed = [abs(history[place - 12] - history[place]) for start in origins for place in range(start, min(start + 3, 36))]
    assert float(result["naive_mae"]) == pytest.approx(sum(missed) / len(missed), rel=1e-4), "the same month of the year before"
    assert result["verdict"] in ("beats_naive", "naive_best") and float(result["mae"]) <= float(result["naive_mae"])
    points = manager.see("forecast/points", result=result["id"], sort="step")
    assert [one["period"] for one in points] == ["2018-01", "2018-02", "2018-03"]
    for one in points:
        edges = [float(one[name]) for name in ("low_95", "low_80", "mean", "high_80", "high_95")]
        assert edges == sorted(edges) and edges[0] < edges[-1]


def be_reminded(rep: Office, clock: Clock, made: dict[str, str]) -> None:
    """One week before the contract ends, at nine in the morning: one reminder, and no other."""
    about = {"entity": "orders.contract", "id": made["contract"]}
    for day, hour, minute, expected in ((23, 0, 59, 0), (23, 1, 0, 1), (23, 1, 1, 1), (25, 4, 0, 1), (30, 4, 0, 1)):
        clock.now = datetime(2018, 6, day, hour, minute, tzinfo=UTC)
        rep.engine.run_until_idle()
        found = [row for row in rep.see("teamwork/notifications", kind="automation.rule") if row["about"] == about]
        assert len(found) == expected, clock.now
    assert "2018年6月30日" in found[0]["title"]


def telling(office: Office, made: dict[str, str], paths: Collection[str]) -> set[str]:
    """Which of these lists, searches and reports tell anything of the sale."""
    found = set()
    for path in paths:
        answer = office.api.get(f"/api/v1/{path}")
        assert answer.status_code < 500, (path, answer.text)
        said = json.dumps(answer.json, ensure_ascii=False) if answer.is_json else answer.text
        if any(word in said for word in (*made.values(), "东方", "赵总", "设备采购", "确认预算")):
            found.add(path)
    return found


LISTS = {
    "account": "customers/accounts", "contact": "customers/contacts", "lead": "leads/leads", "deal": "pipeline/deals",
    "quote": "orders/quotes", "order": "orders/orders", "contract": "orders/contracts", "invoice": "orders/invoices",
    "document": "documents/documents",
}  # fmt: skip
WAYS = {"get", "post", "put", "patch", "delete"}
TELLING = {
    *LISTS.values(), "orders/quote_lines", "orders/order_lines", "pipeline/stage_changes", "teamwork/tasks", "teamwork/activities",
    "teamwork/notifications", "teamwork/calendar?from=2018-01-01&to=2018-01-31", "search?q=东方", "customers/accounts?q=东方",
    "reports/query?entity=pipeline.deal&measure=count&by=account", "reports/query?entity=orders.order&measure=count&by=account",
}  # fmt: skip
"""What tells the representative of the sale."""


def see_nothing(other: Office, rep: Office, made: dict[str, str]) -> None:
    """A representative of another team finds nothing of it, by no door: each that the API has is tried."""
    assert telling(rep, made, TELLING) == TELLING
    doors = {path.removeprefix("/api/v1/"): door for path, door in other.see("openapi.json")["paths"].items()}
    plain = {path for path, door in doors.items() if "get" in door and "{" not in path}
    assert len(plain) > 100
    assert telling(other, made, plain | TELLING) == set()
    for path, door in doors.items():
        kind = next((name for name, of in LISTS.items() if path.startswith(f"{of}/{{id}}")), None)
        for way in door.keys() & WAYS if kind else ():
            status = other.ask(way, path, made[str(kind)])
            assert status == 404 or (way in {"post", "put"} and status == other.ask(way, path, str(UUID(int=7)))), (way, path, status)
    assert other.api.call("PUT", f"/api/v1/orders/quotes/{made['quote']}/lines", json={"lines": []}).status_code == 404
    assert other.see("reports/query", entity="pipeline.deal", measure="count") == [{"count": 0}]
    for about, status in ((f"orders.contract:{made['contract']}", 404), (f"orders.invoice:{made['invoice']}", 404)):
        other.make("documents/renderings", {"about": about, "template": about.partition(":")[0]}, status=status)
    begun = other.make("import_export/exports", {"entity": "customers.account", "format": "csv"}, status=202)
    other.engine.run_until_idle()
    assert other.see(f"import_export/exports/{begun['id']}")["state"] == "succeeded"
    file = other.api.get(f"/api/v1/import_export/exports/{begun['id']}/file")
    assert (file.status_code, len(file.text.splitlines())) == (200, 1), "a heading and no account"


ENTRANCE = {"session", "invitations", "password_resets"}
"""Addresses of no plugin."""


def have_no_routes(other: Office, admin: Office, made: dict[str, str]) -> None:
    """A tenant that has customers alone knows neither the others' records nor what it does not have: each door of the others is tried."""
    assert other.see("customers/accounts") == []
    assert other.status(f"customers/accounts/{made['account']}") == 404
    described, doors = (office.see("openapi.json")["paths"] for office in (other, admin))
    assert {path.split("/")[3] for path in described if path.count("/") > 3} - ENTRANCE == {"core", "customers"}
    missing = {path: sorted(doors[path].keys() & WAYS) for path in doors.keys() - described.keys()}
    assert {path.split("/")[3] for path in missing} >= {path.partition("/")[0] for path in (*LISTS.values(), "reports/", "forecast/")} - {
        "customers"
    }
    for path, ways in missing.items():
        assert other.ask(ways[0], path.removeprefix("/api/v1/"), made["deal"]) == 404, (ways[0], path)


@pytest.mark.real_data
def test_the_generated_files_have_the_columns_and_the_flaws_of_the_real_ones(tmp_path: Path) -> None:
    """Else what the story proves of them would be no proof where the real files are."""
    real, made = Files(real_data.folder("maven_crm"), tmp_path), Files(generated.write(tmp_path / "generated"), tmp_path)
    for name in generated.HEADINGS:
        assert list(made.read(name)[0]) == list(real.read(name)[0])
    flaws = [
        {
            (row["deal_stage"], *(bool(row[name]) for name in ("account", "engage_date", "close_date", "close_value")))
            for row in files.read("sales_pipeline")
        }
        for files in (made, real)
    ]
    assert flaws[0] == flaws[1]
    for files in (made, real):
        assert {"GTXPro", "GTX Pro"} & {row["product"] for row in files.read("sales_pipeline")} >= {"GTXPro"}
        accounts = files.read("accounts")
        assert {"technolgy"} <= {row["sector"] for row in accounts} and {"Philipines"} <= {row["office_location"] for row in accounts}


@pytest.mark.feature("H1")
@pytest.mark.feature("I2")
@pytest.mark.feature("B14")
@pytest.mark.every_pairing
def test_a_company_runs_its_whole_sales_work_in_it(
    client: Api, engine: Engine, clock: Clock, make_tenant: MakeTenant, files: Files
) -> None:
    admin = Office(client, engine)
    set_up(admin)
    bring_data(admin, files)
    rep = admin.of("李伟")
    made = qualify(rep)
    assist(admin.of("林娜"), made)
    go_through_the_process(rep, made)
    sell(rep, made)
    bill(admin.of("周敏"), made)
    put_on_paper(rep, made)
    check_figures(admin.of(files.manager()), files)
    look_ahead(admin, admin.of(files.manager()), files)
    be_reminded(rep, clock, made)
    see_nothing(admin.of("陈静"), rep, made)
    small = make_tenant("small", plugins=["customers"])
    owner = client.platform.system(small.id).records("core.user").create({"name": "Ann", "email": "ann@small.example", "roles": ["admin"]})
    assert isinstance(owner["id"], UUID)
    have_no_routes(Office(client.as_user(owner["id"], of=small), engine), admin, made)
