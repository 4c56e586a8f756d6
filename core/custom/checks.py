"""Definitions of custom fields, checked when they are written: what was stored under one is never lost by a change of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.custom.cells import COLUMN
from core.custom.coming import Coming, check_conditions, check_made, check_unread
from core.custom.conditional import PARTS
from core.custom.definition import Definition
from core.custom.forgetting import check_in_time
from core.custom.kinds import CALCULATED, KINDS, ROLLED, bare
from core.custom.numbers import FIRST
from core.custom.tables import MOST_FIELDS, CustomField
from sdk import Batch, Change, Condition, Entity, Problem, Verb, _
from sdk.fields import Money
from sdk.names import FIELD

if TYPE_CHECKING:
    from core.context import Work

ENTITY = "core.custom_field"
_LASTING = ("entity", "key", "kind", "target", "unique", "indexed", "result")
"""What stays as it was made: the values that are there were written under it."""


def check_definitions(work: Work, batch: Batch) -> None:
    """The entity takes fields, the kind has what it needs, and a change of a definition loses nothing."""
    check_in_time(work, batch)
    added: dict[str, int] = {}
    coming = Coming(work, batch)
    for change in batch.changes:
        if change.verb == "update":
            _check_lasting(change)
        if change.verb in ("create", "update") and change.stands:
            _check_entity(work, change)
        if change.verb in ("create", "update") and change.stands:
            _check_kind(coming, change)
        if change.verb == "restore" and change.stands and not KINDS[str(change.after("kind"))].stored:
            check_made(coming, change)
        if change.verb == "delete":
            check_unread(coming, change)
        if change.verb in ("create", "restore") and change.stands:
            entity = str(change.after("entity"))
            if entity not in added:
                added[entity] = len(work.as_system().records(ENTITY).find((Condition("entity", "eq", (entity,)),), MOST_FIELDS))
            added[entity] += 1
            if added[entity] > MOST_FIELDS:
                change.forbid("too_many", _("{entity} already has {most} custom fields; delete one first"), entity=entity, most=MOST_FIELDS)


def _check_lasting(change: Change) -> None:
    for name in _LASTING:
        if change.changes(name):
            change.refuse(name, "lasting", _("can’t be changed because values may exist; create another field and delete this one"))
    if change.after("kind") == "auto_number" and change.changes("default") and change.before and change.before.get("given"):
        change.refuse("default", "lasting", _("can’t be changed because values may exist; create another field and delete this one"))
    there, left = _options(change.before and change.before.get("options")), _options(change.after("options"))
    if lost := [key for key in there if key not in left]:
        change.refuse(
            "options", "lasting", _("the option {key!r} can’t be removed, because records may use it; change its label"), key=lost[0]
        )


def _options(value: object) -> list[str]:
    return [str(option["key"]) for option in value if isinstance(option, dict)] if isinstance(value, list) else []


def _check_entity(work: Work, change: Change) -> None:
    name, key = str(change.after("entity")), str(change.after("key"))
    if not FIELD.match(key):
        change.refuse("key", "malformed", _("expected a lowercase letter, then letters, digits and underscores"))
    found = work.catalog.entities.get(name) if work.offers(name) else None
    if found is None or not _takes_fields(found):
        change.refuse("entity", "unknown_entity", _("entity {name!r} does not exist or doesn’t accept custom fields"), name=name)


def _takes_fields(entity: Entity) -> bool:
    return COLUMN in entity.record.table().c and entity.full_name != ENTITY and bool(entity.verbs & {Verb.CREATE, Verb.UPDATE})


def _check_kind(coming: Coming, change: Change) -> None:
    kind, name = KINDS[str(change.after("kind"))], change.after("kind")
    if kind.options and not change.after("options"):
        change.refuse("options", "required", _("is required"))
    if kind.target and change.verb == "create":  # it lasts, and is out of sight while its plugin is off
        target = change.after("target")
        if target is None or not coming.work.offers(str(target)):
            change.refuse("target", "unknown_entity", _("entity {name!r} does not exist, so it can’t be linked to"), name=str(target or ""))
    wanted = {"options": kind.options, "target": kind.target, "search": kind.words, "default": kind.default,
              "required": kind.written, "required_if": kind.written,
              "where": kind.made is ROLLED, **{part: part in kind.made for part in (*ROLLED, *CALCULATED)},
              "unique": kind.keyed and not kind.options and not kind.target, "indexed": kind.keyed}  # fmt: skip
    for part, fits in wanted.items():
        if change.after(part) and not fits:
            change.refuse(part, "does_not_fit", _("a {kind} field has no such setting; leave it out"), kind=str(name))
    for part in kind.made:
        if not change.after(part):
            change.refuse(part, "required", _("is required"))
    if change.stands and _says_anew(change, PARTS):
        check_conditions(coming, change)
    if change.stands and change.after("default"):
        _check_default(change)
    if change.stands and not kind.stored and _says_anew(change, (*kind.made, "where")):
        check_made(coming, change)


def _says_anew(change: Change, parts: Sequence[str]) -> bool:
    """Whether a change says what has to fit: one of a label is taken also while a plugin is off whose field is read."""
    return change.verb == "create" or any(change.changes(part) for part in parts)


def _check_default(change: Change) -> None:
    if KINDS[str(change.after("kind"))].numbered:
        if not FIRST.match(str(change.after("default"))):
            change.refuse("default", "malformed", _("expected the first record’s number, such as T-00001"))
        return
    if change.after("unique"):
        change.refuse("default", "does_not_fit", _("a unique field can’t have a default value"))
        return
    made = bare(Definition.of(change.id, {name: change.after(name) for name in CustomField.__fields__}))
    parsed = made.read([str(change.after("default"))])
    for flaw in parsed.flaws:
        change.problems.append(Problem("default", flaw.code, flaw.message, flaw.params))
    value = parsed.values[0]
    if isinstance(value, Money) and not value.currency:
        change.refuse("default", "required", _("name the currency, as in 10.00 CNY"))
