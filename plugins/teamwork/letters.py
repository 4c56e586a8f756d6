"""Letters about records stand among their activities, and so on the timelines of what these belong to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from plugins.teamwork.notices import LONGEST_TITLE, line, page
from plugins.teamwork.tables import DONE
from sdk import Context, Draft, Event
from sdk.context import Row
from sdk.fields import Reference

ACTIVITY, ACT = "teamwork.activity", "letter"
MOST_NAMED = 5


def keep(ctx: Context, events: Sequence[Event]) -> None:
    """An activity for each letter that was written about a record which the tenant still has."""
    there = {entity: _living(ctx, entity, events) for entity in {str(event.payload["entity"]) for event in events}}
    found = [(event, there[str(event.payload["entity"])].get(event.record_id)) for event in events]
    drafts = [Draft("create", _activity(event, record), act=ACT) for event, record in found if record is not None]
    ctx.records(ACTIVITY).write_all(drafts)


def _living(ctx: Context, entity: str, events: Sequence[Event]) -> dict[UUID, Row]:
    ids = {event.record_id for event in events if event.payload["entity"] == entity}
    return dict(ctx.records(entity).values(ids)) if ctx.offers(entity) else {}


def _activity(event: Event, record: Row) -> dict[str, object]:
    """Of whoever wrote it, or, where that was the system, of the record's owner."""
    payload, at = event.payload, datetime.fromisoformat(str(event.payload["at"]))
    to = payload["to"] if isinstance(payload["to"], list) else []
    names = ", ".join(str(one) for one in to[:MOST_NAMED]) + (" …" if len(to) > MOST_NAMED else "")
    return {
        "kind": "mail", "state": DONE, "about": Reference(str(payload["entity"]), event.record_id), "starts_at": at, "ends_at": at,
        "subject": line(str(payload["subject"]))[:LONGEST_TITLE], "notes": page(f"→ {names}\n\n{payload['text']}"),
        "owner": payload["by"] or record.get("owner"),
    }  # fmt: skip
