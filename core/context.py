"""The context that plugins receive: one actor in one tenant through one channel."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from marshmallow import Schema

from core import notices, pace, rehearsal, settings
from core.audit import entries
from core.custom.overlay import overlay_of
from core.custom.own import catalog_of
from core.data import in_flight
from core.entities import journal
from core.entities.ids import ids_at
from core.entities.past import past
from core.entities.read import Reader
from core.entities.records import EntityRecords
from core.entities.shape import Shape
from core.files import LocalFiles
from core.mail import letters
from core.outside import http
from core.pages.drawing import draw
from core.pages.formats import period, written
from core.policy import stamp
from core.policy.grants import SYSTEM, Grants
from core.policy.scopes import Scopes
from core.search.pinyin import spelled
from core.transaction import Transaction, Transactional
from sdk import Actor, Channel, Entity, EventType, Forbidden, Mail, NotFound, Notice, Panel, Past, Rendering, Tenant, Text, Verb, _
from sdk.calls import Call, Reply
from sdk.context import KIND, SILENT, Outcome, Pace
from sdk.errors import NO_PARAMS, Params, Problem
from sdk.fields import LinkField, Money
from sdk.mail import MAIL_WRITTEN
from sdk.pages import Drawn
from sdk.permissions import IMPLIED
from sdk.rates import Pair

if TYPE_CHECKING:
    from core.extension.catalog import Catalog
    from core.platform import Platform
    from core.policy.bounds import Bounds


MOST_TOLD, MOST_WARNINGS = 5_000, 10
"""Characters of a letter that its event carries; warnings of a transaction behind which no more are kept."""
_LOCK = "SELECT pg_advisory_xact_lock(unnest({}::bigint[]))"
_VERBS = frozenset(verb.value for verb in Verb)


@lru_cache(maxsize=1024)
def _secret(key: bytes, tenant: UUID, purpose: str) -> bytes:
    return hmac.digest(key, f"{tenant}:{purpose}".encode(), "sha256")


class Work(Transactional):
    """See `sdk.Context`. Not shared between threads."""

    def __init__(
        self,
        platform: Platform,
        tenant: Tenant,
        actor: Actor,
        grants: Grants,
        enabled: frozenset[str],
        channel: Channel,
        *,
        locale: str = "",
        depth: int = 0,
        idempotency_key: str = "",
        transaction: Transaction | None = None,
        access_version: int = 0,
        causes: tuple[str, ...] = (),
        bounds: Bounds | None = None,
    ) -> None:
        self.platform, self.tenant, self.actor, self.grants = platform, tenant, actor, grants
        self.enabled, self.channel, self.depth = enabled, channel, depth
        self.idempotency_key = idempotency_key
        self.locale = locale or tenant.locale
        self.bounds = bounds
        """Of the plugin whose code runs; None: the platform's own."""
        self.scopes = Scopes(lambda: self.catalog, tenant.id, grants, enabled, platform.clock, tenant.timezone, bounds)
        self.causes = causes
        self.token_until: datetime | None = None
        """When the token ends that sent the request, if it does."""
        self.token: UUID | None = None
        """The token that sent the request, if one did."""
        self.session: UUID | None = None
        """The browser's session that sent the request, if one did."""
        self.helps = False
        """Whether code helps itself to what its actor need not have: it cannot know what a tenant asks people for."""
        self.retells = False
        """Whether reads tell master data in the reader's language: those of pages do, those of programs get what is stored."""
        self.impersonator: UUID | None = None
        """Who acts as the actor, if somebody does."""
        self.came_from: str | None = None
        """The network address that sent the request, if one did."""
        self._transaction = transaction or Transaction()
        self._transaction.access_version = access_version or self._transaction.access_version
        self._readers: dict[str, tuple[int, Reader]] = {}
        """By entity, with the tenant's access version for which they hold; 0 where that has to be asked again."""
        self._catalog: tuple[int, Catalog] | None = None
        self._of_plugins: dict[str, Work] = {}
        self.hints: dict[str, dict[str, str | None]] = {}
        """By entity the names that nobody bears, and what was told as nearest to them: so much is looked for, and no more."""

    @property
    def catalog(self) -> Catalog:
        """What the tenant may have: all that plugins declare, and the entities that it has made."""
        shared = self._transaction
        if not shared.access_version:  # the tenant begins in this very transaction, and has made nothing yet
            return self.platform.catalog
        if shared.access_changed:
            return catalog_of(self)
        if self._catalog is None or self._catalog[0] != shared.access_version:
            found = catalog_of(self)
            self._catalog = (shared.access_version, found)
        return self._catalog[1]

    # --- the doors -----------------------------------------------------------------------------------------------

    def records(self, entity: str) -> EntityRecords:
        return EntityRecords(self, self.shape(entity))

    @property
    def warned(self) -> Sequence[Problem]:
        """What is to be told beside what its people have written."""
        return self._transaction.warned

    def keep_warnings(self, outcomes: Sequence[Outcome]) -> None:
        """What stands beside a record that was taken: that it is likely there already, and what plugins say. An import has more than one can read."""
        if self.actor.user_id is not None and len(self.warned) < MOST_WARNINGS:
            for one in outcomes:
                self._transaction.warned += [*([one.likely.warning] if one.likely else []), *one.warnings]

    def shape(self, entity: str) -> Shape:
        """The entity as this tenant has it; raises NotFound where it has not."""
        if not self.offers(entity):
            raise NotFound(_("entity {entity!r} does not exist here"), entity=entity[:80])
        return self.platform.shape(entity, self.enabled, overlay_of(self, entity), self.catalog)

    def reader(self, entity: Entity) -> Reader:
        """The door out of one entity."""
        name, shared = entity.full_name, self._transaction
        version, found = self._readers.get(name, (0, None))
        if found is not None and version and version == shared.access_version and not shared.access_changed:
            return found
        if name not in self.catalog.entities:  # the tenant has just deleted it
            raise NotFound(_("entity {entity!r} does not exist here"), entity=name)
        shape = self.platform.shape(name, self.enabled, overlay_of(self, name), self.catalog)
        if found is None or found.shape is not shape:  # this very work may have changed what the tenant has
            found = Reader(self, shape)
        self._readers[name] = (0 if shared.access_changed else shared.access_version, found)
        return found

    def entities(self, plugin: str = "") -> list[str]:
        there = (name for name, one in self.catalog.entities.items() if one.plugin in self.enabled and plugin in ("", one.plugin))
        return [name for name in there if self.can(f"{name}.read")]

    def offers(self, entity: str) -> bool:
        found = self.catalog.entities.get(entity)
        return found is not None and found.plugin in self.enabled

    def target(self, entity: str, link: str) -> str:
        shape = self.shape(entity)
        field = shape.fields.get(link)
        found = shape.target(field) if isinstance(field, LinkField) else None
        if found is None:
            raise NotFound(_("{entity} has no link {link!r}"), entity=entity, link=link[:80])
        return found.full_name

    def rates(self, pairs: Iterable[Pair]) -> dict[Pair, Decimal | None]:
        base = self.tenant.currency
        found: dict[Pair, Decimal | None] = {pair: Decimal(1) if pair[0] == base else None for pair in pairs}
        for source in self.platform.catalog.rate_sources:
            if (missing := [pair for pair, rate in found.items() if rate is None]) and source.plugin in self.enabled:
                found |= {pair: rate for pair, rate in source.rates(self, missing).items() if pair in found}
        return found

    def declared(self, kind: type[KIND]) -> list[KIND]:
        specs = cast("dict[str, KIND]", self.platform.catalog.specs.get(kind, {}))
        return [spec for spec in specs.values() if spec.plugin in self.enabled]

    def events(self) -> list[EventType]:
        return [event for owner, event in self.platform.catalog.events.values() if owner in self.enabled]

    def can(self, permission: str) -> bool:
        catalog = self.platform.catalog if permission in self.platform.catalog.permissions else self.catalog
        there = permission in catalog.permissions and catalog.owner_of(permission) in self.enabled
        entity, verb = catalog.entities.get(permission.rpartition(".")[0]), permission.rpartition(".")[2]
        within = self.bounds is None or entity is None or self.bounds.admits(permission)
        if not there or not within:
            return False
        if entity is None or entity.plugin not in self.enabled or verb not in (*_VERBS, *IMPLIED):
            return bool(self.grants.of(permission))
        return bool(self.scopes.grants_of(entity, Verb(verb)) if verb in _VERBS else self.scopes.special(entity, verb))

    # --- pages ---------------------------------------------------------------------------------------------------

    def entity(self, name: str) -> Entity:
        return self.shape(name).entity

    def called(self, plugin: str) -> str:
        if plugin == "core":
            return self.say(_("Platform"))
        if "." in plugin:
            return self.say(self.platform.catalog.label_of_work(plugin)) or plugin
        found = next((one.manifest for one in self.platform.plugins if one.name == plugin), None)
        return plugin if found is None else self.say(found.title)

    def api(self, method: str, address: str, body: object = None) -> object:
        from core.http.inside import ask  # noqa: PLC0415 (the web application, which workers have not)

        return ask(self, method, address, body)

    def page(self, path: str) -> str:
        return self.platform.templates.prefix + path

    def render(self, rendering: Rendering) -> str:
        return self.platform.templates.draw(self.locale, rendering.template, rendering.values)

    def draw(self, panel: Panel, record: Mapping[str, object], shared: Mapping[str, object]) -> Drawn:
        return draw(self, panel, record, shared)

    # --- time, words, files --------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return self.platform.clock()

    def new_ids(self, places: Sequence[int]) -> list[UUID]:
        return ids_at(places)

    def say(self, text: Text | str, params: Params = NO_PARAMS) -> str:
        return self.platform.translator.say(text, self.locale, params)

    @property
    def zone(self) -> str:
        return self.actor.timezone or self.tenant.timezone

    def today(self) -> date:
        return self.now().astimezone(ZoneInfo(self.zone)).date()

    def written(self, value: date | datetime | time | Decimal | int | Money, zone: str = "") -> str:
        return written(self.locale, value, zone or self.zone)

    def period(self, written: str) -> str:
        return period(self, written)

    def spelled(self, text: str) -> str:
        return spelled(text)

    def address(self, path: str) -> str:
        return self.platform.config.url + path

    @property
    def files(self) -> LocalFiles:
        if self.bounds is not None:
            self.bounds.require_use("files")
        return LocalFiles(self.platform.config.home, self.tenant.id, self._transaction.saved)

    def settings(self, schema: type[Schema]) -> Mapping[str, object]:
        return settings.of(self, schema)

    def secret(self, purpose: str) -> bytes:
        return self.key_for(purpose if self.bounds is None else self.bounds.purpose(purpose))

    def key_for(self, purpose: str) -> bytes:
        """The same for the platform itself, whoever's code asks."""
        return _secret(self.platform.config.key(), self.tenant.id, purpose)

    def reading_stamp(self) -> str:
        return stamp.reading(self)

    def require(self, permission: str) -> None:
        if not self.can(permission):
            raise self.refused(permission)

    def refused(self, permission: str, record: UUID | None = None, *, called: str = "") -> Forbidden:
        """What to raise for want of a special right, `called` so; that it was tried stays in the audit, though the transaction is undone."""
        self._transaction.attempts.append(entries.attempt(self, permission, record))
        return Forbidden(_("you need the permission {permission}"), permission=called or permission)

    def enqueue(self, job: str, arguments: Mapping[str, object], *, at: datetime | None = None) -> None:
        if job not in self.platform.catalog.jobs:
            raise NotFound(_("job {job!r} does not exist"), job=job)
        if self.bounds is not None:
            self.bounds.require_job(job)
        with self.transaction(write=True):
            journal.ask(self, job, [arguments], at=at)

    def past(self, entity: str, since: datetime, names: Iterable[str] = ()) -> tuple[list[Past], bool]:
        wanted = tuple(names)
        if self.bounds is not None:
            self.bounds.require(f"{entity}.{Verb.READ}")
            for name in wanted:  # what it would not be told of when it happens it does not look up afterwards
                self.bounds.require_hearing(name, self.catalog.permissions)
        return past(self, entity, since, wanted)

    def mail(self, mail: Mail) -> None:
        if self.bounds is not None:
            self.bounds.require_use("mail")
        if self.silent:
            return
        with self.transaction(write=True):
            journal.ask(self, f"core.{letters.JOB}", letters.waiting(mail), as_system=True)
            if mail.about is not None:
                told = {"entity": mail.about.entity, "to": list(mail.recipients), "subject": mail.subject, "text": mail.text[:MOST_TOLD],
                        "at": self.now(), "by": self.actor.user_id}  # fmt: skip
                journal.tell(self, MAIL_WRITTEN, [(mail.about.id, told)])

    def call(self, call: Call) -> Reply:
        if self.bounds is not None:
            self.bounds.require_host(call.url)
        if self._transaction.writes:
            raise RuntimeError("a call to the outside would hold a write transaction open: make it from a job")
        return http.call(call, private=self.platform.config.private_hooks)

    def notify(self, told: Sequence[Notice]) -> None:
        if not self.silent:
            notices.tell(self, told)

    def pace(self, *paces: Pace) -> int:
        if self.in_transaction:
            raise RuntimeError("a pace is counted in a transaction of its own: ask it outside of one, in the `prepare` of a route")
        return pace.seconds_to_wait(self, paces)

    def lock(self, *names: str) -> None:
        self.lock_all(names)

    def lock_all(self, names: Iterable[str], *, later: bool = False) -> None:
        """Several locks in one order for everybody, so that two who want some of the same do not wait for each other in a circle.

        `later`: they are taken with the next question to the database, before it looks, for whom nothing but the database is to be locked.
        """
        if not self._transaction.writes:
            raise RuntimeError("a lock lasts as long as a write transaction: open one with write=True")
        if not self.platform.database.is_sqlite:  # there a write transaction is alone anyhow
            digests = [hashlib.blake2b(f"{self.tenant.id}:{name}".encode(), digest_size=8).digest() for name in names]
            keys = sorted({int.from_bytes(digest, signed=True) for digest in digests})
            if keys:
                in_flight.lock(self.connection, _LOCK, f"{{{','.join(map(str, keys))}}}".encode())
            if keys and not later:
                in_flight.settle(self.connection)

    # --- the same work in another part ---------------------------------------------------------------------------

    def as_user(self, user: UUID) -> Work:
        return self.standing_in(user).within(self.grants.allows)

    def standing_in(self, user: UUID) -> Work:
        """As a user with all of the user's rights, whatever token asks: to look at them, not to act."""
        with self.transaction():
            settled = not self._transaction.access_changed
            actor, grants, locale = self.platform.stand_in(self.connection, self.tenant.id, user, self.enabled, settled=settled)
        return self._variant(actor=actor, grants=grants, locale=locale)

    def impersonating(self, actor: Actor, grants: Grants, locale: str) -> Work:
        """As another user, whose rights these are; the audit has both."""
        made = self._variant(actor=actor, grants=grants, locale=locale)
        made.session, made.impersonator = self.session, self.actor.user_id
        return made

    def within(self, allows: Iterable[str] | None) -> Work:
        """The same within the allow-list of a token; None: of none."""
        return self if allows is None else self._variant(grants=self.grants.narrowed(allows))

    def unshared(self) -> Work:
        """The same without what others have shared with the actor."""
        return self._variant(grants=self.grants.unshared()) if self.grants.shared else self

    def as_system(self) -> Work:
        made = self._variant(grants=SYSTEM)
        made.helps = True
        return made

    def having(self, enabled: frozenset[str]) -> Work:
        """The system where the tenant has these plugins: what it had before a switch, or has after it."""
        return self._variant(grants=SYSTEM, enabled=enabled)

    def of_plugin(self, name: str) -> Work:
        """The same within the bounds of a plugin, whose code is about to run."""
        found = self._of_plugins.get(name)
        if found is None:
            bounds = self.platform.bounds.get(name)
            found = self._of_plugins[name] = self if bounds is self.bounds else self._variant(within=(bounds,))
        return found

    def freely(self) -> Work:
        """The same outside of any plugin's bounds, for what the platform itself has to look at."""
        return self.of_plugin("core")

    def over(self, channel: Channel) -> Work:
        return self._variant(channel=channel)

    def speaking(self, locale: str) -> Work:
        return self._variant(locale=locale)

    def because(self, *causes: str) -> Work:
        made = self._variant()
        made.causes = (SILENT, *causes) if self.silent and SILENT not in causes else causes
        return made

    @property
    def silent(self) -> bool:
        return SILENT in self.causes

    @contextmanager
    def rehearsal(self, *, short: bool = False) -> Iterator[Work]:
        if self.in_transaction:
            raise RuntimeError("a rehearsal has a transaction of its own: begin it outside of one")
        with nullcontext(self.platform) if short else rehearsal.stage(self.platform) as platform:
            made = self._variant(elsewhere=platform)
            with rehearsal.rehearsed(made):
                yield made

    def _variant(
        self,
        *,
        actor: Actor | None = None,
        grants: Grants | None = None,
        channel: Channel | None = None,
        locale: str = "",
        enabled: frozenset[str] | None = None,
        within: tuple[Bounds | None, ...] = (),
        elsewhere: Platform | None = None,
    ) -> Work:
        there = self.enabled if enabled is None else enabled
        transaction, version = (self._transaction, 0) if elsewhere is None else (Transaction(), self._transaction.access_version)
        made = Work(elsewhere or self.platform, self.tenant, actor or self.actor, grants or self.grants, there, channel or self.channel,
                    locale=locale or self.locale, depth=self.depth, idempotency_key=self.idempotency_key, transaction=transaction,
                    access_version=version, causes=self.causes, bounds=within[0] if within else self.bounds)  # fmt: skip
        made.impersonator, made.helps, made.retells = self.impersonator, self.helps, self.retells
        made.token, made.token_until, made.came_from = self.token, self.token_until, self.came_from
        if actor is None:  # the request is still that of its own session; somebody else has none
            made.session = self.session
        return made


SYSTEM_ACTOR = Actor(None, "system")
