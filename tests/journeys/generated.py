"""A small set of files in the shape of the real ones, for machines that lack these: the same columns, the same flaws, names of our own."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random

HEADINGS = {
    "accounts": ("account", "sector", "year_established", "revenue", "employees", "office_location", "subsidiary_of"),
    "products": ("product", "series", "sales_price"),
    "sales_teams": ("sales_agent", "manager", "regional_office"),
    "sales_pipeline": ("opportunity_id", "sales_agent", "product", "account", "deal_stage", "engage_date", "close_date", "close_value"),
}
PRODUCTS = (("GTX Pro", "GTX", 4821), ("GTX Basic", "GTX", 550), ("MG Special", "MG", 55))
MISSPELT = {"GTX Pro": "GTXPro", "technology": "technolgy", "Philippines": "Philipines"}
TEAMS = {"Nora Albrecht": ("Central", 3), "Pablo Ferreira": ("West", 2)}
FIRST, MONTHS, CLOSED, OPEN = date(2017, 3, 1), 10, 6, 24
"""Each representative closes so many deals in each of the months up to December, and has so many open ones."""


def write(folder: Path) -> Path:
    """The four files, the same on each call."""
    folder.mkdir(exist_ok=True)
    random = Random(2017)
    people = [(f"{office} Agent {n}", manager, office) for manager, (office, size) in TEAMS.items() for n in range(1, size + 1)]
    accounts = [
        (f"Works {n}", MISSPELT["technology"] if n % 4 == 0 else "retail", 1980 + n, f"{n * 97.5:.2f}", n * 40,
         MISSPELT["Philippines"] if n == 3 else "Kenya" if n % 5 == 0 else "United States", "Works 1" if n % 6 == 0 else "")
        for n in range(1, 13)
    ]  # fmt: skip
    _write(folder, "accounts", accounts)
    _write(folder, "products", PRODUCTS)
    _write(folder, "sales_teams", people)
    deals = [deal for agent, _manager, _office in people for deal in _deals(random, agent, [str(row[0]) for row in accounts])]
    _write(folder, "sales_pipeline", [(f"OPP{number:05}", *deal) for number, deal in enumerate(deals, 1)])
    return folder


def _write(folder: Path, name: str, rows: Iterable[Sequence[object]]) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as sink:
        csv.writer(sink).writerows([HEADINGS[name], *rows])


def _deals(random: Random, agent: str, accounts: Sequence[str]) -> Iterable[tuple[object, ...]]:
    """Won and lost ones in each month, each with a customer; open ones have no value, and mostly nobody who buys."""
    for n in range(MONTHS * CLOSED):
        month = FIRST.replace(month=FIRST.month + n // CLOSED)
        closed = month + timedelta(days=random.randrange(28))
        product, _series, price = random.choice(PRODUCTS)
        won = n % CLOSED == 0 or random.random() < 0.6  # no month without one
        value = round(price * random.uniform(0.8, 1.2)) if won else 0
        begun = closed - timedelta(days=random.randrange(1, 120))
        yield (agent, _spelt(random, product), random.choice(accounts), "Won" if won else "Lost", _written(begun), _written(closed), value)
    for n in range(OPEN):
        product, *_rest = random.choice(PRODUCTS)
        begun = _written(FIRST + timedelta(days=random.randrange(300))) if n % 3 else ""
        account = random.choice(accounts) if n % 4 == 0 else ""
        yield (agent, _spelt(random, product), account, "Engaging" if begun else "Prospecting", begun, "", "")


def _spelt(random: Random, product: str) -> str:
    return MISSPELT.get(product, product) if random.random() < 0.8 else product


def _written(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"
