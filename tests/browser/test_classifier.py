"""The classifier page as a viewer meets it: replay, scrubbing, live training, clicks, small screens."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import IDLE, choose, control, press, query

QUICK = "clf_data=MNIST&clf_images=5%E2%80%AF000"


def opened(page: Page, url: str, query: str = "") -> Page:
    page.goto(f"{url}/classifier?{query}")
    expect(page.get_by_role("heading", name="Classifier", exact=True)).to_be_visible()
    page.wait_for_selector(IDLE)
    return page


def test_the_replay_stands_without_a_click_and_follows_the_slider(server, page: Page) -> None:
    opened(page, server.url)
    picture = page.locator(".scrubber")
    expect(picture).to_contain_text("Epoch 5 of 5")
    expect(picture).to_contain_text("A · SGD")
    expect(picture).to_contain_text("course 60.45")
    expect(picture).to_contain_text("of 8 right")
    picture.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    expect(picture).to_contain_text("Epoch 4 of 5")
    page.wait_for_url(re.compile("clf_epoch=4"))
    page.reload()
    expect(picture).to_contain_text("Epoch 4 of 5")
    page.keyboard.press("End")


def test_a_setting_goes_into_the_link_and_comes_back_from_it(server, page: Page) -> None:
    opened(page, server.url)
    choose(page, "clf_b_activation", "Tanh")
    choose(page, "clf_a_optimizer", "Adam")
    page.wait_for_url(re.compile("clf_a_optimizer=Adam"))
    assert query(page) == {"clf_b_activation": ["Tanh"], "clf_a_optimizer": ["Adam"]}
    expect(page.get_by_text("differs: activation")).to_be_visible()
    page.reload()
    expect(control(page, "clf_b_activation").get_by_role("combobox")).to_have_value("Tanh")
    expect(page.locator(".scrubber")).to_contain_text("course 52.94")


def test_train_live_shows_points_and_stops_when_told(server, page: Page) -> None:
    opened(page, server.url, "clf_data=MNIST&clf_epochs=20&clf_seed=7")
    expect(page.get_by_text("Nothing is recorded with these settings yet")).to_be_visible()
    press(page, "clf_train")
    expect(page.get_by_text(re.compile(r"A: training \d+.*left.*B: training \d+.*left"))).to_be_visible()
    assert page.get_by_text("Epoch 20 of 20").count() == 0
    started = time.monotonic()
    press(page, "clf_stop")
    expect(page.get_by_text(re.compile("A: Stopped by its viewer"))).to_be_visible()
    assert time.monotonic() - started < 8  # 1 s on an idle machine
    expect(control(page, "clf_train").get_by_role("button").first).to_be_enabled()


def test_no_click_is_lost_while_a_live_chart_runs(server, page: Page) -> None:
    """A page that follows a training with a timer loses about one click in a hundred; this one must lose none."""
    opened(page, server.url, "clf_data=MNIST&clf_epochs=50&clf_seed=8")
    press(page, "clf_train")
    expect(page.get_by_text(re.compile(r"A: training \d+"))).to_be_visible()
    shows = {
        "Numbers": "Chart data (CSV)",
        "Source": "The training loop that ran",
        "How it works": "The idea.",
        "Fair fight": "No sweep over learning rates is recorded",
    }
    for name, content in [*shows.items()] * 6:
        control(page, "clf_tab").get_by_text(name, exact=True).click()
        expect(page.get_by_text(content)).to_be_visible()  # the answer came from the server
    press(page, "clf_stop")
    expect(page.get_by_text(re.compile("Stopped by its viewer")).first).to_be_visible()


def test_a_second_viewer_watches_the_same_training_and_cannot_stop_it(server, page: Page) -> None:
    setting = "clf_data=MNIST&clf_epochs=40&clf_seed=9"
    opened(page, server.url, setting)
    press(page, "clf_train")
    expect(page.get_by_text(re.compile(r"A: training \d+"))).to_be_visible()
    other = page.context.new_page()
    opened_while_running = f"{server.url}/classifier?{setting}"
    other.goto(opened_while_running)
    expect(other.get_by_text(re.compile(r"A: training \d+"))).to_be_visible()
    expect(control(other, "clf_stop").get_by_role("button").first).to_be_disabled()
    press(page, "clf_stop")
    expect(other.get_by_text(re.compile("Stopped by its viewer")).first).to_be_visible()


def test_a_click_on_a_cell_shows_its_images(server, page: Page) -> None:
    opened(page, server.url, "clf_data=MNIST&clf_tab=Confusion")
    expect(page.get_by_text("The most certain mistakes of B")).to_be_visible()
    chart = page.get_by_test_id("stVegaLiteChart").last
    chart.scroll_into_view_if_needed()
    chart.locator(".mark-text text").first.click()  # a number lies over its cell
    expect(page.get_by_text(re.compile(r"\d that B calls \d, the most certain first"))).to_be_visible()


def test_a_drawing_is_judged_by_both_networks(server, page: Page) -> None:
    opened(page, server.url, "clf_data=MNIST&clf_tab=Look+inside&clf_source=Draw")
    expect(page.get_by_text("Draw a digit to see what both networks make of it.")).to_be_visible()
    pad = control(page, "clf_pad").locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.8 * box["height"], steps=8)
    page.mouse.up()
    expect(page.get_by_text("What the networks say")).to_be_visible()
    expect(page.get_by_text("A · convolution 3, 72 maps")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(server, phone: Page, scheme: str) -> None:
    phone.emulate_media(color_scheme=scheme)
    opened(phone, server.url)
    expect(phone.locator(".scrubber")).to_contain_text("Epoch 5 of 5")
    main = phone.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth - element.clientWidth") <= 1
