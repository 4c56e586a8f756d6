"""What customers puts on the page of an account: the people there."""

from __future__ import annotations

from collections.abc import Mapping

from sdk import Condition, Context, Panel, Query, Rendering, Slot, _

CONTACT = "customers.contact"
_FEW = 6


def people(ctx: Context, account: Mapping[str, object]) -> Rendering:
    """The contacts of an account, the newest first, and the way to another one."""
    fields = [name for name in ("name", "title", "phone", "email") if name in ctx.records(CONTACT).fields()]
    here = (Condition("account", "eq", (str(account["id"]),)),)
    page = ctx.records(CONTACT).query(Query(filter=here, fields=("id", *fields), sort=("-created_at",), limit=_FEW, count=True))
    return Rendering("customers/people.html", {"people": page.data, "total": page.total, "may": ctx.can(f"{CONTACT}.create")})


PANELS = (
    Panel(
        "people", slot=Slot.PANEL, label=_("Contacts"), permission=f"{CONTACT}.read", view=people, entity="customers.account", position=1
    ),
)
