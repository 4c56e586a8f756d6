"""The second step: which column becomes which field, what its values mean, and what is done with the rows."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

from plugins.import_export.files import Sheet
from plugins.import_export.mapping.suggest import suggestion
from plugins.import_export.pages.start import AT, Target, target_of
from plugins.import_export.pages.wishes import mended, start, wish_of
from plugins.import_export.plan import OVERWRITE, Wish, make_plan
from plugins.import_export.staging import files
from plugins.import_export.staging.corrections import FILE
from plugins.import_export.styles import Said, Styles
from sdk import Context, PageRequest, PageRoute, Redirect, Refusal, Rendering, Text, _
from sdk.context import Row, id_of
from sdk.fields import AnyRecordField, BooleanField, ChoiceField, Field, MoneyField
from sdk.pages import told

WHY: Mapping[str, Text] = {
    "name": _("has the name of the field"),
    "label": _("has the label of the field"),
    "synonym": _("is another word for the field"),
    "fuzzy": _("is much like the field"),
    "saved": _("as the last time"),
    "none": _("fits no field"),
}
MODES: Mapping[str, tuple[Text, Text]] = {
    "create": (_("Only add new ones"), _("Each row becomes a new record. What is there already is left as it is.")),
    "upsert": (
        _("Add new ones and update the others"),
        _("A row whose record is there already changes that record; the others become new records."),
    ),
    "update": (_("Only update what is there"), _("Rows change the records that they name; rows that name none are skipped.")),
}
DUPLICATES: Mapping[str, Text] = {
    "skip": _("Skip rows that are likely there already, and list them"),
    "take": _("Take them all the same, with a warning"),
}
WORDS: Mapping[str, Text] = {
    "ymd": _("year, month, day"),
    "mdy": _("month, day, year"),
    "dmy": _("day, month, year"),
    "point": _("a point before the fraction"),
    "comma": _("a comma before the fraction"),
}
COLLISIONS: Mapping[str, Text] = {
    "overwrite": _("takes the place of what is there"),
    "only_if_empty": _("is taken only where nothing is there"),
    "never": _("is taken for new records only"),
}
ASKED = ("dates", "numbers", "years")
"""What is asked of a whole file, by the words of a wish."""
UNDECIDED, LEFT_EMPTY = "?", ""
_LOOKED_AT, _FIRST, _MOST_VALUES = 20_000, 1_000, 60


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
    with files.opened_sheet(ctx, row, files.place_of(row, request.asked("sheet"))) as sheet:
        guess = suggestion(ctx, target.name, sheet)
        before = _before(ctx, request, row)
        return _form(ctx, request, row, target, sheet, guess, before or likely(row, sheet, guess))


def take(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Rehearse the import with these columns; or show the form again, with what the choice of a field asks for."""
    row, target = _asked(ctx, request)
    with files.opened_sheet(ctx, row, files.place_of(row, request.asked("sheet"))) as sheet:
        wish = wished(ctx, request, row, target, sheet)
        refusal: Refusal | None = None
        if request.typed("act") != "again":
            try:
                # The mapping is looked at now, with the first rows; all rows are read in the background.
                make_plan(ctx, wish, replace(sheet, read=lambda: islice(sheet.rows(), _FIRST)))
                return Redirect(ctx.page(f"{AT}/{id_of(start(ctx, replace(wish, dry_run=True, mended=mended(ctx, row, wish.sheet))))}"))
            except Refusal as caught:
                refusal = caught
        return _form(ctx, request, row, target, sheet, suggestion(ctx, target.name, sheet), wish, refusal)


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


def likely(row: Row, sheet: Sheet, guess: Mapping[str, object]) -> Wish:
    """What a file is likely meant to be: as the last one with these headings, else as its headings say."""
    columns = cast("list[Mapping[str, object]]", guess["columns"])
    mapped = tuple(f"{one['heading']}={one['field'] or ''}" for one in columns)
    saved = cast("Mapping[str, Any]", guess["saved"] or {})
    known = {one.name for one in dataclasses.fields(Wish)} - {"map"}
    kept = {name: tuple(value) if isinstance(value, list) else value for name, value in saved.items() if name in known}
    wish = Wish(str(guess["entity"]), str(row["file_name"]), file=str(row["id"]), sheet=sheet.name, map=mapped)
    return replace(wish, **cast("dict[str, Any]", {"match": tuple(cast("list[str]", guess["match"])), **kept}))


def wished(ctx: Context, request: PageRequest, row: Row, target: Target, sheet: Sheet) -> Wish:
    """What the form says."""
    chosen = [request.typed(f"field.{place}") for place in range(len(sheet.headings))]
    mapped = {name for name in chosen if name}
    form = dict(request.form)
    constants = {name.removeprefix("set."): value.strip() for name, value in form.items() if name.startswith("set.") and value.strip()}
    filled = mapped | set(constants)
    values = []
    for name, key in form.items():
        field, _dot, number = name.removeprefix("value.").rpartition(".")
        if name.startswith("value.") and field in mapped and key != UNDECIDED:
            values.append(f"{field}:{form.get(f'from.{field}.{number}', '')}={key}")
    words = {name: form.get(name, "") for name in ASKED}
    rules = {name: form.get(f"rule.{place}", OVERWRITE) for place, name in enumerate(chosen) if name}
    return Wish(
        target.name, str(row["file_name"]), mode=form.get("mode", "create"), match=tuple(name for name in request.chosen("match") if name in filled),
        map=tuple(f"{heading}={name}" for heading, name in zip(sheet.headings, chosen, strict=True)), value=tuple(values),
        set=tuple(f"{name}={value}" for name, value in constants.items() if name not in mapped), file=str(row["id"]), sheet=sheet.name,
        collision=tuple(f"{name}={rule}" for name, rule in rules.items() if rule != OVERWRITE),
        duplicates=form.get("duplicates", "skip"), silent="silent" in form, **cast("dict[str, Any]", words),
    )  # fmt: skip


# --- the form --------------------------------------------------------------------------------------------------------


def _form(ctx: Context, request: PageRequest, row: Row, target: Target, sheet: Sheet, guess: Mapping[str, object], wish: Wish,
          refusal: Refusal | None = None) -> Rendering:  # fmt: skip
    fields = {name: one for name, one in ctx.records(target.name).fields().items() if not one.readonly}
    mapped = {heading: name for heading, _mark, name in (word.rpartition("=") for word in wish.map)}
    columns = list(_columns(ctx, fields, sheet, guess, wish, mapped))
    used = {column.field for column in columns} - {""}
    constants = list(_constants(ctx, fields, used, wish))
    given = {one.name for one in constants if one.value}
    lacking = [one.label for one in constants if one.required and not one.value] if wish.mode != "update" else []
    matchable = [(name, ctx.say(one.label)) for name, one in fields.items() if name in used | given and _names(one)]
    saved = cast("Mapping[str, object] | None", guess["saved"])
    book = files.book_of(row)
    values = {
        "target": target, "file": row, "book": book, "sheet": sheet.name, "sheets": [(str(one["name"]), one["rows"]) for one in files.sheets_of(row)],
        "columns": columns, "fields": sorted(((name, ctx.say(one.label), _must(one)) for name, one in fields.items()), key=lambda one: one[1]),
        "constants": constants, "lacking": lacking, "matchable": matchable, "wish": wish,
        "modes": [(key, *map(ctx.say, words)) for key, words in MODES.items()],
        "duplicates": [(key, ctx.say(words)) for key, words in DUPLICATES.items()],
        "saved": saved["name"] if saved and refusal is None and not request.form and not request.asked("of") else "",
        "collisions": [(key, ctx.say(words)) for key, words in COLLISIONS.items()],
        "questions": _questions(ctx, fields, {one.field: one.place for one in columns if one.field}, sheet, wish),
        "problems": told(ctx, refusal), "left": sum(not one.field for one in columns),
        "notes": [note["message"] for note in cast("list[Mapping[str, str]]", book["notes"])],
    }  # fmt: skip
    return Rendering("import_export/columns.html", values, refusal.status if refusal is not None else 200)


def _must(field: Field) -> bool:
    return field.required and field.default is None


def _names(field: Field) -> bool:
    """Whether a record can be told by it."""
    return not isinstance(field, MoneyField | AnyRecordField | BooleanField)


def _columns(ctx: Context, fields: Mapping[str, Field], sheet: Sheet, guess: Mapping[str, object], wish: Wish,
             mapped: Mapping[str, str]) -> Iterator[Column]:  # fmt: skip
    choices = {place: fields[name] for place, heading in enumerate(sheet.headings)
               if isinstance(fields.get(name := mapped.get(heading, "")), ChoiceField)}  # fmt: skip
    counted, rules = _counted(sheet, choices), dict(word.partition("=")[::2] for word in wish.collision)
    for place, one in enumerate(cast("list[Mapping[str, Any]]", guess["columns"])):
        name = mapped.get(one["heading"], "")
        same = name == (one["field"] or "")
        why = ctx.say(WHY[one["why"]]) if same else ctx.say(_("chosen by you"))
        sure = not same or one["confidence"] >= 0.9 or one["why"] == "none"
        field = fields.get(name)
        if isinstance(field, ChoiceField):
            options = [(key, ctx.say(label)) for key, label in field.options.items()]
            yield Column(
                place,
                one["heading"],
                one["sample"],
                name,
                why,
                sure,
                rules.get(name, OVERWRITE),
                _meanings(ctx, field, counted[place], wish),
                options,
            )
        else:
            yield Column(place, one["heading"], one["sample"], name if field is not None else "", why, sure, rules.get(name, OVERWRITE))


def _counted(sheet: Sheet, places: Iterable[int]) -> Mapping[int, Counter[str]]:
    """How often each value comes in these columns."""
    counted: dict[int, Counter[str]] = {place: Counter() for place in places}
    if counted:
        for _number, cells in islice(sheet.rows(), _LOOKED_AT):
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
        key = said[value] if value in said else UNDECIDED if read.flaws else str(read.values[0])
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
    rows = [cells for _number, cells in islice(sheet.rows(), _LOOKED_AT)]
    found: dict[str, dict[str, object]] = {}
    for one in Styles(fields, columns, sheet, Said(), ctx.tenant.timezone, ctx.tenant.currency).see_all(rows).questions():
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


PAGES = (PageRoute("columns", path="/files/{id}/columns", title=_("Columns of a file"), permission=f"{FILE}.read", view=ask, submit=take),)
