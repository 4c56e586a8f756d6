"""`dealwright search`: the words by which records are found."""

from __future__ import annotations

import click
import sqlalchemy as sa

from core.cli.base import platform, refusals_told
from core.search.index import entities, rebuild
from core.tenancy import lifecycle
from core.tenancy.tables import tenants
from core.worker.drain import Drain
from sdk import NotFound, _


@click.group()
def search() -> None:
    """The words by which records are found."""


@search.command(name="rebuild")
@click.option("--tenant", metavar="NAME", help="One tenant; without it all of them.")
@click.option("--entity", metavar="NAME", help="One entity, such as customers.account; without it all that are searched.")
@click.option("--now", is_flag=True, help="Do it here, with what else is waiting, instead of leaving it to the workers.")
@refusals_told
def rebuild_words(tenant: str | None, entity: str | None, now: bool) -> None:
    """Let the words of all records be made anew: those that lack come, those that are left over go. Needed after rows were written past the platform."""
    booted = platform()
    with booted.database.begin(write=False, tenant=None) as connection:
        every = connection.execute(sa.select(tenants).order_by(tenants.c.name)).all()
        rows = every if tenant is None else [booted.tenant_row(connection, tenant)]
    for row in rows:
        with booted.database.begin(write=False, tenant=None) as connection:
            enabled = booted.gate.enabled(connection, row.id, row.access_version)
        work = lifecycle.standing(booted, row).having(enabled)
        with work.transaction(write=True):
            names = [one for one in entities(work) if entity in (None, one)]
            if entity is not None and not names:
                raise NotFound(_("entity {entity!r} does not exist here"), entity=entity)
            rebuild(work, names)
        click.echo(f"{row.name}: {len(names)} entities")
    if now:
        click.echo(f"{Drain(booted).run_until_empty()} done")
