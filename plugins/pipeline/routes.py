"""The acts of the sales process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

from marshmallow import Schema, fields, missing, validate

from plugins.pipeline import stages
from plugins.pipeline.process import REOPEN
from plugins.pipeline.stages import FIELDS, MOST_STAGES, Wanted
from plugins.pipeline.tables import Deal, Pipeline, Stage
from plugins.pipeline.template import TEMPLATES, apply
from sdk import SIGNED_IN, Condition, Context, Query, Request, Response, Route, _
from sdk.fields import Checked

_RECORD = {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}, "required": ["id"]}


class Move(Schema):
    """A move of a deal to a stage (an id, a key or a name); a closed deal only with `reopen`."""

    stage = Deal.__fields__["stage"].input(required=True)
    reopen = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    lost_reason = Deal.__fields__["lost_reason"].input()
    won_reason = Deal.__fields__["won_reason"].input()
    version = fields.Integer(load_default=None, allow_none=True, strict=True)


class NewPipeline(Schema):
    """The name of the pipeline; left out, that of the template."""

    name = Pipeline.__fields__["name"].input(required=False)


def _may_be_left_out(name: str) -> Checked:
    """A value in a body, where what is left out is not what is empty."""
    made = Stage.__fields__[name].input(required=False)
    made.load_default = missing
    return made


class ArrangedStage(Schema):
    """A stage; with the id of one that is there it is that stage, and what is left out of it stays as it is."""

    id = fields.UUID(load_default=None, allow_none=True)
    version = fields.Integer(load_default=None, allow_none=True, strict=True)
    name = _may_be_left_out("name")
    type = _may_be_left_out("type")
    probability = _may_be_left_out("probability")
    colour = _may_be_left_out("colour")
    expected_days = _may_be_left_out("expected_days")
    required_fields = _may_be_left_out("required_fields")
    guidance = _may_be_left_out("guidance")


class MovedDeals(Schema):
    """Of which stage that is taken away the deals move, and to which."""

    stage = fields.UUID(required=True)
    to = fields.UUID(required=True)


class Arrangement(Schema):
    """All stages of the pipeline in their order; and where the deals of those go that are not among them."""

    stages = fields.List(fields.Nested(ArrangedStage), required=True, validate=validate.Length(1, MOST_STAGES))
    moves = fields.List(fields.Nested(MovedDeals), load_default=list, validate=validate.Length(0, MOST_STAGES))


def arrange_stages(ctx: Context, request: Request) -> object:
    """Arrange the stages of a pipeline at once."""
    given = cast("Sequence[Mapping[str, object]]", request.body["stages"])
    wanted = [
        Wanted({name: one[name] for name in FIELDS if name in one}, cast("UUID | None", one["id"]), cast("int | None", one["version"]))
        for one in given
    ]
    moves = {cast("UUID", one["stage"]): cast("UUID", one["to"]) for one in cast("Sequence[Mapping[str, object]]", request.body["moves"])}
    stages.arrange(ctx, request.id(), wanted, moves)
    asked = Query(filter=(Condition("pipeline", "eq", (str(request.id()),)),), sort=("position",), limit=MOST_STAGES)
    return {"data": ctx.records(stages.STAGE).query(asked).data}


def move_deal(ctx: Context, request: Request) -> Response:
    """Move a deal through the one gate."""
    body, deals = request.body, ctx.records("pipeline.deal")
    values: dict[str, object] = {name: body[name] for name in ("stage", "lost_reason", "won_reason") if body.get(name) is not None}
    version = body["version"]
    assert version is None or isinstance(version, int)
    id = request.id()
    deals.update(id, values, expected_version=version, act=REOPEN if body["reopen"] else "move")
    return Response(deals.get(id), 201)


def list_templates(ctx: Context, _request: Request) -> object:
    """The ready-made processes."""
    return {
        "data": [
            {"key": template.key, "name": ctx.say(template.name), "stages": [ctx.say(stage.name) for stage in template.stages]}
            for template in TEMPLATES.values()
        ]
    }


def apply_template(ctx: Context, request: Request) -> Response:
    """Make a pipeline from a template."""
    name = request.body["name"]
    id = apply(ctx, request.path["key"], None if name is None else str(name))
    return Response(ctx.records("pipeline.pipeline").get(id), 201, {"Location": f"/api/v1/pipeline/pipelines/{id}"})


_STAGES = {
    "type": "object",
    "properties": {"data": {"type": "array", "items": _RECORD}},
    "required": ["data"],
}
_TEMPLATES = {
    "type": "object",
    "properties": {"data": {"type": "array", "items": {"type": "object", "required": ["key", "name", "stages"]}}},
    "required": ["data"],
}
ROUTES = (
    Route(
        method="POST",
        path="/deals/{id}/moves",
        view=move_deal,
        permission="pipeline.deal.update",
        summary=_("Move a deal"),
        body=Move,
        answer=_RECORD,
        status=201,
    ),
    Route(
        method="PUT",
        path="/pipelines/{id}/stages",
        view=arrange_stages,
        permission="pipeline.stage.update",
        summary=_("Edit a pipeline’s stages"),
        body=Arrangement,
        answer=_STAGES,
    ),
    Route(method="GET", path="/templates", view=list_templates, permission=SIGNED_IN, summary=_("List templates"), answer=_TEMPLATES),
    Route(
        method="POST",
        path="/templates/{key}/pipelines",
        view=apply_template,
        permission="pipeline.pipeline.create",
        summary=_("Create a pipeline from a template"),
        body=NewPipeline,
        answer=_RECORD,
        status=201,
    ),
)
