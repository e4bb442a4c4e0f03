"""The embeddings page under a hand: one brush for all maps, neighbours, epochs without a round trip, a digit drawn."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.browser.widgets import IDLE, choose, control, query

SMALL = "emb_points=500&emb_iterations=250"


def opened(page: Page, url: str, query: str = "", recorded: bool = True) -> Page:
    page.goto(f"{url}/embeddings?{query}")
    expect(page.get_by_role("heading", name="Embeddings", exact=True)).to_be_visible()
    page.wait_for_selector(IDLE)
    expect(maps(page)).to_have_count(4 if recorded else 0)
    return page


def maps(page: Page):
    return page.locator(".scrubber").first.locator(".map canvas")


def pixels(page: Page) -> list[str]:
    return [canvas.evaluate("canvas => canvas.toDataURL()") for canvas in maps(page).all()]


def brush(page: Page, number: int, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over a map; the corners are shares of its width and height."""
    box = maps(page).nth(number).bounding_box()
    corners = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in (start, end)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    page.mouse.move(*corners[1], steps=5)
    page.mouse.up()


def test_four_maps_stand_without_a_click(server, page: Page) -> None:
    opened(page, server.url)
    expect(maps(page)).to_have_count(4)
    picture = page.locator(".scrubber").first
    for words in ("untrained", "after epoch 10", "kNN", "Epoch 10 of 10", "Drag over points"):
        expect(picture).to_contain_text(words)
    assert picture.get_by_role("slider").bounding_box()["y"] < 720  # without scrolling


def test_a_selection_in_one_map_reaches_the_others_and_becomes_a_sheet(server, page: Page) -> None:
    opened(page, server.url)
    before = pixels(page)
    brush(page, 3, (0.02, 0.02), (0.98, 0.45))
    expect(page.locator(".below .head")).to_contain_text(re.compile(r"\d+ selected, B’s least certain first"))
    assert page.locator(".thumb").count() > 50
    after = pixels(page)
    assert all(one != other for one, other in zip(before, after, strict=True))
    page.locator(".thumb").first.click()
    expect(page.locator(".below")).to_contain_text("Nearest in the original space (B, after epoch 10)")
    expect(page.locator(".below")).to_contain_text("Nearest in this t-SNE map")
    assert page.locator(".neighbours .thumb").count() == 16
    page.keyboard.press("Escape")
    expect(page.locator(".below")).to_contain_text("Drag over points")
    page.mouse.move(5, 5)
    assert pixels(page) == before


def test_an_empty_brush_says_so(server, page: Page) -> None:
    opened(page, server.url)
    brush(page, 3, (0.02, 0.02), (0.06, 0.06))
    expect(page.locator(".below")).to_contain_text("No image is in there")


def test_the_certainties_of_the_sheet_rise(server, page: Page) -> None:
    opened(page, server.url)
    brush(page, 2, (0.02, 0.02), (0.98, 0.98))
    titles = [thumb.get_attribute("title") for thumb in page.locator(".thumb").all()[:100]]
    sure = [int(re.search(r"B says \S+, (\d+)", title).group(1)) for title in titles]
    assert sure == sorted(sure) and sure[0] < 60


def test_the_legend_hides_a_class(server, page: Page) -> None:
    opened(page, server.url)
    before = pixels(page)
    page.locator(".legend .class").first.click()
    expect(page.locator(".legend .class").first).to_have_attribute("aria-pressed", "false")
    assert all(one != other for one, other in zip(before, pixels(page), strict=True))
    page.locator(".legend .class").first.click()
    page.mouse.move(5, 5)
    assert pixels(page) == before


def test_hovering_shows_the_digit_and_what_the_networks_say(server, page: Page) -> None:
    opened(page, server.url)
    box = maps(page).nth(2).bounding_box()
    for share in (0.5, 0.45, 0.4, 0.35, 0.3):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"])
    expect(page.locator(".tip")).to_contain_text(re.compile(r"Image \d+: \d"))
    expect(page.locator(".tip")).to_contain_text(re.compile(r"B says \d, \d+"))
    assert page.locator(".tip .digit").bounding_box()["width"] >= 100


def test_scrubbing_through_the_epochs_asks_nothing_of_the_server(server, page: Page) -> None:
    sent = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda message: sent.append(message))

    page.on("websocket", listen)
    opened(page, server.url)
    before, asked = pixels(page), len(sent)
    slider = page.locator(".scrubber").first.get_by_role("slider")
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 10, middle)
    page.mouse.down()
    for share in (0.8, 0.6, 0.4, 0.2, 0.0):
        page.mouse.move(box["x"] + 10 + share * (box["width"] - 20), middle, steps=3)
        page.wait_for_timeout(100)
    expect(page.locator(".scrubber").first).to_contain_text("Epoch 0 of 10")
    page.wait_for_timeout(400)
    assert len(sent) == asked
    after = pixels(page)
    assert before[:2] == after[:2] and before[2] != after[2] and before[3] != after[3]
    page.mouse.up()
    page.wait_for_url(re.compile("emb_frame=0"))
    page.reload()
    expect(page.locator(".scrubber").first).to_contain_text("Epoch 0 of 10")


def test_tsne_unfolds_live_and_can_be_scrubbed_afterwards(server, page: Page) -> None:
    opened(page, server.url, SMALL + "&emb_scrub=Unfolding", recorded=False)
    expect(page.get_by_text("Nothing is laid out with these settings yet")).to_be_visible()
    page.get_by_role("button", name="Unfold", exact=True).first.click()
    expect(page.get_by_text(re.compile("B t-SNE: (laying out|done)"))).to_be_visible()
    now = page.locator(".scrubber .now").first
    expect(now).to_have_text("Iteration 250 of 250")
    page.wait_for_selector(IDLE)
    before = pixels(page)
    page.locator(".scrubber").first.get_by_role("slider").focus()
    page.keyboard.press("Home")
    expect(now).to_have_text("Iteration 0 of 250")
    page.wait_for_timeout(400)
    assert pixels(page)[3] != before[3]
    page.keyboard.press("End")
    expect(now).to_have_text("Iteration 250 of 250")
    page.wait_for_url(re.compile("^(?!.*emb_frame)"))
    for _ in range(2):  # recorded by now: it plays at once, as often as it is asked to
        page.get_by_role("button", name="Unfold", exact=True).first.click()
        expect(now).to_have_text(re.compile(r"Iteration ([1-9]|1\d|2[0-4])0 of 250"))
        expect(now).to_have_text("Iteration 250 of 250")


def test_a_digit_of_ones_own_lands_on_the_maps(server, page: Page) -> None:
    opened(page, server.url, "emb_tab=Your+digit")
    pad = control(page, "emb_pad").locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.8 * box["height"], steps=8)
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"B says 1"))).to_be_visible()
    expect(page.get_by_text("The cross is your image")).to_be_visible()


def test_is_this_real_draws_twelve_maps(server, page: Page) -> None:
    opened(page, server.url, "emb_tab=Is+this+real%3F")
    expect(page.locator(".map canvas")).to_have_count(4 + 12)
    expect(page.get_by_text("pure chance").first).to_be_visible()


def test_a_setting_goes_into_the_link_and_comes_back_from_it(server, page: Page) -> None:
    opened(page, server.url)
    choose(page, "emb_perplexity", "5")
    page.wait_for_url(re.compile("emb_perplexity=5"))
    assert query(page) == {"emb_perplexity": ["5"]}
    page.reload()
    expect(page.get_by_text("perplexity 5")).to_be_visible()
    expect(maps(page)).to_have_count(4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(server, phone: Page, scheme: str) -> None:
    phone.emulate_media(color_scheme=scheme)
    opened(phone, server.url)
    expect(maps(phone)).to_have_count(4)
    main = phone.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth - element.clientWidth") <= 1
