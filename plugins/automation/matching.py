"""From events and times to runs: which rules begin, for which records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, cast
from uuid import UUID

from marshmallow import ValidationError

from plugins.automation import chains, conditions, timing
from plugins.automation.revisions import RULE
from plugins.automation.rule import NEEDED, Rule, actor_of, kind_of, rule_of
from plugins.automation.rules import SWITCH_OFF, Listener, listeners
from plugins.automation.schemas import why
from plugins.automation.tables import FAILED, STOPPED, WAITING
from plugins.automation.triggers import DATE
from sdk import Condition, Context, Draft, Event, GiveUp, Moment, NotFound, Notice, Query, Refusal, Text, Trigger, _, where
from sdk.context import shown
from sdk.fields import Reference

RUN, PERFORM = "automation.run", "automation.perform"
BUDGET = 5
"""So many failed runs one after the other switch a rule off."""
LONGEST = 255
_LOOPED = _("stopped after {count} runs: rules begin each other in a circle: {circle}")
_TOO_LONG = _("stopped after {count} runs: rules begin each other in too long a chain: {circle}")
PART = 25
"""Runs of one job: a thousand records of an import are not a thousand rows of the outbox."""


def hear(ctx: Context, events: Sequence[Event]) -> None:
    """Begin the rules that listen to these events; in one transaction with the mark that they have been told."""
    for one in listeners(ctx).get(events[0].name, ()):
        for occurrence, moments in _coming(ctx, one, events):
            start(ctx, one.rule, moments, occurrence, events[0].causes)


def _coming(ctx: Context, one: Listener, events: Sequence[Event]) -> Iterator[tuple[str, list[Moment]]]:
    """What these events are to a rule, whether or not its conditions hold: occurrences, each with its moments."""
    heard = [event for event in events if one.begins(event)]
    if not heard:
        return
    if one.rule.trigger != DATE:
        yield ctx.idempotency_key, [_moment(event) for event in heard]
        return
    ctx.lock(f"{timing.TIMER}:{one.rule.id}")
    moved = {event.record_id for event in heard if one.trigger.begins(event, one.parameters)}
    try:
        actor = actor_of(ctx, one.rule)
    except NotFound:  # has left: the next wake-up of the rule switches it off
        return
    for occurrence, found in timing.catch_up(ctx, one.rule, actor, [event.record_id for event in heard], moved):
        yield occurrence, [Moment(id) for id in found]


def _moment(event: Event) -> Moment:
    changed = frozenset(cast("list[str]", event.payload.get("fields", ())))
    return Moment(event.record_id, event.name, changed, cast("Mapping[str, object]", event.payload.get("before", {})))


def wake(ctx: Context, arguments: Mapping[str, object]) -> None:
    """The time of a rule has come, or it was woken for nothing."""
    id = UUID(str(arguments["rule"]))
    try:
        with ctx.transaction(write=True):
            _wake(ctx, id)
    except Refusal as refusal:
        reason = ctx.say(refusal.message, refusal.params)
        with ctx.transaction(write=True):
            turn_off(ctx, id, _("Rule {rule} was turned off: it can’t look up its records"), reason, refusal.message, refusal.params)
        raise GiveUp(_("the rule {id} was turned off because it can’t look up its records: {reason}"), id=id, reason=reason) from refusal


def _wake(ctx: Context, id: UUID) -> None:
    ctx.lock(f"{timing.TIMER}:{id}")
    row = ctx.records(RULE).values([id]).get(id)
    if row is None or not row["active"]:
        timing.sleep(ctx, id)
        return
    rule = rule_of(row)
    for occurrence, ids in timing.due(ctx, rule, actor_of(ctx, rule)):
        start(ctx, rule, [Moment(one) for one in ids], occurrence)


def start(ctx: Context, rule: Rule, moments: Sequence[Moment], occurrence: str, causes: Sequence[str] = ()) -> list[UUID]:
    """Make a run for each record for which the conditions hold, once for each occurrence; returns the runs."""
    if not moments:
        return []
    moments, error = _held(ctx, rule, moments)
    state = WAITING if error is None else FAILED
    wanted = {f"{occurrence}:{one.record_id}"[:200]: one for one in moments}
    there = _there(ctx, rule, list(wanted))
    chain = chains.chain_of(causes) or chains.new_chain(occurrence)
    drafts = [_draft(rule, name, one, (chain, chains.rules_of(causes)), state, error) for name, one in wanted.items() if name not in there]
    runs = [cast("UUID", outcome.id) for outcome in ctx.as_system().records(RUN).write_all(drafts)]
    for start_ in range(0, len(runs) if state == WAITING else 0, PART):
        ctx.enqueue(PERFORM, {"runs": [str(run) for run in runs[start_ : start_ + PART]]})
    if state == FAILED and runs:
        count_failures(ctx, rule.id)
    return runs


def _held(ctx: Context, rule: Rule, moments: Sequence[Moment]) -> tuple[Sequence[Moment], str | None]:
    """The moments for which the conditions hold; all of them, with the reason, where these cannot be asked any more."""
    try:
        moments = _seen(actor_of(ctx, rule), rule, moments)
        held = conditions.holding(actor_of(ctx, rule), rule.entity, rule.conditions, moments)
    except (Refusal, ValidationError) as refusal:
        return moments, why(ctx, refusal)
    return [one for one in moments if one.record_id in held], None


def count_failures(ctx: Context, id: UUID) -> None:
    """A rule that does nothing but fail is switched off, and its owner is told."""
    system = ctx.as_system()
    last = system.records(RUN).query(Query(where(rule=id), sort=("-created_at",), fields=("state",), limit=BUDGET + 1)).data
    ended = [row["state"] for row in last if row["state"] != WAITING][:BUDGET]
    rule = system.records(RULE).values([id]).get(id)
    if rule is None or not rule["active"] or len(ended) < BUDGET or set(ended) != {FAILED}:
        return
    why = ctx.say(_("it failed {times} times in a row"), {"times": BUDGET})
    turn_off(system, id, _("Rule {rule} was turned off: it failed {times} times in a row"), why, params={"times": BUDGET})


def turn_off(ctx: Context, id: UUID, title: Text, why: str, body: Text | str = "", params: Mapping[str, object] | None = None) -> None:
    """The rule says why it is off, to whoever looks at it; its owner is told in the owner's language."""
    rule = ctx.records(RULE).update(id, {"active": False, "stopped_because": why[:LONGEST]}, act=SWITCH_OFF)
    if rule["owner"] is not None:
        told = {**(params or {}), "rule": rule["name"]}
        ctx.notify([Notice(UUID(str(rule["owner"])), "automation.stopped", title, body, told, Reference(RULE, id))])


def _seen(actor: Context, rule: Rule, moments: Sequence[Moment]) -> list[Moment]:
    """The moments of records that the rule's actor may see, with what the actor may see there of what has changed and of what was before."""
    shown, found = _shown_on(actor, rule.entity, moments), list[Moment]()
    for one in moments:
        if (names := shown.get(one.record_id)) is not None:
            before = {name: value for name, value in one.before.items() if name in names}
            found.append(Moment(one.record_id, one.event, one.changed & names, before))
            if found[-1].changed != one.changed and not _still_begins(actor, rule, found[-1]):
                found.pop()
    return found


def _shown_on(actor: Context, entity: str, moments: Sequence[Moment]) -> dict[UUID, Set[str]]:
    """By record the fields that the actor sees on it, or saw on one that was deleted; nothing of those that he does not see."""
    records, ids = actor.records(entity), [moment.record_id for moment in moments]
    if moments[0].event != f"{entity}.deleted":
        return {id: row.keys() for id, row in records.values(ids).items()}
    names = {name for moment in moments for name in moment.before} & records.fields().keys()
    on = {name: records.reached(ids, field=name) for name in names}
    return {id: {name for name in names if id in on[name]} for id in records.reached(ids)}


def _still_begins(actor: Context, rule: Rule, moment: Moment) -> bool:
    """Whether a rule that an update begins would begin by what its actor sees of it: else that it does would tell what is hidden."""
    if moment.event != f"{rule.entity}.updated":
        return True
    trigger, event = kind_of(actor, Trigger, rule.trigger), Event(moment.event, moment.record_id, {"fields": sorted(moment.changed)})
    return bool(moment.changed) and (trigger is None or trigger.begins(event, trigger.parameters().load(rule.parameters)))


def _there(ctx: Context, rule: Rule, occurrences: Sequence[str]) -> set[object]:
    found: set[object] = set()
    for begin in range(0, len(occurrences), 500):
        among = Condition("occurrence", "in", tuple(occurrences[begin : begin + 500]))
        found |= {row["occurrence"] for row in ctx.records(RUN).find((Condition("rule", "eq", (rule.id,)), among), 500)}
    return found


def _draft(rule: Rule, occurrence: str, moment: Moment, led: tuple[str, Sequence[str]], state: str, error: str | None) -> Draft:
    chain, causes = led
    values: dict[str, Any] = {
        "rule": rule.id, "occurrence": occurrence, "event": moment.event or None,
        "moment": {"changed": sorted(moment.changed), "before": dict(moment.before)}, "causes": list(causes), "state": state, "error": error,
        "chain": chain, "step": chains.step_of(causes, rule.id),
        "owner": rule.owner, "revision": rule.revision, "subject": str(moment.record_id),
        "about": None if moment.event == f"{rule.entity}.deleted" else Reference(rule.entity, moment.record_id),
    }  # fmt: skip
    return Draft("create", values, act="begin")


def report_loop(ctx: Context, events: Sequence[Event]) -> bool:
    """Rules that would begin at the end of so long a chain: the log names them, and their owners are told. Whether there are any: a chain
    that ends here by itself is nothing to report."""
    causes, chain, found = (
        chains.rules_of(events[0].causes),
        chains.chain_of(events[0].causes) or chains.new_chain(ctx.idempotency_key),
        False,
    )
    for one in listeners(ctx).get(events[0].name, ()) if causes else ():
        moments = [moment for _occurrence, coming in _coming(ctx, one, events) if coming for moment in _held(ctx, one.rule, coming)[0]]
        if not moments:
            continue
        found, circle = True, _circle(causes, one.rule.reference)
        text = ctx.say(_LOOPED if circle[0] == circle[-1] else _TOO_LONG, {"count": len(causes), "circle": " > ".join(circle)})
        draft = _draft(one.rule, f"loop:{ctx.idempotency_key}", moments[0], (chain, causes), STOPPED, text)
        ctx.as_system().records(RUN).write_all([draft])
        _tell_owners(ctx, one.rule, circle)
    return found


def _circle(causes: Sequence[str], coming: str) -> list[str]:
    """The rules from the last run of the one that would come now up to it; all of the chain where that one has not run yet."""
    begin = max((place for place, cause in enumerate(causes) if cause == coming), default=0)
    return [*causes[begin:], coming]


def _tell_owners(ctx: Context, stopped: Rule, circle: Sequence[str]) -> None:
    """A notice to each of those to whom the rules of a circle belong."""
    rules = {one.rule.reference: one.rule for some in listeners(ctx).values() for one in some}
    owners = {owner for name in circle if name in rules and (owner := rules[name].owner) is not None}
    looped, beyond = _("Rule {name} was stopped: it runs in a loop"), _("Rule {name} was not started: too long a chain of rules led to it")
    title, params = looped if circle[0] == circle[-1] else beyond, {"name": stopped.name}
    about, chain = Reference(RULE, stopped.id), " > ".join(circle)
    ctx.notify([Notice(owner, "automation.stopped", title, chain, params, about) for owner in sorted(owners)])


def by_hand(ctx: Context, rule: Rule, ids: Sequence[UUID], event: str, occurrence: str, causes: Sequence[str] = ()) -> list[UUID]:
    """Runs that a person, or a message from outside, asks for."""
    return start(ctx, rule, [Moment(id, event) for id in ids], occurrence, causes)


def rule_by_id(ctx: Context, id: UUID) -> Rule:
    """A live rule that the actor may see; raises NotFound."""
    row = ctx.records(RULE).values([id]).get(id)
    if row is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=RULE, id=str(id))
    for field in NEEDED:
        shown(row, field)
    return rule_of(row)
