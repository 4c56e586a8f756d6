"""Fills a database with two tenants that are alike to the id, and the people in them."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from core.context import Work
from core.events.tables import audit, outbox
from core.identity import tokens
from core.identity.tables import Token, token_secrets
from core.platform import Platform
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.tenancy.tables import tenants
from core.testkit.leaks.custom import define
from core.testkit.leaks.world import NAMES, PEOPLE, ROLE, TOKEN, Cast, Maker, World
from sdk import links
from sdk.context import id_of


class Filler:
    """Fills an empty database with two tenants that are alike; `cast` is known once it has."""

    def __init__(self) -> None:
        self.cast = Cast()

    def __call__(self, platform: Platform) -> None:
        cast = self.cast = Cast()
        works = []
        for name in NAMES:
            tenant = lifecycle.create(platform, NewTenant(name, timezone="Asia/Shanghai", shown=True))
            cast.tenants.append(tenant.id)
            works.append(platform.system(tenant.id))
        self._people(works[0])
        define(works[0])
        one = World(platform, cast, 0)
        maker = Maker(one)
        with one.begin() as connection:
            connection.execute(outbox.delete().where(outbox.c.tenant_id == one.tenant))
            maker.fill(connection)
        _copy(one, cast.tenants[1], maker)
        for work in works:
            secret = tokens.PREFIX + links.new_token(work)
            row = {"tenant_id": work.tenant.id, "hash": links.digest_of(secret), "token_id": TOKEN}
            with work.transaction(write=True):
                work.connection.execute(token_secrets.insert().values(row))
            cast.tokens.append(secret)

    def _people(self, work: Work) -> None:
        cast = self.cast
        with work.transaction(write=True):
            teams, users, tokens_ = (work.records(f"core.{name}") for name in ("team", "user", "token"))
            mine = id_of(teams.create({"name": "Mine"}))
            below, other = (id_of(teams.create(one)) for one in ({"name": "Below", "parent": mine}, {"name": "Other"}))
            cast.role = id_of(work.records("core.role").create({"key": ROLE, "name": "Leaks"}))
            cast.people = [
                id_of(
                    users.create({"name": name, "email": f"{name}@leaks.example", "team": team, "roles": [ROLE] if name == "me" else None})
                )
                for name, team in (("me", mine), ("mate", below), ("stranger", other), ("report", other), ("deep", other))
            ]
            for person, manager in ((3, 0), (4, 3)):
                users.update(cast.people[person], {"manager": cast.people[manager]})
            territories, members = (work.records(f"core.{name}") for name in ("territory", "territory_member"))
            north = id_of(territories.create({"name": "North"}))
            cast.territories = [north, *(id_of(territories.create(one)) for one in ({"name": "East", "parent": north}, {"name": "South"}))]
            for person, territory in ((0, north), (1, cast.territories[2])):
                members.create({"user": cast.people[person], "territory": territory})
            theirs = id_of(tokens_.create({"name": "theirs", "user": cast.people[2], "owner": cast.people[2]}))
            table = Token.table()
            row = work.connection.execute(sa.select(table).where(table.c.id == theirs)).mappings().one()
            work.connection.execute(table.insert().values({**row, "id": TOKEN, "name": "mine", "user_id": cast.me, "owner_id": cast.me}))


def _copy(one: World, other: UUID, maker: Maker) -> None:
    """Give the other tenant the rows of the first, and no others."""
    begin = one.platform.database.begin
    with one.begin() as connection:
        told = [dict(row) for row in connection.execute(sa.select(audit).where(audit.c.tenant_id == one.tenant)).mappings()]
        version = connection.execute(sa.select(tenants.c.access_version).where(tenants.c.id == one.tenant)).scalar_one()
    made = {name: [row | {"tenant_id": other} for row in rows.values()] for name, rows in one.rows().items()}
    tables = one.tables()
    with begin(write=True, tenant=other) as connection:
        for table in (outbox, audit, *(tables[name] for name in reversed(PEOPLE))):
            connection.execute(table.delete().where(table.c.tenant_id == other))
        for name in PEOPLE:
            if made[name]:
                connection.execute(tables[name].insert(), sorted(made[name], key=lambda row: str(row["id"])))
        maker.insert(connection, {name: rows for name, rows in made.items() if name not in PEOPLE})
        connection.execute(audit.insert(), [row | {"tenant_id": other} for row in told])
        connection.execute(tenants.update().where(tenants.c.id == other).values(access_version=version))
    copied = World(one.platform, one.cast, 1, one.app)
    with copied.begin() as connection:
        copied.keep_keys(connection)
