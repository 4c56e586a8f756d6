"""A pipeline as tests speak of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.context import Work
from sdk import where
from sdk.context import Row, id_of


@dataclass(frozen=True)
class Process:
    """One pipeline with its stages by key, and its deals."""

    work: Work
    id: UUID

    @property
    def stages(self) -> dict[str, UUID]:
        """The stages' ids by key, in their order."""
        rows = self.work.records("pipeline.stage").find(where(pipeline=self.id))
        return {str(row["key"]): id_of(row) for row in sorted(rows, key=lambda row: int(str(row["position"])))}

    def deal(self, name: str = "deal", **values: object) -> UUID:
        """A new deal, with what the ready-made stages ask for unless something else is said."""
        asked: dict[str, dict[str, object]] = {
            "proposal": {"amount": {"amount": "10"}},
            "contract-signing": {"amount": {"amount": "10"}, "close_date": "2026-03-01"},
            "lost": {"lost_reason": "price"},
        }
        values = {**asked.get(str(values.get("stage")), {}), **values}
        return id_of(self.work.records("pipeline.deal").create({"name": name, "pipeline": self.id, **values}))

    def read(self, deal: UUID) -> Row:
        """The deal as Python values."""
        return self.work.records("pipeline.deal").values([deal])[deal]

    def key_of(self, deal: UUID) -> str:
        """The key of the stage in which the deal stands."""
        stage = self.read(deal)["stage"]
        return str(self.work.records("pipeline.stage").values([stage])[stage]["key"])  # type: ignore[list-item, index]

    def history(self, deal: UUID) -> list[tuple[object, object]]:
        """From where to where the deal has moved, oldest first."""
        rows = self.work.records("pipeline.stage_change").find(where(deal=deal))
        return [(row["from_stage"], row["to_stage"]) for row in rows]
