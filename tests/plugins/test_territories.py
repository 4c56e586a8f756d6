"""Accounts in territories, and who works there; contacts and deals are where their account is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.policy.explain import explain
from core.testkit.fixtures import Api, People
from sdk import Conflict, Forbidden, Invalid
from sdk.context import id_of

type_work_as = Callable[..., Work]


@pytest.fixture
def places(work: Work) -> dict[str, UUID]:
    """China with the north and the south, and Europe."""
    doors, made = work.records("core.territory"), dict[str, UUID]()
    for name, above in (("China", None), ("North", "China"), ("South", "China"), ("Europe", None)):
        made[name] = id_of(doors.create({"name": name, "parent": above}))
    return made


@pytest.fixture
def local(work: Work, people: People) -> UUID:
    """The first representative with rights over the territory, and in no team."""
    role = work.records("core.role").create({"key": "local", "name": "Local"})
    for permission in (
        "customers.account.read",
        "customers.account.update",
        "customers.account.create",
        "customers.contact.read",
        "pipeline.deal.read",
    ):
        work.records("core.grant").create({"role": role["id"], "permission": permission, "scope": "territory"})
    work.records("core.user").update(people.rep, {"roles": ["local"], "team": None})
    return people.rep


def names(work: Work, entity: str) -> list[object]:
    return sorted(str(row["name"]) for row in work.records(entity).find(()))


@pytest.mark.feature("B3")
def test_who_is_in_a_territory_sees_what_is_in_it_and_below_whoever_owns_it(
    client: Api, work: Work, places: dict[str, UUID], local: UUID, work_as: type_work_as
) -> None:
    accounts = {
        name: id_of(work.records("customers.account").create({"name": f"{name} Ltd", "territory": str(id)})) for name, id in places.items()
    }
    accounts["nowhere"] = id_of(work.records("customers.account").create({"name": "nowhere Ltd"}))
    mine = id_of(work.records("customers.account").create({"name": "mine Ltd", "owner": str(local)}))
    for name, account in accounts.items():
        work.records("customers.contact").create({"name": name, "account": str(account)})
    assert names(work_as(local), "customers.account") == ["mine Ltd"]
    members = work.records("core.territory_member")
    north = id_of(members.create({"territory": "North", "user": str(local)}))
    api = client.as_user(local)
    assert names(work_as(local), "customers.account") == ["North Ltd", "mine Ltd"]
    assert [row["name"] for row in api.get("/api/v1/customers/contacts").json["data"]] == ["North"]
    assert api.get(f"/api/v1/customers/accounts/{accounts['South']}").status_code == 404
    members.update(north, {"territory": str(places["China"])})
    assert names(work_as(local), "customers.contact") == ["China", "North", "South"]
    work.records("core.territory").update(places["South"], {"parent": "Europe"})
    assert names(work_as(local), "customers.account") == ["China Ltd", "North Ltd", "mine Ltd"]
    found: Any = explain(work_as(local), "customers.account.read", accounts["North"]).rule
    assert (found.scope, found.role) == ("territory", "local")
    work.records("core.territory").delete(places["China"])
    assert names(work_as(local), "customers.account") == ["mine Ltd"]
    assert id_of(work_as(local).records("customers.account").get(mine)) == mine


@pytest.mark.feature("B3")
def test_nothing_is_written_beyond_the_territory_nor_moved_out_of_it(
    work: Work, places: dict[str, UUID], local: UUID, work_as: type_work_as
) -> None:
    work.records("core.territory_member").create({"territory": "China", "user": str(local)})
    doors, boss = work_as(local).records("customers.account"), str(id_of(work.records("core.user").create({"name": "Boss"})))
    made = id_of(doors.create({"name": "A Ltd", "territory": "North", "owner": boss}))
    assert doors.update(made, {"territory": "South"})["territory"] == places["South"]
    for attempt in (
        lambda: doors.update(made, {"territory": "Europe"}),
        lambda: doors.update(made, {"territory": None}),
        lambda: doors.create({"name": "B Ltd", "territory": "Europe", "owner": boss}),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert doors.create({"name": "C Ltd", "territory": "Europe"})["owner"] == local, "one's own may be anywhere"


@pytest.mark.feature("B3")
def test_nobody_enters_a_territory_by_himself_and_a_scope_needs_one(
    work: Work, places: dict[str, UUID], local: UUID, work_as: type_work_as
) -> None:
    role = work.records("core.role").create({"key": "hr", "name": "HR"})
    for entity in ("territory", "territory_member"):
        for verb in ("create", "update"):
            work.records("core.grant").create({"role": role["id"], "permission": f"core.{entity}.{verb}", "scope": "all"})
    work.records("core.territory_member").create({"territory": "China", "user": str(local)})
    work.records("core.user").update(local, {"roles": ["local", "hr"]})
    doors = {name: work_as(local).records(f"core.{name}") for name in ("territory", "territory_member")}
    for attempt in (
        lambda: doors["territory_member"].create({"territory": "Europe", "user": str(local)}),
        lambda: doors["territory"].update(places["Europe"], {"parent": "China"}),
    ):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.reason == "beyond_own"
    assert doors["territory"].create({"name": "West", "parent": "China"})["parent"] == places["China"]
    with pytest.raises(Invalid):
        work.records("core.grant").create({"role": role["id"], "permission": "orders.order.read", "scope": "territory"})


@pytest.mark.feature("B4")
def test_who_has_a_share_to_write_takes_nothing_into_his_territory_by_it(
    work: Work, people: People, places: dict[str, UUID], work_as: type_work_as
) -> None:
    role = work.records("core.role").create({"key": "near", "name": "Near"})
    for verb, scope in (("read", "territory"), ("update", "own")):
        work.records("core.grant").create({"role": role["id"], "permission": f"customers.account.{verb}", "scope": scope})
    work.records("core.user").update(people.rep, {"roles": ["near"], "team": None})
    work.records("core.territory_member").create({"territory": "China", "user": str(people.rep)})
    far = id_of(work.records("customers.account").create({"name": "Far Ltd", "territory": "Europe", "owner": str(people.managers[1])}))
    work.records("core.share").create({"record": f"customers.account:{far}", "user": str(people.rep), "access": "write"})
    doors = work_as(people.rep).records("customers.account")
    assert doors.update(far, {"city": "Bonn"})["city"] == "Bonn"
    with pytest.raises(Forbidden):
        doors.update(far, {"territory": "North"})


@pytest.mark.feature("B4")
def test_the_scope_of_shared_records_makes_none(work: Work, people: People, work_as: type_work_as) -> None:
    role = work.records("core.role").create({"key": "guest", "name": "Guest"})
    for verb in ("create", "read"):
        work.records("core.grant").create({"role": role["id"], "permission": f"catalog.product.{verb}", "scope": "shared"})
    work.records("core.user").update(people.rep, {"roles": ["guest"]})
    with pytest.raises(Forbidden):
        work_as(people.rep).records("catalog.product").create({"name": "Cup"})


@pytest.mark.feature("B2")
def test_nobody_brings_back_his_own_territory(work: Work, people: People, places: dict[str, UUID], work_as: type_work_as) -> None:
    role = work.records("core.role").create({"key": "hr", "name": "HR"})
    for verb in ("update", "delete"):
        work.records("core.grant").create({"role": role["id"], "permission": f"core.territory.{verb}", "scope": "all"})
    work.records("core.user").update(people.rep, {"roles": ["hr"]})
    work.records("core.territory_member").create({"territory": "Europe", "user": str(people.rep)})
    work.records("core.territory").delete(places["Europe"])
    with pytest.raises(Conflict):
        work_as(people.rep).records("core.territory").restore(places["Europe"])


@pytest.mark.feature("B4")
def test_who_has_a_share_of_a_task_lets_nobody_else_help_with_it(work: Work, people: People, work_as: type_work_as) -> None:
    boss, guest = people.managers[1], people.rep
    task = id_of(work.records("teamwork.task").create({"subject": "Call", "owner": str(boss)}))
    work.records("core.share").create({"record": f"teamwork.task:{task}", "user": str(guest), "access": "write"})
    doors = work_as(guest).records("teamwork.task")
    assert doors.update(task, {"notes": "called"})["notes"] == "called"
    with pytest.raises(Forbidden):
        doors.update(task, {"helpers": [str(guest)]})


@pytest.mark.feature("B8")
def test_a_right_that_goes_as_far_as_its_verb_is_taken_or_given_and_not_narrowed(work: Work) -> None:
    role = work.records("core.role").create({"key": "clerk", "name": "Clerk"})
    for word in ("export", "bulk_edit"):
        wish = {"role": role["id"], "permission": f"customers.account.{word}"}
        with pytest.raises(Invalid):
            work.records("core.grant").create({**wish, "scope": "own"})
        assert work.records("core.grant").create({**wish, "scope": "none"})["scope"] == "none"
