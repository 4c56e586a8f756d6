"""Whatever becomes of teams, reporting lines, territories and shares: lists, counts, single records and explanations say the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.context import Work
from core.policy.explain import explain
from core.testkit.fixtures import Clock, People
from sdk import Draft, NotFound, Query, Records, Refusal, where
from sdk.context import Row, id_of

type_work_as = Callable[..., Work]
ACCOUNT, READ, UPDATE = "customers.account", "customers.account.read", "customers.account.update"
SCOPES = ("own", "subordinates", "team", "territory")


class Ground:
    """A person for each scope, teams and territories in trees, and accounts all over them."""

    def __init__(self, work: Work, people: People) -> None:
        self.work, self.teams = work, people.teams
        roles = work.records("core.role").write_all([Draft("create", {"key": f"by_{scope}", "name": scope}) for scope in SCOPES])
        work.records("core.grant").write_all([
            Draft("create", {"role": str(role.id), "permission": permission, "scope": scope})
            for role, scope in zip(roles, SCOPES, strict=True) for permission in (READ, UPDATE)
        ])  # fmt: skip
        self.readers = dict(zip((people.reps[1][0], people.managers[1], people.manager, people.rep), SCOPES, strict=True))
        for reader, scope in self.readers.items():
            work.records("core.user").update(reader, {"roles": [f"by_{scope}"]})
        self.people = [*self.readers, people.reps[0][1], people.reps[2][0]]
        self.territories = list[UUID]()
        for above in (None, 0, 0, 1, None):
            parent = None if above is None else str(self.territories[above])
            made = work.records("core.territory").create({"name": f"T{len(self.territories)}", "parent": parent})
            self.territories.append(id_of(made))
        places = [*self.territories, None, None]
        self.accounts = [
            id_of(work.records(ACCOUNT).create({"name": f"A{n}", "owner": owner and str(owner), "territory": place and str(place)}))
            for n, (owner, place) in enumerate(zip([*self.people, None], places, strict=True))
        ]

    def changed(self, pick: Callable[[Iterable[Any]], Any]) -> None:
        """One more change, whichever; what the doors refuse (circles, a share twice) has not happened."""
        links = {
            "core.user": (self.people, {"team": [*self.teams, None], "manager": [*self.people, None]}),
            "core.team": (self.teams, {"parent": [*self.teams, None], "manager": [*self.people, None]}),
            "core.territory": (self.territories, {"parent": [*self.territories, None]}),
            ACCOUNT: (self.accounts, {"owner": [*self.people, None], "territory": [*self.territories, None]}),
        }
        places = {f"{name}.{link}": (name, link) for name, (_records, those) in links.items() for link in those}
        kind = pick((*places, "core.territory_member", "core.share", "core.share", "bin", "bin"))
        if kind in places:
            name, link = places[kind]
            id, there = pick(links[name][0]), pick(links[name][1][link])
            self.work.records(name).update(id, {link: there and str(there)})
        elif kind == "bin":
            name = pick((*links, "core.territory_member", "core.share"))
            made = [id_of(row) for row in self.work.records(name).find(())] if name not in links else links[name][0]
            for id in [pick(made)] if made and name != "core.user" else []:
                gone = name in links and not self.work.records(name).find(where(id=id), 1)
                self.work.records(name).restore(id) if gone else self.work.records(name).delete(id)
        elif kind == "core.share":
            hours = pick((None, 1, 3))
            ends = None if hours is None else (self.work.now() + timedelta(hours=hours)).isoformat()
            values = {"record": f"{ACCOUNT}:{pick(self.accounts)}", "user": str(pick(self.readers)), "access": pick(("read", "write"))}
            self.work.records(kind).create({**values, "expires_at": ends})
        else:
            self.work.records(kind).create({"territory": str(pick(self.territories)), "user": str(pick(self.readers))})

    def due(self, reader: UUID, access: tuple[str, ...]) -> set[UUID]:
        """The accounts that a person reaches, said once more in plain words from what there is."""
        rows = {name: {id_of(row): row for row in self.work.records(f"core.{name}").find(())} for name in ("user", "team", "territory")}
        scope, mine = self.readers[reader], {reader}
        if scope == "team":
            first = {id for id, row in rows["team"].items() if row["manager"] == reader or id == rows["user"][reader]["team"]}
            teams = below(rows["team"], first)
            mine |= {id for id, row in rows["user"].items() if row["team"] in teams}
        elif scope == "subordinates":
            mine = below(rows["user"], mine, "manager")
        entered = {row["territory"] for row in self.work.records("core.territory_member").find(where(user=reader))}
        there = below(rows["territory"], entered & rows["territory"].keys()) if scope == "territory" else set()
        shares = [row for row in self.work.records("core.share").find(where(user=reader)) if row["access"] in access]
        lent = {row["record"].id for row in shares if row["expires_at"] is None or row["expires_at"] > self.work.now()}
        return {
            id_of(row) for row in self.work.records(ACCOUNT).find(())
            if row["owner"] in mine or row["territory"] in there or id_of(row) in lent
        }  # fmt: skip


def below(rows: Mapping[UUID, Row], first: set[UUID], above: str = "parent") -> set[UUID]:
    """Some of a tree, and all that hangs on them."""
    reached, more = set[UUID](), first
    while more:
        reached |= more
        more = {id for id, row in rows.items() if row[above] in more} - reached
    return reached


@pytest.fixture
def ground(work: Work, people: People) -> Ground:
    """As it is at first."""
    return Ground(work, people)


@pytest.mark.feature("B3", "B4", "B12")
@settings(max_examples=4)
@given(held=st.data())
def test_whatever_becomes_of_places_and_shares_all_say_the_same_of_who_sees_what(
    ground: Ground, work_as: type_work_as, clock: Clock, held: st.DataObject
) -> None:
    def pick(many: Iterable[Any]) -> Any:
        return held.draw(st.sampled_from(list(many)))

    for _step in range(10):
        clock.move(minutes=pick((0, 30, 90)))
        try:
            ground.changed(pick)
        except Refusal:
            continue
        reader = pick(ground.readers)
        ctx, due, writes = work_as(reader), ground.due(reader, ("read", "write")), ground.due(reader, ("write",))
        doors = ctx.records(ACCOUNT)
        page = doors.query(Query(fields=("id",), count=True))
        assert {id_of(row) for row in page.data} == due, ground.readers[reader]
        assert page.total == len(due)
        assert [row["count"] for row in doors.aggregate(["count"], ())] == [len(due)]
        for id in {pick(ground.accounts), pick(ground.accounts)}:
            assert is_there(doors, id) is (id in due)
            assert explain(ctx, READ, id).allowed is (id in due)
            assert explain(ctx, UPDATE, id, "name").allowed is (id in due & writes)


def is_there(doors: Records, id: UUID) -> bool:
    """Whether one that is asked for alone is answered."""
    try:
        return id_of(doors.get(id)) == id
    except NotFound:
        return False
