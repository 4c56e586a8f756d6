"""Why a person may do something to a record or may not: the answer of the doors, with the rules that led to it.

The decision is what `Scopes` and `Reader` say, which is all that the doors ask; the rules only say which of the grants made it so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.identity.tables import WRITE, Share
from core.policy.acting import STOPS, is_for_the_person_alone, may_act_for
from core.policy.allowed import ACT_LATER
from core.policy.enforcer import EVERYTHING
from core.policy.grants import Grant, including
from core.policy.hierarchy import givers
from core.policy.places import check_people, check_teams
from core.policy.scopes import moving, on_parent
from core.policy.sharing import may_share
from core.policy.stored import check_grants, check_roles
from sdk import Batch, Change, Condition, Entity, Invalid, Problem, Scope, Text, Verb, _
from sdk.columns import among
from sdk.permissions import IMPLIED, MERGE, REASSIGN

if TYPE_CHECKING:
    from core.context import Work

REASONS: dict[str, Text] = {
    "granted": _("a permission allows it"),
    "plugin_off": _("the plugin is turned off for the company"),
    "not_offered": _("this can’t be done manually; the system or a step of its plugin does it"),
    "token": _("the token doesn’t allow it; its user may have more permissions"),
    "no_grant": _("none of the person’s roles allow it"),
    "no_such_field": _("this field does not exist"),
    "read_only": _("the field is set by the system"),
    "out_of_reach": _("there are permissions, but none of them covers the record"),
    "not_there": _("the record is in the recycle bin, or does not exist"),
    "not_seen": _("the person doesn’t have access to the record, or it does not exist"),
    "field_hidden": _("the permissions that cover the record don’t include the field"),
    "in_part": _("a permission allows it, except for the parts that tell of things the person doesn’t have access to"),
    "veiled": _("the field can tell of things that the person doesn’t have access to"),
    "no_reassign": _("the person may edit the record, but not give it to another owner"),
    "shared_only": _("the record is only shared with the person, who can’t move it or give it away"),
    "acts_for_other": _("the record acts with the permissions of its owner, who has some the person doesn’t have"),
    "beyond_own": _("without it somebody would have permissions that the person doesn’t have"),
    "last_administrator": _("no one else could do everything any more"),
    "in_person": _("while impersonating, nobody changes how that person comes in"),
    "impersonating": _("while impersonating, nothing can be created or changed that keeps acting for that person"),
}
"""What decided."""
_BEYOND_SHARES = (f".{Verb.CREATE}", f".{Verb.DELETE}", f".{REASSIGN}", f".{MERGE}")
"""What is never done by a share alone: the record is there already, and whoever shared it keeps it."""
_TAKEN_AWAY = {"core.grant": check_grants, "core.role": check_roles, "core.user": check_people, "core.team": check_teams}
"""What is asked where what rights are made of goes away: what stood in its place before may go further than who takes it away, and somebody who
may do everything stays."""


@dataclass(frozen=True)
class Rule:
    """A grant, where its role comes from, and what it does here: `reaches` and `includes` are None where nothing was asked of them."""

    role: str
    scope: Scope
    fields: frozenset[str] | None
    sources: tuple[str, ...] = ()
    """`user`, `baseline`, or `team:` with the team's name."""
    reaches: bool | None = None
    includes: bool | None = None
    share: UUID | None = None
    """The share without which it would not reach the record."""
    follows: tuple[str, ...] = ()
    """What one must be able to do with the record that this one hangs on, one of these (scope parent)."""

    @property
    def holds(self) -> bool:
        """Whether it would do by itself."""
        return self.reaches is not False and self.includes is not False


@dataclass(frozen=True)
class Explanation:
    """The decision, a word of `REASONS`, the rule that made it (None: none did) and all rules that were looked at."""

    allowed: bool
    reason: str
    rule: Rule | None = None
    rules: tuple[Rule, ...] = field(default=())


def explain(who: Work, permission: str, record: UUID | None = None, name: str = "") -> Explanation:
    """What rights say to the actor of `who` about a permission, on a record and a field of it where these are given.

    Without a record: whether there is any that it could be done to. Raises Invalid for what is no permission or cannot be asked of it.
    """
    if permission not in who.catalog.permissions:
        raise _wrong("action", "unknown_permission", _("permission {name!r} does not exist"), name=permission[:100])
    thing, _dot, verb = permission.rpartition(".")
    entity = who.catalog.entities.get(thing)
    if entity is None or verb not in set(Verb):
        if entity is not None and verb not in IMPLIED:
            entity = None
        if record is not None or name:
            raise _wrong("action", "no_fields", _("{name!r} is not a record permission and has no fields"), name=permission)
        with who.transaction():
            return _Question(who, None, permission, special=entity).of_any()
    if record is not None and verb == Verb.CREATE:
        raise _wrong("record", "not_there_yet", _("the record to be created doesn’t exist yet: leave the record out"))
    with who.transaction():
        question = _Question(who, entity, permission, name)
        return question.of_any() if record is None else question.of(record)


def _wrong(field: str, code: str, message: Text, **params: object) -> Invalid:
    return Invalid(_("some values are invalid"), problems=[Problem(field, code, message, params)])


class _Question:
    def __init__(self, who: Work, entity: Entity | None, permission: str, name: str = "", *, special: Entity | None = None) -> None:
        """`special`: of whose records the permission is a special right."""
        self.who, self.entity, self.permission, self.name = who, entity, permission, name
        word = permission.rpartition(".")[2]
        self.verb = Verb(word) if entity is not None else Verb.READ
        if special is not None:
            self.grants = who.scopes.special(special, word)
        else:
            self.grants = who.grants.of(permission) if entity is None else who.scopes.grants_of(entity, self.verb)

    def of_any(self) -> Explanation:
        """Whether rights leave anything to be done."""
        if (refused := self._before_grants()) is not None:
            return Explanation(False, refused, None, self._rules())
        rules = self._rules()
        able = [rule for rule in rules if rule.holds and not (rule.scope is Scope.SHARED and self.permission.endswith(_BEYOND_SHARES))]
        if not able:
            return Explanation(False, "field_hidden" if self.name else "out_of_reach", None, rules)
        return Explanation(True, "granted", able[0], rules)

    def of(self, id: UUID) -> Explanation:
        """What the door would say."""
        assert self.entity is not None, "only verbs on records are asked about one"
        if (refused := self._before_grants()) is not None:
            return Explanation(False, refused, None, self._rules())
        reader = self.who.reader(self.entity)
        if id not in reader.seen([id]):  # as the doors, it tells nobody whether there is a record that he does not see
            there = id in reader.reached_by(Verb.READ, [id])
            unseen = "out_of_reach" if self.verb is Verb.READ else "not_seen"
            return Explanation(False, "not_there" if there else unseen, None, self._rules(id if self.verb is Verb.READ else None))
        rules = self._rules(id)
        if id not in reader.reached_by(self.verb, [id]):
            return Explanation(False, "out_of_reach", None, rules)
        if self.name and id not in reader.reached_by(self.verb, [id], self._including(self.grants)):
            return Explanation(False, "field_hidden", None, rules)
        barred = self._beside_grants(self.entity, id)
        if barred is not None and barred != "in_part":
            return Explanation(False, barred, None, rules)
        return Explanation(True, barred or "granted", next(rule for rule in rules if rule.holds), rules)

    def _beside_grants(self, entity: Entity, id: UUID) -> str | None:
        """What the doors ask beside the grants of the verb: veils, what it is to move a record, and what acts for somebody else."""
        reader = self.who.reader(entity)
        if self.verb is Verb.READ:
            return reader.veils(id, self.name) or None
        if self.who.grants.everything:
            return None
        if is_for_the_person_alone(self.who, entity.full_name, self.verb, id, (self.name,)):
            return "in_person"
        if entity.record is Share and not may_share(self.who, self._stored(entity, id)["record"]):
            return "shared_only"
        if self.verb is Verb.DELETE and (check := _TAKEN_AWAY.get(entity.full_name)) is not None:
            change = Change(id, self.verb.value, self._stored(entity, id), {})
            check(self.who, Batch(entity.full_name, [change]))
            return None if change.conflict is None else change.conflict[0]
        if self.verb is not Verb.UPDATE:
            return None
        handed = (*moving(entity), *([entity.sharing.field] if entity.sharing is not None else []))
        if (
            self.name in handed
            and self.who.grants.shared
            and not self.who.unshared().reader(entity).reached_by(self.verb, [id], self._including(self.grants))
        ):
            return "shared_only"
        if self.name == "owner" and not self.who.unshared().reader(entity).reached_by(
            self.verb, [id], self.who.scopes.special(entity, REASSIGN)
        ):
            return "no_reassign"
        if entity.acts_later and entity.owned and entity.record is not Share and self.name not in STOPS | {"owner"}:  # one may take it over
            return None if may_act_for(self.who, entity, self._stored(entity, id)["owner"]) else "acts_for_other"
        return None

    def _stored(self, entity: Entity, id: UUID) -> dict[str, Any]:
        """The record as it is, whatever of it is seen."""
        (row,) = self.who.as_system().reader(entity).find((Condition("id", "eq", (id,)),), 1)
        return row

    def _including(self, grants: tuple[Grant, ...]) -> tuple[Grant, ...]:
        """Those that hold for the field, and to be read for all that a formula is made from."""
        assert self.entity is not None, "fields are those of records"
        needed = self.who.shape(self.entity.full_name).needs(self.name) if self.verb is Verb.READ else (self.name,)
        for name in needed:
            grants = including(grants, name)
        return grants

    def _before_grants(self) -> str | None:
        """What settles it whatever the record."""
        catalog, entity = self.who.catalog, self.entity
        if catalog.owner_of(self.permission) not in self.who.enabled:
            return "plugin_off"
        if not self.grants:
            return "no_grant" if self.who.grants.admits(self.permission) else "token"
        if entity is None:
            return None
        if self.verb not in entity.verbs | {Verb.READ} and not self.who.grants.everything:
            return "not_offered"
        if entity.acts_later and self.verb in (Verb.CREATE, Verb.UPDATE):
            if not self.who.grants.admits(ACT_LATER):
                return "token"
            if self.who.impersonator is not None and not self.who.grants.everything:
                return "impersonating"
        if self.name:
            found = self.who.shape(entity.full_name).fields.get(self.name)
            if found is None:
                return "no_such_field"
            if found.readonly and self.verb is not Verb.READ:
                return "read_only"
            one = self.who.shape(entity.full_name).formulas.get(self.name)
            if one is not None and not one.seen(self.who.scopes):
                return "field_hidden"
        return None

    # --- the rules -----------------------------------------------------------------------------------------------

    def _rules(self, id: UUID | None = None) -> tuple[Rule, ...]:
        who = self.who
        sources = givers(who.connection, who.tenant.id, who.grants.user) if who.grants.user is not None else {}
        return tuple(self._with(rule, sources, id) for rule in map(self._rule, self._named()))

    def _named(self) -> tuple[Grant, ...]:
        """The grants; those of who may do everything with the role that says so."""
        everything = self.who.grants.table.get(EVERYTHING, ())
        return tuple(replace(self.grants[0], role=grant.role) for grant in everything) if everything and self.grants else self.grants

    def _rule(self, grant: Grant) -> Rule:
        follows: tuple[str, ...] = ()
        if grant.scope is Scope.PARENT and self.entity is not None:
            verbs = on_parent(self.entity, self.verb)
            follows = tuple(f"{parent.full_name}.{verb}" for parent in self.who.scopes.parents(self.entity) for verb in verbs)
        includes = bool(self._including((grant,))) if self.name else None
        return Rule(grant.role, grant.scope, grant.fields, includes=includes, follows=follows)

    def _with(self, rule: Rule, sources: dict[str, tuple[str, ...]], id: UUID | None) -> Rule:
        rule = replace(rule, sources=sources.get(rule.role, ()))
        if id is None or self.entity is None:
            return rule
        alone = (Grant(rule.scope, rule.fields, rule.role),)
        reaches = id in self.who.reader(self.entity).reached_by(self.verb, [id], alone)
        rule = replace(rule, reaches=reaches)
        if reaches and id not in self.who.unshared().reader(self.entity).reached_by(self.verb, [id], alone):
            return replace(rule, share=self._share(id))
        return rule

    def _share(self, id: UUID) -> UUID | None:
        share, who = Share.table(), self.who
        query = sa.select(share.c.id).where(
            share.c.tenant_id == who.tenant.id, share.c.user_id == who.grants.user, share.c.deleted_at.is_(None), among(share.c.record, [id]),
            sa.or_(share.c.expires_at.is_(None), share.c.expires_at > who.now()), share.c.access == WRITE if self.verb is not Verb.READ else sa.true(),
        )  # fmt: skip
        found: UUID | None = who.connection.execute(query.limit(1)).scalar()
        return found
