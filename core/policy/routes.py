"""Rights over HTTP: the table of all roles, and why somebody may or may not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast
from uuid import UUID

from marshmallow import Schema, fields, validate

from core.policy import matrix
from core.policy.explain import REASONS, Explanation, Rule, explain
from sdk import SIGNED_IN, Condition, Context, NotFound, Permission, Request, Route, _
from sdk.context import id_of

if TYPE_CHECKING:
    from core.context import Work

EXPLAIN = "core.explanation.read"
PERMISSIONS: Sequence[Permission] = (Permission(EXPLAIN, _("Explain other people’s permissions")),)
_WORD = validate.Length(1, 200)


class Question(Schema):
    """Of whom (id or e-mail; left out: oneself), a permission such as `pipeline.deal.read`, a record's id and a field."""

    user = fields.String(load_default="", validate=validate.Length(max=255))
    action = fields.String(required=True, validate=_WORD)
    record = fields.UUID(load_default=None)
    field = fields.String(load_default="", validate=validate.Length(max=200))


class RuleRow(Schema):
    """A grant and what it does here."""

    role = fields.String(required=True)
    sources = fields.List(fields.String(), required=True)
    scope = fields.String(required=True)
    fields_ = fields.List(fields.String(), required=True, allow_none=True, data_key="fields")
    reaches = fields.Boolean(required=True, allow_none=True)
    includes = fields.Boolean(required=True, allow_none=True)
    share = fields.UUID(required=True, allow_none=True)
    follows = fields.List(fields.String(), required=True)


class Answer(Schema):
    """The decision of the doors and the rule that made it."""

    user = fields.UUID(required=True)
    action = fields.String(required=True)
    record = fields.UUID(required=True, allow_none=True)
    field = fields.String(required=True, allow_none=True)
    allowed = fields.Boolean(required=True)
    reason = fields.String(required=True, validate=validate.OneOf(REASONS))
    detail = fields.String(required=True)
    rule = fields.Nested(RuleRow, required=True, allow_none=True)
    rules = fields.List(fields.Nested(RuleRow), required=True)


class RightRow(Schema):
    """A grant in force: `grant` is the stored record behind it, null where a plugin contributes it."""

    role = fields.String(required=True)
    permission = fields.String(required=True)
    scope = fields.String(required=True)
    fields_ = fields.List(fields.String(), required=True, allow_none=True, data_key="fields")
    grant = fields.UUID(required=True, allow_none=True)


class PermissionRow(Schema):
    """A permission: `scopes` are those that fit, `implied_by` is the verb with which a special right comes, `default_for` what plugins give."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    plugin = fields.String(required=True)
    entity = fields.String(required=True, allow_none=True)
    word = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    implied_by = fields.String(required=True, allow_none=True)
    default_for = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class Rights(Schema):
    """The rights of all roles, and what there is to grant."""

    data = fields.List(fields.Nested(RightRow), required=True)
    permissions = fields.List(fields.Nested(PermissionRow), required=True)


def rights(ctx: Context, _request: Request) -> object:
    """The rights of all roles as a table."""
    work = cast("Work", ctx)
    return {"data": matrix.rights(work), "permissions": matrix.permissions(work)}


def explanation(ctx: Context, request: Request) -> object:
    """Why somebody may, or may not; of oneself everybody may ask."""
    work, asked = cast("Work", ctx), request.query
    action, record, name = str(asked["action"]), cast("UUID | None", asked["record"]), str(asked["field"])
    who = _person(work, str(asked["user"]))
    if who is not work and record is not None:
        _check_sight(work, action, record)
    found = explain(who, action, record, name)
    return {
        "user": who.actor.user_id, "action": action, "record": record, "field": name or None, **_told(work, found),
    }  # fmt: skip


def _person(work: Work, word: str) -> Work:
    """The work of whom the question is about, without the limits of the asker's token; raises Forbidden, NotFound."""
    if not word or word == str(work.actor.user_id):
        return work
    if not work.can(EXPLAIN):
        raise work.refused(EXPLAIN)
    try:
        condition = Condition("id", "eq", (UUID(word),))
    except ValueError:
        condition = Condition("email", "eq", (word.lower(),))
    rows = work.records("core.user").find((condition,), 1)
    if not rows:
        raise NotFound(_("{entity} {id} does not exist"), entity="core.user", id=word[:80])
    return work.standing_in(id_of(rows[0]))


def _check_sight(work: Work, action: str, record: UUID) -> None:
    """Nobody learns of a record by asking what others may do to it."""
    name = action.rpartition(".")[0]
    entity = work.catalog.entities.get(name)
    if entity is not None and work.offers(name) and not work.reader(entity).seen([record]) and not work.grants.unlimited:
        raise NotFound(_("{entity} {id} does not exist"), entity=name, id=str(record))


def _told(work: Work, found: Explanation) -> dict[str, object]:
    return {
        "allowed": found.allowed, "reason": found.reason, "detail": work.say(REASONS[found.reason]),
        "rule": None if found.rule is None else _row(found.rule), "rules": [_row(rule) for rule in found.rules],
    }  # fmt: skip


def _row(rule: Rule) -> dict[str, object]:
    return {
        "role": rule.role, "sources": list(rule.sources), "scope": rule.scope.value,
        "fields": None if rule.fields is None else sorted(rule.fields), "reaches": rule.reaches, "includes": rule.includes,
        "share": rule.share, "follows": list(rule.follows),
    }  # fmt: skip


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/explanations", view=explanation, permission=SIGNED_IN, summary=_("Explain a permission"),
          query=Question, answer=Answer),
    Route(method="GET", path="/rights", view=rights, permission="core.grant.read", summary=_("Show all role permissions"), answer=Rights),
)  # fmt: skip
