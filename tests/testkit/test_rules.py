"""Each rule of the contract is broken by a plugin that breaks it, and by no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.cli.main import main
from core.scaffold.generate import generate
from core.testkit.rules import RULES, bench, judged, package_of
from core.testkit.rules.source import Source
from core.testkit.rules.words import other_braces
from core.testkit.rules.written import foreign_imports, patches, raw_sql
from sdk import Record
from tests.packages import Packages

ROW = """
class Row(Record):
    {doc}
    __tablename__ = "{name}_rows"
    name = f.text(_("Name"), required=True)

@hookimpl
def register_entities():
    return (Entity(Row, "row", "rows", _("Row"), _("Rows")),)
"""
DOC = '"""A row."""'
UP = 'migrations.create_table(op, "{name}_rows", sa.Column("name", sa.String(255), nullable=False))'
DOWN = 'migrations.drop_table(op, "{name}_rows")'
SCRIPT = """
import sqlalchemy as sa
from alembic import op
from sdk import migrations

revision = "0001"
down_revision = None


def upgrade():
    {up}


def downgrade():
    {down}
"""
WORDS = ("T", "S", "Name", "Row", "Rows")
BARE = "def register_routes():\n    return (Route(method='GET', path='/x', view=print, permission='{name}.row.dream', summary=_('T')),)"
SHUT = "def register_pages():\n    return (PageRoute('day', path='/day', title=_('Y'), permission='shut.row.dream', view=print),)"
PANELS = """
def register_panels():
    def panel(key, entity, *shows):
        return Panel(key, slot=Slot.PANEL, label=_("T"), permission="core.user.read", view=print, entity=entity, shows=shows)
    return (panel("one", "{name}.row", "name", "nmae"), panel("two", "core.usr"), panel("three", "away.row", "x"))
"""
COUNTER = "from itertools import count\nnumber = count()\n@hookimpl\ndef register_events():\n    return (EventType(f'counting.row.x{next(number)}', _('T')),)"

BREAKS: Mapping[str, tuple[str, Mapping[str, object], str]] = {
    "sound": ("", {}, ""),
    "silent": ("texts", {"words": ("T", "S", "Name", "Row")}, "'Rows' is not in locales/zh_CN.po"),
    "talkative": ("texts", {"words": (*WORDS, "Nobody")}, "'Nobody' is translated and nobody says it"),
    "mute": ("documented", {"doc": ""}, "Row has no docstring"),
    "closed": ("rights", {"more": "\n@hookimpl\n" + BARE}, "'closed.row.dream', which nobody declares"),
    "shut": ("rights", {"more": "\n@hookimpl\n" + SHUT, "words": (*WORDS, "Y")}, "PageRoute 'day' asks for 'shut.row.dream', which nobody declares"),
    "hanging": ("panels", {"more": "\n@hookimpl" + PANELS}, "panel 'one' shows 'nmae', and hanging.row has no such field\npanel 'two' is about 'core.usr', and 'core' has no such entity"),
    "counting": ("pure", {"more": COUNTER}, "register_events gives something else"),
    "reaching": ("imports", {"more": "from core import builtin"}, "reaching/plugin.py"),
    "quiet": ("capabilities", {"more": "def x(ctx):\n    return ctx.records('core.user').find(()), ctx.files"}, "uses 'core.user', which Capabilities(data"),
    "chatting": ("capabilities", {"more": "from urllib import request"}, "imports urllib.request, which passes by ctx.call"),
    "boasting": ("capabilities", {"may": ', capabilities=Capabilities(data=("core.user.read:shoe_size",))'}, "core.user has no field 'shoe_size'"),
    "keeping": ("capabilities", {"more": "class X:\n    def x(self):\n        return self._ctx.as_system().call(1)"}, "uses ctx.call, and Capabilities(network=...) names no host"),
    "digging": ("capabilities", {"more": "def x(ctx):\n    return ctx.as_system().platform"}, "uses .platform, which leaves its bounds"),
    "dozing": ("capabilities", {"may": ', capabilities=Capabilities(jobs=("nojob",))'}, "'nojob': 'dozing' has no such job or schedule"),
    "waiting": ("capabilities", {"may": ', capabilities=Capabilities(jobs=("core.nojob",))'}, "'core.nojob': 'core' has no such job or schedule"),
    "hoarding": ("capabilities", {"may": ', capabilities=Capabilities(files=True, network=("x.example",), mail=True)'}, "network=...: nothing uses ctx.call"),
    "raw": ("raw_sql", {"more": "import sqlalchemy as sa\nx = sa.text"}, "uses .text"),
    "meddling": ("patches", {"more": "import sdk\nsdk.Record.x = 1"}, "changes sdk"),
    "lagging": ("migrated", {"up": UP.replace('"name"', '"other"')}, "a migration lacks"),
    "older": ("migrated", {"up": UP.replace("sa.String(255)", "sa.Date()")}, "migrations.alter_column(op, \"older_rows\", \"name\", type_=sa.String(255))"),
    "unsaid": ("serves", {"up": UP + '\n    migrations.alter_column(op, "{name}_rows", "name", type_=sa.Integer(), using={"postgresql": migrations.SAY_HERE})'},
               "in the place of migrations.SAY_HERE"),
    "unsaid_back": (
        "reversible", {"down": 'migrations.alter_column(op, "{name}_rows", "name", type_=sa.Integer(), using=migrations.SAY_HERE)'},
        "in the place of migrations.SAY_HERE",
    ),
    "narrowing": (
        "serves", {"more": """
from dataclasses import replace
made = tuple(register_entities())
@hookimpl
def register_entities():
    return [replace(one, narrows=lambda ctx: ("name",)) for one in made]
"""}, "narrows tells of what a veil leaves, and there is none",
    ),
    "stuck": ("reversible", {"down": "raise NotImplementedError"}, "it does not go down from 0001: NotImplementedError"),
    "littering": ("migrated reversible", {"up": UP + '\n    migrations.create_table(op, "{name}_more")'}, "leaves 'littering_more' behind"),
    "squatting": (
        "reversible", {"up": UP + '\n    op.create_table("nobodys", sa.Column("tenant_id", sa.Uuid()))', "down": DOWN + '\n    op.drop_table("nobodys")'},
        "it makes 'nobodys'",
    ),
    "wide_open": (
        "migrated reversible", {"up": UP + '\n    op.create_table("wide_open_x", sa.Column("id", sa.Uuid()))', "down": DOWN + '\n    op.drop_table("wide_open_x")'},
        "'wide_open_x' has no tenant_id",
    ),
    "failing": ("serves", {"up": "raise OSError('no disk')"}, "no disk"),
    "loose": ("packaged", {"face": False}, "migrations/__init__.py"),
    "garbled": ("readable", {"beside": {"beside.py": b"# caf\xe9\n"}}, "made_up_garbled/beside.py:1: "),
    "unfinished": ("readable", {"beside": {"beside.py": b"x = 1\ndef (:\n"}}, "made_up_unfinished/beside.py:2: invalid syntax"),
    "unclosed": ("readable", {"beside": {"templates/unclosed/x.html": b"<p>\n{% if x %}"}}, "templates/unclosed/x.html:2: Unexpected end of template"),
    "missing": ("readable", {"more": "from sdk import Rendering\nx = Rendering('missing/x.html', {})"}, "names the template 'missing/x.html', which is not in"),
}  # fmt: skip


def written(packages: Packages, name: str, *, doc: str = DOC, more: str = "", words: tuple[str, ...] = WORDS, up: str = UP,
            down: str = DOWN, face: bool = True, may: str = "", beside: Mapping[str, bytes] | None = None) -> object:  # fmt: skip
    """A plugin that keeps the contract but for what is said."""
    point = packages.plugin(name, ROW.format(name=name, doc=doc) + more.replace("{name}", name), more=may)
    folder = packages._folder / f"made_up_{name}"
    (folder / "locales").mkdir()
    said = "".join(f'msgid "{word}"\nmsgstr "{word}"\n\n' for word in words)
    (folder / "locales" / "zh_CN.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n' + said, encoding="utf-8"
    )
    (folder / "migrations").mkdir()
    if face:
        (folder / "migrations" / "__init__.py").write_text("", encoding="utf-8")
    script = SCRIPT.format(up=up.replace("{name}", name), down=down.replace("{name}", name))
    (folder / "migrations" / "0001_rows.py").write_text(script, encoding="utf-8")
    for place, content in (beside or {}).items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(content)
    return point


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, tuple[str, ...] | None]]]:
    """What the rules say of each plugin, all on one bench."""
    with Packages(tmp_path_factory.mktemp("rules") / "site") as packages:
        points = [written(packages, name, **how) for name, (_rule, how, _said) in BREAKS.items()]  # type: ignore[arg-type]
        with bench(points) as booted:  # type: ignore[arg-type]
            yield {point.name: {v.rule.key: v.broken for v in judged(package_of(point, booted), RULES)} for point in points}  # type: ignore[attr-defined]
    for name in BREAKS:
        Record.metadata.remove(Record.metadata.tables[f"{name}_rows"])


@pytest.mark.parametrize("name", BREAKS)
def test_a_rule_is_broken_by_the_plugin_that_breaks_it(verdicts: dict[str, dict[str, tuple[str, ...] | None]], name: str) -> None:
    rule, _how, said = BREAKS[name]
    found = {key: broken for key, broken in verdicts[name].items() if broken}
    assert found.keys() == set(rule.split()), found
    assert said in "\n".join(line for broken in found.values() for line in broken)


def test_every_rule_is_broken_by_a_plugin_here() -> None:
    assert {one for rule, _how, _said in BREAKS.values() for one in rule.split()} == {rule.key for rule in RULES}


def test_what_can_be_asked_only_of_a_plugin_in_force_is_not_asked_of_another(
    verdicts: dict[str, dict[str, tuple[str, ...] | None]],
) -> None:
    assert {key for key, broken in verdicts["failing"].items() if broken is None} == {rule.key for rule in RULES if rule.loaded}


def source(text: str) -> list[Source]:
    return [Source(Path("/x/mine/plugin.py"), Path("/x"), text, ast.parse(text))]


@pytest.mark.parametrize(
    "line",
    [
        "from core.context import Work",
        "import core",
        "from plugins.orders.tables import Order",
        "import others",
        "from . import x",
        "x = importlib.import_module('core.data')",
    ],
)
def test_what_a_plugin_must_not_import(line: str) -> None:
    assert len(list(foreign_imports(source(line), "mine", ["plugins.customers.api", "others.api"], ["plugins", "others"]))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "from sdk import Record",
        "from mine.tables import Row",
        "from plugins.customers.api import Account",
        "import others.api",
        "import coreutils",
    ],
)
def test_what_a_plugin_may_import(line: str) -> None:
    assert not list(foreign_imports(source(line), "mine", ["plugins.customers.api", "others.api"], ["plugins", "others"]))


@pytest.mark.parametrize(
    "text",
    [
        "from sqlalchemy import text", "import sqlalchemy\nsqlalchemy.text('x')", "import sqlalchemy as db\ndb.literal_column('x')",
        "ctx.connection.execute(1)", "x.exec_driver_sql('x')", "from sqlalchemy import create_engine",
    ],
)  # fmt: skip
def test_raw_sql_is_found(text: str) -> None:
    assert len(list(raw_sql(source(text)))) == 1


@pytest.mark.parametrize("text", ["from sdk import fields as f\nf.text('x')", "import sqlalchemy as sa\nsa.func.max(1)", "connection = 1"])
def test_what_is_no_raw_sql_is_left_alone(text: str) -> None:
    assert not list(raw_sql(source(text)))


@pytest.mark.parametrize(
    "text",
    [
        "from a import B\nB.c = 1", "import a.b\na.b.c = 1", "from a import B as C\nsetattr(C, 'x', 1)", "from a import B\ndel B.c",
        "from a import B\nB.c += 1", "from a import B\ndef f():\n    B.c: int = 1",
    ],
)  # fmt: skip
def test_a_patch_is_found(text: str) -> None:
    assert len(list(patches(source(text)))) == 1


@pytest.mark.parametrize("text", ["from a import B\nb = B()\nb.c = 1", "class B:\n    c = 0\nB.c = 1", "from a import B\nB['c'] = 1"])
def test_what_is_no_patch_is_left_alone(text: str) -> None:
    assert not list(patches(source(text)))


def test_a_translation_with_other_braces_is_found(tmp_path: Path) -> None:
    file = tmp_path / "zh_CN.po"
    file.write_text('msgid "{a} and {b:d}"\nmsgstr "{a}"\n\nmsgid "{c}"\nmsgstr "{c}!"\n', encoding="utf-8")
    assert [line.partition(" is")[0] for line in other_braces(file)] == ["'{a} and {b:d}'"]


def test_the_command_says_which_rule_is_broken_where_why_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = generate("herd", tmp_path)
    (made / "src" / "dealwright_herd" / "extra.py").write_text("import core.context\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(made / "src"))  # so that it goes again after the test
    said = CliRunner().invoke(main, ["plugin", "check", str(made)])
    assert said.exit_code == 1
    assert "imports      broken\n      dealwright_herd/extra.py:1 imports core.context\n    why: " in said.output
    assert said.output.count("holds") == len(RULES) - 1
    Record.metadata.remove(Record.metadata.tables["herd_items"])


def test_the_command_refuses_what_is_no_plugin(tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["plugin", "check", str(tmp_path)])
    assert (said.exit_code, "neither a folder" in said.output) == (2, True)
