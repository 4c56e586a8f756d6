"""The data of a person go: from the record and all that is about it, its history, the background work and the files."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.audit import entries
from core.custom import cells
from core.custom.definition import PREFIX
from core.custom.keys import custom_keys
from core.entities import journal
from core.entities.journal import MASK
from core.entities.merged import merges
from core.entities.rows import rows_of
from core.events.tables import NO_RECORD, audit
from core.identity.tables import entry_links, sign_in_events
from core.privacy import background, mentions
from core.privacy.traces import CHUNK, USER, Found, Kept, find, neutral, permitted, personal_fields, refused, stored
from core.search import index
from core.search.tables import place_of
from sdk import Conflict, Context, Draft, Job, Person, _
from sdk.changes import ERASE
from sdk.columns import among
from sdk.fields import Field, Reference, TextField
from sdk.fields.text import EmailField, LongTextField
from sdk.permissions import ERASE as RIGHT

if TYPE_CHECKING:
    from core.context import Work

JOB = "remove_files"
NOBODY = "erased@erased.invalid"
"""The address where there must be one (RFC 2606: a name that nobody ever has)."""
MOST_TOLD = 1_000


@dataclass
class Erasure:
    """What an erasure changes, or would: records and entries by kind, and by record what stays and why."""

    record: Reference
    dry_run: bool
    changed: dict[str, int] = field(default_factory=dict)
    linked: dict[str, int] = field(default_factory=dict)
    audit: int = 0
    background: int = 0
    files: int = 0
    off: dict[str, int] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)

    def shown(self, work: Work) -> dict[str, object]:
        """As JSON."""
        counted = {name: [{"entity": entity, "records": count} for entity, count in found.items()]
                   for name, found in (("erased", self.changed), ("linked", self.linked), ("off", self.off))}  # fmt: skip
        seen = self._seen(work)
        kept = [{"entity": one.entity, "id": one.id, "field": one.field or None, "code": one.code, "reason": work.say(one.reason, one.params)}
                for one in self.kept if (one.entity, one.id) in seen]  # fmt: skip
        return {"record": {"entity": self.record.entity, "id": self.record.id}, "dry_run": self.dry_run, **counted, "audit": self.audit,
                "background": self.background, "files": self.files, "kept": kept[:MOST_TOLD], "kept_count": len(self.kept)}  # fmt: skip

    def _seen(self, work: Work) -> set[tuple[str, UUID]]:
        """Of what stays the records that the actor sees; the others are counted."""
        ids: dict[str, set[UUID]] = {}
        for one in self.kept:
            ids.setdefault(one.entity, set()).add(one.id)
        return {(name, id) for name, many in ids.items() for id in work.records(name).reached(many)}


def erase(work: Work, record: Reference, reason: str, *, dry_run: bool = False) -> Erasure:
    """Take what is personal of a person out of the platform, in one transaction; again and again, until nothing is left.

    Links stand, and with them every sum. The files go by a job once all of it is committed. Raises NotFound and Forbidden as
    `permitted`, Conflict for a user who has not left, and the plugin's refusal where the person's own record may not be changed.
    """
    with work.transaction(write=True), work.undone() if dry_run else nullcontext():
        permitted(work, record, RIGHT)
        system, found = work.as_system(), find(work, record)
        done = Erasure(record, dry_run, off=found.off, linked={name: len(ids) for name, ids in found.person.linked.items()})
        _check_left(system, found.person)
        changes, texts = _changes(system, found), mentions.texts(system, found)
        for drafts in (changes, texts):
            _write(system, found, done, drafts)
        _loose_cells(system, found)
        if USER in found.person.records:
            _forget_coming(system, found.person)
        note = entries.made(work, record.entity, record.id, ERASE, {"reason": [None, found.person.masked(reason, MASK)]})
        _clean_merges(system, found, texts)
        done.audit = _clean_audit(system, found, texts, entries.Erasing(system, note["id"]))
        done.background = background.clean(system, found.person) + background.clean_answers(system, found.person)
        stays = found.stays()
        keys = [key for record_, key in found.files.items() if record_ not in stays]
        done.files = len(keys)
        done.kept = [*found.kept, *mentions.elsewhere(system, found)]
        if done.changed or done.audit or done.background or done.files:
            work.leave(audit, [note])
        if keys:
            journal.ask(work, f"core.{JOB}", [{"keys": keys}], as_system=True)
    return done


def remove_files(ctx: Context, arguments: Mapping[str, object]) -> None:
    """Files of which no record knows any more."""
    keys = arguments["keys"]
    for key in keys if isinstance(keys, list) else ():
        ctx.files.remove(str(key))


JOBS: Sequence[Job] = (Job(JOB, remove_files, label=_("Delete the files of erased people")),)


def _check_left(system: Work, person: Person) -> None:
    for values in stored(system, USER, person.ids(USER)).values():
        if values["active"]:
            raise Conflict(_("{name} still works here: offboard the person first"), code="still_active", name=str(values["name"]))


# --- records ---------------------------------------------------------------------------------------------------------


def _changes(system: Work, found: Found) -> dict[str, list[Draft]]:
    """By entity what to empty. Where nothing is left to empty the change says nothing: who keeps what was there before hears of it all the same."""
    drafts: dict[str, list[Draft]] = {}
    for name, ids in found.person.records.items():
        fields = personal_fields(system, name)
        alone = {one.name for many in system.shape(name).unique for one in many} if fields else set()
        stays = found.stays()
        for start in range(0, len(ids) if fields else 0, CHUNK):
            for id, values in sorted(stored(system, name, ids[start : start + CHUNK]).items()):
                empty = {
                    one.name: _emptied(system, one, id, alone=one.unique or one.name in alone)
                    for one in fields
                    if values.get(one.name) is not None
                }
                empty = {key: value for key, value in empty.items() if value != values[key]}
                if (name, id) not in stays:
                    drafts.setdefault(name, []).append(Draft("update", empty, id, act=ERASE))
    return drafts


def _emptied(system: Work, of: Field, id: UUID, *, alone: bool) -> object:
    """Nothing, or where something must be there what says nothing (see `Catalog`: what is declared so is a text). `alone`: no two may have the same."""
    if of.default is not None or not of.required:
        return of.default
    if isinstance(of, EmailField):
        return f"{id.hex[-12:]}.{NOBODY}" if alone else NOBODY
    if of.name.startswith(f"{PREFIX}.") and not (
        isinstance(of, TextField) and type(of) in (TextField, LongTextField) and of.pattern is None
    ):
        return None  # in the document there may be nothing, whatever the tenant asks of people
    text = neutral(system) + (f" {id.hex[-12:]}" if alone else "")
    return text[: of.length] if isinstance(of, TextField) else text


def _write(system: Work, found: Found, done: Erasure, drafts_of: Mapping[str, list[Draft]]) -> None:
    """By the door, so that whoever follows the records hears of it; what a plugin holds is kept and named."""
    for name, drafts in drafts_of.items():
        records = system.records(name)
        for start in range(0, len(drafts), CHUNK):
            part = drafts[start : start + CHUNK]
            for draft, outcome in zip(part, records.write(part), strict=True):
                if not draft.values:
                    continue
                if outcome.refusal is None or draft.id is None:
                    done.changed[name] = done.changed.get(name, 0) + 1
                elif Reference(name, draft.id) == done.record:
                    raise outcome.refusal
                else:
                    found.kept.append(refused(name, draft.id, outcome.refusal))


def _loose_cells(system: Work, found: Found) -> None:
    """What is left in the records of custom fields that are no more: nobody sees it, and restoring the field would show it."""
    stays = found.stays()
    for name, ids in found.person.records.items():
        shape = system.shape(name)
        live = {slot for one in shape.custom.values() for slot in one.columns()}
        rows = rows_of(shape.entity, shape.table, system.tenant.id)
        mine = (*rows, among(shape.table.c.id, ids))
        query = sa.select(shape.table.c.id, shape.table.c[cells.COLUMN]).where(*mine, shape.table.c[cells.COLUMN].is_not(None))
        for id, stored_ in system.connection.execute(query).all():
            kept = {slot: cell for slot, cell in stored_.items() if slot in live}
            if kept != stored_ and (name, id) not in stays:
                own = (*rows, shape.table.c.id == id)
                system.connection.execute(shape.table.update().where(*own).values({cells.COLUMN: kept or None}))
        gone = [one.id for one in shape.overlay.definitions if one.gone]
        if gone:
            keys = (custom_keys.c.tenant_id == system.tenant.id, among(custom_keys.c.record_id, ids), custom_keys.c.field_id.in_(gone))
            system.connection.execute(custom_keys.delete().where(*keys))
            index.forget(system, ids, [place_of(name, str(one)) for one in gone])


def _forget_coming(system: Work, person: Person) -> None:
    """From where a user came in, and the links by which: no records, and no links lead there."""
    for table in (sign_in_events, entry_links):
        mine = (table.c.tenant_id == system.tenant.id, among(table.c.user_id, person.ids(USER)))
        system.connection.execute(table.delete().where(*mine))


def _changed(found: Found, texts: Mapping[str, list[Draft]]) -> list[tuple[str, list[UUID]]]:
    """By entity the records that have been emptied or masked, whatever stays left out."""
    stays = found.stays()
    told = [(name, [id for id in ids if (name, id) not in stays]) for name, ids in found.person.records.items()]
    return told + [
        (name, [draft.id for draft in drafts if draft.id is not None and (name, draft.id) not in stays]) for name, drafts in texts.items()
    ]


def _clean_merges(system: Work, found: Found, texts: Mapping[str, list[Draft]]) -> None:
    """What was in records before others became part of them: undoing that gives back the rest."""
    for name, ids in _changed(found, texts):
        fields = {one.name for one in personal_fields(system, name)} if system.catalog.entities[name].mergeable else set()
        known = system.shape(name).fields.keys() if fields else ()
        for start in range(0, len(ids) if fields else 0, CHUNK):
            mine = (
                merges.c.tenant_id == system.tenant.id,
                merges.c.entity == name,
                among(merges.c.survivor_id, ids[start : start + CHUNK]),
            )
            for row in system.connection.execute(sa.select(merges.c.id, merges.c.changes).where(*mine)).all():
                left = {field: pair for field, pair in row.changes.items()
                        if field in known and field not in fields and background.masked(pair, found.person) == pair}  # fmt: skip
                own = (merges.c.tenant_id == system.tenant.id, merges.c.id == row.id)
                system.connection.execute(merges.update().where(*own).values(changes=left))


# --- audit -----------------------------------------------------------------------------------------------------------


def _clean_audit(system: Work, found: Found, texts: Mapping[str, list[Draft]], erasing: entries.Erasing) -> int:
    """Mask the personal values in the history; the digests stay. Returns how many entries that concerns."""
    cleaner, count = _Cleaner(system, found.person, erasing), 0
    for name, ids in _changed(found, texts):
        names, known = {one.name for one in personal_fields(system, name)}, system.shape(name).fields.keys()
        for start in range(0, len(ids), CHUNK):
            mine = (audit.c.entity == name, among(audit.c.record_id, ids[start : start + CHUNK]))
            count += cleaner.clean(mine, names, known)
    if people := found.person.ids(USER):  # the name of who did something stands in each entry
        count += cleaner.clean((among(audit.c.actor_id, people),), set(), None, actor=neutral(system))
    return count + _clean_told(system, found, erasing)


def _clean_told(system: Work, found: Found, erasing: entries.Erasing) -> int:
    """What stood in texts of others' records, as in those that have it still (see `mentions.texts`): the words that stand for this person alone."""
    forms, stays, count = background.needles(found.person.words), found.stays(), 0
    cleaner = _Cleaner(system, Person(found.person.record, {}, {}, found.person.words), erasing)
    for shape in mentions.shapes(system) if forms else ():
        if fields := {one.name for one in mentions.told_in(shape)}:
            name, said = shape.entity.full_name, sa.cast(audit.c.changes, sa.Text)
            kept = [id for entity, id in stays if entity == name]
            mine = [audit.c.entity == name, *([sa.not_(among(audit.c.record_id, kept))] if kept else [])]
            count += cleaner.clean((*mine, sa.or_(*(said.contains(form, autoescape=True) for form in forms))), set(), None, only=fields)
    return count


@dataclass
class _Cleaner:
    system: Work
    person: Person
    erasing: entries.Erasing

    def clean(
        self,
        of: Sequence[sa.ColumnElement[bool]],
        names: set[str],
        known: Container[str] | None,
        *,
        only: set[str] | None = None,
        actor: str = "",
    ) -> int:
        """Of the entries that fit, in the order of their ids; `known` are the fields that there are, where those that are no more go, `only`
        those in which words are masked."""
        system, last, count = self.system, NO_RECORD, 0
        system.write_traces()  # those of this very transaction are read below
        while True:
            query = sa.select(audit).where(audit.c.tenant_id == system.tenant.id, audit.c.id > last, *of).order_by(audit.c.id).limit(CHUNK)
            rows = system.connection.execute(query).mappings().all()
            for row in rows:
                after = {**row, "changes": self._masked(row["changes"], names, known, only), "actor": actor or row["actor"]}
                if (after["changes"], after["actor"]) == (row["changes"], row["actor"]):
                    continue
                count += 1
                own = (audit.c.tenant_id == system.tenant.id, audit.c.id == row["id"])
                said = {"changes": after["changes"], "actor": after["actor"], "erased": self.erasing.mark(row, after)}
                system.connection.execute(audit.update().where(*own).values(**said))
            if len(rows) < CHUNK:
                return count
            last = rows[-1]["id"]

    def _masked(self, changes: Mapping[str, Any], names: set[str], known: Container[str] | None, only: set[str] | None) -> dict[str, Any]:
        """Personal fields without their values, those of custom fields that are no more, too; elsewhere without the words for the person."""
        return {
            name: [None if value is None else MASK for value in pair]
            if name in names or (known is not None and name.startswith(f"{PREFIX}.") and name not in known)
            else background.masked(pair, self.person)
            if only is None or name in only
            else pair
            for name, pair in changes.items()
        }
