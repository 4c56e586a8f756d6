"""What the outbox keeps of a batch says the same whether it stands item by item or once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from core.events.payload import ALIKE, IDS, items_of, written

SAID = st.dictionaries(st.sampled_from(["fields", "before", "to"]), st.lists(st.text(max_size=5), max_size=3))
BATCHES = st.lists(st.tuples(st.uuids(), SAID), min_size=1, max_size=6)


def flat(items: Sequence[tuple[UUID, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    return [{"id": str(id), **said} for id, said in items]


@given(BATCHES, SAID, st.booleans())
def test_what_is_written_reads_as_it_was_said(batch: list[tuple[UUID, dict[str, Any]]], same: dict[str, Any], share: bool) -> None:
    items = [(id, same) for id, _said in batch] if share else batch
    assert list(items_of(orjson.loads(orjson.dumps(written(items))))) == flat(items)


def test_what_is_said_of_all_stands_once() -> None:
    said = {"fields": ["name", "email"]}
    payload = written([(UUID(int=number), said) for number in range(1000)])
    assert payload[ALIKE] == said
    assert len(payload[IDS]) == 1000
    assert len(orjson.dumps(payload)) < 40_000


def test_the_payload_of_a_job_has_no_items() -> None:
    assert list(items_of({"recipient": "a@example.org"})) == []
