"""The adversarial page under a hand: targets and steps dragged, keys, maps, a drawing, small screens."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from tests.browser.widgets import IDLE, control, query

EACH = """element => {  // ms that a picture takes when the target or the step is dragged
  const [target, step] = ["target", "step"].map(name => element.querySelector(`input.${name}`))
  const begun = performance.now()
  for (let i = 0; i < 100; i++) {
    const slider = i % 2 ? target : step
    slider.value = i % (Number(slider.max) + 1)
    slider.dispatchEvent(new Event("input", { bubbles: true }))
  }
  return (performance.now() - begun) / 100
}"""


def opened(page: Page, url: str, query: str = "") -> Page:
    page.goto(f"{url}/adversarial?{query}")
    expect(page.get_by_role("heading", name="Adversarial", exact=True)).to_be_visible()
    expect(verdict(page, "A")).to_contain_text("%")
    page.wait_for_selector(IDLE)
    return page


def verdict(page: Page, side: str) -> Locator:
    return page.locator(f".side[data-side={side}] .verdict")


def says(page: Page, side: str, name: str) -> None:
    expect(verdict(page, side)).to_have_text(re.compile(rf"^{name}, \d"))


def pixels(page: Page, name: str, side: str = "A") -> list[int]:
    return page.locator(f".side[data-side={side}] canvas.{name}").evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    )


@pytest.fixture
def sent(page: Page) -> list[str | bytes]:
    """Messages from the browser to the server, from the first on."""
    messages = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda message: messages.append(message))

    page.on("websocket", listen)
    return messages


def test_the_four_is_a_nine_without_a_click_and_without_scrolling(server, page: Page) -> None:
    opened(page, server.url)
    says(page, "A", "9")
    says(page, "B", "4")
    expect(verdict(page, "A")).to_have_class(re.compile("hit"))
    expect(page.locator(".caption")).to_have_text("test image 4, digit 4")
    expect(page.locator(".readout .now")).to_have_text("Step 5 of 5")
    assert page.locator(".attack .controls").bounding_box()["y"] + 56 < 700
    for canvas in page.locator(".attack canvas.map, .attack canvas.seen").all():
        box = canvas.bounding_box()
        assert min(box["width"], box["height"]) >= 140
        assert canvas.evaluate("c => getComputedStyle(c).imageRendering") == "pixelated"
    assert query(page) == {}


def test_a_dragged_target_turns_the_digit_at_once_and_is_told_when_let_go(server, page: Page, sent) -> None:
    opened(page, server.url, "adv_epsilon=0.3&adv_tab=Source")
    before, picture = len(sent), pixels(page, "seen")
    slider = page.locator("input.target")
    box = slider.bounding_box()
    y = box["y"] + box["height"] / 2

    def x(target: int) -> float:  # the thumb is 20 px broad
        return box["x"] + 10 + (box["width"] - 20) * target / 10

    page.mouse.move(x(9), y)
    page.mouse.down()
    for target in (3, 2, 8):
        page.mouse.move(x(target), y, steps=4)
        says(page, "A", str(target))
        says(page, "B", "4")
    assert pixels(page, "seen") != picture
    page.wait_for_timeout(400)
    assert len(sent) == before
    page.mouse.up()
    page.wait_for_url(re.compile("adv_target=8"))
    page.wait_for_selector(IDLE)
    assert len(sent) == before + 1
    page.reload()
    says(page, "A", "8")


def test_thirty_pictures_a_second_are_drawn_without_the_server(server, page: Page, sent) -> None:
    opened(page, server.url, "adv_steps=20&adv_tab=Source")
    before = len(sent)
    assert page.locator(".attack").evaluate(EACH) < 1000 / 30
    assert len(sent) == before


def test_keys_choose_the_target_and_the_step(server, page: Page) -> None:
    opened(page, server.url, "adv_epsilon=0.3")
    page.locator(".side[data-side=A] canvas.seen").click()
    page.keyboard.press("2")
    says(page, "A", "2")
    page.keyboard.press("ArrowUp")
    says(page, "A", "3")
    page.keyboard.press("Home")
    expect(page.locator(".readout .now")).to_have_text("Step 0 of 5")
    says(page, "A", "4")
    page.keyboard.press(" ")  # plays to the end
    expect(page.locator(".readout .now")).to_have_text("Step 5 of 5")
    says(page, "A", "3")
    page.wait_for_url(re.compile("adv_target=3"))
    page.locator("input.target").focus()
    page.keyboard.press("End")
    expect(page.locator(".side[data-side=A] .about")).to_contain_text("no longer 4 after step")


def test_maps_have_one_scale_unless_told_otherwise(server, page: Page) -> None:
    opened(page, server.url, "adv_target=other")
    ends = page.locator(".ends span")
    expect(ends.last).to_have_text("+0.2")
    perturbation = pixels(page, "map")
    page.get_by_role("button", name="Gradient", exact=True).click()
    expect(ends.last).to_contain_text("≥ +")
    common = pixels(page, "map")
    expect(page.locator(".side[data-side=B] .tag")).to_be_visible()  # no gradient was followed at random
    page.get_by_label("each map on its own scale").check()
    expect(page.locator(".told")).to_contain_text("As in the course")
    assert len({str(values) for values in (perturbation, common, pixels(page, "map"))}) == 3
    page.get_by_role("button", name="Sign", exact=True).click()
    sign = pixels(page, "map")
    colours = {tuple(sign[i : i + 3]) for i in range(0, len(sign), 4)}
    assert colours <= {(199, 80, 0), (31, 97, 158), (255, 255, 255)} and len(colours) >= 2
    page.wait_for_url(re.compile("adv_map=Sign"))
    page.reload()
    expect(page.get_by_role("button", name="Sign", exact=True)).to_have_attribute("aria-pressed", "true")


def test_a_drawing_takes_the_place_of_the_test_image(server, page: Page) -> None:
    opened(page, server.url, "adv_start=Drawing")
    expect(page.get_by_text("until then this is test image 4")).to_be_visible()
    page.get_by_role("button", name="Draw", exact=True).click()
    pad = page.locator(".pad canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.15 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.85 * box["height"], steps=6)
    page.mouse.up()
    expect(page.locator(".caption")).to_have_text("your drawing")
    page.wait_for_url(re.compile("adv_drawing="))
    page.keyboard.press("Escape")
    before = pixels(page, "seen")
    page.reload()
    expect(page.locator(".caption")).to_have_text("your drawing")
    page.wait_for_selector(IDLE)
    assert pixels(page, "seen") == before


def test_a_setting_goes_into_the_link_and_the_place_stays(server, page: Page) -> None:
    opened(page, server.url, "adv_target=2&adv_step=1&adv_tab=Source")
    field = control(page, "adv_number").locator("input")
    field.fill("1")
    field.press("Enter")
    expect(page.locator(".caption")).to_have_text(re.compile(r"test image \d+, digit 4"))
    expect(page.locator(".caption")).not_to_have_text("test image 4, digit 4")
    page.wait_for_selector(IDLE)
    assert query(page) == {"adv_target": ["2"], "adv_step": ["1"], "adv_tab": ["Source"], "adv_number": ["1"]}
    expect(page.locator(".readout .now")).to_have_text("Step 1 of 5")
    expect(page.locator("input.target")).to_have_js_property("value", "2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(server, phone: Page, scheme: str) -> None:
    phone.emulate_media(color_scheme=scheme)
    opened(phone, server.url)
    box = phone.locator(".side[data-side=A] canvas.seen").bounding_box()
    assert box["width"] >= 140
    phone.locator(".ticks span").nth(3).tap()
    expect(phone.locator("input.target")).to_have_js_property("value", "3")
    main = phone.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth - element.clientWidth") <= 1
