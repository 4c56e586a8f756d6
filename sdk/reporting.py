"""Ready-made reports that a plugin brings."""

from __future__ import annotations

from dataclasses import dataclass

from sdk.specs import Spec
from sdk.text import Text


@dataclass(frozen=True)
class Report(Spec):
    """A question about one entity that is asked again and again; its rows obey the rights of who asks.

    `measures`, `by` and `where` are words of the report language (`sum:amount`, `close_date:month`, `owner.team`,
    `status=won`). `period` is the date field by which the asker narrows it. `chart` is "bar" or "line": the first dimension
    across, the first measure up, a second dimension as colour. `figure` is what all of it is called as one number.
    """

    label: Text
    entity: str
    measures: tuple[str, ...]
    by: tuple[str, ...]
    where: tuple[str, ...] = ()
    period: str = ""
    chart: str = "bar"
    figure: Text | None = None
