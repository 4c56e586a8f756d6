"""Following a record: whoever follows hears what others do to it; many changes in a short time are one notice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from plugins.teamwork import notices, people
from sdk import Batch, Change, Condition, Context, Draft, Event, Notice, _, where
from sdk.context import Row, id_of
from sdk.fields import Reference

NAME, STIRRED = "teamwork.follow", "teamwork.follow.stirred"
KIND = "teamwork.follow"
ACT = "tell"
OWN = ("teamwork.", "core.")
TALKED_ABOUT = frozenset({"teamwork.task", "teamwork.activity"})
"""Of what teamwork itself and the platform keep, nothing else has comments and followers."""
TOGETHER = timedelta(minutes=10)
"""What follows a notice within this time is counted there."""
MOST, PART, MOST_NAMED = 100_000, 500, 5
type_heard = tuple[Event, list[str]]


def prepare_follows(ctx: Context, batch: Batch) -> None:
    """Nobody follows a record twice."""
    notices.keep_single(ctx, batch, ("owner", "about"))


def is_apart(entity: str) -> bool:
    """Whether records of an entity are none that people talk about."""
    return entity.startswith(OWN) and entity not in TALKED_ABOUT


def is_followed(ctx: Context, name: str) -> bool:
    """Whether changes of an entity's records are told: those of any that stand on their own. Comments are told of any record."""
    if is_apart(name) or not ctx.offers(name):
        return False
    entity = ctx.entity(name)
    return entity.parent is None and not entity.private


def notice_changes(ctx: Context, batch: Batch) -> None:
    """For `validate_changes`: say that a followed record is being changed, and by whom; records that nobody follows cost one question a batch."""
    if is_followed(ctx, batch.entity):
        changed = ((change, change.changed) for change in batch.standing() if change.before is not None)
        _stir(ctx, batch, [(change, Reference(batch.entity, change.id), fields) for change, fields in changed if fields])


def notice_comments(ctx: Context, batch: Batch) -> None:
    """Say that a followed record is being talked about."""
    said = [change for change in batch.standing() if change.before is None]
    _stir(ctx, batch, [(change, about, []) for change in said if isinstance(about := change.after("about"), Reference)])


def _stir(ctx: Context, batch: Batch, stirred: Sequence[tuple[Change, Reference, list[str]]]) -> None:
    followed = {row["about"] for row in _followers(ctx, [about for _change, about, _fields in stirred])}
    for change, about, fields in stirred:
        if about in followed:
            batch.emit(STIRRED, change, {"about": about, "fields": fields, "by": ctx.actor.user_id})


def _followers(ctx: Context, about: Iterable[Reference]) -> list[Row]:
    wanted, rows = sorted(set(about)), list[Row]()
    for start in range(0, len(wanted), PART):
        rows += ctx.as_system().records(NAME).find((Condition("about", "in", tuple(wanted[start : start + PART])),), MOST)
    return rows


def tell(ctx: Context, events: Sequence[Event]) -> None:
    """Tell those who follow, but for whoever did it; within ten minutes of the last notice the change is counted in that one."""
    stirred: dict[Reference, list[Event]] = {}
    for event in events:
        about = event.payload["about"]
        assert isinstance(about, dict)
        stirred.setdefault(Reference(str(about["entity"]), UUID(str(about["id"]))), []).append(event)
    ctx.lock(NAME)
    marks, told = list[Draft](), list[Notice]()
    for follow in _followers(ctx, stirred):
        person, about = follow["owner"], follow["about"]
        assert isinstance(person, UUID) and isinstance(about, Reference)
        others = [event for event in stirred[about] if event.payload.get("by") != str(person)]
        heard = _heard(ctx, person, about, others) if others and ctx.offers(about.entity) else []
        if not heard:
            continue
        last = follow["told_at"]
        if isinstance(last, datetime) and ctx.now() < last + TOGETHER:
            _count(ctx, person, about, last, len(heard))
        else:
            told.append(_notice(ctx.as_user(person), person, about, heard))
            marks.append(Draft("update", {"told_at": ctx.now()}, id_of(follow), act=ACT))
    ctx.records(NAME).write_all(marks)
    ctx.notify(told)


def _heard(ctx: Context, person: UUID, about: Reference, events: Sequence[Event]) -> list[type_heard]:
    """What the person may know of it: of a change the fields that he sees on this record. A change of nothing but others is none to him."""
    if about.id not in people.may_see(ctx, person, about.entity, [about.id]):
        return []
    row = ctx.as_user(person).records(about.entity).values([about.id])[about.id]
    heard = [(event, [str(name) for name in _fields(event) if name in row]) for event in events]
    return [(event, names) for event, names in heard if names or not _fields(event)]


def _notice(theirs: Context, person: UUID, about: Reference, heard: Sequence[type_heard]) -> Notice:
    known = theirs.records(about.entity).fields()
    named = dict.fromkeys(name for _event, names in heard for name in names)
    labels = theirs.say(_(", ")).join(theirs.say(known[name].label) for name in list(named)[:MOST_NAMED])
    title = theirs.records(about.entity).titles([about.id]).get(about.id, "")
    by = heard[-1][0].payload.get("by")
    name = theirs.as_system().records("core.user").values([UUID(str(by))]).get(UUID(str(by)), {}).get("name") if by else None
    params = {"title": title, "name": str(name or theirs.say(_("The system"))), "fields": labels}
    body = _("{name} changed: {fields}") if named else _("{name} commented.")
    return Notice(person, KIND, _("Update on {title}"), body, params, about)


def _fields(event: Event) -> Sequence[object]:
    fields = event.payload["fields"]
    return fields if isinstance(fields, list) else ()


def _count(ctx: Context, person: UUID, about: Reference, since: datetime, more: int) -> None:
    """The unread notice counts what came after it; one that was read, or is not wanted, is left alone."""
    asked = (
        *where(owner=person, kind=KIND, about=about),
        Condition("created_at", "gte", (since,)),
        Condition("read_at", "empty", ("true",)),
    )
    records = ctx.records(notices.NAME)
    rows = records.find(asked, 1)
    records.write_all([Draft("update", {"times": int(str(row["times"] or 1)) + more}, id_of(row), act=ACT) for row in rows])
