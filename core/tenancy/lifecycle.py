"""The life of a tenant: created, suspended, purged; its people and its roles."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa

from core.audit import entries
from core.context import SYSTEM_ACTOR, Work
from core.entities.ids import new_id
from core.events import schedules
from core.extension.consent import Approval
from core.files import LocalFiles
from core.identity import entrance, passwords, sessions
from core.identity import memberships as membership
from core.identity.sessions import Person, Visitor
from core.identity.tables import PASSWORD_CHANGED, memberships, sign_ins
from core.policy.grants import SYSTEM
from core.tenancy.tables import tenants
from sdk import Channel, Conflict, Draft, Invalid, NotFound, Problem, Tenant, _, columns, where
from sdk.context import id_of
from sdk.fields.money import CURRENCIES
from sdk.fields.time import timezones
from sdk.names import RESERVED_PLUGINS

if TYPE_CHECKING:
    from core.platform import Platform

log = logging.getLogger("dealwright.tenancy")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,58}[a-z0-9]?\Z")


@dataclass(frozen=True)
class NewTenant:
    """What a tenant starts with; `plugins` None: all that are in force. `shown`: who makes it has seen what strangers' plugins ask for."""

    name: str
    locale: str = "en"
    timezone: str = "UTC"
    currency: str = "USD"
    plugins: Sequence[str] | None = None
    shown: bool = False


def create(platform: Platform, wish: NewTenant) -> Tenant:
    """Create a tenant with its plugins and their roles; raises Invalid or Conflict, and then nothing is there."""
    check_settings(asdict(wish))
    tenant = Tenant(new_id(), wish.name, wish.locale, wish.timezone, wish.currency)
    serving = [name for name in platform.calls.serving() if name != "core"]
    chosen = serving if wish.plugins is None else list(wish.plugins)
    if unknown := sorted(set(chosen) - set(serving)):
        raise NotFound(_("no active plugin {name!r}; see `dealwright plugin list`"), name=unknown[0])
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        if connection.execute(sa.select(tenants.c.id).where(tenants.c.name == wish.name)).first():
            raise Conflict(_("tenant {name!r} already exists; choose another name"), name=wish.name)
        row = {"id": tenant.id, "name": wish.name, "state": "active", "locale": wish.locale, "timezone": wish.timezone,
               "currency": wish.currency, "access_version": 1, "created_at": platform.clock()}  # fmt: skip
        connection.execute(tenants.insert().values(**row))
        approval = Approval(SYSTEM_ACTOR.name, None, platform.clock())
        enabled = platform.gate.begin(connection, tenant.id, list(dict.fromkeys(chosen)), approval, shown=wish.shown)
        work = Work(platform, tenant, SYSTEM_ACTOR, SYSTEM, enabled, Channel.CLI)
        with work.adopt(connection, writes=True):
            welcome(work, enabled)
            told = sorted(enabled - RESERVED_PLUGINS)
            entries.note(work, "core.tenant", tenant.id, "create", {"name": [None, tenant.name], "plugins": [None, told]})
    return tenant


def _wake(work: Work, plugins: frozenset[str]) -> None:
    some = [schedule for schedule in work.platform.catalog.schedules.values() if schedule.plugin in plugins]
    schedules.wake(work.connection, work.tenant.id, some, work.now())


def check_settings(wish: Mapping[str, object]) -> None:
    """Raise Invalid for a name, language, time zone or currency that there is not."""
    if problems := wrong_settings(wish):
        raise Invalid(_("the tenant settings are invalid"), problems=problems)


def wrong_settings(wish: Mapping[str, object]) -> list[Problem]:
    """What is wrong with a name, language, time zone and currency."""
    name, timezone, currency, locale = (str(wish[word]) for word in ("name", "timezone", "currency", "locale"))
    return [
        Problem(word, code, text, {"value": value})
        for word, value, fits, code, text in (
            ("name", name, bool(NAME.match(name)), "malformed", _("expected lowercase letters, digits and dashes, got {value!r}")),
            ("timezone", timezone, timezone in timezones(), "unknown_timezone", _("unknown time zone {value!r}; expected for example Europe/Berlin")),
            ("currency", currency, currency in CURRENCIES, "unknown_currency", _("unknown currency {value!r}")),
            ("locale", locale, locale in ("en", "zh_CN"), "unknown_locale", _("unknown language {value!r}; available: en and zh_CN")),
        )
        if not fits
    ]  # fmt: skip


def ensure_roles(work: Work) -> None:
    """A record for each role that an enabled plugin contributes; those that are there stay as they are."""
    records = work.as_system().records("core.role")
    there = {row["key"] for row in records.find((), 10_000)}
    records.write_all(
        [
            Draft("create", {"key": key, "name": work.say(role.label), "everything": role.everything})
            for key, (owner, role) in work.platform.catalog.roles.items()
            if owner in work.enabled and key not in there
        ]
    )


def switch(work: Work, name: str, on: bool, approves: Sequence[str] | None = None) -> None:
    """Switch a plugin for the tenant; its roles appear with it, what it may touch is approved with it, and bridges come and go with what they join.

    Where it asks for more than was approved before, `approves` names that; else raises Conflict. One that raises as it comes stops the switch; one that
    raises as it goes does not: to switch it off may be the cure.
    """
    calls, gate = work.platform.calls, work.platform.gate
    with work.transaction(write=True):
        consent = gate.consents(work.connection, work.tenant.id).get(name)
        approval = Approval(work.actor.name, work.actor.user_id, work.now(), approves)
        done = gate.switch(work.connection, work.tenant.id, name, on, approval)
        for plugin in reversed([one for one in calls.serving() if one in done.gone]):
            there = work.having(done.before | {plugin})  # one that was held goes as well
            try:
                with there.tried():
                    calls.moment("tenant_disabled", frozenset({plugin}), ctx=there)
            except Exception:
                log.exception("%s is switched off for %s all the same", plugin, work.tenant.name)
        work.access_changed()
        had = done.before | done.gone
        changes: dict[str, Sequence[object]] = {one: [one in had, one in done.after] for one in sorted(had ^ done.after)}
        now = gate.consents(work.connection, work.tenant.id).get(name)
        if now is not None and now.approved != (consent and consent.approved):
            changes["approved"] = [consent and consent.approved, now.approved]
        if changes:
            entries.note(work, "core.plugin", work.tenant.id, "update", changes)
        if on:
            welcome(work.having(done.after), done.after - done.before)


def welcome(work: Work, plugins: frozenset[str]) -> None:
    """Plugins begin to serve the tenant: their roles, their schedules, and whatever they do then themselves."""
    ensure_roles(work)
    _wake(work, plugins)
    work.platform.calls.moment("tenant_enabled", plugins, ctx=work)


def add_person(work: Work, name: str, email: str, roles: Sequence[str], password: str | None) -> UUID:
    """A user of the tenant; with a password one who can sign in. An e-mail that signs in elsewhere keeps its password."""
    email = email.strip()
    hash = None if password is None else passwords.hashed(password, email, name)  # not within the transaction: it takes its time
    with work.transaction(write=True):
        users = work.as_system().records("core.user")
        found = users.find(where(email=email), 1)
        user = found[0] if found else users.create({"name": name, "email": email, "roles": list(roles)})
        id = id_of(user)
        if hash is not None:
            _let_in(work, id, email.lower(), hash)
        return id


def _let_in(work: Work, user: UUID, email: str, hash: str) -> UUID:
    connection = work.connection
    known = connection.execute(sa.select(sign_ins.c.id).where(sign_ins.c.email == email)).scalar()
    if known is None:
        known = new_id()
        row = {"id": known, "email": email, "password_hash": hash, "created_at": work.now()}
        connection.execute(sign_ins.insert().values(**row))
    mine = (memberships.c.sign_in_id == known, memberships.c.tenant_id == work.tenant.id)
    if not connection.execute(sa.select(memberships.c.user_id).where(*mine)).first():
        connection.execute(memberships.insert().values(sign_in_id=known, tenant_id=work.tenant.id, user_id=user))
    return known


def reset_password(platform: Platform, tenant: str, email: str, password: str) -> UUID:
    """Give a user of the tenant a password, and a sign-in if there was none; all sessions end. Returns the user's id."""
    email = email.strip()
    work, hash = platform.system(tenant), passwords.hashed(password, email)
    with work.transaction(write=True):
        found = work.records("core.user").find(where(email=email), 1)
        if not found:
            raise NotFound(_("no active user {user!r} in tenant {tenant!r}"), user=email, tenant=tenant)
        user = id_of(found[0])
        sign_in = _let_in(work, user, email.lower(), hash)
        entrance.set_password(work.connection, sign_in, hash)
        sessions.note(work.connection, Person(sign_in), PASSWORD_CHANGED, Visitor(), work.now())
    return user


def set_state(platform: Platform, name: str, state: str) -> None:
    """`active` or `suspended`: a suspended tenant answers nobody and keeps its data."""
    with platform.database.begin(write=False, tenant=None) as connection:
        row = platform.tenant_row(connection, name)
    work = standing(platform, row)
    with work.transaction(write=True):
        mine = (tenants.c.id == row.id, tenants.c.state != state)
        if work.connection.execute(tenants.update().where(*mine).values(state=state)).rowcount:
            entries.note(work, "core.tenant", row.id, "update", {"state": [row.state, state]})


def standing(platform: Platform, row: sa.Row[tuple[object, ...]]) -> Work:
    """The system in a tenant, suspended or not, with nothing but core: for what is done to the tenant itself."""
    tenant = Tenant(row.id, row.name, row.locale, row.timezone, row.currency, row.fiscal_year_start, row.week_start)
    return Work(platform, tenant, SYSTEM_ACTOR, SYSTEM, RESERVED_PLUGINS, Channel.CLI, access_version=row.access_version)


def purge(platform: Platform, name: str) -> dict[str, int]:
    """Delete a tenant: all its rows, its files, and the sign-ins of people who are nowhere else. Returns what each table lost, and `files`.

    It answers nobody from the beginning on. What is interrupted is finished by doing it again: the tenant's own row goes last.
    """
    with platform.database.begin(write=False, tenant=None) as connection:
        id = connection.execute(sa.select(tenants.c.id).where(tenants.c.name == name)).scalar()
    if id is None:
        raise NotFound(_("tenant {name!r} does not exist; see `dealwright tenant list`"), name=name)
    set_state(platform, name, "suspended")
    files = LocalFiles(platform.config.home, id)
    lost = {"files": sum(1 for _key in files.all_keys())}
    farewell(platform, id, platform.calls.serving())
    with platform.database.begin(write=True, tenant=id) as connection:
        entering = sa.select(sa.func.count()).select_from(memberships).where(memberships.c.tenant_id == id)
        people = connection.execute(entering).scalar_one()
        lost["core_sign_ins"] = membership.end(connection, id)
        there = sa.MetaData()  # what the database has: a plugin whose package is gone has left its tables
        there.reflect(connection)
        for table in reversed(there.sorted_tables):
            if "tenant_id" not in table.c:
                continue
            mine = table.c.tenant_id == sa.literal(id, columns.key())
            links = [column for column in table.c for to in column.foreign_keys if to.column.table is table and column.name != "tenant_id"]
            for column in links:  # rows that point at each other: let go first
                connection.execute(table.update().where(mine).values({column.name: None}))
            lost[table.name] = connection.execute(table.delete().where(mine)).rowcount
        lost["core_memberships"] = people
        lost["core_tenants"] = connection.execute(tenants.delete().where(tenants.c.id == id)).rowcount
        files.remove_all()  # last: where it fails, the rows that name them are back
    return lost


def farewell(platform: Platform, tenant: UUID, plugins: Sequence[str]) -> list[str]:
    """Let plugins take away what they keep of a tenant beside their rows; returns what went wrong, which stops nothing."""
    with platform.database.begin(write=False, tenant=None) as connection:
        row = platform.tenant_row(connection, tenant)
    work, troubles = standing(platform, row).having(frozenset(platform.calls.serving())), list[str]()
    for plugin in reversed(plugins):
        try:
            with work.transaction(write=True):
                platform.calls.moment("tenant_purged", frozenset({plugin}), ctx=work)
        except Exception as failure:
            log.exception("%s could not take away what it keeps of %s", plugin, row.name)
            troubles.append(f"{plugin}, {row.name}: {failure}")
    return troubles
