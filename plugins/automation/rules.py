"""Rules: what they are made of is checked when they are saved; what they listen to is kept in memory."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from marshmallow import Schema, ValidationError

from plugins.automation import conditions, revisions, timing
from plugins.automation.facts import example_words, filled, slots, unknown_slots
from plugins.automation.revisions import PARTS, RULE
from plugins.automation.rule import Rule, kind_of, rule_of
from plugins.automation.triggers import DATE, DELETED
from sdk import Action, Batch, Change, Context, Draft, Event, NotFound, Problem, Trigger, _, where
from sdk.context import id_of
from sdk.messages import problems

log = logging.getLogger("dealwright.automation")
DELEGATE = "automation.rule.delegate"
MOST_ACTIONS = 20
SWITCH_OFF = "switch_off"
"""The act by which we switch a rule off ourselves, whatever is wrong with it."""
MOST_RULES = 500


# --- what they listen to ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listener:
    """A rule that an event may begin, with the fields whose earlier values it needs."""

    rule: Rule
    trigger: Trigger
    parameters: Mapping[str, object]
    before: frozenset[str]
    asked: frozenset[str] = frozenset()
    """Of a rule by date the fields of its filters: a record that comes to fit them may be late for its day."""

    def begins(self, event: Event) -> bool:
        """Whether this event is one for the rule."""
        return self.trigger.begins(event, self.parameters) or not self.asked.isdisjoint(cast("list[str]", event.payload.get("fields", ())))


def listeners(ctx: Context) -> Mapping[str, Sequence[Listener]]:
    """The tenant's active rules by the events that may begin them, in order; from memory."""
    return ctx.kept(RULE, lambda: _listeners(ctx.as_system()))


def _listeners(ctx: Context) -> dict[str, list[Listener]]:
    found: dict[str, list[Listener]] = {}
    rules = [rule_of(row) for row in ctx.records(RULE).find(where(active=True), MOST_RULES)]
    for rule in sorted(rules, key=lambda rule: (rule.position, rule.id)):
        try:
            for event, listener in _heard(ctx, rule):
                found.setdefault(event, []).append(listener)
        except Exception:
            # A kind that its plugin has changed, or that is broken: this is asked within every write, which must not fail for it.
            log.exception("rule %s of tenant %s cannot be heard; save it again", rule.reference, ctx.tenant.name)
    return found


def _heard(ctx: Context, rule: Rule) -> list[tuple[str, Listener]]:
    trigger = kind_of(ctx, Trigger, rule.trigger)
    if trigger is None or not ctx.offers(rule.entity):
        return []
    parameters = trigger.parameters().load(rule.parameters)
    before = conditions.earlier(ctx, rule.conditions)
    if rule.trigger == DELETED:  # what its texts say must be written down before the record is out of sight
        before |= {word.partition(".")[0] for word in slots(list(rule.actions))}
    asked = conditions.filtered(rule.conditions) if rule.trigger == DATE else frozenset[str]()
    return [(event, Listener(rule, trigger, parameters, before, asked)) for event in trigger.events(rule.entity, parameters)]


def wants(ctx: Context, event: str, changed: frozenset[str]) -> frozenset[str] | None:
    """Whether a rule of the tenant may begin with this event, and which earlier values it asks for."""
    there = listeners(ctx).get(event)
    if not there:
        return None
    wanted: set[str] = set()
    asked = False
    for one in there:
        narrowed = {*one.parameters.get("fields_", ())} if isinstance(one.parameters.get("fields_"), list) else set()  # type: ignore[misc]
        if one.rule.trigger == DATE and event.endswith(".updated"):
            narrowed = {str(one.parameters["field"]), *one.asked}
        if not narrowed or not changed.isdisjoint(narrowed):
            asked, wanted = True, wanted | one.before
    return frozenset(wanted) if asked else None


# --- saving -----------------------------------------------------------------------------------------------------------


def prepare(ctx: Context, batch: Batch) -> None:
    """Refuse what cannot stand, naming the place; keep each version; let what goes by the clock begin from now."""
    for change in batch.standing():
        revisions.prepare_draft(ctx, change)
    keep_room(ctx, batch, MOST_RULES)
    for change in batch.changes:
        touched = not stops(change) and (
            change.before is None or any(change.changes(name) for name in (*PARTS, "runs_as", "active", "owner"))
        )
        if change.verb in ("create", "update") and not change.problems and touched and change.act != SWITCH_OFF:
            _check(ctx, change)
        if change.problems or change.verb == "delete":
            continue
        if change.changes("active") and change.after("active") and change.before is not None and change.before["stopped_because"]:
            change.values["stopped_because"] = None
        if change.verb != "restore":
            revisions.keep(ctx, batch, change)
        awake = change.verb != "update" or any(change.changes(name) for name in ("active", *PARTS))
        if change.after("active") and awake:
            timing.begin(ctx, batch, change)


def stops(change: Change) -> bool:
    """Whether a change does no more than switch it off: what cannot work any more can still be stopped, by whoever may write it."""
    off = change.verb == "update" and change.changes("active") and not change.after("active")
    return off and not any(change.changes(name) for name in change.values if name != "active")


def stop_all(ctx: Context) -> int:
    """Switch every rule of the tenant off, whosever it is; what waits to run is stopped as it comes. Returns how many were active."""
    system = ctx.as_system()
    with ctx.transaction(write=True):
        active = system.records(RULE).find(where(active=True), MOST_RULES)
        system.records(RULE).write_all([Draft("update", {"active": False}, id_of(row), act=SWITCH_OFF) for row in active])
    return len(active)


def keep_room(ctx: Context, batch: Batch, most: int) -> None:
    """Refuse what would be active beyond the number that is read: none is ever passed over in silence."""
    coming = [
        change
        for change in batch.changes
        if change.after("active") and (change.before is None or not change.before["active"] or change.verb == "restore")
    ]
    if not coming:
        return
    (count,) = ctx.as_system().records(batch.entity).aggregate(["count"], (), where(active=True))
    for change in coming[max(0, most - int(str(count["count"]))) :]:
        change.forbid("too_many_active", _("at most {most} of them can be active; turn others off first"), most=most)


def _check(ctx: Context, change: Change) -> None:
    entity = str(change.after("entity"))
    delegated = change.after("runs_as") is not None and change.after("runs_as") != ctx.actor.user_id
    if (delegated or (change.after("owner") is None and ctx.actor.user_id is not None and change.before is not None)) and not ctx.can(
        DELEGATE
    ):
        change.refuse(
            "runs_as",
            "delegate_forbidden",
            _("you don’t have permission to let a rule run as someone else; leave it out, or ask an administrator"),
        )
        return
    if entity.partition(".")[0] == "automation" or not ctx.offers(entity):
        change.refuse("entity", "unknown_entity", _("entity {entity!r} does not exist here"), entity=entity[:100])
        return
    try:
        actor = _actor(ctx, change)
    except NotFound:
        change.refuse("runs_as", "unknown_user", _("the user the rule runs as is not active"))
        return
    if not actor.can(f"{entity}.read"):
        change.refuse("entity", "unknown_entity", _("entity {entity!r} does not exist here"), entity=entity[:100])
        return
    for problem in problems_of(actor, entity, change):
        change.problems.append(problem)


def _actor(ctx: Context, change: Change) -> Context:
    who = change.after("runs_as") or change.after("owner")
    if not isinstance(who, UUID):
        return ctx.as_system()
    return ctx if who == ctx.actor.user_id else ctx.as_user(who)


def problems_of(ctx: Context, entity: str, change: Change) -> list[Problem]:
    """What is wrong with the trigger, the conditions and the actions, as the rule's actor sees the entity."""
    found: list[Problem] = []
    key, given = str(change.after("trigger")), change.after("parameters") or {}
    trigger = kind_of(ctx, Trigger, key)
    if trigger is None:
        known = ", ".join(one.full_key for one in ctx.declared(Trigger))
        found.append(
            Problem(
                "trigger", "unknown_trigger", _("trigger {key!r} does not exist; available: {known}"), {"key": key[:100], "known": known}
            )
        )
    else:
        found += _loaded(ctx, entity, trigger, given, "parameters")
    found += conditions.problems_of(ctx, entity, cast("Sequence[Any]", change.after("conditions") or []))
    if key == DELETED and conditions.look_at_records(change.after("conditions")):
        found.append(Problem("conditions", "record_gone", _("a deleted record can’t be checked any more; leave its conditions out")))
    actions = change.after("actions")
    if not isinstance(actions, list) or not actions:
        return [*found, Problem("actions", "required", _("a rule needs an action"))]
    if len(actions) > MOST_ACTIONS:
        return [*found, Problem("actions", "too_many", _("at most {limit} actions"), {"limit": MOST_ACTIONS})]
    for place, node in enumerate(actions):
        found += _action_problems(ctx, entity, node, f"actions.{place}")
    return found


def _loaded(ctx: Context, entity: str, kind: Trigger | Action, given: object, place: str) -> list[Problem]:
    try:
        loaded = _schema(kind).load(given)  # type: ignore[arg-type]
    except ValidationError as failure:
        return problems(failure.messages, place)
    return [Problem(f"{place}.{one.field}", one.code, one.message, one.params) for one in kind.check(ctx, entity, loaded)]


def _schema(kind: Trigger | Action) -> Schema:
    return kind.parameters()


def _action_problems(ctx: Context, entity: str, node: object, place: str) -> list[Problem]:
    if not isinstance(node, Mapping) or set(node) - {"action", "parameters"} or not isinstance(node.get("parameters") or {}, Mapping):
        return [Problem(place, "malformed", _('expected {{"action": "...", "parameters": {{...}}}}'))]
    action = kind_of(ctx, Action, str(node.get("action")))
    if action is None:
        known = ", ".join(one.full_key for one in ctx.declared(Action))
        text = _("action {key!r} does not exist; available: {known}")
        return [Problem(f"{place}.action", "unknown_action", text, {"key": str(node.get("action"))[:100], "known": known})]
    if action.entities and entity not in action.entities:
        text = _("the action {key!r} is for {entities}")
        return [Problem(f"{place}.action", "unknown_action", text, {"key": action.full_key, "entities": ", ".join(action.entities)})]
    given = node.get("parameters") or {}
    if unknown := unknown_slots(ctx, entity, given, f"{place}.parameters"):
        return unknown
    return _loaded(ctx, entity, action, tried(ctx, entity, action, given), f"{place}.parameters")


def tried(ctx: Context, entity: str, action: Action, given: Mapping[str, Any]) -> object:
    """Parameters filled from an example; the values for fields keep their braces, as only a record knows what goes there."""
    words = example_words(ctx, entity, slots(given))
    return {name: given[name] if name == "values" else one for name, one in filled(action, given, words).items()}
