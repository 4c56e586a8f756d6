"""The operations of an entity's collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.entities.read import MOST_ROWS
from core.http.collections import MOST_ITEMS, Collection, may
from core.http.openapi import merging, parts
from core.http.openapi.parts import BY_TOKEN_OR_CSRF, READ, SEND, UUID, WRITE, Json, Sheet, answer, answers, ref
from core.http.openapi.records import RecordSchemas
from sdk import Entity, Verb, _
from sdk.context import CURSOR
from sdk.permissions import MERGE

if TYPE_CHECKING:
    from core.context import Work

_LIST, _CREATE, _GET, _UPDATE = _("list"), _("create"), _("read"), _("edit")
_DELETE, _RESTORE, _BATCH, _HISTORY = _("delete"), _("restore"), _("batch"), _("history")
_TIMELINE, _DUPLICATES = _("timeline"), _("likely duplicates")
_FROM_BODY, _FROM_PATH, _FIRST = "$response.body#/id", "$request.path.id", "$response.body#/data/0/id"


class CollectionOperations:
    """Describes what the actor may do with one entity."""

    def __init__(self, sheet: Sheet, work: Work, entity: Entity) -> None:
        self.sheet, self.work, self.entity = sheet, work, entity
        self.own, self.path, self.tag = RecordSchemas(work, entity), Collection(entity).path, entity.full_name
        self.verbs = {verb for verb in Verb if may(work, entity, verb)}

    def describe(self) -> None:
        """Add schemas and paths."""
        # Prefixes: a suffix would meet other entities, the change of `pipeline.stage` the record `pipeline.stage_change`.
        schemas = {"": self.own.record(), "PartOf": self.own.part()}
        if Verb.CREATE in self.verbs:
            schemas["New"] = self.own.input(creating=True)
        if Verb.UPDATE in self.verbs:
            schemas["ChangeOf"] = self.own.input(creating=False)
        if self._warns():
            whole = schemas[""]
            schemas["Written"] = {**whole, "properties": {**whole["properties"], "warnings": parts.warnings()}}
        for prefix, schema in schemas.items():
            self.sheet.schemas[f"{prefix}{self.own.name}"] = schema
        self._paths()

    def _paths(self) -> None:
        collection, item = {"get": self._list()}, {"get": self._get()}
        if Verb.CREATE in self.verbs:
            collection["post"] = self._create()
        if Verb.UPDATE in self.verbs:
            item["patch"] = self._update()
        if Verb.DELETE in self.verbs:
            item["delete"] = self._delete()
        in_path = [parts.path_id()]
        self.sheet.path(self.path, operations=collection)
        if self.entity.alike:
            self.sheet.path(f"{self.path}/duplicates", operations={"post": self._duplicates()})
        if Verb.UPDATE in self.entity.verbs and self.verbs - {Verb.READ}:
            self.sheet.path(f"{self.path}/batch", operations={"post": self._batch()})
        self.sheet.path(f"{self.path}/{{id}}", operations=item, parameters=in_path)
        if Verb.DELETE in self.verbs:
            self.sheet.path(f"{self.path}/{{id}}/restore", operations={"post": self._restore()}, parameters=in_path)
        self.sheet.path(f"{self.path}/{{id}}/history", operations={"get": self._history()}, parameters=in_path)
        self.sheet.path(f"{self.path}/{{id}}/timeline", operations={"get": self._timeline()}, parameters=in_path)
        if self.entity.mergeable:
            self._merging(in_path)

    def _merging(self, in_path: list[Json]) -> None:
        say, path = self.work.say, f"{self.path}/{{id}}/merges"
        operations = {"get": self._operation("merges", say(merging.MERGES), answers(self._led_on({200: merging.listed(self.work)}), READ))}
        if {Verb.UPDATE, Verb.DELETE} <= self.verbs and self.work.scopes.special(self.entity, MERGE):
            made = answers(merging.done(self.work), (*SEND, 412))
            operations["post"] = self._operation("merge", say(merging.MERGE), made, [self._if_match()], parts.body(merging.wish()))
            undone = answers({200: merging.undone(self.work)}, WRITE)
            merge = {**parts.path_id(), "name": "merge"}
            undo = {"post": self._operation("unmerge", say(merging.UNMERGE), undone)}
            self.sheet.path(f"{path}/{{merge}}/undo", operations=undo, parameters=[*in_path, merge])
        self.sheet.path(path, operations=operations, parameters=in_path)

    def _led_on(self, good: dict[int, Json]) -> dict[int, Json]:
        """Where a record may have become part of another, its address leads there."""
        return {**good, 308: merging.led_on(self.work)} if self.entity.mergeable else good

    def _operation(self, act: str, summary: str, responses: Json, parameters: list[Json] | None = None, body: Json | None = None) -> Json:
        label = self.work.say(self.entity.plural_label if act in ("list", "batch") else self.entity.label)
        made: Json = {"operationId": f"{self.tag}.{act}", "tags": [self.tag], "summary": f"{label}: {summary}", "responses": responses}
        if parameters:
            made["parameters"] = parameters
        if body is not None:
            made["requestBody"] = body
        if act not in ("list", "get", "history", "timeline", "merges"):
            made["security"] = BY_TOKEN_OR_CSRF
            made["parameters"] = [*made.get("parameters", ()), parts.once()]
        return made

    def _if_match(self) -> Json:
        return parts.if_match(self.work.say)

    def _links(self, id: str, acts: tuple[str, ...], *, tagged: bool = False) -> Json:
        """From an answer to what can be done next with the record; `tagged`: the answer has the record's ETag."""
        possible = {"get": Verb.READ, "history": Verb.READ, "update": Verb.UPDATE, "delete": Verb.DELETE, "restore": Verb.DELETE}
        made: Json = {}
        for act in acts:
            if possible[act] in self.verbs:
                parameters = {"id": id} | ({"If-Match": "$response.header.ETag"} if tagged and act in ("update", "delete") else {})
                made[act] = {"operationId": f"{self.tag}.{act}", "parameters": parameters}
        return made

    def _etag(self) -> Json:
        return {"ETag": parts.header(self.work.say(parts.ETAG), required=self.own.all_in_sight)}

    def _written(self, text: str, headers: Json | None = None) -> Json:
        links = self._links(_FROM_BODY, ("get", "update", "delete", "history"), tagged=self.own.all_in_sight)
        name = f"Written{self.own.name}" if self._warns() else self.own.name
        return answer(text, ref(name), {**self._etag(), **(headers or {})}, links)

    def _warns(self) -> bool:
        """Whether there may be something to tell beside what is written."""
        return bool((self.entity.alike or self.entity.warns) and self.verbs - {Verb.READ})

    # --- the operations ------------------------------------------------------------------------------------------

    def _list(self) -> Json:
        following = {"next": {"type": ["string", "null"]}, "total": {"type": "integer"}}
        page = {"type": "object", "properties": following, "required": ["next"]}
        rows = {"type": "array", "items": ref(f"PartOf{self.own.name}")}
        schema = {"type": "object", "properties": {"data": rows, "page": page}, "required": ["data", "page"]}
        good = answer(self.work.say(_("A page.")), schema, links=self._links(_FIRST, ("get", "history")))
        return self._operation("list", self.work.say(_LIST), answers({200: good}, (*READ, 414)), self.own.listed())

    def _create(self) -> Json:
        location = {"Location": parts.header(self.work.say(_("The URL of the record.")))}
        responses = answers({201: self._written(self.work.say(_("Created.")), location)}, SEND)
        return self._operation("create", self.work.say(_CREATE), responses, self._force(), parts.body(ref(f"New{self.own.name}")))

    def _force(self) -> list[Json]:
        """For entities whose records can be taken for one another."""
        if not self.entity.alike:
            return []
        text = self.work.say(_("Save it although it is a likely duplicate; requires permission."))
        return [parts.query("force", {"type": "boolean"}, text)]

    def _duplicates(self) -> Json:
        data = {"type": "array", "items": parts.candidate()}
        schema = {"type": "object", "properties": {"data": data, "hidden": {"type": "integer"}}, "required": ["data", "hidden"]}
        good = answer(self.work.say(_("Possible matches, and how many more you don’t have access to.")), schema)
        asked: Json = {"values": {"type": "object"}, "id": UUID}
        body: Json = {"type": "object", "properties": asked, "required": ["values"], "additionalProperties": False}
        return self._operation("duplicates", self.work.say(_DUPLICATES), answers({200: good}, SEND), body=parts.body(body))

    def _get(self) -> Json:
        tag = {"ETag": parts.header(self.work.say(parts.ETAG))}
        good = answer(
            self.work.say(_("The record.")),
            ref(f"PartOf{self.own.name}"),
            tag,
            self._links(_FROM_BODY, ("update", "delete", "history"), tagged=True),
        )
        known = parts.asked("If-None-Match", self.work.say(_("An ETag you have: 304 if the response is still the same.")))
        responses = answers(self._led_on({200: good, 304: answer(self.work.say(_("You already have this response.")), headers=tag)}), READ)
        return self._operation("get", self.work.say(_GET), responses, [*self.own.shown(), known])

    def _update(self) -> Json:
        responses = answers({200: self._written(self.work.say(_("Changed.")))}, (*SEND, 412))
        body = parts.body(ref(f"ChangeOf{self.own.name}"))
        return self._operation("update", self.work.say(_UPDATE), responses, [self._if_match(), *self._force()], body)

    def _delete(self) -> Json:
        good = answer(self.work.say(_("In the recycle bin.")), links=self._links(_FROM_PATH, ("get", "restore")))
        return self._operation("delete", self.work.say(_DELETE), answers({204: good}, (*WRITE, 412)), [self._if_match()])

    def _restore(self) -> Json:
        good = self._written(self.work.say(_("Restored.")))
        return self._operation("restore", self.work.say(_RESTORE), answers({200: good}, (*WRITE, 412)), [self._if_match(), *self._force()])

    def _batch(self) -> Json:
        good = answer(self.work.say(_("All were accepted; the outcome of each is listed in the order of the items.")), _outcomes())
        some = answer(self.work.say(_("Some were rejected, the others were accepted; each has its outcome.")), _outcomes())
        return self._operation("batch", self.work.say(_BATCH), answers({200: good, 207: some}, SEND), body=parts.body(self._items()))

    def _items(self) -> Json:
        values = {"type": "object", "description": f"As in New{self.own.name} and ChangeOf{self.own.name}; each item has its own outcome."}
        version = {"type": "integer", "description": self.work.say(_("The version you read: a stale change is rejected."))}
        force: Json = {"force": {"type": "boolean"}} if self.entity.alike else {}
        kinds = []
        for op, properties in (
            ("create", {"values": values, **force}),
            ("update", {"id": UUID, "values": values, "version": version, **force}),
            ("delete", {"id": UUID, "version": version}),
            ("restore", {"id": UUID, "version": version, **force}),
        ):
            item: Json = {"op": {"type": "string", "const": op}, **properties}
            needed = [name for name in item if name not in ("version", "force")]
            kinds.append({"type": "object", "properties": item, "required": needed, "additionalProperties": False})
        items = {"type": "array", "items": {"oneOf": kinds}, "minItems": 1, "maxItems": MOST_ITEMS}
        return {"type": "object", "properties": {"items": items}, "required": ["items"], "additionalProperties": False}

    def _history(self) -> Json:
        texts = {name: {"type": "string"} for name in ("actor", "channel", "action")}
        moment = {"type": "string", "format": "date-time"}
        properties = {
            "at": moment,
            "record_id": UUID,
            **{key: {"type": ["string", "null"]} for key in ("actor_id", "impersonator_id")},
            **texts,
            "changes": {"type": "object"},
        }
        return self._entries("history", self.work.say(_HISTORY), properties)

    def _timeline(self) -> Json:
        texts: Json = {name: {"type": "string"} for name in ("kind", "entity")}
        words: Json = {name: {"type": ["string", "null"]} for name in ("title", "body")}
        properties = {"at": {"type": "string", "format": "date-time"}, "id": UUID, "actor": {"type": ["object", "null"]}, **texts, **words}
        return self._entries("timeline", self.work.say(_TIMELINE), properties)

    def _entries(self, act: str, summary: str, properties: Json) -> Json:
        """The operation that answers pages of such entries."""
        entry = {"type": "object", "properties": properties, "required": sorted(properties)}
        page = {"type": "object", "properties": {"next": {"type": ["string", "null"]}}, "required": ["next"]}
        schema = {"type": "object", "properties": {"data": {"type": "array", "items": entry}, "page": page}, "required": ["data", "page"]}
        asked = [
            parts.query(
                "limit", {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}, self.work.say(_("How many entries; 50 by default."))
            ),
            parts.query("cursor", {"type": "string", "pattern": CURSOR}, self.work.say(_("`page.next` of the previous page."))),
        ]
        good = answer(self.work.say(_("Newest first.")), schema)
        return self._operation(act, summary, answers(self._led_on({200: good}), READ), asked)


def _outcomes() -> Json:
    properties = {
        "status": {"type": "integer"},
        "id": {"type": ["string", "null"], "format": "uuid"},
        "version": {"type": ["integer", "null"]},
        "problem": ref("Problem"),
        "warnings": parts.warnings(),
    }
    data = {"type": "array", "items": {"type": "object", "properties": properties, "required": ["status", "id"]}}
    return {"type": "object", "properties": {"data": data}, "required": ["data"]}
