"""The table of rights: what each role may do, and how a change of it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast
from uuid import UUID

from plugins.console.registry import Kind, called, kind_of
from sdk import Context, Scope, Text, Verb, _
from sdk.text import in_order

SEVERAL = "several"
"""In the place of a scope: a role has several grants of the permission, which stay as they are."""
AS_VERB = "implied"
"""In the place of a scope: a special right comes with its verb."""
SCOPES: dict[str, Text] = {
    Scope.NONE: _("None"),
    Scope.SHARED: _("Shared"),
    Scope.OWN: _("Own"),
    Scope.SUBORDINATES: _("Own and subordinates’"),
    Scope.TEAM: _("Team"),
    Scope.TERRITORY: _("Territory"),
    Scope.PARENT: _("As parent"),
    Scope.ALL: _("All"),
    SEVERAL: _("Multiple permissions"),
    AS_VERB: _("Default"),
}
MEANINGS: dict[str, Text] = {
    Scope.NONE: _("no access"),
    Scope.SHARED: _("records that others have shared with the person"),
    Scope.OWN: _("records that the person owns, and shared ones"),
    Scope.SUBORDINATES: _("own records, and those of everyone who reports to the person"),
    Scope.TEAM: _("records of everyone in the person’s teams"),
    Scope.TERRITORY: _("own records, and those in the person’s territories"),
    Scope.PARENT: _("records whose parent record the person can reach"),
    Scope.ALL: _("every record of the company"),
}
"""What a scope reaches, for who chooses one."""
VERBS: dict[str, Text] = {
    Verb.READ: _("Read"), Verb.CREATE: _("Create"), Verb.UPDATE: _("Edit"), Verb.DELETE: _("Delete"),
}  # fmt: skip
WORDS: dict[str, Text] = {
    "export": _("Export"), "import": _("Import"), "bulk_edit": _("Edit several"), "reassign": _("Reassign"),
    "merge": _("Merge"), "force": _("Save likely duplicates"), "disclose": _("Gather a person’s data"), "erase": _("Erase a person’s data"),
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """What a role has of a permission: `scope` as in SCOPES, the fields that it holds for, and whether that is the company’s own choice."""

    permission: str
    label: str
    scope: str
    said: str
    choices: Sequence[tuple[str, str]]
    fields: Sequence[str] | None = None
    own: bool = False


@dataclass(frozen=True)
class Line:
    """An entity with those of the four verbs that it has and its special rights; or, without an entity, the other rights of a plugin."""

    entity: str
    label: str
    verbs: Mapping[str, Cell]
    special: Sequence[Cell]


@dataclass
class Rights:
    """All of it as the API tells it; kept for one page."""

    ctx: Context
    grants: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    permissions: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, ctx: Context) -> Rights:
        """Read it."""
        answer = cast("Mapping[str, list[dict[str, Any]]]", ctx.api("GET", "/api/v1/core/rights"))
        made = cls(ctx, permissions={one["name"]: one for one in answer["permissions"]})
        for row in answer["data"]:
            made.grants.setdefault((row["role"], row["permission"]), []).append(row)
        return made

    @cached_property
    def plugins(self) -> list[str]:
        """Those that have a permission, in order."""
        return list(dict.fromkeys(one["plugin"] for one in self.permissions.values()))

    def lines(self, role: str, plugin: str) -> list[Line]:
        """What a role may do in one plugin, entity by entity; last the rights that are about none."""
        mine = [one for one in self.permissions.values() if one["plugin"] == plugin]
        entities = dict.fromkeys(one["entity"] for one in mine if one["entity"])
        found = [self._line(role, name, [one for one in mine if one["entity"] == name]) for name in entities]
        others = [self.cell(role, one["name"]) for one in mine if not one["entity"]]
        return [*found, Line("", self.ctx.say(_("Other permissions")), {}, others)] if others else found

    def _line(self, role: str, entity: str, permissions: Sequence[Mapping[str, Any]]) -> Line:
        verbs = {verb: self.cell(role, f"{entity}.{verb}") for verb in VERBS if f"{entity}.{verb}" in self.permissions}
        special = [self.cell(role, one["name"]) for one in permissions if one["word"] not in VERBS]
        label = self.ctx.say(self.ctx.entity(entity).plural_label) if self.ctx.offers(entity) else entity
        return Line(entity, label, verbs, special)

    def cell(self, role: str, name: str) -> Cell:
        """One cell of the table."""
        one, rows = self.permissions[name], self.grants.get((role, name), [])
        implied = one["implied_by"] is not None
        scope = SEVERAL if len(rows) > 1 else str(rows[0]["scope"]) if rows else _unsaid(one)
        options = [*([AS_VERB] if implied else []), *one["scopes"], *([SEVERAL] if scope == SEVERAL else [])]
        if scope not in options:
            options.append(scope)
        word = str(one["word"])
        label = (
            self.ctx.say(VERBS[word]) if word in VERBS else self.ctx.say(WORDS[word]) if one["entity"] and word in WORDS else one["label"]
        )
        fields = rows[0]["fields"] if len(rows) == 1 else None
        choices = [(key, self._said(one, key)) for key in options]
        return Cell(name, label, scope, self._said(one, scope), choices, fields, any(row["grant"] for row in rows))

    def _said(self, permission: Mapping[str, Any], scope: str) -> str:
        """A scope in words; one that comes with a verb names it."""
        verb = str(permission["implied_by"] or "").rpartition(".")[2]
        if scope == AS_VERB and verb in VERBS:
            return self.ctx.say(_("Same as “{right}”"), {"right": self.ctx.say(VERBS[verb])})
        return self.ctx.say(SCOPES[scope])

    def scopes(self, lines: Sequence[Line]) -> list[tuple[str, str]]:
        """The scopes that can be chosen in these lines, with what each reaches."""
        offered = {key for line in lines for cell in (*line.verbs.values(), *line.special) for key, _word in cell.choices}
        return [(self.ctx.say(SCOPES[key]), self.ctx.say(text)) for key, text in MEANINGS.items() if key in offered]

    def kinds(self) -> dict[str, str]:
        """What plugins are called."""
        return {name: called(self.ctx, name) for name in self.plugins}

    def records(self) -> list[tuple[str, str]]:
        """The entities about which there are permissions, in whichever plugin, by what people call their records."""
        names = dict.fromkeys(str(one["entity"]) for one in self.permissions.values() if one["entity"])
        found = [(name, self.ctx.say(self.ctx.entity(name).plural_label)) for name in names if self.ctx.offers(name)]
        return sorted(found, key=lambda pair: in_order(pair[1]))

    # --- changes -------------------------------------------------------------------------------------------------

    def set_scope(self, role: UUID, key: str, name: str, scope: str) -> bool:
        """Have a role reach so far with a permission; whether anything was to be changed. Raises Refusal."""
        there = self.cell(key, name)
        if scope in (there.scope, SEVERAL):
            return False
        self._store(role, key, name, scope, there.fields if scope != Scope.NONE else None)
        return True

    def set_fields(self, role: UUID, key: str, name: str, fields: Sequence[str] | None) -> bool:
        """Have a verb hold for these fields alone (None: for all, also those to come); whether anything was to be changed. Raises Refusal."""
        there = self.cell(key, name)
        same = there.fields is None if fields is None else there.fields is not None and set(fields) == set(there.fields)
        if same or there.scope in (SEVERAL, Scope.NONE):
            return False
        self._store(role, key, name, there.scope, fields)
        return True

    def _store(self, role: UUID, key: str, name: str, scope: str, fields: Sequence[str] | None) -> None:
        """As little as says it: what a plugin gives the role from the start is not stored."""
        records = self.ctx.records("core.grant")
        stored = [UUID(str(row["grant"])) for row in self.grants.get((key, name), []) if row["grant"]]
        from_start = self.permissions[name]["default_for"].get(key, _unsaid(self.permissions[name]))
        if scope in (from_start, AS_VERB) and fields is None:
            for id in stored:
                records.delete(id)
            return
        values = {"scope": scope, "only_fields": list(fields) if fields is not None else None}
        for id in stored[1:]:
            records.delete(id)
        if stored:
            records.update(stored[0], values)
        else:
            records.create({"role": role, "permission": name, **values})


@dataclass(frozen=True)
class FieldLine:
    """A field with the verbs that hold for it."""

    name: str
    label: str
    ticks: Mapping[str, bool]


def field_lines(kind: Kind, cells: Mapping[str, Cell]) -> list[FieldLine]:
    """The fields of an entity, and for which verbs of a role each is among those that count."""
    names = [name for name in kind.fields if name not in ("id", "version")]
    return [
        FieldLine(
            name, kind.ctx.say(kind.fields[name].label), {verb: cell.fields is None or name in cell.fields for verb, cell in cells.items()}
        )
        for name in names
    ]


def kind_or_none(ctx: Context, name: str) -> Kind | None:
    """The entity, where the actor has it."""
    return kind_of(ctx, name) if ctx.offers(name) and ctx.can(f"{name}.read") else None


def _unsaid(permission: Mapping[str, Any]) -> str:
    """What a role has that says nothing: a special right with its verb, a part of a record as its parent, and nothing else."""
    if permission["implied_by"]:
        return AS_VERB
    return Scope.PARENT.value if permission["word"] in VERBS and Scope.PARENT.value in permission["scopes"] else Scope.NONE.value
