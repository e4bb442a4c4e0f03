"""A run folder that somebody brings along as a file."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from core import runs
from tests.browser.widgets import IDLE
from tests.untrusted.test_run_folders import SHIPPED, other, zipped


def test_a_run_is_brought_and_then_shown_at_its_settings(server, page: Page) -> None:
    name, files = other(runs.of("classifier", SHIPPED), seed=11)
    page.goto(f"{server.url}/classifier?clf_a_optimizer=Adam&clf_a_lr=0.0001&clf_seed=11")
    expect(page.get_by_text("Train live to see the curves grow.")).to_be_visible()
    page.get_by_role("button", name="Share & reproduce").click()
    page.get_by_role("tab", name="Open a run folder").click()
    chooser = page.locator(".st-key-bring input[type=file]")
    damaged = {**files, "run.json": json.dumps({**json.loads(files["run.json"]), "command": "rm"}).encode()}
    for brought, said in ((damaged, "can't be opened. The command of"), (files, "is here now")):
        content = zipped(name, brought)
        chooser.set_input_files({"name": "run.zip", "mimeType": "application/zip", "buffer": content})
        expect(page.get_by_test_id("stPopoverBody")).to_contain_text(said)
    page.keyboard.press("Escape")
    page.wait_for_selector(IDLE)
    expect(page.get_by_text(f"A {name} (brought as a file)")).to_be_visible()
    expect(page.locator(".scrubber .now").first).to_have_text("Epoch 5 of 5")
