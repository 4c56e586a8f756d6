"""`dealwright tenant`: the companies on this installation."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path

import click
import sqlalchemy as sa

from core.cli.base import platform, refusals_told
from core.identity import ranges
from core.tenancy import export as exports
from core.tenancy import lifecycle, settings
from core.tenancy.lifecycle import NewTenant
from core.tenancy.setup import set_up
from core.tenancy.tables import tenants


@click.group()
def tenant() -> None:
    """The companies on this installation."""


@tenant.command()
@click.argument("name")
@click.option("--admin", required=True, metavar="EMAIL", help="Who may do everything in it.")
@click.option("--password-stdin", is_flag=True, help="Read the admin's password from standard input.")
@click.option("--plugins", metavar="NAMES", help="Plugins with commas between; default: all that are in force.")
@click.option("--locale", default="en", show_default=True, help="en or zh_CN.")
@click.option("--timezone", default="UTC", show_default=True, help="For example Asia/Shanghai.")
@click.option("--currency", default="USD", show_default=True, help="The tenant's own currency (ISO 4217).")
@click.option("--yes", is_flag=True, help="Approve what plugins from elsewhere ask for, without being asked.")
@refusals_told
def create(name: str, admin: str, password_stdin: bool, plugins: str | None, locale: str, timezone: str, currency: str, yes: bool) -> None:
    """Create tenant NAME with an administrator. Plugins from elsewhere that ask for anything wait until it is approved."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else secrets.token_urlsafe(12)
    booted = platform()
    chosen = None if plugins is None else [word.strip() for word in plugins.split(",") if word.strip()]
    asking = booted.gate.asking(booted.calls.serving() if chosen is None else chosen)
    for plugin, words in asking.items():
        click.echo(f"{plugin} asks for: {'; '.join(words)}")
    shown = bool(asking) and (yes or (sys.stdin.isatty() and not password_stdin and click.confirm("Approve? Else they are held.")))
    made = lifecycle.create(booted, NewTenant(name, locale, timezone, currency, chosen, shown))
    try:
        lifecycle.add_person(booted.system(made.id), admin.partition("@")[0], admin, ["admin"], password)
    except BaseException:
        lifecycle.purge(booted, name)  # a tenant that nobody can enter is half a tenant
        raise
    click.echo(f"tenant {name} with administrator {admin}")
    if not password_stdin:
        click.echo(f"password {password}")
    for plugin in () if shown else asking:
        click.echo(f"{plugin} waits until it is approved: dealwright plugin approve {plugin} --tenant {name}")


@tenant.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def list_(as_json: bool) -> None:
    """All tenants with their state."""
    booted = platform()
    with booted.database.begin(write=False, tenant=None) as connection:
        rows = connection.execute(sa.select(tenants).order_by(tenants.c.name)).all()
    if as_json:
        shown = [{name: str(getattr(row, name)) for name in ("id", "name", "state", "locale", "timezone", "currency")} for row in rows]
        click.echo(json.dumps({"data": shown}, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row.name:24} {row.state:10} {row.locale:6} {row.timezone:20} {row.currency}")


@tenant.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def setup(name: str, as_json: bool) -> None:
    """Make the master data that tenant NAME lacks; again and again does no harm."""
    done = set_up(platform().system(name))
    if as_json:
        click.echo(json.dumps({"data": done}, indent=2))
        return
    for row in done:
        click.echo(f"{row['entity']}: {row['created']} created, {row['skipped']} there already")


@tenant.command()
@click.argument("name")
@click.option("--resume", is_flag=True, help="Let it work again.")
@refusals_told
def suspend(name: str, resume: bool) -> None:
    """Let tenant NAME answer nobody; its data stay."""
    lifecycle.set_state(platform(), name, "active" if resume else "suspended")
    click.echo(f"{name} is {'active' if resume else 'suspended'}")


@tenant.command("open")
@click.argument("name")
@refusals_told
def open_(name: str) -> None:
    """Let the people of tenant NAME come in from every network address again."""
    work = platform().system(name)
    with work.transaction(write=True):
        settings.change(work, {ranges.NAME: []})
    click.echo(f"{name} is open to every network address")


@tenant.command()
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE.")
@refusals_told
def export(name: str, file: Path, force: bool) -> None:
    """Write everything of tenant NAME to FILE (.tar.gz): rows as JSON lines, files, a manifest. Secrets are left out."""
    if file.exists() and not force:
        raise click.UsageError(f"{file} is there already; take another name, or --force")
    try:
        done = exports.export(platform(), name, file)
    except OSError as failure:
        raise click.UsageError(f"{file} cannot be written: {failure.strerror}; take another place") from failure
    for table, rows in done.tables.items():
        if rows:
            click.echo(f"{table}: {rows}")
    click.echo(f"files: {done.files} ({done.bytes} bytes)")


@tenant.command()
@click.argument("name")
@click.option("--yes", metavar="NAME", help="The name once more, instead of typing it.")
@refusals_told
def purge(name: str, yes: str | None) -> None:
    """Delete tenant NAME with every row and file of it, for ever; people who are nowhere else lose their sign-in."""
    typed = yes if yes is not None else click.prompt("Type the tenant's name to delete it for ever")
    if typed != name:
        click.echo("dealwright: the names differ; nothing was deleted", err=True)
        raise SystemExit(2)
    for table, rows in lifecycle.purge(platform(), name).items():
        if rows:
            click.echo(f"{table}: {rows}")
