"""Who looks at the page: a name for this browser session, under which it starts and watches trainings."""

from __future__ import annotations

import uuid

import streamlit as st


def me() -> str:
    """The name of this session, the same for as long as its tab is open."""
    return st.session_state.setdefault("viewer", uuid.uuid4().hex)
