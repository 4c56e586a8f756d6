"""Rights that follow from a person's place: roles of teams, records of subordinates, and what a role is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.config import Config
from core.context import Work
from core.platform import Platform, boot
from core.testkit.fixtures import Api, Clock, People
from sdk import Channel, Conflict, Draft, Forbidden, Outcome, Query, parse_where
from sdk.context import id_of
from tests.probe.fixtures import POINTS

type_make = Callable[..., UUID]
type_work_as = Callable[..., Work]
THINGS = "/api/v1/probe/things"


def role_with(system: Work, key: str, *grants: tuple[str, str]) -> UUID:
    """A role with grants of (permission, scope)."""
    role = id_of(system.records("core.role").create({"key": key, "name": key}))
    for permission, scope in grants:
        system.records("core.grant").create({"role": str(role), "permission": permission, "scope": scope})
    return role


def seen(work: Work) -> int:
    return len(work.records("probe.thing").query(Query(limit=500)).data)


@pytest.mark.feature("B2")
def test_a_person_has_the_roles_of_his_team_and_of_those_above_it_as_long_as_he_is_in_it(
    client: Api, system: Work, people: People, make: type_make
) -> None:
    make("t")
    api, (team, other, _third) = client.as_user(people.rep), people.teams
    users, teams = system.records("core.user"), system.records("core.team")
    users.update(people.rep, {"roles": []})

    def status() -> int:
        return api.get(THINGS).status_code

    assert status() == 403
    teams.update(team, {"roles": ["read_only"]})
    assert (status(), len(api.get(THINGS).json["data"])) == (200, 1)
    users.update(people.rep, {"team": str(other)})
    assert status() == 403, "who leaves the team leaves its role, with the token that he has"
    (top,) = teams.find(parse_where(["name=Sales"]))
    teams.update(id_of(top), {"roles": ["read_only"]})
    assert status() == 200, "a team hands on what the one above it gives"
    teams.update(other, {"parent": None})
    assert status() == 403
    teams.update(other, {"roles": ["read_only"]})
    teams.delete(other)
    assert status() == 403, "a team in the recycle bin gives nothing"


@pytest.mark.feature("B3")
def test_who_has_subordinates_sees_their_records_whatever_their_teams(
    system: Work, people: People, make: type_make, work_as: type_work_as
) -> None:
    """Two levels above, one, and none: 30, 10 and 1; a person who moves takes his records along."""
    for rep in people.all_reps:
        make("x", owner=str(rep))
    role_with(system, "line", ("probe.thing.read", "subordinates"), ("probe.thing.update", "subordinates"))
    users = system.records("core.user")
    for id in (people.director, *people.managers, *people.all_reps):
        users.update(id, {"roles": ["line"], "team": None})
    assert [seen(work_as(id)) for id in (people.director, people.manager, people.rep)] == [9, 3, 1]
    users.update(people.reps[1][0], {"manager": str(people.rep)})
    assert [seen(work_as(id)) for id in (people.director, people.manager, people.managers[1], people.rep)] == [9, 4, 2, 2]
    users.update(people.manager, {"active": False})
    assert seen(work_as(people.director)) == 9, "who has left stays in the chain"
    theirs = id_of(work_as(people.rep).records("probe.thing").find(parse_where([f"owner={people.reps[1][0]}"]))[0])
    assert work_as(people.rep).records("probe.thing").update(theirs, {"size": 3})["size"] == 3


@pytest.mark.feature("B2")
def test_a_grant_of_no_records_takes_away_what_a_plugin_gives_the_role(system: Work, people: People, work_as: type_work_as) -> None:
    (role,) = system.records("core.role").find(parse_where(["key=sales_rep"]))
    grant = {"role": str(role["id"]), "permission": "probe.thing.read", "scope": "none"}
    stored = id_of(system.records("core.grant").create(grant))
    rep = work_as(people.rep)
    assert not rep.can("probe.thing.read")
    with pytest.raises(Forbidden):
        rep.records("probe.thing").query()
    system.records("core.user").update(people.rep, {"roles": ["sales_rep", "read_only"]})
    assert work_as(people.rep).can("probe.thing.read"), "what another role gives stays"
    system.records("core.grant").delete(stored)
    assert work_as(people.rep).can("probe.thing.update")


@pytest.mark.feature("B2")
def test_a_change_of_role_team_or_hierarchy_holds_at_the_next_request_of_every_process(
    platform: Platform, system: Work, people: People, make: type_make, database_url: str, tmp_path: Path, clock: Clock
) -> None:
    """Two installations of one database, as two server processes are; what one writes the other has compiled before."""
    thing = make("x", owner=str(people.reps[1][0]))
    other = boot(Config(tmp_path, database_url), clock=clock, entry_points=POINTS, check_schema=False)
    users, teams = system.records("core.user"), system.records("core.team")

    def counts() -> list[int]:
        return [seen(which.user(system.tenant.id, people.manager, Channel.API)) for which in (platform, other)]

    try:
        assert counts() == [0, 0]
        users.update(people.reps[1][0], {"team": str(people.teams[0])})
        assert counts() == [1, 1]
        teams.update(people.teams[0], {"manager": None})
        assert counts() == [0, 0]
        users.update(people.manager, {"roles": ["read_only"]})
        assert counts() == [1, 1]
        (role,) = system.records("core.role").find(parse_where(["key=read_only"]))
        system.records("core.grant").create({"role": str(role["id"]), "permission": "probe.thing.read", "scope": "subordinates"})
        assert counts() == [0, 0]
        users.update(people.reps[1][0], {"manager": str(people.manager)})
        assert counts() == [1, 1]
        users.update(people.reps[1][0], {"manager": None})
        assert counts() == [0, 0]
        lent = system.records("core.share").create({"record": f"probe.thing:{thing}", "user": str(people.manager)})
        assert counts() == [1, 1]
        system.records("core.share").delete(id_of(lent))
        assert counts() == [0, 0]
    finally:
        other.close()


# --- nobody gives what he has not, himself included ----------------------------------------------------------------------

MANAGES = [(f"core.{entity}.{verb}", "all") for entity in ("user", "role", "grant", "team") for verb in ("create", "update", "delete")]


@pytest.mark.feature("B2")
def test_a_role_that_may_do_more_than_the_giver_comes_by_no_team_either(system: Work, people: People, work_as: type_work_as) -> None:
    role_with(system, "hr", *MANAGES, ("probe.thing.read", "own"))
    users, teams = system.records("core.user"), system.records("core.team")
    users.update(people.rep, {"roles": ["hr"]})
    strong = id_of(teams.create({"name": "Strong", "roles": ["admin"]}))
    inactive = id_of(users.create({"name": "was admin", "roles": ["admin"], "active": False}))
    doors = {name: work_as(people.rep).records(f"core.{name}") for name in ("user", "team")}
    for attempt in (
        lambda: doors["team"].update(people.teams[0], {"roles": ["admin"]}),
        lambda: doors["team"].create({"name": "mine", "roles": ["sales_manager"]}),
        lambda: doors["team"].update(people.teams[0], {"parent": str(strong)}),
        lambda: doors["user"].update(people.rep, {"team": str(strong)}),
        lambda: doors["user"].create({"name": "puppet", "team": str(strong)}),
        lambda: doors["user"].update(inactive, {"active": True}),
    ):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.reason == "beyond_own"
    role_with(system, "less", ("probe.thing.read", "own"))
    assert doors["team"].update(people.teams[0], {"roles": ["less"]})["roles"] == ["less"]
    assert doors["user"].update(people.reps[1][0], {"team": str(people.teams[2])})["team"] == people.teams[2]


@pytest.mark.feature("B3")
@pytest.mark.parametrize("scope", ["team", "subordinates"])
def test_nobody_widens_his_own_view_by_moving_people(system: Work, people: People, work_as: type_work_as, scope: str) -> None:
    role_with(system, "hr", *MANAGES, ("probe.thing.read", scope))
    system.records("core.user").update(people.manager, {"roles": ["hr"]})
    (top,) = system.records("core.team").find(parse_where(["name=Sales"]))
    stranger, doors = people.reps[1][0], {name: work_as(people.manager).records(f"core.{name}") for name in ("user", "team")}
    attempts: dict[str, list[Callable[[], object]]] = {
        "team": [
            lambda: doors["user"].update(people.manager, {"team": str(id_of(top))}),
            lambda: doors["user"].update(stranger, {"team": str(people.teams[0])}),
            lambda: doors["team"].update(people.teams[1], {"manager": str(people.manager)}),
            lambda: doors["team"].update(people.teams[1], {"parent": str(people.teams[0])}),
        ],
        "subordinates": [
            lambda: doors["user"].update(stranger, {"manager": str(people.manager)}),
            lambda: doors["user"].update(stranger, {"manager": str(people.rep)}),
        ],
    }
    for attempt in attempts[scope]:
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.reason == "beyond_own"
    for harmless in attempts["subordinates" if scope == "team" else "team"]:
        harmless()
    assert doors["user"].create({"name": "new", "team": str(people.teams[0]), "manager": str(people.manager)})["team"] == people.teams[0]


@pytest.mark.feature("B2")
def test_what_narrows_a_plugins_role_is_not_got_rid_of_by_detours(system: Work, people: People, work_as: type_work_as) -> None:
    """By moving the grant elsewhere, by deleting its role, by another key, by bringing back a role whose holders are still there."""
    role_with(system, "hr", *MANAGES, ("core.grant.read", "all"), ("probe.thing.read", "own"))
    roles, grants = system.records("core.role"), system.records("core.grant")
    gone = role_with(system, "gone", ("probe.thing.delete", "all"))
    wide = role_with(system, "wide", ("probe.thing.delete", "all"))
    system.records("core.user").update(people.rep, {"roles": ["hr", "gone"]})
    roles.delete(gone)
    (seller,) = roles.find(parse_where(["key=sales_rep"]))
    narrow = id_of(grants.create({"role": str(seller["id"]), "permission": "probe.thing.delete", "scope": "none"}))
    work = work_as(people.rep)
    doors = {name: work.records(f"core.{name}") for name in ("role", "grant")}
    for attempt in (
        lambda: doors["grant"].update(narrow, {"permission": "probe.thing.read"}),
        lambda: doors["grant"].update(narrow, {"role": str(wide)}),
        lambda: doors["role"].delete(id_of(seller)),
        lambda: doors["role"].update(id_of(seller), {"key": "another"}),
        lambda: doors["role"].restore(gone),
        lambda: doors["role"].update(wide, {"key": "gone"}),
    ):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.reason == "beyond_own"


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
@pytest.mark.parametrize("why", ["last_administrator", "circle"])
def test_what_two_may_not_do_together_one_of_them_does_where_both_try_at_once(system: Work, platform: Platform, why: str) -> None:
    made = [id_of(system.records("core.user").create({"name": name, "roles": ["admin"]})) for name in ("one", "two")]
    entity, above, (one, two) = "core.user", "manager", made
    said: dict[UUID, dict[str, object]] = {one: {"active": False}, two: {"active": False}}
    if why == "circle":  # each would hang below what stands below the other
        entity, above, teams = "core.team", "parent", system.records("core.team")
        one, two = (id_of(teams.create({"name": name})) for name in ("one", "two"))
        below = [id_of(teams.create({"name": f"below {team}", "parent": team})) for team in (one, two)]
        said = {one: {"parent": below[1]}, two: {"parent": below[0]}}
    outcomes: list[Outcome] = []

    def also() -> None:
        outcomes.extend(platform.system(system.tenant.id).records(entity).write([Draft("update", said[two], two)]))

    waiting = sa.text("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND NOT granted")
    with system.transaction(write=True):
        system.records(entity).update(one, said[one])
        thread = threading.Thread(target=also)
        thread.start()
        while thread.is_alive() and not system.connection.execute(waiting).scalar_one():
            pass
        system.records(entity).create({"name": "three", above: two})  # whoever waits for us holds that one, and we need not wait in turn
    thread.join()
    (outcome,) = outcomes
    assert outcome.refusal is not None
    assert why in {outcome.refusal.reason, *(problem.code for problem in outcome.refusal.problems)}


def test_somebody_who_may_do_everything_stays(system: Work) -> None:
    users = system.records("core.user")
    role = system.records("core.role").create({"key": "owners", "name": "Owners", "everything": True})
    team = id_of(system.records("core.team").create({"name": "Owners", "roles": ["owners"]}))
    one, two = (id_of(users.create({"name": name, "roles": ["admin"]})) for name in ("one", "two"))
    users.update(one, {"active": False})
    for change in ({"active": False}, {"roles": []}, {"roles": ["read_only"]}):
        with pytest.raises(Conflict) as refused:
            users.update(two, change)
        assert refused.value.reason == "last_administrator"
    with pytest.raises(Conflict):
        users.delete(two)
    users.update(two, {"roles": ["owners"]})
    users.update(two, {"roles": [], "team": team})
    with pytest.raises(Conflict):
        users.update(two, {"team": None})
    above = id_of(system.records("core.team").create({"name": "Above"}))
    for entity, id, values in (
        ("core.team", team, {"roles": []}),
        ("core.team", team, {"roles": ["read_only"], "parent": str(above)}),
        ("core.role", id_of(role), {"everything": False}),
        ("core.role", id_of(role), {"key": "others"}),
    ):
        with pytest.raises(Conflict) as refused:
            system.records(entity).update(id, values)
        assert refused.value.reason == "last_administrator", (entity, values)
    for entity, id in (("core.team", team), ("core.role", id_of(role))):
        with pytest.raises(Conflict):
            system.records(entity).delete(id)
    system.records("core.team").write_all(
        [Draft("update", {"roles": ["owners"]}, above), Draft("update", {"roles": [], "parent": above}, team)]
    )
    users.update(one, {"active": True})
    outcomes = users.write([Draft("update", {"active": False}, one), Draft("delete", {}, two)])
    assert [outcome.refusal is None for outcome in outcomes] == [False, False]
    users.delete(two)
    assert system.records("core.role").get(id_of(role))["everything"]
