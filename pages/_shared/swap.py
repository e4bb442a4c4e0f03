"""A button that gives A the settings of B, and B those of A."""

from __future__ import annotations

import streamlit as st

HELP = "Swap A and B (X)"


def button(a: str, b: str) -> None:
    """Draw it; ``a`` and ``b``: how the keys of the controls of each side begin."""
    st.button("Swap", icon=":material/swap_horiz:", key="swap", help=HELP, on_click=_swap, args=(a, b))


def _swap(a: str, b: str) -> None:
    begun = [key for key in st.session_state if isinstance(key, str) and key.startswith(a)]
    pairs = [(key, twin) for key in begun if (twin := b + key.removeprefix(a)) in st.session_state]
    if all(st.session_state[key] == st.session_state[twin] for key, twin in pairs):
        st.toast("What can be swapped is the same in A and in B.", icon=":material/info:")
    for key, twin in pairs:
        st.session_state[key], st.session_state[twin] = st.session_state[twin], st.session_state[key]
