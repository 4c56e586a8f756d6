"""The words of records are in step with the records, whatever is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cli import search as commands
from core.context import Work
from core.entities.merge import merge
from core.entities.records import EntityRecords
from core.entities.unmerge import unmerge
from core.events.tables import outbox
from core.platform import Platform
from core.search import index
from core.search.find import find
from core.search.index import rebuild
from core.search.tables import search_words
from sdk import Draft
from sdk.context import id_of
from tests.search.conftest import anew, kept

type_add = Callable[..., UUID]
TEXTS = st.sampled_from(["华为", "重庆长安汽车", "Ann Lee", "ann", "", "ACME-7", "lee@acme.com", None, "曾"])


def titles(system: Work, typed: str) -> list[str]:
    return [hit.title for group in find(system, typed) for hit in group.hits]


@settings(max_examples=12)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), TEXTS, TEXTS), min_size=1, max_size=14))
def test_after_any_writes_the_words_are_those_that_would_be_made_anew(system: Work, acts: list[tuple[int, int, Any, Any]]) -> None:
    things = system.records("probe.thing")
    with system.transaction(write=True), system.undone():
        ids: list[UUID] = []
        for act, which, name, more in acts:
            values = {"name": name or "thing", "email": more if more and "@" in more else None}
            if act < 2 or not ids:
                ids.append(id_of(things.create(values)))
                continue
            verb = ("update", "delete", "restore", "update")[act - 2]
            things.write([Draft(verb, values if verb == "update" else {}, ids[which % len(ids)])])
        assert kept(system) == anew(system)


def test_merging_and_its_undoing_a_rebuilding_and_a_purge_leave_the_words_right(
    system: Work, things: EntityRecords, drain: Callable[[], int]
) -> None:
    one, two = (id_of(things.create({"name": name, "phone": "010 1234 5678"})) for name in ("华为", "Huawei"))
    entity = system.catalog.entities["probe.thing"]
    done = merge(system, entity, one, [two], {"name": two})
    assert kept(system) == anew(system)
    assert done.id is not None
    unmerge(system, entity, one, done.id)
    assert kept(system) == anew(system)
    with system.transaction(write=True):
        place = index.places(system.shape("probe.thing"))["name"].id
        system.connection.execute(search_words.delete().where(search_words.c.place == place, search_words.c.word != "huawei"))
        lost = {"tenant_id": system.tenant.id, "place": place, "word": "lost", "near": 0}
        system.connection.execute(search_words.insert().values(record_id=UUID(int=7), **lost))
        rebuild(system, ["probe.thing"])
    drain()
    assert kept(system) == anew(system)


def test_of_a_large_set_words_are_made_behind_it_and_what_is_written_meanwhile_stands(
    system: Work, things: EntityRecords, drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "WITHIN", 3)
    outcomes = things.write_all([Draft("create", {"name": f"set {number}"}) for number in range(5)])
    assert kept(system) - anew(system) == set()
    first, second = (outcome.id for outcome in outcomes[:2])
    assert first is not None
    assert second is not None
    things.update(first, {"name": "meanwhile"})
    things.delete(second)
    drain()
    assert kept(system) == anew(system)
    assert titles(system, "meanwhile") == ["meanwhile"]
    assert titles(system, "set 1") == []
    things.write_all(
        [Draft("update", {"name": "renamed"}, outcome.id) for outcome in outcomes[2:]] + [Draft("update", {"name": "x"}, first)]
    )
    assert (
        titles(system, "set") == titles(system, "meanwhile") == []
    )  # what they were called is still among the words, and nobody's to find
    drain()
    assert titles(system, "renamed") == ["renamed"] * 3
    things.write_all([Draft("delete", {}, outcome.id) for outcome in outcomes if outcome.id != second])
    assert titles(system, "renamed") == []  # nobody sees what is in the recycle bin, whether its words are there still or not
    drain()
    assert kept(system) == anew(system)
    assert "renamed" not in {word for _place, word, _record, _near in kept(system)}


def test_a_field_of_ones_own_is_found_from_when_it_is_searched_and_not_by_one_that_follows_it(
    system: Work, things: EntityRecords, drain: Callable[[], int]
) -> None:
    fields = system.records("core.custom_field")
    wish = {"entity": "probe.thing", "key": "nick", "kind": "text", "label": "Nick", "search": False}
    field = id_of(fields.create(wish))
    things.create({"name": "one", "custom.nick": "小华"})
    assert titles(system, "xiaohua") == []
    fields.update(field, {"search": True})
    drain()
    assert (titles(system, "xiaohua"), kept(system)) == (["one"], anew(system))
    fields.delete(field)
    other = id_of(fields.create(wish | {"search": True}))
    assert titles(system, "xiaohua") == []
    fields.delete(other)
    fields.restore(field)
    drain()
    assert (titles(system, "小华"), kept(system)) == (["one"], anew(system))


def test_records_from_before_there_were_words_are_taken_up_by_the_job_that_the_upgrade_leaves(
    system: Work, things: EntityRecords, drain: Callable[[], int]
) -> None:
    things.create({"name": "from before"})
    with system.transaction(write=True):
        system.connection.execute(search_words.delete().where(search_words.c.tenant_id == system.tenant.id))
        row = sa.select(outbox).where(outbox.c.tenant_id == system.tenant.id, outbox.c.kind == "event").limit(1)
        found = dict(system.connection.execute(row).mappings().one())
        job = {
            "id": UUID(int=1),
            "kind": "job",
            "name": "core.search_entity",
            "handler": "core.search_entity",
            "payload": {},
            "state": "waiting",
        }
        system.connection.execute(outbox.insert().values(found | job))
    drain()
    assert titles(system, "before") == ["from before"]


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_the_command_makes_the_words_of_one_entity_anew(
    system: Work, platform: Platform, things: EntityRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    things.create({"name": "forgotten"})
    with system.transaction(write=True):
        system.connection.execute(search_words.delete().where(search_words.c.tenant_id == system.tenant.id))
    monkeypatch.setattr(commands, "platform", lambda: platform)
    run = CliRunner().invoke(commands.search, ["rebuild", "--tenant", "acme", "--entity", "probe.thing", "--now"])
    assert (run.exit_code, "acme: 1 entities" in run.output) == (0, True), run.output
    assert titles(system, "forgot") == ["forgotten"]
    assert CliRunner().invoke(commands.search, ["rebuild", "--entity", "no.such"]).exit_code != 0
