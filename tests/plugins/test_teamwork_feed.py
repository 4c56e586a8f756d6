"""The iCalendar feed: what other calendars read is what is in ours, whatever people write."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.testkit.fixtures import Api, People
from plugins.teamwork.feed import escaped, folded
from sdk.context import id_of

PLACE = "/api/v1/teamwork/calendar.ics"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def read(content: bytes) -> list[str]:
    """Unfolded content lines (RFC 5545, 3.1)."""
    assert content.endswith(b"\r\n")
    lines = content.split(b"\r\n")[:-1]
    assert all(len(line) <= 75 for line in lines)
    assert all(b"\n" not in line and b"\r" not in line for line in lines)
    return content.decode().replace("\r\n ", "").split("\r\n")[:-1]


@pytest.mark.feature("J4")
def test_ones_own_activities_and_tasks_are_a_calendar_that_others_read(client: Api, work: Work, people: People) -> None:
    def held(subject: str, owner: UUID, **more: object) -> None:
        said = {"subject": subject, "kind": "visit", "starts_at": "2026-01-20T09:00:00+08:00", "ends_at": "2026-01-20T10:30:00+08:00"}
        work.records("teamwork.activity").create({**said, "owner": owner, **more})

    held("拜访；Alder, Ltd.; hall 5\\6", people.rep, notes="first\nsecond")
    held("off", people.rep, state="cancelled")
    held("theirs", people.manager)
    held("long ago", people.rep, starts_at="2020-01-20T09:00:00Z", ends_at=None)
    work.records("teamwork.task").create({"subject": "Offer", "due_on": "2026-01-21", "priority": "high", "owner": people.rep})
    work.records("teamwork.task").create({"subject": "Done", "due_on": "2026-01-14", "state": "done", "owner": people.rep})
    for subject, state in (("Help them", "open"), ("not any more", "cancelled")):
        helped = {"subject": subject, "due_on": "2026-01-22", "state": state, "owner": people.manager, "helpers": [str(people.rep)]}
        work.records("teamwork.task").create(helped)
    answer = client.as_user(people.rep).get(PLACE)
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    lines = read(answer.data)
    assert (lines[:2], lines[-1]) == (["BEGIN:VCALENDAR", "VERSION:2.0"], "END:VCALENDAR")
    assert [line for line in lines if line.startswith("SUMMARY")] == [
        "SUMMARY:拜访；Alder\\, Ltd.\\; hall 5\\\\6", "SUMMARY:off", "SUMMARY:Offer", "SUMMARY:Done", "SUMMARY:Help them",
    ]  # fmt: skip
    for line in (
        "DTSTART:20260120T010000Z", "DTEND:20260120T023000Z", "DESCRIPTION:first\\nsecond", "STATUS:CANCELLED", "DUE;VALUE=DATE:20260121", "PRIORITY:1",
        "STATUS:COMPLETED", "STATUS:NEEDS-ACTION",
    ):  # fmt: skip
        assert line in lines, line
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 2
    ids = [line for line in lines if line.startswith("UID:")]
    assert len(set(ids)) == 5
    assert client.anonymous().get(PLACE).status_code == 401


@pytest.mark.feature("B5")
def test_what_a_role_does_not_see_is_left_out_of_the_calendar(client: Api, work: Work, people: People) -> None:
    said = {
        "subject": "Visit",
        "kind": "visit",
        "starts_at": "2026-01-20T09:00:00Z",
        "ends_at": "2026-01-20T10:30:00Z",
        "owner": people.rep,
    }
    work.records("teamwork.activity").create({**said, "notes": "secret"})
    work.records("teamwork.task").create({"subject": "Offer", "due_on": "2026-01-21", "priority": "high", "owner": people.rep})
    role = id_of(work.records("core.role").create({"key": "narrow", "name": "Narrow"}))
    for entity, fields in (("activity", ["owner", "starts_at"]), ("task", ["owner", "due_on", "state"])):
        grant = {"permission": f"teamwork.{entity}.read", "scope": "own", "only_fields": fields}
        work.records("core.grant").create({"role": str(role), **grant})
    work.records("core.user").update(people.rep, {"roles": ["narrow"]})
    answer = client.as_user(people.rep).get(PLACE)
    assert answer.status_code == 200
    lines = read(answer.data)
    assert {line for line in lines if line.startswith("DT")} == {"DTSTART:20260120T090000Z", "DTSTAMP:20260115T120000Z"}
    assert "STATUS:NEEDS-ACTION" in lines
    assert not [line for line in lines if line.startswith(("SUMMARY", "DESCRIPTION", "PRIORITY", "CATEGORIES", "LAST-MODIFIED"))]


@given(TEXT)
def test_what_is_escaped_and_folded_is_read_back(text: str) -> None:
    value = escaped(text)
    lines = folded(f"SUMMARY:{value}")
    assert all(len(line.encode()) <= 75 for line in lines)
    whole = "".join([lines[0], *(line[1:] for line in lines[1:])])
    assert whole == f"SUMMARY:{value}"
    parts, at = list[str](), 0
    while at < len(value):
        if value[at] == "\\":
            parts.append({"n": "\n"}.get(value[at + 1], value[at + 1]))
            at += 2
        else:
            assert value[at] not in ";,\n\r"
            parts.append(value[at])
            at += 1
    expected = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    assert "".join(parts) == "".join(one for one in expected if one == "\n" or (ord(one) >= 32 and ord(one) != 127))
