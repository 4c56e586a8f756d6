"""Runs: started by a person, done in the background with what that person may see, chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from plugins.forecast.history import Definition, Histories, read
from plugins.forecast.keeping import ACT, RESULT, keep
from plugins.forecast.periods import label_of
from sdk import Conflict, Context, Refusal, _, where
from sdk.context import Row, id_of

CHUNK = 20
RUN = "forecast.run"
ALIVE = ("waiting", "running")
KEPT = ("name", "horizon", "entity", "measure", "date_field", "grain", "conditions", "split_by")
"""What a run has of its series, so that its figures keep their meaning when the series gets another."""


def start(ctx: Context, series: UUID) -> Row:
    """A new run of a series, which the actor owns and which is done in the background. Raises NotFound."""
    with ctx.transaction(write=True):
        run = begin(ctx, series)
        ctx.enqueue("forecast.run", {"run": str(run["id"])})
    return run


def begin(ctx: Context, series: UUID) -> Row:
    """A run of a series as that is defined now, waiting to be carried out. Raises NotFound."""
    definition = ctx.records("forecast.series").get(series, fields=KEPT)
    values = {"series": series, "owner": ctx.actor.user_id, **{name: definition[name] for name in KEPT}}
    return ctx.as_system().records(RUN).create(values)


def cancel(ctx: Context, run: UUID) -> None:
    """Stop a run at its next chunk. Raises NotFound for one that the actor does not see, Conflict for one that has ended."""
    with ctx.transaction(write=True):
        row = ctx.records(RUN).get(run, fields=("state", "version"))
        if row["state"] not in ALIVE:
            raise Conflict(_("the run has ended: {state}"), code="run_ended", state=row["state"])
        ctx.as_system().records(RUN).update(run, {"state": "cancelled", "finished_at": ctx.now()}, act=ACT)


def run_job(ctx: Context, arguments: Mapping[str, object]) -> None:
    """The background side; a second call goes on where the first one stopped."""
    carry_out(ctx, UUID(str(arguments["run"])))


def carry_out(ctx: Context, id: UUID) -> None:
    """Do a run to its end; what the definition cannot give fails it with its reason."""
    run = ctx.as_system().records(RUN).values([id]).get(id)
    if run is None or run["state"] not in ALIVE:
        return
    try:
        series = run["series"]
        assert isinstance(series, UUID)
        if series not in ctx.records("forecast.series").values([series]):
            raise Conflict(_("the series definition has been deleted"), code="series_gone")
        asked = Definition.of(run)
        with ctx.transaction():
            found = read(ctx, asked)
    except Refusal as refusal:
        text = ctx.say(refusal.message, refusal.params)
        _save(ctx, id, {"state": "failed", "error": text[:20_000], "finished_at": ctx.now()})
        return
    _forecast_all(ctx, run, series, asked, found)


def _forecast_all(ctx: Context, run: Row, series: UUID, asked: Definition, found: Histories) -> None:
    from plugins.forecast.outcome import Work, outcome_of  # noqa: PLC0415 (numpy and scikit-learn only where something is forecast)

    id, horizon, grain = id_of(run), int(str(run["horizon"])), asked.grain
    work = Work.of(ctx, series, grain, horizon)
    done = _done(ctx, id)
    waiting = [history for history in found.series if (history.key[:255], history.key_id or None) not in done]
    _save(ctx, id, {
        "state": "running", "total": len(found.series), "done": len(done), "unpriced": found.unpriced,
        "through": label_of(found.through, grain), "left_out": label_of(found.through + 1, grain),
    })  # fmt: skip
    for begin in range(0, len(waiting), CHUNK):
        part = waiting[begin : begin + CHUNK]
        outcomes = [outcome_of(work, history) for history in part]
        with ctx.transaction(write=True):
            if not _is_running(ctx, id):
                return
            keep(ctx, id, grain, list(zip(part, outcomes, strict=True)))
            _save(ctx, id, {"done": len(done) + begin + len(part)})
    with ctx.transaction(write=True):
        if _is_running(ctx, id):
            _save(ctx, id, {"state": "succeeded", "finished_at": ctx.now()})


def _is_running(ctx: Context, id: UUID) -> bool:
    row = ctx.as_system().records(RUN).values([id]).get(id)
    return row is not None and row["state"] == "running"


def _done(ctx: Context, id: UUID) -> set[tuple[str, str | None]]:
    rows = ctx.as_system().records(RESULT).find(where(run=id), 10_000)
    return {(str(row["key"]), None if row["key_id"] is None else str(row["key_id"])) for row in rows}


def _save(ctx: Context, id: UUID, values: Mapping[str, object]) -> None:
    ctx.as_system().records(RUN).update(id, values, act=ACT)
