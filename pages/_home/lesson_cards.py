"""The lessons: a card each, all of which is the link to the first step."""

from __future__ import annotations

import streamlit as st

from pages._shared import lesson
from pages._shared.lessons import lessons, problems

NARROWEST = 300  # pixels of a card: three stand side by side on a projector


def draw() -> None:
    """Draw the heading and the cards; a file that can't be used is named, with the reason."""
    st.subheader("Lessons", anchor=False)
    st.caption("Ready paths through the pages, for a lecture or alone: bet first, then see. The key N leads on.")
    with st.grid(3, min_column_width=NARROWEST, gap="small"):
        for name, each in lessons().items():
            with st.container(border=True, key=f"home_lesson_{name}", gap="xsmall", height="stretch"):
                lesson.link(each, 1, each.title)
                st.caption(f"{each.question}  \n:small[{len(each.steps)} steps, {each.minutes} minutes]")
    for problem in problems():
        st.warning(problem, icon=":material/warning:")
