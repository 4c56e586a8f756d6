"""Notices on their way: each in its reader's language, by every channel of the tenant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from sdk import Notice, NoticeChannel, Text, Told

if TYPE_CHECKING:
    from core.context import Work


def tell(work: Work, notices: Sequence[Notice]) -> None:
    """Hand notices to the channels, in one batch each; people who have left hear nothing."""
    if not notices:
        return
    with work.transaction(write=True):
        system = work.freely().as_system()
        people = system.records("core.user").values({notice.user_id for notice in notices})
        told = []
        for notice in notices:
            person = people.get(notice.user_id)
            if person is None or not person["active"]:
                continue
            locale = str(person["locale"] or work.tenant.locale)
            zone = str(person["timezone"] or work.tenant.timezone)
            title, body = (_said(work, text, locale, zone, notice) for text in (notice.title, notice.body))
            told.append(Told(notice.user_id, str(person["email"] or ""), locale, notice.kind, title, body, notice.about))
        for channel in work.declared(NoticeChannel) if told else ():
            channel.deliver(system, told)


def _said(work: Work, text: Text | str, locale: str, zone: str, notice: Notice) -> str:
    """What a plugin says is translated and its braces filled, days and moments as the reader writes them; people's own words stay as they are."""
    if not isinstance(text, Text):
        return text
    speaking = work.speaking(locale)
    return speaking.say(
        text, {name: speaking.written(value, zone) if isinstance(value, date) else value for name, value in notice.params.items()}
    )
