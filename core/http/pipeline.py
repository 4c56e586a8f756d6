"""What every request passes: trace id, who it is, tenant, gate, transaction, answer."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4

import orjson
import sqlalchemy as sa
from flask import Response as FlaskResponse
from flask import after_this_request, current_app, g, request

from core.context import Work
from core.http import idempotency, limits
from core.http.answers import answer
from core.http.asked import FORMS, reading, receive, rewind, sent
from core.http.idempotency import Answer, Once
from core.http.security import TOLD, address_of, cookie_name, host_cookie
from core.identity import entrance, impersonation, ranges, sessions, tokens
from core.identity.tables import User
from core.platform import tenant_of
from core.policy.grants import Grants
from core.tenancy.tables import tenants
from sdk import (
    Actor,
    BadRequest,
    Channel,
    Forbidden,
    NotFound,
    Response,
    Unauthenticated,
    _,
    links,
)

if TYPE_CHECKING:
    from flask import Request
    from flask.ctx import _AppCtxGlobals
    from werkzeug.local import LocalProxy

    from core.platform import Platform

type_handler = Callable[[Work, Mapping[str, str]], object]
type_preparation = Callable[[Work, Mapping[str, str]], AbstractContextManager[object]]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TRACE = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")
ANYBODY = Actor(None, "link")
TENANT_COOKIE = "dealwright_tenant"
"""The name of the tenant that somebody of several has chosen in this browser; no secret, and no right."""


def start() -> None:
    """Before anything: the id by which this request is found in the log; a caller's own is taken over."""
    asked, here = _request(), _globals()
    given = asked.headers.get("X-Trace-Id", "")
    here.began = time.perf_counter()
    here.trace_id = given if _TRACE.match(given) else uuid4().hex
    try:
        asked.query_string.decode()
    except UnicodeDecodeError:
        raise BadRequest(_("the address is not valid UTF-8; write other bytes as %XX")) from None
    if asked.method != "GET" and asked.mimetype != "multipart/form-data":  # words; a form of files is read once it is known who sends it
        asked.max_content_length = current_app.config["DEALWRIGHT_MAX_BODY"]


def _request() -> Request:
    """The request itself: each look through the proxy costs a microsecond."""
    return cast("LocalProxy[Request]", request)._get_current_object()


def _globals() -> _AppCtxGlobals:
    """What is kept for the length of the request, itself."""
    return cast("LocalProxy[_AppCtxGlobals]", g)._get_current_object()


def finish(response: FlaskResponse) -> FlaskResponse:
    """After everything: what its sender is told of the request, see `Heads`."""
    asked, here = _request(), _globals()
    told = [("X-Trace-Id", here.get("trace_id", "")), *here.get("acting", {}).items()]
    if (left := here.get("left")) is not None:
        told += left.headers().items()
    asked.environ[TOLD] = told
    rule = asked.url_rule.rule if asked.url_rule is not None else ""
    current_app.config["DEALWRIGHT_METRICS"].answered(asked.method, rule, response.status_code, time.perf_counter() - here.began)
    return response


def entered(platform: Platform, write: bool, *, acts: bool = False) -> AbstractContextManager[Work]:
    """The context of whoever sent the request, inside one transaction of the tenant. With `acts` it does something elsewhere than in the
    database: a browser shows its CSRF token for that as for a write."""
    asked = _request()
    if header := asked.headers.get("Authorization", ""):
        return _by_token(platform, header, write)
    if cookie := asked.cookies.get(cookie_name(platform.config)):
        return _by_session(platform, cookie, write, acts=write or acts)
    raise Unauthenticated(_("send `Authorization: Bearer dw_...` or sign in at /api/v1/session"))


@contextmanager
def _by_token(platform: Platform, header: str, write: bool) -> Iterator[Work]:
    scheme, _space, secret = header.partition(" ")
    tenant = tokens.tenant_in(secret.strip()) if scheme.lower() == "bearer" else None
    if tenant is None:
        raise Unauthenticated(_("the token is invalid; expected `Authorization: Bearer dw_...`"))
    now, digest, here = platform.clock(), links.digest_of(secret.strip()), _globals()
    before = here.get("left")  # who has knocked has been counted
    left = here.left = before or platform.limits.take(digest, now)
    if left is not None and left.wait:
        raise limits.refusal(left)
    with ExitStack() as after, platform.database.begin(write=write, tenant=tenant, ask=tokens.QUESTION) as connection:
        row = tokens.bearer(connection, tenant, digest, now)
        if row is None:
            raise Unauthenticated(tokens.UNKNOWN)
        if before is None:
            limit = limits.in_force(platform.config.rate_limit, row.rate_limit)
            left = here.left = platform.limits.let_in(digest, now, limit, left, row.token_first)
            if left is not None and left.wait:
                raise limits.refusal(left)
        if tokens.first_use_of_a_while(platform.database.engine, row.token_id, now):
            after_this_request(partial(_noting, platform, tenant, row.token_id, now))
        enabled = platform.gate.enabled(connection, tenant, row.access_version)
        grants = platform.policy.grants(connection, tenant, row.user_id, tuple(row.user_roles or ()), row.access_version, enabled)
        if row.token_allows is not None:
            grants = grants.narrowed(row.token_allows)
        actor = Actor(row.user_id, row.user_name, row.user_timezone or "")
        _check_tenant(row.name)
        address = _check_address(platform, row)
        work = Work(platform, tenant_of(row), actor, grants, enabled, Channel.API, locale=row.user_locale or "",
                    access_version=row.access_version)  # fmt: skip
        here.locale = work.locale
        work.token, work.token_until, work.came_from = row.token_id, row.token_expires_at, address
        after.callback(work.keep_attempts)
        with work.adopt(connection, writes=write):
            yield work
    _after(work)


def _noting(platform: Platform, tenant: UUID, token: UUID, now: datetime, response: FlaskResponse) -> FlaskResponse:
    """Once the answer is sent: nobody waits for it, and a read transaction writes nothing."""
    response.call_on_close(partial(tokens.note_use, platform.database, tenant, token, now))
    return response


@contextmanager
def _by_session(platform: Platform, cookie: str, write: bool, *, acts: bool) -> Iterator[Work]:
    with platform.database.begin(write=False, tenant=None) as connection:
        session = sessions.find(connection, cookie, platform.clock())
    if session is None:
        raise Unauthenticated(_("the session has expired; sign in again"))
    if acts and not session.told(request.headers.get("X-CSRF-Token", "") or _typed_token()):
        raise Forbidden(_("send the session’s csrf_token as X-CSRF-Token"), code="csrf")
    g.csrf = session.csrf
    tenant, user = _chosen(platform, session)
    with ExitStack() as after, platform.database.begin(write=write, tenant=tenant) as connection:
        person = User.table()
        row = platform.tenant_row(connection, tenant)
        address = _check_address(platform, row)
        found = connection.execute(
            sa.select(person).where(person.c.tenant_id == tenant, person.c.id == user, person.c.active, person.c.deleted_at.is_(None))
        ).one_or_none()
        if found is None:
            raise Unauthenticated(_("your user is no longer active; ask an administrator"))
        work = platform.work_of(connection, row, found, Channel.PAGE)
        work.session = session.id
        if session.acting is not None and session.acting.tenant == tenant:
            work = impersonation.entered(work, connection, session.acting)
            g.acting = {"X-Acting-As": str(session.acting.user), "X-Impersonator": str(user)}
        work.came_from = address
        g.locale = work.locale
        after.callback(work.keep_attempts)
        with work.adopt(connection, writes=write):
            yield work
    _after(work)


@contextmanager
def entered_by_link(platform: Platform, token: str, write: bool) -> Iterator[Work]:
    """The context of somebody with a link: nobody's rights, in the tenant that its token names. Raises NotFound for anything else."""
    tenant, nothing = links.tenant_in(token), NotFound(_("there is nothing at this address"))
    if tenant is None:
        raise nothing
    with platform.database.begin(write=write, tenant=tenant) as connection:
        row = connection.execute(sa.select(tenants).where(tenants.c.id == tenant)).one_or_none()
        if row is None:
            raise nothing
        enabled = platform.gate.enabled(connection, tenant, row.access_version)
        locale = request.accept_languages.best_match(["en", "zh", "zh-CN"]) or row.locale
        locale = "zh_CN" if locale[:2] == "zh" else locale
        work = Work(
            platform, tenant_of(row), ANYBODY, Grants(None), enabled, Channel.PAGE, locale=locale, access_version=row.access_version
        )
        g.locale = work.locale
        with work.adopt(connection, writes=write):
            yield work
    _after(work)


def _check_tenant(name: str) -> None:
    """A token belongs to one tenant: who names another would take its answer for that one's."""
    if request.headers.get("X-Tenant", name) != name:
        raise NotFound(_("the token belongs to a different tenant than the X-Tenant header names; yours is {names}"),
                       code="choose_tenant", names=name)  # fmt: skip


def _check_address(platform: Platform, row: sa.Row[Any]) -> str:
    """Where the request comes from; raises Forbidden where the tenant lets nobody in from there."""
    address = address_of(platform.config)
    if not ranges.admits(row.allowed_addresses, address):
        raise ranges.refusal(row.name, address)
    return address


def _typed_token() -> str:
    """The CSRF token of a page's form; the API takes it in the header alone."""
    return request.form.get("csrf_token", "") if "refused" in g and request.mimetype in FORMS else ""


def _chosen(platform: Platform, session: sessions.Session) -> tuple[UUID, UUID]:
    wanted = request.headers.get("X-Tenant", "")
    kept = request.cookies.get(host_cookie(platform.config, TENANT_COOKIE), "") if not wanted else ""
    if wanted in session.tenants:
        return session.tenants[wanted]
    if wanted or len(session.tenants) != 1:
        if kept in session.tenants and entrance.is_active(platform, *session.tenants[kept]):
            return session.tenants[kept]
        there = entrance.open_to(platform, session)
        # Those that had the person before are nothing to choose from; but what was typed for one of them goes to no other.
        if not wanted and len(there) == 1 and (not kept or request.method in ("GET", "HEAD")):
            return session.tenants[there[0]]
        names = ", ".join(there) or "-"
        raise NotFound(_("choose a tenant with the X-Tenant header; yours are: {names}"), code="choose_tenant", names=names)
    return next(iter(session.tenants.values()))


def _after(work: Work) -> None:
    for call in dict.fromkeys(work._transaction.after):
        call()


class Endpoint:
    """A Flask view: enter, ask the gate, call the handler, answer in JSON. `public`: whoever has the link enters by its token."""

    def __init__(self, platform: Platform, plugin: str, handler: type_handler, *, public: bool = False,
                 prepare: type_preparation | None = None) -> None:  # fmt: skip
        self.platform, self.plugin, self.handler, self.public, self.prepare = platform, plugin, handler, public, prepare

    def __call__(self, **path: str) -> FlaskResponse:
        if _request().method in SAFE:
            return self._answered(path, write=False)
        with self._received(path) as told:
            if isinstance(told, FlaskResponse):
                return told
            if isinstance(told, Response) and idempotency.HEADER not in request.headers:
                return answer(told)
            return self._answered(path, write=True, told=told)

    def _answered(self, path: Mapping[str, str], *, write: bool, told: object = None) -> FlaskResponse:
        with self._entered(path, write=write) as work:
            self.admit(work, path)

            def act() -> FlaskResponse:
                return answer(told if isinstance(told, Response) else self.handler(work, path))

            if write and idempotency.HEADER in request.headers:
                return _kept(_under_key(work, self._link(path)), act)
            value = self.handler(work, path)
        return answer(value)

    def _link(self, path: Mapping[str, str]) -> str:
        return path.get(links.TOKEN, "") if self.public else ""

    @contextmanager
    def _received(self, path: Mapping[str, str]) -> Iterator[object]:
        """What was sent is in, and what takes long is done, before the transaction begins; what is kept open closes behind its end. It
        gives what the preparation gave, or the answer of the same request before."""
        if self.public:  # whoever has a link sends words, not files
            request.max_content_length = current_app.config["DEALWRIGHT_MAX_BODY"]
        receive(lambda: self._entered(path, write=False))
        if self.prepare is None:
            yield None
            return
        keyed = idempotency.HEADER in request.headers
        with ahead(partial(self._entered, path, write=True), lambda work: self._key(work, path)) if keyed else nullcontext() as before:
            if before is not None:
                yield before
                return
            with self._entered(path, write=False, acts=True) as work:
                self.admit(work, path)
                preparation = self.prepare(work, path)
            with preparation as g.prepared:
                rewind()
                yield g.prepared

    def _key(self, work: Work, path: Mapping[str, str]) -> Once:
        self.admit(work, path)
        return _under_key(work, self._link(path))

    def _entered(self, path: Mapping[str, str], *, write: bool, acts: bool = False) -> AbstractContextManager[Work]:
        return entered_by_link(self.platform, path[links.TOKEN], write) if self.public else entered(self.platform, write, acts=acts)

    def admit(self, work: Work, path: Mapping[str, str]) -> None:
        """Ask the gate; raises NotFound."""
        if self.plugin not in work.enabled or any("\x00" in word for word in path.values()):
            raise NotFound(_("there is nothing at this address"))


def _under_key(work: Work, link: str) -> Once:
    """The write under the key of the request.

    A key is its caller's own: no token, however narrow, is told what another one has done. A refusal undoes all, the key included.
    """
    sent = idempotency.read_key(request.headers[idempotency.HEADER])
    caller = link or request.headers.get("Authorization", "").partition(" ")[2].strip() or f"user {work.actor.user_id}"
    return Once(work, _through(work, caller), sent, _fingerprint())


def marked(work: Work, mark: str) -> Once:
    """The write under the mark of a form: the same form with the same mark is done once; filled in otherwise, it is another form."""
    asked = _fingerprint()
    return Once(work, _through(work, f"user {work.actor.user_id}"), f"{mark} {asked}", asked, waits=True)


def _through(work: Work, caller: str) -> str:
    return f"{caller} through {work.impersonator}" if work.impersonator is not None else caller


def once(work: Work, mark: str, act: Callable[[], FlaskResponse]) -> FlaskResponse:
    """The act's answer, or that of the same form with the same mark before."""
    return _kept(marked(work, mark), act)


@contextmanager
def ahead(entered: Callable[[], AbstractContextManager[Work]], under: Callable[[Work], Once]) -> Iterator[FlaskResponse | None]:
    """Before something is done elsewhere than in the database, which no rollback takes back: what was answered under the key before, if
    anything; else a twin at the same moment is told to come back, until this one is through."""
    with entered() as work:
        kept = under(work)
        if (before := kept.earlier()) is None:
            kept.claim()
    if before is not None:
        yield _replayed(before)
        return
    try:
        yield None
    finally:
        kept.release()


def _replayed(before: Answer) -> FlaskResponse:
    return FlaskResponse(before.body, before.status, [*before.headers, (idempotency.REPLAYED, "true")])


def _kept(kept: Once, act: Callable[[], FlaskResponse]) -> FlaskResponse:
    """The act's answer, or the one that it got when the caller sent the same request under the same key before."""
    if (before := kept.earlier()) is not None:
        return _replayed(before)
    response = act()
    if response.status_code < 400:  # what was refused was not done: it is asked anew, and fills no table
        response.direct_passthrough = False  # a file that is sent part by part is kept as a whole
        kept.keep(Answer(response.status_code, list(response.headers), response.get_data()))
    return response


def _fingerprint() -> str:
    """A digest of what is asked for. A form counts by its parts: who sends it again puts other boundaries between them."""
    digest = hashlib.sha256(f"{request.method} {request.full_path}\0{request.mimetype}\0".encode())
    if request.mimetype not in FORMS:
        digest.update(sent())
        return digest.hexdigest()
    with reading():
        pairs, files = list(request.form.items(multi=True)), list(request.files.items(multi=True))
    digest.update(orjson.dumps(pairs))
    for name, part in files:
        digest.update(orjson.dumps([name, part.filename, hashlib.file_digest(part.stream, "sha256").hexdigest()]))  # type: ignore[arg-type]
        part.stream.seek(0)
    return digest.hexdigest()
