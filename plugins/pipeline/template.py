"""Ready-made sales processes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sdk import Context, Draft, MasterData, NotFound, Text, _
from sdk.context import id_of


@dataclass(frozen=True)
class StageTemplate:
    """A stage of a ready-made process; probability in per cent."""

    key: str
    name: Text
    type: str
    probability: str
    expected_days: int
    required_fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Template:
    """A ready-made process."""

    key: str
    name: Text
    stages: tuple[StageTemplate, ...]


DIRECT = Template(
    "direct_sales",
    _("Direct sales"),
    (
        StageTemplate("potential", _("Prospect"), "open", "10", 14),
        StageTemplate("first-contact", _("First contact"), "open", "25", 14),
        StageTemplate("needs-analysis", _("Needs analysis"), "open", "45", 21),
        StageTemplate("proposal", _("Proposal"), "open", "65", 21, ("amount",)),
        StageTemplate("contract-signing", _("Contract signing"), "open", "85", 14, ("amount", "close_date")),
        StageTemplate("won", _("Won"), "won", "100", 0),
        StageTemplate("lost", _("Lost"), "lost", "0", 0, ("lost_reason",)),
    ),
)
REASONS = (
    ("price", _("Price")), ("competitor", _("Competitor")), ("no-budget", _("No budget")), ("timing", _("Bad timing")),
    ("no-decision", _("No decision")), ("no-fit", _("Not a fit")), ("other", _("Other")),
)  # fmt: skip
"""Why deals are lost, by key: a stage that asks for a reason needs some to choose from."""
WON_REASONS = (
    ("price", _("Price")), ("product", _("Product")), ("service", _("Service")), ("relationship", _("Relationship")),
    ("reference", _("Recommendation")), ("speed", _("Delivery time")), ("other", _("Other")),
)  # fmt: skip
"""Why deals are won, by key: for who wants to know; no stage asks for it by itself."""
LISTS = {"pipeline.lost_reason": REASONS, "pipeline.won_reason": WON_REASONS}
TEMPLATES = {DIRECT.key: DIRECT}


def master_data() -> tuple[MasterData, ...]:
    """The reasons, and for a company without a process the direct sale."""
    reasons = (
        MasterData(entity, tuple({"key": key, "name": label, "position": place} for place, (key, label) in enumerate(rows, 1)))
        for entity, rows in LISTS.items()
    )
    stages = tuple({"pipeline": DIRECT.name, **_stage(stage, place)} for place, stage in enumerate(DIRECT.stages, 1))
    return (
        *reasons,
        MasterData("pipeline.pipeline", ({"name": DIRECT.name, "is_default": True},), when_empty=True),
        MasterData("pipeline.stage", stages, when_empty=True, along_with="pipeline.pipeline"),
    )


def _stage(stage: StageTemplate, place: int) -> dict[str, object]:
    return {
        "key": stage.key, "name": stage.name, "type": stage.type, "position": place, "probability": stage.probability,
        "expected_days": stage.expected_days, "required_fields": list(stage.required_fields) or None,
    }  # fmt: skip


def apply(ctx: Context, key: str, name: str | None = None) -> UUID:
    """A new pipeline with the template's stages, named in the actor's language; the first pipeline becomes the default."""
    template = TEMPLATES.get(key)
    if template is None:
        raise NotFound(_("template {key!r} does not exist; available: {keys}"), key=key[:80], keys=", ".join(TEMPLATES))
    with ctx.transaction(write=True):
        first = not ctx.records("pipeline.pipeline").find((), 1)
        pipeline = id_of(ctx.records("pipeline.pipeline").create({"name": name or ctx.say(template.name), "is_default": first}))
        drafts = [
            Draft("create", {**_stage(stage, place), "pipeline": pipeline, "name": ctx.say(stage.name)})
            for place, stage in enumerate(template.stages, 1)
        ]
        ctx.records("pipeline.stage").write_all(drafts)
        _add_reasons(ctx)
        return pipeline


def _add_reasons(ctx: Context) -> None:
    """Those that are not there yet, by key or by name; the others stay as they are."""
    for entity, listed in LISTS.items():
        reasons = ctx.records(entity)
        there = {row[name] for row in reasons.find(()) for name in ("key", "name")}
        rows = [{"key": key, "name": ctx.say(label), "position": position} for position, (key, label) in enumerate(listed, 1)]
        reasons.write_all([Draft("create", row) for row in rows if there.isdisjoint((row["key"], row["name"]))])
