"""What the README shows is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
DRIVER = """
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from core.app import create_app
from core.config import Config
from core.data import migrate
from core.data.revise import revise
from core.identity import tokens
from core.platform import boot
from core.tenancy import lifecycle
from sdk import Channel

home = Path({home!r})
config = Config(home, f"sqlite:///{{home}}/x.sqlite3")
points = [p for p in entry_points(group="dealwright.plugins")] + [EntryPoint("visits", "readme_plugin", "dealwright.plugins")]
fresh = boot(config, entry_points=points, check_schema=False)
migrate.upgrade(fresh.database, fresh.branches())
branch = next(b for b in fresh.branches() if b.plugin == "visits")
assert revise(fresh.database, branch, "visits") is not None
migrate.upgrade(fresh.database, fresh.branches())
platform = boot(config, entry_points=points)
lifecycle.create(platform, lifecycle.NewTenant("acme"))
admin = lifecycle.add_person(platform.system("acme"), "Admin", "admin@acme.example", ["admin"], None)
work = platform.user("acme", admin, Channel.CLI)
token = tokens.issue(work, admin, "readme")[1]
api, headers = create_app(platform).test_client(), {{"Authorization": f"Bearer {{token}}"}}
made = api.post("/api/v1/visits/visits", json={{"purpose": "Demo", "cost": {{"amount": "12.50"}}}}, headers=headers)
assert made.status_code == 201, made.json
listed = api.get("/api/v1/visits/visits?purpose=Demo", headers=headers).json
assert listed["data"][0]["cost"] == {{"amount": "12.50", "currency": "USD"}}, listed
assert "/api/v1/visits/visits" in api.get("/api/v1/openapi.json", headers=headers).json["paths"]
report = api.get("/api/v1/reports/query?entity=visits.visit&measure=count&measure=sum:cost", headers=headers).json
assert report["data"] == [{{"count": 1, "sum:cost": {{"amount": "12.50", "currency": "USD"}}}}], report
print("ten lines, a product")
"""


def python_block() -> str:
    found = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    assert found is not None
    return found[1]


def test_the_ten_line_plugin_of_the_readme_gets_table_rest_openapi_and_report(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "readme_plugin.py").write_text(python_block(), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(package), "DATABASE_URL": ""}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER.format(home=str(tmp_path))], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.strip().endswith("ten lines, a product"), done.stderr


def test_the_plugin_of_the_readme_is_no_longer_than_it_says() -> None:
    body = [line for line in python_block().split("manifest =", 1)[1].splitlines() if line.strip()]
    assert len(body) <= 10, "the README promises ten lines below the imports"


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_every_page_that_the_readme_links_to_is_there(page: str) -> None:
    root = README.parent
    links = re.findall(r"\]\(([^)#:]+)\)", (root / page).read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (root / link).exists()] == []
