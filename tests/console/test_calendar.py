"""Calendars: what stands on which day, and what a drag to another day changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.context import Work
from core.testkit.fixtures import Api, People
from plugins.console import calendar
from sdk.context import id_of
from tests.console.site import Look, Site


def on_days(page: Look) -> dict[str, list[str]]:
    """What stands on each day that has something."""
    days = {
        day.get("data-lane"): [a.text_content().strip() for a in day.xpath(".//li[@data-card]/a[1]")] for day in page.all("//*[@data-lane]")
    }
    return {day: names for day, names in days.items() if names}


def test_records_stand_on_the_days_of_the_tenants_zone_in_weeks_that_begin_as_the_tenants_do(site: Site, work: Work) -> None:
    site.api.patch("/api/v1/core/tenant", {"timezone": "Asia/Shanghai", "week_start": 7})
    activities = work.records("teamwork.activity")
    activities.create({"subject": "Late", "starts_at": "2026-03-10T17:00:00Z", "ends_at": "2026-03-12T01:00:00Z"})
    work.records("teamwork.task").create({"subject": "Task", "due_on": "2026-03-10"})
    page = site.get("/teamwork/activities/calendar", {"_on": "starts_at", "_day": "2026-03-01"})
    assert page.status == 200
    assert page.all("//*[@data-lane]/@data-lane")[0] == "2026-03-01"  # a Sunday
    assert on_days(page) == {"2026-03-11": ["Late"], "2026-03-12": ["Late"]}
    assert "1:00\u202fAM" in page.answer.text
    assert on_days(site.get("/teamwork/tasks/calendar", {"_view": "all", "_day": "2026-03-01", "_span": "agenda"})) == {
        "2026-03-10": ["Task"]
    }
    assert on_days(site.get("/teamwork/tasks/calendar", {"_day": "2026-03-01", "q": "nothing"})) == {}
    assert on_days(site.get("/teamwork/activities/calendar", {"_day": "2026-03-12", "_span": "agenda"})) == {"2026-03-12": ["Late"]}
    for wrong in ({"_day": "2026-13-01"}, {"_day": "9999-12-31"}, {"_span": "year"}, {"_on": "subject"}):
        assert site.get("/teamwork/tasks/calendar", wrong).status in (400, 422), wrong


@pytest.mark.feature("D17")
def test_a_drag_to_another_day_keeps_the_time_and_obeys_the_door(site: Site, work: Work, client: Api, people: People) -> None:
    site.api.patch("/api/v1/core/tenant", {"timezone": "Europe/Berlin"})
    activities = work.records("teamwork.activity")
    id = id_of(activities.create({"subject": "Visit", "starts_at": "2026-03-27T08:00:00Z", "ends_at": "2026-03-27T09:30:00Z"}))

    def drop(to: str, who: Site = site) -> Look:
        sent = {"_to": to, "version": ""}
        headers = {"HX-Request": "true", "HX-Target": "board"}
        return Look(who.api.call("POST", f"/console/teamwork/activities/{id}/move?_on=starts_at", data=sent, headers=headers))

    assert drop("2026-03-30").status == 200  # summer time began the day before: nine o'clock it stays
    row = activities.get(id)
    assert str(row["starts_at"]).startswith("2026-03-30") and "07:00" in str(row["starts_at"])
    assert "08:30" in str(row["ends_at"])
    for wrong in ("", "soon", "2026-02-30", "0001-01-01"):
        refused = drop(wrong)
        assert refused.status == 422, wrong
        assert refused.texts("//*[@role='alert']")
    assert drop("2026-04-01", Site(client.as_user(people.rep))).status in (403, 404)
    assert activities.get(id)["starts_at"] == row["starts_at"]


def test_my_calendar_has_my_activities_and_tasks_and_marks_what_is_booked_twice(client: Api, people: People, work: Work) -> None:
    now = work.now()
    for subject, owner in (("One", people.rep), ("Two", people.rep), ("Theirs", people.all_reps[1])):
        span = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(hours=1)).isoformat()}
        work.records("teamwork.activity").create({"subject": subject, "owner": owner, **span})
    work.records("teamwork.task").create({"subject": "Task", "owner": people.rep, "due_on": now.date().isoformat()})
    site = Site(client.as_user(people.rep))
    page = site.get("/teamwork/calendar")
    assert page.heading == "My calendar"
    assert [sorted(names) for names in on_days(page).values()] == [["One", "Task", "Two"]]
    assert len(page.all("//li[contains(@class, 'double')]")) == 2
    assert set(page.all("//li[@data-card]/@data-query")) == {"?_on=starts_at", "?_on=due_on"}
    for view in ("month", "agenda"):
        assert len(on_days(site.get("/teamwork/calendar", {"_span": view}))) == 1


def test_what_began_before_the_page_is_on_it_and_the_last_day_that_there_is_is_one(site: Site, work: Work) -> None:
    site.api.patch("/api/v1/core/tenant", {"timezone": "Asia/Shanghai"})
    work.records("teamwork.activity").create({"subject": "Ever", "starts_at": "2026-03-01T02:00:00Z", "ends_at": "9999-12-31T23:00:00Z"})
    days = on_days(site.get("/teamwork/activities/calendar", {"_day": "2026-05-10", "_span": "week"}))
    assert [*days.values()] == [["Ever"]] * 7
    id = str(work.records("teamwork.activity").find(())[0]["id"])
    headers = {"HX-Request": "true", "HX-Target": "board"}
    answer = site.api.call("POST", f"/console/teamwork/activities/{id}/move?_on=starts_at", data={"_to": "2026-03-05"}, headers=headers)
    assert answer.status_code == 422
    assert (
        site.api.call("POST", f"/console/teamwork/activities/{id}/move?_on=nothing", data={"_to": "done"}, headers=headers).status_code
        == 400
    )


def test_what_begins_in_the_last_minute_that_there_is_ends_in_it(site: Site, work: Work) -> None:
    made = site.post("/teamwork/activities/new", {"subject": "Edge", "kind": "call", "starts_at": "9999-12-31T23:30", "state": "planned"})
    assert made.status == 303, made.texts("//p[@class='problem']/..")
    assert site.get("/teamwork/activities").status == 200


def test_what_is_left_out_of_a_page_is_told_also_where_all_of_it_began_before(
    site: Site, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar, "MOST", 1)
    for subject in ("Fair", "Tour"):
        values = {"subject": subject, "starts_at": "2026-03-01T02:00:00Z", "ends_at": "2026-07-01T02:00:00Z"}
        work.records("teamwork.activity").create(values)
    week = {"_day": "2026-05-10", "_span": "week"}
    assert "There are more than 1" in site.get("/teamwork/activities/calendar", week).text
    monkeypatch.setattr(calendar, "MOST", 2)
    assert "There are more than" not in site.get("/teamwork/activities/calendar", week).text
