"""A chunk of rows on its way through the write door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from plugins.import_export.agreement import Agreement
from plugins.import_export.external import FIELD as EXTERNAL
from plugins.import_export.external import ExternalIds, as_made, id_in
from plugins.import_export.external import flaws as external_flaws
from plugins.import_export.files import Sheet
from plugins.import_export.files.ending import CUT_OFF
from plugins.import_export.files.gaps import OTHER_TABLE
from plugins.import_export.files.parting import Parting
from plugins.import_export.footers import likely, noted, says_alone, signed, sums_up
from plugins.import_export.formulas import restored
from plugins.import_export.journal import Fate, Former
from plugins.import_export.lost import Lost
from plugins.import_export.mapping.heads import Heads
from plugins.import_export.matching import Matching, SameFile, type_values
from plugins.import_export.nothing import NOTHING
from plugins.import_export.plan import NEVER, ONLY_IF_EMPTY, OWN, Plan, Wish
from plugins.import_export.tally import HEADINGS, REMARK, TOTALS, WARNED, Origin, Tally, Teller, problem_of, type_row
from plugins.import_export.waiting import ANYWHERE, Place
from sdk import Alike, Context, Draft, Outcome, Problem, Refusal, _
from sdk.context import LIKELY_DUPLICATE, Row, id_of
from sdk.fields import AnyRecordField, Flaw, LinkField
from sdk.fields.time import counted_on

LIKELY = _("is likely a duplicate of: {names}; it was skipped, unless you choose to import likely duplicates (duplicates)")
LIKELY_HIDDEN = _(
    "is likely a duplicate of a record you don’t have access to; it was skipped, unless you choose to import likely duplicates (duplicates)"
)
LIKE_HEADINGS = _("looks like headings, not a record; if the headings are further down than detected, specify their row (heading_row)")
SUMS_UP = _("seems to be a total of other rows; if so, skip it or undo it")
LEFT_OUT = _("looks like a total of other rows and was skipped; if it is a record, choose to import such rows (totals)")
LEFT_OUT_NOTE = _("looks like a note about the whole table and was skipped; if it is a record, choose to import such rows (totals)")
SIGNS = _("seems to be a note about the whole table; if it isn’t a record, skip it or undo it")
ANOTHER = _(
    "belongs to another table, below blank rows, and was skipped; put that on a sheet of its own, or choose to import such rows (totals)"
)
PARTED = _("comes after blank rows; if it isn’t part of the table, skip it or undo it")
COUNTED = _(
    "was read as {day}, as spreadsheets count days ({count} {count:cell|cells} in this column); if it isn’t a date, map the column to another field"
)
UNLIKE = _("counts in {own}, but a column that is left out says {said}; map that column to the currency, or check the amounts")
SWALLOWED = _(
    "contains {count} {count:line that looks like a row|lines that look like rows} of this file; a quote may have been closed too late"
)
SAME_AS_ROW = _("is the same as row {row} of this file")
SAME_ID = _("has the same ID {value!r} as row {row} of this file, but says something else; row {row} was kept")
type_chunk = tuple[Sequence[type_row], Mapping[str, Sequence[object]], Mapping[str, Sequence[Flaw]]]
"""Rows with what stands in them by field, and what is wrong there."""
type_draft = tuple[int, type_values]
"""The place of a row in its chunk, and its values."""


_ENOUGH = 3
"""So many rows are told of a column that was left out."""


class ChunkWriter:
    """Writes the rows of one import, a chunk at a time, inside the transactions of its run."""

    def __init__(self, ctx: Context, same: SameFile, wish: Wish, plan: Plan, file: Sheet, lost: Lost) -> None:
        self.ctx, self.same, self.wish, self.plan = ctx, same, wish, plan
        self.heads, self.parting = Heads(ctx, wish.entity, file.headings), Parting(file.delimiter, len(file.headings))
        self._takes_totals = plan.takes_totals
        self._doubtful = frozenset((*plan.unlike, *plan.parted, *plan.counted, *plan.shares))
        """Rows that are asked about though they are taken."""
        self._suspected: set[int] = set()
        """Rows of the piece at hand that may be totals or notes."""
        self._unlike = Counter[str]()
        """By field how many rows were told of a currency that was left out."""
        self.id, self.records = same.id, ctx.records(wish.entity)
        self.external = ExternalIds(ctx, wish.system)
        self.matching, self.agreement = Matching(ctx, wish.entity, plan, self.external), Agreement(ctx, wish.entity)
        self.teller = Teller(ctx, plan, Origin(same.id, wish.sheet, wish.entity, ctx.entity(wish.entity).match_fields, lost))
        self._title = ctx.entity(wish.entity).title
        self._links_here = [name for name in plan.columns if self._leads_here(name)]
        self._answers = [name for name in (*plan.columns, *plan.links) if self._leads_here(name) and plan.fields[name].unique]
        """Fields by which a record answers one other of its kind, as a reversal answers a payment."""
        self.behind = False
        """Whether rows before these wait: what they make possible is not there yet, so what is refused waits with them."""
        self._may_wait = bool(self._links_here) or any(ctx.target(wish.entity, name) == wish.entity for name in plan.links)
        self._places: Mapping[int, Place] = {}
        """By the numbers of rows where new records stand, if rows may have to wait: where their rows did."""

    def _leads_here(self, name: str) -> bool:
        """Whether a field may name a record of the same file."""
        field = self.plan.fields[name]
        mine = isinstance(field, LinkField) and self.ctx.target(self.wish.entity, name) == self.wish.entity
        return mine or isinstance(field, AnyRecordField)

    def begin(self) -> None:
        """A transaction begins: what those before have written is in the journal by now."""
        self.same.forget()

    def write(self, chunk: type_chunk, tally: Tally) -> None:
        """Write what can be written; rows that wait for others of the file are put off, and their places kept."""
        numbers, before = [number for number, _cells in chunk[0]] if self._may_wait else [], len(tally.deferred)
        ids, now = self.ctx.new_ids([number - numbers[0] for number in numbers]), self.ctx.now()
        places = {number: Place(id, now) for number, id in zip(numbers, ids, strict=True)}
        self.write_again(chunk, tally, places, last=False)
        if len(tally.deferred) > before:
            tally.places[numbers[0]] = places[numbers[0]]

    def write_again(self, chunk: type_chunk, tally: Tally, places: Mapping[int, Place], *, last: bool) -> None:
        """The same with rows that were put off, in the places that were kept for them; the `last` time they are not put off any more."""
        rows = chunk[0]
        self._places = places
        self.external.written.clear()
        for part in self._parts(rows, self._as_made(self._drafts(tally, chunk))):
            drafts = list(self._linked(tally, rows, part, last=last)) if self.plan.links else part
            self.matching.settle_words([values for _index, values in drafts])
            self.matching.settle_ids([values for _index, values in drafts])
            self.matching.settle_links([values for _index, values in drafts])
            for wave in self._waves(drafts):
                self._write(tally, rows, wave, last=last)

    def _as_made(self, drafts: Iterable[type_draft]) -> Iterable[type_draft]:
        """Records that answer each other in the order in which they were made, however the rows are sorted: a payment settles what others left."""
        told = bool(self._answers) and self.plan.external is not None
        return as_made(drafts, lambda draft: str(draft[1].get(EXTERNAL))) if told else drafts

    def _parts(self, rows: Sequence[type_row], drafts: Iterable[type_draft]) -> Iterator[list[type_draft]]:
        """All at once, unless a row answers one before it: that has to be there, and what comes behind may only fit once it is answered."""
        part, words = list[type_draft](), set[str]()
        for index, values in drafts:
            if any(self._answered(rows[index][1], values, name) in words for name in self._answers):
                yield part
                part, words = [], set()
            part.append((index, values))
            words |= {str(values[EXTERNAL])} if self._answers and EXTERNAL in values else set()
        yield part

    def _answered(self, cells: Sequence[str], values: type_values, name: str) -> str:
        """The id in its file of the record that a row answers."""
        return self._id(cells, self.plan.links[name]) if name in self.plan.links else str(values.get(name) or "")

    def _drafts(self, tally: Tally, chunk: type_chunk) -> Iterator[type_draft]:
        """The values of the rows in which nothing is wrong; the others are told."""
        rows, values, flaws = chunk
        wrong: dict[int, list[Problem]] = {}
        for name, found in flaws.items():
            for flaw in found:
                wrong.setdefault(flaw.row, []).append(Problem(name, flaw.code, flaw.message, flaw.params))
        fixed, external = self.plan.fixed, self.plan.external
        names, by_row = tuple(values), list(zip(*values.values(), strict=True))
        self._suspected.clear()
        for flaw in external_flaws(self.ctx, [_cell(cells, external) for _number, cells in rows]) if external is not None else ():
            wrong.setdefault(flaw.row, []).append(Problem(EXTERNAL, flaw.code, flaw.message, flaw.params))
        for index, (number, cells) in enumerate(rows):
            if (why := self._no_record(number, cells)) is not None:
                self.teller.leave(tally, rows[index], "skipped", why)
                continue
            if (problem := CUT_OFF if number == self.plan.cut else self.parting.problem(cells)) is not None:
                wrong.setdefault(index, []).append(problem)
            if self.plan.own is not None and id_in(_cell(cells, self.plan.own)) is None:
                wrong.setdefault(index, []).append(self._no_such_id(_cell(cells, self.plan.own)))
            if index in wrong:
                self.teller.fail(tally, rows[index], [*wrong[index], *self._swallowed(cells)])
                continue
            draft = {**fixed, **{name: value for name, value in zip(names, by_row[index], strict=True) if value is not None}}
            if external is not None and (word := self._id(cells, external)):
                draft[EXTERNAL] = word
            if self.plan.own is not None:
                draft[OWN] = id_in(_cell(cells, self.plan.own))
            yield index, draft

    def _no_record(self, number: int, cells: Sequence[str]) -> Problem | None:
        """Why a row is none, but of another table, headings once more, a total or a note."""
        if self.plan.other and number >= self.plan.other:
            return Problem("", OTHER_TABLE, ANOTHER)
        if self.heads.like(cells):
            return Problem("", HEADINGS, LIKE_HEADINGS)
        if likely(cells):
            if not self._takes_totals and (footer := _footer(cells)) is not None:
                return footer
            self._suspected.add(number)
        return None

    def _id(self, cells: Sequence[str], place: int) -> str:
        """An id of another system that stands there; how it is written is remembered, as earlier versions have kept it so."""
        word = _cell(cells, place)
        if word and (written := cells[place].strip()) != word:
            self.external.written[word] = written
        return word

    def _no_such_id(self, cell: str) -> Problem:
        """Ours, but of a record that is another entity's, deleted or hidden from who imports; or none at all."""
        text = _(
            "{value!r} is not the ID of any {target} you have access to: use an ID from an export of these records, or skip the column"
        )
        return Problem(OWN, "no_such_record", text, {"value": cell[:80], "target": self.wish.entity})

    def _linked(self, tally: Tally, rows: Sequence[type_row], drafts: Sequence[type_draft], *, last: bool) -> Iterator[type_draft]:
        """With the records that other systems' ids name in the place of links; a row whose record may still come waits."""
        found: dict[str, dict[str, Row]] = {}
        for name, place in self.plan.links.items():
            words = {word for index, _values in drafts if (word := self._id(rows[index][1], place))}
            found[name] = self.external.find(self.ctx.target(self.wish.entity, name), words)
        for index, values in drafts:
            missing = list[Problem]()
            for name, place in self.plan.links.items():
                word = _cell(rows[index][1], place)
                if word in found[name]:
                    values[name] = id_of(found[name][word])
                elif word:
                    params = {"target": self.ctx.target(self.wish.entity, name), "value": word}
                    missing.append(Problem(name, "no_such_record", _("no {target} matches {value!r}"), params))
            if not missing:
                yield index, values
            elif not last and all(self.ctx.target(self.wish.entity, one.field) == self.wish.entity for one in missing):
                tally.deferred.append(rows[index])
                self.behind = True
            else:
                self.teller.fail(tally, rows[index], missing)

    def _waves(self, drafts: list[type_draft]) -> Iterator[list[type_draft]]:
        """Rows with the same match values, or the same id of another system, must see each other: the later ones go into a later wave."""
        if not self.plan.match and self.plan.external is None:
            yield drafts
            return
        while drafts:
            seen, wave, later = set[object](), list[type_draft](), list[type_draft]()
            for draft in drafts:
                names = self._names(draft[1])
                (later if names & seen else wave).append(draft)
                seen |= names
            yield wave
            drafts = later

    def _names(self, values: type_values) -> set[object]:
        """What says of which record a row is."""
        key = self.matching.key(values) if self.plan.match else (None,)
        word = values.get(EXTERNAL) if self.plan.external is not None else None
        return ({key} if None not in key else set()) | ({(EXTERNAL, word)} if word is not None else set())

    def _write(self, tally: Tally, rows: Sequence[type_row], wave: Sequence[type_draft], *, last: bool) -> None:
        there = self.matching.existing([values for _index, values in wave]) if self.plan.match else {}
        drafts: list[tuple[int, Draft]] = []
        repeated: dict[int, int] = {}
        words: dict[int, str] = {}
        taken = self._taken(wave)
        named_here = self._named_here(taken)
        for index, values in wave:
            first = named_here.get(str(values.get(EXTERNAL)))
            found = [first] if first is not None else self._meant(values, there.get(self.matching.key(values), []) if there else [])
            word = values.pop(EXTERNAL, None) if self.plan.external is not None else None
            if word is not None:
                words[index] = str(word)
            own = values.pop(OWN, None) if self.plan.own is not None else None
            if own is not None and not found:
                self.teller.fail(tally, rows[index], [self._no_such_id(str(own))])
                continue
            draft = self._draft(tally, rows[index], values, found, same=words[index] if first is not None else "")
            if draft is not None and (owner := taken.get(words.get(index, ""), draft.id)) != draft.id and owner is not None:
                self._not_moved(tally, rows[index], words[index], owner)
            elif draft is not None:
                drafts.append((index, draft))
        outcomes = self.records.write([draft for _index, draft in drafts]) if drafts else []
        for (index, draft), outcome in zip(drafts, outcomes, strict=True):
            earlier = self.same.number_of(outcome.id) if draft.verb == "update" and outcome.id is not None else None
            if outcome.refusal is None and outcome.id is not None:
                self.same.wrote(rows[index][0], outcome.id)
            if earlier is not None:
                repeated[rows[index][0]] = earlier
        kept = {
            words[index]: one.id for (index, _draft), one in zip(drafts, outcomes, strict=True) if one.refusal is None and index in words
        }
        if kept:
            self.external.keep(self.wish.entity, {word: id for word, id in kept.items() if id is not None}, self.id)
        for (index, draft), outcome in zip(drafts, outcomes, strict=True):
            self._settle(tally, rows[index], draft, outcome, repeated, last=last)

    def _meant(self, values: type_values, found: Sequence[Row]) -> Sequence[Row]:
        """Of the records that match a row those that it may be of."""
        if not self.wish.apart:
            return found
        here = [one for one in found if not self.same.made(id_of(one))]
        return here or [one for one in found if not self.agreement.contradict(values, one)][:1]

    def _named_here(self, taken: Mapping[str, UUID]) -> dict[str, Row]:
        """By the id of another system the records that earlier rows of this file have made, where ids tell the rows apart."""
        made = {word: id for word, id in taken.items() if self.same.made(id)} if self.wish.apart else {}
        rows = self.ctx.as_system().records(self.wish.entity).values(made.values()) if made else {}
        return {word: rows[id] for word, id in made.items() if id in rows}

    def _same_id(self, word: str, first: Row) -> Problem:
        return Problem(EXTERNAL, "same_id", SAME_ID, {"value": word, "row": self.same.number_of(id_of(first))})

    def _taken(self, wave: Sequence[type_draft]) -> dict[str, UUID]:
        words = (str(values[EXTERNAL]) for _index, values in wave if values.get(EXTERNAL) is not None)
        return self.external.taken(self.wish.entity, words) if self.plan.external is not None else {}

    def _not_moved(self, tally: Tally, row: type_row, word: str, owner: UUID) -> None:
        """What names one record is not made the name of another."""
        number, seen = self.same.number_of(owner), self.records.titles([owner])
        problem = Problem(
            EXTERNAL, "id_taken", _("the ID {value!r} already belongs to another record"), {"value": word, "nearest": seen.get(owner)}
        )
        same = [Problem("", "same_as_row", SAME_AS_ROW, {"row": number})] if number is not None else []
        self.teller.fail(tally, row, [problem, *same])

    def _draft(self, tally: Tally, row: type_row, values: type_values, found: Sequence[Row], *, same: str) -> Draft | None:
        """What is to be written of a row, which may have the `same` id as an earlier one; None where it is left out, which is told."""
        alike = Alike.FORCE if self.wish.duplicates == "take" else Alike.REFUSE
        match = self.plan.match[0] if self.plan.match else ""
        if same and self.agreement.contradict(values, found[0]):
            self.teller.fail(tally, row, [self._same_id(same, found[0])])
        elif len(found) > 1:
            self.teller.fail(
                tally, row, [Problem(match, "ambiguous", _("{count} {count:record matches|records match}"), {"count": len(found)})]
            )
        elif found and self.wish.mode == "create" and not same:
            self.teller.leave(tally, row, "skipped", self._exists(match, found[0]))
        elif found:
            return Draft("update", self._kept(values, found[0]), id_of(found[0]), alike=alike)
        elif self.wish.mode == "update":
            self.teller.leave(tally, row, "skipped", Problem(match, "no_match", _("no record matches")))
        else:
            place = self._places.get(row[0], ANYWHERE)
            return Draft("create", values, place.id, alike=alike, act=self.plan.act, at=place.at)
        return None

    def _kept(self, values: type_values, row: Row) -> type_values:
        """What may be written over a record that is there, by the rules of the columns."""
        rules = self.plan.collisions
        if not rules:
            return values
        full = {name for name, rule in rules.items() if rule == NEVER or (rule == ONLY_IF_EMPTY and row.get(name) is not None)}
        return {name: value for name, value in values.items() if name not in full}

    def _exists(self, match: str, row: Row) -> Problem:
        number, nearest = self.same.number_of(id_of(row)), row.get(self._title)
        if number is None:
            return Problem(match, "exists", _("this record already exists"), {"nearest": nearest})
        return Problem(match, "same_as_row", SAME_AS_ROW, {"row": number, "nearest": nearest})

    def _settle(self, tally: Tally, row: type_row, draft: Draft, outcome: Outcome, repeated: Mapping[int, int], *, last: bool) -> None:
        if outcome.refusal is None:
            fate = "c" if draft.verb == "create" else "u" if outcome.changed else "n"
            changed = fate == "u" and outcome.row is not None
            former = Former(int(str(outcome.row["version"])), outcome.before) if changed and outcome.row is not None else None
            tally.take(Fate(row[0], fate, outcome.id), former)
            if outcome.likely:
                self.teller.leave(tally, row, WARNED, outcome.likely.warning, self._of_this_file(outcome.likely.seen))
            elif row[0] in repeated:
                problem = Problem(next(iter(self.plan.match), ""), "same_as_row", SAME_AS_ROW, {"row": repeated[row[0]]})
                self.teller.leave(tally, row, WARNED, problem)
            elif row[0] in self._suspected and sums_up(row[1]):  # those that were asked for
                self.teller.leave(tally, row, WARNED, Problem("", TOTALS, SUMS_UP))
            elif row[0] in self._suspected and (signed(row[1]) or says_alone(row[1]) or noted(row[1])):
                self.teller.leave(tally, row, WARNED, Problem("", REMARK, SIGNS))
            elif doubts := [*self._swallowed(row[1]), *(self._doubts(row) if row[0] in self._doubtful else ())]:
                self.teller.leave(tally, row, WARNED, doubts[0], doubts[1:])
            return
        self._refused(tally, row, outcome.refusal, last=last)

    def _swallowed(self, cells: Sequence[str]) -> list[Problem]:
        """That rows of the file may stand within a cell."""
        count = self.parting.swallowed(cells)
        return [Problem("", "rows_in_cell", SWALLOWED, {"count": count})] if count else []

    def _doubts(self, row: type_row) -> list[Problem]:
        """What a row that was taken is told all the same: currencies that were left out, cells that lie apart, numbers that were taken for days."""
        found, own = list[Problem](), self.ctx.tenant.currency
        for name, code in self.plan.unlike.get(row[0], {}).items():
            if self._unlike[name] < _ENOUGH:
                self._unlike[name] += 1
                found.append(Problem(name, "currency_left_out", UNLIKE, {"own": own, "said": code}))
        if row[0] in self.plan.parted:
            found.append(Problem("", "parted", PARTED))
        found += self.plan.shares.get(row[0], ())
        return found + (self._counted(row, self.plan.counted[row[0]]) if row[0] in self.plan.counted else [])

    def _counted(self, row: type_row, counts: Mapping[str, int]) -> list[Problem]:
        """What numbers were taken for: a wrong column must not hide behind days that nobody meant."""
        since = {name: self.plan.styles.get(name, {}).get("since", "") for name in counts}
        days = {name: counted_on(_cell(row[1], self.plan.columns[name]), since[name]) for name in counts}
        return [Problem(name, "counted_days", COUNTED, {"day": str(day), "count": counts[name]}) for name, day in days.items()]

    def _refused(self, tally: Tally, row: type_row, refusal: Refusal, *, last: bool) -> None:
        problems = refusal.problems
        if refusal.reason == LIKELY_DUPLICATE:
            candidates = refusal.members.get("candidates", ())
            more = self._of_this_file(candidates if isinstance(candidates, list) else ())
            likely_ = Problem("", LIKELY_DUPLICATE, LIKELY if candidates else LIKELY_HIDDEN, refusal.params)
            self.teller.leave(tally, row, "skipped", likely_, more)
        elif not last and (
            self.behind or (problems and all(one.code == "no_such_record" and one.field in self._links_here for one in problems))
        ):
            tally.deferred.append(row)
            self.behind = True
        else:
            self.teller.fail(tally, row, [*(problems or [problem_of(refusal)]), *self._taken_by(problems)])

    def _of_this_file(self, candidates: Sequence[Row]) -> list[Problem]:
        """Of records that are likely the same those that came with this file, by their rows."""
        numbers = sorted({number for one in candidates if (number := self.same.number_of(UUID(str(one["id"])))) is not None})
        return [Problem("", "same_as_row", SAME_AS_ROW, {"row": numbers[0]})] if numbers else []

    def _taken_by(self, problems: Sequence[Problem]) -> list[Problem]:
        """The earlier row of this file that has taken a value that comes once, alone or together with others."""
        for one in problems:
            record = one.params.get("record") if one.code == "duplicate" else None
            if isinstance(record, UUID) and (number := self.same.number_of(record)) is not None:
                return [Problem("", "same_as_row", SAME_AS_ROW, {"row": number})]
        return []


def _footer(cells: Sequence[str]) -> Problem | None:
    """Why a row is no record but stands below others."""
    if sums_up(cells):
        return Problem("", TOTALS, LEFT_OUT)
    return Problem("", REMARK, LEFT_OUT_NOTE) if says_alone(cells) else None


def _cell(cells: Sequence[str], place: int) -> str:
    """An id that stands there, if one does."""
    cell = restored([cells[place].strip()])[0] if place < len(cells) else ""
    return "" if cell in NOTHING else cell
