"""Background work is seen by administrators, with its errors, and can be tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from core.platform import Platform
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from core.worker.drain import Drain
from core.worker.schedule import run_due
from sdk import Channel, Context, Mail, NotFound, Tenant, _
from sdk.context import id_of

JOBS = "/api/v1/core/jobs"


@pytest.fixture
def failed(platform: Platform, tenant: Tenant, clock: Clock, client: Api) -> str:
    """The id of a delivery that failed for good."""
    drain = Drain(platform)
    drain.run_until_empty()
    platform.system(tenant.id).records("probe.thing").create({"name": "fail"})
    for _attempt in range(10):
        drain.run_until_empty()
        clock.move(minutes=10)
    (row,) = client.get(JOBS, {"handler": "probe.note_created"}).json["data"]
    return str(row["id"])


def test_a_failed_job_is_listed_with_its_reason_and_attempts(client: Api, failed: str) -> None:
    (row,) = client.get(JOBS, {"state": "dead", "sort": "-created_at", "count": "true"}).json["data"]
    assert (row["id"], row["kind"], row["name"], row["handler"]) == (failed, "delivery", "probe.thing.created", "probe.note_created")
    assert (row["state"], row["attempts"]) == ("dead", 8)
    assert "told to fail" in row["error"]
    assert client.get(f"{JOBS}/{failed}").json["state"] == "dead"
    assert client.get(JOBS, {"state": "dead", "kind": "job"}).json["data"] == []
    assert not [row for row in client.get(JOBS, {"limit": "200"}).json["data"] if row["kind"] == "event"]


def test_a_failed_job_runs_again_when_told_to(platform: Platform, tenant: Tenant, client: Api, failed: str) -> None:
    things = platform.system(tenant.id).records("probe.thing")
    (thing,) = things.find(())
    things.update(thing["id"], {"name": "mended"})  # type: ignore[arg-type]
    answer = client.post(f"{JOBS}/{failed}/retry")
    assert (answer.status_code, answer.json) == (200, {"id": failed, "state": "waiting", "attempts": 0})
    again = client.post(f"{JOBS}/{failed}/retry")
    assert (again.status_code, again.json["code"]) == (409, "job_not_failed")
    Drain(platform).run_until_empty()
    done = client.get(f"{JOBS}/{failed}").json
    assert (done["state"], done["attempts"], done["error"]) == ("done", 1, None)


def test_nobody_but_an_administrator_sees_or_retries_jobs(client: Api, people: People, failed: str) -> None:
    for person in (people.rep, people.director):
        other = client.as_user(person)
        assert other.get(JOBS).status_code == 403
        assert other.get(f"{JOBS}/{failed}").status_code == 403
        assert other.post(f"{JOBS}/{failed}/retry").status_code == 403
        assert other.get("/api/v1/core/mail/check").status_code == 403


@pytest.mark.feature("B6")
def test_why_work_of_others_failed_is_told_to_who_may_look_into_it(
    client: Api, platform: Platform, tenant: Tenant, people: People, failed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = platform.system(tenant.id)
    role = id_of(system.records("core.role").create({"key": "operator", "name": "Operator"}))
    for name in ("core.job.read", "core.job.retry"):
        system.records("core.grant").create({"role": role, "permission": name, "scope": "all"})
    operator = id_of(
        system.records("core.user").create({"name": "Op", "email": "op@acme.example", "locale": "zh_CN", "roles": ["operator"]})
    )

    def refuse(ctx: Context, arguments: Mapping[str, object]) -> None:
        raise NotFound(_("job {job!r} does not exist"), job=arguments["text"])

    monkeypatch.setitem(platform.catalog.jobs, "probe.remember", replace(platform.catalog.jobs["probe.remember"], run=refuse))
    for person in (operator, people.rep):
        platform.user(tenant.id, person, Channel.API).enqueue("probe.remember", {"text": f"of {person}"})
    Drain(platform).run_until_empty()
    api = client.as_user(operator)
    told = [row["error"] for row in api.get(JOBS, {"handler": "probe.remember"}).json["data"]]
    assert sorted(told, key=str) == [None, f"后台任务 'of {operator}' 不存在"]
    assert {row["error"] for row in client.get(JOBS, {"handler": "probe.remember"}).json["data"]} == {
        f"job 'of {one}' does not exist" for one in (operator, people.rep)
    }, "each reads it in a language of their own"
    assert "told to fail" not in api.get(f"{JOBS}/{failed}").text
    assert api.get(JOBS, {"error[contains]": "told"}).status_code == 400
    system.records("core.grant").create({"role": role, "permission": "core.job.inspect", "scope": "all"})
    assert "told to fail" in api.get(f"{JOBS}/{failed}").text


def test_nobody_writes_jobs(client: Api, failed: str) -> None:
    assert client.post(JOBS, {"name": "x"}).status_code == 405
    assert client.patch(f"{JOBS}/{failed}", {"state": "done"}).status_code == 405
    assert client.delete(f"{JOBS}/{failed}").status_code == 405


def test_another_tenant_sees_none_of_them(client: Api, platform: Platform, make_tenant: MakeTenant, failed: str) -> None:
    other = platform.system(make_tenant("other").id)
    assert other.records("core.job").find(()) == []


def test_a_held_letter_can_be_tried_again(client: Api, platform: Platform, tenant: Tenant) -> None:
    platform.config = replace(platform.config, mail_url="")
    platform.system(tenant.id).mail(Mail("a@b.example", "x", "y"))
    Drain(platform).run_until_empty()
    (row,) = client.get(JOBS, {"state": "held"}).json["data"]
    assert "MAIL_URL" in row["error"]
    assert client.post(f"{JOBS}/{row['id']}/retry").status_code == 200


def test_a_failed_job_is_given_up_and_keeps_its_reason(client: Api, people: People, failed: str) -> None:
    assert client.as_user(people.rep).post(f"{JOBS}/{failed}/give_up").status_code == 403
    answer = client.post(f"{JOBS}/{failed}/give_up")
    assert (answer.status_code, answer.json) == (200, {"id": failed, "state": "skipped", "attempts": 8})
    assert "told to fail" in client.get(f"{JOBS}/{failed}").json["error"]
    assert client.post(f"{JOBS}/{failed}/give_up").json["code"] == "job_not_failed"


@pytest.mark.feature("P33")
def test_schedules_tell_when_they_ran_what_became_of_it_and_when_they_run_next(
    client: Api, platform: Platform, clock: Clock, make_tenant: MakeTenant, people: People
) -> None:
    make_tenant("other")
    run_due(platform)  # they are planned
    clock.move(hours=25)
    run_due(platform)
    rows = {row["name"]: row for row in client.get("/api/v1/core/schedules").json["data"]}
    assert all(row["last_state"] == "waiting" and row["next_at"] > row["last_at"] for row in rows.values()), rows
    assert {row["every"] is None for row in rows.values()} == {row["at"] is not None for row in rows.values()}
    Drain(platform).run_until_empty()
    again = {row["name"]: row for row in client.get("/api/v1/core/schedules").json["data"]}
    assert set(again) == set(rows)
    assert {row["last_state"] for row in again.values()} == {"done"}
    assert client.as_user(people.rep).get("/api/v1/core/schedules").status_code == 403


def test_a_test_letter_that_cannot_be_sent_says_what_is_wrong(client: Api, platform: Platform, people: People) -> None:
    letters = "/api/v1/core/mail/test_letters"
    assert client.post(letters).json["state"] == "mail_not_configured"
    platform.config = replace(platform.config, mail_url="smtp://127.0.0.1:1", mail_from="a@b.example")
    away = client.post(letters).json
    assert (away["state"], away["server"]) == ("mail_unreachable", "127.0.0.1:1")
    assert "127.0.0.1:1 isn’t responding" in away["error"]
    assert client.as_user(people.rep).post(letters).status_code == 403


@pytest.mark.feature("A15")
def test_the_check_of_the_mail_server_names_what_is_wrong(client: Api, platform: Platform) -> None:
    missing = client.get("/api/v1/core/mail/check")
    assert (missing.status_code, missing.json["state"]) == (200, "mail_not_configured")
    platform.config = replace(platform.config, mail_url="smtp://127.0.0.1:1", mail_from="a@b.example")
    away = client.get("/api/v1/core/mail/check")
    assert (away.status_code, away.json["state"], away.json["server"]) == (200, "mail_unreachable", "127.0.0.1:1")
    assert "isn’t responding" in away.json["error"]
