"""What plugins ask for, and what a tenant has approved of it: words of `sdk.Capabilities`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from core.policy.allowed import Table, admitted, table_of
from sdk import ANY_HOST, Conflict, Invalid, Manifest, Problem, Verb, _
from sdk.permissions import ALL_FIELDS

KINDS: Final = ("data", "network", "jobs", "api")
_ANY: Final = {"network": ANY_HOST, "api": ALL_FIELDS}
"""The word of a kind that covers every other one."""
_WITH_FIELDS = frozenset({Verb.READ.value, Verb.CREATE.value, Verb.UPDATE.value})


@dataclass(frozen=True)
class Approval:
    """Who approves, when, and which words; None: what is asked for, as it was shown."""

    by: str
    by_id: UUID | None
    at: datetime
    words: Sequence[str] | None = None


@dataclass(frozen=True)
class Consent:
    """What a tenant has of a plugin: whether it is switched on, what it approved, and what is asked for beyond that."""

    enabled: bool
    approved: tuple[str, ...] | None = None
    by: str | None = None
    at: datetime | None = None
    lacks: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether it is on and does not serve until the rest is approved."""
        return self.enabled and bool(self.lacks)


def asked(manifest: Manifest | None) -> list[str]:
    """Everything that a plugin asks for."""
    return [] if manifest is None else list(manifest.capabilities.words())


def beyond(manifest: Manifest) -> list[str]:
    """What a bridge asks for beyond data of the plugins that it joins, and jobs of its own.

    Who has both sides has the bridge for that very purpose, without being asked; for anything else the tenant is asked as for any plugin.
    """
    joined, own = set(manifest.required), f"{manifest.name}."
    found = []
    for word in asked(manifest):
        kind, _space, what = word.partition(" ")
        if not (kind == "data" and what.partition(".")[0] in joined) and not (kind == "jobs" and ("." not in what or what.startswith(own))):
            found.append(word)
    return found


def _joined(manifest: Manifest) -> list[str]:
    """What a bridge has without being asked."""
    return [word for word in asked(manifest) if word not in beyond(manifest)] if manifest.bridge else []


def lacking(wanted: Iterable[str], approved: Iterable[str]) -> list[str]:
    """The words, and of words about data the fields, that the approved ones do not cover."""
    wants, has = _by_kind(wanted), _by_kind(approved)
    found = list(_lacking_data(table_of(wants["data"]), table_of(has["data"])))
    for kind in wants.keys() - {"data"}:
        anywhere = _ANY.get(kind, "") in has[kind]
        found += [f"{kind} {word}".strip() for word in wants[kind] - has[kind] if not anywhere]
    return sorted(found)


def _by_kind(words: Iterable[str]) -> dict[str, frozenset[str]]:
    pairs = [word.partition(" ")[::2] for word in words]
    return {kind: frozenset(word for its, word in pairs if its == kind) for kind in (*KINDS, "mail", "files")}


def _lacking_data(wants: Table, has: Table) -> Iterable[str]:
    for name, fields in wants.items():
        listed = admitted(has, name)
        if None in listed or (listed and name.rpartition(".")[2] not in _WITH_FIELDS and name.count(".") == 2):
            continue
        there = frozenset(("id", "version") if listed else ()).union(*filter(None, listed))
        if fields is None:
            yield f"data {name}" if name.endswith(f".{Verb.DELETE}") else f"data {name}:*"
        elif missing := fields - there:
            yield f"data {name}:{','.join(sorted(missing))}"


def settled(manifest: Manifest, before: Sequence[str] | None, approval: Approval, *, ours: bool) -> list[str] | None:
    """The words to be kept as approved; None where what was approved is enough.

    Raises Conflict naming what is asked for: it is approved by naming it, but for what comes with the platform (`ours`) as it is first
    switched on; Invalid naming words that are approved and that it does not ask for.
    """
    wanted = asked(manifest)
    if before is not None and not lacking(wanted, before):
        _check_asked(manifest, wanted, approval)
        return None
    given = wanted if ours and before is None and approval.words is None else approval.words
    has = before if before is not None else _joined(manifest)
    # Only words that are asked for: with wider ones somebody would approve what nobody has seen.
    seen = {*wanted, *lacking(wanted, has)}.intersection(given or ())
    if missing := lacking(wanted, [*has, *seen]):
        text = _(
            "{name!r} requests more than was approved: {asks}; approve it by listing it in `approves`, or with `dealwright plugin approve`"
        )
        raise Conflict(text, code="plugin_held", name=manifest.name, asks="; ".join(missing))
    _check_asked(manifest, wanted, approval)
    return wanted


def _check_asked(manifest: Manifest, wanted: Sequence[str], approval: Approval) -> None:
    """Whoever approves what is not asked for has misread, or mistyped, what he approves; part of what is asked for may be named once more."""
    known = {*KINDS, "mail", "files"}
    strange = [word for word in approval.words or () if word.partition(" ")[0] not in known or lacking([word], wanted)]
    if strange:
        text = _("{name!r} does not request {words}; list what its `asks` shows")
        said = "; ".join(word[:100] for word in strange[:5])
        raise Invalid(
            _("some values are invalid"), problems=[Problem("approves", "not_requested", text, {"name": manifest.name, "words": said})]
        )


def shown(consent: Consent | None) -> Mapping[str, object] | None:
    """An approval as the API tells it."""
    if consent is None or consent.approved is None:
        return None
    return {"capabilities": list(consent.approved), "by": consent.by, "at": consent.at}
