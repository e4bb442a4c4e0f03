"""What was measured of the networks of both sides: recorded with the run, or measured here when asked for."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import limits
from core.adversarial import measures
from pages._adversarial import library
from pages._adversarial.library import Known
from pages._adversarial.settings import Settings

ASKED = "adv_measure"  # in the session state: identities of the networks that the viewer had measured


def sides(chosen: Settings) -> dict[str, Known]:
    """A and, where it is another network, B."""
    return {"A": chosen.a} if chosen.a == chosen.b else {"A": chosen.a, "B": chosen.b}


def metrics(side: str, known: Known) -> dict[str, Any] | None:
    """``matrix`` and ``curves`` of a network; None, and a button, where they are not measured yet."""
    if known.recorded:
        return known.metrics
    if known.identity not in st.session_state.get(ASKED, ()):
        count = min(library.MEASURED, len(library.examples(known.dataset)[0].labels))
        st.caption(f"**{side}** {known.title}: nothing of this is recorded with its run.")
        if limits.read_only():
            return None
        st.button(f"Measure it on {count} test images", icon=":material/speed:", key=f"adv_measure_{side.lower()}",
                  on_click=_ask, args=(known.identity,))  # fmt: skip
        return None
    return library.measured(known.name, known.identity, known)


def _ask(identity: str) -> None:
    st.session_state[ASKED] = (*st.session_state.get(ASKED, ()), identity)


def images(known: Known) -> str:
    """On how many images the curves rest, in words."""
    few = min(library.MEASURED, len(library.examples(known.dataset)[0].labels))
    return f"{measures.CURVE_IMAGES if known.recorded else few} test images"
