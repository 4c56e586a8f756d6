"""The fixtures of which authors make their tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from email.message import EmailMessage
from importlib.metadata import EntryPoint

import pytest
import sqlalchemy as sa

from core.platform import Platform
from core.policy.scopes import Scopes
from core.testkit.engines import Engine
from core.testkit.factories import Factory
from core.testkit.fixtures import type_work_as
from core.testkit.pytest_plugin import assert_no_leaks, mailbox, make, permission_matrix
from core.testkit.templates import Templates
from plugins.pipeline.template import apply
from sdk import Mail
from sdk.context import id_of
from tests.probe.fixtures import OURS, entry_points

__all__ = ["assert_no_leaks", "entry_points", "mailbox", "make", "permission_matrix"]

KNOWN_BY_THEIR_PLUGIN = {
    "core.custom_entity", "core.custom_field", "leads.touch", "orders.instalment", "orders.invoice_line", "orders.order_line", "orders.payment", "orders.quote_line",
    "automation.inlet", "automation.rule", "company.profile", "forecast.factor", "teamwork.target",
}  # fmt: skip
"""What is made of values that have to fit together, which are to be given; and the profile, of which a tenant has one."""


class TestOfAllOurs:
    """With every plugin of the repository."""

    @pytest.fixture
    def entry_points(self) -> Sequence[EntryPoint] | None:
        """Ours."""
        return OURS

    @pytest.mark.feature("P24")
    def test_records_of_an_entity_are_made_of_what_it_declares(self, platform: Platform, make: Factory, work_as: type_work_as) -> None:
        work, made = work_as(), set[str]()
        apply(work, "direct_sales")
        wanted = [name for name in work.entities() if "create" in work.shape(name).entity.verbs]
        for name in wanted:
            if name not in KNOWN_BY_THEIR_PLUGIN:
                first, second = make.many(name, 2)
                assert first["id"] != second["id"]
                made.add(name)
        assert len(made) > 40

    @pytest.mark.feature("P24")
    def test_what_a_test_says_of_a_record_is_kept(self, make: Factory, work_as: type_work_as) -> None:
        account = make("customers.account", name="Acme", city="Wuhan")
        contact = make("customers.contact", account=id_of(account))
        assert (account["name"], account["city"], contact["account"]) == ("Acme", "Wuhan", account["id"])
        assert len(work_as().records("customers.account").find(())) == 1


@pytest.mark.feature("P24")
def test_the_mailbox_has_what_went_out(mailbox: list[EmailMessage], work_as: type_work_as, engine: Engine) -> None:
    work_as().mail(Mail(("a@b.example",), "Hello", "How are you?"))
    assert not mailbox
    engine.run_until_idle()
    (letter,) = mailbox
    assert (letter["To"], letter["Subject"], letter.get_content().strip()) == ("a@b.example", "Hello", "How are you?")


@pytest.mark.feature("P24")
def test_the_matrix_says_what_each_role_can_do(permission_matrix: Callable[[str], dict[str, dict[str, str]]]) -> None:
    found = permission_matrix("probe.thing")
    assert found["admin"] == dict.fromkeys(("read", "create", "update", "delete"), "all")
    assert found["read_only"] == {"read": "all"}
    assert found["sales_rep"]["read"] == "own"
    assert {role: verbs.get("delete") for role, verbs in found.items()}["finance"] is None


class TestOfLeaks:
    """What leaks, leaks from each kind of database."""

    @pytest.fixture
    def database_templates(self, sqlite_templates: Templates) -> Templates:
        """The one that is made sooner."""
        return sqlite_templates

    @pytest.mark.feature("P24")
    def test_a_leak_fails_the_test_of_its_author(self, monkeypatch: pytest.MonkeyPatch, assert_no_leaks: Callable[..., None]) -> None:
        assert_no_leaks("probe.thing", users=1)
        monkeypatch.setattr(Scopes, "clause", lambda self, entity, table, grants, verb, about=None: sa.true())
        with pytest.raises(AssertionError, match=r" of probe\.thing: "):
            assert_no_leaks("probe.thing", users=2)
