"""Making a rule on a page: when, only if, then, each drawn from what plugins declare. Works by its buttons alone; a script redraws in place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from plugins.automation import choices, overview, parts, recipes, sketches
from plugins.automation.conditions import problems_of as problems_in
from plugins.automation.facts import Name, example, name_of, word_of
from plugins.automation.overview import CREATE, UPDATE, at
from plugins.automation.parts import Asked
from plugins.automation.revisions import RULE
from plugins.automation.rule import kind_of, rule_of
from plugins.automation.rules import DELEGATE, problems_of
from plugins.automation.sentences import of_rule
from plugins.automation.sketches import Sketch
from sdk import (
    Action,
    Change,
    Context,
    Invalid,
    PageRequest,
    PageRoute,
    Problem,
    Redirect,
    Refusal,
    Rendering,
    RuleCondition,
    Stale,
    Trigger,
    _,
)
from sdk.clauses import AT_ALL, record_input, record_typed, taken_apart
from sdk.context import Row, id_of
from sdk.fields import LinkField
from sdk.forms import Input
from sdk.pages import told
from sdk.routes import record_id
from sdk.workflow import Shape

SAVE, TRY = "save", "try"
_MOST_WORDS = 120
_FIELDS = ("id", "version", "name", "entity", "trigger", "parameters", "conditions", "actions", "active", "position", "runs_as", "draft_of")


def begin(ctx: Context, request: PageRequest) -> Rendering:
    """Examples to begin with, an empty form, or the form of a rule like another one."""
    if like := request.asked("like"):
        row = ctx.records(RULE).get(record_id(like), fields=_FIELDS)
        sketch = sketches.of_row(row)
        return _form(ctx, request, replace(sketch, name=ctx.say(_("{name} (copy)"), {"name": sketch.name}), active=False))
    if key := request.asked("recipe"):
        for one in recipes.offered(ctx):
            if one.key == key:
                said = recipes.said(ctx, one.rule)
                return _form(ctx, request, sketches.of_row({**said, "name": ctx.say(one.name)}))
    if request.asked("empty") or request.asked("entity"):
        return _form(ctx, request, Sketch(entity=request.asked("entity"), deeds=(sketches.Deed(sketches.NOTIFY),)))
    offered = [{"key": one.key, "name": ctx.say(one.name), "icon": one.icon, "said": of_rule(ctx, recipes.said(ctx, one.rule))}
               for one in recipes.offered(ctx)]  # fmt: skip
    return Rendering("automation/begin.html", {"recipes": offered})


def make(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Redraw the form after a button, try what stands in it, or save it as a new rule."""
    sketch, do = sketches.typed(ctx, request), request.typed("do")
    if do != SAVE:
        return _redrawn(ctx, request, sketch, do)
    try:
        values = {**_checked(ctx, request, sketch), "active": sketch.active}
        row = ctx.records(RULE).create(values)
    except Refusal as refusal:
        return _form(ctx, request, sketch, refusal=refusal)
    return Redirect(at(ctx, id_of(row)))


def edit(ctx: Context, request: PageRequest) -> Rendering:
    """The form of a rule that there is."""
    row = ctx.records(RULE).get(request.id(), fields=_FIELDS)
    return _form(ctx, request, sketches.of_row(row), row=row)


def change(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Redraw the form, try what stands in it, or save it as the rule's next version."""
    id = request.id()
    row = ctx.records(RULE).get(id, fields=_FIELDS)
    sketch, do = sketches.typed(ctx, request), request.typed("do")
    began = {**row, "version": request.typed("version") or row["version"]}
    if do != SAVE:
        return _redrawn(ctx, request, sketch, do, began)
    try:
        values = {**_checked(ctx, request, sketch), **({} if row.get("draft_of") else {"active": sketch.active})}
        ctx.records(RULE).update(id, values, expected_version=request.version())
    except Stale as refusal:
        return _form(ctx, request, sketch, row=row, refusal=refusal, theirs=row)
    except Refusal as refusal:
        return _form(ctx, request, sketch, row=began, refusal=refusal)
    return Redirect(at(ctx, id))


def _redrawn(ctx: Context, request: PageRequest, sketch: Sketch, do: str, row: Row | None = None) -> Rendering:
    if do == TRY:
        return _form(ctx, request, sketch, row=row, trial=_trial(ctx, request, sketch))
    return _form(ctx, request, sketches.after(sketch, do), row=row)


def _trial(ctx: Context, request: PageRequest, sketch: Sketch) -> Mapping[str, Any]:
    """What the rule of the form would do for the record that is chosen in it, as a rule of who makes it."""
    record = record_typed(ctx, sketch.entity, request, "record")
    if not record:
        return {"found": None, "problems": [ctx.say(_("Choose a record first."))], "wrong": ()}
    values = {"id": UUID(int=0), "owner": ctx.actor.user_id, "position": 0, "revision": 0, **sketch.values()}
    try:
        _checked(ctx, request, sketch)
        if wrong := problems_of(ctx, sketch.entity, Change(UUID(int=0), "create", None, values)) if ctx.offers(sketch.entity) else []:
            raise Invalid(_("some values are invalid"), problems=wrong)
        found, problems = overview.attempted(ctx, rule_of(values), record_id(record))
    except Refusal as refusal:
        return {"found": None, "problems": told(ctx, refusal), "wrong": refusal.problems}
    return {"found": found, "problems": problems, "wrong": ()}


def _checked(ctx: Context, request: PageRequest, sketch: Sketch) -> dict[str, Any]:
    """What is saved; raises Invalid for what only a form can leave half-done, at its place."""
    wrong: list[Problem] = []
    both: tuple[tuple[str, Sequence[sketches.Leaf | sketches.Deed]], ...] = (("c", sketch.leaves), ("a", sketch.deeds))
    for kind, some in both:
        for number, one in enumerate(some):
            clauses = one.parameters.get("where")
            if isinstance(clauses, list) and any(_open(ctx, str(clause)) for clause in clauses):
                wrong.append(Problem(f"{sketch.place(kind, number)}.parameters.where", "required", _("Enter a value.")))
            wrong += _unnamed(request, f"{kind}{number}", f"{sketch.place(kind, number)}.parameters", one.parameters)
    if not sketch.entity:
        wrong.append(Problem("entity", "required", _("Choose the rule’s record type.")))
    if wrong:
        raise Invalid(_("some values are invalid"), problems=wrong)
    values = sketch.values()
    if parts.WHOLE.fullmatch(sketch.position):
        values["position"] = int(sketch.position[:9])
    if ctx.can(DELEGATE):
        values["runs_as"] = sketch.runs_as or None
    return values


def _unnamed(request: PageRequest, prefix: str, place: str, given: Mapping[str, Any]) -> list[Problem]:
    """Where a record was typed and not chosen, and none is called so: what names one has become its id by now."""
    wrong, text = list[Problem](), _("No single record matches “{words}”. Choose one of the suggestions.")
    for name, value in given.items():
        if isinstance(value, list):
            rows = [(f"{name}.{number}.value", name, taken_apart(str(clause))[2]) for number, clause in enumerate(value) if clause]
        elif isinstance(value, Mapping):
            rows = [(f"{name}.{number}.value", f"{name}.{field}", str(one)) for number, (field, one) in enumerate(value.items())]
        else:
            rows = [(name, name, str(value))]
        for at_, told_at, word in rows:
            if word and word == request.typed(f"{prefix}.{at_}__typed").strip() and not request.typed(f"{prefix}.{at_}"):
                wrong.append(Problem(f"{place}.{told_at}", "unknown_record", text, {"words": word}))
    return wrong


def _open(ctx: Context, clause: str) -> bool:
    _field, operator, value = taken_apart(clause)
    return bool(operator) and operator not in AT_ALL and not value


# --- the form -------------------------------------------------------------------------------------------------------------


def _form(
    ctx: Context, request: PageRequest, sketch: Sketch, *, row: Row | None = None, refusal: Refusal | None = None,
    theirs: Row | None = None, trial: Mapping[str, Any] | None = None,
) -> Rendering:  # fmt: skip
    wrong = refusal.problems if refusal is not None else trial["wrong"] if trial is not None else ()
    problems = {one.field: ctx.say(one.message, one.params) for one in wrong}
    entities = choices.entities(ctx, "", {})
    known = sketch.entity in dict(entities)
    entity = sketch.entity if known else ""
    record = record_typed(ctx, entity, request, "record")
    picked = Input("record", ctx.say(_("Record")), "text", record, required=False)
    return Rendering(
        "automation/builder.html",
        {
            "row": row, "sketch": sketch, "entities": entities, "entity": entity, "problems": told(ctx, refusal), "wrong": problems,
            "triggers": _kinds(ctx, Trigger, entity), "conditions": _kinds(ctx, RuleCondition, entity), "actions": _kinds(ctx, Action, entity),
            "trigger_parts": _parts(ctx, entity, Trigger, sketch.trigger, sketch.parameters, "t", problems, "parameters"),
            "leaves": _leaves(ctx, sketch, entity, problems), "deeds": _deeds(ctx, sketch, entity, problems),
            "said": of_rule(ctx, _sayable(ctx, sketch)) if entity and sketch.trigger else None, "words": words(ctx, entity),
            "record": record_input(ctx, entity, picked) if entity else None, "trial": trial,
            "runs_as": record_input(ctx, "core.user", Input("runs_as", ctx.say(_(
        "Runs with the permissions of"
    )), "text", sketch.runs_as, required=False,
                                                            problem=problems.get("runs_as", ""))) if ctx.can(DELEGATE) else None,
            "theirs": of_rule(ctx, theirs) if theirs is not None else None, "shapes": {one.name: one.value for one in Shape},
            "back": at(ctx, row["id"]) if row is not None else at(ctx),
        },
        200 if refusal is None else refusal.status,
    )  # fmt: skip


def _sayable(ctx: Context, sketch: Sketch) -> dict[str, Any]:
    """The rule as it can be said: a condition of JSON that is none stays as it is typed."""
    leaves = [
        replace(one, raw=json.dumps(one.raw)) if one.raw and problems_in(ctx, sketch.entity, [one.node()]) else one for one in sketch.leaves
    ]
    return replace(sketch, leaves=tuple(leaves)).values()


def _kinds(ctx: Context, kind: type[Trigger] | type[RuleCondition] | type[Action], entity: str) -> list[tuple[str, str]]:
    """What there is to choose from, for records of an entity."""
    found = [one for one in ctx.declared(kind) if not getattr(one, "entities", ()) or entity in getattr(one, "entities", ())]
    return [(one.full_key, ctx.say(one.label)) for one in found]


def _parts(
    ctx: Context, entity: str, kind: type[Trigger] | type[RuleCondition] | type[Action], key: str, given: Mapping[str, Any], prefix: str,
    problems: Mapping[str, str], place: str,
) -> Sequence[parts.Part]:  # fmt: skip
    one = kind_of(ctx, kind, key)
    if one is None or not entity:
        return []
    mine = {at_.removeprefix(f"{place}."): text for at_, text in problems.items() if at_.startswith(f"{place}.")}
    return parts.parts(Asked(ctx, entity, prefix, given, mine), one.parameters())


def _leaves(ctx: Context, sketch: Sketch, entity: str, problems: Mapping[str, str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for number, leaf in enumerate(sketch.leaves):
        place = sketch.place("c", number) if leaf.kind or leaf.raw else "-"
        shown = _parts(ctx, entity, RuleCondition, leaf.kind, leaf.parameters, f"c{number}", problems, f"{place}.parameters")
        found.append({"leaf": leaf, "parts": shown, "problem": problems.get(place) or problems.get(f"{place}.kind", "")})
    return found


def _deeds(ctx: Context, sketch: Sketch, entity: str, problems: Mapping[str, str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for number, deed in enumerate(sketch.deeds):
        place = sketch.place("a", number) if deed.action else "-"
        shown = _parts(ctx, entity, Action, deed.action, deed.parameters, f"a{number}", problems, f"{place}.parameters")
        whole = problems.get(f"{place}.parameters") or problems.get(f"{place}.action") or problems.get(place, "")
        found.append({"deed": deed, "parts": shown, "problem": whole})
    return found


def words(ctx: Context, entity: str) -> list[dict[str, str]]:
    """What texts of actions may name in braces: the record's fields, and those of the records that it links to, with an example each."""
    if not entity:
        return []
    own = ctx.records(entity).fields()
    names = [name for name in own if name not in ("version",)]
    for name, field in own.items():
        if isinstance(field, LinkField):
            name_there = name_of(ctx, entity, name)
            if name_there is not None and name_there.target and ctx.can(f"{name_there.target}.read"):
                there = ctx.records(name_there.target).fields()
                names += [
                    f"{name}.{inner}" for inner, one in there.items() if inner in ("name", "email", "phone", "number") and not one.secret
                ]
    found = []
    for word in names[:_MOST_WORDS]:
        meant = name_of(ctx, entity, word)
        if meant is not None and not meant.field.secret:
            above = f"{ctx.say(own[meant.link].label)} › " if meant.link else ""
            found.append({"word": f"{{{{ {word} }}}}", "label": above + ctx.say(meant.field.label), "example": _example(ctx, meant)})
    return found


def _example(ctx: Context, meant: Name) -> str:
    given = example(meant.field)
    return "" if isinstance(given, UUID) or given in (None, "x", ["x"]) else word_of(ctx, meant, given).told


PAGES = (
    PageRoute("new", path="/rules/new", title=_("New rule"), permission=CREATE, view=begin, submit=make),
    PageRoute("edit", path="/rules/{id}/edit", title=_("Edit the rule"), permission=UPDATE, view=edit, submit=change),
)
