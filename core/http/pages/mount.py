"""The addresses of pages. Each is answered inside one transaction of the tenant, by the gate and the permission that it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask, g, request
from flask import Response as FlaskResponse

from core.http.addresses import Addresses, type_view
from core.http.answers import answer
from core.http.asked import query_pairs, reading, receive, rewind
from core.http.counted import counted
from core.http.pages.acting import mount_acting
from core.http.pages.answers import as_page, facts_of, gone_to, refused
from core.http.pages.arrival import OUTSIDE, mount_arrival
from core.http.pages.assets import Assets
from core.http.pages.entrance import Ways, mount_entrance
from core.http.pages.telling import forget, tell, told
from core.http.pipeline import ahead, entered, marked, once
from core.pages.formats import as_read_in
from sdk import SIGNED_IN, BadRequest, Frame, NotFound, PageRequest, PageRoute, Redirect, Rendering, Upload, Verb, _

if TYPE_CHECKING:
    from core.context import Work
    from core.platform import Platform

ONCE = "once"
_PARAMETER = re.compile(r"\{([a-z_]+)\}")


class _Undone(Exception):
    def __init__(self, response: FlaskResponse) -> None:
        self.response = response


def mount_pages(app: Flask, addresses: Addresses, platform: Platform, ways: Ways) -> None:
    """All pages of all plugins, where one of them brings the frame; else none."""
    frame = platform.frame
    if frame is None:
        return
    assets = Assets(frame, platform.folders, platform.config.home / "cache")
    platform.templates.asset = assets.address
    addresses.add(f"{assets.prefix}/<digest>/<path:name>", "GET", assets.view)
    mount_entrance(addresses, platform, frame, ways)
    mount_arrival(addresses, platform, frame, ways)
    mount_acting(addresses, platform, frame)
    for page in platform.pages:
        own = "" if page.plugin == frame.plugin else f"/{page.plugin}"
        rule = frame.prefix + own + _PARAMETER.sub(r"<\1>", page.path).replace("<id>", "<record:id>")
        addresses.add(rule, "GET", _view(platform, frame, page))
        if page.submit is not None:
            addresses.add(rule, "POST", _view(platform, frame, page))

    @app.before_request
    def in_pages() -> None:
        if f"{request.path}/".startswith(f"{frame.prefix}/") or request.path in OUTSIDE:
            g.refused = lambda refusal: refused(platform, frame, refusal)


def _view(platform: Platform, frame: Frame, page: PageRoute) -> type_view:
    def view(**path: str) -> FlaskResponse:
        write = request.method == "POST"
        if write:
            receive(lambda: entered(platform, write=False))
        asked = _read(page, path, write=write)
        try:
            with _prepared(platform, frame, page, asked, write=write) as asked, entered(platform, write) as work:
                _admit(work, frame, page, path)
                asked = replace(asked, csrf=g.get("csrf", ""))
                response = _once(work, asked, lambda: _shown(work, frame, page, asked)) if write else _shown(work, frame, page, asked)
                if write and response.status_code >= 400:
                    raise _Undone(response)
        except _Undone as undone:
            return undone.response
        return response

    return view


@contextmanager
def _prepared(platform: Platform, frame: Frame, page: PageRoute, asked: PageRequest, *, write: bool) -> Iterator[PageRequest]:
    """What was sent, with what takes long done before the transaction begins."""
    if page.prepare is None or not write:
        yield asked
        return
    mark = asked.typed(ONCE)
    with ahead(partial(entered, platform, write=True), lambda work: marked(work, f"page {mark}")) if mark else nullcontext() as before:
        if before is not None:
            raise _Undone(before)
        with entered(platform, write=False, acts=True) as work:
            _admit(work, frame, page, asked.path)
            with counted(work, page.plugin, f"page {page.path}"):
                preparation = page.prepare(work, asked)
        with preparation as found:
            rewind()
            yield replace(asked, prepared=found)


def _shown(work: Work, frame: Frame, page: PageRoute, asked: PageRequest) -> FlaskResponse:
    write = request.method == "POST"
    work.retells = True
    with counted(work, frame.plugin, "frame"):
        region = frame.region(work) if frame.region is not None else ""
    with counted(work, page.plugin, f"page {page.path}"), as_read_in(region):
        if write and page.submit is not None:
            return tell(_answered(work, frame, page.submit(work, asked), asked), work)
        return _answered(work, frame, page.view(work, asked), asked)


def _once(work: Work, asked: PageRequest, act: Callable[[], FlaskResponse]) -> FlaskResponse:
    """A form that bears the mark `once` and is sent twice as it is, by two clicks or a reload, is done once."""
    mark = asked.typed(ONCE)
    return once(work, f"page {mark}", act) if mark else act()


def _admit(work: Work, frame: Frame, page: PageRoute, path: Mapping[str, str]) -> None:
    if not {frame.plugin, page.plugin} <= work.enabled or any("\x00" in word for word in path.values()):
        raise NotFound(_("there is nothing at this address"))
    if page.permission != SIGNED_IN and not work.can(page.permission):
        raise work.refused(page.permission, called=_called(work, page.permission))


def _called(work: Work, permission: str) -> str:
    """What people call a permission that is no verb of an entity; those are told by their names where the refusal is shown."""
    _owner, declared = work.platform.catalog.permissions.get(permission, ("", None))
    thing, _dot, verb = permission.rpartition(".")
    return permission if declared is None or (work.offers(thing) and verb in set(Verb)) else work.say(declared.label)


def _read(page: PageRoute, path: Mapping[str, str], *, write: bool) -> PageRequest:
    """What was sent to a page; raises BadRequest."""
    uploads: list[tuple[str, Upload]] = []
    form: list[tuple[str, str]] = []
    if write:
        with reading():
            form = list(request.form.items(multi=True))
            sent = list(request.files.items(multi=True)) if page.uploads else []
        uploads = [(name, Upload(part.filename or "", part.stream)) for name, part in sent if part.filename]  # type: ignore[arg-type]
        if any("\x00" in name or "\x00" in value for name, value in form):
            raise BadRequest(_("a form field contains a null character"))
    address = request.full_path.rstrip("?")
    part = request.headers.get("HX-Target", "page") if request.headers.get("HX-Request") == "true" else ""
    return PageRequest(address=address, path=path, query=query_pairs(), form=form, files=dict(uploads), part=part, uploads=uploads)


def _answered(work: Work, frame: Frame, value: object, asked: PageRequest) -> FlaskResponse:
    if isinstance(value, Redirect):
        return gone_to(value.path, asked.part)
    if not isinstance(value, Rendering):
        return answer(value)
    facts = facts_of(work, asked, csrf=asked.csrf) | {"told": () if asked.part else told(work.platform.config)}
    with counted(work, frame.plugin, "frame"):
        around = frame.values(work, asked)
    values = {"page": facts, "frame": around, **value.values}
    return forget(as_page(work.render(Rendering(value.template, values)), value.status), work.platform.config, facts)
