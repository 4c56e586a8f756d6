"""What the fixtures give: a clock, tenants, people, a client of the API. The fixtures themselves are in `core.testkit.pytest_plugin`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.context import Work
from core.identity import tokens
from core.platform import Platform
from sdk import Channel, Draft, Tenant
from sdk.context import id_of

type_work_as: TypeAlias = "Callable[..., Work]"
"""Gives a context of a user, by id or e-mail, or of the system."""


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Go on by `minutes=5`, `days=1` and the like."""
        self.now += timedelta(**by)


class MakeTenant(Protocol):
    """`make_tenant("acme", timezone="Asia/Shanghai", plugins=["customers"])`."""

    def __call__(
        self, name: str = ..., *, locale: str = ..., timezone: str = ..., currency: str = ..., plugins: Sequence[str] | None = ...
    ) -> Tenant: ...


@dataclass
class People:
    """A tree of three levels: a director over three managers, each over a team of three representatives."""

    director: UUID
    managers: list[UUID]
    teams: list[UUID]
    reps: list[list[UUID]] = field(default_factory=list)

    @property
    def manager(self) -> UUID:
        """The first manager."""
        return self.managers[0]

    @property
    def rep(self) -> UUID:
        """The first representative of the first team."""
        return self.reps[0][0]

    @property
    def all_reps(self) -> list[UUID]:
        """All nine."""
        return [rep for team in self.reps for rep in team]


def make_people(platform: Platform, tenant: Tenant) -> People:
    """The people of `tenant`, with the roles of sales."""
    work = platform.system(tenant.id)
    with work.transaction(write=True):
        users, teams = work.records("core.user"), work.records("core.team")

        def person(name: str, role: str, **more: object) -> UUID:
            values = {"name": name, "email": f"{name}@{tenant.name}.example", "roles": [role], **more}
            return id_of(users.create(values))

        director = person("director", "sales_manager")
        top = id_of(teams.create({"name": "Sales", "manager": director}))
        made = People(director, [], [])
        for number in range(3):
            manager = person(f"manager{number}", "sales_manager", manager=director)
            team = id_of(teams.create({"name": f"Team {number}", "parent": top, "manager": manager}))
            values = [
                {"name": f"rep{number}{n}", "email": f"rep{number}{n}@{tenant.name}.example", "roles": ["sales_rep"], "team": team,
                 "manager": manager} for n in range(3)
            ]  # fmt: skip
            written = users.write([Draft("create", one) for one in values])
            made.managers.append(manager)
            made.teams.append(team)
            made.reps.append([outcome.id for outcome in written if outcome.id is not None])
    return made


class Api:
    """A client of the API as one user; bodies are JSON. `api.get("/api/v1/customers/accounts", {"amount[gte]": "5"}).json`."""

    def __init__(self, platform: Platform, flask: FlaskClient, token: str = "", tenant: Tenant | None = None) -> None:
        self.platform, self.flask, self.token, self.tenant = platform, flask, token, tenant

    def as_user(self, user: UUID | str, *, of: Tenant | None = None, allows: list[str] | None = None) -> Api:
        """The same server seen by another user, with a token of theirs that may be narrowed to `allows`."""
        where = of or self.tenant
        assert where is not None
        work = self.platform.user(where.id, user, Channel.CLI)
        assert work.actor.user_id is not None
        return Api(self.platform, self.flask, tokens.issue(work, work.actor.user_id, "test", allows)[1], where)

    def anonymous(self) -> Api:
        """The same server without a token."""
        return Api(self.platform, self.flask, "", self.tenant)

    def call(self, method: str, path: str, query: Mapping[str, Any] | None = None, **more: Any) -> TestResponse:
        """Any request; `json=`, `data=` and `headers=` as Flask's own client takes them."""
        headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **more.pop("headers", {})}
        answer = self.flask.open(path, method=method, query_string=query, headers=headers, **more)
        for name, value in answer.headers:
            assert value.isascii(), f"a server does not send the header {name}: {value!r}"
        return answer

    def get(self, path: str, query: Mapping[str, Any] | None = None, **more: Any) -> TestResponse:
        """Read."""
        return self.call("GET", path, query, **more)

    def post(self, path: str, json: object = None, **more: Any) -> TestResponse:
        """Create, or act."""
        return self.call("POST", path, json=json, **more)

    def patch(self, path: str, json: object = None, **more: Any) -> TestResponse:
        """Change."""
        return self.call("PATCH", path, json=json, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        """Put into the recycle bin."""
        return self.call("DELETE", path, **more)
