"""Forecasts as pages: the pipeline against the targets, the series with their runs, and one run with all that it rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.forecast import chart, outlook, routes, runs, sight
from plugins.forecast.keeping import RESULT
from plugins.forecast.tables import ALGORITHMS, ASSUMPTIONS, BASES, FACTOR_VERDICTS, REASONS, STATES, VERDICTS
from plugins.forecast.weighted import DEAL, SPLITS
from sdk import BadRequest, Context, ForecastModel, NotFound, PageRequest, PageRoute, Query, Redirect, Rendering, _, where
from sdk.context import Row, id_of

AT = "/forecast/outlook"
SERIES, CARD = "forecast.series", "forecast.model_card"
MOST = 100
GRAINS = {"month": _("By month"), "quarter": _("By quarter")}
SPLIT_WORDS = {"": _("Overall"), "person": _("By person"), "team": _("By team"), "product": _("By product")}


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The pipeline, and all series with their last run."""
    grain, by = request.asked("grain", "month"), request.asked("by")
    if grain not in GRAINS or by not in ("", *SPLITS):
        raise BadRequest(_("expected grain month or quarter, and by one of {names}"), names=", ".join(SPLITS))
    pipeline = None
    if ctx.offers(DEAL) and ctx.can(f"{DEAL}.read"):
        start, end = outlook.span(today(ctx), grain, *((2, 6) if grain == "month" else (1, 3)))
        answer = outlook.asked(ctx, start, end, grain, by)
        groups = cast("Sequence[Mapping[str, object]]", answer["groups"])
        pipeline = {
            "chart": outlook.chart(ctx, answer), "lines": outlook.lines(ctx, answer), "total": outlook.totals(answer), "raw": answer,
            "groups": [
                {**group, "total": outlook.group_total(group, str(answer["currency"])), **outlook.ways(ctx, answer, group=group)} for group in groups
            ], **outlook.ways(ctx, answer),
            "overdue_at": outlook.deals(ctx, ("status", "open"), ("close_date[lt]", str(answer["today"]))),
            "blank": outlook.is_blank(answer),
            "undated_at": outlook.deals(ctx, ("status", "open"), ("close_date[empty]", "true")),
            "unpriced_at": outlook.deals(ctx, ("status", "open"), ("base_amount[empty]", "true")),
            "unlikely_at": outlook.deals(ctx, ("status", "open"), ("probability[empty]", "true")),
        }  # fmt: skip
    return Rendering(
        "forecast/outlook.html",
        {
            "pipeline": pipeline, "grain": grain, "by": by, "grains": _said(ctx, GRAINS), "splits": _splits(ctx),
            "series": _series(ctx), "may_run": ctx.can(routes.START), "card": _card(ctx), "may_train": ctx.can(routes.TRAIN) and ctx.offers(DEAL),
            "may_add": ctx.can(f"{SERIES}.create"),
        },
    )  # fmt: skip


def today(ctx: Context) -> date:
    """The day in the tenant's zone."""
    return ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone)).date()


def _splits(ctx: Context) -> list[tuple[str, str]]:
    """By what the pipeline may be split here: without a catalogue deals have no product."""
    there = ctx.records(DEAL).fields() if ctx.offers(DEAL) and ctx.can(f"{DEAL}.read") else {}
    return [(key, word) for key, word in _said(ctx, SPLIT_WORDS) if not key or SPLITS[key].partition(".")[0] in there]


def _said(ctx: Context, words: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(key, ctx.say(word)) for key, word in words.items()]


def _series(ctx: Context) -> list[dict[str, object]]:
    """The series that one may see, of what the tenant has at present, each with the newest run that one may see."""
    if not ctx.can(f"{SERIES}.read"):
        return []
    found = list[dict[str, object]]()
    for row in ctx.records(SERIES).query(Query((), ("name",), ("id", "name", "entity", "measure", "grain"), limit=MOST)).data:
        if not ctx.offers(str(row["entity"])):
            continue
        last = (
            ctx.records(runs.RUN).query(Query(where(series=row["id"]), ("-created_at",), limit=1)).data
            if ctx.can(f"{runs.RUN}.read")
            else []
        )
        state = str(last[0]["state"]) if last else ""
        found.append({"series": row, "run": last[0] if last else None, "state": ctx.say(STATES[state]) if state else "", "key": state})
    return found


def _card(ctx: Context) -> dict[str, object] | None:
    """What the win probabilities rest on now."""
    if not ctx.can(f"{CARD}.read"):
        return None
    rows = ctx.records(CARD).query(Query((), ("-trained_at",), limit=1)).data
    if not rows:
        return None
    row = rows[0]
    words = (("basis", BASES), ("reason", REASONS), ("algorithm", ALGORITHMS))
    return {"row": row, **{name: ctx.say(said[str(row[name])]) for name, said in words if str(row.get(name)) in said}}


def act(ctx: Context, request: PageRequest) -> Redirect:
    """Start a run of a series, or learn win probabilities anew; both go on in the background."""
    prefix = request.address.partition("/forecast/")[0]
    if request.typed("act") == "train":
        ctx.require(routes.TRAIN)
        ctx.enqueue("forecast.train", {})
        return Redirect(prefix + AT)
    ctx.require(routes.START)
    run = runs.start(ctx, PageRequest(address="", path={"id": request.typed("series")}).id())
    return Redirect(f"{prefix}{AT}/{run['id']}")


# --- a run -----------------------------------------------------------------------------------------------------------


def show_run(ctx: Context, request: PageRequest) -> Rendering:
    """One run: how far it is, its chart, the model and why, and whether each factor helped."""
    run = ctx.records(runs.RUN).get(request.id())
    hidden = not sight.sees(ctx, request.id())
    # They come as they were made, in order of their keys: what some see of no run is nothing to sort by.
    results = () if hidden else ctx.records(RESULT).query(Query(where(run=run["id"]), ("created_at", "id"), limit=MOST)).data
    by, wanted = next(((name, word) for name, word in (("id", request.asked("result")), ("key", request.asked("key"))) if word), ("id", ""))
    result = next((row for row in results if not wanted or str(row[by]) == wanted), None)
    if wanted and result is None:
        raise NotFound(_("the run has no series {key!r} (yet)"), key=wanted[:80])
    return Rendering(
        "forecast/run.html",
        {
            "run": {**run, **_periods(ctx, run)}, "hidden": hidden, "state": ctx.say(STATES[str(run["state"])]),
            "alive": run["state"] in runs.ALIVE, "results": results, "result": result,
            "detail": None if result is None else _detail(ctx, run, result), "may_run": ctx.can(routes.START),
        },
    )  # fmt: skip


def _periods(ctx: Context, run: Row) -> dict[str, object]:
    """The last whole period of a run and the one under way, as people read them."""
    return {name: ctx.period(str(run[name])) for name in ("through", "left_out") if run.get(name)}


def _detail(ctx: Context, run: Row, result: Row) -> dict[str, object]:
    id = UUID(str(result["id"]))
    points = ctx.records("forecast.point").query(Query(where(result=id), ("step",), limit=MOST)).data
    verdicts = ctx.records("forecast.factor_verdict").query(Query(where(result=id), ("factor",), limit=MOST)).data
    return {
        "chart": chart.specification(ctx, run, result=id),
        "points": [{**point, "period": ctx.period(str(point["period"]))} for point in points],
        "why": ctx.say(VERDICTS[str(result["verdict"])]),
        "models": _models(ctx, id, result), "model": _model_names(ctx).get(str(result.get("model")), result.get("model")),
        "intervals": any(row.get("low_80") is not None for row in points),
        "factors": [
            {**row, "said": ctx.say(FACTOR_VERDICTS[str(row["verdict"])]), "assumed": ctx.say(ASSUMPTIONS[str(row["assumption"])])} for row in verdicts
        ],
    }  # fmt: skip


def _models(ctx: Context, result: UUID, row: Row) -> list[dict[str, object]]:
    """The models that were tried, the best first."""
    kept = ctx.records("forecast.backtest").query(Query(where(result=result), limit=1)).data
    tried = json.loads(str(kept[0]["models"]))["tried"] if kept and kept[0].get("models") else []
    names = _model_names(ctx)
    return [{**one, "name": names.get(one["model"], one["model"]), "taken": one["model"] == row.get("model")} for one in tried]


def _model_names(ctx: Context) -> dict[str, str]:
    return {one.full_key: ctx.say(one.label) for one in ctx.declared(ForecastModel)}


def act_on_run(ctx: Context, request: PageRequest) -> Redirect:
    """Stop a run, or run its series once more."""
    prefix = request.address.partition("/forecast/")[0]
    ctx.require(routes.START)
    if request.typed("act") == "cancel":
        runs.cancel(ctx, request.id())
        return Redirect(f"{prefix}{AT}/{request.id()}")
    run = ctx.records(runs.RUN).get(request.id(), fields=("series",))
    return Redirect(f"{prefix}{AT}/{id_of(runs.start(ctx, UUID(str(run['series']))))}")


PAGES = (
    PageRoute("outlook", path="/outlook", title=_("Forecast"), permission=routes.LOOK, view=show, submit=act),
    PageRoute("one_run", path="/outlook/{id}", title=_("Run"), permission="forecast.run.read", view=show_run, submit=act_on_run),
)
