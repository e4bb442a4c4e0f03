"""Both inline components with data made up for the tests of test_components.py."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import images
from pages._shared.components.drawpad import drawpad
from pages._shared.components.scrubber import scrubber

FRAMES = ["0", "1", "2", "3", "4", "5"]
HOSTILE = "<b>frog</b>"
SIDES = {"A": [10.0, 14, 17, 19, 21, 22], "B": [10.0, 41, 50, 55, 58, 60]}

st.set_page_config(layout="wide")
if st.button("Jump to 2", key="jump"):
    st.session_state.at = 2
if st.button("Other data", key="other"):
    st.session_state.extra = 5.0
st.button("Rerun", key="rerun")

extra = st.session_state.get("extra", 0.0)
curves = {
    "type": "curves", "title": "Test accuracy", "x_title": "epoch", "y_title": "test accuracy (%)",
    "x": list(range(6)), "y_domain": [0, 70], "refs": [{"y": 60.45, "label": f"course {HOSTILE}"}],
    "series": [
        {"name": f"A {HOSTILE}", "color": "#3f90da", "y": [y + extra for y in SIDES["A"]]},
        {"name": "B · Adam", "color": "#e76300", "y": np.float32(SIDES["B"]), 
         "band": [[y - 2, y + 2] for y in SIDES["B"]]},
        {"name": "seed 2", "color": "#e76300", "y": [12, float("nan"), 48, 54, 57, 59], "thin": True},
    ],
}  # fmt: skip
pictures = np.arange(4 * 3 * 8 * 8, dtype=np.uint8).reshape(4, 3, 8, 8)
tiles = {
    "type": "tiles", "title": "The same four images", "cols": 4, "count": 4,
    "sprite": images.png_uri(images.sheet(pictures, 4)),
    "truth": ["cat", HOSTILE, "ship", "dog"], "names": {"A": "SGD", "B": "Adam"},
    "verdicts": {
        "A": [[{"label": HOSTILE, "p": 0.1 * (frame + 1), "ok": i < frame} for i in range(4)] for frame in range(6)],
        "B": None,
    },
}  # fmt: skip
frame = scrubber(
    key="scrub", axis="Epoch", frames=FRAMES, panels=[curves, tiles], at=st.session_state.get("at", 5), play_ms=150,
    alt="Test accuracy over the epochs.",
)  # fmt: skip
st.write(f"Python has frame {frame}")

digit = drawpad(key="pad")
st.write("The pad is empty" if digit is None else f"The pad sums to {digit.sum(dtype=int)}")
