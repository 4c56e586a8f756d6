"""What every field type can do: one class holds all faces of a kind of value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Self, TypeAlias, TypeVar

import sqlalchemy as sa
from marshmallow import ValidationError, missing
from marshmallow import fields as mm

from sdk.errors import NO_PARAMS, Params
from sdk.messages import Flawed
from sdk.text import Text, _

Cells: TypeAlias = "Sequence[object]"
Check: TypeAlias = "Callable[[object], object]"
T = TypeVar("T")


class ReportRole(StrEnum):
    """What a report can do with a field: group by it, add it up, or neither."""

    DIMENSION = "dimension"
    MEASURE = "measure"
    NONE = "none"


class Flaw(NamedTuple):
    """What is wrong with one cell of a column."""

    row: int
    code: str
    message: Text
    params: Params


class Parsed(NamedTuple):
    """A checked column: `values` is as long as the cells, None where a flaw says why."""

    values: list[object]
    flaws: list[Flaw]


class FlawError(ValueError):
    """Raised by a field's check of one cell; `parse` turns it into a Flaw."""

    def __init__(self, code: str, message: Text, **params: object) -> None:
        super().__init__(message)
        self.code, self.message, self.params = code, message, params


LOST_DIGITS = "#DIGITS!"
"""What readers of spreadsheets write for a number that was longer than the program keeps."""
UNDECODABLE = "#BYTES!"
"""What readers write for a text whose bytes are not in the encoding that is named beside it."""
ERRORS = frozenset(
    {
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#SPILL!",
        "#CALC!",
        "#GETTING_DATA",
        "#ERROR!",
        LOST_DIGITS,
        UNDECODABLE,
    }
)
"""What spreadsheets, and readers of files, show instead of a value."""

_SHORTENED = r"[+-]?[0-9]\.[0-9]+E[+-][0-9]{2}"
"""What a spreadsheet writes into a text file for a number that is longer than its column shows."""
SPOILT = rf"[^\S\n]*(?:{_SHORTENED}|{'|'.join(map(re.escape, sorted(ERRORS)))})[^\S\n]*"
"""The pattern of a cell whose value a program has lost before the file was written."""
_IS_SPOILT, _ANY_SPOILT = re.compile(rf"{SPOILT}\Z"), re.compile(rf"\n{SPOILT}(?:\n|\Z)")


@dataclass(frozen=True, kw_only=True)
class Field:
    """A kind of value with all its faces; `name` is its address in API, files and filters, `attribute` its column."""

    label: Text
    name: str = ""
    attribute: str = ""
    required: bool = False
    unique: bool = False
    search: bool = False
    example: str = ""
    """A cell that fits, where not any value of its kind does; `NO_EXAMPLE` leaves it out of example rows."""
    match: bool = False
    track: bool = False
    sensitive: bool = False
    secret: bool = False
    """Whether it is a key, or the hash of one: it leaves the installation in no export."""
    personal: bool = False
    """Whether its value tells something of a person: it is given to that person on request, and erased on request (`Entity.person`)."""
    readonly: bool = False
    historic: bool = False
    """Whether an import of history brings it in, though nobody writes it by hand (`sdk.changes.HISTORY`)."""
    by_act: bool = False
    """Whether people fill it by an act alone: no form offers it; files and programs do."""
    by_oneself: bool = False
    """Whether the person whose record it stands on sets it, without the right to change people: language, time zone."""
    hands_over: bool = False
    """Whether a person whom it names (a link, or a document with the id in it) makes place for a successor when that person leaves."""
    index: bool = False
    default: object = None
    beside: tuple[str, ...] = ()
    """Entities of partners without which the field means nothing: it is absent where the tenant lacks one, as a link is."""
    synonyms: tuple[str, ...] = ()
    """What else a heading of a file may call it, in any language; its name and labels go without saying."""
    called_after: tuple[str, ...] = ()
    """Links whose record, the first that is filled in, a form suggests to call a new one after."""
    converts: str = ""
    """The amount of the record that it tells in the tenant's currency, or whose rate it is: where that amount is in this currency, nothing new."""
    owner: str = ""
    """The plugin that declared it; core stamps it at boot."""

    kind: ClassVar[str] = ""
    operators: ClassVar[tuple[str, ...]] = ("eq", "ne", "in", "empty")
    role: ClassVar[ReportRole] = ReportRole.NONE
    widget: ClassVar[str] = "text"
    sortable: ClassVar[bool] = True
    lists: ClassVar[str] = ""
    """The entity whose ids a value lists, where it does: an export says them by what people call these records, as it does links."""

    # --- storage -------------------------------------------------------------------------------------------------

    def column_type(self) -> sa.types.TypeEngine[Any]:
        """The SQL type of the field's main column."""
        raise TypeError(f"field type {type(self).__name__} declares no column type")

    def siblings(self) -> Mapping[str, sa.types.TypeEngine[Any]]:
        """Further columns by suffix, for values that need more than one (the currency of an amount)."""
        return {}

    def columns(self) -> tuple[str, ...]:
        """The attribute names of all columns, the main one first."""
        return (self.attribute, *(f"{self.attribute}_{suffix}" for suffix in self.siblings()))

    def split(self, value: object) -> tuple[object, ...]:
        """One checked value as the values of `columns()`."""
        return (value,)

    def join(self, cells: Sequence[object]) -> object:
        """The values of `columns()` as one value."""
        return cells[0]

    # --- input ---------------------------------------------------------------------------------------------------

    def input(self, *, required: bool | None = None) -> Checked:
        """The marshmallow face, for the bodies of routes; there it may be required, or not, other than in the record."""
        return Checked(self, self.required if required is None else required)

    def check(self, cell: object) -> object:
        """One JSON value, checked and converted; raises FlawError."""
        raise TypeError(f"field type {type(self).__name__} declares no check")

    def parse(self, cells: Cells) -> Parsed:
        """A column of JSON values, checked and converted; None and absent stay None."""
        return _column(self.check, cells)

    def read(self, cells: Sequence[str], style: Mapping[str, str] | None = None) -> Parsed:
        """A column of text as people write it in files; "" is None. `style` says what is known of the whole column:

        `date_order`: ymd, mdy or dmy; `century`: the first year that two digits can mean; `decimal`: the sign before the
        fraction, and `group`: the ones between thousands; `zone`: that of instants without one; `since`: the first of the days that numbers count.
        """
        style = style or {}
        stripped = [line or None for line in map(str.strip, cells)]
        if type(self).read_cell is Field.read_cell:
            return self.parse(stripped)
        return _column(lambda cell: self.read_cell(str(cell), style), stripped)

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        """One non-empty text cell; raises FlawError."""
        return self.check(cell)

    def sought(self, cell: str) -> object:
        """One value of a filter as written; raises FlawError. Bounds of the input do not hold: what is beyond them matches nothing."""
        return self.read_cell(cell, {})

    # --- output --------------------------------------------------------------------------------------------------

    def wire(self, *cells: str) -> str:
        """A Python expression over the named cells that gives the JSON value; compiled into the serializer."""
        return cells[0]

    def format(self, value: object) -> str:
        """One value as a cell of a file that `read` takes back unchanged."""
        return "" if value is None else str(value)

    def write(self, values: Sequence[object]) -> list[str]:
        """A column of values as cells of a file: the same as `format` value by value."""
        form = self.format
        return ["" if value is None else form(value) for value in values]

    def json_schema(self) -> dict[str, object]:
        """JSON Schema (2020-12) of a non-null value as it is shown."""
        return {"type": "string"}

    def input_schema(self) -> dict[str, object]:
        """JSON Schema of a non-null value as `check` takes it."""
        return self.json_schema()

    def sought_schema(self) -> dict[str, object]:
        """JSON Schema of one value of a filter, as `sought` takes it."""
        return self.json_schema()

    # --- binding -------------------------------------------------------------------------------------------------

    def bound(self, name: str, attribute: str) -> Self:
        """This field under its name, with its column attribute."""
        return replace(self, name=name, attribute=attribute)

    def nullable(self) -> bool:
        """Whether the column takes NULL."""
        return not self.required and self.default is None


def _column(check: Check, cells: Cells) -> Parsed:
    values: list[object] = []
    flaws: list[Flaw] = []
    add = values.append
    for index, cell in enumerate(cells):
        if cell is None:
            add(None)
            continue
        try:
            add(check(cell))
        except FlawError as flaw:
            add(None)
            flaws.append(Flaw(index, flaw.code, flaw.message, flaw.params))
    return Parsed(values, flaws)


def spoilt(cells: Sequence[str]) -> list[Flaw]:
    """What is wrong with those cells of a file whose value is lost: errors of spreadsheets, and numbers that have lost digits."""
    if not _ANY_SPOILT.search("\n" + "\n".join(cells)):  # of a whole column: most have none
        return []
    return [Flaw(row, *_loss(cell.strip()), NO_PARAMS) for row, cell in enumerate(cells) if _IS_SPOILT.match(cell)]


def keep_whole(cell: str) -> None:
    """Raise FlawError for a number of which a spreadsheet has left out digits, such as 1.38E+10."""
    if _IS_SPOILT.match(cell):
        raise FlawError(*_loss(cell.strip()))


def _loss(cell: str) -> tuple[str, Text]:
    if cell == UNDECODABLE:
        return "undecodable", _("is not in the encoding the file declares")
    if cell == LOST_DIGITS:
        return "lost_digits", _("has more than 15 digits, of which the spreadsheet kept only 15; store it there as text")
    if cell in ERRORS:
        return "error_value", _("is a spreadsheet error; fix its formula, or clear the cell")
    return "lost_digits", _(
        "is a number shortened by the spreadsheet; show all of its digits there, or store it as text, and save it again"
    )


def wrong_type(expected: Text, cell: object) -> FlawError:
    """The flaw of a JSON value of another type."""
    return FlawError("type", _("expected {expected}, got {got}"), expected=expected, got=_json_kind(cell))


def _json_kind(cell: object) -> str:
    kinds: list[tuple[type, Text]] = [
        (bool, _("true or false")), (str, _("text")), (int, _("a whole number")), (float, _("a number")), (list, _("a list")), (dict, _("an object")),
    ]  # fmt: skip
    return next((name for kind, name in kinds if isinstance(cell, kind)), type(cell).__name__)


class Checked(mm.Field[Any]):
    """The marshmallow face of a field: the field's own check, so that a route's body and the write door agree."""

    def __init__(self, of: Field, required: bool) -> None:
        super().__init__(required=required, allow_none=not required, load_default=missing if required else None)
        self.of = of

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> object:
        try:
            checked = self.of.check(value)
        except FlawError as flaw:
            raise ValidationError([Flawed(flaw)]) from flaw
        if checked is None and self.required:  # blank text is no text
            raise self.make_error("required")
        return checked


class Mapped(Generic[T]):
    """A field as a record declares it, `name: Mapped[str] = f.text(_("Name"))`; once the class is made, its column stands in this place."""

    def __init__(self, field: Field) -> None:
        self.field = field

    if TYPE_CHECKING:

        def __get__(self, record: None, of: type[object], /) -> sa.Column[T]: ...

    def but(self, **different: Any) -> Self:
        """The same with other words or marks."""
        return type(self)(replace(self.field, **different))


NO_EXAMPLE = "-"


def with_example(mapped: Mapped[Any], cell: str) -> Mapped[Any]:
    """A field with its cell in the example row of import templates: for a link any word, which stands for whatever record there is."""
    return mapped.but(example=cell)


def secret(mapped: Mapped[Any]) -> Mapped[Any]:
    """A field that holds a key, or the hash of one: left out when a tenant's data are exported."""
    return mapped.but(secret=True)


def personal(mapped: Mapped[Any]) -> Mapped[Any]:
    """A field of whatever kind that tells something of a person, as `personal=True` says of a text (`f.personal(f.choice(...))`)."""
    return mapped.but(personal=True)


def historic(mapped: Mapped[Any]) -> Mapped[Any]:
    """A read-only field that comes in with history, as it stood elsewhere: the number of an invoice, the day on which it was issued."""
    return mapped.but(historic=True)


def by_act(mapped: Mapped[Any]) -> Mapped[Any]:
    """A field that people fill by an act of its own, and no form offers: the payment that another one reverses. Imports and the API write it."""
    return mapped.but(by_act=True)


def by_oneself(mapped: Mapped[Any]) -> Mapped[Any]:
    """A field of people (`core.user`, or what extends it) that each sets for himself, on the page of the own account and by
    `PATCH /api/v1/core/me`: the language, how numbers are written."""
    return mapped.but(by_oneself=True)


def synonyms(mapped: Mapped[Any], *words: str) -> Mapped[Any]:
    """A field that files call by these words, too: `f.synonyms(f.text(_("Name")), "Company", "公司名称")`."""
    return mapped.but(synonyms=words)


def called_after(mapped: Mapped[Any], *links: str) -> Mapped[Any]:
    """A title that a form suggests, as soon as it begins with one of these links: the subject of a quote after its deal, or its account."""
    return mapped.but(called_after=links)


def converts(mapped: Mapped[Any], amount: str) -> Mapped[Any]:
    """A field that tells `amount` in the tenant's currency, or its rate; pages leave it out where the amount is in this currency itself."""
    return mapped.but(converts=amount)


def beside(mapped: Mapped[Any], *entities: str) -> Mapped[Any]:
    """A field that is there only beside these entities (`after` partners): a product's line where there are products."""
    return mapped.but(beside=entities)
