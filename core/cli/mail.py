"""`dealwright mail`: the server that takes our mail."""

from __future__ import annotations

import click

from core import config as configs
from core.cli.base import refusals_told
from core.mail import smtp
from sdk import Unavailable, _


@click.group()
def mail() -> None:
    """The server that takes our mail."""


@mail.command()
@refusals_told
def check() -> None:
    """Connect and sign in without sending anything; says within ten seconds what is wrong."""
    server = configs.load().mail
    if server is None:
        raise Unavailable(_("no mail server is configured; set MAIL_URL and restart"), code="mail_not_configured")
    smtp.check(server)
    click.echo(f"{server} takes mail from {server.sender}")
