"""What to ask automation when leaks are looked for: the payloads of a person's webhook when records of an entity change in all fields."""

from __future__ import annotations

from collections.abc import Iterator

from plugins.automation.webhooks import DELIVERY, WEBHOOK, hear
from sdk import Context, Event, where
from sdk.context import id_of
from sdk.leaks import About, Asked, Shows

_MOST = 6
"""Records of an entity whose payloads are asked for: each is a delivery that is written down."""


def _webhook(about: About) -> Iterator[Asked]:
    name = about.entity.full_name
    some = about.random.sample(about.ids, min(_MOST, len(about.ids)))
    events = [Event(f"{name}.updated", id, {"fields": sorted(about.fields)}) for id in some]

    def told(ctx: Context) -> object:
        work = ctx.as_system()
        hook = {"name": "hook", "url": "https://hook.example", "entity": name, "owner": ctx.actor.user_id}
        id = id_of(work.records(WEBHOOK).create(hook))
        hear(work, events)
        return sorted((str(row["subject"]), row["payload"]) for row in work.records(DELIVERY).find(where(webhook=id)))

    if events and about.readable and about.entity.plugin != "automation":  # its own changes are told to nobody
        yield Asked("webhook", f"the payloads of {name}.updated", answer=told)


SHOWS = Shows(_webhook)
