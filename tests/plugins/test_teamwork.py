"""Tasks, activities, comments and files about any record, and who sees them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.teamwork import files
from plugins.teamwork.calendar import entries, overdue
from plugins.teamwork.demo import fill
from sdk import Invalid, Tenant, where
from sdk.context import id_of
from sdk.files import clean_name, last_name
from tests.plugins.process import Process

API = "/api/v1/teamwork"
type_work_as = Callable[..., Work]


@pytest.fixture
def account(work: Work, people: People) -> UUID:
    """An account of the first representative."""
    return id_of(work.records("customers.account").create({"name": "Alder", "owner": people.rep}))


@pytest.mark.feature("J1")
def test_when_a_task_was_done_is_kept_and_taken_back(client: Api, account: UUID) -> None:
    made = client.post(f"{API}/tasks", {"subject": "Call back", "about": f"customers.account:{account}", "due_on": "2026-03-31"}).json
    assert (made["state"], made["done_at"], made["priority"]) == ("open", None, "normal")
    done = client.patch(f"{API}/tasks/{made['id']}", {"state": "done"}).json
    assert done["done_at"] is not None
    assert client.patch(f"{API}/tasks/{made['id']}", {"state": "open"}).json["done_at"] is None
    assert client.patch(f"{API}/tasks/{made['id']}", {"done_at": "2026-01-01T00:00:00Z"}).status_code == 422
    listed = client.get(f"{API}/tasks", {"about": f"customers.account:{account}", "state": "open"}).json["data"]
    assert [row["id"] for row in listed] == [made["id"]]


@pytest.mark.feature("J1")
def test_a_task_is_overdue_when_its_day_is_over_where_the_tenant_is(make_tenant: MakeTenant, work_as: type_work_as, clock: Clock) -> None:
    clock.now = datetime(2026, 3, 31, 20, tzinfo=UTC)  # already the first of April in Shanghai
    found = {}
    for zone in ("UTC", "Asia/Shanghai"):
        work = work_as(of=make_tenant(timezone=zone))
        for day, state in ((31, "open"), (30, "open"), (29, "done")):
            work.records("teamwork.task").create({"subject": f"{day}", "due_on": date(2026, 3, day), "state": state})
        found[zone] = [row["subject"] for row in overdue(work)]
    assert found == {"UTC": ["30"], "Asia/Shanghai": ["30", "31"]}


@pytest.mark.feature("J4")
def test_a_calendar_shows_the_days_of_the_tenant_and_who_is_booked_twice(client: Api, people: People, work: Work) -> None:
    def held(subject: str, start: str, end: str | None, owner: UUID) -> None:
        work.records("teamwork.activity").create({"subject": subject, "kind": "visit", "starts_at": start, "ends_at": end, "owner": owner})

    held("a", "2026-03-31T09:00:00Z", "2026-03-31T10:00:00Z", people.rep)
    held("b", "2026-03-31T09:30:00Z", None, people.rep)
    held("c", "2026-03-31T09:30:00Z", "2026-03-31T09:45:00Z", people.manager)
    held("d", "2026-03-31T10:30:00Z", "2026-03-31T11:00:00Z", people.rep)
    held("e", "2026-04-01T00:00:00Z", None, people.rep)
    work.records("teamwork.task").create({"subject": "t", "due_on": "2026-03-31", "owner": people.rep, "helpers": [str(people.manager)]})
    shown = client.get(f"{API}/calendar", {"from": "2026-03-31", "to": "2026-03-31"}).json["data"]
    assert [(row["subject"], row["overlaps"]) for row in shown] == [("a", True), ("b", True), ("c", False), ("d", False), ("t", False)]
    mine = client.get(f"{API}/calendar", {"from": "2026-03-31", "to": "2026-04-01", "owner": str(people.manager)}).json["data"]
    assert [row["subject"] for row in mine] == ["c", "t"], "one's own, and what one helps with"
    for first, last in (
        ("2026-03-31", "2026-03-30"),
        ("2026-01-01", "2026-04-30"),
        ("9999-12-31", "9999-12-31"),
        ("0001-01-01", "0001-01-01"),
    ):
        assert client.get(f"{API}/calendar", {"from": first, "to": last}).status_code == 422


@pytest.mark.feature("J4")
def test_who_books_somebody_of_another_team_twice_is_warned_and_reads_of_it_what_he_may(client: Api, people: People, work: Work) -> None:
    owner, stranger = people.reps[0][0], client.as_user(people.reps[1][0])
    (role,) = work.records("core.role").find(where(key="sales_rep"))
    work.records("core.grant").create({"role": id_of(role), "permission": "teamwork.activity.create", "scope": "all"})

    def asked(subject: str, start: str, end: str, by: Api) -> Any:
        values = {"subject": subject, "starts_at": f"2026-03-31T{start}:00Z", "ends_at": f"2026-03-31T{end}:00Z", "owner": str(owner)}
        return by.post(f"{API}/activities", values)

    secret = asked("secret", "09:30", "10:00", client.as_user(people.manager))
    assert "warnings" not in secret.json
    assert "warnings" not in asked("after it", "10:00", "10:30", client.as_user(people.manager)).json
    told = asked("x", "09:00", "09:45", stranger)
    assert told.status_code == 201, told.text
    assert told.json["warnings"] == [{"code": "double_booked", "detail": "double-booked: busy 09:30–10:00"}]
    place = f"{API}/activities/{secret.json['id']}"
    moved = client.as_user(people.manager).patch(place, {"starts_at": "2026-03-31T09:40:00Z"}).json
    assert [one["detail"] for one in moved["warnings"]] == ["double-booked: busy 09:00–09:45 x; 10:00–10:30 after it"]
    assert client.as_user(people.manager).delete(place).status_code == 204
    back = client.as_user(people.manager).post(f"{place}/restore").json
    assert back["warnings"] == moved["warnings"], "it takes its time again"
    assert "warnings" not in client.as_user(people.manager).patch(place, {"subject": "quiet"}).json, "nothing of its time has changed"
    for who, busy in ((people.manager, ["09:00–09:45 x", "10:00–10:30 after it"]), (people.managers[1], None)):
        rows = client.as_user(who).get(f"{API}/calendar", {"from": "2026-03-31", "to": "2026-03-31"}).json["data"]
        assert next((row["busy"] for row in rows if row["subject"] == "quiet"), None) == busy
    page = client.as_user(people.manager).get(f"/console/teamwork/activities/{secret.json['id']}").text
    assert "busy 09:00–09:45 x" in page


@pytest.mark.feature("J4")
def test_what_is_booked_twice_beyond_the_days_that_are_shown_is_marked(work: Work, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    for start, end in (("2026-03-30T23:00:00Z", "2026-03-31T02:00:00Z"), ("2026-03-30T23:30:00Z", "2026-03-30T23:45:00Z")):
        work.records("teamwork.activity").create({"subject": start, "starts_at": start, "ends_at": end, "owner": people.rep})
    assert [row["overlaps"] for row in entries(work, date(2026, 3, 31), date(2026, 3, 31), None)] == [True]
    monkeypatch.setattr("plugins.teamwork.calendar.MOST", 1)
    with pytest.raises(Invalid, match="more than 1 entries"):
        entries(work, date(2026, 3, 30), date(2026, 3, 31), None)


@pytest.mark.feature("J4")
def test_what_runs_over_midnight_is_on_both_days(make_tenant: MakeTenant, work_as: type_work_as) -> None:
    work = work_as(of=make_tenant(timezone="Asia/Shanghai"))
    start = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)  # 23:30 in Shanghai
    work.records("teamwork.activity").create({"subject": "late", "starts_at": start, "ends_at": start + timedelta(hours=2)})
    days = [date(2026, 3, day) for day in (30, 31)] + [date(2026, 4, day) for day in (1, 2)]
    assert [len(entries(work, day, day, None)) for day in days] == [0, 1, 1, 0]


@pytest.mark.feature("J4")
def test_an_activity_ends_after_it_starts_and_keeps_its_length_when_moved(client: Api, account: UUID) -> None:
    said = {"subject": "Visit", "kind": "visit", "starts_at": "2026-03-31T09:00:00Z", "about": f"customers.account:{account}"}
    made = client.post(f"{API}/activities", said).json
    assert made["ends_at"] == "2026-03-31T10:00:00Z"
    moved = client.patch(f"{API}/activities/{made['id']}", {"starts_at": "2026-04-01T12:00:00Z"}).json
    assert moved["ends_at"] == "2026-04-01T13:00:00Z"
    refused = client.patch(f"{API}/activities/{made['id']}", {"ends_at": "2026-04-01T11:00:00Z"})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "before_start")


@pytest.mark.feature("J2")
def test_a_comment_is_seen_with_its_record_and_changed_by_its_author_alone(client: Api, account: UUID, people: People) -> None:
    rep, manager, stranger = (client.as_user(one) for one in (people.rep, people.manager, people.reps[1][0]))
    said = {"about": f"customers.account:{account}", "body": "They decide next week."}
    made = rep.post(f"{API}/comments", said)
    assert made.status_code == 201, made.text
    place = f"{API}/comments/{made.json['id']}"
    assert manager.get(place).json["body"] == said["body"]
    assert stranger.get(place).status_code == 404
    assert stranger.post(f"{API}/comments", said).status_code == 422
    assert manager.patch(place, {"body": "x"}).status_code == 409
    assert manager.delete(place).status_code == 409
    assert rep.patch(place, {"body": "They decided."}).status_code == 200
    assert rep.delete(place).status_code == 204


@pytest.mark.feature("J2")
def test_whoever_may_read_a_record_says_something_about_it_and_adds_no_parts_to_it(
    client: Api, account: UUID, people: People, work: Work
) -> None:
    rep, colleague, stranger = (client.as_user(one) for one in (people.rep, people.reps[0][1], people.reps[1][0]))
    said = {"about": f"customers.account:{account}", "body": "I know them. Ask @[rep00]."}
    assert client.as_user(people.reps[0][1]).patch(f"/api/v1/customers/accounts/{account}", {"name": "x"}).status_code == 403
    made = colleague.post(f"{API}/comments", said)
    assert (made.status_code, made.json["owner"]) == (201, str(people.reps[0][1])), made.text
    own, other = f"{API}/comments/{made.json['id']}", f"{API}/comments/{rep.post(f'{API}/comments', said).json['id']}"
    asked = {"action": "teamwork.comment.update", "user": str(people.reps[0][1])}
    for place, status, allowed in ((own, 200, True), (other, 403, False)):
        assert colleague.patch(place, {"body": "I know them well."}).status_code == status
        told = client.get("/api/v1/core/explanations", {**asked, "record": place.rpartition("/")[2]}).json
        assert (told["allowed"], told["reason"]) == (allowed, "granted" if allowed else "out_of_reach")
    assert (colleague.delete(other).status_code, colleague.delete(own).status_code, rep.delete(other).status_code) == (403, 204, 204)
    assert colleague.post(f"{API}/comments", {**said, "owner": str(people.rep)}).status_code == 403, "nobody speaks in another's name"
    assert sent(colleague, account, b"x", "x.txt")[0] == 403, "a file is part of the record"
    assert stranger.post(f"{API}/comments", said).status_code == 422
    work.records("core.share").create({"record": said["about"], "user": people.reps[1][0], "access": "read"})
    assert stranger.post(f"{API}/comments", said).status_code == 201
    for key in ("sales_rep", "everybody"):  # each of the roles by which he reads anything
        role = id_of(work.records("core.role").find(where(key=key))[0])
        work.records("core.grant").create({"role": str(role), "permission": "teamwork.comment.create", "scope": "none"})
    assert colleague.post(f"{API}/comments", said).status_code == 403, "a role may say otherwise"


def sent(api: Api, account: UUID, content: bytes, name: str) -> tuple[int, dict[str, object]]:
    data = {"about": f"customers.account:{account}", "file": (BytesIO(content), name)}
    answer = api.call("POST", f"{API}/uploads", data=data, content_type="multipart/form-data")
    return answer.status_code, answer.json


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("合同 2026.pdf", "attachment; filename=2026.pdf; filename*=UTF-8''%E5%90%88%E5%90%8C%202026.pdf"),
        ("合同", "attachment; filename=file; filename*=UTF-8''%E5%90%88%E5%90%8C"),
        ("Müller's offer.pdf", "attachment; filename=\"Muller's offer.pdf\"; filename*=UTF-8''M%C3%BCller%27s%20offer.pdf"),
        ("plain offer.pdf", 'attachment; filename="plain offer.pdf"'),
    ],
)
def test_a_file_keeps_its_name_in_any_language_in_a_header_that_a_server_sends(client: Api, account: UUID, name: str, header: str) -> None:
    _status, made = sent(client, account, b"content", name)
    assert made["name"] == name
    assert client.get(f"{API}/files/{made['id']}/content").headers["Content-Disposition"] == header


@pytest.mark.feature("J2")
def test_a_file_comes_back_as_it_was_for_those_who_see_its_record(client: Api, account: UUID, people: People) -> None:
    content = b"<html>\x00offer"
    status, made = sent(client.as_user(people.rep), account, content, "..\\..\\offer.html")
    assert (status, made["name"], made["size"], made["sha256"]) == (201, "offer.html", len(content), hashlib.sha256(content).hexdigest())
    place = f"{API}/files/{made['id']}/content"
    got = client.as_user(people.manager).get(place)
    assert (got.status_code, got.data) == (200, content)
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert client.as_user(people.reps[1][0]).get(place).status_code == 404
    assert client.get(f"{API}/files", {"about": f"customers.account:{account}"}).json["data"][0]["name"] == "offer.html"


@pytest.mark.feature("B5")
def test_a_file_is_not_given_to_a_role_that_does_not_see_its_name(client: Api, account: UUID, work: Work, people: People) -> None:
    _status, made = sent(client, account, b"content", "secret name.pdf")
    role = id_of(work.records("core.role").create({"key": "narrow", "name": "Narrow"}))
    grant = {"permission": "teamwork.file.read", "scope": "all", "only_fields": ["content", "media_type"]}
    work.records("core.grant").create({"role": str(role), **grant})
    work.records("core.user").update(people.rep, {"roles": ["narrow"]})
    refused = client.as_user(people.rep).get(f"{API}/files/{made['id']}/content")
    assert (refused.status_code, refused.json["code"], refused.json["detail"]) == (
        403, "field_forbidden", "you don’t have access to the field 'name'",
    )  # fmt: skip


def test_a_file_that_is_too_large_or_about_nothing_leaves_nothing_behind(
    client: Api, account: UUID, people: People, monkeypatch: pytest.MonkeyPatch, tenant: Tenant, work: Work
) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 3)
    assert sent(client, account, b"four", "x.txt")[0] == 413
    assert sent(client.as_user(people.reps[1][0]), account, b"4", "x.txt")[0] == 422
    folder = work.platform.config.home / "files" / tenant.id.hex
    assert (list(folder.iterdir()) if folder.exists() else []) == []
    assert client.post(f"{API}/files", {"about": f"customers.account:{account}", "name": "x"}).status_code == 405


@pytest.mark.feature("P7")
def test_files_go_with_the_data_of_the_plugin_those_in_the_recycle_bin_too(client: Api, account: UUID, tenant: Tenant, work: Work) -> None:
    for name in ("kept.txt", "deleted.txt"):
        status, made = sent(client, account, b"x", name)
        assert status == 201, made
    assert client.delete(f"{API}/files/{made['id']}").status_code == 204
    folder = work.platform.config.home / "files" / tenant.id.hex
    assert len(list(folder.iterdir())) == 2
    assert lifecycle.farewell(work.platform, tenant.id, ["teamwork"]) == []
    assert list(folder.iterdir()) == []


@given(st.text(max_size=300))
def test_the_name_of_a_file_is_never_a_path(name: str) -> None:
    cleaned = last_name(name)
    assert 1 <= len(cleaned) <= 180
    assert not set(cleaned) & set('/\\\x00\n:<>|"?*')
    assert cleaned not in (".", "..")
    assert clean_name(name) == clean_name(clean_name(name)), "clean once is clean"


def test_sample_data_is_about_what_is_there(work: Work, process: Process, account: UUID) -> None:
    work.records("pipeline.deal").create({"name": "Deal", "account": account})
    fill(work, Random(1), 3)
    assert {row["about"] for row in work.records("teamwork.activity").aggregate(["count"], ["about"])} == {
        "customers.account",
        "pipeline.deal",
    }
    assert len(work.records("teamwork.task").find(())) == 2 + 3 + 3 * 9 * 5, (
        "around today, three for two people, and five a month of each person in a team"
    )
    assert {row["state"] for row in work.records("teamwork.evaluation").find(())} == {"open", "closed"}
