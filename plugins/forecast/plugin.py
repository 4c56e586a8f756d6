"""The menu of the forecast plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import time
from importlib.util import find_spec
from random import Random

from plugins.forecast import beside, cards, chances, demo, entries, history, models, pages, panels, routes, runs, sight, tables, weighted
from sdk import (
    Access,
    Batch,
    Capabilities,
    Context,
    Entity,
    Extension,
    ForecastModel,
    Job,
    Manifest,
    MenuEntry,
    PageRoute,
    Panel,
    Permission,
    Route,
    Schedule,
    Scope,
    Side,
    Use,
    Verb,
    _,
    hookimpl,
)
from sdk.impact import naming

for _needed in ("numpy", "scipy", "sklearn"):
    # They are imported where something is computed; whether they are there is known, and shown as a state, from the start.
    if find_spec(_needed) is None:
        raise ModuleNotFoundError(f"No module named {_needed!r}: pip install 'dealwright[forecast]'", name=_needed)

manifest = Manifest(
    name="forecast",
    version="0.1",
    title=_("Forecast"),
    summary=_("Weighted pipeline, time series with intervals, market factors and win probabilities."),
    after=("catalog", "company", "customers", "leads", "orders", "pipeline", "teamwork"),
    capabilities=Capabilities(
        data=("*.read:*",),  # a series is of whatever entity it names
        jobs=("run", "train", "retrain"),
    ),
)

NAMING: dict[str, Sequence[str]] = {"forecast.series": ("entity", "measure", "date_field", "conditions", "split_by")}
"""Where names of other plugins may stand."""

READ = frozenset({Verb.READ})
ROLES = ("sales_rep", "sales_manager", "finance", "read_only")
READERS: dict[str, Access] = {role: {Verb.READ: Scope.ALL} for role in ROLES}
MARKET: dict[str, Access] = {**READERS, "sales_manager": Scope.ALL}
SERIES: dict[str, Access] = {
    **READERS,
    "sales_rep": {Verb.READ: Scope.ALL, Verb.CREATE: Scope.OWN, Verb.UPDATE: Scope.OWN, Verb.DELETE: Scope.OWN},
    "sales_manager": {Verb.READ: Scope.ALL, Verb.CREATE: Scope.TEAM, Verb.UPDATE: Scope.TEAM, Verb.DELETE: Scope.TEAM},
}
# A run holds what its owner could see, so that it is seen by the owner and by those who lead the owner, never by a wider round.
RUNS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.OWN, Verb.DELETE: Scope.OWN},
    "sales_manager": {Verb.READ: Scope.TEAM, Verb.DELETE: Scope.TEAM},
}
PREPARE: dict[str, Callable[[Context, Batch], None]] = {
    "forecast.factor": entries.prepare_factors,
    "forecast.market_event": entries.prepare_events,
}


@hookimpl
def register_entities() -> Sequence[Entity]:
    t = tables
    return (
        Entity(t.Series, "series", "series", _("Forecast series"), _("Forecast series"), access=SERIES, merges=False),
        Entity(t.Factor, "factor", "factors", _("Factor"), _("Factors"), owned=False),
        Entity(t.MarketSeries, "market_series", "market_series", _("Market series"), _("Market series"), owned=False, access=MARKET, merges=False),
        Entity(t.MarketPoint, "market_point", "market_points", _("Market figure"), _("Market figures"), title="on", owned=False, access=MARKET, merges=False),
        Entity(t.MarketEvent, "market_event", "market_events", _("Market event"), _("Market events"), owned=False, access=MARKET, merges=False),
        Entity(t.Run, "run", "runs", _("Run"), _("Runs"), access=RUNS, hands_over=False, verbs=frozenset({Verb.READ, Verb.DELETE}),
               veil=sight.veil(sight.RUN), veiled=sight.SEEN[sight.RUN]),
        Entity(t.Result, "result", "results", _("Forecast result"), _("Forecast results"), title="key", owned=False, verbs=READ,
               veil=sight.veil(sight.RESULT), veiled=sight.SEEN[sight.RESULT]),
        Entity(t.Backtest, "backtest", "backtests", _("Backtest"), _("Backtests"), owned=False, verbs=READ,
               veil=sight.veil(sight.BACKTEST), veiled=sight.SEEN[sight.BACKTEST]),
        Entity(t.Point, "point", "points", _("Expected value"), _("Expected values"), title="period", owned=False, verbs=READ,
               veil=sight.veil(sight.POINT), veiled=sight.SEEN[sight.POINT]),
        Entity(t.FactorVerdict, "factor_verdict", "factor_verdicts", _("Verdict on a factor"), _("Verdicts on factors"), title="factor",
               owned=False, verbs=READ,
               veil=sight.veil(sight.VERDICT), veiled=sight.SEEN[sight.VERDICT]),
        Entity(t.Win, "win", "wins", _("Win probability"), _("Win probabilities"), title="win_probability", owned=False, verbs=READ),
        Entity(t.ModelCard, "model_card", "model_cards", _("Model card"), _("Model cards"), owned=False, access=READERS, verbs=READ, veil=cards.veil,
               veiled=cards.OF_CARDS, narrows=cards.narrows),
    )  # fmt: skip


@hookimpl
def register_extensions() -> Sequence[Extension]:
    return (Extension("pipeline.deal", Side(tables.Win, "deal_id", beside.OTHERWISE)), Extension("pipeline.deal", weighted.WEIGHTED))


@hookimpl
def register_permissions() -> Sequence[Permission]:
    return (
        Permission(routes.LOOK, _("See the weighted pipeline and win probabilities"), dict.fromkeys(ROLES, Scope.ALL)),
        Permission(routes.START, _("Run forecasts"), dict.fromkeys(("sales_rep", "sales_manager"), Scope.ALL)),
        Permission(sight.INSPECT, _("View other people’s forecasts"), {"sales_manager": Scope.ALL}),
        Permission(routes.TRAIN, _("Train win probabilities"), {"sales_manager": Scope.ALL}),
    )


@hookimpl
def register_forecast_models() -> Sequence[ForecastModel]:
    return models.MODELS


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return pages.PAGES


@hookimpl
def register_panels() -> Sequence[Panel]:
    return panels.PANELS


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (MenuEntry("outlook", label=_("Forecast"), section="know", path=pages.AT, permission=routes.LOOK, icon="trend", position=30),)


@hookimpl
def register_jobs() -> Sequence[Job]:
    return (Job("run", runs.run_job, label=_("Make a forecast")), Job("train", chances.train_job, label=_("Train win probabilities")))


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return (Schedule("retrain", chances.train, at=time(2, 30), label=_("Retrain win probabilities nightly")),)


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity in PREPARE:
        PREPARE[batch.entity](ctx, batch)
    for change in batch.standing() if batch.entity == "forecast.series" else ():
        history.check(ctx, change)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx, random, months)


@hookimpl
def uses_of(ctx: Context, plugin: str) -> Sequence[Use]:
    return naming(ctx, plugin, NAMING)
