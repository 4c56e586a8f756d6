"""`dealwright user`: people, for the operator."""

from __future__ import annotations

import json

import click

from core.cli.base import platform, refusals_told
from core.identity import entrance, invitations
from core.identity.leaving import NAMED, find_person
from core.identity.leaving import leave as let_leave
from core.tenancy import lifecycle
from sdk import Channel, NotFound, _

EXIT_PARTIAL = 3


@click.group()
def user() -> None:
    """People: invitations, new passwords, and their leaving."""


@user.command()
@click.argument("email")
@click.option("--tenant", required=True, help="The tenant's name.")
@click.option("--name", help="What the person is called; default: the name in the e-mail.")
@click.option("--role", "roles", multiple=True, help="A role of the person, if the person is new; can be repeated.")
@refusals_told
def invite(email: str, tenant: str, name: str | None, roles: tuple[str, ...]) -> None:
    """Invite EMAIL into a tenant; the link to choose a password is mailed, and printed alone on standard output."""
    work = platform().system(tenant)
    with work.transaction(write=True):
        person = lifecycle.add_person(work, name or email.partition("@")[0], email, roles, None)
        sent = invitations.invite(work, person)
    click.echo(sent.address)


@user.command()
@click.argument("email")
@refusals_told
def reset(email: str) -> None:
    """Let EMAIL choose another password; the link is mailed, and printed alone on standard output."""
    sent = invitations.reset(platform(), email)
    if sent is None:
        raise NotFound(_("no one signs in with {email!r}"), email=email)
    click.echo(sent.address)


@user.command("forget-factor")
@click.argument("email")
@refusals_told
def forget_factor(email: str) -> None:
    """Remove the second factor of EMAIL, who has lost it with all recovery codes."""
    entrance.forget_factor(platform(), email)
    click.echo(f"{email} signs in by password alone")


@user.command()
@click.argument("person")
@click.option("--tenant", required=True, help="The tenant's name.")
@click.option("--to", "successor", required=True, metavar="PERSON", help="Who takes over.")
@click.option("--dry-run", is_flag=True, help="Count, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def leave(person: str, tenant: str, successor: str, dry_run: bool, as_json: bool) -> None:
    """Let PERSON (id, e-mail or name) leave: access ends, and the work passes to a successor.

    Exits with 3 where a plugin holds some records; each is named with its reason. Links of your own that still name the person are told, too.
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
            click.echo(f"{row['entity']} {row['id']}{'' if row['code'] == NAMED else ' stays'}: {row['reason']}", err=True)
        if done.kept_count > len(done.kept):
            click.echo(f"and {done.kept_count - len(done.kept)} more", err=True)
    if any(row["code"] != NAMED for row in done.kept):
        raise SystemExit(EXIT_PARTIAL)
