"""Text with a colour behind each character, shown as it is: white space kept, nothing in it taken for markup."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

import streamlit as st

SIGNS = {"\t": "⇥\t", "\n": "↵\n", "\r": "␍", "\v": "␋", "\f": "␌"}
STYLE = (
    "font-family:var(--st-code-font,'Source Code Pro',monospace);font-size:16px;line-height:25px;white-space:pre-wrap;"
    "overflow-wrap:anywhere;overflow:auto;padding:8px 10px;border:1px solid #8884;border-radius:6px;height:{height}px"
)


def draw(text: str, colours: Sequence[str], height: int, titles: Sequence[str] | None = None) -> None:
    """Show a text with a CSS colour ("" for none), and a tooltip, for each character, in a box of a fixed height."""
    titles = titles or [""] * len(text)
    parts = [_span("".join(char for char, _, _ in run), *look)
             for look, run in groupby(zip(text, colours, titles, strict=True), key=lambda each: each[1:])]  # fmt: skip
    st.html(f'<div style="{STYLE.format(height=height)}">{"".join(parts)}</div>')


def _span(text: str, colour: str, title: str) -> str:
    shown = escape("".join(SIGNS.get(char, char) for char in text))
    style = f' style="background:{colour};border-radius:2px"' if colour else ""
    told = f' title="{escape(title)}"' if title else ""
    return f"<span{style}{told}>{shown}</span>" if style or told else shown
