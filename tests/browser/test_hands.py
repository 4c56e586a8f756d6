"""What hands do: cards dragged by mouse and finger, cells changed by the keyboard, a record made above the form that needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Route

from core.context import Work
from plugins.console.asked import SIZE
from sdk import Draft
from sdk.context import id_of
from tests.browser.conftest import Window

BOARD = "/pipeline/deals/board"


def _stages(work: Work) -> list[str]:
    rows = (row for row in work.records("pipeline.stage").find(()) if row["type"] == "open")
    return [str(row["id"]) for row in sorted(rows, key=lambda row: int(str(row["position"])))]


def _stage(work: Work, deal: UUID) -> str:
    return str(work.records("pipeline.deal").values([deal])[deal]["stage"])


def _drag(page: Any, card: Any, lane: str) -> None:
    """With the mouse; on a phone with a finger that rests on the card until it is lifted."""
    start = card.bounding_box()
    onto = page.locator(f"[data-lane='{lane}']").bounding_box()
    x, y = start["x"] + 40, start["y"] + start["height"] - 12  # where no link is
    to = min(onto["x"] + 30, page.viewport_size["width"] - 10)
    if page.viewport_size["width"] > 600:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(to, y, steps=4)
        page.mouse.up()
        return
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *at: float) -> None:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at[0], "y": at[1]}] if at else []})

    touch("touchStart", x, y)
    page.locator(".ghost").wait_for()
    touch("touchMove", to, y)
    page.locator(f"[data-lane='{lane}'].over").wait_for()
    touch("touchEnd")


@pytest.mark.feature("D17")
def test_a_card_is_dragged_to_another_column_and_where_it_may_not_go_it_is_back_and_says_why(window: Window) -> None:
    work = window.company.work
    first, second, *_rest = _stages(work)
    deal = id_of(work.records("pipeline.deal").create({"name": "Network"}))
    page = window.open(BOARD)
    card = page.locator(f"#card-{deal}")
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/move" in answer.url):
        _drag(page, card, second)
    page.locator(f"[data-lane='{second}'] #card-{deal}:not(.waiting)").wait_for()
    assert _stage(work, deal) == second
    window.open(BOARD)
    work.records("pipeline.deal").update(deal, {"stage": first})  # meanwhile, by somebody else
    work.records("pipeline.deal").update(deal, {"stage": second})
    page.locator(f"[data-lane='{second}']").scroll_into_view_if_needed()
    _drag(page, card, _stages(work)[2])
    page.locator(f"[data-lane='{second}'] #card-{deal} .why").wait_for()
    assert "changed" in card.locator(".why").inner_text()
    card.get_by_role("button", name="Dismiss").click()
    assert not card.locator(".why").count()
    assert _stage(work, deal) == second
    work.records("pipeline.pipeline").create({"name": "Resale"})
    page = window.open(BOARD)
    for field, pipelines in (("status", 0), ("stage", 1)):  # what narrows the columns follows from what they stand for
        page.locator("select[name=_by]").select_option(field)
        page.locator(f"#board[data-query*='_by={field}']").wait_for()
        assert page.locator("select[name=pipeline]").count() == pipelines


@pytest.mark.feature("C19")
@pytest.mark.parametrize("window", ["phone"], indirect=True)
def test_a_record_that_a_form_needs_is_made_above_it_and_what_was_typed_stays(window: Window) -> None:
    page = window.open("/leads/leads/new")
    page.get_by_label("Name").first.fill("Ann Berg")
    page.get_by_label("Company").fill("Alder")
    page.get_by_role("combobox", name="Campaign").fill("Spring fair")
    page.get_by_role("link", name="New Campaign").click()
    above = page.get_by_role("dialog", name="New Campaign")
    assert above.get_by_label("Name").first.input_value() == "Spring fair"
    above.get_by_role("button", name="Save").click()
    above.wait_for(state="detached")
    assert page.get_by_role("combobox", name="Campaign").input_value() == "Spring fair"
    for label, name in (("Source", "Radio"), ("Tags", "Big")):  # words of a list: chosen, or ticked
        page.get_by_role("link", name=f"New {label}").click()
        above = page.get_by_role("dialog", name=f"New {label}")
        above.get_by_label("Name").first.fill(name)
        asked: list[str] = []
        page.once("dialog", lambda one, asked=asked: (asked.append(one.message), one.dismiss()))
        page.keyboard.press("Escape")
        assert (asked, above.is_visible()) == (["Discard what you have typed?"], True)
        above.get_by_role("button", name="Save").click()
        above.wait_for(state="detached")
    assert page.get_by_label("Source", exact=True).input_value() == "radio"
    assert page.get_by_label("Big").is_checked()
    assert page.get_by_label("Company").input_value() == "Alder"
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("h1:has-text('Ann Berg')")
    (lead,) = window.company.work.records("leads.lead").find(())
    assert (lead["company"], bool(lead["campaign"]), lead["source"], lead["tags"]) == ("Alder", True, "radio", ["big"])
    page.get_by_placeholder("Write a comment").fill("Half a")
    page.once("dialog", lambda one: (asked.append(one.type), one.dismiss()))
    page.get_by_role("navigation", name="Part of this record").get_by_role("link", name="History").click()
    assert asked[-1] == "beforeunload"
    assert page.get_by_placeholder("Write a comment").input_value() == "Half a"


@pytest.mark.parametrize("window", ["desk"], indirect=True)
def test_a_cell_is_changed_by_the_keyboard_and_escape_leaves_it_as_it_was(window: Window) -> None:
    work = window.company.work
    account = id_of(work.records("customers.account").create({"name": "Huawei"}))
    page = window.open("/customers/accounts")
    for letters, at in (("off", "BODY"), ("on", "A")):  # who speaks to the computer does not want letters to do something (WCAG 2.1.4)
        page.evaluate(f"document.cookie = 'dealwright_letters={letters}; path=/'")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.tagName") == at
    name = page.locator(f"tr[data-id='{account}'] td[data-field='name']")
    columns = "[...document.querySelectorAll('#found th')].map((one) => one.getBoundingClientRect().left)"
    stood = page.evaluate(columns)
    for key in ("F2", "F2", "F2"):
        page.keyboard.press(key)
    name.get_by_role("textbox").wait_for()
    assert page.evaluate(columns) == stood, "nothing moves under the hand of who edits"
    page.keyboard.press("Escape")
    assert name.inner_text().strip() == "Huawei"
    page.keyboard.press("F2")
    name.get_by_role("textbox").wait_for()
    page.keyboard.type("Alder")
    page.keyboard.press("Enter")
    name.get_by_role("link", name="Alder").wait_for()
    assert page.evaluate("document.activeElement.dataset.field") == "name"
    assert work.records("customers.account").values([account])[account]["name"] == "Alder"
    breaks: list[Callable[[Route], None]] = []  # one route for all: one that ends and is set anew may miss what is asked in between
    page.route("**/cell/name", lambda route: breaks.pop()(route) if breaks else route.continue_())
    for broken, said in (
        (lambda route: route.abort(), "The server isn’t responding"),
        (lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>"), "That didn’t work"),
    ):
        breaks.append(broken)
        page.keyboard.press("F2")  # the form is asked for
        page.get_by_role("status").get_by_text(said).wait_for()
        page.keyboard.press("F2")
        name.get_by_role("textbox").fill("Beech")
        breaks.append(broken)
        page.keyboard.press("Enter")
        page.get_by_role("status").get_by_text(said).nth(1).wait_for()
        page.keyboard.press("Escape")
    page.unroute("**/cell/name")
    assert name.inner_text().strip() == "Alder"
    work.records("customers.account").write_all([Draft("create", {"name": f"Fir {number}"}) for number in range(SIZE)])
    page.reload()
    page.get_by_role("link", name="Show more").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"document.activeElement.closest('tr')?.rowIndex === {SIZE + 1}")  # on it goes with the first of what has come
    assert all(one.startswith("Failed to load resource") for one in window.complaints)
    window.complaints.clear()


@pytest.mark.parametrize("window", ["desk"], indirect=True)
def test_in_a_form_above_another_choices_follow_the_entity_and_conditions_are_made_as_filters_are(window: Window) -> None:
    page = window.open("/forecast/factors/new")
    page.get_by_label("Name").fill("Fairs")
    page.get_by_role("link", name="New Series").click()
    above = page.get_by_role("dialog", name="New Series")
    above.get_by_label("Name").fill("Won")
    above.get_by_label("Entity").select_option("pipeline.deal")
    above.get_by_label("Measure").select_option("sum:base_amount")
    above.get_by_label("Date field").select_option("close_date")
    above.get_by_role("combobox", name="Owner").focus()
    above.locator(".picker [role=option]").first.wait_for()
    page.keyboard.press("Escape")
    assert above.is_visible(), "it closes the list, and not what was filled in"
    for value in ("Won", "Lost"):
        above.get_by_role("link", name="Add filter").click()
        filters = page.get_by_role("dialog", name="Add filter")
        filters.get_by_label("Field").select_option("status")
        filters.get_by_label(value).check()
        filters.get_by_role("button", name="Show").click()
        filters.wait_for(state="detached")
        above.get_by_text(f"Status is {value}").wait_for()
    above.get_by_role("button", name="Remove filter: Status is Lost").click()
    above.get_by_text("Status is Lost").wait_for(state="detached")
    above.get_by_role("button", name="Save").click()
    above.wait_for(state="detached")
    assert page.get_by_role("combobox", name="Series *").input_value() == "Won"
    (made,) = window.company.work.records("forecast.series").find(())
    assert (made["measure"], made["conditions"]) == ("sum:base_amount", "status=won")


@pytest.mark.parametrize("window", ["desk"], indirect=True)
def test_lines_are_typed_one_after_another_without_leaving_the_keys(window: Window) -> None:
    work = window.company.work
    quote = work.records("orders.quote").create(
        {"name": "Offer", "account": work.records("customers.account").create({"name": "Huawei"})["id"]}
    )
    page = window.open(f"/orders/quotes/{quote['id']}/lines")
    for name, count in (("Cable", "3"), ("Setup", "1")):  # nothing is clicked: a sheet without lines begins at its first cell
        page.keyboard.type(name)
        while page.evaluate("document.activeElement.name") != "quantity":
            page.keyboard.press("Tab")
        page.keyboard.type(count)
        page.keyboard.press("Enter")
        assert page.evaluate("[document.activeElement.name, document.activeElement.value]") == ["named", ""], "the next line begins"
    assert page.locator("[name=named]").evaluate_all("cells => cells.map((cell) => cell.value)") == ["Cable", "Setup", ""]
    page.evaluate("window.onbeforeunload = null")


@pytest.mark.parametrize("window", ["desk"], indirect=True)
def test_who_asks_for_earlier_entries_goes_on_at_the_first_of_them(window: Window) -> None:
    work = window.company.work
    deal = id_of(work.records("pipeline.deal").create({"name": "Network"}))
    told = [Draft("create", {"about": f"pipeline.deal:{deal}", "body": f"Word {number}"}) for number in range(31)]
    work.records("teamwork.comment").write_all(told)
    page = window.open(f"/pipeline/deals/{deal}?tab=timeline")
    page.get_by_role("link", name="Show earlier").focus()
    page.keyboard.press("Enter")
    page.locator("#moments > .moment:nth-child(31) a:focus").wait_for()
