"""What happened, told to whoever subscribed, after the change has been committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sdk.specs import Spec
from sdk.text import Text

if TYPE_CHECKING:
    from sdk.context import Context


PLUGIN_CHANGED = "core.plugin.updated"
"""The settings of a plugin have changed: `payload` has the name of the `plugin` and of the `fields`, never a value."""


@dataclass(frozen=True, slots=True)
class EventType:
    """An event that a plugin emits, `<plugin>.<entity>.<past tense>`; every entity has created, updated, deleted, restored."""

    name: str
    label: Text


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one record."""

    name: str
    record_id: UUID
    payload: Mapping[str, object]
    causes: tuple[str, ...] = ()
    """What led here, as `ctx.because(...)` named it, oldest first: the rules of a chain."""


@dataclass(frozen=True, slots=True)
class Past:
    """An event that has happened, and when. Of a change, `payload["fields"]` and `payload["before"]` say what the actor may see of it."""

    at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class Subscription:
    """Call `handler` for `event`, in a transaction of its own, at least once; its effect and its done-mark commit together.

    The events of one delivery are of one tenant and one kind, at most 1,000. Those that wait come together; where that fails, each write's come
    again by themselves. Off for a tenant: not delivered.
    """

    event: str
    name: str
    handler: Callable[[Context, Sequence[Event]], None]
    plugin: str = ""
    label: str = ""
    """What people call it where background work is listed (`ctx.called`)."""


@dataclass(frozen=True)
class Watch(Spec):
    """A subscriber that knows from a tenant's own data, not at boot, what it wants to hear: rules, webhooks.

    `wants` is asked at each event, inside the write, with the names of the fields that changed, and must be cheap
    (`ctx.kept`): None is no, and nothing is written; a set of names is yes, and asks for the values that these fields had
    before, which come as `payload["before"]`, JSON values of those that changed, or of all when the record was deleted.
    `handler` gets what was wanted like a subscription. `looped` is told when a chain of deliveries has become too long,
    instead of `handler`; the delivery is dead then, by name, unless it answers False: nothing goes on from here. Sensitive fields have no value before.
    """

    wants: Callable[[Context, str, frozenset[str]], frozenset[str] | None]
    handler: Callable[[Context, Sequence[Event]], None]
    looped: Callable[[Context, Sequence[Event]], bool | None]


class GiveUp(Exception):
    """Raised by a job or handler where another attempt cannot help: it is dead at once, with this reason, in the language of who asked
    for it: `GiveUp(_("the list {name} is gone"), name=name)`."""

    def __init__(self, message: Text | str, **params: object) -> None:
        self.message, self.params = message, params
        super().__init__(message)

    def __str__(self) -> str:
        return self.message.format(**self.params) if self.params else str(self.message)


@dataclass(frozen=True, slots=True)
class Job:
    """Work that `ctx.enqueue("<plugin>.<name>", {...})` runs later, as the actor who asked; at least once."""

    name: str
    run: Callable[[Context, Mapping[str, object]], None]
    plugin: str = ""
    label: str = ""
    """What people call it where background work is listed (`ctx.called`)."""
    patience: timedelta = timedelta(0)
    """How long it is tried again beyond the usual eight attempts: for what leans on a system outside, which may be away for a night."""
