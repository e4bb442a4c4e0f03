"""What the pad returns for what a browser, a test or a forger puts into its state."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

DIGIT = np.zeros((28, 28), np.uint8)
DIGIT[4:24, 13:15] = 255
INK = base64.b64encode(DIGIT.tobytes()).decode()
BLANK = base64.b64encode(bytes(784)).decode()
SHOWN = "np.full((28, 28), 2, np.uint8)"


def drawn(state: object, show: str = "None", rev: int = 0) -> str:
    """Return what a page shows that draws `show` on the pad and finds `state` in it."""
    page = AppTest.from_string(
        "import numpy as np\nimport streamlit as st\nfrom pages._shared.components.drawpad import drawpad\n"
        f"pixels = drawpad(key='pad', show={show}, rev={rev})\n"
        "st.write('empty' if pixels is None else f'{pixels.dtype} {pixels.shape} {pixels.sum(dtype=int)}')\n",
        default_timeout=30,
    )
    if state is not None:
        page.session_state["pad"] = {"pixels": state}
    page.run()
    assert not page.exception
    return page.markdown[0].value


@pytest.mark.parametrize("state", [INK, f"0:{INK}"], ids=["from a test", "from a browser"])
def test_a_drawing_arrives(state: str) -> None:
    assert drawn(state) == f"uint8 (28, 28) {DIGIT.sum(dtype=int)}"


@pytest.mark.parametrize(
    "state",
    [None, "", "0:", BLANK, "0:" + BLANK, INK[:-4], INK + "AAAA", "not base64 ###", "0:é", "::", 7, [INK], {"rev": 0}],
)
def test_what_is_no_drawing_is_empty(state: object) -> None:
    assert drawn(state) == "empty"


def test_a_picture_is_shown_until_the_viewer_draws() -> None:
    assert drawn(None, SHOWN) == "uint8 (28, 28) 1568"
    assert drawn("0:", SHOWN) == "empty"  # cleared
    assert drawn(f"0:{INK}", SHOWN) == f"uint8 (28, 28) {DIGIT.sum(dtype=int)}"


def test_a_new_picture_replaces_an_older_drawing() -> None:
    assert drawn(f"0:{INK}", SHOWN, rev=1) == "uint8 (28, 28) 1568"
    assert drawn(f"1:{INK}", SHOWN, rev=1) == f"uint8 (28, 28) {DIGIT.sum(dtype=int)}"
    assert drawn(f"0:{INK}", "None", rev=1) == "empty"
