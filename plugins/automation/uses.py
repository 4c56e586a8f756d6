"""Which rules and webhooks name another plugin."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from plugins.automation.rules import MOST_RULES, RULE
from plugins.automation.webhooks import MOST, WEBHOOK
from sdk import Context, Use
from sdk.context import Row

_WORDS = {
    RULE: ("entity", "trigger", "parameters", "conditions", "actions"),
    WEBHOOK: ("entity", "events", "where"),
}  # fmt: skip
"""The fields in which names of other plugins stand."""


def uses_of(ctx: Context, plugin: str) -> Sequence[Use]:
    """Rules and webhooks, switched off ones too, that name an entity, a field, an event, a trigger or an action of the plugin."""
    named = re.compile(rf"(?<!\w){re.escape(plugin)}\.")

    def names(entity: str, row: Row) -> bool:
        return any(named.search(json.dumps(row[word], default=str)) for word in _WORDS[entity] if row[word])

    found = []
    for entity, most in ((RULE, MOST_RULES), (WEBHOOK, MOST)):
        titles = [str(row["name"]) for row in ctx.records(entity).find((), most) if names(entity, row)]
        if titles:
            found.append(Use(entity, titles))
    return found
