"""Below the picture: depth, a tab at a time. Only the chosen tab is worked out."""

from __future__ import annotations

import inspect

import streamlit as st

from core.data import DataMissing
from core.embeddings import layouts
from core.runs import RunError
from pages._embeddings import digit, numbers, real
from pages._embeddings.picture import Found
from pages._embeddings.settings import Settings

NAMES = ("Is this real?", "Your digit", "Numbers", "How it works", "Source")


def draw(settings: Settings, found: Found, frame: int, quick: bool) -> None:
    """Draw the row of names, and what belongs to the chosen one.

    ``quick``: a click in here runs only this part of the page. Not while something is followed: the click would wait
    until that has ended.
    """
    part = st.fragment(_chosen) if quick else _chosen
    part(settings, found, frame)


def _chosen(settings: Settings, found: Found, frame: int) -> None:
    contents = (real.draw, digit.draw, numbers.draw, _how, _source)
    chosen = st.segmented_control("Look closer", NAMES, default="How it works", required=True, key="emb_tab",
                                  bind="query-params", label_visibility="collapsed")  # fmt: skip
    try:
        contents[NAMES.index(chosen)](settings, found, frame)
    except (DataMissing, RunError, ValueError) as error:  # images or weights are gone or damaged: the message says it
        st.info(str(error))


def _how(settings: Settings, found: Found, frame: int) -> None:
    one, two = st.columns(2, gap="large")
    one.markdown(
        "**The idea.** A network turns an image into a list of numbers, its *features*; the last layer only draws "
        "straight lines through them. To draw 64 numbers an image, we squeeze them into two.\n\n"
        "**PCA** looks at the cloud of points from the side where it is widest. It keeps large distances, is the same "
        "every time, and shows the share of the variance that lies in two directions.\n\n"
        "**t-SNE** cares about neighbours: each point should keep about as many as the *perplexity* says. It pulls "
        "them together and pushes all others apart, in hundreds of small steps."
    )
    two.markdown(
        "**What a t-SNE map does not say.** The size of a clump, the distance between two, and where one lies mean "
        "little. Another seed turns the map, and another perplexity may split a clump or merge two. Noise forms "
        "clumps as well.\n\n"
        "**What to check.** *kNN* below each map compares the plane with the original space. *Trust* near 1 means "
        "that neighbours in the plane are real ones. A click on a point shows which neighbours the map invented and "
        "which it lost.\n\n"
        "Maps of neighbouring epochs are turned and mirrored to match. Those of t-SNE are never stretched: motion "
        "means change. PCA maps each fill their frame, as features grow while a network learns."
    )


def _source(settings: Settings, found: Found, frame: int) -> None:
    st.caption("What made the t-SNE maps, from core/embeddings/layouts.py; the gradient steps are openTSNE's.")
    st.code(inspect.getsource(layouts.tsne), language="python")
