"""What an import sets off: rules once a row, or nothing at all where it is silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.tables import outbox
from core.testkit.fixtures import People
from sdk.context import id_of
from tests.plugins.imports import Done, written

Take = Callable[..., Done]


def letters(work: Work) -> Counter[str]:
    """The letters that wait to be sent, or are held as no server is set up, by who gets them."""
    with work.transaction():
        query = sa.select(outbox).where(outbox.c.tenant_id == work.tenant.id, outbox.c.handler == "core.send_mail")
        return Counter(str(row.payload["recipient"]) for row in work.connection.execute(query))


@pytest.fixture
def rule(work: Work, people: People) -> UUID:
    """Whoever comes is given to the first representative, and somebody is written to."""
    mail = {
        "action": "automation.send_mail",
        "parameters": {"to": "{{ name }}@sales.example", "subject": "New: {{ name }}", "text": "Call."},
    }
    give = {"action": "automation.assign", "parameters": {"owner": str(people.rep)}}
    values = {"name": "assign", "entity": "customers.account", "trigger": "automation.created", "actions": [give, mail]}
    return id_of(work.records("automation.rule").create(values))


@pytest.mark.feature("C13")
@pytest.mark.usefixtures("rule")
def test_a_silent_import_sends_no_mails_and_with_rules_on_assignment_runs_once_a_row(
    taken: Take, drain: Callable[[], int], work: Work, people: People
) -> None:
    silent = taken(
        "customers.account",
        written([["name", "city"], *([f"quiet{n}", "Ulm"] for n in range(300))]),
        silent=True,
        set=["tier=key", "tags="],
    )
    drain()
    assert (silent.counts, silent.silent) == ({"created": 300}, True)
    assert (letters(work), work.records("automation.run").find(())) == (Counter(), [])
    assert {(row["owner"], row["tier"]) for row in work.records("customers.account").find((), 1000)} == {(None, "key")}
    taken("customers.account", written([["name"], *([f"loud{n}"] for n in range(130))]))
    with work.transaction():
        told = sa.select(outbox.c.id).where(outbox.c.handler == "automation.rules", outbox.c.kind == "delivery")
        assert len(work.connection.execute(told).all()) == 2, "rules hear of a hundred records at once"
    drain()
    assert letters(work) == Counter({f"loud{n}@sales.example": 1 for n in range(130)})
    assert len(work.records("automation.run").find((), 1000)) == 130
    loud = [row for row in work.records("customers.account").find((), 1000) if str(row["name"]).startswith("loud")]
    assert {(row["owner"], row["version"]) for row in loud} == {(people.rep, 2)}
