"""The main job on real input, by command line and by API alike: what comes out is what an independent count of the files says."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest

from core.platform import Platform
from core.testkit.fixtures import Api
from core.worker.drain import Drain
from sdk.context import id_of
from tests.journeys import maven, real_data
from tests.journeys.commands import Dealwright
from tests.journeys.maven import TYPO, Files, Step

pytestmark = pytest.mark.real_data
TENANT = "acme"


class Channel(Protocol):
    """How the job is done: by command line or by API; both answer with the same document."""

    def take(self, step: Step, *values: str) -> dict[str, Any]:
        """Import a file; the document of what became of it, with the rows that were not taken."""

    def report(self, measures: Sequence[str], by: Sequence[str] = (), where: Sequence[str] = ()) -> list[dict[str, Any]]:
        """A report on deals."""


class ByCommand:
    def __init__(self, dealwright: Dealwright) -> None:
        self._dealwright = dealwright

    def take(self, step: Step, *values: str) -> dict[str, Any]:
        options = [word for value in values for word in ("--value", value)]
        result = self._dealwright.run(*step.words(), *options, "--tenant", TENANT, "--json")
        assert result.exit_code in (0, 3), result.output
        document: dict[str, Any] = json.loads(result.stdout)
        assert (document["state"] == "succeeded") == (result.exit_code == 0)
        return document

    def report(self, measures: Sequence[str], by: Sequence[str] = (), where: Sequence[str] = ()) -> list[dict[str, Any]]:
        lists = {"--measure": measures, "--by": by, "--where": where}
        options = [word for name, values in lists.items() for value in values for word in (name, value)]
        rows: list[dict[str, Any]] = self._dealwright.json("report", "pipeline.deal", "--tenant", TENANT, *options)["data"]
        return rows


class ByApi:
    def __init__(self, client: Api) -> None:
        self._client = client

    def take(self, step: Step, *values: str) -> dict[str, Any]:
        form = {**step.form(), "value": list(values), "file": (io.BytesIO(step.file.read_bytes()), step.file.name)}
        begun = self._client.call("POST", "/api/v1/import_export/imports", data=form, content_type="multipart/form-data")
        assert begun.status_code == 202, begun.text
        Drain(self._client.platform).run_until_empty()
        path = begun.headers["Location"]
        done: dict[str, Any] = self._client.get(path).json
        done["rows"], cursor = [], ""
        while cursor is not None:
            query = {"outcome": "failed", "limit": 500, **({"cursor": cursor} if cursor else {})}
            page = self._client.get(f"{path}/rows", query).json
            done["rows"] += [{**row, "row": row["number"]} for row in page["data"]]
            cursor = page["page"]["next"]
        done["ignored"] = done["ignored"].split(", ") if done["ignored"] else []
        return done

    def report(self, measures: Sequence[str], by: Sequence[str] = (), where: Sequence[str] = ()) -> list[dict[str, Any]]:
        query = {"entity": "pipeline.deal", "measure": list(measures), "by": list(by), "where": list(where)}
        rows: list[dict[str, Any]] = self._client.get("/api/v1/reports/query", query).json["data"]
        return rows


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """The real files."""
    return Files(real_data.folder("maven_crm"), tmp_path)


@pytest.fixture(params=["command line", "API"])
def channel(request: pytest.FixtureRequest, client: Api, dealwright: Dealwright) -> Channel:
    """Each way in turn, into a new tenant."""
    return ByCommand(dealwright) if request.param == "command line" else ByApi(client)


def set_up(channel: Channel, files: Files) -> None:
    """Teams, people, products, accounts, the pipeline: nothing of them is refused."""
    for step in files.setting():
        done = channel.take(step)
        assert (done["state"], done["failed"], done["skipped"]) == ("succeeded", 0, 0), (step, done)


def check_report(channel: Channel, files: Files) -> None:
    """All figures, against the count of the file."""
    counted = maven.count(files)
    stages = {row["stage"]: row for row in channel.report(["count", "sum:amount"], ["stage"])}
    assert {name: row["count"] for name, row in stages.items()} == dict(counted.by_stage)
    assert {name: amount(row) for name, row in stages.items()} == dict(counted.value_by_stage)
    months = channel.report(["count"], ["stage", "close_date:month"])
    assert {(row["stage"], row["close_date:month"]): row["count"] for row in months} == dict(counted.by_month)
    owners = channel.report(["sum:amount"], ["owner"], ["status=won"])
    assert {row["owner"]: amount(row) for row in owners} == {name: value for name, value in counted.value_by_owner.items() if value}
    assert channel.report(["count"], [], ["account[empty]=true"]) == [{"count": counted.without_account}]


def amount(row: dict[str, Any]) -> Decimal:
    """The sum of a row, in dollars."""
    money = row["sum:amount"]
    assert money is None or money["currency"] == "USD"
    return Decimal(money["amount"]) if money else Decimal(0)


@pytest.mark.feature("H1")
@pytest.mark.feature("C11")
def test_misspelt_products_fail_by_name_and_once_they_are_mended_the_report_is_the_count_of_the_file(
    channel: Channel, files: Files
) -> None:
    set_up(channel, files)
    done = channel.take(files.deals())
    typos = maven.count(files).typos
    assert (done["state"], done["created"], done["failed"], done["ignored"]) == ("partial", 7320, 1480, [])
    assert [row["row"] for row in done["rows"]] == typos
    said = {(row["outcome"], row["column"], row["value"], row["code"], row["nearest"]) for row in done["rows"]}
    assert said == {("failed", "product", "GTXPro", "no_such_record", "GTX Pro")}
    assert {row["reason"] for row in done["rows"]} == {"no Product matches 'GTXPro'; the closest is 'GTX Pro'"}
    taken = {row["stage"]: row["count"] for row in channel.report(["count"], ["stage"])}
    assert taken == dict(maven.count(files, without_typos=True).by_stage)
    with files.deals().file.open(encoding="utf-8", newline="") as source:
        heading, *rows = csv.reader(source)
    left = files.own / "left.csv"
    with left.open("w", encoding="utf-8", newline="") as sink:
        csv.writer(sink).writerows([heading, *(rows[number - 1] for number in typos)])
    mended = channel.take(Step("pipeline.deal", left, files.deals().map), TYPO)
    assert (mended["state"], mended["created"]) == ("succeeded", 1480)
    check_report(channel, files)
    known = {"Won": 4238, "Lost": 2473, "Engaging": 1589, "Prospecting": 500}
    stages = {row["stage"]: row for row in channel.report(["count", "sum:amount"], ["stage"])}
    assert {name: row["count"] for name, row in stages.items()} == known
    assert stages["Won"]["sum:amount"] == {"amount": "10005534.00", "currency": "USD"}
    assert channel.report([], [], ["account[empty]=true"]) == [{"count": 1425}]


def test_people_offices_and_subsidiaries_stand_where_the_files_say(channel: Channel, files: Files, platform: Platform) -> None:
    ignored = {}
    for step in files.setting():
        done = channel.take(step)
        ignored[step.map] = done["ignored"]
    assert ignored[("regional_office=name", "manager=")] == ["sales_agent", "manager"]
    assert ignored[("sales_agent=name", "manager=manager")] == ["regional_office"]
    work = platform.system(TENANT)
    teams = {id_of(row): row for row in work.records("core.team").find(())}
    users = {id_of(row): row for row in work.records("core.user").find(()) if row["email"] is None}

    def name_of(id: Any) -> Any:
        return (teams.get(id) or users.get(id) or {"name": None})["name"]

    people = files.read("sales_teams")
    assert {row["name"]: (name_of(row["manager"]), name_of(row["team"])) for row in users.values() if row["manager"]} == {
        row["sales_agent"]: (row["manager"], row["manager"]) for row in people
    }
    assert len(users) == len(people) + len({row["manager"] for row in people}) == 41
    offices = {row["manager"]: row["regional_office"] for row in people}
    assert {row["name"]: name_of(row["parent"]) for row in teams.values()} == {**offices, **dict.fromkeys(offices.values())}
    accounts = {id_of(row): row for row in work.records("customers.account").find(())}
    parents = {row["name"]: accounts[row["parent"]]["name"] for row in accounts.values() if row["parent"]}
    assert parents == {row["account"]: row["subsidiary_of"] for row in files.read("accounts") if row["subsidiary_of"]}
    assert len(accounts) == 85
    stages = sorted(work.records("pipeline.stage").find(()), key=lambda row: int(str(row["position"])))
    found = [(row["name"], row["type"], row["probability"]) for row in stages]
    assert found == [(name, type_, Decimal(probability)) for name, type_, probability in maven.STAGES]


def test_the_command_exits_with_three_for_a_part_one_for_nothing_and_two_for_a_refusal(
    files: Files, platform: Platform, client: Api, dealwright: Dealwright
) -> None:
    environment = {
        **os.environ, "DATABASE_URL": platform.config.database_url, "DEALWRIGHT_HOME": str(files.own),
        "DEALWRIGHT_PLUGINS": ",".join(plugin.name for plugin in platform.plugins),
    }  # fmt: skip
    accounts = [*next(step for step in files.setting() if step.entity == "customers.account").words(), "--tenant", TENANT]
    dealwright.do(*accounts, "--map", "no such heading=name", exit_code=2)
    command = [sys.executable, "-c", "from core.cli.main import main; main()", *accounts, "--value", "founded:1996=long ago"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert (done.returncode, "Traceback" in done.stderr) == (3, False), "a process of its own, as scripts have it"
    dealwright.do(*accounts, "--set", "tier=key", "--match", "name", exit_code=3)
    assert dealwright.run(*accounts, "--match", "name").exit_code == 1
    names = [row["name"] for row in platform.system(TENANT).records("customers.account").find(())]
    assert sorted(names) == sorted(row["account"] for row in files.read("accounts"))
