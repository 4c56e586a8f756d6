"""Rights beyond the four verbs: export, import, bulk edit, reassign; who tries without is in the audit."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.tables import audit
from core.policy.explain import explain
from core.testkit.fixtures import Api, People
from sdk import Conflict, Draft, Forbidden, parse_where
from sdk.context import id_of

ACCOUNTS, IMPORTS = "/api/v1/customers/accounts", "/api/v1/import_export/imports"
type_work_as = Callable[..., Work]


def take_away(work: Work, role: str, *words: str) -> None:
    (found,) = work.records("core.role").find(parse_where([f"key={role}"]))
    for word in words:
        grant = {"role": found["id"], "permission": f"customers.account.{word}", "scope": "none"}
        work.records("core.grant").create(grant)


@pytest.mark.feature("B8")
def test_a_special_right_that_another_role_gives_or_that_is_granted_alone_holds(
    work: Work, people: People, accounts: list[UUID], work_as: type_work_as
) -> None:
    words = ("bulk_edit", "reassign", "import", "export")
    (rep, manager), other = (people.rep, people.manager), str(people.reps[0][1])

    def able(user: UUID) -> list[str]:
        return [word for word in words if work_as(user).can(f"customers.account.{word}")]

    assert able(manager) == list(words)
    take_away(work, "sales_manager", "reassign", "export")
    assert able(manager) == ["bulk_edit", "import"]
    work.records("core.user").update(manager, {"roles": ["sales_manager", "sales_rep"]})
    assert able(manager) == list(words), "the other role has them with its verbs"
    doors = work_as(manager).records("customers.account")
    doors.update(accounts[0], {"owner": other})
    with pytest.raises(Forbidden):  # as far as that one's update goes: own
        doors.update(accounts[0], {"owner": str(manager)})
    take_away(work, "sales_rep", *words)
    assert able(rep) == []
    narrow = work_as(rep).within(["customers.account.read"])
    assert not narrow.can("customers.account.export")
    role = id_of(work.records("core.role").create({"key": "exporter", "name": "Exporter"}))
    work.records("core.grant").create({"role": str(role), "permission": "customers.account.export", "scope": "all"})
    work.records("core.user").update(rep, {"roles": ["sales_rep", "exporter"]})
    assert able(rep) == ["export"]
    answers: list[Any] = [explain(work_as(rep), f"customers.account.{word}") for word in ("export", "import")]
    assert [(one.allowed, one.rule and one.rule.role) for one in answers] == [(True, "exporter"), (False, None)]


@pytest.mark.feature("B8")
def test_nobody_gives_back_a_special_right_that_he_has_not(work: Work, people: People, work_as: type_work_as) -> None:
    take_away(work, "sales_manager", "export")
    role = id_of(work.records("core.role").create({"key": "hr", "name": "HR"}))
    for permission in ("core.grant.create", "core.grant.update", "core.grant.delete", "core.grant.read"):
        work.records("core.grant").create({"role": str(role), "permission": permission, "scope": "all"})
    work.records("core.user").update(people.manager, {"roles": ["sales_manager", "hr"]})
    (taken,) = work.records("core.grant").find(parse_where(["permission=customers.account.export"]))
    doors = work_as(people.manager).records("core.grant")
    for attempt in (
        lambda: doors.delete(id_of(taken)),
        lambda: doors.update(id_of(taken), {"scope": "all"}),
        lambda: doors.create({"role": str(role), "permission": "customers.account.export", "scope": "all"}),
        lambda: doors.create({"role": str(role), "permission": "customers.account.read", "scope": "own"}),
    ):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.reason == "beyond_own"
    doors.create({"role": str(role), "permission": "customers.account.export", "scope": "none"})
    doors.create({"role": str(role), "permission": "customers.account.read", "scope": "own"})
    assert doors.create({"role": str(role), "permission": "customers.account.import", "scope": "team"})["scope"] == "team"


def attempts(work: Work) -> list[tuple[object, ...]]:
    """Who tried what on which record, oldest first."""
    with work.transaction():
        rows = work.connection.execute(
            sa.select(audit.c.actor_id, audit.c.channel, audit.c.entity, audit.c.record_id, audit.c.changes)
            .where(audit.c.tenant_id == work.tenant.id, audit.c.action == "refused")
            .order_by(audit.c.id)
        )
        return [tuple(row) for row in rows]


@pytest.fixture
def accounts(work: Work, people: People) -> list[UUID]:
    """Two accounts of the manager."""
    drafts = [Draft("create", {"name": name, "owner": str(people.manager)}) for name in ("A", "B")]
    return [outcome.id for outcome in work.records("customers.account").write(drafts) if outcome.id is not None]


@pytest.mark.feature("B8")
def test_who_has_a_verb_has_its_special_rights_until_they_are_taken_away_and_attempts_are_in_the_audit(
    client: Api, work: Work, people: People, accounts: list[UUID]
) -> None:
    """The refused request leaves nothing but its line in the audit, which no reader of the record's history sees."""
    manager, (first, second), other = client.as_user(people.manager), accounts, str(people.reps[0][1])
    items = [{"op": "update", "id": str(id), "values": {"tier": "key"}} for id in accounts]
    made = {"op": "create", "values": {"name": "C", "owner": other}}

    def tried(owner: UUID) -> list[int]:
        form = {"entity": "customers.account", "file": (io.BytesIO(b"name\nD\n"), "rows.csv")}
        return [
            manager.post(f"{ACCOUNTS}/batch", {"items": [*items, made]}).status_code,
            manager.patch(f"{ACCOUNTS}/{first}", {"owner": str(owner)}).status_code,
            manager.call("POST", IMPORTS, data=form, content_type="multipart/form-data").status_code,
            manager.get("/api/v1/reports/reports/customers.by_class", {"format": "pdf"}).status_code,
        ]

    assert tried(people.rep) == [200, 200, 202, 200]
    before = {row["id"]: row for row in manager.get(ACCOUNTS).json["data"]}
    take_away(work, "sales_manager", "bulk_edit", "reassign", "import", "export")
    manager.patch(f"{ACCOUNTS}/{second}", {"tier": "normal"})
    assert attempts(work) == []
    assert tried(people.manager) == [403, 403, 403, 403]
    words = {"bulk_edit": UUID(int=0), "reassign": first, "import": UUID(int=0), "export": UUID(int=0)}
    after = {row["id"]: row for row in manager.get(ACCOUNTS).json["data"]}
    assert after.keys() == before.keys()
    assert attempts(work) == [
        (people.manager, "api", "customers.account", record, {"permission": [None, f"customers.account.{word}"]})
        for word, record in words.items()
    ]
    assert "refused" not in {entry["action"] for entry in manager.get(f"{ACCOUNTS}/{first}/history").json["data"]}
    assert manager.post(f"{ACCOUNTS}/batch", {"items": [items[0], {"op": "create", "values": {"name": "Elm Ltd"}}]}).status_code == 200, (
        "one change is no bulk, nor are new records"
    )
    assert manager.patch(f"{ACCOUNTS}/{second}", {"owner": str(people.manager), "tier": "key"}).status_code == 200, "nor is who stays owner"


@pytest.mark.feature("B8")
def test_whoever_knocks_at_a_door_of_the_administration_is_in_the_audit(client: Api, work: Work, people: People) -> None:
    """To see the audit is a right as others are; a route's own permission is asked before what was sent is looked at."""
    rep = client.as_user(people.rep)
    refused = (
        ("GET", "/api/v1/core/audit", "core.audit.read"),
        ("POST", "/api/v1/core/audit/proofs", "core.audit.read"),
        ("GET", "/api/v1/core/rights", "core.grant.read"),
        ("PATCH", "/api/v1/core/tenant", "core.tenant.update"),
        ("POST", f"/api/v1/core/users/{people.manager}/departures", "core.user.leave"),
        ("POST", "/api/v1/core/roles", "core.role.create"),
    )
    for method, address, _permission in refused:
        answer = rep.call(method, address, json={"no_such_field": 1} if method != "GET" else None)
        assert answer.status_code == 403, (address, answer.text)
    ask = {"user": str(people.manager), "action": "customers.account.read"}
    assert rep.get("/api/v1/core/explanations", ask).status_code == 403
    tried = list(dict.fromkeys([*(permission for _method, _address, permission in refused), "core.explanation.read"]))  # once each: 0059
    assert [(who, entry["permission"]) for who, _channel, _entity, _record, entry in attempts(work)] == [
        (people.rep, [None, permission]) for permission in tried
    ]
