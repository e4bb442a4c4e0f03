"""What a visitor does with the controls of any page, and how a test waits for what comes of it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def query(page: Page) -> dict[str, list[str]]:
    """The parameters in the address."""
    return parse_qs(urlsplit(page.url).query)


def control(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key}")


def press(page: Page, key: str) -> None:
    control(page, key).get_by_role("button").first.click()


def unfold(page: Page, key: str) -> None:
    """Open the list of a control. A list closes where the page scrolls, so that must be over before."""
    box = control(page, key).get_by_role("combobox")
    box.scroll_into_view_if_needed()
    page.evaluate(DRAWN)
    box.click()


def choose(page: Page, key: str, option: str) -> None:
    unfold(page, key)
    page.get_by_role("option", name=option, exact=True).click()
