"""`dealwright person`: the data of one person, given out or erased."""

from __future__ import annotations

import io
import re
from pathlib import Path

import click
import orjson

from core.cli.base import platform, refusals_told
from core.context import Work
from core.privacy.disclose import disclose
from core.privacy.erase import Erasure
from core.privacy.erase import erase as erase_person
from core.tenancy.export import whole
from sdk import Channel, Conflict, NotFound, _, where
from sdk.context import id_of
from sdk.fields import AnyRecordField, FlawError, Reference
from sdk.fields.text import EmailField

EXIT_PARTIAL = 3
_ADDRESS = re.compile(r"[^\s@:]+@[^\s@:]+\Z")


@click.group()
def person() -> None:
    """What is known of a person (a contact, a lead, a user who has left): PERSON is plugin.entity:ID, or a mail address."""


@person.command()
@click.argument("who", metavar="PERSON")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--tenant", required=True, help="The tenant's name.")
@click.option("--user", metavar="EMAIL", help="With whose rights; without it the system's.")
@click.option("--force", is_flag=True, help="Replace FILE.")
@refusals_told
def export(who: str, file: Path, tenant: str, user: str | None, force: bool) -> None:
    """Write all that is known of PERSON to FILE as JSON: records, history, letters. The audit says that it was done."""
    if file.exists() and not force:
        raise click.UsageError(f"{file} is there already; take another name, or --force")
    work = _work(tenant, user)
    document = disclose(work, find_person(work, who))
    written = io.BytesIO(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z, default=str) + b"\n")
    try:
        with whole(file) as sink:
            sink.write(written.getvalue())
    except OSError as failure:
        raise click.UsageError(f"{file} cannot be written: {failure.strerror}; take another place") from failure
    records = document["records"]
    assert isinstance(records, dict)
    for entity, rows in records.items():
        click.echo(f"{entity}: {len(rows)}")


@person.command()
@click.argument("who", metavar="PERSON")
@click.option("--tenant", required=True, help="The tenant's name.")
@click.option("--reason", required=True, help="Why; it stays in the audit.")
@click.option("--user", metavar="EMAIL", help="With whose rights; without it the system's.")
@click.option("--dry-run", is_flag=True, help="Say what would be, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@refusals_told
def erase(who: str, tenant: str, reason: str, user: str | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Erase what is personal of PERSON, for ever; links and sums stay.

    Exits with 3 where something stays; each record is named with its reason.
    """
    if not reason.strip():
        raise click.UsageError("--reason says why; it is empty")
    work = _work(tenant, user)
    record = find_person(work, who)
    done = erase_person(work, record, reason, dry_run=True)
    if not dry_run:
        if not yes:
            _tell(work, done, as_json=False)
            click.confirm("Erase this for ever?", abort=True)
        done = erase_person(work, record, reason)
    _tell(work, done, as_json=as_json)
    if done.kept:
        raise SystemExit(EXIT_PARTIAL)


def find_person(work: Work, word: str) -> Reference:
    """Who is meant by `plugin.entity:id` or a mail address; raises NotFound, and Conflict where several have the address."""
    if not _ADDRESS.match(word):
        try:
            return AnyRecordField(label=_("Person")).sought(word)
        except FlawError as flaw:
            raise NotFound(_("no person matches {word!r}: write plugin.entity:ID, or an email address"), word=word[:100]) from flaw
    found = [
        Reference(name, id_of(row))
        for name, entity in work.platform.catalog.entities.items() if entity.person and work.offers(name)
        for field in entity.record.__fields__.values() if isinstance(field, EmailField)
        for gone in (False, True)
        for row in work.records(name).find(where(**{field.name: word.lower()}), deleted=gone)
    ]  # fmt: skip
    if not found:
        raise NotFound(_("no person matches {word!r}: write plugin.entity:ID, or an email address"), word=word[:100])
    if len(found) > 1:
        raise Conflict(_("several people have this address: {found}; specify which"), code="ambiguous", found=", ".join(map(str, found)))
    return found[0]


def _work(tenant: str, user: str | None) -> Work:
    booted = platform()
    return booted.system(tenant, Channel.CLI) if user is None else booted.user(tenant, user, Channel.CLI)


def _tell(work: Work, done: Erasure, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(done.shown(work), option=orjson.OPT_INDENT_2, default=str).decode())
        return
    for entity, count in done.changed.items():
        click.echo(f"{entity}: {count}")
    click.echo(f"audit: {done.audit}, background work: {done.background}, files: {done.files}")
    for entity, count in done.linked.items():
        click.echo(f"{entity}: {count} name the person and stand as they are")
    for entity, count in done.off.items():
        click.echo(f"{entity}: {count} left, as its plugin is off", err=True)
    for one in done.kept[:1_000]:
        field = f" ({one.field})" if one.field else ""
        click.echo(f"{one.entity} {one.id}{field} stays: {work.say(one.reason, one.params)}", err=True)
    if len(done.kept) > 1_000:
        click.echo(f"and {len(done.kept) - 1_000} more", err=True)
