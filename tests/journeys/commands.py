"""`dealwright` as people and scripts call it, in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.cli import db, demo, main, plugin, registered, tenant, token
from core.platform import Platform


class Dealwright:
    """The command line over the test's own database."""

    def run(self, *words: str, **more: Any) -> Result:
        """Run a command, whatever comes of it."""
        result = CliRunner().invoke(main.main, list(words), catch_exceptions=False, **more)
        assert result.exit_code == 0 or result.exit_code != 1 or isinstance(result.exception, SystemExit), result.exception
        return result

    def do(self, *words: str, exit_code: int = 0) -> str:
        """Run a command that ends with `exit_code`; what it wrote to standard output."""
        result = self.run(*words)
        assert result.exit_code == exit_code, (words, result.output)
        return result.stdout

    def json(self, *words: str, exit_code: int = 0) -> Any:
        """The same with --json, parsed."""
        return json.loads(self.do(*words, "--json", exit_code=exit_code))


@pytest.fixture
def dealwright(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dealwright]:
    """Commands run on the test's platform instead of booting another."""
    for module in (db, demo, plugin, registered, tenant, token):
        monkeypatch.setattr(module, "platform", lambda **_options: platform)
    caches = (registered._booted, registered.commands)
    for cache in caches:
        cache.cache_clear()
    yield Dealwright()
    for cache in caches:
        cache.cache_clear()
