"""What a write leaves behind in the same transaction: the audit and the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.data import bulk
from core.entities.ids import new_ids
from core.entities.item import Item
from core.entities.shape import Shape
from core.events.payload import type_item, written
from core.events.tables import audit, outbox
from sdk import Channel, Verb, Watch
from sdk.changes import ERASE, MERGES
from sdk.fields import BooleanField, ChoiceField, DateField, IntegerField, LinkField, Money, Reference, TextField, exact_text
from sdk.fields.money import money_wire

if TYPE_CHECKING:
    from core.context import Work

BATCH, FEW = 1000, 50
"""So many records have a row each in the outbox; and of an import, which may write in small pieces, so many alone, where nobody is to hear of them."""
TOGETHER = 100
"""Records of an import that a watch is told of at once: as many as a transaction delivers without keeping other writers waiting."""
NOTHING: Mapping[UUID, Mapping[str, Any]] = MappingProxyType({})
MASK = "•••"
CAUSES = "@causes"
"""Beside the arguments of a job: what led to it."""
STAMPS = frozenset({"version", "created_at", "updated_at"})
PAST = {"create": "created", "update": "updated", "delete": "deleted", "restore": "restored"}


def plain(value: object) -> object:
    """A Python value as JSON keeps it."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, Money):
        return money_wire(value.amount, value.currency)
    if isinstance(value, Reference):
        return {"entity": value.entity, "id": str(value.id)}
    if isinstance(value, Decimal):
        return exact_text(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, UUID | date) else value


_AS_THEY_ARE = (TextField, ChoiceField, IntegerField, BooleanField, LinkField, DateField)
"""Fields whose values the JSON of the database takes without help."""


def keep_audit(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """Who, when, what, old and new value, channel; sensitive values masked, and those of an erasure."""
    tenant, user, actor, channel = work.tenant.id, work.actor.user_id, work.actor.name[:100], work.channel.value
    now, entity, other = work.now(), shape.entity.full_name, work.impersonator
    sensitive = {name for name, field in shape.fields.items() if field.sensitive}
    kept = {name for name, field in shape.fields.items() if type(field) in _AS_THEY_ARE} - sensitive
    rows = [
        {
            "tenant_id": tenant, "id": id, "at": now, "actor_id": user, "actor": actor, "impersonator_id": other, "channel": channel,
            "entity": entity, "record_id": item.id, "action": item.draft.act if item.draft.act in MERGES else item.draft.verb,
            "changes": _changes(item, sensitive, kept),
        }
        for id, item in zip(new_ids(len(items)), items, strict=True)
    ]  # fmt: skip
    work.leave(audit, rows)


def _changes(item: Item, sensitive: set[str], kept: set[str]) -> dict[str, list[object]]:
    if item.draft.verb == "create":
        return _first_values(item.values, sensitive, kept)
    before = item.before or {}
    changes: dict[str, list[object]] = {}
    if item.draft.verb != "update":
        return changes
    for name, value in item.values.items():
        old = before.get(name)
        if name in STAMPS or value == old:
            continue
        if name in sensitive or item.draft.act == ERASE:
            changes[name] = [None if old is None else MASK, None if value is None else MASK]
        else:
            changes[name] = [old, value] if name in kept else [plain(old), plain(value)]
    return changes


def _first_values(values: Mapping[str, object], sensitive: set[str], kept: set[str]) -> dict[str, list[object]]:
    """The changes that make a new record, a hundred thousand times an import: what is empty is no change."""
    return {
        name: [None, value if name in kept else MASK if name in sensitive else plain(value)]
        for name, value in values.items()
        if value is not None and name not in STAMPS
    }


def tell(work: Work, event: str, items: Iterable[tuple[UUID, Mapping[str, object]]], shape: Shape | None = None,
         before: Mapping[UUID, Mapping[str, Any]] = NOTHING) -> None:  # fmt: skip
    """Put an event of some records into the outbox, and a delivery for each subscriber that the tenant has switched on.

    Up to 1,000 records each has a row of its own; above, a row holds up to 1,000. So does the event of more than a few of an import, and what
    watches are told of it, who keep by themselves what fails for one record; what subscribers are told of it keeps its rows, as it may fail for one
    of them. What was before is for watches that ask.
    """
    told = list[type_item]()
    same: Mapping[str, object] | None = None
    said: dict[str, object] = {}
    for id, payload in items:
        if payload is not same:  # those of an import are one object
            same, said = payload, {key: plain(value) for key, value in payload.items()}
        told.append((id, said))
    single = FEW if work.channel is Channel.IMPORT else BATCH
    rows = [_row(work, "event", event, None, written(part), "done") for part in _parts(told, single)]
    parts = list[dict[str, Any]]()
    for subscription in work.platform.catalog.subscriptions.get(event, ()):
        if subscription.plugin in work.enabled:
            handler = f"{subscription.plugin}.{subscription.name}"
            parts = parts or [written(part) for part in _parts(told)]
            rows += [_row(work, "delivery", event, handler, _caused(work, part), "waiting") for part in parts]
            work.awaken()
    rows += _watched(work, event, told, shape, before, single)
    work.leave(outbox, rows)


def _parts(told: list[type_item], single: int = BATCH, most: int = BATCH) -> list[list[type_item]]:
    size = 1 if len(told) <= single else most
    return [told[start : start + size] for start in range(0, len(told), size)]


def _caused(work: Work, part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "causes": list(work.causes)} if work.causes else part


def _watched(work: Work, event: str, told: list[type_item], shape: Shape | None,
             before: Mapping[UUID, Mapping[str, Any]], single: int) -> list[dict[str, Any]]:  # fmt: skip
    """Deliveries to the watches that want this event for the tenant; who wants nothing costs a question in memory."""
    rows, most = list[dict[str, Any]](), TOGETHER if work.channel is Channel.IMPORT else BATCH
    if work.silent:
        return rows
    changed: frozenset[str] | None = None
    for watch in work.declared(Watch):
        if changed is None:
            alike = {id(names): names for _id, said in told if (names := said.get("fields"))}  # those of an import are one list
            changed = frozenset(name for names in alike.values() for name in names)
        bounds = work.platform.bounds.get(watch.plugin)
        if bounds is not None and not bounds.hears(event, work.catalog.permissions):
            continue
        wanted = watch.wants(work, event, changed)
        if wanted is not None and bounds is not None and (fields := bounds.fields(f"{event.rpartition('.')[0]}.{Verb.READ}")) is not None:
            wanted &= fields
        if wanted is not None:
            asked = [(id, _with_earlier(id, said, wanted, shape, before)) for id, said in told] if wanted and shape is not None else told
            rows += [
                _row(work, "delivery", event, watch.full_key, _caused(work, written(part)), "waiting")
                for part in _parts(asked, single, most)
            ]
            work.awaken()
    return rows


def _with_earlier(
    id: UUID, said: Mapping[str, Any], wanted: frozenset[str], shape: Shape, before: Mapping[UUID, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """With the values that wanted fields had: of a changed record those that changed, of a deleted one all; never a sensitive one."""
    was = before.get(id)
    if was is None:
        return said
    names = wanted & set(said["fields"]) if said["fields"] else wanted
    shown = [name for name in names if name in shape.fields and not shape.fields[name].sensitive]
    return {**said, "before": {name: plain(was.get(name)) for name in shown}}


def ask(work: Work, job: str, arguments: Sequence[Mapping[str, object]], *, as_system: bool = False, at: datetime | None = None) -> None:
    """Put a job into the outbox, once for each set of arguments; `as_system`: it runs even when the actor has left by then."""
    later = at is not None and at > work.now()  # what waits for the clock is no loop, however long it goes on
    led = {CAUSES: list(work.causes)} if work.causes and not later else {}
    rows = [_row(work, "job", job, job, {**one, **led}, "waiting") for one in arguments]
    if later:
        rows = [row | {"due_at": at, "depth": 0} for row in rows]
    work.leave(outbox, [row | {"actor_id": None} for row in rows] if as_system else rows)
    work.awaken()


def due(work: Work, schedule: str, id: UUID) -> None:
    """Put a run of a schedule into the outbox, under an id that the schedule knows."""
    row = _row(work, "schedule", schedule, schedule, {}, "waiting") | {"id": id, "actor_id": None}
    bulk.insert(work.connection, outbox, [row])
    work.awaken()


def _row(work: Work, kind: str, name: str, handler: str | None, payload: Mapping[str, Any], state: str) -> dict[str, Any]:
    now = work.now()
    return {
        "tenant_id": work.tenant.id, "id": new_ids(1)[0], "kind": kind, "name": name, "handler": handler, "payload": payload,
        "actor_id": work.actor.user_id, "impersonator_id": work.impersonator, "allows": None if work.grants.allows is None else sorted(work.grants.allows),
        "depth": work.depth, "state": state, "attempts": 0, "due_at": now, "created_at": now, "error": None,
    }  # fmt: skip
