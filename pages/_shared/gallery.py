"""A row of small pictures, crisp and large enough for the back row, each with two lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape

import numpy as np
import streamlit as st

from core.images import png_uri

SIDE = 72  # pixels of a picture on the page


def draw(pictures: np.ndarray, first: Sequence[str], second: Sequence[str]) -> None:
    """Show uint8 (N, C, H, W) pictures; ``first`` and ``second`` are their lines of text, shown as they are."""
    figures = (
        f'<figure style="margin:0;width:{SIDE + 16}px"><img src="{_uri(picture)}" alt="{escape(f"{one}, {two}")}" '
        f'style="width:{SIDE}px;height:{SIDE}px;image-rendering:pixelated;border-radius:4px">'
        f'<figcaption style="font-size:13px;line-height:1.25;overflow-wrap:anywhere">{escape(one)}<br>'
        f"<b>{escape(two)}</b></figcaption></figure>"
        for picture, one, two in zip(pictures, first, second, strict=True)
    )
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:10px 4px">{"".join(figures)}</div>')


def _uri(picture: np.ndarray) -> str:
    return _kept_uri(picture.shape, picture.tobytes())


@lru_cache(maxsize=2048)  # up to 3 kB each, and as much for its pixels
def _kept_uri(shape: tuple[int, ...], pixels: bytes) -> str:
    return png_uri(np.frombuffer(pixels, np.uint8).reshape(shape))
