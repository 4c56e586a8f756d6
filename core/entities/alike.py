"""Records that are likely one: found by the likeness of their fields, the same for API, batch, page, import and rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from core.entities.item import Item
from core.entities.shape import Shape
from sdk import Alike, Candidates, Conflict, Forbidden, Invalid, Problem, _
from sdk.context import Values
from sdk.fields import TextField
from sdk.fields.text import ALIKE
from sdk.permissions import FORCE

if TYPE_CHECKING:
    from core.context import Work

_CHUNK = 1000
_MOST_NAMED = 20


@dataclass
class _Found:
    """What one draft is like: by record the fields in which they agree."""

    fields: dict[UUID, list[str]] = field(default_factory=dict)

    def add(self, id: UUID, name: str) -> None:
        self.fields.setdefault(id, []).append(name)


def check_alike(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """Refuse what is likely there already, in the database or before it in the batch, unless it is forced by who may."""
    if not shape.entity.alike:
        return
    asked = [item for item in items if _asked(work, item)]
    _forbid_forcing(work, shape, items)
    fields = _fields(shape)
    keyed = [(item, keys) for item in asked if item.stands and (keys := _moved(item, fields))]
    if not keyed:
        return
    found = _match(work, shape, [(item.id, keys) for item, keys in keyed])
    if not found:
        return
    before = {item.id: item for item in items}
    titles = _titles(work, shape, found, before)
    for item, _keys in keyed:
        if item.id in found:
            item.refusal = _refusal(shape, _told(found[item.id], titles))


def candidates(work: Work, shape: Shape, values: Values, but: UUID | None = None) -> Candidates:
    """See `sdk.Records.candidates`."""
    work.reader(shape.entity).require()
    keys: dict[str, str] = {}
    problems = []
    for one in _fields(shape):
        if one.name not in values:
            continue
        parsed = one.parse([values[one.name]])
        problems += [Problem(one.name, flaw.code, flaw.message, flaw.params) for flaw in parsed.flaws]
        if (key := _key(one, parsed.values[0])) is not None:
            keys[one.name] = key
    if problems:
        raise Invalid(_("some values are not valid"), problems=problems)
    mine = but or UUID(int=0)
    found = _match(work, shape, [(mine, keys)])
    return _told(found[mine], _titles(work, shape, found, {})) if found else Candidates()


def _asked(work: Work, item: Item) -> bool:
    """The system writes what plugins decide; people, and who wants it, are told."""
    if item.draft.verb == "delete" or item.draft.alike is Alike.FORCE:
        return False
    return item.draft.alike is Alike.REFUSE or not work.grants.everything


def _forbid_forcing(work: Work, shape: Shape, items: Iterable[Item]) -> None:
    if work.can(f"{shape.entity.full_name}.{FORCE}"):
        return
    for item in items:
        if item.draft.alike is Alike.FORCE:
            text = _("you may not write a {entity} that is likely there already; ask who may, or take the one that is there")
            item.refusal = Forbidden(text, code="force_forbidden", entity=shape.entity.full_name)


def _fields(shape: Shape) -> list[TextField]:
    declared = shape.entity.record.__fields__
    return [one for name in shape.entity.alike if isinstance(one := declared[name], TextField)]


def _key(field: TextField, value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return value if field.alike is None else field.alike(value)


def _moved(item: Item, fields: Sequence[TextField]) -> dict[str, str]:
    """The keys to look for: of everything in a new or restored record, of what changes in another."""
    keys: dict[str, str] = {}
    changing, values, before = item.draft.verb == "update", item.values, item.before or {}
    for one in fields:
        value = values.get(one.name) if one.name in values else before.get(one.name)
        if changing and (one.name not in values or value == before.get(one.name)):
            continue
        if isinstance(value, str) and (key := value if one.alike is None else one.alike(value)) is not None:
            keys[one.name] = key
    return keys


def _match(work: Work, shape: Shape, drafts: Sequence[tuple[UUID, Mapping[str, str]]]) -> dict[UUID, _Found]:
    """By draft what it is like: an earlier draft, or a live record; one query a field and thousand keys."""
    seekers: dict[str, dict[str, list[UUID]]] = {}
    found: dict[UUID, _Found] = {}
    for id, keys in drafts:
        for name, key in keys.items():
            by_key = seekers.setdefault(name, {})
            same = by_key.get(key)
            if same is None:
                by_key[key] = [id]
            else:
                found.setdefault(id, _Found()).add(same[0], name)
                same.append(id)
    mine = {id for id, _keys in drafts}
    for name, by_key in seekers.items():
        wanted = list(by_key)
        for start in range(0, len(wanted), _CHUNK):
            rows = work.connection.execute(*_question(work, shape, name, wanted[start : start + _CHUNK])).all()
            for key, other in rows:
                for id in by_key.get(key, ()):
                    # A record of the batch itself is judged by what it will be, above.
                    if other != id and (other not in mine or len(drafts) == 1):
                        found.setdefault(id, _Found()).add(other, name)
    return found


def _question(work: Work, shape: Shape, name: str, keys: Sequence[str]) -> tuple[sa.Select[Any], dict[str, Any]]:
    arrays = not work.platform.database.is_sqlite

    def make() -> sa.Select[Any]:
        table, one = shape.table, shape.entity.record.__fields__[name]
        column = table.c[one.attribute if not one.siblings() else f"{one.attribute}_{ALIKE}"]
        # One parameter for all of them: a statement with a thousand costs more to write than to answer.
        if arrays:
            among = column == sa.any_(sa.bindparam("keys", type_=postgresql.ARRAY(sa.String())))
        else:
            among = column.in_(sa.select(sa.func.json_each(sa.bindparam("keys")).table_valued("value").c.value))
        mine = (table.c.tenant_id == sa.bindparam("of"), table.c.deleted_at.is_(None))
        return sa.select(column, table.c.id).where(*mine, among).order_by(table.c.id)

    return shape.kept(("alike", name, arrays), make), {"of": work.tenant.id, "keys": list(keys) if arrays else json.dumps(keys)}


def _titles(work: Work, shape: Shape, found: Mapping[UUID, _Found], batch: Mapping[UUID, Item]) -> dict[UUID, str]:
    """What the records are called that the actor may see; those of the batch are the actor's own words."""
    title = shape.entity.title
    ids = {id for one in found.values() for id in one.fields}
    named = {id: str(batch[id].after(title)) for id in ids if id in batch}
    reader = work.reader(shape.entity)
    if reader.grants and title in reader.visible():
        rest = [id for id in ids if id not in named]
        for start in range(0, len(rest), 500):
            named |= {row["id"]: str(row.get(title)) for row in reader.many(rest[start : start + 500], (title,))}
    return named


def _told(found: _Found, titles: Mapping[UUID, str]) -> Candidates:
    seen = [{"id": id, "title": titles[id], "fields": fields} for id, fields in found.fields.items() if id in titles]
    return Candidates(tuple(seen[:_MOST_NAMED]), sum(id not in titles for id in found.fields))


def _refusal(shape: Shape, told: Candidates) -> Conflict:
    names = "; ".join(f"{one['title']} ({', '.join(one['fields'])})" for one in told.seen)  # type: ignore[arg-type]
    if told.seen:
        text = _("this is likely there already: {names}; take that one, or send force=true where you may")
    else:
        text = _(
            "this is likely there already, with somebody whose records you do not see; ask your manager, or send force=true where you may"
        )
    refusal = Conflict(text, code="likely_duplicate", names=names)
    refusal.members = {"candidates": [{**one, "id": str(one["id"])} for one in told.seen], "hidden": told.hidden}
    return refusal
