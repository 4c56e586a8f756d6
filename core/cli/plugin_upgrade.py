"""`dealwright plugin upgrade`: what the code that is installed now would change, and the change itself."""

from __future__ import annotations

from collections.abc import Sequence

import click
import orjson

from core.cli.base import EXIT_REFUSED, platform, refusals_told
from core.data.migrate import Branch
from core.extension.plan import Alteration, Plan, Step, plan
from core.extension.upgrading import ask_all, check_fit, upgrade_as_one
from core.platform import Platform
from sdk import NotFound, _


@click.command()
@click.argument("name", required=False)
@click.option("--plan", "only_plan", is_flag=True, help="Say what would change, and change nothing.")
@click.option(
    "--yes", "typed", metavar="NAME", multiple=True, help="A plugin that may destroy data, instead of typing its name; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def upgrade(name: str | None, only_plan: bool, typed: tuple[str, ...], as_json: bool) -> None:
    """Bring core and all plugins, or NAME with what it requires, up to the installed code: all of them, or none.

    It is rehearsed first and told with the rows that it concerns; what destroys data is named and has to be confirmed.
    """
    booted = platform(check_schema=False)
    try:
        branches = _wanted(booted, name)
        check_fit(booted)
        ask_all(booted, branches)
        found = plan(booted, branches)
        if as_json:
            click.echo(orjson.dumps(found.json(), option=orjson.OPT_INDENT_2).decode())
        else:
            _tell(found)
        if not only_plan and found.steps:
            _confirm(found, typed)
            moved = upgrade_as_one(booted, branches)
            told = ", ".join(f"{plugin} at {after}" for plugin, _before, after in moved)
            click.echo(f"done; schema: {told or 'as it was'}", err=as_json)
    finally:
        booted.close()


def _wanted(booted: Platform, name: str | None) -> Sequence[Branch]:
    branches = booted.branches()
    if name is None:
        return branches
    if name not in {branch.plugin for branch in branches}:
        raise NotFound(_("no active plugin {name!r}; see `dealwright plugin list`"), name=name)
    needed, left = {"core"}, [name]
    manifests = {found.name: found.manifest for found in booted.plugins}
    while left:
        one = left.pop()
        if one not in needed:
            needed.add(one)
            manifest = manifests.get(one)
            left += manifest.required if manifest is not None else ()
    return [branch for branch in branches if branch.plugin in needed]


def _tell(found: Plan) -> None:
    for step in found.steps:
        click.echo(f"{step.plugin}: {_versions(step)}")
        for one in step.alterations:
            click.echo(f"  {_line(one)}")
        for other in step.differences:
            click.echo(f"  {other.kind}: {other.act} {other.what}")
        for holding in step.held:
            click.echo(f"  held for {holding.tenant} until it approves: {'; '.join(holding.asks)}")
    if not found.steps:
        click.echo("nothing to do: the schema is that of the code, and everything is declared as it was")


def _versions(step: Step) -> str:
    said = f"{step.versions[0] or 'not written down before'} -> {step.versions[1]}"
    before, after = step.revisions
    return said if before == after else f"{said}, schema {before or 'nothing'} -> {after}"


def _line(one: Alteration) -> str:
    rows = f", {one.rows} rows" if one.rows or one.destroys else ""
    return f"{one.part}: {one.act} {one.what}{rows}{' (DESTROYS DATA)' if one.destroys and one.rows else ''}"


def _confirm(found: Plan, typed: tuple[str, ...]) -> None:
    for step in found.steps:
        rows = sum(one.rows for one in step.alterations if one.destroys)
        if not rows or step.plugin in typed:
            continue
        said = click.prompt(f"{step.plugin} destroys {rows} rows or values for ever: type its name", err=True)
        if said != step.plugin:
            click.echo("dealwright: the names differ; nothing was changed", err=True)
            raise SystemExit(EXIT_REFUSED)
