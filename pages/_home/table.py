"""What the course measured, and what we measure: a row a figure."""

from __future__ import annotations

import streamlit as st

from pages._home import overview
from pages._shared import words
from pages._shared.links import PRESET

HEAD = (
    "The course's figures as reported; ours are means over the seeds recorded, with the lowest and the highest. Every "
    "number of ours is read from the run records."
)


def draw() -> None:
    """Draw the heading and the rows."""
    st.subheader("What the course measured, and what we measure", anchor=False)
    st.caption(HEAD)
    with st.container(key="home_table", gap="xsmall"):  # home.css makes it a grid: columns would be three blocks a row
        st.html('<div class="home-row home-head"><small>Figure</small><small>Course</small><small>Ours</small>'
                "<small>Why</small></div>")  # fmt: skip
        for row in overview.shown()["rows"]:
            st.html(row["cells"])
            st.page_link(f"{row['page']}.py", label="Show it", icon=":material/arrow_forward:",
                         help=f"Open {words.TITLES[row['page']]} at this setting",
                         query_params={**row["query"], PRESET: "1"})  # fmt: skip
