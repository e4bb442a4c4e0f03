"""Makes the README's pictures anew: `python docs/pictures/shoot.py`, with the tests' requirements and a Chromium."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.browser.conftest import FLAGS, chromium  # noqa: E402

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
PAGES = {
    "overview": "", "classifier": "classifier", "embeddings": "embeddings", "gan": "gan",
    "char_rnn": "char_rnn?rnn_prime=Shall+I+give&rnn_mode=Three+temperatures&rnn_speed=at+once",
    "adversarial": "adversarial?adv_b=A%27s+picture&adv_b_network=Robust+small+CNN",
    "lesson": "gan?lesson=same-loss-different-digits&step=1",
}  # fmt: skip
COLORS = 128  # a palette keeps a picture small


def main() -> None:
    command = [sys.executable, str(HERE.parents[1] / "streamlit_app.py"), "--port", "8611"]
    own = {"EXPLORER_DATA": tempfile.mkdtemp(), "EXPLORER_RUNS": tempfile.mkdtemp()}  # what a newcomer has
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **own})
    address = next(line for line in server.stdout if "http" in line).split()[-1]
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            for name, page in PAGES.items():
                tab = browser.new_page(viewport={"width": 1280, "height": 720})
                tab.goto(f"{address}/{page}")
                tab.wait_for_selector(".stMain h1")
                tab.wait_for_selector(IDLE)
                tab.wait_for_timeout(4000)  # pictures that draw themselves
                shot = Image.open(io.BytesIO(tab.screenshot())).convert("RGB").quantize(COLORS)
                shot.save(HERE / f"{name}.png", optimize=True)
                tab.close()
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
