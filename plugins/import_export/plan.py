"""What is to be imported, and how its columns become fields."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import takewhile
from typing import Any, cast

from plugins.import_export.external import FIELD as EXTERNAL
from plugins.import_export.external import SYSTEM, of_export
from plugins.import_export.files import Reading, Sheet
from plugins.import_export.files.ending import Ending
from plugins.import_export.files.gaps import Gaps
from plugins.import_export.mapping.currencies import LeftOut, beside, currencies, is_beside
from plugins.import_export.mapping.fitting import no_tags
from plugins.import_export.mapping.saved import saved_for
from plugins.import_export.mapping.shaping import (
    asked_references,
    edit_of,
    family_places,
    joined,
    part_of_name,
    parts_of,
    type_edit,
    type_maker,
    unsaid,
)
from plugins.import_export.mapping.tags import TagNames, names_for
from plugins.import_export.mapping.units import Unit
from plugins.import_export.mapping.words import (
    LOCALES,
    apart_of,
    bare,
    by_name_alone,
    measured,
    plain,
    synonyms_of,
    units_of,
    words_of,
    written,
)
from plugins.import_export.nothing import Found, words_for
from plugins.import_export.shares import Shares
from plugins.import_export.styles import Said, Styles
from sdk import BadRequest, Context, Problem, Text, _
from sdk.changes import HISTORY
from sdk.fields import AnyRecordField, ChoiceField, Field, LinkField, MoneyField
from sdk.messages import Flawed

MODES = ("create", "update", "upsert")
DUPLICATES = ("skip", "take")
EMPTIED = ("values", "all")
"""Where words such as NULL and N/A are empty cells: where they can be no value, or in text, too."""
TOTALS = ("skip", "take")
"""What becomes of rows that look like totals, or notes below the table."""
LISTS = ("match", "map", "value", "set", "collision", "join", "split", "transform")
"""What a wish lists."""
WORDS = ("mode", "dates", "numbers", "years", "duplicates", "totals", "nothing", "sheet", "system")
"""What it says in one word each."""
OWN = "id"
"""The word for a column of our own ids, such as an export has: by it rows find their records."""
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
    totals: str = ""
    """What becomes of rows that look like totals; "": left out of a table, and taken of what a program has written."""
    nothing: str = "values"
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
    join: tuple[str, ...] = ()
    """`field=Heading+Heading`: a cell of several."""
    split: tuple[str, ...] = ()
    """`Heading=given+family`: the two halves of a name."""
    transform: tuple[str, ...] = ()
    """`field:trim`, `field:e164=86`, …"""
    system: str = SYSTEM
    """Whose the ids in a column of `external_id` are, and those by which links are found (`account.external_id`)."""
    silent: bool = False
    """Whether nobody is told: no mails, no notices, no rules."""
    history: bool = False
    """Whether it is what happened elsewhere: closed documents with their lines, numbers and states as they were. Nobody is told of that."""
    apart: bool = False
    """Whether a row is a record of its own where it contradicts the one that an earlier row has made: other systems know records by ids, and may
    have several of one name."""
    mended: int = 0
    """How often something was mended in the staged file when this was asked for."""

    @property
    def quiet(self) -> bool:
        """Whether nobody hears of it."""
        return self.silent or self.history


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
    made: Mapping[str, type_maker] = field(default_factory=dict)
    """Fields whose cells are made of several columns, or of parts of one."""
    edits: Mapping[str, Sequence[type_edit]] = field(default_factory=dict)
    named: Mapping[str, TagNames] = field(default_factory=dict)
    """What people call the keys of a field of tags."""
    external: int | None = None
    """The column of ids of another system."""
    own: int | None = None
    """The column of our own ids, where rows are matched by these."""
    links: Mapping[str, int] = field(default_factory=dict)
    """Columns of such ids of the records that links name."""
    act: str = ""
    """The act by which new records are made."""
    units: Mapping[str, Unit] = field(default_factory=dict)
    """What the headings of numbers say of all of them."""
    nothing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Words that mean nothing in the cells of a column, by its field."""
    emptied: str = ""
    """How often which of them stand in the file."""
    takes_totals: bool = False
    """Whether rows that look like totals, or like notes below the table, are records."""
    cut: int = 0
    """The row in which the file breaks off; 0: it does not."""
    shares: Mapping[int, Sequence[Problem]] = field(default_factory=dict)
    """Rows of which it is asked whether a percentage is a share of one."""
    parted: frozenset[int] = frozenset()
    """Rows of which it is told that they stand behind blank ones."""
    other: int = 0
    """The row from which on another table stands below this one; 0 where there is none, or where it is taken, too."""
    unlike: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Rows of which it is told that a column which is left out says another currency than their amounts get, by field."""
    counted: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """Rows of which it is told that numbers were taken for days, by field with how many there are in its column."""

    def place_of(self, name: str) -> int | None:
        """The column of a field, or of the currencies beside it."""
        return self.columns[name] if name in self.columns else next((at for of, at in self.currencies.items() if beside(of) == name), None)


def make_plan(ctx: Context, wish: Wish, file: Sheet) -> Plan:
    """Settle the mapping; raises BadRequest naming what is unknown and the nearest name."""
    if wish.mode not in MODES:
        raise BadRequest(_("unknown mode {mode!r}; available: {modes}"), mode=wish.mode[:40], modes=", ".join(MODES))
    visible = ctx.records(wish.entity).fields()
    fields = written(visible, history=wish.history)
    wish = as_before(ctx, wish, file.headings, fields)
    asked = dict(map(_pair, wish.map))
    if EXTERNAL not in asked.values() and (ids := of_export(ctx, file, fields)) is not None:
        asked.setdefault(ids, EXTERNAL)
    special = {heading: name for heading, name in asked.items() if name not in fields and is_special(name, fields)}
    made, used = _made(wish, file.headings, fields)
    plainly = {**asked, **dict.fromkeys(special, "")}
    found = _columns(ctx, file.headings, fields, plainly, {*apart_of(ctx, visible, fields), *made})
    columns, headings, ignored = _without_labels(ctx, found, fields, {*asked}, _meant(wish), file)
    # A column of which something is said, if only that it is for nothing, is not used otherwise.
    used |= unsaid(ctx, wish.entity, file.headings, fields, {*columns.values(), *map(file.headings.index, asked)}, made, {*columns})
    values = _meanings(ctx, wish, columns, fields)
    named = {name: names for name, one in fields.items() if (names := names_for(ctx, one)) is not None}
    fixed = dict(_fixed(word, fields, named) for word in wish.set)
    if not columns and not made:
        text = _("no heading in the file matches a field; map them, or add a line of headings if the file has none: {headings}")
        raise BadRequest(text, headings=", ".join(file.headings)[:500])
    units = units_of(ctx, headings, fields, file.unit)
    own = _own_ids(wish, file.headings, fields)
    unused = {heading for heading, name in special.items() if name == OWN and own is None}
    unused |= {heading for heading, name in special.items() if is_beside(name, fields) and name.rpartition(".")[0] not in columns}
    taken = {file.headings[at] for at in (used if own is None else {*used, own})} | ({*special} - unused)
    ignored = tuple(one for one in ignored if one not in taken)
    external = next((file.headings.index(heading) for heading, name in special.items() if name == EXTERNAL), None)
    apart = {name for name, place in ((EXTERNAL, external), (OWN, own)) if place is not None}
    match = tuple(name if name in (EXTERNAL, OWN) and name not in fields else _known(name, fields) for name in wish.match)
    _check_match(wish, match, fields, {*columns, *fixed, *made} | apart)
    links = {name.rpartition(".")[0]: file.headings.index(heading) for heading, name in special.items() if name.endswith(f".{EXTERNAL}")}
    headings = {**{name: file.headings[place] for name, place in links.items()}, **headings}
    made |= asked_references(ctx, special, file.headings)
    collisions = dict(_collision(word, fields) for word in wish.collision)
    beside_ = currencies(ctx, file.headings, fields, columns, asked)
    headings |= {beside(name): file.headings[place] for name, place in beside_.items()}
    ignored = tuple(heading for heading in ignored if heading not in {file.headings[place] for place in beside_.values()})
    plan = Plan(
        columns, headings, fields, values, fixed, match, ignored, collisions=collisions, currencies=beside_, made=made,
        edits=_edits(wish, fields), named=named, external=external, own=own, links=links, units=units,
        nothing={name: words_for(fields[name], values.get(name, ()), texts=wish.nothing == "all", data=file.data) for name in columns},
        takes_totals=wish.totals == "take" or (file.data and not wish.totals),
        act=HISTORY if wish.history and any(one.historic for one in visible.values()) else "",
    )  # fmt: skip
    return _read_through(ctx, plan, file, Said(wish.dates, wish.numbers, wish.years), asked)


def _read_through(ctx: Context, plan: Plan, file: Sheet, said: Said, asked: Mapping[str, str]) -> Plan:
    """What only all rows tell; to the end, whatever its columns: what is no CSV is refused before a row is written."""
    styles = Styles(plan.fields, plan.columns, file, said, ctx.zone, ctx.tenant.currency)
    left_out = LeftOut(ctx, file.headings, plan.fields, {name: at for name, at in plan.columns.items() if name not in plan.units}, asked)
    rows, gaps, nothing, ending = 0, Gaps(file.headings, file.left_out), Found(file.headings), Ending(file)
    shares = Shares(plan.fields, {} if file.data else plan.columns, plan.edits)
    for part in file.parts():
        rows += len(part)
        styles.see(part)
        gaps.see(part)
        ending.see(part)
        shares.see(part)
        left_out.see(part)
        nothing.see(part)
    if (other := gaps.other()) and not plan.takes_totals:  # what stands there says nothing of this one
        alone = replace(file, open_end=False, read=lambda: takewhile(lambda row: row[0] < other, file.read()))
        return replace(_read_through(ctx, plan, alone, said, asked), rows=rows, other=other)
    emptied = nothing.told({plan.columns[name]: words for name, words in plan.nothing.items()})
    return replace(
        plan,
        styles=styles.found(),
        rows=rows,
        cut=ending.cut(),
        shares=shares.told(),
        parted=gaps.behind() | ({other} if other else frozenset()),
        emptied=emptied,
        counted=styles.counted(),
        unlike=left_out.told,
    )


def _own_ids(wish: Wish, headings: Sequence[str], fields: Mapping[str, Field]) -> int | None:
    """The column of our own ids: that which is mapped so, else that which is called so; raises BadRequest where it is not alone."""
    if OWN not in wish.match or OWN in fields:
        return None
    if len(wish.match) > 1 or wish.mode == "create":
        raise BadRequest(_("records are matched by their ID only and updated: don’t choose another field to match by, or the mode create"))
    asked = {name: heading for heading, name in map(_pair, wish.map)}
    found = [place for place, heading in enumerate(headings) if heading == asked.get(OWN) or (OWN not in asked and plain(heading) == OWN)]
    return found[0] if found else None


def is_special(name: str, fields: Mapping[str, Field]) -> bool:
    """`external_id`, `account.external_id` for a link, `amount.currency`, `about:pipeline.deal` for a reference."""
    link, _dot, rest = name.rpartition(".")
    about, colon, _entity = name.partition(":")
    by_id = rest == EXTERNAL and isinstance(fields.get(link), LinkField)
    return name in (EXTERNAL, OWN) or by_id or is_beside(name, fields) or (bool(colon) and isinstance(fields.get(about), AnyRecordField))


def _made(wish: Wish, headings: Sequence[str], fields: Mapping[str, Field]) -> tuple[dict[str, type_maker], set[int]]:
    """Fields that are asked to be joined, or to take a half of a name; and the columns of which they are made."""
    made, used = dict[str, type_maker](), set[int]()
    for word in wish.join:
        name, places = parts_of(word, headings)
        used |= {*places}
        made[_known(name, fields)] = joined(places, family_places(headings))
    for word in wish.split:
        heading, halves = _pair(word)
        given, plus, family = halves.partition("+")
        if not plus or heading not in headings:
            raise BadRequest(_("invalid split {word!r}; use Heading=given+family"), word=word[:80])
        used.add(headings.index(heading))
        for name, is_family in ((given, False), (family, True)):
            made[_known(name.strip(), fields)] = part_of_name(headings.index(heading), family=is_family)
    return made, used


def _without_labels(
    ctx: Context,
    found: tuple[dict[str, int], dict[str, str], tuple[str, ...]],
    fields: Mapping[str, Field],
    asked: Collection[str],
    meant: Collection[str],
    file: Sheet,
) -> tuple[dict[str, int], dict[str, str], tuple[str, ...]]:
    """The columns but for those that are only called like tags, where nothing is said of the heading, nor of what its cells mean."""
    columns, headings, ignored = found
    none = [
        name
        for name, heading in headings.items()
        if heading not in asked and name not in meant and no_tags(ctx, fields[name], heading, columns[name], file)
    ]
    left = {name: at for name, at in columns.items() if name not in none}
    return left, {name: headings[name] for name in left}, (*ignored, *(headings[name] for name in none))


def _meanings(ctx: Context, wish: Wish, columns: Iterable[str], fields: Mapping[str, Field]) -> dict[str, dict[str, str]]:
    """What words in the cells of a field stand for: the labels of its choices, and what was said of them."""
    values = {name: _said(ctx, one) for name in columns if isinstance(one := fields[name], ChoiceField)}
    for word in wish.value:
        name, rest = _split(word, ":", _("invalid value mapping {word!r}; use field:from=to"))
        old, new = _split(rest, "=", _("invalid value mapping {word!r}; use field:from=to"))
        values.setdefault(_known(name, fields), {})[old] = new
    return values


def _meant(wish: Wish) -> set[str]:
    """The fields of whose cells is said what they mean, or what is to be made of them."""
    return {word.partition(":")[0].strip() for word in (*wish.value, *wish.transform)}


def _edits(wish: Wish, fields: Mapping[str, Field]) -> dict[str, list[type_edit]]:
    edits: dict[str, list[type_edit]] = {}
    for word in wish.transform:
        name, edit = edit_of(word, fields)
        edits.setdefault(name, []).append(edit)
    return edits


def _said(ctx: Context, field: ChoiceField) -> dict[str, str]:
    """The labels of a choice in all languages, that of the actor before others; the field itself knows its keys and English labels."""
    speaking = [*(ctx.speaking(locale) for locale in LOCALES), ctx]
    return {speaker.say(label): key for speaker in speaking for key, label in field.options.items()}


def _check_match(wish: Wish, match: Sequence[str], fields: Mapping[str, Field], filled: Iterable[str]) -> None:
    if wish.mode != "create" and not match:
        raise BadRequest(_("mode {mode} needs at least one field to match by"), mode=wish.mode)
    for name in match:
        if name in (EXTERNAL, OWN) and name in filled and name not in fields:
            continue
        if name in fields and isinstance(fields[name], MoneyField | AnyRecordField):
            raise BadRequest(_("can’t match by {field!r}; use a text, number or date field, or a link"), field=name)
        if name not in filled:
            raise BadRequest(_("the file has no column for {field!r} to match by"), field=name)


def _split(word: str, mark: str, message: Text) -> tuple[str, str]:
    left, found, right = word.partition(mark)
    if not found or not left.strip():
        raise BadRequest(message, word=word[:80])
    return left.strip(), right.strip()


def _pair(word: str) -> tuple[str, str]:
    """`Heading=field`; it is the heading that may hold an equals sign."""
    heading, found, field = word.rpartition("=")
    if not found or not heading.strip():
        raise BadRequest(_("invalid mapping {word!r}; use Heading=field"), word=word[:80])
    return heading.strip(), field.strip()


def as_before(ctx: Context, wish: Wish, headings: Sequence[str], fields: Mapping[str, Field]) -> Wish:
    """A wish that says nothing of columns means those of the last file with the same headings."""
    known = saved_for(ctx, wish.entity, headings) if not wish.map else None
    if known is None:
        return wish
    there = [
        word
        for word in known.words("map")
        if (pair := _pair(word))[0] in headings and (not pair[1] or pair[1] in fields or is_special(pair[1], fields))
    ]
    values = [word for word in known.words("value") if word.partition(":")[0] in fields]
    said: dict[str, object] = {name: getattr(wish, name) or str(known.wish.get(name, "")) for name in ("dates", "numbers", "years")}
    said |= {name: getattr(wish, name) or known.words(name) for name in ("join", "split", "transform")}
    said["system"] = wish.system if wish.system != SYSTEM else str(known.wish.get("system", SYSTEM))
    return replace(wish, map=tuple(there), value=wish.value or tuple(values), **cast("dict[str, Any]", said))


def _collision(word: str, fields: Mapping[str, Field]) -> tuple[str, str]:
    name, rule = _split(word, "=", _("invalid rule {word!r}; use field=only_if_empty"))
    if rule not in COLLISIONS:
        raise BadRequest(_("unknown rule {rule!r}; available: {rules}"), rule=rule[:40], rules=", ".join(COLLISIONS))
    return _known(name, fields), rule


def _known(name: str, fields: Mapping[str, Field]) -> str:
    if name not in fields:
        near = get_close_matches(name, fields, n=1, cutoff=0.5)
        if near:
            raise BadRequest(_("no importable field is named {name!r}; the closest is {hint}"), name=name[:80], hint=near[0])
        raise BadRequest(_("no importable field is named {name!r}; available: {fields}"), name=name[:80], fields=", ".join(fields))
    return name


def _fixed(word: str, fields: Mapping[str, Field], named: Mapping[str, TagNames]) -> tuple[str, object]:
    name, text = _split(word, "=", _("invalid constant {word!r}; use FIELD=VALUE"))
    (text,), wrong = named[name].keys([text]) if name in named else ([text], [])
    parsed = fields[_known(name, fields)].read([text])
    for flaw in (*wrong, *parsed.flaws):
        raise BadRequest(_("the constant {word!r} is invalid: {reason}"), word=word[:80], reason=Flawed(flaw))
    return name, parsed.values[0]


def _columns(
    ctx: Context, headings: Sequence[str], fields: Mapping[str, Field], asked: Mapping[str, str], apart: Collection[str]
) -> tuple[dict[str, int], dict[str, str], tuple[str, ...]]:
    for heading in asked:
        if heading not in headings:
            near = get_close_matches(heading, headings, n=1, cutoff=0.5)
            raise BadRequest(_("the file has no heading {heading!r}; its headings are {headings}"), heading=heading[:80],
                             headings=", ".join(near or headings)[:500])  # fmt: skip
    words, synonyms = words_of(ctx, fields), synonyms_of(fields)
    # A synonym is a guess: what is asked for, and a heading that says the field's own name, come before it.
    names_too = by_name_alone(headings, words, asked)
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
        name = _known(asked[heading], fields) if heading in asked else "" if heading in names_too else words.get(word, "")
        if heading not in asked and not name and (guess := synonyms.get(word) or measured(words, synonyms, fields, heading)) not in taken:
            name = guess
            taken.add(guess)
        if not name or (name in asked.values() and heading not in asked):
            ignored.append(heading or f"#{index + 1}")
        elif name in columns:
            raise BadRequest(_("{first!r} and {second!r} both map to the field {field!r}"), first=names[name], second=heading, field=name)
        else:
            columns[name], names[name] = index, heading
    return columns, names, tuple(ignored)
