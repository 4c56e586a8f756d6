"""What a new token may allow: words that mean something, and no more than who asks for it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from core.policy.allowed import table_of
from core.policy.grants import including
from sdk import Entity, Forbidden, Invalid, Problem, Text, Verb, _
from sdk.permissions import ALL_FIELDS

if TYPE_CHECKING:
    from core.context import Work

_WITH_FIELDS = (Verb.READ, Verb.CREATE, Verb.UPDATE)


def checked(holder: Work, words: Iterable[str]) -> list[str]:
    """The words for a token of `holder`; where one names no fields, with those that he has today.

    So what is added tomorrow, by a plugin, an update or the tenant itself, is in no list that does not say `*`. Raises Invalid for what is
    no permission or no field of his, Forbidden for what the token that asks is not allowed itself.
    """
    made, problems = list[str](), list[Problem]()
    with holder.transaction():
        for word in dict.fromkeys(words):
            made.append(_checked(holder, word, problems))
    if problems:
        raise Invalid(_("some values are invalid"), problems=problems)
    return list(dict.fromkeys(made))


def _checked(holder: Work, word: str, problems: list[Problem]) -> str:
    name, _colon, listed = word.partition(":")
    catalog = holder.catalog
    thing, _dot, verb = name.rpartition(".")
    whole = holder.offers(name)
    if not whole and (name not in catalog.permissions or catalog.owner_of(name) not in holder.enabled):
        problems.append(_unknown(holder, name))
        return word
    if not _admits(holder, name, whole=whole):
        raise Forbidden(_("a token created with a restricted token can’t allow more than that: not {word!r}"), word=word[:100])
    if whole:
        return f"{name}:{_fields(holder, catalog.entities[name], _WITH_FIELDS, name, listed, problems)}"
    if thing in catalog.entities and verb in _WITH_FIELDS:
        return f"{name}:{_fields(holder, catalog.entities[thing], (Verb(verb),), name, listed, problems)}"
    if listed:
        problems.append(_wrong("no_fields", _("{name!r} is not a record permission and has no fields"), name=name))
    return name


def _admits(holder: Work, name: str, *, whole: bool) -> bool:
    """Whether the list of the token that asks has it; an entity's name alone means all verbs, so it must be there as such."""
    allows = holder.grants.allows
    return allows is None or (name in table_of(allows) if whole else holder.grants.admits(name))


def _fields(holder: Work, entity: Entity, verbs: Sequence[Verb], name: str, listed: str, problems: list[Problem]) -> str:
    held = [holder.scopes.grants_of(entity, verb) for verb in verbs]
    his = [field for field in holder.shape(entity.full_name).fields if any(including(grants, field) for grants in held)] or ["id"]
    allows = holder.grants.allows
    most = None if allows is None else table_of(allows).get(name)
    if most is not None:  # another word of the same list may say more of one verb: not of all of them
        his = [field for field in his if field in most] or ["id"]
    if listed == ALL_FIELDS and (allows is None or all(grant.fields is None for grants in held for grant in grants)):
        return ALL_FIELDS
    if listed in ("", ALL_FIELDS):
        return ",".join(his)
    asked = list(dict.fromkeys(listed.split(",")))
    for field in asked:
        if field not in his and field != "id":
            near = get_close_matches(field, his, n=1)
            text = _("{name!r} has no field {field!r}; the closest is {nearest!r}") if near else _("{name!r} has no field {field!r}")
            problems.append(_wrong("unknown_field", text, name=name, field=field[:80], nearest=near[0] if near else ""))
    return ",".join(asked)


def _unknown(holder: Work, name: str) -> Problem:
    catalog = holder.catalog
    known = [*holder.entities(), *(one for one in catalog.permissions if catalog.owner_of(one) in holder.enabled)]
    near = get_close_matches(name, known, n=1)
    text = _("permission {name!r} does not exist; the closest is {nearest!r}") if near else _("permission {name!r} does not exist")
    return _wrong("unknown_permission", text, name=name[:100], nearest=near[0] if near else "")


def _wrong(code: str, text: Text, **params: object) -> Problem:
    return Problem("allows", code, text, params)
