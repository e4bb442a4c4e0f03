"""Chromium, and pages that notice errors and requests to other machines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATHS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
HERE = Path(__file__).parent
ASKED_TWICE = ("/_stcore/health", "/_stcore/host-config")
OWN = ("127.0.0.1", "localhost", "", None)  # data: and blob: addresses have no host

PATIENCE = 60_000  # ms; a server that has just started still imports beside its first page
expect.set_options(timeout=PATIENCE // 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("browser")


def chromium() -> str | None:
    """Return the path of a Chromium: $CHROMIUM, one on the PATH, or one in its usual place."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), *PATHS]
    return next((path for path in candidates if path and Path(path).exists()), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium here; name one with the environment variable CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def is_error(message: ConsoleMessage) -> bool:
    """Whether the console shows an error that is ours. Two of Streamlit 1.67 are not: below the root, a page first asks
    there for what only the root has; and it asks for a picture that a newer run has already taken away."""
    path = urlsplit(message.location["url"]).path
    return message.type == "error" and not (path.endswith(ASKED_TWICE) or "/media/" in path + message.text)


@pytest.fixture(scope="session")
def projector(browser: Browser) -> Iterator[BrowserContext]:
    """A window as wide as a projector. Its cache stays from test to test: a third of a page's time is its scripts."""
    yield from _context(browser, viewport={"width": 1280, "height": 720})


@pytest.fixture(scope="session")
def handheld(browser: Browser) -> Iterator[BrowserContext]:
    """A window as narrow as a phone's, under a finger."""
    yield from _context(browser, viewport={"width": 390, "height": 844}, has_touch=True)


def _context(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    context = browser.new_context(**options)
    yield context
    context.close()


@pytest.fixture
def page(projector: BrowserContext) -> Iterator[Page]:
    """A page on a projector. At its end the console had no error, and no request went to another machine."""
    yield from _page(projector)


@pytest.fixture
def phone(handheld: BrowserContext) -> Iterator[Page]:
    """The same on a phone."""
    yield from _page(handheld)


def _page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    errors, outside = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: is_error(message) and errors.append(message.text))
    page.on("request", lambda request: urlsplit(request.url).hostname in OWN or outside.append(request.url))
    yield page
    page.close()
    context.clear_cookies()
    assert not errors
    assert not outside
