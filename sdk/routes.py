"""Routes beyond the collections that entities get by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias
from uuid import UUID

from marshmallow import Schema

from sdk.errors import NotFound
from sdk.text import Text, _

if TYPE_CHECKING:
    from sdk.context import Context

PUBLIC: Final = "public"
"""The permission of a route that anybody may call who has its link; one has to write it.

Its path holds `{token}` (`sdk.links`), which names the tenant. The view's actor has no rights at all: what it does, it does
`ctx.as_system()` after it has found what the token belongs to.
"""
SIGNED_IN: Final = "signed_in"
"""The permission of a route that every user of the tenant may call."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart body."""

    filename: str
    stream: BinaryIO


@dataclass(frozen=True, slots=True)
class Response:
    """A value with a status and headers; a view that returns a bare value answers 200."""

    value: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Download:
    """A file as the value of a view, instead of JSON: its bytes, or a `stream`, which is sent part by part and then closed."""

    content: bytes
    media_type: str
    filename: str
    stream: BinaryIO | None = None


@dataclass(frozen=True, slots=True)
class WebPage:
    """A page of HTML for people without an account: no script, nothing from elsewhere, its own style sheet in `style`."""

    html: str
    style: str = ""
    leads_to: tuple[str, ...] = ()
    """Origins (`https://www.example.com`) to which its form may lead on when it has been taken: browsers go to no others."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Who calls a route that takes any form or any object: the network address, the origin of the page elsewhere that sends (""; one of ours, or none
    that is said), whether an answer in JSON is wanted, and how many runs of rules led to the call, as a sender may say (`sdk.calls.CHAIN`)."""

    address: str = ""
    origin: str = ""
    wants_json: bool = False
    chain: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a view gets: validated path, query and body, and the files of a multipart body."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)
    guest: Guest = Guest()
    prepared: object = None
    """What the route's `prepare` gave."""

    def id(self, name: str = "id") -> UUID:
        """The record id in the address; raises NotFound for what cannot be one."""
        return record_id(self.path[name])


def record_id(word: str) -> UUID:
    """An id from an address; raises NotFound for what cannot be one."""
    try:
        if len(word) == 36:
            return UUID(word)
    except ValueError:
        pass
    raise NotFound(_("record {id!r} does not exist"), id=word[:80])


View: TypeAlias = "Callable[[Context, Request], object]"
Preparation: TypeAlias = "Callable[[Context, Request], AbstractContextManager[object]]"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation under `/api/v1/<plugin>/`; `permission` has no default. `answer` is the schema of its JSON,
    `media_type` names what it answers instead where it answers a Download.

    `path` holds `{name}` for parameters: `{id}` is a record's. `body` with `uploads` is read from multipart/form-data (with
    `may_lack_files` some of these may be left out), with `form` from application/x-www-form-urlencoded, as a page without a script sends it.
    """

    method: str
    path: str
    view: View
    permission: str
    summary: Text
    answer: type[Schema] | Mapping[str, object] | None = None
    status: int = 200
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    any_object: bool = False
    """Whether the body is whatever JSON object a system outside sends, instead of what a schema says."""
    any_form: bool = False
    """Whether pages elsewhere call it as they like: the body is whatever form or JSON object is sent (a name that comes several times has a
    list), `request.query` the words of the address as they are, and `request.guest` says who asks. The view checks all of it."""
    uploads: tuple[str, ...] = ()
    may_lack_files: bool = False
    form: bool = False
    media_type: str = "application/json"
    prepare: Preparation | None = None
    """What takes long and writes no record, such as reading a large file: it runs before the transaction of the view, in none at all, for
    those alone who have the permission. What it yields is `request.prepared`; it is left when that transaction is over, by its exception
    where it failed. A request that is answered from its Idempotency-Key is prepared, too, and its view not called. A `Response` that it
    yields is the answer: the view is not called, and no transaction that writes is begun."""
    plugin: str = ""
