"""Surveys of satisfaction: a link that works once, and the answer behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sdk import Condition, Conflict, Context, Draft, Event, Mail, NotFound, Notice, _, where
from sdk.context import Row, id_of
from sdk.fields import Reference
from sdk.links import digest_of, new_token

SURVEY, INVITATION, DEAL = "customers.survey", "customers.invitation", "pipeline.deal"
CONTACT = "customers.contact"
ACT, SEND = "survey", "customers.survey.send"
PART = 500
LONG_AGO = timedelta(days=30)
RANGES: Mapping[str, tuple[int, int]] = {"nps": (0, 10), "csat": (1, 5)}
PROMOTER, DETRACTOR = 9, 6
"""From 9 on somebody recommends us, up to 6 they do not (F. Reichheld, The One Number You Need to Grow, HBR 12/2003)."""


@dataclass(frozen=True)
class Guest:
    """Who is asked, about what."""

    account: UUID | None
    contact: UUID | None = None
    about: Reference | None = None
    owner: UUID | None = None


def invite(ctx: Context, survey: Row, guests: Sequence[Guest]) -> list[tuple[Row, str]]:
    """An invitation with its link for each guest; the link is told here and never again. Sends letters where the survey says so.

    An answer counts for the account of who gives it, also where none is named; what of a contact is hidden from who asks counts all the same.
    """
    if not guests:
        return []
    tokens = [new_token(ctx) for _guest in guests]
    contacts = _contacts(ctx, guests)
    accounts = {id: row["account"] for id, row in contacts.items()}
    addresses = _addresses(contacts) if survey["by_mail"] else {}
    until = ctx.now() + timedelta(days=int(str(survey["valid_days"] or 30)))
    drafts = [
        Draft("create", {
            "survey": survey["id"], "account": guest.account or accounts.get(guest.contact), "contact": guest.contact,
            "about": guest.about, "owner": guest.owner, "digest": digest_of(token), "expires_at": until,
            "sent_to": addresses.get(guest.contact),
        }, act=ACT)
        for guest, token in zip(guests, tokens, strict=True)
    ]  # fmt: skip
    made: list[tuple[Row, str]] = []
    for outcome, token in zip(ctx.as_system().records(INVITATION).write_all(drafts), tokens, strict=True):
        assert outcome.row is not None
        link = address(ctx, token)
        made.append((outcome.row, link))
        if isinstance(to := outcome.row["sent_to"], str):
            ctx.mail(_letter(ctx, survey, to, link, until))
    return made


def address(ctx: Context, token: str) -> str:
    """Where the guest answers."""
    return ctx.address(f"/api/v1/customers/answers/{token}")


def _contacts(ctx: Context, guests: Sequence[Guest]) -> Mapping[UUID | None, Row]:
    ids = {guest.contact for guest in guests if guest.contact is not None}
    return dict[UUID | None, Row](ctx.as_system().records(CONTACT).values(ids).items())


def _addresses(contacts: Mapping[UUID | None, Row]) -> dict[UUID | None, object]:
    return {id: row["email"] for id, row in contacts.items() if row["email"] is not None}


def _letter(ctx: Context, survey: Row, to: str, link: str, until: datetime) -> Mail:
    text = _("{question}\n\nYour answer takes a minute, until {until}:\n{link}\n\nThe link works once.")
    told = {"question": question(ctx, survey), "link": link, "until": until.date().isoformat()}
    return Mail(to, ctx.say(_("One question about working with us")), ctx.say(text, told))


def question(ctx: Context, survey: Row) -> str:
    """In the reader's language where there is one."""
    said = survey["question_zh"] if ctx.locale.startswith("zh") else survey["question"]
    return str(said or survey["question"])


def after_won(ctx: Context, events: Sequence[Event]) -> None:
    """Whoever a won deal was with is asked, once for each survey that wants to and each deal, however often it is won.

    Where no letter goes out nobody would ever have the link: there is no invitation then, and the deal's owner is told to ask.
    """
    system = ctx.as_system()
    surveys = system.records(SURVEY).find(where(after_won=True)) if not ctx.silent else []  # it may have been won years ago
    if not surveys or not system.offers(DEAL):
        return
    won = system.records(DEAL).values({event.record_id for event in events})
    deals = [
        (
            Guest(
                cast("UUID | None", deal["account"]),
                cast("UUID | None", deal["contact"]),
                Reference(DEAL, id),
                cast("UUID | None", deal["owner"]),
            )
        )
        for id, deal in won.items()
        if (deal["account"] is not None or deal["contact"] is not None) and not _is_long_ago(ctx, deal["stage_since"])
    ]
    for survey in surveys:
        addresses = _addresses(_contacts(system, deals)) if survey["by_mail"] else {}
        there = _asked_about(system, survey, [guest.about.id for guest in deals if guest.about])
        wanted = [guest for guest in deals if guest.about is not None and guest.about.id not in there]
        invite(system, survey, [guest for guest in wanted if guest.contact in addresses])
        alone = [guest for guest in wanted if guest.contact not in addresses and guest.about]
        system.notify([_to_ask(survey, guest, won[guest.about.id], guest.owner) for guest in alone if guest.about and guest.owner])


def _is_long_ago(ctx: Context, since: object) -> bool:
    """Whether it was won so long ago that asking now would be strange: it was entered with its history."""
    return isinstance(since, datetime) and since < ctx.now() - LONG_AGO


def _to_ask(survey: Row, guest: Guest, deal: Row, owner: UUID) -> Notice:
    body = _("No email went out: the survey isn’t sent by email, or the deal has no contact with an address. “Send survey” on the page of the "
             "contact or account makes a link.")  # fmt: skip
    said = {"survey": survey["name"], "deal": deal["name"]}
    return Notice(owner, "customers.to_ask", _("Ask the customer yourself: {survey} ({deal})"), body, said, guest.about)


def _asked_about(system: Context, survey: Row, deals: Sequence[UUID]) -> set[UUID]:
    """The deals about which somebody was asked already."""
    asked: set[UUID] = set()
    for start in range(0, len(deals), PART):
        about = Condition("about", "in", tuple(Reference(DEAL, id) for id in deals[start : start + PART]))
        rows = system.records(INVITATION).find((*where(survey=survey["id"]), about))
        asked |= {row["about"].id for row in rows if isinstance(row["about"], Reference)}
    return asked


def found(ctx: Context, token: str) -> tuple[Row, Row]:
    """The open invitation of a link and its survey; raises NotFound for a link that is unknown, used, too old, or of a survey that is gone.

    All of them get the same answer, so that nobody learns from trying which links there were.
    """
    system = ctx.as_system()
    rows = system.records(INVITATION).find(where(digest=digest_of(token)), 1)
    row = rows[0] if rows else None
    spent = row is None or row["state"] != "open" or (isinstance(row["expires_at"], datetime) and row["expires_at"] <= ctx.now())
    surveys = system.records(SURVEY).values([cast("UUID", row["survey"])]) if row is not None and not spent else {}
    for survey in surveys.values():
        assert row is not None
        return row, survey
    raise NotFound(_("this link no longer works: it has been used or has expired"), code="link_spent")


def answer(ctx: Context, token: str, score: int, comment: str | None) -> None:
    """Take an answer, once. Raises NotFound as `found`, Conflict for a score that the survey does not know."""
    with ctx.transaction(write=True):
        ctx.lock(f"{INVITATION}:{digest_of(token)}")
        row, survey = found(ctx, token)
        least, most = RANGES[str(survey["kind"])]
        if not least <= score <= most:
            raise Conflict(
                _("expected a score from {least} to {most}, got {score}"), code="score_out_of_range", least=least, most=most, score=score
            )
        values: dict[str, object] = {"state": "answered", "score": score, "comment": comment, "answered_at": ctx.now()}
        if survey["kind"] == "nps":
            values["points"] = 100 if score >= PROMOTER else -100 if score <= DETRACTOR else 0
        ctx.as_system().records(INVITATION).update(id_of(row), values, act=ACT)
