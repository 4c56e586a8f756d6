"""Versions of a rule, and drafts of the next one: what has begun ends by the version that it began with."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from sdk import Batch, Change, Conflict, Context, NotFound, _, where
from sdk.context import Row, id_of

RULE, REVISION = "automation.rule", "automation.revision"
PARTS = ("entity", "trigger", "parameters", "conditions", "actions")
"""What a version is made of. Who a rule runs as is not among it: rights are those of now."""
PUBLISH = "publish"


def prepare_draft(ctx: Context, change: Change) -> None:
    """A draft is of a rule that one sees, stays its draft, and does not run. It bears the version that it was made from."""
    target = change.after("draft_of")
    if change.before is not None and change.changes("draft_of"):
        change.refuse("draft_of", "fixed", _("a draft always belongs to the same rule; create another with …/drafts"))
    elif change.before is not None and target is not None and change.after("active"):
        change.refuse("active", "draft", _("a draft doesn’t run; publish it with …/publications"))
    elif change.before is None and isinstance(target, UUID):
        rule = ctx.records(RULE).values([target]).get(target)
        if rule is None or rule["draft_of"] is not None:
            change.refuse("draft_of", "unknown_rule", _("rule {id}, of which this would be a draft, does not exist"), id=str(target))
            return
        change.values |= {"active": False, "revision": rule["revision"]}


def keep(ctx: Context, batch: Batch, change: Change) -> None:
    """Write a rule's next version down with the rule; nothing where it stays as it is, or is a draft."""
    if change.after("draft_of") is not None or (change.before is not None and not any(change.changes(name) for name in PARTS)):
        return
    number = 1 if change.before is None else cast("int", change.before["revision"]) + 1
    change.values["revision"] = number
    parts = {name: change.after(name) for name in PARTS}
    batch.also_create(
        REVISION, change, {"rule": change.id, "number": number, "by": ctx.actor.user_id, "owner": change.after("owner"), **parts}
    )


def revision_of(ctx: Context, rule: UUID, number: int) -> Row:
    """A version of a rule; raises NotFound."""
    found = ctx.records(REVISION).find(where(rule=rule, number=number), 1)
    if not found:
        raise NotFound(_("the rule {id} has no version {number}"), id=str(rule), number=number)
    return found[0]


def draft(ctx: Context, id: UUID, number: int | None = None) -> Row:
    """A draft of a rule's next version, as the rule is now or was in version `number`. Raises NotFound; Invalid where there is a draft."""
    with ctx.transaction(write=True):
        rule = _rule(ctx, id)
        parts = rule if number is None else revision_of(ctx, id, number)
        return ctx.records(RULE).create({"name": rule["name"], "draft_of": id, **{name: parts[name] for name in PARTS}})


def publish(ctx: Context, id: UUID) -> Row:
    """Put a draft in force and delete it; returns the rule. Raises Conflict where the rule has moved on since the draft was made."""
    with ctx.transaction(write=True):
        made = _rule(ctx, id)
        if made["draft_of"] is None:
            raise Conflict(_("this rule is not a draft; create one with …/drafts"), code="no_draft")
        rule = _rule(ctx, cast("UUID", made["draft_of"]))
        if rule["revision"] != made["revision"]:
            text = _("the rule is at version {now}, but the draft was created from {then}; create the draft again")
            raise Conflict(text, code="rule_moved_on", now=rule["revision"], then=made["revision"])
        values = {"name": made["name"], **{name: made[name] for name in PARTS}}
        row = ctx.records(RULE).update(id_of(rule), values, expected_version=cast("int", rule["version"]), act=PUBLISH)
        ctx.records(RULE).delete(id)
        return row


def _rule(ctx: Context, id: UUID) -> Row:
    row = ctx.records(RULE).values([id]).get(id)
    if row is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=RULE, id=str(id))
    return row
