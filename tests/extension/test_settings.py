"""Settings per plugin and tenant; a secret among them comes out of nothing but the plugin's own context."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core import secrets
from core.app import create_app
from core.config import Config
from core.context import Work
from core.events.tables import audit, outbox
from core.extension.discover import State
from core.identity import tokens
from core.platform import Platform
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.tenancy.tables import plugin_settings
from core.testkit.fixtures import Api
from sdk import NotFound
from tests.extension.conftest import Installation
from tests.packages import Packages

type_install = Callable[..., Installation]
BODY = """
from marshmallow import Schema, fields, validate

class Robot(Schema):
    channel = fields.String(load_default="sales", validate=validate.Length(1, 20), metadata={"label": _("Channel")})
    language = fields.String(load_default="en", validate=validate.OneOf(["en", "zh_CN"]), metadata={"label": _("Language")})
    most = fields.Integer(strict=True, load_default=5, validate=validate.Range(1, 9), metadata={"label": _("Most")})
    key = Secret(label=_("Key"))

@hookimpl
def register_settings():
    return (Settings(Robot),)
"""
ADDRESS = "/api/v1/core/plugins/robot/settings"
KEY = "kx-5f1e-very-secret"


@pytest.fixture
def robot(install: type_install, packages: Packages) -> Installation:
    """The probe beside a plugin with settings and a secret."""
    return install(packages.plugin("robot", BODY))


def entered(platform: Platform, name: str) -> tuple[Work, Api]:
    """A new tenant: its system, and its administrator at the API."""
    tenant = lifecycle.create(platform, NewTenant(name, shown=True))
    work = platform.system(tenant.id)
    admin = lifecycle.add_person(work, "Admin", f"admin@{name}.example", ["admin"], None)
    return work, Api(platform, create_app(platform).test_client(), tokens.issue(work, admin, "test")[1], tenant)


def schema(robot: Installation) -> type:
    return robot.platform.catalog.settings["robot"].schema


@pytest.mark.feature("P32")
def test_what_one_tenant_sets_holds_at_once_and_for_that_tenant_alone(robot: Installation) -> None:
    work, acme = entered(robot.platform, "acme")
    other, _api = entered(robot.platform, "other")
    assert acme.get(ADDRESS).json["settings"] == {"channel": "sales", "language": "en", "most": 5}
    changed = acme.patch(ADDRESS, {"channel": "华东", "most": 7})
    assert (changed.status_code, changed.json["settings"]) == (200, {"channel": "华东", "language": "en", "most": 7})
    ours = robot.platform.system(work.tenant.id).settings(schema(robot))
    assert (ours["channel"], ours["most"], ours["key"]) == ("华东", 7, "")
    assert other.settings(schema(robot))["channel"] == "sales"
    back = acme.patch(ADDRESS, {"channel": None}).json
    assert back["settings"]["channel"] == "sales"
    assert [row["set"] for row in back["form"]] == [False, False, True, False]
    assert [row["options"] for row in back["form"]] == [[], ["en", "zh_CN"], [], []]


@pytest.mark.feature("P32")
def test_a_secret_is_read_by_its_plugin_and_is_in_no_answer_log_audit_event_or_copy_of_the_database(
    robot: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    work, acme = entered(robot.platform, "acme")
    with caplog.at_level(logging.DEBUG):
        answers = [acme.patch(ADDRESS, {"key": KEY}), acme.patch(ADDRESS, {"key": KEY, "most": 99})]
        answers += [
            acme.get(path)
            for path in (
                ADDRESS,
                "/api/v1/core/settings",
                "/api/v1/core/plugins",
                "/api/v1/meta",
                "/api/v1/openapi.json",
                "/api/v1/core/jobs",
            )
        ]
    assert [answer.status_code for answer in answers] == [200, 422, 200, 200, 200, 200, 200, 200]
    assert answers[3].json == {"data": [answers[2].json]}, "those of all plugins that have some"
    assert answers[2].json["form"][3] == {
        "name": "key",
        "label": "Key",
        "type": "secret",
        "secret": True,
        "set": True,
        "of": None,
        "options": [],
    }
    assert "key" not in answers[2].json["settings"]
    assert robot.platform.system(work.tenant.id).settings(schema(robot))["key"] == KEY
    with work.transaction():
        kept = [repr(tuple(row)) for table in (plugin_settings, audit, outbox) for row in work.connection.execute(sa.select(table))]
        told = work.connection.execute(sa.select(audit.c.changes).where(audit.c.entity == "core.plugin")).scalars().all()
    assert told == [{"robot.key": [None, "•••"]}]
    for text in [answer.text for answer in answers] + [caplog.text, *kept]:
        assert KEY not in text


def test_a_sealed_secret_cannot_be_read_in_another_place(robot: Installation) -> None:
    work, acme = entered(robot.platform, "acme")
    other, _api = entered(robot.platform, "other")
    assert acme.patch(ADDRESS, {"key": KEY}).status_code == 200
    with work.transaction():
        row = work.connection.execute(sa.select(plugin_settings)).one()
    with other.transaction(write=True):
        other.connection.execute(plugin_settings.insert().values(tenant_id=other.tenant.id, plugin="robot", name="key", sealed=row.sealed))
    with pytest.raises(secrets.Unreadable):
        other.settings(schema(robot))


def test_a_refused_change_changes_nothing(robot: Installation) -> None:
    _work, acme = entered(robot.platform, "acme")
    wrong = acme.patch(ADDRESS, {"channel": "ok", "most": "7", "speed": 1, "key": ""})
    assert (wrong.status_code, [one["field"] for one in wrong.json["errors"]]) == (422, ["most", "key", "speed"])
    assert acme.patch("/api/v1/core/tenant", {"locale": "zh_CN"}).status_code == 200
    wrong = acme.patch(ADDRESS, {"channel": "x" * 21, "most": 10})
    assert [one["message"] for one in wrong.json["errors"]] == ["长度应为 1 到 20", "应在 1 到 9 之间"]
    assert acme.get(ADDRESS).json["settings"]["channel"] == "sales"
    assert acme.get("/api/v1/core/plugins/nobody/settings").status_code == 404
    assert acme.get("/api/v1/core/plugins/probe/settings").json == {"plugin": "probe", "settings": {}, "form": []}
    assert acme.patch("/api/v1/core/plugins/probe/settings", {"x": 1}).status_code == 422


def test_settings_are_for_who_may_change_plugins(robot: Installation) -> None:
    work, acme = entered(robot.platform, "acme")
    rep = lifecycle.add_person(work, "Rep", "rep@acme.example", ["sales_rep"], None)
    for answer in (acme.as_user(rep).get(ADDRESS), acme.as_user(rep).patch(ADDRESS, {"most": 2})):
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_what_a_later_version_no_longer_takes_gives_way_to_the_default_and_the_log_says_so(
    robot: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    work, acme = entered(robot.platform, "acme")
    with work.transaction(write=True):
        for name, value in (("most", 40), ("channel", "north"), ("gone", 1)):
            work.connection.execute(plugin_settings.insert().values(tenant_id=work.tenant.id, plugin="robot", name=name, value=[value]))
    assert acme.get(ADDRESS).json["settings"] == {"channel": "north", "language": "en", "most": 5}
    assert "'most'" in caplog.text
    assert acme.patch(ADDRESS, {"language": "zh_CN"}).json["settings"] == {"channel": "north", "language": "zh_CN", "most": 5}


def test_the_settings_of_a_plugin_that_is_off_are_set_and_not_read(robot: Installation) -> None:
    work, acme = entered(robot.platform, "acme")
    acme.patch("/api/v1/core/plugins/robot", {"enabled": False})
    assert acme.patch(ADDRESS, {"most": 3}).status_code == 200
    with pytest.raises(NotFound):
        robot.platform.system(work.tenant.id).settings(schema(robot))
    acme.patch("/api/v1/core/plugins/robot", {"enabled": True})
    assert robot.platform.system(work.tenant.id).settings(schema(robot))["most"] == 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (BODY.replace("load_default=5, ", ""), "no load_default"),
        (BODY.replace(', metadata={"label": _("Most")}', ""), "no label"),
        (BODY.replace("(Settings(Robot),)", "(Settings(Robot), Settings(Robot))"), "two settings schemas"),
    ],
)
def test_a_schema_that_cannot_serve_takes_its_plugin_out_of_force(
    install: type_install, packages: Packages, body: str, reason: str
) -> None:
    installed = install(packages.plugin("robot", body), check_schema=False)
    assert installed.found("robot").state is State.FAILED
    assert reason in installed.found("robot").reason


def test_a_secret_does_not_survive_another_master_key(robot: Installation) -> None:
    work, acme = entered(robot.platform, "acme")
    acme.patch(ADDRESS, {"key": KEY})
    robot.platform.config = Config(robot.platform.config.home, robot.platform.config.database_url, secret_key="another")
    with pytest.raises(secrets.Unreadable, match="enter the secret again"):
        robot.platform.system(work.tenant.id).settings(schema(robot))
    assert acme.patch(ADDRESS, {"key": "new"}).status_code == 200
    assert robot.platform.system(work.tenant.id).settings(schema(robot))["key"] == "new"
