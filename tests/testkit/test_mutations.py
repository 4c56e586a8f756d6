"""Take out the checks of the doors one by one: the leak kit fails each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partialmethod
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

import core.custom.roll_up
import core.entities.aggregate
import core.entities.blocks
import core.entities.checks
import core.entities.conditions
import core.entities.history
import core.entities.links
import core.entities.nearest
import core.entities.pages
import core.entities.past
import core.entities.read
import core.entities.rows
import core.entities.timeline
import core.entities.write
import core.http.collections
import core.http.health
import core.http.openapi.document
import core.policy.explain
import core.policy.scopes
from core.custom.formula import Beyond, Formula
from core.entities.aggregate import Aggregation
from core.entities.conditions import Conditions
from core.entities.read import Reader
from core.entities.records import EntityRecords
from core.entities.rows import live_of, mention
from core.entities.shape import Shape, Source
from core.entities.write import _PART_OF_GONE, _VERBS, Writer
from core.identity.tables import Share, User
from core.policy.grants import Grant
from core.policy.scopes import Scopes
from core.testkit.leaks.asker import Asker
from core.testkit.leaks.custom import CASE, STEP
from core.testkit.leaks.kit import Kit, compare
from core.testkit.leaks.questions import Question
from core.testkit.leaks.rereading import rereading
from core.testkit.leaks.rights import type_rights
from core.testkit.leaks.world import World
from sdk import Scope, Verb
from tests.testkit.first_leak import first_leak, type_twins

_across, _include, _exists = Aggregation._across, Reader.include, Scopes._exists
_shape_field = core.entities.aggregate.shape_field
_ALL = (Grant(Scope.ALL),)


def _everybodys_grants(grants: Any, name: str) -> Any:
    return tuple(grants)


def _any_field(shape: Any, name: str, known: object) -> Any:
    return shape.fields[name]


def _across_all(self: Any, source: Any, link: Any, reader: Any, name: str) -> Any:
    return _across(self, source, link, reader.work.as_system().reader(reader.entity), name)


def _across_the_bin(self: Any, source: Any, link: Any, reader: Any, name: str) -> Any:
    found = _across(self, source, link, reader, name)
    table, on = self._joins[-1]
    self._joins[-1] = (table, sa.and_(*(part for part in on.clauses if "deleted_at" not in str(part))))
    return found


def _include_all(self: Any, data: Any, include: Any, visible: Any) -> None:
    _include(Reader(self.work.as_system(), self.shape), data, include, visible)


def _there(self: Any, target: Any, id: Any, grants: Any, verb: Any) -> Any:
    return _exists(self, target, id, _ALL, verb)


def _live_alone(self: Any, source: Any, names: Any = (), scopes: Any = None, *, deleted: bool = False) -> Any:
    return source.deleted() if deleted else source.live()


def _not_by_field(self: Any, source: Any, names: Any = (), scopes: Any = None, *, deleted: bool = False) -> Any:
    clause = (scopes or self.scopes).clause(self.entity, source.table, self.grants, "read")
    return [*(source.deleted() if deleted else source.live()), *([] if clause is None else [clause])]


def _computed_over_all(self: Any, record: Any, columns: Any) -> Any:
    table = record.table()
    return [table.c.tenant_id == self.tenant, table.c.deleted_at.is_(None)]


def _whole_entry(found: Any, row: Any) -> Any:
    return {str(name): value for name, value in found.items() if name != "id"}


def _in_the_bin(self: Any) -> Any:
    return [self.table.c.tenant_id == self.tenant]


def _nobodys_and_all(self: Any, entity: Any, table: Any, verb: Any) -> Any:
    return sa.true()


def _everybody(tenant: Any, user: Any) -> Any:
    person = User.table().alias()
    return sa.select(person.c.id).where(person.c.tenant_id == tenant)


def _shared_with_anybody(self: Any, entity: Any, table: Any, verb: Any) -> Any:
    share = Share.table().alias()
    mine = (share.c.tenant_id == self.tenant, share.c.deleted_at.is_(None), share.c.record_entity == entity.full_name)
    return table.c.id.in_(sa.select(share.c.record).where(*mine))


def _shared_for_ever(self: Any, entity: Any, table: Any, verb: Any) -> Any:
    share = Share.table().alias()
    mine = (share.c.tenant_id == self.tenant, share.c.deleted_at.is_(None), share.c.user_id == self._user)
    return table.c.id.in_(sa.select(share.c.record).where(*mine, share.c.record_entity == entity.full_name))


def _there_are(work: Any, target: Any, ids: Any) -> Any:
    table = target.record.table()
    live = (table.c.tenant_id == work.tenant.id, table.c.deleted_at.is_(None), table.c.id.in_(list(ids)))
    return set(work.connection.execute(sa.select(table.c.id).where(*live)).scalars())


def _anybodys_verbs(self: Any, items: Any) -> Any:
    return {item.draft.verb: self.work.scopes.grants_of(self.entity, _VERBS[item.draft.verb]) for item in items}


_before, _shares = Writer.before, Scopes._shares


def _never_in_the_bin(self: Any, ids: Any, *, going: bool = False) -> Any:
    return {id: {**row, "deleted_at": None, _PART_OF_GONE: False} for id, row in _before(self, ids, going=going).items()}


def _read_is_write(self: Any, entity: Any, verb: Any) -> Any:
    return _shares(self, entity, Verb.READ)


def _taken_back_or_not(self: Any, entity: Any, verb: Any) -> Any:
    share = Share.table().alias()
    mine = (share.c.tenant_id == self._tenant, share.c.user_id == self._user, share.c.record_entity == entity.full_name)
    return sa.select(share.c.record).where(*mine, sa.or_(share.c.expires_at.is_(None), share.c.expires_at > self._clock()))


def _alive(work: Any, target: Any, table: Any, grants: Any) -> Any:
    return live_of(target, table, work.tenant.id)


type_part = tuple[str, object, str, Any]
CHECKS: dict[str, type_part] = {
    "the fields that are visible": ("openapi", Reader, "visible", lambda self: dict(self.shape.fields) if self.grants else {}),
    "the rows that are visible": ("list", Reader, "reach", _live_alone),
    "the rows on which a field is visible": ("filter sort", Reader, "reach", _not_by_field),
    "the grants that show a field": ("list", Reader, "including", lambda self, name: self.grants),
    "the hiding of fields on some rows": ("list", Reader, "_hide", lambda self, data, names: None),
    "what is searched": (
        "search",
        Reader,
        "searched",
        lambda self, visible: [name for name, field in self.shape.fields.items() if field.search],
    ),
    "what is visible everywhere": ("search", Reader, "everywhere", lambda self, name: True),
    "the reader of included records": ("include", Reader, "include", _include_all),
    "unknown fields of filters": ("filter", core.entities.conditions, "shape_field", _any_field),
    "unknown fields of orders": ("sort", core.entities.pages, "shape_field", _any_field),
    "unknown fields by name": ("fields", core.entities.read, "shape_field", _any_field),
    "the scope of grants": ("list", Scopes, "clause", lambda self, entity, table, grants, verb: None),
    "the scope of each grant": ("list", Scopes, "_one", lambda self, entity, table, scope, verb: sa.true()),
    "the scope of the parent": ("list", Scopes, "_parent", _nobodys_and_all),
    "the scope within the parent": ("list", Scopes, "_exists", _there),
    "the territory": ("list", Scopes, "_in_territory", lambda self, entity, table: sa.true()),
    "who reports to whom": ("list", core.policy.scopes, "subordinates", _everybody),
    "with whom a record is shared": ("list", Scopes, "_shared", _shared_with_anybody),
    "until when a record is shared": ("list", Scopes, "_shared", _shared_for_ever),
    "the grants of an entity": ("list", Scopes, "grants_of", lambda self, entity, verb: _ALL),
    "the kind of records that share a table": ("list", core.entities.rows, "kind_of", lambda entity: None),
    "the recycle bin": ("list", Source, "live", _in_the_bin),
    "what a computed field looks at": ("list", Source, "reach", _computed_over_all),
    "the rights beyond a link": ("report", Aggregation, "_across", _across_all),
    "the recycle bin beyond a link": ("report", Aggregation, "_across", _across_the_bin),
    "what a formula is made from": ("list", Shape, "needs", lambda self, name: frozenset((name,))),
    "the rights beyond the link of a formula": ("list", Beyond, "_grants", lambda self, scopes: _ALL),
    "names in filters": ("filter", core.entities.conditions, "including", _everybodys_grants),
    "names in writes": ("batch", core.entities.links, "including", _everybodys_grants),
    "links to what is seen": ("batch", core.entities.links, "_visible", _there_are),
    "unknown fields of writes": ("trespass", core.entities.checks, "_writable", lambda grants, name: True),
    "fields that may be written": ("trespass", core.entities.checks, "including", _everybodys_grants),
    "fields that may be written on some rows": ("trespass", core.entities.write, "check_fields", lambda *_args: None),
    "owners whom one may give to": ("trespass", core.entities.write, "check_owner", lambda *_args: None),
    "records that may be written": ("trespass", Writer, "_reached", lambda self, verb, rows: set(rows)),
    "what a guess changes": ("write", Writer, "_has_changes", lambda self, item: _is_changed(item)),
    "the history of fields": ("history", core.entities.history, "_entry", _whole_entry),
    "the entities that are told of": ("meta", core.http.health, "may", lambda work, entity, verb: True),
}


def _declared_field(shape: Any, name: str, known: object) -> Any:
    return _shape_field(shape, name, None)


def _beyond(self: Any, link: str, columns: Any, *, link_seen: bool = True, live: bool = True, fields_seen: bool = True) -> Any:
    """`Source.beyond` with a part of what it asks."""
    field = self.shape.fields[link]
    target = self.shape.target(field)
    there = mention(target.record.table(), core.policy.scopes.looked_at(target, columns))
    mine = [there.c.tenant_id == self.tenant, there.c.id == self.table.c[field.attribute]]
    mine += self._seen(self.shape.entity, self.table, {link}) if link_seen else []
    mine += self.scopes.live(target, there) if live else []
    mine += self._seen(target, there, {name for name, one in target.fields.items() if {*columns} & {*one.columns()}}) if fields_seen else []
    return there, mine


def _by_rows_alone(self: Any, entity: Any, table: Any, names: Any) -> Any:
    clause = self.scopes.clause(entity, table, self.scopes.grants_of(entity, "read"), "read")
    return [] if clause is None else [clause]


def _beyond_all(self: Any, form: Any, inner: Any, take: Any) -> Any:
    reader = self._readers(self._source.shape.target(self._source.shape.fields[form.field]))
    source = Source(reader.shape, self._scopes, reader.shape.table.alias())
    holds = Conditions(source, self._scopes, self._readers).made(inner, take)
    ids = sa.select(source.table.c.id).select_from(source.joined()).where(*source.live(), holds)
    column = self._source.columns(form.field)[0]
    return sa.or_(column.not_in(ids), column.is_(None)) if form.kind == "without" else column.in_(ids)


def _as_the_system(call: Callable[..., Any]) -> Callable[..., Any]:
    """A part of a timeline, made for who may do everything."""

    def made(first: Any, *more: Any) -> Any:
        return call(Reader(first.work.as_system(), first.shape) if isinstance(first, Reader) else first.as_system(), *more)

    return made


_reach = Reader.reach


def _all_of_the_bin(self: Any, source: Any, names: Any = (), scopes: Any = None, *, deleted: bool = False) -> Any:
    return source.deleted() if deleted else _reach(self, source, names, scopes)


def _knows_all(work: Any, shape: Any, names: Any, items: Any) -> Any:
    return lambda _item: True


def _titled_for_all(self: Any, source: Any, field: Any) -> Any:
    reader = self.reader.work.as_system().reader(source.shape.target(field))
    return core.entities.read.title_column(reader.entity, self._across(source, field, reader, reader.entity.title).table)


def _near_to_all(self: Any, which: Any) -> Any:
    return sa.select(self._title).where(*self._work.scopes.live(self._target, self._target.record.table()), which)


def _taken_apart(reader: Any, rows: Any, names: Any) -> Any:
    return core.entities.blocks._taken_apart(rows, [reader.shape.fields[name] for name in names])


CHECKS |= {
    "rows that are not shown as they are": ("list", Reader, "plain", lambda self: True),
    "rows with other fields than others": ("list", Reader, "uniform", lambda self: True),
    "what is part of something deleted": ("list", Scopes, "whole", lambda self, entity, table: None),
    "what is private": ("list", core.policy.scopes, "replace", lambda grant, **_scope: grant),
    "to whom its owner shows it": ("list", Scopes, "_opened", lambda self, entity, table: sa.true()),
    "the fields that a computed field looks at": ("list", Source, "_seen", _by_rows_alone),
    "the sides that a computed field looks at": ("list", Source, "_beside", lambda self, record, columns: []),
    "the link that a computed field follows": ("list", Source, "beyond", partialmethod(_beyond, link_seen=False)),
    "the rights beyond the link of a computed field": ("list", Source, "beyond", partialmethod(_beyond, fields_seen=False)),
    "the recycle bin beyond the link of a computed field": ("list", Source, "beyond", partialmethod(_beyond, live=False)),
    "the rights beyond the link of a filter": ("filter", Conditions, "_beyond", _beyond_all),
    "unknown fields of reports": ("report", core.entities.aggregate, "shape_field", _declared_field),
    "titles of groups": ("report", Aggregation, "_title", _titled_for_all),
    "columns of files": ("export", core.entities.blocks, "_columns", _taken_apart),
    "entries of timelines": ("timeline", core.entities.timeline, "_leg", _as_the_system(core.entities.timeline._leg)),
    "what belongs on a timeline": ("timeline", core.entities.timeline, "_belonging", _as_the_system(core.entities.timeline._belonging)),
    "titles of entries": ("timeline", core.entities.timeline, "_titles", _as_the_system(core.entities.timeline._titles)),
    "names that are near": ("batch", core.entities.nearest.Nearest, "_select", _near_to_all),
    "changes of fields that are hidden on a row": ("past", core.entities.past, "_hidden", lambda work, entity, ids: {}),
    "changes of nothing but what is hidden": ("past", core.entities.past, "_tells", lambda one, entity: True),
    "the rows that are visible in the recycle bin": ("bin", Reader, "reach", _all_of_the_bin),
    "whether a condition may tell what it reads": ("lacking", core.entities.checks, "_knowing", _knows_all),
    "the fields of what became part of a record": (
        "absorbed",
        core.entities.history,
        "_shown_on",
        lambda reader, parts, names: {id: {*names} for id in parts},
    ),
    "the right to give away": ("trespass", core.entities.write, "check_reassign", lambda *_args: None),
    "the fields that are explained": ("explain", core.policy.explain._Question, "_including", lambda self, grants: grants),
}


CHECKS |= {
    "the team": ("list", Scopes, "_team_members", lambda self: _everybody(self._tenant, self._user)),
    "shares that were taken back": ("list", Scopes, "_shares", _taken_back_or_not),
    "shares that are to read alone": ("trespass", Scopes, "_shares", _read_is_write),
    "the fields that are asked by": ("filter sort report", Reader, "asked", lambda self: dict(self.shape.fields)),
    "the rows on which a field is summed": ("report", Reader, "reach", _not_by_field),
    "the rows on which a timeline sees its moment and its title": ("timeline", Reader, "reach", _not_by_field),
    "the entities that are described": ("openapi", core.http.openapi.document, "may", lambda work, entity, verb: True),
    "the rows whose past is told": ("past", EntityRecords, "reached", lambda self, ids, verb=None, field="": {*ids}),
    "the record whose timeline is asked for": ("timeline", Reader, "one", lambda *_asked, **_how: {}),
    "names in files": ("export", core.entities.links, "_reach", _alive),
    "the fields that a roll-up looks at": ("list", core.custom.roll_up, "including", _everybodys_grants),
    "the verbs that one has": ("trespass", Writer, "_permit", _anybodys_verbs),
    "what is in the recycle bin and written": ("trespass", Writer, "before", _never_in_the_bin),
}


def _is_changed(item: Any) -> bool:
    if item.draft.verb == "update":
        item.values = {name: value for name, value in item.values.items() if value != (item.before or {}).get(name)}
        item.changed = bool(item.values)
    return bool(item.changed)


@pytest.mark.feature("B6")
def test_the_small_world_does_not_leak(small_kit: Kit, small_twins: type_twins) -> None:
    assert first_leak(small_kit, small_twins) is None


@pytest.mark.feature("B6")
def test_an_answer_out_of_what_is_kept_of_a_tenant_is_asked_of_both(small_twins: type_twins) -> None:
    one, other, _oracle = small_twins

    def told(world: World) -> bytes:
        with (work := world.user()).transaction():
            names = work.common("names", lambda: [str(row["name"]) for row in work.as_system().records("probe.thing").find(())])
        return "".join(names).encode()

    with rereading(one, other) as answers:
        for _again in range(2):
            assert len({*answers(Question("route", "probe.thing", "names", told), one, other)}) == 2


@pytest.mark.feature("B6")
def test_what_the_second_world_alone_has_written_is_read_again(small_twins: type_twins) -> None:
    """What was alike before is so no more: an answer that rests on it is asked of both."""
    one, other, _oracle = small_twins
    users = one.shapes["core.user"].table

    def of_me(world: World) -> Any:
        return (users.c.tenant_id == world.tenant, users.c.id == world.cast.me)

    def name(world: World) -> bytes:
        with (work := world.user()).transaction():
            return str(work.connection.execute(sa.select(users.c.name).where(*of_me(world))).scalar_one()).encode()

    def calls(world: World, name: str) -> None:
        with world.begin() as connection:
            connection.execute(users.update().where(*of_me(world)).values(name=name))

    def writes_there_alone(world: World) -> bytes:
        with (work := world.user()).transaction():
            names = [str(row["name"]) for row in work.as_system().records("probe.thing").find(())]
        if world is other:
            calls(world, "other")
        return "".join(names).encode()

    with rereading(one, other) as answers:
        asked = [Question("route", "core.user", "", ask) for ask in (name, writes_there_alone, name)]
        try:
            assert [len({*answers(question, one, other)}) for question in asked] == [1, 2, 2]
        finally:
            calls(other, name(one).decode())


@pytest.mark.feature("B5")
@pytest.mark.feature("B6")
@pytest.mark.parametrize("check", CHECKS)
def test_the_kit_fails_without(check: str, small_kit: Kit, small_twins: type_twins, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kinds of questions that find it soonest are asked alone: where a part of the kit fails, the kit does."""
    kinds, *part = CHECKS[check]
    monkeypatch.setattr(*part)
    assert first_leak(small_kit, small_twins, kinds) is not None


CONTACTS: type_rights = {
    "customers.account.read": (Grant(Scope.ALL, frozenset({"name"})),),
    "customers.contact.read": (Grant(Scope.ALL, frozenset({"name"})), Grant(Scope.OWN)),
    "customers.invitation.read": (Grant(Scope.ALL, frozenset({"survey", "contact", "answered_at"})),),
    "customers.survey.read": (Grant(Scope.ALL),),
}
DIARIES: type_rights = {"probe_more.diary.read": (Grant(Scope.ALL),)}
UNSEALED: type_rights = {**DIARIES, "probe_more.diary.unseal": (Grant(Scope.ALL),)}
PARTS: type_rights = {"probe.thing.read": (Grant(Scope.ALL),), "probe.part.read": (Grant(Scope.NONE),)}
STEPS: type_rights = {f"{CASE}.read": (Grant(Scope.ALL, frozenset({"name"})),), f"{STEP}.read": (Grant(Scope.ALL),)}
OTHERS: dict[str, tuple[type_rights, str, str, object, str, Any]] = {
    "the rights of what carries to a timeline": (
        CONTACTS, "customers.account", "timeline", core.entities.timeline, "_carriers", _as_the_system(core.entities.timeline._carriers),
    ),
    "what a veil takes": (DIARIES, "probe_more.diary", "explain", Reader, "veils", lambda self, one, name: ""),
    "what a veil leaves": (UNSEALED, "probe_more.diary", "explain", Reader, "veils", lambda self, one, name: "veiled"),
    "what a veil leaves a part of": (DIARIES, "probe_more.diary", "explain", Reader, "veils", lambda self, one, name: "veiled"),
    "a veil that is missed": (DIARIES, "probe_more.diary", "explain", Reader, "_veil", lambda self, rows: None),
    "that a role has none of a part": (PARTS, "probe.part", "list", Scopes, "_following", lambda self, entity, verb: {"anybody"}),
    "whether what a formula reads elsewhere is seen at all": (STEPS, STEP, "list", Formula, "seen", lambda self, scopes: True),
}  # fmt: skip
"""Checks for which a person of other rights is asked: such as who sees of a contact whose account is hidden nothing on the account."""


@pytest.mark.feature("B6")
@pytest.mark.parametrize("check", OTHERS)
def test_the_kit_fails_for_another_person_without(check: str, small_kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    rights, entity, kind, *part = OTHERS[check]
    with small_kit.twins(lambda _world: rights) as (one, other, oracle, _changed):
        asked = [question for question in Asker(one, oracle, entity, Random(1), deep=True).all() if question.kind == kind]
        assert not any(compare(question, one, other) for question in asked)
        monkeypatch.setattr(*part)
        one.platform._shapes.clear()
        assert any(compare(question, one, other) for question in asked)
