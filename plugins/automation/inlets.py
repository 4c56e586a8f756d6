"""Inlets: a system outside sends JSON to a secret address, and a record is made of it, or a rule begins."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from plugins.automation.actions import values_problems
from plugins.automation.matching import RUN, by_hand
from plugins.automation.revisions import RULE
from plugins.automation.rule import rule_of
from plugins.automation.rules import DELEGATE, stops
from plugins.automation.triggers import INLET
from sdk import Batch, Change, Channel, Conflict, Context, Invalid, NotFound, Notice, Problem, TooMany, _, where
from sdk.context import Row, id_of
from sdk.fields import FlawError, Reference
from sdk.fields.identity import IdField
from sdk.links import digest_of, new_token

NAME = "automation.inlet"
MOST, WINDOW = 60, 60.0
"""Messages in so many seconds, for each inlet and process."""
LONGEST = 8
"""So many runs of rules make a chain, within the house or through the outside."""
_SLOT = re.compile(r"\{\{\s*([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)\s*\}\}")
_counts: dict[UUID, tuple[float, int]] = {}
_counting = threading.Lock()


def prepare(ctx: Context, batch: Batch) -> None:
    """An inlet makes records of an entity, or begins a rule, and what it sets is there."""
    for change in batch.standing():
        if not stops(change):
            _check(ctx, change)


def _check(ctx: Context, change: Change) -> None:
    entity, rule, mapping = change.after("entity"), change.after("rule"), change.after("mapping") or {}
    who = change.after("owner")
    if (entity is None) == (rule is None):
        change.refuse("entity", "required", _("enter either an entity whose records are created, or a rule that starts"))
        return
    if who != ctx.actor.user_id and ctx.actor.user_id is not None and who is None and not ctx.can(DELEGATE):
        change.refuse("owner", "delegate_forbidden", _("this inlet acts as the system; ask an administrator"))
        return
    try:
        actor = ctx.as_user(who) if isinstance(who, UUID) and who != ctx.actor.user_id else ctx
    except NotFound:
        change.refuse("owner", "unknown_user", _("the owner is not active"))
        return
    if rule is not None:
        _check_rule(actor, change, rule, cast("Mapping[str, object]", mapping))
    elif str(entity).partition(".")[0] == "automation" or not actor.offers(str(entity)) or not actor.can(f"{entity}.create"):
        change.refuse("entity", "unknown_entity", _("entity {entity!r} does not exist here or can’t be created"), entity=str(entity)[:100])
    else:
        change.problems += values_problems(actor, str(entity), cast("Mapping[str, object]", mapping), "mapping")


def _check_rule(actor: Context, change: Change, rule: object, mapping: Mapping[str, object]) -> None:
    row = actor.records(RULE).values([rule]).get(rule) if isinstance(rule, UUID) else None
    if row is None or row["trigger"] != INLET:
        change.refuse("rule", "unknown_rule", _("expected a rule whose trigger is {trigger}"), trigger=INLET)
    elif set(mapping) != {"id"} or not isinstance(mapping["id"], str):
        change.refuse("mapping", "required", _('say where to find the record’s ID: {{"id": "{{{{ deal.id }}}}"}}'))


def new_address(ctx: Context, id: UUID) -> Mapping[str, object]:
    """Another secret address from now on; it is shown here and never again."""
    token = new_token(ctx)
    ctx.records(NAME).update(id, {"secret_hash": digest_of(token)}, act="rotate")
    return {"address": f"/api/v1/automation/hooks/{token}"}


def take(ctx: Context, token: str, body: Mapping[str, Any], chain: int = 0) -> Mapping[str, object]:
    """What a system outside has sent; raises NotFound for an address that is none, whatever is wrong with it. What `chain` runs of rules led to
    counts on from there."""
    row = _at_address(ctx, token)
    _count(id_of(row))
    owner = row["owner"]
    try:
        actor = (ctx.as_user(owner) if isinstance(owner, UUID) else ctx.as_system()).over(Channel.RULE)
    except NotFound as failure:  # has left: who sends does not learn of it
        raise NotFound(_("there is nothing at this address")) from failure
    name = f"{row['name']} ({row['id']})"  # as rules are called: a word alone may mean something to who asks why
    causes = (name,) * chain
    values = {name: _filled(value, body) for name, value in cast("Mapping[str, object]", row["mapping"] or {}).items()}
    if row["rule"] is None:
        made = actor.because(*causes, name).records(str(row["entity"])).create(values)
        return {"taken": True, "id": id_of(made)}
    found = actor.records(RULE).values([cast("UUID", row["rule"])]).get(cast("UUID", row["rule"]))
    if found is None or not found["active"]:
        raise NotFound(_("there is nothing at this address"))
    return {"taken": bool(_begin(ctx.as_system(), actor, rule_of(found), values, causes)), "id": None}


def keep_apart(ctx: Context, token: str, chain: int) -> None:
    """Outside of any transaction: refuse what goes in a circle through the outside, and tell the inlet's owner. Raises Conflict."""
    if chain < LONGEST:
        return
    with ctx.transaction(write=True):
        row = _at_address(ctx, token)
        if isinstance(owner := row["owner"], UUID):
            title = _("Messages to the inlet {name} go in a circle")
            body = _("{count} runs of rules led to the last one, which was refused.")
            params = {"name": str(row["name"]), "count": chain}
            ctx.as_system().notify([Notice(owner, "automation.stopped", title, body, params, Reference(NAME, id_of(row)))])
    raise Conflict(
        _("stopped: {count} runs of rules led to this message; they begin each other in a circle"), code="rules_loop", count=chain
    )


def _at_address(ctx: Context, token: str) -> Row:
    there = ctx.as_system().records(NAME).find(where(secret_hash=digest_of(token), active=True), 1)
    if not there:
        raise NotFound(_("there is nothing at this address"))
    return there[0]


def _begin(ctx: Context, actor: Context, rule: Any, values: Mapping[str, object], causes: Sequence[str]) -> list[UUID]:
    try:
        id = IdField(label=_("ID")).check(values.get("id"))
    except FlawError as flaw:
        raise Invalid(_("some values are invalid"), problems=[Problem("id", flaw.code, flaw.message, flaw.params)]) from flaw
    if not actor.records(rule.entity).values([cast("UUID", id)]):
        raise Invalid(_("some values are invalid"), problems=[Problem("id", "unknown_record", _("this record does not exist"))])
    return by_hand(ctx, rule, [cast("UUID", id)], INLET, f"{RUN}:{secrets.token_hex(8)}", causes)


def _filled(value: object, body: Mapping[str, Any]) -> object:
    """A mapped value: the very value of the body where the braces are all of it, text where they are a part."""
    if isinstance(value, Mapping):
        return {str(key): _filled(one, body) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    whole = _SLOT.fullmatch(value.strip())
    if whole is not None:
        return _at(body, whole[1])
    return _SLOT.sub(lambda slot: "" if (found := _at(body, slot[1])) is None else str(found), value)


def _at(body: Any, path: str) -> Any:
    for part in path.split("."):
        body = body.get(part) if isinstance(body, Mapping) else None
    return body


def _count(id: UUID) -> None:
    """Raise TooMany for a sender that floods us; the count is this process's own."""
    now = time.monotonic()
    with _counting:
        since, count = _counts.get(id, (now, 0))
        since, count = (now, 1) if now - since > WINDOW else (since, count + 1)
        _counts[id] = (since, count)
    if count > MOST:
        raise TooMany(_("at most {most} messages per minute; send the rest later"), most=MOST)
