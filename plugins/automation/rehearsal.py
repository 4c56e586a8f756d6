"""What a rule would have done: the events of the last days, asked again in the caller's name; nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from marshmallow import ValidationError

from plugins.automation import conditions, expressions
from plugins.automation.rule import Rule, kind_of
from plugins.automation.schemas import readable
from sdk import Context, Forbidden, Invalid, Moment, Past, Trigger, _, parse_where
from sdk.context import Row
from sdk.fields import Field

MOST_MOMENTS, MOST_SHOWN, PART = 2_000, 20, 500
TIMELESS = frozenset({"automation.changed", "automation.crossed", "automation.during"})
"""Kinds that ask nothing but the record as it was, the change and the time."""


@dataclass(frozen=True, slots=True)
class Then:
    """A moment at which the rule would have been asked, the record as it was, and the fields that have changed since."""

    at: datetime
    moment: Moment
    row: Row | None
    since: frozenset[str]


class AsItWas:
    """A context at an earlier time: the clock, and one record by its id. Whatever else is asked answers as it is today."""

    def __init__(self, ctx: Context, entity: str, then: Then) -> None:
        self._ctx, self._entity, self._then = ctx, entity, then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)

    def now(self) -> datetime:
        return self._then.at

    def records(self, entity: str) -> Any:
        records = self._ctx.records(entity)
        return _RecordAsItWas(records, self._then) if entity == self._entity else records


class _RecordAsItWas:
    def __init__(self, records: Any, then: Then) -> None:
        self._records, self._then = records, then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def values(self, ids: Iterable[UUID]) -> Mapping[UUID, Row]:
        asked, mine = list(ids), self._then.moment.record_id
        if asked == [mine]:
            return {} if self._then.row is None else {mine: self._then.row}
        return cast("Mapping[UUID, Row]", self._records.values(asked))


def rehearse(ctx: Context, rule: Rule, days: int) -> dict[str, object]:
    """See `_rehearse`. Raises Invalid for a rule that cannot stand as it is, such as one whose kinds or fields have changed."""
    try:
        return _rehearse(ctx, rule, days)
    except (ValidationError, expressions.ExpressionError) as failure:
        text = _("the rule is no longer valid; save it again to see why: {reason}")
        raise Invalid(text, code="rule_broken", reason=readable(str(failure), 300)) from failure


def _rehearse(ctx: Context, rule: Rule, days: int) -> dict[str, object]:
    """How often a rule would have begun within so many days, by day, with the latest records.

    `unsure` counts the moments that were judged by values which have changed since, or by other records as they are today;
    `complete` is False where there was more than is looked through, and `from` says how far it came. Raises Invalid for a
    trigger whose past is not kept (times, by hand, messages), Forbidden for who may not see the records.
    """
    trigger = kind_of(ctx, Trigger, rule.trigger)
    if not ctx.can(f"{rule.entity}.read"):
        raise Forbidden(_("you don’t have access to {entity} records"), entity=rule.entity)
    parameters = trigger.parameters().load(rule.parameters) if trigger is not None else {}
    names = trigger.events(rule.entity, parameters) if trigger is not None and rule.trigger != "automation.date" else ()
    if trigger is None or not names:
        raise Invalid(_("the trigger {key!r} keeps no history to test the rule on"), code="no_past", key=rule.trigger)
    since = ctx.now() - timedelta(days=days)
    with ctx.transaction():
        past, whole = ctx.past(rule.entity, since, names)
        heard = [(one, trigger.begins(one.event, parameters)) for one in past]
        begun = [one for one, begins in heard if begins and one.event.name in names]
        if not whole and past:
            since = past[-1].at
        if len(begun) > MOST_MOMENTS:
            since, whole = begun[MOST_MOMENTS - 1].at, False
        moments = list(_backwards(ctx, rule.entity, past, begun[:MOST_MOMENTS]))
        fields = _asked(ctx, rule)
        fired = [then for then in moments if not rule.conditions or _holds(ctx, rule, then)]
        return _report(ctx, rule, fired, moments, fields, since, whole)


def _backwards(ctx: Context, entity: str, past: Sequence[Past], begun: Sequence[Past]) -> Iterator[Then]:
    """The record at each of these moments, newest first: what happened later is taken back, one change after the other."""
    wanted, own = {id(one) for one in begun}, ctx.records(entity).fields()
    rows, later = dict[UUID, dict[str, object]](), dict[UUID, set[str]]()
    ids = list(dict.fromkeys(one.event.record_id for one in begun))
    for start in range(0, len(ids), PART):
        rows |= {found: dict(row) for found, row in ctx.records(entity).values(ids[start : start + PART]).items()}
    for one in past:
        record, payload = one.event.record_id, one.event.payload
        names = frozenset(cast("Sequence[str]", payload.get("fields", ())))
        before = cast("Mapping[str, object]", payload.get("before", {}))
        if id(one) in wanted:
            row = rows.get(record)
            moment = Moment(record, one.event.name, names, before)
            yield Then(one.at, moment, None if row is None else dict(row), frozenset(later.get(record, ())))
        if record in rows:
            rows[record] |= _typed(own, before)
        if not one.event.name.endswith(".created"):
            later.setdefault(record, set()).update(names)


def _typed(own: Mapping[str, Field], before: Mapping[str, object]) -> dict[str, object]:
    return {name: conditions.typed(own[name], value) for name, value in before.items() if name in own}


def _holds(ctx: Context, rule: Rule, then: Then) -> bool:
    here = cast("Context", AsItWas(ctx, rule.entity, then))
    return bool(conditions.holding(here, rule.entity, rule.conditions, [then.moment]))


def _asked(ctx: Context, rule: Rule) -> frozenset[str] | None:
    """The fields that are asked as they are today, not as they were; None where other records are asked, whose past is not looked at."""
    found = set[str]()
    for _place, node in conditions.leaves(rule.conditions, ""):
        kind, given = str(node["kind"]), cast("Mapping[str, Any]", node.get("parameters") or {})
        if kind == "automation.filter":
            found |= {one.field for one in parse_where(given["where"])}
        elif kind == "automation.expression":
            if any(name.link for name in expressions.names_in(ctx, rule.entity, str(given["expression"]))):
                return None
        elif kind not in TIMELESS:
            return None
    return None if any("." in name for name in found) else frozenset(found)


def _report(
    ctx: Context, rule: Rule, fired: Sequence[Then], moments: Sequence[Then], asked: frozenset[str] | None, since: datetime, whole: bool
) -> dict[str, object]:
    zone = ZoneInfo(ctx.tenant.timezone)
    days = Counter(then.at.astimezone(zone).date().isoformat() for then in fired)
    unsure = sum(bool(rule.conditions) and (asked is None or then.row is None or not then.since.isdisjoint(asked)) for then in moments)
    shown = fired[:MOST_SHOWN]
    titles = ctx.records(rule.entity).titles({then.moment.record_id for then in shown})
    return {
        "from": since, "complete": whole, "looked_at": len(moments), "fired": len(fired), "unsure": unsure,
        "days": [{"day": day, "fired": count} for day, count in sorted(days.items())],
        "samples": [
            {"at": then.at, "event": then.moment.event, "id": then.moment.record_id, "title": titles.get(then.moment.record_id, "")}
            for then in shown
        ],
    }  # fmt: skip
