"""The first line of a page: its name, the question that it answers, and what every page has at the right."""

from __future__ import annotations

import streamlit as st

from pages._shared import lesson, swap


def draw(title: str, question: str, sides: tuple[str, str] | None = None) -> st.delta_generator.DeltaGenerator:
    """Draw the line; returns the place in it for the page's own button.

    ``sides``: how the keys of A's and of B's controls begin, for a button that swaps them.
    """
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="medium", width="content"):
            st.title(title, anchor=False, width="content")
            st.caption(question, width="content")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content", key="corner"):
            lesson.menu()
            if sides:
                swap.button(*sides)
            place = st.container(width="content")
    return place
