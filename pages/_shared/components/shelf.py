"""What is heavy about a picture, sent apart from it and kept in the browser under a name.

A control that changes the rest of the picture then does not send it again: the message is the one of before, Streamlit
tells a browser that has it no more than its hash, and shelf.js reads no further than the name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import streamlit as st

from pages._shared.components import packing

_SHELF = st.components.v2.component(
    "explorer_shelf", js=packing.joined(packing.SCRIPT, Path(__file__).with_name("shelf.js"))
)


def put(key: str, content: bytes) -> None:
    """Keep what ``packed`` made in the browser until the page is left, or this key keeps something else.

    ``key``: of the place on the page; it starts with "shelf_", which style.css does not show.
    """
    _SHELF(key=key, data=content)


def packed(name: str, content: Any) -> bytes:
    """Content for ``put``; worth making once for all viewers.

    ``name``: what others on the page find the content by. It changes when the content does, and no two places of a page
    have the same.
    """
    return f"{json.dumps(name)}\n{packing.encoded(content).json}".encode()
