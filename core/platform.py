"""One booted installation: database, plugins, registry, policy."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib import metadata
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import builtin
from core.audit.repeats import Repeats
from core.audit.ties import Tails
from core.config import Config
from core.context import SYSTEM_ACTOR, Work
from core.custom.overlay import NOTHING, Overlay
from core.custom.own_entity import Makings
from core.data import migrate
from core.data.engine import Database
from core.data.migrate import Branch
from core.data.statistics import Statistics
from core.entities.seeded import Seeded
from core.entities.shape import MOST_PLANS, Shape, type_plans
from core.extension import collect
from core.extension.calls import Calls
from core.extension.catalog import Catalog
from core.extension.discover import DISTRIBUTION, GROUP, Found, State, discover, ordered
from core.extension.gate import Gate
from core.extension.said import said
from core.extension.vanished import note_vanished
from core.http.limits import Limits
from core.identity.tables import User
from core.pace import Shield
from core.pages.templates import Templates
from core.policy.bounds import Bounds, Hearing, hearing
from core.policy.enforcer import Policy
from core.policy.grants import SYSTEM, Grants
from core.recent import Recent
from core.tenancy.tables import tenants
from core.translation import Translator
from sdk import Actor, Channel, DeclarationError, Frame, NotFound, PageRoute, Tenant, Unavailable, _

type_clock = Callable[[], datetime]
HERE = Path(__file__).parent
_MOST_KEPT, _MOST_SHAPES, _MOST_CATALOGS = 20_000, 5_000, 500


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


@dataclass
class Platform:
    """What the processes of an installation share: web, worker and command line boot the same."""

    config: Config
    database: Database
    calls: Calls
    catalog: Catalog
    gate: Gate
    policy: Policy
    translator: Translator
    statistics: Statistics
    templates: Templates
    """How pages become HTML."""
    clock: type_clock = system_clock
    first_start: str = ""
    """The digest of the code by which the first tenant may be made through the API; "" where there was one when the server started."""
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    """What each plugin in force may touch."""
    folders: Mapping[str, Path] = field(default_factory=dict)
    """Where the package of each plugin in force is."""
    _hearing: Recent[tuple[str, frozenset[str]], Hearing] = field(default_factory=lambda: Recent(_MOST_SHAPES))
    awaken: Callable[[], None] = lambda: None
    kept: Recent[tuple[UUID, str], tuple[int, frozenset[str], object]] = field(default_factory=lambda: Recent(_MOST_KEPT))
    """What contexts keep of tenants (`ctx.kept`), with the access version and the plugins that it was made under."""
    limits: Limits = field(default_factory=Limits)
    """What each token has left in this process."""
    shield: Shield = field(default_factory=Shield)
    """Who has to wait, as far as this process has been told."""
    repeats: Repeats = field(default_factory=Repeats)
    """Which attempts without a right this process has told of."""
    tails: Tails = field(default_factory=Tails)
    """Which entries of the audit this process has written last."""
    catalogs: Recent[Makings, Catalog] = field(default_factory=lambda: Recent(_MOST_CATALOGS))
    """The catalogue of each tenant that has made entities."""
    _shapes: Recent[tuple[str, frozenset[str], Overlay, Catalog], Shape] = field(default_factory=lambda: Recent(_MOST_SHAPES))
    _plans: type_plans = field(default_factory=lambda: Recent(MOST_PLANS))

    @cached_property
    def seeded(self) -> Seeded:
        """What set-up and roles call things, in each language."""
        return Seeded(self.catalog, self.translator)

    @property
    def plugins(self) -> list[Found]:
        """All installed plugins with their states."""
        return list(self.calls.states.values())

    @property
    def frame(self) -> Frame | None:
        """The place in which pages stand, where a plugin brings one."""
        return frame_in(self.catalog)

    @property
    def pages(self) -> list[PageRoute]:
        """The pages of all plugins in force."""
        return cast("list[PageRoute]", list(self.catalog.specs.get(PageRoute, {}).values()))

    def branches(self) -> list[Branch]:
        """The migrations of core and of every plugin whose code is here, in order of `requires`."""
        found = [plugin for plugin in self.plugins if plugin.serves or plugin.state is State.BEHIND]
        return [Branch("core", HERE / "migrations"), *(Branch(plugin.name, plugin.migrations) for plugin in found)]

    def shape(self, entity: str, enabled: frozenset[str], overlay: Overlay = NOTHING, catalog: Catalog | None = None) -> Shape:
        """An entity as a tenant with these plugins, these fields and, by its catalogue, these entities of its own has it."""
        catalog = catalog or self.catalog
        key = (entity, enabled, overlay, catalog)
        found = self._shapes.get(key)
        return found or self._shapes.keep(key, Shape(catalog.entities[entity], catalog, enabled, self._plans, overlay))

    def hearing(self, entity: str, enabled: frozenset[str]) -> Hearing:
        """The plugins that are asked about changes of an entity where these are on."""
        found = self._hearing.get((entity, enabled))
        if found is None:
            asked = [name for name, _function in self.calls.implementers("validate_changes") if name in enabled]
            found = self._hearing.keep((entity, enabled), hearing(entity, asked, self.bounds))
        return found

    # --- work ----------------------------------------------------------------------------------------------------

    def tenant_row(self, connection: Connection, name: str | UUID) -> sa.Row[tuple[object, ...]]:
        """The tenant by name or id; raises NotFound."""
        column = tenants.c.id if isinstance(name, UUID) else tenants.c.name
        row = connection.execute(sa.select(tenants).where(column == name)).one_or_none()
        if row is None:
            raise NotFound(_("tenant {name!r} does not exist; see `dealwright tenant list`"), name=str(name))
        return row

    def system(self, tenant: str | UUID, channel: Channel = Channel.CLI) -> Work:
        """A context of the system in a tenant; raises NotFound."""
        with self.database.begin(write=False, tenant=None) as connection:
            row = self.tenant_row(connection, tenant)
            enabled = self.gate.enabled(connection, row.id, row.access_version)
        return Work(self, tenant_of(row), SYSTEM_ACTOR, SYSTEM, enabled, channel, access_version=row.access_version)

    def user(self, tenant: str | UUID, user: UUID | str, channel: Channel, depth: int = 0) -> Work:
        """A context of a user, by id or e-mail; raises NotFound, also for one who is not active."""
        with self.database.begin(write=False, tenant=None) as connection:
            row = self.tenant_row(connection, tenant)
        with self.database.begin(write=False, tenant=row.id) as connection:
            return self.work_of(connection, row, _active(connection, row, user), channel, depth=depth)

    def work_of(self, connection: Connection, row: sa.Row[tuple[object, ...]], person: sa.Row[tuple[object, ...]],
                channel: Channel, *, locale: str = "", depth: int = 0) -> Work:  # fmt: skip
        """The context of a user whose tenant and user rows have been read."""
        enabled = self.gate.enabled(connection, row.id, row.access_version)
        grants = self.policy.grants(connection, row.id, person.id, tuple(person.roles or ()), row.access_version, enabled)
        actor = Actor(person.id, person.name, person.timezone or "")
        return Work(self, tenant_of(row), actor, grants, enabled, channel, locale=locale or person.locale or "", depth=depth,
                    access_version=row.access_version)  # fmt: skip

    def stand_in(
        self, connection: Connection, tenant: UUID, user: UUID, enabled: frozenset[str], *, settled: bool
    ) -> tuple[Actor, Grants, str]:
        """Who a user is, what the user may do, and in which language; raises NotFound for one who is not active. See `Policy.grants`."""
        row = self.tenant_row(connection, tenant)
        found = _active(connection, row, user)
        roles = tuple(found.roles or ())
        grants = self.policy.grants(connection, tenant, found.id, roles, row.access_version, enabled, settled=settled)
        return Actor(found.id, found.name, found.timezone or ""), grants, found.locale or ""

    def on(self, config: Config, clock: type_clock) -> Platform:
        """The same plugins over another database of the same kind: what they declared is not collected again, and what was worked out
        of it and compiled is shared; what is kept of tenants, users and requests is not."""
        database = Database(config.database_url)
        return replace(
            self, config=config, database=database, calls=self.calls.again(), gate=Gate(self.gate.manifests, self.gate.ours), policy=Policy(self.catalog),
            statistics=Statistics(database), clock=clock, kept=Recent(_MOST_KEPT), limits=Limits(), shield=Shield(),
            repeats=Repeats(), tails=Tails(),
        )  # fmt: skip

    def close(self) -> None:
        """Give the database back."""
        self.database.close()


def _active(connection: Connection, row: sa.Row[tuple[object, ...]], user: UUID | str) -> sa.Row[tuple[object, ...]]:
    person = User.table()
    who = person.c.id == user if isinstance(user, UUID) else person.c.email == user.lower()
    mine = (person.c.tenant_id == row.id, who, person.c.deleted_at.is_(None), person.c.active)
    found = connection.execute(sa.select(person).where(*mine)).one_or_none()
    if found is None:
        raise NotFound(_("no active user {user!r} in tenant {tenant!r}"), user=str(user), tenant=row.name)
    return found


def tenant_of(row: sa.Row[tuple[object, ...]]) -> Tenant:
    """A tenant from its row; raises Unavailable while it is suspended."""
    if row.state != "active":
        raise Unavailable(_("tenant {name!r} is suspended; ask the operator"), code="tenant_suspended", name=row.name)
    return Tenant(row.id, row.name, row.locale, row.timezone, row.currency, row.fiscal_year_start, row.week_start)


def boot(config: Config, *, clock: type_clock = system_clock, entry_points: Sequence[EntryPoint] | None = None,
         check_schema: bool = True) -> Platform:  # fmt: skip
    """Find the plugins, collect what they declare, open the database; never fails because of a plugin.

    `check_schema=False` is for the commands that bring the schema up to the code.
    """
    database = Database(config.database_url)
    points = tuple(metadata.entry_points(group=GROUP)) if entry_points is None else entry_points
    calls = Calls(ordered(discover(config.plugins, points)), builtin)
    catalog = collect.build(calls)
    if check_schema and _take_out_those_behind(calls, catalog, database):
        catalog = collect.build(calls)
    if check_schema:
        note_vanished(calls, database, Branch("core", HERE / "migrations"), {point.name for point in points})
    serving = {p.name: p for p in calls.states.values() if p.serves and p.module is not None}
    places = {name: p.migrations.parent for name, p in serving.items()}
    frame = frame_in(catalog)
    ours = frozenset(p.name for p in calls.states.values() if p.distribution == DISTRIBUTION)
    gate = Gate({p.name: p.manifest for p in calls.states.values() if p.serves and p.manifest is not None}, ours)
    folders = {"core": HERE / "locales", "sdk": HERE / "locales"}
    packages = {name: str(p.module.__package__) for name, p in serving.items() if p.module is not None}
    folders |= {packages[name]: place / "locales" for name, place in places.items()}
    extensions = [one for many in catalog.extensions.values() for one in many]
    bounds = {name: Bounds(name, manifest.capabilities, extensions) for name, manifest in gate.manifests.items()}
    translator = Translator(folders)
    templates = Templates(translator, places, packages, *((frame.plugin, frame.prefix) if frame is not None else ("", "")))
    return Platform(config, database, calls, catalog, gate, Policy(catalog), translator, Statistics(database), templates, clock, bounds=bounds,
                    folders=places)  # fmt: skip


def frame_in(catalog: Catalog) -> Frame | None:
    """The first frame that plugins declare."""
    return cast("Frame | None", next(iter(catalog.specs.get(Frame, {}).values()), None))


def _take_out_those_behind(calls: Calls, catalog: Catalog, database: Database) -> bool:
    branches = [Branch(p.name, p.migrations) for p in calls.states.values() if p.serves]
    with_records = {entity.plugin for entity in catalog.entities.values()}
    heads, before = dict[str, str | None](), calls.serving()
    for branch in branches:
        try:
            heads[branch.plugin] = branch.head()
        except Exception as failure:  # whatever its scripts raise, the plugin is shown as failed and the others serve
            reason = str(failure) if isinstance(failure, DeclarationError) else "".join(traceback.format_exception(failure))
            calls.drop(branch.plugin, State.FAILED, reason)
    branches = [branch for branch in branches if branch.plugin in heads]
    for name in [name for name, head in heads.items() if name in with_records and head is None]:
        if calls.states[name].serves:
            text = _(
                "it has records but no migration yet; run `dealwright db revision {name} -m 'what it makes'` and `dealwright db upgrade`"
            )
            calls.drop(name, State.BEHIND, said(text, name=name))
    for name, (there, here) in migrate.behind(database, branches, heads).items():
        if calls.states[name].serves:
            text = _("its schema is at {there}, its code at {here}; run `dealwright db upgrade`")
            calls.drop(name, State.BEHIND, said(text, there=there or "nothing", here=here))
    return calls.serving() != before
