"""Draws the specs of core/charts.py."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st


def draw(spec: dict[str, Any], rows: list[dict[str, Any]] | pd.DataFrame, alt: str, **options: Any) -> Any:
    """Draw a chart; with no rows yet, the empty frame. Options go to ``st.vega_lite_chart``."""
    return st.vega_lite_chart(pd.DataFrame(rows), spec, width="stretch", alt=alt, **options)


def ink() -> str:
    """The colour of text in charts: that of the viewer's theme, or a grey that can be read on both."""
    return {"light": "#31333f", "dark": "#e6e6e6"}.get(st.context.theme.type or "", "#808080")
