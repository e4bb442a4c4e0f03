"""The inline components as a hand meets them: what they show at once, and what Python hears of it, and when."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from tests.conftest import ROOT, serving

pytestmark = pytest.mark.browser
APP = Path(__file__).parent / "apps" / "components_app.py"
COMMAND = (sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", "0")
HOSTILE = "<b>frog</b>"
LAST = 5  # the last frame of the app's six


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(COMMAND, tmp_path_factory.mktemp("components") / "log", ROOT) as server:
        yield server.url
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def sent(page: Page) -> list[str | bytes]:
    """Messages from the browser to the server, from the first on."""
    messages = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda message: messages.append(message))

    page.on("websocket", listen)
    return messages


@pytest.fixture
def app(page: Page, sent: list[str | bytes], url: str) -> Page:
    page.goto(url)
    expect(page.locator(".readout .now")).to_have_text("Epoch 5 of 5")
    expect(page.get_by_text("The pad is empty")).to_be_visible()
    idle(page)
    return page


def idle(page: Page) -> None:
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()


def shows(page: Page, frame: int) -> None:
    expect(page.locator(".readout .now")).to_have_text(f"Epoch {frame} of {LAST}")


def python_has(page: Page, frame: int) -> None:
    expect(page.get_by_text(f"Python has frame {frame}")).to_be_visible()
    idle(page)


def hold(page: Page, target: Locator, x: float, y: float = 0.5) -> None:
    """Press the mouse button on a point of an element, in shares of its size."""
    target.scroll_into_view_if_needed()
    slide(page, target, x, y)
    page.mouse.down()


def slide(page: Page, target: Locator, x: float, y: float = 0.5) -> None:
    box = target.bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)


def test_dragging_is_shown_at_once_and_told_when_let_go(app: Page, sent: list[str | bytes]) -> None:
    slider = app.get_by_role("slider", name="Epoch")
    before = len(sent)
    hold(app, slider, 0.99)
    for frame in (3, 1):
        slide(app, slider, frame / LAST)
        shows(app, frame)
        expect(app.locator(".count").first).to_contain_text(f"{frame} of 4 right")
        expect(app.locator(".sure").first).to_have_text(f"{frame + 1}0\u202f%")
    expect(slider).to_have_attribute("aria-valuetext", "Epoch 1 of 5")
    app.wait_for_timeout(400)
    assert len(sent) == before
    app.mouse.up()
    python_has(app, 1)
    assert len(sent) == before + 1


def test_the_curves_can_be_dragged(app: Page, sent: list[str | bytes]) -> None:
    plot = app.locator(".curves svg")
    before = len(sent)
    hold(app, plot, 0.2)
    slide(app, plot, 0.02)
    shows(app, 0)
    expect(plot).to_have_attribute(
        "aria-label", "Test accuracy over the epochs. Test accuracy, Epoch 0 of 5: "
        f"A {HOSTILE} 10.0\u202f%, B · Adam 10.0\u202f%, seed 2 12.0\u202f%",
    )  # fmt: skip
    assert len(sent) == before
    app.mouse.up()
    python_has(app, 0)
    assert len(sent) == before + 1
    app.keyboard.press("End")  # a click into a panel is enough for the keys
    shows(app, LAST)


def test_keys(app: Page, sent: list[str | bytes]) -> None:
    app.get_by_role("slider", name="Epoch").focus()
    before = len(sent)
    for key, frame in (("ArrowLeft", 4), ("ArrowLeft", 3), ("Home", 0), ("ArrowRight", 1)):
        app.keyboard.press(key)
        shows(app, frame)
    python_has(app, 1)
    assert len(sent) <= before + 2  # the four keys were one move, or two where the machine was slow
    app.get_by_role("button", name="One step on").click()
    python_has(app, 2)


def test_playing(app: Page, sent: list[str | bytes]) -> None:
    before = len(sent)
    app.get_by_role("button", name="Play", exact=True).click()
    expect(app.locator(".readout .now")).to_have_text(re.compile("Epoch [1-4]"))  # from the end it begins anew
    app.keyboard.press(" ")
    expect(app.get_by_role("button", name="Play", exact=True)).to_be_visible()
    frame = int(app.locator(".readout .now").inner_text().split()[1])
    python_has(app, frame)
    assert 0 < frame < LAST and len(sent) == before + 1
    app.get_by_role("slider", name="Epoch").focus()
    app.keyboard.press(" ")
    shows(app, LAST)
    python_has(app, LAST)
    expect(app.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert len(sent) == before + 2


def test_python_moves_it_only_when_it_means_to(app: Page) -> None:
    app.locator(".st-key-jump button").click()
    shows(app, 2)
    python_has(app, 2)
    app.get_by_role("slider", name="Epoch").focus()
    app.keyboard.press("ArrowRight")
    python_has(app, 3)
    app.locator(".st-key-rerun button").click()
    idle(app)
    shows(app, 3)
    hold(app, app.get_by_role("slider", name="Epoch"), 3 / LAST)
    slide(app, app.get_by_role("slider", name="Epoch"), 1 / LAST)
    app.locator(".st-key-other button").dispatch_event("click")  # new data in the middle of a drag
    expect(app.locator(".label .value").first).to_have_text("19.0\u202f%")  # 14 in the first data, and 5
    idle(app)
    shows(app, 1)
    app.mouse.up()
    python_has(app, 1)


def test_the_pad(app: Page) -> None:
    canvas, hint = app.locator("canvas"), app.locator(".hint")
    clear = app.get_by_role("button", name="Clear")
    expect(hint).to_have_text("Draw here")
    expect(clear).to_be_disabled()
    hold(app, canvas, 0.3)
    slide(app, canvas, 0.7)
    expect(app.get_by_text(re.compile(r"The pad sums to \d"))).to_be_visible()  # while the pen is still down
    expect(hint).to_be_hidden()
    app.mouse.up()
    # a stroke of 112 + 22 by 22 canvas pixels with round ends, 100 of them to a pixel of the picture
    expect(app.get_by_text(re.compile(r"The pad sums to 7[0-4]\d\d"))).to_be_visible()
    clear.click()
    expect(app.get_by_text("The pad is empty")).to_be_visible()
    expect(hint).to_be_visible()
    hold(app, canvas, 0.5)
    app.mouse.up()
    expect(app.get_by_text("The pad sums to")).to_be_visible()
    canvas.focus()
    app.keyboard.press("Delete")
    expect(app.get_by_text("The pad is empty")).to_be_visible()


def test_neither_hostile_labels_nor_forged_values_do_harm(app: Page, sent: list[str | bytes]) -> None:
    expect(app.locator(".what").first).to_have_text(HOSTILE)
    expect(app.locator(".truth").nth(1)).to_have_text(HOSTILE)
    expect(app.locator(".reflabel")).to_have_text(f"course {HOSTILE}")
    expect(app.locator(".name").first).to_contain_text("A <b>f")
    expect(app.locator(".said.wrong .what").last).to_have_text("–")  # B has not been trained
    assert app.locator(".scrubber b").count() == 0

    app.evaluate("window.btoa = () => 'not base64 ###'; Date.now = () => ({ forged: [null] })")
    before = len(sent)
    hold(app, app.locator("canvas"), 0.5)
    app.mouse.up()
    app.get_by_role("slider", name="Epoch").focus()
    app.keyboard.press("Home")
    python_has(app, 0)
    assert len(sent) > before + 1
    expect(app.get_by_text("The pad is empty")).to_be_visible()
    expect(app.get_by_role("alert")).to_have_count(0)
