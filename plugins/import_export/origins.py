"""Where records came from: by a record the parts of journals that it stands in, found without looking through the journals.

A row for each record would cost an import more than the record itself. So the records of a part are put down in groups of such as are near to one
another, each under its stem: the bits with which all ids of the group begin. Who looks for a record asks for its own beginnings, all
64 of them, by an index. What a part has made is one group, as its ids follow one another; what it has changed are groups of at most `MOST`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import cast
from uuid import UUID

from plugins.import_export.journal import IMPORT, LETTERS, PART, Fate, read_rows
from sdk import Condition, Context, Draft, Filter, NotFound, Query, _, where
from sdk.context import Row, id_of

ORIGIN = "import_export.origin"
MOST = 128
_BITS, _MARK = 64, "#"
_number = attrgetter("int")
_MOST_ORIGINS, _PAGE, _PARTS, _NEIGHBOURS = 50, 200, 10, 16


def grouped(fates: Sequence[Fate]) -> list[dict[str, str | None]]:
    """The groups of what a part of a journal has made and changed; see `drafts`."""
    made = sorted({fate.id for fate in fates if fate.letter == "c" and fate.id is not None}, key=_number)
    changed = sorted({fate.id for fate in fates if fate.letter == "u" and fate.id is not None}, key=_number)
    return [written(group, whole=whole) for group, whole in ((made, True), *((group, False) for group in groups(changed))) if group]


def drafts(id: UUID, part: UUID, entity: str, groups: Sequence[Mapping[str, str | None]]) -> Iterator[Draft]:
    """What is to be written of the groups of a part of an import's journal."""
    for group in groups:
        yield Draft("create", {"import": id, "part": part, "entity": entity, **group}, act="run")


def written(group: Sequence[UUID], *, whole: bool) -> dict[str, str | None]:
    """How a group of sorted ids is put down; `whole`: as everything that lies between the first and the last."""
    names = None if whole else " ".join(id.hex for id in group)
    return {"stem": _MARK + _stem(group), "first": group[0].hex, "last": group[-1].hex, "records": names}


def groups(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    """Sorted ids in groups of at most `MOST`, each cut where its ids begin to differ."""
    if not ids:
        return
    place = len(_stem(ids))
    if len(ids) <= MOST or place == _BITS:
        yield ids
        return
    cut = next(index for index, id in enumerate(ids) if _bits(id)[place] == "1")
    yield from groups(ids[:cut])
    yield from groups(ids[cut:])


def _stem(ids: Sequence[UUID]) -> str:
    """What the bits of sorted ids begin with."""
    apart = (ids[0].int ^ ids[-1].int) >> 128 - _BITS
    return _bits(ids[0])[: _BITS - apart.bit_length()]


def _bits(id: UUID) -> str:
    """What says when an id was made (RFC 9562, section 5.7); behind it all is chance."""
    return f"{id.int >> 128 - _BITS:0{_BITS}b}"


def parts_with(ctx: Context, entity: str, id: UUID, within: UUID | None = None) -> Iterator[tuple[Row, Fate]]:
    """The rows by which a record was made or changed with the parts that they stand in, the last first; of one import alone where that is named."""
    parts = ctx.as_system().records(PART)
    ids = parts_of(ctx, entity, [id], within)[id]
    for start in range(0, len(ids), _PARTS):
        found = parts.values(ids[start : start + _PARTS])
        for part in (found[one] for one in ids[start : start + _PARTS] if one in found):
            yield from ((part, fate) for fate in reversed(read_rows(part)) if fate.id == id and fate.letter in "cu")


def _of(import_: UUID | None) -> Filter:
    """One import's own, or those of all that were for real."""
    return where(**{"import": import_}) if import_ is not None else (Condition("import.dry_run", "eq", (False,)),)


def parts_of(ctx: Context, entity: str, ids: Iterable[UUID], within: UUID | None = None) -> dict[UUID, list[UUID]]:
    """The parts of journals that records stand in, the last first: asked for together by those that are near to one another."""
    found: dict[UUID, dict[UUID, None]] = {id: {} for id in sorted(set(ids), key=_number)}
    order = list(found)
    for start in range(0, len(order), _NEIGHBOURS):
        together = order[start : start + _NEIGHBOURS]
        for row in _naming(ctx, entity, together, within):
            stem, part, named = str(row["stem"]).removeprefix(_MARK), UUID(str(row["part"])), row["records"]
            for id in together:
                between = str(row["first"]) <= id.hex <= str(row["last"]) and _bits(id).startswith(stem)
                if between and (named is None or id.hex in str(named)):
                    found[id][part] = None
    return {id: list(several) for id, several in found.items()}


def _naming(ctx: Context, entity: str, ids: Sequence[UUID], within: UUID | None) -> Iterator[Row]:
    """The groups, the last first, in which sorted ids may be."""
    every = (_bits(id) for id in ids)
    stems = Condition("stem", "in", tuple({_MARK + bits[:length] for bits in every for length in range(_BITS + 1)}))
    between = (Condition("first", "lte", (ids[-1].hex,)), Condition("last", "gte", (ids[0].hex,)))
    wanted = (stems, *between, *where(entity=entity), *_of(within))
    names, cursor = ("id", "part", "stem", "first", "last", "records"), cast("str | None", "")
    while cursor is not None:
        page = ctx.as_system().records(ORIGIN).query(Query(wanted, ("-id",), names, limit=_PAGE, cursor=cursor))
        yield from page.data
        cursor = page.next


def number_of(ctx: Context, entity: str, id: UUID, record: UUID) -> int | None:
    """The row of this very import by which a record was first made or changed, if one was."""
    return min((fate.number for _part, fate in parts_with(ctx, entity, record, id)), default=None)


def origins(ctx: Context, entity: str, id: UUID) -> list[dict[str, object]]:
    """Every import that made or changed a record, the last first, with the row; raises NotFound for what one may not see."""
    if not ctx.records(entity).values([id]):
        raise NotFound(_("{entity} {id} does not exist"), entity=entity, id=str(id))
    found = [(UUID(str(part["import"])), fate) for part, fate in islice(parts_with(ctx, entity, id), _MOST_ORIGINS)]
    imports = ctx.as_system().records(IMPORT).values({one for one, _fate in found})
    return [
        {
            "import": str(id_of(imports[one])), "row": fate.number, "outcome": LETTERS[fate.letter], "file_name": imports[one]["file_name"],
            "at": imports[one]["started_at"] or imports[one]["created_at"], "owner": imports[one]["owner"], "state": imports[one]["state"],
        }
        for one, fate in sorted(found, reverse=True) if one in imports
    ]  # fmt: skip
