"""The first line of a page: its name, the question that it answers, and a place for buttons at the right."""

from __future__ import annotations

import streamlit as st


def draw(title: str, question: str) -> st.delta_generator.DeltaGenerator:
    """Draw the line; returns the container at its right end."""
    left, right = st.columns([5, 1], vertical_alignment="center")
    with left.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title(title, anchor=False, width="content")
        st.caption(question, width="content")
    return right.container(horizontal=True, horizontal_alignment="right")
