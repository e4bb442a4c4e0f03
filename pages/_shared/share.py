"""Share and reproduce: the link to the setting on the screen, and the commands that make its runs again."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st


def popover(commands: dict[str, str]) -> None:
    """A button with the link and a command for each run (side → command line)."""
    with st.popover("Share & reproduce", icon=":material/link:"):
        st.caption("This link opens the page with exactly these settings.")
        st.code(link(), language=None, wrap_lines=True)
        st.caption("These commands train the same runs again. The same machine and images give the same numbers.")
        for side, command in commands.items():
            st.code(f"{command}   # {side}", language="bash", wrap_lines=True)


def link() -> str:
    """The address of the page with every setting that differs from the default."""
    query = urlencode([(key, value) for key in st.query_params for value in st.query_params.get_all(key)])
    address = (st.context.url or "").split("?")[0]
    return f"{address}?{query}" if query else address
