"""A run: all actions of a rule for one record, in one transaction with the mark that they are done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from marshmallow import ValidationError

from plugins.automation.actions import masked
from plugins.automation.chains import marked, new_chain
from plugins.automation.conditions import typed
from plugins.automation.facts import filled, slots, words_of
from plugins.automation.matching import PART, PERFORM, RUN, count_failures, rule_by_id, turn_off
from plugins.automation.revisions import PARTS, RULE, revision_of
from plugins.automation.rule import actor_of, kind_of, rule_of
from plugins.automation.schemas import readable, why
from plugins.automation.tables import DONE, FAILED, STOPPED, UNDONE, WAITING
from sdk import Action, Condition, Conflict, Context, Draft, GiveUp, NotFound, Refusal, Step, Unavailable, _
from sdk.context import Row, id_of
from sdk.fields import Reference

STEP = "automation.step"
ATTEMPTS = 5
PER_MINUTE = 1_000
"""Runs of one rule; what is beyond waits for the next minute. It holds up what goes in a circle through systems outside, too."""
MINUTE, LOOKED_AT = timedelta(minutes=1), 5_000
TIMES_OVER = 3
"""So often in one chain a rule that runs too often has begun itself where that is why."""
FOLD = 2
"""So many runs of the next step for each that has ended are multiplying."""


@dataclass
class Log:
    """The steps of a run so far."""

    steps: list[dict[str, Any]] = field(default_factory=list)


def perform(ctx: Context, arguments: Mapping[str, object]) -> None:
    """Run what waits, each run in a transaction of its own: one that fails holds up no other."""
    trouble: Exception | None = None
    waiting = cast("list[str]", arguments["runs"])
    if _too_fast(ctx, UUID(waiting[0])) and not _stop_multiplying(ctx, UUID(waiting[0])):
        ctx.enqueue(PERFORM, {"runs": waiting}, at=ctx.now() + MINUTE)
        return
    for id in (UUID(word) for word in waiting):
        log = Log()
        try:
            with ctx.transaction(write=True):
                _perform(ctx.as_system(), id, log)
        except (Refusal, GiveUp, ValidationError) as refusal:
            if not isinstance(refusal, Unavailable):
                _fail(ctx, id, log, why(ctx, refusal))
            elif _try_again(ctx, id, log, why(ctx, refusal)):  # a plugin failed, or something is away: it may be well later
                trouble = refusal
        except Exception as failure:  # kept with the run and shown there; tried again, and then given up
            if _try_again(ctx, id, log, readable(f"{type(failure).__name__}: {failure}")):
                trouble = failure
    if trouble is not None:
        raise trouble


def ask_again(ctx: Context, *which: Condition) -> None:
    """Ask for runs that wait, the oldest first, whatever became of the jobs that were to do them; one that is asked for twice is done once."""
    system, by_rule = ctx.as_system(), dict[object, list[str]]()
    for run in system.records(RUN).find((Condition("state", "eq", (WAITING,)), *which), LOOKED_AT):
        by_rule.setdefault(run["rule"], []).append(str(run["id"]))
    for runs in by_rule.values():
        for begin in range(0, len(runs), PART):
            system.enqueue(PERFORM, {"runs": runs[begin : begin + PART]})


def _too_fast(ctx: Context, first: UUID) -> bool:
    """Whether the rule of these runs has run as often as it may within the last minute; the runs of a job are of one rule."""
    system = ctx.as_system()
    run = system.records(RUN).values([first]).get(first)
    if run is None:
        return False
    lately = (Condition("rule", "eq", (run["rule"],)), Condition("started_at", "gt", (ctx.now() - MINUTE,)))
    (count,) = system.records(RUN).aggregate(["count"], (), lately)
    return int(str(count["count"])) >= PER_MINUTE


def _stop_multiplying(ctx: Context, first: UUID) -> bool:
    """Turn off a rule that runs so often because it begins itself: what makes several of what it hears of has no end that anybody would live to see,
    chain of eight or not. What waits of it ends then. One that hears once more of what it has itself put right does not go on."""
    system = ctx.as_system()
    run = system.records(RUN).values([first])[first]
    if cast("int", run["step"]) < TIMES_OVER or not _multiplies(system, run):
        return False
    with ctx.transaction(write=True):
        row = system.records(RULE).values([cast("UUID", run["rule"])]).get(cast("UUID", run["rule"]))
        if row is not None and row["active"]:
            why = ctx.say(_("it started itself over and over: more than {most} runs in a minute"), {"most": PER_MINUTE})
            title = _("Rule {rule} was turned off: it started itself over and over")
            turn_off(system, id_of(row), title, why)
    return True


def _multiplies(system: Context, run: Row) -> bool:
    """Whether the runs of a rule beget more runs than they are, in the chain of this one: what only goes on, from step to step, has no more
    of the next step than have ended of the one before, however many began together and however long ago."""
    begun, ended = Counter[int](), Counter[int]()
    if run["chain"] is None:  # from before chains had names; what it leads to has one
        return False
    chain = (Condition("rule", "eq", (run["rule"],)), Condition("chain", "eq", (run["chain"],)))
    for row in system.records(RUN).aggregate(["count"], ("step", "state"), chain):
        begun[int(str(row["step"]))] += int(str(row["count"]))
        ended[int(str(row["step"]))] += 0 if row["state"] == WAITING else int(str(row["count"]))
    return any(begun[step + 1] >= FOLD * ended[step] > 0 for step in begun)


def _perform(ctx: Context, id: UUID, log: Log) -> None:
    ctx.lock(f"{RUN}:{id}")
    run = ctx.records(RUN).values([id]).get(id)
    if run is None or run["state"] != WAITING:
        return  # done already: the job came twice
    row = ctx.records(RULE).values([cast("UUID", run["rule"])]).get(cast("UUID", run["rule"]))
    if row is None or not row["active"]:
        _finish(ctx, id, {"state": STOPPED, "error": ctx.say(_("the rule was turned off before it got to this"))})
        return
    started = ctx.now()
    begun = revision_of(ctx, id_of(row), cast("int", run["revision"]))
    rule = rule_of({**row, **{name: begun[name] for name in PARTS}})
    actor = actor_of(ctx, rule).because(
        *marked(cast("list[str]", run["causes"] or ()), rule.reference, str(run["chain"] or new_chain(str(id))))
    )
    about = Reference(rule.entity, UUID(str(run["subject"])))
    for number, node in enumerate(rule.actions, 1):
        step: dict[str, Any] = {"run": id, "number": number, "action": str(node["action"])[:100], "at": started, "state": FAILED}
        log.steps.append(step)
        step |= {"came_out": _act(actor, run, about, node, step), "state": DONE}
    ctx.as_system().records(STEP).write_all([Draft("create", step, act="log") for step in log.steps])
    attempts = cast("int", run["attempts"]) + 1
    _finish(ctx, id, {"state": DONE, "error": None, "attempts": attempts, "started_at": started})


def _act(actor: Context, run: Row, about: Reference, node: Mapping[str, Any], step: dict[str, Any]) -> dict[str, Any]:
    action = kind_of(actor, Action, str(node["action"]))
    if action is None:
        raise NotFound(_("action {key!r} does not exist here; is its plugin turned off?"), key=str(node["action"])[:100])
    given = cast("Mapping[str, Any]", node.get("parameters") or {})
    wanted = slots(given)
    words, shown = words_of(actor, about.entity, _row(actor, run, about), wanted) if wanted else ({}, {})
    step["went_in"] = masked(actor, about.entity, filled(action, given, shown))
    parameters = action.parameters().load(filled(action, given, words))
    return dict(action.run(actor, Step(about.entity, about.id, parameters)))


def _row(actor: Context, run: Row, about: Reference) -> Row:
    """The record as it is now; of one that was deleted what the rule wrote down."""
    if run["event"] == f"{about.entity}.deleted":
        own, before = actor.records(about.entity).fields(), cast("Mapping[str, Any]", run["moment"] or {}).get("before", {})
        return {"id": about.id, **{name: typed(own[name], value) for name, value in before.items() if name in own}}
    row = actor.records(about.entity).values([about.id]).get(about.id)
    if row is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=about.entity, id=str(about.id))
    return row


def _finish(ctx: Context, id: UUID, values: Mapping[str, object]) -> None:
    ctx.records(RUN).update(id, {**values, "finished_at": ctx.now()}, act="finish")


def _fail(ctx: Context, id: UUID, log: Log, error: str) -> None:
    """Nothing of the run is left but this: what it did before the failure was taken back with it."""
    system = ctx.as_system()
    with ctx.transaction(write=True):
        run = system.records(RUN).values([id])[id]
        for step in log.steps:
            step["state"] = FAILED if step is log.steps[-1] else UNDONE
        if log.steps:
            log.steps[-1]["error"] = error
        system.records(STEP).write_all([Draft("create", step, act="log") for step in log.steps])
        attempts = cast("int", run["attempts"]) + 1
        started: datetime = log.steps[0]["at"] if log.steps else ctx.now()
        _finish(system, id, {"state": FAILED, "error": error, "attempts": attempts, "started_at": started})
        count_failures(system, cast("UUID", run["rule"]))


def _try_again(ctx: Context, id: UUID, log: Log, error: str) -> bool:
    """Whether another attempt may help; the last one fails the run."""
    with ctx.transaction(write=True):
        run = ctx.as_system().records(RUN).values([id])[id]
        if cast("int", run["attempts"]) + 1 < ATTEMPTS:
            values = {"attempts": cast("int", run["attempts"]) + 1, "error": error}
            ctx.as_system().records(RUN).update(id, values, act="retry")
            return True
    _fail(ctx, id, log, error)
    return False


def again(ctx: Context, id: UUID) -> Mapping[str, object]:
    """Let a run that failed wait once more. Nothing of it was left, so it begins at its first step, by the version that is in force
    now: what was wrong with the rule may have been put right. Raises Conflict for others."""
    run = ctx.records(RUN).values([id]).get(id)
    if run is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=RUN, id=str(id))
    if run["state"] not in (FAILED, STOPPED):
        raise Conflict(_("the run is {state!r}; only a failed or stopped run can be retried"), code="run_not_failed", state=run["state"])
    rule = rule_by_id(ctx, cast("UUID", run["rule"]))  # not for a rule that has gone
    if revision_of(ctx.as_system(), rule.id, cast("int", run["revision"]))["entity"] != rule.entity:
        raise Conflict(_("the rule is now about {entity}, but the run was not"), code="rule_of_other_records", entity=rule.entity)
    values = {"state": WAITING, "attempts": 0, "finished_at": None, "revision": rule.revision}
    ctx.as_system().records(RUN).update(id, values, act="retry")
    ctx.enqueue(PERFORM, {"runs": [str(id)]})
    return {"id": id, "state": WAITING}
