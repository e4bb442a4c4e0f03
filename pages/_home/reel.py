"""A small picture that plays by itself on a card of the overview, drawn in the browser by reel.js."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from pages._shared.components import packing

_HERE = Path(__file__).parent
_REEL = st.components.v2.component(
    "explorer_reel",
    html='<div class="reel"><canvas role="img" aria-label="A small picture"></canvas></div>',
    css=packing.joined(_HERE / "reel.css"),
    js=packing.joined(packing.SCRIPT, _HERE / "reel.js"),
)


def reel(picture: dict[str, Any], *, key: str, moving: bool) -> None:
    """Play a picture of pages/_home/pictures.py; at a stand-still, its end is shown."""
    _REEL(key=key, data=packing.told({**picture, "moving": moving}))
