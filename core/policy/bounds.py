"""Whose code runs: what a plugin may touch beyond what is its own, whoever asks and with whatever rights."""

from __future__ import annotations

from collections import UserList
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

from core.policy.allowed import Table, admitted, table_of
from core.policy.grants import Grant, within
from core.policy.seen import Seen
from core.recent import Recent
from sdk import ANY_HOST, Batch, Capabilities, Change, Extension, Forbidden, Verb, _
from sdk.context import Row
from sdk.mail import MAIL_WRITTEN
from sdk.permissions import ALL_FIELDS

_KEPT = 2_000
T = TypeVar("T")


class Bounds:
    """The allow-list of one plugin: what its manifest declares, its own entities, and the fields that it adds to those of others."""

    def __init__(self, plugin: str, capabilities: Capabilities, extensions: Iterable[Extension] = ()) -> None:
        self.plugin, self.capabilities = plugin, capabilities
        added = {(one.entity, name) for one in extensions if one.plugin == plugin for name in one.own_fields()}
        words = [f"{entity}.{verb}:{name}" for entity, name in added for verb in (Verb.READ, Verb.CREATE, Verb.UPDATE)]
        self.table: Table = table_of(frozenset((*capabilities.data, *words)))
        self._own = f"{plugin}."
        self._limited: Recent[tuple[str, tuple[Grant, ...]], tuple[Grant, ...]] = Recent(_KEPT)

    def admits(self, permission: str) -> bool:
        """Whether it is its own, or declared."""
        return permission.startswith(self._own) or bool(admitted(self.table, permission))

    def limited(self, permission: str, grants: tuple[Grant, ...]) -> tuple[Grant, ...]:
        """Some grants of a permission with no more fields than are its own or declared."""
        if permission.startswith(self._own):
            return grants
        key = (permission, grants)
        found = self._limited.get(key)
        return self._limited.keep(key, within(self.table, permission, grants)) if found is None else found

    def hears(self, event: str, known: Container[str]) -> bool:
        """Whether it may be told of an event: of letters with `mail`, of records (`known`: all permissions) where it may read their entity."""
        reading = f"{event.rpartition('.')[0]}.{Verb.READ}"
        return self.capabilities.mail if event == MAIL_WRITTEN else reading not in known or self.admits(reading)

    def require_hearing(self, event: str, known: Container[str]) -> None:
        """Raise Forbidden for an event that it may not be told of, see `hears`."""
        if not self.hears(event, known):
            raise self.refusal("mail" if event == MAIL_WRITTEN else f"{event.rpartition('.')[0]}.{Verb.READ}")

    def fields(self, permission: str) -> frozenset[str] | None:
        """The fields of an entity that it may touch; None: all."""
        listed: tuple[frozenset[str] | None, ...] = (None,) if permission.startswith(self._own) else admitted(self.table, permission)
        return None if None in listed else frozenset(("id", "version")).union(*filter(None, listed))

    def require(self, permission: str, names: Iterable[str] = ()) -> None:
        """Raise Forbidden for what it has not declared: the verb of an entity, or a field."""
        if not self.admits(permission):
            raise self.refusal(permission)
        fields = self.fields(permission)
        for name in names if fields is not None else ():
            if name not in fields:  # type: ignore[operator]
                raise self.refusal(f"{permission}:{name}")

    def refusal(self, word: str) -> Forbidden:
        """What to raise: who wanted what, and where it is declared."""
        text = _("the plugin {plugin!r} hasn’t declared {capability!r}: it must be in its manifest and approved by an administrator")
        return Forbidden(text, code="capability_missing", plugin=self.plugin, capability=word)

    def require_host(self, url: str) -> None:
        """Raise Forbidden for a host that it has not declared."""
        hosts = self.capabilities.network
        host = (urlsplit(url).hostname or "") if ANY_HOST not in hosts else ANY_HOST
        if host not in hosts:
            raise self.refusal(f"network {host}")

    def require_api(self, plugin: str) -> None:
        """Raise Forbidden for routes of another plugin, or of the platform, that it has not declared to ask in people's names."""
        if plugin != self.plugin and not {plugin, ALL_FIELDS} & set(self.capabilities.api):
            raise self.refusal(f"api {plugin}")

    def require_job(self, job: str) -> None:
        """Raise Forbidden for a job of another plugin that it has not declared."""
        if not job.startswith(self._own) and job not in self.capabilities.jobs:
            raise self.refusal(f"jobs {job}")

    def purpose(self, said: str) -> str:
        """What a key is for, under the plugin's own name: nobody derives the platform's keys, nor another plugin's."""
        return said if said.startswith(self._own) else f"{self._own}{said}"

    def require_use(self, what: str) -> None:
        """Raise Forbidden where it does not declare `mail` or `files`."""
        if not getattr(self.capabilities, what):
            raise self.refusal(what)


class Shown(Seen):
    """A row without the fields that a plugin has not declared: who asks for one is refused, not told that there is nothing."""

    def __init__(
        self, row: Row, bounds: Bounds, entity: str, outside: frozenset[str], hidden: Callable[[str], bool] = lambda _name: False
    ) -> None:
        super().__init__({name: value for name, value in row.items() if name not in outside} if outside else row, hidden)
        self._refused = (bounds, entity, outside)

    def __missing__(self, name: str) -> Any:
        self._check(name)
        return super().__missing__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As of any mapping."""
        if name not in self:
            self._check(name)
        return super().get(name, default)

    def _check(self, name: str) -> None:
        bounds, entity, outside = self._refused
        if name in outside:
            raise bounds.refusal(f"{entity}.read:{name}")


@dataclass(frozen=True)
class Hearing:
    """Who is asked about the changes of an entity: plugins that see all of its fields, and those that see some."""

    whole: frozenset[str]
    partly: tuple[Bounds, ...]


def hearing(entity: str, plugins: Iterable[str], bounds: Mapping[str, Bounds]) -> Hearing:
    """Of these plugins those that have declared the entity, or whose own it is."""
    there = {name: bounds.get(name) for name in plugins}
    reading = f"{entity}.{Verb.READ}"
    whole = frozenset(name for name, one in there.items() if one is None or (one.admits(reading) and one.fields(reading) is None))
    return Hearing(whole, tuple(one for name, one in there.items() if one is not None and name not in whole and one.admits(reading)))


@contextmanager
def seen_within(batch: Batch, bounds: Bounds) -> Iterator[Batch]:
    """The changes with no more fields than a plugin has declared; what it finds wrong is told of the changes themselves."""
    fields = bounds.fields(f"{batch.entity}.{Verb.READ}")
    if fields is None:
        yield batch
        return

    outside = dict[tuple[str, ...], frozenset[str]]()  # rows of one write have the same few sets of fields

    def shown(row: Mapping[str, object]) -> Shown:
        names = tuple(row)
        if names not in outside:
            outside[names] = frozenset(names) - fields
        return Shown(row, bounds, batch.entity, outside[names])

    seen = Restricted(batch.changes, shown)
    yield replace(batch, changes=seen)
    seen.settle()


class Restricted(UserList[Change]):
    """Changes as a plugin sees them, made when it looks: most look at the name of the entity and go."""

    def __init__(self, changes: Sequence[Change], shown: Callable[[Mapping[str, object]], Shown]) -> None:
        self._whole, self._shown = changes, shown

    @cached_property
    def data(self) -> list[Change]:  # type: ignore[override]
        """What all methods of a list go to."""
        shown = self._shown
        return [  # made anew, for a fifth of what `replace` takes
            Change(
                one.id, one.verb, None if one.before is None else shown(one.before), shown(one.values), one.act, one.problems, one.conflict
            )
            for one in self._whole
        ]

    def settle(self) -> None:
        """Tell the changes themselves what the plugin found in conflict, or warns of."""
        if "data" in self.__dict__:
            for whole, seen in zip(self._whole, self.data, strict=True):
                whole.conflict = whole.conflict or seen.conflict
                whole.warnings += seen.warnings


def in_bounds(ctx: object, owner: str) -> object:
    """A context within a plugin's bounds. What is none (the place of an installation), or is wrapped by a plugin within its own, stays."""
    bind = getattr(type(ctx), "of_plugin", None)
    return ctx if bind is None else bind(ctx, owner)


def bounded(owner: str, call: Callable[..., T]) -> Callable[..., T]:
    """What a plugin gives to be called: where it gets a context, it gets it within the plugin's own bounds."""

    @wraps(call)
    def within_bounds(*given: Any, **named: Any) -> T:
        if "ctx" in named:
            named["ctx"] = in_bounds(named["ctx"], owner)
        return call(*(in_bounds(one, owner) for one in given[:1]), *given[1:], **named)

    return within_bounds


def all_bounded(owner: str, spec: object) -> dict[str, Any]:
    """The functions that a spec has as fields, each within its owner's bounds."""
    return {name: bounded(owner, value) for name, value in vars(spec).items() if callable(value) and not isinstance(value, type)}
