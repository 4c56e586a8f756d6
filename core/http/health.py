"""Is the process alive, can it serve, and what does this tenant have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask import Response as FlaskResponse
from sqlalchemy.exc import SQLAlchemyError

from core.data import migrate
from core.extension import failures
from core.extension.discover import amiss
from core.extension.vanished import as_now
from core.http.addresses import Addresses
from core.http.answers import answer
from core.http.collections import may
from core.http.pipeline import Endpoint
from core.tenancy import settings
from core.worker.presence import presence
from sdk import Entity, Response, Verb
from sdk.names import RESERVED_PLUGINS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.context import Work
    from core.platform import Platform


def _conditions(work: Work, entity: Entity, name: str) -> dict[str, str]:
    """When a field of the tenant's own is shown and required, for forms; to whoever sees the fields that this depends on."""
    reader = work.reader(entity)
    found = reader.shape.conditional.get(name)
    return dict(found.written) if found is not None and found.reads <= reader.visible().keys() else {}


def _trouble(platform: Platform) -> tuple[list[failures.Ill], list[failures.Slow], list[str]]:
    """Plugins that serve and have raised in a hook since yesterday, in any process; that took too long in one; that wait for some tenant’s approval."""
    now = platform.clock()
    with platform.database.begin(write=False, tenant=None) as connection:
        return failures.lately(connection, now), failures.slow(connection, now), platform.gate.held(connection)


def mount_health(addresses: Addresses, platform: Platform) -> None:
    """`/health/live`, `/health/ready`, `/api/v1/meta`."""

    def live() -> FlaskResponse:
        return answer({"status": "ok"})

    def ready() -> FlaskResponse:
        try:
            with platform.database.begin(write=False, tenant=None) as connection:
                connection.execute(sa.text("SELECT 1 FROM core_tenants LIMIT 1"))
            behind = migrate.behind(platform.database, platform.branches()[:1])
            ill, slow, held = ([], [], []) if behind else _trouble(platform)
        except SQLAlchemyError:
            return answer(Response({"status": "unavailable", "database": "no answer", "plugins": {}}, 503))
        plugins = as_now(platform)
        states = {plugin.name: plugin.state.value for plugin in plugins}
        background = presence(platform)
        well = background == "ok" and not ill and not amiss(plugins)
        status = "behind" if behind else "ok" if well else "degraded"
        said = {
            "status": status,
            "database": "ok",
            "background": background,
            "mail": "ok" if platform.config.mail else "MAIL_URL is not set; letters are held",
            "plugins": states,
            "failing": failures.by_plugin(ill),
            "slow": failures.by_plugin(slow),  # which alone makes nothing degraded: a busy machine may be why
            "held": held,
        }
        return answer(Response(said, 503 if behind else 200))  # without workers the API still serves

    def meta(work: Work, _path: Mapping[str, str]) -> object:
        return {
            "tenant": {name: getattr(work.tenant, name) for name in ("name", *settings.FIELDS)},
            "user": {"id": work.actor.user_id, "name": work.actor.name, "timezone": work.zone},
            "plugins": sorted(work.enabled - RESERVED_PLUGINS),
            "entities": [
                {
                    "name": entity.full_name,
                    "label": work.say(entity.label),
                    "path": f"/api/v1/{entity.plugin}/{entity.plural}",
                    "verbs": sorted(verb.value for verb in Verb if may(work, entity, verb)),
                    "fields": [
                        {"name": name, "label": work.say(field.label), "type": field.kind, "required": field.required,
                         "readonly": field.readonly, "operators": list(field.operators) if name in reader.asked() else [], "role": field.role.value,
                         "plugin": name.partition(".")[0] if "." in name else entity.plugin, **_conditions(work, entity, name)}
                        for reader in (work.reader(entity),)
                        for name, field in reader.visible().items()
                    ],
                }
                for entity in work.catalog.entities.values()
                if entity.plugin in work.enabled and may(work, entity, Verb.READ)
            ],
        }  # fmt: skip

    addresses.add("/health/live", "GET", live)
    addresses.add("/health/ready", "GET", ready)
    addresses.add("/api/v1/meta", "GET", Endpoint(platform, "core", meta))
