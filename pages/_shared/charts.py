"""Draws the specs of core/charts.py."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import streamlit as st


def draw(spec: dict[str, Any], rows: list[dict[str, Any]] | pa.Table, alt: str, **options: Any) -> Any:
    """Draw a chart; with no rows yet, the empty frame. Options go to ``st.vega_lite_chart``."""
    rows = rows if isinstance(rows, pa.Table) else table(rows)
    return st.vega_lite_chart(rows, spec, width="stretch", alt=alt, **options)


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as a chart gets them, a tenth of the work that pandas makes of it. NaN and what a row lacks are gaps."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows], from_pandas=True) for name in names})


def ink() -> str:
    """The colour of text in charts: that of the viewer's theme, or a grey that can be read on both."""
    return {"light": "#31333f", "dark": "#e6e6e6"}.get(st.context.theme.type or "", "#808080")
