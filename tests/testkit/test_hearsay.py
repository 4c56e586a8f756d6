"""What the powerful have worked out tells nobody what he could not read where it stood: logs of rules, rows of imports, files, notices."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from uuid import UUID

import pytest

from core.context import Work
from core.entities.read import Reader
from core.outside import http
from core.platform import Platform
from core.testkit.engines import Embedded
from core.testkit.fixtures import Api, type_work_as
from core.testkit.leaks.hearsay import Listener
from core.testkit.templates import Templates
from sdk import Reply
from sdk.context import id_of
from tests.plugins.imports import import_file
from tests.probe.fixtures import OURS

SECRET, STRANGER = "quokkasecret", "wombatsecret"
"""What stands in a field that is hidden, and the name of a record that is."""
TOLD_BY = ("automation", "import_export")
"""The plugins that keep what they have seen with somebody's eyes."""


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """Ours."""
    return OURS


@pytest.fixture
def database_templates(sqlite_templates: Templates) -> Templates:
    """Who sees what is decided before any database is asked, and that these agree is asked elsewhere."""
    return sqlite_templates


@dataclass
class House:
    """A tenant in which the administrator works, and one who may read every list, but for a field and some records."""

    boss: Api
    work: Work
    reader: Api
    account: UUID
    engine: Embedded

    def listener(self, api: Api) -> Listener:
        """Who reads what has been kept."""
        with self.work.transaction():
            return Listener(api, [self.work.shape(name) for name in self.work.entities() if name.partition(".")[0] in TOLD_BY])

    def works(self) -> None:
        """A rule that fails over a value, a webhook whose address says back what it got, exports, imports, a file that waits."""
        rule = {
            "name": "copies", "entity": "customers.account", "trigger": "automation.updated",
            "actions": [{"action": "automation.update_record", "parameters": {"values": {"parent": "{{ notes }}"}}}],
        }  # fmt: skip
        hook = {"name": "out", "entity": "customers.account", "url": "https://hooks.example/x", "events": ["customers.account.updated"]}
        self.post("automation/rules", rule)
        self.post("automation/webhooks", hook)
        self.engine.run_until_idle()
        self.work.records("customers.account").update(self.account, {"tier": "key", "notes": f"{SECRET} again"})
        self.post("import_export/exports", {"entity": "customers.account", "format": "csv", "fields": ["*"]})
        self.post("import_export/exports", {"entity": "customers.contact", "format": "xlsx"})
        import_file(self.work, "customers.account", f"name,notes,website\nBirch,{SECRET},no address {SECRET}\n")
        import_file(self.work, "customers.account", f"name,notes\nAlder,{SECRET} new\n", mode="upsert", match=("name",))
        import_file(self.work, "customers.contact", f"name,account,email\n{STRANGER},Alder,not {STRANGER}\n")
        staged = {"file": (io.BytesIO(f"name,notes\nCedar,{SECRET}\n".encode()), "staged.csv")}
        assert self.boss.call("POST", "/api/v1/import_export/files", data=staged).status_code == 201
        self.engine.run_until_idle()

    def post(self, place: str, body: object) -> None:
        """What the administrator asks for."""
        answer = self.boss.post(f"/api/v1/{place}", body)
        assert answer.status_code in (201, 202), answer.text


@pytest.fixture
def house(client: Api, work_as: type_work_as, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> House:
    """Everything is worked out."""
    monkeypatch.setattr(http, "call", lambda call, private: Reply(500, f"cannot take {call.body!r}"))
    system = work_as()
    boss = id_of(system.records("core.user").create({"name": "Boss", "email": "boss@acme.example", "roles": ["admin"]}))
    role = system.records("core.role").create({"key": "listener", "name": "Listener"})
    for name, grant in _granted(system).items():
        system.records("core.grant").create({"role": role["id"], "permission": f"{name}.read", **grant})
    reader = id_of(system.records("core.user").create({"name": "Reader", "email": "reader@acme.example", "roles": ["listener"]}))
    mine = work_as(boss)
    account = id_of(mine.records("customers.account").create({"name": "Alder", "notes": SECRET}))
    mine.records("customers.contact").create({"name": STRANGER, "account": account})
    made = House(client.as_user(boss), mine, client.as_user(reader), account, Embedded(platform))
    made.works()
    return made


def _granted(system: Work) -> dict[str, dict[str, object]]:
    """All records of all those plugins, and of accounts all but their notes; of contacts one's own."""
    with system.transaction():
        shapes = {name: system.shape(name) for name in system.entities() if name.partition(".")[0] in (*TOLD_BY, "customers")}
    scopes = {name: "all" if shape.entity.parent is None else "parent" for name, shape in shapes.items()}
    notes = {"only_fields": sorted(shapes["customers.account"].fields.keys() - {"notes"})}
    return {name: {"scope": scope} for name, scope in scopes.items()} | {
        "customers.account": {"scope": "all", **notes}, "customers.contact": {"scope": "own"},
    }  # fmt: skip


@pytest.mark.feature("B6")
def test_nobody_hears_by_what_others_worked_out_what_he_may_not_see(house: House) -> None:
    reader = house.listener(house.reader)
    assert reader.hears(SECRET, STRANGER) == []
    assert reader.finds(SECRET, STRANGER) == []


def test_who_worked_it_out_hears_it_and_so_does_everybody_without_the_veil(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the other test would pass for want of anything that could be told."""
    heard = " ".join(house.listener(house.boss).hears(SECRET, STRANGER))
    for place in ("automation/runs", "automation/steps", "automation/deliveries", "import_export/rows", "import_export/parts",
                  "import_export/files", "/failed", "/file", "/history", "/console/automation/webhooks/"):  # fmt: skip
        assert place in heard, place
    reader = house.listener(house.reader)
    monkeypatch.setattr(Reader, "veiled", lambda self: frozenset[str]())
    assert {"automation.run.error", "automation.delivery.response", "import_export.row.cells"} <= set(reader.finds(SECRET))
    assert any(place.endswith("/history") for place in reader.hears(SECRET))
    monkeypatch.setattr(Reader, "_veil", lambda self, rows: None)
    assert {"/api/v1/automation/runs?limit=500", "/api/v1/import_export/rows?limit=500"} <= set(reader.hears(SECRET))
