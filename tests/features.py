"""`python -m tests.features [I2 ...]`: the rows of the feature table, where each is tested, and whether that passes.

A test proves a row by `@pytest.mark.feature("P20")`. The titles come from `../shared/FEATURES.md` where that is present.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

TITLES = Path(__file__).parents[2] / "shared" / "FEATURES.md"
_ROW = re.compile(r"\| *([A-Z]\d+) *\| *(.+?) *\|")
WORDS = {"failed": "FAILS", "skipped": "not run", "passed": "holds"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rows I2,I3`: those alone."""
    parser.addoption("--rows", default="", help="rows of the feature table, with commas between them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the marked tests alone, in each process; their reports say of which rows they are."""
    asked = {row for row in config.getoption("--rows").split(",") if row}
    marked = []
    for item in items:
        rows = {row for marker in item.iter_markers("feature") for row in marker.args}
        if rows & (asked or rows):
            item.user_properties += [("feature", row) for row in sorted(rows & (asked or rows))]
            marked.append(item)
    items[:] = marked


class Outcomes:
    """A plugin of pytest that keeps which tests have which rows, and how each ended."""

    def __init__(self) -> None:
        self.rows: dict[str, set[str]] = defaultdict(set)
        self.results: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The worst phase of a test is its result."""
        for name, row in report.user_properties:
            if name == "feature":
                self.rows[str(row)].add(report.nodeid)
        before = self.results.get(report.nodeid, "passed")
        worst = next(word for word in WORDS if word in (before, report.outcome))
        self.results[report.nodeid] = worst

    def result(self, row: str) -> str:
        """Whether the row holds, and how many of its tests say nothing of that: it fails with one of them."""
        ended = Counter(self.results.get(test, "failed") for test in self.rows[row])
        worst = next((word for word in ("failed", "passed", "skipped") if ended[word]), None)
        if worst is None:
            return "no test"
        return WORDS[worst] + (f", {ended['skipped']} not run" if worst != "skipped" and ended["skipped"] else "")

    def places(self, row: str) -> list[str]:
        """The files with its tests, as one finds them below `tests/`."""
        return sorted({test.partition("::")[0].removeprefix("tests/") for test in self.rows[row]})


def table(outcomes: Outcomes, names: Mapping[str, str], asked: Sequence[str]) -> Iterator[str]:
    """A line for each row that is asked for, or there is, tested or not, and below it where its tests are."""
    yield f"{'row':5} {'tests':>5}  {'result':18} title"
    rows = asked or [*{**names, **outcomes.rows}]
    for row in sorted(rows, key=lambda word: (word[0], int(word[1:]))):
        yield f"{row:5} {len(outcomes.rows[row]):5}  {outcomes.result(row):18} {names.get(row, '')}"
        if places := outcomes.places(row):
            yield textwrap.fill(" ".join(places), 120, initial_indent=" " * 13, subsequent_indent=" " * 13, break_on_hyphens=False)


def titles() -> dict[str, str]:
    """The first words of each row, where the table is at hand."""
    if not TITLES.exists():
        return {}
    found = (_ROW.match(line) for line in TITLES.read_text(encoding="utf-8").splitlines())
    return {row[1]: re.sub(r"\*\*|\[seed\]", "", row[2]).split(":")[0].strip()[:60] for row in found if row}


def main(arguments: list[str]) -> int:
    """Run the marked tests, in as many processes as the suite, and print the table; words such as I2 name the rows that are wanted."""
    asked = [word for word in arguments if re.fullmatch(r"[A-Z]\d+", word)]
    rest = [word for word in arguments if word not in asked]
    outcomes = Outcomes()
    options = ["-q", "-p", "no:cacheprovider", "-p", "tests.features", "--rows", ",".join(asked), "--no-header", "--tb=short"]
    code = pytest.main([*options, *rest], plugins=[outcomes])
    print("", *table(outcomes, titles(), asked), sep="\n")
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
