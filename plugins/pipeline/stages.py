"""A pipeline's stages arranged at once: in a new order, with new ones, without those that are taken away and whose deals move on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from plugins.pipeline.process import MOST, MOST_VALUES, RESTAGE
from sdk import Conflict, Context, Draft, Invalid, NotFound, Problem, Refusal, Stale, _, where
from sdk.context import Row, id_of

FIELDS = ("name", "type", "probability", "colour", "expected_days", "required_fields", "guidance")
"""What of a stage is arranged besides its place."""
PIPELINE, STAGE, DEAL = "pipeline.pipeline", "pipeline.stage", "pipeline.deal"
MOST_STAGES = 100
LOST = ["lost_reason"]
"""What a stage asks for in which deals are lost, unless it is said to ask for something else or nothing."""


@dataclass(frozen=True)
class Wanted:
    """A stage as it is wanted; what is left out of `values` stays as it is, without an id it is a new one."""

    values: Row
    id: UUID | None = None
    version: int | None = None


def arrange(
    ctx: Context, pipeline: UUID, wanted: Sequence[Wanted], moves: Mapping[UUID, UUID], known: Mapping[UUID, int] | None = None
) -> None:
    """Make these the stages of the pipeline, in this order. Those that are not among them are taken away: their deals move, through the
    one gate, to the stage that `moves` names, which is of the same type. All of it in one transaction, or nothing.

    `known` are the stages with their versions that the caller began with. Raises NotFound, Invalid and Conflict with problems at
    `stages.<number>.<field>` or `moves.<stage>`, Stale where a stage was changed meanwhile.
    """
    with ctx.transaction(write=True):
        ctx.lock(f"{PIPELINE}:{pipeline}")
        if pipeline not in ctx.records(PIPELINE).values([pipeline]):
            raise NotFound(_("{entity} {id} does not exist"), entity=PIPELINE, id=str(pipeline))
        there = {id_of(row): row for row in ctx.records(STAGE).find(where(pipeline=pipeline), MOST)}
        _check(wanted, there, known)
        gone = {key: row for key, row in there.items() if key not in {one.id for one in wanted}}
        outcomes = ctx.records(STAGE).write([_draft(pipeline, place, one, there) for place, one in enumerate(wanted, 1)])
        _raise([(f"stages.{number}", one.refusal) for number, one in enumerate(outcomes)])
        kept = {id_of(row): row for row in ctx.records(STAGE).find(where(pipeline=pipeline), MOST) if id_of(row) not in gone}
        for id, row in gone.items():
            _move(ctx, row, moves.get(id), kept)
        removed = ctx.records(STAGE).write([Draft("delete", {}, id) for id in gone])
        _raise([(f"moves.{id}", one.refusal) for id, one in zip(gone, removed, strict=True)])


def deals_in(ctx: Context, pipeline: UUID) -> dict[UUID, int]:
    """How many deals stand in each stage, those among them that the actor does not see: it is about what can be taken away."""
    counted = ctx.as_system().records(DEAL).aggregate(["count"], ["stage"], where(pipeline=pipeline), MOST_STAGES * 2)
    return {UUID(str(row["stage.id"])): int(str(row["count"])) for row in counted if row["stage.id"]}


def _draft(pipeline: UUID, place: int, one: Wanted, there: Mapping[UUID, Row]) -> Draft:
    values = {**one.values, "position": place}
    if one.id is None:
        usual = {"required_fields": LOST} if values.get("type") == "lost" else {}
        return Draft("create", {**usual, **values, "pipeline": pipeline})
    if one.id in there and values.get("name") == there[one.id]["name"]:
        del values["name"]  # a reader of another language sends back the name as it was told, which is no renaming
    return Draft("update", values, one.id, one.version)


def _check(wanted: Sequence[Wanted], there: Mapping[UUID, Row], known: Mapping[UUID, int] | None) -> None:
    if known is not None and dict(known) != {id: row["version"] for id, row in there.items()}:
        raise Stale(_("someone else has changed the stages meanwhile; reload them"))
    problems, seen = list[Problem](), set[UUID]()
    for number, one in enumerate(wanted):
        if one.id is not None and (one.id not in there or one.id in seen):
            problems.append(
                Problem(
                    f"stages.{number}.id", "no_such_record", _("the pipeline has no stage {id}, or it is listed twice"), {"id": str(one.id)}
                )
            )
        seen |= {one.id} if one.id is not None else set()
    if problems:
        raise Invalid(_("the stages can’t be saved like this"), problems=problems)
    types = [one.values.get("type") or (there[one.id]["type"] if one.id is not None else "open") for one in wanted]
    if "open" not in types:
        raise Conflict(_("a pipeline needs at least one open stage for new deals"), code="no_open_stage")


def _move(ctx: Context, stage: Row, to: UUID | None, kept: Mapping[UUID, Row]) -> None:
    """The deals of a stage that is taken away, also those that the actor does not see; `kept` are the others as they are from now on."""
    deals, at = ctx.as_system().records(DEAL), f"moves.{stage['id']}"
    rows = deals.find(where(stage=id_of(stage)), 1)
    if not rows:
        return
    target = kept.get(to) if to is not None else None
    if target is None:
        text = _("{stage} still has deals: choose the stage they move to")
        raise Invalid(_("the stages can’t be saved like this"), problems=[Problem(at, "required", text, {"stage": str(stage["name"])})])
    if target["type"] != stage["type"]:
        text = _("deals in {stage} must move to a stage of the same type, so that won deals stay won")
        raise Invalid(_("the stages can’t be saved like this"), problems=[Problem(at, "other_type", text, {"stage": str(stage["name"])})])
    while rows := deals.find(where(stage=id_of(stage)), MOST_VALUES):
        for row, outcome in zip(rows, deals.write([Draft("update", {"stage": to}, id_of(row), act=RESTAGE) for row in rows]), strict=True):
            if outcome.refusal is not None:
                text = _("the deal {deal} can’t be moved: {reason}")
                called = ctx.records(DEAL).titles([id_of(row)]) if ctx.can(f"{DEAL}.read") else {}
                said = {"deal": called.get(id_of(row), "•••"), "reason": str(outcome.refusal)}
                raise Conflict(
                    _("the stages can’t be saved like this"), code="deals_stay", problems=[Problem(at, "deals_stay", text, said)]
                )


def _raise(refusals: Sequence[tuple[str, Refusal | None]]) -> None:
    """All that is wrong, each at its stage."""
    found = [(at, one) for at, one in refusals if one is not None]
    problems = [
        Problem(f"{at}.{each.field}" if each.field else at, each.code, each.message, each.params)
        for at, one in found
        for each in (one.problems or (Problem("", one.reason, one.message, one.params),))
    ]
    if problems:
        kind = Conflict if any(not one.problems for _at, one in found) else Invalid
        raise kind(_("the stages can’t be saved like this"), problems=problems)
