"""The weighted pipeline as people read it: a chart of what is won, what open deals are worth and what the target is, and its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import cast
from urllib.parse import quote

from plugins.forecast.chart import SCHEMA
from plugins.forecast.periods import number_in, number_of, start_of
from plugins.forecast.weighted import DEAL, TARGET, Pipeline, target_kinds
from sdk import Context, _
from sdk.context import Row

WORDS = {"won": _("Won"), "weighted": _("Open, weighted"), "target": _("Target")}


def asked(ctx: Context, start: date | None, end: date | None, grain: str, by: str) -> dict[str, object]:
    """The pipeline as the API answers it."""
    return Pipeline(ctx, start, end, grain, by).answer()


def span(day: date, grain: str, back: int, ahead: int) -> tuple[date, date]:
    """From so many periods before that of a day to so many after it: the first and the last day."""
    now = number_of(day, grain)
    return start_of(now - back, grain), start_of(now + ahead + 1, grain) - timedelta(days=1)


def chart(ctx: Context, answer: Mapping[str, object]) -> dict[str, object]:
    """Bars of won and weighted amounts one on the other, and the target as a line across each."""
    periods = cast("Sequence[Mapping[str, object]]", answer["periods"])
    words = {name: ctx.say(word) for name, word in WORDS.items()}
    called = [ctx.period(str(one["period"])) for one in periods]
    bars = [
        {"period": period, "value": _amount(one[name]), "kind": words[name], "order": at}
        for period, one in zip(called, periods, strict=True) for at, name in enumerate(("won", "weighted"))
    ]  # fmt: skip
    targets = [
        {"period": period, "value": _amount(one["target"]), "kind": words["target"]}
        for period, one in zip(called, periods, strict=True) if one["target"]
    ]  # fmt: skip
    kinds = [words[name] for name in ("won", "weighted", *(["target"] if targets else []))]
    scale = {"domain": kinds, "range": ["#4c78a8", "#f58518", "#555555"][: len(kinds)]}
    colours = {"field": "kind", "type": "nominal", "title": None, "scale": scale, "legend": {"symbolOpacity": 1}}
    x = {"field": "period", "type": "ordinal", "title": None, "sort": None, "axis": {"labelAngle": 0, "labelOverlap": True}}
    y = {"field": "value", "type": "quantitative", "title": f"{answer['currency']}", "axis": {"format": "~s"}}
    layers: list[dict[str, object]] = [
        {"data": {"values": bars}, "mark": "bar", "encoding": {"x": x, "y": y, "color": colours, "order": {"field": "order"}}}
    ]
    if targets:
        layers.append({
            "data": {"values": targets}, "mark": {"type": "tick", "thickness": 3, "opacity": 1, "tooltip": True},
            "encoding": {"x": x, "y": y, "color": colours},
        })  # fmt: skip
    return {"$schema": SCHEMA, "layer": layers}


def _amount(value: object) -> float:
    return float(str(cast("Mapping[str, object]", value)["amount"]))


def lines(ctx: Context, answer: Mapping[str, object]) -> list[dict[str, object]]:
    """Each period with where its numbers lead."""
    found = list[dict[str, object]]()
    for one in cast("Sequence[Mapping[str, object]]", answer["periods"]):
        period = str(one["period"])
        found.append({**one, "called": ctx.period(period), **ways(ctx, answer, (period, period))})
    return found


def ways(
    ctx: Context, answer: Mapping[str, object], span: tuple[str, str] | None = None, group: Mapping[str, object] | None = None
) -> dict[str, str]:
    """Where the numbers of some periods (none: all) and of a group lead: to the deals that are won in them, to those that are open and due in
    them, to both, to the targets. "" where no list says the number: what is open and overdue stands in none of them."""
    grain, today, by = str(answer["grain"]), str(answer["today"]), str(answer["by"] or "")
    periods = cast("Sequence[Mapping[str, object]]", answer["periods"])
    first, last = span or (str(periods[0]["period"]), str(periods[-1]["period"]))
    begin, end = days(first, grain)[0], days(last, grain)[1]
    of = [] if group is None else [(by, str(group["id"])) if group["id"] is not None else (f"{by}[empty]", "true")]
    won, due = ("status", "won"), ("status", "open")
    from_, open_from, until = ("close_date[gte]", begin), ("close_date[gte]", max(begin, today)), ("close_date[lte]", end)
    at = {
        "won_at": deals(ctx, won, from_, until, *of),
        "open_at": deals(ctx, due, open_from, until, *of),
        "target_at": _targets(ctx, answer, begin, end, group),
    }
    both = deals(ctx, ("status[in]", "open,won"), from_, until, *of)
    return {**at, "expected_at": both if begin >= today else at["won_at"] if end < today else ""}


def _targets(ctx: Context, answer: Mapping[str, object], begin: str, end: str, group: Mapping[str, object] | None) -> str:
    """The targets that are added up: a person's or a team's own, or those of the level that stands beside the total."""
    level = {"owner.team": "team", "owner": "person"}.get(str(answer["by"]), "") if group is not None else str(answer["targets"])
    told = ctx.offers(TARGET) and ctx.can(f"{TARGET}.read") and (group is None or group["id"] is not None)
    if not told or level not in ("company", "team", "person"):
        return ""
    of = {
        "company": (("team[empty]", "true"), ("person[empty]", "true")),
        "team": (("team[empty]", "false"), ("person[empty]", "true")),
    }.get(level, (("person[empty]", "false"),))
    mine = () if group is None else ((level, str(group["id"])),)
    whole = (("parts[empty]", "true"),) if "parts" in ctx.records(TARGET).fields() else ()
    kinds = ("period[in]", ",".join(target_kinds(ctx, str(answer["grain"]))))
    return listed(
        ctx, TARGET, ("measure", "won_amount"), kinds, ("period_start[gte]", begin), ("period_start[lte]", end), *of, *mine, *whole
    )


def days(period: str, grain: str) -> tuple[str, str]:
    """The first and the last day of a period."""
    place = number_in(period, grain)
    return start_of(place, grain).isoformat(), (start_of(place + 1, grain) - timedelta(days=1)).isoformat()


def deals(ctx: Context, *conditions: tuple[str, str]) -> str:
    """The list of deals with these conditions, relative to the prefix of all pages."""
    return listed(ctx, DEAL, *conditions)


def listed(ctx: Context, name: str, *conditions: tuple[str, str]) -> str:
    """The list of an entity with these conditions, relative to the prefix of all pages."""
    entity = ctx.entity(name)
    written = "&".join(f"{quote(name, safe='[]')}={quote(value, safe='')}" for name, value in conditions)
    return f"/{entity.plugin}/{entity.plural}?{written}"


def totals(answer: Mapping[str, object]) -> Row:
    """All periods together: what is won, expected and aimed at; in per cent as well, of those periods alone that have a target."""
    periods = cast("Sequence[Mapping[str, object]]", answer["periods"])

    def add(name: str, some: Sequence[Mapping[str, object]] = periods) -> Decimal:
        return sum((Decimal(str(cast("Mapping[str, object]", one[name])["amount"])) for one in some if one[name]), Decimal(0))

    aimed = [one for one in periods if one["target"]]

    currency, won, target = str(answer["currency"]), add("won"), add("target")
    return {
        "won": {"amount": str(won), "currency": currency}, "expected": {"amount": str(add("expected")), "currency": currency},
        "weighted": {"amount": str(add("weighted")), "currency": currency},
        "target": {"amount": str(target), "currency": currency} if target else None,
        "attained": str((add("won", aimed) / target * 100).quantize(Decimal("0.1"))) if target else None,
        "aimed": len(aimed), "expected_aimed": {"amount": str(add("expected", aimed)), "currency": currency},
        "expected_share": str((add("expected", aimed) / target * 100).quantize(Decimal("0.1"))) if target else None,
    }  # fmt: skip


def is_blank(answer: Mapping[str, object]) -> bool:
    """Whether there is nothing to tell of: neither deals, whatever they are worth, nor a target."""
    return not any(
        one[name] for one in cast("Sequence[Mapping[str, object]]", answer["periods"]) for name in ("deals", "won_deals", "target")
    )


def group_total(group: Mapping[str, object], currency: str) -> Row:
    """A person's, a team's or a product's periods together."""
    return totals({"periods": group["periods"], "currency": currency})
