"""Chromium, and pages that notice errors and requests to other machines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATHS = (
    "/usr/bin/chromium",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
HERE = Path(__file__).parent
OWN = ("127.0.0.1", "localhost", "", None)  # data: and blob: addresses have no host

expect.set_options(timeout=20_000)  # ms; a server that has just started still imports beside its first page


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


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page as a projector shows it. At its end there was no script error and no request to another machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    errors, outside = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: urlsplit(request.url).hostname in OWN or outside.append(request.url))
    yield page
    context.close()
    assert not errors
    assert not outside
