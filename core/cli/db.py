"""`dealwright db`: the schema."""

from __future__ import annotations

import click
import orjson

from core.cli.base import platform, refusals_told
from core.data import migrate
from core.data.revise import revise
from core.extension.consent import Approval
from core.extension.upgrading import upgrade_all
from sdk import NotFound, _


@click.group()
def db() -> None:
    """The schema of the database."""


@db.command()
@refusals_told
def upgrade() -> None:
    """Bring the schema of core and of every plugin up to the code."""
    booted = platform(check_schema=False)
    moved = upgrade_all(booted, booted.branches())
    with booted.database.begin(write=True, tenant=None) as connection:
        booted.gate.adopt(connection, Approval("dealwright db upgrade", None, booted.clock()))
    for name, before, after in moved:
        click.echo(f"{name}: {before or 'nothing'} -> {after}")
    if not moved:
        click.echo("nothing to do: the schema is that of the code")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def status(as_json: bool) -> None:
    """The revision of each plugin, in the database and in the code; exits with 1 when one is behind."""
    booted = platform(check_schema=False)
    branches = booted.branches()
    behind = migrate.behind(booted.database, branches)
    rows = [(branch.plugin, *behind.get(branch.plugin, (branch.head(), branch.head())), branch.plugin in behind) for branch in branches]
    if as_json:
        data = [{"plugin": name, "database": there, "code": here, "behind": late} for name, there, here, late in rows]
        click.echo(orjson.dumps({"data": data}, option=orjson.OPT_INDENT_2).decode())
    else:
        for name, there, here, late in rows:
            click.echo(f"{name:16} database {there or '-':8} code {here or '-':8} {'behind' if late else 'ok'}")
    if behind:
        raise SystemExit(1)


@db.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def orphans(as_json: bool) -> None:
    """Plugins that have tables here but whose code is gone."""
    booted = platform(check_schema=False)
    gone = list(migrate.orphans(booted.database, booted.branches()))
    if as_json:
        click.echo(orjson.dumps({"data": gone}, option=orjson.OPT_INDENT_2).decode())
        return
    for name in gone:
        click.echo(name)


@db.command()
@click.argument("plugin")
@click.option("-m", "--message", required=True, help="What the revision does.")
@refusals_told
def revision(plugin: str, message: str) -> None:
    """Write the migration that brings the database to what PLUGIN declares."""
    booted = platform(check_schema=False)
    branch = next((b for b in booted.branches() if b.plugin == plugin), None)
    if branch is None:
        raise NotFound(_("no active plugin {name!r}; see `dealwright plugin list`"), name=plugin)
    path = revise(booted.database, branch, message, beside=[b.plugin for b in booted.branches()])
    click.echo(f"wrote {path}" if path else f"nothing to do: the tables of {plugin} are as declared")
