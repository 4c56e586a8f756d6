"""What the process keeps in memory is bounded, and tenants that agree share it."""

from __future__ import annotations

from core.platform import Platform
from core.recent import Recent
from core.testkit.fixtures import MakeTenant
from sdk import Channel, Tenant


def test_what_was_not_used_for_longest_is_forgotten_first() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.keep("a", 1)
    recent.keep("b", 2)
    assert recent.get("a") == 1
    recent.keep("c", 3)
    assert (recent.get("a"), recent.get("b"), recent.get("c"), len(recent)) == (1, None, 3, 2)


def test_tenants_whose_roles_say_the_same_share_one_compiled_policy(platform: Platform, tenant: Tenant, make_tenant: MakeTenant) -> None:
    tenants = [tenant, make_tenant("other"), make_tenant("third")]
    people = [
        platform.system(one.id).records("core.user").create({"name": "R", "email": "r@x.example", "roles": ["sales_rep"]})
        for one in tenants
    ]

    def grants() -> list[object]:
        return [platform.user(one.id, person["id"], Channel.API).grants.table for one, person in zip(tenants, people, strict=True)]  # type: ignore[arg-type]

    first, second, third = grants()
    assert first is second is third
    role = platform.system(tenant.id).records("core.role").find((), 50)
    narrowed = {"role": next(one["id"] for one in role if one["key"] == "sales_rep"), "permission": "probe.thing.read", "scope": "all"}
    platform.system(tenant.id).records("core.grant").create(narrowed)
    own, second, third = grants()
    assert own != second, "a grant of one tenant is its own"
    assert second is third is first
