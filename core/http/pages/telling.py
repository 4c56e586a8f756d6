"""What is told beside a write that was taken: on the page that one comes to next, or to the script that has sent it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Response as FlaskResponse
from flask import request

from core.http.security import give_cookie, host_cookie, take_cookie

if TYPE_CHECKING:
    from core.config import Config
    from core.context import Work

HEADER, COOKIE = "Dealwright-Told", "dealwright_told"
MOST, LONGEST = 3, 200
LASTS = timedelta(minutes=1)


def tell(response: FlaskResponse, work: Work) -> FlaskResponse:
    """Add what this work has been warned of to the answer of its form."""
    texts = list(dict.fromkeys(work.say(said.message, said.params)[:LONGEST] for said in work.warned))[:MOST]
    if not texts or response.status_code >= 400:
        return response
    word = base64.urlsafe_b64encode(json.dumps(texts, ensure_ascii=False).encode()).decode()
    if response.status_code == 303 or "HX-Redirect" in response.headers:
        give_cookie(response, work.platform.config, word, COOKIE, LASTS)
    else:
        response.headers[HEADER] = word
    return response


def told(config: Config) -> list[str]:
    """What the page is to tell that one has come to."""
    try:
        found = json.loads(base64.urlsafe_b64decode(request.cookies.get(host_cookie(config, COOKIE), "")) or "[]")
    except (binascii.Error, ValueError):  # not of ours: a browser sends what it likes
        return []
    return [str(text)[:LONGEST] for text in found[:MOST]] if isinstance(found, list) else []


def forget(response: FlaskResponse, config: Config, values: Mapping[str, object]) -> FlaskResponse:
    """It is told once."""
    if values["told"]:
        take_cookie(response, config, COOKIE)
    return response
