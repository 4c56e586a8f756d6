"""Journeys of a working day, at the desk and on the phone."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from sdk.context import id_of
from tests.browser.conftest import Window


def test_a_customer_is_added_with_a_contact_without_leaving_its_page(window: Window) -> None:
    page = window.open("/customers/accounts")
    page.get_by_role("link", name="New").first.click()
    page.get_by_label("Name").first.fill("Huawei")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("h1:has-text('Huawei')")
    page.get_by_role("link", name="Related", exact=True).click()
    page.get_by_role("region", name="Contacts").get_by_role("link", name="New").click()
    page.get_by_label("Name").first.fill("Ren")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("h1:has-text('Huawei')")
    assert page.get_by_role("region", name="Contacts").get_by_text("Ren").count()
    page.locator(".toast", has_text="Created.").get_by_role("link", name="Open").click()
    page.wait_for_selector("h1:has-text('Ren')")


def test_the_palette_finds_a_customer_by_some_letters_and_the_keyboard(window: Window) -> None:
    window.company.work.records("customers.account").create({"name": "Huawei"})
    page = window.open("/")
    page.keyboard.press("Control+k")
    page.get_by_role("option").first.wait_for()
    page.keyboard.type("huaw")
    composed = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true})"
    assert page.evaluate(f"document.activeElement.dispatchEvent({composed})"), "an input method takes its letters"
    page.keyboard.press("Enter")  # before the answer is there: it is of these words, and not of what stands there still
    page.wait_for_selector("h1:has-text('Huawei')")


def test_a_list_is_searched_as_one_types_and_its_address_says_so(window: Window) -> None:
    for name in ("Alpha", "Beta"):
        window.company.work.records("customers.account").create({"name": name})
    page = window.open("/customers/accounts")
    page.locator("#q").fill("alp")
    page.get_by_role("link", name="Beta").wait_for(state="detached")
    assert page.get_by_role("link", name="Alpha").count()
    page.wait_for_url("**q=alp*")


def test_what_is_typed_is_not_lost_by_leaving_and_a_refusal_keeps_it(window: Window) -> None:
    page = window.open("/customers/accounts/new")
    asked: list[str] = []
    window.hear("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_label("City").fill("Shenzhen")
    with page.expect_event("dialog"):
        page.evaluate("() => { location.href = '/console/' }")
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").first.wait_for()
    assert page.get_by_label("City").input_value() == "Shenzhen"
    window.open("/automation/webhooks/new")
    page.locator("#f-entity").select_option("customers.account")  # the form is drawn anew
    page.get_by_text("Only where").first.wait_for()
    with page.expect_event("dialog"):
        page.evaluate("() => { location.href = '/console/' }")
    assert asked == ["beforeunload"] * 2


def test_what_is_typed_is_there_again_when_the_session_had_ended_or_the_server_was_not_reached(window: Window) -> None:
    page = window.open("/customers/accounts/new")
    page.get_by_label("Name").first.fill("Huawei")
    page.get_by_label("Class").select_option(label="Key account")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("#password")
    window.enter("**/customers/accounts/new")
    page.locator("form .note", has_text="not saved").wait_for()
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("h1:has-text('Huawei')")
    (made,) = window.company.work.records("customers.account").find(())
    assert made["tier"] == "key"
    page.locator("#say-body").fill("They decide next week.")
    page.context.set_offline(True)
    page.locator("form:has(#say-body)").get_by_role("button", name="Save").click()
    page.wait_for_url("chrome-error:**")
    page.context.set_offline(False)
    page.go_back()
    expect(page.locator("#say-body")).to_have_value("They decide next week.")
    window.open("/customers/accounts/new")
    assert page.get_by_label("Name").first.input_value() == "", "once is enough"
    if page.viewport_size["width"] > 600:
        expect(page.get_by_label("Name").first).to_be_focused()


def test_what_was_typed_into_any_form_is_there_again_after_a_page_that_had_grown_old(window: Window) -> None:
    page = window.open("/admin/roles")
    page.locator("#role-name").fill("Sales desk")
    page.locator("#role-key").fill("desk")
    page.evaluate("document.querySelectorAll('main [name=csrf_token]').forEach((one) => (one.value = 'of the session before'))")
    page.get_by_role("button", name="Add role").click()
    page.wait_for_selector("h1:has-text('out of date')")
    page.locator("main .refused a").first.click()
    expect(page.locator("#role-name")).to_have_value("Sales desk")
    page.get_by_role("button", name="Add role").click()
    page.wait_for_selector("h1:has-text('Sales desk')")


def test_each_picker_of_a_page_takes_the_answer_to_its_own_question(window: Window) -> None:
    window.company.work.records("customers.account").create({"name": "Huawei"})
    page = window.open("/pipeline/deals/new")
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/pick/customers/accounts?q=", hold, times=1)
    first, second = page.get_by_role("combobox").nth(0), page.get_by_role("combobox").nth(1)
    with page.expect_request("**/pick/customers/accounts?q="):
        first.focus()
    with page.expect_response("**/pick/**"):
        second.focus()
    with page.expect_response("**/pick/customers/accounts?q="):
        held[0].continue_()
    expect(page.locator(".picker [role=listbox]").first.locator("[role=option]")).to_have_count(1)


def test_what_is_marked_in_a_list_stays_so_when_a_later_answer_draws_it_anew(window: Window) -> None:
    window.company.work.records("customers.account").create({"name": "Huawei"})
    page = window.open("/customers/contacts/new")
    page.get_by_label("Name").first.fill("Ren")
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/pick/customers/accounts?q=Huaw", hold, times=1)
    field = page.get_by_role("combobox", name="Account")
    field.focus()
    page.get_by_role("option", name="Huawei").wait_for()  # of the question for nothing: what comes after the held one is dropped
    with page.expect_request("**/pick/customers/accounts?q=Huaw"):
        field.fill("Huaw")
    page.get_by_role("option", name="Huawei").wait_for()
    field.press("ArrowDown")
    page.evaluate("document.querySelector('.picker [role=option]').id = 'old'")
    held[0].continue_()
    page.wait_for_selector("#old", state="detached")
    field.press("Enter")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("h1:has-text('Ren')")
    assert page.get_by_role("link", name="Huawei").count()


def test_a_linked_record_is_chosen_with_the_keyboard_faster_than_the_answer_comes(window: Window) -> None:
    for name in ("Huawei", "Alpha"):
        window.company.work.records("customers.account").create({"name": name})
    page = window.open("/customers/contacts/new")
    page.get_by_label("Name").first.fill("Ren")
    field = page.get_by_role("combobox", name="Account")
    field.focus()
    page.get_by_role("option", name="Alpha").wait_for()
    field.fill("Huaw")
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("Huawei")
    field.blur()
    field.focus()
    page.get_by_role("option", name="Alpha").wait_for()  # whoever comes to what is chosen may want another
    field.fill("Nordhavn")
    page.get_by_role("option", name="New account “Nordhavn”").wait_for()
    field.press("ArrowDown")
    field.press("Enter")
    form = page.get_by_role("dialog")
    expect(form.get_by_label("Name").first).to_have_value("Nordhavn")
    expect(form.get_by_role("button", name="Save")).to_be_in_viewport()
    form.get_by_role("button", name="Save").click()
    expect(field).to_have_value("Nordhavn")
    expect(form).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("h1:has-text('Ren')")
    assert page.get_by_role("link", name="Nordhavn").count()


def test_light_and_dark_and_the_language_are_switched_and_stay(window: Window) -> None:
    page = window.open("/customers/accounts")
    page.locator(".top details.drop summary").last.click()
    page.get_by_role("button", name="Light or dark theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    box = "document.body.appendChild(Object.assign(document.createElement('input'), {type: 'checkbox'}))"
    ground = "getComputedStyle(document.querySelector('.card')).backgroundColor"
    assert page.evaluate(f"getComputedStyle({box}).backgroundColor === {ground}"), "an empty box is not filled as if it could not be ticked"
    page.get_by_role("button", name="中文").click()
    page.wait_for_selector("h1:has-text('客户')")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_who_asks_for_less_motion_sees_the_other_theme_at_once(window: Window) -> None:
    page = window.open("/customers/accounts")
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).transitionDuration") == "0s", "each property would move"


def test_a_notice_rings_at_the_bell_and_leads_to_what_it_is_about(window: Window) -> None:
    company = window.company
    work = company.work
    (ann,) = (row for row in work.records("core.user").find(()) if row["email"] == company.email)
    work.records("teamwork.task").create({"subject": "Call them", "owner": ann["id"]})
    company.settle()
    page = window.open("/")
    done = page.get_by_role("button", name="Done: Call them")
    for pressed, by in (("true", done), ("false", page.get_by_role("button", name="Undo"))):
        by.press("Enter")
        expect(done).to_have_attribute("aria-pressed", pressed)
        expect(done).to_be_focused()
    bell = page.locator("details.bell summary")
    bell.click()
    sheet = page.locator("#news").bounding_box()
    assert sheet is not None and sheet["x"] >= 0 and sheet["x"] + sheet["width"] <= page.viewport_size["width"]
    page.locator("#news").get_by_text("Call them").click()
    page.wait_for_selector("h1:has-text('Call them')")
    done.press("Enter")
    expect(done).to_have_attribute("aria-pressed", "true")
    expect(done).to_be_focused()  # on the page as it is now


def test_on_the_phone_the_whole_menu_is_one_touch_away_and_nothing_is_wider_than_the_window(window: Window) -> None:
    work = window.company.work
    account = id_of(work.records("customers.account").create({"name": "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk"}))
    deal = id_of(work.records("pipeline.deal").create({"name": "Network", "account": account}))
    page = window.open("/customers/accounts")
    usual = page.viewport_size
    for width in (usual["width"], 320):
        page.set_viewport_size({**usual, "width": width})
        for path in ("/", "/customers/accounts", "/customers/accounts/new", "/all", "/teamwork/news", f"/pipeline/deals/{deal}"):
            window.open(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.set_viewport_size(usual)
    if page.viewport_size["width"] < 600:
        page.get_by_role("button", name="More").click()
    page.locator("#side").get_by_role("link", name="Deals").click()
    page.wait_for_selector("h1:has-text('Deals')")


def test_a_deal_goes_on_by_the_keyboard_and_where_its_stage_asks_for_something_it_is_asked_for(window: Window) -> None:
    work = window.company.work
    stages = sorted(
        (row for row in work.records("pipeline.stage").find(()) if row["type"] == "open"), key=lambda row: int(str(row["position"]))
    )
    work.records("pipeline.stage").update(id_of(stages[2]), {"required_fields": ["competitor"]})
    deal = id_of(work.records("pipeline.deal").create({"name": "Network"}))
    page = window.open("/pipeline/deals/board")
    card = page.locator(f"#card-{deal}")
    card.focus()
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/move" in answer.url):
        for key in ("Space", "ArrowRight", "Space"):
            page.keyboard.press(key)
    assert work.records("pipeline.deal").values([deal])[deal]["stage"] == stages[1]["id"]
    page.locator(f"[data-lane='{stages[1]['id']}'] #card-{deal}").focus()
    page.keyboard.press("Space")
    page.locator(f"[data-lane='{stages[2]['id']}'].needs .landing", has_text="Needs: Competitor").wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.get_by_role("dialog").get_by_role("link", name="Cancel").click()
    assert not page.locator(".landing").count(), "the card is down again"
    why = page.locator(f"[data-lane='{stages[1]['id']}'] #card-{deal} .why")
    assert "Needs: Competitor" in why.inner_text(), "it stays where it was tried, and says why until that is put away"
    why.get_by_role("button", name="Fill in and move").click()
    page.get_by_label("Competitor").fill("Nokia")
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/move" in answer.url):
        page.get_by_role("dialog").get_by_role("button", name="Save and move").click()
    assert work.records("pipeline.deal").values([deal])[deal]["stage"] == stages[2]["id"]
    other = id_of(work.records("pipeline.deal").create({"name": "Cable"}))
    window.open("/pipeline/deals/board").locator(f"#card-{other}").focus()
    for key in ("Space", *("ArrowRight" for _one in stages), "Space"):
        page.keyboard.press(key)
    page.locator("#toasts").get_by_text("Cable is now in Won.").wait_for()
    page.locator(f"#card-{other}").wait_for(state="detached")  # the board shows what is open
    assert page.evaluate("document.activeElement !== document.body")


def test_a_card_is_moved_on_while_its_first_move_is_still_under_way(window: Window) -> None:
    work = window.company.work
    stages = sorted(
        (row for row in work.records("pipeline.stage").find(()) if row["type"] == "open"), key=lambda row: int(str(row["position"]))
    )
    deal = id_of(work.records("pipeline.deal").create({"name": "Network"}))
    page = window.open("/pipeline/deals/board")
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/move?*", hold, times=1)
    page.locator(f"#card-{deal}").focus()
    with page.expect_request("**/move?*"):
        for key in ("Space", "ArrowRight", "Space", "Space", "ArrowRight", "Space"):
            page.keyboard.press(key)
    held[0].continue_()
    page.wait_for_selector(f"[data-lane='{stages[2]['id']}'] #card-{deal}:not(.waiting)")
    assert work.records("pipeline.deal").values([deal])[deal]["stage"] == stages[2]["id"]


def test_a_plugin_is_switched_off_by_who_administers_and_is_gone_at_the_next_page(window: Window) -> None:
    page = window.open("/admin/plugins")
    page.locator("#content").get_by_role("link", name="Forecast").first.click()
    page.get_by_role("link", name="Turn off").click()
    page.get_by_role("button", name="Turn off").click()
    window.open("/")
    assert page.locator("#side a", has_text="Deals").count() == 1
    assert page.locator("#side a", has_text="Forecast").count() == 0


def test_a_number_of_a_report_leads_to_its_records(window: Window) -> None:
    work = window.company.work
    won = next(row for row in work.records("pipeline.stage").find(()) if row["type"] == "won")
    work.records("pipeline.deal").create({"name": "Network", "stage": won["id"], "amount": {"amount": "500", "currency": "USD"}})
    page = window.open("/reports/reports")
    page.get_by_role("link", name="Won by month").first.click()
    page.get_by_role("table").wait_for()
    _prints(page, "main table .number")
    page.get_by_role("table").get_by_role("link").last.click()
    page.wait_for_selector("h1:has-text('Deals')")
    page.get_by_role("link", name="Network").click()
    page.wait_for_selector("h1:has-text('Network')")
    _prints(page, "#record .keyfacts dd")
    page = window.open("/reports/query?entity=pipeline.deal&measure=count")
    page.get_by_label("Grouped by 1").focus()
    for key in ("ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
        assert "by=" not in page.url, "an option that the keys pass is no choice"
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.locator("[aria-label='Grouped by 1']:focus").wait_for()
    assert "by=" in page.url
    page.locator("#a-field").focus()
    page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Tab")
    page.locator("#a-operator:focus").wait_for()


def _prints(page: Any, content: str) -> None:
    """On paper there is what the page says, black on white and no wider than the sheet, and nothing that one could press."""
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(content).first.is_visible()
    pressed = page.locator("#side, header.top, .thumb, .tabs, main .button, main form textarea").filter(visible=True)
    assert pressed.all_inner_texts() == []
    background, colour = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('main h1')).color]"
    )
    assert (background, colour) == ("rgb(255, 255, 255)", "rgb(0, 0, 0)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.emulate_media(media="screen", color_scheme="light")
