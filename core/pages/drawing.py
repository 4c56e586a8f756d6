"""Parts of pages that plugins bring: each is drawn by itself, and one that fails is no more than a box that says so."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sdk import Panel, Refusal, Rendering
from sdk.pages import Drawn, told

if TYPE_CHECKING:
    from core.context import Work

log = logging.getLogger("dealwright.pages")


def draw(work: Work, panel: Panel, record: Mapping[str, object], shared: Mapping[str, object]) -> Drawn:
    """A panel for a record; `shared` are values that all templates of the page get."""
    try:
        with work.looked():
            answer = panel.view(work, record)
            html = "" if answer is None else work.render(Rendering(answer.template, {**shared, **answer.values}))
    except Refusal as refusal:
        return Drawn(panel, "", " ".join(told(work, refusal)))
    except Exception as failure:  # whatever a panel raises, the page lives
        log.exception("panel %s failed", panel.full_key)
        work.platform.calls.failures.note(panel.plugin, f"panel {panel.key}"[:60], failure)
        return Drawn(panel, "", broken=True, called=work.say(panel.label) or work.called(panel.plugin))
    return Drawn(panel, html)
