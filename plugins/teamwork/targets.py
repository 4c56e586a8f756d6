"""Targets: what the company, a team or a person is to reach, how far it is, and who is told at 90 and at 100 per cent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from plugins.teamwork.attainment import HUNDRED, KIND, PARTS, Reached, Staff, Subject, parts_there, pieces, total
from plugins.teamwork.periods import MONTHS, Period, spoken, starting, within
from plugins.teamwork.tables import ACTIVITIES, DEALS, MEASURES, OF_DEALS, ON_TIME_TASKS, PERIODS, WON_AMOUNT, Target
from plugins.teamwork.workdays import today
from sdk import Batch, Change, Condition, Context, Draft, Event, Notice, _
from sdk.context import Row, id_of
from sdk.fields import Money, Reference, exact_text
from sdk.fields.money import money_wire

NAME = "teamwork.target"
TOLD = "tell"
STEPS = (100, 90)
NEWS = timedelta(days=31)
"""How long after its end a period is still news."""
PLACES = Decimal("0.01")
MOST = 100_000
_SUBJECT = ("measure", "period", "period_start", "team", "person", *PARTS, "activity_kind")
PART = 500
NEARLY = Decimal("99.99")


@dataclass(frozen=True, slots=True)
class Attained:
    """A target and how far it is reached; `percent` with two digits, None where the goal is nought."""

    target: Row
    goal: Decimal
    reached: Reached

    @property
    def percent(self) -> Decimal | None:
        """In per cent, rounded half to even; a hundred is what is reached, not what is nearly so."""
        if not self.goal:
            return None
        rounded = (self.reached.value * HUNDRED / self.goal).quantize(PLACES, ROUND_HALF_EVEN)
        return min(rounded, NEARLY) if self.reached.value < self.goal else rounded


def prepare_targets(ctx: Context, batch: Batch) -> None:
    """A target has one subject, one goal of the kind of its measure, and a whole period; it belongs to whom it is for."""
    teams, deals, there = _managers(ctx, batch), ctx.offers(DEALS), parts_there(ctx)
    for change in batch.standing():
        _check_subject(change, deals)
        _check_goal(ctx, change)
        check_period(ctx, change)
        if change.before is None or any(change.changes(part) for part in PARTS):
            unseen = set(_parts(change.before)) - there if change.before else set()  # its plugin is off: it stays, and comes back with it
            change.values["parts"] = ",".join(part for part in PARTS if change.after(part) or part in unseen) or None
        if change.changes("person") or change.changes("team") or change.before is None:
            person, team = change.after("person"), change.after("team")
            change.values["owner"] = person or (teams.get(team) if isinstance(team, UUID) else None) or change.after("owner")
        if change.act != TOLD and any(change.changes(name) for name in ("amount", "number", *_SUBJECT)):
            change.values["told"] = None
    _keep_single(ctx, [c for c in batch.changes if c.stands and (c.verb in ("create", "restore") or _is_about_other(c))])


def check_period(ctx: Context, change: Change) -> None:
    """A period begins where one of its kind does; one of a fiscal year that began in another month then stays as it is."""
    start, kind = change.after("period_start"), str(change.after("period"))
    if not isinstance(start, date) or not (change.before is None or change.changes("period") or change.changes("period_start")):
        return
    first = starting(kind, start, ctx.tenant.fiscal_year_start).start
    if start != first:
        change.refuse("period_start", "not_a_start", _("{period} starts on {first}"), period=PERIODS[kind], first=first.isoformat())


def _is_about_other(change: Change) -> bool:
    return change.verb == "update" and any(change.changes(name) for name in _SUBJECT)


def _keep_single(ctx: Context, changes: Sequence[Change]) -> None:
    """There is one target for a subject, measure and period: of two nobody knows which is meant."""
    starts = sorted({start for change in changes if isinstance(start := change.after("period_start"), date)})
    if not starts:
        return
    ctx.lock(NAME)
    measures = Condition("measure", "in", tuple(sorted({str(change.after("measure")) for change in changes})))
    holder: dict[tuple[object, ...], UUID] = {}
    for at in range(0, len(starts), PART):
        asked = (Condition("period_start", "in", tuple(starts[at : at + PART])), measures)
        for row in ctx.as_system().records(NAME).find(asked, MOST):
            holder[_place(row.get)] = id_of(row)
    for change in changes:
        # One that moves away in this batch holds its place all the same: it may still be refused.
        if holder.setdefault(_place(change.after), change.id) != change.id:
            change.forbid("second_target", _("a target for this already exists in the period; edit that one"))


def _place(value: Callable[[str], object]) -> tuple[object, ...]:
    """What a target is about, whatever its period is called; `parts` names those whose plugins are not there now, too."""
    return MONTHS[str(value("period"))], value("parts"), *(value(name) for name in _SUBJECT if name != "period")


def _managers(ctx: Context, batch: Batch) -> Mapping[UUID, object]:
    teams = {team for change in batch.standing() if isinstance(team := change.after("team"), UUID)}
    return {id: row["manager"] for id, row in ctx.as_system().records("core.team").values(teams).items()} if teams else {}


def _check_subject(change: Change, deals: bool) -> None:
    measure = str(change.after("measure"))
    if change.after("person") and change.after("team"):
        change.refuse("team", "two_subjects", _("a target is for either a person or a team; leave both out for the whole company"))
    if measure in OF_DEALS and not deals:
        change.refuse("measure", "not_offered", _("{measure} is based on deals, which aren’t available here"), measure=MEASURES[measure])
    if measure not in OF_DEALS:
        for name in PARTS:
            if change.after(name):
                label = Target.__fields__[name].label
                change.refuse(name, "no_such_part", _("{measure} has no {part}; leave it out"), measure=MEASURES[measure], part=label)
    if change.after("activity_kind") and measure != ACTIVITIES:
        change.refuse("activity_kind", "no_such_part", _("only activity targets have an activity type; leave it out"))


def _check_goal(ctx: Context, change: Change) -> None:
    measure, amount = str(change.after("measure")), change.after("amount")
    wanted, other = ("amount", "number") if measure == WON_AMOUNT else ("number", "amount")
    if change.after(wanted) is None:
        change.refuse(wanted, "required", _("is required for this measure"))
    if change.after(other) is not None:
        change.refuse(other, "other_measure", _("doesn’t apply to this measure; leave it out"))
    if isinstance(amount, Money) and amount.currency != ctx.tenant.currency:
        text = _("a target must be in the company’s currency, {currency}")
        change.refuse("amount", "own_currency", text, currency=ctx.tenant.currency)


def goal_of(target: Row) -> Decimal:
    """What is to be reached, as a number; amounts are in the company’s own currency."""
    amount, number = target["amount"], target["number"]
    return amount.amount if isinstance(amount, Money) else number if isinstance(number, Decimal) else Decimal(0)


def period_of(target: Row) -> Period:
    """The period of a target."""
    start = target["period_start"]
    assert isinstance(start, date)
    return Period(str(target["period"]), start)


def attained(ctx: Context, targets: Sequence[Row], staff: Staff | None = None) -> list[Attained]:
    """How far these targets are reached: one question for each measure, period and choice of parts, however many targets there are.

    What is counted with plugins that the tenant has not got now is left out: of a product that nobody knows, all deals would count.
    """
    staff = staff or _staff(ctx, targets)
    groups: dict[tuple[str, Period, tuple[str, ...]], list[Row]] = {}
    there = parts_there(ctx)
    for target in targets:
        parts = _parts(target)
        if there.issuperset(parts) and (target["measure"] not in OF_DEALS or ctx.offers(DEALS)):
            groups.setdefault((str(target["measure"]), period_of(target), parts), []).append(target)
    reached: dict[UUID, Reached] = {}
    for (measure, period, parts), mine in groups.items():
        by = {part: frozenset(target[part] for target in mine) for part in parts} | ({KIND: frozenset()} if measure == ACTIVITIES else {})
        found = pieces(ctx, measure, period, by)
        reached |= {id_of(target): total(measure, found, _subject(target, staff)) for target in mine}
    return [Attained(target, goal_of(target), reached[id_of(target)]) for target in targets if id_of(target) in reached]


def _parts(target: Row) -> tuple[str, ...]:
    """The parts to which a target is narrowed, in their order."""
    return tuple(str(target["parts"]).split(",")) if target["parts"] else ()


def _staff(ctx: Context, targets: Sequence[Row]) -> Staff:
    return Staff(ctx, {target["person"] for target in targets}, {target["team"] for target in targets})


def _subject(target: Row, staff: Staff) -> Subject:
    person, team = target["person"], target["team"]
    among = frozenset({person}) if isinstance(person, UUID) else staff.of_team(team) if isinstance(team, UUID) else None
    return Subject(among, {**{part: target[part] for part in _parts(target)}, KIND: target["activity_kind"]})


def shown(ctx: Context, period: Period, only: Iterable[Condition] = ()) -> list[dict[str, object]]:
    """The targets of a period that the actor may see, with what is reached of each."""
    rows = ctx.records(NAME).find((*_in(period), *only), MOST)
    staff = _staff(ctx, rows)
    return [_shown(ctx, one, staff) for one in attained(ctx, rows, staff)]


def _in(period: Period) -> tuple[Condition, ...]:
    """Of these months, by whatever name."""
    kinds = tuple(kind for kind, months in MONTHS.items() if months == MONTHS[period.kind])
    return Condition("period", "in", kinds), Condition("period_start", "eq", (period.start,))


def _shown(ctx: Context, one: Attained, staff: Staff) -> dict[str, object]:
    target, person, team = one.target, one.target["person"], one.target["team"]
    name = staff.people[person]["name"] if isinstance(person, UUID) and person in staff.people else None
    name = staff.teams[team]["name"] if name is None and isinstance(team, UUID) and team in staff.teams else name
    return {
        "target": target["id"], "measure": target["measure"], "period": _period_name(ctx, target), "person": person, "team": team, "name": name,
        **{part: target.get(part) for part in PARTS}, "activity_kind": target["activity_kind"],
        "goal": _said(ctx, target, one.goal), "reached": _said(ctx, target, one.reached.value),
        "percent": None if one.percent is None else exact_text(one.percent, 2), "not_priced": one.reached.unpriced,
    }  # fmt: skip


def _period_name(ctx: Context, target: Row) -> str:
    return replace(period_of(target), begins=ctx.tenant.fiscal_year_start).name


def _said(ctx: Context, target: Row, value: Decimal) -> object:
    return money_wire(value, ctx.tenant.currency) if target["measure"] == WON_AMOUNT else exact_text(value)


# --- who is told -----------------------------------------------------------------------------------------------------


def watch(ctx: Context) -> None:
    """Look at the targets of the month, quarter and year of today, and of the last month: late entries count, too."""
    now = today(ctx)
    tell(ctx, within((now.replace(day=1) - timedelta(days=1)).replace(day=1), now, ctx.tenant.fiscal_year_start))


def deals_won(ctx: Context, events: Sequence[Event]) -> None:
    """Deals were won: look at the targets of the periods of their close dates."""
    deals = ctx.records(DEALS).values({event.record_id for event in events}) if ctx.offers(DEALS) else {}
    days = {day for deal in deals.values() if isinstance(day := deal["close_date"], date)}
    begins = ctx.tenant.fiscal_year_start
    tell(ctx, list(dict.fromkeys(period for day in days for period in within(day, day, begins))), but=(ACTIVITIES, ON_TIME_TASKS))


def tell(ctx: Context, periods: Sequence[Period], but: Sequence[str] = ()) -> None:
    """Tell of each target that is newly reached to 90 or 100 per cent, once: the mark commits together with the notices.

    A share of tasks done in time may fall again: it is told when its period is over. What was over long ago is no news: deals of
    earlier years that are imported tell nobody.
    """
    periods = [period for period in periods if period.end >= today(ctx) - NEWS]
    if not periods:
        return
    with ctx.transaction(write=True):
        ctx.lock("teamwork.targets")
        rows = [row for period in periods for row in _untold(ctx, period) if row["measure"] not in but]
        rows = [row for row in rows if row["measure"] != ON_TIME_TASKS or period_of(row).end <= today(ctx)]
        staff = _staff(ctx, rows)
        drafts, notices = list[Draft](), list[Notice]()
        for one in attained(ctx, rows, staff):
            step = next((step for step in STEPS if one.goal and one.reached.value * HUNDRED >= step * one.goal), 0)
            told = one.target["told"]
            if step > (told if isinstance(told, int) else 0):
                drafts.append(Draft("update", {"told": step}, id_of(one.target), act=TOLD))
                notices += _notices(ctx, one, step, staff)
        ctx.records(NAME).write_all(drafts)
        ctx.notify(notices)


def _untold(ctx: Context, period: Period) -> list[Row]:
    return [row for row in ctx.records(NAME).find(_in(period), MOST) if row["told"] != STEPS[0]]


def _notices(ctx: Context, one: Attained, step: int, staff: Staff) -> list[Notice]:
    target, person, team = one.target, one.target["person"], one.target["team"]
    readers: list[object] = [person, staff.manager(person)] if isinstance(person, UUID) else []
    readers += [staff.teams[team]["manager"]] if isinstance(team, UUID) and team in staff.teams else []
    readers.append(target["owner"])
    whose = staff.people[person]["name"] if isinstance(person, UUID) and person in staff.people else None
    whose = staff.teams[team]["name"] if whose is None and isinstance(team, UUID) and team in staff.teams else whose
    params = {
        "whose": ", ".join([str(whose or ctx.tenant.name), *_titles(ctx, target)]), "measure": MEASURES[str(target["measure"])],
        "period": spoken(ctx, _period_name(ctx, target)), "step": step, "percent": exact_text(one.percent or Decimal(0), 2),
    }  # fmt: skip
    title = _("{whose}: target reached, {measure} {period}") if step == STEPS[0] else _("{whose}: {step}% of target, {measure} {period}")
    body, about = _("{percent}% reached."), Reference(NAME, id_of(target))
    return [Notice(reader, "teamwork.target", title, body, params, about) for reader in dict.fromkeys(readers) if isinstance(reader, UUID)]


def _titles(ctx: Context, target: Row) -> list[str]:
    """What people call the parts to which a target is narrowed."""
    parts = {part: target[part] for part in _parts(target)}
    linked = {part: ctx.records(ctx.target(NAME, part)).titles([id]) for part, id in parts.items() if isinstance(id, UUID)}
    return [linked[part].get(value, "?") if isinstance(value, UUID) else str(value) for part, value in parts.items()]
