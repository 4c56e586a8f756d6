"""Comments: who may change them, and whom they mention: `@[Anna Berg]`, `@[anna@company.example]`, `@[<id>]`.

Brackets, since names have spaces, and since a bare `@` stands in mail addresses and in people's prose.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from plugins.teamwork import follows, people
from sdk import Batch, Change, Context, Event, Notice, _
from sdk.changes import ERASE
from sdk.fields import Reference

COMMENT = "teamwork.comment"
MENTIONED = "teamwork.comment.mentioned"
MOST_SHOWN = 300
_MENTION = re.compile(r"(?<!\\)@\[([^\[\]\r\n]{1,255})\]")


def mentioned(body: str) -> list[str]:
    """What stands in the brackets of mentions, each once, in order; a backslash before the @ makes it plain text."""
    return list(dict.fromkeys(word for found in _MENTION.findall(body) if (word := found.strip())))


def prepare_comments(ctx: Context, batch: Batch) -> None:
    """What somebody said is changed and taken back by that person alone, and stays where it was said. Find whom it mentions."""
    for change in batch.changes:
        if change.verb == "create" or change.before is None or not change.stands or ctx.actor.user_id is None:
            continue
        if change.before["owner"] != ctx.actor.user_id and change.act != ERASE:
            change.forbid("not_yours", _("someone else wrote this comment; only the author can edit it"))
        elif change.changes("about") or change.changes("owner"):
            change.forbid("comment_moved", _("a comment can’t be moved to another record or author; write a new one"))
    fresh = [change for change in batch.standing() if change.act != ERASE]  # what is left of a text that was erased mentions nobody anew
    said = [change for change in fresh if change.before is None or change.changes("body") or change.changes("mentions")]
    follows.notice_comments(ctx, batch)
    people.resolve(ctx, ((change, "mentions", _words(change)) for change in said))
    new = {change.id: _new(ctx, change) for change in said if change.stands}
    _refuse_strangers(ctx, [(change, new[change.id]) for change in said if new.get(change.id)])
    for change in said:
        if change.stands and new[change.id]:
            batch.emit(MENTIONED, change, {"people": [str(one) for one in new[change.id]], "by": ctx.actor.user_id})


def _words(change: Change) -> list[str]:
    """Those in the text, and those that the caller lists; a text that is written anew drops the mentions of the old one."""
    listed = change.values.get("mentions")
    return [*mentioned(str(change.after("body") or "")), *(str(one) for one in (listed if isinstance(listed, list) else ()))]


def _new(ctx: Context, change: Change) -> list[UUID]:
    before = set(people.ids((change.before or {}).get("mentions"))) | {ctx.actor.user_id}
    return [person for person in people.ids(change.after("mentions")) if person not in before]


def _refuse_strangers(ctx: Context, asked: Sequence[tuple[Change, list[UUID]]]) -> None:
    """A mention does not let anybody look at a record who may not: the comment is refused, and says whom it would have told."""
    by_person: dict[tuple[UUID, str], list[Change]] = {}
    for change, persons in asked:
        about = change.after("about")
        if isinstance(about, Reference):
            for person in persons:
                by_person.setdefault((person, about.entity), []).append(change)
    names = ctx.as_system().records("core.user").values({person for person, _entity in by_person})
    for (person, entity), changes in by_person.items():
        abouts = {change.id: about.id for change in changes if isinstance(about := change.after("about"), Reference)}
        seen = people.may_see(ctx, person, entity, abouts.values())
        for change in changes:
            if abouts[change.id] not in seen:
                text = _("{name} can’t see this record; share it first, or remove the mention")
                change.refuse("mentions", "no_access", text, name=str(names[person]["name"]))


def tell(ctx: Context, events: Sequence[Event]) -> None:
    """Tell those who were mentioned, once, as far as they still may see the record."""
    comments = ctx.as_system().records(COMMENT).values({event.record_id for event in events})
    authors = ctx.as_system().records("core.user").values({UUID(str(event.payload["by"])) for event in events if event.payload.get("by")})
    notices = []
    for event in events:
        comment = comments.get(event.record_id)
        about, persons = (comment["about"] if comment else None), event.payload["people"]
        if comment is None or not isinstance(about, Reference) or not ctx.offers(about.entity):
            continue
        by = event.payload.get("by")
        name = str(authors[UUID(str(by))]["name"]) if by and UUID(str(by)) in authors else ctx.say(_("The system"))
        still = set(people.ids(comment["mentions"]))
        for person in (UUID(str(one)) for one in (persons if isinstance(persons, list) else ())):
            sees = person in still and people.may_see(ctx, person, about.entity, [about.id])
            if sees and people.may_see(ctx, person, COMMENT, [event.record_id]):
                params = {"name": name}
                notices.append(
                    Notice(person, "teamwork.mention", _("{name} mentioned you"), readable(ctx, str(comment["body"])), params, about)
                )
    ctx.notify(notices)


def readable(ctx: Context, body: str) -> str:
    """The text with names in place of ids."""
    ids = {id for word in mentioned(body) if (id := people.as_id(word)) is not None}
    names = {str(id): str(row["name"]) for id, row in (ctx.as_system().records("core.user").values(ids) if ids else {}).items()}
    said = _MENTION.sub(lambda found: f"@{names.get(found[1].strip().lower(), found[1].strip())}", body)
    return said if len(said) <= MOST_SHOWN else f"{said[:MOST_SHOWN]}…"
