"""`dealwright plugin`: what is installed, in which state, for which tenant."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import click
import orjson

from core.cli.base import platform, refusals_told
from core.cli.later import Later
from core.extension import consent, failures
from core.extension.archive import archived
from core.extension.discover import Found, amiss
from core.platform import Platform
from core.tenancy import lifecycle
from sdk import NotFound, _, hooks


def _told(words: list[str] | tuple[str, ...], before: str = "    ") -> None:
    for word in words:
        click.echo(f"{before}{word}")


@click.group(
    cls=Later,
    later={
        "add": "plugin_packages:add", "check": "plugin_life:check", "new": "plugin_life:new", "remove": "plugin_packages:remove",
        "upgrade": "plugin_upgrade:upgrade",
    },
)  # fmt: skip
def plugin() -> None:
    """What is installed, in which state, for which tenant."""


@plugin.command("list")
@click.option("--tenant", help="Say also what this tenant has.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def list_(tenant: str | None, as_json: bool) -> None:
    """All plugins with their states."""
    booted = platform()
    rows = _rows(booted, tenant)
    if as_json:
        click.echo(orjson.dumps({"data": rows}, option=orjson.OPT_INDENT_2).decode())
        return
    for row in rows:
        switch = f"{row['switch']} " if row.get("switch") else ""
        last = (str(row["reason"]).strip().splitlines() or [""])[-1]
        click.echo(f"{row['name']:16} {row['version'] or '-':8} {row['state']:14} {switch}{last}".rstrip())


def _rows(booted: Platform, tenant: str | None) -> list[dict[str, object]]:
    """Each plugin with its state and why, for a tenant also its switch; then those that are gone and left their rows."""
    enabled, waiting = frozenset[str](), dict[str, frozenset[str]]()
    if tenant:
        work = booted.system(tenant)
        with work.transaction():
            there = booted.gate.consents(work.connection, work.tenant.id)
        ill = {found.name for found in booted.plugins if not found.serves}  # on as far as the tenant is concerned, whatever the state says
        enabled = work.enabled | {name for name, one in there.items() if one.enabled and name in ill}
        waiting = {name: frozenset({name}) for name, one in there.items() if one.held} | booted.gate.waiting(there)
    rows, kept = list[dict[str, object]](), archived(booted)
    for found in booted.plugins:
        if not found.installed and found.name in kept:
            continue
        row: dict[str, object] = {
            "name": found.name, "version": found.manifest.version if found.manifest else None, "state": found.state.value, "reason": found.reason,
        }  # fmt: skip
        if tenant:
            row["switch"] = "on" if found.name in enabled else "held" if found.name in waiting else "off"
        if found.serves and (others := waiting.get(found.name, frozenset()) - {found.name}):
            row["reason"] = f"waits for {', '.join(sorted(others))} to be approved"
        rows.append(row)
    here = {found.name: found.installed for found in booted.plugins}
    for entry in kept.values():
        if not here.get(entry.plugin):
            told = f"{sum(entry.rows.values())} rows kept since {entry.archived_at:%Y-%m-%d}; package {entry.distribution}"
            told += "; take it out of `plugins` in dealwright.toml, or add it again" if entry.plugin in here else ""
            rows.append({"name": entry.plugin, "version": entry.version, "state": "archived", "reason": told})
    return rows


@plugin.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def doctor(as_json: bool) -> None:
    """Order, states with their reasons, and who implements which hook in which order; exits with 1 when one is ill: lacking an extra or being slow is not."""
    booted = platform()
    order = list(booted.calls.serving())
    implemented = {
        name: [owner for owner, _function in booted.calls.implementers(name)]
        for name in sorted(vars(hooks))
        if hasattr(vars(hooks)[name], f"{hooks.PROJECT}_spec")
    }
    with booted.database.begin(write=False, tenant=None) as connection:
        raised, slow = failures.lately(connection, booted.clock()), failures.slow(connection, booted.clock())
        held = booted.gate.held_for(connection)
    out = [found for found in booted.plugins if not found.serves]
    if as_json:
        told = {
            "order": order, "hooks": implemented, "failing": [asdict(one) for one in raised],
            "slow": [asdict(one) for one in slow],
            "held": [{"plugin": name, "tenant": tenant, "asks": list(lacks)} for name, many in held.items() for tenant, lacks in many],
            "plugins": [{"name": found.name, "state": found.state.value, "reason": found.reason} for found in out],
        }  # fmt: skip
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo("order: " + ", ".join(order))
        for name, owners in implemented.items():
            click.echo(f"hook {name}: {', '.join(owners) or '-'}")
        _tell_ills(held, raised, slow, out)
    if raised or held or amiss(booted.plugins):
        raise SystemExit(1)


def _tell_ills(
    held: Mapping[str, Sequence[tuple[str, Sequence[str]]]],
    raised: Sequence[failures.Ill],
    slow: Sequence[failures.Slow],
    out: Sequence[Found],
) -> None:
    for name, waiting in held.items():
        for tenant, lacks in waiting:
            click.echo(f"{name} is held for {tenant} until it approves (dealwright plugin approve {name} --tenant {tenant}):")
            _told(list(lacks))
    for one in raised:
        click.echo(
            f"{one.plugin} raised in {one.hook} {one.times} times since yesterday, last at {one.last_at:%Y-%m-%d %H:%M} UTC: {one.error}"
        )
    for late in slow:
        click.echo(
            f"{late.plugin} took too long in {late.hook} {late.times} times since yesterday, {late.seconds:.1f} s at most, last at "
            f"{late.last_at:%Y-%m-%d %H:%M} UTC"
        )
    for found in out:
        click.echo(f"{found.name} is {found.state.value}:\n    " + "\n    ".join(found.reason.strip().splitlines()))


@plugin.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def show(name: str, as_json: bool) -> None:
    """Everything that plugin NAME put anywhere."""
    booted = platform()
    found = _installed(booted.plugins, name)
    put = booted.catalog.provenance(name)
    if as_json:
        told = {"name": name, "state": found.state.value, "capabilities": consent.asked(found.manifest), **put}
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(f"{name} {found.manifest.version if found.manifest else ''} is {found.state.value} (package {found.distribution})")
    click.echo("may touch beyond its own: " + ("; ".join(consent.asked(found.manifest)) or "-"))
    for kind, names in put.items():
        click.echo(f"{kind}: {', '.join(names) or '-'}")


def _installed(plugins: list[Found], name: str) -> Found:
    found = next((one for one in plugins if one.name == name), None)
    if found is None:
        raise NotFound(_("no active plugin {name!r}; see `dealwright plugin list`"), name=name)
    return found


@plugin.command()
@click.argument("name")
@click.option("--tenant", required=True, help="For which tenant.")
@click.option("--yes", is_flag=True, help="Approve what it asks for, without being asked.")
@refusals_told
def enable(name: str, tenant: str, yes: bool) -> None:
    """Switch plugin NAME on for a tenant. What one from elsewhere may touch beyond its own is shown, and approved, when it is first switched on."""
    booted = platform()
    work = booted.system(tenant)
    with work.transaction():
        there = booted.gate.consents(work.connection, work.tenant.id).get(name)
    asks = booted.gate.asking([name]).get(name, []) if there is None or there.approved is None else []
    if asks:
        _told(asks, "")
        if not yes and sys.stdin.isatty():  # who runs it in a script has said so by running it
            click.confirm("Approve?", abort=True)
    lifecycle.switch(work, name, True, asks or None)
    click.echo(f"{name} is on for {tenant}")
    _may(booted, name)


def _may(booted: Platform, name: str) -> None:
    words = consent.asked(_installed(booted.plugins, name).manifest)
    if words:
        click.echo("it may touch beyond its own:")
        _told(words)


@plugin.command()
@click.argument("name")
@click.option("--tenant", required=True, help="For which tenant.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@refusals_told
def approve(name: str, tenant: str, yes: bool) -> None:
    """Approve what plugin NAME asks a tenant for beyond what it has approved before, and switch it on; until then it is held there, or off."""
    booted = platform()
    work = booted.system(tenant)
    with work.transaction():
        there = booted.gate.consents(work.connection, work.tenant.id).get(name)
    asks = list(there.lacks) if there is not None else []
    if not asks:
        click.echo(f"{name} asks {tenant} for nothing more")
        return
    _told(asks, "")
    if not yes:
        click.confirm("Approve?", abort=True)
    lifecycle.switch(work, name, True, asks)
    click.echo(f"{name} is on for {tenant}")


@plugin.command()
@click.argument("name")
@click.option("--tenant", required=True, help="For which tenant.")
@refusals_told
def disable(name: str, tenant: str) -> None:
    """Switch plugin NAME off for a tenant; its data stay."""
    lifecycle.switch(platform().system(tenant), name, False)
    click.echo(f"{name} is off for {tenant}")
