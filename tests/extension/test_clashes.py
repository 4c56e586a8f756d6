"""Two plugins that declare the same: one is out of force and both are named, or each has it under its own name; the rest serves."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path

import pytest

from core.app import create_app
from core.cli.plugin_packages import _check_all_serve
from core.extension import installer
from core.extension.discover import GROUP, discover
from core.platform import Platform
from sdk import Conflict, DeclarationError, Manifest, Text, hooks
from sdk.names import RESERVED_ADDRESSES
from tests.extension.conftest import Installation
from tests.packages import Packages
from tests.probe.fixtures import OURS

pytestmark = pytest.mark.feature("P12")
type_install = Callable[..., Installation]

HOOK = "import marshmallow as ma\n\n@hookimpl\ndef {hook}():\n    return ({spec},)\n"
ENTITY = """
class Row(Record):
    __tablename__ = "{me}_rows"
    name = f.text(_("Name"), required=True)
    at = f.at(_("At"))

@hookimpl
def register_entities():
    return (Entity(Row, "row", "rows", _("Row"), _("Rows")),)
"""
PAGE = "PageRoute('{key}', path='{path}', title=_('Day'), permission=SIGNED_IN, view=print)"
FRAME = "Frame('frame', prefix='/console', values=print, error='x', entrance='x')"

APART: dict[str, tuple[str, str]] = {
    "register_entities": ("entities", ""),
    "register_extensions": (
        "fields",
        "Extension('probe.thing', {'note': f.computed(f.integer(_('Note')), lambda thing, _reach: thing.c.version)})",
    ),
    "register_routes": ("routes", "Route(method='GET', path='/x/{a}', view=print, permission=SIGNED_IN, summary=_('X'))"),
    "register_subscriptions": ("subscriptions", "Subscription('a.b.c', 'x', print)"),
    "register_watches": ("watches", "Watch('xx', print, print, print)"),
    "register_jobs": ("jobs", "Job('x', print)"),
    "register_schedules": ("schedules", "Schedule('x', print, every=__import__('datetime').timedelta(hours=1))"),
    "register_master_data": ("master_data", "MasterData('probe.thing', ({'key': 'x'},))"),
    "register_settings": (
        "settings",
        "Settings(ma.Schema.from_dict({'color': ma.fields.String(load_default='', metadata={'label': _('Color')})}))",
    ),
    "register_rate_sources": ("rate_sources", "RateSource('x', print)"),
    "register_reports": ("reports", "Report('xx', _('X'), 'probe.thing', ('count',), ('name',))"),
    "register_importers": ("importers", "Importer('xx', label=_('X'), sources=())"),
    "register_channels": ("channels", "NoticeChannel('xx', _('X'), print)"),
    "register_actions": ("actions", "Action('xx', _('X'), print, ma.Schema)"),
    "register_triggers": ("triggers", "Trigger('xx', _('X'), ma.Schema, print)"),
    "register_conditions": ("conditions", "RuleCondition('xx', _('X'), ma.Schema, print)"),
    "register_document_templates": (
        "document_templates",
        "DocumentTemplate('xx', _('X'), 'probe.thing', (), print, (TemplateFile('pdf', 'en', __import__('pathlib').Path('x')),))",
    ),
    "register_forecast_models": ("forecast_models", "ForecastModel('xx', _('X'), print)"),
    "register_sign_in": ("sign_in", "SignInProvider('xx', print, print, print)"),
    "register_pages": ("pages", PAGE.format(key="day", path="/day")),
    "register_panels": ("panels", "Panel('xx', slot=Slot.HOME, label=_('X'), permission=SIGNED_IN, view=print)"),
    "register_navigation": ("navigation", "MenuEntry('xx', label=_('X'), path='/x')"),
    "register_timeline_sources": ("timeline_sources", "TimelineSource(entity='{me}.row', title='name', at='at')"),
}
"""What two plugins may call alike, since each has it under its own name: the kind in `plugin show`, and a declaration."""
REFUSED: dict[str, str] = {
    "register_permissions": "Permission('aaa.see', _('See'))",
    "register_events": "EventType('aaa.row.seen', _('Seen'))",
    "register_roles": "Role('clerk', _('Clerk'))",
    "register_commands": "Command('sing', _('Sing'), print)",
    "register_frame": FRAME,
}
"""What there is once for all."""


def body(hook: str, spec: str, me: str) -> str:
    """A plugin's code that declares it."""
    own = ENTITY.replace("{me}", me) if hook in ("register_entities", "register_timeline_sources") else ""
    return own + (HOOK.format(hook=hook, spec=spec.replace("{me}", me)) if spec else "")


def test_every_kind_of_declaration_is_asked_about_here() -> None:
    declared = {name for name, value in vars(hooks).items() if name.startswith("register_") and hasattr(value, f"{hooks.PROJECT}_spec")}
    assert {*APART, *REFUSED} == declared


@pytest.mark.parametrize("hook", APART)
def test_each_of_two_plugins_has_it_under_its_own_name(install: type_install, packages: Packages, forget_tables: None, hook: str) -> None:
    kind, spec = APART[hook]
    more = ", capabilities=Capabilities(jobs=('x',))"
    installed = install(*(packages.plugin(me, body(hook, spec, me), more=more) for me in ("aaa", "bbb")), check_schema=False)
    assert [installed.found(me).reason for me in ("aaa", "bbb")] == ["", ""]
    one, other = (installed.platform.catalog.provenance(me)[kind] for me in ("aaa", "bbb"))
    assert len(one) == len(other) > 0
    assert installed.serves()


@pytest.mark.parametrize("hook", REFUSED)
def test_the_second_of_two_is_out_of_force_and_both_are_named(install: type_install, packages: Packages, hook: str) -> None:
    installed = install(*(packages.plugin(me, body(hook, REFUSED[hook], me)) for me in ("aaa", "bbb")), check_schema=False)
    assert (installed.state("aaa"), installed.state("bbb")) == ("loaded", "failed"), installed.found("aaa").reason
    assert [name for name in ("'aaa'", "'bbb'") if name not in installed.found("bbb").reason] == []
    assert installed.serves()


@pytest.mark.parametrize(("path", "other"), [("/day", "/day"), ("/{a}/x", "/{b}/x")])
def test_an_address_of_pages_leads_to_one(install: type_install, packages: Packages, path: str, other: str) -> None:
    pages = f"{PAGE.format(key='one', path=path)}, {PAGE.format(key='other', path=other)}"
    installed = install(packages.plugin("aaa", HOOK.format(hook="register_pages", spec=pages)))
    assert (installed.state("aaa"), f"page '/aaa{other}'" in installed.found("aaa").reason) == ("failed", True)
    assert installed.serves()


def test_a_route_that_differs_in_the_name_of_a_parameter_is_the_same_route(install: type_install, packages: Packages) -> None:
    one = "Route(method='GET', path='/x/{a}', view=print, permission=SIGNED_IN, summary=_('X'))"
    routes = f"{one}, {one.replace('{a}', '{b}')}, {one.replace('{a}', '{id}')}"  # an id is no other word
    installed = install(packages.plugin("aaa", HOOK.format(hook="register_routes", spec=routes)))
    assert "'GET /x/{b}'" in installed.found("aaa").reason


@pytest.mark.parametrize("path", ["/bbb/day", "/bbb/{x}/y"])
def test_a_guest_gives_way_to_the_frame_whose_pages_begin_with_its_name(install: type_install, packages: Packages, path: str) -> None:
    """Whatever the order: `bbb` comes first here, as the frame comes after it."""
    frame = body("register_frame", FRAME, "zzz") + HOOK.format(hook="register_pages", spec=PAGE.format(key="theirs", path=path))
    guest = HOOK.format(hook="register_pages", spec=PAGE.format(key="day", path="/day"))
    installed = install(packages.plugin("zzz", frame), packages.plugin("bbb", guest))
    assert (installed.state("zzz"), installed.state("bbb")) == ("loaded", "failed")
    assert [name for name in ("'bbb'", "'zzz'") if name not in installed.found("bbb").reason] == []


class FromDealwright(Distribution):
    """The platform's own package."""

    def read_text(self, filename: str) -> str | None:
        """Its metadata."""
        return "Name: dealwright\nVersion: 1\n" if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:  # type: ignore[override]
        """Nothing is read."""
        return Path(str(path))


def test_no_package_puts_out_of_force_what_comes_with_the_platform(install: type_install, packages: Packages) -> None:
    ours = packages.plugin("bbb", body("register_roles", REFUSED["register_roles"], "bbb"))._for(FromDealwright())  # type: ignore[attr-defined]
    installed = install(packages.plugin("aaa", body("register_roles", REFUSED["register_roles"], "aaa")), ours)
    assert (installed.state("aaa"), installed.state("bbb")) == ("failed", "loaded")
    assert "role 'clerk' of plugin 'aaa' is there already, from 'bbb'" in installed.found("aaa").reason


def test_of_two_packages_with_one_plugin_neither_runs(install: type_install, packages: Packages) -> None:
    one = packages.plugin("aaa", "raise SystemExit('it ran')")
    other = EntryPoint("aaa", "elsewhere.plugin", GROUP)._for(FromDealwright())  # type: ignore[attr-defined]
    installed = install(one, other)
    assert installed.state("aaa") == "failed"
    for word in ("'aaa'", "'made_up_aaa.plugin'", "the package 'dealwright'", "uninstall one"):
        assert word in installed.found("aaa").reason
    assert installed.serves()
    assert [found.state.value for found in discover(("aaa",), [EntryPoint("aaa", "x.plugin", GROUP)] * 2)] == [
        "failed"
    ]  # found twice, once


def test_a_package_that_brings_a_plugin_that_is_there_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    packages, points = {"dealwright": "1"}, [EntryPoint("customers", "plugins.customers.plugin", GROUP)._for(FromDealwright())]  # type: ignore[attr-defined]

    class Other(FromDealwright):
        def read_text(self, filename: str) -> str | None:
            return "Name: imposter\nVersion: 1\n" if filename == "METADATA" else None

    def pip(words: object) -> None:
        assert isinstance(words, list)
        if words[0] == "install":
            packages["imposter"] = "1"
            for name in ("customers", "fleet"):
                points.append(EntryPoint(name, "elsewhere.plugin", GROUP)._for(Other()))  # type: ignore[attr-defined]
        else:
            del packages["imposter"]

    monkeypatch.setattr(installer, "installed", lambda: dict(packages))
    monkeypatch.setattr(installer, "entry_points", lambda *, group: points)
    with (
        pytest.raises(Conflict, match=r"imposter contains a plugin 'customers', which already exists, from dealwright"),
        installer.added("imposter", pip),
    ):
        pytest.fail("there is nothing to add")
    assert packages == {"dealwright": "1"}


def test_a_package_that_would_put_another_plugin_out_of_force_is_refused(install: type_install, packages: Packages) -> None:
    there = packages.plugin("bbb", body("register_roles", REFUSED["register_roles"], "bbb"))
    before = install(there).platform
    with_it = install(packages.plugin("aaa", body("register_roles", REFUSED["register_roles"], "aaa")), there).platform
    _check_all_serve(before, before)
    with pytest.raises(Conflict, match=r"with it 'bbb' would be failed: role 'clerk' of plugin 'bbb' is there already, from 'aaa'"):
        _check_all_serve(before, with_it)


class TestOfAllOurs:
    """With every plugin of the repository."""

    @pytest.fixture
    def entry_points(self) -> object:
        """Ours."""
        return OURS

    def test_no_plugin_can_be_called_as_an_address_of_the_platform_begins(self, platform: Platform) -> None:
        frame = platform.frame
        assert frame is not None
        pages = {page.path.split("/")[1] for page in platform.pages if page.plugin == frame.plugin}
        own = {rule.rule.removeprefix(start).split("/")[1]
               for start in ("/api/v1", frame.prefix) for rule in create_app(platform).url_map.iter_rules() if rule.rule.startswith(f"{start}/")}  # fmt: skip
        words = own - pages - {plugin.name for plugin in platform.plugins} - {"core", "custom"}
        assert {word for word in words if word.isidentifier()} | {"kit"} == RESERVED_ADDRESSES
        for word in RESERVED_ADDRESSES:
            with pytest.raises(DeclarationError, match="addresses of the platform itself begin so"):
                Manifest(word, "1.0", Text("T"), Text("S"))
