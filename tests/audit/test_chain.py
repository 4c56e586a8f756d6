"""Nobody changes the audit unseen, and what has had its time leaves a chain that still holds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from core.audit import chain, entries, proof
from core.audit.chain import Broken
from core.audit.tables import seals
from core.audit.ties import MOST, NEAR, Tails
from core.cli import audit as commands
from core.context import Work
from core.entities.ids import new_id
from core.events import upkeep
from core.events.tables import audit
from core.platform import Platform
from core.tenancy.tables import tenants
from core.testkit.fixtures import Api, Clock, type_work_as
from sdk import Draft
from sdk.context import id_of

HOUR = timedelta(hours=1)
type_sql = Callable[[sa.Executable], None]


@pytest.fixture
def work(work_as: type_work_as) -> Work:
    """The system, in whose tenant three things have been made; all of it is sealed."""
    found = work_as()
    for name in ("one", "two", "three"):
        found.records("probe.thing").create({"name": name})
    assert chain.seal(found, settled=timedelta()) == len(rows(found))
    return found


@pytest.fixture
def by_hand(platform: Platform, work: Work) -> type_sql:
    """What somebody does in the database itself."""

    def run(statement: sa.Executable) -> None:
        with platform.database.begin(write=True, tenant=work.tenant.id) as connection:
            assert connection.execute(statement).rowcount in (1, -1)  # type: ignore[attr-defined]  # -1: PostgreSQL says none of an INSERT

    return run


def rows(work: Work) -> list[Any]:
    with work.transaction():
        return list(work.connection.execute(sa.select(audit).where(audit.c.tenant_id == work.tenant.id).order_by(audit.c.id)))


def broken(work: Work) -> tuple[str, UUID | None, UUID | None]:
    found = chain.verify(work).broken
    assert found is not None
    return found.what, found.entry, found.after


@pytest.mark.feature("B11")
def test_what_nobody_touched_holds(work: Work, clock: Clock) -> None:
    first = chain.verify(work)
    assert (first.entries, first.seals, first.broken, len(first.head)) == (len(rows(work)), 1, None, 64)
    clock.move(hours=1)
    work.records("probe.thing").create({"name": "four", "price": {"amount": "1.50", "currency": "CNY"}})
    second = chain.verify(work, head=first.head)
    assert (second.entries, second.broken) == (first.entries + 1, None)
    assert second.head != first.head
    assert chain.verify(work).seals == 2, "what was open is sealed by the proof"


@pytest.mark.feature("B11")
@pytest.mark.parametrize("column", ["changes", "actor", "at", "record_id"])
def test_an_edited_entry_is_named(work: Work, by_hand: type_sql, column: str) -> None:
    victim = rows(work)[-2]
    other = {"changes": {"name": [None, "else"]}, "actor": "somebody else", "at": victim.at - HOUR, "record_id": new_id()}[column]
    by_hand(audit.update().where(audit.c.id == victim.id).values({column: other}))
    by_hand(audit.update().where(audit.c.id == rows(work)[-1].id).values(actor="later in the chain"))
    assert broken(work) == ("edited", victim.id, None)


@pytest.mark.feature("B11")
@pytest.mark.parametrize(("column", "named"), [("record_id", True), ("changes", True), ("id", False)])
def test_an_entry_that_nothing_can_read_any_more_is_named_where_the_database_keeps_it(
    work: Work, by_hand: type_sql, platform: Platform, clock: Clock, column: str, named: bool
) -> None:
    victim = rows(work)[-2]
    spoilt = sa.text(f"UPDATE core_audit SET {column} = 'x1' WHERE id = :id").bindparams(sa.bindparam("id", victim.id, sa.Uuid()))
    if not platform.database.is_sqlite:
        with pytest.raises(sa.exc.DBAPIError):
            by_hand(spoilt)
        return
    by_hand(spoilt)
    clock.move(hours=1)
    found = proof.prove(work).broken
    assert found == (Broken("edited", 1, victim.id) if named else Broken("edited", None))


@pytest.mark.feature("B11")
def test_entries_that_change_places_are_named(work: Work, by_hand: type_sql) -> None:
    """With all that they say, their digests included: a digest is of the entry's own id."""
    *_before, one, other = (dict(row._mapping) for row in rows(work))
    by_hand(audit.update().where(audit.c.id == one["id"]).values({**other, "id": one["id"]}))
    by_hand(audit.update().where(audit.c.id == other["id"]).values({**one, "id": other["id"]}))
    assert broken(work) == ("edited", one["id"], None)


@pytest.mark.feature("B11")
def test_a_deleted_entry_is_named_by_the_one_before_it(work: Work, by_hand: type_sql) -> None:
    before, victim, _last = rows(work)[-3:]
    by_hand(audit.delete().where(audit.c.id == victim.id))
    assert broken(work) == ("deleted", None, before.id)


@pytest.mark.feature("B11")
def test_the_last_and_the_first_entry_of_a_seal_are_missed_too(work: Work, by_hand: type_sql) -> None:
    first, *_between, before, last = rows(work)
    by_hand(audit.delete().where(audit.c.id == last.id))
    assert broken(work) == ("deleted", None, before.id)
    by_hand(audit.delete().where(audit.c.id == first.id))
    assert broken(work) == ("deleted", None, None)


@pytest.mark.feature("B11")
@pytest.mark.parametrize("digest", ["", "copied"])
def test_an_inserted_entry_is_named(work: Work, by_hand: type_sql, digest: str) -> None:
    model = dict(rows(work)[1]._mapping)
    forged = {**model, "id": UUID(int=model["id"].int + 1), "actor": "the boss", "digest": digest and model["digest"]}
    by_hand(audit.insert().values(**forged))
    assert broken(work) == ("inserted", forged["id"], None)


@pytest.mark.feature("B11")
def test_an_entry_edited_before_it_is_sealed_is_named_too(work: Work, by_hand: type_sql) -> None:
    work.records("probe.thing").create({"name": "open"})
    victim = rows(work)[-1]
    by_hand(audit.update().where(audit.c.id == victim.id).values(actor="somebody else"))
    assert broken(work) == ("edited", victim.id, None)
    chain.seal(work, settled=timedelta())
    assert broken(work) == ("edited", victim.id, None), "a seal makes nothing good"


@pytest.mark.feature("B11")
@pytest.mark.parametrize(("victim", "sealed"), [(2, False), (0, True)])  # within a batch, and alone
def test_an_entry_deleted_before_it_is_sealed_is_missed_by_what_follows_it(
    work: Work, platform: Platform, by_hand: type_sql, victim: int, sealed: bool
) -> None:
    things, other = work.records("probe.thing"), platform.system(work.tenant.id)
    with other.transaction(write=True), suppress(RuntimeError), other.tried():
        other.records("probe.thing").create({"name": "undone"})
        other.write_traces()
        raise RuntimeError
    for made in (things.create({"name": "four"}), *(one.row for one in things.write_all([Draft("create", {"name": n}) for n in "abc"]))):
        assert made is not None
        things.update(id_of(made), {"size": 4})
    assert chain.verify(work, head="").broken is None, "what was undone is followed by nothing"
    things.create({"name": "five"})
    things.write_all([Draft("create", {"name": name}) for name in "def"])
    things.create({"name": "six"})
    left = rows(work)[-5:]
    by_hand(audit.delete().where(audit.c.id == left[victim].id))
    if sealed:
        chain.seal(work, settled=timedelta())
    found = chain.verify(work).broken
    assert found is not None
    assert (found.what, found.told_by) == ("deleted", left[victim + 1].id)
    assert str(found.told_by) in commands._where(found)


@pytest.mark.feature("B11")
def test_entries_of_transactions_that_end_together_are_all_followed(work: Work, platform: Platform, by_hand: type_sql) -> None:
    both, tails = [platform.system(work.tenant.id) for _one in range(2)], platform.tails
    ended = []
    for one in both:
        row = entries.made(one, "core.plugin", work.tenant.id, "update", {"x": [False, True]})
        ended.append((row, tails.tie(work.tenant.id, [row], entries.digester(one))))
    for row, committed in ended:
        with work.transaction(write=True):
            work.connection.execute(audit.insert().values(**row))
        committed()
    work.records("probe.thing").create({"name": "after both"})
    for row, _committed in ended:
        assert row["digest"][:8] in rows(work)[-1].follows.split()
    by_hand(audit.delete().where(audit.c.id == ended[0][0]["id"]))
    assert broken(work)[0] == "deleted"


@pytest.mark.feature("B11")
def test_what_fails_as_it_is_committed_is_followed_by_nothing(work: Work, platform: Platform) -> None:
    def fail(_connection: object) -> None:
        raise RuntimeError

    things, there = work.records("probe.thing"), len(rows(work))
    sa.event.listen(platform.database.engine, "commit", fail)
    with pytest.raises(RuntimeError):
        things.create({"name": "lost"})
    sa.event.remove(platform.database.engine, "commit", fail)
    for name in ("four", "five"):
        things.create({"name": name})
    assert len(rows(work)) == there + 2
    assert chain.verify(work).broken is None


@pytest.mark.feature("B11")
def test_entries_of_a_long_transaction_are_all_followed(work: Work, by_hand: type_sql) -> None:
    with work.transaction(write=True):
        for number in range(MOST + 2):
            work.records("probe.thing").create({"name": f"many {number}"})
            work.write_traces()
        with suppress(RuntimeError), work.tried():
            work.records("probe.thing").create({"name": "undone"})
            work.write_traces()
            raise RuntimeError
    work.records("probe.thing").create({"name": "after"})
    first, second = rows(work)[-MOST - 3 :][:2]
    by_hand(audit.delete().where(audit.c.id == first.id))
    found = chain.verify(work).broken
    assert found is not None
    assert (found.what, found.told_by) == ("deleted", second.id)


@pytest.mark.feature("B11")
def test_an_entry_follows_none_that_is_hours_away_on_either_side(work: Work, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that began before the computer slept ends after another that began behind that."""
    monkeypatch.setattr(chain, "PART", 1)
    late = new_id().int + (2 * NEAR // timedelta(milliseconds=1) << 80)
    with work.transaction(write=True):
        work.leave(audit, [entries.made(work, "core.plugin", work.tenant.id, "update", {"x": [False, True]}) | {"id": UUID(int=late)}])
    work.records("probe.thing").create({"name": "begun before"})
    assert chain.verify(work).broken is None


@pytest.mark.feature("B11")
def test_seals_cannot_be_edited_left_out_or_made_anew(work: Work, by_hand: type_sql, platform: Platform) -> None:
    work.records("probe.thing").create({"name": "four"})
    head = chain.verify(work).head
    by_hand(seals.update().where(seals.c.number == 2).values(count=7))
    assert broken(work)[0] == "seal_edited"
    by_hand(seals.delete().where(seals.c.number == 1))
    assert broken(work)[0] == "seal_deleted"
    by_hand(seals.update().where(seals.c.number == 2).values(number=1))
    assert broken(work)[0] == "seal_edited", "the next one does not become the first"
    by_hand(seals.update().where(seals.c.number == 1).values(number=2))
    by_hand(seals.delete().where(seals.c.number == 2))
    by_hand(audit.delete().where(audit.c.id == rows(work)[-1].id))
    assert chain.verify(work).broken is None, "without a head that was told before, an empty chain is a new chain"
    found = chain.verify(work, head=head).broken
    assert found is not None
    assert found.what == "seal_deleted"


@pytest.mark.feature("B11")
def test_the_newest_seal_is_missed_by_the_next_entry_of_who_made_it(
    work: Work, by_hand: type_sql, platform: Platform, clock: Clock
) -> None:
    def break_off() -> None:
        with work.transaction(write=True):
            entries.note(work, "core.plugin", work.tenant.id, "update", {})
            chain.seal(work, settled=timedelta())
            raise KeyError

    with suppress(KeyError):
        break_off()
    work.records("probe.thing").create({"name": "a seal that was undone is missed by nobody"})
    assert chain.verify(work).broken is None
    by_hand(seals.delete().where(seals.c.number == 2))
    clock.move(hours=5)
    assert chain.verify(work).broken is None, "nothing has been written since"
    work.records("probe.thing").create({"name": "four"})
    teller = rows(work)[-1].id
    found = chain.verify(work).broken
    assert found is not None
    assert (found.what, found.seal, found.told_by) == ("seal_deleted", None, teller), "also where it was made anew meanwhile"
    assert f"a seal was deleted, maybe with entries, that entry {teller} follows" in commands._where(found)
    chain.seal(work, settled=timedelta())
    platform.tails = Tails()  # as another process
    assert broken(work)[0] == "seal_deleted", "whoever seals that"


@pytest.mark.feature("B11")
def test_seals_that_were_made_anew_are_told_by_when_they_were_made(
    work: Work, by_hand: type_sql, clock: Clock, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "tails", Tails())  # of another process than that which has sealed
    clock.move(days=3)
    work.records("probe.thing").create({"name": "young"})
    chain.seal(work, settled=timedelta())
    assert chain.verify(work).overdue == 0
    by_hand(seals.delete().where(seals.c.number == 2))
    by_hand(seals.delete())
    found = chain.verify(work)
    assert (found.broken, found.overdue, found.seals) == (None, 1, 2), "nothing else tells"
    by_hand(seals.update().where(seals.c.number == 1).values(sealed_at=clock.now - 3 * 24 * HOUR))
    assert broken(work)[0] == "seal_edited"
    by_hand(seals.delete().where(seals.c.number == 2))
    with work.transaction():
        first = work.connection.execute(sa.select(seals)).one()
    before = chain._hash(work.key_for(entries.PURPOSE), first, "", timed=False)
    by_hand(seals.update().values(hash=before))
    found = chain.verify(work)
    assert (found.broken, found.overdue) == (None, 0), "a seal from before that was in its hash holds as it is"
    for number in (1, 2):
        by_hand(seals.delete().where(seals.c.number == number))
    gone, after = rows(work)[1:3]
    by_hand(audit.delete().where(audit.c.id == gone.id))
    lost = chain.verify(work).broken
    assert lost is not None
    assert (lost.what, lost.told_by) == ("deleted", after.id), "what follows an entry tells of it, whoever makes the seals anew"


@pytest.mark.feature("B11")
@pytest.mark.parametrize("told_by", ["proof", "clock"])
def test_an_entry_that_comes_after_its_seal_is_real_counted_and_missed(work: Work, by_hand: type_sql, clock: Clock, told_by: str) -> None:
    row = entries.made(work, "core.plugin", work.tenant.id, "update", {"x": [False, True]})
    work.records("probe.thing").create({"name": "four"})
    chain.seal(work, settled=timedelta())
    with work.transaction(write=True):
        work.leave(audit, [row])
    if told_by == "clock":
        for _hour in range(2):
            upkeep.seal_audit(work)
            clock.move(hours=1)
    for _again in range(2):
        found = chain.verify(work)
        assert (found.late, found.broken) == (1, None)
    (told,) = [one for one in rows(work) if one.action == "late"]
    assert told.changes == {"entries": [None, [str(row["id"])]]}, "told once, by an entry that is sealed"
    by_hand(audit.delete().where(audit.c.id == row["id"]))
    assert broken(work) == ("deleted", row["id"], None)
    by_hand(audit.delete().where(audit.c.id == told.id))
    assert broken(work)[:2] == ("deleted", None), "nor is what tells of it taken away unseen"


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_the_clock_seals_what_has_settled(work: Work, clock: Clock) -> None:
    work.records("probe.thing").create({"name": "young"})
    upkeep.seal_audit(work)
    with work.transaction():
        assert work.connection.execute(sa.select(sa.func.count()).select_from(seals)).scalar() == 1
    clock.move(minutes=5)
    upkeep.seal_audit(work)
    upkeep.seal_audit(work)
    with work.transaction():
        assert work.connection.execute(sa.select(sa.func.count()).select_from(seals)).scalar() == 2


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_a_sealer_waits_for_no_writer_and_no_writer_for_it(work: Work, platform: Platform) -> None:
    other = platform.system(work.tenant.id)
    with other.transaction(write=True):
        other.records("probe.thing").create({"name": "at work"})
        with work.transaction(write=True):
            work.lock("core.audit.seals")
            platform.system(work.tenant.id).records("probe.thing").create({"name": "meanwhile"})
        assert chain.seal(work, settled=timedelta()) == 1
    assert chain.verify(work).broken is None


@pytest.mark.feature("B11")
def test_entries_from_before_there_were_digests_are_taken_as_they_are(
    by_hand: type_sql, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "DIGESTED", datetime(2100, 1, 1, tzinfo=UTC))
    by_hand(seals.delete())
    with work.transaction(write=True):
        work.connection.execute(audit.update().values(digest="", follows=None))
    monkeypatch.setattr(work.platform, "tails", Tails())
    assert chain.verify(work).broken is None
    assert all(row.digest for row in rows(work))
    work.records("probe.thing").create({"name": "new"})
    assert chain.verify(work).broken is None
    by_hand(audit.update().where(audit.c.id == rows(work)[-1].id).values(digest=""))
    assert broken(work)[0] == "inserted", "only what was there before the first entry with a digest"


@pytest.mark.feature("B11")
def test_what_had_its_time_is_dropped_and_the_chain_holds(work: Work, client: Api, clock: Clock, by_hand: type_sql) -> None:
    assert client.patch("/api/v1/core/tenant", {"audit_days": 29}).status_code == 422
    assert client.patch("/api/v1/core/tenant", {"audit_days": 30}).json["audit_days"] == 30
    chain.seal(work, settled=timedelta())
    clock.move(days=29)
    work.records("probe.thing").create({"name": "young"})
    chain.seal(work, settled=timedelta())
    upkeep.forget_finished(work)
    assert chain.verify(work).dropped == 0
    clock.move(days=1, seconds=1)
    upkeep.forget_finished(work)
    left = rows(work)
    assert [row.entity for row in left] == ["probe.thing", "core.audit"]
    assert left[1].changes["days"] == [None, 30]
    found = chain.verify(work)
    assert (found.dropped, found.entries, found.broken) == (2, 2, None)
    by_hand(audit.delete().where(audit.c.id == left[0].id))
    by_hand(seals.update().where(seals.c.number == 3).values(dropped="f" * 64, marks=""))
    assert broken(work)[0] == "seal_edited", "nobody else says that entries have had their time"


@pytest.mark.feature("B11")
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_the_command_proves_every_tenant_and_fails_where_a_link_does(
    work: Work, platform: Platform, by_hand: type_sql, monkeypatch: pytest.MonkeyPatch, make_tenant: Callable[..., object]
) -> None:
    make_tenant("quiet")
    with platform.database.begin(write=True, tenant=None) as connection:
        connection.execute(tenants.update().where(tenants.c.name == "quiet").values(state="suspended"))
    monkeypatch.setattr(commands, "platform", lambda: platform)
    run = CliRunner().invoke(commands.audit, ["verify"])
    assert run.exit_code == 0, run.output
    assert "acme: " in run.output
    assert "quiet: " in run.output, "a suspended tenant is proven, too"
    victim = rows(work)[-1]
    by_hand(audit.update().where(audit.c.id == victim.id).values(actor="x"))
    run = CliRunner().invoke(commands.audit, ["verify", "--tenant", "acme"])
    assert run.exit_code == 1
    assert f"entry {victim.id}" in run.output
    assert "was edited" in run.output
    run = CliRunner().invoke(commands.audit, ["verify", "--json"])
    assert f'"entry": "{victim.id}"' in run.output


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_digests_cost_no_statement(work: Work, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """One statement for audit and outbox together, as before, and nothing beside it."""
    said: list[str] = []
    sa.event.listen(platform.database.engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    work.records("probe.thing").create({"name": "counted"})
    assert len([statement for statement in said if "core_audit" in statement]) == 1
    assert not [statement for statement in said if "core_audit_seals" in statement]


def test_a_digest_is_the_same_for_what_comes_back_from_the_database(work: Work) -> None:
    values = {"b": 1.5, "a": [None, {"z": 1, "y": "华为 \u2028"}], "big": 2**62, "t": True}
    with work.transaction(write=True):
        for _copy in range(5):  # more than a few travel as one document
            entries.note(work, "core.plugin", work.tenant.id, "update", {"x": [values, None]})
    assert chain.verify(work).broken is None


@pytest.mark.feature("B11")
def test_who_takes_all_seals_and_digests_away_makes_nothing_true(
    work: Work, platform: Platform, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries without a digest are taken as they are only where they, and their tenant, are from before there were any."""
    monkeypatch.setattr(chain, "DIGESTED", datetime(2100, 1, 1, tzinfo=UTC))
    mine = (audit.c.tenant_id == work.tenant.id,)

    def bare(**values: object) -> None:
        with platform.database.begin(write=True, tenant=work.tenant.id) as connection:
            connection.execute(seals.delete().where(seals.c.tenant_id == work.tenant.id))
            connection.execute(audit.update().where(*mine).values(digest="", follows=None, **values))

    assert clock.now < chain.DIGESTED
    bare()
    monkeypatch.setattr(platform, "tails", Tails())
    assert chain.verify(work).broken is None, "from before there were digests"
    clock.now = chain.DIGESTED + HOUR
    made = id_of(work.records("probe.thing").create({"name": "four"}))
    assert chain.verify(work).broken is None
    bare(actor="Somebody else")
    for sealing in (False, True):  # before it is sealed, and after the clock has sealed it
        if sealing:
            clock.move(hours=1)
            chain.seal(work)
        what, entry, _after = broken(work)
        assert (what, entry) == ("inserted", next(row.id for row in rows(work) if row.record_id == made))
    monkeypatch.setattr(chain, "DIGESTED", datetime(2020, 1, 1, tzinfo=UTC))
    bare(at=chain.DIGESTED - HOUR)
    first = rows(work)[0].id
    assert broken(work)[:2] == ("inserted", first), "who sets their days back does not make the tenant older"
    chain.seal(work)
    assert broken(work)[:2] == ("inserted", first)


@pytest.mark.feature("B11")
def test_nobody_has_the_audit_forgotten_by_a_setting_that_is_made_in_the_database(
    work: Work, client: Api, platform: Platform, clock: Clock
) -> None:
    def set_days(days: int) -> None:
        with platform.database.begin(write=True, tenant=None) as connection:
            connection.execute(tenants.update().where(tenants.c.id == work.tenant.id).values(audit_days=days))

    before, head = len(rows(work)), chain.verify(work).head
    clock.move(days=40)
    set_days(30)
    upkeep.forget_finished(work)
    assert len(rows(work)) == before, "no entry says that the company wants it"
    assert broken(work)[0] == "days_edited"
    set_days(36_500)
    assert chain.verify(work, head=head).broken is None
    client.patch("/api/v1/core/tenant", {"audit_days": 30})
    chain.seal(work, settled=timedelta())
    set_days(1)
    upkeep.forget_finished(work)
    assert len(rows(work)) == before + 1
    set_days(30)
    for _quiet_month in range(2):  # what says so goes with the rest, and is said again
        upkeep.forget_finished(work)
        assert [row.changes["days"] for row in rows(work) if row.entity == "core.audit"] == [[None, 30]]
        assert chain.verify(work, head=head).broken is None
        clock.move(days=31)
