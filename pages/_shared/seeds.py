"""One switch on every page: bands over the seeds that were recorded with the same settings."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

KEY = "bands"  # the same on every page, so that a lecturer switches once
HELP = "From the lowest to the highest value of the seeds that were recorded with these settings."


def switch() -> bool:
    """Draw the switch; returns whether bands are to be drawn."""
    return st.toggle("Bands over recorded seeds", True, help=HELP, key=KEY, bind="query-params")


def band(curves: Sequence[Sequence[float]], count: int) -> list[list[float]] | None:
    """The lowest and the highest value at each of ``count`` points; None where there are not two whole curves."""
    whole = [values[:count] for values in curves if len(values) >= count]
    if len(whole) < 2 or len(whole) < len(curves):
        return None
    return [[min(values), max(values)] for values in zip(*whole, strict=True)]
