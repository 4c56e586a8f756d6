"""What is to be imported, and how its columns become fields."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import zip_longest
from typing import Any, cast

from plugins.import_export.files import Reading, Sheet
from plugins.import_export.formulas import restored
from plugins.import_export.mapping.currencies import currencies, joined
from plugins.import_export.mapping.saved import saved_for
from plugins.import_export.mapping.words import apart_of, bare, plain, synonyms_of, words_of
from plugins.import_export.styles import Said, Styles
from sdk import BadRequest, Context, Text, _
from sdk.fields import AnyRecordField, ChoiceField, Field, Flaw, MoneyField

MODES = ("create", "update", "upsert")
DUPLICATES = ("skip", "take")
OVERWRITE, ONLY_IF_EMPTY, NEVER = COLLISIONS = ("overwrite", "only_if_empty", "never")
"""What a cell does to a field that has something already."""


@dataclass(frozen=True)
class Wish:
    """What the caller asked for, as written: `Heading=field`, `field:from=to`, `FIELD=VALUE`."""

    entity: str
    file_name: str
    mode: str = "create"
    match: tuple[str, ...] = ()
    map: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    dry_run: bool = False
    duplicates: str = "skip"
    """What becomes of a row that is likely there already (`Entity.alike`): left out with its reason, or taken by who may."""
    dates: str = ""
    """The order of day, month and year, where the file itself leaves it open."""
    numbers: str = ""
    """Whether a point or a comma stands before the fraction of a number, where the file leaves it open."""
    years: str = ""
    """The first year that a year of two digits may mean."""
    reading: Reading = Reading()
    file: str = ""
    """The id of the staged file that it is about; "": a file that is sent with the wish."""
    sheet: str = ""
    """The name of the sheet; "": the first."""
    collision: tuple[str, ...] = ()
    """`field=overwrite`, `field=only_if_empty`, `field=never`: what a cell does to a field of a record that is there."""
    silent: bool = False
    """Whether nobody is told: no mails, no notices, no rules."""
    mended: int = 0
    """How often something was mended in the staged file when this was asked for."""


@dataclass(frozen=True)
class Plan:
    """The columns by field, what their values mean, constants, and headings that lead nowhere."""

    columns: Mapping[str, int]
    headings: Mapping[str, str]
    fields: Mapping[str, Field]
    values: Mapping[str, Mapping[str, str]]
    fixed: Mapping[str, object]
    match: tuple[str, ...]
    ignored: tuple[str, ...]
    styles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rows: int = 0
    collisions: Mapping[str, str] = field(default_factory=dict)
    currencies: Mapping[str, int] = field(default_factory=dict)
    """The columns of currencies, by the field whose amounts stand beside them."""


def make_plan(ctx: Context, wish: Wish, file: Sheet) -> Plan:
    """Settle the mapping; raises BadRequest naming what is unknown and the nearest name."""
    if wish.mode not in MODES:
        raise BadRequest(_("unknown mode {mode!r}; there are {modes}"), mode=wish.mode[:40], modes=", ".join(MODES))
    visible = ctx.records(wish.entity).fields()
    fields = {name: one for name, one in visible.items() if not one.readonly}
    wish = as_before(ctx, wish, file.headings, fields)
    asked = dict(map(_pair, wish.map))
    columns, headings, ignored = _columns(ctx, file.headings, fields, asked, apart_of(ctx, visible))
    values = {name: _said(ctx, one) for name in columns if isinstance(one := fields[name], ChoiceField)}
    for word in wish.value:
        name, rest = _split(word, ":", _("cannot read the value mapping {word!r}; write field:from=to"))
        old, new = _split(rest, "=", _("cannot read the value mapping {word!r}; write field:from=to"))
        values.setdefault(_known(name, fields), {})[old] = new
    fixed = dict(_fixed(word, fields) for word in wish.set)
    match = tuple(_known(name, fields) for name in wish.match)
    _check_match(wish, match, fields, {*columns, *fixed})
    collisions = dict(_collision(word, fields) for word in wish.collision)
    beside = currencies(ctx, file.headings, fields, columns)
    ignored = tuple(heading for heading in ignored if heading not in {file.headings[place] for place in beside.values()})
    plan = Plan(columns, headings, fields, values, fixed, match, ignored, collisions=collisions, currencies=beside)
    said = Said(wish.dates, wish.numbers, wish.years)
    styles, rows = Styles(fields, columns, file, said, ctx.tenant.timezone, ctx.tenant.currency), 0
    # To the end, whatever its columns: what is no CSV is refused before a row is written.
    for rows, (_number, cells) in enumerate(file.rows(), 1):
        styles.see(cells)
    return replace(plan, styles=styles.found(), rows=rows)


def _said(ctx: Context, field: ChoiceField) -> dict[str, str]:
    """The labels of a choice in the actor's language; the field itself knows its keys and English labels."""
    return {ctx.say(label): key for key, label in field.options.items()}


def _check_match(wish: Wish, match: Sequence[str], fields: Mapping[str, Field], filled: Iterable[str]) -> None:
    if wish.mode != "create" and not match:
        raise BadRequest(_("mode {mode} needs at least one field to match by"), mode=wish.mode)
    for name in match:
        if isinstance(fields[name], MoneyField | AnyRecordField):
            raise BadRequest(_("cannot match by {field!r}; use a field of plain text, number or date, or a link"), field=name)
        if name not in filled:
            raise BadRequest(_("the file has no column for {field!r}, by which to match"), field=name)


def _split(word: str, mark: str, message: Text) -> tuple[str, str]:
    left, found, right = word.partition(mark)
    if not found or not left.strip():
        raise BadRequest(message, word=word[:80])
    return left.strip(), right.strip()


def _pair(word: str) -> tuple[str, str]:
    """`Heading=field`; it is the heading that may hold an equals sign."""
    heading, found, field = word.rpartition("=")
    if not found or not heading.strip():
        raise BadRequest(_("cannot read the mapping {word!r}; write Heading=field"), word=word[:80])
    return heading.strip(), field.strip()


def as_before(ctx: Context, wish: Wish, headings: Sequence[str], fields: Mapping[str, Field]) -> Wish:
    """A wish that says nothing of columns means those of the last file with the same headings."""
    known = saved_for(ctx, wish.entity, headings) if not wish.map else None
    if known is None:
        return wish
    there = [word for word in known.words("map") if (pair := _pair(word))[0] in headings and (not pair[1] or pair[1] in fields)]
    values = [word for word in known.words("value") if word.partition(":")[0] in fields]
    said = {name: getattr(wish, name) or str(known.wish.get(name, "")) for name in ("dates", "numbers", "years")}
    return replace(wish, map=tuple(there), value=wish.value or tuple(values), **cast("dict[str, Any]", said))


def _collision(word: str, fields: Mapping[str, Field]) -> tuple[str, str]:
    name, rule = _split(word, "=", _("cannot read the rule {word!r}; write field=only_if_empty"))
    if rule not in COLLISIONS:
        raise BadRequest(_("unknown rule {rule!r}; there are {rules}"), rule=rule[:40], rules=", ".join(COLLISIONS))
    return _known(name, fields), rule


def _known(name: str, fields: Mapping[str, Field]) -> str:
    if name not in fields:
        near = get_close_matches(name, fields, n=1, cutoff=0.5)
        if near:
            raise BadRequest(_("there is no field {name!r} to import into; the nearest is {hint}"), name=name[:80], hint=near[0])
        raise BadRequest(_("there is no field {name!r} to import into; there are {fields}"), name=name[:80], fields=", ".join(fields))
    return name


def _fixed(word: str, fields: Mapping[str, Field]) -> tuple[str, object]:
    name, text = _split(word, "=", _("cannot read the constant {word!r}; write FIELD=VALUE"))
    parsed = fields[_known(name, fields)].read([text])
    for flaw in parsed.flaws:
        raise BadRequest(_("the constant {word!r} does not fit: {reason}"), word=word[:80], reason=flaw.message.format(**flaw.params))
    return name, parsed.values[0]


def _columns(
    ctx: Context, headings: Sequence[str], fields: Mapping[str, Field], asked: Mapping[str, str], apart: Collection[str]
) -> tuple[dict[str, int], dict[str, str], tuple[str, ...]]:
    for heading in asked:
        if heading not in headings:
            near = get_close_matches(heading, headings, n=1, cutoff=0.5)
            raise BadRequest(_("the file has no heading {heading!r}; it has {headings}"), heading=heading[:80],
                             headings=", ".join(near or headings)[:500])  # fmt: skip
    words, synonyms = words_of(ctx, fields), synonyms_of(fields)
    # A synonym is a guess: what is asked for, and a heading that says the field's own name, come before it.
    taken = {
        *asked.values(),
        *(words[word] for heading in headings if heading not in asked and (word := plain(heading)) in words and bare(heading) not in apart),
    }
    columns: dict[str, int] = {}
    names: dict[str, str] = {}
    ignored = []
    for index, heading in enumerate(headings):
        if asked.get(heading) == "" or (heading not in asked and bare(heading) in apart):  # "Heading=": leave this column out
            ignored.append(heading)
            continue
        word = plain(heading)
        name = _known(asked[heading], fields) if heading in asked else words.get(word, "")
        if heading not in asked and not name and (guess := synonyms.get(word, "")) not in taken:
            name = guess
            taken.add(guess)
        if not name or (name in asked.values() and heading not in asked):
            ignored.append(heading or f"#{index + 1}")
        elif name in columns:
            raise BadRequest(_("{first!r} and {second!r} both lead to the field {field!r}"), first=names[name], second=heading, field=name)
        else:
            columns[name], names[name] = index, heading
    if not columns:
        raise BadRequest(_("no heading of the file names a field; map them: {headings}"), headings=", ".join(headings)[:500])
    return columns, names, tuple(ignored)


def read_columns(plan: Plan, rows: Sequence[Sequence[str]]) -> tuple[dict[str, list[object]], dict[str, list[Flaw]]]:
    """The chunk's columns as typed values, and what is wrong with their cells."""
    values: dict[str, list[object]] = {}
    flaws: dict[str, list[Flaw]] = {}
    columns = list(zip_longest(*rows, fillvalue=""))
    for name, index in plan.columns.items():
        cells: Sequence[str] = restored(columns[index]) if index < len(columns) else [""] * len(rows)
        if (place := plan.currencies.get(name, len(columns))) < len(columns):
            cells = joined(cells, columns[place])
        if name in plan.values:
            renamed = plan.values[name]
            cells = [renamed.get(cell.strip(), cell) for cell in cells]
        parsed = plan.fields[name].read(cells, plan.styles.get(name))
        values[name] = parsed.values
        if parsed.flaws:
            flaws[name] = parsed.flaws
    return values, flaws
