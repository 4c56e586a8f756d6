"""Who may import whom, and who may name whom."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.architecture.source import ROOT, imports, plugin_names, sources, texts

PLANNED = {
    "company", "customers", "catalog", "pipeline", "leads", "orders", "teamwork", "forecast", "reports", "automation", "documents",
    "import_export", "console",
}  # fmt: skip
NAMES = sorted(PLANNED | set(plugin_names()))
HEAVY = ("flask", "pandas", "casbin", "alembic", "babel", "click", "werkzeug", "gunicorn", "rq", "redis")


def _top(name: str) -> str:
    return name.partition(".")[0]


def test_no_plugin_is_named_in_the_towers() -> None:
    """A word such as "catalog" is English; an import of a plugin, its bare name as text, or `catalog.product` is a name."""
    named = re.compile(rf"({'|'.join(NAMES)})(\.[a-z_*].*)?\Z")
    towers = [source for source in sources() if source.name.startswith(("sdk/", "core/"))]
    found = [f"{source.name}, line {line}: {text!r}" for source in towers for line, text in texts(source) if named.match(text)]
    found += [f"{source.name} imports {name}" for source in towers for name in imports(source.tree) if name.startswith("plugins.")]
    assert len(towers) > 200
    assert not found, found


def test_the_sdk_imports_nothing_of_ours_and_nothing_heavy() -> None:
    wrong = {
        source.name: [name for name in imports(source.tree) if _top(name) in ("core", "plugins", *HEAVY)]
        for source in sources()
        if source.name.startswith("sdk/")
    }
    assert not {name: found for name, found in wrong.items() if found}


def test_importing_the_sdk_loads_nothing_of_core() -> None:
    """In a process of its own, since here everything is loaded already."""
    script = "import sdk, sys; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()
    assert not {"core", "plugins", *HEAVY} & set(loaded)


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("pluggy", ("core/extension/", "sdk/hooks.py")),
        ("casbin", ("core/policy/",)),
        ("rq", ("core/worker/", "core/jobs/")),
        ("redis", ("core/worker/", "core/jobs/")),
        ("alembic", ("core/data/",)),
        ("argon2", ("core/identity/",)),
        ("prometheus_client", ("core/http/metrics.py",)),
        ("flask", ("core/http/", "core/app.py", "core/testkit/", "core/cli/")),
    ],
)
def test_a_library_is_known_in_one_place_only(library: str, homes: tuple[str, ...]) -> None:
    strangers = [
        source.name
        for source in sources()
        if any(_top(name) == library for name in imports(source.tree)) and not source.name.startswith(homes)
    ]
    assert not strangers, strangers


def test_only_the_gate_and_the_life_of_tenants_read_which_tenant_has_what() -> None:
    readers = {source.name for source in sources() if any(name.endswith(".tenant_plugins") for name in imports(source.tree))}
    assert readers <= {"core/extension/gate.py"}
