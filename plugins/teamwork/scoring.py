"""Scores: exact decimals, by a formula that a person can follow on paper.

attainment = reached / goal × 100, at most the measure's cap; points = weight × attainment / 100; score = the sum of the points.
Attainment and points have four digits behind the point, rounded half to even. Without a goal a measure gives no points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from plugins.teamwork.attainment import HUNDRED, KIND, Piece, Reached, Subject, pieces, total
from plugins.teamwork.periods import Period
from plugins.teamwork.tables import ACTIVITIES, ON_TIME_TASKS
from plugins.teamwork.targets import MOST, goal_of, period_of
from sdk import Condition, Context
from sdk.context import Row, id_of

PLACES = Decimal("0.0001")
ALL_IN_TIME = Decimal(100)
"""The goal of tasks done in time where nobody says another."""


@dataclass(frozen=True, slots=True)
class Line:
    """One measure of one person."""

    kpi: Row
    goal: Decimal | None
    reached: Reached

    @property
    def attainment(self) -> Decimal | None:
        """In per cent, no more than the cap; None without a goal."""
        if not self.goal:
            return None
        share = (self.reached.value * HUNDRED / self.goal).quantize(PLACES, ROUND_HALF_EVEN)
        return max(Decimal(0), min(share, Decimal(str(self.kpi["cap"]))))

    @property
    def points(self) -> Decimal:
        """What it adds to the score."""
        return points(Decimal(str(self.kpi["weight"])), self.attainment)


def points(weight: Decimal, attainment: Decimal | None) -> Decimal:
    """A weight (in per cent of the score) times an attainment (in per cent)."""
    return (weight * (attainment or Decimal(0)) / HUNDRED).quantize(PLACES, ROUND_HALF_EVEN)


def lines(ctx: Context, period: Period, kpis: Sequence[Row], people: Iterable[UUID]) -> dict[UUID, list[Line]]:
    """For each person a line for each measure; what was reached is asked once a measure, the goals once."""
    wanted = list(people)
    goals = _goals(ctx, period)
    found: dict[UUID, list[Line]] = {person: [] for person in wanted}
    counted: dict[str, list[Piece]] = {}
    for kpi in kpis:
        measure = str(kpi["measure"])
        if measure not in counted:
            counted[measure] = pieces(ctx, measure, period, {KIND: frozenset()} if measure == ACTIVITIES else {})
        for person in wanted:
            subject = Subject(frozenset({person}), {KIND: kpi["activity_kind"]})
            goal = goals.get((person, measure, kpi["activity_kind"]), kpi["goal"])
            if goal is None and measure == ON_TIME_TASKS:
                goal = ALL_IN_TIME
            found[person].append(Line(kpi, goal if isinstance(goal, Decimal) else None, total(measure, counted[measure], subject)))
    return found


def _goals(ctx: Context, period: Period) -> Mapping[tuple[object, str, object], Decimal]:
    """People's targets for the whole period; where there is none, the sum of those of its months. Those of a part of the deals are left out."""
    within = (
        Condition("person", "empty", ("false",)), Condition("period_start", "gte", (period.start,)), Condition("period_start", "lt", (period.end,)),
    )  # fmt: skip
    whole: dict[tuple[object, str, object], Decimal] = {}
    monthly: dict[tuple[object, str, object], list[Decimal]] = {}
    for row in ctx.as_system().records("teamwork.target").find(within, MOST):
        if row["parts"]:
            continue
        key = (row["person"], str(row["measure"]), row["activity_kind"])
        if period_of(row).span == period.span:
            whole[key] = goal_of(row)
        elif row["period"] == "month":
            monthly.setdefault(key, []).append(goal_of(row))
    summed = {
        key: (sum(many, Decimal(0)) / (len(many) if key[1] == ON_TIME_TASKS else 1)).quantize(PLACES, ROUND_HALF_EVEN)
        for key, many in monthly.items()
    }
    return {**summed, **whole}


def places(totals: Mapping[UUID, Decimal]) -> dict[UUID, int]:
    """The ranking, the highest score first; equal scores share a place and the next is left out (1, 1, 3)."""
    ordered = sorted(totals.values(), reverse=True)
    return {person: ordered.index(score) + 1 for person, score in totals.items()}


def of_scheme(ctx: Context, scheme: UUID) -> list[Row]:
    """The measures of a scheme, in the order in which they were made."""
    return sorted(ctx.as_system().records("teamwork.kpi").find((Condition("scheme", "eq", (scheme,)),)), key=lambda row: str(id_of(row)))
