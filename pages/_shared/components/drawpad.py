"""A pad of 28 × 28 pixels to draw a digit on, white on black as in MNIST."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

import numpy as np
import streamlit as st

SIDE = 28  # pixels

_HERE = Path(__file__).parent
_HTML = """
<div class="pad">
  <div class="paper">
    <canvas width="280" height="280" tabindex="0" role="img"></canvas>
    <span class="hint" aria-hidden="true">Draw here</span>
  </div>
  <button type="button" class="clear">Clear</button>
</div>
"""
_PAD = st.components.v2.component(
    "explorer_drawpad",
    html=_HTML,
    css=(_HERE / "drawpad.css").read_text(encoding="utf-8"),
    js=(_HERE / "drawpad.js").read_text(encoding="utf-8"),
)


def drawpad(*, key: str, live_ms: int | None = 150, show: np.ndarray | None = None, rev: int = 0) -> np.ndarray | None:
    """Show a pad to draw on, and return what is on it.

    Args:
        key: of the widget; its state is ``{"pixels": text}``, base64 of the 784 bytes, which a test may seed.
        live_ms: while drawing, milliseconds between two runs of the page; None for one run when the pen lifts.
        show: a picture to begin with, uint8 (28, 28), 0 = black; None for an empty pad.
        rev: another number than in the last run replaces the drawing by `show`.

    Returns:
        uint8 (28, 28), 0 = black, or None if the pad is empty.

    Raises:
        ValueError: `show` is not uint8 (28, 28).
    """
    if show is not None and (show.dtype != np.uint8 or show.shape != (SIDE, SIDE)):
        raise ValueError(f"show must be uint8 {(SIDE, SIDE)}, not {show.dtype} {show.shape}")
    pixels = read(st.session_state.get(key, {}).get("pixels"), rev, show)
    shown = None if pixels is None else base64.b64encode(pixels.tobytes()).decode("ascii")
    result = _PAD(key=key, data={"live": live_ms, "rev": rev, "pixels": shown}, on_pixels_change=lambda: None)
    return read(result.pixels, rev, show)  # a session that took over from a lost one learns of the drawing only now


def read(state: object, rev: int, show: np.ndarray | None) -> np.ndarray | None:
    """Turn the state from the browser into a picture: uint8 (28, 28), or None if it is empty or forged.

    The state is "rev:base64", with nothing after the colon for a cleared pad. The browser keeps sending it with every
    run, so one of an older `rev` says nothing about the picture that has been shown since. Without a "rev:", as tests
    seed it, it counts as current.
    """
    number, _, text = state.rpartition(":") if isinstance(state, str) else ("", "", "")
    pixels = show
    if isinstance(state, str) and number in ("", str(rev)):
        pixels = _decode(text)
    return pixels.copy() if pixels is not None and pixels.any() else None


def _decode(text: str) -> np.ndarray | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        return None
    return np.frombuffer(raw, np.uint8).reshape(SIDE, SIDE) if len(raw) == SIDE * SIDE else None
