"""A popover whose content is drawn only while it is open: what nobody looks at costs no page anything."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st


def popover(label: str, icon: str, key: str, draw: Callable[[], None]) -> None:
    """A button that opens what ``draw`` draws. ``key``: of whether it is open."""
    place = st.popover(label, icon=icon, key=key, on_change="rerun")
    if place.open:
        with place:
            draw()
