"""What the command line tells of the installation, as one JSON document each."""

from __future__ import annotations

from core.platform import Platform
from sdk import Tenant
from tests.journeys.commands import Dealwright, dealwright

__all__ = ["dealwright"]


def test_what_there_is_and_how_it_is_doing_is_told_as_json_too(dealwright: Dealwright, platform: Platform, tenant: Tenant) -> None:
    assert [row["name"] for row in dealwright.json("tenant", "list")["data"]] == [tenant.name]
    plugins = {row["name"]: row for row in dealwright.json("plugin", "list", "--tenant", tenant.name)["data"]}
    assert set(plugins) == {found.name for found in platform.plugins}
    assert (plugins["probe"]["state"], plugins["probe"]["switch"]) == ("loaded", "on")
    well = dealwright.json("plugin", "doctor")
    assert (well["order"], well["held"], well["failing"]) == (list(platform.calls.serving()), [], [])
    assert {row["plugin"]: row["behind"] for row in dealwright.json("db", "status")["data"]}["core"] is False
    assert dealwright.json("db", "orphans") == {"data": []}
    assert {"home", "database_url"} <= {row["key"] for row in dealwright.json("config")["data"]}
