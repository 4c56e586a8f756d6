"""The columns of an export: which fields, under which headings, and what stands in their cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plugins.import_export.external import FIELD as EXTERNAL
from plugins.import_export.external import LABEL
from plugins.import_export.formulas import literal, verbatim
from plugins.import_export.mapping.words import plain, words_of
from sdk import BadRequest, Context, _
from sdk.context import Column
from sdk.fields import ChoiceField, DecimalField, Field, IntegerField, KeysField, LinkField, MoneyField, ReportRole, TextField

_THREE = re.compile(r"\.\d{3}(?= |\Z)", re.ASCII)
EVERYTHING = "*"
"""In the place of fields: all that the actor may read, also what an import leaves out."""
NAMES, LABELS = "names", "labels"
HEADINGS = {NAMES: _("Field names, for programs"), LABELS: _("Labels, for people")}
_EXTERNAL = LinkField(label=LABEL, name=EXTERNAL)


@dataclass(frozen=True)
class ExportColumn:
    """One field of the file; `words` are what its choices are called there, where not by their keys."""

    field: Field
    heading: str
    words: Mapping[str, str]
    leads: bool = False
    """Whether it may hold the first cell of a row, by which a reader tells totals and notes from records."""

    @property
    def names_record(self) -> bool:
        """Whether others name the records by what it holds; a field of the entity's own that is called so is none of that."""
        return self.field is _EXTERNAL

    def cells(self, values: Column) -> Sequence[str]:
        """Values as cells that an import takes back, whatever the format."""
        cells: Sequence[str] = self.field.write(values)
        if self.words:
            cells = [self.words.get(cell, cell) for cell in cells]
        return cells

    def safe(self, values: Column) -> Sequence[str]:
        """The same for spreadsheets; numbers are none of the text that they could calculate with, negative ones included.

        Three digits behind a point get a zero more: 1.234 may be more than a thousand elsewhere.
        """
        cells = self.cells(values)
        if isinstance(self.field, DecimalField | MoneyField):
            return [_THREE.sub(r"\g<0>0", cell) for cell in cells]
        if isinstance(self.field, IntegerField):
            return cells
        return verbatim(cells) if self.leads or isinstance(self.field, LinkField) else literal(cells)


def importable(fields: Mapping[str, Field]) -> list[str]:
    """What an import takes back: without the platform's own stamps, what is worked out, and keys that leave in no file."""
    return [name for name, field in fields.items() if not field.readonly and not field.secret]


def settle(ctx: Context, entity: str, wanted: Sequence[str]) -> list[str]:
    """The names of the fields that are exported: those that are asked for, or all that an import takes back; before these what others name the
    records by, where that has to be an id.

    Raises BadRequest for one that the actor does not see, or that leaves in no file.
    """
    fields = ctx.records(entity).fields()
    if not wanted:
        return [*([EXTERNAL] if _nameless(ctx, entity, fields) else []), *importable(fields)]
    names = [name for name in dict.fromkeys(wanted) if name != EVERYTHING]
    for name in names:
        if (name not in fields and name != EXTERNAL) or (name in fields and fields[name].secret):
            known = ", ".join(one for one, field in fields.items() if not field.secret)
            raise BadRequest(_("no exportable field is named {name!r}; available: {fields}"), name=name[:80], fields=known)
    return names if EVERYTHING not in wanted else [name for name, field in fields.items() if not field.secret]


def _nameless(ctx: Context, entity: str, fields: Mapping[str, Field]) -> bool:
    """Whether others may have to name some of its records by their ids: no field names each of them, and no two by the same word."""
    named = (name for name in ctx.entity(entity).match_fields if isinstance(fields.get(name), TextField))
    names = [name for name in named if fields[name].role is ReportRole.DIMENSION]
    if EXTERNAL in fields or not ((names and ctx.entity(entity).owned) or _is_linked(ctx, entity)):
        return False
    counted = ctx.records(entity).aggregate(("count", *(f"distinct:{name}" for name in names)))
    return bool(counted and counted[0]["count"]) and all(counted[0][f"distinct:{name}"] != counted[0]["count"] for name in names)


def _is_linked(ctx: Context, entity: str) -> bool:
    links = ((other, name) for other in ctx.entities() for name, one in ctx.records(other).fields().items() if isinstance(one, LinkField))
    return any(ctx.target(other, name) == entity for other, name in links)


def columns_of(ctx: Context, entity: str, names: Sequence[str], headings: str) -> list[ExportColumn]:
    """The columns of these fields. A label is a heading where an import can tell by it which field is meant, or that none is."""
    fields = {EXTERNAL: _EXTERNAL, **ctx.records(entity).fields()}
    there = {name: fields[name] for name in names if name in fields}
    first = next((place for place, field in enumerate(there.values()) if field.required), len(there))
    leading = {name for place, name in enumerate(there) if place <= first}
    if headings == NAMES:
        return [ExportColumn(field, name, {}, name in leading) for name, field in there.items()]
    known = words_of(ctx, {name: field for name, field in fields.items() if not field.readonly})
    labels = {name: ctx.say(field.label) for name, field in there.items()}

    def heading(name: str) -> str:
        word = plain(labels[name])
        leads_to = name if name in known.values() and not fields[name].readonly else None
        alone = sum(plain(label) == word for label in labels.values()) == 1
        return labels[name] if word and alone and known.get(word) == leads_to else name

    return [ExportColumn(field, heading(name), _words(ctx, field), name in leading) for name, field in there.items()]


def _words(ctx: Context, field: Field) -> dict[str, str]:
    """What the choices of a field are called, where that leads back to each of them."""
    if not isinstance(field, ChoiceField) or isinstance(field, KeysField):
        return {}
    words = {key: ctx.say(label) for key, label in field.options.items()}
    return words if len(set(words.values())) == len(words) else {}
