"""Several sheets of one file in one go: each is an import of its own, those first to which others link."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from uuid import UUID

from plugins.import_export.files import Book, Sheet
from plugins.import_export.journal import IMPORT
from plugins.import_export.mapping.shaping import kinds_of
from plugins.import_export.mapping.words import plain
from plugins.import_export.plan import LISTS, Wish
from plugins.import_export.run import EMPTY, Run, is_short, paced, rehearse
from plugins.import_export.tally import COUNTS, FATES, listed
from sdk import BadRequest, Context, Refusal, _, where
from sdk.context import Row, id_of
from sdk.fields import AnyRecordField, Field, LinkField

WORKBOOK = "workbook"
"""What stands in the place of an entity: every sheet that is called as one."""
MOST = 100
_MARK = "!"
type_run = Callable[[Row, Wish, Sheet], Run]
type_meter = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Is given the number of rows, and what it gives is told of each that is done."""


def wishes_of(ctx: Context, wish: Wish, book: Book) -> tuple[list[Wish], list[str]]:
    """A wish for each sheet that is called as a kind of record, in the order in which their records link; and the sheets left out."""
    kinds = kinds_of(ctx)
    sheets = {sheet.name: kinds[word] for sheet in book.sheets if (word := plain(sheet.name)) in kinds}
    left_out = [sheet.name for sheet in book.sheets if sheet.name not in sheets]
    if not sheets:
        text = _("no sheet is named after a kind of record (Accounts, 联系人, …); the sheets are: {names}")
        raise BadRequest(text, names=", ".join(left_out)[:500])
    ordered = _in_order(ctx, list(dict.fromkeys(sheets.values())))
    made = [_for_sheet(ctx, wish, sheet, sheets[sheet.name], list(sheets)) for sheet in book.sheets if sheet.name in sheets]
    return sorted(made, key=lambda one: ordered.index(one.entity)), left_out


def _in_order(ctx: Context, entities: Sequence[str]) -> list[str]:
    """Those first to which others link; where they link in a circle, as the links go that must be there."""
    for must in (False, True):
        try:
            return list(TopologicalSorter({name: _needs(ctx, name, entities, must=must) for name in entities}).static_order())
        except CycleError:
            continue
    return list(entities)


def _needs(ctx: Context, entity: str, among: Sequence[str], *, must: bool) -> list[str]:
    needed = list[str]()
    for name, one in ctx.records(entity).fields().items():
        if one.readonly or (must and not one.required):
            continue
        if isinstance(one, LinkField) and (target := ctx.target(entity, name)) in among and target != entity:
            needed.append(target)
        elif isinstance(one, AnyRecordField):
            needed += [other for other in among if other != entity and not _about_any(ctx, other)]
    return needed


def _about_any(ctx: Context, entity: str) -> bool:
    return any(isinstance(one, AnyRecordField) and not one.readonly for one in ctx.records(entity).fields().values())


def _for_sheet(ctx: Context, wish: Wish, sheet: Sheet, entity: str, names: Sequence[str]) -> Wish:
    """The part of a wish that is for one sheet: `Sheet!Heading=field`, and what names no sheet and fits this one."""
    fields = ctx.records(entity).fields()
    lists = {name: tuple(_words(getattr(wish, name), name, sheet, fields, names)) for name in LISTS}
    return replace(wish, entity=entity, sheet=sheet.name, **lists)  # type: ignore[arg-type]


def _words(words: Sequence[str], of: str, sheet: Sheet, fields: Mapping[str, Field], names: Sequence[str]) -> Iterator[str]:
    for word in words:
        name, mark, rest = word.partition(_MARK)
        if mark and name.strip() in names:
            if name.strip() == sheet.name:
                yield rest.strip()
        elif _fits(word, of, sheet, fields):
            yield word


def _fits(word: str, of: str, sheet: Sheet, fields: Mapping[str, Field]) -> bool:
    if of == "map":
        return word.rpartition("=")[0].strip() in sheet.headings
    if of == "split":
        return word.partition("=")[0].strip() in sheet.headings
    mark = {"value": ":", "transform": ":"}.get(of, "=")
    return word.partition(mark)[0].strip() in fields


def children(ctx: Context, id: UUID) -> list[Row]:
    """The imports of the sheets, in their order; none for an import of one sheet."""
    return ctx.as_system().records(IMPORT).find(where(part_of=id), MOST)


def carry_out(ctx: Context, record: Row, pairs: Sequence[tuple[Row, Wish]], opened: Callable[[Wish], Sheet], make: type_run,
              fail: Callable[[UUID, Refusal], None], meter: type_meter) -> Row:  # fmt: skip
    """Import the sheets one after the other; one that cannot be read, or mapped, fails by itself. A dry run sees them all together."""
    imports, id = ctx.as_system().records(IMPORT), id_of(record)
    imports.update(id, {"state": "running", "started_at": record["started_at"] or ctx.now()}, act="run")
    runs = dict[UUID, Run]()
    for child, wish in pairs:
        if child["state"] in ("waiting", "running"):
            try:
                runs[id_of(child)] = make(child, wish, opened(wish))
            except Refusal as refusal:
                fail(id_of(child), refusal)
    whole = _Whole(ctx, id, runs)
    with meter(whole.total) as step:

        def on(count: int) -> None:
            step(count)
            whole.tell()

        if pairs[0][1].dry_run:
            for run in runs.values():
                run.start()
            rehearse(ctx, [*runs.values()], step if is_short([*runs.values()]) else on)
        else:
            _execute(whole, runs, on, fail)
    ended, now = children(ctx, id), imports.values([id])[id]
    if now["state"] == "cancelled":
        return now
    emptied = listed(f"{one['sheet']}: {one['emptied']}" for one in ended if one["emptied"])
    over = {"emptied": emptied, "state": _state(ended), "ended_at": ctx.now(), "seconds_left": None}
    return imports.update(id, {**_sums(ended), **over}, act="run")


def _execute(whole: _Whole, runs: Mapping[UUID, Run], step: Callable[[int], None], fail: Callable[[UUID, Refusal], None]) -> None:
    for mine, run in runs.items():
        if whole.cancelled():
            break
        try:
            run.execute(step)
        except Refusal as refusal:
            if refusal.status in (409, 412):  # another process has it, or it was cancelled
                raise
            fail(mine, refusal)
        whole.tell()


class _Whole:
    """How far all sheets are together, as the record of the whole tells it."""

    def __init__(self, ctx: Context, id: UUID, runs: Mapping[UUID, Run]) -> None:
        self._ctx, self._id, self._imports, self._began = ctx, id, ctx.as_system().records(IMPORT), ctx.now()
        there = children(ctx, id)
        self._before = sum(int(str(row["done"] or 0)) for row in there)
        self.total = sum(runs[id_of(row)].plan.rows if id_of(row) in runs else int(str(row["total"] or 0)) for row in there)
        self._imports.update(id, {"total": self.total, "done": self._before}, act="run")

    def cancelled(self) -> bool:
        """Whether nobody wants it any more."""
        return self._imports.values([self._id])[self._id]["state"] == "cancelled"

    def tell(self) -> None:
        """Say how far it is by now."""
        sums = _sums(children(self._ctx, self._id))
        done, seconds = int(str(sums["done"])), (self._ctx.now() - self._began).total_seconds()
        self._imports.update(self._id, {**sums, "total": self.total, **paced(done, self._before, self.total, seconds)}, act="run")


def _sums(rows: Sequence[Row]) -> dict[str, object]:
    return {name: sum(int(str(row[name] or 0)) for row in rows) for name in (*COUNTS, "done", "total", "undone", "conflicts")}


def _state(rows: Sequence[Row]) -> str:
    states = {str(row["state"]) for row in rows} - {EMPTY}  # a sheet that nobody has filled in keeps nothing back
    if not states:
        return EMPTY
    if states == {"succeeded"}:
        return "succeeded"
    taken = any(int(str(row[name])) for row in rows for name in FATES if name != "failed")
    return "partial" if taken else "failed"


def summed_up(ctx: Context, record: Row) -> Row:
    """The whole after its sheets have been undone."""
    rows = children(ctx, id_of(record))
    state = "undone" if all(row["state"] == "undone" for row in rows) else "partly_undone"
    return ctx.as_system().records(IMPORT).update(id_of(record), {**_sums(rows), "state": state}, act="undo")
