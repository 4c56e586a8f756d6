"""`dealwright plugin new | check`: what a plugin's author does."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click
import orjson

from core.cli.base import refusals_told
from core.extension.discover import GROUP
from core.extension.project import project_in, with_partners
from core.scaffold.generate import generate
from core.testkit.rules import RULES, Verdict, bench, judged, package_of
from sdk import NotFound, _

EXIT_BROKEN = 1


@click.command()
@click.argument("name")
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="The folder that gets it; by default this one."
)
@refusals_told
def new(name: str, into: Path) -> None:
    """Write the package of a new plugin NAME: entity, migration, hooks, action, page, texts, tests, all of which pass."""
    made = generate(name, into)
    click.echo(f"wrote {made}")
    click.echo(f"next: cd {made} && pip install -e '.[test]' && pytest && dealwright plugin check")


@click.command()
@click.argument("target", default=".", metavar="[PATH|NAME]")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def check(target: str, as_json: bool) -> None:
    """Put a plugin to the rules of the contract: the one in folder PATH (by default here), or the installed one NAME.

    Exits with 1 where a rule is broken.
    """
    points = _points(target)
    with bench(with_partners(points)) as booted:
        verdicts = {point.name: list(judged(package_of(point, booted), RULES)) for point in points}
    if as_json:
        rows = [
            {"plugin": name, "rule": v.rule.key, "state": _state(v), "broken": v.broken or (), "reason": v.rule.reason, "cure": v.rule.cure}
            for name, many in verdicts.items() for v in many
        ]  # fmt: skip
        click.echo(orjson.dumps({"data": rows}, option=orjson.OPT_INDENT_2).decode())
    else:
        for name, many in verdicts.items():
            click.echo(name)
            for verdict in many:
                _tell(verdict)
    if any(verdict.broken for many in verdicts.values() for verdict in many):
        raise SystemExit(EXIT_BROKEN)


def _state(verdict: Verdict) -> str:
    return "not asked" if verdict.broken is None else "broken" if verdict.broken else "holds"


def _tell(verdict: Verdict) -> None:
    click.echo(f"  {verdict.rule.key:12} {_state(verdict)}")
    if verdict.broken:
        for line in verdict.broken:
            click.echo("      " + line.replace("\n", "\n      "))
        click.echo(f"    why: {verdict.rule.reason}")
        click.echo(f"    cure: {verdict.rule.cure}")


def _points(target: str) -> tuple[EntryPoint, ...]:
    """The plugins of a folder, or the installed one of that name."""
    project = project_in(Path(target))
    if project is not None:
        project.importable()
        return project.points
    installed = tuple(point for point in entry_points(group=GROUP) if point.name == target)
    if not installed:
        raise NotFound(
            _(
                "{target!r} is neither a folder whose pyproject.toml declares a plugin nor an installed plugin; see `dealwright plugin list`"
            ),
            target=target,
        )
    return installed
