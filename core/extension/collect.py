"""What plugins declare, collected: each declaration is checked, stamped with its owner and entered into the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from marshmallow import missing

from core.extension.calls import Calls
from core.extension.catalog import OFFERED, Catalog, add_permissions
from core.extension.clashes import Clash, clashing, loser, once, shape
from core.extension.discover import State, check_declared
from core.extension.loose_ends import loose_ends, undeclared
from core.policy.bounds import all_bounded, bounded
from sdk import (
    PUBLIC,
    Command,
    DeclarationError,
    Entity,
    Extension,
    Job,
    MasterData,
    RateSource,
    Role,
    Route,
    Schedule,
    Settings,
    Side,
    Spec,
    Subscription,
    Text,
    TimelineSource,
)
from sdk.fields import DateTimeField, Field, LinkField, TextField
from sdk.fields.text import EmailField
from sdk.names import ENTITY, FIELD, RESERVED_COMMANDS, check_name


def build(calls: Calls) -> Catalog:
    """Collect all declarations; a plugin whose declarations clash is taken out of force and the collection starts again."""
    while True:
        catalog = Catalog()
        culprit = _collect(calls, catalog)
        if culprit is None:
            return catalog
        calls.drop(culprit[0], State.FAILED, culprit[1])


def _collect(calls: Calls, catalog: Catalog) -> tuple[str, str] | None:
    serving = list(calls.order)
    for hook, add in _ADDERS.items():
        for answer in calls.declared(hook):
            for spec in answer.value:
                try:
                    add(catalog, answer.owner, spec)
                except Clash as clash:
                    return loser(clash, calls)
                except DeclarationError as failure:
                    return answer.owner, str(failure)
                except (TypeError, AttributeError) as failure:
                    return answer.owner, f"{hook} returned {spec!r}, which is not what the hook asks for: {failure}"
    if calls.order != serving:  # a declaration raised: what it gave before must go too
        return _collect_again(calls, catalog)
    unseen = clashing(catalog)
    return loser(unseen, calls) if unseen is not None else loose_ends(catalog) or undeclared(catalog, calls)


def _collect_again(calls: Calls, catalog: Catalog) -> tuple[str, str] | None:
    for part in vars(catalog).values():
        part.clear()
    return _collect(calls, catalog)


def _add_entity(catalog: Catalog, owner: str, entity: Entity) -> None:
    entity = replace(entity, plugin=owner)
    if entity.full_name in catalog.entities:
        raise Clash(f"entity {entity.full_name!r}", owner, owner)
    table = entity.record.table().name
    if not table.startswith(f"{owner}_"):
        raise DeclarationError(f"table {table!r} of plugin {owner!r}: expected a name that starts with {owner + '_'!r}; rename it")
    if any(other.plugin == owner and other.plural == entity.plural for other in catalog.entities.values()):
        raise DeclarationError(f"two entities of {owner!r} have the plural {entity.plural!r}; rename one")
    for of in entity.record.__fields__.values():
        if of.personal and of.required and of.default is None and not _says_nothing(of):
            raise DeclarationError(
                f"{entity.full_name}.{of.name} is personal and required: once it is erased nothing fits; drop required=True"
            )
    catalog.entities[entity.full_name] = entity
    catalog.by_record[entity.record] = entity
    add_permissions(catalog, entity)


def _says_nothing(of: Field) -> bool:
    """Whether there is a value for where the person's is gone."""
    return isinstance(of, EmailField) or (isinstance(of, TextField) and of.pattern is None)


def _add_extension(catalog: Catalog, owner: str, extension: Extension) -> None:
    extension = replace(extension, plugin=owner)
    if isinstance(extension.source, Side):
        _check_side(extension.source, f"extension of {extension.entity!r} by {owner!r}", owner)
    mine = [other for other in catalog.extensions.get(extension.entity, ()) if other.plugin == owner]
    if isinstance(extension.source, Side) and any(isinstance(other.source, Side) for other in mine):
        raise DeclarationError(f"extension of {extension.entity!r} by {owner!r}: there is a side table already; put all fields into one")
    if twice := extension.own_fields().keys() & {name for other in mine for name in other.own_fields()}:
        raise DeclarationError(f"extension of {extension.entity!r}: the field {min(twice)!r} is added twice; rename one")
    catalog.extensions.setdefault(extension.entity, []).append(extension)


def _check_side(side: Side, where: str, owner: str) -> None:
    fields = {field.attribute: field for field in side.record.__fields__.values()}
    link = fields.pop(side.link, None)
    if not side.record.table().name.startswith(f"{owner}_"):
        raise DeclarationError(
            f"{where}: the side table {side.record.table().name!r} belongs to another plugin; extend by a table of its own"
        )
    if not isinstance(link, LinkField) or not link.unique:
        raise DeclarationError(f"{where}: {side.link!r} is no unique link of {side.record.__name__}; write f.link(..., unique=True)")
    for other in fields.values():
        if other.unique or (other.required and other.default is None):
            raise DeclarationError(f"{where}: {other.name!r} cannot be required or unique, as most records have no side row; drop that")


def _named(part: str, what: str) -> Callable[[Catalog, str, Any], None]:
    def add(catalog: Catalog, owner: str, spec: Any) -> None:
        check_declared(spec.name, owner, what)
        once(getattr(catalog, part), spec.name, owner, spec, what)

    return add


def _add_role(catalog: Catalog, owner: str, role: Role) -> None:
    once(catalog.roles, role.key, owner, role, "role")


def _add_route(catalog: Catalog, owner: str, route: Route) -> None:
    if not route.path.startswith("/"):
        raise DeclarationError(f"route {route.path!r} of plugin {owner!r}: expected a path that starts with '/'")
    if route.permission == PUBLIC and "{token}" not in route.path:
        raise DeclarationError(f"public route {route.path!r} of plugin {owner!r}: nothing names the tenant; put {{token}} into its path")
    mine = (owner, route.method, shape(route.path))
    if any(r.plugin == owner and (r.plugin, r.method, shape(r.path)) == mine for r in catalog.routes):
        raise Clash(f"route '{route.method} {route.path}'", owner, owner)
    catalog.routes.append(replace(route, plugin=owner))


def _add_subscription(catalog: Catalog, owner: str, subscription: Subscription) -> None:
    there = catalog.subscriptions.setdefault(subscription.event, [])
    if any((s.plugin, s.name) == (owner, subscription.name) for s in there):
        raise Clash(f"subscription {subscription.name!r} to {subscription.event!r}", owner, owner)
    there.append(replace(subscription, plugin=owner, handler=bounded(owner, subscription.handler)))


def _add_job(catalog: Catalog, owner: str, job: Job) -> None:
    if f"{owner}.{job.name}" in catalog.jobs:
        raise Clash(f"job {job.name!r}", owner, owner)
    catalog.jobs[f"{owner}.{job.name}"] = replace(job, plugin=owner, run=bounded(owner, job.run))


def _add_schedule(catalog: Catalog, owner: str, schedule: Schedule) -> None:
    if f"{owner}.{schedule.name}" in catalog.schedules:
        raise Clash(f"schedule {schedule.name!r}", owner, owner)
    catalog.schedules[f"{owner}.{schedule.name}"] = replace(schedule, plugin=owner, run=bounded(owner, schedule.run))


def _add_command(catalog: Catalog, owner: str, command: Command) -> None:
    if command.name in RESERVED_COMMANDS:
        raise Clash(f"command {command.name!r}", owner, "core")
    if command.name in catalog.commands:
        raise Clash(f"command {command.name!r}", owner, catalog.commands[command.name].plugin)
    catalog.commands[command.name] = replace(command, plugin=owner)


def _add_master_data(catalog: Catalog, owner: str, data: MasterData) -> None:
    if any(data.match not in row for row in data.rows) and not data.when_empty:
        raise DeclarationError(f"master data of {data.entity!r} by {owner!r}: every row needs a {data.match!r}, by which it is found again")
    catalog.master_data.append(replace(data, plugin=owner))


def _add_settings(catalog: Catalog, owner: str, settings: Settings) -> None:
    if owner in catalog.settings:
        raise DeclarationError(f"plugin {owner!r} declares two settings schemas; put all fields into one")
    for name, declared in settings.schema().fields.items():
        check_name(FIELD, name, f"setting of plugin {owner!r}:")
        if declared.load_default is missing:
            raise DeclarationError(f"setting {name!r} of plugin {owner!r} has no load_default; say what holds until somebody sets it")
        if not isinstance(declared.metadata.get("label"), Text):
            raise DeclarationError(f'setting {name!r} of plugin {owner!r} has no label; write metadata={{"label": _("...")}}')
    catalog.settings[owner] = replace(settings, plugin=owner)


def _add_rate_source(catalog: Catalog, owner: str, source: RateSource) -> None:
    if any((s.plugin, s.name) == (owner, source.name) for s in catalog.rate_sources):
        raise Clash(f"rate source {source.name!r}", owner, owner)
    catalog.rate_sources.append(replace(source, plugin=owner, rates=bounded(owner, source.rates)))


def _offer(kind: type[Spec]) -> Callable[[Catalog, str, Any], None]:
    def add(catalog: Catalog, owner: str, spec: Any) -> None:
        if not isinstance(spec, kind):
            raise DeclarationError(f"{spec!r} of plugin {owner!r}: expected a {kind.__name__}")
        spec = replace(spec, plugin=owner, **all_bounded(owner, spec))
        check_name(ENTITY, spec.key, f"{kind.__name__} of plugin {owner!r}: key")
        there = catalog.specs.setdefault(kind, {})
        if spec.full_key in there:
            raise Clash(f"{kind.__name__} {spec.key!r}", owner, owner)
        there[spec.full_key] = spec

    return add


def _add_timeline_source(catalog: Catalog, owner: str, source: TimelineSource) -> None:
    entity = catalog.entities.get(source.entity)
    if entity is None or entity.plugin != owner:
        raise DeclarationError(f"timeline source {source.entity!r} of plugin {owner!r}: name an entity of its own")
    for name in filter(None, (source.at, source.title, source.body, source.kind)):
        if name not in entity.fields:
            raise DeclarationError(f"timeline source {source.entity!r}: {name!r} is no field of it; name one")
    if not isinstance(entity.fields[source.at], DateTimeField):
        raise DeclarationError(f"timeline source {source.entity!r}: {source.at!r} is no instant; name a field of f.at(...)")
    catalog.timeline_sources.append(replace(source, plugin=owner))


_ADDERS: dict[str, Callable[[Catalog, str, Any], None]] = {
    "register_entities": _add_entity,
    "register_extensions": _add_extension,
    "register_permissions": _named("permissions", "permission"),
    "register_roles": _add_role,
    "register_routes": _add_route,
    "register_events": _named("events", "event"),
    "register_subscriptions": _add_subscription,
    "register_jobs": _add_job,
    "register_commands": _add_command,
    "register_schedules": _add_schedule,
    "register_master_data": _add_master_data,
    "register_timeline_sources": _add_timeline_source,
    "register_settings": _add_settings,
    "register_rate_sources": _add_rate_source,
    **{hook: _offer(kind) for hook, kind in OFFERED.items()},
}
