"""From a definition to the histories of its series: what the actor may see, added up by period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from plugins.forecast.periods import number_in, number_of, start_of
from sdk import BadRequest, Change, Condition, Context, Filter, Refusal, _, parse_where
from sdk.context import Row
from sdk.days import instant
from sdk.fields import DateField, DateTimeField
from sdk.measures import field_at

MOST_PERIODS, MOST_SERIES, MOST_GROUPS = 520, 2000, 9000
FUNCTIONS = ("count", "sum", "distinct")
"""What a period without any record has zero of."""
_PARTS = ("entity", "measure", "date_field", "grain", "split_by", "conditions")
NOBODY = Condition("id", "eq", ("00000000-0000-0000-0000-000000000000",))


@dataclass(frozen=True)
class Definition:
    """A `forecast.series`, read."""

    entity: str
    measure: str
    date_field: str
    grain: str
    split_by: str
    conditions: Filter

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Definition:
        """From the values of a record. Raises BadRequest for conditions that cannot be read."""
        lines = [line.strip() for line in str(values["conditions"] or "").splitlines() if line.strip()]
        entity, measure, date_field, grain = (str(values[name]) for name in ("entity", "measure", "date_field", "grain"))
        return cls(entity, measure, date_field, grain, str(values["split_by"] or ""), parse_where(lines))

    def asked_in(self, ctx: Context) -> str:
        """The grain in which reports are asked: weeks here begin on Monday, those of reports as the tenant's do."""
        return "day" if self.grain == "week" and ctx.tenant.week_start != 1 else self.grain

    def by_itself(self, ctx: Context) -> bool:
        """Whether each period is asked for alone: who was there on two days of a week is still one."""
        return self.measure.startswith("distinct:") and self.asked_in(ctx) != self.grain

    @property
    def measured(self) -> str:
        """The field that is added up, "" for a count."""
        return self.measure.partition(":")[2]


@dataclass(frozen=True)
class History:
    """One series: `values` from period `first` on, without gaps."""

    key: str
    key_id: str
    first: int
    values: list[float]


@dataclass(frozen=True)
class Histories:
    """All series of a definition. `through` is the last whole period; the one that runs is left out."""

    series: list[History]
    through: int
    unpriced: int


def check(ctx: Context, change: Change) -> None:
    """Refuse a definition that cannot be asked: unknown entity, measure, date, split or condition."""
    try:
        asked = Definition.of({name: change.after(name) for name in _PARTS})
        if asked.measure.partition(":")[0] not in FUNCTIONS:
            text = _("is {measure!r}; a series needs count, sum:field or distinct:field")
            change.refuse("measure", "not_additive", text, measure=asked.measure)
            return
        if not isinstance(field_at(ctx, asked.entity, asked.date_field), DateField | DateTimeField):
            text = _("is not a date field of {entity}") if _is_seen(ctx, change) else _("is no date field of what the series is about")
            change.refuse("date_field", "no_date", text, entity=asked.entity)
            return
        answers(ctx, asked)
    except Refusal as refusal:
        text = (
            _("can’t be run: {reason}") if _is_seen(ctx, change) else _("can’t be run with what else the series says, which you can’t see")
        )
        change.refuse("entity", "cannot_be_asked", text, reason=ctx.say(refusal.message, refusal.params))


def _is_seen(ctx: Context, change: Change) -> bool:
    """Whether the actor has said or sees all that a definition is made of: no reason quotes a condition that is hidden."""
    others = [name for name in _PARTS if change.before is not None and name not in change.values]
    return not others or (
        ctx.can("forecast.series.read") and {*others} <= ctx.records("forecast.series").values([change.id]).get(change.id, {}).keys()
    )


def answers(ctx: Context, asked: Definition) -> None:
    """Raise Refusal where the actor cannot ask for it: nothing of that name, or no right to it."""
    by = [f"{asked.date_field}:{asked.asked_in(ctx)}", *([asked.split_by] if asked.split_by else [])]
    ctx.records(asked.entity).aggregate([asked.measure], by, (*asked.conditions, NOBODY))


def read(ctx: Context, asked: Definition) -> Histories:
    """The histories up to the last whole period, in the tenant's time. Raises Refusal where there is too much, or nothing to add up."""
    zone = ZoneInfo(ctx.tenant.timezone)
    running = number_of(ctx.now().astimezone(zone).date(), asked.grain)
    records, split = ctx.records(asked.entity), [asked.split_by] if asked.split_by else []
    years = [str(row[f"{asked.date_field}:year"]) for row in records.aggregate(["count"], [f"{asked.date_field}:year"], asked.conditions)
             if row[f"{asked.date_field}:year"] is not None]  # fmt: skip
    keys = len(records.aggregate(["count"], split, asked.conditions)) if split else 1
    if keys > MOST_SERIES:
        raise BadRequest(_("{count} series; at most {most} at once: split by fewer values, or filter"), count=keys, most=MOST_SERIES)
    first = number_of(date(max(1, int(min(years, default="1"))), 1, 1), asked.grain)
    found: dict[tuple[str, str], dict[int, float]] = {}
    dated = isinstance(field_at(ctx, asked.entity, asked.date_field), DateTimeField)
    whole, grouped = asked.by_itself(ctx), f"{asked.date_field}:{asked.asked_in(ctx)}"
    by = split if whole else [grouped, *split]
    groups = keys * (7 if asked.asked_in(ctx) != asked.grain else 1)
    for begin, end in _windows(max(first, running - MOST_PERIODS), running if years else 0, groups, 1 if whole else MOST_PERIODS):
        edges = [_edge(start_of(place, asked.grain), zone if dated else None) for place in (begin, end)]
        within = (Condition(asked.date_field, "gte", (edges[0],)), Condition(asked.date_field, "lt", (edges[1],)))
        for row in records.aggregate([asked.measure], by, (*asked.conditions, *within)):
            if whole and not row[asked.measure]:
                continue
            key, key_id = (str(row[asked.split_by] or "—"), str(row.get(f"{asked.split_by}.id") or "")) if split else ("—", "")
            place = begin if whole else number_in(str(row[grouped]), asked.grain)
            line = found.setdefault((key, key_id), {})
            line[place] = line.get(place, 0.0) + _number(ctx, row[asked.measure], asked.measure)
    series = [_filled(key, key_id, line, running) for (key, key_id), line in found.items()]
    return Histories(sorted(series, key=lambda one: (one.key, one.key_id)), running - 1, _unpriced(ctx, asked))


def _windows(first: int, end: int, groups: int, most: int) -> Iterator[tuple[int, int]]:
    """Stretches of time, of so many periods at the most, whose groups, so many in each, fit one question."""
    width = min(most, max(1, MOST_GROUPS // max(groups, 1)))
    for begin in range(first, end, width):
        yield begin, min(begin + width, end)


def _edge(day: date, zone: ZoneInfo | None) -> str:
    return day.isoformat() if zone is None else instant(day, zone).isoformat()


def _filled(key: str, key_id: str, line: dict[int, float], running: int) -> History:
    """A period within the range in which nothing happened is a zero, as is every one from the last record on."""
    first = min(line)
    return History(key, key_id, first, [line.get(place, 0.0) for place in range(first, running)])


def _number(ctx: Context, value: object, measure: str) -> float:
    """Amounts are in the tenant's own currency, or they are none that could be added from month to month."""
    base = ctx.tenant.currency
    if isinstance(value, list) or (isinstance(value, Mapping) and value["currency"] != base):
        text = _("{measure} contains currencies other than {base}, which are never added; use the amount in company currency")
        raise BadRequest(text, code="several_currencies", measure=measure, base=base)
    amount = value["amount"] if isinstance(value, Mapping) else value
    return 0.0 if amount is None else float(str(amount))


def _unpriced(ctx: Context, asked: Definition) -> int:
    """How many records have nothing in what is added up: counted, not guessed."""
    if not asked.measure.startswith("sum:"):
        return 0
    without = (*asked.conditions, Condition(asked.measured, "empty", ("true",)))
    rows: list[Row] = ctx.records(asked.entity).aggregate(["count"], (), without)
    return int(str(rows[0]["count"])) if rows else 0
