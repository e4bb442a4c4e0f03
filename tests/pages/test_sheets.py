"""Sheets, bars and stacks as panels of the scrubber: what may be put into them, and what comes back."""

from __future__ import annotations

import base64

import pytest
import streamlit as st

from pages._shared.components.scrubber import check, picked
from pages._shared.components.sheets import Sheets, panel, png_uri

FRAMES = ["0", "1", "2"]
SIDE = Sheets("A", "BCE", ["data:1", "data:2"], [0, 1, 1], ["", "", "after 1"])
BARS = {"type": "bars", "title": "Digits", "names": ["0", "1"], "top": 1, "ref": None,
        "series": [{"name": "A", "color": "#000", "values": [[0.5, 0.5], None, [1.0, 0.0]]}]}  # fmt: skip


def sheets(*sides: Sheets) -> dict:
    return panel(sides, stream="x", title="64 samples", cols=8, linked=True)


def test_good_panels_pass() -> None:
    check(FRAMES, [sheets(SIDE, Sheets("B", "none yet", [], [-1] * 3, note="Train it")), BARS])
    check(FRAMES, [{"type": "stack", "panels": [BARS, {**BARS, "frames": [["a", "b"]] * 3}]}])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (sheets(Sheets("A", "BCE", [], [0, 0])), "at of 'BCE' in panel '64 samples' has 2 entries, not 3"),
        (sheets(Sheets("A", "BCE", [], [0] * 3, [""])), "about of 'BCE'"),
        ({**BARS, "series": [{"name": "A", "values": [[1.0, 0.0]]}]}, "values of 'A' in panel 'Digits' has 1 entries"),
        ({**BARS, "series": [{"name": "A", "values": [[1.0]] * 3}]}, "a frame of 'A'"),
        ({**BARS, "frames": [["a", "b"]] * 2}, "frames in panel 'Digits' has 2 entries"),
        ({**BARS, "frames": [["a"]] * 3}, "names of a frame"),
        ({"type": "stack", "panels": [{**BARS, "frames": []}]}, "frames"),
    ],
)
def test_lengths_must_fit(bad: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(FRAMES, [bad])


def test_sheets_that_were_sent_before_are_not_sent_again() -> None:
    (side,) = sheets(Sheets("A", "BCE", ["data:2"], [0, 1, 1], first=1))["sides"]
    assert (side["from"], side["pngs"], side["at"]) == (1, ["data:2"], [0, 1, 1])


def test_a_png_becomes_a_data_uri() -> None:
    assert base64.b64decode(png_uri(b"\x89PNG").removeprefix("data:image/png;base64,")) == b"\x89PNG"


@pytest.mark.parametrize(
    ("sent", "understood"),
    [(["B", 12, 40], ("B", 12, 40)), (None, None), ("B", None), ([], None), (["B", 12], None), (["B", "12", 40], None),
     (["B", True, 40], None), ([1, 2, 3], None), ({"side": "B"}, None), (["B", 1.5, 40], None)],
)  # fmt: skip
def test_a_click_is_understood_and_a_forged_one_is_none(sent, understood, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {"key:picked": sent})
    assert picked("key") == understood
