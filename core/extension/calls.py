"""Hooks called one plugin at a time: in order, isolated, timed, with the owner known."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import pluggy
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.extension.discover import Found, State
from core.extension.failures import Failures
from core.extension.said import Said, joined, said
from core.policy.bounds import in_bounds
from sdk import Batch, GiveUp, Refusal, Unavailable, _, hooks

log = logging.getLogger("dealwright.hooks")
_FREE = frozenset({"demo_data"})
"""Moments without bounds: made-up data, which only an operator asks for, in a tenant that was made for it."""
_UNHURRIED = frozenset({"demo_data", "tenant_purged", "before_upgrade", "after_upgrade"})
"""Moments for which nobody waits in a request."""
SLOW, EACH = 1.0, 0.001
"""Seconds that one call of a hook may take, and how many more for each change of a batch: who takes longer is named to the operator."""
MEANT = (Refusal, GiveUp, OperationalError, InterfaceError, PoolTimeout, DataError)
"""What a hook may raise without being ill: what it means to say, and what core tells of the database."""


class PluginFailed(Unavailable):
    """A plugin raised in a moment; it names the plugin and the hook, and the log has the traceback."""

    code = "plugin_failed"
    wait = 0


@dataclass(frozen=True)
class Answer:
    """What one plugin answered to a hook."""

    owner: str
    value: Any


def _unknown(name: str) -> Said:
    known = [hook for hook, function in vars(hooks).items() if hasattr(function, f"{hooks.PROJECT}_spec")]
    near = get_close_matches(name, known, n=1)
    if not near:
        return said(_("it implements the hook {name!r}, which doesn’t exist; the hooks are in sdk.hooks"), name=name)
    return said(_("it implements the hook {name!r}, which doesn’t exist; did you mean {near!r}?"), name=name, near=near[0])


def _within(owner: str, hook: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
    """The arguments of a hook with the context in the bounds of who is called; the place of an installation has none."""
    return {**arguments, "ctx": in_bounds(arguments["ctx"], owner)} if "ctx" in arguments and hook not in _FREE else arguments


class Calls:
    """The hooks of the loaded plugins."""

    def __init__(self, plugins: Sequence[Found], builtin: object) -> None:
        self._manager = pluggy.PluginManager(hooks.PROJECT)
        self._manager.add_hookspecs(hooks)
        self._manager.register(builtin, name="core")
        self.order = ["core"]
        self._there: dict[str, list[tuple[str, Any]]] = {}
        self.failures = Failures()
        self.states: dict[str, Found] = {}
        for plugin in plugins:
            self.states[plugin.name] = self._register(plugin) if plugin.serves else plugin

    def _register(self, plugin: Found) -> Found:
        try:
            self._manager.register(plugin.module, name=plugin.name)
        except (pluggy.PluginValidationError, ValueError) as failure:
            # Wrong arguments; pluggy's message names plugin, hook and definition.
            self._manager.unregister(name=plugin.name)
            return plugin.but(State.FAILED, str(failure))
        callers = self._manager.get_hookcallers(plugin.module) or ()
        mine = [(one.name, impl) for one in callers if not one.has_spec() for impl in one.get_hookimpls() if impl.plugin is plugin.module]
        if unknown := [name for name, impl in mine if not impl.optionalhook]:
            self._manager.unregister(name=plugin.name)
            return plugin.but(State.FAILED, joined([_unknown(name) for name in sorted(unknown)]))
        self.order.append(plugin.name)
        self._there.clear()
        return plugin

    def again(self) -> Calls:
        """The same plugins in the states that they have now, which have not raised yet; what becomes of them here is not so there."""
        made = copy(self)
        made.order, made.states, made.failures, made._there = [*self.order], {**self.states}, Failures(), {}
        return made

    def serving(self) -> list[str]:
        """Names of the plugins in force, in order, core first."""
        return list(self.order)

    def drop(self, name: str, state: State, reason: str) -> None:
        """Take a plugin out of force, and those that require it."""
        plugin = self.states[name]
        self.states[name] = plugin.but(state, reason)
        if name in self.order:
            self._there.clear()
            self.order.remove(name)  # which says who is asked; the manager is shared with others over the same plugins
        for other in list(self.states.values()):
            if other.serves and other.manifest is not None and name in other.manifest.required:
                self.drop(
                    other.name, State.BLOCKED, said(_("requires {name!r}, which is {state}; mend that first"), name=name, state=state)
                )

    def implementers(self, hook: str) -> Sequence[tuple[str, Any]]:
        """Owner and function of each implementation, in order."""
        there = self._there.get(hook)
        if there is None:
            found = {impl.plugin_name: impl.function for impl in getattr(self._manager.hook, hook).get_hookimpls()}
            there = self._there[hook] = [(name, found[name]) for name in self.order if name in found]
        return there

    def declared(self, hook: str) -> Iterator[Answer]:
        """The answers to a `register_*` hook; a plugin that raises is taken out of force with its traceback."""
        for owner, function in self.implementers(hook):
            try:
                value = tuple(function())
            except Exception:  # whatever a declaration raises, the plugin is shown as failed and the others serve
                self.drop(owner, State.FAILED, traceback.format_exc())
                continue
            yield Answer(owner, value)

    def moment(self, hook: str, only: frozenset[str], *, backwards: bool = False, **arguments: object) -> None:
        """Call a moment of the plugins in `only`, in order; what one raises goes to the caller, whose transaction it undoes.

        A Refusal is what the plugin means to say, and so is GiveUp; a database that is away is told elsewhere. Anything else is a
        PluginFailed: a veto that could not be asked for is no consent, so it is never passed over.
        """
        there = self.implementers(hook)
        for owner, function in reversed(there) if backwards else there:
            if owner in only:
                self._call(hook, owner, function, arguments)

    def _call(self, hook: str, owner: str, function: Any, arguments: Mapping[str, object]) -> None:
        started = time.perf_counter()
        if isinstance(batch := arguments.get("batch"), Batch):
            batch.plugin = owner
        try:
            given = _within(owner, hook, arguments)
            function(**{name: given[name] for name in function.__code__.co_varnames[: function.__code__.co_argcount]})
        except MEANT as failure:
            failure.add_note(f"in hook {hook} of plugin {owner!r}")
            raise
        except Exception as failure:
            failure.add_note(f"in hook {hook} of plugin {owner!r}")
            log.exception("hook %s of plugin %r failed", hook, owner)
            self.failures.note(owner, hook, failure)
            raise PluginFailed(_(
        "plugin {plugin!r} failed in {hook}, so nothing was done; see the log for details, and fix it or turn it off"
    ),
                               plugin=owner, hook=hook) from failure  # fmt: skip
        finally:
            took = time.perf_counter() - started
            if hook not in _UNHURRIED and took > SLOW + EACH * (len(batch.changes) if isinstance(batch, Batch) else 0):
                log.warning("hook %s of plugin %r took %.1f s", hook, owner, took)
                self.failures.note_slow(owner, hook, 1, took)

    def asked(self, hook: str, only: frozenset[str], **arguments: object) -> Iterator[Answer]:
        """What the plugins in `only` answer; where one raises, its exception is the answer."""
        for owner, function in self.implementers(hook):
            if owner in only:
                try:
                    yield Answer(owner, function(**_within(owner, hook, arguments)))
                except Exception as failure:  # the caller tells it; the others are asked all the same
                    log.exception("hook %s of plugin %r failed", hook, owner)
                    if not isinstance(failure, MEANT):
                        self.failures.note(owner, hook, failure)
                    yield Answer(owner, failure)
