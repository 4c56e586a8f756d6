"""The door in: batches, checks, versions, uniqueness, the bin, and what a write leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from core.context import Work
from core.entities.nearest import Nearest
from core.entities.records import EntityRecords
from core.events.payload import items_of
from core.platform import Platform
from core.testkit.fixtures import Clock, MakeTenant, People
from sdk import BadRequest, Channel, Conflict, Draft, Forbidden, Invalid, NotFound, Outcome, Query, Stale, Unavailable, where
from sdk.context import id_of
from sdk.fields import Money
from tests.entities.conftest import audit_of, codes, journal_of
from tests.probe.plugin import HandlerError

type_make = Callable[..., UUID]


# --- fields ----------------------------------------------------------------------------------------------------------


def test_a_created_record_has_its_values_defaults_and_stamps(things: EntityRecords, clock: Clock) -> None:
    row = things.create({"name": " Ann ", "size": 5, "weight": "1.5", "price": {"amount": "10", "currency": "CNY"}})
    assert (row["name"], row["size"], row["weight"], row["price"]) == ("Ann", 5, Decimal("1.5"), Money(Decimal(10), "CNY"))
    assert (row["tier"], row["done"], row["version"], row["created_at"], row["updated_at"]) == ("tin", False, 1, clock.now, clock.now)
    shown = things.get(id_of(row))
    assert shown["price"] == {"amount": "10.00", "currency": "CNY"}
    assert shown["weight"] == "1.5"


def test_an_amount_without_a_currency_is_in_the_tenants(make_tenant: MakeTenant, platform: Platform) -> None:
    things = platform.system(make_tenant("euro", currency="EUR").id).records("probe.thing")
    assert things.create({"name": "x", "price": {"amount": "1"}})["price"] == Money(Decimal(1), "EUR")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, ("name", "required")), ({"name": None}, ("name", "required")), ({"name": "  "}, ("name", "required")),
        ({"name": "\u200b \u3164"}, ("name", "required")),
        ({"name": "x", "colour": 1}, ("colour", "unknown_field")), ({"name": "x", "name_": 1}, ("name_", "unknown_field")),
        ({"name": "x", "partner": "y"}, ("partner", "unknown_field")), ({"name": "x", "tenant_id": str(uuid4())}, ("tenant_id", "unknown_field")),
        ({"name": "x", "deleted_at": None}, ("deleted_at", "unknown_field")), ({"name": "x", "serial": 1}, ("serial", "read_only")),
        ({"name": "x", "id": str(uuid4())}, ("id", "read_only")), ({"name": "x", "version": 7}, ("version", "read_only")),
        ({"name": "x", "created_at": "2020-01-01T00:00:00Z"}, ("created_at", "read_only")), ({"name": 7}, ("name", "type")),
        ({"name": "x", "size": "5"}, ("size", "type")), ({"name": "x", "size": 1.5}, ("size", "type")), ({"name": "x", "size": -2000}, ("size", "out_of_range")),
        ({"name": "x", "tier": "lead"}, ("tier", "unknown_choice")),
        ({"name": "x", "price": "10"}, ("price", "type")), ({"name": "x", "price": {"amount": "1", "currency": "ZZZ"}}, ("price", "unknown_currency")),
        ({"name": "x", "whole": str(uuid4())}, ("whole", "no_such_record")), ({"name": "x", "owner": str(uuid4())}, ("owner", "no_such_record")),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_named_with_its_field(
    things: EntityRecords, values: dict[str, object], problem: tuple[str, str]
) -> None:
    with pytest.raises(Invalid) as caught:
        things.create(values)
    assert problem in codes(caught.value)
    assert things.find(()) == []


def test_all_problems_of_a_draft_are_told_at_once(things: EntityRecords) -> None:
    with pytest.raises(Invalid) as caught:
        things.create({"size": "x", "tier": "y", "colour": 1})
    assert {field for field, _code in codes(caught.value)} == {"name", "size", "tier", "colour"}


def test_nothing_for_a_field_with_a_default_means_the_default(things: EntityRecords) -> None:
    row = things.create({"name": "x", "done": None, "tier": None})
    assert (row["done"], row["tier"]) == (False, "tin")
    things.update(id_of(row), {"tier": "gold"})
    assert things.update(id_of(row), {"tier": None})["tier"] == "tin"


def test_a_required_field_cannot_be_emptied_and_another_can(things: EntityRecords, make: type_make) -> None:
    id = make("x", size=5)
    with pytest.raises(Invalid):
        things.update(id, {"name": None})
    assert things.update(id, {"size": None})["size"] is None


def test_an_update_leaves_the_other_fields_alone(things: EntityRecords, make: type_make, clock: Clock) -> None:
    id = make("x", size=5, note="kept")
    clock.move(hours=1)
    row = things.update(id, {"size": 6})
    assert (row["name"], row["note"], row["size"], row["version"]) == ("x", "kept", 6, 2)
    assert row["updated_at"] - row["created_at"] == timedelta(hours=1)


def test_an_update_that_changes_nothing_writes_nothing(system: Work, things: EntityRecords, make: type_make) -> None:
    id = make("x", size=5, price={"amount": "10", "currency": "CNY"})
    before = len(journal_of(system)), len(audit_of(system))
    (outcome,) = things.write([Draft("update", {"size": 5, "price": {"amount": "10.00", "currency": "CNY"}}, id)])
    assert not outcome.changed
    assert things.get(id)["version"] == 1
    assert (len(journal_of(system)), len(audit_of(system))) == before


# --- hooks -----------------------------------------------------------------------------------------------------------


def test_the_owning_plugin_derives_values(things: EntityRecords) -> None:
    assert things.create({"name": "serial"})["serial"] == 6


def test_a_hook_refuses_with_a_problem_or_forbids_with_a_conflict(things: EntityRecords) -> None:
    with pytest.raises(Invalid) as invalid:
        things.create({"name": "refuse me"})
    assert codes(invalid.value) == {("name", "refused")}
    with pytest.raises(Conflict) as conflict:
        things.create({"name": "forbid me"})
    assert conflict.value.reason == "forbidden_name"


def test_any_plugin_can_veto_a_change_of_anothers_record(things: EntityRecords) -> None:
    with pytest.raises(Invalid) as caught:
        things.create({"name": "veto me"})
    assert codes(caught.value) == {("name", "vetoed")}


def test_an_exception_in_a_hook_undoes_the_whole_write(system: Work, things: EntityRecords) -> None:
    with pytest.raises(Unavailable, match="plugin 'probe' failed in prepare_changes") as caught:
        things.write([Draft("create", {"name": "fine"}), Draft("create", {"name": "explode"})])
    assert isinstance(caught.value.__cause__, HandlerError)
    assert things.find(()) == []
    assert not [row for row in journal_of(system) if row["name"].startswith("probe.")]


def test_a_domain_event_and_a_side_row_are_written_with_the_change_or_not_at_all(system: Work, things: EntityRecords) -> None:
    things.write([Draft("create", {"name": "announce one"}), Draft("create", {"name": "announce and forbid"})])
    entries = [row["text"] for row in system.records("probe.entry").find(())]
    named = [item for row in journal_of(system) if row["name"] == "probe.thing.named" for item in items_of(row["payload"])]
    assert entries == ["announced announce one"]
    assert [item["name"] for item in named] == ["announce one"]


# --- a batch of N is N batches of one ----------------------------------------------------------------------------------

NAMES = st.sampled_from(["plain", "serial", "refuse", "forbid", "announce", "veto", "announce serial"]) | st.none()
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES, "size": st.integers(-1200, 1200) | st.just("x"), "code": st.sampled_from(["a", "b", "c"]), "tier": st.sampled_from(["gold", "tin", "lead"]),
        "price": st.just({"amount": "5"}) | st.just({"amount": "x"}), "whole": st.sampled_from(["kept 0", "kept 1", "nobody"]), "phone": st.just("+1 555 0100"),
        "colour": st.just(1), "done": st.booleans(), "probe_more.points": st.integers(-2, 5), "owner": st.just("nobody"),
    },
)  # fmt: skip
WISHES = st.lists(
    st.tuples(st.just("create"), st.none(), VALUES)
    | st.tuples(st.sampled_from(["update", "delete", "restore"]), st.integers(0, 5), VALUES),
    min_size=1,
    max_size=8,
    unique_by=lambda wish: (wish[0], id(wish)) if wish[1] is None else wish[1],
)  # fmt: skip


def _drafts(wishes: Sequence[tuple[str, int | None, dict[str, object]]], ids: Sequence[UUID]) -> list[Draft]:
    """Codes are for new records alone, and nothing links by name to what the batch changes: what an update or a deletion frees or takes hangs
    on its order."""
    made, changed = [], {f"kept {target}" for _verb, target, _values in wishes if target is not None}
    for verb, target, values in wishes:
        kept = {name: value for name, value in values.items() if verb == "create" or (verb == "update" and name != "code")}
        if kept.get("whole") in changed:
            del kept["whole"]
        made.append(Draft(verb, kept, None if target is None else ids[target]))
    return made


def _told(work: Work, outcomes: Sequence[Outcome], ids: Sequence[UUID]) -> dict[str, Any]:
    """Everything that a write left, with ids replaced by the order in which they came."""
    labels = {str(id): f"#{n}" for n, id in enumerate([*ids, *(o.id for o in outcomes if o.id is not None and o.id not in ids)])}

    def plain(value: object) -> Any:
        text = json.dumps(value, default=str, sort_keys=True)
        for id, label in labels.items():
            text = text.replace(id, label)
        return text

    entries = [row["text"] for row in work.records("probe.entry").find(())]
    rows = work.records("probe.thing").find(())
    return {
        "outcomes": [
            (
                o.changed,
                plain(o.before),
                None if o.refusal is None else (type(o.refusal).__name__, o.refusal.reason, sorted(codes(o.refusal))),
            )
            for o in outcomes
        ],
        "rows": sorted(
            plain({name: value for name, value in row.items() if name != "id"} | {"#": labels.get(str(row["id"]), "?")}) for row in rows
        ),
        "entries": sorted(entries),
        "events": sorted(
            plain([row["kind"], row["name"], row["handler"], row["state"], item])
            for kind in ("event", "delivery")
            for row in journal_of(work, kind)
            if row["name"].startswith("probe.thing")
            for item in items_of(row["payload"])
        ),
        "audit": sorted(
            plain([row["record_id"], row["action"], row["channel"], row["changes"]])
            for row in audit_of(work)
            if row["entity"] == "probe.thing"
        ),
    }


def _written(platform: Platform, make_tenant: MakeTenant, wishes: Sequence[Any], at_once: bool) -> dict[str, Any]:
    work = platform.system(make_tenant().id)
    things = work.records("probe.thing")
    ids = [id_of(things.create({"name": f"kept {n}", "size": n, "code": f"kept-{n}"})) for n in range(6)]
    things.delete(ids[5])
    drafts = _drafts(wishes, ids)
    outcomes = things.write(drafts) if at_once else [outcome for draft in drafts for outcome in things.write([draft])]
    return _told(work, outcomes, ids)


@settings(max_examples=10)
@given(wishes=WISHES)
def test_a_batch_is_the_same_as_its_drafts_one_by_one(platform: Platform, make_tenant: MakeTenant, wishes: list[Any]) -> None:
    at_once, one_by_one = (_written(platform, make_tenant, wishes, choice) for choice in (True, False))
    for part, told in at_once.items():
        assert told == one_by_one[part], part


def test_a_refused_draft_changes_nothing_and_the_others_are_written(things: EntityRecords) -> None:
    outcomes = things.write([Draft("create", {"name": "a"}), Draft("create", {}), Draft("create", {"name": "c"})])
    assert [outcome.refusal is None for outcome in outcomes] == [True, False, True]
    assert [row["name"] for row in things.find(())] == ["a", "c"]


def test_a_batch_of_which_all_must_be_taken_is_written_whole_or_not_at_all(system: Work, things: EntityRecords) -> None:
    before = journal_of(system)
    with pytest.raises(Invalid) as caught:
        things.write_all([Draft("create", {"name": "a"}), Draft("create", {}), Draft("create", {"name": "c"})])
    assert ("name", "required") in codes(caught.value)
    assert (things.find(()), journal_of(system), things.write_all([])) == ([], before, [])
    with pytest.raises(RuntimeError, match="half-way"), system.transaction(write=True), suppress(Invalid):
        things.write_all([Draft("create", {"name": "a"}), Draft("create", {})])
    assert (things.find(()), journal_of(system)) == ([], before)
    assert [outcome.row["name"] for outcome in things.write_all([Draft("create", {"name": name}) for name in "ab"]) if outcome.row] == [
        "a",
        "b",
    ]


def test_a_record_can_be_in_a_batch_once_only(things: EntityRecords, make: type_make) -> None:
    id = make("x")
    first, second = things.write([Draft("update", {"size": 1}, id), Draft("update", {"size": 2}, id)])
    assert first.refusal is None
    assert isinstance(second.refusal, BadRequest)
    assert things.get(id)["size"] == 1


def test_a_batch_larger_than_a_chunk_is_written_whole(things: EntityRecords) -> None:
    outcomes = things.write([Draft("create", {"name": f"n{n}", "code": f"c{n}"}) for n in range(1203)])
    assert all(outcome.refusal is None for outcome in outcomes)
    changed = things.write([Draft("update", {"size": n}, outcome.id) for n, outcome in enumerate(outcomes)])
    assert [outcome.row["size"] for outcome in changed if outcome.row is not None] == list(range(1203))
    assert things.aggregate(["count", "sum:size"]) == [{"count": 1203, "sum:size": sum(range(1203))}]


# --- versions --------------------------------------------------------------------------------------------------------


@pytest.mark.feature("P20")
def test_a_stale_change_is_refused_and_changes_nothing(things: EntityRecords, make: type_make) -> None:
    id = make("x")
    things.update(id, {"size": 1}, expected_version=1)
    for stale in (1, 3):
        with pytest.raises(Stale):
            things.update(id, {"size": 9}, expected_version=stale)
        with pytest.raises(Stale):
            things.delete(id, expected_version=stale)
    assert (things.get(id)["size"], things.get(id)["version"]) == (1, 2)


def test_each_change_counts_the_version_up_deletion_and_restoration_too(things: EntityRecords, make: type_make) -> None:
    id = make("x")
    things.update(id, {"size": 1})
    things.delete(id)
    assert things.restore(id)["version"] == 4


# --- uniqueness ------------------------------------------------------------------------------------------------------


def test_no_two_live_records_share_a_unique_value(things: EntityRecords, make: type_make) -> None:
    make("a", code="one")
    with pytest.raises(Conflict) as caught:
        things.create({"name": "b", "code": "one"})
    assert (caught.value.reason, codes(caught.value)) == ("duplicate", {("code", "duplicate")})


def test_within_a_batch_the_first_of_two_alike_is_taken(things: EntityRecords) -> None:
    first, second = things.write([Draft("create", {"name": "a", "code": "one"}), Draft("create", {"name": "b", "code": "one"})])
    assert first.refusal is None
    assert isinstance(second.refusal, Conflict)


def test_a_deleted_record_gives_its_unique_value_free_and_cannot_come_back_beside_another(things: EntityRecords, make: type_make) -> None:
    id = make("a", code="one")
    things.delete(id)
    other = make("b", code="one")
    with pytest.raises(Conflict):
        things.restore(id)
    things.delete(other)
    assert things.restore(id)["code"] == "one"


def test_a_unique_value_is_unique_within_its_tenant(make: type_make, platform: Platform, make_tenant: MakeTenant) -> None:
    make("a", code="one")
    other = platform.system(make_tenant("other").id).records("probe.thing")
    assert other.create({"name": "a", "code": "one"})["code"] == "one"


def test_any_number_of_records_have_no_value(things: EntityRecords) -> None:
    assert all(outcome.refusal is None for outcome in things.write([Draft("create", {"name": "x"}), Draft("create", {"name": "x"})]))


# --- the bin ---------------------------------------------------------------------------------------------------------


def test_a_deleted_record_is_nowhere_and_a_restored_one_is_back(things: EntityRecords, make: type_make) -> None:
    id = make("x", size=3)
    things.delete(id)
    assert things.find(()) == []
    assert things.values([id]) == {}
    assert things.aggregate(["count"]) == [{"count": 0}]
    with pytest.raises(NotFound):
        things.get(id)
    with pytest.raises(NotFound):
        things.update(id, {"size": 4})
    with pytest.raises(NotFound):
        things.delete(id)
    things.restore(id)
    assert things.get(id)["size"] == 3
    with pytest.raises(Conflict):
        things.restore(id)


def test_what_is_part_of_a_deleted_record_is_gone_and_back_with_it(system: Work, make: type_make, things: EntityRecords) -> None:
    """Whoever asks and by whatever door: who sees all as who follows the record."""
    whole, other = make("whole"), make("other")
    parts = system.records("probe.part")
    part, gone, _elsewhere = (id_of(parts.create({"thing": str(id), "name": "cog", "amount": 2})) for id in (whole, whole, other))
    parts.delete(gone)

    def seen() -> tuple[object, ...]:
        listed, found = parts.query(Query(where(thing=whole))).data, parts.query(Query(q="cog", count=True))
        (summed,) = parts.aggregate(["count", "sum:amount"])
        blocks = [block.rows for block in parts.blocks(Query())]
        return len(listed), found.total, summed["count"], int(summed["sum:amount"]), len(parts.find(())), blocks, len(parts.values([part]))

    assert seen() == (1, 2, 2, 4, 2, [2], 1)
    things.delete(whole)
    assert seen() == (0, 1, 1, 2, 1, [1], 0)
    for verb in (lambda: parts.get(part), lambda: parts.update(part, {"amount": 3}), lambda: parts.delete(part)):
        with pytest.raises(NotFound):
            verb()
    with pytest.raises(Conflict) as refused:
        parts.restore(gone)
    assert refused.value.reason == "parent_deleted"
    things.restore(whole)
    assert seen() == (1, 2, 2, 4, 2, [2], 1), "what was taken away before stays away"
    parts.restore(gone)
    assert seen()[:2] == (2, 3)


def test_nobody_is_told_the_name_of_what_is_part_of_a_deleted_record(system: Work, make: type_make, things: EntityRecords) -> None:
    """Not even as the one that is nearest to a name which nothing bears."""
    whole = make("whole")
    system.records("probe.part").create({"thing": str(whole), "name": "sprocket"})

    def told() -> dict[str, str]:
        work = system.platform.system(system.tenant.id)
        with work.transaction():
            return Nearest(work, work.catalog.entities["probe.part"]).to(["sprokket"])

    assert told() == {"sprokket": "sprocket"}
    things.delete(whole)
    assert told() == {}


def test_an_unknown_record_is_not_found_by_any_verb(things: EntityRecords) -> None:
    for verb in ("update", "delete", "restore"):
        (outcome,) = things.write([Draft(verb, {"size": 1} if verb == "update" else {}, uuid4())])
        assert isinstance(outcome.refusal, NotFound)


# --- what a write leaves ---------------------------------------------------------------------------------------------


def test_a_write_keeps_who_when_what_and_through_which_channel(
    system: Work, make: type_make, people: People, work_as: Callable[..., Work], clock: Clock
) -> None:
    id = make("x", owner=str(people.rep))
    clock.move(days=1)
    rep = work_as(people.rep, channel=Channel.API)
    rep.records("probe.thing").update(id, {"name": "y", "size": 5, "price": {"amount": "1", "currency": "CNY"}})
    created, updated = audit_of(system, id)
    assert (created["action"], created["actor"], created["channel"]) == ("create", "system", "cli")
    assert (updated["action"], updated["actor"], updated["actor_id"], updated["channel"]) == ("update", "rep00", people.rep, "api")
    assert updated["at"] - created["at"] == timedelta(days=1)
    assert updated["changes"] == {"name": ["x", "y"], "size": [None, 5], "price": [None, {"amount": "1.00", "currency": "CNY"}]}


def test_a_sensitive_value_is_masked_in_the_audit(system: Work, make: type_make, things: EntityRecords) -> None:
    id = make("x", phone="+1 555 0100")
    things.update(id, {"phone": None})
    for entry in audit_of(system, id):
        assert "555" not in json.dumps(entry["changes"])
    assert audit_of(system, id)[1]["changes"]["phone"] == ["•••", None]


def test_a_transaction_that_is_rolled_back_leaves_neither_row_nor_audit_nor_event(system: Work, things: EntityRecords) -> None:
    before = len(journal_of(system)), len(journal_of(system, "delivery")), len(audit_of(system))

    def halfway() -> None:
        with system.transaction(write=True):
            things.create({"name": "announce x"})
            assert len(things.find(())) == 1
            raise HandlerError("half-way")

    with pytest.raises(HandlerError):
        halfway()
    assert things.find(()) == []
    assert (len(journal_of(system)), len(journal_of(system, "delivery")), len(audit_of(system))) == before


def test_the_first_write_of_a_transaction_tells_at_once_and_the_others_together_as_it_ends(system: Work, things: EntityRecords) -> None:
    """On SQLite all of them as it ends: there a statement is no journey."""
    before, inserted = len(audit_of(system)), list[str]()
    engine = system.platform.database.engine
    note = lambda _connection, _cursor, statement, *_: inserted.append(statement) if "core_audit" in statement else None  # noqa: E731
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        with system.transaction(write=True):
            for number in range(4):
                things.create({"name": f"n{number}"})
            at_once = 0 if system.platform.database.is_sqlite else 1
            assert len(inserted) == at_once
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert len(inserted) == at_once + 1
    assert len(audit_of(system)) == before + 4


def test_a_transaction_of_very_many_writes_does_not_keep_their_traces_in_memory(
    system: Work, things: EntityRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.transaction.MOST_TRACES", 10)
    before = len(audit_of(system))
    with system.transaction(write=True):
        for number in range(12):
            things.create({"name": f"n{number}"})
        assert before < len(audit_of(system)) < before + 12
    assert len(audit_of(system)) == before + 12


def test_what_the_record_itself_links_to_is_not_looked_for_again_for_its_side_rows(system: Work) -> None:
    """Only there: who writes next is told of what is not there."""
    with system.knowing([("probe.thing", uuid4())]):
        assert system.known("probe.thing", [uuid4()]) == set()
    id = uuid4()
    with system.knowing([("probe.thing", id)]), system.knowing([("probe.entry", id)]):
        assert system.known("probe.thing", [id]) == {id} == system.known("probe.entry", [id])
    assert system.known("probe.thing", [id]) == set()


def test_up_to_a_thousand_records_each_has_an_event_of_its_own_above_they_share(system: Work, things: EntityRecords) -> None:
    things.write([Draft("create", {"name": "x"}) for _ in range(1000)])
    assert [len([*items_of(row["payload"])]) for row in journal_of(system) if row["name"] == "probe.thing.created"] == [1] * 1000
    things.write([Draft("create", {"name": "x"}) for _ in range(2001)])
    sizes = [len([*items_of(row["payload"])]) for row in journal_of(system) if row["name"] == "probe.thing.created"][1000:]
    assert sizes == [1000, 1000, 1]
    system.over(Channel.IMPORT).records("probe.thing").write([Draft("create", {"name": "x"}) for _ in range(51)])
    rows = [row for row in journal_of(system) if row["name"] == "probe.thing.created"]
    assert len([*items_of(rows[-1]["payload"])]) == 51, "small pieces of an import share theirs as well"
    assert len(audit_of(system)) >= 3001


def test_a_read_transaction_cannot_write(system: Work, things: EntityRecords) -> None:
    with system.transaction(), pytest.raises(RuntimeError, match="write=True"):
        things.create({"name": "x"})


def test_a_verb_that_the_entity_does_not_offer_is_for_the_system_alone(work_as: Callable[..., Work], client: object) -> None:
    admin = work_as("admin@acme.example")
    with pytest.raises(Forbidden):
        admin.records("core.token").create({"name": "x", "user": str(admin.actor.user_id)})


def test_a_side_table_is_written_through_the_entity(system: Work, things: EntityRecords, make: type_make) -> None:
    id = make("x", **{"probe_more.points": 5, "probe_more.bonus": {"amount": "2", "currency": "CNY"}})
    assert things.get(id)["probe_more.points"] == 5
    row = things.update(id, {"probe_more.points": 6})
    assert (row["probe_more.points"], row["version"]) == (6, 2)
    assert things.get(id)["probe_more.bonus"] == {"amount": "2.00", "currency": "CNY"}
    assert len(system.records("probe_more.point").find(where(thing=id))) == 1
    with pytest.raises(Invalid) as caught:
        things.update(id, {"probe_more.points": -1})
    assert codes(caught.value) == {("probe_more.points", "out_of_range")}


def test_a_computed_field_is_read_and_cannot_be_written(system: Work, things: EntityRecords, make: type_make) -> None:
    id = make("x")
    system.records("probe.part").write([Draft("create", {"thing": str(id), "name": f"p{n}"}) for n in range(3)])
    assert things.get(id)["probe_more.parts"] == 3
    with pytest.raises(Invalid) as caught:
        things.update(id, {"probe_more.parts": 9})
    assert codes(caught.value) == {("probe_more.parts", "read_only")}
