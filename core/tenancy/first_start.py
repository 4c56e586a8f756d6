"""The first tenant of an installation, made through the API by who reads the terminal of `dealwright serve`."""

from __future__ import annotations

import fcntl
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.identity import passwords
from core.identity.tables import User
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.tenancy.tables import tenants
from sdk import Forbidden, Invalid, NotFound, Problem, Tenant, _, links
from sdk.fields import FlawError

if TYPE_CHECKING:
    from core.platform import Platform

FILE = "first_start"
"""In the home of the installation: locked while somebody is at it, and holds the digest of the code that was used."""


def new_code(platform: Platform) -> str:
    """A code to print on the terminal; "" where there is a tenant already."""
    return "" if _there_is_one(platform) else secrets.token_urlsafe(16)


def needed(platform: Platform) -> bool:
    """Whether this server waits for its first tenant."""
    return bool(platform.first_start) and not _there_is_one(platform)


def make(platform: Platform, code: str, wish: NewTenant, name: str, email: str, password: str) -> Tenant:
    """The first tenant with an administrator. Raises NotFound where there is a tenant or the server has no code, Forbidden for another
    code, Invalid for what does not fit, and then nothing is there."""
    digest = links.digest_of(code)
    with _alone(platform) as used:
        if not needed(platform) or platform.first_start in used:
            raise NotFound(_("there is nothing at this address"))
        if not hmac.compare_digest(digest, platform.first_start):
            raise Forbidden(_("the code is wrong; `dealwright serve` printed it in its terminal"), code="wrong_code")
        if problems := list(wrong(wish, name, email, password)):
            raise Invalid(_("some values are invalid"), problems=problems)
        made = lifecycle.create(platform, wish)
        try:
            lifecycle.add_person(platform.system(made.id), name, email, ["admin"], password)
        except BaseException:
            lifecycle.purge(platform, wish.name)  # a tenant that nobody can enter is half a tenant
            raise
        used.append(digest)
        return made


def held(platform: Platform, tenant: Tenant) -> dict[str, tuple[str, ...]]:
    """The plugins that wait in a tenant until somebody approves what they ask for."""
    with platform.database.begin(write=False, tenant=tenant.id) as connection:
        return {name: one.lacks for name, one in platform.gate.consents(connection, tenant.id).items() if one.held}


def wrong(wish: NewTenant, name: str, email: str, password: str) -> Iterator[Problem]:
    """Everything that does not fit, before anything is made; the tenant's name is called `tenant` here, as `name` is the person's."""
    for problem in lifecycle.wrong_settings(asdict(wish)):
        yield replace(problem, field="tenant") if problem.field == "name" else problem
    for word, value in (("name", name), ("email", email)):
        try:
            User.__fields__[word].check(value.strip())
        except FlawError as flaw:
            yield Problem(word, flaw.code, flaw.message, flaw.params)
    if (weak := passwords.flaw(password, (email.strip(), name), "password")) is not None:
        yield weak


@contextmanager
def _alone(platform: Platform) -> Iterator[list[str]]:
    """While no other process of the installation is at it; gives the codes that were used, to which one can be added."""
    platform.config.home.mkdir(parents=True, exist_ok=True)
    with (platform.config.home / FILE).open("a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # let go by the system when the process dies
        file.seek(0)
        before = file.read().split()
        used = list(before)
        yield used
        file.writelines(f"{digest}\n" for digest in used[len(before) :])


def _there_is_one(platform: Platform) -> bool:
    with platform.database.begin(write=False, tenant=None) as connection:
        return connection.execute(sa.select(tenants.c.id).limit(1)).first() is not None
