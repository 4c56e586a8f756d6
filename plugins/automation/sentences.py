"""A rule as a sentence in the reader's language: when this happens, and this holds, then do that."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, TypeAlias
from uuid import UUID

from plugins.automation.choices import DAYS, role_called
from plugins.automation.facts import name_of
from sdk import Action, Condition, Context, RuleCondition, Text, Trigger, _
from sdk.clauses import sentence, shown, title_of
from sdk.context import Row
from sdk.text import within

Given: TypeAlias = "Mapping[str, Any]"
_LONGEST = 120
_SLOT = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True)
class Sentence:
    """The parts of a rule in words; `entity` is what one of its records is called within a sentence."""

    entity: str
    when: str
    only_if: Sequence[str]
    then: Sequence[str]


def of_rule(ctx: Context, row: Row) -> Sentence:
    """A rule, or a version of one, as who reads may see what it names; what cannot be read stays as it is written."""
    entity, key = str(row["entity"]), str(row["trigger"])
    conditions, actions = row.get("conditions") or [], row.get("actions") or []
    assert isinstance(conditions, list)
    assert isinstance(actions, list)
    return Sentence(
        _one(ctx, entity),
        when(ctx, entity, key, _given(row.get("parameters"))),
        [holds(ctx, entity, node) for node in conditions],
        [does(ctx, entity, node) for node in actions],
    )


def _given(parameters: object) -> Given:
    return parameters if isinstance(parameters, Mapping) else {}


def called(ctx: Context, entity: str) -> str:
    """One record of an entity; whose it is where that plugin is off."""
    return ctx.say(ctx.entity(entity).label) if ctx.offers(entity) else _off(ctx, entity)


def about_there(ctx: Context, name: str) -> tuple[list[str], list[Condition]]:
    """The entities that rules or webhooks are about, and what keeps a list of them to those that the tenant has: of a plugin that is off
    there is no trace, and all of it is kept."""
    used = [str(one["entity"]) for one in ctx.records(name).aggregate(["count"], ["entity"])]
    there = [one for one in used if ctx.offers(one)]
    return there, [] if there == used else [
        Condition("entity", "in", tuple(there)) if there else Condition("id", "in", (str(UUID(int=0)),))
    ]


def _off(ctx: Context, key: str) -> str:
    """In the place of what a plugin brings that the tenant does not have at present."""
    return ctx.say(_("{plugin} (turned off)"), {"plugin": ctx.called(key.partition(".")[0])})


def _one(ctx: Context, entity: str) -> str:
    """The same within a sentence: a new account is created."""
    return within(called(ctx, entity))


def label_of(ctx: Context, entity: str, name: str) -> str:
    """What a field is called; its name where it has gone, or is hidden."""
    field = ctx.records(entity).fields().get(name) if ctx.offers(entity) else None
    return ctx.say(field.label) if field is not None else name


# --- when --------------------------------------------------------------------------------------------------------------

_WHEN: Mapping[str, Text] = {
    "automation.created": _("a new {entity} is created"),
    "automation.deleted": _("the {entity} is deleted"),
    "automation.restored": _("the {entity} is restored from the recycle bin"),
    "automation.manual": _("someone starts it manually for the {entity}"),
    "automation.inlet": _("a message from another system names the {entity}"),
}


def when(ctx: Context, entity: str, key: str, given: Given) -> str:
    """What begins a rule."""
    word, say = _one(ctx, entity), ctx.say
    if key in _WHEN:
        return say(_WHEN[key], {"entity": word})
    if key == "automation.updated":
        names = [label_of(ctx, entity, str(name)) for name in given.get("fields") or ()]
        if not names:
            return say(_("anything in the {entity} changes"), {"entity": word})
        return say(_("{fields} of the {entity} changes"), {"entity": word, "fields": say(_(" or ")).join(names)})
    if key == "automation.date":
        return _by_date(ctx, entity, given)
    if key == "automation.schedule":
        return _by_clock(ctx, entity, given)
    if key == "automation.event":
        label = next((say(one.label) for one in ctx.events() if one.name == given.get("event")), str(given.get("event", "")))
        return say(_("{entity}: {event}"), {"entity": word, "event": label})
    trigger = next((one for one in ctx.declared(Trigger) if one.full_key == key), None)
    return f"{word}: {within(say(trigger.label)) if trigger is not None else _off(ctx, key)}"


def _by_date(ctx: Context, entity: str, given: Given) -> str:
    days, before = given.get("days", 0), given.get("direction", "before") == "before"
    if days == 0:
        text = _("it is the day of “{field}” of the {entity}, at {at}")
    elif days == 1:
        text = (
            _("it is one day before “{field}” of the {entity}, at {at}")
            if before
            else _("it is one day after “{field}” of the {entity}, at {at}")
        )
    else:
        text = (
            _("it is {days} days before “{field}” of the {entity}, at {at}")
            if before
            else _("it is {days} days after “{field}” of the {entity}, at {at}")
        )
    field = label_of(ctx, entity, str(given.get("field", "")))
    return ctx.say(text, {"field": field, "entity": _one(ctx, entity), "days": days, "at": _clock(ctx, given.get("at") or "09:00")})


def _by_clock(ctx: Context, entity: str, given: Given) -> str:
    word = _one(ctx, entity)
    if given.get("every_minutes"):
        said = ctx.say(_("every {minutes} minutes, for each {entity}"), {"minutes": given["every_minutes"], "entity": word})
    else:
        days = _days(ctx, given.get("weekdays") or range(1, 8))
        said = ctx.say(_("it is {at} on {days}, for each {entity}"), {"at": _clock(ctx, given.get("at")), "days": days, "entity": word})
    clauses = (
        [sentence(ctx, entity, str(one)) for one in given.get("where") or ()] if ctx.offers(entity) else list(given.get("where") or ())
    )
    return said if not clauses else f"{said} ({ctx.say(_(' and ')).join(clauses)})"


def _clock(ctx: Context, at: object) -> str:
    """A time of day as the reader writes it; what is none as it stands."""
    try:
        return ctx.written(time.fromisoformat(str(at)))
    except ValueError:
        return str(at or "")


def _days(ctx: Context, days: Sequence[Any]) -> str:
    if len(set(days)) == len(DAYS):
        return ctx.say(_("every day"))
    return ctx.say(_(", ")).join(ctx.say(DAYS[day]) for day in sorted(set(days)) if day in DAYS)


# --- only if -----------------------------------------------------------------------------------------------------------


def holds(ctx: Context, entity: str, node: object) -> str:
    """One condition, or a group of them."""
    say = ctx.say
    if not isinstance(node, Mapping):
        return str(node)
    for word, joint in (("any", _(" or ")), ("all", _(" and "))):
        if isinstance(node.get(word), list):
            return say(joint).join(holds(ctx, entity, one) for one in node[word])
    if "not" in node:
        return say(_("not: {condition}"), {"condition": holds(ctx, entity, node["not"])})
    key, given = str(node.get("kind", "")), _given(node.get("parameters"))
    told = _HOLDS.get(key)
    if told is not None and ctx.offers(entity):
        return told(ctx, entity, given)
    kind = next((one for one in ctx.declared(RuleCondition) if one.full_key == key), None)
    return _with_values(ctx, entity, within(say(kind.label)) if kind is not None else _off(ctx, key), given)


def _filter(ctx: Context, entity: str, given: Given) -> str:
    return ctx.say(_(" and ")).join(sentence(ctx, entity, str(one)) for one in given.get("where") or ())


def _expression(ctx: Context, _entity: str, given: Given) -> str:
    return ctx.say(_("this is true: {expression}"), {"expression": given.get("expression", "")})


def _changed(ctx: Context, entity: str, given: Given) -> str:
    params = {"field": label_of(ctx, entity, str(given.get("field", ""))), "was": given.get("was")}
    return ctx.say(_("{field} has changed") if given.get("was") is None else _("{field} has changed and was {was}"), params)


def _crossed(ctx: Context, entity: str, given: Given) -> str:
    text = _("{field} has fallen below {value}") if given.get("direction") == "down" else _("{field} has risen above {value}")
    name, value = str(given.get("field", "")), str(given.get("value", ""))
    field = ctx.records(entity).fields().get(name)
    return ctx.say(text, {"field": label_of(ctx, entity, name), "value": value if field is None else shown(ctx, entity, field, value)})


def _related(ctx: Context, _entity: str, given: Given) -> str:
    other, least, most = str(given.get("entity", "")), given.get("least", 0), given.get("most")
    text = _("at least {least} {entity} are linked to it")
    if most is not None:
        text = _("no {entity} is linked to it") if most == 0 else _("{least} to {most} {entity} are linked to it")
    said = ctx.say(text, {"least": least, "most": most, "entity": _one(ctx, other)})
    clauses = [sentence(ctx, other, str(one)) for one in given.get("where") or ()] if ctx.offers(other) else []
    return said if not clauses else f"{said} ({ctx.say(_(' and ')).join(clauses)})"


def _during(ctx: Context, _entity: str, given: Given) -> str:
    words = {
        "since": _clock(ctx, given.get("since", "09:00")),
        "until": _clock(ctx, given.get("until", "18:00")),
        "days": _days(ctx, given.get("weekdays") or range(1, 6)),
    }
    return ctx.say(_("it is between {since} and {until} on {days}"), words)


_HOLDS: Mapping[str, Callable[[Context, str, Given], str]] = {
    "automation.filter": _filter, "automation.expression": _expression, "automation.changed": _changed, "automation.crossed": _crossed,
    "automation.related": _related, "automation.during": _during,
}  # fmt: skip


# --- then --------------------------------------------------------------------------------------------------------------


def does(ctx: Context, entity: str, node: object) -> str:
    """One action."""
    if not isinstance(node, Mapping):
        return str(node)
    key, given = str(node.get("action", "")), _given(node.get("parameters"))
    told = _DOES.get(key)
    return told(ctx, entity, given) if told is not None else _with_values(ctx, entity, within(called_action(ctx, key)), given)


def called_action(ctx: Context, key: str) -> str:
    """What an action is called; whose it is where that plugin is off."""
    action = next((one for one in ctx.declared(Action) if one.full_key == key), None)
    return ctx.say(action.label) if action is not None else _off(ctx, key)


def _with_values(ctx: Context, entity: str, label: str, given: Given) -> str:
    told = [str(value) for value in given.values() if isinstance(value, str) and value]
    return ctx.say(_("{label}: {value}"), {"label": label, "value": named(ctx, entity, told[0])}) if told else label


def named(ctx: Context, entity: str, text: str) -> str:
    """A text with what its words in braces are called in their place: ‹Number›; cut to length."""
    told = _SLOT.sub(lambda slot: f"‹{_called(ctx, entity, slot[1].strip())}›", text)
    return told if len(told) <= _LONGEST else f"{told[:_LONGEST]}…"


def _called(ctx: Context, entity: str, word: str) -> str:
    name = name_of(ctx, entity, word) if ctx.offers(entity) else None
    if name is None:
        return word
    return ctx.say(name.field.label) if not name.link else f"{label_of(ctx, entity, name.link)} › {ctx.say(name.field.label)}"


def _tell(ctx: Context, entity: str, given: Given) -> str:
    return ctx.say(
        _("notify {who}: “{title}”"),
        {"who": who(ctx, str(given.get("to") or "owner")), "title": named(ctx, entity, str(given.get("title", "")))},
    )


def who(ctx: Context, word: str) -> str:
    """Whom a rule tells."""
    kind, _colon, name = word.partition(":")
    if kind == "owner":
        return ctx.say(_("its owner"))
    if kind == "manager":
        return ctx.say(_("the owner’s manager"))
    if kind == "role":
        return ctx.say(_("everyone with the role {role}"), {"role": role_called(ctx, name)})
    return title_of(ctx, "core.user", name) or name


def _write(ctx: Context, entity: str, given: Given) -> str:
    people = [str(given["to"])] if given.get("to") else []
    people += [ctx.say(_("its owner"))] if given.get("owner") else []
    people += [title_of(ctx, "core.user", str(given["user"])) or str(given["user"])] if given.get("user") else []
    return ctx.say(
        _("email {who}: “{title}”"), {"who": ctx.say(_(", ")).join(people), "title": named(ctx, entity, str(given.get("subject", "")))}
    )


def _set(ctx: Context, entity: str, given: Given) -> str:
    values = _given(given.get("values"))
    told = [
        ctx.say(_("set {field} to {value}"), {"field": label_of(ctx, entity, name), "value": value_of(ctx, entity, name, value)})
        for name, value in values.items()
    ]
    return ctx.say(_(", ")).join(told)


def value_of(ctx: Context, entity: str, name: str, value: object) -> str:
    """A value that a rule gives to a field."""
    field = ctx.records(entity).fields().get(name) if ctx.offers(entity) else None
    if value is None:
        return ctx.say(_("nothing"))
    if isinstance(value, bool):
        return ctx.say(_("yes")) if value else ctx.say(_("no"))
    text = " ".join(str(one) for one in value.values()) if isinstance(value, Mapping) else str(value)
    return named(ctx, entity, text if field is None or _SLOT.search(text) else shown(ctx, entity, field, text))


def _make(ctx: Context, entity: str, given: Given) -> str:
    other, values = str(given.get("entity", "")), _given(given.get("values"))
    first = next((named(ctx, entity, str(value)) for value in values.values() if isinstance(value, str)), "")
    return ctx.say(_("create a {entity}: {first}"), {"entity": _one(ctx, other), "first": first})


def _assign(ctx: Context, _entity: str, given: Given) -> str:
    word = str(given.get("owner", ""))
    return ctx.say(_("assign it to {who}"), {"who": title_of(ctx, "core.user", word) or word})


def _call(ctx: Context, entity: str, given: Given) -> str:
    url = str(given.get("url", ""))
    return (
        ctx.say(_("call {url}"), {"url": named(ctx, entity, url)})
        if url.rstrip("/").partition("://")[2]
        else ctx.say(_("call an external URL"))
    )


_DOES: Mapping[str, Callable[[Context, str, Given], str]] = {
    "automation.notify": _tell, "automation.send_mail": _write, "automation.update_record": _set, "automation.create_record": _make,
    "automation.assign": _assign, "automation.call_webhook": _call,
}  # fmt: skip
