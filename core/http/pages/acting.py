"""Acting as somebody else by a form: begun on that person's page, ended in the bar that every page shows meanwhile."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Response as FlaskResponse

from core.http.addresses import Addresses
from core.http.impersonations import end_acting
from core.http.pages.entrance import form_typed, of_form, on_to
from core.http.pipeline import entered
from core.http.security import visitor
from core.identity import impersonation
from sdk import Frame

if TYPE_CHECKING:
    from core.platform import Platform


def mount_acting(addresses: Addresses, platform: Platform, frame: Frame) -> None:
    """`/acting` and `/acting/end` below the frame's prefix."""
    addresses.add(f"{frame.prefix}/acting", "POST", partial(_begin, platform, frame))
    addresses.add(f"{frame.prefix}/acting/end", "POST", partial(_end, platform, frame))


def _begin(platform: Platform, frame: Frame) -> FlaskResponse:
    typed = form_typed()
    with entered(platform, write=True) as work:
        impersonation.begin(work, typed.get("user", ""), visitor(platform.config))
    return on_to(frame, frame.prefix + frame.home)


def _end(platform: Platform, frame: Frame) -> FlaskResponse:
    end_acting(platform, of_form(platform))
    return on_to(frame, frame.prefix + frame.home)
