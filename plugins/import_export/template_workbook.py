"""A workbook to fill in: what fits is said and offered where one types it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sdk import Context, Text, _
from sdk.fields import (
    AnyRecordField,
    BooleanField,
    ChoiceField,
    CurrencyField,
    DateField,
    DateTimeField,
    DecimalField,
    Field,
    IntegerField,
    KeysField,
    LinkField,
    MoneyField,
    TextField,
)
from sdk.fields.money import CURRENCIES

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_UNFIT = re.compile(r"[\[\]:*?/\\']")
_ROWS = 10_000
"""How far down the drop-downs reach."""
_FORMATS = (
    (DateTimeField, "yyyy-mm-dd hh:mm"),
    (DateField, "yyyy-mm-dd"),
    (IntegerField, "0"),
    (DecimalField, "General"),
    (MoneyField, "General"),
)


@dataclass(frozen=True)
class Column:
    """A field with its heading, whether it must be filled, and a cell that fits, as text."""

    field: Field
    heading: str
    must: bool
    example: str


def workbook(ctx: Context, entity: str, columns: Sequence[Column]) -> bytes:
    """The sheet to fill in first, then what fits each column; options stand on a hidden sheet, as lists may be longer than a rule."""
    from openpyxl import Workbook  # noqa: PLC0415 (it takes a tenth of a second that no other command is to wait for)
    from openpyxl.comments import Comment  # noqa: PLC0415
    from openpyxl.styles import Font, PatternFill  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    title = _UNFIT.sub(" ", ctx.say(ctx.entity(entity).plural_label))[:31].strip() or "Records"
    sheet.title = title
    for place, column in enumerate(columns, 1):
        letter = get_column_letter(place)
        head = sheet.cell(1, place, f"{column.heading} *" if column.must else column.heading)
        head.data_type = "s"
        head.font = Font(bold=True)
        head.fill = PatternFill("solid", fgColor="FFF2CC" if column.must else "F2F2F2")
        head.comment = Comment(fits(ctx, entity, column), "Dealwright", width=320, height=120)
        value = _typed(ctx, column)
        example = sheet.cell(2, place, value)
        if isinstance(value, str):
            example.data_type = "s"  # whatever it begins with: it is no formula
        form = next((form for kind, form in _FORMATS if isinstance(column.field, kind)), "@")
        example.number_format = form
        sheet.column_dimensions[letter].number_format = form
        sheet.column_dimensions[letter].width = min(max(len(column.heading), len(column.example), 8) * 1.3 + 2, 48)
    sheet.freeze_panes = "A2"
    _offer(ctx, sheet, columns)
    notes = book.create_sheet(_UNFIT.sub(" ", ctx.say(_("Notes")))[:31])
    for row in ((ctx.say(_("Column")), ctx.say(_("What to enter"))), *((one.heading, fits(ctx, entity, one)) for one in columns)):
        notes.append(row)
        for cell in notes[notes.max_row]:
            cell.data_type = "s"
            cell.font = Font(bold=notes.max_row == 1)
    notes.column_dimensions["A"].width, notes.column_dimensions["B"].width = 32, 100
    notes.freeze_panes = "A2"
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _offer(ctx: Context, sheet: Worksheet, columns: Sequence[Column]) -> None:
    """Drop-downs; what is not on the list is refused while one types."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415

    book = sheet.parent
    assert book is not None
    lists = book.create_sheet("Options")
    lists.sheet_state = "veryHidden"  # so that neither people nor importers take it for theirs
    kept: list[list[str]] = []
    for place, column in enumerate(columns, 1):
        words = options(ctx, column.field)
        if not words:
            continue
        if words not in kept:
            kept.append(words)
            for row, word in enumerate(words, 1):
                lists.cell(row, len(kept), word).data_type = "s"
        listed = get_column_letter(kept.index(words) + 1)
        rule = DataValidation(
            "list", formula1=f"Options!${listed}$1:${listed}${len(words)}", allow_blank=not column.must, showErrorMessage=True
        )
        rule.errorTitle, rule.error = column.heading[:30], ctx.say(_("Choose from the list."))
        rule.add(f"{get_column_letter(place)}2:{get_column_letter(place)}{_ROWS}")
        sheet.add_data_validation(rule)


def options(ctx: Context, field: Field) -> list[str]:
    """What one can choose from, in the actor's language; none: anything of the field's kind."""
    if isinstance(field, ChoiceField):
        return [ctx.say(label) for label in field.options.values()]
    if isinstance(field, BooleanField):
        return ["是", "否"] if ctx.locale.startswith("zh") else ["yes", "no"]
    return sorted(CURRENCIES) if isinstance(field, CurrencyField) else []


def _typed(ctx: Context, column: Column) -> str | int | Decimal | date | datetime | None:
    """The example as a spreadsheet keeps it: real numbers and dates, an instant in the actor's zone."""
    word, field = column.example, column.field
    if not word:
        return None
    if isinstance(field, BooleanField):
        return options(ctx, field)[word != "true"]
    if isinstance(field, DateTimeField):
        return datetime.fromisoformat(word).astimezone(ZoneInfo(ctx.zone)).replace(tzinfo=None)
    if isinstance(field, DateField):
        return date.fromisoformat(word)
    if isinstance(field, IntegerField | DecimalField):
        try:
            return int(word) if isinstance(field, IntegerField) else Decimal(word)
        except (ValueError, InvalidOperation):  # an example of the plugin's own, such as 50 %
            return word
    return word


def fits(ctx: Context, entity: str, column: Column) -> str:
    """What a cell of the column may hold, in the actor's language."""
    field = column.field
    text, params = _kind(ctx, entity, field)
    lines = [ctx.say(text, params)]
    if words := ([] if isinstance(field, CurrencyField) else options(ctx, field)):
        lines.append(ctx.say(_("One of: {options}."), {"options": ctx.say(_(", ")).join(words)}))
    lines.append(ctx.say(_("Required.") if column.must else _("Optional.")))
    if field.unique:
        lines.append(ctx.say(_("Varies by row.")))
    return "\n".join(lines)[:2_000]


def _kind(ctx: Context, entity: str, field: Field) -> tuple[Text, dict[str, object]]:
    if isinstance(field, LinkField):
        target = ctx.entity(ctx.target(entity, field.name))
        return _("The name of the {target} it belongs to, or its ID."), {"target": ctx.say(target.label)}
    if isinstance(field, MoneyField):
        return _("An amount, for example 1234.50 or 1234.50 EUR. Without a currency, {currency} is assumed."), {
            "currency": ctx.tenant.currency
        }
    if isinstance(field, DateTimeField):
        return _("A date and time, for example 2026-01-31 09:30, in time zone {zone}."), {"zone": ctx.zone}
    if isinstance(field, IntegerField):
        return _("A whole number from {least} to {most}."), {"least": field.least, "most": field.most}
    if isinstance(field, DecimalField):
        share = field.least == 0 and field.most == 100
        return (_("A percentage from 0 to 100: 50 means 50%.") if share else _("A number, for example 12.5.")), {}
    if isinstance(field, TextField) and field.pattern is not None:
        return _("At most {length} characters: {expected}."), {"length": field.length, "expected": ctx.say(field.expected)}
    if isinstance(field, TextField) and not isinstance(field, CurrencyField):
        return _("Text of up to {length} characters."), {"length": field.length}
    plain: dict[type[Field], Text] = {
        CurrencyField: _("A currency code, for example EUR."), DateField: _(
        "A date, for example 2026-01-31."
    ), BooleanField: _("Yes or no."),
        ChoiceField: _("A choice."), KeysField: _("Words separated by ;"), AnyRecordField: _(
        "The entity and ID of a record: customers.account:ID."
    ),
    }  # fmt: skip
    return next((text for kind, text in plain.items() if isinstance(field, kind)), _("A value.")), {}
