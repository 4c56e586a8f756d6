"""What cannot be seen in one declaration alone: declarations that point nowhere, or that the manifest keeps quiet about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.custom.definition import PREFIX
from core.policy.bounds import Bounds
from sdk import Side, Verb
from sdk.fields import LinkField
from sdk.mail import MAIL_WRITTEN

if TYPE_CHECKING:
    from core.extension.calls import Calls
    from core.extension.catalog import Catalog


def loose_ends(catalog: Catalog) -> tuple[str, str] | None:
    """Links to classes that nobody registered, extensions of what is not there (an absent partner is fine)."""
    records = [(entity.plugin, entity.record) for entity in catalog.entities.values()]
    records += [(x.plugin, x.source.record) for many in catalog.extensions.values() for x in many if isinstance(x.source, Side)]
    for plugin, record in records:
        for name, declared in record.__fields__.items():
            if not isinstance(declared, LinkField) or isinstance(declared.target, str) or declared.target in catalog.by_record:
                continue
            return plugin, f"{record.__name__}.{name} links to {declared.target.__name__}, which no plugin registers"
    plugins = {entity.plugin for entity in catalog.entities.values()}
    for plugin, record in records:
        table = record.table().name
        if other := next((one for one in plugins if one.startswith(f"{plugin}_") and table.startswith(f"{one}_")), None):
            return plugin, f"table {table!r} of plugin {plugin!r} has the name of a table of {other!r}, with which it would go; rename it"
    for name, extensions in catalog.extensions.items():
        if name not in catalog.entities and name.partition(".")[0] in plugins:
            return extensions[0].plugin, f"extends {name!r}, which {name.partition('.')[0]!r} does not register; correct the name"
    return None


def undeclared(catalog: Catalog, calls: Calls) -> tuple[str, str] | None:
    """What runs by itself, or hears of others' records, and is not in the capabilities by which an administrator knows of it."""
    for name in calls.serving():
        manifest = calls.states[name].manifest if name in calls.states else None
        if manifest is None:
            continue
        mine = [job.name for job in catalog.jobs.values() if job.plugin == name]
        for job in mine + [schedule.name for schedule in catalog.schedules.values() if schedule.plugin == name]:
            if job not in manifest.capabilities.jobs:
                return name, f"job or schedule {job!r} is not among its capabilities; add it: Capabilities(jobs=({job!r}, ...))"
        bounds = Bounds(name, manifest.capabilities)
        for event in [event for event, many in catalog.subscriptions.items() if any(one.plugin == name for one in many)]:
            entity = event.rpartition(".")[0]
            if event == MAIL_WRITTEN and not manifest.capabilities.mail:
                return name, f"listens to {event!r}, which carries letters; add Capabilities(mail=True)"
            if (entity in catalog.entities or entity.startswith(f"{PREFIX}.")) and not bounds.admits(f"{entity}.{Verb.READ}"):
                word = f"{entity}.{Verb.READ}:id"
                return (
                    name,
                    f"listens to {event!r}, and {entity!r} is not among its capabilities; add it: Capabilities(data=({word!r}, ...))",
                )
    return None
