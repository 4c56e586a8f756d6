"""References to other records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from uuid import UUID

import sqlalchemy as sa

from sdk.columns import key
from sdk.fields.base import Cells, Field, FlawError, Mapped, Parsed, ReportRole, wrong_type
from sdk.fields.text import SAID, plain_lines, plain_text
from sdk.text import Text, _

if TYPE_CHECKING:
    from sdk.entities import Record

LONGEST = 255


@dataclass(frozen=True, slots=True)
class NaturalKey:
    """What people call a record (its name, its key); the write door looks it up."""

    text: str


_READ = frozenset({UUID, NaturalKey, type(None)})


@dataclass(frozen=True, kw_only=True)
class LinkField(Field):
    """A link to one record: `target` is the class of a required partner (a foreign key), or an entity's name (none).

    On input an id or a natural key; `within` names a sibling link that narrows the natural key (a stage within its pipeline), and `usual`
    the field that marks the sibling's record that is meant where none is named.
    """

    target: type[Record] | str = ""
    parent: bool = False
    within: str = ""
    usual: str = ""
    tree: bool = False
    timeline: bool = False
    """Whether what happens to this record shows on the timeline of the other, too."""
    subject: bool = False
    """Whether the record is about the person that it names: what is personal in it is that person's."""

    kind: ClassVar[str] = "link"
    role: ClassVar[ReportRole] = ReportRole.DIMENSION
    widget: ClassVar[str] = "link"
    sortable: ClassVar[bool] = False

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return key()

    def check(self, cell: object) -> object:
        if isinstance(cell, UUID | NaturalKey):
            return cell
        if not isinstance(cell, str):
            raise wrong_type(_("an ID or a natural key"), cell)
        cell = plain_text(cell, LONGEST)
        if not cell:
            raise FlawError("malformed", _("expected an ID or a natural key"))
        return key_of(cell)

    def parse(self, cells: Cells) -> Parsed:
        """The same as `check` cell by cell; a column of plain words, and one that has been read before, take a shorter way."""
        if type(self).check is LinkField.check:
            if _READ.issuperset(map(type, cells)):
                return Parsed(list(cells), [])
            lines = plain_lines(cells, LONGEST)
            if lines is not None and lines.count(None) == cells.count(None):  # blank is wrong, and said cell by cell
                return Parsed([None if line is None else key_of(line) for line in lines], [])
        return super().parse(cells)

    def format(self, value: object) -> str:
        return value.text if isinstance(value, NaturalKey) else Field.format(self, value)

    def write(self, values: Sequence[object]) -> list[str]:
        return ["" if value is None else value.text if type(value) is NaturalKey else str(value) for value in values]

    def json_schema(self) -> dict[str, object]:
        return {"type": "string", "format": "uuid"}

    def input_schema(self) -> dict[str, object]:
        text = "An id, or what people call the record."
        return {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": SAID, "description": text}

    def sought_schema(self) -> dict[str, object]:
        return self.input_schema()


def key_of(word: str) -> UUID | NaturalKey:
    """What a written link means: an id where it looks like one."""
    try:
        return UUID(word) if len(word) == 36 else NaturalKey(word)
    except ValueError:
        return NaturalKey(word)


def link(label: Text, target: type[Record] | Literal["self"] | str, *, required: bool = False, parent: bool = False,
         within: str = "", usual: str = "", unique: bool = False, track: bool = False, readonly: bool = False, tree: bool = False,
         timeline: bool = False, hands_over: bool = False, subject: bool = False) -> Mapped[Any]:  # fmt: skip
    """A link to a record of `target`: "self", a required partner's class, or a possible partner's entity name.

    `within="pipeline", usual="is_default"`: of several records of one name that one is meant whose own `pipeline` is this record's, or the
    one marked as the default where this record has none.

    `tree=True`, for links to "self": a record that would come to stand above itself is refused.

    `timeline=True`: what happens to this record (and to what belongs to it) shows on the timeline of the other, too.

    `hands_over=True`, for links to people that mean work (who is to do it, who stands for it): when the person leaves, the successor
    takes the place. Who did something, and whom something is about, stays as it was.

    `subject=True`, for links to people (`Entity.person`): the record is about that person, and what is personal in it is given out and
    erased with the person's own record. A person who links so to another (a lead to a contact) is that other.

    `parent=True`: who reaches the parent reaches this record (lines, history, comments).
    """
    return Mapped(LinkField(label=label, target=target, required=required, parent=parent, within=within, usual=usual, unique=unique,
                            tree=tree, timeline=timeline, hands_over=hands_over, subject=subject, track=track, readonly=readonly, index=True))  # fmt: skip
