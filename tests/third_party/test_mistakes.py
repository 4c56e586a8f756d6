"""What an author is told who gets something wrong: culprit, expectation, cure; everything else serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.third_party.installation import House

HEAD = """
from uuid import UUID
from sdk import Mapped
from plugins.customers.api import Account
from sdk import Entity, Extension, Manifest, Record, Side, _, fields as f, hookimpl

manifest = Manifest("{name}", "1.0", _("Mistaken"), _("Mistaken."), requires=("customers",))

class Row(Record):
    __tablename__ = "{name}_rows"
    name: Mapped[str | None] = f.text(_("Name"))
    {link}
    {more}

@hookimpl
def register_{hook}():
    return ({spec},)
"""
LINK = 'account_id: Mapped[UUID] = f.link(_("Account"), Account, unique=True)'
SIDE = 'Extension("customers.account", Side(Row, "account_id"))'
MISTAKES = {
    "unmigrated": ({"hook": "entities", "spec": 'Entity(Row, "row", "rows", _("Row"), _("Rows"))'}, "run `dealwright db revision unmigrated"),
    "misspelt": ({"spec": 'Extension("customers.acount", Side(Row, "account_id"))'}, "extends 'customers.acount', which 'customers' does not register"),
    "many_sided": ({"link": LINK.replace(", unique=True", "")}, "'account_id' is no unique link of Row; write f.link(..., unique=True)"),
    "demanding": ({"more": 'code: Mapped[str] = f.text(_("Code"), required=True)'}, "'code' cannot be required or unique"),
    "twofold": ({"spec": f"{SIDE}, {SIDE}"}, "there is a side table already"),
}  # fmt: skip


@pytest.fixture(scope="module")
def told(python: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the doctor says of plugins that each have one mistake."""
    folder = tmp_path_factory.mktemp("mistakes")
    for name, (mistake, _said) in MISTAKES.items():
        words = {"name": name, "link": LINK, "more": "", "hook": "extensions", "spec": SIDE} | mistake
        (folder / f"stranger_{name}.py").write_text(HEAD.format(**words), encoding="utf-8")
        about = folder / f"stranger_{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: stranger-{name}\nVersion: 1.0\n", encoding="utf-8")
        (about / "entry_points.txt").write_text(f"[dealwright.plugins]\n{name} = stranger_{name}\n", encoding="utf-8")
    said = House(python, folder, f"sqlite:///{folder / 'mistakes.sqlite3'}").run("plugin", "doctor", PYTHONPATH=str(folder))
    assert said.code == 1, said
    return said.out


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_cure(told: str, name: str) -> None:
    reason = told.partition(f"{name} is ")[2].partition("\n")[2].partition("\n")[0]
    assert MISTAKES[name][1] in reason


def test_the_others_serve(told: str) -> None:
    assert told.splitlines()[0].startswith("order: core, catalog, company, console, customers,")
    assert {"visits", "loyalty"} <= set(told.splitlines()[0].split(", "))
