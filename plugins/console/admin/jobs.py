"""Work in the background: how much waits, what has failed, to be tried again or given up, and what runs by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any, cast

from babel.dates import get_day_names

from plugins.console.cells import Titles, cell
from plugins.console.registry import PREFIX, Kind, called, kind_of
from sdk import BadRequest, Condition, Context, PageRequest, PageRoute, Query, Redirect, Refusal, Rendering, _
from sdk.context import Row
from sdk.pages import told
from sdk.routes import record_id

HERE = f"{PREFIX}/admin/jobs"
JOB = "core.job"
_FAILED = ("dead", "held")
_TONES = {"dead": "bad", "held": "warm", "waiting": "info", "done": "good", "skipped": ""}
_FEW, _MANY = 50, 500
_ACTS = ("retry", "give_up")


def show(ctx: Context, request: PageRequest) -> Rendering:
    """How much there is of each state, what has failed, what waits, and the schedules."""
    return _page(ctx, request)


def submit(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Try the chosen jobs again, or give them up; all or none."""
    act = request.typed("do")
    if act not in _ACTS:
        raise BadRequest(_("expected act to be one of {known}"), known=", ".join(_ACTS))
    try:
        count = tried(ctx, request, act)
    except Refusal as refusal:
        return _page(ctx, request, refusal)
    return Redirect(f"{HERE}?{act}={count}")


def tried(ctx: Context, request: PageRequest, act: str) -> int:
    """Try what was chosen of `stuck` again, or give it up, and say how many jobs that was; raises Refusal, and then all stay as they are."""
    ids = [record_id(id) for chosen in request.chosen("job") for id in chosen.split(",")]
    for id in ids:
        ctx.api("POST", f"/api/v1/core/jobs/{id}/{act}")
    return len(ids)


def _page(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    kind = kind_of(ctx, JOB)
    values = {
        "failed": stuck(ctx), "waiting": _jobs(kind, ("waiting",)), "states": _states(kind), "schedules": _schedules(kind),
        "problems": told(ctx, refusal), "may": ctx.can("core.job.retry"), "here": HERE, "few": _FEW, "all": kind.path,
        "done": {name: request.asked(name) if refusal is None and request.asked(name).isdigit() else "" for name in _ACTS},
    }  # fmt: skip
    return Rendering("console/admin_jobs.html", values, 200 if refusal is None else refusal.status)


def stuck(ctx: Context) -> list[Mapping[str, Any]]:
    """What has failed or is held, the latest first: what went wrong alike stands in one row, with the `ids` of all and since when."""
    rows = dict[tuple[object, ...], dict[str, Any]]()
    for job in _jobs(kind_of(ctx, JOB), _FAILED, _MANY):
        same = rows.setdefault((job["state"], job["name"], job["what"], job["why"]), {**job, "ids": []})
        same["ids"].append(job["id"])
        same["created_at"] = job["created_at"]
    return list(rows.values())


def _jobs(kind: Kind, states: tuple[str, ...], most: int = _FEW) -> list[Mapping[str, Any]]:
    page = kind.ctx.records(JOB).query(Query(filter=(Condition("state", "in", states),), sort=("-created_at",), limit=most))
    return [
        {**in_words(kind.ctx, row), "said": _said(kind, str(row["state"])), "tone": _TONES.get(str(row["state"]), "")} for row in page.data
    ]


def in_words(ctx: Context, row: Row) -> dict[str, Any]:
    """A piece of work with what people call it, and with what went wrong in the reader's language where that is a sentence of ours."""
    error = str(row.get("error") or "")
    what = ctx.called(str(row.get("handler") or row.get("name") or ""))
    said = error if "{" in error else ctx.say(error)
    return {**row, "what": what, "why": said[:1].upper() + said[1:]}


def _said(kind: Kind, state: str) -> str:
    return cell(kind, "state", {"state": state}, Titles({})).text if state else ""


def _states(kind: Kind) -> list[tuple[str, str, int]]:
    """Each state with its name and how many there are in it."""
    rows = kind.ctx.records(JOB).aggregate(["count"], ["state"])
    counts = {str(row["state"]): cast("int", row["count"]) for row in rows}
    return [(state, _said(kind, state), counts.get(state, 0)) for state in _TONES]


def _schedules(kind: Kind) -> list[Mapping[str, Any]]:
    answer = cast("Mapping[str, list[dict[str, Any]]]", kind.ctx.api("GET", "/api/v1/core/schedules"))
    return [
        {**one, "what": kind.ctx.called(one["name"]), "of": called(kind.ctx, one["plugin"]),
         "when": _when(kind.ctx, one), "said": _said(kind, one["last_state"] or ""),
         "tone": _TONES.get(one["last_state"] or "", "")}
        for one in answer["data"]
    ]  # fmt: skip


def _when(ctx: Context, one: Mapping[str, Any]) -> str:
    """How often a schedule runs, in words."""
    if one["every"] is not None:
        minutes = one["every"] // 60
        return (
            ctx.say(_("Every {count} h"), {"count": minutes // 60})
            if minutes % 60 == 0
            else ctx.say(_("Every {count} min"), {"count": minutes})
        )
    at = ctx.written(time.fromisoformat(one["at"]))
    names = get_day_names("abbreviated", locale=ctx.locale)
    days = ctx.say(_(", ")).join(str(names[day - 1]) for day in one["weekdays"])
    return ctx.say(_("{days} at {time}"), {"days": days, "time": at}) if days else ctx.say(_("Daily at {time}"), {"time": at})


PAGES = (PageRoute("jobs", path="/admin/jobs", title=_("Jobs and schedules"), permission="core.job.read", view=show, submit=submit),)
