"""The second step: which column becomes which field, what its values mean, and what is done with the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

from plugins.import_export import imports
from plugins.import_export.external import FIELD as EXTERNAL
from plugins.import_export.external import LABEL
from plugins.import_export.files import Sheet
from plugins.import_export.mapping.currencies import beside, label_beside
from plugins.import_export.mapping.shaping import kinds_of
from plugins.import_export.mapping.suggest import CALLED, looked_at, suggestion
from plugins.import_export.mapping.words import written
from plugins.import_export.nothing import NOTHING
from plugins.import_export.pages import workbook
from plugins.import_export.pages.choices import UNDECIDED, fields_of, filled, is_external, is_id, likely, totals_of, wished
from plugins.import_export.pages.start import AT, Target, target_of
from plugins.import_export.pages.wishes import mended, start, wish_of
from plugins.import_export.pages.words import DUPLICATES, MODES, TOTALS
from plugins.import_export.plan import OVERWRITE, OWN, Wish, is_special, make_plan
from plugins.import_export.sheets import WORKBOOK
from plugins.import_export.staging import files
from plugins.import_export.staging.corrections import FILE
from plugins.import_export.styles import Said, Styles
from sdk import Context, PageRequest, PageRoute, Redirect, Refusal, Rendering, Text, _
from sdk.context import Row, id_of
from sdk.fields import AnyRecordField, BooleanField, ChoiceField, DecimalField, Field, LinkField, MoneyField, TextField
from sdk.fields.text import PhoneField
from sdk.pages import told

WHY: Mapping[str, Text] = {
    "name": _("matches the field’s name"),
    "label": _("matches the field’s label"),
    "synonym": _("is a synonym of the field"),
    "unit": _("is the field plus a unit"),
    "fuzzy": _("is similar to the field"),
    "misfit": _("matches a field’s name, but none of the values fit it"),
    "saved": _("same as last time"),
    "none": _("matches no field"),
}
WORDS: Mapping[str, Text] = {
    "ymd": _("year, month, day"),
    "mdy": _("month, day, year"),
    "dmy": _("day, month, year"),
    "point": _("decimal point"),
    "comma": _("decimal comma"),
}
EDITS: Mapping[str, Text] = {
    "": _("unchanged"),
    "trim": _("trim spaces"),
    "lower": _("lowercase"),
    "upper": _("UPPERCASE"),
    "title": _("With Capitals At The Beginning"),
    "first": _("first of several values"),
}
SHARES: Mapping[str, Text] = {"": EDITS[""], "percent": _("0.35 is 35%")}
COLLISIONS: Mapping[str, Text] = {
    "overwrite": _("replaces the existing value"),
    "only_if_empty": _("applies only where the field is empty"),
    "never": _("applies to new records only"),
}
_FIRST, _MOST_VALUES = 1_000, 60


@dataclass(frozen=True)
class Meaning:
    """A value of a column of choices: how often it comes, and what it means ("?": nothing that is known)."""

    said: str
    count: int
    key: str


@dataclass(frozen=True)
class Column:
    """A column of the file with the field that it is for; "": none."""

    place: int
    heading: str
    sample: Sequence[str]
    field: str
    why: str
    sure: bool
    rule: str = OVERWRITE
    kind: str = ""
    """text, phone or percent, which can be brought into a form."""
    edit: str = ""
    meanings: Sequence[Meaning] = ()
    options: Sequence[tuple[str, str]] = ()

    @property
    def unknown(self) -> int:
        """How many of its values mean nothing yet."""
        return sum(one.key == UNDECIDED for one in self.meanings)


@dataclass(frozen=True)
class Constant:
    """A field that no column is for; `value` is what stands in every row."""

    name: str
    label: str
    required: bool
    kind: str
    value: str
    options: Sequence[tuple[str, str]] = ()


def ask(ctx: Context, request: PageRequest) -> Rendering:
    """The columns as they are understood: as the last time, as it was chosen before, or as is likely."""
    row, target = _asked(ctx, request)
    if target.name == WORKBOOK:
        return workbook.ask(ctx, request, row)
    with files.opened_sheet(ctx, row, files.place_of(row, request.asked("sheet"))) as sheet:
        before = _before(ctx, request, row)
        guess = suggestion(ctx, target.name, sheet, history=before is not None and before.history)
        return _form(ctx, request, row, target, sheet, guess, before or likely(row, sheet, guess))


@contextmanager
def look(ctx: Context, request: PageRequest) -> Iterator[Wish | Rendering]:
    """What the form asks for; or the form again, with what the choice of a field asks for or what is wrong with it."""
    row, target = _asked(ctx, request)
    if target.name == WORKBOOK:
        yield workbook.looked(ctx, request, row)
        return
    with files.opened_sheet(ctx, row, files.place_of(row, request.asked("sheet"))) as sheet:
        wish = wished(request, row, target.name, sheet, _written(ctx, target.name, history=bool(request.typed("history"))))
        guess = suggestion(ctx, target.name, sheet, history=wish.history)
        if wish.history and request.typed("drawn") != "history":  # what only history brings had not been there to be chosen
            wish = replace(wish, map=filled(wish, guess))
        refusal: Refusal | None = None
        found: Wish | Rendering | None = None
        if request.typed("act") != "again":
            try:
                imports.permit(ctx, wish.entity, wish.mode)
                # The mapping is looked at now, with the first rows; all rows are read in the background.
                make_plan(ctx, wish, replace(sheet, read=lambda: islice(sheet.rows(), _FIRST)))
                found = replace(wish, dry_run=True, mended=mended(ctx, row))
            except Refusal as caught:
                refusal = caught
        found = found or _form(ctx, request, row, target, sheet, guess, wish, refusal)
    yield found


def take(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Rehearse the import with these columns; or show the form again."""
    found = cast("Wish | Rendering", request.prepared)
    return found if isinstance(found, Rendering) else Redirect(ctx.page(f"{AT}/{id_of(start(ctx, found))}"))


def _asked(ctx: Context, request: PageRequest) -> tuple[Row, Target]:
    return files.kept(ctx, request.id()), target_of(ctx, request.asked("entity"))


def _before(ctx: Context, request: PageRequest, row: Row) -> Wish | None:
    """What was chosen for this file before, where somebody comes back from looking at it."""
    if not request.asked("of"):
        return None
    of = PageRequest(address="", path={"id": request.asked("of")}).id()
    found = ctx.records("import_export.import").values([of]).get(of)
    wish = wish_of(found) if found is not None else None
    return wish if wish is not None and wish.file == str(row["id"]) else None


# --- the form --------------------------------------------------------------------------------------------------------


def _form(ctx: Context, request: PageRequest, row: Row, target: Target, sheet: Sheet, guess: Mapping[str, object], wish: Wish,
          refusal: Refusal | None = None) -> Rendering:  # fmt: skip
    fields = _written(ctx, target.name, history=wish.history)
    columns = list(_columns(ctx, fields, sheet, guess, wish))
    used = {column.field for column in columns} - {""}
    constants = list(_constants(ctx, fields, used, wish))
    given = {one.name for one in constants if one.value}
    lacking = [one.label for one in constants if one.required and not one.value] if wish.mode != "update" else []
    matchable = [(name, ctx.say(one.label)) for name, one in fields.items() if name in used | given and _names(one)]
    matchable += [(name, label) for name, label in _ids(ctx, {}) if name in used]
    saved = cast("Mapping[str, object] | None", guess["saved"])
    book = files.book_of(row)
    values = {
        "target": target, "file": row, "book": book, "sheet": sheet.name, "sheets": [(str(one["name"]), one["rows"]) for one in files.sheets_of(row)],
        "columns": columns,
        "fields": sorted(((name, ctx.say(one.label), _must(one)) for name, one in fields.items()), key=lambda one: one[1]),
        "ids": list(_ids(ctx, fields)), "external": any(is_external(one.field) for one in columns),
        "edits": {kind: [(key, ctx.say(words)) for key, words in edits.items()] for kind, edits in (("text", EDITS), ("percent", SHARES))},
        "constants": constants, "lacking": lacking, "matchable": matchable, "wish": wish,
        "modes": [(key, *map(ctx.say, words)) for key, words in MODES.items()],
        "duplicates": [(key, ctx.say(words)) for key, words in DUPLICATES.items()],
        "totals": [(key, ctx.say(words)) for key, words in TOTALS.items()] if files.has_totals(book) or wish.totals != totals_of(sheet) else (),
        "nothing": not sheet.data and (files.has_nothing(book) or wish.nothing == "all"),
        "saved": saved["name"] if saved and refusal is None and not request.form and not request.asked("of") else "",
        "collisions": [(key, ctx.say(words)) for key, words in COLLISIONS.items()],
        "questions": _questions(ctx, fields, {one.field: one.place for one in columns if one.field in fields}, sheet, wish),
        "may_history": ctx.can(imports.HISTORY) and any(one.historic for one in ctx.records(target.name).fields().values()),
        "problems": told(ctx, refusal), "left": sum(not one.field for one in columns),
        "notes": [note["message"] for note in cast("list[Mapping[str, str]]", book["notes"])],
    }  # fmt: skip
    return Rendering("import_export/columns.html", values, refusal.status if refusal is not None else 200)


def _written(ctx: Context, entity: str, *, history: bool) -> dict[str, Field]:
    return written(ctx.records(entity).fields(), history=history)


def _ids(ctx: Context, fields: Mapping[str, Field]) -> Iterator[tuple[str, str]]:
    """What no field is: our own ids of records, those of another system, such of the records that these link to; the currencies of amounts."""
    yield OWN, ctx.say(_("Our own ID"))
    yield EXTERNAL, ctx.say(LABEL)
    for name, field in fields.items():
        if isinstance(field, LinkField):
            yield f"{name}.{EXTERNAL}", ctx.say(_("{field}: ID in another system"), {"field": ctx.say(field.label)})
        elif isinstance(field, MoneyField):
            yield beside(name), label_beside(ctx, field)
        elif isinstance(field, AnyRecordField):
            kinds = {ctx.say(ctx.entity(kind).label): kind for kind in {*kinds_of(ctx).values()} if ctx.can(f"{kind}.read")}
            yield from ((f"{name}:{kind}", f"{ctx.say(field.label)}: {label}") for label, kind in sorted(kinds.items()))


def _must(field: Field) -> bool:
    return field.required and field.default is None


def _names(field: Field) -> bool:
    """Whether a record can be told by it."""
    return not isinstance(field, MoneyField | AnyRecordField | BooleanField)


def _columns(ctx: Context, fields: Mapping[str, Field], sheet: Sheet, guess: Mapping[str, object], wish: Wish) -> Iterator[Column]:
    taken = fields_of(wish, sheet.headings)
    counted = _counted(sheet, [place for place, name in taken.items() if isinstance(fields.get(name), ChoiceField)])
    rules, edits = dict(word.partition("=")[::2] for word in wish.collision), dict(word.partition(":")[::2] for word in wish.transform)
    for place, one in enumerate(cast("list[Mapping[str, Any]]", guess["columns"])):
        name = taken.get(place, "")
        field, options, meanings = fields.get(name), list[tuple[str, str]](), list[Meaning]()
        if isinstance(field, ChoiceField):
            options, meanings = [(key, ctx.say(label)) for key, label in field.options.items()], _meanings(ctx, field, counted[place], wish)
        parts = [sheet.headings[other] for other, same in taken.items() if same == name] if name else []
        why, sure = _why(ctx, one, name, parts)
        kind = "phone" if isinstance(field, PhoneField) else "text" if isinstance(field, TextField) else ""
        kind = "percent" if isinstance(field, DecimalField) and field.percent else kind
        yield Column(
            place, one["heading"], one["sample"], name if field is not None or is_id(name) or is_special(name, fields) else "", why, sure,
            rules.get(name, OVERWRITE), kind, edits.get(name, "").removeprefix("e164="), meanings, options,
        )  # fmt: skip


def _why(ctx: Context, guess: Mapping[str, Any], name: str, parts: Sequence[str]) -> tuple[str, bool]:
    """Why a column is thought to be for a field, and whether that is sure."""
    if len(parts) > 1:
        return ctx.say(_("joined: {headings}"), {"headings": " + ".join(parts)}), True
    if name == (guess["field"] or ""):
        return ctx.say(WHY[guess["why"]]), guess["confidence"] >= CALLED or guess["why"] == "none"
    return ctx.say(_("chosen by you")), True


def _counted(sheet: Sheet, places: Iterable[int]) -> Mapping[int, Counter[str]]:
    """How often each value comes in these columns."""
    counted: dict[int, Counter[str]] = {place: Counter() for place in places}
    if counted:
        for _number, cells in islice(sheet.rows(), looked_at(sheet)):
            for place, counter in counted.items():
                if place < len(cells) and (cell := cells[place].strip()):
                    counter[cell[:200]] += 1
    return counted


def _meanings(ctx: Context, field: ChoiceField, counted: Counter[str], wish: Wish) -> list[Meaning]:
    """The values as they are understood: as was said, by key or label, or not at all; those first."""
    labels = {ctx.say(label): key for key, label in field.options.items()}
    said = dict(word.removeprefix(f"{field.name}:").rpartition("=")[::2] for word in wish.value if word.startswith(f"{field.name}:"))
    found = []
    for value, count in counted.most_common(_MOST_VALUES):
        read = field.read([labels.get(value, value)])
        unknown = "" if value in NOTHING else UNDECIDED
        key = said[value] if value in said else unknown if read.flaws else str(read.values[0])
        found.append(Meaning(value, count, key))
    return sorted(found, key=lambda one: one.key != UNDECIDED)


def _constants(ctx: Context, fields: Mapping[str, Field], used: set[str], wish: Wish) -> Iterator[Constant]:
    """The fields that no column is for, those that must be filled in first."""
    given = {name: value for name, _mark, value in (word.partition("=") for word in wish.set)}
    for name, field in sorted(fields.items(), key=lambda one: not _must(one[1])):
        if name in used:
            continue
        options: list[tuple[str, str]] = []
        if isinstance(field, ChoiceField):
            options = [(key, ctx.say(label)) for key, label in field.options.items()]
        elif isinstance(field, BooleanField):
            options = [("true", ctx.say(_("Yes"))), ("false", ctx.say(_("No")))]
        yield Constant(name, ctx.say(field.label), _must(field), field.kind, given.get(name, ""), options)


def _questions(ctx: Context, fields: Mapping[str, Field], columns: Mapping[str, int], sheet: Sheet, wish: Wish) -> list[dict[str, object]]:
    """What is asked once for the whole file, each reading with what a real cell would then be; what was answered stays to be seen."""
    rows = [cells for _number, cells in islice(sheet.rows(), looked_at(sheet))]
    found: dict[str, dict[str, object]] = {}
    for one in Styles(fields, columns, sheet, Said(), ctx.zone, ctx.tenant.currency).see_all(rows).questions():
        heading = sheet.headings[columns[one.name]]
        if one.asked in found:
            cast("list[str]", found[one.asked]["headings"]).append(heading)
            continue
        choices = [{"key": key, "label": ctx.say(WORDS.get(key, Text(key))), "reading": read} for key, read in one.readings.items()]
        found[one.asked] = {
            "asked": one.asked, "headings": [heading], "example": next(iter(one.examples), ""), "choices": choices,
            "given": getattr(wish, one.asked),
        }  # fmt: skip
    return list(found.values())


PAGES = (
    PageRoute(
        "columns", path="/files/{id}/columns", title=_("File columns"), permission=f"{FILE}.read", view=ask, submit=take, prepare=look
    ),
)
