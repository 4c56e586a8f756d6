"""The questions about one entity, as one user: of those that could be asked, the ones that are likely to find something."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import orjson

from core.entities.shape import Shape
from core.policy.explain import explain
from core.testkit.leaks.custom import FORMULAS, ROLL_UPS, Made, Rolled
from core.testkit.leaks.judged import judged
from core.testkit.leaks.oracle import Oracle
from core.testkit.leaks.questions import REFUSED, SHORT, WRONG, Question, aggregate, http, over_http, undone
from core.testkit.leaks.refused import refused
from core.testkit.leaks.world import DELETED, NOW, SPARE, World, place_of, type_row
from sdk import Condition, Draft, Forbidden, NotFound, Query, Refusal, Scope, Side, Verb
from sdk.fields import AnyRecordField, DateField, DateTimeField, Field, LinkField, ReportRole
from sdk.permissions import REASSIGN

T = TypeVar("T")
_MOST_PAGES = 3
SEARCH = "/api/v1/search"


class Asker:
    """The questions about one entity that are worth asking as one user."""

    def __init__(self, world: World, oracle: Oracle, name: str, random: Random, *, deep: bool = False) -> None:
        self.world, self.oracle, self.name, self.random, self.deep = world, oracle, name, random, deep
        self.shape: Shape = world.shapes[name]
        self.entity = self.shape.entity
        self.path = f"/api/v1/{self.entity.plugin}/{self.entity.plural}"
        self.rows = oracle.rows.get(place_of(self.entity), {})
        self.seen = [id for id in self.rows if oracle.shown(name, id)]
        shown = [oracle.shown(name, id) for id in self.seen]
        self.hidden = self.shape.fields.keys() - frozenset().union(*shown)
        """The fields that are seen on no record."""
        self.plain = self.shape.fields.keys() & frozenset(self.shape.fields).intersection(*shown)
        """The fields that are seen on every record that is."""
        self.unseen = [id for id in self.rows if not oracle.shown(name, id)]

    def some(self, of: Sequence[T], most: int) -> list[T]:
        """A few of many; all in a deep run."""
        return list(of) if self.deep or len(of) <= most else self.random.sample(list(of), most)

    def all(self) -> Iterator[Question]:
        """The dearest in what they may find first."""
        yield from self.lists()
        yield from self.fields()
        yield from self.searches()
        yield from self.records()
        yield from self.reports()
        yield from self.writes()
        yield from self.trespasses()
        yield from judged(self)
        yield from refused(self)

    def _get(self, kind: str, path: str = "", *query: tuple[str, str]) -> Question:
        return http(kind, self.name, "GET", self.path + path, query)

    # --- lists ---------------------------------------------------------------------------------------------------

    def lists(self) -> Iterator[Question]:
        """All, with their number, and page by page."""
        yield Question("list", self.name, f"GET {self.path}?count=true, each record with the fields that are seen on it", self._whole)
        yield Question("list", self.name, f"GET {self.path}, page by page", self._pages)
        yield Question("export", self.name, f"{self.name} in blocks, as files are made of them", self._blocks)
        links = [name for name, field in self.shape.fields.items() if isinstance(field, LinkField)]
        for name in self.some(links, 1):
            yield self._get("include", "", ("include", name))

    def _blocks(self, world: World) -> bytes:
        try:
            blocks = [block.columns for block in world.user().records(self.name).blocks(Query(), 3)]
        except Refusal as refusal:
            return f"{refusal.status} {refusal.code}".encode()
        return repr(blocks).encode()

    def _whole(self, world: World) -> bytes:
        """All rows: those that the oracle names, each with the fields that the oracle names, and no others. A veil may take out its own."""
        rows, cursor, body = list[dict[str, object]](), "", b""
        while cursor or not body:
            status, _headers, part = over_http(
                world, "GET", self.path, [("limit", "500"), ("cursor", cursor) if cursor else ("count", "true")]
            )
            read = orjson.loads(part)
            rows, body, cursor = rows + read.get("data", []), body + part, (read.get("page") or {}).get("next") or ""
        told = {row["id"]: sorted(row) for row in rows}
        due = {str(id): sorted(self.oracle.shown(self.name, id)) for id in self.seen}
        if self.shape.table.info.get("view") or self._fits(told, due) or (status == 403 and not due):
            return body
        return WRONG + orjson.dumps({"told": told, "due": due}, option=orjson.OPT_SORT_KEYS)

    def _fits(self, told: Mapping[Any, list[str]], due: Mapping[str, list[str]]) -> bool:
        veiled = {*self.shape.entity.veiled}
        return told.keys() == due.keys() and all({*told[id]} <= {*due[id]} and {*due[id]} - {*told[id]} <= veiled for id in due)

    def _pages(self, world: World) -> bytes:
        found, cursor = list[bytes](), ""
        for _page in range(_MOST_PAGES):
            _status, _headers, body = over_http(world, "GET", self.path, [("limit", "2"), *([("cursor", cursor)] if cursor else [])])
            found.append(body)
            cursor = (orjson.loads(body).get("page") or {}).get("next") or ""
            if not cursor:
                break
        return b"\n".join(found)

    def fields(self) -> Iterator[Question]:
        """Filters with values that stand in cells which the user does not see, orders, and the field by its name."""
        for name in self.asked():
            field = self.shape.fields[name]
            wanted = [(name if one == "eq" else f"{name}[{one}]", self._sought(field, one)) for one in self.some(field.operators, 1)]
            ways = [self._get("filter", "", one, SHORT) for one in wanted]
            if field.sortable or name in self.hidden:
                ways += [self._get("sort", "", ("sort", direction + name), SHORT) for direction in self.some(("", "-"), 1)]
            yield from self.some(ways, 1 if name in self.hidden or name in self.plain else 2)
            if name in self.hidden:
                yield self._get("fields", "", ("fields", name))
        yield from self._paths()

    def _paths(self) -> Iterator[Question]:
        """Filters by what stands beyond a link, with values that the user does not see there."""
        links = [(name, field) for name, field in self.shape.fields.items() if isinstance(field, LinkField)]
        for name, link in self.some(links, 1):
            target = self.shape.target(link)
            assert target is not None
            there = Asker(self.world, self.oracle, target.full_name, self.random, deep=self.deep)
            names = [far for far in there.asked() if there.shape.fields[far].operators]
            for far in self.random.sample(names, min(2 if self.deep else 1, len(names))):
                field = there.shape.fields[far]
                operator = self.random.choice(field.operators)
                path = f"{name}.{far}" if operator == "eq" else f"{name}.{far}[{operator}]"
                yield self._get("filter", "", (path, there._sought(field, operator)), SHORT)

    def asked(self) -> list[str]:
        """The fields to ask about: some of those that are seen on some records and not on others, of those that are not seen, and of the rest."""
        mixed = [name for name in self.shape.fields if name not in self.hidden and name not in self.plain]
        return [*self.some(mixed, 3), *self.some(sorted(self.hidden), 3), *self.some(sorted(self.plain), 1)]

    def _sought(self, field: Field, operator: str) -> str:
        if operator == "empty":
            return self.random.choice(["true", "false"])
        text = field.format(self._hidden_value(field)) or "1"
        if isinstance(field, LinkField) and self.random.random() < 0.6:
            text = self._hidden_name(field) or text
        return text[1:-1] or text if operator == "contains" else text.replace(",", " ")

    def _hidden_value(self, field: Field) -> object:
        """A value of the field from a cell that the user does not see, else from any."""
        cells = [(field.name in self.oracle.shown(self.name, id), self.cell(field, row)) for id, row in self.rows.items()]
        values = [value for shown, value in cells if value is not None and not shown] or [value for _s, value in cells if value is not None]
        return self.random.choice(values) if values else None

    def cell(self, field: Field, row: type_row) -> object:
        """The value that a record has in a field."""
        if (made := FORMULAS.get(self.name, {}).get(field.name)) is not None:
            return self._made(made, row)
        if (rolled := ROLL_UPS.get(self.name, {}).get(field.name)) is not None:
            return self._rolled(rolled, row)
        extension = self.shape.extension_of(field.name)
        if extension is not None and not isinstance(extension.source, Side):
            return None
        if extension is not None:
            assert isinstance(extension.source, Side)
            rows, link = self.oracle.rows[extension.source.record.table().name].values(), extension.source.link
            found = next((one for one in rows if one[link] == row["id"]), None)
            if found is None:
                return None
            row = found
        cells = tuple(row[column] for column in field.columns())
        return field.join(cells) if cells[0] is not None else None

    def _made(self, made: Made, row: type_row) -> object:
        """The value of a formula: that of its source, here or where the link leads."""
        if made.beyond is None:
            return self.cell(self.shape.fields[made.source], row)
        there = self.world.shapes[made.beyond[0]]
        linked = self.oracle.rows[place_of(there.entity)].get(row[self.shape.fields[made.own[0]].attribute])
        return None if linked is None else linked[there.fields[made.source].attribute]

    def _rolled(self, rolled: Rolled, row: type_row) -> object:
        """The value of a roll-up, were all of its records seen."""
        there = self.world.shapes[rolled.source]
        link, of = (there.fields[name].attribute for name in (rolled.link, rolled.field))
        pointing = [one[of] for one in self.oracle.rows[place_of(there.entity)].values() if one[link] == row["id"] and one[of] is not None]
        return max(pointing, default=None)

    def _hidden_name(self, link: LinkField) -> str:
        """What a record is called whose name the user does not see."""
        target = self.shape.target(link)
        assert target is not None
        names = [
            str(row[target.record.__fields__[name].attribute])
            for id, row in self.oracle.rows.get(place_of(target), {}).items()
            for name in target.match_fields
            if name not in self.oracle.shown(target.full_name, id)
        ]
        return self.random.choice(names) if names else ""

    def searches(self) -> Iterator[Question]:
        """Words out of texts that the user does not see."""
        searched = [name for name, field in self.shape.fields.items() if field.search]
        for name in self.some(searched, 1):
            word = self.shape.fields[name].format(self._hidden_value(self.shape.fields[name]))
            if word:
                yield self._get("search", "", ("q", word), SHORT)
                yield self._search(word)
        if searched:
            yield from self.some((self._get("search", "", ("q", "a")), self._search("a")), 1)

    def _search(self, word: str) -> Question:
        """The same in the search of all entities."""
        return http("search", self.name, "GET", SEARCH, (("q", word[:200]), ("entities", self.name), ("limit", "50")))

    # --- records -------------------------------------------------------------------------------------------------

    def chosen(self) -> list[UUID]:
        """Records to ask for: of those that are seen the ones of which least and most is, of the others the one that may be gone."""
        by_size = sorted(self.seen, key=lambda one: len(self.oracle.shown(self.name, one)))
        made = self.world.cast.ids.get(place_of(self.entity), [])
        others = [made[number] for number in (SPARE, DELETED) if number < len(made) and made[number] in self.unseen]
        return list(dict.fromkeys([*by_size[:1], *by_size[-1:], *(others or self.unseen[:1])]))

    def records(self) -> Iterator[Question]:
        """Single records, what happened to them and around them."""
        chosen = self.chosen()
        for id in chosen:
            yield self._get("get", f"/{id}")
        for id in chosen if self.deep else [*chosen[:1], *chosen[2:3]]:
            yield self._get("history", f"/{id}/history")
        for id in self.seen if self.deep else [id for id in chosen if id in self.seen][-1:]:  # it is made of what stands in many tables
            yield self._get("timeline", f"/{id}/timeline")
        yield Question("past", self.name, f"what has happened to records of {self.name}", self._past)
        asked = [(id, name) for id in chosen[:2] for name in self.random.sample(sorted(self.shape.fields), min(2, len(self.shape.fields)))]
        for id, name in asked if self.deep else asked[:1]:  # each takes a dozen statements
            yield self._explained(id, name)
        for name in self.entity.veiled if self.deep else self.random.sample(sorted(self.entity.veiled), min(1, len(self.entity.veiled))):
            for id in self.seen if self.deep else chosen[:1]:
                yield self._explained(id, name)

    def _past(self, world: World) -> bytes:
        try:
            found, _whole = world.user().past(self.name, NOW - timedelta(days=1))
        except Refusal as refusal:
            return f"{refusal.status} {refusal.code}".encode()
        binned = {id for id, row in self.rows.items() if not self.oracle.lives(self.entity, row)}  # which are told of as if they were not
        told = [(str(one.event.record_id), one.event.name, one.event.payload) for one in found if one.event.record_id not in binned]
        return orjson.dumps(sorted(told, key=str), default=str)

    def _explained(self, id: UUID, name: str) -> Question:
        """Whether an explanation says of a field on a record what the record itself shows."""

        def ask(world: World) -> bytes:
            work = world.user()
            with work.transaction():
                reader = work.reader(self.entity)
                rows = reader.many([id]) if reader.grants else []
                said = explain(work, f"{self.name}.{Verb.READ}", id, name)
                stored = work.as_system().reader(self.entity).many([id]) if name in self.entity.veiled else []
                left = [{**row} for row in stored]
                if self.entity.veil is not None and left:
                    self.entity.veil(work.of_plugin(self.entity.plugin), left)
            told = f"{said.allowed} {said.reason}".encode()
            if name in self.entity.veiled and name in self.oracle.shown(self.name, id):
                agrees = left[0].get(name) == rows[0].get(name) and said.reason in _due(stored[0].get(name), left[0].get(name))
            else:
                agrees = said.allowed is (bool(rows) and name in rows[0])
            return told if agrees else WRONG + b"the record says otherwise than the explanation: " + told

        return Question("explain", self.name, f"whether one sees {name} of {id}", ask)

    # --- reports -------------------------------------------------------------------------------------------------

    def reports(self) -> Iterator[Question]:
        """Groups and sums of each field, over links, and of some by hidden values."""
        fields = self.shape.fields
        measures = [name for name, field in fields.items() if field.role is ReportRole.MEASURE]
        dimensions = [name for name, field in fields.items() if field.role is ReportRole.DIMENSION]
        for name in self.some(measures, 1):
            by = [self.random.choice(dimensions)] if dimensions and self.random.random() < 0.5 else []
            yield aggregate(self.name, ["count", f"{self.random.choice(['sum', 'avg', 'min', 'max'])}:{name}"], by)
        for name in self.some(dimensions, 1):
            field = fields[name]
            beyond = self._beyond(field) if isinstance(field, LinkField) else []
            ways = [aggregate(self.name, ["count"], [f"{name}.{one}"]) for one in beyond]
            yield from self.some([*ways, aggregate(self.name, ["count", f"distinct:{name}"], [name])], 1)
        for name in self.some(sorted(name for name, field in fields.items() if field.operators), 1):
            operator = self.random.choice(fields[name].operators)
            where = Condition(name, operator, (self._sought(fields[name], operator),))
            yield aggregate(self.name, ["count"], [], [where])
        dated = [name for name, field in fields.items() if isinstance(field, DateField | DateTimeField)]
        for name in self.some(dated, 1):
            yield aggregate(self.name, [f"max:{name}", f"min:{name}"], [f"{name}:month"])

    def _beyond(self, link: LinkField) -> list[str]:
        target = self.shape.target(link)
        assert target is not None
        there = self.world.shapes[target.full_name].fields
        grouped = [name for name, field in there.items() if field.role is ReportRole.DIMENSION and not isinstance(field, AnyRecordField)]
        return self.some(grouped, 1)

    # --- writes --------------------------------------------------------------------------------------------------

    def writes(self) -> Iterator[Question]:
        """What is refused, and how: none of these changes anything."""
        verbs = self.entity.verbs
        if verbs & {Verb.CREATE, Verb.UPDATE, Verb.DELETE}:
            yield http("batch", self.name, "POST", f"{self.path}/batch", json={"items": list(self._refused())})
        for name in self.some(sorted(self._blind()), 1):
            yield self._guess(name)
        if self.entity.alike:
            row = self.rows[self.random.choice(self.unseen or list(self.rows))]
            values = {name: self.shape.fields[name].format(self.cell(self.shape.fields[name], row)) for name in self.entity.alike}
            yield http("duplicates", self.name, "POST", f"{self.path}/duplicates", json={"values": {n: v for n, v in values.items() if v}})

    def _strangers(self) -> Mapping[str, str]:
        """For each link a record that the user does not see, and that may not be there."""
        found = {}
        for name, field in self.shape.fields.items():
            target = self.shape.target(field) if isinstance(field, LinkField) and "." not in name else None
            ids = self.world.cast.ids.get(place_of(target), []) if target is not None else []
            if target is not None and len(ids) > SPARE and not self.oracle.shown(target.full_name, ids[SPARE]):
                found[name] = str(ids[SPARE])
        return found

    def _blind(self) -> Iterator[str]:
        """The fields that the user may write and does not see."""
        for right in self.oracle.rights(self.entity, Verb.UPDATE):
            for name in self.hidden if right.fields is None else self.hidden & right.fields:
                field = self.shape.fields[name]
                if not field.readonly and not isinstance(field, LinkField | AnyRecordField) and self.seen:
                    yield name

    def _guess(self, name: str) -> Question:
        """Write what the first world has in a field that is not seen: whether the guess is right must not show.

        What a hook works out from the whole record (a reminder from the day it is due) is for its plugin to show or not, and is not compared.
        """
        id, field = self.seen[0], self.shape.fields[name]
        value = self.cell(field, self.rows[id])

        def ask(world: World) -> bytes:
            with undone(world) as work:
                (outcome,) = work.records(self.name).write([Draft("update", {name: value}, id)])
                if outcome.refusal is not None:
                    return REFUSED + str((outcome.refusal.code, outcome.refusal.problems)).encode()
                return f"version {[row['version'] for row in work.reader(self.entity).many([id])]}".encode()

        return Question("write", self.name, f"write {value!r} into {name} of {id}", ask)

    def trespasses(self) -> Iterator[Question]:
        """Writes that the user has no right to: other people's records, fields of some records, records given away."""
        made = self.world.cast.ids.get(place_of(self.entity), [])
        for verb in sorted(self.entity.verbs & {Verb.UPDATE, Verb.DELETE}):
            foreign = [id for id in made if self.rows.get(id, {"deleted_at": 1})["deleted_at"] is None and not self._may(id, verb)]
            for id in foreign[:1]:
                values = {self.entity.title: self.cell(self.shape.fields[self.entity.title], self.rows[id])}
                yield self._trespass(Draft(verb.value, values if verb is Verb.UPDATE else {}, id))
        reached = [id for id in made if Verb.UPDATE in self.entity.verbs and self._may(id, Verb.UPDATE)]
        stored = [name for name in self.entity.fields if not self.shape.fields.get(name, self.shape.fields["id"]).readonly]
        barred = [(id, name) for id in reached for name in stored if not self.oracle.may(self.name, self.rows[id], Verb.UPDATE, name)]
        held = self.oracle.rights(self.entity, Verb.UPDATE)
        elsewhere = [pair for pair in barred if any(right.fields is None or pair[1] in right.fields for right in held)]
        for pairs in (elsewhere, barred):  # a field that may be written on other records is refused by another check
            for id, name in self.random.sample(pairs, min(1, len(pairs))):
                yield self._trespass(Draft("update", {name: self.cell(self.shape.fields[name], self.rows[id])}, id))
        nameless = self.hidden - self.oracle.named(self.name) - self._written()
        for name in self.random.sample(sorted(nameless), min(1, len(nameless), len(reached))):
            yield self._trespass(Draft("update", {name: None}, reached[0]), unknown=True)
        for id in reached:
            given = self.rows[id] | {"owner_id": self.world.cast.people[2]}
            bound = self._bound or not self.oracle.may(self.name, given, Verb.UPDATE)
            if self.entity.owned and bound and self.rows[id]["owner_id"] != given["owner_id"] and self._may(id, Verb.UPDATE, "owner"):
                yield self._trespass(Draft("update", {"owner": str(given["owner_id"])}, id))
                break

    @property
    def _bound(self) -> bool:
        """Whether the user may give no record to another owner."""
        given = self.oracle.given.get(f"{self.name}.{REASSIGN}", ())
        return bool(given) and all(right.scope is Scope.NONE for right in given)

    def _may(self, id: UUID, verb: Verb, field: str | None = None) -> bool:
        return bool(self.oracle.shown(self.name, id)) and self.oracle.may(self.name, self.rows[id], verb, field)

    def _written(self) -> frozenset[str]:
        """The fields that the user may write on some record."""
        held = [right for verb in (Verb.CREATE, Verb.UPDATE) for right in self.oracle.rights(self.entity, verb)]
        return frozenset().union(*(self.shape.fields if right.fields is None else right.fields for right in held))

    def _trespass(self, draft: Draft, *, unknown: bool = False) -> Question:
        """What must be refused; a field that one may neither see nor write must be as one that there is not."""

        def ask(world: World) -> bytes:
            with undone(world) as work:
                (outcome,) = work.records(self.name).write([draft])
                refusal = outcome.refusal
                told = f"{refusal and (refusal.code, refusal.problems)}".encode()
                rightly = (not unknown and isinstance(refusal, Forbidden | NotFound)) or "unknown_field" in str(
                    refusal and refusal.problems
                )
                return told if rightly else WRONG + b"it was not refused for want of a right: " + told

        return Question("trespass", self.name, f"{draft.verb} {draft.values} of {draft.id}", ask)

    def _refused(self) -> Iterator[Mapping[str, Any]]:
        """A batch whose every item holds something that nobody may write, so that none is taken."""
        poison = {"no_such_field": 1}
        yield {"op": "create", "values": {**self._strangers(), **poison}}
        for id in self.chosen():
            yield {"op": "update", "id": str(id), "values": poison}
        for id in self.unseen[:3]:
            yield {"op": "delete", "id": str(id), "version": 4711}
            break
        names = {}
        for name, field in self.shape.fields.items():
            if isinstance(field, LinkField) and "." not in name:
                names[name] = self._hidden_name(field) or "nobody"
        yield {"op": "create", "values": {**names, **poison}}
        yield {"op": "create", "values": {**{name: word[:-1] or "n" for name, word in names.items()}, **poison}}


def _due(stored: object, shown: object) -> Container[str]:
    """What may be said of a veiled field that a permission shows: the veil takes its whole or a part, and of nothing nobody knows."""
    if stored is None:
        return ("granted", "in_part", "veiled")
    return ("granted", "in_part") if shown == stored else ("veiled", "in_part") if shown is None else ("in_part",)
