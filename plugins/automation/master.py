"""The rule that a tenant starts with."""

from __future__ import annotations

from sdk import MasterData, _

CONTRACT_ENDS = {
    "key": "contract-ends",
    "name": _("Remind the owner one week before a contract ends"),
    "entity": "orders.contract",
    "trigger": "automation.date",
    "parameters": {"field": "ends_on", "days": 7, "direction": "before", "at": "09:00"},
    "conditions": [{"kind": "automation.filter", "parameters": {"where": ["state[in]=draft,active"]}}],
    "actions": [
        {"action": "automation.notify", "parameters": {"to": "owner", "title": _("Contract {{{{ number }}}} ends on {{{{ ends_on }}}}"),
                                                       "body": "{{ name }}: {{ account.name }}"}}
    ],
}  # fmt: skip
MASTER_DATA = (MasterData("automation.rule", (CONTRACT_ENDS,), needs="orders.contract"),)
