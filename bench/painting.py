"""Pages as a browser sees them: when the largest thing stands, how long a key or a click takes to show, and whether anything moves meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from bench import servers
from bench.data import Installation
from bench.table import Line

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
SIZES: Mapping[str, dict[str, int]] = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
ROUNDS = 5
BUDGETS = "< 500 ms, < 100 ms, 0"
DEALS = "/console/pipeline/deals"
# Largest contentful paint, event timing and layout instability as the browser itself counts them (web.dev/vitals); what moves within half a
# second of a key or a click was asked for, and does not count.
_LISTEN = """
window.__seen = {lcp: 0, shift: 0, moved: [], slow: 0};
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.__seen.lcp = one.startTime; })
  .observe({type: "largest-contentful-paint", buffered: true});
new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) { window.__seen.shift += one.value;
  for (const source of one.sources) { const node = source.node;
    window.__seen.moved.push(node && node.nodeType === 1 ? `${node.tagName.toLowerCase()}.${node.className}` : "text"); } } })
  .observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (one.interactionId) window.__seen.slow = Math.max(window.__seen.slow, one.duration); })
  .observe({type: "event", durationThreshold: 16, buffered: true});
"""


def measure(installation: Installation) -> list[Line]:
    """A line for each page and width; one that says why where there is no browser."""
    if not CHROMIUM:
        return [Line("browser", installation.kind, "not measured: no Chromium on the PATH", budget=BUDGETS)]
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return [Line("browser", installation.kind, "not measured: the package playwright is missing", budget=BUDGETS)]
    lines = []
    with servers.serving(installation) as port, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for width, size in SIZES.items():
            headers = {"Authorization": f"Bearer {installation.admin}"}
            context = browser.new_context(viewport=size, base_url=f"http://127.0.0.1:{port}", extra_http_headers=headers)
            context.add_init_script(_LISTEN)
            page = context.new_page()
            record = context.request.get("/api/v1/pipeline/deals?limit=1&fields=id").json()["data"][0]["id"]
            for name, path, act in _pages(record):
                lines.append(_line(installation, page, f"browser: {name}, {width}", path, act))
            context.close()
        browser.close()
    return lines


def _pages(record: str) -> Sequence[tuple[str, str, Callable[[Any], None]]]:
    """Each page with what somebody does there."""
    return (
        ("list of deals", DEALS, lambda page: _press(page, "j", "j", "k", "j")),
        ("a deal", f"{DEALS}/{record}", lambda page: _press(page, "Tab", "Tab", "Tab")),
        ("board", f"{DEALS}/board", lambda page: _press(page, "Tab", "Tab", "Tab")),
        ("home", "/console/", lambda page: _press(page, "Tab", "Tab", "Tab")),
        ("new deal", f"{DEALS}/new", _type),
    )


def _press(page: Any, *keys: str) -> None:
    for key in (*keys, "Control+k", "h", "u", "a"):
        page.keyboard.press(key)
        page.wait_for_timeout(120)


def _type(page: Any) -> None:
    page.locator("main form input:not([type=hidden])").first.click()
    page.keyboard.type("Cranes", delay=40)
    _press(page, "Tab")


def _line(installation: Installation, page: Any, work: str, path: str, act: Callable[[Any], None]) -> Line:
    rounds = [_seen(page, path, act) for _round in range(ROUNDS + 1)][1:]  # the first one fetches style and script
    lcp, slow, shift = (median(one[name] for one in rounds) for name in ("lcp", "slow", "shift"))
    moved = sorted({name for one in rounds for name in one["moved"]})
    said = f"largest paint {lcp:.0f} ms, interaction {slow:.0f} ms, shift {shift:.3f}"
    return Line(work, installation.kind, said, ", ".join(moved[:3]), "", BUDGETS)


def _seen(page: Any, path: str, act: Callable[[Any], None]) -> dict[str, Any]:
    answer = page.goto(path)
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(200)
    still: dict[str, Any] = page.evaluate("window.__seen")
    act(page)
    page.wait_for_timeout(150)
    return {**still, "slow": page.evaluate("window.__seen.slow")}
