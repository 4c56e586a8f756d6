"""Somebody leaves: the access ends at once, then the work passes to a successor, by the door and in batches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.audit import entries
from core.custom import cells
from core.custom.own import switched_off
from core.entities.rows import live_of
from core.identity import memberships, sessions
from core.identity.tables import User, token_secrets
from core.identity.tables import sessions as session_table
from core.policy.acting import require_in_person
from core.policy.hierarchy import roles_of_team
from core.policy.places import beyond
from sdk import Audience, Conflict, Draft, Entity, Invalid, NotFound, Outcome, Problem, Refusal, _, where
from sdk.changes import HAND_OVER
from sdk.columns import among
from sdk.context import Row, id_of
from sdk.fields import Field, LinkField

if TYPE_CHECKING:
    from core.context import Work

RIGHT = "core.user.leave"
PERSON = "core.user"
_CHUNK = 500
MOST_TOLD = 1_000
"""Refused records that a departure names; it counts them all."""
NAMED = "named"
"""Why a record is told of that did pass on, or is no work: a link of the tenant's own names who has left."""


@dataclass
class Departure:
    """What became of somebody's work: records by entity that passed on, and those that a plugin holds, with its reason."""

    person: UUID
    successor: UUID
    dry_run: bool
    tokens: int = 0
    moved: dict[str, int] = field(default_factory=dict)
    kept: list[dict[str, object]] = field(default_factory=list)
    kept_count: int = 0
    off: dict[str, int] = field(default_factory=dict)
    """Records of plugins and own entities that are off for the tenant: nobody sees them, and they stay as they are."""

    def shown(self) -> dict[str, object]:
        """As JSON."""
        counted = {name: [{"entity": entity, "records": count} for entity, count in found.items()]
                   for name, found in (("moved", self.moved), ("off", self.off))}  # fmt: skip
        return {"person": self.person, "successor": self.successor, "dry_run": self.dry_run, "tokens": self.tokens, **counted,
                "kept": self.kept, "kept_count": self.kept_count}  # fmt: skip


def leave(work: Work, person: UUID, successor: UUID, *, dry_run: bool = False) -> Departure:
    """Let a person leave and hand the work to a successor; again and again, until nothing is left.

    The access ends first and in a transaction of its own, then each batch of records has one, unless a transaction is open already.
    Raises NotFound for a person who is not there, Invalid for a successor who is not active, Conflict for who may do more than the actor.
    """
    done = Departure(person, successor, dry_run)
    with work.transaction(write=not dry_run):
        _check(work, person, successor)
        if not dry_run:
            require_in_person(work, PERSON, "delete", person)
        done.tokens = _end_access(work, done)
    system = work.as_system()
    for entity, fields in _handing(work):
        if not work.offers(entity.full_name):
            with work.transaction():
                if count := _count(work, entity, fields, person):
                    done.off[entity.full_name] = count
        elif dry_run:
            with work.transaction():
                if count := _count(work, entity, fields, person):
                    done.moved[entity.full_name] = count
        else:
            _hand_over(system, entity, fields, done)
    with work.transaction():
        _named_by_tenant(system, done)
    return done


def find_person(work: Work, word: str) -> UUID:
    """Who is meant by an id, a mail address or a name; raises NotFound, also where several bear the name."""
    users = work.as_system().records(PERSON)
    found: list[Row] = []
    try:
        found = list(users.values([UUID(word)]).values())
    except ValueError:
        found = users.find(where(email=word.lower()), 2) or users.find(where(name=word), 2)
    if len(found) != 1:
        raise NotFound(_("no single person matches {word!r}; enter an ID or email address"), word=word[:80])
    return id_of(found[0])


def _check(work: Work, person: UUID, successor: UUID) -> None:
    known = work.as_system().records(PERSON).values({person, successor})
    if person not in known:
        raise NotFound(_("{entity} {id} does not exist"), entity=PERSON, id=str(person))
    problem = None
    if successor == person:
        problem = Problem("successor", "same_person", _("expected someone other than the person who is leaving"))
    elif successor not in known or not known[successor]["active"]:
        problem = Problem("successor", "unknown_user", _("the new owner must be an active person"))
    if problem is not None:
        raise Invalid(_("some values are invalid"), problems=[problem])
    if work.grants.unlimited:
        return
    if successor == work.actor.user_id:  # what is handed over would widen what the actor sees
        raise Conflict(_("hand it over to someone else, or ask someone who can do everything"), code="beyond_own")
    for one in (person, successor):  # else a rule that passes on would run with rights that the actor cannot give
        roles, team = known[one]["roles"], known[one]["team"]
        of_team = roles_of_team(work.connection, work.tenant.id, team if isinstance(team, UUID) else None)
        for role in sorted(of_team.union(roles if isinstance(roles, list) else ())):
            if (permission := beyond(work, role)) is not None:
                raise Conflict(_("{name} has permissions you don’t have ({permission}): ask an administrator"), code="beyond_own",
                               name=str(known[one]["name"]), permission=permission)  # fmt: skip


def _end_access(work: Work, done: Departure) -> int:
    """No sign-in, no token, no session from here on. Returns how many tokens there were."""
    system = work.as_system()
    tokens = list[UUID]()
    while part := [id_of(row) for row in system.records("core.token").find(where(user=done.person), _CHUNK)]:
        tokens += part
        if done.dry_run:
            return len(tokens)
        mine = (token_secrets.c.tenant_id == work.tenant.id, among(token_secrets.c.token_id, part))
        work.connection.execute(token_secrets.delete().where(*mine))
        system.records("core.token").write_all([Draft("delete", {}, id) for id in part])
    if done.dry_run:
        return 0
    system.records(PERSON).update(done.person, {"active": False}, act=HAND_OVER)
    memberships.end(work.connection, work.tenant.id, done.person)
    # Those of who has no password here.
    sessions.end(work.connection, session_table.c.tenant_id == work.tenant.id, session_table.c.user_id == done.person)
    _step_up(system, done)
    entries.note(work, PERSON, done.person, "leave", {"successor": [None, str(done.successor)]})
    return len(tokens)


def _step_up(system: Work, done: Departure) -> None:
    """A successor who stands below who leaves takes that place: else the people in between would come to stand above themselves."""
    people = User.table()
    above, seen = done.successor, set[UUID]()
    managers: dict[UUID, UUID | None] = {}
    while above is not None and above not in seen:
        seen.add(above)
        query = sa.select(people.c.manager_id).where(people.c.tenant_id == system.tenant.id, people.c.id == above)
        managers[above] = system.connection.execute(query).scalar()
        if above == done.person:
            system.records(PERSON).update(done.successor, {"manager": managers[above]}, act=HAND_OVER)
            return
        above = managers[above]  # type: ignore[assignment]


def _handing(work: Work) -> Iterator[tuple[Entity, list[Field]]]:
    """The entities whose records pass on, with the fields that name the person: the owner first."""
    for entity in (*work.catalog.entities.values(), *switched_off(work)):
        owned = entity.owned and entity.hands_over and (not entity.private or bool(entity.audience))
        fields = [entity.fields["owner"]] if owned else []
        fields += [one for one in entity.fields.values() if one.hands_over]
        if fields:
            yield entity, fields


def _mine(work: Work, entity: Entity, fields: list[Field], person: UUID) -> list[sa.ColumnElement[bool]]:
    table = entity.record.table()
    named = (_names(table.c[field.attribute], field, person) for field in fields)
    # What is private stays, but for what others are shown: nobody but its owner could change it, or take it away.
    shown = [table.c[entity.fields[entity.audience].attribute] != Audience.NOBODY] if entity.private and entity.audience else []
    return [*live_of(entity, table, work.tenant.id), *shown, sa.or_(*named)]


def _names(column: sa.ColumnElement[Any], field: Field, person: UUID) -> sa.ColumnElement[bool]:
    return column == person if isinstance(field, LinkField) else sa.cast(column, sa.Text).contains(str(person))


def _count(work: Work, entity: Entity, fields: list[Field], person: UUID) -> int:
    table = entity.record.table()
    query = sa.select(sa.func.count()).select_from(table).where(*_mine(work, entity, fields, person))
    return int(work.connection.execute(query).scalar_one())


def _hand_over(system: Work, entity: Entity, fields: list[Field], done: Departure) -> None:
    """All records of one entity, in the order of their ids: one that is refused is passed by and told."""
    table, last = entity.record.table(), UUID(int=0)
    columns = [table.c.id, *(table.c[field.attribute] for field in fields)]
    query = sa.select(*columns).where(*_mine(system, entity, fields, done.person)).order_by(table.c.id).limit(_CHUNK)
    while True:
        with system.transaction(write=True):
            rows = system.connection.execute(query.where(table.c.id > last)).all()
            if rows:
                drafts = [_draft(row, fields, done) for row in rows]
                outcomes = system.records(entity.full_name).write(drafts)
                there = [draft for draft, outcome in zip(drafts, outcomes, strict=True) if _has_already(draft, outcome)]
                if there:  # the successor helps already: a second row would say the same
                    system.records(entity.full_name).write_all([Draft("delete", {}, draft.id, act=HAND_OVER) for draft in there])
                _tell(system, entity, drafts, outcomes, there, done)
        if len(rows) < _CHUNK:
            return
        last = rows[-1][0]


def _draft(row: Any, fields: list[Field], done: Departure) -> Draft:
    named = {field.name: _after(field, value, done) for field, value in zip(fields, row[1:], strict=True)}
    named = {field.name: named[field.name] for field, value in zip(fields, row[1:], strict=True) if named[field.name] != value}
    return Draft("update", named, row[0], act=HAND_OVER)


def _after(field: Field, value: Any, done: Departure) -> Any:
    """What stands in the field from now on: in a document the successor's id wherever the other's was."""
    if isinstance(field, LinkField):
        return done.successor if value == done.person else value
    return json.loads(json.dumps(value).replace(str(done.person), str(done.successor)))


def _named_by_tenant(work: Work, done: Departure) -> None:
    """Links that the tenant has added: whether they mean work nobody but a reader can tell."""
    for name, entity in work.catalog.entities.items():
        custom = work.shape(name).custom if work.offers(name) else {}
        table = entity.record.table()
        for link in custom.values():
            if not isinstance(link, LinkField) or link.target != PERSON:
                continue
            document = table.c[cells.COLUMN]
            named = (document.is_not(None), cells.columns(document, link)[0] == done.person)
            found = (*live_of(entity, table, work.tenant.id), *named)
            done.kept_count += work.connection.execute(sa.select(sa.func.count()).select_from(table).where(*found)).scalar_one()
            query = sa.select(table.c.id).where(*found).order_by(table.c.id).limit(MOST_TOLD - len(done.kept))
            reason = work.say(_("the field still names the person: change it if it says whose work this is"))
            done.kept += [
                {"entity": name, "id": id, "fields": [link.name], "code": NAMED, "reason": reason}
                for id in work.connection.execute(query).scalars()
            ]


def _has_already(draft: Draft, outcome: Outcome) -> bool:
    problems = outcome.refusal.problems if outcome.refusal is not None else ()
    return "owner" not in draft.values and bool(problems) and all(problem.code == "duplicate" for problem in problems)


def _tell(system: Work, entity: Entity, drafts: list[Draft], outcomes: list[Outcome], there: list[Draft], done: Departure) -> None:
    name, gone = entity.full_name, {draft.id for draft in there}
    if moved := sum(outcome.refusal is None or outcome.id in gone for outcome in outcomes):
        done.moved[name] = done.moved.get(name, 0) + moved
    for draft, outcome in zip(drafts, outcomes, strict=True):
        refusal = outcome.refusal
        if refusal is None or outcome.id in gone:
            continue
        done.kept_count += 1
        if len(done.kept) < MOST_TOLD:
            said = refusal.problems[0] if refusal.problems else refusal
            code = said.reason if isinstance(said, Refusal) else said.code
            told = {"entity": name, "id": draft.id, "fields": sorted(draft.values), "code": code}
            done.kept.append({**told, "reason": system.say(said.message, said.params)})
