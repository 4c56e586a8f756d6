"""References to a record of any entity: checked, filtered, grouped, and a parent for who may see what."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from core.context import Work
from core.testkit.fixtures import Api, MakeTenant, People
from sdk import Forbidden, Invalid, NotFound, Query, where
from sdk.context import id_of
from sdk.fields import NamedReference, Reference
from tests.entities.conftest import audit_of, codes

type_make = Callable[..., UUID]
type_work_as = Callable[..., Work]
THINGS, REMARKS = "/api/v1/probe/things", "/api/v1/probe/remarks"


def test_on_the_wire_it_is_an_entity_and_an_id_and_text_is_taken_too(client: Api, make: type_make) -> None:
    one = make("one")
    said = {"entity": "probe.thing", "id": str(one)}
    for written in (said, f"probe.thing:{one}"):
        made = client.post(THINGS, {"name": "two", "about": written})
        assert (made.status_code, made.json["about"]) == (201, said)
    assert client.patch(f"{THINGS}/{made.json['id']}", {"about": None}).json["about"] is None


@pytest.mark.parametrize(
    "wrong",
    ["nonsense", "probe.thing", {"entity": "probe.thing"}, {"entity": 1, "id": []}, 7, {"entity": "probe.thing", "id": "x", "y": 1}],
)
def test_what_is_no_reference_is_refused_by_name(client: Api, wrong: object) -> None:
    refused = client.post(THINGS, {"name": "x", "about": wrong})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "about")


def test_it_must_point_to_a_record_that_is_there_and_visible_of_an_entity_that_the_tenant_has(
    make: type_make, people: People, work_as: type_work_as, make_tenant: MakeTenant, system: Work
) -> None:
    theirs = make("theirs", owner=str(people.reps[1][0]))
    plain = make_tenant("elsewhere")
    foreign = id_of(work_as(of=plain).records("probe.thing").create({"name": "foreign"}))
    mine = work_as(people.rep).records("probe.thing")
    for about in (
        f"probe.thing:{uuid4()}",
        f"probe.board:{theirs}",
        f"absent.partner:{theirs}",
        f"probe.thing:{theirs}",
        f"probe.thing:{foreign}",
    ):
        with pytest.raises(Invalid) as refused:
            mine.create({"name": "x", "about": about})
        assert codes(refused.value) == {("about", "no_such_record")}
    small = make_tenant("small", plugins=["probe"])
    with pytest.raises(Invalid):
        work_as(of=small).records("probe.thing").create({"name": "x", "about": f"customers.account:{theirs}"})


def test_what_is_called_by_a_number_is_named_by_its_id(make: type_make, system: Work) -> None:
    """People call nothing by an amount: no word is looked for among such, nor made of one for a file."""
    point = id_of(system.records("probe_more.point").create({"thing": make("one"), "points": 7}))
    two = make("two", about=f"probe_more.point:{point}")
    (block,) = system.records("probe.thing").blocks(Query(where(id=two), fields=("about",)))
    assert [*block.columns["about"]] == [Reference("probe_more.point", point)]
    for word in ("seven", "7"):
        with pytest.raises(Invalid) as refused:
            system.records("probe.thing").create({"name": "three", "about": NamedReference("probe_more.point", word)})
        assert codes(refused.value) == {("about", "no_such_record")}


def test_lists_are_filtered_by_it_and_reports_group_by_its_entity(client: Api, make: type_make, system: Work) -> None:
    one, other = make("one"), make("other")
    for name, about in (("a", one), ("b", one), ("c", other)):
        make(name, about=Reference("probe.thing", about))
    account = id_of(system.records("customers.account").create({"name": "A"}))
    make("d", about=Reference("customers.account", account))

    def names(**query: str) -> list[str]:
        return sorted(row["name"] for row in client.get(THINGS, query).json["data"])

    assert names(about=f"probe.thing:{one}") == ["a", "b"]
    assert names(**{"about[in]": f"probe.thing:{one},customers.account:{account}"}) == ["a", "b", "d"]
    assert names(about=f"customers.account:{one}") == []
    assert names(**{"about[ne]": f"probe.thing:{one}"}) == ["c", "d", "one", "other"]
    assert names(**{"about[empty]": "true"}) == ["one", "other"]
    assert client.get(THINGS, {"about": "nonsense"}).status_code == 400
    groups = system.records("probe.thing").aggregate(["count"], ["about"])
    assert {row["about"]: row["count"] for row in groups} == {"customers.account": 1, "probe.thing": 3, None: 2}


def test_the_audit_keeps_it(make: type_make, system: Work) -> None:
    one = make("one")
    two = make("two", about=Reference("probe.thing", one))
    assert audit_of(system, two)[0]["changes"]["about"] == [None, {"entity": "probe.thing", "id": str(one)}]


@pytest.mark.feature("B3")
def test_a_remark_is_seen_and_written_by_those_who_may_do_so_with_what_it_is_about(
    make: type_make, people: People, work_as: type_work_as, system: Work, client: Api
) -> None:
    rep, other = people.rep, people.reps[1][0]
    mine, theirs = make("mine", owner=str(rep)), make("theirs", owner=str(other))
    account = id_of(system.records("customers.account").create({"name": "A", "owner": str(other)}))
    remarks = system.records("probe.remark")
    made = {
        name: id_of(remarks.create({"text": name, "about": about}))
        for name, about in (
            ("mine", f"probe.thing:{mine}"),
            ("theirs", f"probe.thing:{theirs}"),
            ("account", f"customers.account:{account}"),
        )
    }

    def seen(person: UUID) -> set[object]:
        return {row["text"] for row in work_as(person).records("probe.remark").find(())}

    assert (seen(rep), seen(other), seen(people.director)) == ({"mine"}, {"theirs", "account"}, set(made))
    assert client.as_user(rep).get(f"{REMARKS}/{made['theirs']}").status_code == 404
    own = work_as(rep).records("probe.remark")
    assert own.update(made["mine"], {"text": "mine still"})["version"] == 2
    with pytest.raises(NotFound):
        own.update(made["theirs"], {"text": "x"})
    with pytest.raises(Invalid):
        own.create({"text": "x", "about": f"probe.thing:{theirs}"})
    system.records("probe.thing").delete(mine)
    assert seen(rep) == set()


def test_who_may_only_read_it_writes_no_remark_about_it(make: type_make, people: People, work_as: type_work_as, system: Work) -> None:
    colleague = people.reps[0][1]
    account = id_of(system.records("customers.account").create({"name": "A", "owner": str(colleague)}))
    reader = work_as(people.rep)
    assert reader.records("customers.account").values([account])
    with pytest.raises(Forbidden):
        reader.records("probe.remark").create({"text": "x", "about": f"customers.account:{account}"})


def test_a_remark_is_not_about_a_remark(make: type_make, system: Work) -> None:
    first = id_of(system.records("probe.remark").create({"text": "x", "about": f"probe.thing:{make('one')}"}))
    with pytest.raises(Invalid) as refused:
        system.records("probe.remark").create({"text": "y", "about": f"probe.remark:{first}"})
    assert codes(refused.value) == {("about", "no_such_record")}
    assert system.records("probe.remark").find(where(text="y")) == []
