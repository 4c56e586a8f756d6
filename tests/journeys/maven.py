"""The main job's files, the imports they need, and a count of them that owes nothing to the platform."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

STAGES = (("Prospecting", "open", "10"), ("Engaging", "open", "50"), ("Won", "won", "100"), ("Lost", "lost", "0"))
TYPO = "product:GTXPro=GTX Pro"


@dataclass(frozen=True)
class Step:
    """One import."""

    entity: str
    file: Path
    map: tuple[str, ...]
    set: tuple[str, ...] = ()
    match: tuple[str, ...] = ()

    @property
    def mode(self) -> str:
        """Names that come again and again are brought up to date."""
        return "upsert" if self.match else "create"

    def form(self) -> dict[str, object]:
        """What the API is sent beside the file."""
        return {"entity": self.entity, "mode": self.mode, "map": list(self.map), "set": list(self.set), "match": list(self.match)}

    def words(self) -> list[str]:
        """The command."""
        lists = {"--map": self.map, "--set": self.set, "--match": self.match}
        options = [word for name, values in lists.items() for value in values for word in (name, value)]
        return ["import", self.entity, str(self.file), "--mode", self.mode, *options]


@dataclass(frozen=True)
class Files:
    """The folder of files, real or generated, and one of our own for the stages, which Maven's lack; of the deals it may be one in `every` so many."""

    real: Path
    own: Path
    every: int = 1

    def read(self, name: str) -> list[dict[str, str]]:
        """A file as the csv module gives it."""
        with (self.real / f"{name}.csv").open(encoding="utf-8", newline="") as source:
            return list(csv.DictReader(source))

    def manager(self) -> str:
        """The first of the managers that the files name."""
        return self.read("sales_teams")[0]["manager"]

    def setting(self) -> list[Step]:
        """Everything but the deals."""
        pipelines, stages = self.own / "pipelines.csv", self.own / "stages.csv"
        pipelines.write_text("pipeline\nMaven\n", encoding="utf-8")
        stages.write_text("stage,type,probability\n" + "".join(",".join(stage) + "\n" for stage in STAGES), encoding="utf-8")
        people = self.real / "sales_teams.csv"
        once = ("name",)
        return [
            Step("core.team", people, ("regional_office=name", "manager="), match=once),
            Step("core.team", people, ("manager=name", "regional_office=parent"), match=once),
            Step("core.user", people, ("manager=name",), match=once),
            Step("core.user", people, ("sales_agent=name", "manager=manager"), match=once),
            Step("core.user", people, ("sales_agent=name", "manager=team"), match=once),
            Step("catalog.product", self.real / "products.csv", ("product=name", "sales_price=price")),
            Step(
                "customers.account", self.real / "accounts.csv",
                ("account=name", "sector=industry", "year_established=founded", "office_location=country", "subsidiary_of=parent"),
            ),
            Step("pipeline.pipeline", pipelines, ("pipeline=name",)),
            Step("pipeline.stage", stages, ("stage=name",), set=("pipeline=Maven",)),
        ]  # fmt: skip

    def deals(self) -> Step:
        """The 8,800 deals, or those lines of the file that are wanted."""
        mapping = ("opportunity_id=name", "sales_agent=owner", "deal_stage=stage", "engage_date=opened_on", "close_value=amount")
        file = self.real / "sales_pipeline.csv"
        if self.every > 1:
            heading, *lines = file.read_bytes().splitlines(keepends=True)
            file = self.own / file.name
            file.write_bytes(heading + b"".join(lines[:: self.every]))
        return Step("pipeline.deal", file, mapping)


@dataclass
class Count:
    """What the deals' file says, counted with nothing but the csv module."""

    rows: int = 0
    by_stage: Counter[str] = field(default_factory=Counter)
    value_by_stage: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    by_month: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    value_by_owner: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    without_account: int = 0
    typos: list[int] = field(default_factory=list)

    def add(self, number: int, row: Mapping[str, Any]) -> None:
        """One deal."""
        stage, value = row["deal_stage"], Decimal(row["close_value"] or 0)
        closed = datetime.strptime(row["close_date"], "%m/%d/%Y").strftime("%Y-%m") if row["close_date"] else None
        self.rows += 1
        self.by_stage[stage] += 1
        self.value_by_stage[stage] += value
        self.by_month[(stage, closed)] += 1
        self.value_by_owner[row["sales_agent"]] += value if stage == "Won" else 0
        self.without_account += not row["account"]
        if row["product"] == "GTXPro":
            self.typos.append(number)


def count(files: Files, *, without_typos: bool = False) -> Count:
    """Count the deals; on demand only those whose product is spelt as in the catalogue."""
    made = Count()
    for number, row in enumerate(files.read("sales_pipeline"), 1):
        if not (without_typos and row["product"] == "GTXPro"):
            made.add(number, row)
    return made
