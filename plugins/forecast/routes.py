"""The acts of forecasting: run, cancel, look, train, and the weighted pipeline."""

from __future__ import annotations

import json
from datetime import date
from typing import cast
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.forecast import chart, runs, weighted
from plugins.forecast.keeping import RESULT
from plugins.forecast.tables import BASES
from sdk import Context, NotFound, Query, Request, Response, Route, _, where
from sdk.context import id_of, shown

START, TRAIN, LOOK = "forecast.run.start", "forecast.model.train", "forecast.pipeline.look"
_RECORD = {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}, "required": ["id"]}
_OBJECT = {"type": "object"}
FEATURES = {
    "stage": _("Stage"), "source": _("Source"), "product": _("Product"), "tier": _("Account class"), "industry": _("Industry"),
    "amount": _("Amount"), "days_in_stage": _("Days in this stage"), "days_open": _("Days open"), "owner_history": _(
        "Owner’s earlier deals"
    ),
    "account_history": _("Account’s earlier purchases"), "activities": _("Activities"),
}  # fmt: skip


RESTS_ON = {
    "stage": "stage", "source": "source", "product": "product", "tier": "tier", "industry": "industry", "amount": "base_amount",
    "days_in_stage": "stage_since", "days_open": "opened_on", "owner_history": "owner", "account_history": "account", "activities": "id",
}  # fmt: skip
"""The field of the deal, or of its account, by which a feature is known."""
WORDS = ("source", "product", "tier", "industry")
ACCOUNT = "customers.account"


class PipelineQuery(Schema):
    """From one day's period to another's, both included; the next year without them."""

    start = fields.Date(data_key="from", load_default=None)
    end = fields.Date(data_key="to", load_default=None)
    grain = fields.String(load_default="month", validate=validate.OneOf(("month", "quarter")))
    by = fields.String(load_default="", validate=validate.OneOf(("", *weighted.SPLITS)))


class ChartQuery(Schema):
    """Which series of the run; the first without it. Two may have one name (people have): `result` says which."""

    key = fields.String(load_default=None, validate=validate.Length(1, 255))
    result = fields.UUID(load_default=None)


def pipeline(ctx: Context, request: Request) -> object:
    """Open deals by probability and closing period, beside what was won and the targets."""
    start, end = (cast("date | None", request.query[name]) for name in ("start", "end"))
    if not ctx.offers(weighted.DEAL):
        raise NotFound(_("no deals are available here"))
    return weighted.Pipeline(ctx, start, end, str(request.query["grain"]), str(request.query["by"])).answer()


def start_run(ctx: Context, request: Request) -> Response:
    """Forecast a series in the background."""
    run = runs.start(ctx, request.id())
    return Response(ctx.records(runs.RUN).get(id_of(run)), 202, {"Location": f"/api/v1/forecast/runs/{run['id']}"})


def cancel_run(ctx: Context, request: Request) -> object:
    """Stop it; what is done stays."""
    runs.cancel(ctx, request.id())
    return ctx.records(runs.RUN).get(request.id())


def show_chart(ctx: Context, request: Request) -> object:
    """History, forecast and intervals, as Vega-Lite."""
    key, result = (cast("str | None", request.query["key"]), cast("UUID | None", request.query["result"]))
    return chart.specification(ctx, ctx.records(runs.RUN).get(request.id()), key, result)


def show_backtest(ctx: Context, request: Request) -> object:
    """History, learned numbers, and the errors of every model by step ahead."""
    ctx.records(RESULT).get(request.id(), fields=("id",))
    rows = ctx.records("forecast.backtest").query(Query(where(result=request.id()), limit=1)).data
    if not rows:
        raise NotFound(_("the result has no backtest"))
    return {
        name: json.loads(str(value)) if (value := shown(rows[0], name)) is not None else None
        for name in ("history", "parameters", "models")
    }


def train(ctx: Context, _request: Request) -> Response:
    """Learn the win probability anew from the closed deals, in the background."""
    if not ctx.offers(weighted.DEAL):
        raise NotFound(_("no deals are available here"))
    with ctx.transaction(write=True):
        ctx.enqueue("forecast.train", {})
    return Response({"state": "waiting"}, 202)


def show_win(ctx: Context, request: Request) -> object:
    """The chance of a deal, what it rests on, and its three reasons in words."""
    return win_of(ctx, request.id())


BESIDE = tuple(f"forecast.{name}" for name in ("win_probability", "win_basis", "win_reasons", "win_scored_at"))


def win_of(ctx: Context, deal: UUID) -> dict[str, object]:
    """The same for code. Raises NotFound for a deal that the actor does not see."""
    if not ctx.offers(weighted.DEAL):
        raise NotFound(_("no deals are available here"))
    deals = ctx.records(weighted.DEAL)
    found = deals.get(deal, fields=[name for name in BESIDE if name in deals.fields()] or ("id",))
    row = {name.partition(".")[2]: found.get(name) for name in BESIDE}
    reasons = json.loads(str(row["win_reasons"])) if row["win_reasons"] else []
    seen = _seen(ctx, deal) if reasons else {}
    said = [
        {**reason, "value": seen[reason["feature"]], "label": ctx.say(FEATURES[reason["feature"]]), "raises": reason["effect"] > 0}
        for reason in reasons
        if reason["feature"] in seen
    ]
    basis = row["win_basis"]
    return {"probability": row["win_probability"], "basis": basis, "basis_label": ctx.say(BASES[str(basis)]) if basis else None,
            "scored_at": row["win_scored_at"], "reasons": said}  # fmt: skip


def _seen(ctx: Context, deal: UUID) -> dict[str, str | None]:
    """The features that rest on what one sees of the deal and its account, with their words: the chance was worked out by the system."""
    (row,) = ctx.records(weighted.DEAL).values([deal]).values()
    account = row.get("account")
    accounts = ctx.records(ACCOUNT).values([account]) if isinstance(account, UUID) and ctx.can(f"{ACCOUNT}.read") else {}
    known = {**next(iter(accounts.values()), {}), **row}  # what both have is the deal's
    stage = row.get("stage")
    stages = ctx.records("pipeline.stage").values([stage]) if isinstance(stage, UUID) and ctx.can("pipeline.stage.read") else {}
    words = {"stage": next((one.get("key") for one in stages.values()), None), **{name: known.get(name) for name in WORDS}}
    return {feature: None if words.get(feature) is None else str(words[feature]) for feature, field in RESTS_ON.items() if field in known}


ROUTES = (
    Route(method="GET", path="/pipeline", view=pipeline, permission=LOOK, summary=_("Weighted pipeline"),
          query=PipelineQuery, answer=_OBJECT),
    Route(method="POST", path="/series/{id}/runs", view=start_run, permission=START, summary=_("Forecast a series"), answer=_RECORD, status=202),
    Route(method="POST", path="/runs/{id}/cancellations", view=cancel_run, permission=START, summary=_("Cancel a run"), answer=_RECORD),
    Route(method="GET", path="/runs/{id}/chart", view=show_chart, permission="forecast.run.read", summary=_("Run chart"), query=ChartQuery,
          answer=_OBJECT),
    Route(method="GET", path="/results/{id}/backtest", view=show_backtest, permission="forecast.run.read", summary=_(
        "Backtest of a result"
    ),
          answer=_OBJECT),
    Route(method="POST", path="/trainings", view=train, permission=TRAIN, summary=_(
        "Retrain win probabilities"
    ), answer=_OBJECT, status=202),
    Route(method="GET", path="/deals/{id}/win", view=show_win, permission=LOOK, summary=_("Win probability of a deal"),
          answer=_OBJECT),
)  # fmt: skip
