"""Where somebody comes back to who has done something on the way."""

from __future__ import annotations

from plugins.console.registry import PREFIX
from sdk import PageRequest


def then(request: PageRequest) -> str:
    """Where somebody was told to come back to; a page of the console and nothing else."""
    back = request.typed("then") or request.asked("then") or request.asked("_then")
    return back if back.startswith(f"{PREFIX}/") and "\\" not in back else ""
