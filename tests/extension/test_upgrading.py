"""Another version of plugins: planned, then done for all or for none, then brought to each tenant."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from core.cli import plugin_upgrade
from core.cli.main import main
from core.context import Work
from core.data import migrate
from core.data.migrate import Branch
from core.extension import declared
from core.extension.discover import State
from core.extension.plan import Alteration, plan
from core.extension.upgrading import upgrade_all, upgrade_as_one
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.engines import Embedded
from core.testkit.fixtures import Clock, MakeTenant
from sdk import Conflict, Draft, Tenant
from tests.data.test_migrations import write
from tests.probe import plugin as probe
from tests.probe.fixtures import CUSTOMERS, PROBE, PROBE_MORE

BOTH = pytest.mark.parametrize("database_templates", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database_templates(request: pytest.FixtureRequest) -> object:
    """Both databases where a test says so; else the quicker one."""
    return request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_templates")


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """Plugins of which one builds on the other."""
    return (CUSTOMERS, PROBE, PROBE_MORE)


@pytest.fixture
def later(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Branch]]:
    """Another version of the probe: its migrations, and one more; its permissions, and another."""
    upgrade_all(platform, platform.branches())

    def made(up: str) -> list[Branch]:
        folder = tmp_path / "later"
        folder.mkdir()
        here = Path(probe.__file__).parent / "migrations"
        for script in here.glob("*.py"):
            (folder / script.name).write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
        head = Branch("probe", here).head()
        write(folder, "9000", head, up)
        monkeypatch.setitem(platform.calls.states, "probe", newer(platform))
        return [replace(one, directory=folder) if one.plugin == "probe" else one for one in platform.branches()]

    return made


def newer(platform: Platform) -> object:
    found = platform.calls.states["probe"]
    assert found.manifest is not None
    return replace(found, manifest=replace(found.manifest, version="2.0"))


def dump(platform: Platform) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, and what the tables are made of."""
    found: dict[str, list[tuple[object, ...]]] = {}
    with platform.database.begin_as_owner() as connection:
        for (_schema, table), columns in sa.inspect(connection).get_multi_columns().items():
            if not platform.database.is_sqlite:  # the owner sees none behind the wall
                connection.exec_driver_sql(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
            query = sa.select(*(sa.column(str(one["name"])) for one in columns)).select_from(sa.table(table))
            rows = sorted((tuple(row) for row in connection.execute(query)), key=repr)
            found[table] = [tuple((one["name"], str(one["type"])) for one in columns), *rows]
        connection.get_transaction().rollback()  # type: ignore[union-attr]
    return found


REWRITTEN = ("core_plugins", "core_outbox")  # what is to be searched for is asked of the worker
"""Where an upgrade itself is written down."""
DROPS = """op.drop_column("probe_things", "note")
    op.add_column("probe_things", sa.Column("heft", sa.Integer(), nullable=True))
    op.create_table("probe_crates", sa.Column("id", sa.Integer(), primary_key=True))
    op.bulk_insert(sa.table("probe_crates", sa.column("id")), [{"id": 1}, {"id": 2}])
    op.drop_table("probe_remarks")"""


@pytest.mark.feature("P25")
@BOTH
def test_a_plan_says_what_an_upgrade_would_do_to_how_many_rows_and_changes_nothing(
    platform: Platform, tenant: Tenant, make_tenant: MakeTenant, later: Callable[..., list[Branch]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (tenant, make_tenant("other")):
        work = platform.system(one.id)
        work.records("probe.thing").write_all([Draft("create", {"name": f"n{n}", "note": "x" if n else None}) for n in range(3)])
    branches = later(DROPS)
    owner, permission = platform.catalog.permissions["probe.thing.ping"]
    monkeypatch.setitem(platform.catalog.permissions, "probe.thing.ping", (owner, replace(permission, default_for={})))
    monkeypatch.setitem(platform.catalog.permissions, "probe.thing.weigh", (owner, replace(permission, name="probe.thing.weigh")))
    ours = platform.calls.implementers
    monkeypatch.setattr(platform.calls, "implementers", lambda hook: [] if hook == "prepare_changes" else ours(hook))
    before = dump(platform)
    found = plan(platform, branches)
    assert dump(platform) == before
    (step,) = [one for one in found.steps if one.plugin == "probe"]
    assert (step.versions, step.revisions[1]) == (("1.0", "2.0"), "9000")
    assert [one for one in step.alterations if one.part != "schema" or not one.act.startswith("index")] == [
        Alteration("schema", "table added", "probe_crates"),
        Alteration("schema", "table dropped", "probe_remarks", 0, True),
        Alteration("schema", "column added", "probe_things.heft"),
        Alteration("schema", "column dropped", "probe_things.note", 4, True),
        Alteration("data", "inserted", "probe_crates", 2),
    ]
    assert {(one.kind, one.act, one.what) for one in step.differences} == {
        ("permissions", "changed", "probe.thing.ping (sales_manager: all) -> probe.thing.ping ()"),
        ("permissions", "added", "probe.thing.weigh (sales_manager: all)"),
        ("hooks", "dropped", "prepare_changes"),
    }
    assert {one.what for one in found.destroyed} == {"probe_remarks", "probe_things.note"}
    assert upgrade_as_one(platform, branches) == [("probe", step.revisions[0], "9000")]
    assert plan(platform, branches).steps == []


@pytest.mark.feature("P25")
def test_what_destroys_data_is_done_when_the_plugins_name_is_typed_and_not_before(
    platform: Platform, tenant: Tenant, later: Callable[..., list[Branch]], monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.system(tenant.id).records("probe.thing").create({"name": "n", "note": "x"})
    branches = later(DROPS)
    monkeypatch.setattr(platform, "branches", lambda: branches)
    monkeypatch.setattr(platform, "close", lambda: None)
    monkeypatch.setattr(plugin_upgrade, "platform", lambda *, check_schema: platform)
    before = dump(platform)

    def say(*words: str, typed: str = "") -> tuple[int, str]:
        said = CliRunner().invoke(main, ["plugin", "upgrade", *words], input=typed)
        return said.exit_code, said.output

    code, told = say("--plan")
    assert (code, "schema: column dropped probe_things.note, 1 rows (DESTROYS DATA)" in told) == (0, True), told
    assert "probe: 1.0 -> 2.0, schema" in told
    assert json.loads(say("probe_more", "--plan", "--json")[1])["destructive"] is True, "with what it requires"
    assert say("customers", "--plan")[1].startswith("nothing to do")
    code, told = say(typed="prob\n")
    assert (code, "the names differ; nothing was changed" in told) == (2, True), told
    assert say("nobody")[0] == 2
    assert dump(platform) == before
    code, told = say(typed="probe\n")
    assert (code, "done; schema: probe at 9000" in told) == (0, True), told
    assert say()[1].startswith("nothing to do")


@pytest.mark.feature("P27", "P28")
@BOTH
def test_where_one_plugin_fails_all_are_as_they_were(
    platform: Platform, tenant: Tenant, later: Callable[..., list[Branch]], tmp_path: Path
) -> None:
    platform.system(tenant.id).records("probe.thing").create({"name": "kept", "note": "kept", "probe_more.points": 3})
    branches = later(DROPS)
    write(tmp_path / "shaky", "0001", None, "op.create_table('shaky_one', sa.Column('id', sa.Integer()))\n    op.execute('no SQL at all')")
    before = dump(platform)
    with pytest.raises(sa.exc.DBAPIError, match="no SQL at all"):
        upgrade_as_one(platform, [*branches, Branch("shaky", tmp_path / "shaky")])
    assert dump(platform) == before
    assert platform.system(tenant.id).records("probe.thing").find((), 1)[0]["note"] == "kept"


@pytest.mark.feature("P28")
@BOTH
def test_an_upgrade_over_three_revisions_on_seeded_data_goes_well_or_leaves_no_trace(
    platform: Platform, tenant: Tenant, tmp_path: Path
) -> None:
    work, chain = platform.system(tenant.id), platform.branches()
    with work.transaction(write=True):
        platform.calls.moment("demo_data", frozenset({"customers"}), ctx=work, random=Random(1), months=1)
    newest = {branch: branch.head() for branch in chain}
    head = {name: found[0] for name, found in dump(platform).items()}
    behind = [branch for branch in chain if branch.plugin in ("core", "customers")]
    for branch in reversed(behind):
        migrate.downgrade(platform.database, branch, "-3")
    before = dump(platform)
    assert len(before["customers_accounts"]) > 20
    write(tmp_path / "shaky", "0001", None, "op.create_table('shaky_one', sa.Column('id', sa.Integer()))\n    op.execute('no SQL at all')")
    with pytest.raises(sa.exc.DBAPIError, match="no SQL at all"):
        upgrade_as_one(platform, [*chain, Branch("shaky", tmp_path / "shaky")])
    assert dump(platform) == before
    assert [(plugin, after) for plugin, _before, after in upgrade_as_one(platform, chain)] == [(b.plugin, newest[b]) for b in behind]
    after = dump(platform)
    assert {name: sorted(found[0]) for name, found in after.items()} == {name: sorted(columns) for name, columns in head.items()}
    assert {name: len(found) for name, found in after.items() if name in before and name not in REWRITTEN} == {
        name: len(found) for name, found in before.items() if name not in REWRITTEN
    }


@pytest.mark.feature("P27")
def test_code_that_does_not_fit_together_is_refused_with_every_reason_before_anything_moves(
    platform: Platform, tenant: Tenant, later: Callable[..., list[Branch]], monkeypatch: pytest.MonkeyPatch
) -> None:
    branches, states = later(DROPS), platform.calls.states
    reason = "works with probe <2, there is probe 2.0; install versions of both that fit each other, in one step"
    monkeypatch.setitem(states, "probe_more", states["probe_more"].but(State.INCOMPATIBLE, reason))
    before = dump(platform)
    with pytest.raises(Conflict, match=r"probe_more is incompatible: works with probe <2, there is probe 2\.0"):
        upgrade_as_one(platform, branches)
    assert dump(platform) == before


@pytest.mark.feature("P7")
def test_after_an_upgrade_each_tenant_that_has_the_plugin_is_told_both_versions_until_it_works(
    platform: Platform, tenant: Tenant, make_tenant: MakeTenant, later: Callable[..., list[Branch]], clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    without = make_tenant("without", plugins=["customers"])
    assert without.name
    told: list[tuple[str, str, str]] = []

    def hear(ctx: Work, before: str, after: str) -> None:
        ctx.records("probe.entry").create({"text": f"{before} to {after}"})
        told.append((ctx.tenant.name, before, after))
        if len(told) == 1:
            raise OSError("not yet")

    branches, ours = later("pass"), platform.calls.implementers
    monkeypatch.setattr(platform.calls, "implementers", lambda hook: [("probe", hear)] if hook == "after_upgrade" else ours(hook))
    upgrade_as_one(platform, branches)
    monkeypatch.setitem(platform.calls.states, "probe", newer(platform))
    Embedded(platform).run_until_idle()
    assert told == [("acme", "1.0", "2.0")]
    assert platform.system(tenant.id).records("probe.entry").find((), 5) == [], "what failed is undone"
    clock.move(days=1)
    Embedded(platform).run_until_idle()
    assert told == [("acme", "1.0", "2.0")] * 2
    assert [row["text"] for row in platform.system(tenant.id).records("probe.entry").find((), 5)] == ["1.0 to 2.0"]
    upgrade_as_one(platform, branches)
    Embedded(platform).run_until_idle()
    assert len(told) == 2, "there is nothing new"


@pytest.mark.feature("P6", "P7")
def test_a_bridge_that_is_installed_later_begins_with_the_tenants_that_have_what_it_joins(
    platform: Platform, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade_all(platform, platform.branches())
    manifest = platform.calls.states["probe_more"].manifest
    assert manifest is not None
    lifecycle.switch(platform.system(tenant.id), "probe_more", False)
    with platform.database.begin_as_owner() as connection:
        declared.forget(connection, "probe_more")
        platform.gate.forget(connection, "probe_more")
    monkeypatch.setitem(platform.gate.manifests, "probe_more", replace(manifest, requires=("customers", "probe"), bridge=True))
    monkeypatch.setattr(platform.gate, "_known", type(platform.gate._known)(10))
    told: list[str] = []
    ours = platform.calls.implementers
    monkeypatch.setattr(
        platform.calls, "implementers",
        lambda hook: [("probe_more", lambda ctx: told.append(ctx.tenant.name))] if hook == "tenant_enabled" else ours(hook),
    )  # fmt: skip
    upgrade_as_one(platform, platform.branches())
    Embedded(platform).run_until_idle()
    assert told == ["acme"]
    assert migrate.behind(platform.database, platform.branches()) == {}


@pytest.fixture(autouse=True)
def _closed(platform: Platform) -> Iterator[None]:
    yield
    platform.close()
