"""Who moved the scrubber last, and what may be put into its panels."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages._shared.components.scrubber import check, follow

CURVES = {"type": "curves", "title": "Loss", "x": [0, 1], "series": [{"name": "A", "y": [2.0, 1.0]}]}
VERDICT = {"label": "cat", "p": 0.5, "ok": True}
TILES = {"type": "tiles", "count": 1, "truth": ["cat"], "verdicts": {"A": [[VERDICT], None], "B": None}}


def steps(*runs: tuple[int, object], last: int = 5) -> list[int]:
    """Return the frame after each run: a pair of what the page asks for and what the browser has sent."""
    seen, frames = None, []
    for at, moved in runs:
        seen = follow(seen, at, moved, last)
        frames.append(seen["frame"])
    return frames


@pytest.mark.parametrize(
    ("runs", "frames"),
    [
        ([(5, None), (5, None)], [5, 5]),
        ([(5, None), (2, None)], [5, 2]),  # a link
        ([(5, None), (5, [3, 1]), (5, [3, 1])], [5, 3, 3]),  # the viewer, and an ordinary rerun
        ([(5, [3, 1]), (2, [3, 1]), (2, [3, 1])], [3, 2, 2]),  # a link after the viewer
        ([(5, [3, 1]), (2, [3, 1]), (2, [3, 2])], [3, 2, 3]),  # and the viewer goes to the same frame again
        ([(5, [3, 1]), (3, [4, 2]), (4, [4, 2])], [3, 4, 4]),  # a page that repeats the answer, always a run late
        ([(5, [3, 1]), (2, None)], [3, 2]),  # back from another page
        ([(5, 3)], [3]),  # seeded by a test
        ([(9, None), (5, [-7, 1]), (5, [10**30, 2])], [5, 0, 5]),  # out of range
        ([(4, forged) for forged in ([], ["3"], [None], "3", True, [True], {"a": 1}, 2.5, [[3]])], [4] * 9),
    ],
)
def test_the_last_move_counts(runs: list[tuple[int, object]], frames: list[int]) -> None:
    assert steps(*runs) == frames


def test_the_browser_hears_only_of_the_pages_moves() -> None:
    seen = follow(None, 5, None, 5)
    for at, moved, jumps in ((5, None, 0), (5, [3, 1], 0), (3, [3, 1], 0), (1, [3, 1], 1), (1, [2, 2], 1)):
        seen = follow(seen, at, moved, 5)
        assert seen["jumps"] == jumps


def test_the_page_gets_the_frame() -> None:
    page = AppTest.from_string(
        "import streamlit as st\nfrom pages._shared.components.scrubber import scrubber\n"
        f"st.write(scrubber(key='scrub', axis='Epoch', frames=['0', '1'], panels=[{CURVES}], at=1, alt='Loss.'))\n",
        default_timeout=30,
    )
    assert page.run().markdown[0].value == "`1`"
    page.session_state["scrub"] = {"frame": 0}
    assert page.run().markdown[0].value == "`0`"
    assert not page.exception


@pytest.mark.parametrize(
    ("panel", "message"),
    [
        ({**CURVES, "type": "pie"}, "'pie' is unknown: choose one of curves, tiles"),
        ({**CURVES, "x": [0, 1, 2]}, "x in panel 'Loss' has 3 entries, not 2"),
        ({**CURVES, "series": [{"name": "A", "y": [1.0]}]}, "y of 'A' in panel 'Loss' has 1 entries, not 2"),
        ({**CURVES, "series": [{"name": "A", "y": [1, 2], "band": []}]}, "band of 'A'"),
        ({**TILES, "truth": []}, "truth"),
        ({**TILES, "verdicts": {"A": [[VERDICT]]}}, "verdicts of 'A'"),
        ({**TILES, "verdicts": {"A": [[VERDICT], []]}}, "a frame of verdicts of 'A'"),
    ],
)
def test_lengths_must_fit(panel: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(["0", "1"], [panel])


def test_good_panels_pass() -> None:
    check(["0", "1"], [CURVES, TILES, {**CURVES, "series": [{"name": "A", "x": [0, 0.5, 1], "y": [3, 2, 1]}]}])
    with pytest.raises(ValueError, match="at least one frame"):
        check([], [CURVES])
