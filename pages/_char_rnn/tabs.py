"""Below the picture: depth, a tab at a time. Only the chosen tab is worked out."""

from __future__ import annotations

import inspect

import streamlit as st

from core import char_rnn
from core.char_rnn import writing
from core.data import DataMissing
from core.runs import RunError
from pages._char_rnn import copy, loss, own, unit_strip
from pages._char_rnn.picture import Shown
from pages._char_rnn.settings import Settings

NAMES = ("Loss", "Did it copy?", "Units", "Your text", "How it works", "Source")


def draw(settings: Settings, frames: list[tuple[str, list[Shown]]], quick: bool) -> None:
    """Draw the row of names, and what belongs to the chosen one.

    ``quick``: a click in here runs only this part of the page. Not while something is followed: the click would wait
    until that has ended.
    """
    part = st.fragment(_chosen) if quick else _chosen
    part(settings, frames)


def _chosen(settings: Settings, frames: list[tuple[str, list[Shown]]]) -> None:
    contents = (loss.draw, copy.draw, unit_strip.draw, own.draw, _how, _source)
    chosen = st.segmented_control("Look closer", NAMES, default=NAMES[0], required=True, key="rnn_tab",
                                  bind="query-params", label_visibility="collapsed")  # fmt: skip
    try:
        contents[NAMES.index(chosen)](settings, frames)
    except (DataMissing, RunError, ValueError) as error:  # a text or weights are gone or damaged: the message says it
        st.info(str(error))


def _how(settings: Settings, frames: list[tuple[str, list[Shown]]]) -> None:
    one, two = st.columns(2, gap="large")
    one.markdown(
        "**The idea.** The network reads one character at a time. Each changes its *state*, 200 numbers in all, and "
        "from the state it says how probable each of the 100 printable characters is to come next. To write, draw one "
        "of them, read it, and go on. Nobody tells it of words, names or verses.\n\n"
        "**Surprise** is −log₂ of the probability that the network gave to a character: 1 bit is a coin toss, 8 bits "
        "one in 256. The mean surprise is the loss, there in nats (1 nat is 1.44 bits).\n\n"
        "**Entropy** is the surprise that the network expects before the character comes."
    )
    two.markdown(
        "**Temperature** divides the network's scores before they become probabilities. Below 1 the probable becomes "
        "more probable; at 0 the most probable character always wins. **Top-k** leaves out all but the k most "
        "probable.\n\n"
        "**The same draws.** Each character is decided by one random number, the i-th by the i-th of the seed. It "
        "falls on the same letter wherever the distributions agree there, so two texts part only because two networks, "
        "or two temperatures, expect something else.\n\n"
        "**Training.** Batches of 100 random chunks of 200 characters from eight plays by Shakespeare; Adam at "
        "learning rate 0.01, 2\u202f000 iterations; embedding, two recurrent layers of 100 units, linear layer."
    )


def _source(settings: Settings, frames: list[tuple[str, list[Shown]]]) -> None:
    st.caption("The training loop, from core/char_rnn, and one character written, from core/char_rnn/writing.py.")
    one, two = st.tabs(["Training", "Writing"])
    one.code(inspect.getsource(char_rnn.train), language="python")
    two.code(inspect.getsource(writing.Writer.step), language="python")
