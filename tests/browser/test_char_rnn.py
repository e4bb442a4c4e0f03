"""The char-RNN page under a hand: text that comes letter by letter, bars under the pointer, a temperature moved."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from tests.browser.widgets import IDLE, choose, control, query

TINY = ("rnn_tab=Your+text&rnn_t_layers=1&rnn_t_hidden=8&rnn_t_iterations=50&rnn_t_chunk=10&rnn_t_batch=2"
        "&rnn_length=50")  # fmt: skip


def opened(page: Page, url: str, query: str = "") -> Page:
    page.goto(f"{url}/char_rnn?{query}")
    expect(page.get_by_role("heading", name="Char-RNN", exact=True)).to_be_visible()
    expect(page.locator(".take").first).to_be_visible()
    page.wait_for_selector(IDLE)
    return page


def box(page: Page, number: int = 0) -> Locator:
    return page.locator(".take .text").nth(number)


def written(page: Page, number: int = 0) -> str:
    """What can be read of a text now, the prime included."""
    seen = "[...element.children].filter(span => !span.classList.contains('ahead'))"
    return box(page, number).evaluate(f"element => {seen}.map(span => span.textContent).join('')")


def enter(page: Page, prime: str) -> None:
    field = control(page, "rnn_prime").locator("input")
    field.fill(prime)
    field.press("Enter")


def readout(page: Page) -> Locator:
    return page.locator(".readout .now")


def moments(page: Page) -> list[str]:
    """The texts at short intervals."""
    found = []
    for _ in range(6):
        found.append(written(page))
        page.wait_for_timeout(60)
    return found


def test_two_texts_stand_without_a_click_and_without_scrolling(server, page: Page) -> None:
    opened(page, server.url)
    expect(readout(page)).to_have_text("Character 200 of 200")
    assert written(page, 0).startswith("The") and written(page, 1).startswith("The")
    assert written(page, 0) != written(page, 1)
    assert page.locator(".text .given").count() == 6
    expect(page.locator(".said").first).to_contain_text("after “The” it wrote")
    expect(page.locator(".said").first).to_contain_text(re.compile(r"p \d.* · surprise [\d.]+ bits · entropy"))
    assert page.locator(".controls").bounding_box()["y"] + 48 < 700


def test_hovering_shows_the_distribution_there_and_asks_nothing_of_the_server(server, page: Page) -> None:
    sent = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda message: sent.append(message))

    page.on("websocket", listen)
    opened(page, server.url)
    asked, text = len(sent), written(page)
    box(page).locator("span").nth(20).hover()
    expect(page.locator(".said code").nth(1)).to_have_text(text[20].replace(" ", "␣").replace("\n", "↵"))
    shares = page.locator(".take").first.locator(".bar:not(.more) .before").evaluate_all(
        "bars => bars.map(bar => parseFloat(bar.style.height))")  # fmt: skip
    assert len(shares) == 10 and shares == sorted(shares, reverse=True) and 10 < sum(shares) <= 100.1
    drawn = page.locator(".take").first.locator(".bar.drawn:visible")
    expect(drawn).to_have_count(1)
    assert len(sent) == asked


def test_a_click_pins_a_character_and_keys_move_on_from_there(server, page: Page) -> None:
    opened(page, server.url)
    text = written(page)
    box(page).locator("span").nth(30).click()
    page.mouse.move(5, 5)
    expect(box(page).locator(".chosen")).to_have_text(text[30].strip("\n"))
    box(page).press("ArrowRight")
    quoted = text[31 - 20 : 31].replace(" ", "␣").replace("\n", "↵")
    expect(page.locator(".said code").first).to_have_text(f"“…{quoted}”")
    box(page).press("Escape")
    expect(page.locator(".said code").first).to_contain_text("…")


def test_a_prime_is_written_on_letter_by_letter_and_stops_when_told(server, page: Page) -> None:
    opened(page, server.url)
    enter(page, "What is")
    expect(readout(page)).to_have_text(re.compile(r"Character [1-9]\d? of 200"))
    found = moments(page)
    assert all(text.startswith("What is") for text in found)
    assert all(len(one) <= len(other) for one, other in pairwise(found))
    assert len(found[0]) < len(found[-1]) < 207
    page.locator(".play").click()
    stopped = written(page)
    page.wait_for_timeout(300)
    assert written(page) == stopped
    assert query(page) == {"rnn_prime": ["What is"]}
    page.locator(".writer input").focus()
    page.keyboard.press("End")
    whole = written(page)
    assert whole.startswith(stopped) and len(whole) == 207
    page.keyboard.press("Home")
    assert written(page) == "What is"


@pytest.mark.parametrize("what", ["A | B", "Iterations"])
def test_a_prime_longer_than_the_old_text_takes_its_place(server, page: Page, what: str) -> None:
    opened(page, server.url, "rnn_length=50")
    if what != "A | B":
        page.get_by_role("radio", name=what).click()
        expect(readout(page)).to_contain_text("Iteration")
    prime = "To be, or not to be, that is the question. " * 3
    enter(page, prime)
    expect(box(page)).to_contain_text(prime.strip())
    enter(page, "Who")
    expect(box(page)).not_to_contain_text("question.")
    expect(box(page)).to_contain_text("Who")
    assert page.get_by_text("BidiComponent Error").count() == 0


def test_the_temperature_moved_while_it_writes_leaves_what_is_written(server, page: Page) -> None:
    opened(page, server.url, "rnn_seed=1&rnn_length=1000")  # fifty seconds of writing
    page.locator(".writer input").focus()
    page.keyboard.press("End")
    cool = written(page)
    page.locator(".play").click()
    expect(readout(page)).to_have_text(re.compile(r"Character [2-9]\d of 1000"))
    before = written(page)
    control(page, "rnn_temperature").locator("input").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".take .about").first).to_contain_text("temperature 0.8 →")
    page.locator(".writer input").press("End")
    expect(readout(page)).to_have_text("Character 1000 of 1000")
    page.wait_for_selector(IDLE)
    after = written(page)
    assert cool.startswith(before) and after.startswith(before)
    assert after != cool
    assert query(page)["rnn_temperature"] == ["1.2"]


def test_what_a_network_writes_is_never_taken_for_markup(server, page: Page) -> None:
    opened(page, server.url, "rnn_speed=at+once")
    prime = "<img src=x onerror=alert(1)> **b** `c` $x$ # d"
    enter(page, prime)
    expect(box(page)).to_contain_text(prime)
    assert written(page).startswith(prime)
    assert page.locator(".writer img, .writer b:not(.pair b)").count() == 0


def test_three_temperatures_show_where_they_part(server, page: Page) -> None:
    opened(page, server.url, "rnn_mode=Three+temperatures")
    expect(page.locator(".take")).to_have_count(3)
    texts = [written(page, number) for number in range(3)]
    at = next(i for i, chars in enumerate(zip(*texts, strict=True)) if len(set(chars)) > 1)
    expect(page.locator(".take .about").nth(2)).to_contain_text(f"parts at character {at - 2}")
    assert box(page, 2).locator(".part").evaluate("span => span.place") == at


def test_iterations_are_scrubbed_in_the_browser(server, page: Page) -> None:
    opened(page, server.url, "rnn_mode=Iterations")
    expect(page.locator(".take")).to_have_count(1)
    expect(readout(page)).to_have_text(re.compile(r"Iteration ([\d\u202f]+) of \1$"))
    last = written(page)
    page.locator(".writer input").focus()
    page.keyboard.press("Home")
    expect(page.locator(".take .title")).to_contain_text("untrained")
    assert written(page) != last and written(page).startswith("The")
    page.keyboard.press("End")
    assert written(page) == last


def test_a_setting_goes_into_the_link_and_comes_back_from_it(server, page: Page) -> None:
    opened(page, server.url)
    choose(page, "rnn_b_step", "0, untrained")
    page.wait_for_url(re.compile("rnn_b_step=0"))
    expect(page.locator(".take .title").nth(1)).to_contain_text("untrained")
    page.reload()
    expect(page.locator(".take .title").nth(1)).to_contain_text("untrained")


def test_a_network_trained_live_writes_in_the_end(server, page: Page) -> None:
    opened(page, server.url, TINY)
    control(page, "rnn_train").get_by_role("button").first.click()
    expect(page.locator(".take .title").first).to_contain_text("GRU 1×8, seed 42, 50 iterations", timeout=60_000)
    expect(page.get_by_text("differs: network")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(server, phone: Page, scheme: str) -> None:
    phone.emulate_media(color_scheme=scheme)
    opened(phone, server.url)
    box(phone).locator("span").nth(20).tap()
    expect(box(phone).locator(".chosen")).to_have_count(1)
    main = phone.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth - element.clientWidth") <= 1
