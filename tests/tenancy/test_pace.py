"""How often something may be done, counted in the database for all processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from core.context import Work
from core.pace import forget, paces
from core.platform import Platform
from core.testkit.fixtures import Clock, MakeTenant
from sdk import Tenant
from sdk.context import Pace

ONE, ALL = Pace("form 203.0.113.9", 3), Pace("form", 5)


@pytest.fixture
def processes(platform: Platform, clock: Clock) -> Iterator[list[Platform]]:
    """Three of one installation: all that they share is the database."""
    others = [platform.on(platform.config, clock) for _n in range(2)]
    yield [platform, *others]
    for other in others:
        other.close()


def _rows(work: Work) -> list[sa.Row[tuple[object, ...]]]:
    with work.transaction():
        return list(work.connection.execute(sa.select(paces).where(paces.c.tenant_id == work.tenant.id)))


def test_who_comes_to_several_processes_at_once_is_counted_once_for_all(processes: list[Platform], tenant: Tenant) -> None:
    with ThreadPoolExecutor(6) as pool:
        waits = list(pool.map(lambda n: processes[n % 3].system(tenant.id).pace(ONE, ALL), range(12)))
    assert sorted(waits) == [0] * 3 + [60] * 9


def test_a_wait_is_until_all_allow_it_and_what_is_refused_is_not_counted(
    processes: list[Platform], tenant: Tenant, clock: Clock, make_tenant: MakeTenant
) -> None:
    first, second, third = (one.system(tenant.id) for one in processes)
    waits = []
    for name in "abcdef":
        waits.append(first.pace(Pace(name, 3), ALL))
        clock.move(seconds=10)
    assert waits == [0, 0, 0, 0, 0, 10]
    assert second.pace(Pace("a", 3)) == 0  # at the second 60 the first one counts no more
    assert (third.pace(Pace("a", 1)), third.pace(Pace("a", 1, 30)), third.pace(Pace("b", 1))) == (60, 0, 10)
    assert third.pace(Pace("f", 1), ALL) == 0, "the sixth was refused, and not counted"
    assert processes[0].system(make_tenant("other").id).pace(Pace("a", 1)) == 0
    with second.transaction(), pytest.raises(RuntimeError, match="outside"):
        second.pace(ONE)


def test_names_are_kept_as_digests_that_no_list_of_addresses_leads_back_from_and_are_forgotten(
    processes: list[Platform], tenant: Tenant, clock: Clock, make_tenant: MakeTenant
) -> None:
    work, other = processes[0].system(tenant.id), processes[0].system(make_tenant("other").id)
    work.pace(ONE, ALL)
    other.pace(ONE, ALL)
    digests = {str(row.digest) for one in (work, other) for row in _rows(one)}
    assert (len(digests), {len(one) for one in digests}) == (4, {64})  # of each tenant another one: the key goes into it
    clock.move(seconds=59)
    forget(work)
    assert len(_rows(work)) == 2
    clock.move(seconds=1)
    work.pace(Pace("else", 1))
    assert len(_rows(work)) == 1, "who comes next forgets those of before"
    clock.move(hours=1)
    forget(work)
    assert (_rows(work), len(_rows(other))) == ([], 2)
