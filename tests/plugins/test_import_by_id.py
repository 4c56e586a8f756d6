"""Rows find their records by our own ids, as an export has them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.context import Work
from core.testkit.fixtures import People
from sdk import BadRequest, Channel, where
from sdk.context import id_of
from tests.plugins.imports import Done, import_file, written

Take = Callable[..., Done]


@pytest.mark.parametrize("mode", ["update", "upsert"])
def test_a_column_of_our_ids_says_which_records_are_meant_and_makes_none(taken: Take, work: Work, mode: str) -> None:
    taken("customers.account", "name,city\nA,Ulm\nB,Ulm\nGone,Ulm\n")
    taken("customers.contact", "name\nAnn\n")
    ids = {str(row["name"]): id_of(row) for entity in ("customers.account", "customers.contact") for row in work.records(entity).find(())}
    work.records("customers.account").delete(ids["Gone"])
    rows = [
        ["id", "name", "city"],
        [ids["A"], "A2", "Bonn"],
        [ids["B"], "B", "Ulm"],
        [ids["Ann"], "X", ""],
        [ids["Gone"], "X", ""],
        ["", "X", ""],
        ["7", "X", ""],
    ]
    done = taken("customers.account", written(rows), mode=mode, match=["id"])
    assert done.counts == {"updated": 1, "unchanged": 1, "failed": 4}
    assert done.reasons == [(number, "id", "no_such_record") for number in (3, 4, 5, 6)]
    assert "not the ID of any Account you have access to" in str(done.rows[0]["reason"])
    assert {(str(row["name"]), row["city"]) for row in work.records("customers.account").find(())} == {("A2", "Bonn"), ("B", "Ulm")}
    mapped = taken(
        "customers.account", written([["Our number", "City"], [ids["B"], "Kiel"]]), mode=mode, match=["id"], map=["Our number=id"]
    )
    assert mapped.counts == {"updated": 1}
    with pytest.raises(BadRequest, match="matched by their ID only"):
        taken("customers.account", written(rows), mode=mode, match=["id", "name"])
    with pytest.raises(BadRequest, match="no column for 'id'"):
        taken("customers.account", "name\nA\n", mode=mode, match=["id"])


def test_the_id_of_a_record_that_one_does_not_see_is_none(work: Work, people: People) -> None:
    import_file(work, "customers.account", "name\nHidden\n")
    hidden = id_of(work.records("customers.account").find(where(name="Hidden"))[0])
    rep = work.platform.user(work.tenant.id, people.rep, Channel.API)
    done = import_file(rep, "customers.account", written([["id", "name"], [hidden, "Mine"]]), mode="upsert", match=["id"])
    assert done.reasons == [(1, "id", "no_such_record")]
    assert [row["name"] for row in work.records("customers.account").find(())] == ["Hidden"]
