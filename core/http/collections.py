"""The collection of each entity: list, create, read, change, delete, restore, batch, history."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from flask import request

from core.context import Work
from core.entities.alike import members_of
from core.entities.history import history
from core.entities.read import MOST_ROWS
from core.entities.timeline import timeline
from core.http.answers import OPTIONS
from core.http.asked import json_body, pairs_in, query_pairs
from core.http.errors import body_of
from core.http.freshness import fresh
from sdk import Alike, BadRequest, Condition, Draft, Entity, Filter, Outcome, Problem, Query, Response, Stale, Verb, _, parse_filter
from sdk.permissions import BULK_EDIT
from sdk.routes import record_id

RESERVED = frozenset({"fields", "sort", "q", "include", "limit", "cursor", "count"})
MOST_ITEMS = 1000
MOST_LISTED = 100
"""Values of one filter: an address with more of them is longer than servers take."""
_LONG = 2_000
"""Bytes of a query string that is not worth its place in memory."""
_NONE: frozenset[str] = frozenset()
_SHOWN = frozenset({"fields", "include"})
_FORCE = frozenset({"force"})


class Collection:
    """The handlers of one entity."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.name = entity.full_name
        self.path = f"/api/v1/{entity.plugin}/{entity.plural}"

    def list(self, work: Work, _path: Mapping[str, str]) -> object:
        """A page; `?stage=won&amount[gte]=1000&sort=-amount&limit=50&cursor=…`."""
        page = work.reader(self.entity).page(_asked(request.query_string), wire=True)
        following: dict[str, object] = {"next": page.next}
        if page.total is not None:
            following["total"] = page.total
        return {"data": page.data, "page": following}

    def create(self, work: Work, _path: Mapping[str, str]) -> Response:
        """A new record: 201 with Location and ETag."""
        draft = Draft("create", json_body(), alike=self._alike())
        with work.reading_back():
            outcome = self._write(work, draft)
            return self._shown(work, outcome, 201, {"Location": f"{self.path}/{outcome.id}"})

    def get(self, work: Work, path: Mapping[str, str]) -> Response:
        """One record with its ETag; 304 when the caller has it."""
        shown = _lists(query_pairs(_SHOWN))
        id = record_id(path["id"])
        fields = shown.get("fields", ())
        row = work.reader(self.entity).one(id, (*fields, "version") if fields else (), shown.get("include", ()), wire=True)
        tag = etag(row)
        if fields and "version" not in fields:
            del row["version"]
        if fresh(request, tag):
            return Response(None, 304, {"ETag": tag})
        return Response(row, 200, {"ETag": tag})

    def update(self, work: Work, path: Mapping[str, str]) -> Response:
        """Change the fields that are sent; `If-Match` refuses a stale change with 412."""
        alike, id = self._alike(), record_id(path["id"])
        outcome = self._write(work, Draft("update", json_body(), id, expected_version(work, self.entity, id), alike=alike))
        return self._shown(work, outcome, 200, {})

    def delete(self, work: Work, path: Mapping[str, str]) -> Response:
        """Into the recycle bin."""
        query_pairs(_NONE)
        id = record_id(path["id"])
        work.records(self.name).delete(id, expected_version=expected_version(work, self.entity, id))
        return Response(None, 204)

    def restore(self, work: Work, path: Mapping[str, str]) -> Response:
        """Out of the recycle bin."""
        alike, id = self._alike(), record_id(path["id"])
        known = expected_version(work, self.entity, id, deleted=True)
        return self._shown(work, self._write(work, Draft("restore", {}, id, known, alike=alike)), 200, {})

    def duplicates(self, work: Work, _path: Mapping[str, str]) -> object:
        """The records that a new one, or a change of `id`, is likely one of; writes nothing."""
        query_pairs(_NONE)
        body = json_body()
        values = body.get("values")
        if not isinstance(values, dict) or set(body) - {"id", "values"}:
            raise BadRequest(_("expected an object with `values`, and `id` for an existing record"))
        found = work.records(self.name).candidates(values, record_id(str(body["id"])) if "id" in body else None)
        return {"data": found.seen, "hidden": found.hidden}

    def _alike(self) -> Alike:
        """`?force=true`: write it, although it is likely there already."""
        pairs = dict(query_pairs(_FORCE if self.entity.alike else _NONE))
        if pairs.get("force", "false") not in ("true", "false"):
            raise BadRequest(_("force must be true or false"))
        return Alike.FORCE if pairs.get("force") == "true" else Alike.DEFAULT

    def _write(self, work: Work, draft: Draft) -> Outcome:
        (outcome,) = work.records(self.name).write_all([draft])
        return outcome

    def _shown(self, work: Work, outcome: Outcome, status: int, headers: dict[str, str]) -> Response:
        """The record as its writer may see it, and what to warn of; who may write but not read gets its id alone."""
        reader = work.reader(self.entity)
        assert outcome.id is not None
        rows = reader.many([outcome.id], wire=True) if reader.grants else []
        row = rows[0] if rows else {"id": outcome.id}
        if "version" in row:
            headers["ETag"] = etag(row)
        return Response({**row, **_warnings(work, outcome)}, status, headers)

    def batch(self, work: Work, _path: Mapping[str, str]) -> Response:
        """Up to 1,000 changes, each with its own outcome: 200 when all were taken, 207 when some were refused."""
        query_pairs(_NONE)
        drafts = [_draft(index, item) for index, item in enumerate(_items(json_body()))]
        if sum(draft.verb in ("update", "delete") for draft in drafts) > 1 and not work.scopes.special(self.entity, BULK_EDIT):
            raise work.refused(f"{self.name}.{BULK_EDIT}")
        outcomes = work.records(self.name).write(drafts)
        done = {"create": 201, "update": 200, "delete": 204, "restore": 200}
        data: list[dict[str, Any]] = []
        for draft, outcome in zip(drafts, outcomes, strict=True):
            if outcome.refusal is None:
                version = outcome.row["version"] if outcome.row is not None else None
                data.append({"status": done[draft.verb], "id": outcome.id, "version": version, **_warnings(work, outcome)})
            else:
                data.append({"status": outcome.refusal.status, "id": outcome.id, "problem": body_of(work.platform, outcome.refusal)})
        return Response({"data": data}, 200 if all(outcome.refusal is None for outcome in outcomes) else 207)

    def history(self, work: Work, path: Mapping[str, str]) -> object:
        """Who changed what, when and through what, newest first; fields that one may not see are left out.

        What happened to records that have become part of it is among it, as far as one may see those; `record_id` says to which.
        """
        pairs = dict(query_pairs(frozenset({"limit", "cursor"})))
        data, following = history(work, self.entity, record_id(path["id"]), _limit(pairs.get("limit", "50")), pairs.get("cursor", ""))
        return {"data": data, "page": {"next": following}}

    def timeline(self, work: Work, path: Mapping[str, str]) -> object:
        """What happened around a record, newest first: of the sources of all plugins what the caller may see."""
        pairs = dict(query_pairs(frozenset({"limit", "cursor"})))
        data, following = timeline(work, self.entity, record_id(path["id"]), _limit(pairs.get("limit", "50")), pairs.get("cursor", ""))
        return {"data": data, "page": {"next": following}}


def _warnings(work: Work, outcome: Outcome) -> dict[str, object]:
    """What is told beside a record that was taken: that it is likely there already, where the tenant wants no more than that, and what plugins say."""
    found = [{**_warning(work, outcome.likely.warning), **members_of(outcome.likely)}] if outcome.likely else []
    found += [_warning(work, said) for said in outcome.warnings]
    return {"warnings": found} if found else {}


def _warning(work: Work, said: Problem) -> dict[str, object]:
    return {"code": said.code, "detail": work.say(said.message, said.params)}


def etag(row: Mapping[str, Any]) -> str:
    """The ETag of a record as it is told: its version, by which If-Match goes, and a digest of all that is told. What is included, worked out of
    others, or shown since the reader has other rights, is another answer although the record itself has not changed."""
    said = orjson.dumps(row, option=OPTIONS, default=str)
    return f'"v{row["version"]}-{hashlib.blake2b(said, digest_size=6).hexdigest()}"'


_VERSION = re.compile(r"v([0-9]{1,11})(?:-[0-9a-f]{12})?\Z", re.ASCII)
_TAG = re.compile(r'(?:W/)?"([^"]*)"|([^\s,"]+)')


def expected_version(work: Work, entity: Entity, id: UUID, *, deleted: bool = False) -> int | None:
    """The version in `If-Match` (RFC 9110, section 13.1.1); of several the present one, if it is among them. None of ours is stale."""
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    words = [quoted or bare for quoted, bare in _TAG.findall(given)]
    versions = {int(found[1]) for found in map(_VERSION.match, words) if found is not None}
    if not versions:
        raise Stale(_("If-Match doesn’t contain a known version; send the ETag of the record"))
    if len(versions) == 1:
        return versions.pop()
    rows = work.records(entity.full_name).find((Condition("id", "eq", (str(id),)),), 1, deleted=True) if deleted else []
    row = rows[0] if deleted and rows else work.reader(entity).one(id, ("version",))
    return int(str(row["version"])) if row["version"] in versions else min(versions)


def unchanged(work: Work, entity: Entity, id: UUID) -> None:
    """An act on a record is refused where its `If-Match` is stale; where it is not, nobody else changes the record before the act ends."""
    known = expected_version(work, entity, id)
    row = work.records(entity.full_name).values([id], hold=True).get(id) if known is not None else None
    if row is not None and row["version"] != known:
        raise Stale(_("the record was changed since you read it; read it again"), version=row["version"])


def _asked(query: bytes) -> Query:
    """What a list is asked for; programs and pages ask the same again and again."""
    return _kept_query(query) if len(query) < _LONG else read_query(pairs_in(query))


@lru_cache(maxsize=1000)
def _kept_query(query: bytes) -> Query:
    return read_query(pairs_in(query))


def read_query(pairs: list[tuple[str, str]]) -> Query:
    """The parameters of a list as a Query; raises BadRequest for what is not understood."""
    reserved: dict[str, str] = {}
    others = []
    for name, value in pairs:
        if name not in RESERVED:
            others.append((name, value))
        elif name in reserved:
            raise BadRequest(_("parameter {name!r} is given twice"), name=name)
        else:
            reserved[name] = value
    lists = _lists([(name, value) for name, value in reserved.items() if name in ("fields", "include", "sort")])
    count = reserved.get("count", "false")
    if count not in ("true", "false"):
        raise BadRequest(_("count must be true or false"))
    return Query(
        filter=_filter(others), sort=lists.get("sort", ()), fields=lists.get("fields", ()), include=lists.get("include", ()),
        q=reserved.get("q", "").strip(), limit=_limit(reserved.get("limit", "50")), cursor=reserved.get("cursor", ""),
        count=count == "true",
    )  # fmt: skip


def _filter(pairs: list[tuple[str, str]]) -> Filter:
    conditions = parse_filter(pairs)
    for condition in conditions:
        if len(condition.values) > MOST_LISTED:
            raise BadRequest(_("at most {limit} values in a filter, got {got}"), limit=MOST_LISTED, got=len(condition.values))
    return conditions


def _lists(pairs: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    lists: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        words = tuple(word.strip() for word in value.split(",") if word.strip())
        if not words or len(words) > 100:
            raise BadRequest(_("{name} takes 1 to 100 comma-separated names"), name=name)
        lists[name] = words
    return lists


def _limit(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 5 and 1 <= int(word) <= MOST_ROWS):
        raise BadRequest(_("limit takes 1 to {most}"), most=MOST_ROWS)
    return int(word)


def _items(body: dict[str, Any]) -> list[Any]:
    items = body.get("items")
    if set(body) != {"items"} or not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
        raise BadRequest(_("a batch is an object with `items`, a list of 1 to {most} changes"), most=MOST_ITEMS)
    return items


def _draft(index: int, item: Any) -> Draft:
    if (
        not isinstance(item, dict)
        or set(item) - {"op", "id", "version", "values", "force"}
        or item.get("op") not in ("create", "update", "delete", "restore")
    ):
        raise BadRequest(_("item {index}: expected op (create, update, delete or restore), id, version, values, force"), index=index)
    op, values, version = str(item["op"]), item.get("values", {}), item.get("version")
    if not isinstance(values, dict) or ("values" in item) != (op in ("create", "update")):
        raise BadRequest(_("item {index}: values must be an object, and applies only to create and update"), index=index)
    if "version" in item and (op == "create" or isinstance(version, bool) or not isinstance(version, int | float) or version % 1):
        raise BadRequest(_("item {index}: version must be a whole number, and doesn’t apply to create"), index=index)
    if ("id" in item) == (op == "create"):
        raise BadRequest(_("item {index}: id is required except for create"), index=index)
    if not isinstance(item.get("force", False), bool) or ("force" in item and op == "delete"):
        raise BadRequest(_("item {index}: force must be true or false, and doesn’t apply to delete"), index=index)
    alike = Alike.FORCE if item.get("force") else Alike.DEFAULT
    id = item.get("id", "")
    try:
        key = None if op == "create" else UUID(id if isinstance(id, str) and len(id) == 36 else "")
        return Draft(op, values, key, version, alike=alike)
    except ValueError as failure:
        raise BadRequest(_("item {index}: id is not a valid UUID"), index=index) from failure


def may(work: Work, entity: Entity, verb: Verb) -> bool:
    """Whether the actor has the verb on any record."""
    return (verb is Verb.READ or verb in entity.verbs) and bool(work.scopes.grants_of(entity, verb))
