"""The GAN page under a hand: sheets scrubbed without a round trip, a sample looked at, a training that grows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from tests.browser.widgets import IDLE, choose, control, press, query

LIVE = "gan_iterations=2%E2%80%AF000&gan_seed=7"
LIT = """canvas => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]
         .some((value, i) => i % 4 === 0 && value > 200)"""


def opened(page: Page, url: str, query: str = "") -> Page:
    page.goto(f"{url}/gan?{query}")
    expect(page.get_by_role("heading", name="GAN", exact=True)).to_be_visible()
    page.wait_for_selector(IDLE)
    return page


def picture(page: Page) -> Locator:
    return page.locator(".scrubber").first


def sheets(page: Page) -> Locator:
    return picture(page).locator(".sheets .row canvas")


def lit(page: Page) -> None:
    """Wait until both sheets are drawn."""
    expect(sheets(page)).to_have_count(2)
    for canvas in sheets(page).all():
        page.wait_for_function(LIT, arg=canvas.element_handle())


def pixels(page: Page) -> list[str]:
    return [canvas.evaluate("canvas => canvas.toDataURL()") for canvas in sheets(page).all()]


def readout(page: Page) -> Locator:
    return picture(page).locator(".readout .now")


def test_two_sheets_stand_without_a_click_and_without_scrolling(server, page: Page) -> None:
    opened(page, server.url)
    lit(page)
    expect(readout(page)).to_have_text("Iteration 100\u202f000 of 100\u202f000")
    for words in ("BCE with logits", "Course notebook", "Digits drawn", "Variety"):
        expect(picture(page)).to_contain_text(words)
    assert picture(page).get_by_role("slider").bounding_box()["y"] < 690
    assert all(canvas.bounding_box()["width"] > 360 for canvas in sheets(page).all())


def test_scrubbing_asks_nothing_of_the_server_and_moves_everything(server, page: Page) -> None:
    sent = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda message: sent.append(message))

    page.on("websocket", listen)
    opened(page, server.url)
    lit(page)
    page.wait_for_timeout(1000)  # all sheets are decoded
    before, asked = pixels(page), len(sent)
    bars, marker = (picture(page).locator(name) for name in (".bars svg", ".curves svg"))
    said = bars.get_attribute("aria-label"), marker.get_attribute("aria-label")
    slider = picture(page).get_by_role("slider")
    times = slider.evaluate(
        """async slider => {
          const passes = []
          for (let pass = 0; pass < 3; pass++) {
            const started = performance.now()
            for (let i = 0; i <= 100; i++) {
              slider.value = i
              slider.dispatchEvent(new Event("input"))
              await new Promise(requestAnimationFrame)
            }
            passes.push((performance.now() - started) / 101)
          }
          return passes
        }"""
    )
    assert min(times) < 1000 / 30  # ms a picture; workers of the server may still be loading beside it
    page.keyboard.press("Escape")
    slider.evaluate("slider => { slider.value = 20; slider.dispatchEvent(new Event('input')) }")
    expect(readout(page)).to_have_text("Iteration 20\u202f000 of 100\u202f000")
    assert len(sent) == asked
    assert all(one != other for one, other in zip(before, pixels(page), strict=True))
    assert said[0] != bars.get_attribute("aria-label") and said[1] != marker.get_attribute("aria-label")
    slider.evaluate("slider => slider.dispatchEvent(new Event('change'))")
    page.wait_for_url(re.compile("gan_at=20000"))
    page.reload()
    expect(readout(page)).to_have_text("Iteration 20\u202f000 of 100\u202f000")


def test_keys_step_and_play(server, page: Page) -> None:
    opened(page, server.url)
    lit(page)
    picture(page).get_by_role("slider").focus()
    page.keyboard.press("Home")
    expect(readout(page)).to_have_text("Iteration 0 of 100\u202f000")
    page.keyboard.press("ArrowRight")
    expect(readout(page)).to_have_text("Iteration 1\u202f000 of 100\u202f000")
    page.keyboard.press(" ")
    expect(readout(page)).to_have_text(re.compile("Iteration (?!1\u202f)\\d+\u202f000 of"))
    page.keyboard.press(" ")
    expect(picture(page).locator(".play")).to_have_attribute("aria-label", "Play")


def test_a_click_on_a_sample_shows_it_large_with_its_nearest_training_images(server, page: Page) -> None:
    opened(page, server.url)
    lit(page)
    box = sheets(page).nth(1).bounding_box()
    place = box["x"] + 2.5 / 8 * box["width"], box["y"] + 1.5 / 8 * box["height"]
    page.mouse.move(*place)
    expect(picture(page).locator(".sheets .tip figure")).to_have_count(2)  # what A draws from the same z, too
    page.mouse.click(*place)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("B, Course notebook, after 100\u202f000 iterations: sample 10")
    expect(dialog.locator("figure")).to_have_count(16)
    control(page, "gan_walk_from").get_by_role("button").click()
    expect(dialog).to_have_count(0)
    expect(control(page, "gan_from").locator("input")).to_have_value("10")
    expect(page.get_by_text("along the sphere (slerp)").first).to_be_visible()


def test_a_training_takes_the_place_of_the_recorded_picture(server, page: Page) -> None:
    opened(page, server.url, "gan_iterations=2%E2%80%AF000")
    lit(page)
    place = page.locator(".st-key-stage_gan")
    height = place.bounding_box()["height"]
    press(page, "gan_train")
    expect(page.get_by_text(re.compile(r"A: training \d+"))).to_be_visible()
    expect(page.locator(".scrubber").locator("visible=true")).to_have_count(1)
    assert abs(place.bounding_box()["height"] - height) < 40
    press(page, "gan_stop")
    expect(page.get_by_text(re.compile("A: Stopped by its viewer"))).to_be_visible()
    expect(page.locator(".scrubber").locator("visible=true")).to_have_count(1)


def test_a_training_grows_and_can_be_stopped(server, page: Page) -> None:
    opened(page, server.url, LIVE)
    expect(page.get_by_text("Nothing is recorded with these settings yet")).to_be_visible()
    press(page, "gan_train")
    lit(page)
    expect(readout(page)).to_have_text(re.compile(r"Iteration (\d{3}|1\u202f\d{3}) of \1$"), timeout=60_000)
    press(page, "gan_stop")
    expect(page.get_by_text(re.compile("A: Stopped by its viewer"))).to_be_visible()
    page.wait_for_selector(IDLE)
    lit(page)


def test_a_setting_goes_into_the_link_and_comes_back_from_it(server, page: Page) -> None:
    opened(page, server.url)
    choose(page, "gan_b", "Least squares")
    page.wait_for_url(re.compile("gan_b=Least"))
    assert query(page) == {"gan_b": ["Least squares"]}
    lit(page)
    page.reload()
    expect(picture(page)).to_contain_text("Least squares")
    expect(picture(page)).to_contain_text("after 20\u202f000")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(server, phone: Page, scheme: str) -> None:
    phone.emulate_media(color_scheme=scheme)
    opened(phone, server.url)
    lit(phone)
    main = phone.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth - element.clientWidth") <= 1
