"""What a machine that watches reads at `/metrics`, and who may."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from werkzeug.test import TestResponse

from core.app import create_app
from core.config import load, shown
from core.events.tables import outbox
from core.http.metrics import Metrics
from core.platform import Platform
from core.testkit.fixtures import Api
from sdk import DeclarationError

on_sqlite = pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
THINGS = "/api/v1/probe/things"
TOKEN = "a-token-of-thirty-two-characters"


def metrics(api: Api, address: str = "127.0.0.1", **headers: str) -> TestResponse:
    return api.flask.get("/metrics", environ_overrides={"REMOTE_ADDR": address}, headers={**headers})


def figures(api: Api) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
    return {(s.name, frozenset(s.labels.items())): s.value for family in parse(metrics(api).get_data(as_text=True)) for s in family.samples}


def figure(api: Api, name: str, **labels: str) -> float | None:
    return figures(api).get((name, frozenset(labels.items())))


def test_requests_are_counted_by_the_template_of_their_address_and_by_nothing_of_a_tenant(client: Api) -> None:
    made = client.post(THINGS, {"name": "Secret & Sons"}).json
    for _time in range(3):
        client.get(f"{THINGS}/{made['id']}")
    client.get(THINGS, {"nothing": "1"})
    client.get("/api/v1/nowhere/at/all")
    client.call("BREW", THINGS)
    one = {"method": "GET", "route": f"{THINGS}/{{id}}"}
    assert figure(client, "dealwright_http_requests_total", **one, status="200") == 3
    assert figure(client, "dealwright_http_request_duration_seconds_count", **one) == 3
    assert figure(client, "dealwright_http_request_duration_seconds_bucket", **one, le="+Inf") == 3
    assert figure(client, "dealwright_http_requests_total", method="GET", route=THINGS, status="400") == 1
    assert figure(client, "dealwright_http_requests_total", method="GET", route="none", status="404") == 1
    assert figure(client, "dealwright_http_requests_total", method="OTHER", route="none", status="405") == 1
    assert figure(client, "dealwright_http_refusals_total", code="unknown_field") == 1
    said = metrics(client).get_data(as_text=True)
    for word in (client.tenant.name, str(client.tenant.id), made["id"], "Secret", "@", client.token):
        assert f'"{word}"' not in said, word
        assert word == client.tenant.name or word not in said


def test_the_installation_is_told_what_waits_what_is_stuck_and_how_its_plugins_are(client: Api, platform: Platform) -> None:
    work = platform.system(client.tenant.id)
    work.of_plugin("probe").enqueue("probe.remember", {"word": "dead"})
    with platform.database.begin(write=True, tenant=client.tenant.id) as connection:
        assert connection.execute(outbox.update().where(outbox.c.kind == "job").values(state="dead")).rowcount == 1
    work.of_plugin("probe").enqueue("probe.remember", {"word": "due"})
    before = figure(client, "dealwright_outbox_rows", state="due")
    assert before is not None
    assert before >= 1
    then = platform.clock() + timedelta(seconds=90)
    platform.clock = lambda: then
    assert (figure(client, "dealwright_outbox_oldest_due_seconds") or 0) >= 90
    assert figure(client, "dealwright_outbox_rows", state="dead") == 1
    assert figure(client, "dealwright_outbox_stuck_rows", plugin="probe", state="dead") == 1
    assert figure(client, "dealwright_plugin_state", plugin="probe", state="loaded") == 1
    assert figure(client, "dealwright_database_up") == 1
    try:
        raise KeyError("x")
    except KeyError as failure:
        platform.calls.failures.note("probe", "validate_changes", failure)
    platform.calls.failures.note_slow("probe", "prepare_changes", 2, 3.5)
    platform.calls.failures.keep(platform.database, platform.clock())
    assert figure(client, "dealwright_plugin_hook_failures", plugin="probe", hook="validate_changes") == 1
    assert figure(client, "dealwright_plugin_hook_delays", plugin="probe", hook="prepare_changes") == 2
    assert [name for name, labels in figures(client) if name == "dealwright_build_info" and dict(labels)["version"]]
    assert (figure(client, "process_resident_memory_bytes") or 0) > 10_000_000 or not Path("/proc/self/stat").exists()


@on_sqlite
def test_who_signs_in_with_a_wrong_password_and_who_asks_too_often_is_counted(platform: Platform, client: Api) -> None:
    wrong = {"email": "nobody@example.com", "password": "wrong"}
    client.anonymous().post("/api/v1/session", wrong)
    platform.config = replace(platform.config, rate_limit=1)
    assert [client.get(THINGS).status_code for _time in range(2)] == [200, 429]
    assert figure(client, "dealwright_http_refusals_total", code="wrong_credentials") == 1
    assert figure(client, "dealwright_http_refusals_total", code="too_many_requests") == 1


@on_sqlite
def test_metrics_are_for_this_machine_and_for_whoever_has_the_token(platform: Platform, client: Api) -> None:
    assert [metrics(client, address).status_code for address in ("127.0.0.1", "::1", "192.0.2.7")] == [200, 200, 404]
    assert metrics(client, "192.0.2.7", Authorization=f"Bearer {client.token}").status_code == 404, "a user's token is none for this"
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert metrics(client, "127.0.0.1", **{header: "192.0.2.7"}).status_code == 404, (
            "a proxy on this machine passes on what comes from elsewhere"
        )
    platform.config = replace(platform.config, metrics_token=TOKEN)
    assert metrics(client, "192.0.2.7").status_code == 401
    assert metrics(client, "192.0.2.7", Authorization="Bearer ü").status_code == 401
    assert metrics(client, "192.0.2.7", Authorization=f"Bearer {TOKEN}").status_code == 200
    assert metrics(client, "127.0.0.1").status_code == 200
    platform.config = replace(platform.config, proxies=1)
    assert metrics(client, "127.0.0.1").status_code == 401, "behind a proxy of ours nobody is on this machine"


@on_sqlite
def test_metrics_come_as_prometheus_text_or_as_openmetrics(client: Api) -> None:
    plain = metrics(client)
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    opened = metrics(client, Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert opened.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert [family.name for family in openmetrics.text_string_to_metric_families(opened.get_data(as_text=True))]


@on_sqlite
def test_two_applications_in_one_process_count_each_for_itself(platform: Platform, client: Api) -> None:
    other = Api(platform, create_app(platform).test_client(), client.token, client.tenant)
    client.get(THINGS)
    where = {"method": "GET", "route": THINGS, "status": "200"}
    assert (figure(client, "dealwright_http_requests_total", **where), figure(other, "dealwright_http_requests_total", **where)) == (
        1,
        None,
    )


@on_sqlite
def test_a_database_that_is_away_is_told_and_the_rest_is_there(platform: Platform, client: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    def away(**_how: Any) -> None:
        raise OperationalError("SELECT 1", {}, OSError("no disk"))

    client.get(THINGS)
    monkeypatch.setattr(platform.database, "begin", away)
    assert figure(client, "dealwright_database_up") == 0
    assert figure(client, "dealwright_http_requests_total", method="GET", route=THINGS, status="200") == 1


COUNTS = """
import os, sys
from core.http import metrics
from prometheus_client import generate_latest
class Plain:
    plugins = ()
    @property
    def database(self): raise metrics.SQLAlchemyError("none here")
    def clock(self): return None
metrics.share(sys.argv[1])
children = []
for number in (1, 2):
    if not (pid := os.fork()):
        mine = metrics.Metrics(Plain())
        mine.answered("GET", "/x/<record:id>", 200, 0.02)
        mine.refused("locked")
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
mine = metrics.Metrics(Plain())
mine.answered("GET", "/x/<record:id>", 200, 0.02)
print(generate_latest(mine.registry).decode())
"""


def test_the_processes_of_one_server_answer_for_all_of_them(tmp_path: Path) -> None:
    """In a process of its own, as the library decides once how it counts."""
    said = subprocess.run(
        [sys.executable, "-c", COUNTS, str(tmp_path)], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    there = {(s.name, s.labels.get("route", "")): s for family in parse(said.stdout) for s in family.samples}
    assert there["dealwright_http_requests_total", "/x/{id}"].value == 3
    assert there["dealwright_http_request_duration_seconds_count", "/x/{id}"].value == 3
    assert there["dealwright_http_refusals_total", ""].value == 2
    memory = [s for family in parse(said.stdout) for s in family.samples if s.name == "process_resident_memory_bytes"]
    assert [set(one.labels) for one in memory] == [{"pid"}] or not Path("/proc/self/stat").exists(), "of those that live"


def test_the_token_is_not_shown_and_too_short_a_one_is_refused(tmp_path: Path) -> None:
    config = load({"DEALWRIGHT_METRICS_TOKEN": TOKEN, "DEALWRIGHT_HOME": str(tmp_path)}, tmp_path)
    assert config.metrics_token == TOKEN
    assert ("metrics_token", "(set)", "environment DEALWRIGHT_METRICS_TOKEN") in shown(config)
    with pytest.raises(DeclarationError, match="metrics_token: expected at least 16 characters"):
        load({"DEALWRIGHT_METRICS_TOKEN": "short"}, tmp_path)


def test_what_is_counted_of_made_up_methods_is_not_kept(platform: Platform) -> None:
    counting = Metrics(platform)
    for number in range(100):
        counting.answered(f"MADE{number}", "", 405, 0.0)
    assert len(counting._known) == 0
