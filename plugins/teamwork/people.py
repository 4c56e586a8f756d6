"""Several people in one field: who helps with a task, who is mentioned in a comment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa

from sdk import Change, Condition, Context, Mapped, NotFound, Text, _
from sdk.columns import json_data
from sdk.context import Row, id_of
from sdk.fields import Field, FlawError
from sdk.fields.base import wrong_type
from sdk.fields.text import SAID, plain_text

MOST = 20
_LONGEST = 255
_ID_LENGTH = 36


@dataclass(frozen=True, kw_only=True)
class PeopleField(Field):
    """A list of people, each by id, mail address or name; kept as ids once `resolve` has found them."""

    kind: ClassVar[str] = "people"
    operators: ClassVar[tuple[str, ...]] = ("empty",)
    widget: ClassVar[str] = "people"
    sortable: ClassVar[bool] = False
    lists: ClassVar[str] = "core.user"

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return json_data()

    def check(self, cell: object) -> object:
        if not isinstance(cell, list):
            raise wrong_type(_("a list of people"), cell)
        if len(cell) > MOST:
            raise FlawError("too_many", _("at most {limit} people, got {got}"), limit=MOST, got=len(cell))
        words = []
        for one in cell:
            if not isinstance(one, str):
                raise wrong_type(_("a list of people"), one)
            word = plain_text(one, _LONGEST)
            if not word:
                raise FlawError("malformed", _("expected the ID, email address or name of a person"))
            words.append(word)
        return list(dict.fromkeys(words)) or None

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        return self.check([part.strip() for part in cell.split(";") if part.strip()])

    def format(self, value: object) -> str:
        return ";".join(str(one) for one in value) if isinstance(value, list) else ""

    def json_schema(self) -> dict[str, object]:
        return {"type": "array", "items": {"type": "string", "format": "uuid"}, "maxItems": MOST}

    def input_schema(self) -> dict[str, object]:
        item = {"type": "string", "minLength": 1, "maxLength": _LONGEST, "pattern": SAID}
        return {"type": "array", "items": item, "maxItems": MOST, "description": "Ids, mail addresses or names of people."}


def people(label: Text, *, track: bool = False, readonly: bool = False) -> Mapped[Any]:
    """Up to 20 people."""
    return Mapped(PeopleField(label=label, track=track, readonly=readonly))


def ids(value: object) -> list[UUID]:
    """The people of a field that has been resolved."""
    return [UUID(str(one)) for one in value] if isinstance(value, list) else []


def resolve(ctx: Context, wanted: Iterable[tuple[Change, str, Sequence[str]]]) -> None:
    """Put ids in place of what people are called, for all changes of a batch at once: (change, field, words).

    One whom nobody knows, who has left, or whose name others bear, too, is refused by the word that was written.
    """
    asked = list(wanted)
    named = known(ctx, {word for _change, _field, words in asked for word in words})
    for change, field, words in asked:
        found = list[str]()
        for word in words:
            there = named.get(word.casefold(), [])
            if len(there) == 1:
                found.append(str(id_of(there[0])))
            elif there:
                change.refuse(field, "ambiguous", _("several people match {value!r}; enter an email address"), value=word[:80])
            else:
                change.refuse(field, "no_such_person", _("no active person matches {value!r}"), value=word[:80])
        change.values[field] = list(dict.fromkeys(found)) or None


def known(ctx: Context, words: set[str]) -> dict[str, list[Row]]:
    """Active people by each of their words, in lower case."""
    users, found = ctx.as_system().records("core.user"), dict[UUID, Row]()
    by_id = {id for word in words if (id := as_id(word)) is not None}
    found |= users.values(by_id)
    others = sorted(word for word in words if as_id(word) is None)
    for name in ("email", "name") if others else ():
        written = tuple(word.lower() for word in others) if name == "email" else tuple(others)
        found |= {id_of(row): row for row in users.find((Condition(name, "in", written),))}
    called: dict[str, list[Row]] = {}
    for row in found.values():
        if row["active"]:
            for word in {str(row["id"]), str(row["email"] or "").casefold(), str(row["name"]).casefold()} - {""}:
                called.setdefault(word, []).append(row)
    return called


def as_id(word: str) -> UUID | None:
    """The id that a word is, if it is one."""
    try:
        return UUID(word) if len(word) == _ID_LENGTH else None
    except ValueError:
        return None


def may_see(ctx: Context, person: UUID, entity: str, records: Iterable[UUID]) -> set[UUID]:
    """Of these records those that a person sees; nothing for one who has left."""
    return set(seen(ctx, person, entity, records))


def seen(ctx: Context, person: UUID, entity: str, records: Iterable[UUID]) -> Mapping[UUID, Row]:
    """The same with what the person sees of each."""
    try:
        theirs = ctx.as_user(person).records(entity)
    except NotFound:
        return {}
    return theirs.values(records) if theirs.fields() else {}
