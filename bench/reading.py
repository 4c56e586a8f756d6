"""Files as the importer reads them, without a database: CSV in two encodings, and a workbook of as many rows by twelve columns."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from bench import servers
from bench.data import Installation
from bench.table import Line, rate, times

BUDGET = "100,000 x 12 in < 15 s"
_HEADINGS = ("Name", "Account", "Title", "Email", "Phone", "WeChat", "Birthday", "Amount", "Share", "City", "Note", "Active")
_READ = """
import sys
from plugins.import_export.files import open_book
with open(sys.argv[1], "rb") as source:
    print(sum(1 for sheet in open_book(source, sys.argv[1]).sheets for _row in sheet.rows()))
"""
_LIBRARY = """
import sys
from python_calamine import load_workbook
print(sum(1 for _row in load_workbook(sys.argv[1]).get_sheet_by_index(0).iter_rows()) - 1)
"""


def measure(installation: Installation) -> list[Line]:
    """Once: no database has to do with it."""
    if installation.kind != "SQLite":
        return []
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder)
        utf8, gbk, book = files / "utf8.csv", files / "gbk.csv", files / "book.xlsx"
        _write_csv(utf8, "utf-8", installation.rows)
        _write_csv(gbk, "gb18030", installation.rows)
        _write_book(book, installation.rows)
        return [
            _line("read: CSV in UTF-8", installation, _READ, utf8, _by_csv, "csv module"),
            _line("read: CSV in GBK, encoding found", installation, _READ, gbk, _by_csv, "csv module"),
            _line(
                "read: XLSX", installation, _READ, book, lambda path: _run(_LIBRARY, path, installation.rows)[0], "calamine alone", BUDGET
            ),
        ]


def _line(
    work: str, installation: Installation, program: str, path: Path, raw: Callable[[Path], float], beside: str, budget: str = ""
) -> Line:
    seconds, peak = _run(program, path, installation.rows)
    limit = raw(path)
    measured = f"{seconds:.1f} s, {rate(installation.rows / seconds)}, {peak / 1_000_000:.0f} MB"
    return Line(work, "none", measured, f"{rate(installation.rows / limit)} {beside}", times(seconds / limit), budget)


def _run(program: str, path: Path, rows: int) -> tuple[float, int]:
    """Seconds, and the most memory that the process and its child had together, starting and imports included."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=servers.ROOT, stdout=subprocess.PIPE)
    peak = 0
    while child.poll() is None:
        peak = max(peak, sum(_memory(process) for process in _family(child.pid)))
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    assert child.stdout is not None
    found = child.stdout.read().strip()
    if child.returncode or int(found) != rows:
        raise RuntimeError(f"{path.name}: the reader ended with {child.returncode} after {found!r} rows")
    return seconds, peak


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):  # it may just have ended
        for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(word)


def _memory(pid: int) -> int:
    with suppress(OSError):  # it may just have ended
        return sum(int(line.split()[1]) * 1024 for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return 0


def _by_csv(path: Path) -> float:
    started = time.perf_counter()
    with path.open(newline="", encoding="gb18030" if path.stem == "gbk" else "utf-8") as source:
        for _row in csv.reader(source):
            pass
    return time.perf_counter() - started


def _rows(count: int) -> Iterator[tuple[object, ...]]:
    for number in range(count):
        born = date(1980, 1, 1) + timedelta(days=number % 9_000)
        yield (f"李伟 {number}", f"Account {number % 977}", "Buyer", f"p{number}@example.com", f"+86 138 {number:08}", f"wx{number}", born,
               number * 1.25, 0.25, "上海", "Some words of a note", bool(number % 2))  # fmt: skip


def _write_csv(path: Path, encoding: str, count: int) -> None:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows([_HEADINGS, *_rows(count)])


def _write_book(path: Path, count: int) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Contacts")
    for row in (_HEADINGS, *_rows(count)):
        sheet.append(row)
    book.save(path)
