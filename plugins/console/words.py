"""What the audit names by keys, in words."""

from __future__ import annotations

from collections.abc import Mapping

from sdk import Text, _

REFUSED = "refused"
OF_ATTEMPTS: Mapping[str, Text] = {"permission": _("Permission"), "times": _("Attempts")}
"""What an entry of an attempt without a right says."""
ACTIONS: Mapping[str, Text] = {
    "create": _("Created"), "update": _("Changed"), "delete": _("Moved to the recycle bin"), "restore": _("Restored from the recycle bin"),
    "merge": _("Merged"), "unmerge": _("Undo merge"), "erase": _("Personal data erased"), "disclose": _("Personal data collected"),
    "hand_over": _("Handed over"), "leave": _("Left the company"), "act_as": _("Someone started impersonating this person"),
    "act_as_end": _("Impersonation ended"), "export": _("Exported"), "purge": _("Permanently deleted"),
    "dropped": _("Old entries removed"), "late": _("Entries that came late"), REFUSED: _("Attempted without permission"),
}  # fmt: skip
HAPPENED: Mapping[str, Text] = {f"{word.removesuffix('e')}ed": ACTIONS[word] for word in ("create", "update", "delete", "restore")}
"""What the events of all kinds of records say, by the last part of their names."""

SYSTEM = _("System")
"""Who has acted where it was nobody: `actor` without a user."""
