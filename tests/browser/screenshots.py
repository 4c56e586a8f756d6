"""`./dw screenshots [FOLDER]`: the key pages of the demo tenant, in Chinese and English, light and dark, at the desk and on the phone.

They are made to be looked at, one by one. Without a folder they go to `var/screenshots`; demo data are made there once and kept.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import secrets
import sys
import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from playwright.sync_api import sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from core.app import create_app
from core.cli.demo import ADMIN, NAME, fill
from core.config import Config
from core.data import migrate
from core.platform import Platform, boot
from core.tenancy import lifecycle
from core.tenancy.tables import tenants
from sdk import Query, where
from tests.browser.conftest import CHROMIUM, FLAGS, SIZES

PAGES: tuple[tuple[str, str], ...] = (
    ("home", "/"),
    ("calendar", "/teamwork/calendar"),
    ("find", "/find?q=华"),
    ("accounts", "/customers/accounts"),
    ("account", "/customers/accounts/{customers.account}"),
    ("account-related", "/customers/accounts/{customers.account}?tab=related"),
    ("account-new", "/customers/accounts/new"),
    ("leads", "/leads/leads"),
    ("board", "/pipeline/deals/board"),
    ("deals", "/pipeline/deals"),
    ("deal", "/pipeline/deals/{pipeline.deal}"),
    ("quote-lines", "/orders/quotes/{orders.quote}/lines"),
    ("invoices", "/orders/invoices"),
    ("tasks", "/teamwork/tasks"),
    ("team", "/teamwork/team"),
    ("performance", "/teamwork/performance"),
    ("rules", "/automation/rules"),
    ("rule-new", "/automation/rules/new"),
    ("rule", "/automation/rules/{automation.rule}"),
    ("runs", "/automation/runs"),
    ("templates", "/documents/templates"),
    ("stages", "/pipeline/arrange"),
    ("imports", "/import_export/imports"),
    ("import-new", "/import_export/imports/new?entity=customers.account"),
    ("export-new", "/import_export/exports/new?_entity=customers.account"),
    ("web-forms", "/web_forms/forms"),
    ("reports", "/reports/reports"),
    ("report", "/reports/reports/pipeline.won_by_month"),
    ("dashboard", "/reports/dashboard"),
    ("forecast", "/forecast/outlook"),
    ("admin", "/admin"),
    ("plugins", "/admin/plugins"),
    ("plugin-off", "/admin/plugins/forecast/off"),
    ("roles", "/admin/roles"),
    ("role", "/admin/roles/sales_rep"),
    ("audit", "/admin/audit"),
    ("health", "/admin/health"),
    ("mine", "/me/account"),
    ("kit", "/kit"),
    ("nothing", "/nothing/here"),
)
BARE = "Nordic plant"
"""A deal whose amount nobody knows yet: it cannot go on to a proposal."""
ACTS: tuple[tuple[str, str, str], ...] = (
    ("menu", "/", ".thumb button[data-side]"),
    ("deal-refused", "/pipeline/deals/{bare}", ".steps li a:has(.asks)"),
)
"""What is seen once something on a page has been touched, where that is there."""
_RECORD = re.compile(r"\{([a-z_]+\.[a-z_]+)\}")


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_said: object) -> None:
        """Nobody wants to read it."""


def main(folder: Path) -> None:
    """Make them all."""
    folder.mkdir(parents=True, exist_ok=True)
    _know_chinese(folder)
    home = folder / "home"
    home.mkdir(exist_ok=True)
    config = Config(home, f"sqlite:///{home}/dealwright.sqlite3")
    first = boot(config, check_schema=False)
    migrate.upgrade(first.database, first.branches())
    first.close()
    platform = boot(config)
    with platform.database.begin(write=False, tenant=None) as connection:
        there = connection.execute(sa.select(tenants.c.id).where(tenants.c.name == NAME)).scalar()
    if there is None:
        fill(platform)
    server = make_server("127.0.0.1", 0, create_app(platform), threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    password = secrets.token_urlsafe(9)
    lifecycle.reset_password(platform, NAME, ADMIN, password)
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for locale in ("zh_CN", "en"):
                for scheme in ("light", "dark"):
                    for size in SIZES:
                        _shoot(browser, platform, f"http://127.0.0.1:{server.server_port}/console", password, locale, scheme, size, folder)
            browser.close()
    finally:
        server.shutdown()
        platform.close()


def _know_chinese(folder: Path) -> None:
    """Glyphs for Chinese, which the documents bring along, for a browser on a machine whose own fonts have none."""
    found = importlib.util.find_spec("noto_cjk_sans_otc")
    if found is None or found.origin is None:
        sys.exit("no font for Chinese: pip install -e '.[test]'")
    fonts = folder / "fonts.conf"
    fonts.write_text(
        "<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'>"
        f"<fontconfig><include ignore_missing='yes'>/etc/fonts/fonts.conf</include><dir>{Path(found.origin).parent}</dir></fontconfig>",
        encoding="utf-8",
    )
    os.environ["FONTCONFIG_FILE"] = str(fonts)


def _shoot(browser: Any, platform: Platform, base: str, password: str, locale: str, scheme: str, size: str, folder: Path) -> None:
    work = platform.system(NAME)
    (admin,) = (row for row in work.records("core.user").find(()) if row["email"] == ADMIN)
    work.records("core.user").update(admin["id"], {"locale": locale})  # type: ignore[arg-type]
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme, locale=locale.replace("_", "-"), reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{base}/sign-in")
    page.screenshot(path=folder / f"sign-in.{locale}.{scheme}.{size}.png")
    page.fill("#email", ADMIN)
    page.fill("#password", password)
    page.click("button.first")
    page.wait_for_url("**/console/")
    for name, path in PAGES:
        if "{" in (address := _RECORD.sub(lambda found: _one(platform, found[1]) or found[0], path)):
            continue  # the demo tenant has no such record
        page.goto(base + address)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / f"{name}.{locale}.{scheme}.{size}.png")
        sys.stdout.write(f"{name}.{locale}.{scheme}.{size}.png\n")
    for name, path, touched in ACTS:
        page.goto(base + path.replace("{bare}", _bare(platform)))
        page.wait_for_load_state("networkidle")
        if page.locator(touched).first.is_visible():
            page.locator(touched).first.click()
            page.wait_for_timeout(500)
            page.screenshot(path=folder / f"{name}.{locale}.{scheme}.{size}.png")
            sys.stdout.write(f"{name}.{locale}.{scheme}.{size}.png\n")
    context.close()


def _bare(platform: Platform) -> str:
    work = platform.system(NAME)
    found = work.records("pipeline.deal").find(where(name=BARE), 1)
    if not found:
        (account,) = work.records("customers.account").query(Query(fields=("id",), limit=1)).data
        found = [work.records("pipeline.deal").create({"name": BARE, "account": account["id"]})]
    return str(found[0]["id"])


def _one(platform: Platform, entity: str) -> str:
    """The id of the newest record, if there is one."""
    found = platform.system(NAME).records(entity).query(Query(fields=("id",), limit=1)).data
    return str(found[0]["id"]) if found else ""


if __name__ == "__main__":
    if not CHROMIUM:
        sys.exit("no Chromium on the PATH: install Debian's package `chromium`")
    asked = argparse.ArgumentParser(prog="./dw screenshots", description="The key pages of the demo tenant as pictures.")
    asked.add_argument("folder", nargs="?", type=Path, default=Path("var", "screenshots"), help="where to (var/screenshots)")
    main(asked.parse_args().folder.absolute())
