"""Fields that a tenant adds to entities itself: of every kind, in every door, beside another tenant that has others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.custom import forgetting
from core.custom.color import color
from core.custom.duration import DurationField, duration
from core.custom.keys import custom_keys
from core.custom.kinds import KINDS
from core.entities.merge import merge
from core.entities.merged import merges
from core.entities.records import EntityRecords
from core.platform import Platform
from core.testkit.fixtures import Clock, MakeTenant
from sdk import BadRequest, Channel, Conflict, Draft, Invalid, Query, Tenant, _
from sdk.context import id_of
from sdk.filters import parse_pair
from tests.entities.conftest import audit_of, codes

type_add = Callable[..., Any]


@pytest.fixture
def add(system: Work) -> type_add:
    """Adds a field to things and returns its definition."""

    def one(key: str, kind: str = "text", **more: object) -> Any:
        wish = {"entity": "probe.thing", "key": key, "kind": kind, "label": key.capitalize(), **more}
        return system.records("core.custom_field").create(wish)

    return one


SIZES = {"options": ["small", {"key": "large", "label": "Large", "label_zh": "大"}]}
VALUES: Mapping[str, tuple[dict[str, object], object, object, str, str]] = {
    "text": ({}, " Rot ", "Rot", "eq", "Rot"),
    "long_text": ({}, "a\nb", "a\nb", "contains", "A"),
    "key": ({}, "k-1", "k-1", "in", "k-1,k-2"),
    "email": ({}, "A@x.example", "a@x.example", "eq", "a@x.example"),
    "phone": ({}, "010 1234 5678", "010 1234 5678", "contains", "1234"),
    "url": ({}, "https://x.example/a", "https://x.example/a", "eq", "https://x.example/a"),
    "integer": ({}, -3, -3, "lt", "0"),
    "rating": ({}, 5, 5, "gte", "5"),
    "duration": ({}, 90, 90, "eq", "1h 30m"),
    "color": ({}, "#1A2b3C", "#1a2b3c", "eq", "#1A2B3C"),
    "decimal": ({}, "-12.3", "-12.3", "lte", "-12.3"),
    "percent": ({}, "99.5", "99.5", "gt", "99.4999"),
    "money": ({}, {"amount": "9999999999999.01", "currency": "EUR"}, {"amount": "9999999999999.01", "currency": "EUR"}, "eq", "9999999999999.01 EUR"),
    "currency": ({}, "eur", "EUR", "in", "EUR,USD"),
    "boolean": ({}, True, True, "eq", "true"),
    "date": ({}, "2026-02-28", "2026-02-28", "gte", "2026-02-28"),
    "datetime": ({}, "2026-02-28T10:00:00.5+08:00", "2026-02-28T02:00:00.500000+00:00", "lt", "2026-02-28T02:00:01Z"),
    "choice": (SIZES, "large", "large", "eq", "large"),
    "keys": ({"options": ["a", "中文"]}, ["中文"], ["中文"], "eq", "中文"),
    "link": ({"target": "probe.board"}, "Board", "{board}", "eq", "Board"),
    "any_record": ({}, "{reference}", "{reference}", "eq", "{reference}"),
}  # fmt: skip


@pytest.mark.feature("P2")
def test_a_field_of_each_kind_is_written_read_found_and_sorted(add: type_add, system: Work, things: EntityRecords) -> None:
    assert VALUES.keys() == {key for key, kind in KINDS.items() if kind.written}
    board = id_of(system.records("probe.board").create({"name": "Board"}))
    words = {"{board}": str(board), "{reference}": {"entity": "probe.board", "id": str(board)}}
    for kind, (more, *_rest) in VALUES.items():
        add(f"a_{kind}", kind, **more)
    things = system.records("probe.thing")
    given = {f"custom.a_{kind}": words.get(str(value), value) for kind, (_more, value, *_rest) in VALUES.items()}
    empty, full = id_of(things.create({"name": "empty"})), id_of(things.create({"name": "full", **given}))
    (row,) = things.query(Query(filter=(parse_pair("name", "full"),))).data
    shown = {kind: row[f"custom.a_{kind}"] for kind in VALUES}
    shown = orjson.loads(orjson.dumps(shown))
    assert shown == {kind: words.get(str(out), out) for kind, (_more, _in, out, *_rest) in VALUES.items()}
    for kind, (_more, _in, _out, operator, word) in VALUES.items():
        word = f"probe.board:{board}" if word == "{reference}" else word
        found = things.query(Query(filter=(parse_pair(f"custom.a_{kind}[{operator}]", word),), count=True))
        assert ([one["id"] for one in found.data], found.total) == ([full], 1), kind
        assert [id_of(one) for one in things.find((parse_pair(f"custom.a_{kind}[empty]", "true"),))] == [empty], kind
    for name, field in things.fields().items():
        if name.startswith("custom.") and field.sortable:
            assert [one["id"] for one in _walked(things, name)] == [full, empty], name
    before = things.values([full])[full]
    assert things.update(full, {**given, "custom.a_integer": 4})["version"] == 2
    assert things.values([full])[full] == {**before, "custom.a_integer": 4, "version": 2, "updated_at": before["updated_at"]}
    assert audit_of(system, full)[-1]["changes"] == {"custom.a_integer": [-3, 4]}


def _walked(things: EntityRecords, name: str) -> list[Any]:
    """All pages of one record each, in the order of a field."""
    rows, cursor = list[Any](), ""
    while True:
        page = things.query(Query(sort=(name,), limit=1, cursor=cursor))
        rows += page.data
        if page.next is None:
            return rows
        cursor = page.next


def test_amounts_of_the_tenants_own_are_added_up_exactly_and_grouped(add: type_add, system: Work) -> None:
    add("worth", "money")
    add("size", "choice", **SIZES)
    add("weight", "decimal")
    things = system.records("probe.thing")
    for size, worth, weight in (("small", "0.10", "0.1"), ("small", "0.20", "0.2"), ("large", "9999999999999.99", "3")):
        things.create({"name": size, "custom.size": size, "custom.worth": {"amount": worth}, "custom.weight": weight})
    rows = things.aggregate(["sum:custom.worth", "avg:custom.weight"], ["custom.size"])
    assert rows == [
        {"custom.size": "large", "sum:custom.worth": {"amount": "9999999999999.99", "currency": "USD"}, "avg:custom.weight": "3"},
        {"custom.size": "small", "sum:custom.worth": {"amount": "0.30", "currency": "USD"}, "avg:custom.weight": "0.15"},
    ]


def test_two_tenants_have_different_fields_on_one_entity(add: type_add, system: Work, platform: Platform, make_tenant: MakeTenant) -> None:
    things = system.records("probe.thing")
    add("colour")
    assert things.create({"name": "held from before", "custom.colour": "blue"})["custom.colour"] == "blue"
    other = platform.system(make_tenant("other").id)
    other.records("core.custom_field").create({"entity": "probe.thing", "key": "colour", "kind": "integer", "label": "Colour"})
    other.records("core.custom_field").create({"entity": "probe.thing", "key": "mine", "kind": "date", "label": "Mine"})
    mine = system.records("probe.thing").create({"name": "a", "custom.colour": "red"})
    theirs = other.records("probe.thing").create({"name": "a", "custom.colour": 7, "custom.mine": "2026-01-01"})
    assert (mine["custom.colour"], theirs["custom.colour"]) == ("red", 7)
    with pytest.raises(Invalid, match="invalid") as refused:
        system.records("probe.thing").create({"name": "b", "custom.mine": "2026-01-01"})
    assert codes(refused.value) == {("custom.mine", "unknown_field")}


def test_what_is_required_and_what_is_there_from_the_start(add: type_add, system: Work, work_as: Any, things: EntityRecords) -> None:
    before = id_of(things.create({"name": "before"}))
    add("region", required=True)
    add("level", "integer", default="3")
    admin = work_as(id_of(system.records("core.user").create({"name": "A", "email": "a@x.example", "roles": ["admin"]})))
    with pytest.raises(Invalid) as refused:
        admin.records("probe.thing").create({"name": "new"})
    assert codes(refused.value) == {("custom.region", "required")}
    made = admin.records("probe.thing").create({"name": "new", "custom.region": "north"})
    assert made["custom.level"] == 3
    assert admin.records("probe.thing").update(before, {"name": "after"})["custom.region"] is None, (
        "it was not there when the record was made"
    )
    with pytest.raises(Invalid):
        admin.records("probe.thing").update(id_of(made), {"custom.region": None})
    assert work_as().records("probe.thing").create({"name": "by code"})["custom.level"] == 3, (
        "a plugin's code cannot know what a tenant asks for"
    )


def test_no_two_live_records_share_the_value_of_a_unique_field(add: type_add, system: Work) -> None:
    add("badge", unique=True)
    things = system.records("probe.thing")
    first, second = (id_of(things.create({"name": name, "custom.badge": name})) for name in ("a", "b"))
    with pytest.raises(Conflict) as refused:
        things.update(second, {"custom.badge": "a"})
    assert codes(refused.value) == {("custom.badge", "duplicate")}
    things.update(first, {"custom.badge": "c"})
    things.update(second, {"custom.badge": "a"})
    things.delete(second)
    third = id_of(things.create({"name": "c", "custom.badge": "a"}))
    with pytest.raises(Conflict):
        things.restore(second)
    things.update(third, {"custom.badge": None})
    things.restore(second)
    assert [id_of(row) for row in things.find((parse_pair("custom.badge", "a"),))] == [second]


def test_values_of_a_field_that_comes_back_are_there_and_still_unique(add: type_add, system: Work) -> None:
    badge, definitions = id_of(add("badge", unique=True)), system.records("core.custom_field")
    things = system.records("probe.thing")
    first, second = (id_of(things.create({"name": name, "custom.badge": name})) for name in ("a", "b"))
    definitions.delete(badge)
    assert "custom.badge" not in system.records("probe.thing").fields()
    system.records("probe.thing").update(first, {"name": "changed"})
    system.records("probe.thing").delete(second)
    again = add("badge", "integer")
    assert again["id"] != badge
    assert system.records("probe.thing").values([first])[first]["custom.badge"] is None, "another field of that key has its own values"
    definitions.delete(id_of(again))
    definitions.restore(badge)
    things = system.records("probe.thing")
    assert things.values([first])[first]["custom.badge"] == "a"
    assert things.create({"name": "c", "custom.badge": "b"})["custom.badge"] == "b", "the one that had it is in the recycle bin"
    with pytest.raises(Conflict):
        things.restore(second)


def test_an_indexed_field_is_found_by_an_index(add: type_add, system: Work, platform: Platform) -> None:
    add("number", "decimal", indexed=True)
    things = system.records("probe.thing")
    made = [id_of(things.create({"name": str(n), "custom.number": f"{n}.5"})) for n in range(3)]
    asked = list[str]()
    with system.transaction():
        sa.event.listen(system.connection, "before_cursor_execute", lambda _c, _k, statement, *_rest: asked.append(statement))
        assert [id_of(row) for row in things.find((parse_pair("custom.number", "1.50"),))] == [made[1]]
        assert {id_of(row) for row in things.find((parse_pair("custom.number[in]", "0.5,2.5"),))} == {made[0], made[2]}
        assert things.aggregate(["count"], (), (parse_pair("custom.number", "2.5"),)) == [{"count": 1}]
        words = set(system.connection.execute(sa.select(custom_keys.c.value)).scalars())
    assert words == {"0.5000", "1.5000", "2.5000"}
    assert all("FROM core_custom_keys" in statement for statement in asked[:3]), asked


@pytest.mark.parametrize(("change", "problem"), [
    ({"kind": "integer"}, ("kind", "lasting")),
    ({"key": "other"}, ("key", "lasting")),
    ({"unique": True}, ("unique", "lasting")),
    ({"options": ["small"]}, ("options", "lasting")),
])  # fmt: skip
def test_a_change_that_would_lose_values_is_refused(
    add: type_add, system: Work, change: dict[str, object], problem: tuple[str, str]
) -> None:
    field = add("size", "choice", **SIZES)
    with pytest.raises(Invalid) as refused:
        system.records("core.custom_field").update(id_of(field), change)
    assert problem in codes(refused.value)


@pytest.mark.parametrize(("wish", "problem"), [
    ({"entity": "probe.nothing"}, ("entity", "unknown_entity")),
    ({"entity": "core.custom_field"}, ("entity", "unknown_entity")),
    ({"entity": "core.job"}, ("entity", "unknown_entity")),
    ({"key": "Größe"}, ("key", "malformed")),
    ({"kind": "choice"}, ("options", "required")),
    ({"kind": "link"}, ("target", "unknown_entity")),
    ({"kind": "link", "target": "probe.absent"}, ("target", "unknown_entity")),
    ({"kind": "money", "unique": True}, ("unique", "does_not_fit")),
    ({"kind": "integer", "default": "many"}, ("default", "malformed")),
    ({"kind": "money", "default": "10.00"}, ("default", "required")),
    ({"kind": "text", "options": ["a"]}, ("options", "does_not_fit")),
    ({"kind": "choice", "options": ["a,b"]}, ("options", "malformed")),
])  # fmt: skip
def test_a_definition_that_does_not_fit_is_refused(add: type_add, wish: dict[str, object], problem: tuple[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        add(**{"key": "k", "kind": "text", **wish})
    assert problem in codes(refused.value)


def test_a_hidden_field_of_the_tenant_is_on_no_path(add: type_add, system: Work, platform: Platform, tenant: Tenant) -> None:
    add("secret")
    add("open")
    role = id_of(system.records("core.role").create({"key": "clerk", "name": "Clerk"}))
    for verb in ("read", "update"):
        system.records("core.grant").create(
            {"role": role, "permission": f"probe.thing.{verb}", "scope": "all", "only_fields": ["name", "custom.open"]}
        )
    clerk = id_of(system.records("core.user").create({"name": "C", "email": "c@x.example", "roles": ["clerk"]}))
    thing = id_of(system.records("probe.thing").create({"name": "a", "custom.secret": "s", "custom.open": "o"}))
    mine = platform.user(tenant.id, clerk, Channel.API).records("probe.thing")
    assert mine.get(thing) == {"id": thing, "version": 1, "name": "a", "custom.open": "o"}
    for query in (Query(sort=("custom.secret",)), Query(fields=("custom.secret",)), Query(filter=(parse_pair("custom.secret", "s"),))):
        with pytest.raises(BadRequest, match="has no field"):
            mine.query(query)
    with pytest.raises(Invalid):
        mine.update(thing, {"custom.secret": "t"})
    assert mine.update(thing, {"custom.open": "p"})["custom.open"] == "p"


def test_a_hundred_fields_are_enough(add: type_add, system: Work) -> None:
    from core.custom import checks

    before, checks.MOST_FIELDS = checks.MOST_FIELDS, 1
    try:
        add("a")
        with pytest.raises(Conflict, match="already has"):
            add("b")
    finally:
        checks.MOST_FIELDS = before


def test_values_of_a_field_that_can_be_restored_no_more_are_taken_out(
    add: type_add, system: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "PART", 2)
    worth, badge, kept = add("worth", "money"), add("badge", unique=True), add("kept")
    things = system.records("probe.thing")
    full = {"custom.worth": {"amount": "1"}, "custom.kept": "here"}
    ids = [id_of(things.create({"name": f"{n}", "custom.badge": f"b{n}", **(full if n % 2 else {})})) for n in range(5)]
    things.delete(ids[1])
    merge(system, system.catalog.entities["probe.thing"], ids[2], [ids[3]], {})
    definitions = system.records("core.custom_field")
    for field in (worth, badge):
        definitions.delete(id_of(field))
    clock.move(days=30)
    forgetting.forget_fields(system)
    definitions.restore(id_of(badge))
    assert system.records("probe.thing").get(ids[0])["custom.badge"] == "b0"
    definitions.delete(id_of(badge))
    clock.move(days=31, seconds=1)
    with pytest.raises(Conflict, match="more than 30 days ago"):
        definitions.restore(id_of(badge))
    versions = {row["id"]: row["version"] for row in things.find(())}
    table = things._shape.table
    slots = {one.key: one.slot for one in system.shape("probe.thing").overlay.definitions}
    forgetting.forget_fields(system)
    with system.transaction():
        documents = system.connection.execute(sa.select(table.c.id, table.c.custom).where(table.c.tenant_id == system.tenant.id)).all()
        left = system.connection.execute(sa.select(sa.func.count()).select_from(custom_keys)).scalar_one()
        assert "custom.worth" in system.connection.execute(sa.select(merges.c.changes)).scalar_one()
    assert dict(documents) == {id: {slots["kept"]: "here"} if n in (1, 2, 3) else None for n, id in enumerate(ids)}
    assert left == 3, "keys go with the definition"
    forgetting.forget_fields(system)
    with system.transaction():
        assert "custom.kept" in (changes := system.connection.execute(sa.select(merges.c.changes)).scalar_one())
        assert "custom.worth" not in changes, "an undone merge does not need it any more"
        assert system.connection.execute(sa.select(sa.func.count()).select_from(custom_keys)).scalar_one() == 0
    assert [row["id"] for row in (*definitions.find(()), *definitions.find((), deleted=True))] == [id_of(kept)]
    assert {row["id"]: row["version"] for row in things.find(())} == versions
    things = system.records("probe.thing")
    assert things.update(ids[0], {"custom.kept": "new"})["custom.kept"] == "new"
    assert [entry["action"] for entry in audit_of(system, id_of(worth))] == ["create", "delete", "purge"]


@pytest.mark.feature("P2")
def test_the_platform_gives_numbers_in_the_order_in_which_records_are_written(add: type_add, system: Work, platform: Platform) -> None:
    ticket = id_of(add("ticket", kind="auto_number", default="T-098", indexed=True, search=True))
    add("plain", kind="auto_number")
    things = system.records("probe.thing")
    drafts = [Draft("create", {"name": name, "code": code}) for name, code in (("a", "x"), ("b", "y"), ("c", "x"), ("d", "z"))]
    outcomes = things.write(drafts)
    assert [outcome.refusal is None for outcome in outcomes] == [True, True, False, True]

    def shown() -> list[tuple[object, object, object]]:
        rows = things.query(Query(sort=("name",), fields=("name", "custom.ticket", "custom.plain"))).data
        return [(row["name"], row["custom.ticket"], row["custom.plain"]) for row in rows]

    assert shown() == [("a", "T-098", "1"), ("b", "T-099", "2"), ("d", "T-100", "3")], "a record that is refused takes no number"
    with pytest.raises(Conflict):
        things.create({"name": "e", "code": "y"})
    made = things.create({"name": "f"})
    assert (made["custom.ticket"], made["custom.plain"]) == ("T-101", "4")
    assert [id_of(row) for row in things.find((parse_pair("custom.ticket", "T-101"),))] == [id_of(made)]
    with pytest.raises(Invalid) as refused:
        things.update(id_of(made), {"custom.ticket": "T-001"})
    assert codes(refused.value) == {("custom.ticket", "read_only")}
    definitions = system.records("core.custom_field")
    assert definitions.get(ticket)["given"] == 4
    with pytest.raises(Invalid) as refused:
        add("other", kind="auto_number", default="no number")
    assert codes(refused.value) == {("default", "malformed")}
    for wish, problem in (({"default": "no number"}, ("default", "lasting")), ({"required": True}, ("required", "does_not_fit"))):
        with pytest.raises(Invalid) as refused:
            definitions.update(ticket, wish)
        assert codes(refused.value) == {problem}


@given(st.integers(0, 10_000_000))
def test_a_duration_is_read_as_it_is_written(minutes: int) -> None:
    field: DurationField = duration(_("D")).field
    assert field.read([field.format(minutes)]).values == [minutes]
    assert (
        field.parse([minutes]).values
        == field.read([str(minutes)]).values
        == field.read([f"{minutes // 60}:{minutes % 60:02}"]).values
        == [minutes]
    )
    assert field.sought(field.format(minutes)) == minutes


@given(st.text(max_size=12))
def test_no_text_makes_a_duration_or_a_colour_fail(word: str) -> None:
    for mapped in (duration(_("D")), color(_("C"))):
        field = mapped.field
        parsed = field.read([word])
        assert len(parsed.values) == 1
        assert parsed.values[0] is None or field.parse(parsed.values) == parsed


def test_a_field_that_was_undone_is_gone_for_the_very_work_that_has_made_it(add: type_add, system: Work) -> None:
    """Also where it asks through the door that it had at hand: the tenant is of the same state before and afterwards."""
    entity = system.shape("probe.thing").entity

    def seen() -> bool:
        return "custom.moment" in system.reader(entity).shape.fields

    with suppress(ZeroDivisionError), system.transaction(write=True):
        before = seen()
        add("moment")
        assert [before, seen()] == [False, True]
        raise ZeroDivisionError
    with system.transaction(write=True):
        assert not seen()
        with suppress(ZeroDivisionError), system.tried():
            add("moment")
            assert seen()
            raise ZeroDivisionError
        assert not seen()
        add("moment")
        assert seen()
    with system.transaction():
        assert seen()
