"""What tests are made of: records from what their entities declare, and the table of what roles can do."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING

from core.testkit.leaks import cells
from sdk import EVERYBODY, Verb
from sdk.context import Row, id_of
from sdk.fields import AnyRecordField, Field, LinkField, Reference

if TYPE_CHECKING:
    from core.context import Work
    from core.entities.shape import Shape


class Factory:
    """`make("customers.account", name="Acme")` makes a record by the write door, as the system; what is required and not given has a value that fits.

    A required link that is not given gets a new record of its target. What only the plugin knows to fit together is to be given:
    `make("pipeline.deal", stage=won)`. Raises the door's refusals.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._serials = count(1)

    def __call__(self, entity: str, **values: object) -> Row:
        """One record as it is stored."""
        shape = self._work.shape(entity)
        asked = {name: field for name, field in shape.fields.items() if shape.extension_of(name) is None and _is_asked(field)}
        for name, field in asked.items():
            if name not in values:
                values[name] = self._value(shape, field)
        return self._work.records(entity).create(values)

    def many(self, entity: str, number: int, **values: object) -> list[Row]:
        """So many, each with values of its own for what is not given."""
        return [self(entity, **values) for _number in range(number)]

    def _value(self, shape: Shape, field: Field) -> object:
        if isinstance(field, LinkField):
            target = shape.target(field)
            assert target is not None, f"{shape.entity.full_name}.{field.name} links to what this tenant does not have"
            return id_of(self(target.full_name))
        if isinstance(field, AnyRecordField):
            name = self._root()
            return Reference(name, id_of(self(name)))
        return cells.value(field, next(self._serials))

    def _root(self) -> str:
        """An entity that others' records may be about, of the plugin that comes first."""
        catalog = self._work.platform.catalog
        entities = [self._work.shape(name).entity for name in self._work.entities()]
        roots = [one for one in entities if catalog.is_rooted(one) and Verb.CREATE in one.verbs and not one.private]
        return min(roots, key=lambda one: (one.plugin == "core", not one.owned)).full_name


def matrix(work: Work, entity: str) -> dict[str, dict[str, str]]:
    """What each role that plugins contribute can do to records of an entity from the start: `{"sales_rep": {"read": "own", …}}`.

    Asked of the policy as a request asks it, by a new user for each role. Scopes are joined by a comma, verbs that are not granted are absent.
    """
    return matrices(work, [entity])[entity]


def matrices(work: Work, entities: Iterable[str]) -> dict[str, dict[str, dict[str, str]]]:
    """The same of several entities."""
    found: dict[str, dict[str, dict[str, str]]] = {name: {} for name in entities}
    for role in sorted(work.platform.catalog.roles):
        if role == EVERYBODY:
            continue
        user = id_of(work.records("core.user").create({"name": f"one who is {role}", "roles": [role]}))
        scopes = work.platform.user(work.tenant.id, user, work.channel).scopes
        for name, roles in found.items():
            entity = work.shape(name).entity
            held = {str(verb): scopes.grants_of(entity, verb) for verb in Verb if verb in entity.verbs | {Verb.READ}}
            roles[role] = {verb: ",".join(sorted({str(grant.scope) for grant in grants})) for verb, grants in held.items() if grants}
    return found


def _is_asked(field: Field) -> bool:
    return field.required and not field.readonly and field.default is None
