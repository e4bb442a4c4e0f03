"""Below the picture: depth, a tab at a time. Only the chosen tab is worked out."""

from __future__ import annotations

import inspect

import streamlit as st

from core import classifier
from core.data import DataMissing
from core.runs import Run, RunError
from pages._classifier import confusion, fair_fight, look_inside, numbers
from pages._classifier.settings import Settings

NAMES = ("Fair fight", "Confusion", "Look inside", "Numbers", "How it works", "Source")


def draw(settings: Settings, pair: dict[str, Run | None], epoch: int, quick: bool) -> None:
    """Draw the row of names, and what belongs to the chosen one.

    Not ``st.tabs``: its tabs take no clicks for a moment in every run of the page. ``quick``: a click in here runs only
    this part of the page. Not while a training is followed: the click would wait until that has ended.
    """
    part = st.fragment(_chosen) if quick else _chosen
    part(settings, pair, epoch)


def _chosen(settings: Settings, pair: dict[str, Run | None], epoch: int) -> None:
    contents = (fair_fight.draw, confusion.draw, look_inside.draw, numbers.draw, _how, _source)
    chosen = st.segmented_control(
        "Look closer",
        NAMES,
        default=NAMES[0],
        required=True,
        key="clf_tab",
        bind="query-params",
        label_visibility="collapsed",
    )
    try:
        contents[NAMES.index(chosen)](settings, pair, epoch)
    except (DataMissing, RunError, ValueError) as error:  # images or weights are gone or damaged: the message says it
        st.info(str(error))


def _how(settings: Settings, pair: dict[str, Run | None], epoch: int) -> None:
    text, table = st.columns(2, gap="large")
    text.markdown(
        "**The idea.** A network learns by taking small steps downhill on its loss. The *optimizer* decides how a "
        "gradient becomes a step: SGD moves straight along it, momentum keeps rolling, Adam gives every weight a step "
        "size of its own. The *learning rate* scales the step, and a good rate for one optimizer is a bad one for "
        "another.\n\n"
        "**The catch.** The course compared SGD with Adam at the same learning rate, 0.001. That is a usual rate for "
        "Adam and a very small one for SGD without momentum. Comparing optimizers fairly means giving each its own "
        "best rate, and more than one seed."
    )
    table.markdown(
        "**The network**, CNN-basic, on images of 32 × 32 pixels:\n\n"
        "| layer | result |\n|---|---|\n| normalise each channel | 32 × 32 |\n"
        "| convolution 5 × 5, stride 3, 24 maps, activation | 10 × 10 × 24 |\n"
        "| convolution 3 × 3, stride 2, 48 maps, activation | 4 × 4 × 48 |\n"
        "| convolution 3 × 3, stride 1, 72 maps, activation | 2 × 2 × 72 |\n| linear | one number a class |\n\n"
        "No padding, no pooling. Loss: cross-entropy. No weight decay, except in AdamW (0.01)."
    )


def _source(settings: Settings, pair: dict[str, Run | None], epoch: int) -> None:
    st.caption("The training loop that ran, from core/classifier. Nothing else trains this network.")
    st.code(inspect.getsource(classifier.train), language="python")
