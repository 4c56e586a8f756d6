"""Documents that plugins offer to make of their records: an invoice, a contract, with its templates and its variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from sdk.errors import DeclarationError
from sdk.fields.money import Money
from sdk.specs import Spec
from sdk.text import Text

if TYPE_CHECKING:
    from sdk.context import Context

FORMATS = ("pdf", "docx")
_NAME = re.compile(r"[a-z][a-z0-9_]*(\[\])?(\.[a-z][a-z0-9_]*(\[\])?){0,3}\Z")
_LOCALE = re.compile(r"[a-z]{2,3}(_[A-Z][A-Za-z]+)*\Z")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on a document, as the bytes of a PNG file."""

    content: bytes


_KINDS = (str, bool, int, Decimal, date, Money, Picture)


@dataclass(frozen=True, slots=True)
class Variable:
    """Something that a template may name: `number`, `buyer.name`, `lines[].quantity` of each of the lines.

    `example` is a value of its kind: text, number (int, Decimal), date, Money, Picture or truth (bool). It stands in the documentation of
    variables and in trial renderings, and says what a missing value (None) is a missing one of.
    """

    name: str
    label: Text
    example: object

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise DeclarationError(f"variable {self.name!r}: expected a name such as 'number', 'buyer.name' or 'lines[].quantity'")
        if not isinstance(self.example, _KINDS):
            raise DeclarationError(
                f"variable {self.name!r}: the example is a {type(self.example).__name__}; give a text, number, date or Money"
            )


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template file that a plugin ships: for `pdf` a typst source, for `docx` a Word file with Jinja in it.

    `beside` are the files that a typst source includes by their names.
    """

    format: str
    locale: str
    file: Path
    beside: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise DeclarationError(f"template {self.file.name}: the format is {self.format!r}; expected one of {', '.join(FORMATS)}")
        if not _LOCALE.match(self.locale):
            raise DeclarationError(f"template {self.file.name}: the locale is {self.locale!r}; expected one such as 'en' or 'zh_CN'")


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a document is mailed to. `occasion` is that of the issued copy which goes out each time; "" issues one anew."""

    email: str
    name: str
    occasion: str = ""


Fill: TypeAlias = "Callable[[Context, UUID], Mapping[str, object]]"


@dataclass(frozen=True)
class DocumentTemplate(Spec):
    """A kind of document about records of one entity.

    `values` reads a record with the rights of `ctx` and answers all that `variables` name, nested as their names are: texts, numbers,
    dates, Money and Pictures as Python values, which are formatted in the document's language; None where there is nothing. Raises NotFound.
    `language` answers the locale of whom the document is for, "" where nobody knows.
    `mailed(ctx, id, contact)` notes on a record that its document is mailed to that contact (None: to the record's own) and answers
    with the address, with the rights of `ctx`, in the transaction of the mail. Raises Conflict where the record is not ready for
    it, Invalid where there is no address. Without it such documents are not mailed.
    `called` says what the document of one record is called, where that is not always the label.
    """

    label: Text
    entity: str
    variables: tuple[Variable, ...]
    values: Fill
    sources: tuple[TemplateFile, ...]
    language: Callable[[Context, UUID], str] | None = None
    mailed: Callable[[Context, UUID, UUID | None], Addressee] | None = None
    called: Callable[[Context, UUID], Text] | None = None

    def title_of(self, ctx: Context, id: UUID) -> Text:
        """What the document of a record is called; raises NotFound."""
        return self.label if self.called is None else self.called(ctx, id)

    def __post_init__(self) -> None:
        if not self.sources:
            raise DeclarationError(f"document template {self.key!r}: no sources; give at least one file")
        names = [variable.name for variable in self.variables]
        if twice := {name for name in names if names.count(name) > 1}:
            raise DeclarationError(f"document template {self.key!r}: the variable {min(twice)!r} is declared twice; keep one")
