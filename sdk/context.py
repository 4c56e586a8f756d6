"""What a plugin works with: who acts, for which tenant, when, and the doors to the data."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias, TypeVar, cast
from uuid import UUID

from marshmallow import Schema

from sdk.calls import Call, Reply
from sdk.errors import Forbidden, Problem, Refusal
from sdk.events import EventType, Past
from sdk.fields.base import Field
from sdk.fields.money import Money
from sdk.filters import Filter
from sdk.mail import Mail
from sdk.notices import Notice
from sdk.permissions import Verb
from sdk.rates import Pair
from sdk.specs import Spec
from sdk.text import Text, _

if TYPE_CHECKING:
    from sdk.entities import Entity
    from sdk.pages import Drawn, Panel, Rendering

KIND = TypeVar("KIND", bound=Spec)
KEPT = TypeVar("KEPT")
CURSOR = r"^(c1\.[A-Za-z0-9_-]{12,4000})?$"
"""The pattern of `Page.next`, for the schemas of routes that take it back; nothing is the first page."""
SILENT = "silent"
"""A cause (`ctx.because(SILENT)`) of which nobody is told: what is written on its behalf, and what follows from that, sends no mails and
no notices and is heard by no watch (rules, webhooks)."""
LIKELY_DUPLICATE = "likely_duplicate"
"""The code of a refusal, or of a warning, for what is likely there already."""


class Channel(StrEnum):
    """Through what a write came in; kept in the audit."""

    API = "api"
    PAGE = "page"
    IMPORT = "import"
    RULE = "rule"
    FORM = "form"
    PLUGIN = "plugin"
    CLI = "cli"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A company that uses the platform; all its data carry its id."""

    id: UUID
    name: str
    locale: str
    timezone: str
    currency: str
    fiscal_year_start: int = 1
    """The month with which it begins: 1 to 12."""
    week_start: int = 1
    """The day with which a week begins: 1 (Monday) to 7."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user, or the system (`user_id` None), which may do everything."""

    user_id: UUID | None
    name: str
    timezone: str = ""
    """The time zone that the person has chosen; "": the tenant's."""


Values: TypeAlias = "Mapping[str, object]"
Row: TypeAlias = "Mapping[str, object]"


def id_of(row: Row) -> UUID:
    """The id of a record."""
    id = row["id"]
    assert isinstance(id, UUID)
    return id


def unseen(name: str) -> Forbidden:
    """The refusal of a field that the actor does not see."""
    return Forbidden(_("you don’t have access to the field {field!r}"), code="field_forbidden", field=name)


def shown(row: Row, name: str) -> object:
    """The value of a field that an answer cannot do without; raises Forbidden where the actor does not see it on this record. A row as the
    door gives it says so by itself; this is for copies of it."""
    if name not in row:
        raise unseen(name)
    return row[name]


def with_more(row: Row, **more: object) -> Row:
    """A row with more beside it, for a template. What the row refuses it goes on to refuse, where a copy would just not have it."""
    return ChainMap(more, cast("MutableMapping[str, object]", row))


class Alike(StrEnum):
    """What to do where a record is likely there already."""

    DEFAULT = ""
    REFUSE = "refuse"
    FORCE = "force"


@dataclass(slots=True)  # not frozen: that takes three times as long to make, and an import makes a hundred thousand
class Draft:
    """One wish of a batch. `act` names the domain act behind it where that matters (a reopening); such an act may set read-only fields.

    `alike` says what of records that are taken for this one (`Entity.alike`): by itself people are told and the system is not;
    the tenant says by field whether that is a refusal or a warning beside the record.

    A new record gets its `id` by itself. Who has kept a place for it among others that were written before brings that as one of
    `ctx.new_ids`, never as one that comes from outside, and with it says when that was (`at`): it counts as made then.
    """

    verb: str
    values: Values = field(default_factory=dict)
    id: UUID | None = None
    expected_version: int | None = None
    act: str = ""
    alike: Alike = Alike.DEFAULT
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who may be meant: `seen` as {"id", "title", "fields"}, and how many there are that the actor may not see."""

    seen: tuple[Row, ...] = ()
    hidden: int = 0

    def __bool__(self) -> bool:
        return bool(self.seen or self.hidden)

    @property
    def names(self) -> str:
        """Those that the actor may see, each with the fields in which it agrees."""
        return "; ".join(f"{one['title']} ({', '.join(cast('list[str]', one['fields']))})" for one in self.seen)

    @property
    def warning(self) -> Problem:
        """What to say where the tenant wants to be told of them and no more."""
        text = _("this is likely a duplicate of: {names}")
        if not self.seen:
            text = _("this is likely a duplicate of a record you don’t have access to")
        return Problem("", LIKELY_DUPLICATE, text, {"names": self.names})


@dataclass(slots=True)
class Outcome:
    """What became of one draft: the record's id and its state as written, or the refusal.

    `likely` is what a written record is likely one of, where the tenant wants to be told and no more; `warnings` are what plugins tell beside it.
    `before` are the values that an update has changed, as they were, also those that its actor does not see: for what is to be undone, not for
    showing.
    """

    id: UUID | None
    row: Row | None = None
    refusal: Refusal | None = None
    changed: bool = True
    likely: Candidates = Candidates()
    before: Row = field(default_factory=dict)
    warnings: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page of records in JSON form; `next` is the cursor of the next page."""

    data: Sequence[Row]
    next: str | None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What to read: names of fields, a filter, a sort such as ("-amount", "name"), links to include; `deleted` looks in the recycle bin."""

    filter: Filter = ()
    sort: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    q: str = ""
    limit: int = 50
    cursor: str = ""
    count: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many of what goes by this name within so many seconds."""

    name: str
    most: int
    seconds: int = 60


Column: TypeAlias = "Sequence[object]"


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of what a question finds, as columns of Python values by field: `rows` says how many.

    A link is what people call the record (`fields.NaturalKey`, `fields.NamedReference`) where that leads to it and to no other, else
    its id. None is empty, or hidden from the actor on that row.
    """

    rows: int
    columns: Mapping[str, Column]


class Records(Protocol):
    """The two doors of one entity, for the context's actor."""

    def query(self, query: Query = ...) -> Page:
        """A page in JSON form. Raises BadRequest for unknown fields and operators."""

    def blocks(self, query: Query, size: int = ...) -> Iterator[Block]:
        """All that a question finds, whatever its `limit`, in blocks of `size` rows; in order of creation where it names no sort.

        Each block is read by itself, in a transaction of its own: bounded memory, and nobody waits; what is written meanwhile is in the
        blocks to come or not. At least one block comes, empty where nothing is found. Raises BadRequest, Forbidden with the first.
        """

    def get(self, id: UUID, *, fields: Sequence[str] = ..., include: Sequence[str] = ...) -> Row:
        """One record in JSON form; raises NotFound."""

    def values(self, ids: Iterable[UUID], *, hold: bool = ...) -> dict[UUID, Row]:
        """Records by id as Python values (Decimal, date, UUID), for code; what is not visible is left out.

        With `hold` nobody else changes them before the write transaction ends: for sums that their own records keep.
        """

    def find(self, filter: Filter, limit: int = ..., *, deleted: bool = ...) -> list[Row]:
        """Records as Python values in order of creation, at most `limit`; with `deleted` those in the recycle bin instead."""

    def aggregate(
        self, measures: Sequence[str], by: Sequence[str] = ..., filter: Filter = ..., limit: int = ..., *, q: str = ...
    ) -> list[Row]:
        """Counts, sums and averages by dimensions, one SQL statement; rows in JSON form. `q` searches as it does in a list."""

    def create(self, values: Values, *, act: str = ..., alike: Alike = ...) -> Row:
        """One new record as Python values; raises Refusal."""

    def update(self, id: UUID, values: Values, *, expected_version: int | None = ..., act: str = ..., alike: Alike = ...) -> Row:
        """One changed record as Python values; raises Refusal, Stale where the version is another."""

    def delete(self, id: UUID, *, expected_version: int | None = ...) -> None:
        """Put a record into the recycle bin."""

    def restore(self, id: UUID, *, alike: Alike = ...) -> Row:
        """Take a record out of the recycle bin."""

    def candidates(self, values: Values, but: UUID | None = ...) -> Candidates:
        """The records that these values are likely one of, `but` itself left out; raises Invalid for values that do not fit."""

    def asks(self, values: Values) -> Mapping[str, tuple[bool, bool]]:
        """For each field that a tenant shows or requires under a condition: whether a form with these values shows it, and asks for it.
        Values as JSON or typed; what fits no field counts as empty."""

    def write(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """A batch, in sets; each draft has its own outcome and refused ones change nothing."""

    def write_all(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """A batch of which all drafts are taken, or none: raises the first refusal. No drafts are no write."""

    def reached(self, ids: Iterable[UUID], verb: Verb = ..., field: str = ...) -> set[UUID]:
        """Of these records those that the actor may see, or could see were they not in the recycle bin; or for which the actor has another
        verb, for one `field` of theirs if it is named."""

    def covers(self, user: UUID | None, names: Sequence[str], filter: Filter = ()) -> bool:
        """Whether the actor sees these fields on each record that another person finds by a filter and sees them on, as rights are now.

        For sums that were made with that person's eyes (None: the platform's, which sees all). Of who is not active, or has not the right to
        them any more, only where the actor sees all that there are; so, too, of what stands beyond links.
        """

    def titles(self, ids: Iterable[UUID]) -> dict[UUID, str]:
        """What people call these records; what is not visible is left out."""

    def merged_into(self, ids: Iterable[UUID]) -> dict[UUID, UUID]:
        """For those that have become part of other records the ones that are left of these; what is not visible is left out."""

    def timeline(self, id: UUID, *, limit: int = ..., cursor: str = ...) -> Page:
        """What happened around a record, newest first, as far as the actor may see it; raises NotFound."""

    def history(self, id: UUID, *, limit: int = ...) -> list[Row]:
        """Who changed what of a record, when and through what, newest first; what is hidden is left out. Raises NotFound."""

    def versions(self, most: Mapping[UUID, int]) -> dict[UUID, list[Row]]:
        """What made the last versions of records, so many of each, as `history` tells it: not what has become part of them; the system is told
        of each version."""

    def fields(self) -> Mapping[str, Field]:
        """The fields that the actor may read here, extensions included, by name."""


class Files(Protocol):
    """Where uploads and issued documents are kept."""

    def save(self, source: BinaryIO, key: str = "") -> str:
        """Keep a stream and return its key: a new one, or the hexadecimal digits of an id that a record names already, so that a process that is
        killed leaves no file that nobody knows of."""

    def open(self, key: str) -> BinaryIO:
        """The kept bytes; raises NotFound."""

    def remove(self, key: str) -> None:
        """Forget a key; an unknown one is no error."""


class Context(Protocol):
    """One actor in one tenant through one channel, for the length of one request, command or job."""

    @property
    def tenant(self) -> Tenant: ...
    @property
    def actor(self) -> Actor: ...
    @property
    def channel(self) -> Channel: ...
    @property
    def locale(self) -> str: ...
    @property
    def files(self) -> Files: ...
    @property
    def silent(self) -> bool:
        """Whether nobody is to be told of what is done here (`SILENT`): nor is work made for people, or a letter for a customer, of what
        may lie years back. Mail, notices and watches see to it themselves."""

    @property
    def causes(self) -> tuple[str, ...]:
        """What led here, as named with `because`."""

    @property
    def zone(self) -> str:
        """The time zone in which the actor reads and types moments: the person's own, else the tenant's. What is kept as a day, counted for
        everybody or done by itself goes by `ctx.tenant.timezone`, whoever is looking."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""

    def today(self) -> date:
        """The day that it is for who reads, by `zone`."""

    def new_ids(self, places: Sequence[int]) -> list[UUID]:
        """Ids for records that are to be made, in the order of these places, which ascend from 0; behind all that were made before.

        Records are listed by their ids where nothing else is asked for. What lies between two places stays free: `sdk.ids.behind`."""

    def address(self, path: str) -> str:
        """The whole address of a path of ours (`/api/v1/...`), for letters and documents."""

    def records(self, entity: str) -> Records:
        """The doors of `plugin.entity`; raises NotFound where the tenant does not have it."""

    def entities(self, plugin: str = "") -> Sequence[str]:
        """The full names of the entities that the tenant has and the actor may read; with `plugin`, of that plugin alone."""

    def offers(self, entity: str) -> bool:
        """Whether the tenant has the entity now: ask before reaching for an `after` partner."""

    def target(self, entity: str, link: str) -> str:
        """The name of the entity that a link of `entity` points to; raises NotFound where the tenant has neither."""

    def entity(self, name: str) -> Entity:
        """What the platform knows of `plugin.entity`: its words, its title, its verbs; raises NotFound where the tenant does not have it."""

    def called(self, plugin: str) -> str:
        """What a plugin is called, in the actor's language; the core is the platform; its name where it has no manifest. With a dot, what
        people call that job, schedule, subscription, event, action or trigger of rules, or right."""

    def api(self, method: str, address: str, body: object = ...) -> object:
        """What a route of the API answers (`"/api/v1/core/plugins"`), asked inside this request, in its transaction and in the name of
        who sent it: JSON as Python values, bytes of a file. Raises the Refusal that it answers with; for pages alone. In the `prepare` of
        a page, where there is no transaction, it has one of its own."""

    def page(self, path: str) -> str:
        """The address of a page, for links and redirects: `ctx.page("/teamwork/news")`. Templates write `{{ prefix }}/teamwork/news`."""

    def render(self, rendering: Rendering) -> str:
        """A template as HTML, in the actor's language."""

    def draw(self, panel: Panel, record: Row, shared: Mapping[str, object]) -> Drawn:
        """A panel about a record ({}: about none) as HTML; one that fails is counted, and undoes nothing but what it has done itself.
        `shared` are values that its template gets besides its own."""

    def events(self) -> Sequence[EventType]:
        """The events of the domain that the tenant's plugins declare; every entity has created, updated, deleted, restored besides."""

    def transaction(self, *, write: bool = ...) -> AbstractContextManager[None]:
        """A transaction; joined when one is open. Leaving by an exception rolls all of it back."""

    def tried(self) -> AbstractContextManager[None]:
        """Inside a write transaction: what is left by an exception is undone back to here, and the rest of the transaction may go on."""

    def rehearsal(self, *, short: bool = ...) -> AbstractContextManager[Context]:
        """Long work that is tried and leaves nothing behind: what is written with the context that it gives is seen by that one alone and
        undone at the end, whatever happens. Meanwhile this context may write in short transactions, to tell how far it is. On PostgreSQL
        it is one transaction, and others wait for the records that it changes and the unique values that it takes; on SQLite, which has
        one writer, it is a copy of the database: raises Unavailable where there is no room for it. `short`: so little, at most some
        hundred records, that others may wait for it; nothing is copied, and this context writes nothing meanwhile."""

    def rates(self, pairs: Iterable[Pair]) -> Mapping[Pair, Decimal | None]:
        """For each currency and day the rate to the tenant's currency in force then; None where nobody knows one."""

    def declared(self, kind: type[KIND]) -> Sequence[KIND]:
        """What the tenant's plugins offer of one kind: `ctx.declared(Report)`; in the order of plugins."""

    def lock(self, *names: str) -> None:
        """Wait until nobody else of the tenant is past this point with any of these names; held until the write transaction ends. Who wants several
        asks for them at once: they are taken in one order for everybody, and in one statement."""

    def pace(self, *paces: Pace) -> int:
        """Count one more of each, whichever process is asked, and return 0; or the seconds until all of them allow one, and none is counted.

        It has short transactions of its own, so it is asked outside of any: in the `prepare` of a route. Names may tell of people (a
        network address): they are kept as digests under the installation's key, and forgotten when they count no more."""

    def can(self, permission: str) -> bool:
        """Whether the actor has `<plugin>.<noun>.<verb>` for any record."""

    def reading_stamp(self) -> str:
        """64 signs, the same as long as roles, teams, territories, subordinates and shares show the actor the same, whatever token asks.

        To be kept with what is made for the actor's eyes and shown later: where it is another by then, it is to be made anew. Records
        that get another owner, and the fields of a token, change nothing in it."""

    def require(self, permission: str) -> None:
        """Raise Forbidden where the actor has not a special right; the attempt is in the audit, whatever becomes of the transaction."""

    def enqueue(self, job: str, arguments: Mapping[str, object], *, at: datetime | None = ...) -> None:
        """Run `<plugin>.<job>` after this transaction commits, or not before `at`, as this actor; at least once."""

    def past(self, entity: str, since: datetime, names: Iterable[str] = ...) -> tuple[Sequence[Past], bool]:
        """The changes of an entity's records since an instant, and its other events of these `names`, newest first, as far as
        the actor reaches the records; and whether that is all: a bounded number of the tenant's changes is looked through."""

    def because(self, *causes: str) -> Context:
        """The same transaction on behalf of what is named (a rule): its events say so, and so do the events that follow from them."""

    def kept(self, name: str, make: Callable[[], KEPT]) -> KEPT:
        """What `make` gives, kept by this process for the tenant and the plugin until a record of an entity with `guards_access` is written."""

    def settings(self, schema: type[Schema]) -> Mapping[str, object]:
        """What the tenant has set of the plugin's own registered schema, by name, the defaults of the rest; secrets in the clear.
        Raises NotFound for a schema that no plugin of the tenant has registered."""

    def secret(self, purpose: str) -> bytes:
        """32 bytes that nobody outside this installation can know, the same for the same purpose in the tenant; stored nowhere.
        The purpose stands under the plugin's name, whether it begins with it or not: no other plugin gets the same."""

    @property
    def idempotency_key(self) -> str:
        """In a job or a delivery: what names it, the same at each attempt, for systems outside; "" elsewhere."""

    def mail(self, mail: Mail) -> None:
        """Send a letter after this transaction commits, to each recipient at least once; what fails is seen among the jobs."""

    def call(self, call: Call) -> Reply:
        """An HTTP request to a system outside, never inside a write transaction; raises Invalid for an address that is none."""

    def notify(self, notices: Sequence[Notice]) -> None:
        """Tell people something by every channel of the tenant, in this transaction; who is not active any more is left out."""

    def as_user(self, user: UUID) -> Context:
        """The same transaction with the rights of another person, in that person's language; raises NotFound for one who is not active."""

    def as_system(self) -> Context:
        """The same transaction without the actor's limits, for side effects that the actor need not have rights to."""

    def over(self, channel: Channel) -> Context:
        """The same transaction under another channel."""

    def speaking(self, locale: str) -> Context:
        """The same transaction with its words in another language ("en", "zh_CN"): that of whom a letter is for."""

    def say(self, text: Text | str, params: Mapping[str, object] = ...) -> str:
        """A text in the actor's language."""

    def written(self, value: date | datetime | time | Decimal | int | Money, zone: str = ...) -> str:
        """A day, an instant, a time of day, a number or an amount within a sentence, as the actor's language has it; on a page, as in
        the region that they have chosen. An instant is told in `zone`, else in the actor's."""

    def period(self, written: str) -> str:
        """A month, quarter or year that programs write so (2026-01, 2026-Q1, FY2027-Q1) as the actor's language has it; any other text as it stands."""

    def spelled(self, text: str) -> str:
        """The text in plain Latin letters, Chinese as it is read; what has none is left out."""
