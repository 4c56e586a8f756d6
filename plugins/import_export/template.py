"""A file to fill in, for any entity: every field that can be written, with an example row that can be imported as it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from decimal import Decimal

from plugins.import_export.imports import permit
from plugins.import_export.mapping.words import plain, words_of, written
from plugins.import_export.template_workbook import XLSX, Column, workbook
from sdk import Context, Download, _, where
from sdk.context import id_of
from sdk.fields import (
    NO_EXAMPLE,
    AnyRecordField,
    BooleanField,
    ChoiceField,
    CurrencyField,
    DateField,
    DateTimeField,
    DecimalField,
    Field,
    IntegerField,
    LinkField,
    Money,
    MoneyField,
    Reference,
    TextField,
)
from sdk.fields.money import CURRENCIES

_TEXTS: Mapping[str, str] = {"email": "name@example.com", "phone": "010 1234 5678", "url": "https://example.com"}
_MOST_TRIES = 100
FORMATS = ("csv", "xlsx")


def template(ctx: Context, entity: str, format: str = "csv", *, history: bool = False) -> Download:
    """Headings in the actor's language, * for required fields: the importer maps them back. CSV lists choices in brackets.

    `format`: csv, or xlsx with drop-downs, comments and a sheet of notes. `history`: with the columns that an import of history alone may fill,
    which the example leaves empty.
    """
    permit(ctx, entity)
    fields = written(ctx.records(entity).fields(), history=history)
    words = words_of(ctx, fields)
    columns = [Column(field, _heading(ctx, field, words), _must(field), _example(ctx, entity, field)) for field in fields.values()]
    if format == "xlsx":
        return Download(workbook(ctx, entity, columns), XLSX, f"{entity}.xlsx")
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow([_listed(ctx, column) for column in columns])
    writer.writerow([column.example for column in columns])
    # With a byte order mark, which spreadsheets need to see Chinese.
    return Download(b"\xef\xbb\xbf" + sink.getvalue().encode(), "text/csv", f"{entity}.csv")


def _heading(ctx: Context, field: Field, words: Mapping[str, str]) -> str:
    label = ctx.say(field.label)
    return label if words.get(plain(label)) == field.name else field.name


def _listed(ctx: Context, column: Column) -> str:
    choices = f" [{'|'.join(map(ctx.say, column.field.options.values()))}]" if isinstance(column.field, ChoiceField) else ""
    return f"{column.heading}{choices}{' *' if column.must else ''}"


def _must(field: Field) -> bool:
    return field.required and field.default is None


def _example(ctx: Context, entity: str, field: Field) -> str:
    """A cell that fits; links are left empty unless they are required, since what people link to differs."""
    if field.example == NO_EXAMPLE or field.readonly:
        return ""
    if isinstance(field, LinkField):
        return _linked(ctx, entity, field) if _must(field) or field.example else ""
    if field.example and not isinstance(field, TextField):
        return field.example
    if isinstance(field, ChoiceField):
        return ctx.say(field.options[str(field.default)] if field.default else next(iter(field.options.values()), ""))
    if isinstance(field, AnyRecordField):
        return _any_record(ctx, entity) if _must(field) else ""
    if isinstance(field, CurrencyField):
        return _currency(ctx, entity, field)
    make = next((make for kind, make in _VALUES.items() if isinstance(field, kind)), None)
    value = make(ctx, field) if make is not None else field.default
    return _free(ctx, entity, field, field.format(value)) if field.unique or field.match else field.format(value)


def _linked(ctx: Context, entity: str, field: LinkField) -> str:
    """The name of the first record that the link can point to, or its id where others bear the same name."""
    records, mine = ctx.records(ctx.target(entity, field.name)), ctx.as_system().records(entity)
    for row in records.find((), _MOST_TRIES):
        if field.unique and mine.find(where(**{field.name: row["id"]}), 1):
            continue
        for name, one in records.fields().items():
            if one.match and row.get(name) is not None and len(records.find(where(**{name: row[name]}), 2)) == 1:
                return str(row[name])
        return str(row["id"])
    return ""


def _free(ctx: Context, entity: str, field: Field, value: str) -> str:
    """The example, or the first of `2example`, `3example`, … that nobody has."""
    records = ctx.as_system().records(entity)
    tries = (value, *(f"{number}{value}" for number in range(2, _MOST_TRIES)))
    return next((word for word in tries if not records.find(where(**{field.name: word}), 1)), "")


def _any_record(ctx: Context, entity: str) -> str:
    """The first record of some other entity that is itself about nothing."""
    for name in ctx.entities():
        about = any(isinstance(one, AnyRecordField) for one in ctx.records(name).fields().values())
        if name != entity and not about and not name.startswith("core.") and (rows := ctx.records(name).find((), 1)):
            return str(Reference(name, id_of(rows[0])))
    return ""


def _currency(ctx: Context, entity: str, field: CurrencyField) -> str:
    """The tenant's own or a foreign currency, and one that is free where each comes once."""
    taken = {ctx.tenant.currency} if field.foreign else set[str]()
    if field.unique:
        taken |= {str(row[field.name]) for row in ctx.as_system().records(entity).find(())}
    return next(code for code in (ctx.tenant.currency, "EUR", "USD", *sorted(CURRENCIES)) if code not in taken)


def _text(ctx: Context, field: TextField) -> object:
    word = field.example or _TEXTS.get(field.kind) or ("example" if field.pattern is not None else ctx.say(_("Example")))
    return word[: field.length]


def _decimal(field: DecimalField | MoneyField) -> Decimal:
    least, most = field.least, getattr(field, "most", None)
    value = Decimal(50) if least is None else max(least, Decimal(50))
    return value if most is None else min(most, value)


_VALUES: Mapping[type[Field], Callable[[Context, Field], object]] = {
    TextField: lambda ctx, field: _text(ctx, field) if isinstance(field, TextField) else None,
    IntegerField: lambda _ctx, field: max(field.least, min(1, field.most)) if isinstance(field, IntegerField) else None,
    DecimalField: lambda _ctx, field: _decimal(field) if isinstance(field, DecimalField) else None,
    MoneyField: lambda ctx, field: Money(_decimal(field), ctx.tenant.currency) if isinstance(field, MoneyField) else None,
    DateField: lambda ctx, _field: ctx.now().date(),
    DateTimeField: lambda ctx, _field: ctx.now().replace(microsecond=0),
    BooleanField: lambda _ctx, field: bool(field.default),
}
