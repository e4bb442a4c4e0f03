"""The presenter's hand: keys for what a lecture repeats, larger type, and a list of both behind "?".

All of it happens in the browser: nothing waits for Python, and a training that is followed goes on.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages._shared.components import packing
from pages._shared.lesson import Here

_HERE = Path(__file__).parent
KEYS = {  # key → what it does, in the order of the list
    "← →": "One step back, one step on",
    "Space": "Play or pause",
    "T": "Train, or stop the training",
    "X": "Swap A and B",
    "N or Page down": "Next step of a lesson",
    "B or Page up": "Back in a lesson",
    "1 to 4": "Answer the question of a lesson, or place a bet",
    "H": "Hide the controls, or show them",
    "F": "Presentation: larger type, no menu",
    "?": "This list",
}
_HTML = """
<button type="button" class="open" aria-label="Keys and presentation" title="Keys and presentation (?)">?</button>
<dialog aria-labelledby="title">
  <h2 id="title">Keys and presentation</h2>
  <div class="views">
    <button type="button" class="present" aria-pressed="false">Presentation</button>
    <button type="button" class="bare" aria-pressed="false">Hide controls</button>
  </div>
  <dl></dl>
  <button type="button" class="close" autofocus>Close</button>
</dialog>
"""
_HAND = st.components.v2.component(
    "explorer_hand",
    html=_HTML,
    css=packing.joined(_HERE / "hand.css"),
    js=packing.joined(packing.SCRIPT, _HERE / "hand.js"),
)


def draw(here: Here | None) -> None:
    """Draw the button, beside the menu; it stays from page to page.

    ``here``: the step of a lesson. With another one than before, the page scrolls to what it is about.
    """
    data = {"keys": KEYS, "place": " ".join(map(str, here.at)) if here else "",
            "below": bool(here and here.step.below), "asked": bool(here and here.asked)}  # fmt: skip
    with st.container(key="hand", width="content"):
        _HAND(key="hand_button", data=packing.told(data), width="content")
