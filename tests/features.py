"""`python -m tests.features [I2 ...]`: the rows of the feature table that have tests, and whether these pass.

A test proves a row by `@pytest.mark.feature("P20")`. The titles come from `../shared/FEATURES.md` where that is present.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
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
        """Whether the row holds: it fails with one of its tests."""
        ended = {self.results.get(test, "failed") for test in self.rows[row]}
        if "failed" in ended:
            return WORDS["failed"]
        return WORDS["passed"] if "passed" in ended else WORDS["skipped"]


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
    names = titles()
    print(f"\n{'row':5} {'tests':>5}  {'result':8} title")
    for row in sorted(outcomes.rows, key=lambda word: (word[0], int(word[1:]))):
        print(f"{row:5} {len(outcomes.rows[row]):5}  {outcomes.result(row):8} {names.get(row, '')}")
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
