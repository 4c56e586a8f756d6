"""Pages and routes of imports, exports and web forms, for people and tokens that may do or see little: no answer is an error of ours."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, People
from core.worker.drain import Drain
from sdk.context import id_of
from tests.console.site import ROOT, Site
from tests.plugins.imports import written
from tests.plugins.test_migrators import HUBSPOT, zipped

API = "/api/v1/import_export"
FORMS = "/api/v1/web_forms"
FEW: dict[str, list[str]] = {
    "two fields of imports": ["import_export.import.read:id,file_name"],
    "imports and files by their ids": ["import_export.import.read:id", "import_export.file.read:id", "import_export.export.read:id", "import_export.file.delete", "import_export.import.delete"],
    "imports but no entity": ["import_export.import.read:*", "import_export.file.read:*", "import_export.export.read:*", "import_export.import.create", "import_export.export.create"],
    "one field of one entity": [
        "import_export.import.read:*", "import_export.file.read:*", "import_export.export.read:*", "import_export.import.create", "import_export.export.create",
        "customers.contact.read:id", "customers.contact.create:name", "customers.contact.import", "customers.contact.export",
    ],
    "an entity but no files": ["import_export.import.create", "customers.account.read:*", "customers.account.create:*", "customers.account.import"],
    "forms by their ids": ["web_forms.form.read:id", "web_forms.form_field.read:id", "web_forms.submission.read:id", "web_forms.submission.retry", "web_forms.form.update:name"],
}  # fmt: skip


@pytest.fixture
def drain(platform: Platform) -> Callable[[], int]:
    """Delivers everything that waits."""
    return Drain(platform).run_until_empty


def made(client: Api, site: Site, drain: Callable[[], int]) -> dict[str, str]:
    """By a word the ids of what there is to be seen."""

    def sent(path: str, content: bytes, name: str, **more: Any) -> str:
        answer = client.call(
            "POST", f"{API}/{path}", data={"file": (io.BytesIO(content), name), **more}, content_type="multipart/form-data"
        )
        assert answer.status_code in (201, 202), answer.text
        return str(answer.json["id"])

    rows = written([["Name", "Founded in"], ["A", "1990"], ["B", "early"]]).encode()
    ids = {"file": sent("files", rows, "rows.csv"), "import": sent("imports", rows, "rows.csv", entity="customers.account")}
    columns = f"/import_export/files/{ids['file']}/columns?entity=customers.account"
    ids["check"] = str(site.post(columns, site.get(columns).form()).answer.headers["Location"]).rpartition("/")[2]
    ids["migration"] = sent("migrations", zipped({"companies.csv": HUBSPOT["companies.csv"]}), "all.zip", dry_run="true")
    exported = client.post(f"{API}/exports", {"entity": "customers.account", "format": "csv"})
    assert exported.status_code in (201, 202), exported.text
    form = client.post(f"{FORMS}/forms", {"key": "contact", "name": "Contact"})
    assert form.status_code == 201, form.text
    drain()
    return {**ids, "export": exported.json["id"], "form": form.json["id"]}


def pages(ids: dict[str, str]) -> Iterator[tuple[str, dict[str, str] | None]]:
    """Each page, and each form that is sent as it would be."""
    at = "/import_export"
    for path in ("/imports", "/imports?show=checks", "/imports/new", "/imports/new?entity=customers.account", "/imports/new?entity=workbook",
                 "/migrations/new", "/template?entity=customers.account", "/exports", "/exports/new?entity=customers.account"):  # fmt: skip
        yield f"{at}{path}", None
    for kind in ("import", "check", "migration"):
        for tail in ("", "?show=failed", "/undo", "/failed", "/rows/2"):
            yield f"{at}/imports/{ids[kind]}{tail}", None
        for act in ("cancel", "check", "mend", "run", "undo", ""):
            yield f"{at}/imports/{ids[kind]}", {"act": act}
        yield f"{at}/imports/{ids[kind]}/rows/2", {"cell.0": "x"}
    for entity in ("customers.account", "customers.contact", "workbook", "core.user"):
        yield f"{at}/files/{ids['file']}/columns?entity={entity}", None
        yield f"{at}/files/{ids['file']}/columns?entity={entity}", {"mode": "create", "field.0": "name"}
    yield f"{at}/exports/{ids['export']}", None
    yield f"{at}/exports/{ids['export']}", {"act": "cancel"}
    yield f"{at}/exports/new?entity=customers.account", {"entity": "customers.account", "format": "csv"}
    yield "/customers/accounts", None
    for path in ("", f"/forms/{ids['form']}/build", f"/forms/{ids['form']}", "/submissions"):
        yield f"/web_forms{path}", None
    yield "/web_forms", {"name": "Another", "key": "another"}
    yield f"/web_forms/forms/{ids['form']}/build", {"name": "Other"}


def routes(ids: dict[str, str]) -> Iterator[tuple[str, str, dict[str, object] | None]]:
    """Each route of the API."""
    for path in ("imports", "files", "exports", "rows", "parts", "mappings", "external_ids", "migrations", f"imports/{ids['import']}", f"files/{ids['file']}",
                 f"imports/{ids['import']}/rows", f"imports/{ids['import']}/failed", f"imports/{ids['migration']}", f"migrations/{ids['migration']}",
                 f"files/{ids['file']}/rows", f"files/{ids['file']}/mapping?entity=customers.account", f"exports/{ids['export']}",
                 f"exports/{ids['export']}/file", f"origins?entity=customers.account&id={ids['file']}", "template?entity=customers.account"):  # fmt: skip
        yield "GET", f"{API}/{path}", None
    for path in (
        f"imports/{ids['import']}/undo",
        f"imports/{ids['import']}/cancel",
        f"migrations/{ids['migration']}/undo",
        f"exports/{ids['export']}/cancel",
    ):
        yield "POST", f"{API}/{path}", {}
    yield "PATCH", f"{API}/files/{ids['file']}/rows/2", {"cells": {"Name": "x"}}
    yield "POST", f"{API}/exports", {"entity": "customers.account", "format": "csv"}
    for path in ("forms", "form_fields", "submissions", f"forms/{ids['form']}", f"forms/{ids['form']}/embedding"):
        yield "GET", f"{FORMS}/{path}", None
    yield "PATCH", f"{FORMS}/forms/{ids['form']}", {"name": "x"}
    yield "POST", f"{FORMS}/forms", {"key": "x", "name": "x"}


def test_who_may_little_is_refused_or_shown_less_and_never_an_error_of_ours(
    client: Api, drain: Callable[[], int], work: Work, people: People
) -> None:
    ids = made(client, Site(client), drain)
    nobody = id_of(work.records("core.user").create({"name": "Nobody", "email": "nobody@x.example", "roles": []}))
    who = {name: client.as_user("admin@acme.example", allows=words) for name, words in FEW.items()}
    who |= {
        "nobody": client.as_user(nobody),
        "a representative": client.as_user(people.rep),
        "a manager": client.as_user(people.manager),
    }
    errors = []
    for name, api in who.items():
        for path, form in pages(ids):
            answer = api.get(ROOT + path) if form is None else api.call("POST", ROOT + path, data=form)
            if answer.status_code >= 500:
                errors.append((name, path, form, answer.status_code))
        for method, path, body in routes(ids):
            answer = api.call(method, path, **({} if body is None else {"data": json.dumps(body), "content_type": "application/json"}))
            if answer.status_code >= 500:
                errors.append((name, method, path, answer.status_code))
    assert "\n".join(map(str, errors)) == ""


def test_a_page_names_no_more_of_what_is_to_be_chosen_than_its_reader_sees(client: Api, work: Work) -> None:
    work.records("catalog.product").create({"name": "Gateway", "sku": "GW"})
    assert client.post("/api/v1/pipeline/templates/direct_sales/pipelines", {}).status_code == 201
    (sold,) = work.records("pipeline.pipeline").find((), 1)
    stages = {str(row["type"]): row for row in work.records("pipeline.stage").find((), 50) if row["pipeline"] == sold["id"]}
    deal = id_of(work.records("pipeline.deal").create({"name": "D", "pipeline": sold["id"]}))
    work.records("pipeline.deal").update(deal, {"stage": stages["won"]["id"]})
    account = work.records("customers.account").create({"name": "Alder"})["id"]
    quote = id_of(work.records("orders.quote").create({"name": "Q", "account": account, "currency": "CNY"}))
    page, opened = f"{ROOT}/pipeline/deals/{deal}/reopen", str(stages["open"]["name"])
    acts = ["pipeline.deal.read:*", "pipeline.deal.update:*"]
    with work.transaction():
        lines = ",".join(sorted(work.shape("orders.quote_line").fields.keys() - {"product"}))
    for words, path, shown, hidden in (
        (["catalog.product.read:id"], f"{ROOT}/orders/products", "—", "Gateway"),
        (["catalog.product.read:id,name"], f"{ROOT}/orders/products", "Gateway", "GW<"),
        (acts, page, "Reopen", f">{opened}<"),
        (
            ["orders.quote.read:*", "orders.quote.update:*", f"orders.quote_line.read:{lines}"],
            f"{ROOT}/orders/quotes/{quote}/lines",
            "Products",
            ">Product<",
        ),
        ([*acts, "pipeline.stage.read:*"], page, f">{opened}<", "nothing of the kind"),
    ):
        answer = client.as_user("admin@acme.example", allows=words).get(path)
        assert (answer.status_code, shown in answer.text, hidden in answer.text) == (200, True, False), (words, answer.text)
