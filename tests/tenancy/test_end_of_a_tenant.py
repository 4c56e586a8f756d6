"""A tenant's data go out whole, and go away whole: table by table, with a row in each."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.files import LocalFiles
from core.identity.tables import memberships, sessions, sign_ins
from core.platform import Platform
from core.tenancy import lifecycle
from core.tenancy.export import MANIFEST, export, is_secret
from core.testkit.fixtures import MakeTenant
from sdk import NotFound, Tenant
from sdk.columns import Exact, UtcDateTime, key
from sdk.entities import Record

KEY = type(key())
PROOFS = {"core_audit.digest", "core_audit_seals.hash", "import_export_mappings.digest"}
"""What proves that nothing was changed, or knows headings again, and opens nothing."""
NOT_OURS = {"core_tenants", "core_tenant_plugins", "core_memberships", "core_sessions"}
"""What the making of a tenant and of its people fills."""


def declared() -> list[sa.Table]:
    """Every table with rows of tenants that any plugin declares."""
    return [table for table in Record.metadata.sorted_tables if "tenant_id" in table.c]


def tables(connection: Connection) -> list[sa.Table]:
    """Those that the database has: no views, and none of the plugins that other tests bring."""
    there = set(sa.inspect(connection).get_table_names())
    return [table for table in declared() if table.name in there]


def value(column: sa.Column[Any], id: UUID) -> object:
    """Something that fits; every key is the same, so that each link finds its row."""
    kind = column.type
    if isinstance(kind, KEY):
        return id
    for of, one in ((UtcDateTime, datetime(2026, 1, 1, tzinfo=UTC)), (Exact, Decimal(1)), (sa.Boolean, True), (sa.Integer, 1),
                    (sa.Date, date(2026, 1, 1)), (sa.JSON, ["a"]), (sa.String, "x")):  # fmt: skip
        if isinstance(kind, of) or isinstance(getattr(kind, "impl_instance", None), of):
            return one
    raise AssertionError(f"{column.table.name}.{column.name}: a type that this test does not know: {kind!r}")


def fill(connection: Connection, tenant: Tenant) -> UUID:
    """A row in every table that has none of the tenant yet."""
    id = uuid4()
    for table in tables(connection):
        if table.name not in NOT_OURS:
            row = {column.name: value(column, id) for column in table.c} | {"tenant_id": tenant.id}
            connection.execute(table.insert().values(**row))
    return id


@pytest.fixture
def two(platform: Platform, make_tenant: MakeTenant) -> tuple[Tenant, Tenant]:
    """Two tenants with a row in every table, a file, somebody of both and somebody of the first alone."""
    both = make_tenant("goes"), make_tenant("stays")
    for tenant in both:
        with platform.database.begin(write=True, tenant=tenant.id) as connection:
            fill(connection, tenant)
        work = platform.system(tenant.id)
        lifecycle.add_person(work, "Both", "both@x.example", [], "a long password")
        work.files.save(io.BytesIO(b"kept by " + tenant.name.encode()))
    lifecycle.add_person(platform.system(both[0].id), "One", "one@x.example", [], "a long password")
    with platform.database.begin(write=True, tenant=None) as connection:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        begun = {"csrf": "x", "address": "x", "agent": "x", "created_at": now, "expires_at": now}
        for row in connection.execute(sa.select(sign_ins)).all():
            connection.execute(sessions.insert().values(hash=row.email, id=uuid4(), sign_in_id=row.id, **begun))
        for tenant in both:  # of somebody whom another system knows
            connection.execute(sessions.insert().values(hash=tenant.name, id=uuid4(), tenant_id=tenant.id, user_id=uuid4(), **begun))
    return both


def counts(platform: Platform, tenant: Tenant) -> dict[str, int]:
    with platform.database.begin(write=False, tenant=tenant.id) as connection:
        query = {
            table.name: sa.select(sa.func.count()).select_from(table).where(table.c.tenant_id == tenant.id) for table in tables(connection)
        }
        return {name: connection.execute(one).scalar_one() for name, one in query.items()}


@pytest.mark.feature("B14")
def test_a_purged_tenant_leaves_nothing_behind_in_any_table_nor_on_disk(platform: Platform, two: tuple[Tenant, Tenant]) -> None:
    goes, stays = two
    assert all(counts(platform, goes).values()), "a table without a row would prove nothing"
    before = counts(platform, stays)
    acting = {"acts_in": goes.id, "acts_as": uuid4(), "acts_until": datetime(2027, 1, 1, tzinfo=UTC)}
    with platform.database.begin(write=True, tenant=None) as connection:
        assert connection.execute(sessions.update().where(sessions.c.hash == "both@x.example").values(**acting)).rowcount == 1
    lost = lifecycle.purge(platform, goes.name)
    assert not {name: count for name, count in counts(platform, goes).items() if count}
    assert counts(platform, stays) == before
    with platform.database.begin(write=False, tenant=None) as connection:
        assert connection.execute(sa.select(sign_ins.c.email)).scalars().all() == ["both@x.example"]
        assert connection.execute(sa.select(sessions.c.hash).order_by(sessions.c.hash)).scalars().all() == ["both@x.example", "stays"]
        assert connection.execute(sa.select(memberships.c.tenant_id)).scalars().all() == [stays.id]
        acted = sa.select(sessions.c.acts_in, sessions.c.acts_as, sessions.c.acts_until)
        assert {tuple(row) for row in connection.execute(acted)} == {(None, None, None)}, "who of another was acting there acts as himself"
    home = platform.config.home / "files"
    assert [folder.name for folder in home.iterdir()] == [stays.id.hex]
    assert (lost["files"], lost["core_sign_ins"], lost["core_memberships"], lost["core_tenants"]) == (1, 1, 2, 1)


def test_a_purge_that_is_interrupted_is_finished_by_another(
    platform: Platform, two: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_self: LocalFiles) -> int:
        raise OSError("the disk is gone")

    before = counts(platform, two[0])
    before["core_audit"] += 1  # which says that the tenant was suspended
    with monkeypatch.context() as broken:
        broken.setattr(LocalFiles, "remove_all", full_disk)
        with pytest.raises(OSError, match="the disk"):
            lifecycle.purge(platform, two[0].name)
    assert counts(platform, two[0]) == before
    assert lifecycle.purge(platform, two[0].name)["files"] == 1


def test_a_tenants_export_has_every_row_and_file_of_it_and_no_secret(
    platform: Platform, two: tuple[Tenant, Tenant], tmp_path: Path
) -> None:
    goes, stays = two
    lifecycle.set_state(platform, goes.name, "suspended")
    there = counts(platform, goes)
    done = export(platform, goes.name, tmp_path / "out.tar.gz")
    assert (tmp_path / "out.tar.gz").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "out.tar.gz.part").exists()
    with tarfile.open(tmp_path / "out.tar.gz") as archive:
        members = {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]
    manifest = json.loads(members.pop(MANIFEST))
    assert {one["table"]: one["rows"] for one in manifest["tables"]} == {**there, "core_tenants": 1} == done.tables
    for one in [*manifest["tables"], manifest["files"]]:
        assert hashlib.sha256(members[one["file"]]).hexdigest() == one["sha256"]
        if "rows" in one:
            rows = [json.loads(line) for line in members[one["file"]].splitlines()]
            assert len(rows) == one["rows"], one["table"]
            assert not {name for row in rows for name in row} & set(one["left_out"])
    (listed,) = [json.loads(line) for line in members["files.jsonl"].splitlines()]
    assert members[listed["file"]] == b"kept by goes"
    assert listed["sha256"] == hashlib.sha256(b"kept by goes").hexdigest()
    assert stays.id.hex not in repr(members)
    assert str(stays.id) not in repr(members)
    hidden = {one["table"]: one["left_out"] for one in manifest["tables"] if one["left_out"]}
    assert hidden == {"core_token_secrets": ["hash"], "core_outbox": ["payload"], "customers_invitations": ["digest"],
                      "web_forms_forms": ["digest"], "web_forms_submissions": ["stamp"], "automation_inlets": ["secret_hash"], "core_entry_links": ["hash"], "core_idempotency": ["answer"], "core_paces": ["digest"],
                      "core_plugin_settings": ["sealed"], "core_sessions": ["hash", "csrf"]}  # fmt: skip
    assert "a long password" not in repr(members)
    assert counts(platform, goes)["core_audit"] == there["core_audit"] + 1, "the audit says that the data went out"


def test_a_broken_export_leaves_no_half_an_archive(platform: Platform, two: tuple[Tenant, Tenant], tmp_path: Path) -> None:
    (tmp_path / "out.tar.gz").write_bytes(b"the last one")
    for path in (platform.config.home / "files" / two[0].id.hex).iterdir():
        path.unlink()
        path.mkdir()
    with pytest.raises(OSError, match="directory"):
        export(platform, two[0].name, tmp_path / "out.tar.gz")
    assert [(path.name, path.read_bytes()) for path in tmp_path.glob("out*")] == [("out.tar.gz", b"the last one")]


def test_what_is_called_a_secret_is_marked_as_one() -> None:
    """A key that a new table keeps must not leave by an export because nobody thought of it."""
    called = re.compile(r"(^|_)(hash|secret|password|digest|sealed|ciphertext|token)\Z")
    found = {f"{table.name}.{column.name}" for table in declared() for column in table.c
             if called.search(column.name) and isinstance(column.type, sa.String | sa.LargeBinary) and not is_secret(column)}  # fmt: skip
    assert {name for name in found if not name.startswith("probe")} == PROOFS, "beside the tables of other tests"


def test_work_that_began_before_a_purge_writes_nothing_after_it(platform: Platform, make_tenant: MakeTenant) -> None:
    work = platform.system(make_tenant("goes").id)
    work.records("core.team").create({"name": "before"})
    lifecycle.purge(platform, "goes")
    with pytest.raises(NotFound):
        work.records("core.team").create({"name": "after"})
    with platform.database.begin_as_owner() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM core_teams")).scalar_one() == 0
