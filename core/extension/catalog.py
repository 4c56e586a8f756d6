"""Everything that plugins have declared, stamped with its owner."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import cast

from sdk import (
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
    SignInProvider,
    Spec,
    Subscription,
    TimelineSource,
    Trigger,
    Verb,
    Watch,
)
from sdk.fields import LinkField
from sdk.permissions import DISCLOSE, ERASE, FORCE, IMPLIED, MERGE, REASSIGN, UNOWNED, verbs_of

OFFERED: dict[str, type[Spec]] = {
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
            add_permissions(made, entity)
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
                for hook, kind in OFFERED.items()
            },
            "commands": [name for name, command in self.commands.items() if command.plugin == plugin],
        }  # fmt: skip


def add_permissions(catalog: Catalog, entity: Entity) -> None:
    """Enter the permissions of an entity, one for each verb and special right that there is of its records."""
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


def _sensible(entity: Entity, roles: Mapping[str, Scope]) -> Mapping[str, Scope]:
    if not entity.owned and any(scope not in UNOWNED for scope in roles.values()):
        raise DeclarationError(f"entity {entity.full_name!r} belongs to nobody (owned=False): use Scope.ALL or Scope.PARENT")
    if not entity.territory and Scope.TERRITORY in roles.values():
        raise DeclarationError(f"entity {entity.full_name!r} is in no territory: name its link with territory=..., or take another scope")
    return roles
