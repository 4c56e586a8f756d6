"""Notices: who wants which by what channel; those in the application, and what of them is unread."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sdk import Batch, Change, Condition, Context, Draft, Filter, NoticeChannel, Query, Told, _, where
from sdk.context import Row, id_of
from sdk.fields import Reference

NAME, PREFERENCE = "teamwork.notification", "teamwork.preference"
IN_APP, MAIL = "in_app", "mail"
TELL, READ = "tell", "read"
ANY_KIND = "all"
"""In a preference: every kind of notice for which there is no other."""
BY_ITSELF = "teamwork.auto_follow"
"""Of what somebody follows without having asked for it: told in the application, and by another channel to those alone who say so of this kind."""
MOST_SHOWN, PART = 50, 500
LONGEST_TITLE, LONGEST_BODY = 255, 20_000
OVERLAP = timedelta(minutes=1)
"""A notice becomes visible when its transaction ends, a moment after it was made: whoever asks from then on asks from a little earlier."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Wish:
    """Whether somebody wants a kind of notice by a channel, and whether gathered."""

    muted: bool = False
    digest: bool = False


def wishes(ctx: Context, channel: str, told: Sequence[Told]) -> dict[Told, Wish]:
    """What the readers of these notices want for `channel` (`plugin.key`); one question for all.

    What somebody said of a kind counts before what the same person said of all kinds; what nobody has asked for leaves the application for nobody
    who has not said so of its own kind.
    """
    people = sorted({one.user_id for one in told})
    said: dict[tuple[UUID, str], Wish] = {}
    for start in range(0, len(people), PART):
        asked = (Condition("owner", "in", tuple(people[start : start + PART])), Condition("channel", "eq", (channel,)))
        for row in ctx.as_system().records(PREFERENCE).find(asked, 100_000):
            said[UUID(str(row["owner"])), str(row["kind"])] = Wish(bool(row["muted"]), bool(row["digest"]))
    quiet = {BY_ITSELF} if channel != f"teamwork.{IN_APP}" else set[str]()
    usual = {one: Wish(muted=True) if one.kind in quiet else said.get((one.user_id, ANY_KIND), Wish()) for one in told}
    return {one: said.get((one.user_id, one.kind), usual[one]) for one in told}


def wanted(ctx: Context, channel: str, told: Sequence[Told]) -> list[Told]:
    """Of these notices those whose readers have not muted their kind for `channel` (`plugin.key`)."""
    said = wishes(ctx, channel, told)
    return [one for one in told if not said[one].muted]


def in_app(ctx: Context, told: Sequence[Told]) -> None:
    """Keep each notice for its reader."""
    readers = wanted(ctx, f"teamwork.{IN_APP}", told)
    there = living(ctx, readers)
    drafts = [
        Draft("create", {"kind": one.kind, "title": line(one.title)[:LONGEST_TITLE], "body": page(one.body) or None,
                         "about": one.about if one.about in there else None, "owner": one.user_id, "times": 1}, act=TELL)
        for one in readers
    ]  # fmt: skip
    ctx.as_system().records(NAME).write_all(drafts)


def line(text: str) -> str:
    """Somebody's words as one line."""
    return " ".join(_CONTROL.sub(" ", text).split()) or "-"


def page(text: str) -> str:
    """Somebody's words as a text field takes them."""
    return _CONTROL.sub(" ", text)[:LONGEST_BODY].strip()


def living(ctx: Context, told: Sequence[Told]) -> set[Reference]:
    """The records that notices lead to, as far as the tenant has them; one question for each entity."""
    asked: dict[str, set[UUID]] = {}
    for one in told:
        if one.about is not None and ctx.offers(one.about.entity):
            asked.setdefault(one.about.entity, set()).add(one.about.id)
    return {Reference(entity, id) for entity, ids in asked.items() for id in ctx.as_system().records(entity).values(ids)}


# --- reading ---------------------------------------------------------------------------------------------------------


def unread(ctx: Context) -> int:
    """How many notices the actor has not read, of those that are shown."""
    found = ctx.records(NAME).aggregate(["count"], ["about"], (*_mine(ctx), Condition("read_at", "empty", ("true",))))
    return sum(int(str(row["count"])) for row in found if row["about"] is None or ctx.offers(str(row["about"])))


def newest(ctx: Context, limit: int, filter: Filter = (), cursor: str = "") -> tuple[list[Row], str | None]:
    """The actor's newest notices, and the cursor of the next ones; none about what the tenant has not, as long as its plugin is off."""
    asked = Query((*_mine(ctx), *filter), sort=("-created_at",), limit=limit, cursor=cursor)
    found = list[Row]()
    while True:
        page = ctx.records(NAME).query(asked)
        shown = [at for at, row in enumerate(page.data) if _is_shown(ctx, row.get("about"))]
        if len(shown) > limit - len(found):  # the next ones begin behind the last that is shown, not behind the last that was read
            shown = shown[: limit - len(found)]
            page = ctx.records(NAME).query(replace(asked, limit=shown[-1] + 1))
        found += [page.data[at] for at in shown]
        if len(found) == limit or page.next is None:
            return found, page.next
        asked = replace(asked, cursor=page.next)


def _is_shown(ctx: Context, about: object) -> bool:
    return not isinstance(about, Mapping) or ctx.offers(str(about["entity"]))


def since(ctx: Context, after: datetime | None) -> tuple[dict[str, object], str]:
    """The newest notices, or those since an instant, how many are unread, and the ETag of all that."""
    asked = () if after is None else (Condition("created_at", "gte", (after,)),)
    rows, _following = newest(ctx, MOST_SHOWN, asked)
    count = unread(ctx)
    said = ";".join(f"{row['id']}:{row['version']}" for row in rows)
    tag = hashlib.blake2b(f"{count};{said}".encode(), digest_size=12).hexdigest()
    return {"data": rows, "unread": count, "since": ctx.now() - OVERLAP}, f'"{tag}"'


def mark_read(ctx: Context, ids: Sequence[UUID] | None) -> int:
    """The actor has read these notices, or (None) all; those of others are left out. Returns how many were unread."""
    among = () if ids is None else (Condition("id", "in", tuple(ids)),)
    done, records = 0, ctx.records(NAME)
    while rows := records.find((*_mine(ctx), *among, Condition("read_at", "empty", ("true",))), PART):
        drafts = [Draft("update", {"read_at": ctx.now()}, id_of(row), act=READ) for row in rows]
        ctx.as_system().records(NAME).write_all(drafts)
        done += len(rows)
    return done


def _mine(ctx: Context) -> tuple[Condition, ...]:
    return () if ctx.actor.user_id is None else (Condition("owner", "eq", (ctx.actor.user_id,)),)


# --- preferences -----------------------------------------------------------------------------------------------------


def prepare_preferences(ctx: Context, batch: Batch) -> None:
    """A preference names a channel that there is, only letters are gathered, and nobody has two for the same kind and channel."""
    channels = {channel.full_key for channel in ctx.declared(NoticeChannel)}
    for change in batch.standing():
        if change.changes("channel") and change.after("channel") not in channels:
            text = _("channel {value!r} does not exist; available: {channels}")
            change.refuse("channel", "no_such_channel", text, value=str(change.after("channel")), channels=", ".join(sorted(channels)))
        if change.after("digest") and change.after("channel") != f"teamwork.{MAIL}":
            change.refuse(
                "digest", "not_gathered", _("only emails can be combined: choose the channel {channel}"), channel=f"teamwork.{MAIL}"
            )
        elif change.after("digest") and change.after("muted"):
            change.refuse("digest", "muted", _("muted notifications can’t be combined; set muted to false"))
    keep_single(ctx, batch, ("owner", "kind", "channel"))


def keep_single(ctx: Context, batch: Batch, names: Sequence[str]) -> None:
    """No two live records of the batch's entity agree in all of these fields, the owner among them (409)."""
    taken: dict[tuple[object, ...], UUID] = {}
    wanted = [change for change in batch.changes if change.stands and change.verb != "delete"]
    owners = {change.after("owner") for change in wanted} - {None}
    if wanted and owners:
        ctx.lock(f"{batch.entity}.single")
    for owner, among in ((owner, among) for owner in owners for among in _among(wanted, names)):
        taken |= {
            _key(row, names): id_of(row) for row in ctx.as_system().records(batch.entity).find((*where(owner=owner), *among), 100_000)
        }
    for change in wanted:
        key = tuple(change.after(name) for name in names)
        if taken.get(key, change.id) != change.id:
            change.forbid("duplicate", _("this record already exists; edit that one"))
        taken[key] = change.id


def _among(changes: Sequence[Change], names: Sequence[str]) -> list[tuple[Condition, ...]]:
    """Parts of what the owners have: what agrees with a change in the field beside the owner, if there is one."""
    values = list(dict.fromkeys(change.after(names[1]) for change in changes)) if len(names) > 1 else []
    return [(Condition(names[1], "in", tuple(values[start : start + PART])),) for start in range(0, len(values), PART)] or [()]


def _key(row: Mapping[str, object] | Row, names: Sequence[str]) -> tuple[object, ...]:
    return tuple(row[name] for name in names)
