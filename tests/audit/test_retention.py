"""The audit is kept for as long as the company itself has said, whoever writes in the database or at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.audit import chain, days, entries, retention
from core.context import Work
from core.events import upkeep
from core.events.tables import audit
from core.platform import Platform
from core.tenancy.tables import tenants
from core.testkit.fixtures import Api, Clock, type_work_as

ROOT = "/api/v1/core/tenant"
type_set_days = Callable[[int], None]


@pytest.fixture
def work(work_as: type_work_as) -> Work:
    """The system of a tenant in which something has been made and sealed."""
    found = work_as()
    found.records("probe.thing").create({"name": "one"})
    chain.seal(found, settled=timedelta())
    return found


@pytest.fixture
def set_days(platform: Platform, work: Work) -> type_set_days:
    """What somebody sets in the database itself."""

    def run(count: int) -> None:
        with platform.database.begin(write=True, tenant=None) as connection:
            connection.execute(tenants.update().where(tenants.c.id == work.tenant.id).values(audit_days=count))

    return run


def told(work: Work) -> list[Any]:
    with work.transaction():
        return list(work.connection.execute(sa.select(audit).where(audit.c.tenant_id == work.tenant.id).order_by(audit.c.id)))


def broken(work: Work) -> str:
    found = chain.verify(work).broken
    return "" if found is None else found.what


@pytest.mark.feature("B11")
def test_who_keeps_it_for_longer_while_it_is_being_dropped_is_obeyed_and_accused_of_nothing(
    work: Work, client: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.patch(ROOT, {"audit_days": 30})
    chain.seal(work, settled=timedelta())
    clock.move(days=31)
    begun, part = len(told(work)), retention._drop_part

    def meanwhile(*args: Any) -> int | None:
        assert client.patch(ROOT, {"audit_days": 36_500}).status_code == 200
        return part(*args)

    monkeypatch.setattr(retention, "_drop_part", meanwhile)
    upkeep.forget_finished(work)
    assert (len(told(work)), broken(work)) == (begun + 1, "")
    locks = list[str]()
    monkeypatch.setattr(Work, "lock", lambda self, name: locks.append(name))
    client.patch(ROOT, {"audit_days": 30})
    assert locks == [chain.LOCK], "neither is anything dropped or proven while the row says the one and the audit the other"


@pytest.mark.feature("B11")
def test_the_days_are_set_again_by_the_value_that_stands_there(work: Work, client: Api, set_days: type_set_days) -> None:
    client.patch(ROOT, {"audit_days": 60})
    before = len(told(work))
    client.patch(ROOT, {"audit_days": 60})
    assert (len(told(work)), broken(work)) == (before, "")
    set_days(30)
    assert (broken(work), client.get(ROOT).json["audit_days"]) == ("days_edited", 60), "what is shown is what the company has said"
    client.patch(ROOT, {"audit_days": 30})
    assert (broken(work), told(work)[-1].changes) == ("", {"audit_days": [60, 30]})
    set_days(40)
    client.patch(ROOT, {"audit_days": 30})
    assert (broken(work), told(work)[-1].changes) == ("", {"audit_days": [40, 30]})


@pytest.mark.feature("B11")
def test_what_was_said_once_is_found_behind_whatever_else_was_told_since(
    work: Work, client: Api, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.patch(ROOT, {"audit_days": 730})
    with work.transaction(write=True):
        for _night in range(501):
            entries.note(work, "core.tenant", work.tenant.id, "export", {"records": [None, 1]})
    assert broken(work) == ""
    monkeypatch.setattr(days, "_PART", 1)
    with work.transaction(write=True):
        for count in (30, 31, 32):
            entries.note(work, "core.tenant", work.tenant.id, "update", {"audit_days": [730, count]})
    with platform.database.begin(write=True, tenant=work.tenant.id) as connection:
        connection.execute(audit.update().where(audit.c.id.in_([row.id for row in told(work)[-3:]])).values(actor="nobody"))
    with work.transaction():
        assert days.said(work).days == 730, "and behind what somebody has invented"


@pytest.mark.feature("B11")
@pytest.mark.parametrize("way", ["deleted", "edited"])
def test_who_takes_away_what_the_company_has_said_last_has_nothing_dropped(
    work: Work, client: Api, platform: Platform, clock: Clock, set_days: type_set_days, way: str
) -> None:
    for count in (30, 36_500):
        client.patch(ROOT, {"audit_days": count})
        chain.seal(work, settled=timedelta())
    newest = audit.c.id == told(work)[-1].id
    statement = audit.delete().where(newest) if way == "deleted" else audit.update().where(newest).values(actor="x")
    with platform.database.begin(write=True, tenant=work.tenant.id) as connection:
        connection.execute(statement)
    set_days(30)
    clock.move(days=40)
    left = len(told(work))
    upkeep.forget_finished(work)
    assert (len(told(work)), broken(work)) == (left, way)


@pytest.mark.feature("B11")
def test_what_does_not_hold_is_not_dropped_and_vouched_for(
    work: Work, client: Api, platform: Platform, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    victim: UUID = told(work)[0].id
    with platform.database.begin(write=True, tenant=work.tenant.id) as connection:
        connection.execute(audit.delete().where(audit.c.id == victim))
    clock.move(days=40)
    client.patch(ROOT, {"audit_days": 30})
    chain.seal(work, settled=timedelta())
    left = len(told(work))
    upkeep.forget_finished(work)
    assert (len(told(work)), broken(work)) == (left, "deleted")
    assert "does not hold" in caplog.text
