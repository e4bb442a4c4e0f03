"""A sample that was clicked: large, with what the judge says and with the training images that are nearest to it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import data, images
from core.gan.measures import MEASURES
from core.gan.sheets import SHOWN, cells
from core.runs import RunError
from pages._gan import library, picture
from pages._gan.library import Found
from pages._gan.settings import Settings, short
from pages._shared import gallery, words
from pages._shared.components.scrubber import picked

LARGE = 252  # pixels of the sample on the page
NEAREST = 8
SPACES = {"pixel by pixel": "pixels", "in the judge's features": "features"}


def open_clicked(settings: Settings, found: Found) -> None:
    """Open the sample that the viewer has just clicked in the picture, if one was."""
    clicked = picked(picture.KEY)
    labels = picture.frames(settings, found)
    if clicked is None or clicked[0] not in found or not (0 <= clicked[1] < SHOWN and 0 <= clicked[2] < len(labels)):
        return
    side, place, frame = clicked
    steps = [step for step in library.steps(found[side], settings.iterations) if step <= labels[frame]]
    if steps:
        _dialog(settings, found, side, place, steps[-1])


@st.dialog("A sample and its nearest training images", width="large")
def _dialog(settings: Settings, found: Found, side: str, place: int, step: int) -> None:
    try:
        drawn = cells(found[side].sample(step))[place]
        st.caption(f"{side}, {short(settings.sides[side])}, after {words.count(step)} iterations: sample {place}")
        large, near = st.columns([2, 5], gap="medium")
        with large:
            _large(drawn)
        with near:
            for title, space in SPACES.items():
                st.markdown(f"**Nearest {title}**")
                _near(drawn, space)
    except RunError as error:  # the sheet is damaged or gone: the message says it
        st.info(str(error))
        return
    st.caption(f"A generator that had learned images by heart would draw them. {MEASURES['nearest'].misses}")
    row = st.container(horizontal=True)
    begins = row.button("Walk from here", key="gan_walk_from", on_click=_walk, args=("gan_from", side, place))
    ends = row.button("Walk to here", key="gan_walk_to", on_click=_walk, args=("gan_to", side, place))
    if begins or ends:
        st.rerun()  # the whole page: closes the dialog


def _large(drawn: np.ndarray) -> None:
    called, certainty = library.verdict(drawn.tobytes())
    st.html(f'<img src="{images.png_uri(drawn)}" alt="The sample" style="width:{LARGE}px;height:{LARGE}px;'
            'image-rendering:pixelated;border-radius:6px">')  # fmt: skip
    st.markdown(f"The judge says **{called}**, {words.percent(certainty, 0)} certain.")


def _near(drawn: np.ndarray, space: str) -> None:
    train = data.load("mnist").train
    places, distances = library.nearest(drawn.tobytes(), space, NEAREST)
    gallery.draw(train.images[places], [f"{distance:.1f} away" for distance in distances],
                 [str(label) for label in train.labels[places]])  # fmt: skip


def _walk(key: str, side: str, place: int) -> None:
    """The walk below begins, or ends, with this sample."""
    st.session_state[key] = place
    st.session_state["gan_walk_of"] = side
    st.session_state["gan_tab"] = "Latent space"
