"""The settings of plugins, tenant by tenant: what may be seen as JSON, secrets sealed for their very place."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from marshmallow import Schema
from marshmallow import fields as mm
from marshmallow.validate import OneOf

from core import secrets
from core.audit import entries
from core.entities import journal
from core.entities.links import no_such_key, unknown_keys
from core.forms import loaded, strictly
from core.tenancy.tables import plugin_settings
from sdk import Forbidden, NotFound, Problem, Secret, SignInProvider, _
from sdk.events import PLUGIN_CHANGED

if TYPE_CHECKING:
    from core.context import Work

log = logging.getLogger("dealwright.settings")
NAME = "core.plugin"
MOST_KEYS = 200
"""Keys of records in one setting."""


@dataclass(frozen=True)
class _Stored:
    """The rows of one plugin in one tenant: what has been set, secrets as they are sealed."""

    values: Mapping[str, Any] = field(default_factory=dict)
    sealed: Mapping[str, str] = field(default_factory=dict)


def of(work: Work, schema: type[Schema]) -> Mapping[str, object]:
    """What is in force for the plugin that has registered the schema; raises NotFound, and Unreadable for a secret of another master key."""
    found = next((one for one in work.platform.catalog.settings.values() if one.schema is schema), None)
    if found is None or found.plugin not in work.enabled:
        raise NotFound(_("settings {name!r} do not exist here"), name=schema.__name__)
    if work.bounds is not None and work.bounds.plugin != found.plugin:
        raise work.bounds.refusal(f"settings of {found.plugin}")
    stored, made = _stored(work, found.plugin), schema()
    key = work.platform.config.key() if stored.sealed else b""
    clear = {name: secrets.unseal(key, _purpose(work, found.plugin, name), text) for name, text in stored.sealed.items()}
    return {**_in_force(made, stored.values, found.plugin), **{name: text for name, text in clear.items() if name in made.fields}}


def shown(work: Work, plugin: str) -> dict[str, object]:
    """What is in force as people see it, with the form to change it; of secrets no more than whether they are set. Raises NotFound."""
    if plugin not in work.platform.calls.serving():
        raise NotFound(_("no active plugin {name!r}; see `dealwright plugin list`"), name=plugin[:80])
    schema, stored = _schema(work, plugin), _stored(work, plugin)
    return {
        "plugin": plugin,
        "settings": schema.dump(_in_force(schema, stored.values, plugin)),
        "form": [_described(work, name, one, stored) for name, one in schema.fields.items()],
    }


def all_shown(work: Work) -> list[dict[str, object]]:
    """What is in force of each plugin that the tenant has and that lets something be set."""
    return [shown(work, name) for name in sorted(work.platform.catalog.settings) if name in work.enabled]


def change(work: Work, plugin: str, wish: Mapping[str, Any]) -> dict[str, object]:
    """Set some of them, or with None go back to the default; raises Invalid, and then nothing has changed. Raises Forbidden for the settings
    of who says who people are, except to who may do everything: a provider of one's own would vouch for whomever one wants to be."""
    before = shown(work, plugin)
    vouches = any(spec.plugin == plugin for spec in work.platform.catalog.specs.get(SignInProvider, {}).values())
    if vouches and not work.grants.unlimited:
        raise Forbidden(_("these settings control who can sign in; only someone who can do everything can change them"))
    schema = _schema(work, plugin)
    wrong = [*strictly("", schema, wish, typed=True), *_not_there(work, schema, wish)]
    work.lock(f"{NAME}.{plugin}")
    stored = _read(work, plugin)
    reset = {name for name, value in wish.items() if value is None and name in schema.fields}
    merged = {name: value for name, value in {**_that_fit(schema, stored.values, plugin), **wish}.items() if name not in reset}
    values = loaded(schema, merged, "raise", _("some values are invalid"), wrong)
    wire, changes = schema.dump(values), dict[str, list[object]]()
    for name in [name for name in schema.fields if name in wish]:
        new: dict[str, object] = {"value": None, "sealed": None}
        if not isinstance(schema.fields[name], Secret):
            there, new["value"] = stored.values.get(name), [wire[name]]
            if (name in reset and name in stored.values) or (name not in reset and (name not in stored.values or there != wire[name])):
                changes[name] = [journal.plain(there), None if name in reset else wire[name]]
        elif name in stored.sealed or name not in reset:
            new["sealed"] = None if name in reset else _seal(work, plugin, name, str(values[name]))
            changes[name] = [journal.MASK if name in stored.sealed else None, None if name in reset else journal.MASK]
        if name in changes:
            _write(work, plugin, name, None if name in reset else new)
    if not changes:
        return before
    work.access_changed()  # processes drop what they keep of the tenant
    entries.note(work, NAME, work.tenant.id, "update", {f"{plugin}.{name}": pair for name, pair in changes.items()})
    journal.tell(work, PLUGIN_CHANGED, [(work.tenant.id, {"plugin": plugin, "fields": sorted(changes)})])
    return shown(work, plugin)


def _not_there(work: Work, schema: Schema, wish: Mapping[str, Any]) -> Iterator[Problem]:
    """Keys among the values that name no record, where the field says which entity has them."""
    for name, keys in wish.items():
        target = work.catalog.entities.get(schema.fields[name].metadata.get("of", "")) if name in schema.fields else None
        if target is not None and isinstance(keys, list) and len(keys) > MOST_KEYS:
            yield Problem(name, "too_many", _("at most {limit} entries, got {got}"), {"limit": MOST_KEYS, "got": len(keys)})
        elif target is not None and isinstance(keys, list):
            unknown = unknown_keys(work, target, {key for key in keys if isinstance(key, str) and "\x00" not in key})
            yield from (
                no_such_key(f"{name}.{index}", target.full_name, key)
                for index, key in enumerate(keys)
                if isinstance(key, str) and key in unknown
            )


def _schema(work: Work, plugin: str) -> Schema:
    found = work.platform.catalog.settings.get(plugin)
    return Schema() if found is None else found.schema()


def _stored(work: Work, plugin: str) -> _Stored:
    return work.common(f"core.settings.{plugin}", lambda: _read(work, plugin))


def _read(work: Work, plugin: str) -> _Stored:
    mine = (plugin_settings.c.tenant_id == work.tenant.id, plugin_settings.c.plugin == plugin)
    with work.transaction():
        rows = work.connection.execute(sa.select(plugin_settings).where(*mine)).all()
    return _Stored(
        {row.name: row.value[0] for row in rows if row.sealed is None}, {row.name: row.sealed for row in rows if row.sealed is not None}
    )


def _in_force(schema: Schema, values: Mapping[str, Any], plugin: str) -> dict[str, Any]:
    found: dict[str, Any] = schema.load(_that_fit(schema, values, plugin))
    return found


def _that_fit(schema: Schema, values: Mapping[str, Any], plugin: str) -> dict[str, Any]:
    """What was set and a later version of the plugin still takes; of the rest its default is in force, and the log says so."""
    known = {name: value for name, value in values.items() if name in schema.fields}
    if not (lame := _lame(schema, known)):
        return known
    log.warning("settings %s of plugin %r are no longer what it takes; their defaults are in force: set them again", sorted(lame), plugin)
    rest = {name: value for name, value in known.items() if name not in lame}
    return {} if _lame(schema, rest) else rest


def _lame(schema: Schema, values: Mapping[str, Any]) -> set[str]:
    """The names that `schema.validate` objects to; its messages of the whole have names of their own."""
    return {str(name) for name in schema.validate(values)}


def _described(work: Work, name: str, one: mm.Field[Any], stored: _Stored) -> dict[str, object]:
    hidden = isinstance(one, Secret)
    return {
        "name": name, "label": work.say(one.metadata["label"]), "type": type(one).__name__.lower(), "secret": hidden,
        "set": name in (stored.sealed if hidden else stored.values),
        "of": one.metadata.get("of"),
        "options": [str(option) for rule in one.validators if isinstance(rule, OneOf) for option in rule.choices],
    }  # fmt: skip


def _purpose(work: Work, plugin: str, name: str) -> str:
    return f"setting:{work.tenant.id}:{plugin}:{name}"


def _seal(work: Work, plugin: str, name: str, text: str) -> str:
    return secrets.seal(work.platform.config.key(), _purpose(work, plugin, name), text)


def _write(work: Work, plugin: str, name: str, row: Mapping[str, object] | None) -> None:
    mine = (plugin_settings.c.tenant_id == work.tenant.id, plugin_settings.c.plugin == plugin, plugin_settings.c.name == name)
    work.connection.execute(plugin_settings.delete().where(*mine))
    if row is not None:
        work.connection.execute(plugin_settings.insert().values(tenant_id=work.tenant.id, plugin=plugin, name=name, **row))
