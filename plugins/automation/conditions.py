"""Conditions: the kinds that automation brings, and how they are put together with all, any and not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import time
from decimal import Decimal
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, fields, validate

from plugins.automation import choices, expressions
from plugins.automation.facts import values_of
from sdk import BadRequest, Condition, Context, Filter, Moment, NotFound, Problem, RuleCondition, _, parse_where
from sdk import fields as f
from sdk.fields import FlawError
from sdk.messages import problems
from sdk.workflow import Parameters, Shape, parameter

NOWHERE = UUID(int=0)
DEEPEST = 5
MOST = 30


class Where(Schema):
    """Clauses of the filter language, all of which hold."""

    where = fields.List(
        fields.String(validate=validate.Length(1, 300)),
        required=True,
        validate=validate.Length(1, 20),
        metadata=parameter(_("All of these"), shape=Shape.CLAUSES),
    )


class Expression(Schema):
    """An expression of CEL."""

    expression = fields.String(
        required=True,
        validate=validate.Length(1, expressions.LONGEST),
        metadata=parameter(_("Expression"), _("CEL, for example account.tier == 'gold' && old.city != city"), shape=Shape.TEXT),
    )


class Changed(Schema):
    """A field that has another value now; `was`: which one it had."""

    field = fields.String(
        required=True, validate=validate.Length(1, 80), metadata=parameter(_("Which field"), options=choices.plain_fields_of)
    )
    was = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(0, 300),
        metadata=parameter(_("Previous value"), _("Leave empty for any previous value.")),
    )


class Crossed(Schema):
    """A number or an amount that went over a line."""

    field = fields.String(required=True, validate=validate.Length(1, 80), metadata=parameter(_("Which field"), options=choices.numbers_of))
    direction = fields.String(
        load_default="up",
        validate=validate.OneOf(("up", "down")),
        metadata=parameter(_("Up or down"), options=choices.listed({"up": _("rises above"), "down": _("falls below")})),
    )
    value = fields.String(
        required=True,
        validate=validate.Length(1, 40),
        metadata=parameter(_("Which threshold"), _("An amount with its currency: 500000 CNY")),
    )


class Related(Schema):
    """How many records of another entity point to this one."""

    entity = fields.String(required=True, validate=validate.Length(1, 100), metadata=parameter(_("Of what"), options=choices.pointing))
    link = fields.String(required=True, validate=validate.Length(1, 80), metadata=parameter(_("Which link"), options=choices.links_of))
    where = fields.List(
        fields.String(validate=validate.Length(1, 300)),
        load_default=list,
        validate=validate.Length(0, 20),
        metadata=parameter(_("Which one"), shape=Shape.CLAUSES, of="entity"),
    )
    least = fields.Integer(load_default=0, validate=validate.Range(0, 1_000_000), metadata=parameter(_("At least")))
    most = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 1_000_000),
        metadata=parameter(_("At most"), _("Leave empty for any number.")),
    )


class During(Schema):
    """Hours of the week where the tenant is; `until` itself is outside."""

    since = fields.Time(format="%H:%M", load_default=time(9), metadata=parameter(_("From")))
    until = fields.Time(format="%H:%M", load_default=time(18), metadata=parameter(_("Until")))
    weekdays = fields.List(
        fields.Integer(validate=validate.Range(1, 7)),
        load_default=lambda: [1, 2, 3, 4, 5],
        metadata=parameter(_("On which days"), options=choices.listed(choices.WEEKDAYS)),
    )


# --- the kinds --------------------------------------------------------------------------------------------------------


def matching(ctx: Context, entity: str, moments: Sequence[Moment], parameters: Parameters) -> set[UUID]:
    """Those for which all clauses hold: the database compares, as in a list."""
    return _found(ctx, entity, [moment.record_id for moment in moments], parse_where(cast("list[str]", parameters["where"])))


def _found(ctx: Context, entity: str, ids: Sequence[UUID], clauses: Filter) -> set[UUID]:
    found: set[UUID] = set()
    for start in range(0, len(ids), 500):
        among = Condition("id", "in", tuple(ids[start : start + 500]))
        found |= {cast("UUID", row["id"]) for row in ctx.records(entity).find((among, *clauses), 500)}
    return found


def _check_where(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    return where_problems(ctx, entity, cast("list[str]", parameters["where"]))


def where_problems(ctx: Context, entity: str, clauses: list[str], where: str = "where") -> list[Problem]:
    """What is wrong with clauses: fields, operators and values that there are not, amounts without a currency."""
    try:
        parsed = parse_where(clauses)
        ctx.records(entity).find((Condition("id", "in", (NOWHERE,)), *parsed), 1)
    except BadRequest as refusal:
        return [Problem(where, refusal.reason, refusal.message, refusal.params)]
    own = ctx.records(entity).fields()
    text = _("{field} is money: add the currency, as in {field}[gte]=1000 CNY")
    return [
        Problem(where, "currency_missing", text, {"field": one.field})
        for one in parsed
        if (money := own.get(one.field)) is not None
        and isinstance(money, f.MoneyField)
        and one.operator != "empty"
        and any(not money.sought(str(value)).currency for value in one.values)
    ]


def true_of(ctx: Context, entity: str, moments: Sequence[Moment], parameters: Parameters) -> set[UUID]:
    """Those of which the expression is true."""
    source = str(parameters["expression"])
    try:
        program, names = expressions.compiled(source), expressions.names_in(ctx, entity, source)
    except expressions.ExpressionError as failure:  # a field that has gone, or that the actor may not see any more
        raise BadRequest(_("the expression {expression!r} is invalid: {reason}"), expression=source, reason=str(failure)) from failure
    rows = ctx.records(entity).values([moment.record_id for moment in moments])
    values = values_of(ctx, names, rows, entity)
    own = ctx.records(entity).fields()
    found = set()
    for moment in moments:
        if moment.record_id in rows:
            before = {name: typed(own[name], value) for name, value in moment.before.items() if name in own}
            scope = expressions.scope_of(ctx, names, values[moment.record_id], before, moment.changed)
            if expressions.holds(program, scope):
                found.add(moment.record_id)
    return found


def typed(field: f.Field, value: object) -> object:
    """A value from before, which came as JSON, as its field knows it."""
    try:
        return None if value is None else field.check(value)
    except FlawError:  # a choice that is offered no more
        return None


def changed(ctx: Context, entity: str, moments: Sequence[Moment], parameters: Parameters) -> set[UUID]:
    """Those whose field has changed, from a certain value if one is named."""
    name, was = str(parameters["field"]), parameters["was"]
    field = ctx.records(entity).fields().get(name)
    found = {moment for moment in range(len(moments)) if name in moments[moment].changed and field is not None}
    if was is not None and field is not None:
        asked = _asked(field, str(was))
        found = {place for place in found if moments[place].before and typed(field, moments[place].before.get(name)) == asked}
    return {moments[place].record_id for place in found}


def _asked(field: f.Field, word: str) -> object:
    return field.sought(word) if word else None


def crossed(ctx: Context, entity: str, moments: Sequence[Moment], parameters: Parameters) -> set[UUID]:
    """Those whose value went over the line; a new record, or one that had no value, comes from below. Other currencies never do."""
    name = str(parameters["field"])
    field = ctx.records(entity).fields().get(name)
    if field is None:
        return set()
    line, up = field.sought(str(parameters["value"])), parameters["direction"] == "up"
    rows = ctx.records(entity).values([moment.record_id for moment in moments if name in moment.changed])
    found = set()
    for moment in moments:
        if name in moment.changed and moment.record_id in rows:
            now, before = rows[moment.record_id].get(name), typed(field, moment.before.get(name))
            if _over(now, line, up) and not _over(before, line, up):
                found.add(moment.record_id)
    return found


def _over(value: object, line: object, up: bool) -> bool:
    if isinstance(value, f.Money) and isinstance(line, f.Money):
        if value.currency != line.currency:
            return False
        value, line = value.amount, line.amount
    if not isinstance(value, int | Decimal) or not isinstance(line, int | Decimal):
        return False
    return value > line if up else value < line


def _check_field(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    name = str(parameters["field"])
    field = ctx.records(entity).fields().get(name)
    if field is None:
        return [Problem("field", "unknown_field", _("{entity} has no field {field!r}"), {"entity": entity, "field": name})]
    if field.sensitive:
        return [Problem("field", "sensitive", _("{field!r} is sensitive: its previous value is not kept"), {"field": name})]
    word, where = (parameters["value"], "value") if "value" in parameters else (parameters.get("was"), "was")
    if "value" in parameters and not isinstance(field, f.MoneyField | f.IntegerField | f.DecimalField):
        return [Problem("field", "type", _("{field!r} is neither a number nor an amount"), {"field": name})]
    try:
        value = _asked(field, str(word)) if word is not None else None
    except FlawError as flaw:
        return [Problem(where, flaw.code, flaw.message, flaw.params)]
    if isinstance(value, f.Money) and not value.currency:
        text = _("{field} is money: add the currency, as in 1000 CNY")
        return [Problem(where, "currency_missing", text, {"field": name})]
    if isinstance(value, f.NaturalKey):
        return [Problem(where, "malformed", _("{field!r} is a link: enter the record’s ID"), {"field": name})]
    return []


def _the_field(parameters: Parameters) -> frozenset[str]:
    return frozenset({str(parameters["field"])})


def related(ctx: Context, entity: str, moments: Sequence[Moment], parameters: Parameters) -> set[UUID]:
    """Those to which so many visible records point."""
    other, link = str(parameters["entity"]), str(parameters["link"])
    least, most = cast("int", parameters["least"]), cast("int | None", parameters["most"])
    ids = [moment.record_id for moment in moments]
    counts = dict.fromkeys(ids, 0)
    for start in range(0, len(ids), 500):
        among = Condition(link, "in", tuple(ids[start : start + 500]))
        clauses = (among, *parse_where(cast("list[str]", parameters["where"])))
        for row in ctx.records(other).aggregate(["count"], [link], clauses):
            counts[UUID(str(row[f"{link}.id"]))] = cast("int", row["count"])
    return {id for id, count in counts.items() if count >= least and (most is None or count <= most)}


def _check_related(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    other, link = str(parameters["entity"]), str(parameters["link"])
    if other not in ctx.entities():
        return [Problem("entity", "unknown_entity", _("entity {entity!r} does not exist here"), {"entity": other})]
    try:
        if ctx.target(other, link) == entity:
            return where_problems(ctx, other, cast("list[str]", parameters["where"]))
    except NotFound:
        pass
    text = _("{entity} has no link {link!r} to {target}")
    return [Problem("link", "unknown_field", text, {"entity": other, "link": link, "target": entity})]


def during(ctx: Context, _entity: str, moments: Sequence[Moment], parameters: Parameters) -> set[UUID]:
    """All of them in the hours that are named, none at other times."""
    local = ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone))
    since, until = cast("time", parameters["since"]), cast("time", parameters["until"])
    day = local.isoweekday() in cast("list[int]", parameters["weekdays"])
    return {moment.record_id for moment in moments} if day and since <= local.time() < until else set()


KINDS: Sequence[RuleCondition] = (
    RuleCondition("filter", _("Its fields are"), Where, matching, check=_check_where),
    RuleCondition(
        "expression", _("An expression is true"), Expression, true_of,
        lambda parameters: expressions.earlier_fields(str(parameters["expression"])),
        lambda ctx, entity, parameters: expressions.problems_of(ctx, entity, str(parameters["expression"]), "expression"),
    ),
    RuleCondition("changed", _("A field changes"), Changed, changed, _the_field, _check_field),
    RuleCondition("crossed", _("A value crosses a threshold"), Crossed, crossed, _the_field, _check_field),
    RuleCondition("related", _("Number of linked records"), Related, related, check=_check_related),
    RuleCondition("during", _("Time of the week"), During, during),
)  # fmt: skip


# --- put together -----------------------------------------------------------------------------------------------------


def holding(ctx: Context, entity: str, nodes: Sequence[Any], moments: Sequence[Moment]) -> set[UUID]:
    """The records for which all nodes hold; each kind is asked once for all that are still in question."""
    left = list(moments)
    for node in nodes:
        if not left:
            break
        held = _node(ctx, entity, node, left)
        left = [moment for moment in left if moment.record_id in held]
    return {moment.record_id for moment in left}


def _node(ctx: Context, entity: str, node: Mapping[str, Any], moments: Sequence[Moment]) -> set[UUID]:
    if "all" in node:
        return holding(ctx, entity, node["all"], moments)
    if "any" in node:
        found: set[UUID] = set()
        for one in node["any"]:
            found |= _node(ctx, entity, one, [moment for moment in moments if moment.record_id not in found])
        return found
    if "not" in node:
        return {moment.record_id for moment in moments} - _node(ctx, entity, node["not"], moments)
    kind = _kind(ctx, node)
    if kind is None:
        raise NotFound(_("condition {kind!r} does not exist here"), kind=str(node.get("kind"))[:100])
    return kind.holding(ctx, entity, moments, kind.parameters().load(node.get("parameters") or {})) if moments else set()


def _kind(ctx: Context, node: Mapping[str, Any]) -> RuleCondition | None:
    return next((kind for kind in ctx.declared(RuleCondition) if kind.full_key == node.get("kind")), None)


def earlier(ctx: Context, nodes: Sequence[Any]) -> frozenset[str]:
    """The fields whose earlier values the conditions need."""
    names: set[str] = set()
    for _where, node in leaves(nodes, ""):
        if (kind := _kind(ctx, node)) is not None:
            names |= kind.before(kind.parameters().load(node.get("parameters") or {}))
    return frozenset(names)


def leaves(nodes: Sequence[Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The conditions without all, any and not, with their places."""
    for place, node in enumerate(nodes):
        here = f"{where}.{place}" if where else str(place)
        if not isinstance(node, Mapping):
            continue
        for word in ("all", "any"):
            if isinstance(node.get(word), list):
                yield from leaves(node[word], f"{here}.{word}")
        if isinstance(node.get("not"), Mapping):
            yield from leaves([node["not"]], f"{here}.not")
        if "kind" in node:
            yield here, node


def filtered(nodes: Sequence[Any]) -> frozenset[str]:
    """The record's own fields that filters among the conditions look at, by a link as well."""
    found = (node.get("parameters") or {} for _place, node in leaves(nodes, "") if node.get("kind") == "automation.filter")
    words = [clause.field for given in found for clause in parse_where(given["where"])]
    return frozenset({*words, *(word.partition(".")[0] for word in words)})


def look_at_records(nodes: object) -> bool:
    """Whether a condition asks more than what time it is."""
    return isinstance(nodes, list) and any(node.get("kind") != "automation.during" for _place, node in leaves(nodes, ""))


def problems_of(ctx: Context, entity: str, nodes: Sequence[Any]) -> list[Problem]:
    """What is wrong with the conditions of a rule."""
    found = _shape_problems(nodes, "conditions", 1)
    count = 0
    for where, node in leaves(nodes, "conditions") if not found else ():
        count += 1
        kind = _kind(ctx, node)
        if kind is None:
            found.append(
                Problem(f"{where}.kind", "unknown_condition", _("condition {kind!r} does not exist"), {"kind": str(node["kind"])[:100]})
            )
            continue
        try:
            loaded = kind.parameters().load(node.get("parameters") or {})
        except ValidationError as failure:
            found += problems(failure.messages, f"{where}.parameters")
            continue
        wrong = kind.check(ctx, entity, loaded)
        found += [Problem(f"{where}.parameters.{one.field}", one.code, one.message, one.params) for one in wrong]
    if count > MOST:
        found.append(Problem("conditions", "too_many", _("at most {limit} conditions"), {"limit": MOST}))
    return found


def _shape_problems(nodes: object, where: str, deep: int) -> list[Problem]:
    text = _('expected {{"kind": "...", "parameters": {{...}}}}, or {{"all": [...]}}, {{"any": [...]}}, {{"not": {{...}}}}')
    if not isinstance(nodes, list) or deep > DEEPEST:
        return [Problem(where, "malformed", text)]
    found: list[Problem] = []
    for place, node in enumerate(nodes):
        here = f"{where}.{place}"
        keys = set(node) if isinstance(node, Mapping) else set()
        if keys in ({"all"}, {"any"}):
            word = next(iter(keys))
            found += _shape_problems(node[word], f"{here}.{word}", deep + 1)
        elif keys == {"not"}:
            found += _shape_problems([node["not"]], f"{here}.not", deep + 1)
        elif "kind" not in keys or keys - {"kind", "parameters"} or not isinstance(node.get("parameters") or {}, Mapping):
            found.append(Problem(here, "malformed", text))
    return found
