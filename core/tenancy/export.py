"""A tenant's data in one archive: each table's rows as JSON lines, its files, and a manifest; secrets are left out."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.audit import entries
from core.context import SYSTEM_ACTOR, Work
from core.custom.tables import CustomField
from core.data.engine import one_state
from core.extension.impact import own_tables
from core.files import LocalFiles
from core.policy.grants import SYSTEM
from core.tenancy.tables import tenants
from sdk import Channel, Tenant, columns
from sdk.entities import Record
from sdk.fields import exact_text
from sdk.names import RESERVED_PLUGINS

if TYPE_CHECKING:
    from core.platform import Platform

FORM = "dealwright.tenant/1"
MANIFEST, LISTING = "manifest.json", "files.jsonl"
_PART = 500
_STEP = 1 << 20
_SECRET = re.compile(r"(^|_)(hash|secret|password|digest|sealed|ciphertext)(_|\Z)")
"""What columns are called that hold secrets, for tables whose package is gone; declared ones carry a mark."""
_FILE = re.compile(rb'"([0-9a-f]{32})"')
"""How a row names a file: by its key, which looks like nothing else."""


@dataclass
class Exported:
    """What is in the archive: rows by table, and how many files with how many bytes."""

    tables: dict[str, int] = field(default_factory=dict)
    files: int = 0
    bytes: int = 0


def export(platform: Platform, name: str, target: Path, plugin: str = "") -> Exported:
    """Write everything of a tenant, suspended or not, to a new .tar.gz; it reads one state of the database and holds no table in memory.

    Of a plugin: its tables, the fields that the tenant has made on its entities, and the files that its rows name.
    Raises NotFound for an unknown tenant, OSError where the file cannot be written. What is there is replaced once all is written.
    """
    with platform.database.begin(write=False, tenant=None) as connection:
        row = platform.tenant_row(connection, name)
    done = Exported()
    with whole(target) as sink, tarfile.open(fileobj=sink, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        bundle = _Bundle(archive, platform.clock(), all_files=not plugin)
        with platform.database.begin(write=False, tenant=row.id) as connection:
            one_state(connection)
            chosen = _tables_of(platform, plugin, row.id) if plugin else _tables(connection, row.id)
            about = [bundle.table(connection, *one, done) for one in chosen]
        listing = bundle.files(LocalFiles(platform.config.home, row.id), done)
        manifest = {"format": FORM, "tenant": {"id": row.id, "name": row.name}, "at": platform.clock(), "tables": about, "files": listing}
        if plugin:
            manifest["plugin"] = plugin
        bundle.add(MANIFEST, io.BytesIO(_json(manifest) + b"\n"))
    _tell(platform, row)
    return done


class _Bundle:
    """The archive as it grows."""

    def __init__(self, archive: tarfile.TarFile, at: datetime, *, all_files: bool) -> None:
        self.archive, self.at = archive, at
        self._named: set[str] | None = None if all_files else set()

    def add(self, name: str, source: IO[bytes]) -> tuple[int, str]:
        """One member from a source of known length; returns its size and SHA-256."""
        digest = hashlib.sha256()
        while part := source.read(_STEP):
            digest.update(part)
        size = source.tell()
        source.seek(0)
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size, int(self.at.timestamp()), 0o600
        self.archive.addfile(info, source)
        vars(self.archive)["members"].clear()  # a tar needs no directory: what is written need not be remembered
        return size, digest.hexdigest()

    def table(self, connection: Connection, table: sa.Table, mine: sa.ColumnElement[bool], done: Exported) -> dict[str, Any]:
        """The rows of one table, but for its secrets."""
        shown, hidden = _split(table)
        order = [column for column in table.primary_key.columns if column.name != "tenant_id"]
        query = sa.select(*shown).where(mine).order_by(*order)
        with TemporaryFile() as lines:
            count = 0
            found = connection.execution_options(stream_results=True, max_row_buffer=_PART).execute(query)
            for part in found.mappings().partitions(_PART):
                written = b"".join(_json({str(key): value for key, value in one.items()}) + b"\n" for one in part)
                lines.write(written)
                count += len(part)
                if self._named is not None:
                    self._named.update(map(bytes.decode, _FILE.findall(written)))
            lines.seek(0)
            file = f"tables/{table.name}.jsonl"
            _size, digest = self.add(file, lines)
        done.tables[table.name] = count
        return {"table": table.name, "file": file, "rows": count, "sha256": digest, "left_out": hidden}

    def files(self, kept: LocalFiles, done: Exported) -> dict[str, Any]:
        """The files, and a line for each."""
        with TemporaryFile() as lines:
            for key in kept.all_keys():
                if self._named is not None and key not in self._named:
                    continue
                with kept.open(key) as source:
                    size, digest = self.add(f"files/{key}", source)
                lines.write(_json({"file": f"files/{key}", "size": size, "sha256": digest}) + b"\n")
                done.files, done.bytes = done.files + 1, done.bytes + size
            lines.seek(0)
            _size, digest = self.add(LISTING, lines)
        return {"file": LISTING, "count": done.files, "bytes": done.bytes, "sha256": digest}


def _tables(connection: Connection, tenant: UUID) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """What the database has, so that the tables of a package that is gone are there, too."""
    there, id = sa.MetaData(), sa.literal(tenant, columns.key())
    there.reflect(connection)
    for table in sorted(there.tables.values(), key=lambda one: one.name):
        if table.name == tenants.name:
            yield table, table.c.id == id
        elif "tenant_id" in table.c:
            yield table, table.c.tenant_id == id


def _tables_of(platform: Platform, plugin: str, tenant: UUID) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """What the database has of a plugin, and the definitions of custom fields without which its rows cannot be read."""
    there, id = sa.MetaData(), sa.literal(tenant, columns.key())
    with platform.database.begin(write=False, tenant=None) as connection:
        there.reflect(connection, only=own_tables(platform, plugin))
    for table in sorted(there.tables.values(), key=lambda one: one.name):
        if "tenant_id" in table.c:
            yield table, table.c.tenant_id == id
    field = CustomField.table()
    yield field, sa.and_(field.c.tenant_id == id, field.c.entity.startswith(f"{plugin}.", autoescape=True))


def _split(table: sa.Table) -> tuple[list[sa.ColumnElement[Any]], list[str]]:
    """The columns that are shown, with the types that they were declared with, and the names of the secret ones."""
    declared = Record.metadata.tables.get(table.name)
    shown, hidden = list[sa.ColumnElement[Any]](), list[str]()
    for column in table.c:
        known = declared.c.get(column.name) if declared is not None else None
        if known is None and _SECRET.search(column.name):
            hidden.append(column.name)
        elif known is None:
            shown.append(column)
        elif is_secret(known):
            hidden.append(column.name)
        else:
            shown.append(sa.type_coerce(column, known.type).label(column.name))
    return shown, hidden


def is_secret(column: sa.Column[Any]) -> bool:
    """Whether a declared column is a key or the hash of one: `f.secret(...)`, or `info={"secret": True}` in a table of one's own."""
    return bool(column.info.get("secret") or getattr(column.info.get("field"), "secret", False))


def _json(value: object) -> bytes:
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return exact_text(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"cannot export {type(value).__name__}")


@contextmanager
def whole(target: Path) -> Iterator[IO[bytes]]:
    """A file that is there when it is complete, and that nobody else on the machine can read."""
    part = target.with_name(f"{target.name}.part")
    sink = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
    try:
        with sink:
            yield sink
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _tell(platform: Platform, row: Any) -> None:
    """The audit says that the data went out."""
    tenant = Tenant(row.id, row.name, row.locale, row.timezone, row.currency)
    work = Work(platform, tenant, SYSTEM_ACTOR, SYSTEM, RESERVED_PLUGINS, Channel.CLI)
    with work.transaction(write=True):
        entries.note(work, "core.tenant", row.id, "export", {})
