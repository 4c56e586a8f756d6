"""Ready-made reports of work done."""

from __future__ import annotations

from sdk import Report, _

TASK, ACTIVITY, TARGET = "teamwork.task", "teamwork.activity", "teamwork.target"
REPORTS = (
    Report("activities_by_person", _("Activities by person and kind"), ACTIVITY, ("count",), ("owner", "kind"), ("state=done",), "starts_at"),
    Report("activities_by_month", _("Activities by month"), ACTIVITY, ("count",), ("starts_at:month", "kind"), ("state=done",), "starts_at", "line"),
    Report("tasks_on_time", _("Tasks done on time"), TASK, ("count",), ("owner", "timeliness"), ("state=done",), "done_at"),
    Report("targets_by_month", _("Targets by month"), TARGET, ("sum:amount",), ("period_start:month", "person"),
           ("period=month", "measure=won_amount"), "period_start", "line"),
)  # fmt: skip
