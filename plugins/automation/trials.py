"""A rule tried on one record: what would happen, and why not. All of it is done and taken back, so it is what a run would do."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from marshmallow import ValidationError

from plugins.automation import conditions
from plugins.automation.actions import masked
from plugins.automation.facts import HIDDEN, MASK, NOTHING, Word, filled, slots, words_of
from plugins.automation.rule import Rule, actor_of, kind_of
from plugins.automation.schemas import readable
from plugins.automation.sentences import called_action, holds
from plugins.automation.sight import acts_for
from plugins.automation.triggers import DATE, ByDate
from sdk import Action, Context, GiveUp, Invalid, Moment, NotFound, Refusal, Step, _
from sdk.context import Row, id_of
from sdk.days import instant
from sdk.fields import FlawError
from sdk.pages import told

log = logging.getLogger("dealwright.automation")


class _UndoneError(Exception):
    """What was tried is taken back."""


def tried(ctx: Context, rule: Rule, id: UUID) -> dict[str, object]:
    """What a rule, active or not, would do for a record as it is now, in the rule's own name; who asks is told no more than he sees himself.

    `begins` says when by its date it would; `conditions` which of them hold; `steps` what each action takes and makes, up to the one that
    fails. Raises NotFound for a record that who asks does not see, or that the rule does not, or for an actor who has left, and Invalid
    for a rule that cannot stand as it is.
    """
    seen = ctx.records(rule.entity).values([id]).get(id)
    if seen is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=rule.entity, id=str(id))
    actor = actor_of(ctx, rule)
    row = actor.records(rule.entity).values([id]).get(id)
    if row is None:
        raise NotFound(_("the user the rule runs as can’t see this record, so it would not run for it"))
    held = [_held(ctx, actor, rule, node, id) for node in rule.conditions]
    holds_all, steps = all(one["holds"] for one in held), _steps(_Trial(ctx, actor, rule, row, seen))
    for step in steps if not acts_for(ctx, rule) else ():
        step |= {"went_in": {}, "came_out": {}}  # the rule may see more than who asks
    return {
        "begins": _begins(ctx, rule, row, seen), "conditions": held, "holds": holds_all, "steps": steps,
    }  # fmt: skip


def _held(ctx: Context, actor: Context, rule: Rule, node: object, id: UUID) -> dict[str, object]:
    """One condition; those that ask what has just changed do not hold, as nothing has. Of one that asks by what who asks does not see
    it is not told: that would be a way to guess it."""
    if conditions.problems_of(ctx, rule.entity, [node]) and not conditions.problems_of(actor, rule.entity, [node]):
        hidden = ctx.say(_("it filters by something you don’t have access to, so the result is not shown"))
        return {"text": holds(ctx, rule.entity, node), "holds": False, "problem": hidden, "asks_change": False}
    try:
        found = conditions.holding(actor, rule.entity, [node], [Moment(id)])
        problem = ""
    except (Refusal, ValidationError, FlawError) as refusal:
        found, problem = set(), " ".join(told(ctx, refusal)) if isinstance(refusal, Refusal) else readable(str(refusal), 300)
    asks_change = any(one.get("kind") in ("automation.changed", "automation.crossed") for _at, one in conditions.leaves([node], ""))
    return {"text": holds(ctx, rule.entity, node), "holds": id in found, "problem": problem, "asks_change": asks_change}


def _begins(ctx: Context, rule: Rule, row: Row, seen: Row) -> dict[str, object] | None:
    """When a rule that goes by a date would begin for the record; None for others, and for a date that who asks does not see."""
    if rule.trigger != DATE:
        return None
    try:
        given = cast("dict[str, Any]", ByDate().load(dict(rule.parameters)))
    except ValidationError as failure:
        text = _("the rule is no longer valid; save it again to see why: {reason}")
        raise Invalid(text, code="rule_broken", reason=readable(str(failure), 300)) from failure
    value, zone = row.get(str(given["field"])), ZoneInfo(ctx.tenant.timezone)
    if value != seen.get(str(given["field"])):
        return None
    if not isinstance(value, date):
        return {"at": None, "past": False}
    day = value.astimezone(zone).date() if isinstance(value, datetime) else value
    try:
        far = timedelta(days=given["days"]) * (-1 if given["direction"] == "before" else 1)
        at = instant(day + far, zone, given["at"])
    except OverflowError:
        return {"at": None, "past": False}
    return {"at": at, "past": at <= ctx.now()}


@dataclass(frozen=True)
class _Trial:
    """Who asks and in whose name it is done; the record as the rule sees it, and as who asks does."""

    ctx: Context
    actor: Context
    rule: Rule
    row: Row
    seen: Row

    def words(self, wanted: Sequence[str]) -> tuple[dict[str, Word], dict[str, Word], list[str]]:
        """What goes in, what of it is shown, and what is not: each text of the record that who asks does not see."""
        words, shown = words_of(self.actor, self.rule.entity, self.row, wanted)
        _words, mine = words_of(self.ctx, self.rule.entity, self.seen, wanted)
        hidden = [name for name, word in words.items() if word.exact and not mine.get(name, NOTHING).exact]
        return words, shown | dict.fromkeys(hidden, HIDDEN), [text for name in hidden for text in (words[name].exact, words[name].told)]


def _without(value: object, hidden: Sequence[str]) -> object:
    """A value with nothing in it that is hidden."""
    if isinstance(value, Mapping):
        return {name: _without(one, hidden) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without(one, hidden) for one in value]
    return MASK if isinstance(value, str) and any(one in value for one in hidden) else value


def _steps(trial: _Trial) -> Sequence[dict[str, object]]:
    ctx, steps, hidden = trial.ctx, list[dict[str, object]](), list[str]()
    try:
        with ctx.tried():
            for node in trial.rule.actions:
                step: dict[str, object] = {"action": str(node.get("action", "")), "label": called_action(ctx, str(node.get("action", "")))}
                steps.append(step | {"went_in": {}, "came_out": {}, "problem": ""})
                _act(trial, node, steps[-1], hidden)
            raise _UndoneError
    except _UndoneError:
        pass
    except Refusal as refusal:
        steps[-1]["problem"] = " ".join(told(ctx, refusal))
    except (GiveUp, ValidationError) as failure:
        steps[-1]["problem"] = readable(str(failure), 500)
    except Exception as failure:  # whatever an action of a plugin raises: a run would fail by it, and so says the trial
        log.exception("the action %s failed as it was tried", steps[-1]["action"])
        steps[-1]["problem"] = readable(f"{type(failure).__name__}: {failure}", 500)
    return [{**step, "came_out": _without(step["came_out"], hidden), "problem": _without(step["problem"], hidden)} for step in steps]


def _act(trial: _Trial, node: Mapping[str, Any], step: dict[str, object], hidden: list[str]) -> None:
    actor, entity = trial.actor, trial.rule.entity
    action = kind_of(actor, Action, str(node.get("action", "")))
    if action is None:
        raise NotFound(_("action {key!r} does not exist here; is its plugin turned off?"), key=str(node.get("action"))[:100])
    given = cast("Mapping[str, Any]", node.get("parameters") or {})
    wanted = slots(given)
    words, shown, unseen = trial.words(wanted) if wanted else ({}, {}, [])
    hidden += unseen
    step["went_in"] = masked(actor, entity, filled(action, given, shown))
    parameters = action.parameters().load(filled(action, given, words))
    step["came_out"] = dict(action.run(actor, Step(entity, id_of(trial.row), parameters)))
