"""The chances of open deals: trained at night or when asked, written beside the deals, never into what people enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, cast
from uuid import UUID

from plugins.forecast.beside import LEAST, MOST
from plugins.forecast.deals import CHOICES, DEAL, NUMBERS, PLAIN_CHOICES, PLAIN_NUMBERS, Deals, Stay
from plugins.forecast.keeping import document, exact
from sdk import Condition, Context, Draft, _
from sdk.context import Row, id_of

if TYPE_CHECKING:
    from plugins.forecast.learning import Learned

WIN, CARD, ACT = "forecast.win", "forecast.model_card", "score"
FEWEST_DEALS, FEWEST_OF_EACH = 50, 10
LIMITS = _(
    "Trained on deals that moved through stages here. Of {plain} deals imported as closed, {used} were used for "
    "what closing doesn’t change (owner, account, product, source, industry). A closed deal’s amount, product and "
    "source are taken as they are now. Probabilities are between 1% and 99%."
)
LIMITS_PLAIN = _(
    "Too few deals have moved through stages and closed here ({needed} are needed). Trained on {plain} closed "
    "deals using what closing doesn’t change (owner, account, product, source, industry), and compared with the "
    "win rate: it adjusts the stage probability of open deals. Product and source are taken as they are now. "
    "Probabilities are between 1% and 99%."
)


def train_job(ctx: Context, arguments: Mapping[str, object]) -> None:
    """In the background, when somebody asked."""
    train(ctx)


def train(ctx: Context) -> None:
    """Learn, write the model card, write the chance of each open deal. The same deals give the same card and the same chances."""
    system = ctx.as_system()
    if not system.offers(DEAL):
        return
    with system.transaction():
        deals = Deals(system)
        stays = deals.learned_from()
        staged = not _lacking(stays)
        plain = deals.plainly({stay.deal for stay in stays} if staged else ())
    learned, reason = _learned(stays, plain) if staged else _learned(plain)
    used = learned if reason == "better" else None
    for part in deals.open_now():
        with system.transaction(write=True):
            _score(system, part, used)
    system.records(CARD).create(_card(ctx, stays if staged else [], plain, learned, reason, deals.closed))


def _lacking(stays: Sequence[Stay]) -> str:
    """What these are too little of to learn from; "" where they are enough."""
    outcomes = {stay.deal: stay.won for stay in stays}
    won = sum(outcomes.values())
    if len(outcomes) < FEWEST_DEALS:
        return "too_few"
    return "one_sided" if min(won, len(outcomes) - won) < FEWEST_OF_EACH else ""


def _learned(stays: Sequence[Stay], plain: Sequence[Stay] = ()) -> tuple[Learned | None, str]:
    if lacking := _lacking(stays):
        return None, lacking
    from plugins.forecast.learning import learn  # noqa: PLC0415 (scikit-learn only where there is something to learn)

    learned = learn(stays, plain)
    return learned, "better" if learned.better else "no_better"


def _card(
    ctx: Context, stays: Sequence[Stay], plain: Sequence[Stay], learned: Learned | None, reason: str, closed: Sequence[Row]
) -> dict[str, object]:
    """What was learned from: stays, with more or less help of deals without a history, or without stays from those alone."""
    rows = learned.rows if learned is not None else [*stays] or plain
    outcomes = {stay.deal: stay.won for stay in rows}
    limits, features = (LIMITS, [*NUMBERS, *CHOICES]) if stays else (LIMITS_PLAIN, [*PLAIN_NUMBERS, *PLAIN_CHOICES])
    said = {"plain": len(plain), "used": len(plain) if len(rows) > len(stays) else 0, "needed": FEWEST_DEALS}
    days = sorted(str(row["close_date"]) for row in closed if row["close_date"] is not None and row["id"] in outcomes)
    card: dict[str, object] = {
        "name": ctx.now().strftime("%Y-%m-%d %H:%M"), "trained_at": ctx.now(), "reason": reason, "basis": "model" if reason == "better" else "stage",
        "deals": len(outcomes), "won": sum(outcomes.values()), "rows": len(rows), "needed": FEWEST_DEALS,
        "closed_from": days[0] if days else None, "closed_to": days[-1] if days else None,
        "features": document(features), "limits": ctx.say(limits, said),
    }  # fmt: skip
    if learned is not None:
        card |= {
            "algorithm": learned.algorithm, "brier": exact(learned.score.brier), "brier_stage": exact(learned.of_stage.brier),
            "log_loss": exact(learned.score.log_loss), "log_loss_stage": exact(learned.of_stage.log_loss),
            "coefficients": document(dict(learned.coefficients())), "calibration": document(learned.calibration),
        }  # fmt: skip
    return card


def _score(ctx: Context, stays: Sequence[Stay], learned: Learned | None) -> None:
    """Write what is new beside the deals. Where no model is in force, or it knows nothing of a stage, nothing stands there: a deal shows what its
    stage says."""
    there = _there(ctx, [stay.deal for stay in stays]) if stays else {}
    told = [stay for stay in stays if learned is not None and learned.knows(stay)]
    gone = there.keys() - {stay.deal for stay in told}
    ctx.records(WIN).write_all([Draft("delete", {}, id_of(row), act=ACT) for deal, row in there.items() if deal in gone])
    if learned is None or not told:
        return
    said = {
        stay.deal: (_percent(float(share)), document(reason) if reason else None)
        for stay, share, reason in zip(told, learned.shares(told), learned.reasons(told), strict=True)
    }
    _write(ctx, there, said)


def _there(ctx: Context, deals: Sequence[UUID]) -> dict[UUID, Row]:
    """What stands beside these deals."""
    return {cast("UUID", row["deal"]): row for row in ctx.records(WIN).find((Condition("deal", "in", tuple(deals)),), len(deals))}


def _write(ctx: Context, there: Mapping[UUID, Row], said: Mapping[UUID, tuple[Decimal, str | None]]) -> None:
    drafts = []
    for deal, (chance, reasons) in said.items():
        values = {"win_probability": chance, "win_basis": "model", "win_reasons": reasons}
        before = there.get(deal)
        if before is None:
            drafts.append(Draft("create", {"deal": deal, "win_scored_at": ctx.now(), **values}, act=ACT))
        elif any(before[name] != value for name, value in values.items()):
            drafts.append(Draft("update", {"win_scored_at": ctx.now(), **values}, id_of(before), act=ACT))
    ctx.records(WIN).write_all(drafts)


def _percent(share: float) -> Decimal:
    return min(max(Decimal(str(round(share * 100, 2))), LEAST), MOST)
