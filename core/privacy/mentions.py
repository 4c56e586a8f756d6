"""Texts of records that are about something else, and in which a person is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.custom import cells
from core.entities.rows import rows_of
from core.entities.shape import Shape
from core.privacy.background import masked, needles
from core.privacy.traces import Found, Kept
from sdk import Draft, Person, _
from sdk.changes import ERASE
from sdk.columns import JsonData
from sdk.fields import Field, TextField
from sdk.fields.text import EmailField, PhoneField

if TYPE_CHECKING:
    from core.context import Work

MOST = 2_000
"""Rows of one entity that are looked at closely; a name that stands in more of them is a word of the language."""


def texts(system: Work, found: Found) -> dict[str, list[Draft]]:
    """Personal texts of others' records (notes, comments, letters) with a word in them that stands for this person alone: masked there.

    A mail address or a number of another person is that person's own, whoever else has it.
    """
    sure = Person(found.person.record, found.person.records, {}, found.person.words)
    drafts: dict[str, list[Draft]] = {}
    for shape in shapes(system) if sure.words else ():
        for id, values in _rows(system, shape, told_in(shape), sure.words, None):
            after = {name: masked(value, sure) for name, value in values.items()}
            after = {name: value for name, value in after.items() if value != values[name]}
            name = shape.entity.full_name
            if after and id not in found.person.ids(name) and (name, id) not in found.stays():
                drafts.setdefault(name, []).append(Draft("update", after, id, act=ERASE))
    return drafts


def elsewhere(system: Work, found: Found) -> list[Kept]:
    """Once all else is done: texts that name the person and stay, since nobody but a reader can tell whether they mean this one."""
    kept, person = list[Kept](), found.person
    reason = _("the text contains the person’s name or number: read it, and change it where it means this person")
    stays = found.stays()
    for shape in shapes(system):
        name = shape.entity.full_name
        words = person.words if shape.entity.person else (*person.words, *person.names)  # another person may be called the same
        sought = Person(person.record, {}, {}, words)
        for id, values in _rows(system, shape, _texts(shape), words, MOST):
            if (name, id) not in stays:
                kept += [
                    Kept(name, id, "mentions", reason, field=field) for field, value in values.items() if masked(value, sought) != value
                ]
    return kept


def shapes(system: Work) -> Iterator[Shape]:
    """Of all that has records in the tenant."""
    for name, entity in system.catalog.entities.items():
        if system.offers(name) and not entity.record.table().info.get("view"):
            yield system.shape(name)


def told_in(shape: Shape) -> list[Field]:
    """The fields in which people write of others."""
    return [one for one in _texts(shape) if one.personal and not one.sensitive and not isinstance(one, EmailField | PhoneField)]


def _texts(shape: Shape) -> list[Field]:
    """The fields of text and of JSON that stand in the record itself."""
    return [
        one for name, one in shape.fields.items()
        if ("." not in name or name in shape.custom) and (isinstance(one, TextField) or isinstance(one.column_type(), JsonData))
    ]  # fmt: skip


def _rows(
    system: Work, shape: Shape, fields: Sequence[Field], words: Sequence[str], most: int | None
) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """The records in one of whose fields one of the words stands, also as a part of another, with these fields by name."""
    if not fields or not words:
        return
    in_json = needles(words)
    columns = [
        (cells.columns(shape.table.c[cells.COLUMN], one) if one.name in shape.custom else [shape.table.c[one.attribute]])[0]
        for one in fields
    ]
    fits = sa.or_(
        *(
            sa.cast(column, sa.Text).contains(form, autoescape=True)
            for one, column in zip(fields, columns, strict=True)
            for form in (words if isinstance(one, TextField) else in_json)
        )
    )
    query = (
        sa.select(shape.table.c.id, *columns).where(*rows_of(shape.entity, shape.table, system.tenant.id), fits).order_by(shape.table.c.id)
    )
    for row in system.connection.execute(query.limit(most) if most is not None else query).all():
        yield row[0], {one.name: value for one, value in zip(fields, row[1:], strict=True) if value is not None}
