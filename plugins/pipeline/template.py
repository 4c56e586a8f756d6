"""Ready-made sales processes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sdk import Context, Draft, NotFound, Text, _
from sdk.context import id_of


@dataclass(frozen=True)
class StageTemplate:
    """A stage of a ready-made process; probability in per cent."""

    key: str
    name: Text
    type: str
    probability: str
    expected_days: int


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
        StageTemplate("potential", _("Potential customer"), "open", "10", 14),
        StageTemplate("first-contact", _("First contact"), "open", "25", 14),
        StageTemplate("needs-analysis", _("Needs analysis"), "open", "45", 21),
        StageTemplate("proposal", _("Proposal"), "open", "65", 21),
        StageTemplate("contract-signing", _("Contract signing"), "open", "85", 14),
        StageTemplate("won", _("Won"), "won", "100", 0),
        StageTemplate("lost", _("Lost"), "lost", "0", 0),
    ),
)
TEMPLATES = {DIRECT.key: DIRECT}


def apply(ctx: Context, key: str, name: str | None = None) -> UUID:
    """A new pipeline with the template's stages, named in the actor's language; the first pipeline becomes the default."""
    template = TEMPLATES.get(key)
    if template is None:
        raise NotFound(_("there is no template {key!r}; there are {keys}"), key=key[:80], keys=", ".join(TEMPLATES))
    with ctx.transaction(write=True):
        first = not ctx.records("pipeline.pipeline").find((), 1)
        pipeline = id_of(ctx.records("pipeline.pipeline").create({"name": name or ctx.say(template.name), "is_default": first}))
        drafts = [
            Draft(
                "create",
                {
                    "pipeline": pipeline,
                    "key": stage.key,
                    "name": ctx.say(stage.name),
                    "type": stage.type,
                    "position": index + 1,
                    "probability": stage.probability,
                    "expected_days": stage.expected_days,
                },
            )
            for index, stage in enumerate(template.stages)
        ]
        for outcome in ctx.records("pipeline.stage").write(drafts):
            if outcome.refusal is not None:
                raise outcome.refusal
        return pipeline
