"""Single records that a person may read or write beyond what his roles reach, until the share ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from core.context import Work
from core.policy.explain import explain
from core.testkit.fixtures import Api, Clock, People
from sdk import Conflict, Draft, Forbidden, Invalid, NotFound, Query, Refusal, parse_where
from sdk.context import id_of

type_make = Callable[..., UUID]
type_work_as = Callable[..., Work]
THINGS, SHARES = "/api/v1/probe/things", "/api/v1/core/shares"


def share(work: Work, thing: UUID, user: UUID, access: str = "read", **more: object) -> UUID:
    values = {"record": f"probe.thing:{thing}", "user": str(user), "access": access, **more}
    return id_of(work.records("core.share").create(values))


@pytest.mark.feature("B4")
def test_what_is_shared_for_seven_days_is_a_404_on_the_eighth(client: Api, people: People, make: type_make, clock: Clock) -> None:
    rep, other = people.rep, people.reps[1][0]
    thing, unshared = make("shared", owner=str(rep), size=3), make("unshared", owner=str(rep))
    giver, taker = client.as_user(rep), client.as_user(other)
    assert taker.get(f"{THINGS}/{thing}").status_code == 404
    ends = (clock() + timedelta(days=7)).isoformat()
    made = giver.post(
        SHARES, {"record": {"entity": "probe.thing", "id": str(thing)}, "user": str(other), "access": "read", "expires_at": ends}
    )
    assert made.status_code == 201, made.text
    clock.move(days=6, hours=23)
    assert taker.get(f"{THINGS}/{thing}").json["name"] == "shared"
    assert [row["id"] for row in taker.get(THINGS, {"count": "true", "q": "shared"}).json["data"]] == [str(thing)]
    assert taker.get(f"{THINGS}/{unshared}").status_code == 404
    assert taker.get(f"{THINGS}/{thing}/history").status_code == 200
    assert taker.patch(f"{THINGS}/{thing}", {"size": 4}).status_code == 403
    assert taker.delete(f"{THINGS}/{thing}").status_code == 403
    assert [row["user"] for row in taker.get(SHARES).json["data"]] == [str(other)], "one sees with whom it is shared"
    clock.move(hours=1)
    for path in ("", "/history", "/timeline"):
        assert taker.get(f"{THINGS}/{thing}{path}").status_code == 404
    assert (taker.get(THINGS).json["data"], taker.get(SHARES).json["data"]) == ([], [])
    assert giver.patch(f"{SHARES}/{made.json['id']}", {"expires_at": (clock() + timedelta(days=1)).isoformat()}).status_code == 200
    assert taker.get(f"{THINGS}/{thing}").status_code == 200, "prolonged by who shared it"
    assert giver.delete(f"{SHARES}/{made.json['id']}").status_code == 204
    assert taker.get(f"{THINGS}/{thing}").status_code == 404


@pytest.mark.feature("B4")
def test_a_share_to_write_lets_one_change_the_record_and_its_parts_but_not_delete_or_give_it_away(
    system: Work, people: People, make: type_make, work_as: type_work_as
) -> None:
    rep, other = people.rep, people.reps[1][0]
    thing = make("shared", owner=str(rep), size=1)
    part = id_of(system.records("probe.part").create({"thing": str(thing), "name": "p"}))
    share(work_as(rep), thing, other, "write")
    things, parts = work_as(other).records("probe.thing"), work_as(other).records("probe.part")
    assert things.update(thing, {"size": 2, "owner": str(rep)})["size"] == 2, "an owner who stays is no matter"
    assert parts.update(part, {"amount": 5})["amount"] == 5
    parts.create({"thing": str(thing), "name": "another"})
    assert things.aggregate(["count", "sum:size"]) == [{"count": 1, "sum:size": 2}]
    for attempt in (
        lambda: things.delete(thing),
        lambda: things.update(thing, {"owner": str(other)}),
        lambda: things.update(thing, {"owner": str(people.reps[1][1])}),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert system.records("probe.thing").get(thing)["owner"] == rep
    grants = {"mover": (("update", "all", None), ("reassign", "own", None)), "sizer": (("update", "all", ["size"]),)}
    for key, given in grants.items():
        role = str(id_of(system.records("core.role").create({"key": key, "name": key})))
        for word, scope, fields in given:
            grant = {"role": role, "permission": f"probe.thing.{word}", "scope": scope, "only_fields": fields}
            system.records("core.grant").create(grant)
    system.records("core.user").update(other, {"roles": ["sales_rep", "mover"]})
    assert explain(work_as(other), "probe.thing.update", thing, "owner").reason == "no_reassign"
    with pytest.raises(Forbidden):  # to change it comes from a role, to give it away from the share alone
        work_as(other).records("probe.thing").update(thing, {"owner": str(other)})
    system.records("core.user").update(other, {"roles": ["sales_rep", "sizer"]})
    with pytest.raises(Forbidden):  # everybody's things are reached for their size alone, whose they are for one's own
        work_as(other).records("probe.thing").update(make("mine", owner=str(other)), {"owner": str(people.reps[1][1])})


@pytest.mark.feature("B4")
def test_nobody_hands_on_what_was_shared_with_him_nor_prolongs_it(
    client: Api, system: Work, people: People, make: type_make, work_as: type_work_as, clock: Clock
) -> None:
    rep, other, third = people.rep, people.reps[1][0], people.reps[2][0]
    thing, mine = make("shared", owner=str(rep)), make("mine", owner=str(other))
    with pytest.raises((Invalid, NotFound)):
        share(work_as(other), thing, other)
    lent = share(work_as(rep), thing, other, "write", expires_at=(clock() + timedelta(days=1)).isoformat())
    doors = work_as(other).records("core.share")
    for attempt in (
        lambda: share(work_as(other), thing, third),
        lambda: share(work_as(other), thing, other, "write"),
        lambda: doors.update(lent, {"expires_at": None}),
        lambda: doors.update(lent, {"record": f"probe.thing:{mine}"}),
        lambda: doors.delete(lent),
    ):
        with pytest.raises((Conflict, Forbidden)):
            attempt()
    reader = make("team's", owner=str(people.reps[0][1]))
    with pytest.raises(Refusal):
        share(work_as(rep), reader, other)
    assert client.as_user(people.manager).post(
        SHARES, {"record": f"probe.thing:{thing}", "user": str(third)}
    ).status_code == 201, "who may change it by his own rights"  # fmt: skip
    assert work_as(third).records("probe.thing").get(thing)["name"] == "shared"


@pytest.mark.feature("B4")
def test_a_share_widens_which_records_a_role_reaches_not_what_it_may_do_or_see_there(
    system: Work, people: People, make: type_make, work_as: type_work_as
) -> None:
    role = id_of(system.records("core.role").create({"key": "guest", "name": "Guest"}))
    grants = system.records("core.grant")
    read = {"role": str(role), "permission": "probe.thing.read", "only_fields": ["name"]}
    system.records("core.user").update(people.rep, {"roles": []})
    thing = make("shared", note="hidden")
    share(system, thing, people.rep, "write")
    with pytest.raises(Forbidden):
        work_as(people.rep).records("probe.thing").get(thing)
    system.records("core.user").update(people.rep, {"roles": ["guest"]})
    grants.create({**read, "scope": "shared"})
    make("mine", owner=str(people.rep))
    doors = work_as(people.rep).records("probe.thing")
    assert [set(row) for row in doors.query(Query()).data] == [{"id", "version", "name"}]
    with pytest.raises(Forbidden):
        doors.update(thing, {"name": "x"})


@pytest.mark.feature("B4")
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"record": "core.user:{user}", "user": "{user}"}, "not_shareable"),
        ({"record": "probe.thing:{thing}", "user": "{user}", "expires_at": "2026-01-15T12:00:00Z"}, "past"),
        ({"record": "probe.remark:{thing}", "user": "{user}"}, "no_such_record"),
    ],
)
def test_a_share_that_means_nothing_is_refused(system: Work, people: People, make: type_make, values: dict[str, str], code: str) -> None:
    ids = {"thing": str(make("t")), "user": str(people.rep)}
    with pytest.raises(Invalid) as refused:
        system.records("core.share").create({name: word.format(**ids) for name, word in values.items()})
    assert [problem.code for problem in refused.value.problems] == [code]


@pytest.mark.feature("B4")
def test_who_has_no_share_is_asked_nothing_about_shares(system: Work, people: People, make: type_make, work_as: type_work_as) -> None:
    """The statement of everybody else stays as it was; a share that is taken back leaves a question, until rights are compiled anew."""
    thing, other = make("t"), people.reps[1][0]
    forms = {work_as(rep).grants.form for rep in people.all_reps}
    assert len(forms) == 1
    before = system.records("core.user").get(other)["version"]
    first = share(system, thing, other)
    version = work_as(other).grants.version
    assert (work_as(other).grants.shared, work_as(people.rep).grants.shared) == (True, False)
    second = share(system, make("u"), other)
    assert work_as(other).grants.version == version, "only the first share of a person is news to rights"
    system.records("core.share").write([Draft("delete", {}, id) for id in (first, second)])
    share(system, thing, other)
    assert work_as(other).grants.version == version + 1
    assert [row["name"] for row in work_as(other).records("probe.thing").find(parse_where(["name=t"]))] == ["t"]
    assert system.records("core.user").get(other)["version"] == before


@pytest.mark.feature("B4")
def test_a_share_of_what_is_not_installed_any_more_can_be_taken_back(
    client: Api, system: Work, people: People, make: type_make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lent = share(system, make("t"), people.rep)
    monkeypatch.delitem(system.platform.catalog.entities, "probe.thing")
    assert client.delete(f"{SHARES}/{lent}").status_code == 204
