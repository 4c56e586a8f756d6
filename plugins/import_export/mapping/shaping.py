"""Cells made of cells: names joined and split, telephone numbers with their country, references out of columns of names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from plugins.import_export.mapping.words import FAMILY, GIVEN, LOCALES, plain
from plugins.import_export.shares import hundredfold
from sdk import BadRequest, Context, Text, _
from sdk.fields import AnyRecordField, Field, LinkField
from sdk.fields.text import first_of, is_several

type_columns = Sequence[Sequence[str]]
type_maker = Callable[[type_columns, int], list[str]]
"""Makes a column of so many cells of the columns of a chunk."""
type_edit = Callable[[str], str]

_HAN = re.compile(r"[\u3400-\u9fff·]+\Z")
_COMPOUND = frozenset(
    "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠 公孙 慕容 仲孙 钟离 "
    "长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 "
    "颛孙 端木 巫马 公西 漆雕 乐正 壤驷 公良 拓跋 夹谷 宰父 谷梁 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 西门 第五 轩辕".split()
)
_NO_DIGITS = re.compile(r"\D+")
_SPACES = re.compile(r"\s+")
_RELATED = re.compile(r"\A(?:关联|相关|所属|related|associated)|(?:名称|姓名|name)\Z")
"""What stands around a kind of record in a heading: 关联客户, Related account, Account name."""
_FEWEST_DIGITS, _MOST_PARTS = 5, 100


def _trim(cell: str) -> str:
    return _SPACES.sub(" ", cell).strip()


EDITS: Mapping[str, type_edit] = {
    "trim": _trim,
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "first": first_of,
    "percent": hundredfold,
}


def edit_of(word: str, fields: Mapping[str, Field]) -> tuple[str, type_edit]:
    """`field:trim`, `lower`, `upper`, `title`, `first` of several values, `percent` of a share of one, `e164=86` with a country’s code; raises
    BadRequest."""
    name, found, kind = word.partition(":")
    known = ", ".join((*EDITS, "e164=86"))
    if not found or name.strip() not in fields:
        raise BadRequest(_("invalid transform {word!r}; use field:trim"), word=word[:80])
    made, _equals, code = kind.strip().partition("=")
    if made == "e164" and code.isdecimal() and len(code) <= 3:
        return name.strip(), lambda cell: e164(cell, code)
    if made not in EDITS or code:
        raise BadRequest(_("unknown transform {kind!r}; available: {known}"), kind=kind[:40], known=known)
    return name.strip(), EDITS[made]


def e164(cell: str, country: str) -> str:
    """A number as `+` and digits (ITU-T E.164); one without a country is of this one. What is no number stays, and is told."""
    text = cell.strip().replace("(0)", "")
    digits = _NO_DIGITS.sub("", text)
    if len(digits) < _FEWEST_DIGITS or re.search(r"[^\d\s()+./-]", text) or is_several(text):
        return cell
    if text.startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else f"+{country}{digits.lstrip('0')}"


def joined(places: Sequence[int], family: Sequence[int] = ()) -> type_maker:
    """Cells with a space between; a Chinese name is its family name and the given one without a space, in whatever order they stand."""

    def make(columns: type_columns, size: int) -> list[str]:
        return [_together(parts) for parts in zip(*(_column(columns, place, size) for place in places), strict=True)]

    def _together(parts: Sequence[str]) -> str:
        words = [part.strip() for part in parts]
        if all(not word or _HAN.match(word) for word in words):
            order = sorted(range(len(words)), key=lambda at: places[at] not in family)
            return "".join(words[at] for at in order)
        return " ".join(filter(None, words))

    return make


def part_of_name(place: int, *, family: bool) -> type_maker:
    """One half of a column of whole names."""

    def make(columns: type_columns, size: int) -> list[str]:
        return [split_name(cell)[1 if family else 0] for cell in _column(columns, place, size)]

    return make


def split_name(name: str) -> tuple[str, str]:
    """The given name and the family name: `Anna van Dyk`, `van Dyk, Anna`, `欧阳娜娜`. One word alone is a family name."""
    name = _trim(name)
    if " " in name and _HAN.match(name.replace(" ", "")):
        family, _space, given = name.partition(" ")
        return given, family
    if _HAN.match(name) and "·" not in name:
        size = 2 if name[:2] in _COMPOUND and len(name) > 2 else 1
        return name[size:], name[:size]
    before, comma, behind = name.partition(",")
    if comma:
        return behind.strip(), before.strip()
    given, _space, family = name.partition(" ")
    return (given, family) if family else ("", given)


class References:
    """What records are about, of columns of names of several kinds: the first that is filled. A `type_maker`."""

    def __init__(self, columns: Sequence[tuple[int, str]], headings: Sequence[str]) -> None:
        self._columns, self._headings = columns, headings

    def __call__(self, cells: type_columns, size: int) -> list[str]:
        read = [(_column(cells, place, size), entity) for place, entity in self._columns]
        return [next((f"{entity}:{column[row].strip()}" for column, entity in read if column[row].strip()), "") for row in range(size)]

    def said_in(self, cells: Sequence[str]) -> tuple[int | None, str]:
        """The column that says it in a row, and its heading."""
        found = next((place for place, _entity in self._columns if place < len(cells) and cells[place].strip()), None)
        return found, self._headings[found] if found is not None else ""


def _column(columns: type_columns, place: int, size: int) -> Sequence[str]:
    return columns[place] if place < len(columns) else [""] * size


# --- what is asked for, and what goes without saying --------------------------------------------------------------------


def parts_of(word: str, headings: Sequence[str]) -> tuple[str, list[int]]:
    """`field=Heading+Heading` as the field and the places of the headings; raises BadRequest."""
    name, found, rest = word.partition("=")
    places = _places(rest, headings)
    if not found or not name.strip() or not places:
        raise BadRequest(_("invalid join {word!r}; use field=Heading+Heading"), word=word[:80])
    return name.strip(), places


def _places(word: str, headings: Sequence[str]) -> list[int]:
    """Headings with a plus between; one that holds a plus itself is found, too."""
    parts, places, at = word.split("+"), list[int](), 0
    if len(parts) > _MOST_PARTS:
        return []
    while at < len(parts):
        end = next((end for end in range(len(parts), at, -1) if "+".join(parts[at:end]).strip() in headings), 0)
        if not end:
            return []
        places.append(list(headings).index("+".join(parts[at:end]).strip()))
        at = end
    return places


def family_places(headings: Sequence[str]) -> list[int]:
    """Where family names stand."""
    return [place for place, heading in enumerate(headings) if plain(heading) in set(map(plain, FAMILY))]


def first_and_last(headings: Sequence[str]) -> list[int]:
    """Where a file has given and family names apart; nothing where one of them lacks."""
    given = [place for place, heading in enumerate(headings) if plain(heading) in set(map(plain, GIVEN))]
    family = family_places(headings)
    return [given[0], family[0]] if given and family else []


def unsaid(
    ctx: Context,
    entity: str,
    headings: Sequence[str],
    fields: Mapping[str, Field],
    used: Collection[int],
    made: dict[str, type_maker],
    columns: set[str],
) -> set[int]:
    """Into `made`, a name of its two halves, where a file has it so; what a record is about, of columns that are called as kinds of records.

    Returns the columns of which these are made."""
    filled, places, halves = columns | {*made}, set[int](), first_and_last(headings)
    if "name" in fields and "name" not in filled and halves and not {*halves} & {*used}:
        made["name"] = joined(halves, family_places(headings))
        places |= {*halves}
    for name, found in reference_columns(ctx, entity, headings, fields, used).items():
        if name not in filled:
            made[name] = References(found, headings)
            places |= {place for place, _entity in found}
    return places


def asked_references(ctx: Context, special: Mapping[str, str], headings: Sequence[str]) -> dict[str, type_maker]:
    """The same as it was said: `Who=about:customers.contact`."""
    asked: dict[str, list[tuple[int, str]]] = {}
    for heading, name in special.items():
        about, colon, entity = name.partition(":")
        if colon:
            asked.setdefault(about, []).append((headings.index(heading), entity))
    return {about: References(_deepest_first(ctx, columns), headings) for about, columns in asked.items()}


def reference_columns(
    ctx: Context, entity: str, headings: Sequence[str], fields: Mapping[str, Field], used: Iterable[int]
) -> dict[str, list[tuple[int, str]]]:
    """Columns that are called as a kind of record (Account, 商机), for the one field that names records of any kind."""
    about = [name for name, one in fields.items() if isinstance(one, AnyRecordField)]
    free = [place for place in range(len(headings)) if place not in set(used)]
    if len(about) != 1 or not free:
        return {}
    kinds = kinds_of(ctx)
    named = [(place, plain(headings[place])) for place in free]
    meant = [(place, kinds.get(word) or kinds.get(_RELATED.sub("", word), entity)) for place, word in named]
    found = [(place, kind) for place, kind in meant if kind != entity]
    return {about[0]: _deepest_first(ctx, found)} if found else {}


def _deepest_first(ctx: Context, found: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    return sorted(found, key=lambda pair: -_depth(ctx, pair[1], {one for _place, one in found}))


def kinds_of(ctx: Context) -> dict[str, str]:
    """What a sheet, or a column, of a kind of record is called: its name and labels, one and many, in both languages, where no other is."""
    meant: dict[str, set[str]] = {}
    for name in ctx.entities():
        if name.startswith(("core.", "import_export.")):
            continue
        entity = ctx.entity(name)
        words: list[Text | str] = [name, entity.name, entity.plural, entity.label, entity.plural_label]
        for locale in LOCALES:
            words += [ctx.speaking(locale).say(entity.label), ctx.speaking(locale).say(entity.plural_label)]
        for word in words:
            meant.setdefault(plain(word), set()).add(name)
    return {word: next(iter(names)) for word, names in meant.items() if len(names) == 1}


def _depth(ctx: Context, entity: str, among: set[str]) -> int:
    """How many of the others it belongs to: a deal is nearer to what is meant than its account."""
    fields = ctx.records(entity).fields()
    targets = {ctx.target(entity, name) for name, one in fields.items() if isinstance(one, LinkField)}
    return len(targets & among - {entity})
