"""What a file's columns are likely for, how sure that is and why, and what is to be asked before a row is imported."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice

from plugins.import_export.external import FIELD as EXTERNAL
from plugins.import_export.external import of_export
from plugins.import_export.files import Sheet
from plugins.import_export.mapping.currencies import beside, currencies
from plugins.import_export.mapping.fitting import fits
from plugins.import_export.mapping.saved import Saved, nearest, saved_for
from plugins.import_export.mapping.shaping import first_and_last, reference_columns
from plugins.import_export.mapping.words import apart_of, bare, by_name_alone, measured, plain, synonyms_of, words_of, written
from plugins.import_export.styles import Said, Styles
from sdk import Context
from sdk.fields import ChoiceField, Field, LinkField

SURE, CALLED, LEAST_ALIKE = 1.0, 0.9, 0.75
"""How sure a field is by its name or label, how sure by a synonym, and how alike a heading has to be at least to be one."""
_ALMOST = math.nextafter(LEAST_ALIKE, 0)
_LEAST_LETTERS = 3
_SAMPLE, _LONGEST_CELL = 3, 200
LOOKED_AT, _MOST_CELLS, _FEWEST_ROWS = 20_000, 1_000_000, 100
type_sure = Callable[[str], "Guess | None"]


@dataclass(frozen=True)
class Guess:
    """The field that a heading is likely for ("" is none); why: name, label, synonym, unit, fuzzy, saved, misfit, or none."""

    field: str
    confidence: float
    why: str


NONE = Guess("", 0.0, "none")
MISFIT = Guess("", 0.0, "misfit")
"""The heading says a field that takes none of what stands below it."""


def suggestion(ctx: Context, entity: str, sheet: Sheet, *, history: bool = False) -> dict[str, object]:
    """A guess for each heading, the fields that one can choose, required ones that lack a column, and questions."""
    visible = ctx.records(entity).fields()
    fields = written(visible, history=history)
    known = saved_for(ctx, entity, sheet.headings)
    before = known or nearest(ctx, entity, sheet.headings)
    ids = of_export(ctx, sheet, fields)
    guesses = guessed(ctx, fields, sheet.headings, before, apart_of(ctx, visible, fields) | ({ids} if ids else set()))
    rows = [cells for _number, cells in islice(sheet.rows(), looked_at(sheet))]
    guesses = [
        guess
        if not guess.field or guess.why == "saved" or fits(ctx, fields[guess.field], _cells(rows, place), sure=guess.confidence == SURE)
        else MISFIT
        for place, guess in enumerate(guesses)
    ]
    columns = {guess.field: place for place, guess in enumerate(guesses) if guess.field}
    halves = first_and_last(sheet.headings) if "name" in fields and "name" not in columns else []
    if all(guesses[place].why in ("none", "fuzzy") for place in halves):  # what a half of a name is called is no hint of anything else
        columns = {name: place for name, place in columns.items() if place not in halves}
        guesses = [NONE if place in halves else guess for place, guess in enumerate(guesses)]
    amounts = {place: beside(name) for name, place in currencies(ctx, sheet.headings, fields, columns, _settled(before)).items()}
    guesses = [Guess(amounts[place], SURE, "label") if place in amounts else guess for place, guess in enumerate(guesses)]
    if ids is not None and guesses[at := sheet.headings.index(ids)].why != "saved":
        guesses[at] = Guess(EXTERNAL, SURE, "name" if ids == EXTERNAL else "label")
    taken = [place for place, guess in enumerate(guesses) if guess.field or guess.why == "saved"]
    for name, found in reference_columns(ctx, entity, sheet.headings, fields, [*taken, *halves]).items():
        for place, kind in found if name not in columns else ():
            guesses[place] = Guess(f"{name}:{kind}", CALLED, "synonym")
    told = [
        {
            "heading": heading,
            "field": guess.field or None,
            "confidence": round(guess.confidence, 2),
            "why": guess.why,
            "sample": list(islice(_cells(rows, place), _SAMPLE)),
        }
        for place, (heading, guess) in enumerate(zip(sheet.headings, guesses, strict=True))
    ]
    return {
        "entity": entity,
        "sheet": sheet.name,
        "columns": told,
        "fields": [_told(ctx, entity, one) for one in fields.values()],
        "join": [f"name={'+'.join(sheet.headings[place] for place in halves)}"] if halves else [],
        "required": [
            name
            for name, one in fields.items()
            if one.required and one.default is None and name not in columns and not (halves and name == "name")
        ],
        "questions": list(_questions(ctx, fields, columns, sheet, rows, _said(known))),
        "match": [name for name in ctx.entity(entity).match_fields if name in columns and not isinstance(fields[name], LinkField)][:1],
        "saved": None if known is None else {"name": known.name, **known.wish},
    }


def _settled(known: Saved | None) -> dict[str, str]:
    """The headings that a mapping leads somewhere, or nowhere on purpose."""
    return dict(word.rpartition("=")[::2] for word in known.words("map")) if known is not None else {}


def looked_at(sheet: Sheet) -> int:
    """How many rows are looked at for a suggestion: fewer of a wide sheet, as they are in memory together."""
    return min(LOOKED_AT, max(_MOST_CELLS // max(len(sheet.headings), 1), _FEWEST_ROWS))


def _said(known: Saved | None) -> Said:
    """What was answered the last time is not asked again."""
    return Said(*(str(known.wish.get(name, "")) for name in ("dates", "numbers", "years"))) if known is not None else Said()


def guessed(
    ctx: Context, fields: Mapping[str, Field], headings: Sequence[str], known: Saved | None = None, apart: Collection[str] = ()
) -> list[Guess]:
    """A guess for each heading, and no field twice: those of which one is surer choose first. What is in `apart` is for none."""
    words, synonyms = words_of(ctx, fields), synonyms_of(fields)
    found, taken = dict[int, Guess](), set[str]()
    for sure in (
        _as_before(known, fields),
        _by_apart(apart),
        _by_word(words, by_name_alone(headings, words)),
        _by_synonym(synonyms),
        _by_unit(words, synonyms, fields),
        _by_likeness({**synonyms, **words}),
    ):
        for place, heading in enumerate(headings):
            guess = sure(heading) if place not in found else None
            if guess is not None and guess.field not in taken:
                found[place] = guess
                taken |= {guess.field} - {""}
    return [found.get(place, NONE) for place in range(len(headings))]


def _as_before(known: Saved | None, fields: Mapping[str, Field]) -> type_sure:
    before = dict(word.rpartition("=")[::2] for word in known.words("map")) if known is not None else {}
    return lambda heading: Guess(name, SURE, "saved") if (name := before.get(heading)) == "" or name in fields else None  # type: ignore[arg-type]


def _by_apart(apart: Collection[str]) -> type_sure:
    return lambda heading: NONE if bare(heading) in apart else None


def _by_word(words: Mapping[str, str], less: Collection[str]) -> type_sure:
    def sure(heading: str) -> Guess | None:
        word = plain(heading) if heading not in less else ""
        name = words.get(word)
        return None if name is None else Guess(name, SURE, "name" if plain(name) == word else "label")

    return sure


def _by_synonym(synonyms: Mapping[str, str]) -> type_sure:
    return lambda heading: Guess(name, CALLED, "synonym") if (name := synonyms.get(plain(heading))) else None


def _by_unit(words: Mapping[str, str], synonyms: Mapping[str, str], fields: Mapping[str, Field]) -> type_sure:
    return lambda heading: Guess(name, CALLED, "unit") if (name := measured(words, synonyms, fields, heading)) else None


def _by_likeness(words: Mapping[str, str]) -> type_sure:
    """The word most like the heading; of Chinese two characters say as much as of English a word."""

    def sure(heading: str) -> Guess | None:
        said = plain(heading)
        if len(said) < (_LEAST_LETTERS if said.isascii() else 2):
            return None
        matcher = SequenceMatcher(b=said)
        best, alike = "", _ALMOST  # what is less alike is nothing, and most words are told so by their length alone
        for word, name in words.items():
            if 2 * min(len(word), len(said)) <= alike * (len(word) + len(said)):
                continue
            matcher.set_seq1(word)
            if matcher.quick_ratio() > alike and (ratio := matcher.ratio()) > alike:
                best, alike = name, ratio
        return Guess(best, min(alike, CALLED) * CALLED, "fuzzy") if best else None

    return sure


def _cells(rows: Sequence[Sequence[str]], place: int) -> Iterator[str]:
    """What stands in a column, empty cells left out."""
    return (cells[place][:_LONGEST_CELL] for cells in rows if place < len(cells) and cells[place].strip())


def _told(ctx: Context, entity: str, one: Field) -> dict[str, object]:
    target = ctx.target(entity, one.name) if isinstance(one, LinkField) else None
    options = {key: ctx.say(label) for key, label in one.options.items()} if isinstance(one, ChoiceField) else None
    must = one.required and one.default is None
    return {"name": one.name, "label": ctx.say(one.label), "kind": one.kind, "required": must, "target": target, "options": options}


def _questions(
    ctx: Context, fields: Mapping[str, Field], columns: Mapping[str, int], sheet: Sheet, rows: Sequence[Sequence[str]], said: Said
) -> Iterator[dict[str, object]]:
    """What the file leaves open: the order of day and month, the century of short years, the sign before a fraction."""
    styles = Styles(fields, columns, sheet, said, ctx.zone, ctx.tenant.currency).see_all(rows)
    for question in styles.questions():
        yield {
            "heading": sheet.headings[columns[question.name]],
            "field": question.name,
            "code": "ambiguous",
            "asked": question.asked,
            "choices": list(question.readings),
            "examples": [example[:_LONGEST_CELL] for example in question.examples[:_SAMPLE]],
            "readings": question.readings,
            "message": ctx.say(question.message, question.params),
        }
