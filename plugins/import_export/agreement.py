"""Whether a row says what a record has."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.import_export.external import FIELD as EXTERNAL
from plugins.import_export.matching import named
from sdk import Context
from sdk.context import Row
from sdk.fields import Money, NaturalKey


class Agreement:
    """Of rows and records of one kind: by what people call it a row means the record that is called so, and by an amount alone one of the company."""

    def __init__(self, ctx: Context, entity: str) -> None:
        self.ctx, self.entity = ctx, entity

    def contradict(self, values: Mapping[str, object], row: Row) -> bool:
        """Whether a row says something else than what a record has; what one of them leaves open is no difference."""
        said = ((name, value) for name, value in values.items() if value is not None and row.get(name) is not None and name != EXTERNAL)
        return any(not self._agree(name, value, row[name]) for name, value in said)

    def _agree(self, name: str, said: object, there: object) -> bool:
        if isinstance(said, NaturalKey):
            return there in named(self.ctx, self.ctx.target(self.entity, name), {said.text}).get(said.text, [])
        if isinstance(said, Money) and isinstance(there, Money) and not said.currency:
            return said.amount == there.amount and there.currency == self.ctx.tenant.currency
        return said == there
