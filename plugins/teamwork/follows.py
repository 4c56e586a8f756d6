"""Following a record: whoever follows hears what others do to it; many changes in a short time are one notice.

Who owns a record, helps with it, has made it for somebody else or has commented on it follows it by himself, unless he has ended that once or does not
want it. No row is kept for that before others do something to the record: most are never touched by another than their owner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from plugins.teamwork import notices, people
from sdk import Batch, Change, Channel, Condition, Context, Draft, Event, Notice, Told, _, where
from sdk.context import Row, id_of
from sdk.fields import Reference
from sdk.pages import ABOUT

NAME, STIRRED, BEGAN = "teamwork.follow", "teamwork.follow.stirred", "teamwork.follow.began"
KIND, BY_ITSELF = "teamwork.follow", notices.BY_ITSELF
"""The kinds of notices: of what somebody has chosen to follow, and of what he follows by himself; who mutes those in the application does not."""
TASK, COMMENT = "teamwork.task", "teamwork.comment"
BY_HAND = frozenset({Channel.API, Channel.PAGE})
"""A file or a rule that changes thousands of records is told to those alone who have asked for it."""
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
        for change in batch.standing() if _by_hand(ctx) else ():
            if change.before is None and change.after("owner") not in (None, ctx.actor.user_id):
                _begin_by(ctx, batch, change, Reference(batch.entity, change.id))
        changed = ((change, change.changed) for change in batch.standing() if change.before is not None)
        _stir(ctx, batch, [(change, Reference(batch.entity, change.id), fields) for change, fields in changed if fields])


def notice_comments(ctx: Context, batch: Batch) -> None:
    """Say that a followed record is being talked about."""
    said = [change for change in batch.standing() if change.before is None]
    talked = [(change, about) for change in said if isinstance(about := change.after("about"), Reference)]
    _stir(ctx, batch, [(change, about, []) for change, about in talked])
    for change, about in talked if _by_hand(ctx) else ():
        if is_followed(ctx, about.entity):
            _begin_by(ctx, batch, change, about)


def _by_hand(ctx: Context) -> bool:
    return ctx.actor.user_id is not None and ctx.channel in BY_HAND and not ctx.silent


def _begin_by(ctx: Context, batch: Batch, change: Change, about: Reference) -> None:
    batch.emit(BEGAN, change, {"about": about, "people": [ctx.actor.user_id]})


def _stir(ctx: Context, batch: Batch, stirred: Sequence[tuple[Change, Reference, list[str]]]) -> None:
    followed, by_hand = {row["about"] for row in _followers(ctx, [about for _change, about, _fields in stirred])}, _by_hand(ctx)
    for change, about, fields in stirred:
        own = _left_to(change, about.entity, ctx.actor.user_id) if fields else []
        told = by_hand and is_followed(ctx, about.entity) and (not fields or bool(own))
        if told or about in followed:
            known = {"own": [str(person) for person in own] if fields else None} if told else {}
            batch.emit(STIRRED, change, {"about": about, "fields": fields, "by": ctx.actor.user_id, **known})


def _left_to(change: Change, entity: str, by: UUID | None) -> list[UUID]:
    """Whose the record was and is: who is given it by this very change is told of that in another way."""
    before = change.before or {}
    return sorted((_own(entity, before.get) & _own(entity, change.after)) - {by})


def _own(entity: str, value: Callable[[str], object]) -> set[UUID]:
    """Whose a record is, by its fields."""
    owner = value("owner")
    return {*([owner] if isinstance(owner, UUID) else []), *(people.ids(value("helpers")) if entity == TASK else [])}


def _followers(ctx: Context, about: Iterable[Reference], *, ended: bool = False) -> list[Row]:
    wanted, rows = sorted(set(about)), list[Row]()
    for start in range(0, len(wanted), PART):
        part = Condition("about", "in", tuple(wanted[start : start + PART]))
        rows += ctx.as_system().records(NAME).find((part,), MOST, deleted=ended)
    return rows


def begin(ctx: Context, events: Sequence[Event]) -> None:
    """Who has made a record for somebody else, or commented on one, follows it."""
    ctx.lock(NAME)
    wanted: dict[Reference, set[UUID]] = {}
    for event in events:
        named = event.payload["people"]
        wanted.setdefault(_about(event), set()).update(UUID(str(one)) for one in (named if isinstance(named, list) else ()))
    _follow(ctx, wanted)


def _follow(ctx: Context, wanted: Mapping[Reference, set[UUID]]) -> None:
    """Let people follow who see the record, want it, and have not ended it once."""
    there = {(row["owner"], row["about"]) for ended in (False, True) for row in _followers(ctx, wanted, ended=ended)}
    asked = [(person, about) for about, persons in wanted.items() for person in sorted(persons) if (person, about) not in there]
    marks = {person: Told(person, "", ctx.locale, BY_ITSELF, "", "", None) for person, _record in asked}
    willing = {one.user_id for one in notices.wanted(ctx, f"teamwork.{notices.IN_APP}", [*marks.values()])}
    ids: dict[tuple[UUID, str], list[UUID]] = {}
    for person, about in asked:
        if person in willing and ctx.offers(about.entity):
            ids.setdefault((person, about.entity), []).append(about.id)
    ctx.records(NAME).write_all([
        Draft("create", {"about": Reference(entity, id), "owner": person, "automatic": True}, act=ACT)
        for (person, entity), some in ids.items() for id in sorted(people.may_see(ctx, person, entity, some))
    ])  # fmt: skip


def _follow_own(ctx: Context, stirred: Mapping[Reference, Sequence[Event]]) -> None:
    """Let people follow what is theirs: of a change those whose it was, of a comment those whose the record is now."""
    wanted, ids = dict[Reference, set[UUID]](), dict[str, set[UUID]]()
    for about, events in stirred.items():
        for event in events:
            own = event.payload.get("own")
            wanted.setdefault(about, set()).update(UUID(str(one)) for one in (own if isinstance(own, list) else ()))
            if "own" in event.payload and own is None and ctx.offers(about.entity):
                ids.setdefault(about.entity, set()).add(about.id)
    for entity, some in ids.items():
        for id, row in ctx.as_system().records(entity).values(some).items():
            wanted[Reference(entity, id)] |= _own(entity, row.get)
    _follow(ctx, wanted)


def _about(event: Event) -> Reference:
    about = event.payload["about"]
    assert isinstance(about, dict)
    return Reference(str(about["entity"]), UUID(str(about["id"])))


def tell(ctx: Context, events: Sequence[Event]) -> None:
    """Tell those who follow, but for whoever did it; within ten minutes of the last notice the change is counted in that one.

    As many questions for a thousand records of one person as for one: they may be changed at a time, and everybody who writes waits meanwhile.
    """
    stirred: dict[Reference, list[Event]] = {}
    for event in events:
        stirred.setdefault(_about(event), []).append(event)
    ctx.lock(NAME)
    _follow_own(ctx, stirred)
    follows: dict[tuple[UUID, str], list[Row]] = {}
    for follow in _followers(ctx, stirred):
        person, about = follow["owner"], follow["about"]
        assert isinstance(person, UUID) and isinstance(about, Reference)
        if ctx.offers(about.entity) and any(event.payload.get("by") != str(person) for event in stirred[about]):
            follows.setdefault((person, about.entity), []).append(follow)
    names = _names(ctx, events)
    marks, told, again = list[Draft](), list[Notice](), list[tuple[Row, int]]()
    for (person, entity), some in follows.items():
        heard = _heard(ctx, person, entity, {_id(follow): stirred[Reference(entity, _id(follow))] for follow in some})
        theirs = ctx.as_user(person)
        titles = theirs.records(entity).titles(heard) if heard else {}
        for follow in some:
            known, last = heard.get(_id(follow), []), follow["told_at"]
            if known and isinstance(last, datetime) and ctx.now() < last + TOGETHER:
                again.append((follow, len(known)))
            elif known:
                told.append(_notice(theirs, follow, titles, known, names))
                marks.append(Draft("update", {"told_at": ctx.now()}, id_of(follow), act=ACT))
    _count(ctx, again)
    ctx.records(NAME).write_all(marks)
    ctx.notify(told)


def _id(follow: Row) -> UUID:
    """The record that is followed."""
    about = follow["about"]
    assert isinstance(about, Reference)
    return about.id


def _names(ctx: Context, events: Sequence[Event]) -> dict[str, str]:
    """Who did these things, by id."""
    by = {UUID(str(event.payload["by"])) for event in events if event.payload.get("by")}
    return {str(id): str(row["name"]) for id, row in ctx.as_system().records("core.user").values(by).items() if row["name"]}


def _heard(ctx: Context, person: UUID, entity: str, stirred: Mapping[UUID, Sequence[Event]]) -> dict[UUID, list[type_heard]]:
    """What the person may know of what others did: of a change the fields that he sees on this record. A change of nothing but others is none to
    him, nor is a comment that he may not read."""
    heard, said = dict[UUID, list[type_heard]](), {event.record_id for some in stirred.values() for event in some if not _fields(event)}
    readable = people.may_see(ctx, person, COMMENT, said) if said else set()
    for id, row in people.seen(ctx, person, entity, stirred).items():
        others = (event for event in stirred[id] if event.payload.get("by") != str(person))
        known = [(event, [str(name) for name in _fields(event) if name in row]) for event in others]
        heard[id] = [(event, names) for event, names in known if names or (not _fields(event) and event.record_id in readable)]
    return heard


def _kind(follow: Row) -> str:
    return BY_ITSELF if follow["automatic"] else KIND


def _notice(theirs: Context, follow: Row, titles: Mapping[UUID, str], heard: Sequence[type_heard], names: Mapping[str, str]) -> Notice:
    about = follow["about"]
    assert isinstance(about, Reference)
    known = theirs.records(about.entity).fields()
    named = dict.fromkeys(name for _event, seen in heard for name in seen)
    labels = theirs.say(_(", ")).join(theirs.say(known[name].label) for name in list(named)[:MOST_NAMED])
    name = names.get(str(heard[-1][0].payload.get("by"))) or theirs.say(_("The system"))
    params = {"title": titles.get(about.id, ""), "name": name, "fields": labels}
    body = _("{name} changed: {fields}") if named else _("{name} commented.")
    return Notice(UUID(str(follow["owner"])), _kind(follow), _("Update on {title}"), body, params, about)


def _fields(event: Event) -> Sequence[object]:
    fields = event.payload["fields"]
    return fields if isinstance(fields, list) else ()


def _count(ctx: Context, again: Sequence[tuple[Row, int]]) -> None:
    """The unread notice counts what came after it; one that was read, or is not wanted, is left alone."""
    records, drafts = ctx.records(notices.NAME), list[Draft]()
    for start in range(0, len(again), PART):
        part = {(follow["owner"], follow["about"]): (follow, more) for follow, more in again[start : start + PART]}
        asked = (
            Condition("owner", "in", tuple({person for person, _about in part})),
            Condition("about", "in", tuple({about for _person, about in part})),
            Condition("kind", "in", (KIND, BY_ITSELF)),
            Condition("created_at", "gte", (min(cast("datetime", follow["told_at"]) for follow, _more in part.values()),)),
            Condition("read_at", "empty", ("true",)),
        )
        for row in records.find(asked, MOST):
            follow, more = part.get((row["owner"], row["about"]), (None, 0))
            if (
                follow is not None
                and row["kind"] == _kind(follow)
                and cast("datetime", row["created_at"]) >= cast("datetime", follow["told_at"])
            ):
                part.pop((row["owner"], row["about"]))
                drafts.append(Draft("update", {"times": int(str(row["times"] or 1)) + more}, id_of(row), act=ACT))
    records.write_all(drafts)


def follows_now(ctx: Context, record: Mapping[str, object]) -> bool:
    """Whether the actor hears what others do to a record that he sees: since he follows it, or since it is his."""
    entity, me = str(record[ABOUT]), ctx.actor.user_id
    assert me is not None
    once = where(about=Reference(entity, id_of(record)), owner=me)
    if ctx.records(NAME).find(once, 1):
        return True
    mark = Told(me, "", ctx.locale, BY_ITSELF, "", "", None)
    wants = me in _own(entity, record.get) and bool(notices.wanted(ctx, f"teamwork.{notices.IN_APP}", [mark]))
    return wants and not ctx.records(NAME).find(once, 1, deleted=True)
