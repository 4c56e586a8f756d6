"""`dealwright token`: keys for programs."""

from __future__ import annotations

import click

from core.cli.base import platform, refusals_told
from core.identity import tokens
from sdk import Channel


@click.group()
def token() -> None:
    """Keys for programs."""


@token.command()
@click.option("--tenant", required=True, help="The tenant's name.")
@click.option("--user", required=True, metavar="EMAIL", help="Whose rights it has.")
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@click.option(
    "--allow", "allows", multiple=True, metavar="WORD", help="What it may do, such as customers.account.read:name,phone; none: all."
)
@refusals_told
def create(tenant: str, user: str, name: str, allows: tuple[str, ...]) -> None:
    """Issue a token; it is printed alone on standard output, once."""
    work = platform().user(tenant, user, Channel.CLI)
    assert work.actor.user_id is not None
    _id, secret = tokens.issue(work, work.actor.user_id, name, list(allows) or None)
    click.echo(secret)
