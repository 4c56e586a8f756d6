"""The set-up of a tenant: the master data that its plugins bring. An explicit act, and one that can be repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sdk import Condition, Draft, MasterData, Text

if TYPE_CHECKING:
    from core.context import Work
    from sdk.context import Records

_CHUNK = 500


def set_up(work: Work) -> list[dict[str, object]]:
    """Make what is missing; returns how many records of each entity were made and how many were there."""
    done: dict[str, dict[str, object]] = {}
    with work.transaction(write=True):
        work.lock("core.setup")  # whoever comes second finds what the first has made
        for data in work.platform.catalog.master_data:
            if data.plugin in work.enabled and work.offers(data.entity) and (not data.needs or work.offers(data.needs)):
                made = int(str(done.get(data.along_with, {"created": 0})["created"]))
                created = _make(work, data) if made or not data.along_with else 0
                before = done.get(data.entity, {"created": 0, "skipped": 0})
                skipped = len(data.rows) - created
                done[data.entity] = {
                    "entity": data.entity, "created": int(str(before["created"])) + created, "skipped": int(str(before["skipped"])) + skipped,
                }  # fmt: skip
    return list(done.values())


def _said(work: Work, value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _said(work, one) for name, one in value.items()}
    if isinstance(value, list):
        return [_said(work, one) for one in value]
    return work.say(value) if isinstance(value, Text) else value


def _make(work: Work, data: MasterData) -> int:
    records = work.as_system().records(data.entity)
    rows = [{name: _said(work, value) for name, value in row.items()} for row in data.rows]
    if data.when_empty:
        missing = [] if records.find((), 1) else rows
    else:
        names = {data.match, *(one[0].name for one in work.shape(data.entity).unique if len(one) == 1)}
        missing = rows  # what somebody has made by hand under the same name is there, too
        for name in names.intersection(*rows):
            missing = _not_there(records, name, missing)
    records.write_all([Draft("create", row) for row in missing])  # all or nothing: half a set-up would have to be searched for
    return len(missing)


def _not_there(records: Records, name: str, rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    there: set[object] = set()
    for start in range(0, len(rows), _CHUNK):
        words = tuple(row[name] for row in rows[start : start + _CHUNK])
        there |= {found[name] for found in records.find((Condition(name, "in", words),), 10_000)}
    return [row for row in rows if row[name] not in there]
