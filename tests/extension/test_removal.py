"""A plugin leaves: what would be missing, with its data kept, with its data gone."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

import sdk.impact
from core.context import Work
from core.custom.entity_tables import CustomRecord
from core.custom.forgetting import forget_fields
from core.custom.tables import CustomField
from core.data import migrate
from core.entities.ids import new_id
from core.entities.merged import merged, merges
from core.extension.archive import archived
from core.extension.impact import Impact, impact
from core.extension.removal import archive_data, known, purge_data
from core.platform import Platform
from core.tenancy import lifecycle
from core.tenancy.export import export
from core.testkit.fixtures import MakeTenant
from sdk import Conflict, NotFound, Tenant
from sdk.context import id_of
from tests.probe.fixtures import CUSTOMERS, OURS, PROBE, PROBE_MORE

AUTOMATION = next(point for point in OURS if point.name == "automation")
TABLES = ["probe_more_diaries", "probe_more_marks", "probe_more_points"]


@pytest.fixture
def database_templates(request: pytest.FixtureRequest) -> object:
    """Both databases where a test says so; else the quicker one."""
    return request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_templates")


BOTH = pytest.mark.parametrize("database_templates", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The probe, what builds on it, and rules."""
    return (CUSTOMERS, PROBE, PROBE_MORE, AUTOMATION)


@pytest.fixture
def thing(platform: Platform, tenant: Tenant) -> UUID:
    """A thing with points, which `probe_more` keeps beside it."""
    return id_of(platform.system(tenant.id).records("probe.thing").create({"name": "One", "probe_more.points": 7}))


def switch(platform: Platform, tenant: Tenant, on: bool, *names: str) -> None:
    for name in names:
        lifecycle.switch(platform.system(tenant.id), name, on, platform.gate.asking([name]).get(name) if on else None)


def share(report: Impact) -> dict[str, object]:
    (found,) = report.tenants
    return vars(found)


@pytest.mark.feature("P8")
@BOTH
def test_the_report_says_what_would_be_missing(platform: Platform, tenant: Tenant, thing: UUID) -> None:
    work = platform.system(tenant.id)
    users, roles = work.records("core.user"), work.records("core.role")
    user = users.create({"name": "Ann", "email": "ann@acme.example", "roles": ["admin"]})
    work.records("core.grant").create(
        {"role": roles.create({"key": "clerk", "name": "Clerk"})["id"], "permission": "probe.thing.read", "scope": "all"}
    )
    rule = {"name": "Greet", "entity": "probe.thing", "trigger": "automation.created", "active": False,
            "actions": [{"action": "automation.update_record", "parameters": {"values": {"note": "x"}}}], "runs_as": user["id"]}  # fmt: skip
    work.records("automation.rule").create(rule)
    report = impact(platform, "probe")
    assert (report.enabled_for, report.required_by) == (["acme"], ["probe_more"])
    assert "probe.thing" in report.adds["entities"]
    assert "probe_more_points" not in report.tables
    found = share(report)
    assert found["rows"] == {"probe_things": 1}
    assert found["links"] == {"probe_more.point.thing": 1}
    assert found["grants"] == 1
    assert found["uses"] == [{"entity": "automation.rule", "titles": ["Greet"]}]
    assert found["unanswered"] == []


def made(platform: Platform, tenant: Tenant, of: str, **values: object) -> UUID:
    return id_of(platform.system(tenant.id).records(of).create(values))


@pytest.fixture
def own(platform: Platform, tenant: Tenant, thing: UUID) -> UUID:
    """A project that is part of the thing, with fields that look at things in all ways."""
    made(platform, tenant, "core.custom_entity", key="project", label="Project", parent="probe.thing")
    made(platform, tenant, "core.custom_entity", key="plan", label="Plan", parent="customers.account")
    for key, more in {
        "other": {"kind": "link", "target": "probe.thing"}, "twin": {"kind": "link", "target": "probe.thing"},
        "about": {"kind": "any_record"}, "memo": {"kind": "text"},
        "worth": {"kind": "formula", "expression": "custom.other.note == custom.memo", "result": "boolean"},
    }.items():  # fmt: skip
        made(platform, tenant, "core.custom_field", entity="custom.project", key=key, label=key.title(), **more)
    made(platform, tenant, "core.custom_field", entity="customers.account", key="things", label="Things", kind="link", target="probe.thing")
    made(platform, tenant, "core.custom_field", entity="customers.account", key="any", label="Any", kind="any_record")
    made(platform, tenant, "core.custom_field", entity="probe.thing", key="extra", label="Extra", kind="text")
    made(platform, tenant, "core.custom_field", entity="probe.thing", key="double", label="Double", kind="formula", expression="probe_more.points * 2",
         result="integer")  # fmt: skip
    return made(platform, tenant, "custom.project", name="P", parent=thing,
                **{"custom.other": thing, "custom.about": {"entity": "probe.thing", "id": thing}, "custom.memo": "m"})  # fmt: skip


@pytest.mark.feature("P8")
@BOTH
def test_the_report_names_what_a_tenant_has_made_itself_and_leans_on_it(platform: Platform, tenant: Tenant, own: UUID) -> None:
    def told(plugin: str) -> set[tuple[object, ...]]:
        found = share(impact(platform, plugin))["own"]
        assert isinstance(found, list)
        return {tuple(one[word] for word in ("name", "way", "label", "records")) for one in found}

    assert told("probe") == {
        ("custom.project", "part_of", "Project", 1),
        ("custom.project.custom.other", "link", "Other", 1),
        ("custom.project.custom.twin", "link", "Twin", 0),
        ("custom.project.custom.about", "any_record", "About", 1),
        ("customers.account.custom.things", "link", "Things", 0),
        ("probe.thing.custom.extra", "field", "Extra", 0),
        ("probe.thing.custom.double", "field", "Double", 0),
    }
    assert told("probe_more") == {("probe.thing.custom.double", "reads", "Double", 0)}
    platform.system(tenant.id).records("custom.project").delete(own)
    assert ("custom.project.custom.other", "link", "Other", 0) in told("probe"), "what is in the recycle bin is nobody's work"


@pytest.mark.feature("P8")
@BOTH
def test_what_a_plugin_has_is_written_down_before_it_leaves(platform: Platform, tenant: Tenant, thing: UUID, tmp_path: Path) -> None:
    work = platform.system(tenant.id)
    kept, other = (work.files.save(io.BytesIO(content)) for content in (b"of the thing", b"of somebody else"))
    work.records("probe.thing").update(thing, {"note": kept})
    made(platform, tenant, "core.custom_field", entity="probe.thing", key="extra", label="Extra", kind="text")
    made(platform, tenant, "core.custom_field", entity="customers.account", key="mine", label="Mine", kind="text")
    done = export(platform, tenant.name, tmp_path / "probe.tar.gz", "probe")
    assert done.tables["probe_things"] == 1
    assert done.files == 1
    with tarfile.open(tmp_path / "probe.tar.gz") as archive:
        names = archive.getnames()
        manifest = json.loads(archive.extractfile("manifest.json").read())  # type: ignore[union-attr]
        fields = archive.extractfile("tables/core_custom_fields.jsonl").read()  # type: ignore[union-attr]
    assert manifest["plugin"] == "probe"
    assert f"files/{kept}" in names
    assert f"files/{other}" not in names
    assert all(name.startswith(("tables/probe_", "tables/core_custom_fields", "files", "manifest")) for name in names)
    assert not any("probe_more" in name for name in names), "another plugin, whose name only begins so"
    assert b"Extra" in fields
    assert b"Mine" not in fields


@pytest.mark.feature("P8")
@BOTH
def test_purged_nothing_is_left_of_it_in_records_of_others_that_linked_to_it(platform: Platform, tenant: Tenant, own: UUID) -> None:
    def stored() -> dict[str, object]:
        work, table = platform.system(tenant.id), CustomRecord.table()
        with work.transaction():
            cells: dict[str, object] = work.connection.execute(sa.select(table.c.custom).where(table.c.tenant_id == tenant.id)).scalar_one()
        return {slot.rpartition("_")[0]: cell for slot, cell in cells.items()}

    assert {"other", "memo"} <= stored().keys()
    switch(platform, tenant, False, "probe_more", "probe")
    purge_data(platform, impact(platform, "probe_more"))
    del platform.calls.states["probe_more"]  # as in the next process
    purge_data(platform, impact(platform, "probe"))
    work = platform.system(tenant.id)
    assert "custom.other" not in work.shape("custom.project").fields, "at once"
    for _run in range(2):  # one that finds nothing more is the last
        forget_fields(work)
    assert stored().keys() & {"other", "twin", "memo"} == {"memo"}
    table = CustomField.table()
    with work.transaction():
        assert set(work.connection.execute(sa.select(table.c.key)).scalars()) == {"about", "memo", "worth", "any"}


@pytest.mark.feature("P8")
def test_of_very_many_records_that_name_a_plugin_some_are_named_and_the_others_are_not_read(
    platform: Platform, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody may have made views, forms and rules: whoever asks waits for the answer."""
    monkeypatch.setattr(sdk.impact, "MOST", 3)
    work = platform.system(tenant.id)
    for number in range(5):
        made(platform, tenant, "customers.account", name=f"on things {number}", notes="probe.thing")
        made(platform, tenant, "customers.account", name=f"on accounts {number}", notes="customers.account")
    read: list[str] = []
    monkeypatch.setattr(sdk.impact, "_text", lambda value: read.append(str(value)) or str(value))
    with work.transaction():
        (use,) = sdk.impact.naming(work, "probe", {"customers.account": ("notes",)})
    assert use.titles == ["on things 2", "on things 3", "on things 4", "…"]
    assert read == ["probe.thing"] * 4
    monkeypatch.setattr(sdk.impact, "MOST_READ", 4)
    with work.transaction():  # in a choice the database looks for no words
        (use,) = sdk.impact.naming(work, "probe", {"customers.account": ("notes", "tier")})
        (none,) = sdk.impact.naming(work, "probe_more", {"customers.account": ("notes", "tier")})
    assert (use.titles, none.titles) == (["on things 3", "on things 4", "…"], ())
    assert none.unread, "none was found, and not all were looked at"
    monkeypatch.setattr(
        platform.calls, "implementers", lambda hook: [("customers", lambda ctx, plugin: [use, none])] if hook == "uses_of" else []
    )
    told = share(impact(platform, "probe"))
    assert [one["titles"] for one in told["uses"]] == [use.titles]
    assert told["unanswered"] == ["customers: only the first 10000 records of Accounts were looked at"]


@pytest.mark.feature("P8")
def test_a_plugin_that_cannot_say_stops_no_report(platform: Platform, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(ctx: object, plugin: str) -> object:
        raise OSError("no answer")

    monkeypatch.setattr(platform.calls, "implementers", lambda hook: [("automation", broken)] if hook == "uses_of" else [])
    assert share(impact(platform, "probe"))["unanswered"] == ["automation: OSError: no answer"]


@pytest.mark.feature("P8")
def test_while_a_tenant_has_it_or_another_needs_it_it_stays(platform: Platform, tenant: Tenant, thing: UUID) -> None:
    with pytest.raises(Conflict, match="'probe_more' is on for acme"):
        purge_data(platform, impact(platform, "probe_more"))
    switch(platform, tenant, False, "probe_more", "probe")
    with pytest.raises(Conflict, match="required by probe_more"):
        purge_data(platform, impact(platform, "probe"))
    found = known(platform, "probe")
    assert found is not None
    with pytest.raises(Conflict, match="required by probe_more"):
        archive_data(platform, found, impact(platform, "probe"))
    assert archived(platform) == {}
    switch(platform, tenant, True, "probe", "probe_more")
    assert platform.system(tenant.id).records("probe.thing").get(thing)["probe_more.points"] == 7


@pytest.mark.feature("P8")
@BOTH
def test_archived_and_put_back_every_row_id_and_link_is_as_it_was(platform: Platform, tenant: Tenant, thing: UUID) -> None:
    before = platform.system(tenant.id).records("probe.thing").get(thing)
    switch(platform, tenant, False, "probe_more")
    found = known(platform, "probe_more")
    assert found is not None
    entry = archive_data(platform, found, impact(platform, "probe_more"))
    assert (entry.version, entry.revision, entry.rows) == ("1.0", "0001", {"probe_more_points": 1})
    assert archived(platform) == {"probe_more": entry}
    work = platform.system(tenant.id)
    work.records("probe.thing").update(thing, {"note": "life goes on"})
    switch(platform, tenant, True, "probe_more")
    after = platform.system(tenant.id).records("probe.thing").get(thing)
    changed = ("note", "version", "updated_at")
    assert {k: v for k, v in after.items() if k not in changed} == {k: v for k, v in before.items() if k not in changed}


@pytest.mark.feature("P8")
@BOTH
def test_purged_nothing_of_it_is_left_and_nothing_else_is_gone(
    platform: Platform, tenant: Tenant, thing: UUID, make_tenant: MakeTenant
) -> None:
    make_tenant("other", plugins=["customers"])
    work = platform.system(tenant.id)
    clerk = work.records("core.role").create({"key": "clerk", "name": "Clerk"})["id"]
    for permission in ("probe_more.point.read", "probe.thing.read"):
        work.records("core.grant").create({"role": clerk, "permission": permission, "scope": "all"})
    with work.transaction(write=True):
        gone, kept = ({"tenant_id": tenant.id, "entity": name, "survivor_id": thing} for name in ("probe_more.point", "probe.thing"))
        for row in (gone, kept):
            id = new_id()
            work.connection.execute(merges.insert().values(**row, id=id, at=work.now(), changes={"note": ["a", "b"]}))
            work.connection.execute(merged.insert().values(**row, merge_id=id, record_id=new_id()))
    switch(platform, tenant, False, "probe_more")
    assert sorted(purge_data(platform, impact(platform, "probe_more"))) == TABLES
    names = set(sa.inspect(platform.database.engine).get_table_names())
    assert not {name for name in names if "probe_more" in name}
    assert migrate.orphans(platform.database, [b for b in platform.branches() if b.plugin != "probe_more"]) == []
    left = platform.system(tenant.id)
    with left.transaction():
        for table in (merges, merged):
            assert left.connection.execute(sa.select(table.c.entity)).scalars().all() == ["probe.thing"]
    assert left.records("probe.thing").get(thing)["name"] == "One"
    assert [row["permission"] for row in left.records("core.grant").find((), 10)] == ["probe.thing.read"]
    report = impact(platform, "probe_more")
    assert (report.rows, report.tables, report.enabled_for) == (0, [], [])
    migrate.upgrade(platform.database, platform.branches())
    switch(platform, tenant, True, "probe_more")
    assert platform.system(tenant.id).records("probe.thing").get(thing)["probe_more.points"] is None


@pytest.mark.feature("P8")
@BOTH
def test_the_tables_of_a_plugin_whose_code_is_gone_are_purged_as_the_database_has_them(
    platform: Platform, tenant: Tenant, thing: UUID
) -> None:
    switch(platform, tenant, False, "probe_more", "probe")
    for name in ("probe", "probe_more"):  # as if the packages were not installed
        del platform.calls.states[name]
    assert known(platform, "probe_more") is None
    with pytest.raises(Conflict, match=r"probe_more_[a-z]+ refers to probe_[a-z]+"):
        purge_data(platform, impact(platform, "probe"))
    assert sorted(purge_data(platform, impact(platform, "probe_more"))) == TABLES
    assert "probe_things" in purge_data(platform, impact(platform, "probe"))
    assert not {name for name in sa.inspect(platform.database.engine).get_table_names() if "probe" in name}


@pytest.mark.feature("P7", "P8")
def test_a_plugin_says_goodbye_to_each_tenant_and_stops_nothing_where_it_fails(
    platform: Platform, tenant: Tenant, thing: UUID, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tenant("other", plugins=["customers"])
    switch(platform, tenant, False, "probe_more")
    asked: list[tuple[str, int]] = []

    def goodbye(ctx: Work) -> None:
        asked.append((ctx.tenant.name, len(ctx.records("probe_more.point").find((), 9))))
        if ctx.tenant.name == "acme":
            raise OSError("the archive does not answer")

    ours, troubles = platform.calls.implementers, list[str]()
    monkeypatch.setattr(platform.calls, "implementers", lambda hook: [("probe_more", goodbye)] if hook == "tenant_purged" else ours(hook))
    assert sorted(purge_data(platform, impact(platform, "probe_more"), troubles.append)) == TABLES
    assert sorted(asked) == [("acme", 1), ("other", 0)], "it is asked where it is off, too"
    assert [trouble.partition(":")[0] for trouble in troubles] == ["probe_more, acme"]


def test_what_is_neither_installed_nor_has_left_data_is_refused(platform: Platform) -> None:
    with pytest.raises(NotFound, match="nor data of it"):
        known(platform, "nobody")
