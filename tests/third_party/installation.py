"""A fresh environment with the two plugins installed by pip, and a house that runs in it: command line and HTTP."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import core

HERE = Path(__file__).parent
PACKAGES = ("visits", "loyalty")
BRITTLE = "brittle"
"""A third package, which fails on purpose."""
_COMMAND = "from core.cli.main import main; main()"
_KEEPER = """
import json, sys, threading
from click.testing import CliRunner
from werkzeug.serving import make_server
from core import config
from core.app import create_app
from core.cli.main import main
from core.platform import boot

for line in sys.stdin:
    words = json.loads(line)
    if words == "serve":
        server = make_server("127.0.0.1", 0, create_app(boot(config.load())), threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answer = server.port
    else:
        said = CliRunner().invoke(main, words)
        answer = [said.exit_code, said.stdout, said.stderr]
    print(json.dumps(answer), flush=True)
"""


def install(folder: Path) -> Path:
    """An environment with the packages installed by pip; returns its python."""
    python = environment(folder)
    installed(python, *(copied(name, folder) for name in (*PACKAGES, BRITTLE)))  # building leaves traces: not in the checkout
    return python


def environment(folder: Path) -> Path:
    """A virtual environment over the running one; returns its python.

    The platform itself is the one under test, be another checkout installed or none; what the running environment has besides is visible
    through a path file.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    python = folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True).strip()
    others = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})"
    Path(site, "running.pth").write_text(f"{Path(core.__file__).parents[1]}\n{others}\n", encoding="utf-8")
    return python


def installed(python: Path, *sources: Path) -> None:
    """Install packages there by pip."""
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--no-index", *sources], check=True, cwd=python.parent)


def copied(name: str, folder: Path) -> Path:
    """The source of a package, in `folder`."""
    ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    return Path(shutil.copytree(HERE / name, folder / name, ignore=ignored))


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class House:
    """An installation on one database; each command is a process of its own."""

    python: Path
    home: Path
    database_url: str

    def run(self, *words: str, **environment: str) -> Said:
        """`dealwright …`, whatever comes of it."""
        command = [self.python, "-P", "-c", _COMMAND, *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.home, env=self.environment(environment))
        return Said(done.returncode, done.stdout, done.stderr)

    def do(self, *words: str, **environment: str) -> str:
        """`dealwright …`, which must succeed; what it printed."""
        said = self.run(*words, **environment)
        assert said.code == 0, (words, said)
        return said.out

    @contextmanager
    def kept(self) -> Iterator[Keeper]:
        """The house with a process that stays: starting Python for each of many commands would take most of the time."""
        command = [self.python, "-P", "-c", _KEEPER]
        there = {"cwd": self.home, "env": self.environment()}
        with (self.home / "log").open("w") as log:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, **there)
            with process:
                yield Keeper(self.python, self.home, self.database_url, process)
                process.terminate()

    def environment(self, more: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        """What its processes have as environment."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DEALWRIGHT_", "DATABASE_URL", "PYTHONPATH"))}
        return kept | {"DEALWRIGHT_HOME": str(self.home), "DATABASE_URL": self.database_url} | more


@dataclass(frozen=True)
class Keeper(House):
    """A house whose commands and API share one process; a command with an environment of its own gets its own process."""

    process: subprocess.Popen[str]

    def run(self, *words: str, **environment: str) -> Said:
        """`dealwright …`, whatever comes of it."""
        return super().run(*words, **environment) if environment else Said(*self._ask(list(words)))

    def furnish(self, name: str, *options: str) -> str:
        """A tenant; a token of its administrator."""
        admin = f"admin@{name}.example"
        self.do("tenant", "create", name, "--admin", admin, "--currency", "EUR", "--yes", *options)
        return self.do("token", "create", "--tenant", name, "--user", admin).strip()

    def serve(self) -> int:
        """Serve the API; returns the port."""
        return int(self._ask("serve"))

    def _ask(self, words: object) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@dataclass(frozen=True)
class Answer:
    """An answer of the API."""

    status: int
    json: Any


@dataclass(frozen=True)
class Caller:
    """Who calls the API, with a token."""

    port: int
    token: str

    def call(self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None) -> Answer:
        """One request under `/api/v1/`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", **({} if body is None else {"Content-Type": "application/json"})}
        address = f"/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            connection.request(method, address, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        return Answer(response.status, json.loads(data) if data else None)

    def get(self, path: str, **query: str) -> Answer:
        """Read."""
        return self.call("GET", path, query=query)

    def find(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """The records of a list, which must be answered."""
        answer = self.call("GET", path, query=query)
        assert answer.status == 200, answer
        return list(answer.json["data"])

    def create(self, path: str, **values: object) -> dict[str, Any]:
        """A new record, which must be taken."""
        answer = self.call("POST", path, values)
        assert answer.status == 201, answer
        return dict(answer.json)

    def change(self, path: str, values: Mapping[str, object]) -> Answer:
        """Change fields."""
        return self.call("PATCH", path, values)

    def switch(self, plugin: str, on: bool) -> None:
        """Switch a plugin for the tenant."""
        answer = self.call("PATCH", f"core/plugins/{plugin}", {"enabled": on})
        assert answer.status == 200, answer

    def openapi(self) -> Any:
        """What this caller can call."""
        answer = self.get("openapi.json")
        assert answer.status == 200, answer
        return answer.json

    def wanted(self, method: str, path: str) -> Any:
        """The schema of the body that an operation takes."""
        document = self.openapi()
        return _followed(document, document["paths"][f"/api/v1/{path}"][method]["requestBody"])

    def promised(self, method: str, path: str, status: str) -> Any:
        """The schema of the body that an operation answers with."""
        document = self.openapi()
        return _followed(document, document["paths"][f"/api/v1/{path}"][method]["responses"][status])

    def as_new(self, name: str, role: str, team: object = None) -> Caller:
        """A new person of the tenant, with a token."""
        user = self.create("core/users", name=name, roles=[role], team=team)
        return Caller(self.port, self.create("core/tokens", name="test", user=user["id"])["token"])


def _followed(document: Any, body: Any) -> Any:
    """The schema of a JSON body, itself or what it refers to."""
    schema = body["content"]["application/json"]["schema"]
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
