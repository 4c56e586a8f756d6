"""What every command shares: how it gets the platform, and how it tells a refusal."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError

from core import config as configs
from core.data import migrate
from core.extension.upgrading import upgrade_all
from core.platform import Platform, boot
from sdk import DeclarationError, Refusal, Unavailable, _

P = ParamSpec("P")
R = TypeVar("R")
EXIT_REFUSED = 2
_OF_OWNERS = ("schema", "database", "must be owner")
"""Words of what is not permitted for want of owning the database."""
NOT_PERMITTED = "42501"
"""What PostgreSQL says to who lacks a privilege, as of making tables in a database that is somebody else's."""


def refusals_told(command: Callable[P, R]) -> Callable[P, R]:
    """Tell a refusal in one line instead of a traceback, and exit with 2."""

    @wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (Refusal, DeclarationError) as refusal:
            click.echo(f"dealwright: {refusal}", err=True)
            raise SystemExit(EXIT_REFUSED) from refusal
        except ArgumentError as failure:
            click.echo("dealwright: DATABASE_URL is no database address; write postgresql://user@host/name or sqlite:///file", err=True)
            raise SystemExit(EXIT_REFUSED) from failure
        except OperationalError as failure:
            reason = str(failure.orig).strip().splitlines()[0]
            click.echo(f"dealwright: the database does not answer: {reason}; see `dealwright config` for its address", err=True)
            raise SystemExit(EXIT_REFUSED) from failure
        except ProgrammingError as failure:
            reason = str(failure.orig).strip().splitlines()[0]
            if getattr(failure.orig, "sqlstate", None) != NOT_PERMITTED or not any(word in reason for word in _OF_OWNERS):
                raise
            click.echo(
                f"dealwright: the database refuses: {reason}; its role has to own the database: CREATE DATABASE name OWNER role", err=True
            )
            raise SystemExit(EXIT_REFUSED) from failure

    return told


def settle(*, batches: bool = False) -> None:
    """After booting: what is there now stays, so the collector need not walk it again.

    `batches`: a command that makes many short-lived rows at once is collected less often, and does not begin with looking for the little that
    booting leaves behind; a server does, to stay small.
    """
    if not batches:
        gc.collect()
    gc.freeze()
    gc.enable()
    if batches:
        gc.set_threshold(50_000, 2, 2)  # seldom, but to the end: what came in a circle and was in use then would stay


def platform(*, check_schema: bool = True) -> Platform:
    """The booted installation of this folder. An empty database gets its schema at once; one that is behind is refused."""
    booted = boot(configs.load(), check_schema=check_schema)
    if not check_schema:
        return booted
    core = booted.branches()[0]
    with booted.database.reading_as_owner() as connection:
        there = migrate.current(connection, core)
    if there is None:
        booted.close()
        fresh = boot(configs.load(), check_schema=False)
        upgrade_all(fresh, fresh.branches())
        fresh.close()
        return boot(configs.load())
    if there != core.head():
        raise Unavailable(_("the schema is at {there}, but the code at {here}; run `dealwright db upgrade`"), there=there, here=core.head())
    return booted
