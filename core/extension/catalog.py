"""Everything that plugins have declared, stamped with its owner."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from marshmallow import missing

from core.extension.calls import Calls
from core.extension.clashes import Clash, clashing, loser, once, shape
from core.extension.discover import State, check_declared
from core.extension.loose_ends import loose_ends, undeclared
from core.policy.bounds import all_bounded, bounded
from sdk import (
    PUBLIC,
    Action,
    Command,
    DeclarationError,
    DocumentTemplate,
    Entity,
    EventType,
    Extension,
    ForecastModel,
    Frame,
    Importer,
    Job,
    MasterData,
    MenuEntry,
    NoticeChannel,
    PageRoute,
    Panel,
    Permission,
    RateSource,
    Record,
    Report,
    Role,
    Route,
    RuleCondition,
    Schedule,
    Scope,
    Settings,
    Side,
    SignInProvider,
    Spec,
    Subscription,
    Text,
    TimelineSource,
    Trigger,
    Verb,
    Watch,
)
from sdk.fields import DateTimeField, Field, LinkField, TextField
from sdk.fields.text import EmailField
from sdk.names import ENTITY, FIELD, RESERVED_COMMANDS, check_name
from sdk.permissions import DISCLOSE, ERASE, FORCE, IMPLIED, MERGE, REASSIGN, UNOWNED, verbs_of


@dataclass(eq=False)
class Catalog:
    """The registry: entities, extensions, permissions, roles, routes, events, subscriptions, jobs and commands by name."""

    entities: MutableMapping[str, Entity] = field(default_factory=dict)
    extensions: dict[str, list[Extension]] = field(default_factory=dict)
    permissions: MutableMapping[str, tuple[str, Permission]] = field(default_factory=dict)
    roles: dict[str, tuple[str, Role]] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    events: dict[str, tuple[str, EventType]] = field(default_factory=dict)
    subscriptions: dict[str, list[Subscription]] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    master_data: list[MasterData] = field(default_factory=list)
    rate_sources: list[RateSource] = field(default_factory=list)
    timeline_sources: list[TimelineSource] = field(default_factory=list)
    settings: dict[str, Settings] = field(default_factory=dict)
    specs: dict[type[Spec], dict[str, Spec]] = field(default_factory=dict)
    by_record: dict[type[Record], Entity] = field(default_factory=dict)

    def label_of_work(self, handler: str) -> str:
        """What people call a job, a schedule, a subscription, an event, what begins a rule or is done by one, a model by which is forecast, or a
        right that is about no records; "" where it says nothing."""
        named = [self.specs.get(kind, {}).get(handler) for kind in (ForecastModel, Action, Trigger)]
        own = self.jobs.get(handler) or self.schedules.get(handler) or next(filter(None, named), None)
        if own is not None:
            return cast("Job | Schedule | ForecastModel | Action | Trigger", own).label
        if handler in self.events:
            return self.events[handler][1].label
        if handler in self.permissions and handler.rpartition(".")[0] not in self.entities:
            return self.permissions[handler][1].label
        return next((one.label for many in self.subscriptions.values() for one in many if f"{one.plugin}.{one.name}" == handler), "")

    def beside(self, entities: Iterable[Entity]) -> Catalog:
        """The same with entities that a tenant has made, which no role has a permission of from the start."""
        made = replace(self, entities=ChainMap({}, self.entities), permissions=ChainMap({}, self.permissions))
        for entity in entities:
            made.entities[entity.full_name] = entity
            _add_permissions(made, entity)
        return made

    def target(self, link: LinkField, of: Entity) -> str:
        """The full name of the entity that a link of `of` points to."""
        if link.target == "self":
            return of.full_name
        if isinstance(link.target, str):
            return link.target
        return self.by_record[link.target].full_name

    def is_rooted(self, entity: Entity) -> bool:
        """Whether who sees its records is settled without a reference to any record: only such can be the parent of one."""
        seen = set[str]()
        while entity.full_name not in seen and isinstance(entity.parent, LinkField):
            seen.add(entity.full_name)
            above = self.entities.get(self.target(entity.parent, entity))
            if above is None:
                return False
            entity = above
        return entity.parent is None

    def owner_of(self, permission: str) -> str:
        """The plugin that a permission belongs to."""
        return permission.partition(".")[0]

    def provenance(self, plugin: str) -> dict[str, list[str]]:
        """Everything that one plugin put anywhere, by kind."""
        return {
            "entities": [e.full_name for e in self.entities.values() if e.plugin == plugin],
            "fields": [f"{e.full_name}.{name}" for e in self.entities.values() if e.plugin == plugin for name in e.record.__fields__]
            + [f"{x.entity}.{name}" for many in self.extensions.values() for x in many if x.plugin == plugin for name in x.own_fields()],
            "permissions": [name for name, (owner, _p) in self.permissions.items() if owner == plugin],
            "roles": [key for key, (owner, _r) in self.roles.items() if owner == plugin],
            "routes": [f"{r.method} /api/v1/{r.plugin}{r.path}" for r in self.routes if r.plugin == plugin],
            "events": [name for name, (owner, _e) in self.events.items() if owner == plugin],
            "subscriptions": [f"{s.event} -> {s.name}" for many in self.subscriptions.values() for s in many if s.plugin == plugin],
            "jobs": [name for name, job in self.jobs.items() if job.plugin == plugin],
            "schedules": [name for name, schedule in self.schedules.items() if schedule.plugin == plugin],
            "master_data": [data.entity for data in self.master_data if data.plugin == plugin],
            "timeline_sources": [source.entity for source in self.timeline_sources if source.plugin == plugin],
            "settings": list(self.settings[plugin].schema().fields) if plugin in self.settings else [],
            "rate_sources": [source.name for source in self.rate_sources if source.plugin == plugin],
            **{
                hook.removeprefix("register_"): [name for name, spec in self.specs.get(kind, {}).items() if spec.plugin == plugin]
                for hook, kind in _OFFERED.items()
            },
            "commands": [name for name, command in self.commands.items() if command.plugin == plugin],
        }  # fmt: skip


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
    _add_permissions(catalog, entity)


def _add_permissions(catalog: Catalog, entity: Entity) -> None:
    owner = entity.plugin
    for verb in sorted(entity.verbs | {Verb.READ}):  # a set has another order in each process
        roles = {role: verbs_of(access)[verb] for role, access in entity.access.items() if verb in verbs_of(access)}
        name = f"{entity.full_name}.{verb}"
        catalog.permissions[name] = (owner, Permission(name, entity.label, _sensible(entity, roles)))
    for word, verb in IMPLIED.items():
        sensible = {REASSIGN: entity.owned, MERGE: entity.mergeable}.get(word, True)
        if verb in entity.verbs | {Verb.READ} and sensible:
            name = f"{entity.full_name}.{word}"
            catalog.permissions[name] = (owner, Permission(name, entity.label))
    if entity.person:  # nobody has them but who may do everything, until they are granted
        for word in (DISCLOSE, ERASE):
            catalog.permissions[f"{entity.full_name}.{word}"] = (owner, Permission(f"{entity.full_name}.{word}", entity.label))
    if entity.alike:  # who may take a record away may also make one that is likely there already
        name, least = f"{entity.full_name}.{FORCE}", catalog.permissions[f"{entity.full_name}.delete"][1]
        catalog.permissions[name] = (owner, Permission(name, entity.label, least.default_for))


def _says_nothing(of: Field) -> bool:
    """Whether there is a value for where the person's is gone."""
    return isinstance(of, EmailField) or (isinstance(of, TextField) and of.pattern is None)


def _sensible(entity: Entity, roles: Mapping[str, Scope]) -> Mapping[str, Scope]:
    if not entity.owned and any(scope not in UNOWNED for scope in roles.values()):
        raise DeclarationError(f"entity {entity.full_name!r} belongs to nobody (owned=False): use Scope.ALL or Scope.PARENT")
    if not entity.territory and Scope.TERRITORY in roles.values():
        raise DeclarationError(f"entity {entity.full_name!r} is in no territory: name its link with territory=..., or take another scope")
    return roles


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


_OFFERED: dict[str, type[Spec]] = {
    "register_reports": Report,
    "register_importers": Importer,
    "register_channels": NoticeChannel,
    "register_actions": Action,
    "register_watches": Watch,
    "register_triggers": Trigger,
    "register_conditions": RuleCondition,
    "register_document_templates": DocumentTemplate,
    "register_forecast_models": ForecastModel,
    "register_sign_in": SignInProvider,
    "register_frame": Frame,
    "register_pages": PageRoute,
    "register_panels": Panel,
    "register_navigation": MenuEntry,
}
"""What is kept by its key alone, by the hook that gives it."""


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
    **{hook: _offer(kind) for hook, kind in _OFFERED.items()},
}
