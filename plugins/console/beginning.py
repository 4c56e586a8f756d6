"""What a new record begins with: what the record that it is made from says of the same, how it is called, and its key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.console.registry import Kind
from sdk import Condition, Context, Query, where
from sdk.context import id_of
from sdk.fields import DateTimeField, LinkField, TextField

KEY, BEGINS = "key", "starts_at"
CURRENCIES, _DEFAULT = "company.currency", "is_default"
"""The currencies of a company that keeps a list of them, and what it says of the one in which forms begin."""
OWN_CURRENCY = "company.currency"
"""Where people say in which currency theirs do."""
_MOST_PEOPLE = 100_000
_NO_KEY = re.compile(r"[^a-z0-9]+")
_LONGEST = 40
_STEP = timedelta(minutes=30)
_MOST_ALIKE = 100


def usual_currency(ctx: Context) -> str:
    """In which currency a form begins: the person's, else the company's for new records, else its own."""
    user = ctx.actor.user_id
    own = "" if user is None else ctx.kept("console.currencies", lambda: _own_currencies(ctx.as_system())).get(user, "")
    if own or not ctx.offers(CURRENCIES):
        return own or ctx.tenant.currency
    rows = ctx.as_system().records(CURRENCIES).find(where(**{_DEFAULT: True, "active": True}), 1)
    return str(rows[0]["code"]) if rows else ctx.tenant.currency


def _own_currencies(system: Context) -> Mapping[UUID, str]:
    users = system.records("core.user")
    rows = users.find((Condition(OWN_CURRENCY, "empty", ("false",)),), _MOST_PEOPLE) if OWN_CURRENCY in users.fields() else ()
    return {id_of(row): str(row[OWN_CURRENCY]) for row in rows}


def begun(kind: Kind, given: Mapping[str, object]) -> dict[str, object]:
    """The links that the records given with an address have themselves, such as the account of a deal, and what it suggests as the title.

    What is in a currency, such as an order, begins in the usual one; what has a beginning that is asked for, such as a meeting, with the next
    half hour rather than with nothing.
    """
    found = dict(given)
    begins = kind.written.get(BEGINS)
    if isinstance(begins, DateTimeField) and begins.required and not found.get(BEGINS):
        here = kind.ctx.now().astimezone(ZoneInfo(kind.ctx.zone))
        found[BEGINS] = (here + _STEP - timedelta(minutes=here.minute % 30, seconds=here.second, microseconds=here.microsecond)).isoformat()
    for name, field in kind.written.items():
        if field.kind == "currency" and "." not in name and not field.required and not found.get(name):
            found[name] = usual_currency(kind.ctx)
        if isinstance(field, LinkField) and given.get(name):
            found = {**_of(kind, field, str(given[name])), **found}
    if not found.get(kind.title) and kind.title in kind.written:
        titles = (_title(kind, link, found.get(link)) for link in kind.fields[kind.title].called_after)
        said = next((title for title in titles if title), "")
        if said:
            found[kind.title] = f"{said} · {kind.label}"[: getattr(kind.fields[kind.title], "length", 255)]
    return found


def _of(kind: Kind, field: LinkField, id: str) -> dict[str, object]:
    """What the record behind a link says of the other links."""
    target = kind.target(field)
    if target is None:
        return {}
    same = [
        name for name, other in kind.written.items()
        if name != "owner" and isinstance(other, LinkField) and not (other.parent and other.required)
        and isinstance(their := target.fields.get(name), LinkField)
        and kind.ctx.target(kind.name, name) == kind.ctx.target(target.name, their.name)
    ]  # fmt: skip
    row = _row(target, id, same) if same else {}
    return {name: row[name] for name in same if row.get(name)}


def _title(kind: Kind, link: str, id: object) -> str:
    field = kind.fields.get(link)
    target = kind.target(field) if isinstance(field, LinkField) and id else None
    return str(_row(target, str(id), [target.title]).get(target.title) or "") if target is not None else ""


def _row(target: Kind, id: str, names: list[str]) -> Mapping[str, object]:
    try:
        known = UUID(id)
    except ValueError:  # an address says anything
        return {}
    asked = Query(filter=(Condition("id", "eq", (str(known),)),), fields=("id", *names), limit=1)
    return next(iter(target.ctx.records(target.name).query(asked).data), {})


def makes_key(kind: Kind) -> bool:
    """Whether records of a kind have a key that can be made from what they are called."""
    field = kind.written.get(KEY)
    return isinstance(field, TextField) and field.required and field.unique and kind.title != KEY and kind.title in kind.written


def with_key(kind: Kind, values: dict[str, object]) -> dict[str, object]:
    """The values of a new record with a key of its own, where nobody typed one."""
    if values.get(KEY) or not makes_key(kind) or not (name := str(values.get(kind.title) or "")):
        return values
    made = key_of(kind.ctx, name) or kind.name.rpartition(".")[2]
    return {**values, KEY: _free(kind, made)}


def key_of(ctx: Context, name: str) -> str:
    """A key from a name; "" where it has no letters that are spelled."""
    return _NO_KEY.sub("_", ctx.spelled(name).lower()).strip("_")[:_LONGEST]


def _free(kind: Kind, key: str) -> str:
    """The key, or the first of those with a number behind it that nobody has."""
    tries = [key, *(f"{key}_{number}" for number in range(2, _MOST_ALIKE))]
    rows = (
        kind.ctx.records(kind.name).query(Query(filter=(Condition(KEY, "in", tuple(tries)),), fields=("id", KEY), limit=_MOST_ALIKE)).data
    )
    taken = {row[KEY] for row in rows}
    return next((one for one in tries if one not in taken), key)
