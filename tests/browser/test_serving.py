"""The app as a browser meets it: first requests, the menu, errors."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("command", ["python", "streamlit run"])
def test_a_deep_link_may_come_first(fresh_server, page: Page, command: str) -> None:
    """With a folder called pages beside the main script, Streamlit would show its old menu and miss the router."""
    page.goto(fresh_server(command).url + "/classifier?clf_a_optimizer=Adam")
    expect(page.get_by_role("heading", name="Classifier", exact=True)).to_be_visible()
    expect(page).to_have_title("Classifier")
    expect(page.locator("[data-testid=stTopNavLink]")).to_contain_text(["Overview", "Classifier"])
    expect(page.locator(".st-key-clf_a_optimizer").get_by_role("combobox")).to_have_value("Adam")
    page.reload()
    expect(page.get_by_role("heading", name="Classifier", exact=True)).to_be_visible()


def test_the_overview_leads_into_a_setting(server, page: Page) -> None:
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Deep Learning Demo Explorer")).to_be_visible()
    expect(page).to_have_title("Overview")
    page.get_by_role("link", name="A fair fight: SGD at 0.1").click()
    page.wait_for_url("**/classifier?*clf_a_lr=0.1*")
    expect(page).to_have_title("Classifier")


def test_a_preset_forgets_what_was_chosen_before(server, page: Page) -> None:
    page.goto(server.url + "/classifier?clf_epochs=3&clf_b_activation=Tanh")
    activation = page.locator(".st-key-clf_b_activation").get_by_role("combobox")
    expect(activation).to_have_value("Tanh")
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("link", name="A fair fight: SGD at 0.1").click()
    page.wait_for_url("**/classifier?*clf_a_lr=0.1*")
    expect(activation).to_have_value("LeakyReLU")
    expect(page.locator(".st-key-clf_epochs input")).to_have_value("5")


def test_an_error_is_put_in_words(fresh_server, page: Page, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('what only the log may know')")
    (tmp_path / "app.py").write_text(
        "import streamlit as st\n"
        "from pages._shared.server import launch, serving\n"
        f"app = st.App({str(tmp_path / 'broken.py')!r}, on_script_error=serving.apologize)\n"
        "launch.main(app, ['--port', '0'])\n"
    )
    starter = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import runpy; runpy.run_path('app.py')"
    broken = fresh_server(command=(sys.executable, "-c", starter))
    page.goto(broken.url)
    expect(page.get_by_role("alert")).to_contain_text("This page ran into an error.")
    text = page.locator("body").inner_text()
    assert "RuntimeError" not in text and "only the log" not in text and "Traceback" not in text
    assert "RuntimeError: what only the log may know" in broken.log.read_text()
