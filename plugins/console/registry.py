"""What the console knows of an entity, for who looks: its words, its fields, what may be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from sdk import Context, Entity, NotFound, Verb, _
from sdk.context import unseen
from sdk.fields import ChoiceField, DateField, DateTimeField, Field, IntegerField, LinkField
from sdk.fields.text import LongTextField
from sdk.text import within

PREFIX = "/console"
_VERBS = frozenset(one.value for one in Verb)
_PLAIN = ("id", "version", "created_at", "updated_at")
MOST_COLUMNS = 7
_TELLING = (("link", "any_record"), ("state", "choice"), ("money",), ("date",))
"""Kinds of fields of which a list shows one each."""


@dataclass(frozen=True)
class Kind:
    """An entity as the actor of `ctx` has it; `fields` are those that the actor may read."""

    ctx: Context
    entity: Entity
    fields: Mapping[str, Field]

    @cached_property
    def name(self) -> str:
        """`plugin.entity`."""
        return self.entity.full_name

    @property
    def path(self) -> str:
        """The address of its list."""
        return f"{PREFIX}/{self.entity.plugin}/{self.entity.plural}"

    @property
    def pick(self) -> str:
        """The address at which one of its records is chosen."""
        return f"{PREFIX}/pick/{self.entity.plugin}/{self.entity.plural}"

    @property
    def label(self) -> str:
        """One of them, in the reader's language."""
        return self.ctx.say(self.entity.label)

    @property
    def plural_label(self) -> str:
        """Many of them, in the reader's language."""
        return self.ctx.say(self.entity.plural_label)

    @property
    def one(self) -> str:
        """One of them, as it stands within a sentence."""
        return within(self.label)

    @property
    def many(self) -> str:
        """Many of them, as they stand within a sentence."""
        return within(self.plural_label)

    @property
    def api(self) -> str:
        """The address of its collection in the API."""
        return f"/api/v1/{self.entity.plugin}/{self.entity.plural}"

    def at(self, id: object, more: str = "") -> str:
        """The address of a record."""
        return f"{self.path}/{id}{more}"

    def can(self, verb: str) -> bool:
        """Whether its API offers the verb and the actor has it for any record."""
        offered = verb not in _VERBS or Verb(verb) in self.entity.verbs | {Verb.READ}
        return offered and self.ctx.can(f"{self.name}.{verb}")

    @property
    def title(self) -> str:
        """The field that names a record; the first that the actor sees where that one is hidden."""
        return self.entity.title if self.entity.title in self.fields else next(iter(self.fields), "id")

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """What the fields are called, in the reader's language: a list says each of them once a row."""
        return {name: self.ctx.say(field.label) for name, field in self.fields.items()}

    @cached_property
    def targets(self) -> Mapping[str, str]:
        """The names of the entities that its links point to."""
        return {name: self.ctx.target(self.name, name) for name, field in self.fields.items() if isinstance(field, LinkField)}

    @cached_property
    def written(self) -> Mapping[str, Field]:
        """The fields that people fill in."""
        return {name: field for name, field in self.fields.items() if not (field.readonly or field.by_act or name in _PLAIN)}

    def columns(self) -> list[str]:
        """What a list shows unless somebody chooses: the title, of whom it is, how it stands, what it is worth, when; owner, last change."""
        if named := [name for name in self.entity.columns if name in self.fields]:
            return named
        fit = [name for name, field in self.fields.items() if self._fits(name, field)]
        fit.sort(key=lambda name: not self.fields[name].track)  # what is kept an eye on comes before what is merely there
        found = dict.fromkeys(name for kinds in _TELLING if (name := self._first(fit, kinds)))
        found |= dict.fromkeys(fit[: MOST_COLUMNS - 3])
        chosen = [*found][: MOST_COLUMNS - 3]
        last = (name for name in ("owner", "updated_at") if name in self.fields)
        return [self.title, *(name for name in self.fields if name in chosen), *last]

    def _fits(self, name: str, field: Field) -> bool:
        return name not in (self.title, *_PLAIN, "owner", "key") and not isinstance(field, LongTextField) and not field.secret

    def _first(self, names: Sequence[str], kinds: tuple[str, ...]) -> str:
        """The first field of these kinds; a link within another stands for a state (the stage within its pipeline)."""
        return next(
            (name for name in names if ("state" if getattr(self.fields[name], "within", "") else self.fields[name].kind) in kinds), ""
        )

    @cached_property
    def boards(self) -> list[str]:
        """The fields by which its records can stand in columns, the likeliest first: choices, and links to what stands in an order of its own."""
        found = [name for name, field in self.fields.items() if isinstance(field, ChoiceField) or self._ordered(field)]
        return sorted(found, key=self._likely)

    def _ordered(self, field: Field) -> bool:
        target = self.target(field)
        return target is not None and isinstance(target.fields.get("position"), IntegerField)

    def _likely(self, name: str) -> tuple[bool, bool, bool, bool]:
        field = self.fields[name]
        link = isinstance(field, LinkField)
        return not (isinstance(field, LinkField) and field.within), name not in self.written, link, not field.index

    @cached_property
    def dates(self) -> list[str]:
        """The fields by which its records can stand in a calendar, the likeliest first."""
        found = [name for name, field in self.fields.items() if isinstance(field, DateField | DateTimeField) and name not in _PLAIN]
        return sorted(found, key=lambda name: (name not in self.written, not self.fields[name].index))

    def target(self, field: Field) -> Kind | None:
        """The entity that a link points to, where the actor may read it."""
        if not isinstance(field, LinkField):
            return None
        name = self.ctx.target(self.name, field.name)
        return kind_of(self.ctx, name) if self.ctx.can(f"{name}.read") else None


def stands_alone(entity: Entity) -> bool:
    """Whether people look for its records as such: they are no part of another, and not private to each."""
    return entity.parent is None and not entity.private


def called(ctx: Context, plugin: str) -> str:
    """What people call the plugin of an entity; what no plugin brings is the company’s own."""
    title = ctx.called(plugin)
    return ctx.say(_("Own records")) if title == plugin else title


def kind_of(ctx: Context, name: str) -> Kind:
    """An entity by its name; raises NotFound."""
    entity = ctx.entity(name)
    return Kind(ctx, entity, ctx.records(name).fields())


def kind_at(ctx: Context, plugin: str, plural: str) -> Kind:
    """The entity behind the words of an address, which the actor may read; raises NotFound."""
    for name in ctx.entities(plugin):
        if (entity := ctx.entity(name)).plural == plural:
            return Kind(ctx, entity, ctx.records(name).fields())
    raise NotFound(_("there is nothing at this address"))


def labels_of(ctx: Context, entity: str, names: Iterable[str]) -> dict[str, str]:
    """What these fields are called, for a form that needs them all; raises Forbidden where the actor does not see one of them."""
    fields = ctx.records(entity).fields()
    if unknown := next((name for name in names if name not in fields), ""):
        raise unseen(unknown)
    return {name: ctx.say(field.label) for name, field in fields.items()}


def query_of(pairs: Sequence[tuple[str, str]]) -> str:
    """Pairs as the query of an address, "?" included; "" for none."""
    return "?" + "&".join(f"{quote(name, safe='[]')}={quote(value, safe='')}" for name, value in pairs) if pairs else ""
