"""Several records of an entity become one, and come apart again: `/{id}/merges`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import request

from core.context import Work
from core.entities.merge import merge
from core.entities.merged import follow, merged, merges
from core.entities.unmerge import unmerge
from core.http.asked import json_body, query_pairs
from core.http.collections import Collection, etag, expected_version
from core.http.pipeline import type_handler
from sdk import Entity, Invalid, NotFound, Problem, Response, _
from sdk.columns import among
from sdk.routes import record_id

MOST_LISTED = 100


class Merges:
    """The handlers of one entity's merges."""

    def __init__(self, entity: Entity) -> None:
        self.entity, self.name, self.path = entity, entity.full_name, Collection(entity).path

    def create(self, work: Work, path: Mapping[str, str]) -> Response:
        """Make other records part of this one: 201; with `dry_run` 200, and nothing is changed."""
        query_pairs(frozenset())
        survivor, (losers, picks, dry_run) = record_id(path["id"]), _wish(json_body())
        # A page of a plugin that may ask this route merges as the platform does: no plugin has the act itself.
        known = expected_version(work, self.entity, survivor)
        done = merge(work.freely(), self.entity, survivor, losers, picks, dry_run=dry_run, expected_version=known)
        told: dict[str, object] = {
            "id": done.id, "survivor": survivor, "losers": list(losers), "dry_run": dry_run, "values": done.values,
            "moved": _counted(done.moved), "settled": _counted(done.settled),
        }  # fmt: skip
        if done.id is None:
            return Response(told, 200)
        return Response(told, 201, {"Location": f"{self.path}/{survivor}/merges", **self._tagged(work, survivor)})

    def list(self, work: Work, path: Mapping[str, str]) -> object:
        """What has become part of this record, the latest first."""
        query_pairs(frozenset())
        survivor = record_id(path["id"])
        work.records(self.name).get(survivor, fields=("id",))
        mine = (merges.c.tenant_id == work.tenant.id, merges.c.survivor_id == survivor, merges.c.entity == self.name)
        rows = work.connection.execute(sa.select(merges).where(*mine).order_by(merges.c.id.desc()).limit(MOST_LISTED)).all()
        losers: dict[UUID, list[UUID]] = {}
        named = sa.select(merged.c.merge_id, merged.c.record_id).where(
            merged.c.tenant_id == work.tenant.id, merged.c.survivor_id == survivor, among(merged.c.merge_id, [row.id for row in rows])
        )
        for id, record in work.connection.execute(named.order_by(merged.c.record_id)):
            losers.setdefault(id, []).append(record)
        return {
            "data": [
                {"id": row.id, "at": row.at, "by": row.by_id, "losers": losers.get(row.id, []), "undone_at": row.undone_at} for row in rows
            ]
        }

    def undo(self, work: Work, path: Mapping[str, str]) -> Response:
        """Take a merge back."""
        query_pairs(frozenset())
        survivor = record_id(path["id"])
        done = unmerge(work.freely(), self.entity, survivor, record_id(path["merge"]))
        conflicts = [{"entity": name, "id": id, "fields": fields} for name, id, fields in done.conflicts]
        told = {"id": done.id, "survivor": survivor, "restored": list(done.restored), "conflicts": conflicts}
        return Response(told, 200, self._tagged(work, survivor))

    def _tagged(self, work: Work, survivor: UUID) -> dict[str, str]:
        rows = work.reader(self.entity).many([survivor], wire=True)
        return {"ETag": etag(rows[0])} if rows else {}


def _counted(found: Mapping[str, int]) -> list[dict[str, object]]:
    return [{"entity": name, "records": count} for name, count in found.items()]


def _wish(body: dict[str, Any]) -> tuple[list[UUID], dict[str, UUID], bool]:
    """Losers, picks and whether it is only tried; raises Invalid."""
    problems = [
        Problem(name[:80], "unknown_field", _("this field does not exist")) for name in sorted(set(body) - {"losers", "picks", "dry_run"})
    ]
    losers = [_id(one) for one in body["losers"]] if isinstance(body.get("losers"), list) else [None]
    picked = body.get("picks", {})
    picks = {name: _id(one) for name, one in picked.items()} if isinstance(picked, dict) else {"": None}
    if None in losers:
        problems.append(Problem("losers", "malformed", _("expected a list of IDs")))
    if None in picks.values():
        problems.append(Problem("picks", "malformed", _("expected an object of fields, each with the ID of one of the records")))
    if not isinstance(body.get("dry_run", False), bool):
        problems.append(Problem("dry_run", "malformed", _("expected true or false")))
    if problems:
        raise Invalid(_("some values are invalid"), problems=problems)
    return [id for id in losers if id is not None], {name: id for name, id in picks.items() if id is not None}, bool(body.get("dry_run"))


def _id(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def led_on(entity: Entity, handler: type_handler, rest: str = "") -> type_handler:
    """A handler of one record: who asks for one that has become part of another is led there, if he may see it."""
    if not entity.mergeable:
        return handler

    def leading(work: Work, path: Mapping[str, str]) -> object:
        try:
            return handler(work, path)
        except NotFound:
            id = record_id(path["id"])
            left = follow(work, entity.full_name, [id]).get(id)
            reader = work.reader(entity)
            if left is None or not reader.grants or not reader.seen([left]):
                raise
            asked = request.query_string.decode()
            place = f"{Collection(entity).path}/{left}{rest}" + (f"?{asked}" if asked else "")
            # Permanent as long as the merge is not undone: nobody may keep it.
            return Response({"id": left}, 308, {"Location": place, "Cache-Control": "no-store"})

    return leading
