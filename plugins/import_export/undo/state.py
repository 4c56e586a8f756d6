"""What became of records since an import: whether they are as it left them, who has edited them, who points to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from plugins.import_export.journal import Fate, Former
from plugins.import_export.undo.rows import Written, rows_by_record
from sdk import Channel, Condition, Context, Query, Verb
from sdk.changes import MERGE, UNMERGE
from sdk.context import Row, id_of
from sdk.fields import Field, LinkField
from sdk.text import _

PEOPLE = frozenset({Channel.API.value, Channel.PAGE.value, Channel.CLI.value, Channel.IMPORT.value})
"""Through what people write; what rules and plugins have made of a new record goes with it."""
_PART = 500


@dataclass
class Finding:
    """What is found out about the record of a row: `values` are to be given back; a problem says what stays as it is, and why."""

    there: bool = True
    version: int = 0
    values: dict[str, object] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    problem: tuple[str, str] | None = None

    def refuse(self, code: str, reason: str) -> None:
        """Nothing, or not all, of it is undone."""
        self.problem = self.problem or (code, reason)


@dataclass(frozen=True)
class Since:
    """An import, what stood in records before a part of it, and the rows of that part that have just been taken back, with the versions that made."""

    id: UUID
    former: Mapping[int, Former]
    finished: Mapping[int, int]


def find_out(ctx: Context, since: Since, entity: str, fates: Sequence[Fate]) -> dict[int, Finding]:
    """A finding for each row. The system looks, as it sees everything; told is the record's own history, and of others what the actor sees."""
    system = ctx.as_system()
    records, fields = system.records(entity), system.records(entity).fields()
    there = records.values([fate.id for fate in fates if fate.id is not None], hold=True)
    told = _since(system, since, entity, [(fate, there[fate.id]) for fate in fates if fate.id in there])
    found = {
        fate.number: _found(system, entity, fate, there.get(fate.id) if fate.id else None, fields, told.get(fate.number)) for fate in fates
    }
    _tell_merged(ctx, entity, [(fate.id, found[fate.number]) for fate in fates if fate.id is not None and fate.id not in there])
    created = {fate.id: found[fate.number] for fate in fates if fate.letter == "c" and fate.id in there}
    by_entity = dict[str, dict[UUID, UUID]]()
    for record, name, id in _pointing(system, entity, [one for one in created if one is not None]):
        created[record].values = {}
        by_entity.setdefault(name, {}).setdefault(record, id)
    for name, pointing in by_entity.items():
        seen = ctx.records(name).titles(set(pointing.values())) if ctx.can(f"{name}.read") else {}
        for record, id in pointing.items():
            created[record].refuse("in_use", _belongs(ctx, name, seen.get(id)))
    return found


def _tell_merged(ctx: Context, entity: str, gone: Sequence[tuple[UUID, Finding]]) -> None:
    """What has become part of another record is in that one now, and is not taken back by its going."""
    into = ctx.as_system().records(entity).merged_into([id for id, _finding in gone]) if gone else {}
    may = bool(into) and ctx.can(f"{entity}.read")
    seen = ctx.records(entity).titles({*into.values()}) if may else {}
    bin = _binned(ctx, entity, sorted({*into.values()} - seen.keys())) if may else {}
    for id, finding in gone:
        if id in into and into[id] in bin:
            said = {"title": bin[into[id]]}
            finding.problem = (
                "merged",
                ctx.say(_("has since been merged into {title}, now in the recycle bin; restore that, then undo the merge"), said),
            )
        elif id in into:
            said = {"title": seen.get(into[id]) or ctx.say(_("a record you don’t have access to"))}
            finding.problem = ("merged", ctx.say(_("has since been merged into {title}; undo the merge first"), said))


def _binned(ctx: Context, entity: str, ids: Sequence[UUID]) -> dict[UUID, str]:
    """What those of some records are called that are in the recycle bin, as far as the actor sees them."""
    found, title = dict[UUID, str](), ctx.entity(entity).title
    if not ctx.can(f"{entity}.delete"):  # the bin is for who may delete
        return found
    for start in range(0, len(ids), _PART):
        for row in ctx.records(entity).find((Condition("id", "in", tuple(ids[start : start + _PART])),), _PART, deleted=True):
            if row.get(title) is not None:
                found[id_of(row)] = str(row[title])
    return found


def _belongs(ctx: Context, entity: str, title: str | None) -> str:
    if title is None:
        return ctx.say(_("something you don’t have access to belongs to it"))
    return ctx.say(_("{entity} {title} belongs to it"), {"entity": ctx.say(ctx.entity(entity).label), "title": title})


@dataclass(frozen=True)
class _Told:
    """What was there before a row, the edits behind it, newest first, and the fields that later rows of its import changed."""

    left: Former
    edits: Sequence[Row]
    others: Mapping[str, int]
    whole: bool
    """Whether the audit still has all that happened since."""


def _found(system: Context, entity: str, fate: Fate, row: Row | None, fields: Mapping[str, Field], told: _Told | None) -> Finding:
    finding = Finding()
    if row is None:
        finding.there = False
        if fate.letter == "u":
            finding.refuse("deleted", system.say(_("the record has since been deleted")))
        return finding
    finding.version = int(str(row["version"]))
    if told is None or not told.whole:
        erased, untold = (
            _("the previous values have been erased"),
            _("the audit no longer has all that happened to it since; change it by hand"),
        )
        finding.refuse(*(("erased", system.say(erased)) if told is None else ("untold", system.say(untold))))
        return finding
    left, edits, others = told.left, told.edits, told.others
    if others:
        finding.names = sorted(others)
        finding.refuse("changed_by_row", system.say(_("row {number} of the import changed it too"), {"number": min(others.values())}))
    if fate.letter == "c":
        by_people = [edit for edit in edits if edit["channel"] in PEOPLE]
        if by_people and all(_worked_out(edit, fields) for edit in by_people) and not _has_parts(system, entity, row):
            by_people = []
        if by_people:
            finding.names = sorted({name for edit in by_people for name in _names(edit)})
            finding.refuse("edited", _who(system, by_people[0]))
        return finding
    edited = {name: edit for edit in reversed(edits) for name in _names(edit)}
    for name, cell in left.values.items():
        if name not in fields or fields[name].readonly or name in others:
            continue
        if fields[name].format(row.get(name)) == cell:
            continue
        if name in edited:
            finding.names.append(name)
            finding.refuse("edited", _who(system, edited[name]))
        else:
            finding.values[name] = fields[name].read([str(cell)]).values[0]
    return finding


def _since(system: Context, since: Since, entity: str, fates: Sequence[tuple[Fate, Row]]) -> dict[int, _Told]:
    """What happened to records after these rows of the import; nothing of a row whose former values have been erased."""
    lefts = {fate.number: Former(1, {}) if fate.letter == "c" else since.former.get(fate.number) for fate, _row in fates}
    later = {id_of(row): int(str(row["version"])) - left.version for fate, row in fates if (left := lefts[fate.number]) is not None}
    happened = system.records(entity).versions({id: count for id, count in later.items() if count > 0})
    rows = rows_by_record(system, entity, [id for id, entries in happened.items() if any(map(_by_import, entries))])
    return {
        fate.number: _told(since, left, int(str(row["version"])), happened.get(id_of(row), ()), rows.get(id_of(row), ()))
        for fate, row in fates
        if (left := lefts[fate.number]) is not None
    }


def _told(since: Since, left: Former, now: int, happened: Sequence[Row], rows: Sequence[Written]) -> _Told:
    """The edits of a record: not what other rows of this import made, or imports that were undone, nor their undoing.

    As each change makes a new version, one counts from the last; but what an import is to have made has to be of an import.
    """
    back, others = set[int](), dict[str, int]()
    for one in rows:
        mine, former = one.import_id == since.id, one.former
        if former is None or one.fate.letter != "u" or former.version <= left.version:
            continue  # not by its number: a row that waited for another one is written after later rows
        undone = since.finished.get(one.fate.number, one.undone) if mine else one.undone
        if undone is not None:
            back |= {former.version, undone}
        elif mine:
            others |= dict.fromkeys(former.values, one.fate.number)
            back.add(former.version)
    edits = [edit for place, edit in enumerate(happened) if edit["action"] != "create" and not (now - place in back and _by_import(edit))]
    return _Told(left, _without_merges(edits), others, len(happened) >= now - left.version)


def _by_import(edit: Row) -> bool:
    return edit["channel"] == Channel.IMPORT.value


def _names(edit: Row) -> list[str]:
    changes = edit["changes"]
    return list(map(str, changes)) if isinstance(changes, Mapping) else []


def _without_merges(edits: Sequence[Row]) -> list[Row]:
    """Of what happened to a record, newest first, all but its becoming part of another one which was taken back."""
    left, kept = 0, list[Row]()
    for edit in edits:
        if edit["action"] == UNMERGE and not _names(edit):
            left += 1
        elif edit["action"] == MERGE and not _names(edit) and left:
            left -= 1
        else:
            kept.append(edit)
    return kept


def _worked_out(edit: Row, fields: Mapping[str, Field]) -> bool:
    """Whether an import has moved what nobody writes by hand: the sums of an order by its lines, which are gone when it is."""
    return edit["channel"] == Channel.IMPORT.value and all(name in fields and fields[name].readonly for name in _names(edit))


def _has_parts(system: Context, entity: str, row: Row) -> bool:
    """Whether there are still parts of it that somebody has made: lines of an order."""
    makeable = (name for name in system.entities() if Verb.CREATE in system.entity(name).verbs)
    parents = (
        (name, one.name) for name in makeable for one in system.records(name).fields().values() if _is_parent(system, name, one, entity)
    )
    return any(system.records(name).find((Condition(link, "eq", (str(row["id"]),)),), 1) for name, link in parents)


def _is_parent(system: Context, name: str, field: Field, entity: str) -> bool:
    return isinstance(field, LinkField) and field.parent and system.target(name, field.name) == entity


def _who(system: Context, edit: Row) -> str:
    return system.say(_("edited since by {who}, {when}"), {"who": edit["actor"], "when": f"{edit['at']:%Y-%m-%d %H:%M} UTC"})


def _pointing(system: Context, entity: str, ids: Sequence[UUID]) -> Iterator[tuple[UUID, str, UUID]]:
    """Live records that name one of these by a link of their own, with the record that they name."""
    mine = {*ids}
    for name in system.entities():
        for one in system.records(name).fields().values():
            if not isinstance(one, LinkField) or one.parent or one.readonly or system.target(name, one.name) != entity:
                continue
            for start in range(0, len(ids), _PART):
                for row in _all(system, name, one.name, ids[start : start + _PART]):
                    id = UUID(str(row["id"]))
                    if not (name == entity and id in mine):
                        yield UUID(str(row[one.name])), name, id


def _all(system: Context, entity: str, link: str, ids: Sequence[UUID]) -> Iterator[Row]:
    """All records that name one of these, a page at a time: one account may have more contacts than all others."""
    naming = (Condition(link, "in", tuple(ids)),)
    cursor: str | None = ""
    while cursor is not None:
        page = system.records(entity).query(Query(naming, ("id",), ("id", link), limit=_PART, cursor=cursor))
        yield from page.data
        cursor = page.next
