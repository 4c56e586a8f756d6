"""Records, the rows of a tenant, and entities, what the platform knows about them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from inspect import get_annotations
from typing import Any, ClassVar, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from sdk import fields as f
from sdk.columns import UtcDateTime, json_data, key
from sdk.errors import DeclarationError
from sdk.fields.base import Field, Mapped
from sdk.fields.computed import Computed, Source
from sdk.fields.identity import IdField
from sdk.fields.text import ALIKE, TextField
from sdk.names import ENTITY, FIELD, RESERVED_FIELDS, check_name
from sdk.permissions import Access, Audience, Verb
from sdk.text import Text, _

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_1_name)s",
    "pk": "pk_%(table_name)s",
}
LIVE = "deleted_at IS NULL"


class Record:
    """A row of a tenant. The declared fields follow; key, owner, version and time stamps are here.

    Write and read records through `ctx.records(...)` only: the doors carry tenant, rights, audit and events. What is declared becomes a table and
    nothing else: rows are no objects of the class, `Account.name` is the column. What several have in common may stand in a class of no table beside
    it: `class Visit(Placed, Record)`.
    """

    metadata: ClassVar[sa.MetaData] = sa.MetaData(naming_convention=NAMING)
    __tablename__: ClassVar[str]
    __table_args__: Any = ()
    __table__: ClassVar[sa.Table]
    __fields__: ClassVar[dict[str, Field]]

    tenant_id: ClassVar[sa.Column[UUID]]
    id: ClassVar[sa.Column[UUID]]
    owner_id: ClassVar[sa.Column[UUID | None]]
    version: ClassVar[sa.Column[int]]
    created_at: ClassVar[sa.Column[datetime]]
    updated_at: ClassVar[sa.Column[datetime]]
    deleted_at: ClassVar[sa.Column[datetime | None]]
    custom: ClassVar[sa.Column[dict[str, Any] | None]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = vars(cls).get("__tablename__", "")
        if not table and isinstance(vars(cls).get("table"), classmethod):  # over the table of another
            return
        if not table:
            raise DeclarationError(f"{cls.__module__}.{cls.__name__} names no table: give it __tablename__ = '<plugin>_<plural>'")
        if above := next((base for base in cls.__mro__[1:] if "__table__" in vars(base)), None):
            text = f"{cls.__module__}.{cls.__name__} stands under {above.__name__}, which has a table itself; put it under Record, and what both have"
            raise DeclarationError(f"{text} into a class of no table beside it")
        if table in Record.metadata.tables:
            there = getattr(Record.metadata.tables[table].info.get("record"), "__module__", "core")
            raise DeclarationError(f"table {table!r} of {cls.__module__} is there already, from {there}; rename one")
        bound: dict[str, Field] = {}
        columns, siblings, extra = list[sa.Column[Any]](), list[sa.Column[Any]](), list[sa.schema.SchemaItem]()
        for attribute, mapped in _said_in(cls).items():
            if mapped is _NO_FIELD or isinstance(getattr(mapped, "column", mapped), sa.Column):  # SQLAlchemy's own, or its ORM's
                text = "expected a field such as f.text(_('Name')), not a bare column, and no comma behind it"
                raise DeclarationError(f"{cls.__name__}.{attribute}: {text}")
            if not isinstance(mapped, Mapped):
                continue
            field_ = mapped.field.bound(_field_name(cls, attribute, mapped.field), attribute)
            bound[field_.name] = field_
            columns.append(_column(attribute, field_.column_type(), field_, nullable=field_.nullable()))
            for suffix, type_ in field_.siblings().items():
                siblings.append(sa.Column(f"{attribute}_{suffix}", type_, nullable=field_.nullable() or suffix == ALIKE))
            extra += _constraints(table, field_)
        extra.append(sa.Index(f"ix_{table}_owner", "tenant_id", "owner_id"))
        cls.__fields__ = bound
        if strayed := next((one for one in bound.values() if one.converts and not isinstance(bound.get(one.converts), f.MoneyField)), None):
            raise DeclarationError(
                f"{cls.__name__}.{strayed.attribute}: it converts {strayed.converts!r}, which is no amount of it; name one"
            )
        if not isinstance(cls.__table_args__, tuple):
            raise DeclarationError(f"{cls.__name__}.__table_args__: expected a tuple, such as (unique_together('{table}', 'name'),)")
        parts = (*_first(), *columns, *siblings, *_last(), *cls.__table_args__, *extra)
        try:
            cls.__table__ = sa.Table(table, Record.metadata, *parts, info={"record": cls})
        except sa.exc.ArgumentError as flaw:  # a column twice, an index of none
            raise DeclarationError(f"table {table!r} of {cls.__module__}.{cls.__name__}: {flaw}") from flaw
        for column in cls.__table__.c:
            setattr(cls, column.key, column)

    def __init__(self, **kwargs: Any) -> None:
        raise TypeError(f"{type(self).__name__} is a table and no row: write {kwargs or 'it'} through ctx.records(...)")

    @classmethod
    def __clause_element__(cls) -> sa.Table:
        return cls.table()

    @classmethod
    def table(cls) -> sa.Table:
        """The SQLAlchemy table."""
        return cls.__table__


_SYSTEM: dict[str, Field] = {
    "id": IdField(label=_("ID"), readonly=True),
    "owner_id": f.LinkField(label=_("Owner"), target="core.user", track=True),
    "version": f.IntegerField(label=_("Version"), readonly=True),
    "created_at": f.DateTimeField(label=_("Created"), readonly=True),
    "updated_at": f.DateTimeField(label=_("Last changed"), readonly=True),
}
"""The fields that every record has, by their columns."""
_TAKEN = frozenset({*vars(Record), *Record.__annotations__, "owner"})
"""What an attribute of a record means already."""
_NO_FIELD = object()
_KEY, _INSTANT, _WHOLE, _DOCUMENT = key(), UtcDateTime(), sa.Integer(), json_data()


def _column(name: str, type_: Any, field_: Field | None = None, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, type_, info={} if field_ is None else {"field": field_}, **more)


def _first() -> Iterator[sa.Column[Any]]:
    """The columns that every table begins with."""
    yield _column("tenant_id", _KEY, primary_key=True)
    yield _column("id", _KEY, _SYSTEM["id"], primary_key=True)


def _last() -> Iterator[sa.Column[Any]]:
    """And those that it ends with."""
    yield _column("owner_id", _KEY, _SYSTEM["owner_id"])
    yield _column("version", _WHOLE, _SYSTEM["version"], nullable=False)
    yield _column("created_at", _INSTANT, _SYSTEM["created_at"], nullable=False)
    yield _column("updated_at", _INSTANT, _SYSTEM["updated_at"], nullable=False)
    yield _column("deleted_at", _INSTANT)
    yield _column("custom", _DOCUMENT)


def _said_in(cls: type[Record]) -> dict[str, Any]:
    """What a class and those without a table beside it say, by attribute; `_NO_FIELD` for what is called a field and is none."""
    said: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        said |= vars(base)
        called = [attribute for attribute, annotation in get_annotations(base).items() if "Mapped[" in str(annotation)]
        said |= {attribute: _NO_FIELD for attribute in called if not isinstance(said.get(attribute), Mapped)}
    return said


def _field_name(cls: type[Record], attribute: str, bare: Field) -> str:
    if not isinstance(bare, f.LinkField):
        name = attribute
    elif attribute.endswith("_id"):
        name = attribute.removesuffix("_id")
    else:
        raise DeclarationError(f"{cls.__name__}.{attribute}: the attribute of a link ends in _id; call it {attribute}_id")
    if name in RESERVED_FIELDS:
        raise DeclarationError(f"{cls.__name__}.{attribute}: {name!r} is reserved in the API; choose another name")
    if attribute in _TAKEN:
        raise DeclarationError(f"{cls.__name__}.{attribute}: every record has {attribute!r} already; choose another name")
    return check_name(FIELD, name, f"field of {cls.__name__}")


def _constraints(table: str, field_: Field) -> list[sa.schema.SchemaItem]:
    column, made = field_.attribute, list[sa.schema.SchemaItem]()
    if isinstance(field_, f.LinkField) and not (isinstance(field_.target, str) and field_.target != "self"):
        target = table if isinstance(field_.target, str) else str(field_.target.__tablename__)
        made.append(sa.ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"]))
    if field_.unique:
        made.append(unique_together(table, column))
    elif field_.index or field_.match:
        made.append(sa.Index(f"ix_{table}_{column}", "tenant_id", column, "id"))
    if isinstance(field_, TextField) and field_.alike is not None:
        made.append(sa.Index(f"ix_{table}_{column}_{ALIKE}", "tenant_id", f"{column}_{ALIKE}", "id"))
    return made


def unique_together(table: str, *columns: str) -> sa.Index:
    """No two live records of a tenant share the values of all `columns`; goes into `__table_args__`."""
    name, live = f"uq_{table}_{'_'.join(columns)}", sa.text(LIVE)
    return sa.Index(name, "tenant_id", *columns, unique=True, sqlite_where=live, postgresql_where=live)


def system_fields() -> dict[str, Field]:
    """The fields that every record has, by name."""
    found: dict[str, Field] = {}
    for attribute, bare in _SYSTEM.items():
        name = attribute.removesuffix("_id")
        found[name] = bare.bound(name, attribute)
    return found


@dataclass(frozen=True)
class Sharing:
    """People with whom single records are shared: live rows of `record` link a record (attribute `link`) to a user (attribute `person`).

    Who has a verb for own records or those of the team has it for shared ones, too, but for deleting.
    """

    record: type[Record]
    link: str
    person: str
    field: str = ""
    """The field of the shared record by which its people are chosen, if there is one: who has it by a share does not share it further."""


@dataclass(frozen=True)
class View:
    """A list that an entity comes with: which records, as the address of a list says it, and in which order.

    `{me}` and `{today}` in a value stand for who looks and for the day. The first one is what a list opens with for who has chosen nothing else.
    """

    key: str
    label: Text
    conditions: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""


@dataclass(frozen=True)
class Entity:
    """What the platform knows of a kind of record; REST, OpenAPI, permissions, import and report follow from it.

    `name` and `plural` are its words in addresses; `title` is the field that names a record to people; `access` says what
    which role may do with which records from the start. `owned=False` is for master data that belongs to nobody.
    `verbs` leaves out what its API must not offer. `guards_access=True`: a write changes who may do what, or what `ctx.kept` keeps.
    `alike` names fields of text: two live records that agree in one of them, as far as its likeness goes, are taken for one, and
    the second is refused with the first as candidate until `force` is asked for by who has `<plugin>.<entity>.force`.
    `territory` names a link to `core.territory`, or to a record of an entity that has one: for grants of that scope.
    """

    record: type[Record]
    name: str
    plural: str
    label: Text
    plural_label: Text
    title: str = "name"
    access: Mapping[str, Access] = field(default_factory=dict)
    owned: bool = True
    private: bool = False
    """Whether a person reaches own records and no others, whatever roles grant: notifications, preferences."""
    sharing: Sharing | None = None
    """With whom else single records are shared."""
    audience: str = ""
    """The field of choice (the keys of `Audience`) by which its owner shows a record to the team or to everybody, to read it; `private` goes
    as far as that."""
    hands_over: bool = True
    """Whether its records pass to a successor when their owner leaves: not where the owner is an author, or who was judged. What is private passes
    as far as its owner shows it to others (`audience`)."""
    verbs: frozenset[Verb] = frozenset(Verb)
    guards_access: bool = False
    acts_later: bool = False
    """Whether its records go on acting for their owner by themselves: rules, webhooks. A token with an allow-list writes such only
    if `core.owner.act_later` is in the list, since what it leaves behind has all rights of the owner."""
    alike: tuple[str, ...] = ()
    warns: bool = False
    """Whether what is written may come with warnings of its plugin (`Change.warn`)."""
    veil: Callable[[Any, Sequence[dict[str, Any]]], None] | None = None
    """Called with context and rows before they leave; takes out of each what its reader may not see and no field right says. Who may do everything sees all."""
    veiled: tuple[str, ...] = ()
    """The fields that the veil takes out of some rows: nothing is found, ordered or counted by them."""
    tells: Callable[[Any, Sequence[dict[str, Any]]], None] | None = None
    """Called with context and rows before they leave; says in the reader's language what is kept for readers of any."""
    narrows: Callable[[Any], Collection[str]] | None = None
    """Called with a context: of `veiled` those of which its actor is left only a part, on whatever record. The others are left or taken whole,
    whatever stands in them."""
    territory: str = ""
    merges: bool = True
    """Whether several records may be made one, where nothing else speaks against it: not for documents, nor for what lists name by its key."""
    columns: tuple[str, ...] = ()
    """The fields that a list shows unless somebody chooses others; none: the console finds them by what the fields are."""
    views: tuple[View, ...] = ()
    """The lists that it comes with."""
    tick: tuple[str, str, str] | None = None
    """The choice that one touch sets, in lists and beside the title: its field, the option from which and the one to which, and back again."""
    person: bool = False
    """Whether each record is a person, whose data are given out and erased on request by who has `<plugin>.<entity>.disclose` and `.erase`."""
    plugin: str = ""
    """The plugin that declared it; core stamps it at boot."""

    def __post_init__(self) -> None:
        for name in self.alike:
            if not isinstance(self.record.__fields__.get(name), TextField):
                raise DeclarationError(f"entity {self.name!r}: alike {name!r} is no field of text of {self.record.__name__}; name one")
        shown_to = self.record.__fields__.get(self.audience)
        if self.audience and not (isinstance(shown_to, f.ChoiceField) and set(shown_to.options) == set(Audience)):
            expected = ", ".join(Audience)
            raise DeclarationError(f"entity {self.name!r}: audience {self.audience!r} is no choice of {expected}; name one")
        if unknown := [name for name in self.veiled if name not in self.record.__fields__ or self.veil is None]:
            raise DeclarationError(
                f"entity {self.name!r}: {unknown[0]!r} in veiled is no field that a veil takes out; name fields, and a veil"
            )
        if self.narrows is not None and not self.veiled:
            raise DeclarationError(
                f"entity {self.name!r}: narrows tells of what a veil leaves, and there is none; name what it takes in veiled"
            )
        if self.territory and not isinstance(self.record.__fields__.get(self.territory), f.LinkField):
            raise DeclarationError(f"entity {self.name!r}: territory {self.territory!r} is no link of {self.record.__name__}; name one")
        if self.remark and not self.owned:
            raise DeclarationError(f"entity {self.name!r} holds remarks (remark=True) and belongs to nobody (owned=False): give it owners")
        marks = self.record.__fields__.get(self.tick[0]) if self.tick is not None else None
        if self.tick is not None and not (isinstance(marks, f.ChoiceField) and {*self.tick[1:]} <= {*marks.options}):
            raise DeclarationError(
                f"entity {self.name!r}: tick {self.tick!r} is no choice of {self.record.__name__} with two of its options"
            )
        check_name(ENTITY, self.name, "entity")
        check_name(ENTITY, self.plural, "plural")
        if self.title not in self.record.__fields__:
            raise DeclarationError(f"entity {self.name!r}: title {self.title!r} is no field of {self.record.__name__}; name one")

    @property
    def full_name(self) -> str:
        """`plugin.entity`."""
        return f"{self.plugin}.{self.name}"

    @property
    def mergeable(self) -> bool:
        """Whether several records may be made one: no part of another record, nothing private, nothing that decides about rights."""
        deletable = {Verb.UPDATE, Verb.DELETE} <= self.verbs
        return self.merges and deletable and self.parent is None and not self.private and not self.guards_access

    @cached_property
    def fields(self) -> dict[str, Field]:
        """The declared fields, then the system's, by name."""
        system = system_fields()
        if not self.owned:
            del system["owner"]
        return {"id": system.pop("id"), **self.record.__fields__, **system}

    @cached_property
    def parent(self) -> f.LinkField | f.AnyRecordField | None:
        """The link through which its visibility is inherited, if any."""
        links = (field_ for field_ in self.record.__fields__.values() if isinstance(field_, f.LinkField | f.AnyRecordField))
        return next((link for link in links if link.parent), None)

    @property
    def remark(self) -> bool:
        """Whether its records are what their owners say about their parents, and no parts of them."""
        return isinstance(self.parent, f.AnyRecordField) and self.parent.remark

    @cached_property
    def match_fields(self) -> tuple[str, ...]:
        """The fields whose values name a record: for links by natural key and for import matching."""
        matching = tuple(name for name, field_ in self.record.__fields__.items() if field_.match)
        return matching or (self.title,)


@dataclass(frozen=True)
class Side:
    """A one-to-one side table: `record` has a unique link (attribute `link`) to the extended entity.

    A row is made with the first value that is written; until then a field shows its default, or nothing, or what `otherwise` has for its
    name: an expression for the field's one column.
    """

    record: type[Record]
    link: str
    otherwise: Mapping[str, Source] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Extension:
    """Fields that a plugin adds to an entity it does not own; they appear there as `<plugin>.<field>` while it is on.

    `source` is a side table, all of whose fields are added and can be written through the entity, or computed fields by name.
    """

    entity: str
    source: Side | Mapping[str, Computed]
    plugin: str = ""

    def own_fields(self) -> dict[str, Field]:
        """The added fields by their full names."""
        if isinstance(self.source, Side):
            fields = {n: v for n, v in self.source.record.__fields__.items() if v.attribute != self.source.link}
        else:
            fields = {n: c.field.bound(n, n) for n, c in self.source.items()}
        return {f"{self.plugin}.{n}": v.bound(f"{self.plugin}.{n}", v.attribute) for n, v in fields.items()}


EntityLookup: TypeAlias = "Callable[[str], Entity]"
