"""Targets: what the company, a team or a person is to reach, how far it is, and who is told at 90 and at 100 per cent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from plugins.teamwork import attainment
from plugins.teamwork.attainment import HUNDRED, Reached, Staff, Subject, pieces, total
from plugins.teamwork.periods import Period, starting, within
from plugins.teamwork.tables import ACTIVITIES, MEASURES, ON_TIME_TASKS, PERIODS, WON_AMOUNT, WON_COUNT
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
_SHARED = ("product", "channel")
_SUBJECT = ("measure", "period", "period_start", "team", "person", "product", "channel", "activity_kind")
PART = 500


@dataclass(frozen=True, slots=True)
class Attained:
    """A target and how far it is reached; `percent` with two digits, None where the goal is nought."""

    target: Row
    goal: Decimal
    reached: Reached

    @property
    def percent(self) -> Decimal | None:
        """In per cent, rounded half to even."""
        return (self.reached.value * HUNDRED / self.goal).quantize(PLACES, ROUND_HALF_EVEN) if self.goal else None


def prepare_targets(ctx: Context, batch: Batch) -> None:
    """A target has one subject, one goal of the kind of its measure, and a whole period; it belongs to whom it is for."""
    teams = _managers(ctx, batch)
    for change in batch.standing():
        _check_subject(change)
        _check_goal(ctx, change)
        start, kind = change.after("period_start"), str(change.after("period"))
        if isinstance(start, date):
            first = starting(kind, start).start
            if start != first:
                text = _("{period} begins on {first}")
                change.refuse("period_start", "not_a_start", text, period=PERIODS[kind], first=first.isoformat())
        if change.changes("person") or change.changes("team") or change.before is None:
            person, team = change.after("person"), change.after("team")
            change.values["owner"] = person or (teams.get(team) if isinstance(team, UUID) else None) or change.after("owner")
        if change.act != TOLD and any(change.changes(name) for name in ("amount", "number", "person", "team", "period", "period_start")):
            change.values["told"] = None
    _keep_single(ctx, [c for c in batch.changes if c.stands and (c.verb in ("create", "restore") or _is_about_other(c))])


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
            holder[tuple(row.get(name) for name in _SUBJECT)] = id_of(row)  # of a plugin that is not there no target has a part
    for change in changes:
        # One that moves away in this batch holds its place all the same: it may still be refused.
        if holder.setdefault(tuple(change.after(name) for name in _SUBJECT), change.id) != change.id:
            change.forbid("second_target", _("there is a target for this in the period already; change that one"))


def _managers(ctx: Context, batch: Batch) -> Mapping[UUID, object]:
    teams = {team for change in batch.standing() if isinstance(team := change.after("team"), UUID)}
    return {id: row["manager"] for id, row in ctx.as_system().records("core.team").values(teams).items()} if teams else {}


def _check_subject(change: Change) -> None:
    measure = str(change.after("measure"))
    if change.after("person") and change.after("team"):
        change.refuse("team", "two_subjects", _("a target is for a person or a team, not for both; leave both out for the company"))
    if measure not in (WON_AMOUNT, WON_COUNT, "new_customers"):
        for name in _SHARED:
            if change.after(name):
                text = _("{measure} has no product and no channel; leave it out")
                change.refuse(name, "no_such_part", text, measure=MEASURES[measure])
    if change.after("activity_kind") and measure != ACTIVITIES:
        change.refuse("activity_kind", "no_such_part", _("only a target of activities has a kind of them; leave it out"))


def _check_goal(ctx: Context, change: Change) -> None:
    measure, amount = str(change.after("measure")), change.after("amount")
    wanted, other = ("amount", "number") if measure == WON_AMOUNT else ("number", "amount")
    if change.after(wanted) is None:
        change.refuse(wanted, "required", _("is required for this measure"))
    if change.after(other) is not None:
        change.refuse(other, "other_measure", _("does not fit this measure; leave it out"))
    if isinstance(amount, Money) and amount.currency != ctx.tenant.currency:
        text = _("a target is in the company's own currency, {currency}")
        change.refuse("amount", "own_currency", text, currency=ctx.tenant.currency)


def goal_of(target: Row) -> Decimal:
    """What is to be reached, as a number; amounts are in the company's own currency."""
    amount, number = target["amount"], target["number"]
    return amount.amount if isinstance(amount, Money) else number if isinstance(number, Decimal) else Decimal(0)


def period_of(target: Row) -> Period:
    """The period of a target."""
    start = target["period_start"]
    assert isinstance(start, date)
    return Period(str(target["period"]), start)


def attained(ctx: Context, targets: Sequence[Row], staff: Staff | None = None) -> list[Attained]:
    """How far these targets are reached: one question for each measure and period, however many targets there are."""
    staff = staff or _staff(ctx, targets)
    groups: dict[tuple[str, Period], list[Row]] = {}
    for target in targets:
        groups.setdefault((str(target["measure"]), period_of(target)), []).append(target)
    reached: dict[UUID, Reached] = {}
    for (measure, period), mine in groups.items():
        by = [name for name in _SHARED if any(target.get(name) for target in mine)] + (["kind"] if measure == ACTIVITIES else [])
        found = pieces(ctx, measure, period, by)
        reached |= {id_of(target): total(measure, found, _subject(target, staff)) for target in mine}
    return [Attained(target, goal_of(target), reached[id_of(target)]) for target in targets]


def _staff(ctx: Context, targets: Sequence[Row]) -> Staff:
    return Staff(ctx, {target["person"] for target in targets}, {target["team"] for target in targets})


def _subject(target: Row, staff: Staff) -> Subject:
    person, team = target["person"], target["team"]
    among = frozenset({person}) if isinstance(person, UUID) else staff.of_team(team) if isinstance(team, UUID) else None
    return Subject(among, target.get("product"), target["channel"], target["activity_kind"])


def shown(ctx: Context, period: Period, only: Iterable[Condition] = ()) -> list[dict[str, object]]:
    """The targets of a period that the actor may see, with what is reached of each."""
    asked = (Condition("period", "eq", (period.kind,)), Condition("period_start", "eq", (period.start,)), *only)
    rows = ctx.records(NAME).find(asked, MOST)
    staff = _staff(ctx, rows)
    return [_shown(ctx, one, staff) for one in attained(ctx, rows, staff)]


def _shown(ctx: Context, one: Attained, staff: Staff) -> dict[str, object]:
    target, person, team = one.target, one.target["person"], one.target["team"]
    name = staff.people[person]["name"] if isinstance(person, UUID) and person in staff.people else None
    name = staff.teams[team]["name"] if name is None and isinstance(team, UUID) and team in staff.teams else name
    return {
        "target": target["id"], "measure": target["measure"], "period": period_of(target).name, "person": person, "team": team, "name": name,
        "product": target.get("product"), "channel": target["channel"], "activity_kind": target["activity_kind"],
        "goal": _said(ctx, target, one.goal), "reached": _said(ctx, target, one.reached.value),
        "percent": None if one.percent is None else exact_text(one.percent, 2), "not_priced": one.reached.unpriced,
    }  # fmt: skip


def _said(ctx: Context, target: Row, value: Decimal) -> object:
    return money_wire(value, ctx.tenant.currency) if target["measure"] == WON_AMOUNT else exact_text(value)


# --- who is told -----------------------------------------------------------------------------------------------------


def watch(ctx: Context) -> None:
    """Look at the targets of the month, quarter and year of today, and of the last month: late entries count, too."""
    now = today(ctx)
    tell(ctx, within((now.replace(day=1) - timedelta(days=1)).replace(day=1), now))


def deals_won(ctx: Context, events: Sequence[Event]) -> None:
    """Deals were won: look at the targets of the periods of their close dates."""
    deals = ctx.records(attainment.DEAL).values({event.record_id for event in events}) if ctx.offers(attainment.DEAL) else {}
    days = {day for deal in deals.values() if isinstance(day := deal["close_date"], date)}
    tell(ctx, list(dict.fromkeys(period for day in days for period in within(day, day))), but=(ACTIVITIES, ON_TIME_TASKS))


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
    asked = (Condition("period_start", "eq", (period.start,)), Condition("period", "eq", (period.kind,)))
    return [row for row in ctx.records(NAME).find(asked, MOST) if row["told"] != STEPS[0]]


def _notices(ctx: Context, one: Attained, step: int, staff: Staff) -> list[Notice]:
    target, person, team = one.target, one.target["person"], one.target["team"]
    readers: list[object] = [person, staff.manager(person)] if isinstance(person, UUID) else []
    readers += [staff.teams[team]["manager"]] if isinstance(team, UUID) and team in staff.teams else []
    readers.append(target["owner"])
    whose = staff.people[person]["name"] if isinstance(person, UUID) and person in staff.people else None
    whose = staff.teams[team]["name"] if whose is None and isinstance(team, UUID) and team in staff.teams else whose
    params = {"whose": str(whose or ctx.tenant.name), "measure": MEASURES[str(target["measure"])], "period": period_of(target).name,
              "step": step, "percent": exact_text(one.percent or Decimal(0), 2)}  # fmt: skip
    title = (
        _("{whose}: target reached, {measure} {period}") if step == STEPS[0] else _("{whose}: {step} % of the target, {measure} {period}")
    )
    body, about = _("{percent} % are reached."), Reference(NAME, id_of(target))
    return [Notice(reader, "teamwork.target", title, body, params, about) for reader in dict.fromkeys(readers) if isinstance(reader, UUID)]
