"""Search over HTTP: records of all entities by some words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from marshmallow import Schema, fields, validate

from core.search.find import FEW, LONGEST, MOST, Group, find
from sdk import SIGNED_IN, Context, Request, Route, _

if TYPE_CHECKING:
    from core.context import Work


class Sought(Schema):
    """Words; entities such as `customers.account,pipeline.deal` (left out: all); how many records of each."""

    q = fields.String(required=True, validate=validate.Length(1, LONGEST))
    entities = fields.String(load_default=None, validate=validate.Length(1, 40_000))
    limit = fields.Integer(load_default=FEW, validate=validate.Range(1, MOST))


class MatchRow(Schema):
    """A field in which words were found; `marks` are the parts of its value that are meant: first character, last plus one."""

    field = fields.String(required=True)
    label = fields.String(required=True)
    value = fields.String(required=True)
    marks = fields.List(fields.List(fields.Integer()), required=True)


class HitRow(Schema):
    """A record that was found."""

    id = fields.UUID(required=True)
    title = fields.String(required=True)
    matches = fields.List(fields.Nested(MatchRow), required=True)


class GroupRow(Schema):
    """Records of one entity, best first; `more`: there are others."""

    entity = fields.String(required=True)
    label = fields.String(required=True)
    plural_label = fields.String(required=True)
    path = fields.String(required=True)
    records = fields.List(fields.Nested(HitRow), required=True)
    more = fields.Boolean(required=True)


class Found(Schema):
    """By entity, the best first."""

    data = fields.List(fields.Nested(GroupRow), required=True)


def search(ctx: Context, request: Request) -> object:
    """Records that the caller may see, by words of the fields that the caller may see. Raises BadRequest."""
    work, asked = cast("Work", ctx), request.query
    names, limit = asked["entities"], asked["limit"]
    assert isinstance(limit, int)
    wanted = None if names is None else [name.strip() for name in str(names).split(",")]
    return {"data": [_row(work, group) for group in find(work, str(asked["q"]), wanted, limit)]}


def _row(work: Work, group: Group) -> dict[str, object]:
    entity = group.entity
    return {
        "entity": entity.full_name, "label": work.say(entity.label), "plural_label": work.say(entity.plural_label),
        "path": f"/api/v1/{entity.plugin}/{entity.plural}", "more": group.more,
        "records": [{"id": hit.id, "title": hit.title, "matches": [vars(match) for match in hit.matches]} for hit in group.hits],
    }  # fmt: skip


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/search", view=search, permission=SIGNED_IN, summary=_("Search all kinds of records"), query=Sought,
          answer=Found),
)  # fmt: skip
