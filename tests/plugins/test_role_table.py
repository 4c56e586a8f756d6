"""What the ready-made roles may do with our entities, as a table that somebody has written: what is compiled of the declarations must say the same."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.context import Work
from core.testkit.factories import matrices
from core.testkit.fixtures import Api, People
from sdk.context import id_of

ROLES, VERBS = ("admin", "sales_manager", "sales_rep", "finance", "read_only"), ("read", "create", "update", "delete")
SCOPES = {"A": "all", "T": "team", "O": "own", "P": "parent"}
TABLE = """
    entity                       admi mana repr fina read
    automation.delivery          A--- P--- ---- ---- ----
    automation.inlet             AAAA TTTT ---- ---- ----
    automation.revision          A--- P--- ---- ---- ----
    automation.rule              AAAA TTTT ---- ---- ----
    automation.run               A--- P--- ---- ---- ----
    automation.step              A--- P--- ---- ---- ----
    automation.timer             A--- P--- ---- ---- ----
    automation.webhook           AAAA TTTT ---- ---- ----
    catalog.product              AAAA A--- A--- A--- A---
    company.counter              A--- P--- P--- P--- P---
    company.currency             AAAA A--- A--- AAAA A---
    company.holiday              AAAA A--- A--- AAAA A---
    company.industry             AAAA AAA- A--- AAAA A---
    company.profile              AAAA A--- A--- A--- A---
    company.rate                 AAAA A--- A--- AAAA A---
    company.region               AAAA AAA- A--- AAAA A---
    company.sequence             AAAA A--- A--- AAAA A---
    company.source               AAAA AAA- A--- AAAA A---
    console.start                OOOO OOOO OOOO OOOO OOOO
    console.view                 OOOO OOOO OOOO OOOO OOOO
    core.audit                   A--- ---- ---- ---- ----
    core.custom_entity           AAAA ---- ---- ---- ----
    core.custom_field            AAAA ---- ---- ---- ----
    core.grant                   AAAA ---- ---- ---- ----
    core.identity                A--A ---- ---- ---- ----
    core.job                     A--- ---- ---- ---- ----
    core.role                    AAAA A--- A--- A--- A---
    core.share                   AAAA PPPP PPPP PPPP PPPP
    core.sign_in                 A--- ---- ---- ---- ----
    core.team                    AAAA A--- A--- A--- A---
    core.territory               AAAA A--- A--- A--- A---
    core.territory_member        AAAA A--- A--- A--- A---
    core.token                   A--A O--O O--O O--O O--O
    core.user                    AAAA A--- A--- A--- A---
    customers.account            AAAA TTTT TOO- A--- A---
    customers.address            AAAA PPPP PPPP P--- P---
    customers.affiliation        AAAA PPPP PPPP P--- P---
    customers.contact            AAAA TTTT TOO- A--- A---
    customers.invitation         A--- T--- T--- A--- A---
    customers.survey             AAAA AAAA A--- A--- A---
    customers.tag                AAAA AAAA A--- A--- A---
    documents.document           A-A- P-P- P-P- P-P- P-P-
    documents.template           A-AA A--- A--- A--- A---
    documents.version            A--- P--- P--- P--- P---
    forecast.backtest            A--- P--- P--- ---- ----
    forecast.factor              AAAA PPPP PPPP P--- P---
    forecast.factor_verdict      A--- P--- P--- ---- ----
    forecast.market_event        AAAA AAAA A--- A--- A---
    forecast.market_point        AAAA AAAA A--- A--- A---
    forecast.market_series       AAAA AAAA A--- A--- A---
    forecast.model_card          A--- A--- A--- A--- A---
    forecast.point               A--- P--- P--- ---- ----
    forecast.result              A--- P--- P--- ---- ----
    forecast.run                 A--A T--T O--O ---- ----
    forecast.series              AAAA ATTT AOOO A--- A---
    forecast.win                 A--- P--- P--- P--- P---
    import_export.correction     A--- P--- P--- ---- ----
    import_export.export         A--A O--O O--O ---- ----
    import_export.external_id    A--- ---- ---- ---- ----
    import_export.file           A--A O--O O--O ---- ----
    import_export.import         A--A O--O O--O ---- ----
    import_export.mapping        A--A ---- ---- ---- ----
    import_export.origin         A--- ---- ---- ---- ----
    import_export.part           A--- ---- ---- ---- ----
    import_export.row            A--- P--- P--- ---- ----
    leads.campaign               AAAA AAAA A--- A--- A---
    leads.lead                   AAAA TTTT TOO- ---- A---
    leads.touch                  AAAA TTTT TOO- ---- A---
    orders.allocation            A--- P--- P--- P--- P---
    orders.contract              AAAA TTTT TOO- A-A- A---
    orders.instalment            AAAA PPPP PPPP PPPP P---
    orders.invoice               AAAA T--- T--- AAAA A---
    orders.invoice_line          AAAA P--- P--- PPPP P---
    orders.order                 AAAA TTTT TOO- A-A- A---
    orders.order_line            AAAA PPPP PPPP PPPP P---
    orders.payment               AAA- PPP- PPP- AAA- A---
    orders.quote                 AAAA TTTT TOO- A-A- A---
    orders.quote_line            AAAA PPPP PPPP PPPP P---
    pipeline.deal                AAAA TTTT TOO- A--- A---
    pipeline.lost_reason         AAAA A--- A--- A--- A---
    pipeline.pipeline            AAAA A--- A--- A--- A---
    pipeline.stage               AAAA A--- A--- A--- A---
    pipeline.stage_change        A--- P--- P--- P--- P---
    pipeline.won_reason          AAAA A--- A--- A--- A---
    reports.dashboard            AAAA OOOO OOOO OOOO OOOO
    reports.own_report           AAAA OOOO OOOO OOOO OOOO
    reports.tile                 AAAA PPPP PPPP PPPP PPPP
    teamwork.activity            AAAA TTTT TTOO OOOO A---
    teamwork.application         A--- T--- T--- ---- A---
    teamwork.assignment          A--- P--- P--- P--- P---
    teamwork.comment             AAAA PPPP PPPP PPPP PPPP
    teamwork.evaluation          AAAA AAAA A--- A--- A---
    teamwork.evaluation_step     A--- P--- P--- P--- P---
    teamwork.file                A-AA P-PP P-PP P-PP P-PP
    teamwork.follow              OO-O OO-O OO-O OO-O OO-O
    teamwork.held_letter         O--- O--- O--- O--- O---
    teamwork.kpi                 AAAA PPPP P--- P--- P---
    teamwork.letter_times        OOOO OOOO OOOO OOOO OOOO
    teamwork.notification        O--O O--O O--O O--O O--O
    teamwork.preference          OOOO OOOO OOOO OOOO OOOO
    teamwork.scheme              AAAA AAAA A--- A--- A---
    teamwork.score               A-A- T-T- O--- ---- ----
    teamwork.score_line          A--- P--- P--- ---- ----
    teamwork.stage_plan          AAAA AAAA A--- A--- A---
    teamwork.stale_rule          AAAA AAAA A--- A--- A---
    teamwork.target              AAAA TTTT O--- A--- A---
    teamwork.task                AAAA TTTT TTOO OOOO A---
    teamwork.task_template       AAAA AAAA A--- A--- A---
    teamwork.template_task       AAAA PPPP P--- P--- P---
    web_forms.form               AAAA TTTT ---- ---- A---
    web_forms.form_field         AAAA PPPP ---- ---- P---
    web_forms.submission         A--A T--T O--- ---- ----
"""
"""For each role the scope of reading, creating, changing and deleting: of all records, the team's, one's own, those whose parent one has; -: none."""


@pytest.mark.feature("B1")
def test_the_roles_may_do_what_is_written(work: Work) -> None:
    written = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()[1:]}
    assert written.keys() == {*work.catalog.entities}, "a new entity is written down with what each role may do"
    wrong = []
    compiled = matrices(work, written)
    for entity, cells in written.items():
        for role, cell in zip(ROLES, cells, strict=True):
            said = {verb: SCOPES[letter] for verb, letter in zip(VERBS, cell, strict=True) if letter != "-"}
            wrong += [(entity, role, compiled[entity][role], said)] if compiled[entity][role] != said else []
    assert wrong == []


DOORS = (
    ("sales_rep", "POST", "customers/accounts", {"name": "Mine"}, 201),
    ("sales_rep", "GET", "customers/accounts/{mates}", None, 200),
    ("sales_rep", "PATCH", "customers/accounts/{mates}", {"city": "Hull"}, 403),
    ("sales_rep", "DELETE", "customers/accounts/{own}", None, 403),
    ("sales_rep", "GET", "customers/accounts/{strangers}", None, 404),
    ("sales_rep", "POST", "orders/invoices", {"name": "I", "account": "{own}"}, 403),
    ("sales_manager", "PATCH", "customers/accounts/{mates}", {"city": "Hull"}, 200),
    ("sales_manager", "GET", "customers/accounts/{strangers}", None, 404),
    ("finance", "GET", "customers/accounts/{strangers}", None, 200),
    ("finance", "PATCH", "customers/accounts/{strangers}", {"city": "Hull"}, 403),
    ("finance", "POST", "orders/invoices", {"name": "I", "account": "{own}"}, 201),
    ("finance", "GET", "leads/leads", None, 403),
    ("read_only", "GET", "leads/leads", None, 200),
    ("read_only", "POST", "leads/leads", {"name": "L"}, 403),
    ("read_only", "POST", "customers/addresses", {"account": "{own}", "city": "Hull"}, 403),
    ("read_only", "PATCH", "core/users/{me}", {"name": "Other"}, 403),
)  # fmt: skip
"""Rows of the table, tried."""


@pytest.mark.feature("B1")
def test_rows_of_the_table_hold_at_the_doors(client: Api, work: Work, people: People) -> None:
    accounts = work.records("customers.account")
    owners = {"own": people.rep, "mates": people.reps[0][1], "strangers": people.reps[1][0]}
    there = {word: str(id_of(accounts.create({"name": word, "owner": owner}))) for word, owner in owners.items()}
    who: dict[str, UUID] = {"sales_rep": people.rep, "sales_manager": people.manager}
    for role in ("finance", "read_only"):
        who[role] = id_of(work.records("core.user").create({"name": role, "email": f"{role}@acme.example", "roles": [role]}))
    wrong = []
    for role, method, path, body, status in DOORS:
        words = {**there, "me": str(who[role])}
        sent = body and {name: value.format(**words) for name, value in body.items()}
        answer = client.as_user(who[role]).call(method, f"/api/v1/{path.format(**words)}", json=sent)
        wrong += [(role, method, path, answer.status_code, answer.text[:200])] if answer.status_code != status else []
    assert wrong == []
