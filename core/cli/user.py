"""`dealwright user`: the people of a tenant."""

from __future__ import annotations

import json

import click

from core.cli.base import platform, refusals_told
from core.identity.leaving import find_person
from core.identity.leaving import leave as let_leave
from sdk import Channel

EXIT_PARTIAL = 3


@click.group()
def user() -> None:
    """The people of a tenant."""


@user.command()
@click.argument("person")
@click.option("--tenant", required=True, help="The tenant's name.")
@click.option("--to", "successor", required=True, metavar="PERSON", help="Who takes over.")
@click.option("--dry-run", is_flag=True, help="Count, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def leave(person: str, tenant: str, successor: str, dry_run: bool, as_json: bool) -> None:
    """Let PERSON (id, e-mail or name) leave: access ends, and the work passes to a successor.

    Exits with 3 where a plugin holds some records; each is named with its reason.
    """
    work = platform().system(tenant, Channel.CLI)
    done = let_leave(work, find_person(work, person), find_person(work, successor), dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(done.shown(), indent=2, default=str))
    else:
        for entity, count in done.moved.items():
            click.echo(f"{entity}: {count}")
        click.echo(f"tokens: {done.tokens}")
        for entity, count in done.off.items():
            click.echo(f"{entity}: {count} left, as its plugin is off", err=True)
        for row in done.kept:
            click.echo(f"{row['entity']} {row['id']} stays: {row['reason']}", err=True)
        if done.kept_count > len(done.kept):
            click.echo(f"and {done.kept_count - len(done.kept)} more", err=True)
    if done.kept_count:
        raise SystemExit(EXIT_PARTIAL)
