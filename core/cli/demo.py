"""`dealwright demo`: a tenant with sample data, served at once."""

from __future__ import annotations

import secrets
from random import Random

import click

from core.cli.base import platform, refusals_told
from core.cli.serve import Server
from core.context import Work
from core.identity import tokens
from core.platform import Platform
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.tenancy.setup import set_up
from core.worker.drain import Drain
from sdk import Channel, Draft, NotFound
from sdk.context import id_of

NAME, ADMIN, SEED, MONTHS = "demo", "admin@demo.example", 20_260_101, 24
OFFICE = ("周敏", "office@demo.example")
PEOPLE = (("North", "王芳", ("李伟", "Anna Berg")), ("South", "James Hill", ("陈静", "赵磊", "Maria Rossi")))


def fill(booted: Platform, seed: int = SEED, months: int = MONTHS) -> None:
    """The demo tenant with teams, people and each plugin's own sample data; the same seed gives the same data. One that was made and not
    filled, for somebody broke it off, is filled now."""
    try:
        work = booted.system(NAME)
    except NotFound:
        work = booted.system(lifecycle.create(booted, NewTenant(NAME, "zh_CN", "Asia/Shanghai", "CNY", shown=True)).id)
    lifecycle.add_person(work, "Admin", ADMIN, ["admin"], None)
    with work.transaction(write=True):
        for number, (team_name, manager, members) in enumerate(PEOPLE, 1):
            _team(work, number, team_name, manager, members)
        work.records("core.user").create({"name": OFFICE[0], "email": OFFICE[1]})
        set_up(work)
        booted.calls.moment("demo_data", work.enabled, ctx=work, random=Random(seed), months=months)
    Drain(booted).run_until_empty()


def _is_filled(booted: Platform) -> bool:
    """All of it comes in one transaction: where there is anybody but the first administrator, it is there."""
    try:
        people = booted.system(NAME).records("core.user").find((), 2)
    except NotFound:
        return False
    return any(row["email"] != ADMIN for row in people)


def _team(work: Work, number: int, name: str, manager: str, members: tuple[str, ...]) -> None:
    users, teams = work.records("core.user"), work.records("core.team")
    team = id_of(teams.create({"name": name}))
    boss = id_of(users.create({"name": manager, "team": team, "email": f"manager{number}@demo.example"}))
    teams.update(team, {"manager": boss})
    drafts = [
        Draft("create", {"name": member, "team": team, "manager": boss, "email": f"rep{number}{place}@demo.example"})
        for place, member in enumerate(members, 1)
    ]
    users.write_all(drafts)


@click.command()
@click.option("--port", default=8000, show_default=True)
@click.option("--fill-only", is_flag=True, help="Make the data and do not serve.")
@refusals_told
def demo(port: int, fill_only: bool) -> None:
    """Serve a tenant `demo` with generated sample data; prints the address, log-ins and a token."""
    booted = platform()
    if not _is_filled(booted):
        click.echo("making sample data …", err=True)
        fill(booted)
    password = secrets.token_urlsafe(9)
    admin = lifecycle.reset_password(booted, NAME, ADMIN, password)
    work = booted.user(NAME, admin, Channel.CLI)
    _id, secret = tokens.issue(work, admin, "demo")
    address, first = f"http://127.0.0.1:{port}", next((e for e in booted.catalog.entities.values() if e.plugin != "core"), None)
    console = f"{address}{booted.frame.prefix}/" if booted.frame is not None else address
    click.echo(f"address   {console}\nsign in   {ADMIN}  password {password}\ntoken     {secret}")
    if first is not None:
        click.echo(f"try       curl -H 'Authorization: Bearer {secret}' '{address}/api/v1/{first.plugin}/{first.plural}?limit=3'")
    for row in booted.system(NAME).records("core.user").find(()):
        if row["email"] not in (None, ADMIN):
            lifecycle.reset_password(booted, NAME, str(row["email"]), password)
            roles = row["roles"] if isinstance(row["roles"], list) else []
            click.echo(f"sign in   {row['email']}  password {password}  {row['name']}, {', '.join(roles)}")
    booted.close()
    if not fill_only:
        Server("127.0.0.1", port, 1, quiet=True).run()
