"""A small picture that plays by itself on a card of the overview, drawn in the browser by reel.js."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_REEL = st.components.v2.component(
    "explorer_reel",
    html='<div class="reel"><canvas role="img"></canvas></div>',
    css=(_HERE / "reel.css").read_text("utf-8"),
    js=(_HERE / "reel.js").read_text("utf-8"),
)


def reel(picture: dict[str, Any], *, key: str, moving: bool) -> None:
    """Play a picture of pages/_home/pictures.py; at a stand-still, its end is shown."""
    _REEL(key=key, data={**picture, "moving": moving})
