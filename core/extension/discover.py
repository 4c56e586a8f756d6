"""Which plugins are installed: the entry points of the group `dealwright.plugins`."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points, version
from pathlib import Path
from types import ModuleType

from core.extension.said import Said, joined, said
from sdk import _
from sdk.errors import DeclarationError
from sdk.manifest import API_VERSION, Manifest

GROUP, DISTRIBUTION = "dealwright.plugins", "dealwright"


class State(StrEnum):
    """The state of a plugin in this process; a broken one is a row on a page, the rest serves."""

    LOADED = "loaded"
    INCOMPATIBLE = "incompatible"
    FAILED = "failed"
    BEHIND = "behind"
    BLOCKED = "blocked"
    MISSING_EXTRA = "missing_extra"
    VANISHED = "vanished"


@dataclass(frozen=True)
class Found:
    """A plugin that is installed, or ought to be, whatever its state; `reason` says why it does not serve, and what to do."""

    name: str
    distribution: str
    state: State
    reason: str = ""
    manifest: Manifest | None = None
    module: ModuleType | None = None
    installed: bool = True
    """Whether there is a package of it: one may be named in `plugins` and not be there."""

    @property
    def serves(self) -> bool:
        """Whether its declarations are in force."""
        return self.state is State.LOADED

    @property
    def is_ill(self) -> bool:
        """Whether something is to be mended: a bridge that waits for one of its sides is as it should be."""
        waits = self.state is State.BLOCKED and self.manifest is not None and self.manifest.bridge
        return not self.serves and not waits

    @property
    def migrations(self) -> Path:
        """Where its migrations are: beside its `plugin` module."""
        assert self.module is not None and self.module.__file__ is not None
        return Path(self.module.__file__).parent / "migrations"

    def but(self, state: State, reason: str) -> Found:
        """The same plugin in another state."""
        return replace(self, state=state, reason=reason)


def discover(only: Sequence[str] | None, group: Sequence[EntryPoint] | None = None) -> list[Found]:
    """The installed plugins by name; with `only`, no other is even imported. Never raises for a broken plugin."""
    installed = dict[str, list[EntryPoint]]()
    for point in entry_points(group=GROUP) if group is None else group:
        installed.setdefault(point.name, []).append(point)
    return [_found(name, installed.get(name, [])) for name in (sorted(installed) if only is None else dict.fromkeys(only))]


def _found(name: str, points: Sequence[EntryPoint]) -> Found:
    packages = sorted({_package(point) for point in points})
    if not packages:
        missing = said(
            _("plugin {name!r} is named in `plugins` but its package is not installed: install it, or take it out of `plugins`"), name=name
        )
        return Found(name, "", State.VANISHED, missing, installed=False)
    if len(packages) > 1:  # nobody can tell which is meant, so no code of either runs
        return Found(
            name,
            "",
            State.FAILED,
            said(_("plugin {name!r} comes with {packages}; uninstall one of them"), name=name, packages=" and with ".join(packages)),
        )
    return _load(points[0])


def _package(point: EntryPoint) -> str:
    return repr(point.value) if point.dist is None else f"the package {_name_of(point.dist)!r}"


def _load(point: EntryPoint) -> Found:
    distribution = _name_of(point.dist) if point.dist is not None else ""
    try:
        module = point.load()
    except ModuleNotFoundError as failure:
        if failure.name and not failure.name.startswith(("plugins", "sdk", point.module.partition(".")[0])):
            return Found(point.name, distribution, State.MISSING_EXTRA, _lacks(point, failure.name))
        return Found(point.name, distribution, State.FAILED, _told(failure))
    except DeclarationError as failure:  # which says by itself what to do where
        return Found(point.name, distribution, State.FAILED, str(failure))
    except (Exception, SystemExit) as failure:  # a plugin may raise anything at import: it is shown, and the others serve
        return Found(point.name, distribution, State.FAILED, _told(failure))
    manifest = getattr(module, "manifest", None)
    if not isinstance(module, ModuleType) or not isinstance(manifest, Manifest):
        reason = said(_("{module}: expected a module with `manifest = Manifest(...)`; add one"), module=point.value)
        return Found(point.name, distribution, State.FAILED, reason)
    found = Found(point.name, distribution, State.LOADED, "", manifest, module)
    if manifest.name != point.name:
        reason = said(_("the manifest says {name!r}, the entry point {point!r}; make them the same"), name=manifest.name, point=point.name)
        return found.but(State.FAILED, reason)
    if manifest.api != API_VERSION:
        text = _("written for platform API {its}, this platform speaks {ours}; install a matching version")
        reason = said(text, its=manifest.api, ours=API_VERSION)
        return found.but(State.INCOMPATIBLE, reason)
    return found


def _lacks(point: EntryPoint, package: str) -> str:
    """What to install: the extra that is called as the plugin is, if its distribution has one; else what was not declared."""
    extras = [] if point.dist is None else point.dist.metadata.get_all("Provides-Extra") or []
    if point.dist is not None and point.name in extras:
        whole = f"{point.dist.name}[{point.name}]"
        return said(_("needs the package {name!r}: pip install '{package}'"), name=package, package=whole)
    return said(_("needs the package {name!r}; install it, and add it to what the plugin’s package depends on"), name=package)


def _told(failure: BaseException) -> str:
    """Where it was raised, from the plugin's own module on: nobody mends the way to it."""
    place = failure.__traceback__
    while place is not None and (place.tb_frame.f_code.co_filename == __file__ or "importlib" in place.tb_frame.f_code.co_filename):
        place = place.tb_next
    return "".join(traceback.format_exception(type(failure), failure, place))


@lru_cache(maxsize=200)
def _name_of(distribution: Distribution) -> str:
    """Its metadata are parsed for that, the whole README among them: once, not for each plugin of a package."""
    return distribution.name


def ordered(plugins: Sequence[Found]) -> list[Found]:
    """By `requires` and `after`, then by name. A plugin whose requirement does not serve is blocked by it, as is a circle."""
    by_name, platform = {plugin.name: plugin for plugin in plugins}, version(DISTRIBUTION)
    done: dict[str, Found] = {}
    waiting = dict(sorted(by_name.items()))
    while waiting:
        ready = next((p for p in waiting.values() if not partners(p) & waiting.keys()), None)
        if ready is None:
            circle = ", ".join(waiting)
            done |= {n: p.but(State.BLOCKED, said(_("waits in a circle: {circle}; break it"), circle=circle)) for n, p in waiting.items()}
            break
        del waiting[ready.name]
        done[ready.name] = _unless_blocked(ready, done, platform)
    return list(done.values())


def partners(plugin: Found) -> set[str]:
    """Those that it requires and those after which it comes, core left out."""
    if plugin.manifest is None:
        return set()
    return {*plugin.manifest.required, *plugin.manifest.possible} - {"core"}


def _unless_blocked(plugin: Found, done: dict[str, Found], platform: str) -> Found:
    if plugin.manifest is None or not plugin.serves:
        return plugin
    blocked, unfit = list[Said](), _unfit(plugin.manifest, done, platform)
    for name in plugin.manifest.required.keys() - {"core"}:
        if name not in done:
            blocked.append(said(_("requires {name!r}, which is not installed; install it, or list it in `plugins`"), name=name))
        elif not done[name].serves:
            blocked.append(said(_("requires {name!r}, which is {state}; mend that first"), name=name, state=done[name].state))
    if not blocked and not unfit:
        return plugin
    return plugin.but(State.BLOCKED if blocked else State.INCOMPATIBLE, joined(sorted(blocked) + unfit))


def _unfit(manifest: Manifest, done: Mapping[str, Found], platform: str) -> list[Said]:
    """What is installed in a version that the plugin does not say it can work with, also of the partners that it need not have."""
    there = {"core": platform} | {name: found.manifest.version for name, found in done.items() if found.manifest is not None}
    return [
        said(
            _("works with {name} {range}, there is {name} {version}; install versions of both that fit each other, in one step"),
            name=name,
            range=range,
            version=there[name],
        )
        for name, range in sorted({**manifest.required, **manifest.possible}.items())
        if name in there and not range.contains(there[name], prereleases=True)
    ]


def amiss(plugins: Sequence[Found]) -> list[str]:
    """The plugins, by name, that ought to serve and do not.

    One without its extra is no fault of the installation, nor is one that lacks nothing but such; nor is a bridge that waits for a side.
    """
    fine = {found.name for found in plugins if found.state is State.MISSING_EXTRA or not found.is_ill}
    serving = {"core", *(found.name for found in plugins if found.serves)}
    lost = {found.name: found.manifest.required.keys() - serving for found in plugins if found.manifest and found.state is State.BLOCKED}
    while more := {name for name, missing in lost.items() if name not in fine and missing and missing <= fine}:
        fine |= more
    return [found.name for found in plugins if found.name not in fine]


def check_declared(name: str, owner: str, what: str) -> None:
    """Raise DeclarationError where a name does not start with its owner's."""
    if not name.startswith(f"{owner}."):
        theirs = f" (those of {name.partition('.')[0]!r} start as this one does)" if "." in name else ""
        raise DeclarationError(f"{what} {name!r} of plugin {owner!r}: expected a name that starts with {owner + '.'!r}{theirs}; rename it")
