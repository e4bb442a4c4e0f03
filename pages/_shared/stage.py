"""The place of a page's picture, or of what grows while a training is followed.

What stands there stays from run to run of the page until something else takes its place. An empty place, sent before
what fills it, would take a picture off the screen whenever the browser draws in between: the page would jump, and the
picture come back without what its viewer did to it.
"""

from __future__ import annotations

import streamlit as st


def place(topic: str) -> st.delta_generator.DeltaGenerator:
    """Of a topic. What is drawn there begins with all that can be seen, in one element or one container.

    While a training is followed, what else the page had drawn there before stays.
    """
    return st.container(gap="xsmall", key=f"stage_{topic}")


def empty(told: str, height: int) -> None:
    """A sentence in the room of a picture, ``height`` pixels high: so nothing jumps when the picture comes."""
    with st.container(height=height, border=True, horizontal_alignment="center", vertical_alignment="center"):
        st.markdown(told, width="content")


class Slot:
    """A place in a container that is drawn again and again, as ``with slot: …``.

    It is made, empty, when it is drawn first: work out before what is drawn, so that it is filled at once.
    """

    def __init__(self, within: st.delta_generator.DeltaGenerator) -> None:
        self._within = within
        self._place: st.delta_generator.DeltaGenerator | None = None

    def __enter__(self) -> None:
        if self._place is None:
            self._place = self._within.empty()
        self._place.__enter__()

    def __exit__(self, *raised: object) -> None:
        self._place.__exit__(*raised)
