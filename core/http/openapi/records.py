"""The schemas of one entity's records, and the parameters of its list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.entities.read import MOST_ROWS
from core.http.collections import MOST_LISTED
from core.http.openapi.parts import NO_NULL, UUID, Json, names, nullable, query
from sdk import Entity, Verb, _
from sdk.context import CURSOR
from sdk.fields import Field, LinkField

if TYPE_CHECKING:
    from core.context import Work

_NO_COMMA = r"^[^,]*$"
_ALWAYS = frozenset({"id", "version", "created_at", "updated_at"})


class RecordSchemas:
    """One entity as the context's actor may read and write it."""

    def __init__(self, work: Work, entity: Entity) -> None:
        self.work, self.entity = work, entity
        reader = work.reader(entity)
        self.visible = reader.visible()
        self.asked = reader.asked()
        self.name = "".join(part.capitalize() for part in re.split(r"[._]", entity.full_name))
        self.uniform = reader.uniform()
        # Who reads some records only may write one out of sight (give it away): then the answer is its id alone.
        reach = work.scopes.clause(entity, entity.record.table(), reader.grants, Verb.READ)
        self.all_in_sight = self.uniform and reach is None

    # --- what is shown -------------------------------------------------------------------------------------------

    def record(self) -> Json:
        """A whole record."""
        properties = {name: self._output(field) for name, field in self.visible.items()}
        required = sorted(properties) if self.all_in_sight else ["id"]
        return {"type": "object", "title": self._title(), "properties": properties, "required": required, "additionalProperties": False}

    def part(self) -> Json:
        """A record of which fewer fields were asked for, or links were included."""
        properties = {name: self._included(field) for name, field in self.visible.items()}
        return {"type": "object", "title": self._title(), "properties": properties, "required": ["id"], "additionalProperties": False}

    def _title(self) -> str:
        return self.work.say(self.entity.label)

    def _included(self, field: Field) -> Json:
        plain = self._output(field)
        if isinstance(field, LinkField):
            return {"anyOf": [plain, {"type": "object", "properties": {"id": UUID}, "required": ["id"]}]}
        return plain

    def _output(self, field: Field) -> Json:
        schema: Json = {**field.json_schema(), "title": self.work.say(field.label)}
        always = field.name in _ALWAYS or (not field.nullable() and "." not in field.name)
        return schema if always else nullable(schema)

    # --- what is taken -------------------------------------------------------------------------------------------

    def input(self, *, creating: bool) -> Json:
        """What a create or a change may send."""
        held = self.work.scopes.grants_of(self.entity, Verb.CREATE if creating else Verb.UPDATE)
        writable = {
            name: field
            for name, field in self.work.shape(self.entity.full_name).fields.items()
            if not field.readonly and any(grant.fields is None or name in grant.fields for grant in held)
        }
        properties = {name: self._input(field) for name, field in writable.items()}
        needed = [name for name, field in writable.items() if creating and field.required and field.default is None]
        return {"type": "object", "title": self._title(), "properties": properties, "required": needed, "additionalProperties": False}

    def _input(self, field: Field) -> Json:
        schema: Json = {**field.input_schema(), "title": self.work.say(field.label)}
        if not field.required or field.default is not None:
            return nullable(schema)
        return {**schema, "minLength": 1} if schema.get("type") == "string" and "enum" not in schema else schema

    # --- what is asked for ---------------------------------------------------------------------------------------

    def shown(self) -> list[Json]:
        """Which fields, and which links as records."""
        links = [name for name, field in self.visible.items() if isinstance(field, LinkField)]
        made = [names(list(self.visible), self.work.say(_("The fields to return; `id` is always included.")), "fields")]
        return made + ([names(links, self.work.say(_("Links to return as records instead of IDs.")), "include")] if links else [])

    def listed(self) -> list[Json]:
        """The parameters of a list: what is shown, order, search, page, then a filter for each operator of each field."""
        sortable = [name for name, field in self.asked.items() if field.sortable]
        return [
            *self.shown(),
            names(
                [word for name in sortable for word in (name, f"-{name}")],
                self.work.say(_("The order; prefix a name with `-` for descending.")),
                "sort",
            ),
            query("q", {"type": "string", "maxLength": 200, "pattern": NO_NULL}, self.work.say(_("Words to search for."))),
            query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}, self.work.say(_("How many records; 50 by default."))),
            query(
                "cursor",
                {"type": "string", "pattern": CURSOR},
                self.work.say(_("`page.next` of the previous page, with the same filter and order.")),
            ),
            query("count", {"type": "boolean"}, self.work.say(_("Whether to count all records into `page.total`."))),
            *(self._filter(name, field, operator) for name, field in self.asked.items() for operator in field.operators),
        ]

    def _filter(self, name: str, field: Field, operator: str) -> Json:
        label = name if operator == "eq" else f"{name}[{operator}]"
        if operator == "empty":
            return query(label, {"type": "boolean"})
        if operator == "contains":
            return query(label, {"type": "string", "minLength": 1, "maxLength": 200, "pattern": NO_NULL})
        value: Json = dict(field.sought_schema())
        if operator != "in":
            return query(label, value)
        if value.get("type") == "string" and "enum" not in value and "format" not in value:
            value = {**value, "pattern": value.get("pattern", _NO_COMMA).replace("[^", "[^,")}
        return query(label, {"type": "array", "items": value, "minItems": 1, "maxItems": MOST_LISTED})
