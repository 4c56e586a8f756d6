"""What people are told, and the channels by which they hear of it: in the application, by mail, in a messenger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from sdk.fields.any_record import Reference
from sdk.specs import Spec
from sdk.text import Text

if TYPE_CHECKING:
    from sdk.context import Context


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that one person should know; `ctx.notify([...])` tells it in that person's language.

    `kind` is `<plugin>.<word>` (`teamwork.mention`), by which people choose what they hear where. `about` is the record
    that it leads to; whoever sends a notice sees to it that the person may know what it says. Days and moments among `params` are
    written as the person writes them.
    """

    user_id: UUID
    kind: str
    title: Text | str
    body: Text | str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    about: Reference | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A notice on its way to an active person: `title` and `body` as that person reads them; `email` is empty where none is known."""

    user_id: UUID
    email: str
    locale: str
    kind: str
    title: str
    body: str
    about: Reference | None


@dataclass(frozen=True)
class NoticeChannel(Spec):
    """A way to people. `deliver` runs in the transaction of what happened: it writes records, or asks for mail and jobs.

    Who does not want a kind of notice by this channel is left out by the channel.
    """

    label: Text
    deliver: Callable[[Context, Sequence[Told]], None]
