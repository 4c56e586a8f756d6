"""`dealwright plugin add | remove`: packages of plugins come and go."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import click
import orjson

from core import config as configs
from core.cli.base import EXIT_REFUSED, platform, refusals_told
from core.custom import leaning
from core.extension import archive, consent, installer
from core.extension.discover import GROUP, Found
from core.extension.impact import Impact, Share, impact
from core.extension.removal import archive_data, check_free, known, purge_data
from core.extension.upgrading import upgrade_or_none
from core.platform import Platform, boot
from core.tenancy import export as tenant_export
from sdk import BadRequest, Conflict, Invalid, _


@click.command()
@click.argument("source")
@click.option("--yes", is_flag=True, help="Do not ask.")
@refusals_told
def add(source: str, yes: bool) -> None:
    """Install the package SOURCE (a folder or a wheel, else a name), show what its plugins add, and make their tables.

    A plugin that was removed with its data finds them again. No tenant has it on: see `dealwright plugin enable`.
    Where anything fails, or the answer is no, all is as it was before.
    """
    there = platform()
    there.close()
    with installer.added(source) as names:
        booted = boot(configs.load(), check_schema=False)
        _check_all_serve(there, booted)
        kept = archive.archived(booted)
        for name in names:
            found = _serving(booted, name)
            _introduce(booted, found)
            if name in kept:
                click.echo(f"  finds its data of {kept[name].archived_at:%Y-%m-%d} again: {sum(kept[name].rows.values())} rows")
        if not yes:
            click.confirm("Add it?", abort=True)
        moved = upgrade_or_none(booted, [branch for branch in booted.branches() if branch.plugin in names])
    for name in names:
        archive.forget(booted, name)
    booted.close()
    for name, before, after in moved:
        click.echo(f"{name}: {before or 'nothing'} -> {after}")
    for name in names:
        click.echo(
            f"{name} is there; restart the server if one runs, then switch it on with: dealwright plugin enable {name} --tenant TENANT"
        )


def _check_all_serve(before: Platform, booted: Platform) -> None:
    """A package must not put out of force what is there."""
    served = {one.name for one in before.plugins if one.serves}
    for lost in booted.plugins:
        if lost.name in served and not lost.serves:
            reason = lost.reason.strip().splitlines()[-1]
            raise Conflict(_("with it {name!r} would be {state}: {reason}"), name=lost.name, state=lost.state.value, reason=reason)


def _serving(booted: Platform, name: str) -> Found:
    found = next((one for one in booted.plugins if one.name == name), None)
    if found is None:
        raise Conflict(_("{name!r} is not listed in `plugins` in dealwright.toml; add it there first"), name=name)
    if not found.serves:
        reason = found.reason.strip().splitlines()[-1]
        raise Invalid(_("{name!r} is {state}: {reason}"), name=name, state=found.state.value, reason=reason)
    return found


def _introduce(booted: Platform, found: Found) -> None:
    assert found.manifest is not None
    click.echo(f"{found.name} {found.manifest.version} (package {found.distribution}): {found.manifest.summary}")
    for word in consent.asked(found.manifest):
        click.echo(f"  may touch: {word}")
    for kind, names in booted.catalog.provenance(found.name).items():
        if names:
            click.echo(f"  {kind}: {', '.join(names)}")


@click.command()
@click.argument("name")
@click.option("--plan", "plans", is_flag=True, help="Say what would be missing and change nothing.")
@click.option("--archive", "keeps", is_flag=True, help="Take it out and keep its data (the default); added again, it finds them.")
@click.option("--purge", "purges", is_flag=True, help="Take it out with everything that it has made, for ever.")
@click.option(
    "--export",
    "into",
    type=click.Path(file_okay=False, path_type=Path),
    help="First write its rows and files of each company to an archive in this folder; alone it takes nothing out.",
)
@click.option("--yes", metavar="NAME", help="With --purge: the name once more, instead of typing it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def remove(name: str, plans: bool, keeps: bool, purges: bool, into: Path | None, yes: str | None, as_json: bool) -> None:
    """Say what would be missing without plugin NAME, and take it out, unless a tenant has it on; its data stay but with --purge."""
    if plans + keeps + purges > 1:
        raise click.UsageError("--plan changes nothing, --archive keeps the data, --purge deletes them: choose one")
    asks = not (plans or keeps or purges or into is not None)
    booted, left_out = _booted(name, purges=purges)
    found, report = known(booted, name), impact(booted, name)
    alone = found is not None and installer.sole(found.distribution, name)
    asks = (
        asks and found is not None and (alone or not found.distribution or left_out)
    )  # else there is nothing to take out: it is told alone
    keeps = keeps or asks
    done = ""
    if not as_json:
        _tell(report)
    exported = [] if into is None else _export(booted, report, into)
    if keeps or purges:
        check_free(report)
        if found is not None and found.distribution and not alone and not left_out:
            text = _(
                "{name!r} comes with others in the package {package!r}; leave it out of `plugins` in dealwright.toml, which keeps its data"
            )
            raise Conflict(text, name=name, package=found.distribution)
        if asks and sys.stdin.isatty():
            click.confirm("Take it out and keep its data?", abort=True, err=True)
        done = _archive(booted, found, report) if keeps else _purge(booted, report, yes)
        if alone and found is not None:
            _take_out(booted, found, archived=keeps)
    booted.close()
    if as_json:
        click.echo(orjson.dumps({**report.json(), "exported": exported, "done": done}, option=orjson.OPT_INDENT_2).decode())
        return
    for path in exported:
        click.echo(f"wrote {path}")
    if done:
        click.echo(f"{name} is {done}")
    else:
        click.echo("nothing was taken out: --archive takes it out and keeps its data, --purge deletes them")


def _booted(name: str, *, purges: bool) -> tuple[Platform, bool]:
    """The platform, and whether `plugins` leaves the plugin out although its code is here: then it is booted to say goodbye itself."""
    booted, config = platform(), configs.load()
    if not purges or config.plugins is None or name in config.plugins or not any(point.name == name for point in entry_points(group=GROUP)):
        return booted, False
    booted.close()
    return boot(replace(config, plugins=(*config.plugins, name))), True


def _export(booted: Platform, report: Impact, into: Path) -> list[str]:
    """An archive for each tenant that has rows of the plugin. Raises BadRequest where the folder cannot be written."""
    written = []
    try:
        into.mkdir(parents=True, exist_ok=True)
        for share in report.tenants:
            if share.rows:
                target = into / f"{share.tenant}.{report.plugin}.tar.gz"
                tenant_export.export(booted, share.tenant, target, report.plugin)
                written.append(str(target))
    except OSError as failure:
        text = _("can’t write to {path}: {reason}; choose a writable folder")
        raise BadRequest(text, path=str(into), reason=failure.strerror or str(failure)) from failure
    return written


def _archive(booted: Platform, found: Found | None, report: Impact) -> str:
    if found is None:
        raise Conflict(_("the package of {name!r} is already gone, and its data is kept; --purge deletes it"), name=report.plugin)
    archive_data(booted, found, report)
    return "archived"


def _purge(booted: Platform, report: Impact, yes: str | None) -> str:
    typed = yes if yes is not None else click.prompt(f"Type the plugin's name to delete its {report.rows} rows for ever", err=True)
    if typed != report.plugin:
        click.echo("dealwright: the names differ; nothing was deleted", err=True)
        raise SystemExit(EXIT_REFUSED)
    purge_data(booted, report, lambda trouble: click.echo(f"dealwright: not taken away: {trouble}", err=True))
    return "purged"


def _take_out(booted: Platform, found: Found, *, archived: bool) -> None:
    try:
        installer.take_out(found.distribution)
    except Exception:
        if archived:  # it is still there
            archive.forget(booted, found.name)
        raise


_WAYS = {
    leaning.PART_OF: "entity that is part of it",
    leaning.LINKS: "field that links to it",
    leaning.NAMES: "field that names records of it",
    leaning.COUNTS: "field that counts it",
    leaning.READS: "field that reads it",
    leaning.BELONGS: "field of it",
}


def _tell(report: Impact) -> None:
    for kind, names in report.adds.items():
        click.echo(f"{kind}: {', '.join(names)}")
    if report.enabled_for:
        click.echo(f"on for: {', '.join(report.enabled_for)}")
    if report.required_by:
        click.echo(f"required by: {', '.join(report.required_by)}")
    if report.taken_along:
        click.echo(f"goes with it: {', '.join(report.taken_along)}")
    if report.wanted_by:
        click.echo(f"goes on without it, with less: {', '.join(report.wanted_by)}")
    for share in report.tenants:
        _tell_share(share)


def _tell_share(share: Share) -> None:
    click.echo(f"tenant {share.tenant}: {sum(share.rows.values())} rows")
    for table, count in share.rows.items():
        click.echo(f"  {table}: {count}")
    for label, count in share.links.items():
        click.echo(f"  {count} links of {label}")
    for one in share.own:
        records = "" if one["way"] == leaning.BELONGS else f", {one['records']} records"
        click.echo(f"  {_WAYS[str(one['way'])]}: {one['name']} ({one['label']}){records}")
    if share.grants:
        click.echo(f"  {share.grants} grants")
    for token in share.tokens:
        click.echo(f"  token {token!r} allows its permissions")
    for use in share.uses:
        click.echo(f"  {use['entity']}: {', '.join(map(str, use['titles']))}")  # type: ignore[call-overload]
    for reason in share.unanswered:
        click.echo(f"  not known: {reason}")
