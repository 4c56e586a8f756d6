"""One record through the API: checks, rules, audit and event in one transaction."""

from __future__ import annotations

from statistics import median

from bench import load, servers
from bench.data import Installation
from bench.listing import interleaved
from bench.table import Line, rate, times

BUDGET = ">= 700/s beside 6,650/s bare"
PEER = "72-89/s"
_COLUMNS = "tenant_id, id, name, city, tier, lifecycle, version, created_at, updated_at"
BODIES = {
    "account": ("/api/v1/customers/accounts", {"name": f"Alder Logistics {load.NUMBER}", "city": "Hamburg"}),
    "deal": ("/api/v1/pipeline/deals", {"name": f"Alder renewal {load.NUMBER}", "amount": {"amount": "1200.50", "currency": "CNY"}}),
}


def measure(installation: Installation) -> list[Line]:
    """A line for an account and one for a deal, which has rules and a stage history too."""
    lines = []
    plan = {"url": installation.url, "tenant": str(installation.tenant), "insert": _insert(installation)}
    with servers.serving(installation) as port, servers.by_hand(installation, plan) as raw_port:
        by_hand = load.request(raw_port, "/accounts", body=BODIES["account"][1])
        bare = load.request(raw_port, "/bare", body=BODIES["account"][1])
        for name, (path, body) in BODIES.items():
            ours = load.request(port, path, installation.admin, body)
            rounds = interleaved([(port, ours), (raw_port, by_hand), (raw_port, bare)])
            our, hand, empty = (median(each) for each in zip(*rounds, strict=True))
            ratio = median(one[1] / one[0] for one in rounds)
            raw = f"{rate(hand)} bare INSERT, {rate(empty)} bare"
            measured = f"{rate(our)}, {100 * our / empty:.0f} % of bare"
            lines.append(Line(f"create: {name}", installation.kind, measured, raw, times(ratio), BUDGET, PEER))
    return lines


def _insert(installation: Installation) -> str:
    mark, now = ("?", "datetime('now')") if installation.kind == "SQLite" else ("%s", "now()")
    return f"INSERT INTO customers_accounts ({_COLUMNS}) VALUES ({mark}, {mark}, {mark}, {mark}, 'normal', 'prospect', 1, {now}, {now})"  # noqa: S608
