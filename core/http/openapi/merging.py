"""How records that become one are described, and where an old id leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.entities.merge import MOST_LOSERS
from core.http.openapi import parts
from core.http.openapi.parts import UUID, Json, answer
from sdk import _

if TYPE_CHECKING:
    from core.context import Work

MERGES, MERGE, UNMERGE = _("what was merged into it"), _("merge others into it"), _("undo a merge")


def led_on(work: Work) -> Json:
    """The answer for a record that has become part of another."""
    location = {"Location": parts.header(work.say(_("The same of the record that is kept.")))}
    return answer(work.say(_("It was merged into another record.")), _object({"id": UUID}), location)


def wish() -> Json:
    """What is asked for."""
    losers = {"type": "array", "items": UUID, "minItems": 1, "maxItems": MOST_LOSERS}
    asked: Json = {"losers": losers, "picks": {"type": "object", "additionalProperties": UUID}, "dry_run": {"type": "boolean"}}
    return {"type": "object", "properties": asked, "required": ["losers"], "additionalProperties": False}


def done(work: Work) -> dict[int, Json]:
    """What became of it, or would."""
    counted = {"type": "array", "items": _object({"entity": {"type": "string"}, "records": {"type": "integer"}})}
    schema = _object({
        "id": {"type": ["string", "null"]}, "survivor": UUID, "losers": _list(UUID), "dry_run": {"type": "boolean"},
        "values": {"type": "object"}, "moved": counted, "settled": counted,
    })  # fmt: skip
    location = {"Location": parts.header(work.say(_("The URL of the record’s merges.")))}
    tried = answer(work.say(_("What would happen; nothing was changed.")), schema)
    return {200: tried, 201: answer(work.say(_("They are merged.")), schema, {**location, **_tag(work)})}


def listed(work: Work) -> Json:
    """The merges of a record."""
    row = _object({
        "id": UUID, "at": {"type": "string", "format": "date-time"}, "by": {"type": ["string", "null"]}, "losers": _list(UUID),
        "undone_at": {"type": ["string", "null"]},
    })  # fmt: skip
    return answer(work.say(_("Newest first.")), _object({"data": _list(row)}))


def undone(work: Work) -> Json:
    """What came back, and what stays because it was changed since."""
    conflict = _object({"entity": {"type": "string"}, "id": UUID, "fields": _list({"type": "string"})})
    schema = _object({"id": UUID, "survivor": UUID, "restored": _list(UUID), "conflicts": _list(conflict)})
    return answer(work.say(_("They are separate again; changes made since are kept.")), schema, _tag(work))


def _tag(work: Work) -> Json:
    return {"ETag": parts.header(work.say(parts.ETAG), required=False)}


def _object(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}
