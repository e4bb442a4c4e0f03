"""Links that come from outside: nothing in them may stop a page."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state import session_state

PRESET = "preset"  # in a link: everything that it does not name goes back to its default

KEPT = ("viewer", "lesson")  # in the session state: what no preset forgets
PLACE = ":seen"  # at the end of a key: where a viewer is in a picture, as scrubber.follow has it

_parse = session_state.parse_url_param


def forget_for_preset() -> None:
    """Forget what the viewer has chosen before if the link is a preset; otherwise it would shine through.

    Streamlit keeps the choices of a page that was left, and takes those for what a link does not name.
    """
    if PRESET in st.query_params:
        del st.query_params[PRESET]
        places = [key for key in st.session_state if str(key).endswith(PLACE)]
        kept = {*places, *(key.removesuffix(PLACE) for key in places)}
        for key in [key for key in st.session_state if key not in kept and not str(key).startswith(KEPT)]:
            del st.session_state[key]
        for key in places:  # the browser keeps saying where the viewer went; what the link asks for counts as new
            st.session_state[key] = {**st.session_state[key], "at": None}
        if context := get_script_run_ctx():
            context.is_history_navigation = True  # as after the Back of a browser: the link decides alone


def refuse_infinite() -> None:
    """Make "nan", "inf" and no choice at all count as wrong values in a link, so that the control takes its default.

    Streamlit 1.67 catches every other wrong value, but a control for whole numbers stops the page over the first two,
    and segments of which one is required come without one. Its own reader of links is replaced by one that refuses
    them; doing so again changes nothing.
    """
    session_state.parse_url_param = _finite


def _finite(value: str | list[str], value_type: str) -> Any:
    parsed = _parse(value, value_type)
    if parsed == []:  # no control that takes several values has some by default: none is the default, or wrong
        raise ValueError("nothing is chosen")
    for number in parsed if isinstance(parsed, list) else [parsed]:
        if isinstance(number, float) and not math.isfinite(number):
            raise ValueError(f"{value!r} is not a finite number")
    return parsed
