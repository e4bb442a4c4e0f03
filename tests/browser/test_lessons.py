"""A lecture from the keyboard alone: every lesson to its end, presentation, and the keys of every page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from pages._shared import lessons
from tests.browser.widgets import IDLE, choose, control, unfold


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    expect(page.locator(".stMain h1").first).to_be_visible()
    expect(page.get_by_role("button", name="Keys and presentation")).to_be_visible()
    page.wait_for_selector(IDLE)
    return page


@pytest.mark.parametrize("name", lessons.lessons())
def test_a_lesson_is_walked_by_keys(server, page: Page, name: str) -> None:
    lesson = lessons.lessons()[name]
    opened(page, f"{server.url}/{lesson.steps[0].page}?lesson={name}&step=1")
    for number, step in enumerate(lesson.steps, start=1):
        page.wait_for_url(re.compile(f"/{step.page}\\?.*lesson={name}&step={number}$"))
        if step.question:
            expect(page.locator(".st-key-lesson_question h3")).to_have_text(step.question.text)
            page.keyboard.press(str(step.question.right + 1))
            expect(page.locator(".st-key-lesson_bar")).to_contain_text(": right.")
        expect(page.locator(".st-key-lesson_bar")).to_contain_text(f"{number} of {len(lesson.steps)}")
        assert page.get_by_test_id("stException").count() == 0
        page.wait_for_selector(IDLE)
        if step.below:
            expect(page.locator('[class*="_tab "], [class$="_tab"]').first).to_be_in_viewport()
        page.keyboard.press("PageDown" if number % 2 else "n")
    page.keyboard.press("b")
    page.wait_for_url(re.compile(f"step={len(lesson.steps) - 1}$"))


def test_a_question_hides_the_picture_until_it_is_answered(server, page: Page) -> None:
    opened(page, f"{server.url}/classifier?lesson=a-fair-fight&step=1")
    blurred = "() => [...document.querySelectorAll('.stMain *')].some(e => getComputedStyle(e).filter.includes('blur'))"
    page.wait_for_function(blurred)
    page.get_by_role("button", name="About 10 points").click()
    expect(page.locator(".st-key-lesson_bar")).to_contain_text("You bet “About 10 points”")
    assert not page.evaluate(blurred)


def test_a_step_moves_a_picture_back_to_where_its_link_says(server, page: Page) -> None:
    opened(page, f"{server.url}/adversarial?lesson=nine-out-of-nothing&step=1")
    page.keyboard.press("3")
    now = page.locator(".attack .now")
    expect(now).to_have_text("Step 0 of 5")
    page.keyboard.press("ArrowRight")
    expect(now).to_have_text("Step 1 of 5")
    page.wait_for_url("**adv_step=1*")
    page.keyboard.press("n")
    expect(now).to_have_text("Step 5 of 5")


def test_keys_for_every_page(server, page: Page) -> None:
    opened(page, f"{server.url}/classifier")
    now = page.locator(".scrubber .now").first
    expect(now).to_have_text("Epoch 5 of 5")
    page.keyboard.press("ArrowLeft")
    expect(now).to_have_text("Epoch 4 of 5")
    page.keyboard.press("x")  # at once, before Python has heard of the epoch
    expect(control(page, "clf_a_optimizer").get_by_role("combobox")).to_have_value("Adam")
    expect(control(page, "clf_b_optimizer").get_by_role("combobox")).to_have_value("SGD")
    page.wait_for_url("**clf_a_optimizer=Adam*")
    page.wait_for_url("**clf_epoch=4*")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys and presentation")
    expect(dialog).to_be_visible()
    page.keyboard.press("h")  # not while the list is open
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(control(page, "clf_a_optimizer")).to_be_visible()


def test_a_bet_is_placed_by_a_key(server, page: Page) -> None:
    opened(page, f"{server.url}/gan?lesson=same-loss-different-digits&step=3")
    expect(control(page, "gan_bet").get_by_role("radio")).to_have_count(3)
    page.keyboard.press("2")
    expect(page.get_by_text("Right.", exact=True)).to_be_visible()
    page.wait_for_url("**gan_bet=Equal+at+first*")


@pytest.mark.parametrize("way", ["chosen", "left"])
def test_a_list_that_is_closed_hears_no_more_keys(server, page: Page, way: str) -> None:
    opened(page, f"{server.url}/gan")
    if way == "chosen":
        choose(page, "gan_curve", "Share of 1s")
    else:
        unfold(page, "gan_curve")
        page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.role !== 'combobox'")
    page.keyboard.press("f")
    expect(page.get_by_test_id("stHeader")).to_be_hidden()


def test_presentation_and_hidden_controls_last_from_page_to_page(server, page: Page) -> None:
    opened(page, f"{server.url}/gan")
    menu, differs = page.get_by_test_id("stHeader"), page.locator(".st-key-controls").get_by_text("differs:")
    controls = page.locator(".st-key-controls label")
    size = page.locator(".stMain h1").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    page.keyboard.press("f")
    expect(menu).to_be_hidden()
    assert page.locator(".stMain h1").evaluate("e => parseFloat(getComputedStyle(e).fontSize)") > 1.1 * size
    page.keyboard.press("h")
    expect(controls.first).to_be_hidden()
    expect(differs).to_be_visible()  # the hall still needs to know what it compares
    opened(page, f"{server.url}/adversarial")
    expect(menu).to_be_hidden()
    expect(controls.first).to_be_hidden()
    expect(differs).to_be_visible()
    page.keyboard.press("f")
    page.keyboard.press("h")
    expect(menu).to_be_visible()
    expect(controls.first).to_be_visible()


def test_presentation_of_a_lesson_gives_the_picture_its_room(server, page: Page) -> None:
    opened(page, f"{server.url}/classifier?lesson=a-fair-fight&step=1")
    page.keyboard.press("f")
    expect(page.locator(".st-key-controls label").first).to_be_hidden()  # the step has chosen what they say
    page.keyboard.press("2")
    expect(page.locator(".st-key-lesson_bar")).to_be_visible()
    ends = """() => {
      const end = name => document.querySelector(name).getBoundingClientRect()
      return end(".st-key-stage_classifier").bottom <= end(".st-key-lesson_bar").top
    }"""
    page.wait_for_function(ends)  # of the picture with its slider
    page.keyboard.press("f")
    expect(page.locator(".st-key-controls label").first).to_be_visible()


def test_a_key_typed_into_a_field_is_a_letter(server, page: Page) -> None:
    opened(page, f"{server.url}/char_rnn?rnn_speed=at+once")
    field = control(page, "rnn_prime").locator("input")
    field.fill("")
    field.press_sequentially("fh x?")
    expect(field).to_have_value("fh x?")
    expect(page.get_by_test_id("stHeader")).to_be_visible()
    expect(page.locator(".st-key-controls")).to_be_visible()


def test_a_lesson_is_found_in_the_menu_and_left_by_its_end(server, page: Page) -> None:
    opened(page, f"{server.url}/gan")
    page.get_by_role("button", name="Lessons").click()
    page.get_by_role("link", name="Temperature").click()
    page.wait_for_url("**/char_rnn?*lesson=temperature&step=1")
    page.get_by_role("button", name="End").click()
    expect(page.locator(".st-key-lesson_bar")).to_have_count(0)
    assert "lesson" not in page.url
