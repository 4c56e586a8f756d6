"""`dealwright plugin new`: the package of a new plugin, whose tests pass as it is written."""

from __future__ import annotations

import tempfile
from importlib.metadata import entry_points
from pathlib import Path
from string import Template

from core.extension.discover import GROUP
from sdk import BadRequest, Conflict, Invalid, _
from sdk.names import PLUGIN, RESERVED_ADDRESSES, RESERVED_PLUGINS

TEMPLATE = Path(__file__).parent / "template"
RESERVED = RESERVED_PLUGINS | RESERVED_ADDRESSES | {"sdk", "plugins"}
_PLACES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "gitignore": ".gitignore",
    "workflow.yml": ".github/workflows/test.yml",
    "init.py": "src/$package/__init__.py",
    "plugin.py": "src/$package/plugin.py",
    "tables.py": "src/$package/tables.py",
    "finishing.py": "src/$package/finishing.py",
    "workflow.py": "src/$package/workflow.py",
    "routes.py": "src/$package/routes.py",
    "pages.py": "src/$package/pages.py",
    "due.html": "src/$package/templates/$name/due.html",
    "migrations_init.py": "src/$package/migrations/__init__.py",
    "0001_items.py": "src/$package/migrations/0001_items.py",
    "zh_CN.po": "src/$package/locales/zh_CN.po",
    "test_plugin.py": "tests/test_$name.py",
}
"""Where each template goes."""


def generate(name: str, into: Path) -> Path:
    """Write the package of plugin `name` into a new folder of that name in `into`; returns the folder.

    All of it or nothing. Raises Invalid for a name that no plugin can have, Conflict where something is there already, BadRequest where
    the folder cannot be written.
    """
    _check_name(name)
    try:
        return _written(name, into)
    except OSError as failure:
        text = _("can’t write to {path}: {reason}; choose a writable folder")
        raise BadRequest(text, path=str(into), reason=failure.strerror or str(failure)) from failure


def _written(name: str, into: Path) -> Path:
    target = into / name
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict(_("{path} already exists; choose another name, or another place with --into"), path=str(target))
    title = name.replace("_", " ").capitalize()
    words = {"name": name, "title": title, "package": f"dealwright_{name}", "distribution": f"dealwright-{name.replace('_', '-')}"}
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=f".{name}-") as beside:
        made = Path(beside) / name
        for template, place in _PLACES.items():
            file = made / Template(place).substitute(words)
            file.parent.mkdir(parents=True, exist_ok=True)
            text = Template((TEMPLATE / f"{template}.txt").read_text(encoding="utf-8")).substitute(words)
            file.write_text(_said_once(text, title) if template == "zh_CN.po" else text, encoding="utf-8")
        if target.exists():
            target.rmdir()
        made.rename(target)
    return target


def _check_name(name: str) -> None:
    if not PLUGIN.match(name):
        raise Invalid(_("{name!r} is not a valid plugin name: expected lowercase letters, digits and _ (2 to 30)"), name=name[:80])
    if name in RESERVED or name in {point.name for point in entry_points(group=GROUP)}:
        raise Conflict(_("plugin {name!r} already exists; choose another name"), name=name)


def _said_once(catalogue: str, title: str) -> str:
    """A plugin `item` is called as its items are: a catalogue says each text once."""
    first = f'msgid "{title}"\nmsgstr "{title}"\n\n'
    return catalogue.replace(first, "") if catalogue.count(f'msgid "{title}"\n') > 1 else catalogue
