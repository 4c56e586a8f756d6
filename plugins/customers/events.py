"""What customers do when something happens elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sdk import Context, Draft, Event


def mark_customers(ctx: Context, events: Sequence[Event]) -> None:
    """A won deal makes its account a customer. Doing it twice changes nothing."""
    ids = {UUID(str(event.payload["account"])) for event in events if event.payload.get("account")}
    accounts = ctx.as_system().records("customers.account")
    drafts = [Draft("update", {"lifecycle": "customer"}, id) for id, row in accounts.values(ids).items() if row["lifecycle"] != "customer"]
    accounts.write_all(drafts)
