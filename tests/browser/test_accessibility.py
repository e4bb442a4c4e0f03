"""axe-core over every page, light and dark: nothing serious."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.widgets import IDLE

PAGES = ("", "classifier", "embeddings", "char_rnn?rnn_speed=at+once", "gan", "adversarial",
         "classifier?lesson=a-fair-fight&step=1", "gan?lesson=same-loss-different-digits&step=2")  # fmt: skip
READY = """() => [...document.querySelectorAll("style")].some(style => style.textContent.includes(".st-key-lesson_bar"))
  && document.getAnimations().every(each => each.effect.getTiming().iterations === Infinity)"""  # and nothing fades in
OPTIONS = {"resultTypes": ["violations"]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", PAGES)
def test_nothing_serious(server, page: Page, address: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{server.url}/{address}")
    expect(page.locator(".stMain h1").first).to_be_visible()
    page.wait_for_selector(IDLE)
    page.wait_for_function(READY)
    if address:
        expect(page.locator(".readout .now").first).not_to_be_empty()  # the picture stands
    found = Axe().run(page, options=OPTIONS).response["violations"]
    serious = [f"{v['id']}: {v['help']}\n" + "\n".join(map(where, v["nodes"])) for v in found
               if v["impact"] in ("serious", "critical")]  # fmt: skip
    assert not serious, "\n".join(serious)


def where(node: dict) -> str:
    return f"  {node['html'][:150]} {node['failureSummary'][:300]}"
