"""Field checks of the write door, a column at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.custom.definition import PREFIX
from core.entities.item import Item
from core.entities.rows import live_of
from core.entities.shape import Shape
from core.policy.grants import including
from core.policy.scopes import moving
from sdk import Change, Channel, Forbidden, Problem, Verb, _
from sdk.changes import ERASE
from sdk.columns import SCALE, among, limit_of
from sdk.fields import AnyRecordField, DecimalField, Field, FlawError, Money, MoneyField, NaturalKey, Reference
from sdk.permissions import REASSIGN, VERBS

if TYPE_CHECKING:
    from core.context import Work
    from core.policy.grants import Grant

_CHUNK = 500


def check_values(work: Work, shape: Shape, items: Sequence[Item], grants: dict[str, tuple[Grant, ...]]) -> None:
    """Unknown and read-only fields, types and ranges, defaults, required fields."""
    names: dict[str, list[Item]] = {}
    for given, holders in _by_names(items).items():
        for name in given:
            names.setdefault(name, []).extend(holders)
    visible = work.reader(shape.entity).visible() if names else {}
    for name, holders in names.items():
        field = shape.fields.get(name)
        if field is None or (name not in visible and (name in shape.formulas or not _writable(grants, name))):
            for item in holders:
                problem = Problem(name[:80], "unknown_field", _("{entity} has no field {field!r}"),
                                  {"entity": shape.entity.full_name, "field": name[:80]})  # fmt: skip
                item.problems.append(problem)
            continue
        # Only a plugin's code can name an act: what nobody may write by hand, its domain act may.
        open_ = [item for item in holders if item.draft.act] if field.readonly else holders
        for item in holders if field.readonly else ():
            if not item.draft.act:
                item.problems.append(Problem(name, "read_only", _("is set by the system; leave it out")))
        if open_:
            _permit_field(field, open_, grants)
            _check_column(work, field, open_)
    declared = [*shape.entity.fields.values(), *(field for name, field in shape.fields.items() if "." in name)]
    required = [field for field in declared if field.default is not None or (field.required and not field.readonly)]
    if shape.custom and _unasked(work):
        required = [field for field in required if field.name not in shape.custom or field.default is not None]
    not_added = [field for field in required if field.name not in shape.custom or field.default is not None]
    for item in items:
        if item.draft.verb in ("create", "update"):
            _complete(not_added if item.draft.act == ERASE else required, item)


def _by_names(items: Sequence[Item]) -> dict[tuple[str, ...], list[Item]]:
    """The items by the fields that they give: of an import all give the same."""
    found: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        found.setdefault(tuple(item.draft.values), []).append(item)
    return found


def _writable(grants: dict[str, tuple[Grant, ...]], name: str) -> bool:
    return any(including(held, name) for held in grants.values())


def _permit_field(field: Field, holders: Sequence[Item], grants: dict[str, tuple[Grant, ...]]) -> None:
    for verb, held in grants.items():
        if not including(held, field.name):
            _forbid_field(field.name, [item for item in holders if item.draft.verb == verb])


def _forbid_field(name: str, items: Iterable[Item]) -> None:
    for item in items:
        if item.refusal is None:
            item.refusal = Forbidden(_("you don’t have permission to edit the field {field!r}"), code="field_forbidden", field=name)


def check_fields(work: Work, shape: Shape, items: Sequence[Item], grants: dict[str, tuple[Grant, ...]]) -> None:
    """A field that some grants include is written on the records alone that these reach ("own: amount" is not for the team's)."""
    for verb, held in grants.items():
        if len({grant.fields for grant in held}) < 2:
            continue
        mine = [item for item in items if item.draft.verb == verb and item.stands]
        names = {name for item in mine for name in item.draft.values if including(held, name) != held}
        for name in sorted(names):
            asked = [item for item in mine if item.stands and name in item.draft.values]
            if verb == "create":
                allowed = _reachable(work, shape, asked, including(held, name))
            else:
                allowed = work.reader(shape.entity).reached_by(Verb(verb), [item.id for item in asked], including(held, name))
            _forbid_field(name, (item for item in asked if item.id not in allowed))


def check_derived(shape: Shape, changes: Sequence[Change]) -> None:
    """What a plugin has worked out has room where it is kept: the product of two numbers that have may have none."""
    for name, field in shape.entity.fields.items():
        if not field.readonly or not isinstance(field, MoneyField | DecimalField):
            continue
        limit = limit_of(field.places if isinstance(field, DecimalField) else SCALE)
        for change in changes:
            value = change.values.get(name)
            number = value.amount if isinstance(value, Money) else value
            if isinstance(number, Decimal) and abs(number) >= limit:
                change.refuse(name, "out_of_range", _("expected a number less than {limit}"), limit=f"{limit:f}")


def _check_column(work: Work, field: Field, holders: Sequence[Item]) -> None:
    parsed = field.parse([item.draft.values[field.name] for item in holders])
    for item, value in zip(holders, parsed.values, strict=True):
        item.values[field.name] = value
    if isinstance(field, MoneyField):
        _fill_currencies(work.tenant.currency, field, holders)
    for flaw in parsed.flaws:
        holders[flaw.row].problems.append(Problem(field.name, flaw.code, flaw.message, flaw.params))


def _fill_currencies(currency: str, field: MoneyField, holders: Sequence[Item]) -> None:
    for item in holders:
        value = item.values[field.name]
        if isinstance(value, Money) and not value.currency:
            try:
                item.values[field.name] = field.fitting(Money(value.amount, currency))
            except FlawError as flaw:
                item.problems.append(Problem(field.name, flaw.code, flaw.message, flaw.params))


def _complete(required: Sequence[Field], item: Item) -> None:
    creating = item.draft.verb == "create"
    for field in required:
        asked = creating and ("." not in field.name or field.name.startswith(f"{PREFIX}."))  # a side row is made with its first value
        if item.values.get(field.name) is not None or (not asked and field.name not in item.values):
            continue
        if field.default is not None:
            item.values[field.name] = field.default
        elif not any(problem.field == field.name for problem in item.problems):
            item.problems.append(Problem(field.name, "required", _("is required")))


def check_conditional(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """Fields that are required under a condition. Who touches neither field nor condition is not asked for what was missing before."""
    if not shape.conditional or _unasked(work):
        return
    asked = [item for item in items if item.draft.verb in ("create", "update") and item.draft.act != ERASE]
    for name, conditional in shape.conditional.items() if asked else ():
        lacking = [item for item in asked if item.after(name) is None]
        knows = _knowing(work, shape, conditional.reads, [item for item in lacking if item.draft.verb == "update"])
        for item in lacking:
            touched = item.draft.verb == "create" or not item.values.keys().isdisjoint({name, *conditional.reads})
            if touched and knows(item) and conditional.asks(work, item.after):
                item.problems.append(Problem(name, "required", _("is required"), {}))


def _knowing(work: Work, shape: Shape, names: Iterable[str], items: Sequence[Item]) -> Callable[[Item], bool]:
    """Whether the actor sees what a condition reads: else the answer would tell of it."""
    reader = work.reader(shape.entity)
    hidden = [] if work.grants.unlimited else [name for name in names if not reader.everywhere(name)]
    if not hidden:
        return lambda _item: True
    ids = [item.id for item in items]
    seen = set(ids).intersection(*(reader.reached_by(Verb.READ, ids, reader.including(name)) for name in hidden)) if ids else set()
    return lambda item: item.draft.verb == "create" or item.id in seen


def _unasked(work: Work) -> bool:
    """Whether this is a plugin's code, which cannot know what a tenant asks for; an operator is asked as people are."""
    return work.grants.everything and (work.helps or work.channel not in (Channel.IMPORT, Channel.CLI))


def check_unique(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """No two live records with the same value of a unique field, or of several together: in the batch and in the database."""
    for fields in shape.unique:
        wanted: dict[tuple[Any, ...], Item] = {}
        for item in items:
            values = tuple(_key_of(item.after(field.name)) for field in fields)
            moved = item.draft.verb == "restore" or any(field.name in item.values for field in fields)
            if not moved or not item.stands or any(value is None or isinstance(value, NaturalKey) for value in values):
                continue
            if values in wanted:
                item.problems.append(_duplicate(fields, values, wanted[values].id))
            else:
                wanted[values] = item
        for *values_there, id in _taken(work, shape, fields, list(wanted)):
            values = tuple(values_there)
            if wanted[values].id != id:
                wanted[values].problems.append(_duplicate(fields, values, id))


def _key_of(value: object) -> object:
    """As it stands in the index: of a reference the id."""
    return value.id if isinstance(value, Reference) else value


def _duplicate(fields: Sequence[Field], values: Sequence[object], of: UUID) -> Problem:
    """`record` tells code, and no reader, of which record: what is imported finds the row by it."""
    names = {"fields": ", ".join(field.name for field in fields), "record": of}
    if any(isinstance(value, UUID) for value in values):
        return Problem(fields[-1].name, "duplicate", _("a record with the same {fields} already exists"), names)
    if len(fields) == 1:
        return Problem(fields[0].name, "duplicate", _("{value!r} is already taken"), {"value": str(values[0]), "record": of})
    text = _("a record with the same {fields} already exists: {value}")
    return Problem(fields[-1].name, "duplicate", text, {**names, "value": ", ".join(str(value) for value in values)})


def _taken(work: Work, shape: Shape, fields: Sequence[Field], values: list[tuple[Any, ...]]) -> list[Any]:
    table, found = shape.table, list[Any]()
    columns = [table.c[field.attribute] for field in fields]
    for start in range(0, len(values), _CHUNK):
        part = values[start : start + _CHUNK]
        among = columns[0].in_([one[0] for one in part]) if len(columns) == 1 else sa.tuple_(*columns).in_(part)
        query = sa.select(*columns, table.c.id).where(*live_of(shape.entity, table, work.tenant.id), among)
        found += work.connection.execute(query).all()
    return found


def check_owner(work: Work, shape: Shape, items: Sequence[Item], grants: dict[str, tuple[Grant, ...]]) -> None:
    """A new owner, parent or territory must be within the scope of a grant by which the actor may give it; without an owner given, it is the actor."""
    entity, shares = shape.entity, shape.entity.sharing.field if shape.entity.sharing is not None else ""
    for item in items:
        if entity.owned and item.draft.verb == "create" and item.values.get("owner") is None:
            item.values["owner"] = work.actor.user_id
    for verb, held in grants.items():
        mine = [item for item in items if item.draft.verb == verb and item.stands] if verb in ("create", "update") else []
        wrong = _beyond(work, shape, mine, held) if verb == "create" else set[UUID]()
        for name in (*moving(entity), shares) if verb == "update" else ():
            moved, those = [item for item in mine if _changes(item, name)], including(held, name)
            wrong |= _beyond(work, shape, moved, those) if name != shares else set()
            if moved and work.grants.shared:  # what is shared with one is not given away, taken over, or shared further
                handed = [item.id for item in moved]
                wrong |= set(handed) - work.unshared().reader(entity).reached_by(Verb.UPDATE, handed, those)
        for item in mine if wrong else ():
            if item.id in wrong:
                item.refusal = Forbidden(
                    _("you don’t have permission to {verb} this {entity} for that owner or parent"), verb=VERBS[verb], entity=entity.label
                )


def check_active(work: Work, items: Sequence[Item]) -> None:
    """Nobody gives a record to who has left: nobody would look after it. What an act of a plugin does by itself is that act's."""
    given = [item for item in items if not item.draft.act and _changes(item, "owner") and item.values["owner"] is not None]
    owners = {item.values["owner"] for item in given} - {work.actor.user_id}
    if not owners or _unasked(work):
        return
    people = work.catalog.entities["core.user"].record.table()
    gone = (people.c.tenant_id == work.tenant.id, among(people.c.id, sorted(owners)), people.c.active.is_(False))
    left = set(work.connection.execute(sa.select(people.c.id).where(*gone)).scalars())
    for item in given:
        if item.values["owner"] in left:
            item.problems.append(Problem("owner", "unknown_user", _("the new owner must be an active person")))


def check_reassign(work: Work, shape: Shape, items: Sequence[Item], grants: dict[str, tuple[Grant, ...]]) -> None:
    """To give a record that is there to another owner is a right of its own; what an act of a plugin does by itself is that act's."""
    moved = [
        item for item in items
        if item.before is not None and item.draft.verb == "update" and not item.draft.act
        and "owner" in item.values and item.values["owner"] != item.before.get("owner")
    ]  # fmt: skip
    if not moved or work.grants.everything:
        return
    held = work.scopes.special(shape.entity, REASSIGN)
    if held != grants["update"]:
        reached = work.unshared().reader(shape.entity).reached_by(Verb.UPDATE, [item.id for item in moved], held)
        for item in moved:
            if item.id not in reached:
                item.refusal = work.refused(f"{shape.entity.full_name}.{REASSIGN}", item.id)


def _changes(item: Item, name: str) -> bool:
    return name in item.values and (item.before is None or item.values[name] != item.before.get(name))


def _beyond(work: Work, shape: Shape, items: Sequence[Item], held: tuple[Grant, ...]) -> set[UUID]:
    """The ids of the items whose record, as it will be, no grant reaches."""
    return set() if not items or work.scopes.boundless(held) else {item.id for item in items} - _reachable(work, shape, items, held)


def _reachable(work: Work, shape: Shape, items: Sequence[Item], held: tuple[Grant, ...]) -> set[UUID]:
    """The ids of the items whose record, as it will be, some grant reaches. Asks with a row of the new values alone.

    As for a record that is made: to share one makes nobody's right of it to give it to others.
    """
    entity, verb = shape.entity, Verb.CREATE
    if work.scopes.boundless(held):
        return {item.id for item in items}
    parent = entity.parent
    names = {"id": "id", "owner_id": "owner"} | ({parent.attribute: parent.name} if parent is not None else {})
    if entity.territory:
        names[entity.fields[entity.territory].attribute] = entity.territory
    referring = parent if isinstance(parent, AnyRecordField) else None
    types = {name: sa.Uuid() for name in names} | ({referring.entity_attribute: sa.String()} if referring is not None else {})
    reached = set[UUID]()
    for start in range(0, len(items), _CHUNK):
        part = items[start : start + _CHUNK]
        cells = [tuple(cell for name in names.values() for cell in _cells(item, name, referring)) for item in part]
        # The types in the first row, as a column may hold nothing but NULL; WITH, as SQLite names no columns of a bare VALUES.
        typed = [tuple(sa.cast(cell, type_) for cell, type_ in zip(cells[0], types.values(), strict=True)), *cells[1:]]
        rows = sa.values(*(sa.column(column, type_) for column, type_ in types.items())).data(typed).cte("future")
        clause = work.scopes.clause(entity, rows, held, verb, about=_kinds(part, referring))
        assert clause is not None, "what reaches all records was answered above"
        reached |= set(work.connection.execute(sa.select(rows.c.id).where(clause)).scalars())
    return reached


def _kinds(items: Sequence[Item], referring: AnyRecordField | None) -> frozenset[str] | None:
    """Of which entities the records are that these hang on; None where they can only be of one."""
    if referring is None:
        return None
    return frozenset(value.entity for item in items if isinstance(value := item.after(referring.name), Reference))


def _cells(item: Item, name: str, referring: AnyRecordField | None) -> tuple[object, ...]:
    value = item.id if name == "id" else item.after(name)
    return referring.split(value) if referring is not None and name == referring.name else (_id(value),)


def _id(value: object) -> object:
    return None if isinstance(value, NaturalKey) else value
