"""Values as people read them: what a cell of a list and a line of a record show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from plugins.console import measured
from plugins.console.admin.rights import VERBS, WORDS
from plugins.console.dates import local
from plugins.console.registry import Kind, kind_of
from plugins.console.words import ACTIONS, HAPPENED, OF_ATTEMPTS, REFUSED, SYSTEM
from sdk import Condition, Context, Query
from sdk.clauses import shown
from sdk.context import Row
from sdk.fields import AnyRecordField, ChoiceField, DecimalField, Field, IntegerField, KeysField, LinkField, TextField

AUDIT = "core.audit"
_GOOD = frozenset({"won", "paid", "active", "done", "succeeded", "accepted", "qualified", "completed", "issued", "ok"})
_BAD = frozenset({"lost", "failed", "overdue", "cancelled", "rejected", "declined", "expired", "dead", "disqualified"})
_WARM = frozenset({"partial", "waiting", "pending", "key", "important", "high", "urgent", "due"})
DUE = frozenset({"close_date", "due_on", "due_date", "valid_until", "expires_on", "end_date", "ends_on"})
"""Days by which something is to be done: one that has passed on a record that is not at its end is overdue."""
PAYMENT = "payment_state"
"""Says alone, where there is one, whether what is due has come: an issued invoice is at its end, and yet to be paid."""
COURSE = (PAYMENT, "status", "state", "settled")
"""The fields that say whether a record is at its end."""
ENDS = frozenset({"good", "bad"})
"""How the states look at which a record ends."""
_ENDED = frozenset({"draft", "ended", "closed", "credited", "converted", "archived", "released"})
"""States at which a record ends that are neither good nor bad, and the one in which nothing of it is due yet."""
_MEASURED = frozenset({"date", "datetime", "integer", "decimal", "percent", "money"})
_WORDS = frozenset({"text", "long_text", "url", "json"})
_LINE, _LONG = 60, 300
"""Signs that fit beside another value, and those of a text that is folded."""
_PART = 200
"""Links whose titles are asked for at once."""


_NUMBERS = frozenset({"money", "integer", "decimal", "percent", "year"})


@dataclass(slots=True)
class Cell:
    """One value: `kind` chooses how it is drawn, `value` is the value in JSON form, `text` what it reads, `href` where it leads."""

    name: str
    label: str
    kind: str
    value: object
    text: str = ""
    href: str = ""
    tone: str = ""
    late: bool = False
    """Whether it is a day by which something was to be done that is not."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return self.value is None or self.value in ("", [])

    @property
    def looks(self) -> str:
        """How its place in a table looks, as classes."""
        return f"{'title' if self.kind == 'title' else ''} {'number' if self.kind in _NUMBERS else ''} {'blank' if self.empty else ''}"

    @property
    def noted(self) -> bool:
        """Whether it is a moment of which a table shows the day: people look there for what is new."""
        return self.name in ("created_at", "updated_at") and not self.href

    @property
    def names(self) -> bool:
        """Whether it says what its record is called."""
        return self.kind == "title" or (self.href != "" and self.kind != "link")

    @property
    def wide(self) -> bool:
        """Whether it takes the whole line where values stand beside each other."""
        return self.kind == "long_text" or (isinstance(self.value, str) and len(self.text) > _LINE and self.kind in _WORDS)

    @property
    def begins(self) -> str:
        """How a text begins that is too long to stand among others as a whole; "" for any other."""
        return f"{self.value[:_LINE]} …" if isinstance(self.value, str) and len(self.value) > _LONG and self.kind in _WORDS else ""


@dataclass(frozen=True)
class Titles:
    """What records are called that others link to, by entity and id; who may not see one finds nothing."""

    found: Mapping[tuple[str, str], str]
    paths: Mapping[str, str] = field(default_factory=dict)
    """The addresses of the lists of these entities."""

    def at(self, entity: str, id: object) -> str:
        """The address of a record that has a title here."""
        return f"{self.paths[entity]}/{id}"

    def of(self, entity: str, id: object) -> str:
        """The title, or "" where it is hidden."""
        return self.found.get((entity, str(id)), "")


def titles_of(kind: Kind, rows: Sequence[Row], names: Iterable[str]) -> Titles:
    """The titles of all records that these fields of the rows name, one question for each entity."""
    wanted: dict[str, set[str]] = {}
    names = list(names)
    for name in names:
        of = kind.fields[name]
        for row in rows:
            for entity, id in _named(kind, of, row.get(name)):
                wanted.setdefault(entity, set()).add(id)
    found: dict[tuple[str, str], str] = {}
    paths: dict[str, str] = {}
    for entity, ids in wanted.items():
        if kind.ctx.offers(entity) and kind.ctx.can(f"{entity}.read"):
            target = kind_of(kind.ctx, entity)
            paths[entity] = target.path
            found |= {(entity, id): title for id, title in _titles(target, sorted(ids)).items()}
    return Titles(found | _called(kind, rows, names), paths)


def _called(kind: Kind, rows: Sequence[Row], names: Iterable[str]) -> dict[tuple[str, str], str]:
    """What the records are called whose keys these fields hold."""
    wanted: dict[str, set[str]] = {}
    for name in names:
        if of := keys_of(kind.fields[name]):
            held = (row.get(name) for row in rows)
            wanted.setdefault(of, set()).update(
                str(key) for value in held if value for key in (value if isinstance(value, list) else [value])
            )
    found: dict[tuple[str, str], str] = {}
    for entity, keys in wanted.items():
        if keys and kind.ctx.offers(entity) and kind.ctx.can(f"{entity}.read") and "key" in kind_of(kind.ctx, entity).fields:
            target = kind_of(kind.ctx, entity)
            asked = Query(filter=(Condition("key", "in", tuple(sorted(keys)[:_PART])),), fields=("id", "key", target.title), limit=_PART)
            rows_ = target.ctx.records(entity).query(asked).data
            found |= {(entity, str(row["key"])): str(row.get(target.title) or row["key"]) for row in rows_}
    return found


def keys_of(of: Field) -> str:
    """The entity whose keys a field holds; "" for none."""
    return of.of if isinstance(of, TextField | KeysField) else ""


def _named(kind: Kind, of: Field, value: object) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(of, LinkField):
        return [(kind.targets[of.name], str(value))]
    if isinstance(of, AnyRecordField) and isinstance(value, Mapping):  # what was typed comes as text, and names nothing yet
        return [(str(value["entity"]), str(value["id"]))]
    return []


def _titles(target: Kind, ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(ids), _PART):
        part = tuple(ids[start : start + _PART])
        asked = Query(filter=(Condition("id", "in", part),), fields=("id", target.title), limit=_PART)
        for row in target.ctx.records(target.name).query(asked).data:
            found[str(row["id"])] = called(target, row)
    return found


def called(kind: Kind, row: Row) -> str:
    """What a record is called; one that is called by a key, as a grant is by its permission, in words, by a moment as people write it."""
    value = row.get(kind.title)
    if isinstance(value, datetime):
        return kind.ctx.written(value)
    title = str(value or "—")
    return in_words(kind.ctx, title) if "." in title and not kind.fields[kind.title].search else title


def cell(kind: Kind, name: str, row: Row, titles: Titles, *, now: bool = True) -> Cell:
    """One field of a row as it is shown; not `now`, as it was once: of that, nothing is overdue."""
    of = kind.fields[name]
    label, value = kind.labels[name], row.get(name)
    named = _named(kind, of, value)
    if named and not kind.ctx.offers(named[0][0]):  # of a plugin that is switched off there is no trace
        named, value = [], None
    if isinstance(of, ChoiceField):
        option = of.options.get(str(value))
        return Cell(name, label, "choice", value, kind.ctx.say(option) if option else str(value or ""), tone=tone_of(of, value))
    if named:
        entity, id = named[0]
        title = titles.of(entity, id)
        href = titles.at(entity, id) if title else ""
        return Cell(name, label, "link", value, title, href)
    if (entity := keys_of(of)) and value:
        value = [titles.of(entity, key) or key for key in value] if isinstance(value, list) else titles.of(entity, value) or value
    if kind.name == AUDIT:
        value = _of_entry(kind.ctx, name, value, row)
    if of.kind == "text" and not of.search and isinstance(value, str):
        value = _of_key(kind.ctx, of, value, str(row.get("entity") or ""))
    if name == kind.title and "id" in row:
        drawn = drawn_as(of)
        if drawn in _MEASURED and value is not None:  # a moment or a number that names a record is written as such, and leads to it
            return Cell(name, label, drawn, value, str(value), kind.at(row["id"]))
        return Cell(name, label, "title", value, str(value if value not in (None, "") else "—"), kind.at(row["id"]))
    if of.kind == "changes" and isinstance(value, Mapping):
        return Cell(
            name, label, "json", value, _altered(kind.ctx, str(row.get("entity") or ""), value, attempt=row.get("action") == REFUSED)
        )
    if isinstance(of, TextField) and of.names == "conditions" and isinstance(value, str):
        value = measured.conditions_in_words(kind.ctx, str(row.get("entity") or ""), value)
    if of.kind == "json" and value is not None:
        return Cell(name, label, of.kind, value, of.format(value))
    return Cell(
        name, label, drawn_as(of), value, str(value) if isinstance(value, str | UUID) else "", late=now and _is_late(kind, name, row)
    )


def _of_key(ctx: Context, of: Field, value: str, about: str) -> str:
    """What people call what a text names for the machine, of an entity or by itself; of a plugin that is off there is no more than its name."""
    if about and isinstance(of, TextField) and of.names not in ("", "entity") and (said := measured.in_words(ctx, about, value)) != value:
        return said
    if "." not in value:
        return value
    return ctx.called(value.partition(".")[0]) if of.name == "entity" and not ctx.offers(value) else in_words(ctx, value)


def course_of(kind: Kind, names: Iterable[str]) -> tuple[str, ...]:
    """What a question asks for beside these fields, so that their days can be called overdue."""
    return tuple(name for name in COURSE if name in kind.fields) if DUE.intersection(names) else ()


def _is_late(kind: Kind, name: str, row: Row) -> bool:
    """Whether a day of a record has passed before the record is at its end; not where nothing says how the record stands."""
    course = [(kind.fields[one], row[one]) for one in COURSE if one in row and one in kind.fields] if name in DUE else []
    if not course or row.get(name) is None or str(row[name]) >= kind.ctx.today().isoformat():
        return False
    if course[0][0].name == PAYMENT:
        return course[0][1] is not None and not _is_end(*course[0])
    return not any(_is_end(of, value) for of, value in course)


def _is_end(of: Field, value: object) -> bool:
    return tone_of(of, value) in ENDS or value in _ENDED if isinstance(of, ChoiceField) else value is True


def _of_entry(ctx: Context, name: str, value: object, row: Row) -> object:
    """What an entry of the audit holds as a key."""
    if name == "action" and str(value) in ACTIONS:
        return ctx.say(ACTIONS[str(value)])
    return ctx.say(SYSTEM) if name == "actor" and value == "system" and not row.get("user") else value


def _altered(ctx: Context, entity: str, changes: Mapping[str, Sequence[object]], *, attempt: bool) -> str:
    """What an entry of the audit says of each field: from what to what; of an attempt, which changed nothing, at what."""
    fields = ctx.records(entity).fields() if ctx.offers(entity) and ctx.can(f"{entity}.read") else {}

    def said(name: str, value: object) -> str:
        of = fields.get(name)
        if isinstance(of, ChoiceField) and str(value) in of.options:
            return ctx.say(of.options[str(value)])
        word = "—" if value is None else " ".join(str(one) for one in value.values()) if isinstance(value, Mapping) else str(value)
        if of is None or of.kind not in _MEASURED or value is None:
            return word
        if of.kind == "datetime" and isinstance(there := local(ctx, value), datetime):
            return ctx.written(there)
        return shown(ctx, entity, of, word)

    if attempt and changes.keys() <= OF_ATTEMPTS.keys():
        words = {
            name: in_words(ctx, said(name, pair[1])) if name == "permission" else said(name, pair[1]) for name, pair in changes.items()
        }
        return "\n".join(f"{ctx.say(OF_ATTEMPTS[name])}: {word}" for name, word in words.items())
    return "\n".join(
        f"{ctx.say(fields[name].label) if name in fields else name}: {' → '.join(said(name, one) for one in pair)}"
        for name, pair in changes.items()
    )


def in_words(ctx: Context, name: str) -> str:
    """What people call what a text names for the machine: a kind of record, work in the background, a permission; others as they stand."""
    if ctx.offers(name):
        return ctx.say(ctx.entity(name).label)
    if (called := ctx.called(name)) != name:
        return called
    entity, _dot, word = name.rpartition(".")
    said = {**VERBS, **WORDS, **HAPPENED}.get(word)
    return f"{ctx.say(ctx.entity(entity).plural_label)} · {ctx.say(said)}" if said is not None and ctx.offers(entity) else name


def drawn_as(of: Field) -> str:
    """How values of a field are written: shares with their sign, and what has four digits always, such as a year, without a mark in it."""
    if isinstance(of, DecimalField) and of.percent:
        return "percent"
    if isinstance(of, IntegerField) and of.is_year:
        return "year"
    return of.kind


def tone_of(of: Field, value: object) -> str:
    """How an option looks: what is good, bad or pressing is so by its key; others are told apart by their order."""
    key = str(value or "")
    for tone, keys in (("good", _GOOD), ("bad", _BAD), ("warm", _WARM)):
        if key in keys:
            return tone
    return ""


def cells(kind: Kind, names: Sequence[str], rows: Sequence[Row]) -> list[list[Cell]]:
    """The rows of a list."""
    titles = titles_of(kind, rows, names)
    return [[cell(kind, name, row, titles) for name in names] for row in rows]
