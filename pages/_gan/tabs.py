"""Below the picture: depth, a tab at a time. Only the chosen tab is worked out."""

from __future__ import annotations

import inspect

import streamlit as st

from core.data import DataMissing
from core.gan import match, objectives
from core.runs import RunError
from pages._gan import latent, numbers, over_time, same
from pages._gan.library import Found
from pages._gan.settings import Settings

NAMES = ("Same or different?", "Over time", "Latent space", "Numbers", "How it works", "Source")


def draw(settings: Settings, found: Found, iteration: int, quick: bool) -> None:
    """Draw the row of names, and what belongs to the chosen one.

    ``quick``: a click in here runs only this part of the page. Not while something is followed: the click would wait
    until that has ended.
    """
    part = st.fragment(_chosen) if quick else _chosen
    part(settings, found, iteration)


def _chosen(settings: Settings, found: Found, iteration: int) -> None:
    contents = (same.draw, over_time.draw, latent.draw, numbers.draw, _how, _source)
    chosen = st.segmented_control("Look closer", NAMES, default=NAMES[0], required=True, key="gan_tab",
                                  bind="query-params", label_visibility="collapsed")  # fmt: skip
    try:
        contents[NAMES.index(chosen)](settings, found, iteration)
    except (DataMissing, RunError, ValueError) as error:  # weights are gone, damaged or of another run: it says which
        st.info(str(error))


def _how(settings: Settings, found: Found, iteration: int) -> None:
    one, two = st.columns(2, gap="large")
    one.markdown(
        "**The idea.** The *generator* G turns random numbers z into pictures. The *discriminator* D is shown training "
        "images x and pictures G(z), and says how probable it is that a picture is real. D learns to tell them apart, "
        "G learns to fool D, a step each in turn.\n\n"
        "**Mode collapse.** Nothing in G's loss asks for variety. A G that draws one digit so well that D cannot "
        "object has nothing to gain from the others. *Variety* is the entropy of the digits that a judge sees in "
        "2\u202f000 samples: 1 for all ten equally often, 0 for one alone.\n\n"
        "**The judge** is a small convolutional network for digits, 99\u202f% right on test images. It names a digit "
        "for any picture, even for noise: *certainty* says how sure it is."
    )
    two.markdown(
        "**The networks**, as in the course:\n\n| | G | D |\n|---|---|---|\n"
        "| in | z, 100 numbers from N(0, 1) | 784 pixels |\n| hidden | linear 128, ReLU | linear 128, ReLU |\n"
        "| out | linear 784, sigmoid | linear 1 (sigmoid) |\n\n"
        "Weights from N(0, 2/inputs), biases 0. Batch 64, Adam at learning rate 0.001 for both, pixels in [0, 1].\n\n"
        "**In lock-step.** A and B start from the same weights, see the same batches in the same order and are looked "
        "at with the same 64 z. So the picture at one place of both sheets comes from one z, and what differs between "
        "them comes from what differs in the settings."
    )


def _source(settings: Settings, found: Found, iteration: int) -> None:
    st.caption("One iteration, from core/gan/match.py, and the losses, from core/gan/objectives.py.")
    one, two = st.tabs(["Training", "Losses"])
    one.code(inspect.getsource(match.Match), language="python")
    two.code(inspect.getsource(objectives), language="python")
