"""A stranger's plugin raises in a hook: what the caller, the others and the operator see of it."""

from __future__ import annotations

import pytest

from tests.third_party.conftest import World


@pytest.mark.feature("P11")
def test_a_plugin_that_raises_is_named_and_counted_and_its_neighbours_serve(world: World) -> None:
    acme, body = world.acme, {"name": "Brittle glass"}
    answer = acme.call("POST", "customers/accounts", body)
    assert (answer.status, answer.json["code"]) == (503, "plugin_failed")
    for word in ("'brittle'", "validate_changes", "nothing was done", "turn it off"):
        assert word in answer.json["detail"]
    assert "Brittle glass" not in answer.json["detail"]
    assert acme.find("customers/accounts", {"name": "Brittle glass"}) == [], "a veto that could not be asked for is no consent"
    assert acme.create("customers/accounts", name="Sturdy oak")["version"] == 1
    doctor = world.house.run("plugin", "doctor")
    assert (doctor.code, "brittle raised in validate_changes" in doctor.out, "KeyError in plugin.py" in doctor.out) == (1, True, True)
    assert "hook validate_changes of plugin 'brittle' failed" in (world.house.home / "log").read_text(encoding="utf-8")
    acme.switch("brittle", False)
    try:
        assert acme.create("customers/accounts", **body)["name"] == "Brittle glass"
    finally:
        acme.switch("brittle", True)
