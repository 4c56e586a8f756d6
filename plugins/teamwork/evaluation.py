"""Evaluations: computed while they are open, kept as they were when they are closed, opened again for a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from plugins.teamwork import scoring
from plugins.teamwork.attainment import Staff
from plugins.teamwork.periods import MONTHS, Period
from plugins.teamwork.scoring import Line
from plugins.teamwork.tables import ACTIVITIES, CLOSED, RUNNING
from plugins.teamwork.targets import check_period
from sdk import Batch, Change, Condition, Conflict, Context, Draft, NotFound, Notice, _, where
from sdk.context import Row, id_of
from sdk.fields import Reference, exact_text

NAME, SCORE, LINE, STEP, KPI, SCHEME = (
    f"teamwork.{word}" for word in ("evaluation", "score", "score_line", "evaluation_step", "kpi", "scheme")
)
PART = 500
COMPUTE, CLOSE, REOPEN = "compute", "close", "reopen"
MOST = 100_000
HUNDRED = Decimal(100)


# --- what may be written ---------------------------------------------------------------------------------------------


def prepare_kpis(ctx: Context, batch: Batch) -> None:
    """The weights of a scheme never pass 100; a scheme that a closed evaluation was computed by keeps its measures through the copy in each score."""
    schemes = {change.after("scheme") for change in batch.changes if change.stands}
    rows = [row for scheme in schemes for row in ctx.as_system().records(KPI).find(where(scheme=scheme))]
    weights = {id_of(row): (row["scheme"], Decimal(str(row["weight"]))) for row in rows}
    for change in batch.changes:
        if not change.stands:
            continue
        if change.verb == "delete":
            weights.pop(change.id, None)
            continue
        if change.after("activity_kind") and change.after("measure") != ACTIVITIES:
            change.refuse("activity_kind", "no_such_part", _("only the activity measure has an activity type; leave it out"))
        weights[change.id] = (change.after("scheme"), Decimal(str(change.after("weight"))))
        if (sum_ := sum((weight for scheme, weight in weights.values() if scheme == change.after("scheme")), Decimal(0))) > HUNDRED:
            change.refuse(
                "weight", "over_100", _("the scheme’s weights would add up to {sum}; they must add up to 100"), sum=exact_text(sum_)
            )


def prepare_schemes(ctx: Context, batch: Batch) -> None:
    """A scheme by which somebody is evaluated stays: an open evaluation is computed by it, a closed one can be opened again."""
    gone = {change.id: change for change in batch.changes if change.verb == "delete" and change.stands}
    ids = sorted(gone)
    for start in range(0, len(ids), PART):
        using = Condition("scheme", "in", tuple(ids[start : start + PART]))
        for row in ctx.as_system().records(NAME).aggregate(["count"], ["scheme"], (using,)):
            gone[UUID(str(row["scheme.id"]))].forbid("in_use", _("evaluations use it; turn it off instead"))


def prepare_evaluations(ctx: Context, batch: Batch) -> None:
    """An evaluation is of a whole period; a closed one stays as it is until it is opened again."""
    for change in batch.changes:
        if change.before is not None and change.stands and change.before["state"] == CLOSED and change.act != REOPEN:
            _forbid(change)
    back = [change for change in batch.changes if change.verb == "restore" and change.stands]
    there = ctx.as_system().records(SCHEME).values({UUID(str(change.after("scheme"))) for change in back}) if back else {}
    for change in back:
        if UUID(str(change.after("scheme"))) not in there:
            change.forbid("scheme_gone", _("its scheme has been deleted; restore it first"))
    for change in batch.standing():
        check_period(ctx, change)


def prepare_scores(ctx: Context, batch: Batch) -> None:
    """A note is written while the evaluation is open, and in its present round."""
    there = ctx.as_system().records(NAME).values({UUID(str(change.after("evaluation"))) for change in batch.changes})
    for change in batch.changes:
        evaluation = there.get(UUID(str(change.after("evaluation"))))
        if not change.stands or change.act in (COMPUTE, CLOSE) or evaluation is None:
            continue
        if evaluation["state"] == CLOSED:
            _forbid(change)
        elif change.after("round") != evaluation["round"]:
            change.forbid("earlier_round", _("this score is from an earlier round and can’t be changed"))


def keep_targets(ctx: Context, batch: Batch) -> None:
    """The targets of people in a period that is closed stay as they were: they are what the scores were computed from."""
    touched = [
        change for change in batch.changes if change.stands and change.act != "tell" and (change.after("person") or _was(change, "person"))
    ]
    closed = [_period(row) for row in ctx.as_system().records(NAME).find(where(state=CLOSED), MOST)] if touched else []
    for change in touched:
        starts = {day for day in (change.after("period_start"), _was(change, "period_start")) if isinstance(day, date)}
        if any(period.start <= day < period.end for period in closed for day in starts):
            _forbid(change)


def _was(change: Change, name: str) -> object:
    return (change.before or {}).get(name)


def _forbid(change: Change) -> None:
    change.forbid("period_closed", _("the period is closed; reopen its evaluation first, giving a reason"))


# --- what is done with them ------------------------------------------------------------------------------------------


def compute(ctx: Context, id: UUID, act: str = COMPUTE) -> Row:
    """Compute the scores of the present round anew; notes stay. Raises Conflict for a closed one, and where weights are not 100."""
    with ctx.transaction(write=True):
        evaluation = _open(ctx, id)
        kpis = scoring.of_scheme(ctx, UUID(str(evaluation["scheme"])))
        weight = sum((Decimal(str(kpi["weight"])) for kpi in kpis), Decimal(0))
        if weight != HUNDRED:
            raise Conflict(_("the scheme’s weights add up to {sum}; they must add up to 100"), code="weights", sum=exact_text(weight))
        people = _people(ctx, evaluation)
        found = scoring.lines(ctx, _period(evaluation), kpis, people)
        totals = {person: sum((line.points for line in mine), Decimal(0)) for person, mine in found.items()}
        ranking = scoring.places(totals)
        scores = _scores(ctx, evaluation, {person: {"total": totals[person], "place": ranking[person]} for person in people}, act)
        _keep_lines(ctx, {scores[person]: found[person] for person in people}, act)
        return ctx.as_system().records(NAME).update(id, {"scored_at": ctx.now()}, act=act)


def close(ctx: Context, id: UUID, *, quietly: bool = False) -> Row:
    """Compute for the last time and close; each person is told, unless it is done quietly: what has just been computed is closed as it stands."""
    with ctx.transaction(write=True):
        evaluation = _open(ctx, id) if quietly else compute(ctx, id, CLOSE)
        system = ctx.as_system()
        closed = system.records(NAME).update(id, {"state": CLOSED}, act=CLOSE)
        _log(ctx, evaluation, "closed", None)
        rows = [] if quietly else system.records(SCORE).find(where(evaluation=id, round=evaluation["round"]), MOST)
        ctx.notify([_notice(evaluation, row) for row in rows])
        return closed


def reopen(ctx: Context, id: UUID, reason: str) -> Row:
    """Open a closed evaluation again: a new round begins with the notes of the last, whose scores stay as they were."""
    system = ctx.as_system()
    with ctx.transaction(write=True):
        evaluation = _locked(ctx, id)
        if evaluation["state"] != CLOSED:
            raise Conflict(_("the evaluation is open"), code="not_closed")
        _log(ctx, evaluation, "reopened", reason)
        after = int(str(evaluation["round"])) + 1
        opened = system.records(NAME).update(id, {"state": RUNNING, "round": after}, act=REOPEN)
        noted = [row for row in system.records(SCORE).find(where(evaluation=id, round=evaluation["round"]), MOST) if row["note"]]
        kept = ("evaluation", "person", "owner", "note")
        _write(ctx, SCORE, [Draft("create", {**{name: row[name] for name in kept}, "round": after}, act=COMPUTE) for row in noted])
        return opened


def _open(ctx: Context, id: UUID) -> Row:
    evaluation = _locked(ctx, id)
    if evaluation["state"] == CLOSED:
        raise Conflict(_("the period is closed; reopen its evaluation first, giving a reason"), code="period_closed")
    return evaluation


def _locked(ctx: Context, id: UUID) -> Row:
    ctx.lock(f"{NAME}.{id}")
    ctx.records(NAME).get(id)  # raises NotFound for what the actor may not see
    return ctx.as_system().records(NAME).values([id])[id]


def _period(evaluation: Row) -> Period:
    start, kind = evaluation["period_start"], str(evaluation["period"])
    assert isinstance(start, date) and kind in MONTHS
    return Period(kind, start)


def _people(ctx: Context, evaluation: Row) -> list[UUID]:
    """The active people of the scheme's team; without one those of all teams, and who has a target in the period and is in no team."""
    scheme, system = UUID(str(evaluation["scheme"])), ctx.as_system()
    team = system.records(SCHEME).values([scheme])[scheme]["team"]
    if team is not None:
        staff = Staff(ctx, teams=[team])
    else:
        period = _period(evaluation)
        set_in = (Condition("person", "empty", ("false",)), Condition("period_start", "gte", (period.start,)),
                  Condition("period_start", "lt", (period.end,)))  # fmt: skip
        staff = Staff(ctx, [row["person"] for row in system.records("teamwork.target").find(set_in, MOST)], Staff(ctx).teams)
    return sorted(id for id, row in staff.people.items() if row["active"])


def _scores(ctx: Context, evaluation: Row, values: dict[UUID, dict[str, object]], act: str) -> dict[UUID, UUID]:
    """The ids of the round's scores by person, written with these values; who is not evaluated any more loses the score."""
    keys = {"evaluation": id_of(evaluation), "round": evaluation["round"]}
    there = {UUID(str(row["person"])): row for row in ctx.as_system().records(SCORE).find(where(**keys), MOST)}
    drafts = [
        Draft("update", one, id_of(there[person]), act=act) if person in there
        else Draft("create", {**keys, "person": person, "owner": person, **one}, act=act)
        for person, one in values.items()
    ]  # fmt: skip
    drafts += [Draft("delete", {}, id_of(row), act=act) for person, row in there.items() if person not in values]
    return {UUID(str(row["person"])): id_of(row) for row in _write(ctx, SCORE, drafts) if row["person"] in values}


def _keep_lines(ctx: Context, found: dict[UUID, list[Line]], act: str) -> None:
    lines, among = ctx.as_system().records(LINE), sorted(found)
    there: dict[tuple[UUID, object], UUID] = {}
    for start in range(0, len(among), 500):
        some = Condition("score", "in", tuple(among[start : start + 500]))
        there |= {(UUID(str(row["score"])), row["kpi"]): id_of(row) for row in lines.find((some,), MOST)}
    drafts = list[Draft]()
    for score, mine in found.items():
        for line in mine:
            kpi = line.kpi
            cells: dict[str, Any] = {
                "measure": kpi["measure"], "weight": kpi["weight"], "goal": line.goal, "actual": line.reached.value,
                "attainment": line.attainment, "points": line.points, "unpriced": line.reached.unpriced,
            }  # fmt: skip
            id = there.pop((score, kpi["id"]), None)
            drafts.append(
                Draft("create", {"score": score, "kpi": kpi["id"], **cells}, act=act) if id is None else Draft("update", cells, id, act=act)
            )
    drafts += [Draft("delete", {}, id, act=act) for id in there.values()]
    _write(ctx, LINE, drafts)


def _log(ctx: Context, evaluation: Row, step: str, reason: str | None) -> None:
    values = {
        "evaluation": evaluation["id"],
        "step": step,
        "round": evaluation["round"],
        "reason": reason,
        "by": ctx.actor.user_id,
        "at": ctx.now(),
    }
    _write(ctx, STEP, [Draft("create", values, act=step)])


def _notice(evaluation: Row, score: Row) -> Notice:
    params = {"name": str(evaluation["name"]), "total": exact_text(Decimal(str(score["total"])), 2), "place": score["place"]}
    body = _("Your score is {total}, rank {place}.")
    return Notice(
        UUID(str(score["person"])), "teamwork.evaluation", _("Evaluation closed: {name}"), body, params, Reference(SCORE, id_of(score))
    )


def _write(ctx: Context, entity: str, drafts: Sequence[Draft]) -> list[Row]:
    return [outcome.row for outcome in ctx.as_system().records(entity).write_all(drafts) if outcome.row is not None]


def ranking(ctx: Context, id: UUID, only: int | None = None) -> list[dict[str, object]]:
    """The scores of a round, or of the present one (of the last, while this one has none), that the actor sees, each with its lines."""
    evaluation = ctx.records(NAME).values([id]).get(id)
    if evaluation is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=NAME, id=str(id))
    found = list[Row]()
    for round in range(int(str(evaluation["round"])), 0, -1) if only is None else (only,):
        found = [row for row in ctx.records(SCORE).find(where(evaluation=id, round=round), MOST) if row["total"] is not None]
        if found:
            break
    names = Staff(ctx, {row["person"] for row in found}).people
    lines = _lines_of(ctx, [id_of(row) for row in found])
    ordered = sorted(found, key=lambda row: (row["place"], str(row["id"])))
    return [
        {"score": row["id"], "person": row["person"], "name": names[UUID(str(row["person"]))]["name"] if row["person"] in names else None,
         "round": row["round"], "place": row["place"], "total": exact_text(Decimal(str(row["total"])), 2), "note": row["note"],
         "lines": lines.get(id_of(row), [])}
        for row in ordered
    ]  # fmt: skip


def _lines_of(ctx: Context, scores: Sequence[UUID]) -> dict[UUID, list[dict[str, object]]]:
    numbers, made = ("weight", "goal", "actual", "attainment", "points"), dict[UUID, list[dict[str, object]]]()
    for start in range(0, len(scores), 500):
        some = Condition("score", "in", tuple(scores[start : start + 500]))
        for row in ctx.records(LINE).find((some,), MOST):
            shown = {name: exact_text(value) if isinstance(value := row[name], Decimal) else None for name in numbers}
            made.setdefault(UUID(str(row["score"])), []).append(
                {"kpi": row["kpi"], "measure": row["measure"], **shown, "not_priced": row["unpriced"]}
            )
    return made
