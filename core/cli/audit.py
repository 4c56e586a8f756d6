"""`dealwright audit`: the proof that nobody has changed it."""

from __future__ import annotations

import json

import click
import sqlalchemy as sa

from core.audit import chain, proof
from core.audit.chain import Broken, Verdict
from core.cli.base import platform, refusals_told
from core.tenancy import lifecycle
from core.tenancy.tables import tenants

EXIT_BROKEN = 1


@click.group()
def audit() -> None:
    """What was done, by whom, and whether somebody has changed that."""


@audit.command()
@click.option("--tenant", metavar="NAME", help="One tenant; without it all of them.")
@click.option("--head", default="", metavar="HASH", help="The head that an earlier proof of the tenant told: the chain must have it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def verify(tenant: str | None, head: str, as_json: bool) -> None:
    """Follow the chain of the audit; name the first link that does not hold, and exit with 1.

    What holds and is not sealed yet is sealed.
    """
    if head and tenant is None:
        raise click.UsageError("--head is the head of one tenant: say which with --tenant")
    booted = platform()
    with booted.database.begin(write=False, tenant=None) as connection:
        every = connection.execute(sa.select(tenants).order_by(tenants.c.name)).all()
        rows = every if tenant is None else [booted.tenant_row(connection, tenant)]
    verdicts = {row.name: proof.prove(lifecycle.standing(booted, row), head=head) for row in rows}
    if as_json:
        click.echo(json.dumps({"data": [{"tenant": name, **chain.told(verdict)} for name, verdict in verdicts.items()]}, indent=2))
    else:
        for name, verdict in verdicts.items():
            click.echo(f"{name}: {_said(verdict)}")
    if any(verdict.broken is not None for verdict in verdicts.values()):
        raise SystemExit(EXIT_BROKEN)


def _said(verdict: Verdict) -> str:
    if verdict.broken is not None:
        return f"BROKEN: {_where(verdict.broken)}; what comes after it was not looked at"
    dropped = f", {verdict.dropped} seals of entries that had their time" if verdict.dropped else ""
    told = [f"{one.entries} of them erased by {one.by or 'nobody knows whom'} {one.at} ({id})" for id, one in verdict.erased.items()]
    erased = "".join(f", {one}" for one in told)
    late = f", {verdict.late} entries came after their seal" if verdict.late else ""
    overdue = (
        f", {verdict.overdue} seals were made more than a day after their entries (no background work ran, or they were made anew)"
        if verdict.overdue
        else ""
    )
    return f"{verdict.entries} entries hold in {verdict.seals} seals{dropped}{late}{overdue}{erased}; head {verdict.head or '-'}"


def _where(broken: Broken) -> str:
    if broken.what == "days_edited":
        return "for how long entries are kept (audit_days) was set past the platform: no entry says so, and none is dropped; set it again, if to the same"
    seal = f"seal {broken.seal}" if broken.seal is not None else "not sealed yet"
    if broken.what == "seal_deleted" and broken.told_by is not None:
        return f"a seal was deleted, maybe with entries, that entry {broken.told_by} follows"
    if broken.what == "seal_deleted":
        return f"{seal} is missing" if broken.seal is not None else "the chain does not have that head: seals were deleted or made anew"
    if broken.what == "seal_edited":
        return f"{seal} was edited"
    if broken.what == "deleted":
        if broken.entry is not None:
            return f"{seal}: entry {broken.entry}, which had come after it, was deleted"
        if broken.told_by is not None:
            return f"{seal}: an entry was deleted that entry {broken.told_by} follows"
        gap = f"after entry {broken.after}" if broken.after is not None else "at its beginning"
        return f"{seal}: an entry was deleted {gap}"
    return f"entry {broken.entry} ({broken.entity} {broken.record}, {broken.at}; {seal}) was {broken.what}"
