"""The acts of the sales process."""

from __future__ import annotations

from marshmallow import Schema, fields

from plugins.pipeline.process import REOPEN
from plugins.pipeline.tables import Deal, Pipeline
from plugins.pipeline.template import TEMPLATES, apply
from sdk import SIGNED_IN, Context, Request, Response, Route, _

_RECORD = {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}, "required": ["id"]}


class Move(Schema):
    """A move of a deal to a stage (an id, a key or a name); a closed deal only with `reopen`."""

    stage = Deal.__fields__["stage"].input(required=True)
    reopen = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    lost_reason = Deal.__fields__["lost_reason"].input()
    version = fields.Integer(load_default=None, allow_none=True, strict=True)


class NewPipeline(Schema):
    """The name of the pipeline; left out, that of the template."""

    name = Pipeline.__fields__["name"].input(required=False)


def move_deal(ctx: Context, request: Request) -> Response:
    """Move a deal through the one gate."""
    body, deals = request.body, ctx.records("pipeline.deal")
    values: dict[str, object] = {"stage": body["stage"]}
    if body.get("lost_reason") is not None:
        values["lost_reason"] = body["lost_reason"]
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
    Route(method="GET", path="/templates", view=list_templates, permission=SIGNED_IN, summary=_("List templates"), answer=_TEMPLATES),
    Route(
        method="POST",
        path="/templates/{key}/pipelines",
        view=apply_template,
        permission="pipeline.pipeline.create",
        summary=_("Make a pipeline from a template"),
        body=NewPipeline,
        answer=_RECORD,
        status=201,
    ),
)
