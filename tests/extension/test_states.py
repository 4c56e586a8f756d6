"""A broken plugin is a row on a page: it has a state with a reason, and the rest serves."""

from __future__ import annotations

import runpy
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from core.app import create_app
from core.cli.main import COMMANDS
from core.cli.plugin import plugin as plugin_commands
from core.extension.discover import State, amiss
from core.extension.impact import impact
from core.extension.removal import known, purge_data
from core.extension.said import told
from core.extension.vanished import as_now
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from sdk import Capabilities, DeclarationError, Manifest, NotFound, Text
from sdk.names import RESERVED_COMMANDS
from tests.extension.conftest import Installation
from tests.packages import MANIFEST, Packages

type_install = Callable[..., Installation]
ENTITY = """
class Row(Record):
    __tablename__ = "{table}"
    name = f.text(_("Name"), required=True)

@hookimpl
def register_entities():
    return (Entity(Row, "row", "rows", _("Row"), _("Rows")),)
"""
AMISS = """from sdk import Manifest, Text

manifest = Manifest(
    name="sound",
    version="one",
    title=Text("T"), summary=None,
    requires=(
        "customers>=1",
        "x!",
    ),
    bridge=True,
)
"""
ROLE = """
@hookimpl
def register_roles():
    return (Role("clerk", _("Clerk")),)
"""
COMMAND = """
@hookimpl
def register_commands():
    return (Command("{name}", _("C"), lambda *_: 0),)
"""

BROKEN: dict[str, tuple[dict[str, str], State, str]] = {
    "it ends the process as it is imported": ({"body": "raise SystemExit(3)"}, State.FAILED, "SystemExit: 3"),
    "its import raises": ({"body": "raise OSError('no disk')"}, State.FAILED, "no disk"),
    "its code is no Python": ({"body": "def ("}, State.FAILED, "SyntaxError"),
    "it imports a module of ours that is not there": ({"body": "import sdk.nowhere"}, State.FAILED, "sdk.nowhere"),
    "it has no manifest": ({"manifest": ""}, State.FAILED, "manifest = Manifest(...)"),
    "its manifest is something else": ({"manifest": "manifest = {'name': 'broken'}\n"}, State.FAILED, "manifest = Manifest(...)"),
    "its manifest has another name": ({"manifest": MANIFEST.format(name="other", more="")}, State.FAILED, "'other'"),
    "its manifest is full of mistakes": (
        {"manifest": MANIFEST.format(name="Broken!", more=', requires=("Broken!",)')}, State.FAILED, "name 'Broken!'",
    ),
    "its manifest has no capabilities at all": ({"more": ", capabilities=None"}, State.FAILED, "capabilities None"),
    "its manifest says nothing to people": (
        {"manifest": "manifest = Manifest('broken', '1.0', 't', None)\n"}, State.FAILED, "summary None: expected a text for people",
    ),
    "it speaks another API": ({"more": ", api=99"}, State.INCOMPATIBLE, "API 99"),
    "the package of its extra is missing": ({"body": "import a_package_that_nobody_has"}, State.MISSING_EXTRA, "a_package_that_nobody_has"),
    "its requirement is not installed": ({"more": ', requires=("absent",)'}, State.BLOCKED, "'absent'"),
    "it implements a hook that does not exist": ({"body": "@hookimpl\ndef register_dreams():\n    return ()"}, State.FAILED, "register_dreams"),
    "it implements a hook with other arguments": ({"body": "@hookimpl\ndef prepare_changes(ctx, dream):\n    pass"}, State.FAILED, "dream"),
    "its declaration raises": ({"body": "@hookimpl\ndef register_jobs():\n    raise OSError('no jobs')"}, State.FAILED, "no jobs"),
    "its declaration returns no sequence": ({"body": "@hookimpl\ndef register_jobs():\n    return 7"}, State.FAILED, "not iterable"),
    "its declaration returns something else": ({"body": "@hookimpl\ndef register_roles():\n    return ('sales',)"}, State.FAILED, "register_roles"),
    "it declares an entity over a string": ({"body": "@hookimpl\ndef register_entities():\n    return ('rows',)"}, State.FAILED, "register_entities"),
    "its table has a foreign prefix": ({"body": ENTITY.format(table="probe_rows")}, State.FAILED, "'probe_rows'"),
    "its record names no table": ({"body": ENTITY.replace("__tablename__", "__table_name__")}, State.FAILED, "names no table"),
    "its record has a column that is no field": (
        {"body": "from sqlalchemy.orm import mapped_column\n" + ENTITY.format(table="broken_rows").replace("f.text(_(\"Name\"), required=True)", "mapped_column()")},
        State.FAILED, "not a bare column",
    ),
    "its record has a column of SQLAlchemy's": (
        {"body": "import sqlalchemy as sa\n" + ENTITY.format(table="broken_rows").replace("f.text(_(\"Name\"), required=True)", "sa.Column(sa.Text())")},
        State.FAILED, "not a bare column",
    ),
    **{
        f"its record {mistake}": ({"body": "import sqlalchemy as sa\nfrom sdk import Mapped\n" + ENTITY.format(table="broken_rows").replace("    name =", f"    {line}\n    name =")}, State.FAILED, said)
        for mistake, line, said in (
            ("has a field with a comma behind it", "more: Mapped[str] = f.text(_('More')),", "no comma behind it"),
            ("calls something a field that it leaves out", "more: Mapped[str]", "more: expected a field"),
            ("has a field in the place of a method", "table = f.text(_('Table'))", "has 'table' already"),
            ("has a field in the place of its owner", "owner_id = f.link(_('Owner'), 'core.user')", "has 'owner_id' already"),
            ("has a column twice", "price_currency = f.text(_('Currency'))\n    price = f.money(_('Price'))", "'price_currency' is already present"),
            ("has an index in no tuple", "__table_args__ = sa.Index('broken', 'name')", "expected a tuple"),
            ("has the rate of what is no amount", "rate = f.converts(f.decimal(_('Rate')), 'name')", "no amount of it"),
            ("stands under another", "pass\nclass More(Row):\n    __tablename__ = 'broken_more'", "stands under Row"),
        )
    },
    "its permission has a foreign prefix": (
        {"body": "@hookimpl\ndef register_permissions():\n    return (Permission('probe.x.y', _('P')),)"}, State.FAILED, "'probe.x.y'",
    ),
    "its event has a foreign prefix": (
        {"body": "@hookimpl\ndef register_events():\n    return (EventType('probe.x.done', _('P')),)"}, State.FAILED, "'probe.x.done'",
    ),
    "it contributes a role that is there already": (
        {"body": "@hookimpl\ndef register_roles():\n    return (Role('sales_rep', _('R')),)", "more": ', after=("customers",)'}, State.FAILED, "'sales_rep'",
    ),
    "it links to a class that nobody registers": (
        {
            "body": "class Lost(Record):\n    __tablename__ = 'broken_lost'\n    name = f.text(_('N'))\n"
            "class Row(Record):\n    __tablename__ = 'broken_rows'\n    name = f.text(_('N'))\n    lost_id = f.link(_('L'), Lost)\n"
            "@hookimpl\ndef register_entities():\n    return (Entity(Row, 'row', 'rows', _('R'), _('R')),)"
        }, State.FAILED, "links to Lost",
    ),
    "its field's name is reserved": ({"body": ENTITY.format(table="broken_rows").replace("name = f", "cursor = f")}, State.FAILED, "'cursor'"),
    "its entity has a title that is no field": (
        {"body": ENTITY.format(table="broken_rows").replace('_("Rows")),)', '_("Rows"), title="nothing"),)')}, State.FAILED, "'nothing'",
    ),
    "it scopes what has no owner": (
        {"body": ENTITY.format(table="broken_rows").replace('_("Rows")),)', '_("Rows"), owned=False, access={"sales_rep": Scope.OWN}),)')},
        State.FAILED, "belongs to nobody",
    ),
    "it scopes by a territory that there is not": (
        {"body": ENTITY.format(table="broken_rows").replace('_("Rows")),)', '_("Rows"), access={"sales_rep": Scope.TERRITORY}),)')},
        State.FAILED, "is in no territory",
    ),
    "its territory is no link": (
        {"body": ENTITY.format(table="broken_rows").replace('_("Rows")),)', '_("Rows"), territory="name"),)')}, State.FAILED, "is no link",
    ),
    "its route has no slash": (
        {"body": "@hookimpl\ndef register_routes():\n    return (Route(method='GET', path='x', view=print, permission=PUBLIC, summary=_('X')),)"},
        State.FAILED, "starts with '/'",
    ),
    "its public route names no tenant": (
        {"body": "@hookimpl\ndef register_routes():\n    return (Route(method='GET', path='/x', view=print, permission=PUBLIC, summary=_('X')),)"},
        State.FAILED, "put {token} into",
    ),
}  # fmt: skip


@pytest.mark.feature("P11")
@pytest.mark.parametrize("why", BROKEN)
def test_a_plugin_is_out_of_force_and_the_rest_serves_when(
    install: type_install, packages: Packages, forget_tables: None, why: str
) -> None:
    files, state, reason = BROKEN[why]
    installed = install(packages.plugin("broken", **files), check_schema=False)
    assert installed.found("broken").state is state
    assert reason in installed.found("broken").reason
    assert {installed.state("probe"), installed.state("customers")} == {"loaded"}
    assert installed.serves()


def test_every_state_is_reached_by_a_test_here() -> None:
    reached = {state for _files, state, _reason in BROKEN.values()} | {State.LOADED, State.BEHIND, State.VANISHED}
    assert reached == set(State)


def test_a_sound_plugin_is_loaded(install: type_install, packages: Packages) -> None:
    installed = install(packages.plugin("sound", COMMAND.format(name="sing")))
    assert installed.state("sound") == "loaded"
    assert "sing" in installed.platform.catalog.commands
    assert installed.serves()


def test_a_plugin_whose_schema_is_behind_its_code_waits_for_the_upgrade(
    install: type_install, packages: Packages, forget_tables: None
) -> None:
    point = packages.plugin("late", ENTITY.format(table="late_rows") + COMMAND.format(name="sing"))
    needy = packages.plugin("needy", more=', requires=("late",)')
    folder = packages._folder / "made_up_late" / "migrations"
    folder.mkdir()
    (folder / "0001_rows.py").write_text(
        'from alembic import op\nimport sqlalchemy as sa\nfrom sdk import migrations\nrevision = "0001"\ndown_revision = None\n'
        'def upgrade():\n    migrations.create_table(op, "late_rows", sa.Column("name", sa.String(255), nullable=False))\n'
        'def downgrade():\n    migrations.drop_table(op, "late_rows")\n'
    )
    installed = install(point, needy)
    assert installed.state("late") == "behind"
    assert "dealwright db upgrade" in installed.found("late").reason
    assert installed.state("needy") == "blocked"
    assert "late.row" not in installed.platform.catalog.entities
    assert "sing" not in installed.platform.catalog.commands
    assert installed.serves()


def test_a_hook_that_does_not_exist_is_told_with_the_one_that_is_nearest(install: type_install, packages: Packages) -> None:
    hook = "\n@hookimpl\ndef {}():\n    return ()\n"
    installed = install(packages.plugin("typing", hook.format("register_entitys")), packages.plugin("dreaming", hook.format("xyzzy")))
    assert (
        installed.found("typing").reason
        == "it implements the hook 'register_entitys', which doesn’t exist; did you mean 'register_entities'?"
    )
    assert installed.found("dreaming").reason.endswith("the hooks are in sdk.hooks")
    assert (installed.state("typing"), installed.state("dreaming"), installed.serves()) == ("failed", "failed", True)


@pytest.mark.parametrize(
    ("before", "said"), [('"0000"', "down_revision = '0000', and no file there has that revision"), ("None", "Multiple heads are present")]
)
def test_migrations_that_lead_nowhere_are_told_and_the_rest_serves(
    install: type_install, packages: Packages, forget_tables: None, before: str, said: str
) -> None:
    point = packages.plugin("lost", ENTITY.format(table="lost_rows"))
    folder = packages._folder / "made_up_lost" / "migrations"
    folder.mkdir()
    for number, after in (("0001", "None"), ("0002", before)):
        (folder / f"{number}_x.py").write_text(
            f'revision = "{number}"\ndown_revision = {after}\ndef upgrade(): ...\ndef downgrade(): ...\n', encoding="utf-8"
        )
    installed = install(point)
    assert said in installed.found("lost").reason
    assert (installed.state("lost"), installed.serves()) == ("failed", True)


def test_a_plugin_whose_package_is_gone_is_shown_to_be_so_until_nobody_has_it_on(
    install: type_install, packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had been in no list, and could be neither switched off nor removed."""
    gone, broken = packages.plugin("gone"), packages.plugin("broken")
    whole = install(gone, broken)
    tenant = lifecycle.create(whole.platform, NewTenant("acme", plugins=("customers", "probe", "gone", "broken"), shown=True))
    (packages._folder / "made_up_broken" / "plugin.py").write_text("raise OSError('no disk')\n", encoding="utf-8")
    for name in [one for one in sys.modules if one.startswith("made_up_broken")]:
        del sys.modules[name]
    left = install(broken)
    assert (left.state("gone"), left.state("broken")) == ("vanished", "failed")
    assert left.found("broken").reason.splitlines()[1].endswith('made_up_broken/plugin.py", line 1, in <module>'), "not the way to it"
    assert "install it again, or run `dealwright plugin disable gone" in left.found("gone").reason
    assert left.serves()
    assert amiss(left.platform.plugins) == ["broken", "gone"]
    monkeypatch.setattr("core.cli.plugin.platform", lambda: left.platform)

    def switches() -> dict[str, str]:
        """What `plugin list` says of each for the tenant."""
        lines = CliRunner().invoke(plugin_commands, ["list", "--tenant", "acme"]).output.splitlines()
        return {line.split()[0]: line.split()[3] for line in lines}

    assert {name: said for name, said in switches().items() if name in ("gone", "broken")} == {"gone": "on", "broken": "on"}
    for name in ("gone", "broken"):
        lifecycle.switch(left.platform.system(tenant.id), name, False)
        with pytest.raises(NotFound):
            lifecycle.switch(left.platform.system(tenant.id), name, True)
        assert impact(left.platform, name).enabled_for == []
        assert switches()[name] == "off"
    assert "gone" not in {one.name for one in as_now(left.platform)}, "without a restart"
    assert known(left.platform, "gone") is None, "it has no tables, and what it is said to be removed by takes it"
    assert purge_data(left.platform, impact(left.platform, "gone")) == []
    with pytest.raises(NotFound):
        known(left.platform, "gone")
    again = install()
    assert "gone" not in {one.name for one in again.platform.plugins}


def test_a_package_that_is_removed_under_a_running_server_is_shown_to_be_gone(install: type_install, packages: Packages) -> None:
    running = install(packages.plugin("fleeting")).platform
    assert {one.name: one.state for one in as_now(running)}["fleeting"] is State.LOADED
    shutil.rmtree(packages._folder / "made_up_fleeting")
    (gone,) = (one for one in as_now(running) if one.state is State.VANISHED)
    assert (gone.name, "restart" in gone.reason) == ("fleeting", True)
    answer = create_app(running).test_client().get("/health/ready").get_json()
    assert (answer["status"], answer["plugins"]["fleeting"]) == ("degraded", "vanished")


@pytest.mark.parametrize(
    ("why", "body"),
    [
        (
            "an entity of the same name",
            ENTITY.format(table="broken_rows").replace("),)", "), Entity(Row, 'row', 'others', _('R'), _('R')))"),
        ),
        (
            "a plural of the same name",
            ENTITY.format(table="broken_rows").replace("),)", "), Entity(Row, 'other', 'rows', _('R'), _('R')))"),
        ),
        ("a command of the same name", COMMAND.format(name="x").replace("0),)", "0), Command('x', _('C'), lambda *_: 0))")),
        ("a job of the same name", "@hookimpl\ndef register_jobs():\n    return (Job('x', print), Job('x', print))"),
        (
            "a subscription of the same name",
            "@hookimpl\ndef register_subscriptions():\n    return (Subscription('a.b.c', 'x', print), Subscription('a.b.c', 'x', print))",
        ),
        (
            "a route of the same address",
            "@hookimpl\ndef register_routes():\n    r = Route(method='GET', path='/x', view=print, permission=SIGNED_IN, summary=_('X'))\n    return (r, r)",
        ),
        (
            "a permission of the same name",
            "@hookimpl\ndef register_permissions():\n    return (Permission('broken.a.b', _('P')), Permission('broken.a.b', _('P')))",
        ),
    ],
)
def test_what_is_declared_twice_is_refused(install: type_install, packages: Packages, forget_tables: None, why: str, body: str) -> None:
    installed = install(packages.plugin("broken", body), check_schema=False)
    assert installed.state("broken") == "failed", why
    assert installed.serves()


def test_of_two_plugins_with_the_same_command_the_second_fails_and_is_told_of_the_first(install: type_install, packages: Packages) -> None:
    installed = install(packages.plugin("aaa", COMMAND.format(name="sing")), packages.plugin("bbb", COMMAND.format(name="sing")))
    assert (installed.state("aaa"), installed.state("bbb")) == ("loaded", "failed")
    assert "'aaa'" in installed.found("bbb").reason
    assert "'bbb'" in installed.found("bbb").reason


@pytest.mark.feature("P12")
@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (
            ENTITY.format(table="aaa_b_rows"),
            ENTITY.format(table="aaa_b_rows"),
            ("'aaa_b_rows'", "made_up_aaa.plugin", "made_up_aaa_b.plugin"),
        ),
        (COMMAND.format(name="sing"), COMMAND.format(name="sing"), ("'sing'", "'aaa'", "'aaa_b'")),
        (COMMAND.format(name="other"), COMMAND.format(name="serve"), ("'serve'", "'aaa_b'", "'core'")),
        (ROLE, ROLE, ("'clerk'", "'aaa'", "'aaa_b'")),
    ],
    ids=["table", "command", "command of the platform", "role"],
)
def test_of_two_plugins_that_clash_the_second_is_out_of_force_and_both_are_named(
    install: type_install, packages: Packages, forget_tables: None, one: str, other: str, told: tuple[str, ...]
) -> None:
    installed = install(packages.plugin("aaa", one), packages.plugin("aaa_b", other), check_schema=False)
    assert (installed.state("aaa"), installed.state("aaa_b")) == ("loaded", "failed")
    assert [word for word in told if word not in installed.found("aaa_b").reason.strip().splitlines()[-1]] == []
    assert installed.serves()


@pytest.mark.feature("P12")
def test_a_table_that_would_go_with_another_plugin_is_refused_with_both_names(
    install: type_install, packages: Packages, forget_tables: None
) -> None:
    """`plugin remove aaa_b --purge` takes the tables that begin so."""
    mine, others = ENTITY.format(table="aaa_b_rows"), ENTITY.format(table="aaa_b_other")
    installed = install(packages.plugin("aaa", mine), packages.plugin("aaa_b", others), check_schema=False)
    assert (installed.state("aaa"), installed.state("aaa_b")) == ("failed", "loaded")
    for word in ("'aaa_b_rows'", "'aaa'", "'aaa_b'"):
        assert word in installed.found("aaa").reason


def test_the_commands_that_no_plugin_may_have_are_those_of_the_platform() -> None:
    assert set(COMMANDS) == RESERVED_COMMANDS


def test_a_failed_plugin_leaves_nothing_it_declared_before(install: type_install, packages: Packages, forget_tables: None) -> None:
    body = ENTITY.format(table="broken_rows") + COMMAND.format(name="sing") + "\n@hookimpl\ndef register_jobs():\n    raise OSError\n"
    installed = install(packages.plugin("broken", body), check_schema=False)
    assert not {name for names in installed.platform.catalog.provenance("broken").values() for name in names}
    assert "broken" not in installed.platform.calls.serving()


def test_a_plugin_is_blocked_by_one_that_failed_and_so_are_those_behind_it(install: type_install, packages: Packages) -> None:
    points = [
        packages.plugin("one", "@hookimpl\ndef register_jobs():\n    raise OSError('no jobs')"),
        packages.plugin("two", more=', requires=("one",)'),
        packages.plugin("three", more=', requires=("two",)'),
        packages.plugin("friend", more=', after=("one",)'),
    ]
    installed = install(*points)
    assert [installed.state(name) for name in ("one", "two", "three", "friend")] == ["failed", "blocked", "blocked", "loaded"]
    assert "'one', which is failed" in installed.found("two").reason
    assert installed.serves()


@pytest.mark.feature("P6")
def test_a_bridge_waits_for_a_side_that_is_not_installed_and_is_not_ill(install: type_install, packages: Packages) -> None:
    installed = install(
        packages.plugin("bridge", more=', requires=("customers", "absent"), bridge=True'),
        packages.plugin("needy", more=', requires=("absent",)'),
    )
    assert (installed.state("bridge"), installed.state("needy")) == ("blocked", "blocked")
    assert "'absent', which is not installed" in installed.found("bridge").reason
    said = told(lambda text, params: installed.platform.translator.say(text, "zh_CN", params), installed.found("bridge").reason)
    assert "'absent'，但它没有安装" in said, "its page says so in Chinese"
    assert (installed.found("bridge").is_ill, installed.found("needy").is_ill) == (False, True)
    assert installed.serves()


def test_plugins_that_require_each_other_in_a_circle_are_blocked_and_named(install: type_install, packages: Packages) -> None:
    points = [
        packages.plugin("hen", more=', requires=("egg",)'),
        packages.plugin("egg", more=', requires=("hen",)'),
        packages.plugin("fox", more=', requires=("hen",)'),
        packages.plugin("bystander", more=', requires=("probe",)'),
    ]
    installed = install(*points)
    assert [installed.state(name) for name in ("hen", "egg", "fox", "bystander")] == ["blocked", "blocked", "blocked", "loaded"]
    assert "circle" in installed.found("hen").reason
    assert installed.serves()


def test_friends_that_wait_for_each_other_are_told_so(install: type_install, packages: Packages) -> None:
    installed = install(packages.plugin("hen", more=', after=("egg",)'), packages.plugin("egg", more=', after=("hen",)'))
    assert {installed.state("hen"), installed.state("egg")} == {"blocked"}
    assert "hen" in installed.found("egg").reason


def test_an_unlisted_plugin_is_never_imported(install: type_install, packages: Packages) -> None:
    installed = install(packages.plugin("bomb", "raise SystemExit('imported')"), only=("customers", "probe"))
    assert [plugin.name for plugin in installed.platform.plugins] == ["customers", "probe"]
    assert installed.serves()


def test_a_listed_plugin_that_is_not_installed_is_shown_as_such(install: type_install) -> None:
    installed = install(only=("customers", "probe", "ghost"))
    assert (installed.state("ghost"), amiss(installed.platform.plugins)) == ("vanished", ["ghost"])
    assert installed.found("ghost").reason.endswith("is not installed: install it, or take it out of `plugins`")
    assert "ghost" in {one.name for one in as_now(installed.platform)}, "also while nobody has it on"
    assert installed.serves()


@pytest.mark.feature("P5")
def test_a_bad_manifest_tells_every_mistake_at_once_with_its_cure() -> None:
    with pytest.raises(DeclarationError) as caught:
        Manifest("Bad Name", "one", Text("T"), Text("S"), api="1", requires=("Bad Name", "x!"), after=("x!",))  # type: ignore[arg-type]
    told = str(caught.value)
    for word in ("name 'Bad Name'", "version 'one'", "api '1'", "'x!'", "requires itself", "in `requires` and in `after`"):
        assert word in told
    assert told.count(";") >= 5
    with pytest.raises(DeclarationError, match="the platform itself is called so"):
        Manifest("custom", "1.0", Text("T"), Text("S"))


@pytest.mark.feature("P5")
def test_every_mistake_of_a_manifest_is_told_with_its_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "plugin.py"
    file.write_text(AMISS)
    with pytest.raises(DeclarationError) as caught:
        runpy.run_path(str(file))
    assert str(caught.value) == (
        f"manifest of 'sound' in {file}: "
        "line 5: version 'one': expected MAJOR.MINOR[.PATCH]; write for example '1.0'; "
        "line 6: summary None: expected a text for people; write summary=_('...'); "
        "line 9: partner 'x!': expected a plugin's name, with a range such as '>=1.2,<2' if you like; correct `requires`"
    )
    with pytest.raises(DeclarationError) as without:
        exec(compile("Manifest('sound', 'one', Text('T'), Text('S'))", "nowhere", "exec"), {"Manifest": Manifest, "Text": Text})  # noqa: S102
    assert str(without.value).startswith("manifest of 'sound': version 'one'"), "where no file is, no line is made up"


@pytest.mark.feature("P5")
def test_values_of_another_kind_are_told_with_the_rest_and_a_single_text_is_no_tuple() -> None:
    with pytest.raises(DeclarationError) as caught:
        Manifest(
            5, None, "t", None, requires="customers", after=None,  # type: ignore[arg-type]
            capabilities=Capabilities(data=(5,), network="api.x.com", jobs=None, mail="yes"),  # type: ignore[arg-type]
        )  # fmt: skip
    told = str(caught.value)
    for word in ("name 5", "version None", "title 't'", "summary None", "('customers',)", "after None", "data 5", "('api.x.com',)", "jobs None",
                 "mail 'yes'"):  # fmt: skip
        assert word in told
    assert "'c'" not in told, "not letter by letter"
    assert told.count(";") == 19, "ten mistakes, each with its cure"
    with pytest.raises(DeclarationError, match="capabilities None: expected Capabilities"):
        Manifest("sound", "1.0", Text("T"), Text("S"), capabilities=None)  # type: ignore[arg-type]


@pytest.mark.feature("P5")
def test_a_range_that_is_none_and_a_partner_named_twice_are_told_with_the_rest() -> None:
    with pytest.raises(DeclarationError) as caught:
        Manifest("sound", "1.0-x y", Text("T"), Text("S"), requires=("a_b>>2", "late>=1", "late<3"), after=("late~=1.0", "pip[extra]"))
    for word in ("version '1.0-x y'", "'a_b>>2'", "'late' is named twice", "'late' is in `requires` and in `after`", "'pip[extra]'"):
        assert word in str(caught.value)


@pytest.mark.feature("P5")
def test_versions_out_of_range_are_told_all_at_once_and_those_within_serve(install: type_install, packages: Packages) -> None:
    installed = install(
        packages.plugin("base"),
        packages.plugin("fits", more=', requires=("core>=0.1", "base>=1,<2"), after=("customers>=0.1", "ghost>9")'),
        packages.plugin("picky", more=', requires=("core>=99", "base>=1.2,<2"), after=("customers>7",)'),
        packages.plugin("needy", more=', requires=("picky", "base<1", "ghost")'),
    )
    assert (installed.state("fits"), installed.state("picky"), installed.state("needy")) == ("loaded", "incompatible", "blocked")
    for word in ("works with base <2,>=1.2, there is base 1.0", "works with core >=99", "works with customers >7", "in one step"):
        assert word in installed.found("picky").reason
    for word in ("'ghost', which is not installed", "'picky', which is incompatible", "works with base <1"):
        assert word in installed.found("needy").reason
    assert installed.serves()


@pytest.mark.feature("P11")
def test_an_installation_is_degraded_while_a_plugin_that_ought_to_serve_does_not(install: type_install, packages: Packages) -> None:
    def ready(*points: EntryPoint) -> dict[str, Any]:
        answer = create_app(install(*points).platform).test_client().get("/health/ready")
        assert answer.status_code == 200, "the others serve"
        return dict(answer.json)

    assert ready()["status"] == "ok"
    poor = packages.plugin("poor", "import a_package_that_nobody_has")
    leans = packages.plugin("leans", more=', requires=("poor",)')
    further = packages.plugin("further", more=', requires=("leans",)')
    lacking = ready(poor, leans, further)
    assert (lacking["status"], lacking["plugins"]["poor"], lacking["plugins"]["further"]) == ("ok", "missing_extra", "blocked")
    assert ready(packages.plugin("joint", more=', requires=("poor", "ghost"), bridge=True'))["status"] == "ok", (
        "a bridge waits for its sides"
    )
    assert ready(packages.plugin("torn", more=', requires=("ghost",)'))["status"] == "degraded"
    broken = packages.plugin("broken", "raise OSError('no disk')")
    assert ready(broken)["status"] == "degraded"
    both = packages.plugin("both", more=', requires=("poor", "broken")')
    assert sorted(amiss(install(poor, broken, both).platform.plugins)) == ["both", "broken"]
    assert ready(packages.plugin("older", more=", api=99"))["status"] == "degraded"
    assert ready(packages.plugin("tableless", ENTITY.format(table="tableless_rows")))["status"] == "degraded", "its schema is behind"


@pytest.mark.feature("P11")
def test_the_order_is_by_requirement_then_by_name_not_by_installation(install: type_install, packages: Packages) -> None:
    points = [
        packages.plugin("zeta"),
        packages.plugin("alpha", more=', after=("zeta",)'),
        packages.plugin("beta", more=', requires=("alpha",)'),
        packages.plugin("mid"),
    ]
    order = install(*points).platform.calls.serving()
    assert order[0] == "core"
    assert [name for name in order if name in ("zeta", "alpha", "beta", "mid")] == ["mid", "zeta", "alpha", "beta"]
    again = install(*reversed(points)).platform.calls.serving()
    assert again == order


@pytest.mark.feature("P4")
def test_everything_that_a_plugin_put_anywhere_carries_its_name(install: type_install) -> None:
    put = install().platform.catalog.provenance("probe")
    assert "probe.thing" in put["entities"]
    assert "probe.thing.price" in put["fields"]
    assert {"probe.thing.ping", "probe.thing.read"} <= set(put["permissions"])
    assert put["routes"] == ["POST /api/v1/probe/things/{id}/pings"]
    assert put["events"] == ["probe.thing.named"]
    assert put["jobs"] == ["probe.remember"]
    assert "probe.thing.created -> note_created" in put["subscriptions"]


@pytest.mark.feature("P4")
def test_every_entity_permission_role_and_route_belongs_to_a_plugin_in_force(install: type_install) -> None:
    platform = install().platform
    catalog, serving = platform.catalog, set(platform.calls.serving())
    owners = [entity.plugin for entity in catalog.entities.values()] + [route.plugin for route in catalog.routes]
    owners += [owner for owner, _spec in [*catalog.permissions.values(), *catalog.roles.values(), *catalog.events.values()]]
    owners += [extension.plugin for many in catalog.extensions.values() for extension in many]
    assert set(owners) <= serving
